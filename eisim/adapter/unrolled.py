"""The unrolled equivalent DNN: one layer for each time step, with shared weights.

A layer of a rate circuit is an Euler step; a layer of a spiking circuit is leak, Heaviside and reset. Delays are
connections that skip layers. Gap junctions are part of the units, as leak and reset are: in each layer they move the
potentials or rates of coupled units towards each other.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice

import numpy as np
from scipy import sparse

from eisim.adapter.limits import check_plain
from eisim.base.display import plotted
from eisim.base.elementary import exp
from eisim.base.timing import Timing
from eisim.base.values import Shown
from eisim.circuit import CYCLE, Circuit, delay_steps, initial_state, spans
from eisim.stimuli import checked, spike_raster
from eisim.synapses import Transient


@dataclass(frozen=True, eq=False, repr=False)
class UnrolledDNN(Shown):
    """A circuit's time steps as the layers of a deep network.

    Attributes
    ----------
    circuit : Circuit
    steps : int
        Number of layers.
    window_steps : int
        Number of last layers whose output is averaged.
    dt : float
        Time step, in s.
    weights : dict of (int, int) or (int, int, int) to sparse array
        For each delay in layers and each sign, the signed weights (inputs and units × units); those that are lost for
        a while by the number of the loss, from 1 on.
    transients : tuple of Transient
        These losses.
    """

    circuit: Circuit
    steps: int
    window_steps: int
    dt: float
    weights: dict[tuple[int, ...], sparse.csr_array]
    transients: tuple[Transient, ...] = ()

    def __repr__(self):
        return f"<UnrolledDNN of {self.circuit!r}: {self.steps} layers of {self.dt:g} s>"

    plot = plotted("Draw one layer of the DNN: its units by population, and the weights that all layers share.")

    @property
    def is_nonnegative(self) -> bool:
        """Whether no synaptic weight is negative: true exactly for excitatory-only circuits.

        The reset of a spiking neuron and gap junctions are part of the neurons, not weights.
        """
        return all((matrix.data >= 0).all() for matrix in self.weights.values())

    def __call__(self, stimuli) -> np.ndarray:
        """Output rates averaged over the window (trials × readouts, in Hz)."""
        total = sum(islice(self.layers(stimuli), self.steps - self.window_steps, None), start=0.0)
        scale = 1 if self.circuit.kind == "rate" else 1 / self.dt
        columns = [self.units[r.population] for r in self.circuit.readouts]
        return np.concatenate([total[:, :0], *(total[:, c] for c in columns)], axis=1) / self.window_steps * scale

    @cached_property
    def units(self) -> dict[str, slice]:
        """Which units are those of each population."""
        return spans(self.circuit.populations)

    def layers(self, stimuli, potentials: bool = False) -> Iterator[np.ndarray]:
        """Output of each layer: rates in Hz, or spikes (bool), trials × units in the order of populations.

        That of silenced neurons is 0. With `potentials` it is the membrane potentials of spiking neurons instead, in V.
        """
        inputs = [(i.name, i.size) for i in self.circuit.inputs]
        stimuli = checked(stimuli, inputs, f"stimuli of the DNN of {self.circuit.name!r}", in_time=True)
        fires = [i.rate * (not i.is_current and i.spikes is None) for i in self.circuit.inputs]
        scale = np.repeat(fires, [i.size for i in self.circuit.inputs])
        given = stimuli if stimuli.ndim == 3 else stimuli[:, None]
        frames = given * scale
        frame_of_step = np.arange(self.steps) * frames.shape[1] // self.steps
        run = self._rate_layers if self.circuit.kind == "rate" else partial(self._spiking_layers, potentials)
        biases = self._biases(given)
        rasters = self._given_spikes(given)
        # As many outputs as the delays reach back, and the weights as the product with all trials wants them.
        past: deque = deque(maxlen=max((delay for delay, *_ in self.weights), default=0) + 1)
        times = np.arange(self.steps) * self.dt
        shares = [np.ones(self.steps), *(lost.transmission(times) for lost in self.transients)]
        onto_units = [
            (delay, sign, shares[lost[0] if lost else 0], matrix.T.tocsr())
            for (delay, sign, *lost), matrix in self.weights.items()
        ]
        each_step = ((frames[:, f], biases(f), rasters.get(step, ())) for step, f in enumerate(frame_of_step))
        layers = run(each_step, past, onto_units)
        silenced = [self.units[p.name].start + k for p in self.circuit.populations for k in p.silenced]
        if not silenced:
            return layers
        sends = ~np.isin(np.arange(sum(p.size for p in self.circuit.populations)), silenced)
        return (np.where(sends, layer, layer.dtype.type(0)) for layer in layers)

    def _biases(self, frames):
        """The function from a frame to the biases of all units, with injected currents."""
        bias = self._each(lambda p: p.bias)
        if not any(i.is_current for i in self.circuit.inputs):
            return lambda frame: bias
        parts = [self.circuit.injected(p, frames) for p in self.circuit.populations]
        return lambda frame: bias + np.concatenate([currents[:, frame, which] for currents, which in parts], axis=1)

    def _given_spikes(self, frames) -> dict[int, list[tuple[int, int]]]:
        """For each layer the trials and afferents whose spikes are given."""
        found: dict[int, list[tuple[int, int]]] = {}
        for name, place in spans(self.circuit.inputs).items():
            i = next(i for i in self.circuit.inputs if i.name == name)
            if i.spikes is not None:
                what = f"stimuli of the DNN of {self.circuit.name!r}"
                raster = spike_raster(i.spikes, i.size, frames[..., place], self.steps, self.dt, what)
                for trial, of_trial in enumerate(raster):
                    for k, steps in enumerate(of_trial, place.start):
                        for step in steps.tolist():
                            found.setdefault(step, []).append((trial, k))
        return found

    def _each(self, of):
        return np.concatenate([np.broadcast_to(of(p), (p.size,)) for p in self.circuit.populations])

    def _at_start(self, variable, default):
        """A state variable of all units at the start."""
        return self._each(lambda p: initial_state(p, self.circuit.seed).get(variable, default(p)))

    def _through_junctions(self):
        """The function from potentials or rates to the currents through gap junctions, if there are any."""
        found = []
        for p in self.circuit.populations:
            for source, matrix in self.circuit.junctions(p):
                rows, columns = matrix.tocoo().coords
                ends = self.units[source].start + rows, self.units[p.name].start + columns
                found.append((*ends, matrix.data))
        if not found:
            return None
        sources, targets, conductances = (np.concatenate(column) for column in zip(*found, strict=True))
        if not len(conductances):
            return None

        def currents(state):
            state = np.atleast_2d(state)
            total = np.zeros(state.shape[::-1])
            np.add.at(total, targets, (conductances * (state[:, sources] - state[:, targets])).T)  # in this order
            return total.T

        return currents

    def _rate_layers(self, inputs, past, onto_units):
        mix = self._each(lambda p: self.dt / p.neuron.tau)
        refractory = self._each(lambda p: p.neuron.refractory)
        alike: dict = {}  # indices of the units that share a neuron model
        for p in self.circuit.populations:
            alike[p.neuron] = np.r_[alike.get(p.neuron, np.empty(0, dtype=int)), self.units[p.name]]
        state, coupled = self._each(self._first_state), self._through_junctions()
        rates = self._sent_by(state, alike)
        for step, (x, bias, _) in enumerate(inputs):
            rates, state = (np.broadcast_to(each, (len(x), len(mix))) for each in (rates, state))
            past.appendleft(np.hstack([x, rates]).T)
            drive = bias + sum(share[step] * (w @ past[d]).T for d, _, share, w in onto_units if d < len(past))
            drive, phi = np.broadcast_to(drive, rates.shape), np.empty(rates.shape)
            for neuron, units in alike.items():
                phi[:, units] = drive[:, units] if neuron.relaxes_input else neuron.transfer(drive[:, units])
            before, state = state, state + mix * ((1 - refractory * state) * phi - state)
            if coupled:
                state = state + mix * coupled(before)
            rates = self._sent_by(state, alike)
            yield rates

    def _first_state(self, p):
        """The rate of the units of a population at the start, or their filtered input, as what relaxes."""
        return initial_state(p, self.circuit.seed).get(next(iter(p.neuron.states)), 0.0)

    @staticmethod
    def _sent_by(state, alike):
        """Rates, of what relaxes."""
        if not any(neuron.relaxes_input for neuron in alike):
            return state
        rates = state.copy()
        for neuron, units in alike.items():
            if neuron.relaxes_input:
                rates[..., units] = neuron.transfer(state[..., units])
        return rates

    def _spiking_layers(self, potentials, inputs, past, onto_units):
        tau = self._each(lambda p: p.neuron.tau)
        tau_e, tau_i = self._each(lambda p: p.neuron.excitation.tau), self._each(lambda p: p.neuron.inhibition.tau)
        leak, fade_e, fade_i = (exp(-self.dt / t) for t in (tau, tau_e, tau_i))
        from_e, from_i = (_response_to_decaying_input(self.dt, tau, t) for t in (tau_e, tau_i))
        rest = self._each(lambda p: p.neuron.rest)
        threshold, reset = self._each(lambda p: p.neuron.threshold), self._each(lambda p: p.neuron.reset)
        carry = self._each(lambda p: float(p.neuron.reset_by_subtraction))
        hold = np.floor(self._each(lambda p: p.neuron.refractory) / self.dt + 1e-3).astype(int)
        phase = np.concatenate([i.phases for i in self.circuit.inputs])
        v = self._at_start("v", lambda p: p.neuron.rest)
        excitation, inhibition = (self._at_start(f"I_{letter}", lambda p: 0.0) for letter in "ei")
        since, coupled = hold, self._through_junctions()
        for step, (x, bias, given) in enumerate(inputs):
            phase = phase + x * self.dt
            afferent = phase > CYCLE
            phase = phase - afferent
            for trial, k in given:
                afferent[trial, k] = True
            floor = rest + (bias + coupled(v) if coupled else bias)

            free = since >= hold
            v = np.where(free, floor + (v - floor) * leak + excitation * from_e + inhibition * from_i, v)
            excitation, inhibition = excitation * fade_e, inhibition * fade_i
            spikes = (v > threshold) & free
            v, since = np.where(spikes, reset + carry * (v - threshold), v), np.where(spikes, 0, since) + 1

            spikes = np.broadcast_to(spikes, (len(x), len(tau)))
            past.appendleft(np.hstack([afferent, spikes]).T.astype(float))
            for delay, sign, share, w in onto_units:
                if delay < len(past):
                    arriving = share[step] * (w @ past[delay]).T
                    if sign > 0:
                        excitation = excitation + arriving
                    else:
                        inhibition = inhibition + arriving
            yield v if potentials else spikes


def _response_to_decaying_input(dt, tau, tau_s):
    """What an input that decays with `tau_s` from 1 adds in `dt` to a membrane of time constant `tau`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = tau_s / (tau_s - tau) * (exp(-dt / tau_s) - exp(-dt / tau))
    return np.where(np.isclose(tau, tau_s, rtol=1e-6), dt / tau * exp(-dt / tau), apart)


