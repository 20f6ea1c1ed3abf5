"""Order among the trials of a task: its witness, and what the theorem says of order without inhibition."""

from dataclasses import dataclass

import numpy as np

from eisim.base.values import Brief
from eisim.circuit import Circuit
from eisim.stimuli import afferent_names
from eisim.studies.curves import contradiction
from eisim.theory import required
from eisim.theory.assumptions import unshown, violated

#: Order counts as broken when a rate or an output falls by more than this.
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class Witness(Brief):
    """The pair of trials x <= y whose output falls most: no excitatory-only circuit gives it."""

    trials: tuple[int, int]  # which trials x and y are
    inputs: tuple[str, ...]  # name of each column of the stimuli
    stimuli: tuple[np.ndarray, np.ndarray]  # (inputs,): x and y, averaged over time if they vary
    outputs: tuple[np.ndarray, np.ndarray]  # (fractions, seeds): of the task at x and at y
    unseen: tuple[int, ...] = ()  # places of the seeds on which it was not searched, and is measured; none: all

    @property
    def falls(self) -> np.ndarray:
        """Output at x minus output at y, fractions × seeds."""
        return self.outputs[0] - self.outputs[1]

    @property
    def _counted(self):
        return list(self.unseen) or slice(None)

    @property
    def means(self) -> tuple[float, float]:
        """Mean output of the intact circuit at x and at y, over the seeds on which the pair was not searched."""
        lower, upper = (float(output[0][self._counted].mean()) for output in self.outputs)
        return lower, upper

    @property
    def fall(self) -> float:
        """Mean fall of the intact circuit, over the seeds on which the pair was not searched."""
        return float(self.falls[0][self._counted].mean())

    @property
    def standard_errors(self) -> float | None:
        """The fall in standard errors over these seeds; infinite if all agree, ``None`` with a single one."""
        falls = self.falls[0][self._counted]
        if falls.size < 2:
            return None
        error = falls.std(ddof=1) / np.sqrt(falls.size)
        return float(self.fall / error) if error > ROUNDING else np.inf


def find_witness(stimuli: np.ndarray, circuit: Circuit, outputs: np.ndarray) -> Witness | None:
    """The pair of trials, if any, whose output falls most without ablation, of equal falls the nearest pair.

    Stimuli are trials (× time) × inputs, outputs fractions × seeds × trials; the circuit names the inputs. Where seeds
    differ it is searched on every other seed, and counts only if it falls in the mean over the others.
    """
    lower, upper = ordered_pairs(stimuli)
    n_seeds = outputs.shape[1]
    is_split = n_seeds > 1 and np.ptp(outputs[0], axis=0).max() > ROUNDING
    searched, unseen = (range(0, n_seeds, 2), tuple(range(1, n_seeds, 2))) if is_split else (range(n_seeds), ())
    intact = outputs[0, searched].mean(axis=0)
    falls = intact[lower] - intact[upper]
    if not falls.size or falls.max() <= ROUNDING:
        return None
    most = np.flatnonzero(falls >= falls.max() * (1 - 1e-6))
    apart = [np.abs(stimuli[upper[k]] - stimuli[lower[k]]).sum() for k in most]
    x, y = lower[most[np.argmin(apart)]], upper[most[np.argmin(apart)]]
    means = stimuli.mean(axis=1) if stimuli.ndim == 3 else stimuli
    names = afferent_names([(i.name, i.size) for i in circuit.inputs])
    found = Witness((int(x), int(y)), tuple(names), (means[x], means[y]), (outputs[..., x], outputs[..., y]), unseen)
    return found if found.fall > ROUNDING else None


def ordered_pairs(stimuli: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of different trials x <= y, at every input and time: indices of x and of y."""
    lower, upper = required.ordered_pairs(stimuli)
    differ = (stimuli[lower] != stimuli[upper]).any(axis=tuple(range(1, stimuli.ndim)))
    return lower[differ], upper[differ]


def broken_order(stimuli: np.ndarray, circuit: Circuit, rates: np.ndarray, output: np.ndarray | None) -> str | None:
    """Contradictions of T1, as text: without inhibition and noise, rates and output keep the order of inputs.

    Stimuli are trials (× time) × inputs, rates trials × neurons. Nothing is reported for a circuit of which T1 does not
    speak.
    """
    lower, upper = ordered_pairs(stimuli)
    if not lower.size or not circuit.is_excitatory_only or not _keeps_order(circuit):
        return None
    fall = float((rates[lower] - rates[upper]).max())
    if fall > ROUNDING:
        return contradiction("", f"the excitatory-only rate circuit breaks order by {fall:.3g} Hz")
    if output is not None and (output[lower] - output[upper]).max() > ROUNDING:
        return (
            "Task.output: expected non-decreasing in the rates, found a fall where no rate falls: it is the output "
            "itself that subtracts, so its fall is no witness of the circuit"
        )
    return None


def is_noisy(circuit: Circuit) -> bool:
    """Whether any neuron has noise, or an injected current fluctuates."""
    return any(getattr(p.neuron, "noise", 0) for p in circuit.populations) or any(i.fluctuation for i in circuit.inputs)


def _keeps_order(circuit):
    """Whether all assumptions of the theorem are known to hold."""
    return not is_noisy(circuit) and not any((*violated(circuit), *unshown(circuit)))
