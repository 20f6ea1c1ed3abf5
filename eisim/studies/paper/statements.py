"""What the paper states, as far as its abstracts and how its introduction opens say it, as checks of the theorem."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from eisim.base.progress import headed
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.functions import LabelledData, TruthTable
from eisim.neurons import Step
from eisim.simulation import simulate
from eisim.studies.limits.limit import TIMES
from eisim.studies.limits.rates import band_pass
from eisim.studies.order.order import Share
from eisim.studies.order.rate import NETWORKS, begin_to_measure
from eisim.studies.paper.check import ROUNDING, Check, Face, PaperResult, Simulated, Trained
from eisim.studies.paper.circuits import build
from eisim.studies.paper.context import Contexts, measure
from eisim.studies.paper.networks import BLOCKS, Fitted, falls, fit, gaussian, layered, silu, steps, with_block
from eisim.theory.certificate import certify
from eisim.theory.synthesis import synthesize

XOR = TruthTable("0110", "xor")
POINTS = XOR.patterns.astype(float)
#: Widths of the hidden layers of the networks that are trained.
SHAPES = ((2,), (16,), (4, 4), (3, 3, 3))
#: Points along each side of the square of the geometric faces.
SIDE = 6
FACES = {
    "positive slope": lambda x, y: y > x,
    "closed region": lambda x, y: (x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.12,
    "disconnected regions": lambda x, y: ((x < 0.5) & (y < 0.5)) | ((x > 0.5) & (y > 0.5)),
}
SEEN = {
    "positive slope": "Without negative weights, no decision boundary has a positive slope.",
    "closed region": "Without negative weights, no decision region is closed.",
    "disconnected regions": "Without negative weights, decision regions are not disconnected.",
}
WHY = {
    "positive slope": "Across a boundary that rises, a step to the right, on which no input falls, leaves the region.",
    "closed region": "From within a closed region, a step to the right leaves it.",
    "disconnected regions": "A path on which no input falls leaves one region before it enters the other.",
}


def check_all(
    networks: int, kinds: Sequence[str], seed: int, jellyfish: Contexts, backend: str, report: Callable[..., None]
) -> PaperResult:
    """Check every statement.

    Parameters
    ----------
    networks : int
        Number of random networks on which order is tested, for each kind of network.
    kinds : sequence of {"rate", "spiking"}
        Kinds of circuit that are simulated.
    jellyfish : Contexts
        The exception, a spiking circuit.
    seed, backend, report
        As for `eisim.simulate`.

    Returns
    -------
    PaperResult
    """
    rngs = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(4 + len(BLOCKS))]
    order = np.random.SeedSequence([seed, 1])
    rates = None
    if "rate" in kinds:
        how = {"duration": 0.2, "dt": 1e-3, "seed": order, "backend": backend, "report": headed(report, "order")}
        rates = begin_to_measure(10, 4, **how)
    faces = [_face(name, inside) for name, inside in FACES.items()]
    best = _simulated_best(faces, kinds, backend, headed(report, "circuits"))
    found = measure(jellyfish, backend, headed(report, "jellyfish")) if "spiking" in kinds else None
    report("training networks")
    shaped = [fit(layered(shape), POINTS, XOR.values, _floor(XOR), rngs[0]) for shape in SHAPES]
    free = fit(layered((4,), signs=False), POINTS, XOR.values, 0.0, rngs[0])
    blocks = [
        fit(with_block(block), POINTS, XOR.values, _floor(XOR) if block.keeps else 0.0, rng)
        for block, rng in zip(BLOCKS, rngs[4:], strict=True)
    ]
    built = [None] * (len(SHAPES) + 1 + len(BLOCKS))
    if "rate" in kinds:
        keeps = [*[True] * len(SHAPES), False, *(block.keeps for block in BLOCKS)]
        built = build([*shaped, free, *blocks], keeps, XOR, backend, headed(report, "trained networks"))
    checks = [
        _universal(networks, rngs[0], shaped, free, [each for each in built[: len(SHAPES) + 1] if each]),
        _xor(rngs[1], best["xor"]),
        _order(networks, rngs[2], rates() if rates else None),
        *(_of_face(face, best[face.name]) for face in faces),
        _condition(rngs[3], best["band-pass"]),
        *(
            _of_block(block, networks, *each)
            for block, *each in zip(BLOCKS, rngs[4:], blocks, built[len(SHAPES) + 1 :], strict=True)
        ),
        _exception(found),
    ]
    return PaperResult(tuple(checks), tuple(faces), found)


def _universal(networks, rng, shaped, free: Fitted, built) -> Check:
    trained = [
        Trained(f"hidden layers {' × '.join(map(str, shape))}", fitted.loss, _floor(XOR), True)
        for shape, fitted in zip(SHAPES, shaped, strict=True)
    ]
    trained.append(Trained("with negative weights", free.loss, 0.0, False))
    pairs = [falls(layered(shape), networks, rng) for shape in SHAPES]
    return Check(
        "universal approximation",
        "Without negative weights, networks with non-decreasing activations are no universal approximators, at any "
        "width and depth.",
        "theorem",
        "holds",
        "Such a network is a composition of sums with non-negative weights and of non-decreasing functions, so it is "
        "non-decreasing in each input (T1), whatever its width and depth. Its distance from a function that falls from "
        "f(x) to f(y) for some x ≤ y is at least (f(x) - f(y))/2, and on data it is at least the floor (T3).",
        _together(pairs),
        trained=tuple(trained),
        simulated=tuple(
            replace(fact, what=f"{each.network}: {fact.what}")
            for each, circuit in zip(trained, built, strict=bool(built))
            for fact in circuit.simulated
        ),
    )


def _xor(rng, simulated) -> Check:
    loss = fit(layered((4,)), POINTS, XOR.values, _floor(XOR), rng).loss
    return Check(
        "XOR",
        "Without negative weights, XOR cannot be represented.",
        "theorem",
        "holds",
        "XOR is 1 at (0, 1) and 0 at (1, 1), although no input falls. The best monotone function has a mean squared "
        "error of 1/6, and is wrong at one of four points.",
        witness=((0.0, 1.0), (1.0, 1.0), 1.0, 0.0),
        trained=(
            Trained("one hidden layer", loss, _floor(XOR), True),
            Trained("threshold units, added one by one", steps(POINTS, XOR.values.astype(float))[0], _floor(XOR), True),
        ),
        simulated=simulated,
    )


def _order(networks, rng, rates) -> Check:
    simulated, trained = (), []
    for k in range(3):
        points = rng.random((12, 2))
        targets = rng.random(12)
        floor = certify(LabelledData(points, targets), ("l2",), orient=False).floor["l2"]
        trained.append(
            Trained(
                f"threshold units, added one by one, on random data ({k + 1})", steps(points, targets)[0], floor, True
            )
        )
    if rates:
        without = rates.total(NETWORKS[0])
        what = f"comparisons of {without.comparisons.of:,} in random rate circuits that violate order"
        simulated = (Simulated(what, without.comparisons.count, 0),)
    return Check(
        "order",
        "Networks without negative weights preserve order: of two inputs of which one is nowhere lower, its output "
        "is no lower.",
        "theorem",
        "holds",
        "By induction over layers, and for rate circuits in time, with delays and recurrent synapses (T1).",
        _together([falls(layered((8, 8)), networks, rng)]),
        trained=tuple(trained),
        simulated=simulated,
    )


def _face(name, inside) -> Face:
    wanted = inside(*np.meshgrid(*[_sides()] * 2)).astype(bool)
    certificate = certify(LabelledData(_grid(), wanted.ravel()), ("zero_one",), orient=False)
    return Face(name, wanted, certificate.best["zero_one"].reshape(wanted.shape) > 0.5)


def _sides() -> np.ndarray:
    return np.linspace(0, 1, SIDE)


def _grid() -> np.ndarray:
    """Points of the square, x first, in the order of ``meshgrid``."""
    return np.array([(x, y) for y, x in product(_sides(), _sides())])


def _of_face(face, simulated) -> Check:
    targets = face.wanted.ravel()
    certificate = certify(LabelledData(_grid(), targets), ("zero_one", "l2"), orient=False)
    loss, _ = steps(_grid(), targets.astype(float))
    lower, upper = (tuple(round(float(x), 3) for x in point) for point in certificate.witness[:2])
    return Check(
        face.name,
        SEEN[face.name],
        "theorem",
        "holds",
        f"{WHY[face.name]} On {SIDE} × {SIDE} points at least {certificate.floor['zero_one']:.3g} of them are wrong.",
        witness=(lower, upper, 1.0, 0.0),
        trained=(Trained("threshold units, added one by one", loss, certificate.floor["l2"], True),),
        simulated=simulated,
    )


def _condition(rng, simulated) -> Check:
    bump = fit(layered((2,), gaussian), POINTS, XOR.values, 0.0, rng).loss
    dip = fit(layered((1,), silu), POINTS, 1 - XOR.values, 0.0, rng).loss
    return Check(
        "condition on activations",
        "The activations have to be non-decreasing. The abstract of the last version says so; that of earlier "
        "versions speaks of all networks without negative weights, which is not so.",
        "theorem",
        "holds",
        "A unit with a bump responds to one active input, not to two, and computes XOR with two weights of 1. SiLU, a "
        "common activation, falls below -1.28, and one unit computes the complement of XOR.",
        trained=(
            Trained("bumps, on XOR", bump, 0.0, False),
            Trained("one SiLU unit, on the complement of XOR", dip, 0.0, False),
        ),
        simulated=simulated,
    )


def _of_block(block, networks, rng, fitted: Fitted, built) -> Check:
    before, after = (float(output) for output in fitted(POINTS)[[1, 3]])
    fell = before > after + ROUNDING
    return Check(
        block.name,
        f"Networks with {block.name} and without negative weights {'keep' if block.keeps else 'can break'} order.",
        "building block",
        "kept" if block.keeps else "broken",
        block.proof,
        falls(fitted.network, networks, rng),
        ((0.0, 1.0), (1.0, 1.0), round(before, 3), round(after, 3)) if fell else None,
        (
            Trained(
                "one hidden layer and the block, on XOR", fitted.loss, _floor(XOR) if block.keeps else 0.0, block.keeps
            ),
        ),
        built.simulated if built else (),
        built.inhibitory if built else None,
    )


def _exception(found) -> Check:
    simulated = ()
    if found:
        (slow, fast), (slow_touched, fast_touched) = found.active[[0, -1]]
        kept = (np.diff(found.remedied[:, 0]) >= 0).all()
        simulated = (
            Simulated("slow cell contracts without touch", float(slow), 1.0),
            Simulated("fast cell contracts without touch", float(fast), 0.0),
            Simulated("slow cell contracts after strong touch", float(slow_touched), 0.0),
            Simulated("fast cell contracts after strong touch", float(fast_touched), 1.0),
            Simulated("without inactivation, the slow cell's rate rises with touch", float(kept), 1.0),
        )
    return Check(
        "jellyfish",
        "A jellyfish has no inhibitory synapse, and still changes its behaviour with the context: slow swimming when "
        "it feeds, escape after a strong touch.",
        "exception",
        "broken",
        "A calcium conductance that inactivates while the membrane is depolarised lets strong touch silence the slow "
        "cell, and a high threshold lets only touch excite the fast cell. The assumption that breaks is that gains and "
        "conductances are fixed: this one depends on the membrane potential and its history. With a conductance that "
        "does not inactivate, the rate of the slow cell rises with touch.",
        witness=((1.0, 0.0), (1.0, 1.0), float(found.rates[0, 0]), float(found.rates[-1, 0])) if found else None,
        simulated=simulated,
    )


def _simulated_best(faces, kinds, backend, report) -> dict[str, tuple[Simulated, ...]]:
    """Scores of the best excitatory-only circuits, and of a band-pass dendrite."""
    found: dict[str, tuple[Simulated, ...]] = {"xor": (), "band-pass": ()} | {face.name: () for face in faces}
    for kind in kinds:
        tables = [XOR, *(TruthTable(f"{k:04b}") for k in range(16))]
        circuits = [synthesize(XOR, kind=kind), *(synthesize(table, inhibitory=0, kind=kind) for table in tables)]
        stimuli = [POINTS] * len(circuits)
        if kind == "rate":
            circuits += [band_pass(1.0), *(threshold_circuit(_grid(), face.nearest.ravel()) for face in faces)]
            stimuli += [POINTS, *[_grid()] * len(faces)]
        times = {name: getattr(TIMES[kind], name) for name in ("duration", "window", "dt")}
        responses = simulate(circuits, stimuli, backend=backend, report=report, **times)
        right = [response.decisions[:, 0] for response in responses]
        inhibited, rest = right[0], right[1 + len(tables) :]
        scores = [(each == table.values).mean() for each, table in zip(right[1:], tables, strict=False)]
        found["xor"] += (
            Simulated(f"score of the best excitatory-only {kind} circuit", scores[0], 0.75),
            Simulated(f"score of a {kind} circuit with one inhibitory neuron", (inhibited == XOR.values).mean(), 1.0),
            Simulated(
                f"of all 16 functions, those that excitatory-only {kind} circuits compute", scores[1:].count(1), 6
            ),
        )
        if kind == "rate":
            score = (rest[0] == XOR.values).mean()
            found["band-pass"] = (Simulated("score of one band-pass unit on XOR, as a rate circuit", score, 1.0),)
            for face, answers in zip(faces, rest[1:], strict=True):
                wanted = face.wanted.ravel()
                score, most = (answers == wanted).mean(), (face.nearest.ravel() == wanted).mean()
                found[face.name] = (Simulated("score of the best excitatory-only rate circuit", score, most),)
    return found


def threshold_circuit(points: np.ndarray, values: np.ndarray) -> Circuit:
    """An excitatory-only circuit of step units that has monotone values at points of the plane (T4).

    A unit for each coordinate of each minimal true point, a coincidence unit for each of these points, and an OR.
    """
    true = points[values.astype(bool)]
    minimal = [p for p in true if not ((true <= p).all(axis=1) & (true < p).any(axis=1)).any()]
    corners = np.array(minimal or [[2.0, 2.0]])  # beyond all points: never active
    half = np.diff(np.unique(points)).min() / 2
    levels = 100 * (corners.ravel() - half)
    size = len(corners)
    pairs = np.repeat(np.eye(size), 2, axis=0)
    return Circuit(
        "threshold units",
        [Input("x", 2)],
        [
            Population("level", "E", Step(), 2 * size, bias=-levels),
            Population("coincidence", "E", Step(threshold=150.0), size),
            Population("E", "E", Step(threshold=50.0)),
        ],
        [
            Projection("x", "level", np.tile(np.eye(2), size)),
            Projection("level", "coincidence", pairs),
            Projection("coincidence", "E", np.ones((size, 1))),
        ],
        [Readout("E")],
    )


def _floor(function) -> float:
    return certify(function, ("l2",), orient=False).floor["l2"]


def _together(shares) -> Share:
    return Share(sum(each.count for each in shares), sum(each.of for each in shares))
