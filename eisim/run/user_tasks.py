"""Tasks in the user's own files."""

import inspect
from dataclasses import replace
from types import ModuleType, SimpleNamespace

from eisim.analysis.task import Task
from eisim.base.errors import InputError
from eisim.base.user_files import blamed_on, guarded


def task_of(module: ModuleType) -> SimpleNamespace:
    """The task that a file defines, as models have theirs: ``task(kind, quick=False)`` and ``FUNCTION``.

    Parameters
    ----------
    module : module
        Its ``task`` is a function of the kind (and of ``quick``), or one Task, which is of the kind that it is.

    Raises
    ------
    InputError
        If it is neither.
    """
    file, given = module.__file__, module.task

    def task(kind, quick=False):
        with blamed_on(file, f"task({kind!r})"):
            found = given if isinstance(given, Task) else given(kind, **({"quick": quick} if takes_quick else {}))
            if not isinstance(found, Task):
                raise InputError(f"expected a Task, found {found!r:.60}")
            circuit = found.circuit(0)
            if getattr(circuit, "kind", kind) != kind:
                raise InputError(f"expected a {kind} circuit, found a {circuit.kind} one")
        parts = {p: getattr(found, p) for p in ("circuit", "score", "output") if getattr(found, p) is not None}
        return replace(found, **{part: guarded(call, file, f"Task.{part}") for part, call in parts.items()})

    with blamed_on(file, "task"):
        if not isinstance(given, Task) and not callable(given):
            raise InputError(f"expected a Task or a function from kind to Task, found {given!r:.60}")
        takes_quick = not isinstance(given, Task) and "quick" in inspect.signature(given).parameters
        function = getattr(module, "FUNCTION", "")
        if not isinstance(function, str):
            raise InputError(f"FUNCTION: expected what the task is for, in a word, found {function!r:.60}")
    return SimpleNamespace(task=task, FUNCTION=function)
