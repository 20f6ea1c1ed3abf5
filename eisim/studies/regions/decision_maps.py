"""Decision maps: which points of the unit square circuits put inside a region, intact and without inhibition."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from eisim.ablation import ablate
from eisim.adapter import DNN, from_dnn, to_dnn, to_spiking
from eisim.base.progress import headed, shows_progress
from eisim.base.store.checkpoint import begin_part, expect, part
from eisim.circuit import Circuit
from eisim.functions import LabelledData, Region
from eisim.neurons import ThresholdLinear
from eisim.simulation import begin
from eisim.studies.controls import FEW_DRAWS, FEW_FACTORS, Answers, Variant, of_controls, variants
from eisim.studies.curves import AblationCurve, below_floor, judge
from eisim.studies.judgement import ROUNDING, Controls, Criterion, shared
from eisim.studies.regions.networks import CONSTRUCTED, best_excitatory, network
from eisim.studies.result import OfParts
from eisim.theory.bitset import members
from eisim.theory.floor import zero_one
from eisim.theory.order import Witness, violations
from eisim.theory.sample import Sample

CONDITIONS = ("intact", "ablated", "best_excitatory")
#: An intact circuit is to be wrong on so much of the area at most.
WRONG = {"rate": 0.04, "spiking": 0.15}
#: From this resolution on, controls are simulated on the middle cell of each square of 3 × 3; the scale of excitation
#: that is best there, on all cells.
MANY, STEP = 24, 3
#: The rate circuit equals the network to this, relative to its largest output.
EQUAL = 1e-6
#: Length of a trial, of the window at its end, and of a time step, in s. A step of one time constant brings a rate unit
#: to its activation, so that a circuit needs as many steps as it has layers.
TIMES = {
    "rate": {"duration": 80e-3, "window": 10e-3, "dt": 10e-3},
    "spiking": {"duration": 300e-3, "window": 250e-3, "dt": 1e-3},
}
#: Of spiking circuits, in Hz: of the most active neuron of each population, and of each input, a bundle of fibres.
RATES = {"rate": 400.0, "input_rate": 1000.0}


@dataclass(frozen=True, eq=False)
class RegionResult:
    """Outcome for one region."""

    data: LabelledData  # its cells, row by row
    dnn: DNN  # that the intact circuits were made from
    floor: float  # least share of the area that an excitatory-only network has wrong
    best: np.ndarray  # (n_points,): a monotone function with that error
    violating_pairs: int
    witnesses: tuple[Witness, ...]  # pairs x <= y of points, the first inside, the second outside
    circuits: dict[str, dict[str, Circuit]]  # by kind and condition
    decisions: dict[str, dict[str, np.ndarray]]  # by system and condition, whether each point is put inside
    equivalence_error: float | None  # of the intact rate circuit from the network, over its largest output
    controls: dict[str, Controls] = field(default_factory=dict)  # of the ablation, by system; none: they were off

    @property
    def name(self) -> str:
        return self.data.name

    @property
    def representable(self) -> bool:
        """Whether some excitatory-only network computes the region on its cells."""
        return self.violating_pairs == 0

    @property
    def origin(self) -> str:
        """``"constructed"`` or ``"trained"``."""
        return "constructed" if self.name in CONSTRUCTED else "trained"

    @property
    def neurons(self) -> dict[str, int]:
        """Excitatory and inhibitory ones of the intact circuit."""
        populations = next(iter(self.circuits.values()))["intact"].populations
        return {sign: sum(p.size for p in populations if p.sign == sign) for sign in "EI"}

    @cached_property
    def accuracy(self) -> dict[str, dict[str, float]]:
        """Share of the area put where it belongs, by condition and system."""
        inside = self.data.targets == 1
        return {
            condition: {system: float((maps[condition] == inside).mean()) for system, maps in self.decisions.items()}
            for condition in CONDITIONS
        }

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """For each system the share of the area put where it belongs, with inhibition and without."""
        intact, ablated, share = self.accuracy["intact"], self.accuracy["ablated"], self.data.targets.mean()
        constant = float(max(share, 1 - share))
        first = next(iter(self.circuits.values()))  # whose wiring is the network's, too
        return tuple(
            AblationCurve.of(
                self.circuits.get(system, first)["intact"],
                system,
                np.array([0.0, 1.0]),
                np.array([[intact[system]], [ablated[system]]]),
                Criterion.lead_over(constant),
                self.floor,
                function=self.name,
                constant=constant,
                attained=self.accuracy["best_excitatory"][system],
                controls=self.controls.get(system),
                is_exact=True,
            )
            for system in intact
        )

    @property
    def verdict(self) -> str:
        """The verdict that all systems share, or ``"differs"``."""
        return judge(self.curves)

    @property
    def reason(self) -> str | None:
        """The reason of a loss that all systems share, or ``"differs"``."""
        return shared(curve.judgement for curve in self.curves)[1]

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        found = []
        if self.equivalence_error is not None and self.equivalence_error > EQUAL:
            found.append(f"{self.name}: the rate circuit differs from the network by {self.equivalence_error:.3g}")
        for curve in self.curves:
            share, system = f"{curve.intact:.1%}", curve.system
            if curve.intact < 1 - WRONG.get(system, WRONG["rate"]):
                found.append(f"{self.name}: the intact circuit is right on {share} of the area ({system})")
            found += curve.violations()
            best = self.accuracy["best_excitatory"][system]
            found += below_floor(self.name, f"best excitatory-only, {system}", best, self.floor, curve.assumptions)
        error = 1 - self.accuracy["best_excitatory"]["dnn"]
        if abs(error - self.floor) > ROUNDING:
            misses = f"misses the floor {self.floor:.4f}: {error:.4f}"
            found.append(f"{self.name}: the best excitatory-only network {misses}")
        return found


@dataclass(frozen=True, eq=False)
class GeometryResult(OfParts, of="regions"):
    """All regions, on a grid of resolution × resolution cells."""

    resolution: int
    regions: tuple[RegionResult, ...]


@shows_progress
def measure(
    regions: Sequence[Region],
    kinds: Sequence[str],
    resolution: int,
    seed: int = 0,
    backend: str = "cpp",
    controls: bool = True,
    report: Callable[..., None] | None = None,
) -> GeometryResult:
    """Simulate circuits for regions on all cells: intact, without inhibition, and the best excitatory-only ones.

    There are `resolution` cells on each side of the unit square. All circuits of one kind are one batch. The seed is
    that of the initial weights of networks that are trained.
    """
    data = [replace(region, resolution=resolution).labelled() for region in regions]
    points = data[0].points
    few = _few(resolution)
    is_scanned = controls and len(few) < len(points)
    expect(len(data) + len(kinds) * (1 + is_scanned))
    regions_ = [part(f"region {k}", partial(_floor_and_network, cells, seed, report)) for k, cells in enumerate(data)]
    floors, intact = zip(*regions_, strict=True)
    rate = [_conditions(dnn, cells, of["best"], points) for dnn, cells, of in zip(intact, data, floors, strict=True)]
    circuits, pending, tried = {}, {}, {"dnn": [_variants(of, controls) for of in rate]}
    for kind in kinds:
        report("building circuits")
        circuits[kind] = rate if kind == "rate" else [_spiking(of, points) for of in rate]
        tried[kind] = tried["dnn"] if kind == "rate" else [_variants(of, controls) for of in circuits[kind]]
        stimuli = {id(v.circuit): (v.circuit, points[few]) for of in tried[kind] for v in of}
        stimuli |= {id(circuit): (circuit, points) for of in circuits[kind] for circuit in of.values()}
        what = f"{kind} circuits"
        simulation = partial(_begin_to_read_out, list(stimuli.values()), kind, backend, headed(report, what))
        pending[kind] = list(stimuli), begin_part(what, simulation)
    maps = {"dnn": [{name: to_dnn(c).decide(points)[:, 0] for name, c in of.items()} for of in rate]}
    found, errors = {"dnn": _all_controls(data, rate, tried["dnn"], _of_dnn(points))}, [None] * len(data)
    for kind, (distinct, finish) in reversed(pending.items()):
        outputs = dict(zip(distinct, finish(), strict=True))

        def known(circuit, outputs=outputs):
            return outputs[id(circuit)]

        found[kind] = _all_controls(data, circuits[kind], tried[kind], known)
        if is_scanned:
            found[kind] = _on_all_cells(found[kind], data, circuits[kind], tried[kind], known, kind, backend, report)
        maps[kind] = [{name: outputs[id(circuit)][0] for name, circuit in of.items()} for of in circuits[kind]]
        if kind == "rate":
            for k, dnn in enumerate(intact):
                wanted, (_, readouts) = dnn(points), outputs[id(rate[k]["intact"])]
                errors[k] = float(np.abs(readouts - wanted).max() / (wanted.max() or 1.0))
    results = []
    for k, cells in enumerate(data):
        measured = {
            "circuits": {kind: circuits[kind][k] for kind in kinds},
            "decisions": {system: maps[system][k] for system in [*kinds, "dnn"]},
            "equivalence_error": errors[k],
            "controls": {system: found[system][k] for system in [*kinds, "dnn"]} if controls else {},
        }
        results.append(RegionResult(cells, intact[k], **floors[k], **measured))
    return GeometryResult(resolution, tuple(results))


def _variants(of: dict[str, Circuit], controls: bool) -> list[Variant]:
    """The controls of the ablation of a region's circuit."""
    intact = of["intact"]
    if not controls or of["ablated"] is intact:
        return []
    return variants(intact, ablate(intact), range(FEW_DRAWS), FEW_FACTORS)


