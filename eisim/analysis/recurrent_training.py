"""Training of recurrent networks with exact constraints on the signs of weights. Needs the extra ``eisim[torch]``."""

from collections.abc import Callable

import numpy as np

from eisim.adapter.extras import extra
from eisim.analysis.recurrent_network import ACTIVATIONS, SIGNS, RecurrentNetwork
from eisim.analysis.recurrent_tasks import RECURRENT_TASKS, THRESHOLD, RecurrentTask
from eisim.base import memory
from eisim.base.errors import InputError, did_you_mean
from eisim.base.progress import shows_progress
from eisim.base.seeds import Seed, seed_of
from eisim.base.units import scalar_si

METHODS = ("projected", "exponentiated")
#: Time constant, in s.
TAU = 100e-3
#: Largest magnitude of an eigenvalue of the recurrent weights times the slope of a unit, before training.
RADIUS = 0.9
SLOPES = {"relu": 1.0, "softplus": 0.5, "sigmoid": 0.25}
#: How steeply the probability of an answer rises with the output: e-fold in the odds over this difference.
SOFT = 0.1
#: Trials of one iteration, iterations between two records, and trials of a record.
BATCH, EVERY, CHECKED = 64, 50, 512
#: Penalty on the mean squared rate, and largest norm of a gradient.
PENALTY, CLIP = 1e-3, 1.0
#: Step of Adam, and of an exponentiated gradient.
STEPS = {"projected": 5e-3, "exponentiated": 3e-2}
#: Least magnitude of a weight under an exponentiated gradient, which cannot leave 0.
LEAST = 1e-6


@shows_progress
def train_recurrent(
    task: RecurrentTask | str,
    units: int = 64,
    signs: str = "free",
    *,
    share_inhibitory: float = 0.2,
    activation: str = "relu",
    method: str = "projected",
    iterations: int = 1000,
    tau=TAU,
    seed: Seed = 0,
    report: Callable[..., None] | None = None,
) -> RecurrentNetwork:
    r"""Train a recurrent network on a task, with exact constraints on the signs of its weights.

    Backpropagation through time with Adam, in PyTorch on one processor. The loss is the cross-entropy of the answers
    at the end of a trial, whose probability is logistic in the output less its threshold (of an angle, the squared
    error of the outputs), plus a small penalty on squared rates. The network with the best score on trials that it was
    not trained on is kept.

    At the start recurrent magnitudes are drawn from a gamma distribution. Under Dale's law the inhibitory ones are
    scaled so that each unit receives as much inhibition as excitation for equal rates, which removes the large
    eigenvalue of their mean (Rajan & Abbott, Phys. Rev. Lett. 97:188104, 2006). All are then scaled to a spectral
    radius of 0.9 over the largest slope of a unit. There are no self-connections.

    Parameters
    ----------
    task : RecurrentTask or str
        A task, or the name of one in `RECURRENT_TASKS`.
    units : int
    signs : {"free", "dale", "excitatory"}
        See `RecurrentNetwork`. Biases are free.
    share_inhibitory : float
        Share of inhibitory units under Dale's law, to the nearest whole number; at least one, and not all.
    activation : {"relu", "softplus", "sigmoid"}
        Excitatory-only networks of the first two compute convex functions only (T5), those of the last all monotone
        ones.
    method : {"projected", "exponentiated"}
        How the constraints are kept. ``"projected"``: after each step, weights beyond 0 are set to 0.
        ``"exponentiated"``: the magnitudes of constrained weights are multiplied by the exponential of the gradient,
        relative to its root mean square (Kivinen & Warmuth, Inf. Comput. 132:1, 1997; Cornford et al., bioRxiv
        2024.10.25.620272, for networks with Dale's law); what is free is stepped by Adam.
    iterations : int
        Of 64 trials each.
    tau : quantity
        Time constant of units, in s; the time step is that of the task.
    seed : int or Generator
        Of the initial weights and the trials.
    report : callable, optional
        Called with the stage and the fraction done.

    Returns
    -------
    RecurrentNetwork

    Raises
    ------
    InputError
        For bad arguments, or without PyTorch.
    """
    if isinstance(task, str):
        task = RECURRENT_TASKS[task]
    seed = seed_of(seed, "train_recurrent: seed")
    _check(task, units, signs, share_inhibitory, activation, method, iterations)
    torch = extra("torch", "train_recurrent")
    rng = np.random.default_rng(seed)
    inhibitory = min(units - 1, max(1, round(share_inhibitory * units))) if signs == "dale" else 0
    shape = (units, inhibitory, len(task.inputs), len(task.outputs))
    common = {"signs": signs, "inhibitory": inhibitory, "tau": tau, "dt": task.dt, "activation": activation}
    common |= {"task": task.name, "seed": seed}
    first = RecurrentNetwork(**_initial(rng, signs, activation, *shape), **common)
    weights = {name: torch.tensor(getattr(first, name), dtype=torch.float32, requires_grad=True) for name in ARRAYS}
    step = _Step(torch, weights, _allowed(first), method, iterations)
    checked = task.trials(CHECKED, np.random.default_rng([seed, 1]))
    best, history, total = first, [], 0.0
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the matrices are small, and the bits are the same on any machine
    try:
        for k in range(1, iterations + 1):
            trials = task.trials(BATCH, rng, shuffled=True)
            loss = _loss(torch, weights, task, trials, first)
            step(loss)
            total += float(loss.detach())
            if k % EVERY and k < iterations:
                continue
            arrays = {name: weights[name].detach().numpy().astype(float) for name in ARRAYS}
            score = RecurrentNetwork(**arrays, **common).score(task, checked)
            history.append((k, total / (k % EVERY or EVERY), score))
            total = 0.0
            if score >= max(each[2] for each in history):
                best = RecurrentNetwork(**arrays, **common)
            report(f"training {task.name}", k / iterations)
    finally:
        torch.set_num_threads(threads)
    arrays = {name: getattr(best, name) for name in ARRAYS}
    return RecurrentNetwork(**arrays, **common, history=np.array(history))


