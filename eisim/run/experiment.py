"""An experiment: a question that can be run by name, with its settings."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from eisim.base.display import display
from eisim.base.errors import InputError
from eisim.base.files import to_json
from eisim.base.schema import read_settings
from eisim.base.user_files import blamed_on, guarded, named_module

#: Functions of the module of an experiment that show its results; without them the view of the result's type does.
HOOKS = ("to_json", "table", "tables", "figures", "findings")


#: What answers the question: from settings, kinds of circuit ("spiking", "rate"), seed, backend ("cpp", "numpy",
#: "cuda_standalone") and `report`, which takes a line of text as each stage begins and the fraction done, to a result.
Run = Callable[..., Any]


@dataclass(frozen=True)
class Experiment:
    """A question that can be run by name.

    Its settings are a dataclass, whose fields ``--set`` can change, but for those that its name or file fixes. `about`
    is the docstring of its module, which may run it itself or leave that to a function made for one circuit or table.
    `kinds` are those of the circuits that it can simulate, ``KINDS`` of the module. One that simulates circuits of one
    kind only, ``ONE_KIND = True``, takes the first of these that is asked for. One that always runs on the same
    backend names it by ``BACKEND``.
    """

    name: str
    settings: type
    run: Run
    about: str = ""
    module: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = ("spiking", "rate")
    one_kind: bool = False
    backend: str = ""

    def taken(self, kinds: Sequence[str]) -> list[str]:
        """Those of the kinds that are asked for that it simulates; ``InputError`` if it simulates none of them."""
        if found := [kind for kind in kinds if kind in self.kinds]:
            return sorted(found, key=self.kinds.index)[:1] if self.one_kind else found
        raise InputError(f"{self.name}: kind: expected {' or '.join(self.kinds)}, found {' and '.join(kinds)}")

    def with_changes(self, changes: Sequence[str]):
        """The settings, changed by texts such as ``"seeds=3"``; ``InputError`` if they cannot be."""
        return read_settings(self.settings, changes, self.given)

    @classmethod
    def of_module(
        cls, module: ModuleType, name: str, run: Run | None = None, given: Mapping[str, Any] | None = None
    ) -> "Experiment":
        """The experiment that a module defines by ``Settings`` and ``run``; a user's errors are one line each.

        `run` takes the place of the module's function; settings that are given are fixed. ``InputError`` if the module
        lacks one of the two.
        """
        where = Path(module.__file__ or name).name
        for part in ("Settings", "run"):
            if not hasattr(module, part):
                raise InputError(f"{where}: expected an experiment (Settings and run), found no {part!r}")
        if not (isinstance(module.Settings, type) and is_dataclass(module.Settings)):
            raise InputError(f"{where}: Settings: expected a dataclass, found {module.Settings!r:.60}")
        if not callable(module.run):
            raise InputError(f"{where}: run: expected a function, found {module.run!r:.60}")
        run = run or module.run
        if module.__name__.partition(".")[0] != "eisim":
            run = guarded(run, module.__file__ or name, "run")
        shown, kinds = partial(_run_and_show, module, run), getattr(module, "KINDS", cls.kinds)
        about, one_kind = module.__doc__ or "", getattr(module, "ONE_KIND", False)
        backend = getattr(module, "BACKEND", cls.backend)
        return cls(name, module.Settings, shown, about, module.__name__, given or {}, kinds, one_kind, backend)


def _run_and_show(module, run, settings, kinds, seed, backend, report):
    result = run(settings, kinds, seed, backend, report)
    if not any(hasattr(module, hook) for hook in HOOKS):
        with suppress(TypeError):  # if the type of the result has no view
            display("view", result)
            return result
    return ShownByModule(result, module.__name__)


@dataclass(frozen=True, eq=False)
class ShownByModule:
    """A result that functions of a module show: ``to_json``, ``table``, ``tables``, ``figures``, ``findings``.

    Each may be missing. The numbers are then those of a result that is a dict or a dataclass of plain values.
    """

    value: Any
    module: str

    @property
    def problems(self) -> list[str]:
        """Contradictions and failed checks reported by the result."""
        of = self.value.get if isinstance(self.value, dict) else partial(getattr, self.value)
        return self._sentences(of("problems", ()))

    def _sentences(self, found) -> list[str]:
        if not isinstance(found, list | tuple) or not all(isinstance(each, str) for each in found):
            raise InputError(f"{self.file}: problems: expected a list of sentences, found {found!r:.60}")
        return list(found)

    def by(self, hook: str, missing: Callable[[Any], Any]):
        """Apply a function of the module to the result, or `missing` where the module lacks it."""
        module = named_module(self.module)
        if not hasattr(module, hook):
            return missing(self.value)
        with blamed_on(module.__file__ or self.module, hook):
            found = getattr(module, hook)(self.value)
            return list(found) if hook in ("tables", "figures") else found  # what they yield is theirs, too

    @property
    def file(self) -> str:
        """Name of the module's file."""
        return Path(named_module(self.module).__file__ or self.module).name

    def _as_dict(self, value):
        try:
            return asdict(value) if is_dataclass(value) else value
        except TypeError:  # of what it holds
            raise InputError(
                f"{self.file}: expected to_json or a view (entry point eisim.displays), found {type(value).__name__} "
                "with more than plain values, and neither"
            ) from None

    def to_json(self) -> dict:
        """The result as a JSON object; ``InputError`` if it is none."""
        document = self.by("to_json", self._as_dict)
        if not isinstance(document, dict):
            raise InputError(f"{self.file}: to_json: expected a dict, found {document!r:.60}")
        self._sentences(document.get("problems", ()))
        try:
            to_json(document, is_strict=True)
        except (TypeError, ValueError) as error:
            raise InputError(f"{self.file}: to_json: expected plain values, found {error}") from None
        return document
