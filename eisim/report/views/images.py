"""How networks trained on images are shown, and floors versus input dimension."""

from collections import Counter
from collections.abc import Callable, Iterator
from operator import itemgetter

import numpy as np

from eisim.base.files import to_csv
from eisim.report import judgements, proof
from eisim.report.findings import Explanation
from eisim.report.table import Column, Table
from eisim.report.tabular import array, names
from eisim.report.view import Drawing, DrawnCircuit, View, show_with
from eisim.report.views import columns
from eisim.report.views.images_figures import NAMES, networks, number_of_inputs
from eisim.report.views.networks import threshold_verdicts
from eisim.report.wording import listing, share
from eisim.studies.images.dimension import CONSTRAINTS, PARTS, BooleanResult, PooledResult, expected_comparable
from eisim.studies.images.networks import Trained
from eisim.studies.images.study import ImagesResult
from eisim.studies.judgement import Judgement
from eisim.studies.networks import KEPT, NetworkAblation

CONDITIONS = ("intact", "ablated")
ARGMAX = "Argmax compares outputs, and a comparison is a subtraction: no floor holds for it."
COMPARABLE = "Share of pairs of training images of which one is nowhere brighter."
EXTENDED = "Error on test images of the best monotone function of the training images, extended downward."
AGREEMENT = "Share of test images that the intact circuit and the DNN assign to the same class."
LEAST = f"Least error, by one threshold, of any excitatory-only network {proof.CONDITIONS}."
RULE = "Share of test images that the best threshold on a class's own output (one-vs-rest) assigns wrongly"


def _network(network: Trained) -> dict:
    hidden, ablations = network.dnn.layers[:-1], network.ablations.items()
    return {
        "signs": network.signs,
        "hidden": [layer.size for layer in hidden],
        "activation": type(hidden[0].neuron).__name__,
        "excitation_alone_gives": hidden[0].neuron.excitatory_class,
        "accuracy": {
            "dnn_train": network.accuracy("train"),
            "dnn": network.accuracy("test"),
            **{kind: dict(zip(CONDITIONS, a.accuracy, strict=True)) for kind, a in ablations},
        },
        "one_threshold_error": {
            "dnn": network.threshold_errors.mean(),
            **{kind: dict(zip(CONDITIONS, a.threshold_errors.mean(axis=1), strict=True)) for kind, a in ablations},
        },
        "agreement": {kind: a.agreement for kind, a in ablations},
        "equivalence_error": {kind: a.equivalence_error for kind, a in ablations},
        "neurons": {kind: a.neurons for kind, a in ablations},
        "classes": _class_rows(network),
        "judgements": [judgements.record(each) for each in _judgements(network)],
    }


def _judgements(network: Trained) -> list[Judgement]:
    """By one threshold for each class, since argmax compares outputs."""
    return [curve.judgement for ablation in network.ablations.values() for curve in ablation.threshold_curves]


CLASS_ROW = ("network", "system", "condition", "class", "balanced_accuracy", "one_threshold_error", "floor")


def _class_rows(network: Trained) -> list[dict]:
    """One line for each kind of circuit, condition and class."""
    return [
        dict(zip(CLASS_ROW, (network.signs, kind, condition, *found), strict=True))
        for kind, a in network.ablations.items()
        for condition, *measured in zip(CONDITIONS, a.balanced_accuracy, a.threshold_errors, strict=True)
        for found in zip(network.judged, *measured, _floors(a), strict=True)
    ]


def _pooled(pooled: PooledResult, s: int, c: int | slice = slice(None)) -> dict:
    """Floors and errors for a side, of one class or the mean over all."""

    def mean(values):
        return float(np.mean(values[s, c]))

    return {
        "floor": {part: mean(pooled.floors[part]) for part in PARTS},
        **{signs: {part: mean(pooled.errors[signs, part]) for part in PARTS} for signs in CONSTRAINTS},
        "best_monotone_extended": mean(pooled.extended),
        "determined": mean(pooled.determined),
    }


def _boolean(result: BooleanResult) -> list[dict]:
    return [
        {
            "inputs": n,
            "points": result.n_points[k],
            "functions": result.floors.shape[1],
            "floor": result.floors[k].mean(),
            "floor_sd": result.floors[k].std(),
            "comparable_pairs": result.comparable[k].mean(),
            "comparable_pairs_expected": expected_comparable(n),
        }
        for k, n in enumerate(result.inputs)
    ]


