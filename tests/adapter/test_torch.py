"""PyTorch modules, to and fro; needs the extra ``eisim[torch]``, else it is skipped."""

import copy
import io
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from eisim import InputError, Readout, decode, from_dnn, from_torch, read_onnx, silence, synthesize, to_dnn, to_torch
from eisim.functions import TRUTH_TABLES
from eisim.neurons import LIF, Logistic, Saturating, Step, ThresholdLinear
from eisim.run.export import write_network
from models import xor
from tests.support.drawn import draw_circuit

pytestmark = pytest.mark.slow


def test_without_torch_one_line_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    dnn = to_dnn(synthesize(TRUTH_TABLES["xor"], kind="rate"))
    for call in (lambda: to_torch(dnn), lambda: from_torch(None, (2,)), lambda: dnn.save(tmp_path / "x.pt2")):
        with pytest.raises(InputError, match=r"^PyTorch: expected the package torch.*pip install 'eisim\[torch\]'"):
            call()


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def residual(torch):
    """Convolutions, batch normalisation, pooling and a shortcut."""
    nn = torch.nn

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2))
            self.second = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.Dropout())
            self.pool, self.read = nn.AvgPool2d(2), nn.Linear(16, 3)

        def forward(self, x):
            x = self.first(x)
            x = self.pool(torch.relu(self.second(x) + x))
            return self.read(torch.flatten(x, 1))

    module = Residual()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
    return module


def parts(torch):
    nn = torch.nn
    return nn.Sequential(
        nn.Conv1d(3, 4, 3, stride=2), nn.LeakyReLU(0.1), nn.Flatten(), nn.Linear(16, 6), nn.PReLU(), nn.Linear(6, 5),
        nn.ReLU6(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3), nn.Softmax(-1),
    )  # fmt: skip


@pytest.mark.parametrize(("make", "shape"), [(residual, (2, 8, 8)), (parts, (3, 9))])
def test_reads_what_the_module_computes(torch, make, shape, tmp_path):
    torch.manual_seed(0)
    module = make(torch).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    dnn = from_torch(module, shape)
    assert module.training and all(part.training for part in module.modules())
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    x = torch.randn(5, *shape)
    with torch.no_grad():
        logits = torch.nn.Sequential(*list(module)[:-1]) if make is parts else module
        theirs = logits.eval()(x).numpy()
    assert dnn(x.reshape(5, -1).numpy()) == pytest.approx(theirs, abs=1e-5)
    assert from_torch(module, x)(x.reshape(5, -1).numpy()) == pytest.approx(theirs, abs=1e-5)
    from_dnn(dnn, signed_inputs=True)
    for dynamo in (True, False):  # the files that both of torch's exporters write
        path = tmp_path / f"{dynamo}.onnx"
        torch.onnx.export(module.eval(), (x,), path, dynamo=dynamo, verbose=False)
        assert read_onnx(path)(x.reshape(5, -1).numpy()) == pytest.approx(theirs, abs=1e-5)


