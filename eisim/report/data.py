"""What labelled data need of inhibition: JSON, tables, figures, findings."""

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Group

from eisim.base.files import frame_to_csv
from eisim.report import network
from eisim.report.circuit import circuit_picture, circuit_table
from eisim.report.findings import Explanation, Findings, PageColumn, PageTable, Picture
from eisim.report.proof import beside, cannot_tell, inputs, point_of, wrong_labels
from eisim.report.style import EXCITATORY, INHIBITORY
from eisim.report.terminal import titled_table
from eisim.report.wording import answer, capital, share
from eisim.studies.curves import described
from eisim.studies.data import DataResult

NOTES = (
    "Share of rows answered correctly about the class, by the best threshold on the network's output for it; intact "
    "and ablated: the freely trained network as circuit, with its inhibition and without.",
    "excitatory-only, trained: a network of the same size that was trained so. bound: what no excitatory-only network "
    "exceeds, 1 less the floor. constant: the same answer everywhere.",
    "The networks are judged on the rows that they learned: what can be represented, not how it generalises.",
    "kept: without inhibition at least 99% of what the intact circuit has above the constant answer is left.",
)


def _rows(result: DataResult) -> list[dict]:
    """One for each judged class."""
    first, found = result.first, []
    errors = {kind: ablation.threshold_errors for kind, ablation in result.ablations.items()}
    excitatory, free = result.errors("excitatory"), result.errors("free")
    for k, (value, certificate) in enumerate(zip(first.judged, result.certificates, strict=True)):
        witness = certificate.witness
        found.append(
            {
                "class": float(value),
                "label": result.data.label(value),
                "rows": int((result.data.targets == value).sum()),
                "representable": certificate.representable,
                "violating_pairs": certificate.violating_pairs,
                "witness": witness and [list(witness.lower), list(witness.upper)],
                "floor": certificate.floor["zero_one"],
                "comparable_share": certificate.comparable_share,
                "floor_inverted": certificate.floor_inverted,
                "floor_permuted": certificate.floor_permuted,
                "conclusive": certificate.conclusive,
                "floor_of_any_function": float(result.irreducible[k]),
                "needs_inhibition": bool(result.needs_inhibition[k]),
                "inversion_complexity": certificate.inversion_complexity,
                "accuracy": {
                    "intact": {kind: 1 - float(e[0, k]) for kind, e in errors.items()} | {"dnn": 1 - float(free[k])},
                    "ablated": {kind: 1 - float(e[-1, k]) for kind, e in errors.items()},
                    "trained_excitatory": 1 - float(excitatory[k]),
                    "best_excitatory": 1 - certificate.floor["zero_one"],
                    "constant": 1 - float(first.constant_errors[k]),
                },
                "verdict": result.verdicts[k],
            }
        )
    return found


def to_json(result: DataResult) -> dict:
    """The result as a JSON object."""
    return {
        "data": result.data.name,
        "inputs": list(result.data.names),
        "target": result.data.target,
        "points": len(result.data.targets),
        "rows": _rows(result),
        "circuits": {
            kind: {"neurons": a.neurons, "equivalence_error": a.equivalence_error, "accuracy": a.accuracy}
            for kind, a in result.ablations.items()
        },
        "notes": list(result.notes),
        "problems": result.problems,
    }


def _verdict(row):
    return described(row["verdict"], not row["needs_inhibition"])


def table(result: DataResult) -> Group:
    """The table that people read."""
    shown = titled_table(
        f"Do they need inhibition? {result.data.name}: {result.data.target}, {len(result.data.targets):,} rows"
    )
    kinds = list(result.ablations)
    for heading in ("class", "rows", "constant", *kinds, "excitatory-only\ntrained", "bound"):
        shown.add_column(heading + ("\nintact → ablated" if heading in kinds else ""), justify="right", no_wrap=True)
    shown.add_column("verdict", no_wrap=True)
    for row in _rows(result):
        accuracy, colour = row["accuracy"], "green" if row["verdict"] == "kept" else "red"
        shown.add_row(
            row["label"],
            f"{row['rows']:,}",
            f"{accuracy['constant']:.3f}",
            *(f"{accuracy['intact'][kind]:.3f} → {accuracy['ablated'][kind]:.3f}" for kind in kinds),
            f"{accuracy['trained_excitatory']:.3f}",
            f"{accuracy['best_excitatory']:.3f}",
            f"[{colour}]{_verdict(row)}[/]",
        )
    return Group(
        shown,
        "",
        _answer(result),
        inputs(result.data),
        *_proofs(result),
        *_beside(result),
        "",
        *NOTES,
        *(f"Note: {note}" for note in result.notes),
    )


