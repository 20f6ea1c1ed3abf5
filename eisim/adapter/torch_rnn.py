"""Recurrent PyTorch modules as networks of rate units.

A module is run with its activations intercepted: what each receives is noted, and what it returns is prescribed. All
else of a network of rate units is affine, so that a row of the batch for each unit and input shows the weights, masks
and signs applied, to rounding. What was read is then compared with the module itself, step by step from the module's
own states, over the length of the example: so chaos amplifies no rounding, and what comes late is seen.
"""

import copy
import warnings
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
#: Time steps of the comparison: where the example has no time, and at most.
LENGTH, MOST_STEPS = 40, 200
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
    is_layer, sizes = isinstance(module, (nn.RNN, nn.RNNCell)), _sizes_of(example)
    if is_layer and example is not None and (sizes or [0])[-1] != module.input_size:
        raise _refused_example(name, f"{module.input_size} inputs", example)
    if is_layer and _is_plain(module, nn):
        rnn = _layer(module)
        _compare_layer(module, rnn, sizes)
        return rnn
    if not sizes:
        raise _refused_example(name, "the inputs", example)
    copied = _copied(module)
    return _Reading(_looped(copied) if isinstance(module, nn.RNNCell) else copied, sizes, name).network(is_layer)


def _is_plain(layer, nn) -> bool:
    """Whether a layer is one of PyTorch's own, and runs nothing beside."""
    hooks = layer._forward_hooks or layer._forward_pre_hooks or "forward" in vars(layer)
    return type(layer) in (nn.RNN, nn.RNNCell) and not hooks


def _looped(cell):
    """A module that calls a cell at each step, time first."""
    torch = extra("torch", "PyTorch")
    nn: Any = torch.nn

    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = cell

        def forward(self, x):
            h, found = None, []
            for u in x:
                h = self.cell(u) if h is None else self.cell(u, h)
                found.append(h)
            return torch.stack(found)

    return Loop().eval()


def _compare_layer(layer, rnn, sizes):
    """Refuse a layer whose states are not those of the network on drawn inputs."""
    torch, name = extra("torch", "PyTorch"), type(layer).__name__
    copied = _copied(layer)
    is_cell = isinstance(layer, torch.nn.RNNCell)
    time_first = is_cell or not layer.batch_first
    u = np.random.default_rng(0).normal(size=(5, _length(sizes, time_first, name), rnn.n_inputs))
    with torch.no_grad():
        found = (_looped(copied) if is_cell else copied)(torch.from_numpy(np.swapaxes(u, 0, 1) if time_first else u))
    theirs = (found if is_cell else found[0]).numpy()
    theirs = np.array(theirs if time_first else np.swapaxes(theirs, 0, 1))
    before = np.concatenate([np.zeros_like(theirs[:1]), theirs[:-1]])
    drive = before @ rnn.W_rec.T + np.swapaxes(u, 0, 1) @ rnn.W_in.T + rnn.b
    if not _agree(rnn.activation.transfer(drive), theirs):
        raise InputError(f"from_torch: {name}: expected the states of its weights and activation, found others")


def _length(sizes, time_first, name) -> int:
    """Steps over which a network is compared: those of the example, within bounds."""
    has_time = len(sizes) > 1
    wanted = (sizes[0] if time_first and len(sizes) == 3 else sizes[-2]) if has_time else LENGTH
    if wanted > MOST_STEPS:
        compared = f"the network is compared with the module over the first {MOST_STEPS} of {wanted} steps"
        warnings.warn(f"from_torch: {name}: {compared}", stacklevel=2)
    return max(STEPS, min(wanted, MOST_STEPS))


def _agree(ours, theirs) -> bool:
    """Whether numbers, time first, are the same at each step, to a share of the largest of the step."""
    if ours.shape != theirs.shape:
        return False
    largest = np.abs(theirs).reshape(len(theirs), -1).max(axis=1, initial=1.0)
    return bool((np.abs(ours - theirs).reshape(len(theirs), -1).max(axis=1, initial=0.0) <= AGREEMENT * largest).all())


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


def _calls_of(module, size, time_first, steps) -> tuple[int, str]:
    """How often activations are called at single time steps, and what else was found, such as an error."""
    run = _Run(_unlike(module, size + steps))
    try:
        run(module, np.zeros((run.batch, steps, size)), time_first)
    except Exception as error:  # of a module of the user's, which takes other inputs
        return 0, _said(error)
    return len(run.received), run.beyond


