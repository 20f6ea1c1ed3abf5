"""What the experiment on images found: JSON, terminal tables, CSV and labelled arrays."""

import numpy as np
import pandas
from rich.console import Group

from eisim.base.files import frame_to_csv
from eisim.circuit import Circuit
from eisim.report.terminal import titled_table
from eisim.studies.images.dimension import CONSTRAINTS, PARTS, BooleanResult, expected_comparable
from eisim.studies.images.networks import Trained
from eisim.studies.images.result import ImagesResult

NAMES = {"free": "free", "dale": "Dale's law", "excitatory": "excitation only"}
HOW = {"free": "freely", "dale": "under Dale's law", "excitatory": "with excitation only"}
CONDITIONS = ("intact", "ablated")
SYSTEMS = ("dnn", "rate", "spiking")
ARGMAX = "accuracy: by the largest output, a comparison, which is a subtraction (T9), so no floor holds for it."
THRESHOLD = (
    "error, one threshold: share of test images wrong about a class by the best threshold on its own output, mean over "
    "classes; it cannot be below the floor without inhibition."
)
POOLED = (
    "Errors are those of one output for each class with its threshold at 0, mean over classes; always saying no has an "
    "error of {:.4f}. extended: error on test images of the best monotone function of the training images, the least "
    "one; determined: share of test images at which that function has no freedom left."
)


def document(result: ImagesResult) -> dict:
    """The result as a JSON object."""
    images, pooled = result.images, result.pooled
    return {
        "images": {
            "name": images.name,
            "shape": list(images.shape),
            "train": len(images.train_points),
            "test": len(images.test_points),
            "available": list(result.available),
            "original_shape": list(result.original),
            "classes": images.classes,
        },
        "networks": [_network(network) for network in result.trained],
        "inputs": {
            "pooled": [
                {
                    "inputs": int(side) ** 2,
                    "comparable_pairs": pooled.comparable[s],
                    "floor": {part: pooled.floors[part][s].mean() for part in PARTS},
                    **{signs: {part: pooled.errors[signs, part][s].mean() for part in PARTS} for signs in CONSTRAINTS},
                    "best_monotone_extended": pooled.extended[s].mean(),
                    "determined": pooled.determined[s].mean(),
                    "classes": _by_class(pooled, s),
                }
                for s, side in enumerate(pooled.sides)
            ],
            "always_no": pooled.prevalence.mean(),
            "boolean": {
                "whole": _boolean(result.whole),
                **{f"samples_of_{n}": _boolean(sample) for n, sample in result.samples.items()},
            },
        },
        "findings": findings(result),
        "problems": result.problems,
    }


def _network(network: Trained) -> dict:
    hidden = network.dnn.layers[:-1]
    return {
        "signs": network.signs,
        "hidden": [layer.size for layer in hidden],
        "activation": type(hidden[0].neuron).__name__,
        "excitation_alone_gives": hidden[0].neuron.excitatory_class,
        "accuracy": {
            "dnn_train": network.accuracy("train"),
            "dnn": network.accuracy("test"),
            **{kind: dict(zip(CONDITIONS, a.accuracy, strict=True)) for kind, a in network.ablations.items()},
        },
        "one_threshold_error": {
            "dnn": network.threshold_errors.mean(),
            **{
                kind: dict(zip(CONDITIONS, a.threshold_errors.mean(axis=1), strict=True))
                for kind, a in network.ablations.items()
            },
        },
        "agreement": {kind: a.agreement for kind, a in network.ablations.items()},
        "equivalence_error": {kind: a.equivalence_error for kind, a in network.ablations.items()},
        "neurons": {kind: a.neurons for kind, a in network.ablations.items()},
        "classes": [row for row in class_rows(network) if row["system"] != "dnn"],
    }


def class_rows(network: Trained) -> list[dict]:
    """One line for each system, condition and class."""
    found = []
    judged = network.images.classes[-network.dnn.layers[-1].size :]
    for kind, a in network.ablations.items():
        for k, condition in enumerate(CONDITIONS):
            found += [
                {
                    "network": network.signs,
                    "system": kind,
                    "condition": condition,
                    "class": value,
                    "balanced_accuracy": a.balanced_accuracy[k, c],
                    "one_threshold_error": a.threshold_errors[k, c],
                    "floor": a.floors.one_polarity[c],
                }
                for c, value in enumerate(judged)
            ]
    return found


