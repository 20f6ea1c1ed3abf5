"""From a task's circuits and fractions to a verdict: one batch of simulations, the DNNs, the theory."""

import hashlib
import inspect
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from eisim.ablation import Dose
from eisim.adapter import UnrolledDNN, to_dnn
from eisim.analysis.mean_field_check import Prediction, predict
from eisim.analysis.readout import refitted
from eisim.analysis.task import Fact, Task, are_right, outputs_of
from eisim.base.errors import InputError
from eisim.base.progress import headed
from eisim.base.store.checkpoint import begin_part, expect
from eisim.base.units import to_si
from eisim.circuit import Circuit
from eisim.simulation import begin
from eisim.simulation.layout import is_pooled
from eisim.simulation.response import Response, Spikes
from eisim.studies.controls import DENSE, DRAWS, finer, partial_shams, resolution, shams, variants
from eisim.studies.curves import COMPARES, NOT_TRIED, AblationCurve, contradiction
from eisim.studies.judgement import ANY, ROUNDING, Controls, Criterion, Shams
from eisim.studies.tasks.result import Judged, Psychometric
from eisim.studies.tasks.silenced import unsilenced
from eisim.studies.tasks.witness import ROUNDING as SAME
from eisim.studies.tasks.witness import broken_order, find_witness, is_noisy
from eisim.weights import Independent

#: A DNN whose score is further than this from that of its rate circuit is not equivalent on the task.
AGREEMENT = 0.05
#: Synapses, over all copies of all circuits, that one batch may have: a matter of memory.
SYNAPSES = 60_000_000
#: What the batches of both kinds may take together, in bytes (`eisim.simulation.memory`).
MEMORY = 4_000_000_000
#: The scale of excitation that compensates best is chosen on so many of ten seeds, and scored on the others.
SCANNED = 3
#: So many neurons of a population are raised one by one, to see whether an answer falls.
RAISED = 32
#: Trials for which the mean field is computed.
PREDICTED = 2


