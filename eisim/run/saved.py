"""Values of eisim on disk: one zip archive of JSON and .npy arrays, and nothing that is run when it is read."""

import importlib
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from pathlib import Path

import numpy as np
from scipy import sparse

from eisim import _HOMES as _PUBLIC
from eisim.base.errors import InputError, explains_arguments, quoted
from eisim.base.files import replaced
from eisim.base.schema import PYTHON, build, parameters_of
from eisim.base.store import safe_read as incoming
from eisim.base.units import Measured

#: Version of the format; files of later ones are refused.
VERSION = 1
STRUCTURE = "value.json"
#: Limits on the members of one archive, its size in bytes and that of its structure.
MOST_MEMBERS = 200_000
LARGEST_FILE = 20_000_000_000
LARGEST_STRUCTURE = 100_000_000
#: Kinds of NumPy's arrays that a file holds.
KINDS = "biufcU"

#: The classes that a file can hold, by the module they live in. Nothing else is ever built.
_CLASSES = {
    **{f"eisim.{module}": _PUBLIC[f"eisim.{module}"] for module in ("distributions", "neurons", "synapses", "weights")},
    "eisim.circuit": (*_PUBLIC["eisim.circuit"], "InhibitoryInput"),
    "eisim.plasticity": ("PlasticityRule",),
    "eisim.adapter.activations": ("Identity", "LeakyReLU", "Tanh"),
    "eisim.adapter.rnn": ("RNN",),
    "eisim.adapter.static": ("DNN", "Layer"),
    "eisim.adapter.unrolled": ("UnrolledDNN",),
    "eisim.analysis.mean_field_check": ("Prediction",),
    "eisim.analysis.recurrent_network": ("RecurrentNetwork",),
    "eisim.analysis.task": ("Fact", "Obstruction"),
    "eisim.connectome.connectome": ("Connectome",),
    "eisim.functions.labelled_data": ("LabelledData",),
    "eisim.functions.region": ("Cells", "Region"),
    "eisim.functions.truth_table": ("TruthTable",),
    "eisim.simulation.response": ("Recording", "Response", "Spikes"),
    "eisim.stimuli": ("SpikeTimes",),
    "eisim.studies.boolean": (
        "AblationResult",
        "Case",
        "CaseResult",
        "KeptCircuits",
        "KindResult",
        "Measurement",
        "Protocol",
    ),
    "eisim.studies.curves": ("AblationCurve",),
    "eisim.studies.held_out": ("HeldOut",),
    "eisim.studies.judgement": ("Controls", "Criterion"),
    "eisim.studies.networks": ("Floors", "NetworkAblation"),
    "eisim.studies.tasks.result": ("Assessment", "Judged", "Survey"),
    "eisim.theory.certificate": ("Certificate",),
    "eisim.theory.order": ("Witness",),
    "eisim.theory.orientation": ("Orientation",),
    "eisim.theory.spectrum": ("Spectrum",),
    "eisim.theory.structure.certificate": ("StructuralCertificate",),
    "eisim.theory.structure.floor": ("WiringFloor",),
    "eisim.theory.structure.graph": ("SignedGraph",),
}
#: Classes with complex numbers, and those whose own checks say that they can be shown, which takes long.
_COMPLEX, _CHECKED = ("Spectrum",), ("StructuralCertificate",)
#: Fields that are written only where they hold something else: other files are the same as before there were any.
_LATER = {"labels": None, "form": "rate", "gap_junctions_from": None}
_HOMES = {name: (module, name) for module, names in _CLASSES.items() for name in names}
_HOMES["WitnessOfTask"] = ("eisim.studies.tasks.witness", "Witness")


