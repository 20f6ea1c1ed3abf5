"""Values survive disk, pickle and deepcopy to the bit; files that eisim did not write are refused in one line."""

import contextlib
import copy
import io
import json
import os
import pickle
import random
import re
import types
import zipfile
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from eisim import LIF, TRUTH_TABLES, Circuit, InputError, LabelledData, Region, certify, load, save, simulate
from eisim.functions.region import Cells
from eisim.neurons import Saturating
from eisim.studies.boolean import KeptCircuits
from tests.support import kept
from tests.support.drawn import draw_circuit


def assert_same(a, b, where=""):
    """Equal to the bit, part by part; functions are equal if they are the same."""
    if isinstance(b, (Cells, KeptCircuits)) and type(a) is not type(b):
        return  # what stands for a function that cannot be kept
    if isinstance(a, np.generic) and not isinstance(b, np.generic):
        a = a.item()
    assert type(a) is type(b), where
    if sparse.issparse(a):
        assert a.shape == b.shape
        for part in ("data", "indices", "indptr"):
            assert_same(getattr(a, part), getattr(b, part), f"{where}.{part}")
    elif isinstance(a, np.ndarray):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()), where
    elif is_dataclass(a):
        for f in (f for f in fields(a) if f.init):  # others hold what was worked out
            assert_same(getattr(a, f.name), getattr(b, f.name), f"{where}.{f.name}")
    elif isinstance(a, dict):
        assert list(a) == list(b), where
        for key in a:
            assert_same(a[key], b[key], f"{where}[{key!r}]")
    elif isinstance(a, (tuple, list)):
        assert len(a) == len(b), where
        for k, each in enumerate(a):
            assert_same(each, b[k], f"{where}[{k}]")
    elif isinstance(a, types.FunctionType) or a == b:
        assert a == b, where
    else:
        assert repr(a) == repr(b), where  # not a number; a partial


def there_and_back(value, path):
    save(value, path)
    return load(path)


def test_every_value_survives_disk_pickle_and_deepcopy(tmp_path):
    for name, value in kept.values().items():
        found = there_and_back(value, tmp_path / "value.eisim")
        assert_same(value, found, name)
        save(value, tmp_path / "again.eisim")
        assert (tmp_path / "value.eisim").read_bytes() == (tmp_path / "again.eisim").read_bytes(), name
        if name != "own region":  # a lambda has no name by which to pickle it
            assert_same(value, pickle.loads(pickle.dumps(value)), name)
        assert_same(value, copy.deepcopy(value), name)


@pytest.mark.slow
@settings(max_examples=12)
@given(kind=st.sampled_from(["rate", "spiking"]), seed=st.integers(0, 10**6))
def test_drawn_circuits_survive(kind, seed, tmp_path_factory):
    circuit = draw_circuit(kind, seed)
    found = there_and_back(circuit, tmp_path_factory.getbasetemp() / "drawn.eisim")
    assert_same(circuit, found)
    for copied in (found, pickle.loads(pickle.dumps(circuit)), copy.deepcopy(circuit)):
        assert_same(circuit, copied)
        for array in (copied.populations[0].bias, copied.projections[0].weights.data, copied.projections[0].delay):
            assert not array.flags.writeable


def test_a_loaded_circuit_gives_the_same_spikes(tmp_path):
    circuit = kept.ruled()
    loaded = [there_and_back(circuit, tmp_path / "circuit.eisim"), pickle.loads(pickle.dumps(circuit))]
    stimuli = np.full((2, 4), 1.0)
    first, *others = simulate([circuit, *loaded], stimuli, seed=[5], record=True, backend="numpy", **kept.TIMES)
    assert first.spikes["E"].step.size > 20
    for other in others:
        assert_same(first.spikes, other.spikes)
        assert_same(first.rates, other.rates)


def test_a_region_of_ones_own_comes_back_as_its_cells(tmp_path):
    mine = Region("steps", lambda x, y: np.floor(5 * x) > 2 * y, 9)
    found = there_and_back(mine, tmp_path / "region.eisim")
    assert isinstance(found.contains, Cells)
    assert_same(mine.labelled(), found.labelled())
    ring = certify(replace(mine, resolution=6))
    assert_same(ring.floor, there_and_back(ring, tmp_path / "certificate.eisim").floor)
    assert there_and_back(kept.values()["region"], tmp_path / "disc.eisim") == kept.values()["region"]