def begin_to_judge(
    task: Task,
    intact: list[Circuit],
    change: Dose,
    doses: np.ndarray,
    seeds: list[int],
    factors: Sequence[float] | None,
    predicts: bool,
    backend: str,
    report: Callable,
    name: str = "",
) -> Callable[[], Judged]:
    """Begin to simulate a task's circuits, one per seed, at all fractions; the returned function judges them.

    The controls scale excitation by `factors`; without, there are none. ``predicts``: with the mean field. Several
    batches are parts of the run (`eisim.base.store.checkpoint`), by the `name` of the circuit.
    """
    n_seeds, is_exact = len(intact), not _is_random(task, intact, seeds)
    if is_exact:  # all seeds give the same
        intact, seeds = intact[:1], seeds[:1]
    # Circuits are made when they are needed: those of all fractions together would be large.
    # One seed after another, since those of one seed share what their rules drew.
    plans = [
        _Plan(task, change, circuit, doses, seed, factors, is_exact)
        for circuit, seed in zip(intact, seeds, strict=True)
    ]
    scanned = max(1, len(plans) * SCANNED // 10)
    jobs = [
        (seed, label, make)
        for k, (plan, seed) in enumerate(zip(plans, seeds, strict=True))
        for label, make in plan.makers(scans=k < scanned)
    ]
    # The spikes of the first intact circuit are compared with what its mean-field predicts.
    records = [task.record or (intact[0].kind == "spiking" and k == 0) for k in range(len(jobs))]
    batches = _batches(intact, len(jobs), len(task.stimuli))
    if len(batches) > 1:
        expect(len(batches))

    def begin_batch(jobs, records, what, keep=lambda responses: [_mark(task, r) for r in responses]):
        """Begin to simulate circuits; the returned function waits for what is kept of their responses."""

        def simulate():
            circuits, said = [make() for _, _, make in jobs], headed(report, what) if what else report
            how = {**task.times, "seed": [[seed] for seed, _, _ in jobs], "backend": backend, "report": said}
            wait = begin(circuits, task.stimuli, record=records, **how)
            return lambda: keep([_of_one_seed(r) for r in wait()])

        return begin_part(f"{name}, {intact[0].kind}: {what}", simulate) if what else simulate()

    def batch(k):
        return f"batch {k + 1} of {len(batches)}" if len(batches) > 1 else ""

    def all_of_first(responses):
        predicted, unpredicted = _predict(task, responses[0], report) if predicts else ((), "")
        about = {"predicted": predicted, "unpredicted": unpredicted, "facts": _facts(task, responses[0])}
        ends = responses[0], responses[min(len(doses), len(responses)) - 1]  # intact, and ablated
        assumptions = () if task.required is None else _readout_assumptions(task, ends)
        return [_mark(task, r) for r in responses], about, assumptions

    first = begin_batch(jobs[batches[0]], records[batches[0]], batch(0), all_of_first)

    def finish():
        marks, about, assumptions = first()
        for k, places in enumerate(batches[1:], 1):
            marks += begin_batch(jobs[places], records[places], batch(k))()
        found = {(seed, label): mark for (seed, label, _), mark in zip(jobs, marks, strict=True)}

        def simulate(labels):  # for each plan, what it is still to simulate
            rest = [
                (plan.seed, label, plan.maker(label)) for plan, of in zip(plans, labels, strict=True) for label in of
            ]
            more = _batches(intact, len(rest), len(task.stimuli)) if rest else []
            if len(batches) > 1:
                expect(len(more))
            for k, places in enumerate(more):
                what = f"further controls, batch {k + 1} of {len(more)}" if len(batches) > 1 else ""
                marks = begin_batch(rest[places], [task.record] * len(rest[places]), what)()
                found.update({(seed, label): m for (seed, label, _), m in zip(rest[places], marks, strict=True)})

        if not is_exact:  # another batch is another program, so there is just one more
            lost_at, best = _first_lost(task, seeds, found, len(doses)), _best_scale(task, plans[:scanned], found)
            more = [plan.add_shams(lost_at) + plan.add_scales(task, best, found) for plan in plans]
            simulate([of + [best] * (best is not None and k >= scanned) for k, of in enumerate(more)])
        best = _best_scale(task, plans[:scanned], found)
        return _judge(task, plans, found, best, scanned, n_seeds, report, assumptions, about)

    return finish


class _Plan:
    """The circuits of one seed, by labels: fractions, ``"excitatory-only"``, and variants by their place."""

    def __init__(self, task, change, circuit, doses, seed, factors, is_exact):
        self.change, self.circuit, self.doses, self.seed, self.is_exact = change, circuit, doses, seed, is_exact
        self.excitatory_only = None if task.excitatory_only is None else partial(_excitatory_only, task, seed)
        self.ablated = _ablated(change, circuit, float(doses[-1]))
        draws = range(DRAWS) if is_exact else [seed]
        if is_exact and factors is not None:  # few copies, so that all can be in the first batch
            weakened = [_ablated(change, circuit, float(d)) for d in doses]
            self.variants = variants(circuit, self.ablated, draws, DENSE) + partial_shams(circuit, weakened, doses)
        else:
            self.variants = [] if factors is None else variants(circuit, self.ablated, draws, factors)
        self.controls = factors is not None

    def makers(self, scans: bool):
        """Labels and what makes the circuits; with all scales of excitation if this seed `scans` them."""
        found = [(k, partial(_ablated, self.change, self.circuit, float(d))) for k, d in enumerate(self.doses)]
        if self.excitatory_only is not None:
            found.append(("excitatory-only", self.excitatory_only))
        for k, variant in enumerate(self.variants):
            if scans or variant.condition != "compensated":
                found.append(((variant.condition, k), self.maker((variant.condition, k))))
        return found

    def maker(self, label):
        return lambda: self.variants[label[1]].circuit

    def add_shams(self, place: int | None) -> list[tuple[str, int]]:
        """Labels of the shams of a partial ablation, that at this place, if there is one."""
        if place is None or not self.controls:
            return []
        fraction = float(self.doses[place])
        partial = _ablated(self.change, self.circuit, fraction)
        return self._add(shams(self.circuit, partial, [self.seed], fraction))

    def add_scales(self, task, best, found) -> list[tuple[str, int]]:
        """Labels of factors close to the best one, unless that reaches the criterion, or nothing is lost."""
        if best is None or any(m >= task.criterion for m in _means(found, best, len(self.doses) - 1)):
            return []
        return self._add(finer(self.ablated, self.variants, best[1]))

    def _add(self, variants) -> list[tuple[str, int]]:
        n = len(self.variants)
        self.variants += variants
        return [(variant.condition, n + k) for k, variant in enumerate(variants)]


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


def _is_random(task, intact, seeds) -> bool:
    """Whether a seed decides anything, in the circuit or in what its task makes of it."""
    other = intact[1] if len(intact) > 1 else task.circuit(seeds[0] + 1)
    if intact[0].is_random:
        return True
    try:
        same, another = (pickle.dumps(replace(circuit, seed=0)) for circuit in (intact[0], other))
    except Exception:  # what cannot be compared is taken to differ
        return True
    return same != another


def _excitatory_only(task, seed):
    circuit = task.excitatory_only(seed)
    if not isinstance(circuit, Circuit) or not circuit.is_excitatory_only:
        raise InputError(f"Task.excitatory_only: expected from a seed a circuit without inhibition, found {circuit!r}")
    if falling := [p.name for p in circuit.populations if not p.neuron.non_decreasing]:
        found = f"one whose activation of {', '.join(falling)} is not shown to be (a class says non_decreasing = True)"
        raise InputError(f"Task.excitatory_only: expected a circuit of non-decreasing activations, found {found}")
    return circuit


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
    return sum(circuit.source(p).size if is_pooled(circuit, p) else circuit.n_synapses(p) for p in held)


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
    rates = {name: values[0] for name, values in response.rates.items()}
    return replace(response, rates=rates, traces={name: values[0] for name, values in response.traces.items()})


@dataclass(frozen=True, eq=False)
class Mark:
    """The part of a response that is kept."""

    score: float
    output: np.ndarray | None  # by trial
    rates: np.ndarray  # trials × neurons, in the window
    digest: bytes  # of rates and traces
    outputs: np.ndarray | None = None  # trials × outputs, that are required: rates in Hz if they have a threshold


def _mark(task, response):
    name, read = response.circuit.name, unsilenced(response)
    score = to_si(task.score(read), "1", f"Task.score of {name!r}")
    if score.size != 1:
        raise InputError(f"Task.score of {name!r}: expected a number, found an array of shape {score.shape}")
    score = score.item()
    if not -SAME <= score <= 1 + SAME:
        raise InputError(f"Task.score of {name!r}: expected a number from 0 (not at all) to 1 (fully), found {score:g}")
    score = min(max(score, 0.0), 1.0)
    output = None
    if task.output is not None:
        output = to_si(task.output(read), "hertz", f"Task.output of {name!r}")
        if output.shape != (len(task.stimuli),):
            raise InputError(
                f"Task.output of {name!r}: expected a number for each of {len(task.stimuli)} trials, "
                f"found an array of shape {output.shape}"
            )
    rates = np.concatenate(list(response.rates.values()), axis=-1)
    digest = hashlib.sha256(rates.tobytes())
    for trace in response.traces.values():
        digest.update(trace.tobytes())
    outputs = None
    if task.required is not None:
        outputs = outputs_of(read, task.answers, task.required.shape, task.threshold)
    return Mark(score, output, rates, digest.digest(), outputs)


def _means(found, *labels):
    """The mean scores of some labels, over the seeds that have them."""
    return [np.mean([mark.score for (_, of), mark in found.items() if of == label]) for label in labels]


def _scores(task, found, label, fitted, scored, is_refitted) -> np.ndarray:
    """Scores of some plans under a label; re-fitted to others, if asked for and the readout has a threshold."""
    if not is_refitted or task.threshold is None:
        return np.array([found[plan.seed, label].score for plan in scored])
    every = dict.fromkeys([*fitted, *scored])
    rates = np.stack([found[plan.seed, label].outputs for plan in every])
    intact = np.stack([found[plan.seed, 0].outputs for plan in every])
    places = [[list(every).index(plan) for plan in of] for of in (fitted, scored)]
    return refitted(rates, task.required, *places, resolution=resolution(intact))


def _best_scale(task, plans, found):
    """The label of the scale of excitation with the best mean score in some plans, re-fitted.

    Of equal ones that with the rate closest to the intact one.
    """
    labels = dict.fromkeys(label for _, label in found if isinstance(label, tuple) and label[0] == "compensated")

    def rate(label):
        return np.mean([found[plan.seed, label].rates.mean() for plan in plans])

    def goodness(label):
        score = _scores(task, found, label, plans, plans, True).mean()
        rates = rate(label), rate(0)
        return round(float(score), 12), -abs(np.log(rates[0] / rates[1])) if all(rates) else -np.inf

    return max(labels, key=goodness, default=None)


def _first_lost(task, seeds, found, n) -> int | None:
    """Place of the first of n fractions at which the mean score is below the criterion, if one is before the last."""
    means = [np.mean([found[seed, k].score for seed in seeds]) for k in range(n)]
    return next((k for k in range(1, n - 1) if means[k] < task.criterion <= means[0]), None)


def _controls(task, plans, found, best, scanned) -> Controls | None:
    """Scores under the controls. A scale of excitation is chosen on some seeds and scored on the others."""
    if not plans[0].controls:
        return None
    seeds, first = [plan.seed for plan in plans], plans[0]

    def crossed(label):
        """Re-fitted to one half of the seeds and scored on the other, and the other way round."""
        if len(plans) == 1:
            return _scores(task, found, label, plans, plans, True)
        halves = plans[::2], plans[1::2]
        pairs = (halves, halves[::-1])
        return np.concatenate([_scores(task, found, label, fitted, scored, True) for fitted, scored in pairs])

    def of_shams(fraction):
        made = {}
        for condition in ("sham_excitation", "sham_random"):
            places = [k for k, v in enumerate(first.variants) if (v.condition, v.fraction) == (condition, fraction)]
            if places:
                made[condition] = np.array([found[seed, (condition, k)].score for seed in seeds for k in places])
        return made

    made = of_shams(1.0)
    fractions = sorted({variant.fraction for variant in first.variants} - {1.0})
    made["partial"] = tuple(Shams(fraction, **of_shams(fraction)) for fraction in fractions)
    if task.threshold is not None:
        made |= {"refitted": crossed(len(first.doses) - 1), "intact_refitted": crossed(0)}
    if taken := next((v.taken for v in first.variants if v.condition == "sham_random" and v.fraction == 1.0), None):
        made["taken"] = taken
    if best:
        others = plans[scanned:] or plans
        chosen = [found[plan.seed, best] for plan in others]
        variant, intact = first.variants[best[1]], np.mean([found[seed, 0].rates.mean() for seed in seeds])
        rate = np.mean([mark.rates.mean() for mark in chosen]) / intact if intact else None
        made["compensated"] = _scores(task, found, best, plans[:scanned], others, True)
        made["rate"] = rate and float(rate)
        made |= {"scale": variant.scale, "scaled": variant.scaled}
    return Controls(**made)


def _judge(task, plans, found, best, scanned, n_seeds, report, assumptions, about):
    """Combine the findings of one kind."""
    first, doses, problems, error = plans[0], plans[0].doses, [], None
    intact, seeds, is_exact = first.circuit, [plan.seed for plan in plans], first.is_exact
    marks = _grid([[found[seed, k] for seed in seeds] for k in range(len(doses))])
    attained = None
    if task.excitatory_only is not None:
        attained = float(np.mean([found[seed, "excitatory-only"].score for seed in seeds]))

    # What binds excitatory-only systems binds the ablated one only if no inhibition is left.
    floor = None if task.bound is None or not first.ablated.is_excitatory_only else 1 - task.bound

    def curve(system, of, controls, is_exact=is_exact):
        scores = np.array([[m.score for m in row] for row in of])
        return AblationCurve.of(
            intact,
            system,
            doses,
            np.repeat(scores[:, :1], n_seeds, axis=1) if is_exact else scores,
            Criterion.absolute(task.criterion),
            floor,
            everywhere=True,
            assumptions=assumptions,
            tolerance=ROUNDING if is_exact and first.ablated.is_excitatory_only else ANY,
            constant=task.constant,
            attained=attained,
            controls=controls,
            is_exact=is_exact,
        )

    own = curve(intact.kind, marks, _controls(task, plans, found, best, scanned))
    systems = {intact.kind: own}
    if not own.is_computed:
        problems.append(f"the intact circuit does not do the task: score {own.intact:.3g}, criterion {own.level:g}")
    problems += own.violations() if own.rises and own.system == "rate" else _above_bound(own)
    if intact.kind == "rate":
        circuits = _grid([[_ablated(p.change, p.circuit, float(d)) for p in plans] for d in doses])
        dnns = _dnn_marks(task, circuits, marks, report)
        apart = max(abs(a.score - b.score) for a, b in zip(dnns.flat, marks.flat, strict=True))
        # The DNN of a circuit has the same rates, so what its controls would score is known; not with noise.
        controls = own.controls
        if controls and (apart > AGREEMENT or is_noisy(intact)):
            controls = _dnn_controls(task, first, dnns[:, 0], report)
        systems["dnn"] = curve("dnn", dnns, controls, is_exact or not intact.without_noise().is_random)
        if not is_noisy(intact):
            error = max(float(np.abs(a.rates - b.rates).max()) for a, b in zip(dnns.flat, marks.flat, strict=True))
            if apart > AGREEMENT:
                problems.append(f"the equivalent DNN is not equivalent: its score differs by up to {apart:.3g}")
        pairs = zip(circuits.flat, marks.flat, strict=True)
        orders = (broken_order(task.stimuli, circuit, mark.rates, mark.output) for circuit, mark in pairs)
        problems += [problem for problem in orders if problem][:1]
    witness = None
    if task.output is not None:
        outputs = np.array([[m.output for m in row] for row in marks])
        witness = find_witness(task.stimuli, intact, np.repeat(outputs, n_seeds, axis=1) if is_exact else outputs)
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
        proof=task.proof,
        psychometric=None if task.levels is None else _by_level(task, marks, is_exact),
        **about,
    )


