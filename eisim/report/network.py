"""What the ablation of a stranger's network found: JSON, table, CSV and figure."""

from collections.abc import Iterator

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Group
from scipy.optimize import isotonic_regression

from eisim.base.files import frame_to_csv, to_csv
from eisim.circuit import Circuit
from eisim.report import diagram
from eisim.report.circuit import circuit_table
from eisim.report.style import DOUBLE, EXCITATORY, INHIBITORY, NEUTRAL, SECOND, SINGLE, letters
from eisim.report.terminal import titled_table
from eisim.studies.networks import KEPT, NetworkAblation

#: Height of a line of a figure's small text, as a share of the largest value.
LINE = 0.045
#: By verdict: colour in the terminal, colour and dashes of a line.
COLOURS = {
    "kept": ("green", EXCITATORY, "-"),
    "lost": ("red", INHIBITORY, "--"),
    "not computed": ("yellow", NEUTRAL, ":"),
}
LABELS = {
    "kept": "class kept without inhibition",
    "lost": "class lost without inhibition",
    "not computed": "class not computed",
}
REMOVED, BEST_THRESHOLD = "fraction of inhibition removed", "by the best threshold at each dose"
ZEROED = "network itself, negative weights reduced"


def rows(result: NetworkAblation) -> list[dict]:
    """One line for each class."""
    balanced, errors, zeroed = result.balanced_accuracy, result.threshold_errors, result.zeroed
    return [
        {
            "class": value,
            "rows": int((result.data.targets == value).sum()),
            "intact": balanced[0, k],
            "ablated": balanced[-1, k],
            "verdict": result.verdicts[k],
            "one_threshold_error_intact": errors[0, k],
            "one_threshold_error_ablated": errors[-1, k],
            "constant_answer_error": result.constant_errors[k],
            "floor": result.floors.one_polarity[k],
            "floor_on_off": result.floors.on_off[k],
            "one_threshold_verdict": result.verdicts_by_threshold[k],
            **({} if zeroed is None else _of_zeroed(zeroed, k)),
        }
        for k, value in enumerate(result.judged)
    ]


def _of_zeroed(zeroed, k):
    """What becomes of a class in the network itself, with its negative weights set to 0."""
    return {
        "zeroed": zeroed.balanced_accuracy[-1, k],
        "zeroed_verdict": zeroed.verdicts[k],
        "one_threshold_error_zeroed": zeroed.threshold_errors[-1, k],
        "one_threshold_verdict_zeroed": zeroed.verdicts_by_threshold[k],
    }


def to_json(results: list[NetworkAblation]) -> dict:
    """The results of both kinds as a JSON object."""
    first = results[0]
    return {
        "network": first.name,
        "data": first.data.name,
        "points": len(first.data.targets),
        "signed_inputs": first.signed_inputs,
        "network_accuracy": first.network_accuracy,
        "fraction_removed": first.fractions,
        **{result.kind: _circuit(result) for result in results},
        **({} if first.zeroed is None else {"negative_weights_zeroed": _zeroed(first.zeroed)}),
        "notes": list(first.data.notes),
        "problems": [problem for result in results for problem in result.problems],
    }


def _zeroed(zeroed):
    """By level of ablation, of the network itself with its negative weights times 1 less the fraction."""
    return {
        "accuracy": zeroed.accuracy,
        "classes": [
            {
                "class": value,
                "balanced_accuracy": zeroed.balanced_accuracy[:, k],
                "one_threshold_error": zeroed.threshold_errors[:, k],
            }
            for k, value in enumerate(zeroed.judged)
        ],
    }


def _circuit(result):
    found = {
        "neurons": result.neurons,
        "simulated_seconds": result.duration,
        "equivalence_error": result.equivalence_error,
        "agreement": result.agreement,
        "accuracy": result.accuracy,
        "classes": rows(result),
    }
    if len(result.times):
        found["intact_in_time"] = [
            {"seconds": seconds, "accuracy": accuracy, "agreement": agreement}
            for seconds, accuracy, agreement in _in_time(result)
        ]
    return found


