"""Memory that a batch requires, estimated before its layout."""

import math

from eisim.base import memory
from eisim.base.timing import Timing
from eisim.distributions import Distribution
from eisim.neurons import Neuron
from eisim.simulation.drawn import delay_range, is_drawable, possible_delays
from eisim.simulation.layout import Trials, fluctuations, group_names, is_pooled
from eisim.simulation.recording import needed
from eisim.weights import Independent, Rule

#: Bytes of a neuron and of a synapse in every copy, here and in the program together (docs/scale.md).
_NEURON, _SYNAPSE = {"rate": 100, "spiking": 160}, {"rate": 24, "spiking": 38}
#: Of each variable of a neuron of equations.
_VARIABLE = 16
#: Of a synapse whose transmission may be lost for a while.
_COURSE = 12
#: Of a synapse whose weight is learnt, and of each of its variables.
_LEARNT, _TRACE = 64, 16
#: Of one number that is recorded at every step, in the program's file and in the response; of one of moving stimuli.
_RECORDED, _STIMULUS = 16, 24
#: Of one number of a variable that is recorded, and of one of what is made of these.
_STATE, _MADE = 24, 8
#: Of a synapse that the program draws: its target; its weight and course, if it has them for itself; of the synapses of
#: a neuron that have one delay.
_TARGET, _OWN_WEIGHT, _OWN_COURSE, _ROW = 4, 8, 4, 8
#: Of a weight or delay that a synapse has for itself: in Python, in a file, and in the program.
_DRAWN = 24
#: Of a neuron that currents are injected into, and of each fluctuation of these.
_CURRENT, _FLUCTUATION = 32, 120


def check_memory(batch: list[Trials], timing: Timing, draws: bool = False) -> None:
    """Refuse a batch that needs more memory than there is; `draws`: a program draws the synapses that it can."""
    needs = bytes_of(batch, timing, draws)
    if sum(needs) < memory.LITTLE:
        return
    neurons, largest = sum(t.copies * t.neurons for t in batch), batch[needs.index(max(needs))]
    recorded = f", recorded at {timing.steps:,} steps" if any(t.record or t.request for t in batch) else ""
    memory.check(
        "simulate",
        sum(needs),
        f"{neurons:,} neurons ({_number(len(batch), 'circuit')}; {largest.circuit.name!r} has {largest.neurons:,} × "
        f"{_number(len(largest.stimuli), 'trial')} × {_number(len(largest.seeds), 'seed')}){recorded}",
    )


def _number(n, what):
    return f"{n:,} {what}{'s' * (n != 1)}"


def bytes_of(batch: list[Trials], timing: Timing, draws: bool = False) -> list[float]:
    """What each circuit of a batch needs, in bytes."""
    drawn = [[p for p in t.circuit.projections if draws and is_drawable(t.circuit, p)] for t in batch]
    needs = [_bytes(*each, timing) for each in zip(batch, drawn, strict=True)]
    for bundle in _bundles(batch, drawn).values():
        weights = {p.weights.weight for projections in bundle.values() for p in projections}
        has_weights = len(weights) > 1 or any(isinstance(weight, Distribution) for weight in weights)
        has_courses = any(p.transient for projections in bundle.values() for p in projections)
        each = _TARGET + _OWN_WEIGHT * has_weights + _OWN_COURSE * has_courses
        for (k, _), projections in bundle.items():
            trials = batch[k]
            delays = len(possible_delays(delay_range(p.delay, timing) for p in projections))
            synapses = sum(_synapses(trials.circuit, p) for p in projections)
            needs[k] += trials.copies * (each * synapses + _ROW * delays * trials.circuit.source(projections[0]).size)
    return needs


def _bundles(batch, drawn):
    """Drawn projections between the same groups and onto the same receptor, by the circuit's place and the source."""
    found = {}
    for k, (trials, projections) in enumerate(zip(batch, drawn, strict=True)):
        groups = group_names(trials) if projections else {}
        for p in (p for p in projections if p.weights.weight):
            ends = groups[p.source], groups[p.target], trials.circuit.receptor(p)
            found.setdefault(ends, {}).setdefault((k, p.source), []).append(p)
    return found


def _bytes(trials, drawn, timing):
    """What a circuit needs without its drawn synapses."""
    circuit = trials.circuit
    each = _SYNAPSE[circuit.kind] + _COURSE * any(p.transient for p in circuit.projections)
    names = {p.name for p in drawn}
    stored = (p for p in circuit.projections if p.name not in names)
    synapses = sum(_synapses(circuit, p) * (each + _DRAWN * _draws(p) + _learnt(p)) for p in stored)
    need = trials.copies * (_NEURON[circuit.kind] * (trials.neurons + circuit.n_inputs) + synapses)
    own = sum(p.size * len(p.neuron.units) for p in circuit.populations if isinstance(p.neuron, Neuron))
    need += _VARIABLE * trials.copies * own
    need += trials.copies * each * sum(map(_junctions, circuit.populations))
    for p in circuit.populations if any(i.is_current for i in circuit.inputs) else ():
        need += trials.copies * p.size * (_CURRENT + _FLUCTUATION * fluctuations(circuit, p))
        if trials.stimuli.ndim == 3:
            kinds = circuit.injected(p, trials.stimuli[:1, :1])[0].shape[-1]
            need += _STIMULUS * kinds * math.prod(trials.stimuli.shape[:2])
    if trials.stimuli.ndim == 3:
        need += _STIMULUS * trials.stimuli.size * len(trials.seeds)
    if trials.record and circuit.kind == "rate":
        need += _RECORDED * trials.copies * trials.neurons * timing.steps
    states = sum(p.size * (1 + len(p.neuron.states)) for p in circuit.populations) if _has_state(trials) else 0
    return need + _variables(trials, timing) + _STATE * trials.copies * states


def _has_state(trials):
    return trials.keep_state or trials.initial is not None


def _variables(trials, timing):
    """Bytes of the variables that are recorded."""
    if not (request := trials.request):
        return 0
    numbers, need = len(trials.seeds) * len(request.trials) * len(timing.every(request.every)), 0
    for name, variables in request.variables.items():
        is_learnt = name in trials.circuit.rules
        state = len(variables if is_learnt else needed(trials.circuit.population(name), variables, {}))
        need += numbers * len(request.neurons[name]) * (_STATE * state + _MADE * len(variables))
    return need


def _learnt(projection):
    """Bytes that the learning of a synapse takes."""
    return _LEARNT + _TRACE * len(projection.learning.variables) if projection.learning else 0


def _draws(projection):
    """How many numbers are drawn for each synapse."""
    given = [getattr(projection.weights, "weight", None), projection.delay]
    return sum(isinstance(each, Distribution) for each in given)


def _junctions(population):
    """Gap junctions of a population, each counted both ways."""
    given, shape = population.gap_junctions, (population.size, population.size)
    own = 0 if given is None else given.expected(shape, True) if isinstance(given, Rule) else given.nnz
    return own + sum(matrix.nnz for matrix in population.gap_junctions_from.values())


def _synapses(circuit, projection):
    """Synapses of one copy that are stored individually."""
    given = projection.weights
    if circuit.is_injected(projection):
        return 0
    if not isinstance(given, Rule):
        return given.data.size
    is_shared = isinstance(given, Independent) or is_pooled(circuit, projection)
    if not given.weight or (circuit.kind == "spiking" and is_shared):
        return 0
    source, target = circuit.source(projection), circuit.population(projection.target)
    return given.expected((source.size, target.size), source is target)