def pooled(torch):
    """Maxima of overlapping windows, before and after the activation, of the whole image, and with no activation."""
    nn = torch.nn
    yield nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.Conv2d(3, 2, 2), nn.Tanh())
    yield nn.Sequential(nn.Conv2d(1, 3, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(27, 4))
    yield nn.Sequential(nn.Conv2d(1, 3, 3), nn.MaxPool2d(6), nn.Sigmoid(), nn.Flatten(), nn.Linear(3, 4))
    yield nn.Sequential(nn.Conv2d(1, 3, 3, bias=False), nn.MaxPool2d(3), nn.Flatten(), nn.Linear(12, 4))


@pytest.mark.parametrize("which", range(4))
def test_a9_a_maximum_stays_one_without_negative_weights(torch, which):
    """As PyTorch computes it with the same weights: only they are scaled, not what a maximum is made of."""
    torch.manual_seed(1)
    module = list(pooled(torch))[which].double()
    dnn = from_torch(module, (1, 8, 8))
    x = torch.randn(6, 1, 8, 8, dtype=torch.float64)
    for factor in (1.0, 0.5, 0.0):
        changed = copy.deepcopy(module)
        with torch.no_grad():
            for name, parameter in changed.named_parameters():
                if name.endswith("weight"):
                    parameter[parameter < 0] *= factor
            theirs = changed(x).reshape(6, -1).numpy()
        found = dnn.with_negative_weights_scaled(factor)
        assert found(x.reshape(6, -1).numpy()) == pytest.approx(theirs, abs=1e-9)
        assert found.with_negative_weights_scaled(1.0)(x.reshape(6, -1).numpy()) == pytest.approx(theirs, abs=1e-9)


def test_a7_recurrent_module_that_keeps_dales_law(torch):
    """51 E and 13 I units over 40 steps: no twin for a linear output that is never negative."""
    nn = torch.nn

    class DaleRNN(nn.Module):
        def __init__(self):
            super().__init__()
            self.signs = torch.cat([torch.ones(51), -torch.ones(13)]).double()
            self.w_in, self.w = torch.rand(2, 64).double(), torch.rand(64, 64).double() / 64
            self.read = torch.rand(51, 3).double()

        def forward(self, x):
            h = torch.relu(x[:, 0] @ self.w_in)
            for t in range(1, 40):
                h = torch.relu(x[:, t] @ self.w_in + h @ (self.signs[:, None] * self.w))
            return h[:, :51] @ self.read

    torch.manual_seed(0)
    module = DaleRNN()
    dnn = from_torch(module, torch.zeros(1, 40, 2, dtype=torch.float64))
    circuit = from_dnn(dnn)
    assert circuit.n_inhibitory == 39 * 13  # the I units of the last step reach no output
    x = np.random.default_rng(0).random((4, 80))
    assert decode(dnn, to_dnn(circuit)(x)) == pytest.approx(dnn(x), abs=1e-9)


def test_what_cannot_be_mapped_is_named(torch):
    nn = torch.nn

    class Mixing(nn.Module):
        def forward(self, x):
            return (x - x[:1]).relu()

    class Two(nn.Module):
        def forward(self, x):
            return x, 2 * x

    encoder = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    for module, shape, message in (
        (nn.Sequential(nn.Linear(3, 3), nn.GELU()), (3,), "Sequential: 1/.*: the operation Gelu cannot be mapped"),
        (encoder, (3, 4), "TransformerEncoderLayer: self_attn/.*as in attention, cannot be mapped"),
        (Mixing(), (3,), "Mixing: expected a module that maps each sample by itself"),
        (Two(), (3,), "Two: expected one tensor out, found 2"),
        (nn.Linear(3, 2), (4,), "Linear: expected a module that torch.onnx can export"),
        (nn.Linear(3, 2), 3.5, "expected a tensor or a shape, found 3.5"),
        (nn.Linear(3, 2), (), "expected real inputs"),
        ("net.pt", (3,), "expected a torch.nn.Module, found 'net.pt'"),
    ):
        with pytest.raises(InputError, match=message) as caught:
            from_torch(module, shape)
        assert "\n" not in str(caught.value)


def networks():
    for kind in ("rate", "spiking"):
        yield from (to_dnn(synthesize(f, kind=kind).without_noise()) for f in TRUTH_TABLES.values())
    for seed in range(6):
        yield to_dnn(draw_circuit("rate", seed, feed_forward=True))
        yield to_dnn(draw_circuit("spiking", seed, feed_forward=True))


def test_writes_what_the_network_computes(torch):
    seen, silenced = set(), synthesize(TRUTH_TABLES["xor"], kind="rate")
    silenced = replace(silenced, readouts=[Readout(silenced.inhibitory_projections[0].source), *silenced.readouts])
    for dnn in (*networks(), to_dnn(silence(silenced))):
        x = 1.5 * np.random.default_rng(0).random((40, sum(size for _, size, _ in dnn.inputs)))
        module = to_torch(dnn)
        found = module(torch.from_numpy(x))
        assert found.detach().numpy() == pytest.approx(dnn(x), abs=1e-6)
        found.sum().backward()
        assert all(torch.isfinite(p.grad).all() for p in module.parameters() if p.grad is not None)
        seen |= {type(layer.neuron) for layer in dnn.layers} if dnn(x).any() else set()
    assert seen == {LIF, Logistic, Saturating, Step, ThresholdLinear}


def test_a_file_that_torch_reads_alone(torch, tmp_path):
    """From a chain of what both sides have: read, written, read by torch, and read again."""
    _, nothing = write_network(xor.circuit("spiking"), "torch", tmp_path / "xor.pt2")
    decided = torch.export.load(tmp_path / "xor.pt2").module()(torch.tensor(TRUTH_TABLES["xor"].patterns).double()) > 25
    assert decided[:, 0].tolist() == [False, True, True, False] and not nothing
    dnn = from_torch(parts(torch), (3, 9))
    dnn.save(tmp_path / "net.pt2")
    module = torch.export.load(tmp_path / "net.pt2").module()
    x = np.random.default_rng(0).normal(size=(7, 27))
    assert module(torch.from_numpy(x)).detach().numpy() == pytest.approx(dnn(x), abs=1e-6)
    assert from_torch(to_torch(dnn), (27,))(x) == pytest.approx(dnn(x), abs=1e-6)
    with zipfile.ZipFile(io.BytesIO((tmp_path / "net.pt2").read_bytes())) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    for name, content in contents.items():  # nothing pickled: JSON, numbers, and no example of an input
        assert not content.startswith((b"\x80", b"PK")) or "/weights/weight_" in name
        assert not name.endswith((".pt", ".pkl")) or content == b""


def test_noise_and_recurrence_are_refused(torch):
    with pytest.raises(InputError, match=r"PyTorch: layer 'coincidence_I1': expected an activation without noise"):
        to_torch(to_dnn(synthesize(TRUTH_TABLES["xor"], kind="spiking")))
    with pytest.raises(InputError, match="PyTorch: expected a feed-forward DNN"):
        to_torch(to_dnn(draw_circuit("rate", 0)))
