"""A circuit without inhibition whose behaviour changes with the context, and the same without what makes it change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from eisim.circuit import Circuit
from eisim.simulation import simulate


@dataclass(frozen=True, eq=False)
class Contexts:
    """What is simulated.

    Attributes
    ----------
    circuit : Circuit
        With two readouts, each of which has a behaviour: the first without the context, the second with the strongest.
    remedy : Circuit
        The same with the assumption of the theorem that the circuit breaks.
    levels : tuple of float
        Strengths of the context, from 0.
    stimuli : array of shape (levels, time, inputs)
    times : mapping of str to float
        ``duration``, ``window`` and ``dt``, in s.
    """

    circuit: Circuit
    remedy: Circuit
    levels: tuple[float, ...]
    stimuli: np.ndarray
    times: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Behaviour:
    """Rates of the readouts, in Hz, by strength of the context: (levels, readouts)."""

    contexts: Contexts
    rates: np.ndarray
    remedied: np.ndarray

    @property
    def active(self) -> np.ndarray:
        """Whether each readout is above its threshold, (levels, readouts)."""
        return self.rates > [readout.threshold for readout in self.contexts.circuit.readouts]

    @property
    def changes(self) -> bool:
        """Whether the first behaviour alone occurs without the context, and the second alone with the strongest."""
        return self.active[[0, -1]].tolist() == [[True, False], [False, True]]


def measure(contexts: Contexts, backend: str, report: Callable[..., None]) -> Behaviour:
    """Simulate both circuits at every strength of the context."""
    how = {**contexts.times, "backend": backend, "report": report}
    responses = simulate([contexts.circuit, contexts.remedy], contexts.stimuli, **how)
    return Behaviour(contexts, *(response.readouts for response in responses))
