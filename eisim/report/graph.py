"""Boxes and the arrows between them, laid out in layers from the inputs on, each arrow with its label.

Everything is measured in inches. Arrows between neighbouring layers are straight; an arrow that skips layers goes
around them, forward ones on one side and backward ones on the other, so that none crosses a box.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from graphlib import TopologicalSorter

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import TextToPath
from scipy import sparse

NAME_SIZE, TEXT_SIZE = 7.5, 6.5  # pt
LINE = 0.125  # in
PAD, GAP, LOOP, LANE = 0.08, 0.15, 0.22, 0.07
#: Room between a box and the bar that ends an arrow, and length of an arrow out of the drawing.
BAR, OUT = 0.035, 0.22
#: Room at the sides of a label: a stub of its arrow that touches it would read as a minus sign.
CLEAR = 0.06


@dataclass(frozen=True)
class Box:
    """A box.

    Attributes
    ----------
    name : str
    lines : tuple of str
        Below the name.
    colour : str
    shape : {"square", "round", "pill"}
    output : bool
        Whether an arrow leaves the drawing from here.
    """

    name: str
    lines: tuple[str, ...]
    colour: str
    shape: str
    output: bool = False


@dataclass(frozen=True)
class Arrow:
    """An arrow between boxes, by their places in the sequence.

    Attributes
    ----------
    source, target : int
    lines : tuple of str
        Its label.
    colour : str
    end : {"arrow", "bar", "both"}
    dashed : bool
    """

    source: int
    target: int
    lines: tuple[str, ...]
    colour: str
    end: str
    dashed: bool = False


#: How an arrow ends; ``"both"`` has the head and the bar.
ENDS = {"arrow": ("-|>,head_length=0.4,head_width=0.2",), "bar": ("|-|,widthA=0,widthB=0.4",)}
ENDS["both"] = ENDS["arrow"] + ENDS["bar"]


def layers(n: int, pairs: Sequence[tuple[int, int]], late: Sequence[bool]) -> np.ndarray:
    """Layer of each box: its longest path from the first ones; boxes of a loop share one or two.

    Parameters
    ----------
    n : int
        Number of boxes.
    pairs : sequence of (int, int)
        Source and target of each arrow.
    late : sequence of bool
        Boxes that, in a loop with others that are not, come in a layer after them.

    Returns
    -------
    ndarray of int, shape (n,)
    """
    late = np.asarray(late, dtype=bool)
    source, target = np.array(pairs, dtype=int).reshape(-1, 2).T
    arrows = sparse.csr_array((np.ones(len(source)), (source, target)), shape=(n, n))
    count, loop = sparse.csgraph.connected_components(arrows, connection="strong")
    length = 1 + np.isin(np.arange(count), loop[late]) * np.isin(np.arange(count), loop[~late])
    before = {c: set() for c in range(count)}
    for s, t in zip(loop[source].tolist(), loop[target].tolist(), strict=True):
        if s != t:
            before[t].add(s)
    first = np.zeros(count, dtype=int)
    for c in TopologicalSorter(before).static_order():
        first[c] = max((first[s] + length[s] for s in before[c]), default=0)
    return first[loop] + ((length[loop] == 2) & late)


@lru_cache(maxsize=1024)
def text_width(text: str, size: float, bold: bool = False) -> float:
    """Width of a line of text, in inches."""
    font = FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal")
    return TextToPath().get_text_width_height_descent(text, font, ismath=False)[0] / 72


@dataclass(eq=False)
class Layout:
    """Boxes and arrows with their places.

    ``upright`` lays the layers out from top to bottom instead of from left to right. Along the layers is u, across
    them is v; places are those of a drawing whose origin is at its lower left.
    """

    boxes: Sequence[Box]
    arrows: Sequence[Arrow]
    late: Sequence[bool]
    upright: bool = False
    size: np.ndarray = field(init=False)

    def __post_init__(self):
        self.layer = layers(len(self.boxes), [(a.source, a.target) for a in self.arrows], self.late)
        self._measure()
        self._place()
        self._route()
        self._label()
        self._frame()

    def _measure(self):
        self.sizes = np.array(
            [
                (
                    max([text_width(b.name, NAME_SIZE, True), *(text_width(t, TEXT_SIZE) for t in b.lines)]) + 2 * PAD,
                    LINE * (1 + len(b.lines)) + 2 * PAD,
                )
                for b in self.boxes
            ]
        )
        self.labels = np.array(
            [(max(text_width(t, TEXT_SIZE) for t in a.lines) + 2 * CLEAR, LINE * len(a.lines)) for a in self.arrows]
        ).reshape(-1, 2)
        swap = [1, 0] if self.upright else [0, 1]
        self.u_size, self.v_size = self.sizes[:, swap].T
        self.u_label, self.v_label = self.labels[:, swap].T
        self.span = np.array([self.layer[a.target] - self.layer[a.source] for a in self.arrows], dtype=int)
        room = defaultdict(float)  # that the labels of arrows on one side of a box need
        for k, a in enumerate(self.arrows):
            if self.span[k]:
                way = np.sign(self.span[k])
                for end in ((a.source, way), (a.target, -way)):
                    room[end] += self.v_label[k] + 0.03 if abs(self.span[k]) == 1 else 0.12
        for (box, _), needed in room.items():
            self.v_size[box] = max(self.v_size[box], needed)
        self.sizes = np.column_stack([self.u_size, self.v_size])[:, swap]
        self.out_below = [(k, 1) in room for k in range(len(self.boxes))]

    def _place(self):
        n_layers = self.layer.max() + 1
        span = self.span
        self.loops = loops = {a.source: k for k, a in enumerate(self.arrows) if a.source == a.target}
        gaps = np.full(n_layers, 2 * GAP)
        thick = np.array([self.u_size[self.layer == k].max() for k in range(n_layers)])
        for k, a in enumerate(self.arrows):  # labels of straight arrows need room
            if abs(span[k]) == 1:
                low = min(self.layer[a.source], self.layer[a.target])
                gaps[low] = max(gaps[low], self.u_label[k] + 1.8 * GAP)
        starts = np.concatenate([[0], np.cumsum(thick + gaps)])[:-1]
        self.u = starts[self.layer] + thick[self.layer] / 2
        self.edges = starts, starts + thick
        self.v = np.zeros(len(self.boxes))
        for k in range(n_layers):
            mine = np.flatnonzero(self.layer == k)
            before = [
                np.mean([self.v[a.source] for a in self.arrows if a.target == b and self.layer[a.source] < k] or [0])
                for b in mine
            ]
            mine = mine[np.argsort(before, kind="stable")]
            room = [self.v_size[b] + (LOOP + self.v_label[loops[b]] if b in loops else 0) for b in mine]
            between = GAP * 1.6 + max([self.v_label[j] for j in range(len(span)) if span[j] == 0] or [0]) / 2
            total = sum(room) + between * (len(mine) - 1)
            at = -total / 2
            for b, r in zip(mine, room, strict=True):
                self.v[b] = at + r - self.v_size[b] / 2  # its loop lies before it
                at += r + between
            self.v[mine] -= self.v[mine].mean()

    def _route(self):
        """Points (u, v) of every arrow."""
        ports = defaultdict(list)
        for k, a in enumerate(self.arrows):
            if self.span[k]:
                out = 1 if self.span[k] > 0 else -1
                ports[a.source, out].append((self._towards(k, a.target), k, "source"))
                ports[a.target, -out].append((self._towards(k, a.source), k, "target"))
        port = {}
        for (box, side), users in ports.items():
            for j, (_, k, end) in enumerate(sorted(users)):
                offset = ((j + 0.5) / len(users) - 0.5) * self.v_size[box]
                port[k, end] = (self.u[box] + side * self.u_size[box] / 2, self.v[box] + offset)
        low = min(
            self.v
            - self.v_size / 2
            - [LOOP + self.v_label[self.loops[b]] if b in self.loops else 0 for b in range(len(self.boxes))]
        )
        high = max(
            self.v
            + self.v_size / 2
            + [OUT * (b.output and below) for b, below in zip(self.boxes, self.out_below, strict=True)]
        )
        lanes = sorted((k for k in range(len(self.arrows)) if abs(self.span[k]) > 1), key=lambda k: abs(self.span[k]))
        self.lane, used = {}, defaultdict(int)
        for k in lanes:
            room = self.v_label[k] + LANE
            if self.span[k] > 0:
                high += room + LANE
                self.lane[k] = high
            else:
                low -= room + LANE
                self.lane[k] = low
        self.paths = []
        for k, a in enumerate(self.arrows):
            if a.source == a.target:
                self.paths.append(self._loop(a.source))
            elif not self.span[k]:
                self.paths.append(self._sideways(k, a))
            else:
                start, end = port[k, "source"], port[k, "target"]
                if abs(self.span[k]) == 1:
                    self.paths.append(np.array([start, end]))
                    continue
                way = np.sign(self.span[k])
                used[a.source, way] += 1
                used[a.target, -way] += 1
                leave = start[0] + way * 0.06 * used[a.source, way]
                arrive = end[0] - way * (0.09 + 0.06 * used[a.target, -way])
                v = self.lane[k]
                self.paths.append(np.array([start, (leave, start[1]), (leave, v), (arrive, v), (arrive, end[1]), end]))

    def _towards(self, k, other):
        """Where an arrow comes from across the layers: ports lie in this order, so that arrows do not cross."""
        if abs(self.span[k]) == 1:
            return self.v[other] + (0.01 if self.span[k] < 0 else 0)
        return (1e3 if self.span[k] > 0 else -1e3) - abs(self.span[k])

    def _loop(self, box):
        u, top, half = self.u[box], self.v[box] - self.v_size[box] / 2, self.u_size[box] * 0.22
        return np.array([(u - half, top), (u - half, top - LOOP), (u + half, top - LOOP), (u + half, top)])

    def _sideways(self, k, arrow):
        """Between boxes of one layer: down on one flank, up on the other, bulging more the farther they are."""
        s, t = arrow.source, arrow.target
        way = np.sign(self.v[t] - self.v[s])
        between = [
            b
            for b in np.flatnonzero(self.layer == self.layer[s])
            if min(self.v[s], self.v[t]) < self.v[b] < max(self.v[s], self.v[t])
        ]
        u = self.u[s] + way * min(self.u_size[s], self.u_size[t]) * 0.22
        if not between:
            return np.array([(u, self.v[s] + way * self.v_size[s] / 2), (u, self.v[t] - way * self.v_size[t] / 2)])
        side = max(
            self.u[b] + way * self.u_size[b] / 2 if way > 0 else -(self.u[b] - self.u_size[b] / 2)
            for b in (s, t, *between)
        )
        at = way * 0.1 + (side if way > 0 else -side)
        return np.array(
            [
                (self.u[s] + way * self.u_size[s] / 2, self.v[s]),
                (at, self.v[s]),
                (at, self.v[t]),
                (self.u[t] + way * self.u_size[t] / 2, self.v[t]),
            ]
        )

    def _label(self):
        """Middle of every label: along its arrow, where it covers least of what is already there."""
        boxes = np.column_stack([self.u, self.v]), np.column_stack([self.u_size, self.v_size])
        taken = list(zip(*boxes, strict=True))
        self.label_at = {}
        order = sorted(
            range(len(self.arrows)),
            key=lambda k: (self.arrows[k].source != self.arrows[k].target, abs(self.span[k]) <= 1),
        )
        others = [
            np.concatenate([_along(path, t) for t in np.linspace(0.02, 0.98, 25)]).reshape(-1, 2) for path in self.paths
        ]
        for k in order:
            size = np.array([self.u_label[k], self.v_label[k]])
            places = self._candidates(k, size)
            cost = []
            for j, place in enumerate(places):
                covered = sum(_overlap(place, size, *other) for other in taken)
                crossed = sum(
                    (np.abs(points - place) < size / 2).all(axis=1).sum() for i, points in enumerate(others) if i != k
                )
                cost.append(200 * covered + crossed + 0.1 * j)
            self.label_at[k] = places[int(np.argmin(cost))]
            taken.append((self.label_at[k], size))

    def _candidates(self, k, size):
        path = self.paths[k]
        if self.arrows[k].source == self.arrows[k].target:
            return [(path[1] + path[2]) / 2 - (0, size[1] / 2 + 0.02)]
        if abs(self.span[k]) > 1:
            (u0, v), (u1, _) = path[2], path[3]
            way = np.array([0, -size[1] / 2 - 0.02])
            return [np.array([u0 + t * (u1 - u0), v]) + way for t in (0.5, 0.4, 0.6, 0.3, 0.7)]
        return [_along(path, t) for t in (0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73)]

    def _frame(self):
        corners = (
            [self.u - self.u_size / 2, self.u + self.u_size / 2],
            [self.v - self.v_size / 2, self.v + self.v_size / 2],
        )
        u, v = [*corners[0]], [*corners[1]]
        u += [path[:, 0] for path in self.paths]
        v += [path[:, 1] for path in self.paths]
        for k, (a, b) in self.label_at.items():
            u.append(np.array([a - self.u_label[k] / 2, a + self.u_label[k] / 2]))
            v.append(np.array([b - self.v_label[k] / 2, b + self.v_label[k] / 2]))
        for k in (k for k, b in enumerate(self.boxes) if b.output):
            u.append(self.way_out(k)[:, 0])
            v.append(self.way_out(k)[:, 1])
        u, v = np.concatenate(u), np.concatenate(v)
        self.origin = np.array([u.min(), v.min()]) - 0.04
        extent = np.array([u.max(), v.max()]) + 0.04 - self.origin
        self.size = extent[::-1] if self.upright else extent

    def way_out(self, box) -> np.ndarray:
        """Ends (u, v) of the arrow that leaves the drawing: onwards, or sideways if other arrows leave there."""
        step = np.array([0, self.v_size[box] / 2] if self.out_below[box] else [self.u_size[box] / 2, 0])
        return np.array([self.u[box], self.v[box]]) + np.outer([1, 1 + OUT / step.sum()], step)

    def xy(self, points) -> np.ndarray:
        """Places on the drawing of points (u, v)."""
        points = np.asarray(points) - self.origin
        if self.upright:
            points = points[..., ::-1]
        return np.stack([points[..., 0], self.size[1] - points[..., 1]], axis=-1)


def _along(path, share):
    """The point at a share of a path's length."""
    steps = np.hypot(*np.diff(path, axis=0).T)
    at = np.concatenate([[0], np.cumsum(steps)])
    return np.array([np.interp(share * at[-1], at, path[:, d]) for d in (0, 1)])


