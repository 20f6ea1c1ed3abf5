"""Recurrent PyTorch modules as networks of rate units.

A module is run with its activations intercepted: what each receives is noted, and what it returns is prescribed. All
else of a network of rate units is affine, so that a row of the batch for each unit and input shows the weights, masks
and signs applied, to rounding. What was read is then compared with the module itself.
"""

import copy
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import index
from typing import Any

import numpy as np
import scipy

from eisim.adapter.extras import extra
from eisim.adapter.rnn import ACTIVATIONS, RNN, STEP
from eisim.base.errors import InputError
from eisim.neurons import RateUnit, Saturating, Softplus

#: Time steps of a run, unless the module takes other numbers only.
STEPS = 4
#: By which the network may differ from its module, as a share of the largest number.
AGREEMENT = 1e-9
#: What gates break, as an assumption of the theorem on order.
GATES = (
    "gates multiply activities, so that context changes the gain of a cell, and the theory of order assumes that no "
    "context does (T9)"
)
WHY = {
    "num_layers": ": units of the second respond to the first in the same step; read each layer as a network",
    "bidirectional": (
        ", whose second direction runs against time, and the theory of order assumes that a response depends on "
        "present and past inputs (T9)"
    ),
}
WANTED = "one layer of rate units, of which each step is (1 - alpha) h + alpha phi(W h + W_in u + b) or Song's form"
#: Activations by the names of PyTorch's operations; others take more arguments.
NAMED = {"relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid", "clamp_min": "relu"}


def has_recurrent_layer(module) -> bool:
    """Whether a module is, or has, one of PyTorch's recurrent layers."""
    nn = extra("torch", "PyTorch").nn
    return any(isinstance(part, (nn.RNNBase, nn.RNNCellBase)) for part in module.modules())


def read_module(module, example=None) -> RNN:
    """The network of a recurrent module; the last axis of the example, a tensor or a shape, has its inputs.

    Where the module takes a fixed number of steps, the example has it.
    """
    nn, name = extra("torch", "PyTorch").nn, type(module).__name__
    refuse_gates(module)
    for part in module.modules():
        for what, wanted in (("num_layers", 1), ("bidirectional", False)):
            if isinstance(part, nn.RNN) and (found := getattr(part, what)) != wanted:
                why = WHY[what]
                raise InputError(f"from_torch: {name}: {what}: expected {wanted}, found {found}{why}")
    if isinstance(module, (nn.RNN, nn.RNNCell)):
        if example is not None and (_sizes_of(example) or [0])[-1] != module.input_size:
            raise _refused_example(name, f"{module.input_size} inputs", example)
        return _layer(module)
    if not (sizes := _sizes_of(example)):
        raise _refused_example(name, "the inputs", example)
    return _Reading(_copied(module), sizes, name).network()


def _refused_example(name, inputs, example) -> InputError:
    wanted = f"an example, a tensor or a shape, whose last axis has {inputs}"
    shape = getattr(example, "shape", None)
    found = f"{example!r:.60}" if shape is None else f"shape {tuple(shape)}"
    return InputError(f"from_torch: {name}: expected {wanted}, found {found}")


def refuse_gates(module) -> None:
    """Refuse a module with a GRU or an LSTM in it."""
    nn = extra("torch", "PyTorch").nn
    for name, part in module.named_modules():
        if isinstance(part, (nn.GRU, nn.GRUCell, nn.LSTM, nn.LSTMCell)):
            where = f" as {name!r}" if name else ""
            raise InputError(
                f"from_torch: {type(module).__name__}: expected a network without gates, found "
                f"{type(part).__name__}{where}: {GATES}"
            )


def _layer(layer) -> RNN:
    """The network of an ``nn.RNN`` or ``nn.RNNCell``, without a readout."""
    ending = "_l0" if hasattr(layer, "weight_hh_l0") else ""
    W_in, W_rec = (_numbers(getattr(layer, f"weight_{of}{ending}")) for of in ("ih", "hh"))
    b = sum(_numbers(getattr(layer, f"bias_{of}{ending}")) for of in ("ih", "hh")) if layer.bias else None
    return RNN(W_in, W_rec, b, None, STEP, STEP, layer.nonlinearity, signed_inputs=True, name=type(layer).__name__)