def test_a_kept_case_has_the_circuits_that_were_measured(tmp_path):
    case = there_and_back(kept.ablation().cases[0], tmp_path / "case.eisim")
    assert case.verdict == kept.ablation().cases[0].verdict
    assert case.problems == kept.ablation().cases[0].problems
    assert case.case.circuit(kind="rate").n_inhibitory == 1
    with pytest.raises(InputError, match="kind: expected one of rate, found 'spiking'"):
        case.case.circuit(kind="spiking")


def test_files_of_eisim_0_1_0_have_dose_responses(tmp_path):
    """Unnamed, by doses, with a number as criterion; they come back as ablation curves, without controls."""
    assessment, path = kept.assessment("none"), tmp_path / "x.eisim"
    save(assessment, path)
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    whole = json.loads(members["value.json"])

    def earlier(node):
        if isinstance(node, list):
            return [earlier(each) for each in node]
        if not isinstance(node, dict):
            return node
        if "AblationCurve" in node:
            curve = node["AblationCurve"]
            doses, criterion = curve["fractions"], curve["criterion"]["Criterion"]["least"]
            return {"DoseResponse": {"doses": doses, "scores": curve["scores"], "criterion": criterion}}
        return {key: earlier(each) for key, each in node.items()}

    path.write_bytes(archive(members | {"value.json": json.dumps(earlier(whole))}))
    (judged,) = assessment.kinds.values()  # nor do they say that nothing was random
    systems = {name: replace(curve, is_exact=False) for name, curve in judged.systems.items()}
    assert_same(replace(assessment, kinds={"rate": replace(judged, systems=systems)}), load(path))
    one = {"DoseResponse": {"doses": {"array": "d.npy"}, "scores": {"array": "s.npy"}, "criterion": 0.5}}
    arrays = {"d.npy": npy(np.array([0, 0.5, 1])), "s.npy": npy(np.array([[1.0], [0.8], [0.2]]) * [1, 1])}
    path.write_bytes(archive({"value.json": document(one), **arrays}))
    curve = load(path)
    assert (curve.verdict, curve.critical_dose, curve.level) == ("lost", pytest.approx(0.75), 0.5)
    path.write_bytes(archive({"value.json": document(one), **arrays, "d.npy": npy(np.array([0.0, 1]))}))
    with pytest.raises(InputError, match=r"AblationCurve\.scores: expected 2 along the axis fraction, found 3"):
        load(path)