def _by_class(pooled, s):
    return [
        {
            "class": value,
            "floor": {part: pooled.floors[part][s, c] for part in PARTS},
            **{signs: {part: pooled.errors[signs, part][s, c] for part in PARTS} for signs in CONSTRAINTS},
            "best_monotone_extended": pooled.extended[s, c],
            "determined": pooled.determined[s, c],
        }
        for c, value in enumerate(pooled.classes)
    ]


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


def findings(result: ImagesResult) -> list[str]:
    """What was measured, in words."""
    pooled = result.pooled
    few, many = (f"{side} × {side}" for side in pooled.sides[[0, -1]])
    floor, error = pooled.floors, {key: values.mean(axis=1) for key, values in pooled.errors.items()}
    found = []
    for network in result.trained:
        measured = [f"{kind} {_change(a.accuracy)}" for kind, a in network.ablations.items()]
        found.append(
            f"Trained {HOW[network.signs]}: {network.accuracy('test'):.1%} of the test images by the largest output; "
            f"as circuits, with → without inhibition: {', '.join(measured)}."
        )
    found.append(
        f"From {few} to {many} inputs, comparable pairs of images fall from {pooled.comparable[0]:.2g} to "
        f"{pooled.comparable[-1]:.2g} of all, and with them the floor on training images from "
        f"{floor['train'][0].mean():.4f} to {floor['train'][-1].mean():.4f}."
    )
    trained, free = ([error[signs, part][-1] for part in PARTS] for signs in ("excitatory", "free"))
    found.append(
        f"Trained with {many} inputs and one threshold for each class, an excitatory-only circuit has an error of "
        f"{trained[0]:.4f} on training images and {trained[1]:.4f} on test images; without constraint it is "
        f"{free[0]:.4f} and {free[1]:.4f}."
    )
    whole, (n_points, sample) = result.whole, max(result.samples.items())
    found.append(
        f"Random Boolean functions, judged at all points: the floor goes from {whole.floors[0].mean():.3f} with "
        f"{whole.inputs[0]} to {whole.floors[-1].mean():.3f} with {whole.inputs[-1]} inputs. Judged at {n_points:,} "
        f"points of each it goes from {sample.floors[0].mean():.3f} with {sample.inputs[0]} to "
        f"{sample.floors[-1].mean():.3f} with {sample.inputs[-1]} inputs: how densely points fill the inputs decides, "
        "not how many inputs there are."
    )
    return found


def _change(values):
    return f"{values[0]:.1%} → {values[-1]:.1%}"


def terminal_table(result: ImagesResult) -> Group:
    """The tables that people read."""
    images = result.images
    chosen = f"{len(images.train_points):,} images to train on, {len(images.test_points):,} to test with"
    if result.available != (len(images.train_points), len(images.test_points)):
        chosen += f", drawn from {result.available[0]:,} and {result.available[1]:,}"
    if result.original != images.shape:
        chosen += f"; pooled from {result.original[0]} × {result.original[1]} to {images.shape[0]} × {images.shape[1]}"
    units = {
        network.signs: f"{NAMES[network.signs]}: {type(network.dnn.layers[0].neuron).__name__} units"
        for network in result.trained
    }
    only = next(n for n in result.trained if n.signs == "excitatory")
    return Group(
        _networks_table(result),
        f"{images.name}: {chosen}. {'; '.join(units.values())}, which alone give "
        f"{only.dnn.layers[0].neuron.excitatory_class} (T5).",
        ARGMAX,
        THRESHOLD,
        "",
        _class_table(result),
        "",
        _pooled_table(result),
        POOLED.format(result.pooled.prevalence.mean()),
        "",
        _boolean_table(result),
        "",
        *findings(result),
    )


def _table(title, *columns):
    table = titled_table(title)
    for k, heading in enumerate(columns):
        table.add_column(heading, justify="right" if k else "left", no_wrap=True)
    return table


def _arrow(values, digits=3):
    return f"{values[0]:.{digits}f} → {values[-1]:.{digits}f}"


def _networks_table(result):
    columns = ("network", "system", "neurons E + I", "accuracy", "error, one threshold", "floor", "as the network")
    table = _table("Images by networks under sign constraints; intact → without inhibition", *columns)
    for network in result.trained:
        name = NAMES[network.signs]
        error = f"{network.threshold_errors.mean():.3f}        "
        table.add_row(name, "DNN", "", f"{network.accuracy('test'):.3f}        ", error, "", "")
        for kind, a in network.ablations.items():
            table.add_row(
                "",
                f"{kind} circuit",
                f"{a.neurons['E']} + {a.neurons['I']}",
                _arrow(a.accuracy),
                _arrow(a.threshold_errors.mean(axis=1)),
                f"{a.floors.one_polarity.mean():.4f}",
                f"{a.agreement:.1%}",
            )
    return table