def _in_time(result):
    return zip(result.times.round(9).tolist(), result.accuracy_in_time, result.agreement_in_time, strict=True)


def frame(results: list[NetworkAblation]) -> pandas.DataFrame:
    """One row for each kind and class."""
    return pandas.DataFrame([{"kind": result.kind, **row} for result in results for row in rows(result)])


def csv_table(results: list[NetworkAblation]) -> str:
    """The classes as CSV."""
    return frame_to_csv(frame(results))


def levels_table(results: list[NetworkAblation]) -> str:
    """CSV behind the figure: accuracies and errors of each class, and of all, at each level of ablation."""
    columns = ("kind", "fraction_removed", "class", "balanced_accuracy", "one_threshold_error", "floor", "accuracy")
    if any(result.zeroed is not None for result in results):
        columns += ("accuracy_zeroed", "balanced_accuracy_zeroed", "one_threshold_error_zeroed")
    lines = []
    for result in results:
        floors = result.floors.one_polarity
        sources = {"": result} | ({} if result.zeroed is None else {"_zeroed": result.zeroed})
        overall = {end: each.accuracy for end, each in sources.items()}
        balanced = {end: each.balanced_accuracy for end, each in sources.items()}
        errors = {end: each.threshold_errors for end, each in sources.items()}
        for k, fraction in enumerate(result.fractions):
            common = {"kind": result.kind, "fraction_removed": float(fraction)}
            lines.append(common | {"class": "all"} | {f"accuracy{end}": float(a[k]) for end, a in overall.items()})
            for c, value in enumerate(result.judged):
                measured = {f"balanced_accuracy{end}": float(b[k, c]) for end, b in balanced.items()}
                measured |= {f"one_threshold_error{end}": float(e[k, c]) for end, e in errors.items()}
                lines.append(common | {"class": f"{value:g}", "floor": float(floors[c])} | measured)
    return to_csv(lines, columns)


def drawn_circuit(results: list[NetworkAblation]) -> Circuit | None:
    """The intact circuit that is drawn, of the first kind."""
    return results[0].circuit


def tables(results: list[NetworkAblation]) -> Iterator[tuple[str, str]]:
    """Pairs of file name and CSV."""
    yield "classes.csv", csv_table(results)
    yield "ablation.csv", levels_table(results)
    for spiking in (result for result in results if len(result.times)):
        yield "time.csv", time_table(spiking)
    if circuit := drawn_circuit(results):
        yield "circuit.csv", circuit_table(circuit)


def time_table(result: NetworkAblation) -> str:
    """Accuracy of the intact spiking circuit against the length of a trial, as CSV."""
    columns = ["seconds", "accuracy", "agreement"]
    return frame_to_csv(pandas.DataFrame(_in_time(result), columns=columns))


def terminal_table(results: list[NetworkAblation]) -> Group:
    """The tables that people read."""
    result = results[0]
    polarity = "Inputs are not negative and come in one polarity."
    if result.signed_inputs:
        polarity = (
            "Inputs are signed and come as ON and OFF pairs, by which every function becomes monotone (T9): the floor "
            "does not bind the circuit."
        )
    return Group(
        *(part for each in results for part in _table(each)),
        *([] if result.zeroed is None else [_plain(result)]),
        "largest output: balanced accuracy of the class against all others (0.5 is chance), intact → ablated. It "
        "compares outputs, and a comparison is a subtraction (T9), so the floor does not bind it.",
        "one threshold: share of rows wrong about the class by the best threshold on its own output, intact → ablated; "
        "constant: by the same answer everywhere; floor: the least of any excitatory-only network on these data.",
        f"kept: at least {KEPT:.0%} of the intact lead is left, over chance by the largest output, over a constant by "
        "one threshold; lost: less is left. not computed: intact there is no lead.",
        polarity,
        *(f"Note: {note}" for note in result.data.notes),
    )


