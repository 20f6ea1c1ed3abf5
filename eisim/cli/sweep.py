"""``python -m eisim sweep``: from what was typed to a folder of results."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from eisim.base.errors import InputError
from eisim.base.files import check_writable, to_json
from eisim.base.progress import Progress
from eisim.base.schema import split
from eisim.base.store.checkpoint import kept
from eisim.report.draw import draw
from eisim.report.record import record_view
from eisim.report.view import view_of
from eisim.run.sweep import Sweep, compute, describe, identity_of, parse_axis
from eisim.run.sweep.subject import parameters


@dataclass(frozen=True)
class Asked:
    """What was typed; see ``python -m eisim sweep --help``."""

    name: str
    over: tuple[str, ...]
    settings: tuple[str, ...]
    seeds: int
    seed: int
    kind: str | None
    backend: str
    workers: int | None
    scheduler: str | None
    fresh: bool


def run_sweep(asked: Asked, out: Path | None, say: Callable[[str], None]) -> tuple[Path, Sweep, str]:
    """Compute a sweep and write its results.

    Parameters
    ----------
    asked : Asked
    out : Path or None
        Folder for the results; ``results/sweep-NAME`` by default.
    say : callable
        Takes lines for the user.

    Returns
    -------
    folder : Path
    found : Sweep
    document : str
        What ``--json`` prints.

    Raises
    ------
    InputError
    """
    subject = describe(asked.name, asked.kind, tuple(split(asked.settings).items()), asked.backend)
    there = parameters(subject)
    axes = tuple(parse_axis(text, there) for text in asked.over)
    folder = check_writable(out or Path("results") / f"sweep-{subject.title}")
    times: dict[str, float] = {}
    identify = partial(identity_of, subject, axes, asked.seeds, asked.seed)
    with kept(identify, say, asked.fresh) as parts:
        with Progress(times) as report:
            report("starting")
            sizes = (asked.seeds, asked.seed)
            found = compute(subject, axes, *sizes, report, asked.workers, asked.scheduler, say)
            report("writing results")
            view = view_of(found)
            files = [*view.all_files(), *draw(view.drawn())]
            parts.check()
        run = {
            "seed": asked.seed,
            "kinds": list(subject.kinds),
            "backend": asked.backend,
            "settings_si": dict(subject.settings) | {f"over {axis.name}": _words(axis) for axis in axes},
            "about": "A sweep: the same measurement at all points of a grid of parameters.",
            "seconds": times,
        }
        run["settings_si"]["seeds"] = asked.seeds
        try:
            result = record_view(folder, f"sweep {subject.title}", view, files, run, {"seed": asked.seed})
        except OSError as error:
            raise InputError(
                f"--out: {folder}: cannot be written: {error.strerror}; all finished points are kept, the same "
                "command goes on from there"
            ) from None
        if not found.failed:
            parts.clear()
    return folder, found, to_json({"sweep": result})


def _words(axis):
    """The values of an axis, in short."""
    if len(axis.values) <= 6 or not axis.is_numeric:
        return ", ".join(map(axis.show, axis.values))
    return f"{axis.show(axis.values[0])} to {axis.show(axis.values[-1])}, {len(axis.values)} values"