def _numbers(tensor) -> np.ndarray:
    return tensor.detach().double().cpu().numpy()


def _sizes_of(example) -> list[int]:
    """Sizes of a tensor or a shape; none if it is neither."""
    try:
        sizes = [index(n) for n in getattr(example, "shape", example)]
    except TypeError:
        return []
    return sizes if 1 <= len(sizes) <= 3 and sizes[-1] > 0 and min(sizes) >= 0 else []


def _copied(module):
    """A copy of the module in evaluation and in double precision, with its tensors that are no parameters."""
    torch = extra("torch", "PyTorch")
    try:
        copied = copy.deepcopy(module).cpu().double().eval()
    except Exception as error:  # whatever a class of a user's does
        found = f"one that cannot be ({type(error).__name__}: {error})"
        raise InputError(f"from_torch: {type(module).__name__}: expected a module to copy, found {found}") from None
    for part in copied.modules():
        for name, value in list(vars(part).items()):
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                object.__setattr__(part, name, value.detach().cpu().double())
    return copied


def _calls_of(module, size, time_first, steps) -> int:
    """How often activations are called at single time steps; 0 for a module that does not take such inputs."""
    run = _Run(_unlike(module, size + steps))
    try:
        run(module, np.zeros((run.batch, steps, size)), time_first)
    except Exception:  # of a module of the user's, which takes other inputs
        return 0
    return len(run.received)


def _unlike(module, least: int) -> int:
    """A size of a batch, above the least, that no axis of a module's parameters has."""
    torch = extra("torch", "PyTorch")
    given = (value for part in module.modules() for value in vars(part).values() if isinstance(value, torch.Tensor))
    taken = {n for tensor in (*module.parameters(), *module.buffers(), *given) for n in tensor.shape}
    return next(n for n in range(least + 1, least + 2 + len(taken)) if n not in taken)


@dataclass
class _Run:
    """A run of a module on a batch: what activations received at each call, and what they are to return, if anything.

    A softmax is left out, and noise is 0, or 1 standard deviation at the first place where it is drawn.
    """

    batch: int
    prescribed: np.ndarray | None = None  # calls × batch × units
    with_noise: bool = False
    kinds: list[Any] = field(default_factory=list)
    received: list[Any] = field(default_factory=list)
    noises: int = 0
    beyond: str = ""  # what no layer of units has
    newest: Any = None  # of what was received, which may come again
    last: Any = None  # what the last activation returned
    outputs: list[Any] = field(default_factory=list)  # the tensors that the module returned

    def __call__(self, module, inputs, time_first) -> list:
        """The tensors that the module returns, for inputs of the shape batch × time × inputs."""
        torch = extra("torch", "PyTorch")
        from torch.utils._python_dispatch import TorchDispatchMode

        run = self

        class Intercepting(TorchDispatchMode):
            def __torch_dispatch__(self, function, types, args=(), kwargs=None):
                return run._intercept(function, args, kwargs or {})

        given = torch.from_numpy(np.array(np.swapaxes(inputs, 0, 1) if time_first else inputs))
        with torch.no_grad(), _double(), Intercepting():
            return list(_tensors(module(given), torch))

    def _intercept(self, function, args, kwargs):
        torch, name = extra("torch", "PyTorch"), function._schema.name.removeprefix("aten::")
        if name in ("randn", "randn_like", "normal", "normal_"):
            return self._noise(name, args, function(*args, **kwargs))
        if name.startswith(("rand", "bernoulli", "uniform", "exponential", "poisson")):
            self.beyond = f"random numbers of {name}"
        first = args[0] if args and isinstance(args[0], torch.Tensor) else None
        if first is None or self.batch not in first.shape:
            return function(*args, **kwargs)
        if name in ("_softmax", "_log_softmax"):
            return first
        kind = _kind_of(name.rstrip("_"), args[1:], kwargs)
        if kind is None:
            return function(*args, **kwargs)
        if first is self.last and self.kinds[-1] == "tanh" and kind == "relu":
            self.kinds[-1] = "retanh"
        elif first.ndim < 2 or first.shape[:-1].numel() != self.batch:
            self.beyond = f"{name} of shape {list(first.shape)}"
            return function(*args, **kwargs)
        elif first is not self.newest or not torch.equal(self.received[-1], first):
            self.kinds.append(kind)
            self.received.append(first.clone())
            self.newest = first
        call = len(self.received) - 1
        if self.prescribed is None or call >= len(self.prescribed):
            self.last = function(*args, **kwargs)
        else:
            value = torch.from_numpy(self.prescribed[call]).reshape(first.shape)
            self.last = first.copy_(value) if name.endswith("_") else value.clone()
        return self.last

    def _noise(self, name, args, drawn):
        """Normal noise of a mean and a standard deviation, as 0 or 1 standard deviation."""
        self.noises += 1
        size = 1.0 if self.with_noise and self.noises == 1 else 0.0
        mean, deviation = 0.0, 1.0
        if name.startswith("normal"):
            numbers = args[1:] if name == "normal_" else args[:2]
            mean, deviation = (*numbers, *(0.0, 1.0)[len(numbers) :])
        return drawn.copy_(drawn * 0 + mean + size * deviation)

    def values(self) -> np.ndarray:
        """What activations received: calls × batch × units."""
        return np.stack([each.reshape(self.batch, -1).numpy() for each in self.received])