ARRAYS = ("W_in", "W_rec", "b", "W_out")


def _loss(torch, weights, task, trials, network):
    """Of the answers at the end of trials, with the penalty on rates."""
    phi = {"relu": torch.relu, "softplus": torch.nn.functional.softplus, "sigmoid": torch.sigmoid}[network.activation]
    stimuli = torch.tensor(trials.stimuli, dtype=torch.float32)
    targets = torch.tensor(trials.targets, dtype=torch.float32)
    drive = stimuli @ weights["W_in"].T + weights["b"]
    share, recurrent = network.dt / network.tau, weights["W_rec"].T
    rate, rates = torch.zeros(len(stimuli), network.units), []
    for now in drive.unbind(1):
        rate = rate + share * (phi(now + rate @ recurrent) - rate)
        rates.append(rate)
    outputs = torch.stack(rates[-task.window :], 1).mean(1) @ weights["W_out"].T
    if task.is_angle:
        error = ((outputs - targets) ** 2).mean()
    else:
        error = torch.nn.functional.binary_cross_entropy_with_logits((outputs - THRESHOLD) / SOFT, targets)
    return error + PENALTY * (torch.stack(rates, 1) ** 2).mean()


class _Step:
    """One step down the gradient that keeps the signs; the step falls to 0 along a quarter of a cosine."""

    def __init__(self, torch, weights, allowed, method, iterations):
        self.torch, self.weights, self.allowed = torch, weights, allowed
        self.multiplied = [name for name in weights if method == "exponentiated" and np.abs(allowed[name]).max() == 1]
        others = [weights[name] for name in weights if name not in self.multiplied]
        self.optimiser = torch.optim.Adam(others, lr=STEPS["projected"])
        self.done, self.iterations = 0, iterations
        self.bounds = {
            name: [torch.tensor(each, dtype=torch.float32) for each in _bounds(sign)] for name, sign in allowed.items()
        }

    def __call__(self, loss):
        torch, weights = self.torch, self.weights
        share = np.cos(np.pi / 2 * self.done / self.iterations)
        for group in self.optimiser.param_groups:
            group["lr"] = STEPS["projected"] * share
        for each in weights.values():
            each.grad = None
        loss.backward()
        torch.nn.utils.clip_grad_norm_([*weights.values()], CLIP)
        self.optimiser.step()
        with torch.no_grad():
            for name in self.multiplied:
                weight, slope = weights[name], weights[name].grad
                relative = slope / (slope.square().mean().sqrt() + 1e-12)
                sign = torch.tensor(self.allowed[name], dtype=torch.float32)
                rate = STEPS["exponentiated"] * share
                size = weight.abs() * torch.exp(-rate * sign * relative.clamp(-3, 3))
                weight.copy_(sign * size.clamp(min=LEAST))
            for name, (low, high) in self.bounds.items():
                weights[name].copy_(torch.minimum(torch.maximum(weights[name], low), high))
        self.done += 1


