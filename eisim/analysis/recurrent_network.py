"""A trained recurrent network: its weights, and the outputs that they give."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from eisim.adapter.rnn import RNN
from eisim.analysis.recurrent_tasks import THRESHOLD, RecurrentTask, Trials
from eisim.base.errors import InputError, did_you_mean
from eisim.base.units import scalar_si, to_si
from eisim.base.values import Brief, ReadOnly, Value, quantity

SIGNS = ("free", "dale", "excitatory")
ACTIVATIONS: dict[str, Callable] = {
    "relu": lambda drive: np.maximum(drive, 0.0),
    "softplus": lambda drive: np.logaddexp(0.0, drive),
    "sigmoid": expit,
}


@dataclass(frozen=True, eq=False, repr=False)
class RecurrentNetwork(ReadOnly, Brief, Value):
    r"""A recurrent network of rate units with linear outputs.

    .. math::
        r_{t+1} &= (1 - \tfrac{\Delta t}{\tau})\, r_t
        + \tfrac{\Delta t}{\tau}\,\phi(W_\mathrm{in} u_t + W_\mathrm{rec} r_t + b), \qquad r_0 = 0 \\
        z_t &= W_\mathrm{out} r_{t+1}

    Attributes
    ----------
    W_in : array_like of shape (units, inputs)
    W_rec : array_like of shape (units, units)
        From the unit of a column to that of a row.
    b : array_like of shape (units,)
    W_out : array_like of shape (outputs, units)
    signs : {"free", "dale", "excitatory"}
        Constraint on the signs of weights. ``"dale"``: each column of `W_rec` has one sign, and only excitatory units
        have weights in `W_out`; they and `W_in` are non-negative. ``"excitatory"``: no weight is negative.
    inhibitory : int
        Number of inhibitory units under Dale's law, the last ones.
    tau, dt : quantity
        Time constant and time step, in s.
    activation : {"relu", "softplus", "sigmoid"}
    task : str
        Name of the task that it was trained on.
    seed : int
        Of its training.
    history : array_like of shape (records, 3)
        Iterations of training so far, loss, and score on trials that it was not trained on.

    Raises
    ------
    InputError
        For shapes that do not fit, numbers that are not finite, or weights that break the constraint.
    """

    W_in: np.ndarray
    W_rec: np.ndarray
    b: np.ndarray
    W_out: np.ndarray
    signs: str = "free"
    inhibitory: int = 0
    tau: float = quantity(100e-3, "second", positive=True)
    dt: float = quantity(20e-3, "second", positive=True)
    activation: str = "relu"
    task: str = ""
    seed: int = 0
    history: np.ndarray = ()

    def __post_init__(self):
        super().__post_init__()
        for name, among in (("signs", SIGNS), ("activation", ACTIVATIONS)):
            if not isinstance(given := getattr(self, name), str) or given not in among:
                near = did_you_mean(str(given), among)
                expected = f"one of {', '.join(among)}"
                raise InputError(f"RecurrentNetwork.{name}: expected {expected}, found {given!r:.60}{near}")
        n = self._shaped("b", (None,))[0]
        inputs = self._shaped("W_in", (n, None))[1]
        self._shaped("W_rec", (n, n))
        outputs = self._shaped("W_out", (None, n))[0]
        if not (n and inputs and outputs):
            found = f"{n} units, {inputs} inputs and {outputs} outputs"
            raise InputError(f"RecurrentNetwork: expected at least one of each, found {found}")
        if self.dt > self.tau:
            found = f"{self.dt:g} s with {self.tau:g} s"
            raise InputError(f"RecurrentNetwork.dt: expected at most tau, found {found}")
        if isinstance(self.history, (tuple, list, np.ndarray)) and not len(self.history):
            object.__setattr__(self, "history", np.empty((0, 3)))
        self._shaped("history", (None, 3))
        for name, most in (("inhibitory", n), ("seed", None)):
            number = getattr(self, name)
            is_whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
            if not is_whole or number < 0 or (most is not None and number > most):
                expected = "a whole number of 0 or more" if most is None else f"a whole number from 0 to {most}"
                raise InputError(f"RecurrentNetwork.{name}: expected {expected}, found {number!r:.60}")
        if not isinstance(self.task, str):
            raise InputError(f"RecurrentNetwork.task: expected a name, found {self.task!r:.60}")
        self._check_signs()
        for each in ("W_in", "W_rec", "b", "W_out", "history"):
            getattr(self, each).flags.writeable = False

    def _shaped(self, name, shape) -> tuple[int, ...]:
        """The shape of an array of finite numbers, once it is as expected."""
        array = np.array(to_si(getattr(self, name), "1", f"RecurrentNetwork.{name}"), dtype=float)
        fits = array.ndim == len(shape) and all(s is None or s == n for s, n in zip(shape, array.shape, strict=True))
        if not fits:
            expected = " × ".join("any" if each is None else str(each) for each in shape)
            raise InputError(f"RecurrentNetwork.{name}: expected shape {expected}, found {array.shape}")
        if not np.isfinite(array).all():
            raise InputError(f"RecurrentNetwork.{name}: expected finite numbers, found {array[~np.isfinite(array)][0]}")
        object.__setattr__(self, name, array)
        return array.shape

    def _check_signs(self):
        if self.signs != "dale" and self.inhibitory:
            raise InputError(
                f"RecurrentNetwork.inhibitory: expected 0 unless signs are 'dale', found {self.inhibitory}"
            )
        if self.signs == "free":
            return
        excitatory = self.units - self.inhibitory
        checks = {
            "W_in": (self.W_in >= 0, "non-negative weights"),
            "W_rec": (self.W_rec * self.unit_signs >= 0, "the sign of the unit in each column"),
            "W_out": (
                (self.W_out >= 0) & ((np.arange(self.units) < excitatory) | (self.W_out == 0)),
                "non-negative weights, from excitatory units only",
            ),
        }
        for name, (good, expected) in checks.items():
            if not good.all():
                found = getattr(self, name)[~good][0]
                raise InputError(f"RecurrentNetwork.{name}: signs {self.signs!r}: expected {expected}, found {found:g}")

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.b)

    @property
    def unit_signs(self) -> np.ndarray:
        """+1 or -1 for each unit under a constraint, 0 for any sign."""
        if self.signs == "free":
            return np.zeros(self.units, dtype=int)
        return np.where(np.arange(self.units) < self.units - self.inhibitory, 1, -1)

    @property
    def rnn(self) -> RNN:
        """The network as `eisim.from_rnn` takes it, whose ``circuit`` has its rates at every step."""
        signs = None if self.signs == "free" else self.unit_signs
        arrays = (self.W_in, self.W_rec, self.b, self.W_out)
        return RNN(*arrays, self.tau, self.dt, self.activation, signs=signs, name=self.label)

    @property
    def label(self) -> str:
        """Its constraint and seed; of a network that `train_recurrent` did not train ``"given"`` for the seed."""
        given = "given" + (f" {self.seed}" if self.seed else "")
        return f"{self.signs}, {f'seed {self.seed}' if len(self.history) else given}"

    def rates(self, stimuli) -> np.ndarray:
        """Rates after each step.

        Parameters
        ----------
        stimuli : array_like of shape (trials, time, inputs)

        Returns
        -------
        ndarray of shape (trials, time, units)

        Raises
        ------
        InputError
            For stimuli of another shape.
        """
        stimuli = to_si(stimuli, "1", "RecurrentNetwork: stimuli")
        if stimuli.ndim != 3 or stimuli.shape[2] != self.W_in.shape[1]:
            expected = f"trials × time × {self.W_in.shape[1]} inputs"
            raise InputError(f"RecurrentNetwork: stimuli: expected {expected}, found shape {stimuli.shape}")
        drive, share = stimuli @ self.W_in.T + self.b, self.dt / self.tau
        rate, found = np.zeros((len(stimuli), self.units)), np.empty((*stimuli.shape[:2], self.units))
        with np.errstate(over="ignore", invalid="ignore"):  # of rates that run away
            for step in range(stimuli.shape[1]):
                active = ACTIVATIONS[self.activation](drive[:, step] + rate @ self.W_rec.T)
                rate = found[:, step] = rate + share * (active - rate)
        return found

    def outputs(self, stimuli, window: int = 1) -> np.ndarray:
        """Outputs, each averaged over the last steps of a trial, trials × outputs."""
        rates = self.rates(stimuli)
        steps = rates.shape[1]
        if isinstance(window, bool) or not isinstance(window, (int, np.integer)) or not 1 <= window <= steps:
            expected = f"a whole number of steps from 1 to {steps}"
            raise InputError(f"RecurrentNetwork: window: expected {expected}, found {window!r:.60}")
        with np.errstate(over="ignore", invalid="ignore"):
            return rates[:, -window:].mean(axis=1) @ self.W_out.T

    def score(self, task, trials=None, threshold: float = THRESHOLD) -> float:
        """Mean score on `Trials` of a `RecurrentTask`; by default on at least 2,000 that training did not see."""
        for what, given, kind in (("task", task, RecurrentTask), ("trials", trials, Trials)):
            if not isinstance(given, kind) and (given is not None or what == "task"):
                raise InputError(f"score: {what}: expected {kind.__name__}, found {given!r:.60}")
        threshold = scalar_si(threshold, "1", "score: threshold")
        n = len(task.conditions)
        trials = task.trials(n * -(-2000 // n), seed=np.random.default_rng([0, 2])) if trials is None else trials
        return float(task.marks(self.outputs(trials.stimuli, task.window), trials.targets, threshold).mean())

    def __repr__(self):
        kinds = f", {self.inhibitory} inhibitory" if self.inhibitory else ""
        score = f"; score {self.history[-1, 2]:.3g}" if len(self.history) else ""
        return f"<RecurrentNetwork: {self.units} {self.activation} units{kinds}, {self.signs}; {self.task}{score}>"