def _said(error) -> str:
    """What an error of a module says, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [""]
    if "TorchScript" in lines[0]:  # it tells first where, and last what
        said = lines[-1].removeprefix("RuntimeError:").strip()
        lines = [said or "of a traced or scripted module; give the module that it was made of"]
    return f"{type(error).__name__}: {lines[0]:.150}"


def _unlike(module, least: int, others=()) -> int:
    """A size of a batch, above the least and none of the others, that no axis of a module's parameters has."""
    torch = extra("torch", "PyTorch")
    given = (value for part in module.modules() for value in vars(part).values() if isinstance(value, torch.Tensor))
    taken = {n for tensor in (*module.parameters(), *module.buffers(), *given) for n in tensor.shape} | {*others}
    return next(n for n in range(least + 1, least + 2 + len(taken)) if n not in taken)


@dataclass
class _Run:
    """A run of a module on a batch: what activations received at each call, and what they are to return, if anything.

    A softmax is left out, and noise is 0, or 1 standard deviation at the first place where it is drawn, or drawn from a
    generator, so that it is known.
    """

    batch: int
    prescribed: np.ndarray | None = None  # calls × batch × units
    with_noise: bool = False
    generator: Any = None
    kinds: list[Any] = field(default_factory=list)
    received: list[Any] = field(default_factory=list)
    noises: int = 0
    drawn: list[Any] = field(default_factory=list)  # by the generator, in standard deviations
    beyond: str = ""  # what no layer of units has
    newest: Any = None  # of what was received, which may come again
    last: Any = None  # what the last activation returned
    outputs: list[Any] = field(default_factory=list)  # the tensors that the module returned, by what they are called

    def __call__(self, module, inputs, time_first) -> list:
        """The tensors that the module returns, by what they are called, for inputs of batch × time × inputs."""
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
        """Normal noise of a mean and a standard deviation, as 0, 1 or drawn standard deviations."""
        torch = extra("torch", "PyTorch")
        self.noises += 1
        size = 1.0 if self.with_noise and self.noises == 1 else 0.0
        if self.generator is not None:
            size = torch.from_numpy(self.generator.normal(size=tuple(drawn.shape))).to(drawn.dtype)
            self.drawn.append(size.numpy())
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