def _allowed(network) -> dict[str, np.ndarray]:
    """For each weight +1 or -1 for its sign, 0 if it is to be 0, and 2 for any."""
    signs, n = network.unit_signs, network.units
    off = 1 - np.eye(n)
    if network.signs == "free":
        return {
            "W_in": np.full(network.W_in.shape, 2.0),
            "W_rec": 2 * off,
            "b": np.full(n, 2.0),
            "W_out": np.full(network.W_out.shape, 2.0),
        }
    return {
        "W_in": np.ones(network.W_in.shape),
        "W_rec": signs * off,
        "b": np.full(n, 2.0),
        "W_out": np.broadcast_to((signs > 0).astype(float), network.W_out.shape),
    }


def _bounds(sign) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest value of each weight."""
    return np.where(np.isin(sign, (-1, 2)), -np.inf, 0.0), np.where(np.isin(sign, (1, 2)), np.inf, 0.0)


def _initial(rng, signs, activation, units, inhibitory, inputs, outputs) -> dict[str, np.ndarray]:
    """Random weights within their signs."""
    sign = np.where(np.arange(units) < units - inhibitory, 1.0, -1.0)
    recurrent = rng.gamma(2.0, size=(units, units))
    np.fill_diagonal(recurrent, 0.0)
    recurrent = recurrent * (rng.choice([-1, 1], size=recurrent.shape) if signs == "free" else sign)
    if 0 < inhibitory < units:  # as much inhibition as excitation onto each unit
        received = [np.abs(recurrent[:, sign == each]).sum(axis=1, keepdims=True) for each in (1, -1)]
        recurrent[:, sign < 0] *= received[0] / np.where(received[1], received[1], 1.0)
    radius = np.abs(np.linalg.eigvals(recurrent)).max()
    recurrent *= RADIUS / SLOPES[activation] / (radius or 1.0)
    inward = rng.gamma(1.0, size=(units, inputs)) / inputs
    outward = rng.gamma(1.0, size=(outputs, units)) / units
    if signs == "free":
        inward, outward = (each * rng.choice([-1, 1], size=each.shape) for each in (inward, outward))
    elif inhibitory:
        outward[:, sign < 0] = 0.0
    return {"W_in": inward, "W_rec": recurrent, "b": np.zeros(units), "W_out": outward}


def _check(task, units, signs, share, activation, method, iterations):
    def expect(what, good, expected, found):
        if not good:
            raise InputError(f"train_recurrent: {what}: expected {expected}, found {found!r:.60}")

    def one_of(what, known, found):
        if not isinstance(found, str) or found not in known:
            near = did_you_mean(str(found), known)
            raise InputError(f"train_recurrent: {what}: expected one of {', '.join(known)}, found {found!r:.60}{near}")

    expect("task", isinstance(task, RecurrentTask), "a RecurrentTask or the name of one", task)
    one_of("signs", SIGNS, signs)
    one_of("activation", ACTIVATIONS, activation)
    one_of("method", METHODS, method)
    if method == "exponentiated" and signs == "free":
        raise InputError("train_recurrent: method: expected 'projected' with free signs, found 'exponentiated'")
    for what, number in (("units", units), ("iterations", iterations)):
        good = isinstance(number, (int, np.integer)) and not isinstance(number, bool) and number >= 1
        expect(what, good, "a whole number of 1 or more", number)
    memory.check("train_recurrent: units", 8.0 * int(units) ** 2, f"{units:,}")
    part = scalar_si(share, "1", "train_recurrent: share_inhibitory")
    expect("share_inhibitory", 0 <= part <= 1, "a share from 0 to 1", share)
    if signs == "dale":
        expect("share_inhibitory", 0 < part < 1, "units of both signs, a share above 0 and below 1", share)
        expect("units", units > 1, "2 or more, one excitatory and one inhibitory", units)