def _few(resolution: int) -> np.ndarray:
    """Places of the cells on which all controls are simulated: the middle one of each nine, if there are many."""
    step = STEP if resolution >= MANY else 1
    middle = np.arange(resolution) % step == step // 2
    return np.flatnonzero(np.outer(middle, middle))


def _of_dnn(points):
    """What the DNN of a circuit decides, and its readouts."""

    def answer(circuit):
        dnn = to_dnn(circuit)
        return dnn.decide(points)[:, 0], dnn(points)

    return answer


def _answers(found, inside, places=slice(None)) -> Answers:
    """Decisions and readouts on all cells or on some of them, scored on these."""
    wanted = inside[places]
    decisions, readouts = (each[places] if len(each) > len(wanted) else each for each in found)
    return Answers(np.array([(decisions == wanted).mean()]), readouts.reshape(1, -1))


def _all_controls(data, of_all, tried, answer) -> list[Controls]:
    """The controls of one system, for each region, on the cells on which the variants were simulated.

    `answer` gives decisions and readouts of a circuit.
    """
    return [_controls(cells, of, more, answer) for cells, of, more in zip(data, of_all, tried, strict=True)]


def _controls(cells, of, tried, answer) -> Controls:
    inside, found = cells.targets == 1, [(variant, answer(variant.circuit)) for variant in tried]
    places = _places(cells, [each for _, each in found])
    pairs = [(variant, _answers(each, inside, places)) for variant, each in found]
    intact, ablated = (_answers(answer(of[name]), inside, places) for name in ("intact", "ablated"))
    return of_controls(intact, ablated, pairs, True, inside[places])