def _overlap(place, size, other, other_size):
    """Area that two rectangles share."""
    return np.prod(np.clip((size + other_size) / 2 - np.abs(place - other), 0, None))


def draw(ax: Axes, *layouts: Layout) -> Axes:
    """Draw the layout that fits best on Axes, which lose their frame; smaller where there is less room than needed."""
    if engine := ax.figure.get_layout_engine():
        engine.execute(ax.figure)  # letters shrink with the boxes, so their size is to be known
    room = ax.get_window_extent().size / ax.figure.dpi
    scales = [min(1, *(room / layout.size)) for layout in layouts]
    scale, layout = max(scales), layouts[int(np.argmax(scales))]
    middle = layout.size / 2
    ax.set_xlim(middle[0] - room[0] / scale / 2, middle[0] + room[0] / scale / 2)
    ax.set_ylim(middle[1] - room[1] / scale / 2, middle[1] + room[1] / scale / 2)
    ax.axis("off")
    for arrow, path in zip(layout.arrows, layout.paths, strict=True):
        _arrow(ax, layout.xy(path), arrow, scale)
    for k, arrow in enumerate(layout.arrows):
        _text(ax, layout.xy(layout.label_at[k]), arrow.lines, TEXT_SIZE * scale, arrow.colour, "white")
    for k, box in enumerate(layout.boxes):
        _box(ax, layout.xy((layout.u[k], layout.v[k])), layout.sizes[k], box, scale)
        if box.output:
            _arrow(ax, layout.xy(layout.way_out(k)), Arrow(k, k, (), box.colour, "arrow"), scale)
    return ax


