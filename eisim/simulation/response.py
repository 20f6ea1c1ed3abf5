"""Results of a simulation."""

from dataclasses import dataclass, field

import numpy as np

from eisim.base.display import display, labelled, tabulated
from eisim.base.values import Brief, ByName, Shown
from eisim.circuit import Circuit


@dataclass(frozen=True, repr=False)
class Spikes(Brief):
    """Spikes of one population."""

    copy: np.ndarray  # trial of each spike, counted over seeds × trials (seed-major)
    neuron: np.ndarray  # within the population
    step: np.ndarray  # the time is ``step * dt``


@dataclass(frozen=True, eq=False, repr=False)
class Response(Shown):
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
    seeds : tuple of int
        Seeds of the noise, in the order of the axis of seeds; empty if not known.
    """

    circuit: Circuit
    rates: dict[str, np.ndarray]
    duration: float
    window: float
    dt: float
    spikes: dict[str, Spikes] = field(default_factory=dict)
    traces: dict[str, np.ndarray] = field(default_factory=dict)
    loop_time: float = np.nan
    seeds: tuple[int, ...] = ()

    def __post_init__(self):
        for kept in ("rates", "spikes", "traces"):
            object.__setattr__(self, kept, ByName(f"Response.{kept}", getattr(self, kept)))

    def __repr__(self):
        shape = " × ".join(map(str, self.readouts.shape))
        return f"<Response of {self.circuit!r}: {shape} rates over the last {self.window:g} of {self.duration:g} s>"

    def plot(self, ax=None, trials=(), **keywords):
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
        return display("plot", self)(self, ax, keywords, trials=trials)

    @property
    def readouts(self) -> np.ndarray:
        """Rates of the outputs: (seeds ×) trials × readouts, in Hz."""
        none = next(iter(self.rates.values()))[..., :0]
        return np.concatenate([none, *(self.rates[r.population] for r in self.circuit.readouts)], axis=-1)

    @property
    def decisions(self) -> np.ndarray:
        """Which outputs exceed their decision threshold: bool, (seeds ×) trials × readouts."""
        return self.readouts > self.circuit.readout_thresholds

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.readouts, dtype=dtype)

    to_xarray = labelled(
        """The response as an `xarray.Dataset`.

        Returns
        -------
        Dataset
            ``readout_rate`` and ``decision`` (seed × trial × readout), ``rate`` (seed × trial × neuron) and, if
            recorded, ``rate_in_time`` (seed × trial × neuron × time), in Hz; neurons have the coordinates
            ``population``, ``sign`` and ``number``. There is always an axis of seeds.
        """
    )
    to_dataframe = tabulated(
        """Rate and decision of each output as a pandas DataFrame.

        Returns
        -------
        DataFrame
            Columns seed, trial, readout, rate_hz, decision; one row for each seed, trial and output.
        """
    )

    def spikes_to_dataframe(self):
        """Recorded spikes as a pandas DataFrame.

        Returns
        -------
        DataFrame
            Columns population, sign, neuron, seed, trial, time_s; one row for each spike of inputs and populations,
            in order of time.

        Raises
        ------
        InputError
            If no spikes were recorded.
        """
        return display("spikes_to_dataframe", self)(self)
