"""What the experiment on images found, for its page."""

from eisim.report import images, proof
from eisim.report.circuit import circuit_picture
from eisim.report.findings import Explanation, Findings, PageColumn, PageTable, Picture
from eisim.report.images import ARGMAX, HOW, NAMES, POOLED, THRESHOLD
from eisim.report.wording import answer, listing
from eisim.studies.images.dimension import PARTS, expected_comparable
from eisim.studies.images.networks import Trained
from eisim.studies.images.result import ImagesResult


def findings(result: ImagesResult) -> Findings:
    """What the page of ``python -m eisim run images`` shows."""
    circuit = images.drawn_circuit(result)
    return Findings(
        question=f"Who needs inhibition to tell {result.images.name} apart, and do many inputs make it needless?",
        answer=answer(_networks_answer(result), _inputs_answer(result), problems=result.problems),
        tables=(_networks(result), _classes(result), _pooled(result), _boolean(result)),
        pictures=tuple(_pictures(result)),
        circuits=(circuit_picture(circuit, "circuit", f"The circuit of the network trained {HOW['free']}"),)
        if circuit
        else (),
        proofs=(
            proof.excitation(),
            Explanation("The floor of images", _floor(result)),
            Explanation("What was measured", tuple(images.findings(result))),
        ),
    )


def _networks_answer(result):
    """Accuracy with and without inhibition, by network, as circuits of the first kind."""
    changes, without = [], []
    for network in result.trained:
        kind, a = next(iter(network.ablations.items()))
        if a.neurons["I"]:
            changes.append(f"from {a.accuracy[0]:.1%} to {a.accuracy[-1]:.1%} if trained {HOW[network.signs]}")
        else:
            without.append(f"{a.accuracy[0]:.1%} if trained {HOW[network.signs]}, with none to lose")
    told = f"Without inhibition the share of test images that {kind} circuits tell right goes {listing(changes)}"
    return f"{told if changes else ''}{'; it is ' if changes else 'Right are '}{listing(without)}." if without else told


def _inputs_answer(result):
    pooled = result.pooled
    floor, error = pooled.floors["train"].mean(axis=1), pooled.errors["excitatory", "train"][-1].mean()
    few, many = pooled.sides[0], pooled.sides[-1]
    return (
        f"From {few} × {few} to {many} × {many} inputs the floor of an excitatory-only circuit goes from "
        f"{floor[0]:.1%} to {floor[-1]:.1%} of the training images; what was trained with excitation only "
        f"has {error:.1%} wrong."
    )


def _verdict(ablation):
    """``"kept"``, or ``"lost"`` with the number of classes that are."""
    lost = int((~ablation.kept).sum())
    return "kept" if not lost else f"lost, {lost} of {len(ablation.kept)} classes"


def _kinds(result):
    return list(result.trained[0].ablations)


def _networks(result):
    def of(kind, ablation):
        return (
            _verdict(ablation),
            float(ablation.accuracy[0]),
            float(ablation.accuracy[-1]),
            float(ablation.threshold_errors[0].mean()),
            float(ablation.threshold_errors[-1].mean()),
        )

    columns = [
        PageColumn("network"),
        *(
            column
            for kind in _kinds(result)
            for column in (
                PageColumn(f"verdict, {kind}", "verdict", note="Kept if the largest output still tells all classes."),
                PageColumn(f"intact, {kind}", "number", note="Share of test images right by the largest output."),
                PageColumn(f"ablated, {kind}", "number", note="The same without inhibition."),
                PageColumn(
                    f"error intact, {kind}", "number", note="By one threshold for each class, mean over classes."
                ),
                PageColumn(f"error ablated, {kind}", "number", note="The same without inhibition."),
            )
        ),
        PageColumn(
            "DNN", "number", note="Share of test images that the network itself has right by the largest output."
        ),
        PageColumn("floor", "number", note="Least error of any excitatory-only network with one threshold, mean."),
        PageColumn("excitatory neurons", "number"),
        PageColumn("inhibitory neurons", "number"),
    ]
    rows = []
    for network in result.trained:
        first = next(iter(network.ablations.values()))
        measured = [value for kind, a in network.ablations.items() for value in of(kind, a)]
        rows.append(
            (
                NAMES[network.signs],
                *measured,
                network.accuracy("test"),
                float(first.floors.one_polarity.mean()),
                first.neurons["E"],
                first.neurons["I"],
            )
        )
    title = "Networks with and without inhibition"
    return PageTable(title, tuple(columns), tuple(rows), (ARGMAX, THRESHOLD), "images.csv")


def _classes(result):
    """By network, system and class."""
    columns = (
        PageColumn("class", note="With the network and the kind of circuit."),
        PageColumn("verdict", "verdict", note="By the largest output."),
        PageColumn("balanced accuracy, intact", "number", note="By the largest output; 0.5 is chance."),
        PageColumn("balanced accuracy, ablated", "number"),
        PageColumn("error, intact", "number", note="By one threshold on the class's own output."),
        PageColumn("error, ablated", "number"),
        PageColumn("floor", "number", note="Least error by one threshold of any excitatory-only network."),
    )
    rows = tuple(
        (
            f"{value:g} ({NAMES[network.signs]}, {kind})",
            "kept" if a.kept[c] else "lost",
            *(float(values[k, c]) for values in (a.balanced_accuracy, a.threshold_errors) for k in (0, -1)),
            float(a.floors.one_polarity[c]),
        )
        for network in result.trained
        for kind, a in network.ablations.items()
        for c, value in enumerate(a.judged)
    )
    return PageTable("Classes", columns, rows, data="images.csv")


