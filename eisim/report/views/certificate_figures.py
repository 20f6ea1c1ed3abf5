"""Figures of a certificate: all patterns of a truth table, or points of one input or two."""

import numpy as np

from eisim.functions import TruthTable
from eisim.report.proof import MEANING, headline_loss
from eisim.report.style import DOUBLE, EXCITATORY, INHIBITORY, NEUTRAL, SINGLE, Axes, Figure, new_figure
from eisim.theory.certificate import Certificate
from eisim.theory.order import extend
from eisim.theory.sample import Sample

STYLES = {"zero_one": "-", "l1": "--", "l2": "-.", "linf": ":"}
LOSSES = {"zero_one": "zero-one", "l1": "L1", "l2": "L2", "linf": "L∞"}

#: Of more points than the first number a plane shows the second number, drawn at random.
MOST_DOTS, DOTS = 200_000, 50_000


def drawn_as(certificate: Certificate) -> str:
    """Which function of this module draws a certificate; empty for data of three inputs or more."""
    n_inputs = certificate.data.n_inputs
    if isinstance(certificate.function, TruthTable) and 2 <= n_inputs <= 5:
        return "hypercube"
    return {1: "line", 2: "plane"}.get(n_inputs, "")


def size(certificate: Certificate) -> tuple[float, float]:
    """Width and height that its figure needs, in inches."""
    n_inputs = certificate.data.n_inputs
    if drawn_as(certificate) == "hypercube":
        return DOUBLE if n_inputs > 3 else SINGLE, 2.9 + 0.7 * (n_inputs - 2)
    return SINGLE, 3.2


def draw(ax: Axes, certificate: Certificate) -> None:
    """Draw a certificate on Axes."""
    {"hypercube": hypercube, "line": line, "plane": plane}[drawn_as(certificate)](ax, certificate)


def figure_of(certificate: Certificate) -> Figure:
    """The figure of a certificate."""
    figure = new_figure(*size(certificate), "constrained")
    draw(figure.subplots(), certificate)
    return figure


def _heading(certificate):
    name, loss = certificate.data.name, headline_loss(certificate)
    if certificate.representable:
        tells = certificate.conclusive is not False
        return f"{name}: {'an excitatory-only circuit computes it' if tells else 'these rows cannot tell'}"
    return f"{name}: floor {certificate.floor[loss]:.3g}\n({MEANING[loss]})"


def line(ax: Axes, certificate: Certificate) -> None:
    """Targets against one input, the best monotone functions, and the witness."""
    data = certificate.data
    x = data.points[:, 0]
    order = np.argsort(x, kind="stable")
    ax.plot(x, data.targets, "o", ms=3, color=NEUTRAL, alpha=0.6, mew=0, label="data")
    for loss, best in certificate.best.items():
        label = f"best monotone, {LOSSES[loss]}"
        ax.step(x[order], best[order], STYLES[loss], where="mid", lw=1.2, color=EXCITATORY, label=label)
    if certificate.witness:
        lower, upper = (point[0] for point in certificate.witness)
        ends = data.targets[x == lower].max(), data.targets[x == upper].min()
        arrow = {"arrowstyle": "-|>", "color": INHIBITORY, "lw": 1.5}
        ax.annotate("", (upper, ends[1]), (lower, ends[0]), arrowprops=arrow)
        ax.plot([], [], color=INHIBITORY, label="witness: function falls")
    ax.set(xlabel=data.names[0], ylabel=data.target, title=_heading(certificate))
    ax.legend(loc="upper center", bbox_to_anchor=(0.42, -0.18), ncols=2, handlelength=1.6, columnspacing=1)


