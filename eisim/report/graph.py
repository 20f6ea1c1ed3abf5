"""Boxes and the arrows between them, laid out in layers from the inputs onwards, each arrow with its label.

Boxes, labels and the points that an arrow passes each have their own place in a column; lines bend only
between the columns. Hence no line crosses a box or a label, and no two of these overlap. Everything is in inches.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from graphlib import TopologicalSorter
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextToPath

from eisim.analysis.isotonic import isotonic
from eisim.report.style import MARKED

NAME_SIZE, TEXT_SIZE = 7.5, 6.5  # pt
LINE, PAD, LOOP, MARGIN = 0.125, 0.08, 0.22, 0.03
#: Straight end of an arrow at a box, and distance of neighbours in a column.
STUB, APART = 0.08, 0.07
#: Distance of arrows at a box; room between a box and the bar that ends an arrow; an arrow out of the drawing.
PORT, BAR, OUT = 0.18, 0.035, 0.22
#: Room at the sides of a label: a stub of its arrow that touches it would read as a minus sign.
CLEAR = 0.06
#: Width of the band below a marked arrow, in points.
BAND = 5.5


@dataclass(frozen=True)
class Box:
    """A box with its name and lines below it."""

    name: str
    lines: tuple[str, ...]
    colour: str
    shape: str  # "square", "round" or "pill"
    output: bool = False  # whether an arrow leaves the drawing from here
    marked: bool = False  # whether it is filled


@dataclass(frozen=True)
class Arrow:
    """An arrow between boxes, which are given by their places in the sequence, with the lines of its label."""

    source: int
    target: int
    lines: tuple[str, ...]
    colour: str
    end: str  # "arrow", "bar" or "both"
    marked: bool = False  # whether a band lies below it


@dataclass(frozen=True)
class Layout:
    """Boxes and arrows with their places from the lower left: centres, widths and heights have the shape (n, 2)."""

    boxes: Sequence[Box]
    arrows: Sequence[Arrow]
    size: np.ndarray
    box_at: np.ndarray
    box_size: np.ndarray
    label_at: np.ndarray
    label_size: np.ndarray
    paths: list[Path]  # of the arrows, then of those out of the drawing


def layers(n: int, pairs: Sequence[tuple[int, int]], late: Sequence[bool]) -> np.ndarray:
    """Layer of each of n boxes: its longest path from the first ones, by arrows from a source to a target.

    Boxes of a loop share a layer; or two, if some are late and others are not.
    """
    late = np.asarray(late, dtype=bool)
    source, target = np.array(pairs, dtype=int).reshape(-1, 2).T
    reach = np.eye(n, dtype=bool)
    reach[source, target] = True
    for _ in range(n.bit_length()):  # paths twice as long
        reach = reach @ reach
    loop = (reach & reach.T).argmax(axis=1)  # the first box of each box's loop
    length = 1 + np.isin(np.arange(n), loop[late]) * np.isin(np.arange(n), loop[~late])
    before = {c: set() for c in range(n)}
    for s, t in zip(loop[source].tolist(), loop[target].tolist(), strict=True):
        if s != t:
            before[t].add(s)
    first = np.zeros(n, dtype=int)
    for c in TopologicalSorter(before).static_order():
        first[c] = max((first[s] + length[s] for s in before[c]), default=0)
    return first[loop] + ((length[loop] == 2) & late)


@lru_cache(maxsize=1024)
def text_width(text: str, size: float, bold: bool = False) -> float:
    """Width of a line of text, in inches."""
    font = FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal")
    return TextToPath().get_text_width_height_descent(text, font, ismath=False)[0] / 72


def _widest(lines):
    return max((text_width(line, TEXT_SIZE) for line in lines), default=0)


def lay_out(boxes: Sequence[Box], arrows: Sequence[Arrow], late: Sequence[bool], upright: bool = False) -> Layout:
    """Give boxes, arrows and labels their places; layers follow each other to the right, or downwards if `upright`."""
    n, axes = len(boxes), [1, 0] if upright else [0, 1]  # along the layers (u), and across them (v)
    widths = [max(text_width(b.name, NAME_SIZE, True), _widest(b.lines)) for b in boxes]
    box_size = np.column_stack([widths, [LINE * (1 + len(b.lines)) for b in boxes]])[:, axes] + 2 * PAD
    label_size = [(_widest(a.lines) + 2 * CLEAR, LINE * len(a.lines)) for a in arrows]
    label_size = np.array(label_size).reshape(-1, 2)[:, axes]
    layer = layers(n, [(a.source, a.target) for a in arrows], late)
    column, stops, label = _columns(layer, arrows)
    for (box, _), users in Counter(side for path in stops for side in _sides(path, column)).items():
        box_size[box, 1] = max(box_size[box, 1], PORT * users)

    extent = np.zeros((len(column), 2))
    extent[:n] = box_size + np.array([2 * STUB, APART])
    extent[[*label.values()]] = label_size[[*label]]
    above, below = (extent[:, 1] + APART) / 2, (extent[:, 1] + APART) / 2
    down = [k for k, b in enumerate(boxes) if b.output and column[k] < column.max()]
    below[down] += OUT
    for k in (k for k, path in enumerate(stops) if not path):
        above[arrows[k].source] += LOOP + label_size[k, 1]
    v = _across(n, column, stops, label, above, below)
    levels = _levels(stops, column, v, box_size)
    edges = _edges(stops, column, extent[:, 0] / 2, levels)

    at = np.column_stack([edges.mean(axis=1)[column], v])
    label_at, paths = np.zeros((len(arrows), 2)), []
    for k, (arrow, path) in enumerate(zip(arrows, stops, strict=True)):
        if not path:
            half = box_size[arrow.source] / 2
            paths.append(_bow(at[arrow.source] + half * [[-0.4, -1], [0.4, -1]], np.array([0, -LOOP])))
            label_at[k] = at[arrow.source] - [0, half[1] + LOOP + 0.02 + label_size[k, 1] / 2]
            continue
        label_at[k] = at[label[k]]
        gap = label_at[k, 0] + label_size[k, 0] * np.array([-0.5, 0.5])
        ends, sides = np.transpose(_sides(path, column))
        ports = np.column_stack([at[ends, 0] + sides * box_size[ends, 0] / 2, levels[k][[0, -1]]])
        if layer[arrow.source] == layer[arrow.target]:
            beyond = min(gap, key=lambda u: abs(u - ports[0, 0]))
            paths.append(_bow(ports, np.array([beyond - ports[:, 0].mean(), 0])))
        else:
            paths.append(_through(ports[:, 0], levels[k], edges[column[path]], path.index(label[k]), gap))
    for k in (k for k, b in enumerate(boxes) if b.output):
        step = np.array([0, box_size[k, 1] / 2] if k in down else [box_size[k, 0] / 2, 0])
        paths.append(Path(at[k] + np.outer([1, 1 + OUT / step.sum()], step)))

    right = max([edges.max(), *(path.vertices[:, 0].max() for path in paths)])
    low = np.array([edges.min(), (v - above).min()]) - MARGIN
    size = (np.array([right, (v + below).max()]) + MARGIN - low)[axes]

    def xy(points):
        x, y = (points - low).T[axes]
        return np.column_stack([x, size[1] - y])

    paths = [Path(xy(path.vertices), path.codes) for path in paths]
    return Layout(boxes, arrows, size, xy(at[:n]), box_size[:, axes], xy(label_at), label_size[:, axes], paths)


def _columns(layer, arrows):
    """Columns of boxes, then of stops; the stops of each arrow, with its ends; and which of them is its label."""
    home = {}
    for k, a in enumerate(arrows):
        low, high = sorted((layer[a.source], layer[a.target]))
        if high - low > 1:
            home[k] = 4 * ((low + high) // 2)  # below a box there is more room than between two
        elif a.source != a.target:
            home[k] = 4 * low + (2 if low < high else 1 if a.source < a.target else -1)
    used = sorted({*(4 * layer).tolist(), *home.values()})
    column, stops, label = [*(4 * layer)], [[] for _ in arrows], {}
    for k, at in home.items():
        source, target = arrows[k].source, arrows[k].target
        low, high = sorted((column[source], column[target]))
        mine = [c for c in used if low < c < high] or [at]
        new = len(column) + np.arange(len(mine))
        label[k] = int(new[mine.index(at)])
        stops[k] = [source, *new[:: 1 if column[source] <= column[target] else -1].tolist(), target]
        column += mine
    return np.searchsorted(used, column), stops, label


def _sides(path, column):
    """Box and its side, 1 or -1, at both ends of an arrow."""
    return [(b, int(np.sign(column[to] - column[b]))) for b, to in (path[:2], path[:-3:-1])] if path else []


def _across(n, column, stops, label, above, below):
    """Place of each box and stop across the layers: between its neighbours, as nearly as the others let it."""
    count = len(column)
    pull, bias, level = np.zeros((count, count)), np.zeros(count), np.arange(count)
    for k, path in ((k, path) for k, path in enumerate(stops) if path):
        skips, way = np.isin(column[path[1:-1]], column[:n]).sum(), np.sign(column[path[-1]] - column[path[0]])
        bias[path[1:-1]] = way * (0.01 * skips or -0.001)  # what skips lies below, what goes on above what goes back
        level[path[1:-1]] = label[k]
        for p, q in pairwise(path):
            pull[p, q] = pull[q, p] = 0.1 if skips else 1.0
    pull += np.diag(~pull.any(axis=1))
    pull /= pull.sum(axis=1, keepdims=True)
    v, columns = np.zeros(count), [np.flatnonzero(column == c) for c in range(column.max() + 1)]

    weight = np.where(level == np.arange(count), 20.0, 1.0)  # what an arrow passes gives way to labels, these to boxes
    weight[:n] = 100

    def settle(mine, wanted):
        order = np.argsort(np.round(wanted, 6), kind="stable")
        mine = mine[order]
        v[mine] = apart(wanted[order], below[mine[:-1]] + above[mine[1:]], weight[mine])

    for mine in 15 * (columns + columns[::-1]):
        settle(mine, pull[mine] @ v + bias[mine])
    for mine in columns:  # an arrow that passes columns is as level as they let it
        settle(mine, v[level[mine]])
    return v


def apart(wanted, distances, weight=1.0, low=-np.inf, high=np.inf):
    """Places nearest to the wanted ones, which are sorted, that have these distances at least."""
    start = np.concatenate([[0], np.cumsum(distances)])
    return np.clip(isotonic(wanted - start, weight), low, high - start[-1]) + start


def _levels(stops, column, v, box_size):
    """Where across the layers each arrow leaves its source, passes its stops and reaches its target."""
    levels, users = [v[path] for path in stops], defaultdict(list)
    for k, path in enumerate(stops):
        for end, side in zip((0, -1), _sides(path, column), strict=False):
            users[side].append((levels[k][1 if end == 0 else -2], k, end))
    for (box, _), mine in users.items():
        reach = box_size[box, 1] / 2 - PORT / 2
        wanted = np.array([level for level, _, _ in sorted(mine)])
        places = apart(wanted, np.full(len(mine) - 1, PORT), 1.0, v[box] - reach, v[box] + reach)
        for place, (_, k, end) in zip(places, sorted(mine), strict=True):
            levels[k][end] = place
    return levels


def _edges(stops, column, half, levels):
    """Both edges of every column, farther from each other the more the lines between them rise."""
    half = np.array([half[column == c].max() for c in range(column.max() + 1)])
    rise = np.zeros(len(half))
    for path, level in zip(stops, levels, strict=True):
        between = np.minimum(column[path[:-1]], column[path[1:]]).astype(int)
        np.maximum.at(rise, between, np.abs(np.diff(level)))
    gaps = np.clip(0.03 + 0.4 * rise, 0, 0.25)[:-1]
    middle = np.concatenate([[0], np.cumsum(half[:-1] + gaps + half[1:])])
    return middle[:, None] + np.outer(half, [-1, 1])


def _bow(ends, out):
    """A path between two places that bends outwards by the given distance."""
    start, end = ends
    return Path([start, start + 4 / 3 * out, end + 4 / 3 * out, end], [Path.MOVETO, *[Path.CURVE4] * 3])


def _through(ends, level, edges, label, gap):
    """Level through every column, with a gap for the label, and bent between columns."""
    way = 1 if edges[-1, 0] > edges[0, 0] else -1
    edges = edges[:, ::way].copy()
    edges[0, 0], edges[-1, 1] = ends
    points, codes = [(edges[0, 0], level[0])], [Path.MOVETO]
    for j, v in enumerate(level):
        if j:
            middle = (edges[j - 1, 1] + edges[j, 0]) / 2
            points += [(middle, level[j - 1]), (middle, v), (edges[j, 0], v)]
            codes += [Path.CURVE4] * 3
        if j == label:
            points += [(u, v) for u in gap[::way]]
            codes += [Path.LINETO, Path.MOVETO]
        points.append((edges[j, 1], v))
        codes.append(Path.LINETO)
    return Path(points, codes)


#: How an arrow ends; ``"both"`` has the head and the bar.
ENDS = {"arrow": ("-|>,head_length=0.4,head_width=0.2",), "bar": ("|-|,widthA=0,widthB=0.4",)}
ENDS["both"] = ENDS["arrow"] + ENDS["bar"]


def draw(ax: Axes, *layouts: Layout) -> None:
    """Draw the layout that fits best on Axes, which lose their frame; smaller where there is less room than needed."""
    if engine := ax.figure.get_layout_engine():
        engine.execute(ax.figure)  # letters shrink with the boxes, so their size is to be known
    room = ax.get_window_extent().size / ax.figure.dpi
    scales = [min(1, *(room / layout.size)) for layout in layouts]
    scale, layout = max(scales), layouts[int(np.argmax(scales))]
    for limit, middle, half in zip((ax.set_xlim, ax.set_ylim), layout.size / 2, room / scale / 2, strict=True):
        limit(middle - half, middle + half)
    ax.axis("off")
    outwards = [Arrow(k, k, (), box.colour, "arrow") for k, box in enumerate(layout.boxes) if box.output]
    for arrow, path in zip([*layout.arrows, *outwards], layout.paths, strict=True):
        _arrow(ax, path, arrow, scale)
    write = {"ha": "center", "va": "center"}
    for arrow, at in zip(layout.arrows, layout.label_at, strict=True):
        text = "\n".join(arrow.lines)
        ax.text(at[0], at[1], text, color=arrow.colour, fontsize=TEXT_SIZE * scale, linespacing=1.15, **write)
    for box, at, size in zip(layout.boxes, layout.box_at, layout.box_size, strict=True):
        rounding = {"square": 0, "round": 0.06, "pill": 0.16}[box.shape]
        fill = MARKED if box.marked else "white"
        style = {"boxstyle": f"round,pad=0,rounding_size={rounding}", "fc": fill, "ec": box.colour}
        ax.add_patch(FancyBboxPatch(at - size / 2, *size, lw=1.3 * scale, zorder=2, **style))
        top = at[1] + LINE * len(box.lines) / 2
        name = {"color": box.colour, "fontsize": NAME_SIZE * scale, "fontweight": "bold"}
        ax.text(at[0], top, box.name, **name, **write)
        for j, line in enumerate(box.lines, 1):
            ax.text(at[0], top - LINE * j, line, fontsize=TEXT_SIZE * scale, **write)


def _arrow(ax, path, arrow, scale):
    if arrow.marked:
        ax.add_patch(PathPatch(path, fc="none", ec=MARKED, lw=BAND * scale, capstyle="butt", zorder=0.5, gid="band"))
    points = path.vertices
    if arrow.end != "arrow":
        last = points[-1] - points[-2]
        points = np.vstack([points[:-1], points[-1] - BAR * last / np.hypot(*last)])
    style = {"color": arrow.colour, "lw": 1.1 * scale, "ls": "--" if arrow.end == "both" else "-", "zorder": 1}
    style |= {"mutation_scale": 12 * scale, "joinstyle": "round", "capstyle": "butt", "shrinkA": 0, "shrinkB": 0}
    for end in ENDS[arrow.end]:
        ax.add_patch(FancyArrowPatch(path=Path(points, path.codes), arrowstyle=end, gid=arrow.end, **style))