def _places(cells, answers):
    """The cells on which all variants were simulated, given their decisions and readouts."""
    fewest = min((len(decisions) for decisions, _ in answers), default=len(cells.targets))
    return slice(None) if fewest == len(cells.targets) else _few(round(len(cells.targets) ** 0.5))


def _on_all_cells(scanned, data, of_all, tried, answer, kind, backend, report) -> list[Controls]:
    """The controls that were scanned on few cells, with the best scale of excitation simulated on all.

    Shams stay as far from the intact circuit as they are on few cells: only that is asked of them.
    """
    chosen = [_chosen(found, variants_) for found, variants_ in zip(scanned, tried, strict=True)]
    pairs = [(v.circuit, cells.points) for v, cells in zip(chosen, data, strict=True) if v is not None]
    what = f"{kind} circuits, compensated"
    simulation = partial(_begin_to_read_out, pairs, kind, backend, headed(report, what))
    outputs = iter(begin_part(what, simulation)() if pairs else ())
    results = []
    for found, variant, cells, of, more in zip(scanned, chosen, data, of_all, tried, strict=True):
        inside, few = cells.targets == 1, _places(cells, [answer(v.circuit) for v in more])
        intact, ablated = (_answers(answer(of[name]), inside) for name in ("intact", "ablated"))
        compensated = [] if variant is None else [(variant, _answers(next(outputs), inside))]
        on_all = of_controls(intact, ablated, compensated, True, inside)
        ahead = intact.scores - _answers(answer(of["intact"]), inside, few).scores
        shams = {name: getattr(found, name) for name in ("sham_excitation", "sham_random")}
        moved = {name: None if scores is None else np.clip(scores + ahead, 0, 1) for name, scores in shams.items()}
        results.append(replace(on_all, **moved))
    return results


