"""The figures of the pages on theory, computed by eisim."""

from dataclasses import replace

import numpy as np
from brian2 import mV, volt
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from eisim import (
    LIF,
    AllToAll,
    Circuit,
    FixedInDegree,
    Input,
    Population,
    Projection,
    Readout,
    ThresholdLinear,
    ablate,
    simulate,
    spectrum,
)
from eisim.analysis.perceptron import capacity, separable_share
from eisim.functions import REGIONS, LabelledData, Region, TruthTable
from eisim.theory.boundaries import REACH, draw_region
from eisim.theory.certificate import certify
from eisim.theory.code import falls_code
from eisim.theory.inversion import falls

ONE, ZERO, LINE = "#d9a441", "#e8e8e8", "#333333"
RISING, FIRES = "#1c4f9c", "#a9c4ea"


def order_cone() -> Figure:
    """Draw the points above one point of the plane, and a boundary that respects all of them."""
    figure = Figure(figsize=(6.4, 2.9), layout="constrained")
    cone, stairs = figure.subplots(1, 2)
    cone.add_patch(Rectangle((0.35, 0.4), 0.65, 0.6, color=ONE, alpha=0.6))
    cone.plot(0.35, 0.4, "o", color=LINE)
    cone.annotate("x: output 1", (0.35, 0.4), (0.08, 0.24))
    cone.text(0.45, 0.7, "output 1 as well")
    cone.set_title("Every point above x")
    grid = np.linspace(0, 1, 200)
    x, y = np.meshgrid(grid, grid)
    stairs.contourf(x, y, REGIONS["staircase"].contains(x, y), [-0.5, 0.5, 1.5], colors=[ZERO, ONE])
    stairs.text(0.6, 0.75, "1")
    stairs.text(0.2, 0.2, "0")
    stairs.set_title("A boundary of an excitatory-only circuit")
    for axes in (cone, stairs):
        _plane(axes)
    return figure


def faces() -> Figure:
    """Draw three regions that no excitatory-only circuit computes, each with a witness found by `certify`."""
    figure = Figure(figsize=(7.2, 2.7), layout="constrained")
    names = {
        "rising-half-plane": "positive slope",
        "disc": "closed region",
        "two-islands": "disconnected regions",
    }
    for axes, (name, title) in zip(figure.subplots(1, 3), names.items(), strict=True):
        region = REGIONS[name]
        grid = np.linspace(0, 1, 300)
        x, y = np.meshgrid(grid, grid)
        axes.contourf(x, y, region.contains(x, y), [-0.5, 0.5, 1.5], colors=[ZERO, ONE])
        certificate = certify(Region(name, region.contains, 24), ("zero_one",), orient=False)
        lower, upper = _longest(certificate)
        axes.annotate("", upper, lower, arrowprops={"arrowstyle": "->", "color": LINE, "lw": 1.5})
        axes.plot(*lower, "o", color=LINE)
        axes.plot(*upper, "o", color=LINE, mfc="white")
        axes.set_title(f"{title}\nfloor {certificate.floor['zero_one']:.3f}")
        _plane(axes)
    return figure