def _by_kind(value: Callable[[NetworkAblation], float | str]) -> Callable[[Trained], dict]:
    """A column's value: a cell for each kind of circuit."""
    return lambda network: {kind: value(ablation) for kind, ablation in network.ablations.items()}


def _floors(ablation: NetworkAblation) -> np.ndarray:
    return ablation.floors.one_polarity


def _conditions(measure: str, note: str) -> Iterator[Column]:
    """Columns of a measure, the mean over classes where it is one of each, with and without inhibition."""

    def value(network, condition):
        places = CONDITIONS.index(condition)
        return {kind: float(getattr(a, measure)[places].mean()) for kind, a in network.ablations.items()}

    return columns.conditions(value, note)


BY_ONE_THRESHOLD = (
    f"Classes of which less than {KEPT:.0%} of the lead over a constant answer is left, by the threshold that is best "
    f"intact, and why. {columns.REASONS} Not examined: controls were off (--controls all)."
)
NETWORK = Column("network", lambda network: NAMES[network.signs], note="Constraint on the signs of weights.")
BY_THRESHOLD = (
    NETWORK,
    Column("lost", _by_kind(lambda a: columns.counted(threshold_verdicts(a))), note=BY_ONE_THRESHOLD),
    Column("DNN", lambda network: network.threshold_errors.mean(), note="The network itself.", decimals=3),
    *_conditions("threshold_errors", f"{RULE}, mean over classes."),
    Column("floor", lambda n: _floors(next(iter(n.ablations.values()))).mean(), note=LEAST, decimals=4),
)


def _verdict(ablation: NetworkAblation) -> str:
    """Lost if a class is, with the number of classes of which this holds unless it is all."""
    found = Counter(ablation.verdicts)
    verdict = next(each for each in ("lost", "kept", "not computed") if found[each])
    return verdict if found[verdict] == found.total() else f"{verdict} ({found[verdict]} of {found.total()})"


BY_ARGMAX = (
    NETWORK,
    columns.verdict(
        _by_kind(_verdict),
        f"Lost if some class is; in brackets of how many classes it holds. A class is kept if {KEPT:.0%} of its "
        "balanced accuracy above chance remains; not computed: at chance when intact.",
    ),
    Column("DNN", lambda network: network.accuracy("test"), note="The network itself.", decimals=3),
    *_conditions("accuracy", "Share of test images classified correctly, with inhibition."),
    Column("agreement with DNN", _by_kind(lambda a: a.agreement), note=AGREEMENT, decimals=3),
    *columns.neurons(lambda network, sign: _by_kind(lambda ablation: ablation.neurons[sign])(network)),
)


CLASSES = (
    *(Column(name, itemgetter(k)) for k, name in enumerate(("network", "circuit", "class"))),
    columns.verdict(itemgetter(3), "By argmax."),
    Column("balanced accuracy, intact", itemgetter(4), note="By argmax; 0.5 is chance."),
    Column("balanced accuracy, ablated", itemgetter(5)),
    Column("error, intact", itemgetter(6), note=f"{RULE}."),
    Column("error, ablated", itemgetter(7)),
    Column("floor", itemgetter(8), note=LEAST),
)


def _ends(shares) -> str:
    return f"{share(shares[0])} to {share(shares[-1])}"