def _above_bound(curve) -> list[str]:
    """Contradictions of the theory: rate circuits without inhibition that score more than the bound."""
    if curve.bound is None or curve.system != "rate":
        return []
    judgement = curve.judgement
    scores = {name: judgement.condition(name) for name in ("refitted", "compensated")} | {"ablated": judgement.ablated}
    least = {name: score.mean if score.low is None else score.low for name, score in scores.items() if score}
    least |= {} if curve.attained is None else {"built without inhibition": curve.attained}
    above = {name: score for name, score in least.items() if score > curve.bound + ROUNDING}
    said = "an excitatory-only circuit ({}) scores {:.3g}, more than {:.3g}"
    return [contradiction("", said.format(*item, curve.bound), curve.assumptions) for item in above.items()]


def _readout_assumptions(task, responses) -> tuple[str, ...]:
    """What the bound of required outputs assumes of the readout and does not hold: answers do not fall with a rate.

    It is tried on responses: the rates of each population, and of some of its neurons alone, are raised to the highest
    that the population has in any of them.
    """
    changes = False
    for response in responses:
        before = outputs_of(response, task.answers, task.required.shape, task.threshold)
        for name, rates in response.rates.items():
            highest = max(each.rates[name].max(initial=0.0) for each in responses)
            few = np.unique(np.linspace(0, rates.shape[-1] - 1, RAISED).round().astype(int))
            for neurons in [slice(None), *few] if rates.shape[-1] else ():
                raised = rates.copy()
                raised[..., neurons] = highest
                changed = replace(response, rates=response.rates | {name: raised})
                after = outputs_of(changed, task.answers, task.required.shape, task.threshold)
                if (after < before - SAME if task.threshold is not None else before & ~after).any():
                    return (COMPARES,)
                changes = changes or bool((after != before).any())
    return () if changes else (NOT_TRIED,)


