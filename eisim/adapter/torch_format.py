"""PyTorch modules: read as DNNs, and made from them. Needs the extra ``eisim[torch]``.

A module is an object of the user's own program. Files of modules are written but never read: they may hold code.
"""

import io
import logging
import warnings
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

import numpy as np
import scipy

from eisim.adapter.extras import extra
from eisim.adapter.onnx_reader import read_model
from eisim.adapter.rnn import RNN
from eisim.adapter.static import DNN, feed_forward
from eisim.adapter.torch_rnn import has_recurrent_layer, read_module, refuse_gates
from eisim.base.errors import InputError, explains_arguments

#: By which the DNN may differ from a module of single precision, as a share of its largest output.
AGREEMENT = 1e-4


@explains_arguments
def from_torch(module, example=None, *, recurrent: bool | None = None) -> DNN | RNN:
    """The DNN of a PyTorch module, or the `RNN` of a recurrent one.

    Parameters
    ----------
    module : torch.nn.Module
        Feed-forward, one tensor in and one out, of linear operations, pooling and pointwise activations, as `read_onnx`
        takes them. It is traced as in ``eval()``: batch normalisation with the statistics that it has, no dropout.
        The module itself is left as it is. A recurrent module takes inputs (batch × time × inputs, or time × batch ×
        inputs), has one layer of units with one activation, in either form of `RNN`, and a linear readout: the outputs
        are the one tensor that it returns beside its cells, at each step or at the last. Masks and signs of weights are
        applied. It is compared with the module over the length of the example, at most 200 steps.
    example : torch.Tensor or tuple of int
        A batch of inputs, or the shape of one, without the batch axis. None is needed for an ``nn.RNN`` alone.
    recurrent : bool, optional
        Whether to read a recurrent network; by default of modules with an ``nn.RNN`` or ``nn.RNNCell``. Others that
        take time steps are else read as one layer for each step.

    Returns
    -------
    DNN or RNN
        The input of a DNN is the module's, flattened; its outputs likewise. A softmax at the end is left out. Steps of
        an RNN are 10 ms long, its inputs may be negative, and that of an ``nn.RNN`` alone has no readout.

    Raises
    ------
    InputError
        For a module that cannot be traced or mapped (the message names the layer), or whose DNN or RNN would compute
        something else, as when the module's results depend on the size of the batch; for GRU and LSTM, whose gates
        change the gain of cells.
    """
    torch = extra("torch", "PyTorch")
    if not isinstance(module, torch.nn.Module):
        raise InputError(f"from_torch: expected a torch.nn.Module, found {module!r}")
    refuse_gates(module)
    if has_recurrent_layer(module) if recurrent is None else recurrent:
        return read_module(module, example)
    name = type(module).__name__
    if isinstance(example, torch.Tensor):
        one = example[:1]
    else:
        try:
            shape = tuple(int(n) for n in example)
        except (TypeError, ValueError):
            raise InputError(f"from_torch: expected a tensor or a shape, found {example!r}") from None
        like = next(module.parameters(), torch.empty(0))
        one = torch.zeros((1, *shape), dtype=like.dtype, device=like.device)
    if one.ndim < 2 or 0 in one.shape or not one.is_floating_point():
        raise InputError(f"from_torch: {name}: expected real inputs of at least one element, found {list(one.shape)}")
    with _evaluated(module), torch.no_grad(), _quiet():
        try:
            program = torch.onnx.export(module, (one,), dynamo=True, verbose=False)
        except Exception as error:  # torch raises many kinds
            said = next((line for line in _root(error).splitlines() if line.strip()), "")[:200]
            raise InputError(
                f"from_torch: {name}: expected a module that torch.onnx can export, found one that it cannot: {said}"
            ) from None
        model = program.model_proto
        if len(model.graph.output) != 1:
            raise InputError(f"from_torch: {name}: expected one tensor out, found {len(model.graph.output)}")
        dnn = read_model(model, Path(name))
        random = torch.Generator().manual_seed(0)
        batch = torch.randn((3, *one.shape[1:]), generator=random, dtype=torch.float64).to(one)
        theirs = module(batch).double().cpu().numpy().reshape(3, -1)
    ours = dnn(batch.double().cpu().numpy().reshape(3, -1))
    operations = {node.op_type for node in model.graph.node}
    if "Softmax" in operations:
        ours = scipy.special.softmax(ours, axis=1)
    elif "LogSoftmax" in operations:
        ours = scipy.special.log_softmax(ours, axis=1)
    if ours.shape != theirs.shape or np.abs(ours - theirs).max() > AGREEMENT * max(1.0, np.abs(theirs).max()):
        raise InputError(
            f"from_torch: {name}: expected a module that maps each sample by itself, found one that maps a batch of 3 "
            "to something else than its samples"
        )
    return dnn


@explains_arguments
def to_torch(dnn: DNN):
    """A feed-forward DNN as a PyTorch module in double precision.

    Parameters
    ----------
    dnn : DNN

    Returns
    -------
    torch.nn.Module
        Maps ``stimuli`` (trials × inputs) to rates (trials × readouts, in Hz). Its weights and biases are parameters.

    Raises
    ------
    InputError
        For a recurrent DNN, or the activation of a noisy LIF neuron.
    """
    extra("torch", "PyTorch")
    from eisim.adapter.torch_module import Network

    return Network(feed_forward(dnn, "PyTorch"))


def write_torch(dnn: DNN) -> bytes:
    """A feed-forward DNN as a file that ``torch.export.load(file).module()`` makes a module of, without eisim.

    The file holds the operations as JSON and the weights as numbers: nothing pickled.
    """
    torch = extra("torch", "PyTorch")
    stimuli = torch.zeros((2, sum(size for _, size, _ in dnn.inputs)), dtype=torch.float64)
    with _quiet():
        program = torch.export.export(
            to_torch(dnn), (stimuli,), dynamic_shapes={"stimuli": {0: torch.export.Dim("trials")}}
        )
        program.example_inputs = None  # they would be pickled
        buffer = io.BytesIO()
        torch.export.save(program, buffer)
    return buffer.getvalue()


@contextmanager
def _evaluated(module):
    """The module in evaluation mode, every part of it restored afterwards."""
    training = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, mode in training.items():
            part.training = mode


@contextmanager
def _quiet():
    """Without what torch's exporters tell their developers."""
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):  # it prints graphs that it cannot trace
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _root(error) -> str:
    """What went wrong first, of errors that wrap each other."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__