class ImagesView(View[ImagesResult]):
    """Networks under sign constraints with and without inhibition, and what the number of inputs changes."""

    @property
    def heading(self) -> str:
        name = self.result.images.name
        return f"Which networks need inhibition to classify {name}, and do many inputs make it unnecessary?"

    @property
    def _judgements(self) -> list[Judgement]:
        return [each for network in self.result.trained for each in _judgements(network)]

    @property
    def _judged(self) -> dict[str, BooleanResult]:
        """Floors of random Boolean functions, by where these are judged."""
        samples = {f"up to {n:,} points": sample for n, sample in self.result.samples.items()}
        return {"all points": self.result.whole} | samples

    def to_json(self) -> dict:
        images, pooled = self.result.images, self.result.pooled
        return {
            "images": {
                "name": images.name,
                "shape": list(images.shape),
                "train": len(images.train_points),
                "test": len(images.test_points),
                "available": list(self.result.available),
                "original_shape": list(self.result.original),
                "classes": images.classes,
            },
            "networks": [_network(network) for network in self.result.trained],
            "inputs": {
                "pooled": [
                    {
                        "inputs": int(side) ** 2,
                        "comparable_pairs": pooled.comparable[s],
                        **_pooled(pooled, s),
                        "classes": [{"class": value} | _pooled(pooled, s, c) for c, value in enumerate(pooled.classes)],
                    }
                    for s, side in enumerate(pooled.sides)
                ],
                "always_no": pooled.prevalence.mean(),
                "boolean": {
                    "whole": _boolean(self.result.whole),
                    **{f"samples_of_{n}": _boolean(sample) for n, sample in self.result.samples.items()},
                },
            },
            "findings": list(self.answer()),
            "problems": self.result.problems,
        }

    def answer(self) -> Iterator[str]:
        pooled, kind = self.result.pooled, next(iter(self.result.trained[0].ablations))
        accuracies = (f"{NAMES[n.signs]} {_ends(n.ablations[kind].accuracy)}" for n in self.result.trained)
        yield f"Test accuracy of {kind} circuits, intact to ablated: {'; '.join(accuracies)}."
        few, many = (f"{side} × {side}" for side in pooled.sides[[0, -1]])
        floor, error = (of.mean(axis=1) for of in (pooled.floors["train"], pooled.errors["excitatory", "train"]))
        yield (
            f"On training images, {few} to {many} inputs: comparable pairs {_ends(pooled.comparable)}; floor "
            f"{_ends(floor)}. Excitatory-only network trained on {many} inputs: {share(error[-1])} wrong."
        )
        floors = (
            f"{_ends(each.floors.mean(axis=1))} ({where}, {each.inputs[0]} to {each.inputs[-1]} inputs)"
            for where, each in self._judged.items()
        )
        yield f"Floor of random Boolean functions: {'; '.join(floors)}."

    def tables(self) -> Iterator[Table]:
        yield self._by_argmax()
        title = "Error with and without inhibition, by threshold"
        baseline = f"Majority-class baseline: an error of {self.result.pooled.baseline.mean():.4f}, mean over classes."
        yield Table(title, BY_THRESHOLD, self.result.trained, (baseline, *self._in_doubt()), "images.csv")
        yield self._classes()
        yield from judgements.tables(self._judgements, on_page_only=True)
        yield self._dimensions()
        yield self._functions()

    def _in_doubt(self) -> Iterator[str]:
        """Classes whose floor noisy labels may explain."""
        first = next(iter(self.result.trained[0].ablations.values()))
        known = zip(self.result.trained[0].judged, first.held_out or (), strict=False)
        found = [f"{value:g}" for value, each in known if each is not None and not each.is_shown]
        if found:
            yield f"Noisy labels may explain the floor of class {listing(found)}, so no loss of it is called provable."

    def _by_argmax(self):
        images = self.result.images
        units = (f"{NAMES[n.signs]} {type(n.dnn.layers[0].neuron).__name__}" for n in self.result.trained)
        n_train, n_test = self.result.available
        sizes = (
            f"{images.name}: {len(images.train_points):,} of {n_train:,} images to train on, "
            f"{len(images.test_points):,} of {n_test:,} to test; {' × '.join(map(str, images.shape))} inputs from "
            f"{' × '.join(map(str, self.result.original))} pixels. Units: {listing(units)}."
        )
        title = "Accuracy with and without inhibition, by argmax"
        return Table(title, BY_ARGMAX, self.result.trained, (ARGMAX, sizes), "images.csv")

    def _classes(self):
        rows = [
            (NAMES[network.signs], kind, f"{value:g}", verdict, *accuracies, *errors, floor)
            for network in self.result.trained
            for kind, a in network.ablations.items()
            for value, verdict, accuracies, errors, floor in zip(
                network.judged, a.verdicts, a.balanced_accuracy.T, a.threshold_errors.T, _floors(a), strict=True
            )
        ]
        title = "Classes with and without inhibition"
        return Table(title, CLASSES, rows, data="images.csv", keys=3, on_page_only=True)

    def _dimensions(self):
        pooled = self.result.pooled

        def column(name, key, note):
            return Column(name, lambda s: _pooled(pooled, s)[key], note=note, decimals=4)

        trained = "Of the trained network, each output with its threshold at 0."
        columns = (
            Column("inputs", lambda s: int(pooled.sides[s]) ** 2, note="Averages over equal areas of an image."),
            Column("comparable pairs", pooled.comparable.__getitem__, note=COMPARABLE, short="comparable"),
            column("floor", "floor", f"{LEAST} Mean over classes."),
            column("error, excitatory-only", "excitatory", trained),
            column("error, free", "free", trained),
            column("extended", "best_monotone_extended", EXTENDED),
            column("determined", "determined", "Share of test images at which all its extensions agree."),
        )
        baseline = f"Each class against all others; majority-class baseline: {pooled.baseline.mean():.4f}, test images."
        return Table("Floors versus input dimension", columns, range(len(pooled.sides)), (baseline,), "inputs.csv")

    def _functions(self):
        floors = {
            where: dict(zip(each.inputs.tolist(), each.floors.mean(axis=1), strict=True))
            for where, each in self._judged.items()
        }
        columns = (
            Column("inputs", lambda n: n),
            Column("comparable pairs", lambda n: float(expected_comparable(n)), note="Expected of random points."),
            *(Column(f"floor, {where}", found.get, decimals=3) for where, found in floors.items()),
        )
        inputs = sorted({n for found in floors.values() for n in found})
        note = "Means over functions; standard deviations are in inputs.csv."
        return Table("Floors of random Boolean functions", columns, inputs, (note,), "inputs.csv")

    def figures(self) -> Iterator[Drawing]:
        accuracies, floors, _ = self.answer()
        kinds = listing(self.result.trained[0].ablations)
        yield Drawing(
            "images.svg",
            "Networks on test images, with and without inhibition",
            "Test accuracy by argmax (a) and error by the best threshold (one-vs-rest), mean over classes, with "
            f"the floor (b): the DNN and its {kinds} circuits, intact and without inhibition. Below, the same error of "
            "each class, a panel for each network.",
            accuracies,
            "images.csv",
            draw=lambda: networks(self.result),
        )
        yield Drawing(
            "inputs.svg",
            "Floors versus input dimension",
            "Share of pairs of points that are ordered (a): only they constrain an excitatory-only circuit. Errors of "
            "trained networks, and floors, on images pooled to fewer inputs (b). Floors of random Boolean functions, "
            "mean and standard deviation (c).",
            floors,
            "inputs.csv",
            draw=lambda: number_of_inputs(self.result),
        )
        yield from judgements.drawings(self._judgements)

    def circuits(self) -> Iterator[DrawnCircuit]:
        circuit = next(iter(self.result.trained[0].ablations.values())).circuit
        if circuit is not None:
            yield DrawnCircuit("circuit", "The circuit of the network trained without sign constraints", circuit)

    def proofs(self) -> Iterator[Explanation]:
        yield proof.excitation()
        yield Explanation(
            "The floor of images",
            (
                "If one image belongs to a class and a second, nowhere darker than the first, does not, then an "
                f"excitatory-only circuit {proof.CONDITIONS} is wrong about one of the two. The fewest images that "
                "touch every such pair are the floor. Averages over areas preserve the order of images, so pooling "
                "never lowers it.",
                "A floor near 0 says that an excitatory-only circuit can classify nearly all of these images, not that "
                "training finds it, nor that it generalises.",
            ),
        )

    def files(self) -> Iterator[tuple[str, str | bytes]]:
        yield "images.csv", _networks_table(self.result)
        yield "inputs.csv", _inputs_table(self.result)
        yield from judgements.files(self._judgements)

    def labelled(self) -> tuple[dict, dict]:
        pooled, whole, samples = self.result.pooled, self.result.whole, list(self.result.samples.values())
        trained, kinds = self.result.trained, sorted(self.result.trained[0].ablations)

        def measured(name):
            return [[getattr(network.ablations[kind], name) for kind in kinds] for network in trained]

        circuit = "network system condition"
        dnn = [[network.accuracy(part) for part in PARTS] for network in trained]
        errors = [[pooled.errors[signs, part] for part in PARTS] for signs in CONSTRAINTS]
        floor, pairs = "least zero-one error of excitatory-only networks", "share of comparable pairs"
        agree = "share of test images at which the lowest and highest extension agree"
        extended = "of the best monotone function, extended as low as can be"
        variables = {
            "output": array(f"{circuit} image class", measured("outputs"), "of the circuit, up to a shift"),
            "accuracy": array(circuit, measured("accuracy"), "by argmax"),
            "balanced_accuracy": array(f"{circuit} class", measured("balanced_accuracy"), "by argmax"),
            "one_threshold_error": array(f"{circuit} class", measured("threshold_errors"), "by the best threshold"),
            "dnn_accuracy": array("network part", dnn, "of the DNN, by argmax"),
            "test_class": array("image", self.result.images.test_targets.astype(np.int32), "class of a test image"),
            "pooled_comparable": array("side", pooled.comparable, pairs),
            "pooled_floor": array("part side class", [pooled.floors[part] for part in PARTS], floor),
            "pooled_error": array("constraint part side class", errors, "zero-one error of trained networks"),
            "pooled_extended_error": array("side class", pooled.extended, extended),
            "pooled_determined": array("side class", pooled.determined, agree),
            "boolean_floor": array("inputs function", whole.floors, floor),
            "boolean_comparable": array("inputs function", whole.comparable, pairs),
            "sampled_floor": array("points sampled_inputs function", [each.floors for each in samples], floor),
            "sampled_comparable": array("points sampled_inputs function", [each.comparable for each in samples], pairs),
        }
        numbers = {"class": pooled.classes, "side": pooled.sides, "inputs": whole.inputs}
        numbers |= {"sampled_inputs": samples[0].inputs, "points": list(self.result.samples)}
        signs = [network.signs for network in trained]
        labels = names(network=signs, system=kinds, condition=CONDITIONS, constraint=CONSTRAINTS, part=PARTS)
        return variables, labels | names(**{name: np.array(n, dtype=np.int32) for name, n in numbers.items()})


