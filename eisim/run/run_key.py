"""Identity of a run: everything that determines its results, as text."""

import hashlib
import json
import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from eisim.base import folders
from eisim.base.results import RESULTS_VERSION
from eisim.base.store import sources as sources_of_user
from eisim.run.registry import EXPERIMENTS, MODELS, points


def identity(name: str, module: str, values: dict, kinds, seed: int, backend: str) -> str:
    """All that decides what a run finds: experiment, settings and the files they name, sources, versions, machine.

    The name is as it was given: that of an experiment or a model, or a file. Values of the settings that are text may
    be the names of files.
    """
    named = [Path(value) for value in (name, *values.values()) if isinstance(value, (str, Path)) and value]
    packages = {*packages_that_decide(), module.partition(".")[0]}
    return json.dumps(
        {
            "experiment": [name, module],
            "settings": values,
            "kinds": list(kinds),
            "seed": seed,
            "backend": backend,
            "sources": {package: digest(sources(package)) for package in sorted(packages)},
            "files": [digest(beside(path)) for path in named if path.is_file()],
            "loaded": sources_of_user.at_import(),
            "imported": sources_of_user.imported_versions(),
            "folders": [_listing(path) for path in named[1:] if path.is_dir()],
            "results": RESULTS_VERSION,
            "versions": {"python": sys.version} | {name: version_of(name) for name in _dependencies()},
            "machine": [platform.platform(), platform.node()],
        },
        default=lambda value: value.tolist() if hasattr(value, "tolist") else repr(value),
        sort_keys=True,
    )


def packages_that_decide() -> set[str]:
    """Packages whose sources decide what any run finds: eisim, and those that add to what it can run."""
    named = {point.module.partition(".")[0] for group in (EXPERIMENTS, MODELS) for point in points(group).values()}
    return {"eisim", *(f"eisim.{name}" for name in folders.NAMES), *named}


def sources(package: str) -> list[Path]:
    """Python files of a package or module; those of `eisim.base.folders` are packages by themselves."""
    spec = find_spec(package)
    if spec is None:
        return []
    within = spec.submodule_search_locations
    if within is None:
        return [Path(spec.origin)]
    apart = [Path(path) / name for path in within for name in folders.NAMES] if package == "eisim" else []
    files = [file for path in within for file in Path(path).rglob("*.py")]
    return [file for file in files if not any(file.is_relative_to(folder) for folder in apart)]


def beside(path: Path) -> list[Path]:
    """A file, and if it is Python its neighbours: it may import them late."""
    return list(path.parent.glob("*.py")) if path.suffix == ".py" else [path]


def _listing(folder: Path) -> list:
    """Names, sizes and times of the files of a folder of data, which may be too much to be read."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def digest(files: list[Path]) -> str:
    found = hashlib.sha256()
    for file in sorted(files):
        found.update(f"{file.name}\0".encode())
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def _dependencies() -> list[str]:
    """Distributions that eisim names as dependencies, and itself."""
    return sorted({"eisim"} | {re.match(r"[\w.-]+", line).group() for line in requires("eisim") or ()})


def version_of(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