def _table(result):
    table = titled_table(
        f"{result.name} on {result.data.name}, {len(result.data.targets):,} rows: {result.kind} circuit"
    )
    for heading in ("class", "rows", "largest output", "", "one threshold", "constant", "floor", " "):
        table.add_column(heading, justify="left" if not heading.strip() else "right", no_wrap=True)
    for row in rows(result):
        table.add_row(
            f"{row['class']:g}",
            f"{row['rows']:,}",
            f"{row['intact']:.3f} → {row['ablated']:.3f}",
            _coloured(row["verdict"]),
            f"{row['one_threshold_error_intact']:.3f} → {row['one_threshold_error_ablated']:.3f}",
            f"{row['constant_answer_error']:.3f}",
            f"{row['floor']:.3f}",
            _coloured(row["one_threshold_verdict"]),
        )
    equal = f"equals the network within {result.equivalence_error:.1e}"
    if len(result.times):
        half = len(result.times) // 2
        equal = (
            f"agrees with the network on {result.agreement:.1%} of the rows after {result.duration:g} s "
            f"({result.agreement_in_time[half]:.1%} after {result.times[half]:g} s)"
        )
    return (
        table,
        f"Accuracy {result.accuracy[0]:.3f} intact, {result.accuracy[-1]:.3f} without inhibition; the circuit of "
        f"{result.neurons['E']:,} excitatory and {result.neurons['I']:,} inhibitory neurons {equal}.",
        "",
    )


def _plain(result):
    """The network itself without its negative weights, in words."""
    return (
        f"For comparison: with its negative weights set to 0, {result.name} itself has an accuracy of "
        f"{result.zeroed.accuracy[-1]:.3f}."
    )


def _coloured(verdict):
    return f"[{COLOURS[verdict][0]}]{verdict}[/]"


def ablation_figure(results: list[NetworkAblation]) -> Figure:
    """What is left against the fraction of inhibition removed, a column for each kind, and accuracy in time.

    Above by the largest output, below by a threshold on each class's own output; of a network with one output there
    are thresholds only, in one row.
    """
    spiking = [result for result in results if len(result.times)]
    n_rows, columns = 1 if _has_one_output(results[0]) else 2, len(results) + len(spiking)
    figure = Figure(figsize=(SINGLE if columns == 1 else DOUBLE, 2.6 * n_rows + 0.6 * (n_rows == 1)))
    figure.set_layout_engine("constrained")
    axes = figure.subplots(n_rows, columns, squeeze=False)
    for k, result in enumerate(results):
        by_largest_output(axes[0, k], result)
        axes[0, k].set_title(f"{result.kind} circuit")
        if n_rows > 1:
            by_threshold(axes[1, k], result)
    for ax, result in zip(axes[0, len(results) :], spiking, strict=True):
        accuracy_in_time(ax, result)
    legend = axes[1, -1] if spiking and n_rows > 1 else None
    handles = {h.get_label(): h for ax in axes.ravel() for h in ax.get_legend_handles_labels()[0]}.values()
    if legend is None:
        figure.legend(handles=handles, loc="outside lower center", ncols=1 if columns == 1 else 2)
    else:
        legend.axis("off")
        legend.legend(handles=handles, loc="center")
    letters([ax for ax in axes.ravel() if ax.axison], (-22, 4))
    return figure


def _has_one_output(result):
    return len(result.judged) == 1


def by_largest_output(ax: Axes, result: NetworkAblation) -> Axes:
    """Accuracy by the largest output, of all classes and balanced of each; by thresholds if there is one output."""
    ax.set_title(f"{result.name}: {result.kind} circuit")
    if _has_one_output(result):
        return _by_one_output(ax, result)
    balanced = result.balanced_accuracy
    _class_lines(ax, result, balanced, result.verdicts)
    if result.zeroed is not None:
        _zeroed_line(ax, result.fractions, result.zeroed.accuracy)
    ax.plot(result.fractions, result.accuracy, color="black", marker="o", ms=3, label="accuracy, all classes")
    ax.axhline(0.5, color=NEUTRAL, ls=":", lw=0.8, label="above: chance of a class")
    ax.set_ylim(0, 1.03)
    ax.set_ylabel("by the largest output:\n(balanced) accuracy")
    return ax


def _zeroed_line(ax, fractions, values):
    """The network itself, its negative weights reduced instead of the circuit's inhibition."""
    ax.plot(fractions, values, color=SECOND, lw=1.2, ls="-.", marker="D", ms=2.5, mfc="none", label=ZEROED)