def _chosen(found: Controls, tried: Sequence[Variant]) -> Variant | None:
    """The variant with the scale of excitation that was best; ``None`` if there was nothing to scale."""
    scale = found.scale, found.scaled
    return next((v for v in tried if v.condition == "compensated" and (v.scale, v.scaled) == scale), None)


def _floor_and_network(cells, seed, report) -> tuple[dict, DNN]:
    """What an excitatory-only circuit can do with a region, as fields of its `RegionResult`, and its network."""
    report("working out floors")
    broken = violations(Sample(cells.points, cells.targets, cells.weights))
    least, best = zero_one(broken)
    floor = {"floor": least, "best": best, "violating_pairs": broken.pairs, "witnesses": _witnesses(broken)}
    return floor, read_out(network(cells, seed, report), cells.points)


def _begin_to_read_out(pairs, kind, backend, report) -> Callable[[], list[tuple[np.ndarray, np.ndarray]]]:
    """Begin to simulate pairs of circuit and stimuli; decisions, of shape (n_points,), and readouts are kept."""
    circuits, stimuli = map(list, zip(*pairs, strict=True))
    finish = begin(circuits, stimuli, seed=0, record=False, backend=backend, report=report, **TIMES[kind])
    return lambda: [(r.decisions[:, 0], r.readouts) for r in finish()]


def read_out(dnn: DNN, points) -> DNN:
    """The network with an output that a rate carries: a tonic drive is added to its linear output and its threshold.

    The drive is half of the largest output on the points, so that what is inside is far above threshold 0 of the rate.
    """
    *hidden, out = dnn.layers
    drive = max(float(dnn(points).max()), 1e-3) / 2
    out = replace(out, bias=out.bias + drive, neuron=ThresholdLinear())
    return replace(dnn, layers=(*hidden, out), outputs=((out.name, drive),))


def without_idle(circuit: Circuit) -> Circuit:
    """The circuit without the populations from which no readout can be reached."""
    used = {readout.population for readout in circuit.readouts}
    acting = [p for p in circuit.projections if circuit.weights(p).count_nonzero()]
    while reached := {p.source for p in acting if p.target in used} - used:
        used |= reached
    populations = [p for p in circuit.populations if p.name in used]
    return replace(circuit, populations=populations, projections=[p for p in acting if p.target in used])


def _conditions(dnn: DNN, data: LabelledData, best: np.ndarray, points) -> dict[str, Circuit]:
    """The rate circuits of all conditions; those that would be the same are one."""
    intact = from_dnn(dnn)
    ablated = without_idle(ablate(intact)) if intact.inhibitory_projections else intact
    if ablated is intact and (dnn.decide(points)[:, 0] == best).all():
        excitatory = intact
    else:
        excitatory = from_dnn(read_out(best_excitatory(data, best), points))
    return {"intact": intact, "ablated": ablated, "best_excitatory": excitatory}


def _spiking(rate: dict[str, Circuit], points) -> dict[str, Circuit]:
    """Spiking circuits of the rate circuits of all conditions: ablation comes last, so that it takes away only that."""
    intact = to_spiking(rate["intact"], points, **RATES)
    ablated = excitatory = intact
    if rate["ablated"] is not rate["intact"]:
        ablated = without_idle(ablate(intact))
    if rate["best_excitatory"] is not rate["intact"]:
        excitatory = to_spiking(rate["best_excitatory"], points, **RATES)
    return {"intact": intact, "ablated": ablated, "best_excitatory": excitatory}


def _witnesses(found, wanted=5) -> tuple[Witness, ...]:
    """The nearest witness, and others from rows spread over all that have some."""
    if found.witness is None:
        return ()
    points, first = found.sample.points, found.sample.first
    rows = [k for k, bits in enumerate(found.above) if bits]
    chosen = [rows[k] for k in np.linspace(0, len(rows) - 1, wanted + 2).astype(int)[1:-1]]
    pairs = [found.witness]
    for k in chosen:
        columns = members(found.above[k])
        j = columns[len(columns) // 2]
        pairs.append(Witness(*(tuple(points[first[i]].tolist()) for i in (found.rows[k], found.columns[j]))))
    return tuple(pairs)