def test_what_cannot_be_kept_is_named_and_leaves_the_file_alone(tmp_path):
    class Mine(Saturating):
        pass

    path = tmp_path / "x.eisim"
    save(TRUTH_TABLES["xor"], path)
    before = path.read_bytes()
    for value, message in (
        (lambda x: x, "found <function"),
        (Mine(), "found .*Mine"),
        ({"a": object()}, "found <object"),
        (np.array([object()]), "found one of object"),
    ):
        with pytest.raises(InputError, match=message):
            save(value, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x.eisim"]
    with pytest.raises(InputError, match="cannot be written: No such file"):
        save(TRUTH_TABLES["xor"], tmp_path / "nowhere" / "x.eisim")


def archive(members, compression=zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return content.getvalue()


def document(value, **changes):
    return json.dumps({"format": "eisim", "version": 1, "written_by": "0.1.0", "value": value} | changes)


def npy(array=None, header=None) -> bytes:
    content = io.BytesIO()
    if header is None:
        np.save(content, array, allow_pickle=True)
        return content.getvalue()
    content.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"12345678")
    return content.getvalue()


ARRAY = document({"array": "a.npy"})


def test_what_is_said_of_a_damaged_file_is_short_and_printable(tmp_path):
    data = bytearray(archive({"a.npy": npy(np.arange(200.0)), "value.json": ARRAY}))
    data[26:28] = (1500).to_bytes(2, "little")  # length of the first member's name
    (tmp_path / "x.eisim").write_bytes(data)
    with pytest.raises(InputError, match=r"File name in directory 'a.npy' and header b'a.npy \.\.\.$") as found:
        load(tmp_path / "x.eisim")
    assert str(found.value).isprintable() and len(str(found.value)) < 400


def test_complex_numbers_are_those_of_a_spectrum_alone(tmp_path):
    eigenvalues = load_spectrum(tmp_path).eigenvalues
    assert eigenvalues.dtype.kind == "c" and np.abs(eigenvalues.imag).max() > 0.1
    save(LabelledData([[1.0], [2.0]], [0, 1]), tmp_path / "x.eisim")
    with zipfile.ZipFile(tmp_path / "x.eisim") as file:
        members = {name: file.read(name) for name in file.namelist()}
    members["arrays/0.npy"] = npy(np.array([[1j], [2j]]))
    (tmp_path / "x.eisim").write_bytes(archive(members))
    with pytest.raises(InputError, match=r"LabelledData\.points: expected real numbers, found complex ones"):
        load(tmp_path / "x.eisim")


def load_spectrum(tmp_path):
    return there_and_back(kept.values()["spectrum"], tmp_path / "spectrum.eisim")


def test_a_structural_certificate_can_be_asked_further_after_it_was_loaded(tmp_path):
    value = kept.values()["structural certificate"]
    found = there_and_back(value, tmp_path / "x.eisim")
    assert found.signs() == value.signs() and found.silencing() == value.silencing()
    assert found.walk(0, 0, -1) == value.walk(0, 0, -1) and repr(found) == repr(value)
    with pytest.raises(InputError, match=r"shortest: expected whole numbers of shape \(2, 1, 2\)"):
        replace(value, shortest=value.shortest[:1])


GIANT = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n"
POPULATION = {
    "name": "E",
    "sign": "E",
    "neuron": {"LIF": {}},
    "size": 10**11,
    "bias": {"array": "a.npy"},
    "spread": {"dict": []},
}
BEYOND = {"shape": [2, 2], "data": {"list": [1.0]}, "indices": {"list": [9]}, "indptr": {"list": [0, 1, 1]}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found: File is not a zip file"),
        (b"a,b\n1,2\n", "found: File is not a zip file"),
        (archive({"readme.txt": "hello"}), "found an archive without value.json"),
        (archive({"value.json": "[1, 2]"}), "found another JSON document"),
        (archive({"value.json": "{"}), "found a damaged one"),
        (archive({"value.json": "[" * 100_000}), "found a damaged one"),
        (archive({"value.json": document(1, version=2, written_by="9.0")}), r"written by a newer eisim \(9.0\)"),
        (archive({"value.json": document(1, version="x")}), "version: expected a whole number"),
        (archive({"value.json": document(0) + " " * 10**7}, zipfile.ZIP_DEFLATED), "expected a member that is stored"),
        (archive({"value.json": document({"Popen": {"args": "ls"}})}), "expected one of eisim's values, found 'Popen'"),
        (archive({"value.json": document({"region": "os.system"})}), "REGIONS: expected one of .*, found .os.system"),
        (archive({"value.json": document({"TruthTable": {"bits": "01x"}})}), "truth table: expected only 0 and 1"),
        (archive({"value.json": document({"TruthTable": {"bits": 3}})}), "TruthTable.bits: expected text, found 3"),
        (archive({"value.json": document({"TruthTable": {"hits": "01"}})}), "found 'hits'"),
        (archive({"value.json": document({"Obstruction": "none"})}), "found a damaged one"),
        (archive({"value.json": ARRAY}), "expected an array 'a.npy', found none"),
        (archive({"value.json": ARRAY, "a.npy": npy(np.array([{}]))}), "found a damaged one .an array of object"),
        (archive({"value.json": ARRAY, "a.npy": npy(header=GIANT)}), "an array of another size than its shape"),
        (archive({"value.json": ARRAY, "a.npy": npy(header=b"__import__('os')\n")}), "found a damaged one"),
        (archive({"value.json": document({"Population": POPULATION}), "a.npy": npy(np.zeros(()))}), "one for each of"),
        (archive({"value.json": document({"sparse": BEYOND})}), "found a damaged one"),
    ],
)
def test_foreign_and_hostile_files_are_refused(content, message, tmp_path):
    path = tmp_path / "x.eisim"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        load(tmp_path / "none.eisim")