@contextmanager
def _double():
    """Tensors that a module makes, such as its first state, in double precision."""
    torch = extra("torch", "PyTorch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _tensors(result, torch):
    if isinstance(result, torch.Tensor):
        yield result
    elif isinstance(result, (tuple, list, dict)):
        for each in result.values() if isinstance(result, dict) else result:
            yield from _tensors(each, torch)


def _kind_of(name, others, kwargs) -> str | tuple | None:
    """The activation that an operation of PyTorch is, as a name of `ACTIVATIONS` or with a number."""
    if name in NAMED:
        return NAMED[name] if name != "clamp_min" or others[0] == 0 else name
    if name == "softplus":
        return "softplus", float((*others, 1.0)[0])
    if name in ("clamp", "hardtanh"):
        default = (-1.0, 1.0) if name == "hardtanh" else (None, None)
        least, most = (*others, *default[len(others) :])[:2]
        least, most = kwargs.get("min", least), kwargs.get("max", most)
        return name if least != 0 else "relu" if most is None else ("saturating", float(most))
    if name in ("leaky_relu", "elu", "gelu", "silu", "mish", "hardswish", "hardsigmoid", "softsign", "selu"):
        return name
    return None


class _Reading:
    """A module, read by runs in which rows of the batch differ in one number each."""

    def __init__(self, module, sizes: list[int], name: str):
        self.module, self.n_inputs, self.name = module, sizes[-1], name
        self.steps, self.time_first = self._layout(sizes)
        run = self._run(np.zeros((self._batch(1), self.steps, self.n_inputs)))
        self.unit, self.n = self._unit(run.kinds), run.values().shape[-1] if _alike(run) else 0
        calls = len(run.received)
        if run.beyond or not self.n or calls not in (self.steps, self.steps + 1):
            found = run.beyond or f"{calls} calls of activations in {self.steps} steps"
            raise self._refused(found)
        #: Whether the first call is of the state at the start.
        self.start = calls - self.steps

    def _batch(self, least: int) -> int:
        """A size of a batch that no other axis has."""
        return _unlike(self.module, least + self.steps + self.n_inputs)

    def _refused(self, found):
        return InputError(f"from_torch: {self.name}: expected {WANTED}, found {found}")

    def _layout(self, sizes) -> tuple[int, bool]:
        """A number of steps that the module takes, and whether time is the first axis."""
        ways = [(STEPS, False), (STEPS, True)]
        ways += [(sizes[-2], False)] * (len(sizes) > 1) + [(sizes[0], True)] * (len(sizes) == 3)
        for steps, time_first in ways:
            if steps >= 3 and _calls_of(self.module, self.n_inputs, time_first, steps) >= steps:
                return steps, time_first
        known = ", ".join(ACTIVATIONS)
        raise self._refused(f"no activation of {known} at each step of inputs (batch × time × {self.n_inputs})")

    def _run(self, inputs, prescribed=None, with_noise=False):
        run = _Run(len(inputs), prescribed, with_noise)
        try:
            run.outputs = run(self.module, inputs, self.time_first)
        except Exception as error:  # of a module of the user's
            said = (str(error).splitlines() or [""])[0]
            raise self._refused(f"{type(error).__name__}: {said:.150}") from None
        return run

    def _unit(self, kinds) -> RateUnit:
        kind, parameter = (*kinds[0], 0.0)[:2] if isinstance(kinds[0], tuple) else (kinds[0], 0.0)
        if len(set(kinds)) > 1 or kind not in (*ACTIVATIONS, "saturating"):
            raise self._refused(f"the activation {' and '.join(dict.fromkeys(map(str, kinds)))}")
        if kind == "saturating":
            return Saturating(gain=1.0, maximum=parameter)
        return Softplus(scale=1 / parameter) if kind == "softplus" else ACTIVATIONS[kind]

    def network(self) -> RNN:
        """The network, compared with the module."""
        m, n, start = self.n_inputs, self.n, self.start
        # Rows: zeros, an input of 1 in the first step, and a return of 1 of the first and of the last activation.
        batch = self._batch(1 + m + 2 * n)
        inputs, returns = np.zeros((batch, self.steps, m)), np.zeros((start + self.steps, batch, n))
        of_input, of_first, of_last = (slice(at, at + size) for at, size in ((1, m), (1 + m, n), (1 + m + n, n)))
        inputs[of_input, 0], returns[start, of_first], returns[-1, of_last] = np.eye(m), np.eye(n), np.eye(n)
        run = self._run(inputs, returns)
        z = run.values()
        base, outputs = z[:, 0], self._outputs(run, batch)
        by_input, by_return = z[start:, of_input] - z[start:, :1], z[start:, of_first] - z[start:, :1]
        largest = np.unravel_index(np.abs(by_return[1]).argmax(), by_return[1].shape)
        if not by_return[1][largest]:
            raise self._refused("no recurrent weights")
        beta = by_return[2][largest] / by_return[1][largest]
        if not 0 <= beta < 1:
            raise self._refused(f"steps of which each keeps {beta:g} of the last state")
        alpha = 1 - beta
        relaxes_input = bool(beta and np.abs(by_input[1]).max() > 0.5 * beta * np.abs(by_input[0]).max() > 0)
        W_rec, W_in = by_return[1].T / alpha, by_input[0].T / (alpha if relaxes_input else 1.0)
        of_outputs = outputs[-1]
        W_out = (of_outputs[of_last] - of_outputs[0]).T / (1.0 if relaxes_input else alpha)
        if relaxes_input:
            b = (base[start + 1] - beta * base[start]) / alpha
            initial = base[0] if start else self._first_input(base[0] - alpha * b, alpha, W_rec)
            b_out = of_outputs[0]
        else:
            first = (base[start] - base[start + 1]) / alpha  # what the rates at the start contribute
            b = base[start] - first
            initial = np.zeros(n)
            if np.abs(first).max() > 1e-12 * max(1.0, np.abs(base).max()):
                initial = scipy.linalg.lstsq(W_rec, first)[0]
            b_out = of_outputs[0] - beta**self.steps * (W_out @ initial)
        noise = self._noise(inputs, returns, z, alpha, relaxes_input)
        form = "current" if relaxes_input else "rate"
        given = {"form": form, "b_out": b_out, "initial": initial, "noise": noise, "signed_inputs": True}
        rnn = RNN(W_in, W_rec, b, W_out, STEP / alpha, STEP, self.unit, name=self.name, **given)
        self._compare(rnn)
        return rnn

    def _first_input(self, c, alpha, W_rec):
        """The input x at the start, of which ``(1 - alpha) x + alpha W phi(x)`` is known."""

        def off(x):
            return (1 - alpha) * x + alpha * W_rec @ self.unit.transfer(x) - c

        x = np.zeros(self.n)
        if np.abs(off(x)).max() > 1e-12:
            x = scipy.optimize.root(off, c / (1 - alpha), tol=1e-14).x
        if not np.abs(off(x)).max() <= 1e-10 * max(1.0, np.abs(c).max()):
            raise self._refused("rates at the start that are no activation of a state")
        return x

    def _outputs(self, run, batch) -> np.ndarray:
        """The first tensor that the module returns with a row for each of the batch: steps (or 1) × batch × outputs."""
        for tensor in run.outputs:
            found = tensor.numpy()
            if found.ndim == 2 and len(found) == batch:
                return found[None]
            if found.ndim == 3 and found.shape[:2] == (batch, self.steps):
                return np.swapaxes(found, 0, 1)
            if found.ndim == 3 and found.shape[:2] in ((self.steps, batch), (1, batch)):
                return found
        shapes = " and ".join(str(list(tensor.shape)) for tensor in run.outputs) or "none"
        raise self._refused(f"outputs of shape {shapes} for {batch} trials of {self.steps} steps")

    def _noise(self, inputs, returns, z, alpha, relaxes_input) -> float:
        """The standard deviation of the noise."""
        run = self._run(inputs, returns, with_noise=True)
        if not run.noises:
            return 0.0
        by_noise = (run.values() - z)[self.start, 0]
        if not np.ptp(by_noise) <= 1e-9 * np.abs(by_noise).max(initial=1e-300) or run.noises != self.steps:
            raise self._refused("noise that is not the same for all units at each step")
        return float(np.abs(by_noise[0]) * (np.sqrt(1 / (2 * alpha)) if relaxes_input else np.sqrt(alpha / 2)))

    def _compare(self, rnn):
        """Refuse a network whose rates or outputs are not those of the module on drawn inputs."""
        rng, batch = np.random.default_rng(0), self._batch(1)
        for scale in (1.0, 3.0):
            u = scale * rng.normal(size=(batch, self.steps, self.n_inputs))
            run = self._run(u)
            rates = np.swapaxes(rnn.rates(u), 0, 1)
            outputs = self._outputs(run, batch)
            theirs = [run.values()[self.start :], outputs]
            before = np.concatenate([np.broadcast_to(rnn.initial, rates[:1].shape), rates[:-1]])
            if rnn.form == "rate":
                ours = before @ rnn.W_rec.T + np.swapaxes(u, 0, 1) @ rnn.W_in.T + rnn.b
            else:
                state, ours = np.broadcast_to(rnn.initial, rates.shape[1:]), []
                for step in range(self.steps):
                    drive = rnn.activation.transfer(state) @ rnn.W_rec.T + u[:, step] @ rnn.W_in.T + rnn.b
                    state = state + rnn.alpha * (drive - state)
                    ours.append(state)
            read_out = rates[-len(outputs) :] @ rnn.W_out.T + rnn.b_out
            for what, our, their in zip(("drives", "outputs"), (np.array(ours), read_out), theirs, strict=True):
                allowed = AGREEMENT * max(1.0, np.abs(their).max())
                if our.shape != their.shape or not np.abs(our - their).max() <= allowed:
                    raise self._refused(f"{what} that no such network has")


def _alike(run) -> bool:
    """Whether all activations are of as many units."""
    return bool(run.received) and len({each.numel() for each in run.received}) == 1
