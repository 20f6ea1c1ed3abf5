"""Figure of a structural certificate: pairs by sign, and the depth at which they become mixed."""

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
from eisim.theory.structure.certificate import WORDS, StructuralCertificate

#: Colours of the words.
COLOURS = {"rises": EXCITATORY, "falls": INHIBITORY, "none": "#ffffff", "mixed": "#bdbdbd"}
#: Rows or columns of which the names are written.
MOST_NAMES = 60


def size(found: StructuralCertificate) -> tuple[float, float]:
    """Width and height that the matrix needs, in inches."""
    return SINGLE, min(1.6 + 0.13 * len(found.inputs), TALLEST)


def draw(ax: Axes, found: StructuralCertificate) -> None:
    """The matrix of inputs × readouts by sign."""
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    words = found.words()
    number = np.vectorize(WORDS.index, otypes=[int])(words)
    ax.imshow(number, aspect="auto", cmap=ListedColormap([COLOURS[word] for word in WORDS]), vmin=-0.5, vmax=3.5)
    _name(ax, found)
    patches = [Patch(facecolor=COLOURS[word], edgecolor=NEUTRAL, lw=0.5, label=word) for word in WORDS]
    ax.legend(handles=patches, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False)


def figure(found: StructuralCertificate) -> Figure:
    """The matrix by sign, and how the shares of the words change with the longest walk that counts."""
    made = new_figure(DOUBLE, min(2.2 + 0.1 * len(found.inputs), TALLEST), "constrained")
    left, right = made.subplots(1, 2)
    draw(left, found)
    depths = np.arange(found.deepest + 1)
    counts = [found.counts(int(k)) for k in depths]
    pairs = found.words().size
    for word in ("rises", "falls", "mixed"):
        look = {
            "color": "black" if word == "mixed" else COLOURS[word],
            "marker": {"rises": "^", "falls": "v"}.get(word, "o"),
        }
        right.plot(depths, [100 * each[word] / pairs for each in counts], ms=3, lw=1, label=word, **look)
    right.set(xlabel="most synapses on a walk", ylabel="share of pairs (%)", ylim=(-2, 102))
    right.xaxis.get_major_locator().set_params(integer=True)
    right.legend(loc="best")
    letters((left, right), (-6, 14))
    return made


def _name(ax, found):
    for axis, names in ((ax.yaxis, found.inputs), (ax.xaxis, found.readouts)):
        if len(names) <= MOST_NAMES:
            axis.set_ticks(range(len(names)), [name[:20] for name in names])
            axis.set_tick_params(labelsize=6, length=0)
        else:
            axis.set_ticks([])
    if len(found.readouts) <= MOST_NAMES:
        ax.tick_params(axis="x", labelrotation=90 if len(found.readouts) > 3 else 0)
    ax.set(xlabel="readout", ylabel="input")