def _class_table(result):
    shown = {n.signs: (kind, n.ablations[kind]) for n in result.trained for kind in list(n.ablations)[:1]}
    headings = [h for signs in shown for h in (f"{NAMES[signs]}: argmax", "one threshold")]
    table = _table("Class by class: balanced accuracy by argmax, error by one threshold", "class", *headings, "floor")
    first = next(iter(shown.values()))[1]
    for c, value in enumerate(first.judged):
        cells = [
            _arrow(values[:, c], digits)
            for _, a in shown.values()
            for values, digits in ((a.balanced_accuracy, 2), (a.threshold_errors, 3))
        ]
        table.add_row(f"{value:g}", *cells, f"{first.floors.one_polarity[c]:.4f}")
    kinds = ", ".join(f"{NAMES[signs]} as {kind} circuit" for signs, (kind, _) in shown.items())
    return Group(table, f"{kinds}; intact → without inhibition.")


def _pooled_table(result):
    columns = (
        "pooled to",
        "comparable",
        "floor train",
        "test",
        "excitatory train",
        "test",
        "free train",
        "test",
        "extended",
        "determined",
    )
    table, pooled = _table("The curse that lifts: errors against the number of inputs", *columns), result.pooled
    for s, side in enumerate(pooled.sides):
        values = [pooled.floors[part][s] for part in PARTS]
        values += [pooled.errors[signs, part][s] for signs in ("excitatory", "free") for part in PARTS]
        cells = [f"{v.mean():.4f}" for v in (*values, pooled.extended[s])]
        table.add_row(f"{side} × {side}", f"{pooled.comparable[s]:.2g}", *cells, f"{pooled.determined[s].mean():.3f}")
    return table


def _boolean_table(result):
    parts = {"at all points": result.whole} | {f"at {n} points": sample for n, sample in result.samples.items()}
    title = "Random Boolean functions: floor, mean ± SD"
    table = _table(title, "inputs", "comparable pairs", *parts)
    for n in sorted({int(n) for part in parts.values() for n in part.inputs}):
        cells = []
        for part in parts.values():
            at = np.flatnonzero(part.inputs == n)
            cells.append(f"{part.floors[at[0]].mean():.3f} ± {part.floors[at[0]].std():.3f}" if len(at) else "")
        table.add_row(str(n), f"{expected_comparable(n):.2g}", *cells)
    return table


def csv_table(result: ImagesResult) -> str:
    """One line for each network, system, condition and class; for all classes together the accuracy and the means."""
    lines = []
    for network in result.trained:
        judged = network.images.classes[-network.dnn.layers[-1].size :]
        of = {"network": network.signs, "system": "dnn", "condition": "intact"}
        errors = network.threshold_errors
        lines += [of | {"class": c, "one_threshold_error": e} for c, e in zip(judged, errors, strict=True)]
        lines += [of | {"class": "all", "accuracy": network.accuracy("test"), "one_threshold_error": errors.mean()}]
        lines += class_rows(network)
        lines += [
            {
                "network": network.signs,
                "system": kind,
                "condition": condition,
                "class": "all",
                "accuracy": a.accuracy[k],
                "one_threshold_error": a.threshold_errors[k].mean(),
                "floor": a.floors.one_polarity.mean(),
            }
            for kind, a in network.ablations.items()
            for k, condition in enumerate(CONDITIONS)
        ]
    columns = ["network", "system", "condition", "class", "accuracy"]
    columns += ["balanced_accuracy", "one_threshold_error", "floor"]
    return frame_to_csv(pandas.DataFrame(lines, columns=columns))


def inputs_table(result: ImagesResult) -> str:
    """One line for each measure against the number of inputs."""
    pooled, name = result.pooled, result.images.name
    lines = []

    def add(data, n, measure, part, value, sd=None):
        lines.append({"data": data, "inputs": n, "measure": measure, "part": part, "mean": value, "sd": sd})

    for s, n in enumerate(pooled.sides**2):
        add(name, n, "comparable pairs", "train", pooled.comparable[s])
        for part in PARTS:
            add(name, n, "floor", part, pooled.floors[part][s].mean(), pooled.floors[part][s].std())
        for (signs, part), values in pooled.errors.items():
            add(name, n, f"error, {signs}", part, values[s].mean(), values[s].std())
        add(name, n, "error, best monotone extended", "test", pooled.extended[s].mean(), pooled.extended[s].std())
        add(name, n, "determined", "test", pooled.determined[s].mean(), pooled.determined[s].std())
    for part, found in (("whole", result.whole), *((f"{n} points", r) for n, r in result.samples.items())):
        for k, n in enumerate(found.inputs):
            for measure, values in (("floor", found.floors[k]), ("comparable pairs", found.comparable[k])):
                add("random Boolean functions", n, measure, part, values.mean(), values.std())
    for n in range(1, int(max(result.samples.values(), key=lambda r: r.inputs[-1]).inputs[-1]) + 1):
        add("corners of the n-cube", n, "comparable pairs", "expected", expected_comparable(n))
    return frame_to_csv(pandas.DataFrame(lines))


