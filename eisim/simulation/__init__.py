"""Simulation: circuit × stimuli -> response, on Brian2, the whole batch as one compiled program."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np

from eisim.base.brian import brian2_alone
from eisim.base.errors import InputError
from eisim.base.memory import check
from eisim.base.progress import shows_progress
from eisim.base.seeds import Seed, seed_of
from eisim.base.timing import Timing
from eisim.base.units import to_si
from eisim.circuit import Circuit
from eisim.plasticity.text import WEIGHT, code_name
from eisim.simulation.cuda import CUDA, check_available
from eisim.simulation.layout import Trials, lay_out, pool_name
from eisim.simulation.memory import check_memory
from eisim.simulation.recording import (
    BIAS,
    INJECTED,
    learnable,
    made_of,
    recordable,
    recorded_variables,
    requested,
    with_trains,
)
from eisim.simulation.response import Recording, Response, Spikes, ends_of
from eisim.simulation.shares import join, share_out
from eisim.simulation.state import check_continuable, final_state, initial_of
from eisim.simulation.toolchain import NoProgramError, find_compiler, what_is_missing
from eisim.stimuli import in_frames, is_timed, sets_of, unlabelled
from eisim.weights import Independent

BACKENDS = ("cpp", "numpy", CUDA)


@shows_progress
def simulate(
    circuit: Circuit | Sequence[Circuit],
    stimuli,
    *,
    duration=300e-3,
    window=200e-3,
    dt=0.1e-3,
    seed: Seed | Sequence[Seed] = 0,
    record: bool | Mapping | Sequence[bool | Mapping] = False,
    neurons=None,
    trials=None,
    every=None,
    initial: Response | Sequence[Response | None] | None = None,
    keep_state: bool = False,
    backend: str = "cpp",
    report: Callable[..., None] | None = None,
) -> Response | list[Response]:
    """Simulate circuits on stimuli: all circuits, seeds and trials as one batch in one compiled program.

    Parameters
    ----------
    circuit : Circuit or sequence of Circuit
        All of one kind.
    stimuli : array_like of shape (trials, inputs) or (trials, time, inputs)
        In units of each input's rate or current; also a DataFrame or DataArray whose columns are named as the inputs
        (`eisim.stimuli.unlabelled`). Frames of time-varying stimuli are of equal length and fill the duration; a frame
        acts from its first time step on. A Brian2 ``TimedArray`` is one trial (`eisim.stimuli.in_frames`).
        With several circuits either one set for all or a sequence with one array for each (`eisim.stimuli.sets_of`);
        nested lists mean what the array of the same numbers does.
    duration : quantity
        Length of a trial, in s.
    window : quantity
        Length of the read-out window at the end of a trial, in s.
    dt : quantity
        Time step, in s.
    seed : int, Generator or sequence of these
        Seeds of the membrane noise. The noise of a neuron depends on the seed, the number of the trial and the
        neuron's place in its circuit, and on nothing else in the batch. With a sequence (or one for each circuit)
        the response has a first axis of seeds.
    record : bool, dict or sequence of these
        Whether to keep spikes (spiking circuits) or rates over time (rate circuits), for all or for each circuit. Or
        what to record of each population: a name or a list of names, ``{"PYR": ["v", "g_e", "I_e"], "PV": "spikes"}``.
        There are ``"spikes"`` of populations and inputs of spiking circuits; every state variable of a neuron model,
        such as the membrane potential ``v`` (V) and the conductances ``g_e``, ``g_i`` and ``g_n`` (S) of excitatory,
        inhibitory and NMDA receptors; and the synaptic currents ``I_e``, ``I_i`` and ``I_n`` through these: a
        depolarising current is positive. They are in A where synapses are conductances; where they are currents, as in
        `eisim.LIF`, they are times the membrane resistance, in V. Of a `eisim.Neuron` there are those that its
        equations show (`eisim.Neuron.currents`). Of rate units there are the rate ``r``, the inputs ``I_e`` and ``I_i``
        from excitatory and inhibitory sources, the summed input ``drive``, its ``activation``, and the input noise
        ``noise_drive``, all in Hz. ``I_ext`` is the injected current with the bias, and ``I_gap`` the current through
        gap junctions. Of a projection that learns (`Projection.learning`), by its name, there are the weight ``w`` and
        the variables of its rule; what decays from spike to spike is as the last spike left it. The value at a time is
        the state at the beginning of the time step that begins then. What is recorded changes no bit of the
        simulation. A Poisson input that reaches all its targets by `eisim.weights.Independent` has no train to record.
    neurons : int, sequence of int or dict, optional
        The neurons whose variables a dict as `record` records, by their numbers in the population, the same for all
        populations or by population; by default all. Spikes are those of all neurons. For a projection that learns, by
        its name, the numbers of its synapses in the order of ``circuit.weights(projection).data``.
    trials : int or sequence of int, optional
        The trials in which variables are recorded; by default all. Spikes are those of all trials.
    every : quantity, optional
        Time from one recorded value of a variable to the next, in s: a whole number of time steps, by default one.
    initial : Response or sequence of these, optional
        Where to begin: at the end of another response, one for all or for each circuit, that was simulated with
        ``keep_state=True``. Its circuit has inputs and populations of the same names, sizes and neuron models; weights,
        biases and parameters may differ. What it has one trial or seed of is the start of all. By default neurons begin
        as their populations say (`Population.initial`). Time, stimuli, spike counts, and noise begin anew: with the
        same seed the noise is that of the first simulation once more, and the times of an ablation in time
        (`eisim.ablate` with ``during``) and of given spikes count from there.
    keep_state : bool
        Whether the responses hold the state at the end, `Response.state`. Spiking circuits with delays, short-term
        plasticity or NMDA receptors, whose state is not that of their neurons alone, are refused, and circuits with
        currents that fluctuate, given spike times or ablation in time, whose times are those of a trial, or weights
        that are learnt.
    backend : {"cpp", "numpy", "cuda_standalone"}
        Brian2's C++ standalone device, or its NumPy target; without a C++ compiler the latter is used. Or
        Brian2CUDA's device, for an NVIDIA GPU.
    report : callable, optional
        Called with a line of text as each stage begins, and with the fraction done as it goes on. By default long
        work shows its progress in a terminal or a notebook.

    Returns
    -------
    Response or list of Response
        A list if a sequence of circuits was given.

    Raises
    ------
    InputError
        For bad stimuli, times, seeds or backend, circuits of different kinds, something to record that is not there, a
        batch that does not fit into memory, or a GPU that cannot be used.

    Examples
    --------
    >>> from eisim import TruthTable, simulate, synthesize
    >>> xor = TruthTable("0110")
    >>> simulate(synthesize(xor, kind="rate"), xor.patterns, backend="numpy").decisions[:, 0]
    array([False,  True,  True, False])
    """
    options = {"seed": _drawn(seed), "record": record, "backend": backend, "report": report}
    options |= {"neurons": neurons, "trials": trials, "every": every, "initial": initial, "keep_state": keep_state}
    try:
        return begin(circuit, stimuli, duration=duration, window=window, dt=dt, **options)()
    except MemoryError as error:
        raise InputError(f"simulate: expected what fits into memory, found more ({error})") from None


def begin(
    circuit,
    stimuli,
    *,
    duration,
    window,
    dt,
    seed,
    record,
    backend,
    report,
    neurons=None,
    trials=None,
    every=None,
    initial=None,
    keep_state=False,
) -> Callable[[], Response | list[Response]]:
    """Begin what `simulate` does, and return a function that waits for the responses.

    A compiled program runs in a separate process meanwhile; the parameters are those of `simulate`.
    """
    single = isinstance(circuit, Circuit)
    circuits = [circuit] if single else _listed(circuit)
    if not isinstance(backend, str) or backend not in BACKENDS:
        raise InputError(f"backend: expected one of {', '.join(BACKENDS)}, found {backend!r}")
    if not callable(report):
        raise InputError(f"report: expected a function that takes a line of text, found {report!r}")
    records = _records(record, len(circuits))
    sets = [stimuli] if single else sets_of(stimuli, len(circuits))
    sets = [_in_frames(each, of, duration, window, dt) for each, of in zip(sets, circuits, strict=True)]
    batch = _trials(circuits, sets, seed, records)
    timing = Timing(duration, window, dt)
    batch = _requesting(batch, records, timing, {"neurons": neurons, "trials": trials, "every": every})
    batch = _continuing(batch, initial, keep_state, timing)
    _check_stimuli(batch, timing)
    if backend == CUDA:
        check_available()
    keep_seeds = not isinstance(seed, (int, np.integer))
    if backend == "cpp" and find_compiler() is None:
        _warn_once(what_is_missing())
    if backend == "cpp" and find_compiler() in (None, *_failed):
        backend = "numpy"
    check_memory(batch, timing, _program_draws(backend))

    started: dict[str, list[Callable]] = {}

    every = max((trials.request.every for trials in batch if trials.request), default=1)

    def start(share):
        def lays_out(draws=False):
            mine = list(share.values())
            if _program_draws(backend) and not draws:  # there is no program, and Python needs more memory
                check_memory(mine, timing)
            return lay_out(mine, timing.dt, timing.steps, draws)

        layout, finish = _start(lays_out, circuits[0].kind, timing, every, keep_state, backend, report, started)

        def responses():
            outcomes = {name: _by_neuron(outcome) for name, outcome in finish().items()}
            return {
                place: _response(i, trials, layout, outcomes, timing, keep_seeds)
                for i, (place, trials) in enumerate(share.items())
            }

        return responses

    shares = [dict(enumerate(batch))] if backend == CUDA else share_out(batch, timing)
    waiting = [start(share) for share in shares]

    def responses():
        parts = [wait() for wait in waiting]
        found = [join(trials, [part[i] for part in parts if i in part]) for i, trials in enumerate(batch)]
        return found[0] if single else found

    return responses


def _start(lays_out, kind, timing, every, keep_state, backend, report, started):
    """Start a batch that is laid out by a function; returns its layout, and a function that waits for it.

    What another batch has begun to compile (those `started`, with what is to follow) starts once it is in the cache.
    What cannot be compiled, or started when it is, runs on NumPy.
    """
    from eisim.simulation import program
    from eisim.simulation.job import CPP, OWN, PLAIN, Job
    from eisim.simulation.model import models

    def job_on(device, layout):
        return Job(layout, kind, timing, models(layout, kind, timing, device == OWN), device, every, keep_state)

    draws = _program_draws(backend)
    layout = lays_out(draws=draws)
    job = job_on(CUDA if backend == CUDA else CPP, layout)

    def on_numpy():
        with brian2_alone():
            from eisim.simulation.codegen import run_numpy

        return run_numpy(job_on(PLAIN, lays_out() if draws else layout), report)

    def give_up(error):
        if backend == CUDA:
            raise error
        if find_compiler() not in _failed:
            _failed.add(find_compiler())
            _warn_once(str(error))
        return on_numpy()

    if backend == "numpy":
        outcomes = on_numpy()
        return layout, lambda: outcomes
    try:
        if job.signature in started and not program.is_compiled(job):
            begun = []
            started[job.signature].append(lambda: begun.append(program.start(job, report)))
            return (
                layout,
                lambda: on_numpy() if find_compiler() in _failed else (begun or [program.start(job, report)])[0](),
            )
        following = started.setdefault(job.signature, [])
        finish = program.start(job, report, lambda: [begin() for begin in following])
    except NoProgramError as error:
        return layout, partial(give_up, error)

    def outcomes_or_numpy():
        try:
            return finish()
        except NoProgramError as error:
            return give_up(error)

    return layout, outcomes_or_numpy


def _program_draws(backend):
    """Whether a program draws the synapses that it can."""
    from eisim.simulation.job import CPP, OWN

    return backend == "cpp" and CPP == OWN


#: Compilers that failed to produce a program in this process.
_failed: set[str | None] = set()


@cache
def _warn_once(reason: str) -> None:
    """Once in a process."""
    warnings.warn(f"{reason}: simulating with NumPy, which is slower", stacklevel=5)


def _listed(circuits):
    if isinstance(circuits, str) or not np.iterable(circuits):
        raise InputError(f"simulate: circuit: expected a Circuit or a sequence of them, found {circuits!r}")
    listed = list(circuits)
    if not listed:
        raise InputError("simulate: expected at least one circuit, found none")
    return listed


def _in_frames(stimuli, circuit, duration, window, dt):
    """Stimuli, a TimedArray as an array."""
    if not is_timed(stimuli) or not isinstance(circuit, Circuit):
        return stimuli
    timing = Timing(duration, window, dt)
    units = {i.name: "1" if i.spikes is not None else circuit.unit_of_current(i) for i in circuit.inputs}
    inputs = [(i.name, i.scale, units[i.name]) for i in circuit.inputs for _ in range(i.size)]
    return in_frames(stimuli, inputs, timing.duration, timing.dt, f"stimuli of circuit {circuit.name!r}")


def _requesting(batch, records, timing, choice):
    """The batch with what is to be recorded of each circuit."""
    if not any(isinstance(record, Mapping) for record in records):
        for name, given in choice.items():
            if given is not None:
                raise InputError(
                    f"{name}: expected it with a dict as record, such as record={{'E': ['v']}}, found {name}={given!r}"
                )
        return batch
    known = [recorded_variables(record) for record in records]
    for name, given in choice.items():
        if given is not None and not any(known):
            raise InputError(
                f"{name}: expected variables to record, such as record={{'E': ['v']}}, of which it chooses, since all "
                f"spikes of a trial are recorded, found {name}={given!r}"
            )
    found = []
    for each, record, mine in zip(batch, records, known, strict=True):
        if isinstance(record, Mapping):
            own = dict(choice)
            if isinstance(own["neurons"], Mapping):  # names of populations of which other circuits record variables
                others = set().union(*known) - mine
                own["neurons"] = {name: n for name, n in own["neurons"].items() if name not in others}
            request = requested(each.circuit, record, **own, n_trials=len(each.stimuli), timing=timing)
            each = replace(each, record=bool(request.spikes), request=request)
        found.append(each)
    return found


def _continuing(batch, initial, keep_state, timing):
    """The batch with where its circuits begin, and whether their states are kept."""
    if not isinstance(keep_state, (bool, np.bool_)):
        raise InputError(f"keep_state: expected True or False, found {keep_state!r}")
    for trials in batch if keep_state else ():
        check_continuable(trials.circuit, timing.dt)
    responses = _for_each(initial, len(batch), isinstance(initial, Response) or not np.iterable(initial), "initial")
    states = [each if each is None else initial_of(each, t, timing) for t, each in zip(batch, responses, strict=True)]
    if not keep_state and initial is None:
        return batch
    return [replace(t, keep_state=keep_state, initial=state) for t, state in zip(batch, states, strict=True)]


def _trials(circuits, stimuli, seed, records):
    for circuit in circuits:
        if not isinstance(circuit, Circuit):
            raise InputError(f"simulate: circuit: expected a Circuit, found {circuit!r}")
    if len({c.kind for c in circuits}) > 1:
        raise InputError("simulate: expected circuits of one kind, found rate and spiking")
    nested = not isinstance(seed, (str, range)) and np.iterable(seed) and any(map(np.iterable, seed))
    seeds, batch = _for_each(seed, len(circuits), not nested, "seed"), []
    for circuit, array, own_seeds, own_record in zip(circuits, stimuli, seeds, records, strict=True):
        what = f"stimuli of circuit {circuit.name!r}"
        array = to_si(unlabelled(array, [(i.name, i.size) for i in circuit.inputs], what), "1", what)
        if array.ndim not in (2, 3) or array.shape[-1] != circuit.n_inputs or not array.size:
            raise InputError(
                f"{what}: expected shape (trials, {circuit.n_inputs}) or (trials, time, {circuit.n_inputs}), "
                f"none of them 0, found {array.shape}"
            )
        fires = np.repeat([not i.is_current for i in circuit.inputs], [i.size for i in circuit.inputs])
        if array.min(axis=tuple(range(array.ndim - 1)))[fires].min(initial=0) < 0:
            raise InputError(f"{what}: expected 0 or more (a rate is not negative), found {array[..., fires].min():g}")
        batch.append(Trials(circuit, array, np.arange(len(array)), _seeds(own_seeds), own_record is True))
    if len({trials.stimuli.shape[1:-1] for trials in batch}) > 1:
        raise InputError("stimuli: expected the same number of time frames for all circuits")
    return batch


def _check_stimuli(batch, timing):
    """Each frame lasts the same number of steps, and in a step there is at most one spike of a train."""
    for frames in batch[0].stimuli.shape[1:-1]:
        if timing.steps % frames:
            raise InputError(
                f"stimuli: expected a number of time frames that divides the {timing.steps:,} time steps of a trial "
                f"({timing.duration:g} s in steps of {timing.dt:g} s), found {frames}"
            )
    for trials in batch if batch[0].circuit.kind == "spiking" else ():
        circuit = trials.circuit
        trains = {p.source for p in circuit.projections if not isinstance(p.weights, Independent)}
        rates = [i.rate if i.name in trains and not i.is_current and i.spikes is None else 0.0 for i in circuit.inputs]
        fastest = (trials.stimuli * np.repeat(rates, [i.size for i in circuit.inputs])).max()
        if fastest * timing.dt > 1 + 1e-9:  # a rate of exactly that may be rounded
            raise InputError(
                f"stimuli: expected input rates of at most one spike a time step "
                f"({1 / timing.dt:g} Hz), found {fastest:g} Hz"
            )


def _records(record, n):
    records = _for_each(record, n, isinstance(record, str | Mapping) or not np.iterable(record), "record")
    for each in records:
        if not isinstance(each, (bool, np.bool_, Mapping)):
            raise InputError(
                "record: expected True or False (True records the spikes of a spiking circuit, the rates over time of "
                "a rate circuit), or a dict that names what to record of each population, such as "
                f"{{'E': ['v', 'spikes']}}, found {each!r}"
            )
    return [_read_once(each) if isinstance(each, Mapping) else bool(each) for each in records]


def _read_once(record):
    """The dict with lists in the place of iterators."""
    return {name: list(asked) if hasattr(asked, "__next__") else asked for name, asked in record.items()}


def _for_each(value, n, is_one, what):
    values = [value] * n if is_one else list(value)
    if len(values) != n:
        raise InputError(f"{what}: expected one for all or one for each of {n} circuits, found {len(values)}")
    return values


def _drawn(seed):
    """The seeds, each Generator among them replaced by its next whole number."""
    if type(seed) in (list, tuple):
        return type(seed)(map(_drawn, seed))
    return seed_of(seed, "seed") if isinstance(seed, np.random.Generator) else seed


def _seeds(seed):
    if isinstance(seed, range):
        check("simulate", 8.0 * max(0, (seed.stop - seed.start) // seed.step), f"as many seeds as {seed!r}")
        seed = np.arange(seed.start, seed.stop, seed.step)
    seeds = np.atleast_1d(seed)
    if seeds.ndim != 1 or not seeds.size or seeds.dtype.kind not in "iu" or seeds.min() < 0:
        raise InputError(f"seed: expected whole numbers of 0 or more, or a numpy.random.Generator, found {seed!r}")
    return seeds


def _response(index, trials, layout, outcomes, timing, keep_seeds):
    shape = (len(trials.seeds), len(trials.stimuli)) if keep_seeds else (len(trials.stimuli),)
    names = [p.name for p in trials.circuit.populations]

    def of(name, values):
        values = layout.blocks[index, name].take(values, trials.copies)
        if silenced := trials.circuit.population(name).silenced:
            values[:, list(silenced)] = 0.0
        return values.reshape(*shape, *values.shape[1:])

    rates, spikes, traces, request = {}, {}, {}, trials.request
    for name in names:
        outcome = outcomes[layout.blocks[index, name].group]
        rates[name] = of(name, outcome.rates)
        if trials.record and outcome.traces is not None:
            traces[name] = of(name, outcome.traces)
    if trials.record and trials.circuit.kind == "spiking":
        for name in request.spikes if request else [*names, *with_trains(trials.circuit)]:
            block = layout.blocks[index, name]
            silenced = trials.circuit.population(name).silenced if name in rates else ()
            spikes[name] = _spikes(block, outcomes[block.group].spikes, trials.copies, silenced)
    for name in request.variables if request else ():
        record = _recorded_weights if name in trials.circuit.rules else _recording
        traces[name] = record(index, trials, name, layout, outcomes, timing)
    seeds, times = tuple(map(int, trials.seeds)), (timing.duration, timing.window, timing.dt)
    loop_time, state = next(iter(outcomes.values())).loop_time, {}
    if trials.keep_state:
        states = {name: outcome.state for name, outcome in outcomes.items()}
        state = final_state(index, trials, layout, states, timing, shape)
    weights = _learnt(index, trials, layout, outcomes, shape)
    return Response(trials.circuit, rates, *times, spikes, traces, loop_time, seeds, state, weights)


def _learnt(index, trials, layout, outcomes, shape):
    """The weights at the end of each projection that learns."""
    found = {}
    for p in trials.circuit.learning_projections:
        values = np.empty((trials.copies, trials.circuit.weights(p).nnz))
        for each in layout.learnt.get((index, p.name), ()):
            each.take(outcomes[each.bundle].weights, trials.copies, values)
        found[p.name] = values.reshape(*shape, -1)
    return found


def _recording(index, trials, name, layout, outcomes, timing):
    """What was recorded of a population's variables."""
    request, circuit = trials.request, trials.circuit
    population, numbers = circuit.population(name), request.neurons[name]
    samples = timing.every(request.every)
    shape = len(trials.seeds), len(request.trials), len(numbers), len(samples)

    def state_of(key, neurons):
        if (index, key) not in layout.recorded:
            return {}
        place = layout.recorded[index, key]
        values = outcomes[place.recorder.group].recorded[place.recorder]
        return {
            variable: np.ascontiguousarray(found[:, place.columns].T).reshape(*shape[:2], neurons, shape[-1])
            for variable, found in values.items()
        }

    state = state_of(name, len(numbers))
    for variable, shared in state_of(pool_name(population), 1).items():
        state[variable] = state[variable] + shared
    if INJECTED in request.variables[name] and BIAS not in state:
        block = layout.blocks[index, name]
        values = layout.groups[block.group].values()[BIAS]
        bias = block.take(values, trials.copies) if np.ndim(values) else np.full((trials.copies, block.size), values)
        bias = bias.reshape(len(trials.seeds), -1, block.size)[:, np.searchsorted(trials.numbers, request.trials)]
        state[BIAS] = np.repeat(bias[:, :, numbers, None], shape[-1], axis=-1)
    there, drives = recordable(circuit, population), layout.drives.get((index, name), {})
    made = {v: made_of(circuit, population, v, numbers, drives, state) for v in request.variables[name]}
    if circuit.kind == "rate" and "r" in made:
        made["r"][:, :, np.isin(numbers, population.silenced)] = 0.0
    made = {v: np.zeros(shape) if values is None else values for v, values in made.items()}
    return _labelled(made, there, trials, numbers, samples, timing)