def unroll(circuit: Circuit, timing: Timing) -> UnrolledDNN:
    check_plain(circuit, "to_dnn: the unrolled DNN of a spiking circuit", transients=True, junctions=True)
    place = spans((*circuit.inputs, *circuit.populations))
    n_units = sum(p.size for p in circuit.populations)
    parts: dict = {}
    transients: list = []
    for projection in circuit.projections:
        if circuit.is_injected(projection):
            continue
        lost = ()
        if projection.transient:
            if projection.transient not in transients:
                transients.append(projection.transient)
            lost = (transients.index(projection.transient) + 1,)
        matrix = circuit.weights(projection).tocoo()
        steps = np.broadcast_to(delay_steps(circuit.delays(projection), timing.dt), matrix.nnz)
        rows = matrix.coords[0] + place[projection.source].start
        columns = matrix.coords[1] + place[projection.target].start - circuit.n_inputs
        sign = circuit.sign(projection)
        for delay in np.unique(steps):
            chosen = steps == delay
            entry = (sign * matrix.data[chosen], rows[chosen], columns[chosen])
            parts.setdefault((int(delay), sign, *lost), []).append(entry)
    weights = {}
    for key, entries in parts.items():
        data, rows, columns = (np.concatenate(column) for column in zip(*entries, strict=True))
        shape = (circuit.n_inputs + n_units, n_units)
        weights[key] = sparse.csr_array((data, (rows, columns)), shape=shape)
    return UnrolledDNN(circuit, timing.steps, timing.window_steps, timing.dt, weights, tuple(transients))