def _answer(result):
    """The answer in a sentence or two."""
    rows = _rows(result)
    needing = [row for row in rows if row["needs_inhibition"]]
    if all(certificate.conclusive is False for certificate in result.certificates):
        which = max(result.certificates, key=lambda certificate: certificate.floor["zero_one"])
        return capital(cannot_tell(which, f"{result.data.target} in {result.data.name}"))
    if not needing and not all(row["representable"] for row in rows):
        return (
            f"These rows need no inhibition: rows of {result.data.name} with the same inputs disagree about "
            f"{result.data.target}, "
            "and an excitatory-only circuit can be as good as any function of these inputs."
        )
    if not needing:
        return (
            f"These rows need no inhibition: {result.data.target} in {result.data.name} never falls when inputs rise."
        )
    worst, certificate = max(zip(rows, result.certificates, strict=True), key=_inhibition_needed)
    what = f"{result.data.target} in {result.data.name}"
    if len(rows) > 1:
        what = f"class {worst['label']} of {what}"
    found = certificate.evidence()
    proof = " ".join(wrong_labels(certificate.data, worst["floor"], worst["floor_of_any_function"], what, found))
    return (
        f"{proof} A network that was trained as excitatory-only is wrong on "
        f"{share(1 - worst['accuracy']['trained_excitatory'])}, one that was trained freely on "
        f"{share(1 - worst['accuracy']['intact']['dnn'])}."
    )


def _inhibition_needed(judged):
    row, _ = judged
    return row["needs_inhibition"], row["floor"]


def _doses(result):
    """The caption of the figure by dose: which curve is that of the table."""
    if len(result.first.judged) == 1:
        return (
            "Share of rows answered correctly against the fraction of inhibition removed. By the best threshold on the "
            "output at each dose, as in the table; and by the threshold that is best for the intact network, kept at "
            "every dose, as nobody chooses it anew. The mark at the right is the bound, 1 less the floor."
        )
    return (
        "What is left of each class against the fraction of inhibition removed. Above by the largest output, which "
        "compares outputs, so no floor binds it; below by the best threshold on each class's own output at each dose: "
        "1 less this error is the accuracy in the table."
    )


def _proofs(result):
    for row in _rows(result):
        if row["witness"] is not None:
            lower, upper = (point_of(result.data.names, point) for point in row["witness"])
            yield (
                f"Witness for class {row['label']}: a row with {lower} is of it, one with {upper} is not, though no "
                f"input went down. Pairs of rows like this: {row['violating_pairs']:,}."
            )


def _beside(result):
    """What stands beside each floor."""
    for row, certificate in zip(_rows(result), result.certificates, strict=True):
        yield f"Beside the floor of class {row['label']}: {beside(certificate)}"


def _csv(lines):
    return frame_to_csv(pandas.DataFrame(lines))


def tables(result: DataResult):
    """Pairs of file name and content."""
    lines = []
    for row in _rows(result):
        accuracy = row.pop("accuracy")
        permuted = row.pop("floor_permuted") or {}
        row |= {f"floor_permuted_{key}": permuted.get(key) for key in ("median", "low", "high")}
        row["witness"] = row["witness"] and " <= ".join(" ".join(f"{x:g}" for x in p) for p in row["witness"])
        flat = {f"{c}_{kind}": a for c in ("intact", "ablated") for kind, a in accuracy.pop(c).items()}
        lines.append(row | flat | accuracy)
    yield "table.csv", _csv(lines)
    yield "ablation.csv", network.levels_table(list(result.ablations.values()))
    for ablation in result.ablations.values():
        if len(ablation.times):
            yield "time.csv", network.time_table(ablation)
    if circuit := network.drawn_circuit(list(result.ablations.values())):
        yield "circuit.csv", circuit_table(circuit)