def cover() -> Figure:
    """Draw violating pairs of labelled points, a maximum matching, and a minimum cover."""
    rng = np.random.default_rng(5)
    points = rng.random((26, 2))
    labels = (points.sum(axis=1) > 1) != (rng.random(26) < 0.3)
    certificate = certify(LabelledData(points, labels), ("zero_one",), orient=False)
    wrong = certificate.best["zero_one"] != labels
    ones, zeros = np.flatnonzero(labels), np.flatnonzero(~labels)
    pairs = (points[ones][:, None] <= points[zeros]).all(axis=2)
    partner = maximum_bipartite_matching(csr_array(pairs), perm_type="column")
    figure = Figure(figsize=(6.4, 3.4), layout="constrained")
    edges, best = figure.subplots(1, 2)
    for i, j in zip(*np.nonzero(pairs), strict=True):
        edges.plot(*points[[ones[i], zeros[j]]].T, color="#bbbbbb", lw=0.6, zorder=0)
    for i, j in enumerate(partner):
        if j >= 0:
            edges.plot(*points[[ones[i], zeros[j]]].T, color=LINE, lw=2.2, zorder=1)
    for axes in (edges, best):
        axes.scatter(*points[ones].T, s=34, c=ONE, ec=LINE, lw=0.7, zorder=2, label="label 1", clip_on=False)
        label_0 = {"c": "white", "marker": "s", "label": "label 0"}
        axes.scatter(*points[zeros].T, s=34, ec=LINE, lw=0.7, zorder=2, clip_on=False, **label_0)
        _plane(axes)
    best.scatter(*points[wrong].T, s=150, fc="none", ec=RISING, lw=1.6, zorder=3, label="wrong", clip_on=False)
    edges.set_title(f"{pairs.sum()} violating pairs; matching of {(partner >= 0).sum()}")
    best.set_title(f"cover of {wrong.sum()}: floor {wrong.sum()}/{len(points)}")
    figure.legend(*best.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


def falls_along_chains() -> Figure:
    """Draw parity of three inputs on the cube: a chain with the most falls, their number, and its bits."""
    function = TruthTable("01101001", "parity-3")
    count = falls(function.values)
    bits = falls_code(function, 1)
    chain = certify(function, ("zero_one",)).chain
    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    _hasse(left, function.values, [f"L = {n}" for n in count])
    left.set_title("f = parity: " + " < ".join("".join(str(int(v)) for v in x) for x in chain) + ", a fall")
    _hasse(right, bits[0], [f"I1 {'fires' if b else 'silent'}" for b in bits[0]], FIRES)
    right.set_title("the inhibitory neuron encodes L")
    return figure


def closure() -> Figure:
    """Draw a function of three inputs, and the function that remains after ablation."""
    function = TruthTable("01101001", "parity-3")
    below = (function.patterns[:, None] <= function.patterns).all(axis=2)
    closed = (below & function.values[:, None]).any(axis=0)
    figure = Figure(figsize=(7.2, 3.4), layout="constrained")
    for axes, values, title in zip(
        figure.subplots(1, 2), (function.values, closed), ("f = parity", "ablated: 1 above every 1"), strict=True
    ):
        _hasse(axes, values, [""] * 8)
        axes.set_title(title)
    return figure


def assumptions() -> Figure:
    """Draw a non-decreasing and a band-pass activation of the number of active inputs."""
    figure = Figure(figsize=(6.4, 2.6), layout="constrained")
    drive = np.linspace(-0.5, 2.5, 400)
    curves = {"non-decreasing: OR at best": drive > 0.5, "band-pass: XOR": (drive > 0.5) & (drive < 1.5)}
    for axes, (title, curve) in zip(figure.subplots(1, 2, sharey=True), curves.items(), strict=True):
        axes.plot(drive, curve, color=LINE)
        axes.plot([0, 1, 2], curve[np.searchsorted(drive, [0, 1, 2])], "o", color=RISING)
        axes.set(title=title, xlabel="number of active inputs", xticks=[0, 1, 2], yticks=[0, 1])
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("output")
    return figure


def spectra() -> Figure:
    """Draw the eigenvalues of a sparse E/I matrix, intact and ablated, and its outlier and radius in between."""
    figure = Figure(figsize=(7.2, 2.9), layout="constrained")
    intact, ablated, course = figure.subplots(1, 3)
    circuit = sparse_network(400)
    for axes, fraction, title in ((intact, 0.0, "intact"), (ablated, 1.0, "without inhibition")):
        found = spectrum(ablate(circuit, fraction))
        circle = found.predicted_radius * np.exp(2j * np.pi * np.linspace(0, 1, 200))
        axes.plot(found.eigenvalues.real, found.eigenvalues.imag, "o", ms=1.6, mew=0, color="#777777")
        axes.plot(circle.real, circle.imag, color=RISING, lw=1)
        axes.plot(found.predicted_outliers.real, found.predicted_outliers.imag, "o", ms=9, mfc="none", mec=RISING)
        axes.set(title=title, xlabel="real part", xlim=(-1.3, 2.3), ylim=(-1.3, 1.3), aspect="equal")
    intact.set_ylabel("imaginary part")
    fractions = np.linspace(0, 1, 6)
    found = [spectrum(ablate(circuit, fraction)) for fraction in fractions]
    course.plot(fractions, [(each.sizes @ each.means)[0] for each in found], color=RISING, label="sum of the weights")
    seen = [
        (fraction, each.outliers[0].real) for fraction, each in zip(fractions, found, strict=True) if each.outliers.size
    ]
    course.plot(*zip(*seen, strict=True), "o", ms=4, color=RISING, label="outlier found")
    course.plot(fractions, [each.predicted_radius for each in found], color=ONE, label="predicted radius")
    course.plot(fractions, [each.radius for each in found], "o", ms=4, color=ONE, label="radius found")
    course.axhline(1, color=LINE, lw=0.6, ls=":")
    course.set(title="outlier and radius", xlabel="fraction of inhibition removed", ylim=(-1.2, 4))
    course.legend(loc="upper left", frameon=False)
    return figure


def sparse_network(n: int) -> Circuit:
    """E and I rate units, four to one, with synapses from a fifth of each, whose sums are 2 and -3."""
    sizes, sums = {"E": 4 * n // 5, "I": n // 5}, {"E": 2.0, "I": 3.0}
    return Circuit(
        "sparse",
        [Input("x")],
        [Population(name, name, ThresholdLinear(), size=size) for name, size in sizes.items()],
        [Projection(a, b, FixedInDegree(sizes[a] // 5, 5 * sums[a] / sizes[a])) for a in sizes for b in sizes],
    )


def perceptron() -> Figure:
    """Draw how many random patterns are separable, by weights of any sign and by weights of given signs."""
    figure = Figure(figsize=(7.2, 2.8), layout="constrained")
    share, number = figure.subplots(1, 2)
    kinds = {"free signs": (None, RISING), "half inhibitory": (0.5, "#777777"), "excitatory-only": (0.0, ONE)}
    n, numbers, sizes = 10, np.arange(1, 41), (5, 10, 20, 40)
    for name, (fraction, colour) in kinds.items():
        found = {
            size: capacity(size, None if fraction is None else int(fraction * size), draws=40 if size == n else 20)
            for size in sizes
        }
        has_signs = fraction is not None
        exact = [separable_share(k, n, has_signs) for k in numbers]
        share.plot(numbers / n, exact, color=colour, lw=1)
        share.plot(numbers / n, [(found[n].patterns >= k).mean() for k in numbers], "o", ms=2.5, color=colour)
        middle = np.array([found[size].mean / size for size in sizes])
        ends = np.array([np.array(found[size].interval) / size for size in sizes])
        shift = {"free signs": 1.0, "half inhibitory": 0.96, "excitatory-only": 1.04}[name]
        bars = np.abs(ends.T - middle)
        number.errorbar(np.array(sizes) * shift, middle, bars, fmt="o", ms=3, color=colour, label=name, lw=1)
        number.plot(sizes, [found[size].expected / size for size in sizes], color=colour, lw=1)
    share.set(title=f"{n} inputs", xlabel="patterns per input", ylabel="share that is separable")
    number.set(title="largest number", xlabel="inputs", ylabel="patterns per input", xscale="log", ylim=(0, 4.5))
    number.set_xticks(sizes, sizes)
    number.minorticks_off()
    number.legend(frameon=False)
    return figure


def boundaries() -> Figure:
    """Draw where LIF neurons fire, excitatory-only and with inhibition, and their rate on the diagonal."""
    figure = Figure(figsize=(7.2, 2.9), layout="constrained")
    *planes, along = figure.subplots(1, 3)
    n = 40
    grid = (np.arange(n) + 0.5) / n
    stimuli = np.column_stack([each.ravel() for each in np.meshgrid(grid, grid)])
    cases = (("excitatory-only", False, ONE, "-"), ("with inhibition", True, RISING, "--"))
    for axes, (title, inhibition, colour, line) in zip(planes, cases, strict=True):
        times = {"duration": 0.3, "window": 0.2, "dt": 0.5e-3}
        response = simulate(boundary_network(inhibition), stimuli, backend="numpy", **times)
        rates = response.rates["E"].mean(axis=-1).reshape(n, n)
        axes.imshow(rates > 1, extent=(0, 1, 0, 1), origin="lower", cmap=ListedColormap([ZERO, ONE]), vmin=0, vmax=1)
        for angle in (np.arange(8) + 0.5) / 8 * np.pi / 2:
            for radius, shown, edge in ((0.5, True, LINE), (0.8, inhibition, RISING)):
                if shown:  # the threshold of one neuron
                    x = np.array([0, 1])
                    axes.plot(x, (radius - np.cos(angle) * x) / np.sin(angle), color=edge, lw=0.5)
        axes.set_title(title)
        _plane(axes)
        along.plot(grid, rates.diagonal(), line, color=colour, label=title)
    along.set(title="rate on the diagonal", xlabel="input 1 = input 2", ylabel="rate (Hz)", ylim=(0, 220))
    along.legend(loc="upper left", frameon=False)
    return figure


def boundary_network(inhibition: bool, n: int = 8) -> Circuit:
    """LIF neurons whose thresholds are tangents to a circle, and inhibitory ones to a wider circle."""
    angles = (np.arange(n) + 0.5) / n * np.pi / 2
    tangents = 0.75 * np.array([np.cos(angles), np.sin(angles)])
    populations = [Population("E", "E", LIF(), size=n)]
    projections = [Projection("x", "E", tangents / 0.5), Projection("E", "E", AllToAll(0.1 * mV, autapses=False))]
    if inhibition:
        populations.append(Population("I", "I", LIF(), size=n))
        projections += [Projection("x", "I", tangents / 0.8), Projection("I", "E", AllToAll(20 * mV))]
    return Circuit("boundaries", [Input("x", 2, current=20 * mV)], populations, projections, [Readout("E")])


def regions_by_spikes() -> Figure:
    """Draw where LIF neurons fire that are to fire in a region, excitatory-only and with inhibition."""
    regions = {
        "positive slope": lambda x, y: y - x - 0.03,
        "closed region": lambda x, y: 0.35**2 - (x - 0.5) ** 2 - (y - 0.5) ** 2,
        "disconnected regions": lambda x, y: 2 * (x - 0.5) * (y - 0.5) - 0.04,
    }
    figure = Figure(figsize=(7.2, 5.0), layout="constrained")
    rows = figure.subplots(2, len(regions), sharex=True, sharey=True)
    n = 31
    grid = (np.arange(n) + 0.5) / n
    plane = np.column_stack([each.ravel() for each in np.meshgrid(grid, grid)])
    for (name, function), column in zip(regions.items(), rows.T, strict=True):
        wanted = function(*plane.T) > 0
        circuit = draw_region(function)
        times = {"duration": 0.8, "window": 0.4, "dt": 0.2e-3, "backend": "numpy"}
        for axes, each in zip(column, (best_threshold(circuit, plane, wanted), circuit), strict=True):
            fires = simulate(each, plane, **times).rates["E"].mean(axis=-1) > 1
            colours = {"cmap": ListedColormap([ZERO, ONE]), "vmin": 0, "vmax": 1}
            axes.imshow(fires.reshape(n, n), extent=(0, 1, 0, 1), origin="lower", **colours)
            axes.contour(grid, grid, function(*plane.T).reshape(n, n), [0], colors=LINE, linewidths=1)
            axes.text(0.03, 0.04, f"{(fires == wanted).mean():.0%} right", fontsize=7, transform=axes.transAxes)
            _plane(axes)
        column[0].set(title=name, xlabel="")
    for axes, kind in zip(rows[:, 0], ("excitatory-only", "with inhibition"), strict=True):
        axes.set_ylabel(f"{kind}\ninput 2")
    for axes in rows[:, 1:].ravel():
        axes.set_ylabel("")
    return figure


def best_threshold(circuit: Circuit, plane, wanted) -> Circuit:
    """The circuit without inhibition, with the threshold of all excitatory neurons that is right at most points."""
    cells, inhibitory = circuit.populations
    drive = (plane @ circuit.weights(circuit.projections[0]).toarray() * REACH + cells.bias).max(axis=1)
    threshold = max(np.unique(drive), key=lambda level: ((drive > level) == wanted).mean())
    cells = replace(cells, bias=(cells.bias + REACH - threshold) * volt)
    return replace(ablate(circuit), populations=(cells, inhibitory))


FIGURES = (
    order_cone,
    faces,
    cover,
    falls_along_chains,
    closure,
    assumptions,
    spectra,
    perceptron,
    boundaries,
    regions_by_spikes,
)


def _plane(axes):
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[0, 1], yticks=[0, 1], xlabel="input 1", ylabel="input 2", aspect="equal")


def _longest(certificate):
    """Of all violating pairs of a region's cells the one with the nearest middle to the region's own, and long."""
    data = certificate.data
    inside, outside = data.points[data.targets == 1], data.points[data.targets == 0]
    length = np.minimum(*(outside[None] - inside[:, None]).transpose(2, 0, 1)) * 1.0
    ordered = (outside[None] >= inside[:, None]).all(axis=2)
    i, j = np.unravel_index(np.where(ordered, -np.abs(length - 0.15), -np.inf).argmax(), length.shape)
    return inside[i], outside[j]


def _hasse(axes, values, labels, colour=ONE):
    """The cube of three inputs, more active inputs higher up."""
    patterns = (np.arange(8)[:, None] >> np.arange(3)[::-1]) & 1
    level = patterns.sum(axis=1)
    across = np.array([0, 1, 0, 1, -1, 0, -1, 0])  # 011 in the right, 110 in the left upper corner
    across[[1, 2, 4]], across[[3, 5, 6]] = (1, 0, -1), (1, 0, -1)
    at = np.column_stack([across, level])
    for i in range(8):
        for j in range(8):
            if level[j] == level[i] + 1 and (patterns[i] <= patterns[j]).all():
                axes.plot(*at[[i, j]].T, color="#bbbbbb", lw=1, zorder=0)
    axes.scatter(*at.T, s=520, c=np.where(values, colour, ZERO), ec=LINE, lw=0.8)
    for (x, y), pattern, label in zip(at, patterns, labels, strict=True):
        axes.text(x, y, "".join(map(str, pattern)), ha="center", va="center", fontsize=8)
        axes.text(x + 0.2, y - 0.2, label, fontsize=7.5)
    axes.set(xlim=(-1.4, 1.9), ylim=(-0.5, 3.4))
    axes.axis("off")
