"""A model: what a file of circuits offers, an installed one or a user's own, read once."""

import inspect
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.resources import files
from inspect import cleandoc
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from eisim.base.errors import InputError
from eisim.base.user_files import PREFIX, blamed_on, guarded

if TYPE_CHECKING:  # a circuit imports SciPy, which a list of names does without
    from eisim.analysis.task import Fact, Task
    from eisim.circuit import Circuit

#: Beside the models of a package, what their ``published`` gave when they were last measured.
MEASURED = "published.json"


@dataclass(frozen=True)
class Model:
    """A circuit and its purpose, as defined by the names in a module.

    The circuit is a function of `kind` and `seed` and perhaps more, or the one there is; the task one of `kind` and
    perhaps `quick` and more; further ones are `tasks` (``TASKS``), by their names. `function` (``FUNCTION``, or
    ``function`` in a file) is what it computes: a truth table, region or labelled data, its name, or a word such as
    "decide" for a task. ``published(report)`` yields `Fact`
    values: published numbers, measured again. `sweep` (``SWEEP``) are times of a simulation in a sweep, in s; `phase`
    gives a state its name from the numbers of a point, and `phases` (``PHASES``) the criteria by these names. A task
    that takes long is assessed with others only where it is named (`on_request`, ``ON_REQUEST``).
    """

    name: str
    module: ModuleType
    circuit: "Circuit | Callable[..., Circuit] | None" = None
    task: "Task | Callable[..., Task] | None" = None
    tasks: "Mapping[str, Callable[..., Task]]" = field(default_factory=dict)
    function: Any = ""
    published: "Callable[..., Iterable[Fact]] | None" = None
    sweep: Mapping[str, float] = field(default_factory=dict)
    phase: Callable[[Mapping[str, float]], str] | None = None
    phases: Mapping[str, str] = field(default_factory=dict)
    on_request: bool = False

    @classmethod
    def of_module(cls, module: ModuleType, name: str) -> "Model":
        """The model defined by a module."""
        named = {part: part.upper() for part in ("function", "sweep", "phases", "tasks", "on_request")}
        parts = ("circuit", "task", "tasks", "function", "published", "phase", "sweep", "phases", "on_request")
        found = {part: getattr(module, named.get(part, part), None) for part in parts}
        if hasattr(module, "function"):  # a file of the user's own
            found["function"] = module.function
        return cls(name, module, **{part: value for part, value in found.items() if value is not None})

    def __getstate__(self):
        """Without the module, which another process imports by its name."""
        if self.is_users:
            raise TypeError(f"{self.file}: a model of a user's own file cannot be pickled")
        return vars(self) | {"module": self.module.__name__}

    def __setstate__(self, state):
        vars(self).update(state | {"module": import_module(state["module"])})

    @property
    def file(self) -> str:
        """Where it is defined."""
        return self.module.__file__ or self.name

    @property
    def is_users(self) -> bool:
        """Whether it is a file of the user's own, not an installed model."""
        return self.module.__name__.startswith(PREFIX)

    @property
    def about(self) -> str:
        """The docstring."""
        return cleandoc(self.module.__doc__ or "")

    @property
    def word(self) -> str:
        """What it computes as a word, or ""; ``InputError`` if a user's file gives something else for its task."""
        if self.is_users and self.task is not None and not isinstance(self.function, str):
            raise InputError(
                f"{Path(self.file).name}: task: FUNCTION: expected what the task is for, in a word, found "
                f"{self.function!r:.60}"
            )
        return self.function if isinstance(self.function, str) else getattr(self.function, "name", "")

    @property
    def with_each_task(self) -> "dict[str, Model]":
        """The model with its task and with each further one, by the name of the model, or that and the task's."""
        if not isinstance(self.tasks, Mapping) or not all(map(callable, self.tasks.values())):
            expected = "functions from kind to Task by their names"
            raise InputError(f"{Path(self.file).name}: TASKS: expected {expected}, found {self.tasks!r:.60}")
        named = {f"{self.name}_{name.replace(' ', '_')}": task for name, task in self.tasks.items()}
        return {self.name: self} | {name: replace(self, name=name, task=task) for name, task in named.items()}

    def task_of(self, kind: str, quick: bool = False) -> "Task":
        """The task for a kind of circuit, checked if it is a user's own; ``InputError`` if there is none."""
        from eisim.analysis.task import Task

        if not self.is_users:
            return self.task(kind, quick=quick)
        with blamed_on(self.file, "task"):
            if not isinstance(self.task, Task) and not callable(self.task):
                raise InputError(f"expected a Task or a function from kind to Task, found {self.task!r:.60}")
        with blamed_on(self.file, f"task({kind!r})"):
            if isinstance(self.task, Task):
                found = self.task
            else:
                takes_quick = "quick" in inspect.signature(self.task).parameters
                found = self.task(kind, **({"quick": quick} if takes_quick else {}))
            if not isinstance(found, Task):
                raise InputError(f"expected a Task, found {found!r:.60}")
            circuit = found.circuit(0)
            if getattr(circuit, "kind", kind) != kind:
                raise InputError(f"expected a {kind} circuit, found a {circuit.kind} one")
        of_score = "score" if found.required is None else "answers"
        names = ("circuit", of_score, "output", "excitatory_only")
        parts = {name: getattr(found, name) for name in names if getattr(found, name) is not None}
        return replace(found, **{part: guarded(call, self.file, f"Task.{part}") for part, call in parts.items()})

    def last_measured(self) -> "tuple[Fact, ...]":
        """Published numbers and ours, as last measured; empty where none were kept."""
        from eisim.analysis.task import Fact

        package, _, name = self.module.__name__.rpartition(".")
        if not package or name != self.name:  # a file of the user's own, or a further task
            return ()
        try:
            text = files(package).joinpath(MEASURED).read_text(encoding="utf-8")
        except (OSError, ModuleNotFoundError, TypeError):
            return ()
        return tuple(Fact(**fact) for fact in json.loads(text).get(name, ()))

    def measure_published(self, report: Callable[..., None] | None = None) -> "tuple[Fact, ...]":
        """Measure the published numbers now, which may take minutes; ``InputError`` if it gives none."""
        from eisim.analysis.task import Fact

        if self.published is None:
            raise InputError(f"list: {self.name}: expected a model with published(), found none to measure")
        with blamed_on(self.file, "published"):
            found = tuple(self.published(report))
        for fact in found:
            if not isinstance(fact, Fact):
                raise InputError(f"{Path(self.file).name}: published: expected eisim.Fact values, found {fact!r:.60}")
        return found
