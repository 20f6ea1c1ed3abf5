"""Recurrent modules as the field writes them, against PyTorch in double precision; needs ``eisim[torch]``."""

import copy

import numpy as np
import pytest

from eisim import InputError, ablate, from_torch, simulate

torch = pytest.importorskip("torch")
nn, functional = torch.nn, torch.nn.functional

pytestmark = pytest.mark.slow
STEPS, DT = 9, 10e-3


class Masked(nn.Module):
    """Recurrent weights whose signs are those of a mask, a tensor in single precision that is no buffer."""

    def __init__(self, n, n_inhibitory):
        super().__init__()
        signs = torch.cat([torch.ones(n - n_inhibitory), -torch.ones(n_inhibitory)])
        self.mask = signs * (1 - torch.eye(n))
        self.weight = nn.Parameter(torch.randn(n, n) / n**0.5)
        self.bias = nn.Parameter(0.1 * torch.randn(n))

    def forward(self, rates):
        return functional.linear(rates, self.weight.abs() * self.mask, self.bias)


class Current(nn.Module):
    """Of Song's form, time first, with a readout from excitatory cells; it returns its rates, too."""

    def __init__(self, n=16, n_inhibitory=4, alpha=0.2, phi=torch.relu, noise=0.0):
        super().__init__()
        self.input, self.recurrent = nn.Linear(3, n), Masked(n, n_inhibitory)
        self.readout, self.alpha, self.phi, self.noise = nn.Linear(n - n_inhibitory, 2), alpha, phi, noise

    def forward(self, x):
        state = rates = torch.zeros(x.shape[1], len(self.recurrent.bias))
        found = []
        for u in x:
            state = (1 - self.alpha) * state + self.alpha * (self.recurrent(rates) + self.input(u))
            if self.noise:
                state = state + (2 * self.alpha) ** 0.5 * self.noise * torch.randn_like(state)
            rates = self.phi(state)
            found.append(rates)
        rates = torch.stack(found)
        return self.readout(rates[..., : self.readout.in_features]), rates


class Rate(nn.Module):
    """Of the form of rates, batch first, from a learnt state at the start."""

    def __init__(self, phi, alpha=0.3, n=12):
        super().__init__()
        self.input, self.recurrent, self.readout = nn.Linear(3, n), nn.Linear(n, n, bias=False), nn.Linear(n, 2)
        self.start, self.alpha, self.phi = nn.Parameter(torch.rand(n)), alpha, phi

    def forward(self, x):
        h, found = self.start.expand(len(x), -1), []
        for t in range(x.shape[1]):
            h = (1 - self.alpha) * h + self.alpha * self.phi(self.recurrent(h) + self.input(x[:, t]))
            found.append(self.readout(h))
        return torch.stack(found, dim=1)


class StateFirst(Rate):
    """Of Song's form, where the activation is applied at the beginning of a step and again for the readout."""

    def forward(self, x):
        h, found = self.start.expand(len(x), -1), []
        for t in range(x.shape[1]):
            h = h + self.alpha * (-h + self.recurrent(self.phi(h)) + self.input(x[:, t]))
            found.append(self.readout(self.phi(h)))
        return torch.stack(found, dim=1)


class Layer(nn.Module):
    """A layer of PyTorch with a readout of the last step, or one with a softmax of each."""

    def __init__(self, last, kind):
        super().__init__()
        self.layer, self.readout, self.last = nn.RNN(3, 8, nonlinearity=kind, batch_first=True), nn.Linear(8, 2), last

    def forward(self, x):
        rates, _ = self.layer(x)
        return self.readout(rates[:, -1]) if self.last else torch.softmax(self.readout(rates), dim=-1)


