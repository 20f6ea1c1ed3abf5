"""Results of a simulation."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from eisim.base.display import display, labelled, tabulated
from eisim.base.values import Brief, ByName, Shown
from eisim.circuit import Circuit
from eisim.simulation.recording import symbol
from eisim.simulation.state import States


@dataclass(frozen=True, repr=False)
class Spikes(Brief):
    """Spikes of one population."""

    copy: np.ndarray  # trial of each spike, counted over seeds × trials (seed-major)
    neuron: np.ndarray  # within the population
    step: np.ndarray  # the time is ``step * dt``
    dt: float = field(default=np.nan, repr=False)  # s

    @property
    def t(self) -> np.ndarray:
        """Times of the spikes since the trial began, in s."""
        return self.step * self.dt

    @property
    def i(self) -> np.ndarray:
        """Number of the neuron of each spike, within its population."""
        return self.neuron


@dataclass(frozen=True, eq=False, repr=False)
class Recording(Brief):
    """Variables of neurons of one population, or of synapses of one projection, over time, in SI units.

    Attributes
    ----------
    values : dict of str to ndarray of shape (seeds, trials, neurons, times)
        By the name of the variable.
    units, meanings : dict of str to str
        Of each variable.
    seeds, trials, neurons : ndarray of int
        Which they are.
    times : ndarray
        In s: the state is that at the beginning of the time step at this time.
    ends : tuple of ndarray of int
        Of synapses, whose numbers `neurons` are, the numbers of their source and target neurons.
    """

    values: dict[str, np.ndarray]
    units: dict[str, str]
    meanings: dict[str, str]
    seeds: np.ndarray
    trials: np.ndarray
    neurons: np.ndarray
    times: np.ndarray
    ends: tuple[np.ndarray, ...] = ()

    @property
    def axis(self) -> str:
        """What the variables are of: neuron or synapse."""
        return "synapse" if self.ends else "neuron"

    def to_xarray(self):
        """The recording as an `xarray.Dataset` with the dimensions seed, trial, neuron (or synapse) and time."""
        import xarray as xr

        axes, of = ("seed", "trial", self.axis, "time"), "projection" if self.ends else "population"
        about = {name: {"units": self.units[name], "long_name": self.meanings[name]} for name in self.values}
        coordinates = {
            "seed": ("seed", self.seeds, {"long_name": "seed of the noise"}),
            "trial": ("trial", self.trials, {"long_name": "number of the trial"}),
            self.axis: (self.axis, self.neurons, {"long_name": f"number of the {self.axis} in its {of}"}),
            "time": ("time", self.times, {"units": "s", "long_name": "time since the trial began"}),
        }
        coordinates |= ends_as_coordinates(self.ends)
        values = {name: (axes, _locked(array), about[name]) for name, array in self.values.items()}
        return xr.Dataset(values, coordinates)


def _locked(array):
    """The same numbers, which cannot be changed through this array."""
    view = array.view()
    view.flags.writeable = False
    return view


class Weights(ByName):
    """Weights that were learnt, by projection: an `xarray.DataArray` that is made of an array."""

    def __init__(self, circuit: Circuit, stored):
        super().__init__("Response.weights", stored)
        self._circuit = circuit

    def __getitem__(self, name):
        return self._shown(name, super().__getitem__(name))

    def get(self, name, default=None):
        return self._shown(name, super().__getitem__(name)) if name in self else default

    def values(self):
        return [self[name] for name in self]

    def items(self):
        return [(name, self[name]) for name in self]

    @property
    def stored(self) -> dict[str, np.ndarray]:
        """The arrays as they are kept."""
        return dict(super().items())

    def __reduce__(self):
        return Weights, (self._circuit, self.stored)

    def _shown(self, name, values):
        import xarray as xr

        projection = next(p for p in self._circuit.projections if p.name == name)
        axes = ("seed", "trial", "synapse")[-np.ndim(values) :]
        unit = self._circuit.population(projection.target).neuron.weight_unit
        about = {"units": symbol(unit), "long_name": f"weight of the synapses of {name} at the end"}
        coordinates = ends_as_coordinates(ends_of(self._circuit, projection))
        return xr.DataArray(_locked(values), coordinates, axes, name="weight", attrs=about)


def ends_of(circuit: Circuit, projection) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the source and the target neuron of each synapse of a projection."""
    matrix = circuit.weights(projection)
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)), matrix.indices.astype(int)


def ends_as_coordinates(ends) -> dict:
    """Coordinates of synapses: the numbers of their source and target neurons."""
    return {
        end: ("synapse", numbers, {"long_name": f"number of the {end} neuron in its population"})
        for end, numbers in zip(("source", "target"), ends, strict=False)
    }


class Traces(ByName):
    """What was recorded over time, by population: an array, or an `xarray.Dataset` that is made of a `Recording`."""

    def __getitem__(self, name):
        return _shown(super().__getitem__(name))

    def get(self, name, default=None):
        return _shown(super().get(name, default))

    def values(self):
        return [_shown(found) for found in super().values()]

    def items(self):
        return [(name, _shown(found)) for name, found in super().items()]

    @property
    def stored(self) -> dict[str, np.ndarray | Recording]:
        """Arrays and recordings as they are kept."""
        return dict(super().items())

    @property
    def recordings(self) -> dict[str, Recording]:
        """What was recorded of chosen variables, by population."""
        return {name: found for name, found in super().items() if isinstance(found, Recording)}

    def __reduce__(self):
        return Traces, (self.what, self.stored)


