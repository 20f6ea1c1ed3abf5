"""Assessing the tasks of several models at the same time, each in another process."""

import pickle
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import partial
from typing import Any

from eisim.ablation import InapplicableError
from eisim.base import memory, processes
from eisim.base.progress import Report
from eisim.base.store.checkpoint import begin_part
from eisim.base.workers import Crew, LostError
from eisim.studies.tasks.judge import MEMORY


def assess_apart(calls: Mapping[str, Callable], say: Callable[[str], Report]) -> tuple[dict[str, Any], list[str]]:
    """Make calls in as many processes as have a processor and memory; their values, and the name of one that failed.

    Each takes `report` and is a part of the run, kept as soon as it is finished; an `InapplicableError` counts as what
    it returns. The first call that fails ends this: made in this process it raises its error, or has all the memory.
    Calls that cannot be sent to a process are left out, and all where just one could be made at a time. `say` gives the
    report of a name; that of the first unfinished one is used.
    """
    sent = {name: call for name, call in calls.items() if _can_be_sent(call)}
    size = int(min(processes.processors(), memory.free() / MEMORY, len(sent)))
    found: dict[str, Any] = {}
    if size < 2:
        return found, []
    shown, todo, futures = list(sent), [], {}

    def begin(name):
        todo.append(name)
        return lambda: _value(name, futures[name])

    def report_of(name):
        return lambda *said: say(name)(*said) if shown[:1] == [name] else None

    def finish(name):
        try:
            found[name] = waits[name]()
        except InapplicableError as error:
            found[name] = error
        shown.remove(name)

    waits = {name: begin_part(name, partial(begin, name)) for name in sent}
    for name in sent.keys() - set(todo):  # kept by an earlier run
        finish(name)
    if len(todo) < 2:
        return found, []
    try:
        with Crew(min(size, len(todo))) as crew:
            futures |= {name: crew.begin(partial(_attempt, sent[name]), report_of(name)) for name in todo}
            names = {future: name for name, future in futures.items()}
            for future in as_completed(names):
                finish(names[future])
    except _FailedError as error:
        return found, [str(error)]
    return found, []


class _FailedError(Exception):
    """The call of this name failed."""


@dataclass(frozen=True)
class _Answer:
    """What a call returned, or that it failed, with the warnings for the user."""

    value: Any = None
    failed: bool = False
    notes: tuple[str, ...] = ()


def _attempt(call, report) -> _Answer:
    """In another process."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default", UserWarning)
        try:
            value = call(report=report)
        except InapplicableError as error:
            value = error
        except Exception:
            return _Answer(failed=True)
    return _Answer(value, False, tuple(str(each.message) for each in caught if each.category is UserWarning))


def _value(name, future):
    try:
        answer = future.result()
    except LostError:
        raise _FailedError(name) from None
    if answer.failed:
        raise _FailedError(name)
    for note in answer.notes:
        warnings.warn(note, stacklevel=1)
    if isinstance(answer.value, InapplicableError):
        raise answer.value
    return answer.value


def _can_be_sent(call) -> bool:
    try:
        pickle.dumps(call)
    except Exception:  # of a user's own file, or another's package
        return False
    return True