def drawn_circuit(result: ImagesResult) -> Circuit | None:
    """The intact circuit that is drawn: of the network trained freely, of the first kind."""
    return next((ablation.circuit for ablation in result.trained[0].ablations.values()), None)


def labelled(result: ImagesResult) -> tuple[dict, dict]:
    """What was measured as labelled arrays: variables and coordinates, each (dimensions, values, attributes)."""
    pooled, images = result.pooled, result.images
    kinds = [kind for kind in SYSTEMS if any(kind in n.ablations for n in result.trained)]
    n_classes = len(pooled.classes)
    shape = (len(result.trained), len(kinds), len(CONDITIONS), len(images.test_targets), n_classes)
    outputs = np.full(shape, np.nan)
    accuracy, balanced, errors = np.full(shape[:3], np.nan), *(np.full((*shape[:3], n_classes), np.nan) for _ in "be")
    for n, network in enumerate(result.trained):
        for k, kind in enumerate(kinds):
            if kind in network.ablations:
                a = network.ablations[kind]
                outputs[n, k], accuracy[n, k] = a.outputs, a.accuracy
                balanced[n, k], errors[n, k] = a.balanced_accuracy, a.threshold_errors
    share = {"units": "1"}
    circuit = ("network", "system", "condition")
    variables = {
        "output": ((*circuit, "image", "class"), outputs, share | {"long_name": "of the circuit, up to a shift"}),
        "accuracy": (circuit, accuracy, share | {"long_name": "by the largest output"}),
        "balanced_accuracy": ((*circuit, "class"), balanced, share | {"long_name": "by the largest output"}),
        "one_threshold_error": ((*circuit, "class"), errors, share | {"long_name": "by the best threshold"}),
        "dnn_accuracy": (
            ("network", "part"),
            np.array([[n.accuracy(part) for part in PARTS] for n in result.trained]),
            share | {"long_name": "of the DNN, by the largest output"},
        ),
        "test_class": (("image",), images.test_targets.astype(np.int32), {"units": "1"}),
        "pooled_comparable": (("side",), pooled.comparable, share | {"long_name": "share of comparable pairs"}),
        "pooled_floor": (
            ("part", "side", "class"),
            np.stack([pooled.floors[part] for part in PARTS]),
            share | {"long_name": "least zero-one error of excitatory-only networks"},
        ),
        "pooled_error": (
            ("constraint", "part", "side", "class"),
            np.array([[pooled.errors[signs, part] for part in PARTS] for signs in CONSTRAINTS]),
            share | {"long_name": "zero-one error of trained networks"},
        ),
        "pooled_extended_error": (("side", "class"), pooled.extended, share),
        "pooled_determined": (("side", "class"), pooled.determined, share),
        "boolean_floor": (("inputs", "function"), result.whole.floors, share),
        "boolean_comparable": (("inputs", "function"), result.whole.comparable, share),
        "sampled_floor": (
            ("points", "sampled_inputs", "function"),
            np.stack([r.floors for r in result.samples.values()]),
            share,
        ),
        "sampled_comparable": (
            ("points", "sampled_inputs", "function"),
            np.stack([r.comparable for r in result.samples.values()]),
            share,
        ),
    }
    coordinates = {
        "network": (("network",), np.array([n.signs for n in result.trained]), {}),
        "system": (("system",), np.array(kinds), {}),
        "condition": (("condition",), np.array(CONDITIONS), {}),
        "constraint": (("constraint",), np.array(CONSTRAINTS), {}),
        "part": (("part",), np.array(PARTS), {}),
        "class": (("class",), pooled.classes.astype(np.int32), {}),
        "side": (("side",), pooled.sides.astype(np.int32), {"long_name": "of the square of inputs"}),
        "inputs": (("inputs",), result.whole.inputs.astype(np.int32), {}),
        "sampled_inputs": (("sampled_inputs",), next(iter(result.samples.values())).inputs.astype(np.int32), {}),
        "points": (("points",), np.array(list(result.samples), dtype=np.int32), {}),
    }
    return variables, coordinates
