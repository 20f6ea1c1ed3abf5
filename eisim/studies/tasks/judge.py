"""From a task's circuits and fractions to a verdict: one batch of simulations, the DNNs, the theory."""

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from eisim.ablation import Dose
from eisim.adapter import UnrolledDNN, to_dnn
from eisim.analysis.mean_field_check import Prediction, predict
from eisim.analysis.task import Fact, Task
from eisim.base.errors import InputError
from eisim.base.units import to_si
from eisim.circuit import Circuit
from eisim.simulation import begin
from eisim.simulation.layout import is_pooled
from eisim.simulation.response import Response, Spikes
from eisim.studies.curves import AblationCurve, Criterion
from eisim.studies.tasks.result import Judged
from eisim.studies.tasks.witness import ROUNDING, broken_order, find_witness, is_noisy
from eisim.weights import Independent

#: A DNN whose score is further than this from that of its rate circuit is not equivalent on the task.
AGREEMENT = 0.05
#: Synapses, over all copies of all circuits, that one batch may have: a matter of memory.
SYNAPSES = 60_000_000
#: Trials for which the mean field is computed.
PREDICTED = 2


def begin_to_judge(
    task: Task, intact: list[Circuit], change: Dose, doses: np.ndarray, seeds: list[int], backend: str, report: Callable
) -> Callable[[], Judged]:
    """Begin to simulate a task's circuits, one per seed, at all fractions; the returned function judges them."""
    # Circuits are made when they are needed: those of all fractions together would be large.
    # One seed after another, since those of one seed share what their rules drew.
    makers = [partial(_ablated, change, circuit, float(d)) for circuit in intact for d in doses]
    own_seeds = [[seed] for seed in seeds for _ in doses]
    # The spikes of the first intact circuit are compared with what its mean-field predicts.
    records = [task.record or (intact[0].kind == "spiking" and k == 0) for k in range(len(makers))]
    batches = _batches(intact, len(makers), len(task.stimuli))

    def start(batch):
        return begin(
            [make() for make in makers[batch]],
            task.stimuli,
            duration=task.duration,
            window=task.window,
            dt=task.dt,
            seed=own_seeds[batch],
            record=records[batch],
            backend=backend,
            report=report,
        )

    first = start(batches[0])

    def finish():
        responses = [_of_one_seed(r) for r in first()]
        marks = [_mark(task, r) for r in responses]
        predicted, unpredicted = _predict(task, responses[0], report)
        about = {"predicted": predicted, "unpredicted": unpredicted, "facts": _facts(task, responses[0])}
        del responses
        for batch in batches[1:]:
            marks += [_mark(task, _of_one_seed(r)) for r in start(batch)()]
        return _judge(task, makers, doses, _by_dose(marks, len(doses)), report, about)

    return finish


def _facts(task, response) -> tuple[Fact, ...]:
    """Published numbers and those of a response."""
    found = tuple(task.facts(response)) if task.facts is not None else ()
    for fact in found:
        if not isinstance(fact, Fact):
            raise InputError(f"Task.facts of {response.circuit.name!r}: expected eisim.Fact values, found {fact!r:.60}")
    return found


def _output_words(output):
    """The first line of the docstring of an output, with what is filled in."""
    function = getattr(output, "func", output)
    said = ((getattr(function, "__doc__", "") if inspect.isroutine(function) else "") or "").strip().split("\n")[0]
    given = ", ".join(
        f"{name} = {value:g}" for name, value in getattr(output, "keywords", {}).items() if np.isscalar(value)
    )
    return f"{said} ({given}.)" if said and given else said


def _by_dose(values, doses):
    """What is listed seed by seed, as an array of fractions × seeds."""
    grid = np.empty(len(values), dtype=object)
    grid[:] = values
    return grid.reshape(-1, doses).T


def _ablated(change, circuit, dose):
    return change.apply(circuit, dose) if dose else circuit