def _shown(found):
    return found.to_xarray() if isinstance(found, Recording) else found


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
        For each input and population, if recorded (spiking circuits). Each has the times ``.t`` (s) and the neurons
        ``.i``, in order of time.
    traces : dict of str to ndarray or Dataset
        For each population whose variables were recorded, an `xarray.Dataset` of these with the dimensions seed,
        trial, neuron and time (s), in SI units, which the attribute ``units`` of each names; for each projection
        whose weights were, one with synapse in the place of neuron, of which the coordinates ``source`` and ``target``
        are the numbers of the neurons. With ``record=True``
        instead, of rate circuits, arrays: (seeds ×) trials × neurons × steps, in Hz.
    loop_time : float
        How long the simulation loop of the compiled program took for the whole batch, in s; NaN without a compiler.
    seeds : tuple of int
        Seeds of the noise, in the order of the axis of seeds; empty if not known.
    state : dict of str to dict of str to ndarray
        With ``keep_state=True``, for each input and population its state variables at the end of the trial: (seeds ×)
        trials × neurons, in SI units, by the names of ``neuron.states``. Besides these ``free_at`` is the time, from
        the end of the trial, at which the refractory period of a neuron is over (negative if it is), and
        ``r_1_steps_ago``, ... are rates that are still on their way. From the state `eisim.simulate` can begin.
    weights : dict of str to DataArray
        For each projection that learns (`Projection.learning`), the weights at the end of the trial, as magnitudes in
        SI units: (seeds ×) trials × synapses, in the order of ``circuit.weights(projection).data``. The coordinates
        ``source`` and ``target`` are the numbers of the neurons of each synapse. `eisim.freeze` makes a circuit of
        them.
    """

    circuit: Circuit
    rates: dict[str, np.ndarray]
    duration: float
    window: float
    dt: float
    spikes: dict[str, Spikes] = field(default_factory=dict)
    traces: dict[str, Any] | Traces = field(default_factory=dict)
    loop_time: float = np.nan
    seeds: tuple[int, ...] = ()
    state: dict[str, Any] | States = field(default_factory=dict)
    weights: dict[str, Any] | Weights = field(default_factory=dict)

    def __post_init__(self):
        spikes = {name: replace(each, dt=self.dt) for name, each in self.spikes.items()}
        stored = getattr(self.traces, "stored", self.traces)
        object.__setattr__(self, "rates", ByName("Response.rates", self.rates))
        object.__setattr__(self, "spikes", ByName("Response.spikes", spikes))
        object.__setattr__(self, "traces", Traces("Response.traces", stored))
        state = getattr(self.state, "stored", self.state)
        object.__setattr__(self, "state", States(self.circuit, state, self.dt))
        learnt = getattr(self.weights, "stored", self.weights)
        object.__setattr__(self, "weights", Weights(self.circuit, learnt))

    def __repr__(self):
        shape = " × ".join(map(str, self.readouts.shape))
        return f"<Response of {self.circuit!r}: {shape} rates over the last {self.window:g} of {self.duration:g} s>"

    def plot(self, ax=None, trials=(), **keywords):
        """Draw the spikes of a recorded spiking circuit, or the readout's rate over time; else rates by trial.

        Where variables were recorded (a dict as `record` of `eisim.simulate`), the first recorded trial is drawn, in
        panels that share the time axis in ms: spikes, potentials, conductances, and excitatory and inhibitory currents
        with their sum.

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
        rates = [self.rates[r.population] for r in self.circuit.readouts]
        return np.concatenate(rates or [next(iter(self.rates.values()))[..., :0]], axis=-1)

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
            ``population``, ``sign`` and ``number``. There is always an axis of seeds. A variable that was recorded of
            a population is named after both, such as ``PYR_v`` (seed × recorded_trial × PYR_neuron × recorded_time);
            with a dot, ``PYR.v``, if something else has that name. Weights that were learnt are ``I->E_weight`` at the
            end (seed × trial × I->E_synapse) and ``I->E_w`` over time.
            Recorded spikes are ``spike_time`` (s), ``spike_population``, ``spike_neuron``, ``spike_seed`` and
            ``spike_trial``, one entry for each spike.
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

    def traces_to_dataframe(self):
        """Recorded variables as a pandas DataFrame.

        Returns
        -------
        DataFrame
            Columns population, sign, seed, trial, neuron, time_s and one for each variable, in the SI units that
            ``attrs["units"]`` has by variable; one row for each neuron and time. A variable that was not recorded of a
            population is NaN there. Of a projection that learns, population is its name, sign that of its source, and
            neuron the number of the synapse.

        Raises
        ------
        InputError
            If no variables were recorded by a dict as `record` of `eisim.simulate`.
        """
        return display("traces_to_dataframe", self)(self)