def _arrow(ax, points, arrow, scale):
    style = {"color": arrow.colour, "lw": 1.1 * scale, "ls": "--" if arrow.dashed else "-", "zorder": 1}
    style |= {"mutation_scale": 12 * scale, "joinstyle": "round", "capstyle": "butt", "shrinkA": 0, "shrinkB": 0}
    if arrow.end != "arrow":
        last = points[-1] - points[-2]
        points = np.vstack([points[:-1], points[-1] - BAR * last / np.hypot(*last)])
    for end in ENDS[arrow.end]:
        ax.add_patch(FancyArrowPatch(path=Path(points), arrowstyle=end, gid=arrow.end, **style))


def _box(ax, centre, size, box, scale):
    shape = {"square": "square,pad=0", "round": "round,pad=0,rounding_size=0.06"}.get(box.shape)
    shape = shape or f"round,pad=0,rounding_size={min(0.2, *(0.49 * size))}"
    style = {"fc": "white", "ec": box.colour, "lw": 1.3 * scale, "zorder": 3}
    ax.add_patch(FancyBboxPatch(centre - size / 2, *size, boxstyle=shape, **style))
    top = centre[1] + LINE * len(box.lines) / 2
    write = {"ha": "center", "va": "center", "color": box.colour, "zorder": 4}
    ax.text(centre[0], top, box.name, fontsize=NAME_SIZE * scale, fontweight="bold", **write)
    for j, line in enumerate(box.lines):
        ax.text(centre[0], top - LINE * (j + 1), line, fontsize=TEXT_SIZE * scale, **write | {"color": "black"})


def _clear(x, y, width, height, size):
    """Outline of a label of this font size with room at its sides."""
    pad, above = (length / TEXT_SIZE * size for length in (72 * CLEAR, 0.6))
    left, right, low, high = x - pad, x + width + pad, y - above, y + height + above
    return Path([(left, low), (right, low), (right, high), (left, high), (left, low)], closed=True)


def _text(ax, centre, lines, size, colour, behind):
    box = {"fc": behind, "ec": "none", "boxstyle": _clear}
    ax.text(
        *centre,
        "\n".join(lines),
        fontsize=size,
        color=colour,
        ha="center",
        va="center",
        linespacing=1.15,
        zorder=2,
        bbox=box,
    )
