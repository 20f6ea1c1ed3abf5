"""Figure of what wiring alone proves: pairs of input and readout by sign, and the depth at which they become mixed."""

from collections.abc import Sequence

import numpy as np

from eisim.report.style import (
    DOUBLE,
    EXCITATORY,
    INHIBITORY,
    NEUTRAL,
    SINGLE,
    TALLEST,
    Axes,
    Figure,
    letters,
    new_figure,
)
from eisim.theory.structure.certificate import MIXED, WORDS, StructuralCertificate, mixed_within, words_of

#: Colours of the words.
COLOURS = {"rises": EXCITATORY, "falls": INHIBITORY, "none": "#ffffff", "mixed": "#bdbdbd"}
#: Grey tones of pairs that are mixed within the fewest and the most synapses.
GREYS = 0.5, 0.9
#: Names of rows and of columns that are written, of more every second, third, ... one; and cells with numbers.
MOST_ROWS, MOST_COLUMNS, MOST_NUMBERS = 60, 30, 200


def size(found: StructuralCertificate) -> tuple[float, float]:
    """Width and height that the matrix needs, in inches."""
    return SINGLE, min(1.6 + 0.13 * len(found.inputs), TALLEST)


def draw(ax: Axes, found: StructuralCertificate) -> None:
    """The matrix of inputs × readouts by sign."""
    _matrix(ax, found.words(), found.shortest, found.inputs, found.readouts)


def figure(shortest: np.ndarray, inputs: Sequence[str], readouts: Sequence[str], what: str = "readout") -> Figure:
    """The matrix by sign, and how the shares of the words change with the longest walk that counts.

    `shortest` are lengths of walks as a `StructuralCertificate` has them; `what` is what the figure calls a readout.
    """
    made = new_figure(DOUBLE, min(2.2 + 0.1 * len(inputs), TALLEST), "constrained")
    left, right = made.subplots(1, 2)
    _matrix(left, words_of(shortest), shortest, inputs, readouts, what)
    depths = np.arange(shortest.max(initial=0) + 1)
    words = np.array([words_of(shortest, int(k)) for k in depths])
    for word in ("rises", "falls", MIXED):
        look = {
            "color": "black" if word == MIXED else COLOURS[word],
            "marker": {"rises": "^", "falls": "v"}.get(word, "o"),
        }
        right.plot(depths, 100 * (words == word).mean(axis=(1, 2)), ms=3, lw=1, label=word, **look)
    right.set(xlabel="most synapses on a walk", ylabel="share of pairs (%)", ylim=(-2, 102))
    right.xaxis.get_major_locator().set_params(integer=True)
    right.legend(loc="best")
    letters((left, right), (-6, 14))
    return made


def _matrix(ax, words, shortest, inputs, readouts, what="readout"):
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch

    mixed = mixed_within(shortest)
    cells = np.array([to_rgb(COLOURS[word]) for word in WORDS])[np.vectorize(WORDS.index, otypes=[int])(words)]
    if words.size > MOST_NUMBERS and (mixed >= 0).any():  # grey tones instead of numbers
        levels = np.linspace(*GREYS, int(np.ptp(mixed[mixed >= 0])) + 1)
        cells[mixed >= 0] = levels[mixed[mixed >= 0] - mixed[mixed >= 0].min(), None]
    ax.imshow(cells, aspect="auto")
    if words.size <= MOST_NUMBERS:
        for i, j in np.argwhere(mixed >= 0):
            ax.text(j, i, mixed[i, j], ha="center", va="center", fontsize=6)
    for axis, names, most in ((ax.yaxis, inputs, MOST_ROWS), (ax.xaxis, readouts, MOST_COLUMNS)):
        step = max(1, -(-len(names) // most))
        axis.set_ticks(range(0, len(names), step), [name[:20] for name in names[::step]])
        axis.set_tick_params(labelsize=6, length=0 if step == 1 else 2)
    ax.tick_params(axis="x", labelrotation=90 if len(readouts) > 3 else 0)
    ax.set(xlabel=what, ylabel="input")
    patches = [Patch(facecolor=COLOURS[word], edgecolor=NEUTRAL, lw=0.5, label=word) for word in WORDS]
    ax.legend(handles=patches, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False)
