"""Assessment: a task against the dose of ablation, as spiking circuit, rate circuit and equivalent DNN."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from eisim.ablation import InapplicableError, dose
from eisim.adapter import UnrolledDNN, to_dnn
from eisim.circuit import Circuit
from eisim.errors import InputError
from eisim.simulation import begin
from eisim.simulation.response import Response
from eisim.task import Obstruction, Task

KINDS = ("spiking", "rate")
#: Order counts as broken when a rate falls by more than this, in Hz.
ROUNDING = 1e-9
#: A DNN whose score is further than this from that of its rate circuit is not equivalent on the task.
AGREEMENT = 0.05
#: Synapses, over all copies of all circuits, that one batch may have: a matter of memory.
SYNAPSES = 60_000_000


@dataclass(frozen=True, eq=False)
class DoseResponse:
    """How well one system does a task, by the dose of ablation.

    Attributes
    ----------
    doses : ndarray of shape (doses,)
        From 0, intact.
    scores : ndarray of shape (doses, seeds)
    criterion : float
        The function counts as kept while the score is at least this.
    """

    doses: np.ndarray
    scores: np.ndarray
    criterion: float

    @property
    def intact(self) -> float:
        """Mean score without ablation."""
        return float(self.scores[0].mean())

    @property
    def ablated(self) -> float:
        """Mean score at the largest dose."""
        return float(self.scores[-1].mean())

    @property
    def verdict(self) -> str:
        """``"kept"`` or ``"lost"`` at the largest dose, or ``"never had"`` if it is not there intact."""
        if self.intact < self.criterion:
            return "never had"
        return "kept" if self.ablated >= self.criterion else "lost"

    @property
    def critical_doses(self) -> np.ndarray:
        """For each seed the dose at which the score first falls below the criterion, infinite if it never does.

        Between two doses the score is taken to be linear.
        """
        return np.array([_first_crossing(self.doses, scores, self.criterion) for scores in self.scores.T])

    @property
    def critical_dose(self) -> float | None:
        """Median over seeds; ``None`` if half of them or more never lose the function."""
        middle = float(np.median(self.critical_doses))
        return middle if np.isfinite(middle) else None


@dataclass(frozen=True, eq=False)
class Witness:
    """The pair of trials x <= y whose output falls most: no excitatory-only circuit gives it.

    Attributes
    ----------
    trials : tuple of int
        Which trials x and y are.
    inputs : tuple of str
        Name of each column of the stimuli.
    stimuli : tuple of ndarray of shape (inputs,)
        x and y, averaged over time if they vary.
    outputs : tuple of ndarray of shape (doses, seeds)
        Of the task at x and at y.
    """

    trials: tuple[int, int]
    inputs: tuple[str, ...]
    stimuli: tuple[np.ndarray, np.ndarray]
    outputs: tuple[np.ndarray, np.ndarray]

    @property
    def falls(self) -> np.ndarray:
        """Output at x minus output at y, doses × seeds."""
        return self.outputs[0] - self.outputs[1]

    @property
    def fall(self) -> float:
        """Mean fall of the intact circuit."""
        return float(self.falls[0].mean())

    @property
    def standard_errors(self) -> float | None:
        """The fall in standard errors over seeds; infinite if all seeds agree, ``None`` with a single seed.

        The pair is the one that falls most of all pairs, so among many pairs of a noisy circuit a few standard errors
        mean little.
        """
        falls = self.falls[0]
        if falls.size < 2:
            return None
        error = falls.std(ddof=1) / np.sqrt(falls.size)
        return float(self.fall / error) if error > ROUNDING else np.inf


@dataclass(frozen=True, eq=False)
class Judged:
    """What became of one kind of circuit.

    Attributes
    ----------
    kind : {"rate", "spiking"}
    neurons : int
        Of one circuit.
    measure : str
        What the score is, in words.
    obstruction : Obstruction
        What stands in the way of excitation alone.
    systems : dict of str to DoseResponse
        Of the ``"spiking"`` circuit, or of the ``"rate"`` circuit and its ``"dnn"``.
    witness : Witness or None
        ``None`` if the obstruction is dynamical, or no pair of trials falls.
    equivalence_error : float or None
        Largest difference of a rate between a rate circuit and its DNN, in Hz; ``None`` for a circuit with noise,
        whose DNN is that of the circuit without.
    problems : tuple of str
        Contradictions of the theory, and checks that failed.
    """

    kind: str
    neurons: int
    measure: str
    obstruction: Obstruction
    systems: dict[str, DoseResponse]
    witness: Witness | None
    equivalence_error: float | None
    problems: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Assessment:
    """A task against the dose of ablation; printed, it is a table.

    Attributes
    ----------
    name : str
        Of the circuit.
    function : str
        What neuroscientists call what it does: ``"decide"``.
    how : str
        The ablation, as `eisim.ablation.dose` reads it.
    doses : ndarray of shape (doses,)
    seeds : tuple of int
        Each fixes the circuit, and the noise of its simulation.
    kinds : dict of str to Judged
        By ``"spiking"`` and ``"rate"``.
    left_out : dict of str to str
        Kinds that have nothing of what is ablated, and why.
    """

    name: str
    function: str
    how: str
    doses: np.ndarray
    seeds: tuple[int, ...]
    kinds: dict[str, Judged]
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def systems(self) -> dict[str, DoseResponse]:
        """The dose responses of all kinds, by system."""
        return {name: curve for judged in self.kinds.values() for name, curve in judged.systems.items()}

    @property
    def verdict(self) -> str:
        """The verdict, if all systems have the same, or that of each system."""
        verdicts = {name: curve.verdict for name, curve in self.systems.items()}
        if len(set(verdicts.values())) == 1:
            return next(iter(verdicts.values()))
        return ", ".join(f"{name}: {verdict}" for name, verdict in verdicts.items())

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        return [f"{self.name}, {kind}: {text}" for kind, judged in self.kinds.items() for text in judged.problems]

    def __str__(self):
        from eisim.report.functions import plain_table

        return plain_table([self])


@dataclass(frozen=True, eq=False)
class Survey:
    """Assessments of several circuits by the same ablation.

    Attributes
    ----------
    assessments : tuple of Assessment
    left_out : dict of str to str
        Models that have nothing of what is ablated, and why.
    """

    assessments: tuple[Assessment, ...]
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        return [problem for assessment in self.assessments for problem in assessment.problems]


def assess(
    task: Task | Callable[[str], Task],
    *,
    kinds: Sequence[str] = KINDS,
    doses: int | Sequence[float] = 6,
    seeds: int | Sequence[int] = 3,
    how: str = "block",
    name: str = "",
    function: str = "",
    backend: str = "cpp",
    report: Callable[..., None] = lambda stage, fraction=None: None,
) -> Assessment:
    """Ablate a task's circuit in doses, and judge each dose by the task's score.

    All doses and seeds of a kind are simulated as one batch.

    Parameters
    ----------
    task : Task or callable
        One task, or a function from kind to task such as models have.
    kinds : sequence of {"spiking", "rate"}
        Which to ask a function for; one task is of the kind that it is.
    doses : int or sequence of float
        How many, evenly from 0 to 1, or which, increasing from 0.
    seeds : int or sequence of int
        How many, from 0 on, or which: each draws the circuit's random parts and its noise.
    how : str
        What a dose is of: ``"block"``, ``"silence"``, ``"cut:I->E"`` or ``"reversal"``; see `eisim.ablation.dose`.
    name, function : str
        For the table; the name is that of the circuit by default.
    backend, report
        As for `eisim.simulate`.

    Returns
    -------
    Assessment

    Raises
    ------
    InputError
        For bad doses, seeds or kinds, or if no circuit has what is to be ablated.
    """
    change, doses, seeds = dose(how), _doses(doses), _seeds(seeds)
    tasks = [task] if isinstance(task, Task) else [task(kind) for kind in kinds]
    found, left_out, intact = {}, {}, [[each.circuit(seed) for seed in seeds] for each in tasks]
    for each, circuits in zip(tasks, intact, strict=True):
        try:
            change.apply(circuits[0], float(doses[-1]))
        except InapplicableError as error:
            left_out[circuits[0].kind] = error
        else:
            found[circuits[0].kind] = (each, circuits)
    if not found:
        raise next(iter(left_out.values()))
    running = {kind: _begin(*part, change, doses, seeds, backend, report) for kind, part in found.items()}
    found = {kind: finish() for kind, finish in running.items()}
    left_out = {kind: str(error) for kind, error in left_out.items()}
    return Assessment(name or intact[0][0].name, function, how, doses, tuple(seeds), found, left_out)


def dnn_response(dnn: UnrolledDNN, stimuli, record: bool = False) -> Response:
    """The response of the unrolled DNN of a rate circuit, so that the score of a task can judge it.

    Parameters
    ----------
    dnn : UnrolledDNN
    stimuli : array_like of shape (trials, inputs) or (trials, time, inputs)
    record : bool
        Whether to keep the rates over time.

    Returns
    -------
    Response
        What `eisim.simulate` returns for the circuit, to rounding.
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


