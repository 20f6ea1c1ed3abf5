"""What came out of a simulation."""

from dataclasses import dataclass, field

import numpy as np

from eisim.circuit import Circuit


@dataclass(frozen=True)
class Spikes:
    """Spikes of one population.

    Attributes
    ----------
    copy : ndarray of int
        Trial of each spike, counted over seeds × trials (seed-major).
    neuron : ndarray of int
        Neuron within the population.
    step : ndarray of int
        Time step; the time is ``step * dt``.
    """

    copy: np.ndarray
    neuron: np.ndarray
    step: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Response:
    """Rates that a circuit answered with, averaged over the read-out window.

    Attributes
    ----------
    circuit : Circuit
    rates : dict of str to ndarray
        For each population the mean rates, (seeds ×) trials × neurons, in Hz. The first axis is there if a
        sequence of seeds was given.
    duration, window, dt : float
        Length of a trial, of the read-out window at its end, and of a time step, in s.
    spikes : dict of str to Spikes
        For each input and population, if recorded (spiking circuits).
    traces : dict of str to ndarray
        For each population, if recorded (rate circuits): (seeds ×) trials × neurons × steps, in Hz.
    loop_time : float
        How long the simulation loop of the compiled program took for the whole batch, in s; NaN without a compiler.
    """

    circuit: Circuit
    rates: dict[str, np.ndarray]
    duration: float
    window: float
    dt: float
    spikes: dict[str, Spikes] = field(default_factory=dict)
    traces: dict[str, np.ndarray] = field(default_factory=dict)
    loop_time: float = np.nan

    def __repr__(self):
        shape = " × ".join(map(str, self.readouts.shape))
        return f"<Response of {self.circuit!r}: {shape} rates over the last {self.window:g} of {self.duration:g} s>"

    def plot(self, ax=None, trials=()):
        """Draw the spikes of a recorded spiking circuit, or the readout's rate over time; else rates by trial.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; by default on those of a new figure in the style ``eisim.paper``.
        trials : sequence of str
            Names of the trials, of all seeds in turn; numbers by default.

        Returns
        -------
        Axes

        Raises
        ------
        InputError
            If there are more or fewer names than trials.
        """
        from eisim.report import figures, style

        return style.axes(figures.response, ax, self, trials, size=(style.DOUBLE, 3.0))

    @property
    def readouts(self) -> np.ndarray:
        """Rates of the outputs: (seeds ×) trials × readouts, in Hz."""
        return np.concatenate([self.rates[r.population] for r in self.circuit.readouts], axis=-1)

    @property
    def decisions(self) -> np.ndarray:
        """Which outputs exceed their decision threshold: bool, (seeds ×) trials × readouts."""
        return self.readouts > self.circuit.readout_thresholds

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.readouts, dtype=dtype)
