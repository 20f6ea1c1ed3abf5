"""Figures of Boolean functions with and without inhibition; excitation and inhibition have the same two colours."""

import numpy as np

from eisim.circuit import Circuit
from eisim.report.circuit import SHOWN_UNITS
from eisim.report.figures import ABOVE_NAMES, raster, readout_traces
from eisim.report.judgements import mark_controls
from eisim.report.style import DOUBLE, EXCITATORY, INHIBITORY, NEUTRAL, SINGLE, Axes, Figure, letters, new_figure
from eisim.report.style import TALLEST as PAGE_HEIGHT
from eisim.studies.boolean import AblationResult, CaseResult
from eisim.studies.census import bits

REMOVED, RIGHT = "fraction of inhibition removed", "share of patterns answered correctly"
SYSTEM_STYLES = {
    "spiking_noisy": ("spiking circuit, with noise", {"ls": "-", "marker": "o", "ms": 2.5}),
    "rate": ("rate circuit", {"ls": "--", "marker": "s", "ms": 2.5}),
    "dnn": ("f–I approximation", {"ls": ":", "marker": "D", "ms": 5, "mfc": "none", "mew": 0.5}),
}


def ablation_curves(result: AblationResult) -> Figure:
    """Accuracy against the fraction of inhibition removed, a panel for each function, with the floor."""
    n = len(result.cases)
    columns = min(4, n)
    rows = -(-n // columns)
    above = 0.9 if columns > 1 else 1.7  # one column has a line of its own for each entry
    height = min(1.4 * rows + 0.25 + above, PAGE_HEIGHT) if columns > 1 else 3.6
    figure = new_figure(DOUBLE if columns > 1 else SINGLE, height)
    grid = figure.subplots(rows, columns, squeeze=False)
    left = 0.55 / figure.get_figwidth()
    figure.subplots_adjust(left=left, right=0.985, bottom=0.5 / height, top=1 - above / height, hspace=0.32, wspace=0.1)
    axes = grid.ravel()[:n]
    for axis, case in zip(axes, result.cases, strict=True):
        ablation_curve(axis, case)
    for k, axis in enumerate(axes):
        axis.set(xlabel="", ylabel="")
        if k % columns:  # ticks cost a quarter of the drawing time
            axis.set_yticks([])
        if k + columns < n:
            axis.set_xticks([])
    for axis in grid.flat[n:]:
        axis.axis("off")
    figure.supxlabel(REMOVED, fontsize=8, y=0.1 / height)
    figure.supylabel(RIGHT, fontsize=8, x=0.1 / figure.get_figwidth())
    named = {label: h for ax in axes for h, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(named.values(), named, loc="upper center", ncols=3 if columns > 1 else 1)
    return figure


def ablation_curve(ax: Axes, case: CaseResult) -> None:
    """One function's accuracy against the fraction of inhibition removed."""
    best = 1 - case.certificate.floor["zero_one"]
    top = 1.05 if best < 1 else 1  # without a floor there is nothing out of reach
    ax.axhspan(best, top, color="#e2e2e2", linewidth=0, label="unattainable if excitatory-only")
    ax.axhline(best, color=EXCITATORY, lw=0.8, label="1 − floor")
    measured = accuracy_by_level(case)
    several = sum(system.endswith("dnn") for system in case.measurements) > 1
    for system, (label, style) in SYSTEM_STYLES.items():
        if system in measured:
            label += " (the lower of two)" * (system == "dnn" and several)
            ax.plot(case.fractions, measured[system], lw=1, color=NEUTRAL, label=label, **style)
    judgements = {curve.system: curve.judgement for curve in case.curves}
    mark_controls(ax, judgements[next(iter(case.kinds))])
    colour = {"kept": "black", "lost": INHIBITORY}.get(case.verdict, NEUTRAL)
    ax.set_title(f"{case.case.name}: {case.verdict}", color=colour)
    ax.set(xlim=(-0.05, 1.2), ylim=(-0.05, 1.05), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    ax.set(xlabel=REMOVED, ylabel=RIGHT)


def accuracy_by_level(case: CaseResult) -> dict[str, np.ndarray]:
    """Accuracy at each level of ablation, by system; ``"dnn"`` is the lower of the f–I approximations."""
    measured = {system: m.accuracy[:-1] for system, m in case.measurements.items()}
    return measured | {"dnn": np.min([m for system, m in measured.items() if system.endswith("dnn")], axis=0)}


def activity(case: CaseResult) -> Figure:
    """Spikes, and readout rates over time, for every input pattern, intact and ablated; a row for each kind."""
    rows = [kind for kind in ("spiking", "rate") if kind in case.kinds]
    heights = [{"spiking": 2.6, "rate": 1.4}[kind] for kind in rows]
    bottom, above = 0.45 + 0.45 * ("rate" in rows), 0.28 + 0.15 * ("spiking" in rows)
    height = sum(heights) + 0.5 * len(rows) + bottom - 0.45 + above - 0.28
    figure = new_figure(DOUBLE, height)
    axes = figure.subplots(len(rows), 2, sharex="row", sharey="row", height_ratios=heights, squeeze=False)
    ends = {"bottom": bottom / height, "top": 1 - above / height}
    figure.subplots_adjust(left=0.185, right=0.985, hspace=0.4, wspace=0.06, **ends)
    for kind, row in zip(rows, axes, strict=True):
        for ax, condition in zip(row, ("intact", "ablated"), strict=True):
            response = getattr(case.kinds[kind], condition)
            names = [bits(pattern) for pattern in case.case.function.patterns]
            (raster if kind == "spiking" else readout_traces)(ax, response, names)
            shown = "spikes" if kind == "spiking" else "rate circuit"
            ax.set_title(f"{case.case.name}, {condition}: {shown}", pad=ABOVE_NAMES if kind == "spiking" else None)
        row[1].set_ylabel("")
        if kind == "rate":
            handles, labels = row[0].get_legend_handles_labels()
            figure.legend(handles, labels, title="input pattern", loc="lower center", ncols=min(len(labels), 9))
    letters(axes.ravel(), (-8, 4))
    return figure


def accuracies(ax: Axes, result: AblationResult) -> None:
    """Of every case the least accuracy over systems, intact and ablated, and the most of an excitatory-only circuit."""
    y = np.arange(len(result.cases))
    intact, ablated = (
        [min(case.accuracy(condition).values()) for case in result.cases] for condition in ("intact", "ablated")
    )
    reach = [1 - case.certificate.floor["zero_one"] for case in result.cases]
    ax.hlines(y, ablated, intact, color="#cccccc", lw=1, zorder=0)
    ax.plot(intact, y, "o", color="black", mfc="white", ms=5.5, label="intact")
    ax.plot(ablated, y, "o", color="black", ms=3, label="ablated")
    ax.plot(reach, y, "|", color=EXCITATORY, ms=9, mew=1.5, label="1 − floor")
    ax.set_yticks(y, [f"{case.case.name}: {case.verdict}" for case in result.cases])
    ax.set(xlim=(-0.03, 1.03), ylim=(len(y) - 0.5, -0.5), xlabel=RIGHT, ylabel="function: verdict")
    ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=3, borderaxespad=0)


def weights(circuit: Circuit, dnn) -> Figure:
    """Signed weight matrices of a circuit and of its f–I approximation, side by side."""
    from matplotlib.colors import LinearSegmentedColormap

    figure = new_figure(DOUBLE, 3.4)
    left, right = figure.subplots(1, 2, sharey=True)
    figure.subplots_adjust(left=0.195, right=0.97, bottom=0.27, top=0.92, wspace=0.08)
    unit, scale = SHOWN_UNITS[circuit.populations[0].neuron.weight_unit]
    signs = LinearSegmentedColormap.from_list("inhibition-excitation", [INHIBITORY, "white", EXCITATORY])
    ours = {(p.source, p.target): circuit.sign(p) * circuit.weights(p).toarray() for p in circuit.projections}
    theirs = {(s, layer.name): w.toarray() for layer in dnn.layers for s, w in layer.incoming}
    sources, targets = [*circuit.inputs, *circuit.populations], list(circuit.populations)
    of_dnn = f"{unit}/Hz" if circuit.kind == "spiking" else unit
    for ax, blocks, title in (
        (left, ours, f"circuit: weight ({unit})"),
        (right, theirs, f"f–I approximation: weight ({of_dnn})"),
    ):
        matrix = np.block(
            [[blocks.get((s.name, t.name), np.zeros((s.size, t.size))) for t in targets] for s in sources]
        )
        largest = np.abs(matrix).max() * scale or 1
        image = ax.imshow(matrix * scale, cmap=signs, vmin=-largest, vmax=largest, aspect="auto")
        figure.colorbar(image, ax=ax, shrink=0.85)
        ax.set_title(title)
        for axis, members in ((ax.xaxis, targets), (ax.yaxis, sources)):
            edges = np.cumsum([0, *(m.size for m in members)])
            axis.set_ticks((edges[:-1] + edges[1:] - 1) / 2, [m.name for m in members])
            for edge in edges[1:-1]:
                (ax.axvline if axis is ax.xaxis else ax.axhline)(edge - 0.5, color="#999999", lw=0.5)
        ax.set_xlabel("target")
        ax.set_xticks(ax.get_xticks(), ax.get_xticklabels(), rotation=35, ha="right", rotation_mode="anchor")
        ax.spines[["top", "right"]].set_visible(True)
    left.set_ylabel("source")
    letters((left, right))
    return figure