@explains_arguments
def save(value, path) -> None:
    """Write a value to a file, from which `load` makes it again.

    The arrays come back to the bit, and a circuit gives the same spikes; single numbers come back as Python's. What a
    value holds that is code cannot be written: a `Region` of one's own is written as its cells at its resolution, and
    the `Case` of a result as the intact circuits that were measured.

    Parameters
    ----------
    value
        A Circuit, DNN, UnrolledDNN, Response, TruthTable, Region, LabelledData, Certificate, StructuralCertificate,
        WiringFloor, Spectrum, Assessment, Survey, CaseResult, AblationResult, NetworkAblation, RecurrentNetwork, or
        what they are made of; or a list, tuple or dict of these, of numbers, texts and arrays.
    path : path-like
        The file is written completely or not at all.

    Raises
    ------
    InputError
        For anything else, or if the file cannot be written.

    See Also
    --------
    DNN.save : Networks for other programs, in ONNX or PyTorch's format.
    """
    from eisim import __version__

    arrays: dict[int, tuple[str, np.ndarray]] = {}
    document = {"format": "eisim", "version": VERSION, "written_by": __version__, "value": _node(value, arrays)}
    structure = json.dumps(document, allow_nan=False).encode()
    if len(structure) > LARGEST_STRUCTURE or len(arrays) >= MOST_MEMBERS:
        raise InputError(f"save: expected a value of at most {MOST_MEMBERS:,} arrays, found one of {len(arrays):,}")
    try:
        with replaced(Path(path)) as file, zipfile.ZipFile(file, "w") as archive:
            archive.writestr(_member(STRUCTURE), structure)
            for name, array in arrays.values():
                with archive.open(_member(name), "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, version=(1, 0), allow_pickle=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


@explains_arguments
def load(path):
    """Read a value that `save` wrote.

    Only classes of eisim are built from a file, through their own checks; no code in it is run. That the rate of a
    `Neuron` is non-decreasing is not believed of a file: `eisim.analysis.fi_curve.fi_curve` measures it again.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    object
        The value.

    Raises
    ------
    InputError
        For a file that is missing, damaged, written by a newer eisim, or by something else.
    """
    size = incoming.regular_file(path, LARGEST_FILE).stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            members = _check_archive(archive, size)
            if STRUCTURE not in members:
                raise InputError(f"expected a file that eisim.save wrote, found an archive without {STRUCTURE}")
            if members[STRUCTURE].file_size > LARGEST_STRUCTURE:
                raise InputError(f"{STRUCTURE}: expected at most {LARGEST_STRUCTURE:,} bytes, found more")
            document = json.loads(archive.read(members[STRUCTURE]))
            _check_document(document)
            return _value(document["value"], _Arrays(archive, members, {}))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except zipfile.BadZipFile as error:
        raise InputError(f"{path}: expected a whole file that eisim.save wrote, found: {quoted(error)}") from None
    except Exception as error:  # what a damaged file provokes
        found = f"a damaged one ({quoted(error)})"
        raise InputError(f"{path}: expected a file that eisim.save wrote, found {found}") from None


def _member(name):
    """The same bytes for the same value: without the time."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.external_attr = 0o644 << 16
    return info


def _node(value, arrays):
    """A value as JSON, its arrays put aside."""
    if value is None or (isinstance(value, (bool, str)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":
        return _node(value.item(), arrays)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Measured):
        return {"quantity": [_node(float(value), arrays), value.unit]}
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": repr(float(value))}
    if isinstance(value, np.ndarray):
        return {"array": _put_aside(value, arrays)}
    if sparse.issparse(value):
        matrix = value.tocsr()
        parts = {part: _node(getattr(matrix, part), arrays) for part in ("data", "indices", "indptr")}
        return {"sparse": {"shape": list(map(int, matrix.shape)), **parts}}
    if type(value) in (tuple, list):
        return {type(value).__name__: [_node(each, arrays) for each in value]}
    if isinstance(value, Mapping):
        items = getattr(value, "stored", value).items()
        return {"dict": [[_node(key, arrays), _node(each, arrays)] for key, each in items]}
    return _object(value, arrays)


def _put_aside(array, arrays):
    if array.dtype.kind not in KINDS:
        raise InputError(f"save: expected arrays of numbers or text, found one of {array.dtype}")
    if id(array) not in arrays:
        arrays[id(array)] = (f"arrays/{len(arrays)}.npy", array)
    return arrays[id(array)][0]


def _object(value, arrays):
    cls = type(value)
    name = next((name for name, home in _HOMES.items() if home[1] == cls.__name__ and _class(name) is cls), None)
    if name is None:
        if (region := _region_of(value)) is not None:
            return {"region": region}
        known = ", ".join(sorted(_HOMES))
        raise InputError(f"save: expected values of {known}, or lists, tuples and dicts of them, found {value!r:.80}")
    if isinstance(value, Enum):
        return {name: value.value}
    stored = _without_code(value)
    held = {field: getattr(stored, field) for field in parameters_of(cls)}
    return {name: {field: _node(part, arrays) for field, part in held.items() if _is_written(field, part)}}


def _is_written(field, part) -> bool:
    return field not in _LATER or bool(part and part != _LATER[field])


def _without_code(value):
    """The value with what is a function replaced by what it gives."""
    from eisim.functions.region import Cells, Region
    from eisim.studies.boolean import CaseResult, KeptCircuits

    if isinstance(value, Region) and _region_of(value.contains) is None and not isinstance(value.contains, Cells):
        inside = value.labelled().targets.reshape(value.resolution, value.resolution)
        return replace(value, contains=Cells(inside.astype(bool)))
    if isinstance(value, CaseResult) and not isinstance(value.case.circuit, KeptCircuits):
        kept = KeptCircuits({kind: result.circuit for kind, result in value.kinds.items()})
        return replace(value, case=replace(value.case, circuit=kept))
    return value


def _region_of(contains):
    """Name of the region of eisim that has this function."""
    from eisim.functions.region import REGIONS

    return next((name for name, region in REGIONS.items() if region.contains is contains), None)


@cache
def _class(name):
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)


def _check_archive(archive, size):
    """Members by name, if they are what `save` writes: as large as they say, and together no larger than the file."""
    members = {info.filename: info for info in archive.infolist()}
    if len(archive.infolist()) > MOST_MEMBERS or len(members) < len(archive.infolist()):
        raise InputError(f"expected at most {MOST_MEMBERS:,} members of different names, found others")
    for info in members.values():
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            raise InputError(f"{info.filename!r:.60}: expected a member that is stored as it is, found another")
    if sum(info.file_size for info in members.values()) > size:
        raise InputError("expected members that together are no larger than the file, found larger ones")
    return members


def _check_document(document):
    if not isinstance(document, dict) or document.get("format") != "eisim" or "value" not in document:
        raise InputError("expected a file that eisim.save wrote, found another JSON document")
    version = document.get("version")
    if type(version) is not int or version < 1:
        raise InputError(f"version: expected a whole number of 1 or more, found {version!r:.60}")
    if version > VERSION:
        raise InputError(
            f"version: expected at most {VERSION}, found {version}: the file was written by a newer eisim "
            f"({document.get('written_by')!s:.20}), which can read it"
        )


@dataclass(frozen=True)
class _Arrays:
    """The arrays of an archive, each read once."""

    archive: zipfile.ZipFile
    members: dict[str, zipfile.ZipInfo]
    read: dict[str, np.ndarray]

    def __getitem__(self, name) -> np.ndarray:
        if name not in self.read:
            if name not in self.members:
                raise InputError(f"expected an array {name!r:.60}, found none")
            self.read[name] = incoming.array(self.archive.read(self.members[name]), KINDS)
        return self.read[name]


def _value(node, arrays):
    """The value of a JSON node."""
    if node is None or isinstance(node, (bool, str, int, float)):
        return node
    if not isinstance(node, dict) or len(node) != 1:
        raise InputError(f"expected a value with the name of its class, found {node!r:.60}")
    ((name, content),) = node.items()
    if name == "float":
        return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[content]
    if name == "quantity":
        number, unit = content
        return Measured(_value(number, arrays), unit)
    if name == "array":
        return arrays[content]
    if name == "sparse":
        parts = [_value(content[part], arrays) for part in ("data", "indices", "indptr")]
        matrix = sparse.csr_array(tuple(parts), shape=tuple(content["shape"]))
        matrix.check_format(full_check=True)
        return matrix
    if name == "tuple":
        return tuple(_value(each, arrays) for each in content)
    if name == "list":
        return [_value(each, arrays) for each in content]
    if name == "dict":
        return {_value(key, arrays): _value(each, arrays) for key, each in content}
    if name == "region":
        from eisim.functions.region import REGIONS

        return REGIONS[content].contains
    if name in _EARLIER:
        name, content = _EARLIER[name](content)
    if name not in _HOMES:
        raise InputError(f"expected one of eisim's values, found {name!r:.60}")
    return _build(_class(name), name, content, arrays)


def _dose_response(content):
    """An ablation curve as stored by eisim 0.1.0: with doses, a number as criterion, and no name."""
    curve = {"system": ""} | {"fractions" if field == "doses" else field: each for field, each in content.items()}
    least = curve["criterion"]
    return "AblationCurve", curve | {"criterion": {"Criterion": {"least": least, "share": 0.0, "offset": least}}}


def _judged(content):
    """Name the ablation curves of earlier files, which store the names separately."""
    systems = [
        [name, {"DoseResponse": {"system": name} | curve["DoseResponse"]} if "DoseResponse" in curve else curve]
        for name, curve in content["systems"]["dict"]
    ]
    return "Judged", content | {"systems": {"dict": systems}}


#: Classes of earlier files, and what their JSON is today.
_EARLIER = {"DoseResponse": _dose_response, "Judged": _judged}


def _build(cls, name, content, arrays):
    if issubclass(cls, Enum):
        return cls(content)
    values = {field: _value(each, arrays) for field, each in content.items()}
    for field, value in values.items():
        inside = value.values() if isinstance(value, dict) else [value]
        if field != "classes" and any(isinstance(each, np.ndarray) and each.dtype.kind == "U" for each in inside):
            raise InputError(f"{name}.{field}: expected numbers, found text")
        if name not in _COMPLEX and any(isinstance(each, np.ndarray) and each.dtype.kind == "c" for each in inside):
            raise InputError(f"{name}.{field}: expected real numbers, found complex ones")
    if name == "Neuron" and values.get("rises") is True:
        values["rises"] = None  # a file is no measurement
    if name == "Population" and np.shape(values.get("bias")) != (values.get("size"),):
        raise InputError(f"Population.bias: expected one for each of {values.get('size')} neurons, found others")
    value = build(cls, {field: (each, f"{name}.{field}") for field, each in values.items()}, name, PYTHON)
    if name in _SHAPES:
        _check_shapes(name, value)
    if name == "Response":
        _check_response(value)
    if hasattr(cls, "_repr_html_") and name not in _CHECKED:
        _check_shown(name, value)
    return value


#: Axes of arrays, by name: axes with the same name have the same length, and ``...`` means any others.
_SHAPES = {
    "Spikes": {"copy": "spike", "neuron": "spike", "step": "spike"},
    "Measurement": {"rates": "condition ... pattern", "thresholds": "condition", "values": "pattern"},
    "AblationCurve": {"fractions": "fraction", "scores": "fraction seed"},
    "Spectrum": {
        "sizes": "population",
        "means": "population population",
        "variances": "population population",
        "eigenvalues": "neuron",
        "singular_values": "neuron",
        "predicted_outliers": "outlier",
        "outliers": "outlier",
    },
    "NetworkAblation": {
        "fractions": "level",
        "outputs": "level point output",
        "outputs_zeroed": "level point output",
        "wanted": "point output",
        "times": "time",
        "outputs_in_time": "time point output",
    },
}
#: Of a larger value the table is not made to see whether that can be done.
_MOST_SHOWN = 100_000


def _check_shapes(name, value):
    """Refuse arrays that do not fit together, or hold no numbers."""
    sizes: dict[str, int] = {}
    for field, axes in _SHAPES[name].items():
        array, axes = getattr(value, field), axes.split()
        if array is None:
            continue
        array = np.asarray(array)
        if "..." in axes:
            axes[1:2] = [f"axis {k}" for k in range(1, array.ndim - 1)]
        if array.dtype.kind not in "biufc" or array.ndim != len(axes):
            raise InputError(f"{name}.{field}: expected numbers by {' and '.join(axes)}, found {array!r:.60}")
        for axis, size in zip(axes, array.shape, strict=True):
            if sizes.setdefault(axis, size) != size:
                raise InputError(f"{name}.{field}: expected {sizes[axis]} along the axis {axis}, found {size}")


def _check_response(response):
    """Refuse a response whose arrays are not those of its circuit."""
    size_of = {each.name: each.size for each in (*response.circuit.inputs, *response.circuit.populations)}
    names = {population.name for population in response.circuit.populations}
    for what in ("duration", "window", "dt"):
        if not 0 < getattr(response, what) < math.inf:
            raise InputError(f"Response.{what}: expected a time of more than 0, found {getattr(response, what)!r:.60}")
    recordings = response.traces.recordings
    traces = {name: found for name, found in response.traces.stored.items() if name not in recordings}
    for part, found in (("rates", response.rates), ("traces", traces)):
        if found.keys() != names and (found or part == "rates"):
            raise InputError(f"Response.{part}: expected those of {', '.join(names)}, found {', '.join(found)}")
    before = np.shape(next(iter(response.rates.values())))[:-1]  # (seeds and) trials
    learning = {p.name: response.circuit.weights(p).nnz for p in response.circuit.learning_projections}
    for name, found in recordings.items():
        if name not in (*names, *learning):
            raise InputError(f"Response.traces: expected some of {', '.join(names)}, found {name!r:.60}")
        _check_recording(f"Response.traces[{name!r}]", found, before, (size_of | learning)[name])
    for part, axes, of_part in (("rates", 0, response.rates), ("traces", 1, traces)):
        for name, array in of_part.items():
            array, wanted = np.asarray(array), (*before, size_of[name])
            fits = array.ndim == len(wanted) + axes and array.shape[: len(wanted)] == wanted
            if not fits or array.dtype.kind not in "biuf":
                raise InputError(f"Response.{part}[{name!r}]: expected numbers of shape {wanted}, found {array!r:.60}")
    for name, values in response.weights.stored.items():
        wanted = (*before, learning[name]) if name in learning else None
        if np.shape(values) != wanted or np.asarray(values).dtype.kind != "f":
            raise InputError(
                f"Response.weights[{name!r:.60}]: expected numbers of shape {wanted}, found {np.shape(values)}"
            )
    if len(before) not in (1, 2):
        raise InputError(f"Response.rates: expected trials, or seeds and trials, found {len(before)} such axes")
    for name, spikes in response.spikes.items():
        for part, most in (("copy", math.prod(before)), ("neuron", size_of.get(name, 0)), ("step", math.inf)):
            numbers = np.asarray(getattr(spikes, part))
            if numbers.dtype.kind not in "iu" or (numbers.size and not 0 <= numbers.min() <= numbers.max() < most):
                raise InputError(
                    f"Response.spikes[{name!r}].{part}: expected whole numbers from 0 to below {most}, found "
                    f"{numbers!r:.60}"
                )


def _check_recording(what, recording, before, size):
    """Refuse a recording of other trials or neurons than there are, or whose arrays do not fit together."""
    seeds, trials = (1, *before)[-2:]
    axes = {"seeds": math.inf, "trials": trials, "neurons": size, "times": math.inf}
    for axis, most in axes.items():
        numbers = np.asarray(getattr(recording, axis))
        fits = numbers.ndim == 1 and numbers.dtype.kind in ("iuf" if axis == "times" else "iu")
        if not fits or (numbers.size and not 0 <= numbers.min() <= numbers.max() < most):
            raise InputError(f"{what}.{axis}: expected numbers from 0 to below {most}, found {numbers!r:.60}")
    for end in recording.ends:
        if np.shape(end) != np.shape(recording.neurons) or np.asarray(end).dtype.kind not in "iu":
            raise InputError(f"{what}.ends: expected a number for each synapse, found {end!r:.60}")
    shape = tuple(len(getattr(recording, axis)) for axis in axes)
    if shape[0] != seeds:
        raise InputError(f"{what}.seeds: expected {seeds}, found {shape[0]}")
    if not recording.values.keys() == recording.units.keys() == recording.meanings.keys():
        raise InputError(f"{what}: expected a unit and a meaning of every variable, found others")
    for name, array in recording.values.items():
        if np.shape(array) != shape or np.asarray(array).dtype.kind != "f":
            raise InputError(f"{what}: {name!r:.60}: expected numbers of shape {shape}, found {array!r:.60}")


def _check_shown(name, value):
    """Refuse a value that cannot be shown or made a table, since its parts do not fit together."""
    try:
        repr(value), value._repr_html_()
        if hasattr(value, "to_dataframe") and len(getattr(value, "readouts", ())) <= _MOST_SHOWN:
            value.to_dataframe()
    except InputError:
        raise
    except Exception as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{name}: expected parts that fit together, found others ({why:.100})") from None
