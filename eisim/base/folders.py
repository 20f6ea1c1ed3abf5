"""The folders ``models`` and ``experiments``: one set of modules, under two names.

eisim itself knows them as ``eisim.models`` and ``eisim.experiments`` only, so that a user's own ``models`` never meets
them. Installed, they lie within the package; in a checkout they lie at its top, where `install` finds them. People may
say ``import models``: `stand_in` then gives the same modules, unless the user has a folder of that name.
"""

import importlib
import os
import sys
import warnings
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, module_from_spec

NAMES = ("models", "experiments")
#: Where modules are now that were once imported by other names, as scripts and models copied from ours may still do.
FORMER = {
    "eisim.dynamics": "eisim.studies.order",
    "eisim.geometry": "eisim.studies.regions",
    "eisim.images": "eisim.studies.images",
    "eisim.network_ablation": "eisim.studies.networks",
    "eisim.prediction": "eisim.analysis.mean_field_check",
    "eisim.progress": "eisim.base.progress",
    "eisim.siegert": "eisim.neurons.siegert",
    "eisim.storage": "eisim.run.saved",
    "eisim.sweeps": "eisim.run.sweep",
    "eisim.timing": "eisim.base.timing",
    "eisim.training": "eisim.analysis.training",
    "eisim.two_populations": f"eisim.{NAMES[0]}._two_populations",
    "eisim.units": "eisim.base.units",
}
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class _Finder:
    """Finds ``eisim.models`` in a checkout, and by a second or former name the module that has it."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        head, _, rest = name.partition(".")
        if head == "eisim" and rest in NAMES:
            return PathFinder.find_spec(name, [_PACKAGE, os.path.dirname(_PACKAGE)])
        if _former(name) or (head in NAMES and rest and is_ours(head)):
            own = find_spec(_now(name))
            return own and ModuleSpec(name, cls, origin=own.origin)
        return None

    @staticmethod
    def create_module(spec):
        if spec.name in FORMER:
            said = f"{spec.name} is now called {FORMER[spec.name]}"
            warnings.warn(said, DeprecationWarning, stacklevel=2)  # Python leaves out the frames of its own importing
        module = importlib.import_module(_now(spec.name))
        spec.loader_state = module.__spec__
        return module

    @staticmethod
    def exec_module(module):
        module.__spec__ = module.__spec__.loader_state  # it is executed, under its first name

    @staticmethod
    def get_code(name):  # for ``python -m experiments.boolean``
        return find_spec(_now(name)).loader.get_code(_now(name))


def _former(name: str) -> str:
    """Which of the former names a module has, or the package that it is in; "" if none."""
    package = ".".join(name.split(".")[:2])
    return package if package in FORMER else ""


def _now(name: str) -> str:
    """The present name of a module."""
    former = _former(name)
    return FORMER[former] + name.removeprefix(former) if former else f"eisim.{name}"


def install() -> None:
    """Make the two packages importable under both names."""
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)


def is_ours(name: str) -> bool:
    """Whether the imported top-level module with this name is eisim's."""
    return name in sys.modules and sys.modules[name] is sys.modules.get(f"eisim.{name}")


def stand_in(name: str) -> None:
    """Make a top-level name, which is being imported, mean eisim's package, or the user's folder if there is one.

    Python prefers a package with ``__init__.py``, which ours is, to a folder without it, wherever that is on the path.
    """
    theirs = [folder for entry in sys.path if _has_modules(folder := os.path.join(entry or os.getcwd(), name))]
    if theirs:
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = theirs
        sys.modules[name] = module_from_spec(spec)
    else:
        install()
        sys.modules[name] = importlib.import_module(f"eisim.{name}")


def _has_modules(folder: str) -> bool:
    """Whether it is a folder of Python files without ``__init__.py``, or of such folders."""
    try:
        inside = list(os.scandir(folder))
        if any(each.name == "__init__.py" for each in inside):
            return False
        return any(
            each.name.endswith(".py") or (each.is_dir() and any(file.endswith(".py") for file in os.listdir(each.path)))
            for each in inside
        )
    except OSError:
        return False