def _begin(task, intact, change, doses, seeds, backend, report):
    """Begin to simulate the circuits at doses × seeds; returns a function that waits and judges."""
    # Circuits are made when they are needed: those of all doses together would be large.
    makers = [partial(_ablated, change, circuit, float(d)) for d in doses for circuit in intact]
    own_seeds = [[seed] for _ in doses for seed in seeds]
    batches = _batches(intact, len(makers), len(task.stimuli))

    def start(batch):
        return begin(
            [make() for make in makers[batch]],
            task.stimuli,
            duration=task.duration,
            window=task.window,
            dt=task.dt,
            seed=own_seeds[batch],
            record=task.record,
            backend=backend,
            report=report,
        )

    first = start(batches[0])

    def finish():
        marks = [_mark(task, _of_one_seed(r)) for r in first()]
        for batch in batches[1:]:
            marks += [_mark(task, _of_one_seed(r)) for r in start(batch)()]
        grid = np.empty((len(doses), len(seeds)), dtype=object)
        grid.ravel()[:] = marks
        return _judge(task, makers, doses, grid, report)

    return finish


def _ablated(change, circuit, dose):
    return change.apply(circuit, dose) if dose else circuit


def _batches(intact: list[Circuit], n: int, trials: int) -> list[slice]:
    """Cut n circuits, none larger than the intact ones, into equal parts whose synapses do not exceed the bound."""
    most = max(sum(c.weights(p).nnz for p in c.projections) for c in intact) * trials
    parts = -(-n // max(1, SYNAPSES // max(most, 1)))
    size = -(-n // parts)
    return [slice(k, k + size) for k in range(0, n, size)]


def _of_one_seed(response):
    """The response without its axis of seeds."""
    return replace(
        response,
        rates={name: values[0] for name, values in response.rates.items()},
        traces={name: values[0] for name, values in response.traces.items()},
    )


@dataclass(frozen=True, eq=False)
class _Mark:
    """What is kept of a response."""

    score: float
    output: np.ndarray | None  # by trial
    rates: np.ndarray  # trials × neurons, in the window
    digest: bytes  # of rates and traces


def _mark(task, response):
    score = float(task.score(response))
    if not np.isfinite(score):
        raise InputError(f"Task.score of {response.circuit.name!r}: expected a finite number, found {score}")
    output = None
    if task.output is not None:
        output = np.asarray(task.output(response), dtype=float)
        if output.shape != (len(task.stimuli),) or not np.isfinite(output).all():
            raise InputError(
                f"Task.output of {response.circuit.name!r}: expected a finite number for each of "
                f"{len(task.stimuli)} trials, found {output!r}"
            )
    rates = np.concatenate(list(response.rates.values()), axis=-1)
    digest = hashlib.sha256(rates.tobytes())
    for trace in response.traces.values():
        digest.update(trace.tobytes())
    return _Mark(score, output, rates, digest.digest())


def _judge(task, makers, doses, marks, report):
    """Put together what was found of one kind; `marks` are doses × seeds, `makers` make their circuits."""
    intact = makers[0]()

    def response(of):
        return DoseResponse(doses, np.array([[m.score for m in row] for row in of]), task.criterion)

    systems, error, problems = {intact.kind: response(marks)}, None, []
    if intact.kind == "rate":
        circuits = np.empty_like(marks)
        circuits.ravel()[:] = [make() for make in makers]
        dnns = _dnn_marks(task, circuits, marks, report)
        systems["dnn"] = response(dnns)
        if not _is_noisy(intact):
            error = max(float(np.abs(a.rates - b.rates).max()) for a, b in zip(dnns.flat, marks.flat, strict=True))
            problems += _disagreement(systems)
        problems += _contradictions(task, circuits, marks)
    problems = [*_absence(systems[intact.kind]), *problems]
    witness = None
    if task.output is not None:
        witness = _find_witness(task, intact, np.array([[m.output for m in row] for row in marks]))
        if witness is None:
            problems.append(f"no witness: no pair of trials x <= y has a falling output ({task.obstruction})")
    neurons = sum(p.size for p in intact.populations)
    return Judged(intact.kind, neurons, task.measure, task.obstruction, systems, witness, error, tuple(problems))


def _dnn_marks(task, circuits, marks, report):
    """The same of the unrolled DNNs, doses × seeds; of circuits with noise, the DNNs of those without."""
    times = {"duration": task.duration, "window": task.window, "dt": task.dt}
    found = np.empty_like(marks)
    for k, row in enumerate(circuits):
        for s, circuit in enumerate(row):
            report(f"{circuit.name}: unrolled DNN", (k * len(row) + s) / marks.size)
            # Seeds that change nothing in the circuit change nothing in its DNN.
            if s and marks[k, s].digest == marks[k, 0].digest:
                found[k, s] = found[k, 0]
                continue
            dnn = to_dnn(circuit.without_noise() if _is_noisy(circuit) else circuit, unrolled=True, **times)
            found[k, s] = _mark(task, dnn_response(dnn, task.stimuli, task.record))
    return found


def _is_noisy(circuit):
    return any(getattr(p.neuron, "noise", 0) for p in circuit.populations)


def _absence(curve):
    if curve.verdict == "never had":
        yield f"the intact circuit does not do the task: score {curve.intact:.3g}, criterion {curve.criterion:g}"


def _disagreement(systems):
    apart = float(np.abs(systems["rate"].scores - systems["dnn"].scores).max())
    if apart > AGREEMENT:
        yield f"the equivalent DNN is not equivalent: its score differs by up to {apart:.3g}"


def _contradictions(task, circuits, marks):
    """T1: without inhibition and noise, rates keep the order of inputs, and with them the output."""
    lower, upper = _ordered_pairs(task.stimuli)
    if not lower.size:
        return
    for circuit, mark in zip(circuits.flat, marks.flat, strict=True):
        if not (circuit.is_excitatory_only and _keeps_order(circuit)):
            continue
        fall = float((mark.rates[lower] - mark.rates[upper]).max())
        if fall > ROUNDING:
            yield (
                f"CONTRADICTION: the excitatory-only rate circuit breaks order by {fall:.3g} Hz; no assumption of the "
                f"theorem is known to fail"
            )
            return
        if mark.output is not None and (mark.output[lower] - mark.output[upper]).max() > ROUNDING:
            yield (
                "Task.output: expected non-decreasing in the rates, found a fall where no rate falls: it is the "
                "output itself that subtracts, so its fall is no witness of the circuit"
            )
            return


def _keeps_order(circuit):
    """Whether the theorem's assumptions on neurons, synapses and time steps are known to hold."""
    if _is_noisy(circuit) or any(getattr(p, "plasticity", None) for p in circuit.projections):
        return False
    neurons = [p.neuron for p in circuit.populations]
    # The largest step that keeps order is known of units whose rate is bounded, or that are never refractory.
    return all(n.non_decreasing and (not getattr(n, "refractory", 0) or hasattr(n, "maximum")) for n in neurons)


def _ordered_pairs(stimuli):
    """Pairs of different trials x <= y, at every input and time: indices of x and of y."""
    flat = stimuli.reshape(len(stimuli), -1)
    below = np.array([(x <= flat).all(axis=1) & (x != flat).any(axis=1) for x in flat])
    return np.nonzero(below)


def _find_witness(task, circuit, outputs):
    """The pair whose output falls most without ablation; `outputs` are doses × seeds × trials."""
    lower, upper = _ordered_pairs(task.stimuli)
    intact = outputs[0].mean(axis=0)
    falls = intact[lower] - intact[upper]
    if not falls.size or falls.max() <= ROUNDING:
        return None
    x, y = lower[falls.argmax()], upper[falls.argmax()]
    means = task.stimuli.mean(axis=1) if task.stimuli.ndim == 3 else task.stimuli
    names = [i.name if i.size == 1 else f"{i.name}[{k}]" for i in circuit.inputs for k in range(i.size)]
    return Witness((int(x), int(y)), tuple(names), (means[x], means[y]), (outputs[..., x], outputs[..., y]))


def _first_crossing(doses, scores, criterion):
    below = np.flatnonzero(scores < criterion)
    if not below.size:
        return np.inf
    k = below[0]
    if k == 0:
        return doses[0]
    share = (scores[k - 1] - criterion) / (scores[k - 1] - scores[k])
    return doses[k - 1] + share * (doses[k] - doses[k - 1])


def _doses(doses):
    if isinstance(doses, (int, np.integer)) and not isinstance(doses, bool):
        if doses < 2:
            raise InputError(f"doses: expected at least 2, with none and all, found {doses}")
        return np.linspace(0, 1, doses)
    doses = np.asarray(doses, dtype=float)
    if doses.ndim != 1 or doses.size < 2 or doses[0] != 0 or (np.diff(doses) <= 0).any() or doses[-1] > 1:
        raise InputError(f"doses: expected numbers that increase from 0 to at most 1, found {doses.tolist()}")
    return doses


def _seeds(seeds):
    if isinstance(seeds, (int, np.integer)) and not isinstance(seeds, bool):
        seeds = range(seeds)
    seeds = [int(seed) for seed in seeds]
    if not seeds or min(seeds) < 0:
        raise InputError(f"seeds: expected at least one whole number of 0 or more, found {seeds}")
    return seeds
