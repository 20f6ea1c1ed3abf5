"""All names that users write: what is imported, arguments, attributes, commands, options and settings.

``python -m tests.public_names`` writes down those that there are, as ``public_names.json``, of which none may be lost.
"""

import ast
import importlib
import inspect
import io
import json
import re
import textwrap
import typing
from contextlib import redirect_stdout
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path

import typer

import eisim
from eisim.cli.commands import app, run_command

ROOT = Path(__file__).parents[1]
RECORD = Path(__file__).with_suffix(".json")
#: Where users see what to import.
SHOWN = ("README.md", "docs/**/*.md", "examples/*", "models/*.py")
#: What else is reached by its module: all that these modules have for users, besides what is shown.
MODULES = {
    "eisim": eisim.__all__,
    "eisim.activity": "Rhythm correlation field_potential irregularity local_irregularity modulation population_rate "
    "rhythm spectral_slope spectrum synchrony",
    "eisim.adapter": "DNN UnrolledDNN decode from_dnn on_off rate_outputs to_dnn to_spiking",
    "eisim.brian": "BrianAblation Finding Found GroupSpikes ablate ablated inhibition",
    "eisim.assessment": "Assessment DoseResponse Judged Survey Witness assess",
    "eisim.errors": "InputError",
    "eisim.experiment": "AblationResult Case CaseResult KindResult Measurement Protocol run_ablation with_noise",
    "eisim.functions": "NAMED REGIONS LabelledData Region TruthTable patterns",
    "eisim.neurons": "AdEx EIF HodgkinHuxley Izhikevich QIF WangBuzsaki LIF AbbottChance "
    "ConductanceLIF ExponentialLinear Logistic Neuron PowerLaw RateUnit RectifiedTanh Saturating "
    "Softplus SpikingNeuron Step Theta ThresholdLinear WilsonCowan",
    "eisim.network_ablation": "NetworkAblation ablate_network class_floors",
    "eisim.task": "Fact Obstruction Task",
    "eisim.values": "Value quantity",
    "eisim.weights": "AllToAll FixedInDegree FixedOutDegree FixedProbability FixedTotalNumber GaussianProfile "
    "Independent",
}


def found() -> dict:
    """The names that there are now."""
    names = imported()
    settings = listed()
    return {
        "names": names,
        "arguments": arguments(names),
        "attributes": attributes(names),
        "commands": commands(),
        "settings": settings,
        "functions": sorted(eisim.NAMED),
        "regions": sorted(eisim.REGIONS),
    }


def imported() -> dict[str, list[str]]:
    """What is imported from where: what is shown to users, and what `MODULES` adds."""
    names = {module: set(of.split() if isinstance(of, str) else of) for module, of in MODULES.items()}
    for pattern in SHOWN:
        for path in ROOT.glob(pattern):
            if path.suffix in (".py", ".md") and path.stem != "__init__" and "generated" not in path.parts:
                for module, name in _imports(path):
                    names.setdefault(module, set()).add(name)
    return {module: sorted(names[module]) for module in sorted(names)}


def _imports(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        found = (re.findall(r"^\s*from [\w.]+ import (?:\([^)]*\)|[^\n]*)", block, re.MULTILINE) for block in blocks)
        text = "\n".join(textwrap.dedent(each).strip() for block in found for each in block)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("eisim", "models"):
            yield from ((node.module, alias.name) for alias in node.names)


def reach(module: str, name: str):
    """Import a name as ``from module import name`` does."""
    home = importlib.import_module(module)
    return getattr(home, name) if hasattr(home, name) else importlib.import_module(f"{module}.{name}")


def _objects(names):
    for module, of in names.items():
        for name in of:
            yield f"{module}.{name}", reach(module, name)


def arguments(names) -> dict[str, list[str]]:
    """The names of arguments of functions and classes."""
    known = {}
    for name, value in _objects(names):
        if callable(value) and not (inspect.isclass(value) and issubclass(value, (BaseException, str))):
            known[name] = [
                parameter.name
                for parameter in inspect.signature(value).parameters.values()
                if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
            ]
    return known


def attributes(names) -> dict[str, list[str]]:
    """The public attributes of classes, and arguments of their methods as ``method(argument)``."""
    known = {}
    for name, cls in _objects(names):
        if not inspect.isclass(cls):
            continue
        of_eisim = [base for base in cls.__mro__ if base.__module__.split(".")[0] == "eisim"]
        there = {key for base in of_eisim for key in vars(base) if key[0] != "_"}
        there |= {field.name for field in fields(cls)} if is_dataclass(cls) else set()
        for key in sorted(there):
            method = getattr(cls, key, None)
            if inspect.isfunction(method) or inspect.ismethod(method):
                of_method = inspect.signature(method).parameters
                there |= {f"{key}({argument})" for argument in of_method if argument != "self"}
        known[name] = sorted(there)
    return known


def commands() -> dict[str, list[str]]:
    """Options of commands and names of their arguments, with the words that they can be."""
    root = typer.main.get_command(app)
    known = {"": [option for parameter in root.params for option in parameter.opts]}
    for name, command in root.commands.items():
        types = typing.get_type_hints(inspect.unwrap(command.callback))
        there = set()
        for parameter in command.params:
            is_option = parameter.param_type_name == "option"
            words = [*parameter.opts, *parameter.secondary_opts] if is_option else [parameter.name]
            of = (types[parameter.name], *typing.get_args(types[parameter.name]))
            choices = [each.value for kind in of if inspect.isclass(kind) and issubclass(kind, Enum) for each in kind]
            there |= set(words) | {f"{words[0]} {choice}" for choice in choices}
        known[name] = sorted(there)
    return known


def listed() -> dict[str, dict[str, list[str]]]:
    """Settings and parameters of experiments and models, as ``list`` says them."""
    document = _json("list")
    known = {}
    for kind in ("experiments", "models"):
        for entry in document[kind]:
            about = _json("list", entry["name"])
            known[entry["name"]] = {"fields": sorted(about)} | {
                what: [each["name"] for each in about[what]] for what in ("settings", "parameters")
            }
    return known


def _json(*words):
    out = io.StringIO()
    with redirect_stdout(out):
        assert run_command([*words, "--json"]) == 0
    return json.loads(out.getvalue())


def lost(before, now, where: str = "") -> list[str]:
    """What is in the first document and not in the second."""
    if isinstance(before, dict):
        return [
            each
            for key, value in before.items()
            for each in ([f"{where}{key}"] if key not in now else lost(value, now[key], f"{where}{key}: "))
        ]
    return [f"{where}{name}" for name in before if name not in now]


if __name__ == "__main__":
    RECORD.write_text(json.dumps(found(), indent=1) + "\n", encoding="utf-8")