def _pooled(result):
    pooled = result.pooled
    columns = (
        PageColumn("pooled to"),
        PageColumn("inputs", "number"),
        PageColumn("comparable pairs", "number", note="Share of pairs of images of which one is nowhere brighter."),
        *(PageColumn(f"floor, {part}", "number", note="Of an excitatory-only circuit.") for part in PARTS),
        *(
            PageColumn(f"error, {NAMES[signs]}, {part}", "number", note="Of the trained network.")
            for signs in ("excitatory", "free")
            for part in PARTS
        ),
        PageColumn(
            "extended", "number", note="Error on test images of the best monotone function of the training images."
        ),
        PageColumn("determined", "number", note="Share of test images at which that function has no freedom left."),
    )
    rows = tuple(
        (
            f"{side} × {side}",
            int(side) ** 2,
            float(pooled.comparable[s]),
            *(float(pooled.floors[part][s].mean()) for part in PARTS),
            *(float(pooled.errors[signs, part][s].mean()) for signs in ("excitatory", "free") for part in PARTS),
            float(pooled.extended[s].mean()),
            float(pooled.determined[s].mean()),
        )
        for s, side in enumerate(pooled.sides)
    )
    note = POOLED.format(pooled.prevalence.mean())
    return PageTable("Errors against the number of inputs", columns, rows, (note,), "inputs.csv")


def _boolean(result):
    parts = {"at all points": result.whole} | {f"at {n:,} points": sample for n, sample in result.samples.items()}
    found = {
        name: {int(n): float(floors.mean()) for n, floors in zip(part.inputs, part.floors, strict=True)}
        for name, part in parts.items()
    }
    columns = (
        PageColumn("inputs", "number"),
        PageColumn("comparable pairs", "number", note="Expected share for points drawn at random."),
        *(PageColumn(f"floor {name}", "number", note="Mean over functions.") for name in parts),
    )
    inputs = sorted({n for floors in found.values() for n in floors})
    rows = tuple((n, float(expected_comparable(n)), *(floors.get(n) for floors in found.values())) for n in inputs)
    return PageTable("Floors of random Boolean functions", columns, rows, data="inputs.csv")


def _pictures(result):
    kinds = listing(_kinds(result))
    yield Picture(
        "images.svg",
        "Networks on test images, with and without inhibition",
        f"Above left, share of test images right by the largest output, of the DNN and of its {kinds} circuits, "
        "intact and without inhibition; above right, error by one threshold for each class, mean over classes, with "
        "the floor. Below, that error class by class, a panel for each network.",
        " ".join(_in_words(network) for network in result.trained),
        "images.csv",
    )
    pooled, (n_points, sample) = result.pooled, max(result.samples.items())
    yield Picture(
        "inputs.svg",
        "What the number of inputs changes",
        "Left, share of pairs of points of which one is nowhere above the other: only they bind an excitatory-only "
        "circuit. Middle, errors of trained networks and floors on images pooled to fewer inputs. Right, floors of "
        "random Boolean functions, mean and standard deviation.",
        f"Comparable pairs of images go from {pooled.comparable[0]:.2g} to {pooled.comparable[-1]:.2g} of all as "
        f"inputs rise from {pooled.sides[0] ** 2} to {pooled.sides[-1] ** 2}, and the floor on training images from "
        f"{pooled.floors['train'][0].mean():.4f} to {pooled.floors['train'][-1].mean():.4f}. The floor of random "
        f"functions judged at {n_points:,} points goes from {sample.floors[0].mean():.3f} with {sample.inputs[0]} "
        f"inputs to {sample.floors[-1].mean():.3f} with {sample.inputs[-1]}.",
        "inputs.csv",
    )


def _in_words(network: Trained):
    parts = (f"{kind} circuit {a.accuracy[0]:.1%} to {a.accuracy[-1]:.1%}" for kind, a in network.ablations.items())
    return f"Trained {HOW[network.signs]}, intact to without inhibition: {listing(parts)}."


def _floor(result):
    pooled = result.pooled
    return (
        "Of two images, one of a class and one not, of which the second is nowhere darker than the first, excitation "
        "alone has to get one wrong about the class. The fewest images that touch every such pair are the floor. The "
        "more inputs there are, the fewer pairs of images are comparable at all, and the lower is the floor.",
        f"On test images of {pooled.sides[-1]} × {pooled.sides[-1]} inputs it is "
        f"{pooled.floors['test'][-1].mean():.4f}, mean over classes; always saying no has an error of "
        f"{pooled.prevalence.mean():.4f}. A floor near 0 says that an excitatory-only circuit could tell nearly all of "
        "these images, not that training finds how, nor that it then tells others.",
    )
