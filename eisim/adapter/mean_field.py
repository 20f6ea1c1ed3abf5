"""The mean-field: a DNN that approximates a large noisy network, with populations as units and Siegert's activation.

A neuron that many others drive sees the mean of its input and white noise about it. Both are weighted sums of rates,
so the network is a recurrent DNN whose units are populations, and its working point is a fixed point of that DNN.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import cached_property

import numpy as np
import scipy

from eisim.adapter.diffusion import Diffusion, conductance_based, current_based, synaptic_filter
from eisim.adapter.limits import check_afferents, check_uncoupled
from eisim.adapter.linear_response import linear_response
from eisim.adapter.moments import Moments, moments
from eisim.adapter.release import mean_release, release_response
from eisim.base.errors import InputError, explains_arguments
from eisim.base.units import scalar_si
from eisim.base.values import Explained
from eisim.circuit import Circuit
from eisim.distributions import Distribution
from eisim.neurons import LIF, ConductanceLIF
from eisim.neurons.neuron import model_name
from eisim.neurons.siegert import siegert
from eisim.stimuli import checked
from eisim.weights import Rule

RECEPTORS = "ein"
#: Neurons that stand for a population whose neurons differ.
REPRESENTATIVES = 64
#: Delays that stand for those of a distribution.
DELAYS = 64
#: A fixed point is found when no rate would change by more than this, in Hz.
SETTLED = 1e-6
#: How long rates relax towards a fixed point, in time constants of the slowest population.
PATIENCE = 200.0
#: Up to which frequency, in Hz, instabilities of the asynchronous state are looked for, and at how many.
FASTEST, FREQUENCIES = 1000.0, 501
#: Noise slower than this, in membrane time constants, is beyond the first-order correction for synaptic filtering:
#: rates err by more than about 10 %.
SLOWEST = 0.25


@dataclass(frozen=True, eq=False)
class WorkingPoint:
    """Where a mean-field settles: by population, then by trial."""

    rates: dict[str, np.ndarray]  # mean rate over all neurons, of which silenced ones have 0, in Hz
    mean: dict[str, np.ndarray]  # over neurons, of the mean free membrane potential, in V
    sd: dict[str, np.ndarray]  # the same of its standard deviation
    settled: np.ndarray  # (trials,): whether it is a fixed point
    stable: np.ndarray  # (trials,): whether relaxing rates return to it
    problem: tuple[str, ...]  # for each trial why not to trust it, in one line, or ""


@dataclass(frozen=True, eq=False)
class Modes:
    """How small deviations from the asynchronous state develop, by trial."""

    growing: np.ndarray  # number of modes that grow, two for an oscillation; 0 where the asynchronous state is stable
    frequency: np.ndarray  # of the mode that grows fastest, or decays most slowly, in Hz
    growth: np.ndarray  # its rate of growth in 1/s, below 0 if it decays


@explains_arguments
def mean_field(circuit: Circuit) -> "MeanField":
    """The mean-field of a spiking circuit.

    Raises
    ------
    InputError
        For a rate circuit, which has units of its own (``to_dnn``), for neurons that do not integrate and fire, for
        inputs that inject currents or whose spike times are given, and for gap junctions.
    """
    if circuit.kind != "spiking":
        raise InputError(f"mean_field: expected a spiking circuit (for rate circuits see to_dnn), found {circuit!r}")
    for p in circuit.populations:
        if not isinstance(p.neuron, (LIF, ConductanceLIF)):
            raise InputError(
                f"mean_field: expected LIF or ConductanceLIF neurons, found {model_name(p.neuron)} in population "
                f"{p.name!r} of {circuit.name!r}"
            )
    if lost := [p.name for p in circuit.projections if p.transient]:
        raise InputError(
            f"mean_field: expected weights that stay, found the transient loss of projection {lost[0]!r} of "
            f"{circuit.name!r}"
        )
    check_afferents(circuit, "mean_field")
    check_uncoupled(circuit, "mean_field")
    return MeanField(circuit)


@dataclass(frozen=True, eq=False, repr=False)
class MeanField(Explained):
    """A recurrent DNN with populations as units.

    It holds for large networks of weak synapses in the asynchronous irregular state. A population is one unit, so
    structure within a projection is averaged over; spike trains count as independent Poisson ones. What differs between
    neurons for good (numbers of synapses, bias, parameters) is kept: a few neurons stand for such a population.

    Attributes
    ----------
    circuit : Circuit
    """

    circuit: Circuit

    def __repr__(self):
        units = ", ".join(f"{p.name} ({p.size})" for p in self.circuit.populations)
        return f"<MeanField of {self.circuit.name!r}: {units}>"

    @property
    def units(self) -> tuple[str, ...]:
        """The populations."""
        return tuple(p.name for p in self.circuit.populations)

    @cached_property
    def weights(self) -> dict[tuple[str, str], float]:
        """Signed weight from each source to each unit: mean input in V (S if conductance-based) for each Hz."""
        found = {}
        for p in self.circuit.projections:
            area = self.circuit.population(p.target).neuron.area(self.circuit.receptor(p))
            signed = self.circuit.sign(p) * area * self._moments[p.name].total
            found[p.source, p.target] = found.get((p.source, p.target), 0.0) + signed
        return found

    @property
    def is_nonnegative(self) -> bool:
        """Whether no weight is negative: true exactly for excitatory-only circuits.

        Siegert's activation is non-decreasing in mean and variance, so such a network keeps order.
        """
        return all(weight >= 0 for weight in self.weights.values())

    def activation(self, unit: str, mean, sd) -> np.ndarray:
        """Rate in Hz of a neuron of that unit under white noise: Siegert's formula.

        Parameters
        ----------
        unit : str
        mean, sd : array_like
            Of the free membrane potential, in V, of shapes that fit each other.
        """
        neuron = self.circuit.population(unit).neuron
        return siegert(mean, sd, neuron.tau, neuron.refractory, neuron.threshold, neuron.reset)

    def __call__(self, stimuli) -> np.ndarray:
        """Rates of the readout populations: trials × readout populations, in Hz."""
        if not self.circuit.readouts:
            raise InputError(f"mean-field of {self.circuit.name!r}: expected a circuit with readouts, found none")
        rates = self.rates(stimuli)
        return np.stack([rates[r.population] for r in self.circuit.readouts], axis=-1)

    def rates(self, stimuli, start=0.0) -> dict[str, np.ndarray]:
        """Rate of each population (trials,) at the `working_point`, in Hz."""
        return self.working_point(stimuli, start).rates

    def working_point(self, stimuli, start: float | Mapping[str, float] = 0.0) -> WorkingPoint:
        r"""The fixed point to which rates relax as :math:`\tau\dot{\nu} = -\nu + \Phi(\nu)`.

        Parameters
        ----------
        stimuli : array_like of shape (trials, inputs)
            Static, in units of each input's rate.
        start : quantity or dict of str to quantity
            Rates to begin with, in Hz, for all populations or for each (0 for those not named). It decides which of
            several fixed points is found.

        Raises
        ------
        InputError
            If the stimuli do not fit the circuit, or `start` names something else than a population.
        """
        stimuli, start = self._checked(stimuli), self._start(start)
        external = [self._external(x) for x in stimuli]
        found = [self._settle(x, start) for x in external]
        points = [self._answer(x, state) for x, (state, _, _) in zip(external, found, strict=True)]
        settled, stable = (np.array([f[k] for f in found], dtype=bool) for k in (1, 2))
        problem = tuple(self._problem(*flags, answers=point) for (_, *flags), point in zip(found, points, strict=True))

        def of(value):
            return {name: np.array([np.mean(value(p[k])) for p in points]) for k, name in enumerate(self.units)}

        sending = zip(self.units, self._sending, strict=True)
        rates = {name: share * np.array([f[0][k] for f in found]) for k, (name, share) in enumerate(sending)}
        return WorkingPoint(rates, of(lambda d: d.mean), of(lambda d: d.sd), settled, stable, problem)

    def modes(self, stimuli, start: float | Mapping[str, float] = 0.0) -> Modes:
        r"""Linear stability of the asynchronous state, with synapses and delays (Brunel 2000, section 4).

        A mode grows as :math:`e^{\lambda t}` where :math:`\det(1 - M(\lambda)) = 0`. M is the linear response of the
        neurons to the mean and variance of what each population sends, filtered and delayed; Nyquist's criterion
        counts the modes that grow. Populations whose neurons differ respond as their average neuron. Parameters are
        those of `working_point`.
        """
        stimuli, start = self._checked(stimuli), self._start(start)
        found = [self._modes(x, self._settle(x, start)[0]) for x in map(self._external, stimuli)]
        return Modes(*(np.array(column) for column in zip(*found, strict=True)))

    def _checked(self, stimuli):
        inputs = [(i.name, i.size) for i in self.circuit.inputs]
        return checked(stimuli, inputs, f"stimuli of the mean-field of {self.circuit.name!r}")

    def _start(self, start):
        given = start if isinstance(start, Mapping) else dict.fromkeys(self.units, start)
        for name in set(given) - set(self.units):
            raise InputError(f"start: expected one of {', '.join(map(repr, self.units))}, found {name!r}")
        rates = np.array([scalar_si(given.get(name, 0.0), "hertz", "start") for name in self.units])
        rates = np.divide(rates, self._sending, out=np.zeros_like(rates), where=self._sending > 0)
        return np.concatenate([rates, rates**2]) if self._is_mixed else rates

    @property
    def _sending(self) -> np.ndarray:
        """Share of the neurons of each population that are not silenced."""
        return np.array([1 - len(p.silenced) / p.size for p in self.circuit.populations])

    @cached_property
    def _moments(self) -> dict[str, Moments]:
        return {p.name: moments(self.circuit, p) for p in self.circuit.projections}

    @cached_property
    def _is_mixed(self):
        """Whether neurons of a population differ, so that the state has second moments of rates besides the means."""
        return any(p.spread or np.ptp(p.bias) for p in self.circuit.populations) or any(
            self._moments[p.name].spread for p in self.circuit.projections
        )

    @cached_property
    def _taus(self):
        return np.array([p.neuron.tau for p in self.circuit.populations] * (1 + self._is_mixed))

    @cached_property
    def _scores(self):
        """For the representatives of each population, normal scores of their input and parameters, and biases."""
        found = {}
        for p in self.circuit.populations:
            points = _spread_evenly(REPRESENTATIVES if self._is_mixed else 1, 2 + len(p.spread))
            normal = np.clip(scipy.special.ndtri(points[1:]), -3, 3)
            scores = dict(zip(("input", *sorted(p.spread)), normal, strict=True))
            found[p.name] = scores, np.sort(p.bias)[(points[0] * p.size).astype(int)]
        return found

    @cached_property
    def _recurrent(self):
        """Projections between populations: their places in arrays of populations and receptors, and their moments."""
        between = [p for p in self.circuit.projections if p.source in self.units]
        places = [
            (self.units.index(p.source), self.units.index(p.target), RECEPTORS.index(self.circuit.receptor(p)))
            for p in between
        ]
        moments_of = np.reshape([astuple(self._moments[p.name]) for p in between], (-1, 4)).T
        return between, np.array(places, dtype=int).reshape(-1, 3).T, moments_of

    def _answer(self, external, state) -> list[Diffusion]:
        """What the neurons of each population experience if all fire as the state says."""
        n = len(self.units)
        rates = np.maximum(state[:n], 0.0)
        variances = np.maximum(state[n:] - rates**2, 0.0) if self._is_mixed else np.zeros(n)
        between, (source, target, receptor), (total, squares, spread, mixing) = self._recurrent
        rate = rates[source]
        released = [
            np.prod([mean_release(q, r) for q in self._plasticity(p)]) for p, r in zip(between, rate, strict=True)
        ]
        released = np.reshape(released, -1)
        quenched = (spread * rate**2 + mixing * variances[source]) * released**2
        arriving = [total * rate * released, squares * rate * released**2, quenched]
        inputs = external.copy()
        np.add.at(inputs, (target, receptor), np.transpose(arriving))
        answers = []
        for p, rate, of_population in zip(self.circuit.populations, rates, inputs, strict=True):
            scores, bias = self._scores[p.name]

            def vary(name, p=p, scores=scores):
                value = getattr(p.neuron, name)
                return value + p.spread[name] * scores[name] if name in p.spread else value

            kind = current_based if isinstance(p.neuron, LIF) else conductance_based
            onto = {k: of_population[RECEPTORS.index(k)] for k in p.neuron.receptors}
            answers.append(kind(p.neuron, vary, onto, bias, rate))
        return answers

    def _external(self, stimulus):
        """What inputs bring to each population and receptor: mean, shot noise and quenched variance of the weights."""
        found = np.zeros((len(self.units), len(RECEPTORS), 3))
        columns = np.split(stimulus, np.cumsum([i.size for i in self.circuit.inputs])[:-1])
        rates = {i.name: x * i.rate for i, x in zip(self.circuit.inputs, columns, strict=True)}
        for p in self.circuit.projections:
            if p.source in self.units:
                continue
            sent = rates[p.source]
            for plasticity in self._plasticity(p):
                sent = sent * mean_release(plasticity, sent)
            noisy, m = self.circuit.source(p).train == "poisson", self._moments[p.name]
            if isinstance(p.weights, Rule):
                quenched = m.spread * sent.mean() ** 2 + m.mixing * sent.var()
                arriving = m.total * sent.mean(), noisy * m.squares * sent.mean(), quenched
            else:
                matrix = self.circuit.weights(p)
                each = sent @ matrix
                arriving = each.mean(), noisy * (sent @ matrix.power(2)).mean(), each.var()
            found[self.units.index(p.target), RECEPTORS.index(self.circuit.receptor(p))] += arriving
        return found

    def _plasticity(self, projection):
        receptor = self.circuit.population(projection.target).neuron.receptors[self.circuit.receptor(projection)]
        return projection.plasticity, getattr(receptor, "release", None)

    def _change(self, external, state):
        answers = self._answer(external, state)
        shape = len(answers), REPRESENTATIVES if self._is_mixed else 1
        values = [
            [np.broadcast_to(x, shape[1]) for x in d.neurons(self._scores[u][0]["input"])]
            for u, d in zip(self.units, answers, strict=True)
        ]
        rates = siegert(*np.swapaxes(values, 0, 1))
        if not self._is_mixed:
            return rates[:, 0] - state
        return np.concatenate([rates.mean(axis=1), (rates**2).mean(axis=1)]) - state

    def _settle(self, external, start):
        """The state that is reached, whether it is a fixed point, and whether a stable one."""

        def change(state):
            return self._change(external, state)

        times = (0, PATIENCE * self._taus.max())
        relaxed = scipy.integrate.solve_ivp(
            lambda _, y: change(y) / self._taus, times, start, "LSODA", rtol=1e-6, atol=1e-6
        ).y[:, -1]
        n = len(self.units)
        refined = scipy.optimize.root(change, relaxed, tol=1e-12).x
        if np.abs(change(refined)[:n]).max() > SETTLED or (refined < 0).any():
            return relaxed, False, False
        reached = np.abs(refined - relaxed)[:n].max() < 0.01 * (1 + refined[:n].max())
        step = 1e-4 * (1 + np.abs(refined))
        columns = [(change(refined + d) - change(refined - d)) / (2 * d.max()) for d in np.diag(step)]
        decay = np.linalg.eigvals(np.transpose(columns) / self._taus[:, None]).real.max()
        return refined, True, bool(reached and decay < 0)

    def _problem(self, settled, stable, answers):
        if not settled:
            return "the mean-field has no fixed point within reach: its rates keep changing"
        if not stable:
            return "the fixed point of the mean-field is unstable: rates leave it"
        slow = max((np.max(d.filtering), name) for name, d in zip(self.units, answers, strict=True))
        if slow[0] > SLOWEST:
            return (
                f"the synaptic noise of {slow[1]!r} is slow, {slow[0]:.2g} of the membrane's time constant: "
                f"the correction for it is good to 10 % up to {SLOWEST:g}"
            )
        return ""

    def _modes(self, external, state):
        answers, n = self._answer(external, state), len(self.units)
        typical = [tuple(float(np.mean(value)) for value in d.neurons()) for d in answers]

        def determinant(growth):
            responses = {
                (mean, sd, *others): linear_response(growth, mean, sd, *others)
                if sd > 0
                else np.zeros((2, growth.size))
                for mean, sd, *others in set(typical)
            }
            matrix = np.zeros((growth.size, n, n), dtype=complex)
            for p in self.circuit.projections:
                if p.source not in self.units:
                    continue
                target, source = self.units.index(p.target), self.units.index(p.source)
                letter, m = self.circuit.receptor(p), self._moments[p.name]
                rate, gain = max(state[source], 0.0), np.mean(answers[target].gain[letter])
                sent = synaptic_filter(self.circuit.population(p.target).neuron.receptors[letter], growth)
                sent = sent * np.exp(-np.multiply.outer(growth, np.ravel(_delays(p)))).mean(axis=-1)
                for plasticity in self._plasticity(p):
                    sent = sent * release_response(plasticity, rate, growth)
                to_mean, to_variance = responses[typical[target]]
                shot = gain**2 * m.squares / (2 * typical[target][2]) * (letter != "n")
                matrix[:, target, source] += sent * (gain * m.total * to_mean + shot * to_variance)
            return np.linalg.det(np.eye(n) - matrix)

        frequency = np.linspace(0, FASTEST, FREQUENCIES)
        values = determinant(2j * np.pi * frequency)
        turns = np.unwrap(np.angle(values))
        size = np.abs(values)
        dips = np.flatnonzero((size <= np.roll(size, 1)) & (size <= np.roll(size, -1)))
        dips = np.union1d(dips[np.argsort(size[dips])[:4]], [0])
        growth = _roots(determinant, 2j * np.pi * frequency[dips])
        leading = growth[growth.real.argmax()] if growth.size else complex(np.nan, np.nan)
        return max(round((turns[0] - turns[-1]) / np.pi), 0), abs(leading.imag) / (2 * np.pi), leading.real


def _delays(projection):
    """Delays of a projection, or those at evenly spaced shares of their distribution, in s."""
    if not isinstance(projection.delay, Distribution):
        return projection.delay
    return projection.delay.quantile((np.arange(DELAYS) + 0.5) / DELAYS)


def _roots(function, guesses):
    """Complex roots near guesses, by the secant method on all at once; those that were found."""
    before, now = guesses, guesses + (2 + 2j)
    f_before, f_now = function(before), function(now)
    for _ in range(15):
        with np.errstate(invalid="ignore", divide="ignore"):
            step = f_now * (now - before) / (f_now - f_before)
        step = np.where(np.isfinite(step), step, 0)
        step *= np.minimum(1, 100 / np.maximum(np.abs(step), 1e-12))
        before, f_before = now, f_now
        now = now - step
        f_now = function(now)
    return now[(np.abs(f_now) < 1e-6) & (np.abs(now.imag) < 2 * np.pi * FASTEST)]


def _spread_evenly(n, dimensions):
    """Points of the unit cube, dimensions × n: a Kronecker sequence whose every coordinate is an even grid."""
    golden = 1.5
    for _ in range(60):  # the root of x^(d+1) = x + 1, of which the sequence has the lowest discrepancy known
        golden = (1 + golden) ** (1 / (dimensions + 1))
    sequence = np.outer(golden ** -np.arange(1.0, dimensions + 1), np.arange(n)) % 1
    return (sequence.argsort(axis=1).argsort(axis=1) + 0.5) / n