def _tensors(result, torch, name="output"):
    if isinstance(result, torch.Tensor):
        yield name, result
    elif isinstance(result, (tuple, list, dict)):
        for key, each in result.items() if isinstance(result, dict) else enumerate(result):
            yield from _tensors(each, torch, f"{name} {key!r:.40}")


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
        self.length = max(self.steps, _length(sizes, self.time_first, name))
        self._repeat()
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
        found = {}
        for steps, time_first in ways:
            if steps < 3:
                continue
            calls, found[steps, time_first] = _calls_of(self.module, self.n_inputs, time_first, steps)
            if calls >= steps:
                return steps, time_first
        said = found.get((sizes[-2], False), "") if len(sizes) > 1 else ""
        said = said or next(filter(None, found.values()), "")
        known, shape = ", ".join(ACTIVATIONS), f"(batch × time × {self.n_inputs})"
        raise self._refused(f"no activation of {known} at each step of inputs {shape}{said and ': ' + said}")

    def _run(self, inputs, prescribed=None, with_noise=False, generator=None):
        run = _Run(len(inputs), prescribed, with_noise, generator)
        try:
            run.outputs = run(self.module, inputs, self.time_first)
        except Exception as error:  # of a module of the user's
            raise self._refused(_said(error)) from None
        return run

    def _drawn_run(self, scale, steps):
        """Drawn inputs, and a run of them with drawn noise; the same at each call."""
        rng = np.random.default_rng(0)
        batch = _unlike(self.module, 4, (steps, self.n_inputs))
        u = scale * rng.normal(size=(batch, steps, self.n_inputs))
        return u, self._run(u, generator=rng)

    def _repeat(self):
        """Refuse a module of which two runs with the same inputs and noise differ."""
        runs = [self._drawn_run(1.0, self.length)[1] for _ in range(2)]
        for run in runs:
            if run.beyond.startswith("random"):
                raise self._refused(run.beyond)
        one, other = ([*run.received, *(tensor for _, tensor in run.outputs)] for run in runs)
        if len(one) != len(other) or not all(map(_same, one, other)):
            raise self._refused(
                "results that differ between two runs with the same inputs: random numbers that are not PyTorch's "
                "normal ones, or a state kept from run to run"
            )

    def _unit(self, kinds) -> RateUnit:
        kind, parameter = (*kinds[0], 0.0)[:2] if isinstance(kinds[0], tuple) else (kinds[0], 0.0)
        if len(set(kinds)) > 1 or kind not in (*ACTIVATIONS, "saturating"):
            raise self._refused(f"the activation {' and '.join(dict.fromkeys(map(str, kinds)))}")
        if kind == "saturating":
            return Saturating(gain=1.0, maximum=parameter)
        return Softplus(scale=1 / parameter) if kind == "softplus" else ACTIVATIONS[kind]

    def network(self, is_layer=False) -> RNN:
        """The network, compared with the module; a layer that returns its cells alone has no readout."""
        m, n, start = self.n_inputs, self.n, self.start
        # Rows: zeros, an input of 1 in the first step, and a return of 1 of the first and of the last activation.
        batch = self._batch(1 + m + 2 * n)
        inputs, returns = np.zeros((batch, self.steps, m)), np.zeros((start + self.steps, batch, n))
        of_input, of_first, of_last = (slice(at, at + size) for at, size in ((1, m), (1 + m, n), (1 + m + n, n)))
        inputs[of_input, 0], returns[start, of_first], returns[-1, of_last] = np.eye(m), np.eye(n), np.eye(n)
        run = self._run(inputs, returns)
        z = run.values()
        base, outputs = z[:, 0], self._outputs(run, self.steps)
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
        if relaxes_input:
            b = (base[start + 1] - beta * base[start]) / alpha
            initial = base[0] if start else self._first_input(base[0] - alpha * b, alpha, W_rec)
        else:
            first = (base[start] - base[start + 1]) / alpha  # what the rates at the start contribute
            b = base[start] - first
            initial = np.zeros(n)
            if np.abs(first).max() > 1e-12 * max(1.0, np.abs(base).max()):
                initial = scipy.linalg.lstsq(W_rec, first)[0]
        by_noise = self._noise(inputs, returns, z)
        noise = abs(by_noise) * (np.sqrt(1 / (2 * alpha)) if relaxes_input else np.sqrt(alpha / 2))
        readouts = {}
        for name, values in outputs.items():
            W_out = (values[-1][of_last] - values[-1][0]).T / (1.0 if relaxes_input else alpha)
            kept = 0.0 if relaxes_input else beta**self.steps * (W_out @ initial)
            readouts[name] = W_out, values[-1][0] - kept
        form = "current" if relaxes_input else "rate"
        given = {"form": form, "initial": initial, "noise": noise, "signed_inputs": True, "name": self.name}
        rnn = RNN(W_in, W_rec, b, None, STEP / alpha, STEP, self.unit, **given)
        W_out, b_out = self._chosen(readouts, self._compare(rnn, by_noise, readouts))
        if is_layer and _rank(W_out, b_out) == 2:
            return rnn
        return RNN(W_in, W_rec, b, W_out, STEP / alpha, STEP, self.unit, b_out=b_out, **given)

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

    def _outputs(self, run, steps) -> dict[str, np.ndarray]:
        """The tensors that the module returns with a row for each of the batch: steps (or 1) × batch × outputs."""
        readable, batch = {}, run.batch
        for name, tensor in run.outputs:
            found = tensor.numpy()
            if found.ndim == 2 and len(found) == batch:
                readable[name] = found[None]
            elif found.ndim == 3 and found.shape[:2] == (batch, steps):
                readable[name] = np.swapaxes(found, 0, 1)
            elif found.ndim == 3 and found.shape[:2] in ((steps, batch), (1, batch)):
                readable[name] = found
        if readable:
            return readable
        shapes = " and ".join(str(list(tensor.shape)) for _, tensor in run.outputs) or "none"
        raise self._refused(f"outputs of shape {shapes} for {batch} trials of {steps} steps")

    def _chosen(self, readouts, agree) -> tuple[np.ndarray, np.ndarray]:
        """The one readout among what the module returns: rates of cells only where it returns nothing else."""
        ranks = {name: _rank(*readouts[name]) for name in agree}
        names = [name for name in agree if ranks[name] == min(ranks.values())]
        first = readouts[names[0]]
        if all(all(map(_same, first, readouts[name])) for name in names):
            return first
        found = ", ".join(f"{name} ({len(readouts[name][0])} numbers)" for name in names)
        raise self._refused(f"{len(names)} readouts of which each may be meant: {found}")

    def _noise(self, inputs, returns, z) -> float:
        """What noise of 1 standard deviation adds to what activations receive."""
        run = self._run(inputs, returns, with_noise=True)
        if not run.noises:
            return 0.0
        by_noise = (run.values() - z)[self.start, 0]
        if not np.ptp(by_noise) <= 1e-9 * np.abs(by_noise).max(initial=1e-300) or run.noises != self.steps:
            raise self._refused("noise that is not the same for all units at each step")
        return float(by_noise[0])

    def _compare(self, rnn, by_noise, readouts) -> list[str]:
        """The outputs that are these readouts of rates; refuse a network whose steps are not those of the module.

        Inputs are drawn at each step, and each step starts from the state of the module.
        """
        agree = list(readouts)
        for scale in (1.0, 3.0):
            steps = self.length
            u, run = self._drawn_run(scale, steps)
            while steps > self.steps and not _are_finite(run):  # a network whose rates grow without bound
                steps = max(self.steps, steps // 2)
                u, run = self._drawn_run(scale, steps)
            if len(run.received) != self.start + steps or not _alike(run) or run.beyond:
                raise self._refused(run.beyond or f"{len(run.received)} calls of activations in {steps} steps")
            theirs, outputs = run.values(), self._outputs(run, steps)
            theirs = theirs[self.start :]
            noise = np.zeros((steps, 1, 1))
            if run.drawn:
                if any(each.shape != theirs.shape[1:] for each in run.drawn) or len(run.drawn) != steps:
                    raise self._refused(
                        f"noise of shape {list(run.drawn[0].shape)}, not of trials × units at each step"
                    )
                noise = by_noise * np.stack(run.drawn)
            drives, rates = _followed(rnn, u, theirs)
            if not _agree(drives + noise, theirs):
                kept = "or noise that is not part of what the activation receives at each step"
                raise self._refused(f"drives that no such network has{', ' * bool(run.drawn)}{kept * bool(run.drawn)}")
            for name, (W_out, b_out) in readouts.items():
                their, read_out = outputs.get(name, np.empty(0)), rates @ W_out.T + b_out
                if len(their) and not _agree(read_out[-len(their) :], their):
                    agree = [each for each in agree if each != name]
                    if not _agree(theirs[-len(their) :], their):  # what activations receive is no output
                        raise self._refused(f"outputs that no such network has{_named(name, readouts)}")
        if not agree:
            raise self._refused("outputs that no such network has")
        return agree


def _named(name, readouts) -> str:
    return f" as {name}" if len(readouts) > 1 else ""


def _followed(rnn, u, theirs) -> tuple[np.ndarray, np.ndarray]:
    """What activations receive at each step after what they received before, and rates: steps × batch × units."""
    state, phi, drives, rates = np.broadcast_to(rnn.initial, theirs.shape[1:]), rnn.activation.transfer, [], []
    is_rate = rnn.form == "rate"
    for step, received in enumerate(theirs):
        drive = (state if is_rate else phi(state)) @ rnn.W_rec.T + u[:, step] @ rnn.W_in.T + rnn.b
        drives.append(drive if is_rate else state + rnn.alpha * (drive - state))
        state = state + rnn.alpha * (phi(received) - state) if is_rate else received
        rates.append(state if is_rate else phi(state))
    return np.array(drives), np.array(rates)


def _rank(W_out, b_out) -> int:
    """2 for a readout that gives rates of cells as they are, 1 for all of them scaled, 0 for others."""
    taken = np.abs(W_out) > AGREEMENT
    if (taken.sum(axis=1) != 1).any() or np.abs(b_out).max(initial=0.0) > AGREEMENT:
        return 0
    return 2 if (np.abs(W_out[taken] - 1) < AGREEMENT).all() else int(W_out.shape[0] == W_out.shape[1])


def _same(one, other) -> bool:
    """Whether two arrays or tensors hold the same numbers, to rounding."""
    one, other = np.asarray(one), np.asarray(other)
    return one.shape == other.shape and np.allclose(one, other, rtol=AGREEMENT, atol=AGREEMENT, equal_nan=True)


def _are_finite(run) -> bool:
    arrays = [*run.received, *(tensor for _, tensor in run.outputs)]
    return all(np.isfinite(np.asarray(each)).all() for each in arrays)


def _alike(run) -> bool:
    """Whether all activations are of as many units."""
    return bool(run.received) and len({each.numel() for each in run.received}) == 1
