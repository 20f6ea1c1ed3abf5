"""What `certify` found: as JSON, as a table of points, and as a picture; `words` are in `eisim.report.proof`."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from eisim.base.files import frame_to_csv
from eisim.circuit import Circuit
from eisim.functions import TruthTable
from eisim.report import diagram
from eisim.report.circuit import circuit_table
from eisim.report.proof import MEANING, headline_loss
from eisim.report.style import DOUBLE, EXCITATORY, INHIBITORY, NEUTRAL, SINGLE
from eisim.theory.certificate import SMALL, Certificate
from eisim.theory.order import extend
from eisim.theory.sample import Sample
from eisim.theory.synthesis import synthesize


def to_json(certificate: Certificate) -> dict:
    """The certificate as a JSON object; the values of the best monotone functions if there are few points."""
    witness, orientation, data = certificate.witness, certificate.orientation, certificate.data
    return {
        "function": data.name,
        "points": len(data.points),
        "inputs": list(data.names),
        "target": data.target,
        "representable": certificate.representable,
        "violating_pairs": certificate.violating_pairs,
        "witness": witness and [list(witness.lower), list(witness.upper)],
        "inversion_complexity": certificate.inversion_complexity,
        "chain": [list(point) for point in certificate.chain],
        "comparable_share": certificate.comparable_share,
        "floor": certificate.floor,
        "floor_inverted": certificate.floor_inverted,
        "floor_permuted": certificate.floor_permuted,
        "conclusive": certificate.conclusive,
        "floor_with_inhibitory_neurons": {str(r): floor for r, floor in certificate.floor_with.items()},
        "orientation": orientation
        and {
            "flip": [data.names[j] for j in orientation.flipped],
            "floor": orientation.floor,
            "exact": orientation.exact,
            "on_off_floor": orientation.on_off_floor,
        },
        "best_monotone": certificate.best if len(data.points) <= SMALL else None,
        "notes": list(certificate.notes),
    }


def frame(certificate: Certificate) -> pandas.DataFrame:
    """Every point with its target, its weight, and the values of the best monotone function for each loss."""
    best = {f"best_{loss}": best for loss, best in certificate.best.items()}
    return pandas.concat([certificate.data.to_dataframe(), pandas.DataFrame(best)], axis="columns")


def points_table(certificate: Certificate) -> str:
    """The points as CSV."""
    return frame_to_csv(frame(certificate))


def circuit_of(certificate: Certificate) -> Circuit | None:
    """The circuit with the least inhibition that computes a truth table; ``None`` for data and regions."""
    return synthesize(certificate.function) if isinstance(certificate.function, TruthTable) else None


def tables(certificate: Certificate) -> Iterator[tuple[str, str]]:
    """Pairs of file name and CSV."""
    yield "points.csv", points_table(certificate)
    if circuit := circuit_of(certificate):
        yield "circuit.csv", circuit_table(circuit)


def figures(certificate: Certificate) -> Iterator[tuple[str, Figure]]:
    """Pairs of file name and figure: for truth tables and for one or two inputs, and the circuit of a truth table."""
    if found := picture(certificate):
        draw, size = found
        figure = Figure(figsize=size, layout="constrained")
        draw(figure.subplots(), certificate)
        yield "certificate.svg", figure
    if circuit := circuit_of(certificate):
        yield "circuit.svg", diagram.with_static_dnn(circuit)


def picture(certificate: Certificate) -> tuple[Callable[[Axes, Certificate], Axes], tuple[float, float]] | None:
    """What draws a certificate, and the size it needs in inches; ``None`` for data of three inputs or more."""
    n_inputs = certificate.data.n_inputs
    if isinstance(certificate.function, TruthTable) and 2 <= n_inputs <= 5:
        return hypercube, (DOUBLE if n_inputs > 3 else SINGLE, 2.9 + 0.7 * (n_inputs - 2))
    if n_inputs <= 2:
        return (line, plane)[n_inputs - 1], (SINGLE, 3.2)
    return None


def _heading(certificate):
    name = certificate.data.name
    if certificate.representable:
        tells = certificate.conclusive is not False
        return f"{name}: {'an excitatory-only circuit computes it' if tells else 'these rows cannot tell'}"
    loss, _ = _headline(certificate)
    return f"{name}: floor {certificate.floor[loss]:.3g}\n({MEANING[loss]})"


def _headline(certificate):
    """The loss that a picture shows, and the best values."""
    loss = headline_loss(certificate)
    return loss, certificate.best[loss]


def line(ax: Axes, certificate: Certificate) -> Axes:
    """Targets against one input, the best monotone functions, and the witness."""
    data = certificate.data
    x = data.points[:, 0]
    order = np.argsort(x, kind="stable")
    ax.plot(x, data.targets, "o", ms=3, color=NEUTRAL, alpha=0.6, mew=0, label="data")
    styles = {"zero_one": "-", "l1": "--", "l2": "-.", "linf": ":"}
    for loss, best in certificate.best.items():
        label = f"best monotone, {loss.replace('_', '-')}"
        ax.step(x[order], best[order], styles[loss], where="mid", lw=1.2, color=EXCITATORY, label=label)
    if certificate.witness:
        lower, upper = (point[0] for point in certificate.witness)
        ends = data.targets[x == lower].max(), data.targets[x == upper].min()
        arrow = {"arrowstyle": "-|>", "color": INHIBITORY, "lw": 1.5}
        ax.annotate("", (upper, ends[1]), (lower, ends[0]), arrowprops=arrow)
        ax.plot([], [], color=INHIBITORY, label="witness: function falls")
    ax.set_xlabel(data.names[0])
    ax.set_ylabel(data.target)
    ax.set_title(_heading(certificate))
    ax.legend(loc="upper center", bbox_to_anchor=(0.42, -0.18), ncols=2, handlelength=1.6, columnspacing=1)
    return ax


def plane(ax: Axes, certificate: Certificate) -> Axes:
    """Targets over two inputs, the best monotone function as shading behind them, and the witness."""
    data = certificate.data
    low, high = data.targets.min(), data.targets.max()
    loss, best = _headline(certificate)
    first = Sample(data.points, data.targets, data.weights, data.order).first
    seen = np.column_stack([data.points, data.targets])[first]
    scale = {"cmap": LinearSegmentedColormap.from_list("", ["white", EXCITATORY]), "vmin": low, "vmax": high or 1}
    _shade(ax, seen[:, :2], best[first], alpha=0.4, **scale)
    size = np.clip(6e3 / len(seen), 0.3, 20)
    shown = ax.scatter(
        *data.points.T,
        size,
        c=data.targets,
        edgecolors=NEUTRAL,
        linewidths=np.sqrt(size) / 10,
        rasterized=True,
        **scale,
    )
    ax.figure.colorbar(shown, ax=ax, label=f"{data.target} (dots)\nbest monotone, {loss.replace('_', '-')} (behind)")
    if certificate.witness:
        lower, upper = certificate.witness
        arrow = {"arrowstyle": "-|>", "color": INHIBITORY, "lw": 1.8, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9}
        ax.annotate("", upper, lower, arrowprops=arrow, zorder=5)
        ax.plot([], [], color=INHIBITORY, label="witness: inputs rise, function falls")
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    ax.set_xlabel(data.names[0])
    ax.set_ylabel(data.names[1])
    ax.set_title(_heading(certificate), pad=18 if certificate.witness else 6)
    return ax


def _shade(ax, points, best, resolution=200, **style):
    """The least monotone function above the best values, over the whole plane."""
    span = np.ptp(points, axis=0)
    margin = np.where(span > 0, span * 0.05, np.maximum(1, np.abs(points[0])) * 0.05)  # a constant input has no span
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    x, y = (np.linspace(a, b, resolution) for a, b in zip(low, high, strict=True))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    values = extend(grid, points, best).reshape(resolution, resolution)
    ax.imshow(values, origin="lower", extent=(low[0], high[0], low[1], high[1]), aspect="auto", **style)


def hypercube(ax: Axes, certificate: Certificate) -> Axes:
    """All input patterns by number of active inputs, with the falls of the function and a chain of most falls."""
    function = certificate.function
    patterns, values = function.patterns, function.values
    level = patterns.sum(axis=1)
    place = np.empty(len(patterns))
    for k in range(function.n_inputs + 1):
        mine = np.flatnonzero(level == k)[::-1]
        place[mine] = np.arange(len(mine)) - (len(mine) - 1) / 2
    chain = [int("".join(map(str, point)), 2) for point in certificate.chain]
    drawn = {}
    for x in range(len(patterns)):
        for bit in range(function.n_inputs):
            y = x | 1 << bit
            if y != x:
                falls = values[x] and not values[y]
                drawn["falls" if falls else "rises or stays"] = ax.plot(
                    place[[x, y]],
                    level[[x, y]],
                    color=INHIBITORY if falls else "#bbbbbb",
                    lw=1.4 if falls else 0.6,
                    zorder=2 if falls else 1,
                )[0]
    if chain:
        drawn["most falls"] = ax.plot(place[chain], level[chain], color="black", lw=3.5, alpha=0.25, zorder=0.5)[0]
    for x, value in enumerate(values):
        label = "".join(map(str, patterns[x]))
        box = {"boxstyle": "round,pad=0.3", "fc": EXCITATORY if value else "white", "ec": NEUTRAL, "lw": 0.6}
        ax.text(
            place[x],
            level[x],
            label,
            ha="center",
            va="center",
            fontsize=6,
            color="white" if value else "black",
            bbox=box,
        )
    ax.set_ylabel("number of active inputs")
    ax.set_yticks(range(function.n_inputs + 1))
    ax.set_xticks([])
    ax.margins(0.12)
    ax.spines["bottom"].set_visible(False)
    ax.set_title(f"{_heading(certificate)}\nfilled: 1, empty: 0")
    ax.legend(drawn.values(), drawn.keys(), loc="upper center", bbox_to_anchor=(0.5, 0), ncols=3)
    return ax
