"""Shell completion: names of experiments and models, settings and their values, columns and files."""

import os
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path

from eisim.base.errors import InputError
from eisim.run import registry

#: Characters that a shell interprets.
_SPECIAL = set("$`\\\"'!;&|<>(){}*?[]#~")


def what_to_run(incomplete: str) -> list[tuple[str, str]]:
    """Experiments, models and files, or the values that complete ``--set KEY=``."""
    setting = _bash_setting(incomplete)
    return what_to_sweep(incomplete) if setting is None else [(value, "") for value in _values(*setting)]


def what_to_sweep(incomplete: str) -> list[tuple[str, str]]:
    """Experiments, models and files."""
    experiments, models = registry.listed()
    return _summed([*experiments, *models], incomplete) + _files(incomplete, (".py", *registry.TABLES))


def model(incomplete: str) -> list[tuple[str, str]]:
    """All models."""
    return _summed(registry.listed()[1], incomplete)


def _summed(known: Iterable[registry.Listed], incomplete: str) -> list[tuple[str, str]]:
    return [(each.name, each.summary) for each in known if each.name.startswith(incomplete)]


def setting(incomplete: str) -> list[str]:
    """``KEY=``, then the values of the key that are known."""
    key, equals, text = incomplete.partition("=")
    if equals:
        return [f"{key}={value}" for value in _values(key, text)]
    return [f"{name}=" for name in _keys() if name.startswith(incomplete)]


def _value_of(key: str) -> Callable:
    """Completions of a single value of a setting."""
    return lambda incomplete: [name for name in _names_of(key) if name.startswith(incomplete)]


def _file(*suffixes: str) -> Callable:
    """A completer for files with these suffixes."""
    return lambda incomplete: _files(incomplete, suffixes)


truth_table, region = _value_of("functions"), _value_of("regions")
table, network = _file(*registry.TABLES), _file(".onnx", ".nir")


def column(incomplete: str) -> list[str]:
    """Columns of the table that is on the line."""
    for path in (word for word in _words() if word.endswith(registry.TABLES)):
        if not os.path.isfile(path):  # a pipe would keep the shell waiting
            continue
        from eisim.functions.tables import names_of

        try:
            names = names_of(path)
        except (OSError, UnicodeError, InputError):
            continue
        return [name for name in names if name.startswith(incomplete) and _is_plain(name)]
    return []


def _is_plain(name: str) -> bool:
    """Whether an untrusted name is safe on a command line: printable, and with nothing that a shell interprets."""
    return name.isprintable() and not _SPECIAL & set(name)


def _keys() -> list[str]:
    """Settings of the experiments that are on the line; models have those of `functions`."""
    known = {*registry.points(registry.EXPERIMENTS), *registry.points(registry.MODELS)}
    found = [registry.experiment_of(word) for word in [word for word in _words() if word in known] or ["boolean"]]
    return list(dict.fromkeys(f.name for each in found for f in fields(each.settings) if f.name not in each.given))


def _values(key: str, text: str) -> list[str]:
    """Values that begin with a text; of lists with commas the last is completed."""
    before, comma, last = text.rpartition(",")
    return [f"{before}{comma}{name}" for name in _names_of(key) if name.startswith(last)]


def _names_of(key: str) -> list[str]:
    if key == "functions":
        from eisim.functions import TRUTH_TABLES

        return list(TRUTH_TABLES)
    if key == "regions":
        from eisim.functions import REGIONS

        return list(REGIONS)
    if key == "circuits":
        return [model.name for model in registry.listed()[1] if model.has_task]
    if key == "how":
        from eisim.ablation import DOSES

        return list(DOSES)
    return []


def _words() -> list[str]:
    """The words of the line that is completed; Typer knows those only that are whole, and not all of them."""
    return (os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")).split()


def _bash_setting(incomplete: str) -> tuple[str, str] | None:
    """Key and text at the cursor in ``--set KEY=TEXT`` of a bash line, which bash splits into three words."""
    words, place = _words(), int(os.environ.get("COMP_CWORD") or 0)
    before = words[: place + 1] if words[place : place + 1] == ["="] else words[:place]
    return (before[-2], incomplete) if before[-3::2] == ["--set", "="] else None


def _files(incomplete: str, suffixes: tuple[str, ...]) -> list[tuple[str, str]]:
    """Files of these kinds, and folders where they may be."""
    folder, name = os.path.split(incomplete)
    try:
        found = sorted(Path(folder or ".").iterdir())
    except OSError:
        return []
    return [
        (os.path.join(folder, path.name) + ("/" if path.is_dir() else ""), "")
        for path in found
        if path.name.startswith(name)
        and _is_plain(path.name)
        and (name.startswith(".") or not path.name.startswith("."))
        and (path.is_dir() or path.suffix in suffixes)
    ]