def _by_one_output(ax, result):
    """Accuracy by two thresholds on the one output: the best at each dose, and that of the network itself."""
    own, best = {"ls": "--", "marker": "s", "mfc": "none"}, {"ls": "-", "marker": "o"}
    ax.plot(result.fractions, 1 - result.threshold_errors[:, 0], color="black", ms=3, label=BEST_THRESHOLD, **best)
    ax.plot(result.fractions, result.accuracy, color=NEUTRAL, ms=4, label="by the network's own threshold", **own)
    if result.zeroed is not None:
        _zeroed_line(ax, result.fractions, 1 - result.zeroed.threshold_errors[:, 0])
    ax.axhline(1 - result.constant_errors[0], color=NEUTRAL, ls=":", lw=0.8, label="the same answer everywhere")
    reach = 1 - result.floors.one_polarity[0]
    ax.plot([1], [reach], color=EXCITATORY, ls="none", marker="_", ms=9, mew=1.5, label="1 − floor", clip_on=False)
    ax.set_ylim(0, 1.03)
    ax.set_xlabel(REMOVED)
    ax.set_ylabel("share of rows answered correctly")
    return ax


def by_threshold(ax: Axes, result: NetworkAblation) -> Axes:
    """Error of the best threshold on each class's own output, with the floors."""
    errors, floors = result.threshold_errors, result.floors.one_polarity
    _class_lines(ax, result, errors, result.verdicts_by_threshold)
    ax.plot(
        np.ones_like(floors),
        floors,
        color="black",
        ls="none",
        marker="_",
        ms=9,
        label="floor of a class",
        clip_on=False,
    )
    ax.set_ylim(0, 1.1 * max(errors.max(), floors.max(), 1e-3))
    ax.set_ylabel("by a threshold on its own output:\nshare of rows wrong about the class")
    return ax


def _class_lines(ax, result, values, verdicts):
    """A line for each class, by what becomes of it, with its name at the right end."""
    heights = _apart(values[-1], LINE * max(values.max(), 1e-3))
    for k, value in enumerate(result.judged):
        _, colour, dashes = COLOURS[verdicts[k]]
        ax.plot(result.fractions, values[:, k], color=colour, lw=0.8, ls=dashes, alpha=0.7)
        ax.annotate(f"  {value:g}", (1, heights[k]), fontsize=6, va="center", color=colour, annotation_clip=False)
    for verdict, label in LABELS.items():
        if verdict in verdicts:
            _, colour, dashes = COLOURS[verdict]
            ax.plot([], [], color=colour, lw=0.8, ls=dashes, label=label)
    ax.set_xlabel(REMOVED)


def accuracy_in_time(ax: Axes, result: NetworkAblation) -> Axes:
    """Accuracy and agreement of the intact spiking circuit against the length of a trial."""
    hollow = {"marker": "s", "ms": 4, "mfc": "none", "mew": 0.6, "label": "agreement with the network"}
    ax.plot(result.times, result.accuracy_in_time, color="black", marker="o", ms=2, label="accuracy in time")
    ax.plot(result.times, result.agreement_in_time, color=NEUTRAL, lw=0.8, ls="--", **hollow)
    ax.axhline(result.network_accuracy, color="black", ls=":", lw=0.8, label="accuracy of the network")
    ax.set_ylim(0, 1.03)
    ax.set_xlabel("length of a trial (s)")
    ax.set_ylabel("share of rows")
    ax.set_title("intact spiking circuit in time")
    return ax


def _apart(heights, gap):
    """The heights, moved as little as labels there need in order not to overlap."""
    order, room = np.argsort(heights), gap * np.arange(len(heights))
    placed = np.empty(len(heights))
    placed[order] = isotonic_regression(heights[order] - room).x + room
    return placed


def figures(results: list[NetworkAblation]):
    """Pairs of file name and figure."""
    yield "ablation.svg", ablation_figure(results)
    if circuit := drawn_circuit(results):
        yield "circuit.svg", diagram.with_static_dnn(circuit)