def _networks_table(result: ImagesResult) -> str:
    """One line for each network, system, condition and class; for all classes together the accuracy and the means."""
    columns = ("network", "system", "condition", "class", "accuracy", "balanced_accuracy")
    lines = []
    for network in result.trained:
        of, errors = (network.signs, "dnn", "intact"), network.threshold_errors
        lines += [(*of, c, None, None, error, None) for c, error in zip(network.judged, errors, strict=True)]
        lines += [(*of, "all", network.accuracy("test"), None, errors.mean(), None)]
        lines += _class_rows(network)
        for kind, a in network.ablations.items():
            floor = a.floors.one_polarity.mean()
            means = zip(CONDITIONS, a.accuracy, a.threshold_errors.mean(axis=1), strict=True)
            lines += [(network.signs, kind, how, "all", accuracy, None, error, floor) for how, accuracy, error in means]
    return to_csv(lines, (*columns, "one_threshold_error", "floor"))


def _inputs_table(result: ImagesResult) -> str:
    """One line for each measure against the number of inputs."""
    pooled, name, lines = result.pooled, result.images.name, []
    measures = [("floor", part, pooled.floors[part]) for part in PARTS]
    measures += [(f"error, {signs}", part, values) for (signs, part), values in pooled.errors.items()]
    measures += [("error, best monotone extended", "test", pooled.extended), ("determined", "test", pooled.determined)]
    for s, n in enumerate(pooled.sides**2):
        lines.append((name, n, "comparable pairs", "train", pooled.comparable[s], None))
        lines += [(name, n, what, part, values[s].mean(), values[s].std()) for what, part, values in measures]
    for part, found in (("whole", result.whole), *((f"{n} points", each) for n, each in result.samples.items())):
        for k, n in enumerate(found.inputs):
            for what, values in (("floor", found.floors[k]), ("comparable pairs", found.comparable[k])):
                lines.append(("random Boolean functions", n, what, part, values.mean(), values.std()))
    most = max(sample.inputs[-1] for sample in result.samples.values())
    for n in range(1, most + 1):
        lines.append(("corners of the n-cube", n, "comparable pairs", "expected", expected_comparable(n), None))
    return to_csv(lines, ("data", "inputs", "measure", "part", "mean", "sd"))


show_with(ImagesResult, ImagesView)