def plot_classes(ax: Axes, result: DataResult) -> Axes:
    """For each class what is answered correctly: intact, ablated, trained as excitatory-only, and the bound."""
    rows = _rows(result)
    y = np.arange(len(rows))[::-1]
    for k, row in zip(y, rows, strict=True):
        ax.barh(k, row["floor"], left=1 - row["floor"], color="#dddddd", height=0.8, zorder=0)
        accuracy = row["accuracy"]
        ax.plot([accuracy["constant"]] * 2, [k - 0.4, k + 0.4], color="black", lw=0.8, ls=":")
        kinds = list(accuracy["ablated"])
        heights = k + np.linspace(0.15, -0.15, len(kinds)) if len(kinds) > 1 else [k]
        for height, kind in zip(heights, kinds, strict=True):
            marker = {"spiking": "o", "rate": "s"}[kind]
            ends = accuracy["intact"][kind], accuracy["ablated"][kind]
            ax.plot(ends, [height] * 2, color="#999999", lw=0.8, zorder=1)
            ax.plot(ends[0], height, marker, ms=4, color=INHIBITORY, label=f"{kind}, intact")
            ax.plot(ends[1], height, marker, ms=4, mfc="white", color=INHIBITORY, label=f"{kind}, ablated")
        ax.plot(accuracy["trained_excitatory"], k, "D", ms=4, color=EXCITATORY, label="trained as excitatory-only")
    ax.plot([], [], color="black", lw=0.8, ls=":", label="constant answer")
    ax.barh([0], [0], color="#dddddd", label="out of reach of excitatory-only")
    ax.set_yticks(y, [row["label"] for row in rows])
    ax.set_ylabel(f"class ({result.data.target})")
    ax.set_xlabel("share of rows answered correctly about the class")
    ax.set_xlim(right=1.005)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    return ax


def figures(result: DataResult):
    """Pairs of file name and figure."""
    figure = Figure(figsize=(7.0, 0.45 * len(result.first.judged) + 1.3), layout="constrained")
    ax = figure.subplots()
    plot_classes(ax, result)
    ax.set_title(f"{result.data.name}: what is left without inhibition")
    handles = {h.get_label(): h for h in ax.get_legend_handles_labels()[0]}.values()
    figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=7)
    yield "classes.svg", figure
    yield from network.figures(list(result.ablations.values()))


#: Of the second curve.
COMPARED = (
    "For comparison the network itself, with each negative weight times 1 less the fraction and its biases as they are."
)


def findings(result: DataResult) -> Findings:
    """What a page shows."""
    rows, kinds = _rows(result), list(result.ablations)
    columns = [
        PageColumn("class"),
        PageColumn("rows", "number"),
        PageColumn("constant", "number", note="share answered correctly by the same answer everywhere"),
        *(PageColumn(f"{c}, {kind}", "number") for kind in kinds for c in ("intact", "ablated")),
        PageColumn("excitatory-only, trained", "number", note="a network that was trained so"),
        PageColumn("bound", "number", note="what no excitatory-only network exceeds: 1 less the floor"),
        PageColumn("bound, inverted", "number", note="the same for the rest of the rows: an inverter at the output"),
        PageColumn("verdict", "verdict"),
    ]
    cells = [
        (
            row["label"],
            row["rows"],
            row["accuracy"]["constant"],
            *(row["accuracy"][c][kind] for kind in kinds for c in ("intact", "ablated")),
            row["accuracy"]["trained_excitatory"],
            row["accuracy"]["best_excitatory"],
            1 - row["floor_inverted"],
            _verdict(row),
        )
        for row in rows
    ]
    caption = (
        "Share of rows answered correctly about each class by the freely trained network as circuit, intact and "
        "without its inhibition, and by one trained as excitatory-only; grey is out of reach of excitatory-only."
    )
    doses = _doses(result)
    circuit = network.drawn_circuit(list(result.ablations.values()))
    return Findings(
        question=f"Do the data in {result.data.name} need inhibition?",
        answer=answer(_answer(result), inputs(result.data), problems=result.problems),
        tables=(PageTable("Classes", tuple(columns), tuple(cells), (*NOTES, *result.notes), "table.csv"),),
        pictures=(
            Picture("classes.svg", "Class by class", caption, _answer(result), "table.csv"),
            Picture("ablation.svg", "By dose of ablation", f"{doses} {COMPARED}", doses, "ablation.csv"),
        ),
        circuits=(circuit_picture(circuit, "circuit", "The freely trained network as circuit"),) if circuit else (),
        proofs=(
            *(Explanation("Witness", (text,)) for text in _proofs(result)),
            *(Explanation("Beside the floor", (text,)) for text in _beside(result)),
        ),
    )