def _labelled(values, there, trials, numbers, samples, timing, ends=()):
    """Values of variables, each (seeds, trials, neurons or synapses, times), as a recording."""
    return Recording(
        values,
        {variable: there[variable].unit for variable in values},
        {variable: there[variable].meaning for variable in values},
        np.array(trials.seeds),
        trials.request.trials,
        numbers,
        np.array(samples) * timing.dt,
        ends,
    )


def _recorded_weights(index, trials, name, layout, outcomes, timing):
    """What was recorded of the synapses of a projection that learns."""
    request, circuit = trials.request, trials.circuit
    numbers, there = request.neurons[name], learnable(circuit, name)
    samples = timing.every(request.every)
    shape = len(trials.seeds), len(request.trials), len(numbers), len(samples)
    found = {variable: np.empty(shape) for variable in request.variables[name]}
    for k, _ in enumerate(layout.learnt.get((index, name), ())):
        if (index, (name, k)) in layout.recorded:
            place = layout.recorded[index, (name, k)]
            recorded = outcomes[place.recorder.group].recorded[place.recorder]
            for variable, values in found.items():
                own = recorded[variable if variable == WEIGHT else code_name(variable)][:, place.columns].T
                values[:, :, place.places] = own.reshape(*shape[:2], -1, shape[-1])
    ends = ends_of(circuit, next(p for p in circuit.projections if p.name == name))
    return _labelled(found, there, trials, numbers, samples, timing, tuple(end[numbers] for end in ends))


def _by_neuron(outcome):
    """The outcome with its spikes in the order of neurons, so that those of a block are found without a search."""
    if outcome.spikes is None:
        return outcome
    order = np.argsort(outcome.spikes[0], kind="stable")
    return replace(outcome, spikes=tuple(column[order] for column in outcome.spikes))


def _spikes(block, spikes, copies, silenced):
    """The spikes of one block of a group, by neuron, in temporal order, but those of the silenced neurons."""
    ends = np.array([block.start, block.start + block.stride * copies], dtype=spikes[0].dtype)
    first, last = np.searchsorted(spikes[0], ends)
    neuron, step = (column[first:last] for column in spikes)
    copy, within = np.divmod(neuron - block.start, block.stride)
    found = within < block.size
    mine = np.flatnonzero(found & ~np.isin(within, silenced) if silenced else found)
    mine = mine[np.argsort(step[mine], kind="stable")]
    return Spikes(copy[mine], within[mine], step[mine])


__all__ = ["BACKENDS", "Recording", "Response", "Spikes", "begin", "simulate"]