def _by_level(task, marks, is_exact) -> Psychometric:
    """Shares of right trials by level; marks are doses × seeds."""
    levels, which = np.unique(task.levels, return_inverse=True)
    right = np.array([[are_right(m.outputs, task.required, task.threshold) for m in row] for row in marks])
    shares = [right[..., which == k].mean(axis=-1) for k in range(len(levels))]
    return Psychometric(task.level, levels, np.stack(shares, axis=-1), is_exact)


def _grid(rows):
    """An array of objects from rows of them."""
    grid = np.empty((len(rows), len(rows[0])), dtype=object)
    for k, row in enumerate(rows):
        grid[k, :] = row
    return grid


def _dnn_marks(task, circuits, marks, report):
    """The same for the unrolled DNNs, fractions × seeds; for circuits with noise, the DNNs of those without."""
    found = np.empty_like(marks)
    for k, row in enumerate(circuits):
        for s, circuit in enumerate(row):
            report(f"{circuit.name}: unrolled DNN", (k * len(row) + s) / marks.size)
            # Seeds that change nothing in the circuit change nothing in its DNN.
            if s and marks[k, s].digest == marks[k, 0].digest:
                found[k, s] = found[k, 0]
                continue
            found[k, s] = _dnn_mark(task, circuit)
    return found


def _dnn_mark(task, circuit) -> Mark:
    dnn = to_dnn(circuit.without_noise() if is_noisy(circuit) else circuit, unrolled=True, **task.times)
    return _mark(task, dnn_response(dnn, task.stimuli, task.record))


def _dnn_controls(task, plan, marks, report) -> Controls | None:
    """The controls of the DNN of one seed's circuit, whose marks at all fractions these are."""
    found = {(plan.seed, k): mark for k, mark in enumerate(marks)}
    for k, variant in enumerate(plan.variants):
        report(f"{variant.circuit.name}: unrolled DNN of the controls", k / len(plan.variants))
        found[plan.seed, (variant.condition, k)] = _dnn_mark(task, variant.circuit)
    return _controls(task, [plan], found, _best_scale(task, [plan], found), 1)


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
