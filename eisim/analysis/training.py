"""Training under sign constraints: multilayer perceptrons that are free, obey Dale's law, or are excitatory-only."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain, count, pairwise
from threading import Event

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit, logsumexp
from threadpoolctl import threadpool_limits

from eisim.adapter.activations import Identity, refuse_refractory
from eisim.adapter.static import DNN, Layer
from eisim.base.errors import InputError
from eisim.base.progress import shows_progress
from eisim.base.seeds import Seed, seed_of
from eisim.base.store.checkpoint import part
from eisim.neurons import Logistic, RateUnit, Saturating, ThresholdLinear

SIGNS = ("free", "dale", "excitatory")
LOSSES = ("softmax", "one-vs-rest")
#: Excitatory-only threshold-linear units would be convex too (T5), so that those units saturate.
UNITS: dict[str, RateUnit] = {
    "free": ThresholdLinear(),
    "dale": ThresholdLinear(),
    "excitatory": Logistic(slope=1.0, maximum=1.0),
}
WORKERS = 2

#: For each activation its slope as a function of the rate, and the spread of drives for which it is designed.
ACTIVATIONS = {
    ThresholdLinear: (lambda unit, rate: unit.gain * (rate > 0), lambda unit: 1 / unit.gain),
    Logistic: (lambda unit, rate: rate * (1 - rate / unit.maximum) / unit.slope, lambda unit: 2 * unit.slope),
    Saturating: (
        lambda unit, rate: unit.gain * ((rate > 0) & (rate < unit.maximum)),
        lambda unit: unit.maximum / unit.gain / 2,
    ),
}


@shows_progress
def train(
    points,
    targets,
    hidden: Sequence[int] = (32,),
    signs: str = "free",
    activation: RateUnit | None = None,
    *,
    inhibitory: float = 0.2,
    loss: str = "softmax",
    penalty: float = 1e-4,
    iterations: int = 1000,
    seed: Seed = 0,
    name: str = "trained",
    report: Callable[..., None] | None = None,
) -> DNN:
    r"""Train a multilayer perceptron to classify, with exact constraints on the signs of its weights.

    The mean cross-entropy plus ``penalty / 2`` times the sum of the squared weights is minimised by L-BFGS-B (Byrd, Lu,
    Nocedal & Zhu, SIAM J. Sci. Comput. 16:1190, 1995), whose bounds are the constraints. Biases are free.

    Parameters
    ----------
    points : array_like of shape (n_points, n_inputs)
        Rates in units of the network: non-negative for a circuit whose inputs come in one polarity.
    targets : array_like of shape (n_points,)
        At least two classes; the outputs are in their sorted order.
    hidden : sequence of int
        Sizes of the hidden layers; none for a linear classifier.
    signs : {"free", "dale", "excitatory"}
        ``"free"``: any weights. ``"dale"``: the last units of every hidden layer are inhibitory, with no outgoing
        weight above 0, and no outgoing weight of all others and of the inputs is below 0. ``"excitatory"``: none is
        below 0.
    activation : ThresholdLinear, Logistic or Saturating
        Of hidden units; ``ThresholdLinear()`` by default.
    inhibitory : float
        Share of inhibitory units of each hidden layer under Dale's law; at least one is.
    loss : {"softmax", "one-vs-rest"}
        With more than two classes: outputs that compete for the largest, or that are each to exceed 0 for their own
        class and only then.
    penalty : float
        L2 penalty.
    iterations : int
        Largest number of iterations.
    seed : int or Generator
        Of the initial weights.
    name : str
    report : callable, optional
        Called with the stage and the fraction done. By default long work shows its progress in a terminal or a
        notebook.

    Returns
    -------
    DNN
        One linear output for two classes, above 0 for the second; else one for each class.

    Raises
    ------
    InputError

    Examples
    --------
    >>> from eisim import TruthTable, train
    >>> xor = TruthTable("0110")
    >>> for signs in ("free", "excitatory"):
    ...     network = train(xor.patterns, xor.values, hidden=(8,), signs=signs)
    ...     print(signs, (network.decide(xor.patterns)[:, 0] == xor.values).all())
    free True
    excitatory False
    """
    activation, seed = activation or ThresholdLinear(), seed_of(seed, "train: seed")
    points, values = _checked(points, targets, hidden, signs, activation, inhibitory, loss, penalty, iterations)
    classes, index = np.unique(values, return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"train: targets: expected at least 2 classes, found {len(classes)}")
    wanted = index[:, None].astype(float) if len(classes) == 2 else np.eye(len(classes))[index]
    sizes = (points.shape[1], *hidden, wanted.shape[1])
    source_signs = [_source_signs(size, k, signs, inhibitory) for k, size in enumerate(sizes[:-1])]
    first, centres = _initial(points, wanted, sizes, source_signs, activation, np.random.default_rng(seed))
    competing = loss == "softmax" and len(classes) > 2
    objective = Objective(points, wanted, sizes, tuple(centres), activation, competing, penalty)
    done = count(0)

    def tell(_=None):
        report(f"training {name}", next(done) / iterations)

    tell()
    bounds = _bounds(sizes, source_signs)
    options = {"maxiter": iterations, "maxfun": 2 * iterations, "maxcor": 20, "ftol": 1e-8, "gtol": 1e-6}
    with threadpool_limits(1, "blas"):  # the matrices are small: on a busy machine threads wait for each other
        found = minimize(objective, first, jac=True, method="L-BFGS-B", bounds=bounds, callback=tell, options=options)
    layers, names = [], ["x", *(f"hidden{k + 1}" for k in range(len(hidden))), "out"]
    for (source, layer), (weights, bias), centre in zip(
        pairwise(names), objective.unpack(found.x), centres, strict=True
    ):
        incoming = ((source, sparse.csr_array(weights)),)
        neuron = Identity() if layer == "out" else activation
        layers.append(Layer(layer, len(bias), incoming, bias - centre @ weights, neuron))
    return DNN((("x", points.shape[1], 1.0),), tuple(layers), (("out", 0.0),), recurrent=False, name=name)


def job(points, targets, hidden: Sequence[int], signs: str, seed: Seed, **more) -> dict:
    """Arguments of `train` for a network under sign constraints, of units that suit them."""
    given = {"points": points, "targets": targets, "hidden": hidden, "signs": signs, "activation": UNITS[signs]}
    return given | {"seed": int(seed)} | more


@shows_progress
def train_all(jobs: Sequence[dict], report: Callable[..., None] | None = None, what: str = "network") -> list[DNN]:
    """Train networks, some at a time; each as its `job` says. They are kept as `what` (see `checkpoint.part`)."""
    done, stop = [0.0] * len(jobs), Event()

    def train_one(k):
        def progress(_, fraction):
            if stop.is_set():
                raise InterruptedError
            done[k] = fraction
            report("training networks", sum(done) / len(jobs))

        dnn = part(f"{what} {k}", partial(train, **jobs[k], report=progress))
        done[k] = 1.0
        return dnn

    report("training networks", 0.0)
    # The outer limit keeps the inner ones, which come and go in threads, from undoing each other.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(WORKERS) as pool:
        begun = [pool.submit(train_one, k) for k in range(len(jobs))]
        try:
            return [future.result() for future in begun]
        except BaseException:
            stop.set()  # an interrupt does not wait for the others
            pool.shutdown(cancel_futures=True)
            raise


@dataclass(frozen=True, eq=False)
class Objective:
    """Loss and gradient of a perceptron, as a function of all weights and biases.

    Biases are those of sources with their centres taken off, which moves only where a bias is counted from: without
    that, non-negative weights and biases depend on each other so much that descent is slow.
    """

    points: np.ndarray  # (n_points, n_inputs)
    wanted: np.ndarray  # (n_points, n_outputs), 0 or 1
    sizes: tuple[int, ...]  # of the layers, with inputs and outputs
    centres: tuple[np.ndarray, ...]  # of each layer but the last, (size,)
    activation: RateUnit
    competing: bool  # whether outputs go through a softmax, or each through a logistic function
    penalty: float

    def unpack(self, parameters) -> list[tuple[np.ndarray, np.ndarray]]:
        """Weights (sources × units) and biases of each layer."""
        found, start = [], 0
        for n, m in pairwise(self.sizes):
            end = start + n * m
            found.append((parameters[start:end].reshape(n, m), parameters[end : end + m]))
            start = end + m
        return found

    def __call__(self, parameters) -> tuple[float, np.ndarray]:
        """Loss and its gradient."""
        layers = self.unpack(parameters)
        slope = ACTIVATIONS[type(self.activation)][0]
        rates, n = [self.points], len(self.points)
        for k, ((weights, bias), centre) in enumerate(zip(layers, self.centres, strict=True)):
            out = rates[k] @ weights + (bias - centre @ weights)
            if k < len(layers) - 1:
                rates.append(self.activation.activation(out))
        if self.competing:
            total = logsumexp(out, axis=1, keepdims=True)
            loss = (total.sum() - out[self.wanted == 1].sum()) / n
            error = (np.exp(out - total) - self.wanted) / n
        else:
            loss = (np.logaddexp(0, out) - self.wanted * out).sum() / n
            error = (expit(out) - self.wanted) / n
        gradients = []
        for k in reversed(range(len(layers))):
            weights = layers[k][0]
            loss += self.penalty / 2 * (weights**2).sum()
            total = error.sum(axis=0)
            gradient = rates[k].T @ error - np.outer(self.centres[k], total) + self.penalty * weights
            gradients += [total, gradient.ravel()]
            if k:
                error = (error @ weights.T) * slope(self.activation, rates[k])
        return loss, np.concatenate(gradients[::-1])


def _source_signs(size, layer, signs, inhibitory):
    """+1, -1 or 0 (any) for the outgoing weights of each unit of a layer, 0 the inputs."""
    found = np.full(size, 0 if signs == "free" else 1)
    if signs == "dale" and layer:
        found[size - max(1, round(inhibitory * size)) :] = -1
    return found


def _bounds(sizes, source_signs):
    """Least and greatest value of each parameter: weights, then biases, layer by layer."""
    by_layer = [[np.repeat(signs, m), np.zeros(m)] for signs, m in zip(source_signs, sizes[1:], strict=True)]
    sign = np.concatenate([*chain.from_iterable(by_layer)])
    return np.column_stack([np.where(sign > 0, 0.0, -np.inf), np.where(sign < 0, 0.0, np.inf)])


def _initial(points, wanted, sizes, source_signs, activation, rng):
    """Random weights within their signs and biases that centre units somewhere among the points; and layer centres.

    The drive of each hidden unit has the spread over the points that its activation is made for. Magnitudes of one sign
    are drawn from a gamma distribution of small shape: were they alike, all units would see the sum of their sources.
    """
    parameters, centres, rates = [], [], points
    for k, (signs, (n, m)) in enumerate(zip(source_signs, pairwise(sizes), strict=True)):
        centres.append(rates.mean(axis=0))
        size = np.where(signs[:, None], rng.gamma(0.5, size=(n, m)), np.abs(rng.normal(size=(n, m))))
        weights = size * np.where(signs, signs, 1)[:, None]
        if not signs.any():
            weights = weights * rng.choice([-1, 1], size=(n, m))
        drives = (rates - centres[-1]) @ weights
        spread = drives.std(axis=0)
        last = k == len(sizes) - 2
        designed = 0.5 if last else ACTIVATIONS[type(activation)][1](activation)
        weights = weights * (designed / np.where(spread, spread, 1))
        if last:
            share = np.clip(wanted.mean(axis=0), 1e-6, 1 - 1e-6)
            bias = np.log(share / (1 - share))
        else:
            drives = (rates - centres[-1]) @ weights
            bias = activation.threshold - drives[rng.integers(len(points), size=m), np.arange(m)]
            rates = activation.activation(drives + bias)
        parameters += [weights.ravel(), bias]
    return np.concatenate(parameters), centres


def _checked(points, targets, hidden, signs, activation, inhibitory, loss, penalty, iterations):
    """Points and targets as arrays, once all arguments have been found good."""
    points, targets = np.asarray(points, dtype=float), np.asarray(targets)

    def expect(what, good, expected, found):
        if not good:
            raise InputError(f"train: {what}: expected {expected}, found {found}")

    good = points.ndim == 2 and points.size and np.isfinite(points).all()
    expect("points", good, "finite numbers of shape (points, inputs)", points.shape)
    shape = points.shape[:1]
    expect("targets", targets.shape == shape, f"shape {shape}, one for each point", targets.shape)
    good = all(isinstance(size, (int, np.integer)) and size >= 1 for size in hidden)
    expect("hidden", good, "whole numbers of 1 or more", tuple(hidden))
    expect("signs", signs in SIGNS, f"one of {', '.join(SIGNS)}", repr(signs))
    expect("loss", loss in LOSSES, f"one of {', '.join(LOSSES)}", repr(loss))
    known = ", ".join(kind.__name__ for kind in ACTIVATIONS)
    expect("activation", type(activation) in ACTIVATIONS, f"one of {known}", repr(activation))
    refuse_refractory(activation, "train: activation")
    expect("activation", getattr(activation, "gain", 1) > 0, "a gain of more than 0", repr(activation))
    expect("inhibitory", 0 <= inhibitory <= 1, "a share from 0 to 1", inhibitory)
    expect("penalty", penalty >= 0, "0 or more", penalty)
    expect("iterations", iterations >= 1, "at least 1", iterations)
    return points, targets