def _batches(intact: list[Circuit], n: int, trials: int) -> list[slice]:
    """Cut n circuits, none larger than the intact ones, into equal parts whose synapses do not exceed the bound."""
    most = max(map(_synapses, intact)) * trials
    parts = -(-n // max(1, SYNAPSES // max(most, 1)))
    size = -(-n // parts)
    return [slice(k, k + size) for k in range(0, n, size)]


def _synapses(circuit):
    """Synapses that a copy of the circuit takes memory for."""
    held = [p for p in circuit.projections if not isinstance(p.weights, Independent)]
    return sum(circuit.source(p).size if is_pooled(circuit, p) else circuit.weights(p).nnz for p in held)


def _predict(task, response, report) -> tuple[tuple[Prediction, ...], str]:
    """Mean-field prediction of a spiking circuit's final state in a few trials, or why there is none."""
    circuit = response.circuit
    if circuit.kind != "spiking":
        return (), ""
    report(f"{circuit.name}: mean-field")
    last = task.stimuli if task.stimuli.ndim == 2 else task.stimuli[:, -1]
    few = np.unique(np.linspace(0, len(last) - 1, PREDICTED).round().astype(int))
    try:
        return predict(_trials_of(response, few), last[few], start="simulated"), ""
    except InputError as error:
        return (), str(error)


def _trials_of(response, trials):
    """The response of some trials alone."""
    spikes = {}
    for name, s in response.spikes.items():
        place = np.searchsorted(trials, s.copy)
        mine = trials[np.minimum(place, len(trials) - 1)] == s.copy
        spikes[name] = Spikes(place[mine], s.neuron[mine], s.step[mine])
    return replace(response, rates={name: rates[trials] for name, rates in response.rates.items()}, spikes=spikes)


def _of_one_seed(response):
    """The response without its axis of seeds."""
    return replace(
        response,
        rates={name: values[0] for name, values in response.rates.items()},
        traces={name: values[0] for name, values in response.traces.items()},
    )


@dataclass(frozen=True, eq=False)
class Mark:
    """The part of a response that is kept."""

    score: float
    output: np.ndarray | None  # by trial
    rates: np.ndarray  # trials × neurons, in the window
    digest: bytes  # of rates and traces


def _mark(task, response):
    name = response.circuit.name
    score = to_si(task.score(response), "1", f"Task.score of {name!r}")
    if score.size != 1:
        raise InputError(f"Task.score of {name!r}: expected a number, found an array of shape {score.shape}")
    score = score.item()
    if not -ROUNDING <= score <= 1 + ROUNDING:
        raise InputError(f"Task.score of {name!r}: expected a number from 0 (not at all) to 1 (fully), found {score:g}")
    score = min(max(score, 0.0), 1.0)
    output = None
    if task.output is not None:
        output = to_si(task.output(response), "hertz", f"Task.output of {name!r}")
        if output.shape != (len(task.stimuli),):
            raise InputError(
                f"Task.output of {name!r}: expected a number for each of {len(task.stimuli)} trials, "
                f"found an array of shape {output.shape}"
            )
    rates = np.concatenate(list(response.rates.values()), axis=-1)
    digest = hashlib.sha256(rates.tobytes())
    for trace in response.traces.values():
        digest.update(trace.tobytes())
    return Mark(score, output, rates, digest.digest())


def _judge(task, makers, doses, marks, report, about):
    """Combine the findings of one kind; `marks` are fractions × seeds, `makers` make their circuits."""
    intact = makers[0]()

    def curve(system, of):
        scores = np.array([[m.score for m in row] for row in of])
        return AblationCurve(system, doses, scores, Criterion.absolute(task.criterion))

    own, error, problems = curve(intact.kind, marks), None, []
    systems = {intact.kind: own}
    if not own.is_computed:
        problems.append(f"the intact circuit does not do the task: score {own.intact:.3g}, criterion {own.level:g}")
    if intact.kind == "rate":
        circuits = _by_dose([make() for make in makers], len(doses))
        dnns = _dnn_marks(task, circuits, marks, report)
        systems["dnn"] = curve("dnn", dnns)
        if not is_noisy(intact):
            error = max(float(np.abs(a.rates - b.rates).max()) for a, b in zip(dnns.flat, marks.flat, strict=True))
            apart = float(np.abs(own.scores - systems["dnn"].scores).max())
            if apart > AGREEMENT:
                problems.append(f"the equivalent DNN is not equivalent: its score differs by up to {apart:.3g}")
        orders = (
            broken_order(task.stimuli, c, m.rates, m.output) for c, m in zip(circuits.flat, marks.flat, strict=True)
        )
        problems += [problem for problem in orders if problem][:1]
    witness = None
    if task.output is not None:
        witness = find_witness(task.stimuli, intact, np.array([[m.output for m in row] for row in marks]))
        if witness is None:
            problems.append(f"no witness: no pair of trials x <= y has a falling output ({task.obstruction})")
    return Judged(
        intact.kind,
        sum(p.size for p in intact.populations),
        task.measure,
        task.obstruction,
        systems,
        witness,
        error,
        tuple(problems),
        circuit=intact,
        output=_output_words(task.output),
        published_neurons=task.published_neurons,
        **about,
    )


def _dnn_marks(task, circuits, marks, report):
    """The same for the unrolled DNNs, fractions × seeds; for circuits with noise, the DNNs of those without."""
    times = {"duration": task.duration, "window": task.window, "dt": task.dt}
    found = np.empty_like(marks)
    for k, row in enumerate(circuits):
        for s, circuit in enumerate(row):
            report(f"{circuit.name}: unrolled DNN", (k * len(row) + s) / marks.size)
            # Seeds that change nothing in the circuit change nothing in its DNN.
            if s and marks[k, s].digest == marks[k, 0].digest:
                found[k, s] = found[k, 0]
                continue
            dnn = to_dnn(circuit.without_noise() if is_noisy(circuit) else circuit, unrolled=True, **times)
            found[k, s] = _mark(task, dnn_response(dnn, task.stimuli, task.record))
    return found


def dnn_response(dnn: UnrolledDNN, stimuli, record: bool = False) -> Response:
    """The response of the unrolled DNN of a rate circuit, so that the score of a task can judge it.

    It is what `eisim.simulate` returns for the circuit, to rounding; recorded if it is to keep the rates over time.
    """
    total, trace = 0.0, []
    for step, rates in enumerate(dnn.layers(stimuli)):
        if step >= dnn.steps - dnn.window_steps:
            total = total + rates
        if record:
            trace.append(rates)
    mean = total / dnn.window_steps
    traces = np.stack(trace, axis=-1) if record else None
    return Response(
        dnn.circuit,
        {name: mean[:, units] for name, units in dnn.units.items()},
        dnn.steps * dnn.dt,
        dnn.window_steps * dnn.dt,
        dnn.dt,
        traces={name: traces[:, units] for name, units in dnn.units.items()} if record else {},
    )