class Cells(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.readout = nn.RNNCell(3, 8), nn.Linear(8, 2)

    def forward(self, x):
        h, found = None, []
        for u in x:
            h = self.cell(u, h)
            found.append(self.readout(h))
        return torch.stack(found)


def inputs(trials=4, steps=STEPS):
    return np.random.default_rng(0).normal(size=(trials, steps, 3))


def theirs(module, u, time_first):
    """What the module returns in double precision: batch × time (or 1) × outputs."""
    module = copy.deepcopy(module).double()
    for part in module.modules():
        if hasattr(part, "mask"):
            part.mask = part.mask.double()
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    with torch.no_grad():
        found = module(torch.from_numpy(np.swapaxes(u, 0, 1).copy() if time_first else u))
    torch.set_default_dtype(before)
    found = (found[0] if isinstance(found, tuple) else found).numpy()
    if found.ndim == 2:
        return found[:, None]
    return np.swapaxes(found, 0, 1) if time_first else found


def rectified_tanh(x):
    return torch.tanh(x).clamp(min=0)


MODULES = {
    "current relu": (lambda: Current(), True),
    "current rectified tanh": (lambda: Current(phi=rectified_tanh), True),
    "current saturating": (lambda: Current(phi=lambda x: functional.hardtanh(x, 0, 0.4)), True),
    "rate tanh": (lambda: Rate(torch.tanh), False),
    "rate relu in place": (lambda: Rate(lambda x: functional.relu(x, inplace=True)), False),
    "rate softplus": (lambda: Rate(lambda x: functional.softplus(x, beta=2)), False),
    "one step sigmoid": (lambda: Rate(torch.sigmoid, alpha=1.0), False),
    "state first": (lambda: StateFirst(functional.softplus), False),
    "layer, last step": (lambda: Layer(True, "tanh"), False),
    "layer, softmax": (lambda: Layer(False, "relu"), False),
    "cells": (lambda: Cells(), True),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_the_same_network(name):
    torch.manual_seed(0)
    make, time_first = MODULES[name]
    module, u = make(), inputs()
    state = copy.deepcopy(module.state_dict())
    rnn = from_torch(module, (STEPS, 3), recurrent=None if "layer" in name or name == "cells" else True)
    assert all(torch.equal(state[key], value) for key, value in module.state_dict().items()), "left as it was"
    wanted = theirs(module, u, time_first)
    ours = rnn(u)[:, -wanted.shape[1] :]
    if "softmax" in name:
        ours = np.exp(ours) / np.exp(ours).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-12)
    if name.startswith("current"):
        assert rnn.form == "current" and (rnn.signs.count("E"), rnn.signs.count("I")) == (12, 4)


@pytest.mark.parametrize("kind", ["relu", "tanh"])
def test_a_layer_of_pytorch_is_the_same_circuit(kind):
    torch.manual_seed(0)
    layer = nn.RNN(3, 16, nonlinearity=kind, batch_first=True).double()
    cell = nn.RNNCell(3, 16, nonlinearity=kind, bias=False).double()
    u = inputs()
    given = torch.from_numpy(u)
    with torch.no_grad():
        all_steps, _ = layer(given)
        state, steps = torch.zeros(len(u), 16).double(), []
        for step in range(STEPS):
            state = cell(given[:, step], state)
            steps.append(state)
    for module, wanted in ((layer, all_steps), (cell, torch.stack(steps, dim=1))):
        rnn = from_torch(module)
        times = {"dt": DT, "duration": STEPS * DT, "window": DT, "backend": "numpy"}
        response = simulate(rnn.circuit, rnn.stimuli(u), record=True, **times)
        np.testing.assert_allclose(rnn.cells(response.traces), wanted.numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("pathways", [None, ["I->E"]])
def test_a_dale_network_of_64_cells_at_every_fraction(pathways):
    """51 E and 13 I cells over 40 steps: outputs are those of PyTorch with the same columns scaled."""
    torch.manual_seed(1)
    module, u, fractions = Current(64, 13), inputs(6, 40), (0.0, 0.25, 0.6, 1.0)
    rnn = from_torch(module, (40, 3), recurrent=True)
    circuit = rnn.circuit
    assert circuit.n_inhibitory == 13 and not rnn.twins
    times = {"dt": DT, "duration": 40 * DT, "window": DT, "backend": "numpy"}
    circuits = [ablate(circuit, fraction, projections=pathways) for fraction in fractions]
    for fraction, response in zip(fractions, simulate(circuits, rnn.stimuli(u), record=True, **times), strict=True):
        scaled = copy.deepcopy(module)
        scaled.recurrent.mask = scaled.recurrent.mask.double()  # 1 - fraction in single precision is another number
        scaled.recurrent.mask[: 51 if pathways else 64, 51:] = -(1 - fraction)
        scaled.recurrent.mask.fill_diagonal_(0)
        np.testing.assert_allclose(rnn.decode(response.traces), theirs(scaled, u, True), rtol=1e-10, atol=1e-10)


def test_a_module_of_a_fixed_number_of_steps_and_one_with_noise():
    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.weights = torch.rand(3, 8), torch.randn(8, 8) / 8

        def forward(self, x):
            into, recurrent = (each.to(x.dtype) for each in self.weights)
            h = torch.relu(x[:, 0] @ into)
            for t in range(1, 7):
                h = torch.relu(x[:, t] @ into + h @ recurrent)
            return h

    u = inputs(steps=7)
    module = Fixed()
    rnn = from_torch(module, torch.zeros(1, 7, 3), recurrent=True)
    np.testing.assert_allclose(rnn(u)[:, -1:], theirs(module, u, False), rtol=0, atol=1e-12)
    assert from_torch(Current(noise=0.3), (STEPS, 3), recurrent=True).noise == pytest.approx(0.3)


def test_what_is_no_layer_of_rate_units_is_refused():
    class Forgetting(Rate):
        def forward(self, x):
            h = self.start.expand(len(x), -1)
            for t in range(x.shape[1]):
                h = torch.sigmoid(self.input(x[:, t])) * h + torch.tanh(self.recurrent(h))
            return h

    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.RNN(3, 8, batch_first=True), nn.RNN(8, 8, batch_first=True)

        def forward(self, x):
            return self.two(self.one(x)[0])[0]

    class Failing(nn.Module):
        def forward(self, x):
            raise KeyError("nothing")

    chain = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    for module, example, line in (
        (nn.GRU(3, 4), None, r"GRU: expected a network without gates, found GRU: .*context changes.*\(T9\)"),
        (nn.Sequential(nn.LSTM(3, 4)), (5, 3), "Sequential: expected a network without gates, found LSTM as '0': "),
        (nn.RNN(3, 4, 2), None, "num_layers: expected 1, found 2: units of the second respond"),
        (
            nn.RNN(3, 4, bidirectional=True),
            None,
            r"expected False, found True, .* runs against time, .*\(T9\)",
        ),
        (Layer(True, "relu"), None, "Layer: expected an example, a tensor or a shape, whose last axis has the inputs"),
        (Layer(True, "relu"), (5, 4), "Layer: expected one layer of rate units.*found no activation of relu, softplus"),
        (Deep(), (5, 3), "found 8 calls of activations in 4 steps"),
        (Forgetting(torch.tanh), (5, 3), "found the activation sigmoid and tanh"),
        (Rate(functional.leaky_relu), (5, 3), "found the activation leaky_relu"),
        (Rate(lambda x: torch.relu(x) ** 2), (5, 3), "found drives that no such network has"),
        (Current(phi=torch.sigmoid), (5, 3), "found rates at the start that are no activation of a state"),
        (chain, (5, 3), "found no activation of relu"),
        (Failing(), (5, 3), "found no activation of relu"),
    ):
        with pytest.raises(InputError, match=line) as caught:
            from_torch(module, example, recurrent=None if example is None else True)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"from_torch: expected a tensor or a shape, found None"):
        from_torch(chain)


@pytest.mark.parametrize("layer", [nn.RNN(3, 4), nn.RNNCell(3, 4)])
def test_an_example_of_other_inputs_is_refused(layer):
    for example in ((3,), (2, 5, 3), torch.zeros(2, 5, 3), np.zeros((5, 3)), None):
        assert from_torch(layer, example).n_inputs == 3
    for example in ((2, 5, 4), "abc", 3, (0,), (-1, 3), (2.5, 3), [[1]], (1, 2, 3, 3), object(), torch.zeros(2, 4)):
        with pytest.raises(InputError, match=r"RNN.*: expected an example, .* whose last axis has 3 inputs, found"):
            from_torch(layer, example)


class Signed(nn.RNN):
    """A layer of PyTorch whose own forward applies signs."""

    def forward(self, x, h=None):
        signs, found = torch.tensor([1.0] * 6 + [-1.0] * 2), []
        h = torch.zeros(len(x), 8)
        for t in range(x.shape[1]):
            of_rates = functional.linear(h, self.weight_hh_l0.abs() * signs.to(h), self.bias_hh_l0)
            h = torch.relu(functional.linear(x[:, t], self.weight_ih_l0, self.bias_ih_l0) + of_rates)
            found.append(h)
        return torch.stack(found, dim=1), h


class SignedCell(nn.RNNCell):
    def forward(self, x, h=None):
        h = torch.zeros(len(x), self.hidden_size) if h is None else h
        return torch.relu(functional.linear(x, self.weight_ih) - functional.linear(h, self.weight_hh.abs()))


def test_layers_with_a_forward_of_their_own_or_with_hooks_are_run():
    torch.manual_seed(0)
    u, signed, cell = inputs(), Signed(3, 8, nonlinearity="relu", batch_first=True), SignedCell(3, 8)
    for module in (signed, cell):
        with pytest.raises(InputError, match="expected an example"):
            from_torch(module)
    rnn = from_torch(signed, (40, 3))
    assert rnn.signs == ("E",) * 6 + ("I",) * 2 and rnn.n_outputs == 0
    np.testing.assert_allclose(rnn.rates(u), theirs(signed, u, False), rtol=0, atol=1e-12)
    assert set(from_torch(cell, (40, 3)).signs) == {"I"}
    for register in ("register_forward_hook", "register_forward_pre_hook"):
        layer = nn.RNN(3, 8, batch_first=True)
        getattr(layer, register)(lambda _, *given: (given[-1][0] * 2, *given[-1][1:]))
        rnn = from_torch(layer, (40, 3))
        ours = rnn(u) if rnn.n_outputs else rnn.rates(u)
        np.testing.assert_allclose(ours, theirs(layer, u, False), rtol=0, atol=1e-12)
    parametrised = nn.RNN(3, 8, batch_first=True)
    torch.nn.utils.parametrize.register_parametrization(parametrised, "weight_hh_l0", nn.Softplus())
    assert set(from_torch(parametrised, (40, 3)).signs) == {"E"}
    changed = nn.RNN(3, 8)
    changed.nonlinearity = "relu"  # which its forward never asks for
    with pytest.raises(InputError, match="expected the states of its weights and activation, found others"):
        from_torch(changed)


class Late(Rate):
    """Inhibition comes late, or inputs end."""

    def __init__(self, delay, until):
        super().__init__(torch.relu)
        self.delay, self.until = delay, until

    def forward(self, x):
        h, found, weights = self.start.expand(len(x), -1), [], self.recurrent.weight
        for t in range(x.shape[1]):
            past = found[t - self.delay] if t >= self.delay else self.start.expand(len(x), -1)
            drive = h @ weights.clamp(min=0).T + past @ weights.clamp(max=0).T
            into = self.input(x[:, t]) if t < self.until else self.input.bias
            h = (1 - self.alpha) * h + self.alpha * torch.relu(drive + into)
            found.append(h)
        return self.readout(torch.stack(found, dim=1))


@pytest.mark.parametrize(("delay", "until"), [(5, 99), (30, 99), (1, 10), (1, 35)])
def test_what_comes_late_is_compared(delay, until):
    torch.manual_seed(0)
    with pytest.raises(InputError, match="found drives that no such network has"):
        from_torch(Late(delay, until), (40, 3), recurrent=True)
    assert from_torch(Late(1, 40), (40, 3), recurrent=True).size == 12


def test_long_examples_and_networks_whose_rates_explode():
    torch.manual_seed(0)
    with pytest.warns(UserWarning, match="over the first 200 of 500 steps"):
        assert from_torch(nn.RNN(3, 8, batch_first=True), (500, 3)).size == 8
    growing, chaotic = Rate(torch.relu, alpha=1.0), Rate(torch.tanh, alpha=1.0)
    growing.recurrent.weight.data.fill_(1e3)
    chaotic.recurrent.weight.data *= 10
    for module in (growing, chaotic):
        rnn = from_torch(module, (150, 3), recurrent=True)
        np.testing.assert_allclose(rnn.W_rec, module.recurrent.weight.detach().double(), rtol=1e-10, atol=1e-10)


class Noisy(Rate):
    """Noise in one of several places."""

    def __init__(self, where):
        super().__init__(torch.relu)
        self.where = where

    def forward(self, x):
        h, found = self.start.expand(len(x), -1), []
        for t in range(x.shape[1]):
            noise = 0.1 * torch.randn_like(h)
            if self.where == "numpy":
                noise = torch.from_numpy(0.1 * np.random.default_rng().normal(size=h.shape))
            elif self.where == "uniform":
                noise = 0.1 * torch.rand_like(h)
            elif self.where == "shared":
                noise = 0.1 * torch.randn(h.shape[1])
            elif self.where == "late" and t < 20:
                noise = 0 * noise
            inside, after = (0, noise) if self.where == "after" else (noise, 0)
            rates = torch.relu(self.recurrent(h) + self.input(x[:, t]) + inside)
            h = (1 - self.alpha) * h + self.alpha * rates + after
            found.append(self.readout(h))
        return torch.stack(found, dim=1)


class NoisyReadout(Current):
    """Of Song's form, where noise is part of the rates and not of x."""

    def forward(self, x):
        state, rates, found = *[torch.zeros(x.shape[1], len(self.recurrent.bias))] * 2, []
        for u in x:
            state = (1 - self.alpha) * state + self.alpha * (self.recurrent(rates) + self.input(u))
            rates = torch.relu(state + 0.1 * torch.randn_like(state))
            found.append(rates)
        return self.readout(torch.stack(found)[..., : self.readout.in_features])


def test_noise_is_that_of_the_network_or_refused():
    """Noise that is drawn for the comparison is what both add."""
    torch.manual_seed(0)
    assert from_torch(Noisy("inside"), (40, 3), recurrent=True).noise == pytest.approx(0.1 * (0.3 / 2) ** 0.5)
    for module, line in (
        (Noisy("after"), "or noise that is not part of what the activation receives"),
        (Noisy("late"), "or noise that is not part of what the activation receives"),
        (Noisy("shared"), "noise that is not the same for all units"),
        (Noisy("numpy"), "results that differ between two runs with the same inputs: random numbers"),
        (Noisy("uniform"), "random numbers of rand_like"),
        (NoisyReadout(), "or noise that is not part of what the activation receives"),
    ):
        with pytest.raises(InputError, match=line):
            from_torch(module, (40, 3), recurrent=True)


class Returning(Rate):
    """What it returns is made of cells and outputs, batch × time."""

    def __init__(self, made):
        super().__init__(torch.tanh)
        self.second, self.made = nn.Linear(12, 1), made

    def forward(self, x):
        h, found = self.start.expand(len(x), -1), []
        for t in range(x.shape[1]):
            h = (1 - self.alpha) * h + self.alpha * torch.tanh(self.recurrent(h) + self.input(x[:, t]))
            found.append(h)
        cells = torch.stack(found, dim=1)
        return self.made(cells, self.readout(cells), self.second(cells))


@pytest.mark.parametrize(
    ("made", "outputs"),
    [
        (lambda cells, out, _: (cells, out), 2),
        (lambda cells, out, _: {"hidden": cells, "out": out}, 2),
        (lambda cells, out, _: (cells[:, -1], out), 2),
        (lambda cells, out, _: (out[:, -1], (cells, 3.0)), 2),
        (lambda cells, out, _: (out, out[:, -1]), 2),
        (lambda cells, out, _: (cells, cells[:, -1]), 12),
        (
            lambda cells, out, second: {"policy": out, "value": second},
            r"'policy' \(2 numbers\), .*'value' \(1 numbers\)",
        ),
        (lambda cells, out, second: (cells[..., :5], cells[..., 5:]), "2 readouts of which each may be meant"),
        (lambda cells, out, second: (out**2, out), "outputs that no such network has as output 0"),
    ],
)
def test_the_readout_is_what_is_no_state(made, outputs):
    torch.manual_seed(0)
    module = Returning(made)
    if isinstance(outputs, str):
        with pytest.raises(InputError, match=outputs):
            from_torch(module, (20, 3), recurrent=True)
    else:
        assert from_torch(module, (20, 3), recurrent=True).n_outputs == outputs


def test_what_a_module_says_is_in_the_refusal():
    class Single(Rate):
        def forward(self, x):
            return super().forward(x.float())

    for module, example, line in (
        (Rate(torch.tanh), (40, 5), "RuntimeError: mat1 and mat2 shapes cannot be multiplied"),
        (Single(torch.tanh), (40, 3), "at each step of inputs .*: RuntimeError: .* dtype"),
        (
            torch.jit.trace(Rate(torch.tanh), torch.zeros(3, 5, 3)),
            (40, 3),
            "RuntimeError: (expected|mat1|The size|of a traced)",
        ),
    ):
        with pytest.raises(InputError, match=line) as caught:
            from_torch(module, example, recurrent=True)
        assert "\n" not in str(caught.value)
