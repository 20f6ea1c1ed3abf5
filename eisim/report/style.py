"""Figure style: the style sheet ``eisim.paper``, the colours of excitation and inhibition, widths of a journal."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eisim.base.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
else:  # Matplotlib is imported by what draws, not by what knows that it can
    Axes = Figure = Any

#: Always these two. They differ in hue for every common kind of colour vision and in lightness (L* 51 and 34), so in
#: grey print too; their contrast on white is 4.3 and 7.9.
EXCITATORY, INHIBITORY = "#d9480f", "#1c4f9c"
NEUTRAL = "#555555"
#: A band below what is to stand out: light, so that both colours above, and black, are told from it in grey print too.
MARKED = "#f7d154"
#: Two things that are compared and are neither excitation nor inhibition, such as the two inputs of a witness.
LOWER, UPPER = "#009e73", "#b8558c"
#: Widths of one column and of two, in inches, and the most height.
SINGLE, DOUBLE, TALLEST = 3.5, 7.0, 9.0
PAPER = Path(__file__).parent.parent / "paper.mplstyle"


def paper() -> AbstractContextManager:
    """A context in which Matplotlib draws as for a paper, regardless of the user's settings."""
    import matplotlib

    return matplotlib.rc_context(fname=PAPER)


def new_figure(width: float, height: float, layout: str | None = None) -> Figure:
    """A figure of this size, in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout=layout)


def letters(axes, shift=(-24, 6)) -> None:
    """Write a, b, c, ... in bold above the left corner of each Axes, shifted by `shift` points."""
    for letter, ax in zip("abcdefghijklmnopqrstuvwxyz", axes, strict=False):
        place = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}
        ax.annotate(letter, (0, 1), shift, fontsize=9, fontweight="bold", annotation_clip=False, **place)


def axes(draw: Callable, ax, *what, size=(SINGLE, 2.6), bare=False, keywords=None, **how):
    """Draw on the Axes of the caller, or in the paper's style on those of a new figure.

    ``draw(ax, *what, **how)`` draws; the Axes, which are returned, fill a new figure if `bare`, for what has no ticks
    and labels; `keywords` are properties of Matplotlib's artists, set on all lines, markers, bars and areas drawn.
    """
    if ax is not None and not hasattr(ax, "inset_axes"):
        raise InputError(f"plot: ax: expected Axes of Matplotlib, found {ax!r:.80}")
    with paper() if ax is None else nullcontext():
        if ax is None:
            from matplotlib import pyplot

            figure = pyplot.figure(figsize=size, layout=None if bare else "constrained")
            ax = figure.add_axes((0, 0, 1, 1)) if bare else figure.subplots()
        before = {*_artists(ax)}
        draw(ax, *what, **how)
        _set_properties([artist for artist in _artists(ax) if artist not in before], keywords or {})
    return ax


def _artists(ax):
    """Lines, markers, bars and areas on Axes and on those within them."""
    return [artist for each in (ax, *ax.child_axes) for artist in (*each.lines, *each.collections, *each.patches)]


def drawn_by(draw: Callable, size=(SINGLE, 2.6)) -> Callable:
    """The ``plot`` that is registered for values that ``draw(ax, value, **options)`` draws, see `eisim.base.display`.

    `size` is that of a new figure, or a function of the value.
    """
    of = size if callable(size) else lambda value: size
    return lambda value, ax, keywords, **options: axes(draw, ax, value, size=of(value), keywords=keywords, **options)


def _set_properties(drawn, keywords):
    for name, value in keywords.items():
        known = [artist for artist in drawn if hasattr(artist, f"set_{name}")]
        if drawn and not known:
            raise InputError(f"plot: expected a property of Matplotlib's lines, bars or areas, found {name!r}")
        for artist in known:
            try:
                artist.set(**{name: value})
            except (TypeError, ValueError) as error:
                raise InputError(
                    f"plot: {name}: expected a value that Matplotlib takes, found {value!r} ({error})"
                ) from None