def test_mutated_files_are_read_or_refused(tmp_path):
    """Bytes anywhere; and the structure alone, with sums that are right again."""
    circuit = Circuit("c", *(getattr(kept.ruled(), part) for part in ("inputs", "populations", "projections")))
    values = [circuit, certify(TRUTH_TABLES["xor"]), LabelledData([[1.0], [2.0]], [0, 1]), LIF()]
    rng, path, refused, written = random.Random(0), tmp_path / "x.eisim", 0, []
    for value in values:
        save(value, path)
        written.append(path.read_bytes())
    for k in range(240):
        content = bytearray(written[k % 4])
        if k // 4 % 2:
            for _ in range(rng.randint(1, 3)):
                content[rng.randrange(len(content))] = rng.randrange(256)
            content = bytes(content[: rng.randrange(len(content))] if k % 5 == 0 else content)
        else:
            with zipfile.ZipFile(io.BytesIO(content)) as file:
                members = {name: bytearray(file.read(name)) for name in file.namelist()}
            name = rng.choice(["value.json", *members])
            at = rng.randrange(len(members[name]))
            members[name][at : at + rng.randint(0, 3)] = rng.choice([b"9", b"null", b"{}", b'"', b"-", b"1e999", b"\0"])
            content = archive({name: bytes(data) for name, data in members.items()})
        path.write_bytes(content)
        try:
            load(path)
        except InputError:
            refused += 1
    assert refused > 120


@pytest.mark.parametrize(
    ("which", "parts", "said"),
    [
        (0, lambda r: {"rates": {"coincidence": r.rates["coincidence"]}}, "Response.rates: expected those of"),
        (0, lambda r: {"rates": {n: a[0, 0] for n, a in r.rates.items()}}, "Response.rates"),
        (0, lambda r: {"rates": {n: a[..., :0] for n, a in r.rates.items()}}, "expected numbers of shape"),
        (0, lambda r: {"rates": {n: a.astype(str) for n, a in r.rates.items()}}, "expected numbers, found text"),
        (0, lambda r: {"traces": {n: a[:1] for n, a in r.traces.items()}}, "Response.traces"),
        (0, lambda r: {"traces": dict(list(r.traces.items())[:1])}, "Response.traces: expected those of"),
        (0, lambda r: {"window": -1.0}, "Response.window: expected a time of more than 0"),
        (0, lambda r: {"dt": float("nan")}, "Response.dt: expected a time of more than 0"),
        (1, lambda r: {"spikes": {"no one": r.spikes["E"]}}, "Response.spikes"),
        (1, lambda r: {"spikes": {"E": replace(r.spikes["E"], neuron=r.spikes["E"].neuron + 99)}}, ".neuron: expected"),
        (1, lambda r: {"spikes": {"E": replace(r.spikes["E"], step=r.spikes["E"].step - 10**6)}}, ".step: expected"),
        (1, lambda r: {"spikes": {"E": replace(r.spikes["E"], copy=r.spikes["E"].copy[1:])}}, "along the axis spike"),
    ],
)
def test_d8_a_response_whose_parts_do_not_fit_is_refused(tmp_path, which, parts, said):
    response = kept.responses()[which]
    save(replace(response, **parts(response)), tmp_path / "x.eisim")
    with pytest.raises(InputError, match=re.escape(said)):
        load(tmp_path / "x.eisim")


@pytest.mark.nightly
@pytest.mark.parametrize(
    "name",
    [
        "dnn",
        "unrolled",
        "rate response",
        "spiking response",
        "data",
        "certificate of data",
        "structural certificate",
        "floor of a wiring",
        "spectrum",
        "assessment",
        "case",
        "survey",
        "ablation",
        "network ablation",
        "circuit",
        "ruled",
    ],
)
def test_d8_whatever_array_is_missing_a_row_the_value_shows_itself_or_is_refused(tmp_path, name):
    import matplotlib.pyplot as plt

    save(kept.values()[name], tmp_path / "x.eisim")
    with zipfile.ZipFile(tmp_path / "x.eisim") as archive:
        members = {info: archive.read(info) for info in archive.namelist()}
    arrays = [member for member in members if member.endswith(".npy")]
    for k in range(0, len(arrays), max(1, len(arrays) // 12)):
        array = np.load(io.BytesIO(members[arrays[k]]))
        for changed in (array[:-1] if array.ndim else array[None], array[..., None], array.astype(str)):
            buffer = io.BytesIO()
            np.save(buffer, changed)
            with zipfile.ZipFile(tmp_path / "y.eisim", "w") as archive:
                for member, content in members.items():
                    archive.writestr(member, buffer.getvalue() if member == arrays[k] else content)
            try:
                value = load(tmp_path / "y.eisim")
            except InputError as error:
                assert "\n" not in str(error)
                continue
            assert isinstance(repr(value), str) and getattr(value, "_repr_html_", str)() is not None
            for method in ("to_dataframe", "plot"):
                with contextlib.suppress(InputError):
                    getattr(value, method, lambda: None)()
            plt.close("all")
