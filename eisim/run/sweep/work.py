"""One point of a sweep, computed in any process: its result, or why it failed."""

import os
import platform
import threading
import warnings
from dataclasses import dataclass, field
from functools import cache, lru_cache

from eisim.base.errors import InputError
from eisim.base.progress import Report, silent
from eisim.base.store import sources
from eisim.run import run_key
from eisim.run.sweep.axes import Axis
from eisim.run.sweep.subject import Point, Subject, find, measure

#: Packages that decide the numbers.
PACKAGES = ("brian2", "numpy", "scipy")
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Job:
    """What all points of a sweep share; versions are those that a process must have, or none for no check."""

    subject: Subject
    axes: tuple[Axis, ...]
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """Outcome of a point: its numbers, or why it failed, in one line; refused, if no point can be computed here.

    The notes are warnings for the user, the files what the user's code has opened (`eisim.base.store.sources.news`).
    """

    numbers: dict[str, float] | None = None
    failure: str = ""
    is_refused: bool = False
    notes: tuple[str, ...] = ()
    files: dict[str, str | None] = field(default_factory=dict)


def attempt(job: Job, point: Point, report: Report = silent) -> Outcome:
    """Compute a point; any exception becomes one line, and nothing is reported.

    Points are computed one at a time in a process, as Brian2 generates code, and on one thread of the linear algebra,
    so that sums have the same order everywhere.
    """
    differing = differences(job.versions, job.subject.name)
    if differing:
        return Outcome(failure=differing, is_refused=True)
    with _ONE_AT_A_TIME, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default", UserWarning)
        try:
            from threadpoolctl import threadpool_limits

            with threadpool_limits(1):
                numbers = measure(job.subject, job.axes, point)
        except Exception as error:
            return Outcome(failure=_in_one_line(error))
        notes = tuple(dict.fromkeys(str(each.message) for each in caught if each.category is UserWarning))
        return Outcome(numbers, notes=notes, files=sources.news())


def _in_one_line(error):
    text = " ".join(str(error).split())
    return text if isinstance(error, InputError) else f"{type(error).__name__}: {text}".rstrip(": ")


def differences(expected: dict[str, str], name: str) -> str:
    """How this process differs from what was expected, as text; empty if it does not."""
    if not expected:
        return ""
    found = {path: sources.digest(path) for path in expected if os.path.isabs(path)} | versions(name)
    what = next((what for what in expected if found.get(what) != expected[what]), None)
    if what is None:
        return ""
    have = "another" if os.path.isabs(what) else found.get(what) or "missing"
    mine = "" if os.path.isabs(what) else f", {expected[what]} here"
    return (
        f"expected workers with the same versions, found {what} {have} on {platform.node()}{mine}; install the same "
        "there and restart the workers"
    )


def versions(name: str) -> dict[str, str]:
    """Versions of what decides the numbers and digests of sources (a user's file, too) as this process began."""
    return _installed() | _own(name)


@cache
def _installed():
    packages = sorted(run_key.packages_that_decide())
    found = {f"source of {package}": run_key.digest(run_key.sources(package))[:12] for package in packages}
    found["Python"] = ".".join(platform.python_version_tuple()[:2])
    found |= {package: run_key.version_of(package) or "" for package in PACKAGES}
    return found


@lru_cache
def _own(name):
    """Digests of a file of the user's own, and of all that it needed to be loaded."""
    subject = Subject(name, ())
    if not subject.is_file:
        return {}
    try:
        find(subject)
    except InputError:
        return {}
    return {name: sources.digest(name)} | sources.at_import()
