"""Simulation: circuit × stimuli -> response, on Brian2, the whole batch as one compiled program."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np

from eisim.base.errors import InputError
from eisim.base.memory import check
from eisim.base.progress import shows_progress
from eisim.base.seeds import Seed, seed_of
from eisim.base.timing import Timing
from eisim.base.units import to_si
from eisim.circuit import Circuit
from eisim.simulation.brian import brian2_alone
from eisim.simulation.cuda import CUDA, check_available
from eisim.simulation.layout import Trials, lay_out
from eisim.simulation.memory import check_memory
from eisim.simulation.response import Response, Spikes
from eisim.simulation.shares import join, share_out
from eisim.simulation.toolchain import NoProgramError, find_compiler, what_is_missing
from eisim.stimuli import sets_of, unlabelled
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
    record: bool | Sequence[bool] = False,
    backend: str = "cpp",
    report: Callable[..., None] | None = None,
) -> Response | list[Response]:
    """Simulate circuits on stimuli: all circuits, seeds and trials as one batch in one compiled program.

    Parameters
    ----------
    circuit : Circuit or sequence of Circuit
        All of one kind.
    stimuli : array_like of shape (trials, inputs) or (trials, time, inputs)
        In units of each input's rate; also a DataFrame or DataArray whose columns are named as the inputs
        (`eisim.stimuli.unlabelled`). Frames of time-varying stimuli are of equal length and fill the duration.
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
    record : bool or sequence of bool
        Whether to keep spikes (spiking circuits) or rates over time (rate circuits), for all or for each circuit.
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
        For bad stimuli, times, seeds or backend, circuits of different kinds, a batch that does not fit into memory, or
        a GPU that cannot be used.

    Examples
    --------
    >>> from eisim import TruthTable, simulate, synthesize
    >>> xor = TruthTable("0110")
    >>> simulate(synthesize(xor, kind="rate"), xor.patterns, backend="numpy").decisions[:, 0]
    array([False,  True,  True, False])
    """
    options = {"seed": _drawn(seed), "record": record, "backend": backend, "report": report}
    try:
        return begin(circuit, stimuli, duration=duration, window=window, dt=dt, **options)()
    except MemoryError as error:
        raise InputError(f"simulate: expected what fits into memory, found more ({error})") from None


def begin(
    circuit, stimuli, *, duration, window, dt, seed, record, backend, report
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
    batch = _trials(circuits, [stimuli] if single else sets_of(stimuli, len(circuits)), seed, record)
    timing = Timing(duration, window, dt)
    _check_stimuli(batch, timing)
    if backend == CUDA:
        check_available()
    check_memory(batch, timing)
    keep_seeds = not isinstance(seed, (int, np.integer))
    if backend == "cpp" and find_compiler() is None:
        _warn_once(what_is_missing())
    if backend == "cpp" and find_compiler() in (None, *_failed):
        backend = "numpy"

    started: dict[str, list[Callable]] = {}

    def start(share):
        layout = lay_out(list(share.values()), timing.dt)
        finish = _start(layout, circuits[0].kind, timing, backend, report, started)

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


def _start(layout, kind, timing, backend, report, started):
    """Start a batch and return a function that waits for it.

    What another batch has begun to compile (those `started`, with what is to follow) starts once it is in the cache.
    What cannot be compiled, or started when it is, runs on NumPy.
    """
    from eisim.simulation import program
    from eisim.simulation.job import CPP, OWN, PLAIN, Job
    from eisim.simulation.model import models

    def job_on(device):
        return Job(layout, kind, timing, models(layout, kind, timing, device == OWN), device)

    job = job_on(CUDA if backend == CUDA else CPP)

    def on_numpy():
        with brian2_alone():
            from eisim.simulation.codegen import run_numpy

        return run_numpy(job_on(PLAIN), report)

    def give_up(error):
        if backend == CUDA:
            raise error
        if find_compiler() not in _failed:
            _failed.add(find_compiler())
            _warn_once(str(error))
        return on_numpy()

    if backend == "numpy":
        outcomes = on_numpy()
        return lambda: outcomes
    try:
        if job.signature in started and not program.is_compiled(job):
            begun = []
            started[job.signature].append(lambda: begun.append(program.start(job, report)))
            return lambda: on_numpy() if find_compiler() in _failed else (begun or [program.start(job, report)])[0]()
        following = started.setdefault(job.signature, [])
        finish = program.start(job, report, lambda: [begin() for begin in following])
    except NoProgramError as error:
        return partial(give_up, error)

    def outcomes_or_numpy():
        try:
            return finish()
        except NoProgramError as error:
            return give_up(error)

    return outcomes_or_numpy


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


def _trials(circuits, stimuli, seed, record):
    for circuit in circuits:
        if not isinstance(circuit, Circuit):
            raise InputError(f"simulate: circuit: expected a Circuit, found {circuit!r}")
    if len({c.kind for c in circuits}) > 1:
        raise InputError("simulate: expected circuits of one kind, found rate and spiking")
    nested = not isinstance(seed, (str, range)) and np.iterable(seed) and any(map(np.iterable, seed))
    seeds, records = _for_each(seed, len(circuits), not nested, "seed"), _records(record, len(circuits))
    batch = []
    for circuit, array, own_seeds, own_record in zip(circuits, stimuli, seeds, records, strict=True):
        what = f"stimuli of circuit {circuit.name!r}"
        array = to_si(unlabelled(array, [(i.name, i.size) for i in circuit.inputs], what), "1", what)
        if array.ndim not in (2, 3) or array.shape[-1] != circuit.n_inputs or not array.size:
            raise InputError(
                f"{what}: expected shape (trials, {circuit.n_inputs}) or (trials, time, {circuit.n_inputs}), "
                f"none of them 0, found {array.shape}"
            )
        if array.min() < 0:
            raise InputError(f"{what}: expected 0 or more (a rate is not negative), found {array.min():g}")
        batch.append(Trials(circuit, array, np.arange(len(array)), _seeds(own_seeds), own_record))
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
        rates = [i.rate if i.name in trains else 0.0 for i in circuit.inputs]
        fastest = (trials.stimuli * np.repeat(rates, [i.size for i in circuit.inputs])).max()
        if fastest * timing.dt > 1 + 1e-9:  # a rate of exactly that may be rounded
            raise InputError(
                f"stimuli: expected input rates of at most one spike a time step "
                f"({1 / timing.dt:g} Hz), found {fastest:g} Hz"
            )


def _records(record, n):
    records = _for_each(record, n, isinstance(record, str) or not np.iterable(record), "record")
    for each in records:
        if not isinstance(each, (bool, np.bool_)):
            raise InputError(
                "record: expected True or False (True records the spikes of a spiking circuit, the rates over time of "
                f"a rate circuit), found {each!r}"
            )
    return list(map(bool, records))


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
        return values.reshape(*shape, *values.shape[1:])

    rates, spikes, traces = {}, {}, {}
    for name in names:
        outcome = outcomes[layout.blocks[index, name].group]
        rates[name] = of(name, outcome.rates)
        if trials.record and outcome.traces is not None:
            traces[name] = of(name, outcome.traces)
    if trials.record and trials.circuit.kind == "spiking":
        for name in [*names, *(i.name for i in trials.circuit.inputs)]:
            block = layout.blocks[index, name]
            spikes[name] = _spikes(block, outcomes[block.group].spikes, trials.copies)
    seeds = tuple(map(int, trials.seeds))
    loop_time = next(iter(outcomes.values())).loop_time
    return Response(trials.circuit, rates, timing.duration, timing.window, timing.dt, spikes, traces, loop_time, seeds)


def _by_neuron(outcome):
    """The outcome with its spikes in the order of neurons, so that those of a block are found without a search."""
    if outcome.spikes is None:
        return outcome
    order = np.argsort(outcome.spikes[0], kind="stable")
    return replace(outcome, spikes=tuple(column[order] for column in outcome.spikes))


def _spikes(block, spikes, copies):
    """The spikes of one block of a group, by neuron, in temporal order."""
    ends = np.array([block.start, block.start + block.stride * copies], dtype=spikes[0].dtype)
    first, last = np.searchsorted(spikes[0], ends)
    neuron, step = (column[first:last] for column in spikes)
    copy, within = np.divmod(neuron - block.start, block.stride)
    mine = np.flatnonzero(within < block.size)
    mine = mine[np.argsort(step[mine], kind="stable")]
    return Spikes(copy[mine], within[mine], step[mine])


__all__ = ["BACKENDS", "Response", "Spikes", "begin", "simulate"]