def plane(ax: Axes, certificate: Certificate) -> None:
    """Targets over two inputs, the best monotone function as shading behind them, and the witness."""
    from matplotlib.colors import LinearSegmentedColormap

    data, loss = certificate.data, headline_loss(certificate)
    low, high = data.targets.min(), data.targets.max()
    first = Sample(data.points, data.targets, data.weights, data.order).first
    scale = {"cmap": LinearSegmentedColormap.from_list("", ["white", EXCITATORY]), "vmin": low, "vmax": high or 1}
    _shade(ax, data.points[first], certificate.best[loss][first], alpha=0.4, **scale)
    area = np.clip(6e3 / len(first), 0.3, 20)
    edge = {"edgecolors": NEUTRAL, "linewidths": np.sqrt(area) / 10, "rasterized": True}
    dots = slice(None)
    if len(data.targets) > MOST_DOTS:
        dots = np.sort(np.random.default_rng(0).choice(len(data.targets), DOTS, replace=False))
    shown = ax.scatter(*data.points[dots].T, area, c=data.targets[dots], **edge, **scale)
    ax.figure.colorbar(shown, ax=ax, label=f"{data.target} (dots)\nbest monotone, {LOSSES[loss]} (shading)")
    if certificate.witness:
        lower, upper = certificate.witness
        arrow = {"arrowstyle": "-|>", "color": INHIBITORY, "lw": 1.8, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9}
        ax.annotate("", upper, lower, arrowprops=arrow, zorder=5)
        ax.plot([], [], color=INHIBITORY, label="witness: inputs rise, function falls")
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)
    ax.set(xlabel=data.names[0], ylabel=data.names[1])
    ax.set_title(_heading(certificate), pad=18 if certificate.witness else 6)


def _shade(ax, points, best, resolution=200, **style):
    """The least monotone function above the best values, over the whole plane."""
    span = np.ptp(points, axis=0)
    margin = np.where(span > 0, span * 0.05, np.maximum(1, np.abs(points[0])) * 0.05)  # a constant input has no span
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    x, y = (np.linspace(a, b, resolution) for a, b in zip(low, high, strict=True))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    values = extend(grid, points, best).reshape(resolution, resolution)
    ax.imshow(values, origin="lower", extent=(low[0], high[0], low[1], high[1]), aspect="auto", **style)


def hypercube(ax: Axes, certificate: Certificate) -> None:
    """All input patterns by number of active inputs, with the falls of the function and a chain of most falls."""
    function = certificate.function
    patterns, values = function.patterns, function.values
    level = patterns.sum(axis=1)
    place = np.empty(len(patterns))
    for k in range(function.n_inputs + 1):
        mine = np.flatnonzero(level == k)[::-1]
        place[mine] = np.arange(len(mine)) - (len(mine) - 1) / 2
    drawn = {}
    for x, y in ((x, x | 1 << bit) for x in range(len(patterns)) for bit in range(function.n_inputs)):
        if x != y:
            falls = values[x] and not values[y]
            look = {"color": INHIBITORY, "lw": 1.4, "zorder": 2} if falls else {"color": "#bbbbbb", "lw": 0.6}
            (edge,) = ax.plot(place[[x, y]], level[[x, y]], **({"zorder": 1} | look))
            drawn["falls" if falls else "rises or stays"] = edge
    if certificate.chain:
        chain = [int("".join(map(str, point)), 2) for point in certificate.chain]
        drawn["most falls"] = ax.plot(place[chain], level[chain], color="black", lw=3.5, alpha=0.25, zorder=0.5)[0]
    for x, value in enumerate(values):
        box = {"boxstyle": "round,pad=0.3", "fc": EXCITATORY if value else "white", "ec": NEUTRAL, "lw": 0.6}
        ink = {"fontsize": 6, "color": "white" if value else "black", "bbox": box}
        ax.text(place[x], level[x], "".join(map(str, patterns[x])), ha="center", va="center", **ink)
    ax.set(ylabel="number of active inputs", yticks=range(function.n_inputs + 1), xticks=[])
    ax.margins(0.12)
    ax.spines["bottom"].set_visible(False)
    ax.set_title(f"{_heading(certificate)}\nfilled: 1, empty: 0")
    ax.legend(drawn.values(), drawn.keys(), loc="upper center", bbox_to_anchor=(0.5, 0), ncols=3)
