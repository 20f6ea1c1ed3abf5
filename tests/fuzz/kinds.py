"""The kinds of files that eisim reads: valid seeds, and the public functions that take what is mutated of them.

A kind is a function of ``(rng, folder)``: it writes one hostile input into the folder and reads it. It returns if the
input is taken, and raises `InputError` if it is refused.
"""

import contextlib
import gzip
import io
import json
import os
import random
import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from eisim import InputError, LabelledData, TruthTable, certify, load, read_connectome, read_onnx, save
from eisim.base.store import checkpoint
from tests.fuzz import mutate

TABLES = (
    "food,threat,approach\n0.1,0.2,0\n0.4,0.1,1\n0.9,0.8,0\n0.7,0.2,1\n0.3,0.9,0\n",
    "a,b,c,y\n" + "".join(f"{k >> 2 & 1},{k >> 1 & 1},{k & 1},{k % 3 % 2}\n" for k in range(8)),
    "x,rate,weight\n1,2.5,1\n2,1e3,0.5\nNA,4,1\n3,-7,2\n2.5,0,0\n",
    "subject,depth,yes\n1,20,true\n1,30,false\n2,25,yes\n3,,no\n",
)
#: Share of inputs that take the command line, in one process.
COMMANDS = 0.04


def command(*words) -> None:
    """A command as from a shell; what it says must be fit for a terminal."""
    from eisim.cli.commands import run_command

    said, complained = _Text(), _Text()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        status = run_command([str(word) for word in words])
    for text in (said.text(), complained.text()):
        strange = [c for c in text if not c.isprintable() and c != "\n"]
        assert not strange, f"{words[0]}: a terminal is told {strange[:3]!r}"
    assert "Traceback" not in complained.text(), complained.text()[-500:]
    if status == 2:
        assert complained.text().count("\n") == 1, complained.text()[:500]
        raise InputError(complained.text().removeprefix("eisim: ").strip())
    assert status == 0 or "CONTRADICTION" in complained.text() or "differs" in complained.text(), complained.text()[
        :500
    ]


class _Text(io.TextIOWrapper):
    """A stream that keeps what is written, as a terminal of UTF-8."""

    def __init__(self):
        super().__init__(io.BytesIO(), encoding="utf-8", errors="strict", newline="")

    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode()


def show(value) -> None:
    """A value in a notebook and in a prompt."""
    assert isinstance(repr(value), str)
    html = getattr(value, "_repr_html_", lambda: "")()
    assert "<script" not in html and "<img src=x" not in html
    getattr(value, "to_dataframe", lambda: None)()


def csv(rng: random.Random, folder: Path) -> None:
    """Tables as labelled data and as truth tables."""
    text = rng.choice(TABLES)
    path = folder / rng.choice(("cells.csv", "cells.csv", "[red]$x$.csv"))
    path.write_bytes(mutate.of_table(text, rng))
    heading = text.split("\n", 1)[0].split(",")
    target = rng.choice((*[heading[-1]] * 6, rng.choice(heading), "none"))
    weights = rng.choice((*[None] * 20, *heading))
    ignore = rng.choice((*[()] * 6, (heading[0],), ("none",)))
    if rng.random() < COMMANDS:
        words = ["--target", target, *(() if weights is None else ("--weights", weights))]
        command("certify", path, *words, *(w for name in ignore for w in ("--ignore", name)), "--out", folder / "out")
        return
    if rng.random() < 0.2:
        show(TruthTable.from_csv(path, rng.choice((None, target))))
        return
    if rng.random() < 0.2:
        from eisim.studies.data import prepared, read

        data = read(path, rng.choice((None, target)), weights, ignore, lambda *_: None)
        if isinstance(data, LabelledData):
            show(prepared(data, 3, rng.choice(("range", "rank")), 0)[1])
        return
    data = LabelledData.from_csv(path, target, weights, ignore=ignore)
    show(data)
    if len(data.targets) <= 60 and data.n_inputs <= 60:
        show(certify(data))


@cache
def _packed() -> dict[str, bytes]:
    """The same table in formats that are no text, as far as their packages are there."""
    import importlib.util
    import tempfile

    import pandas

    frame = pandas.DataFrame(
        {"a": [1, 2, 3, 4] * 5, "b": [0.1, 0.2, 0.3, None] * 5, "c": [*"uvwu"] * 5, "y": [0, 1] * 10}
    )
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for ending, package in (
            ("csv.gz", ""), ("csv.bz2", ""), ("csv.xz", ""), ("csv.zip", ""), ("dta", ""),
            ("parquet", "pyarrow"), ("feather", "pyarrow"), ("xlsx", "openpyxl"),
        ):  # fmt: skip
            if package and importlib.util.find_spec(package) is None:
                continue
            write = {"parquet": frame.to_parquet, "feather": frame.to_feather, "xlsx": frame.to_excel}.get(ending)
            path = Path(folder) / f"table.{ending}"
            (write or (frame.to_stata if ending == "dta" else frame.to_csv))(path)
            found[ending] = path.read_bytes()
    return found


def tables(rng: random.Random, folder: Path) -> None:
    """Packed tables and those of other programs."""
    ending, content = rng.choice(list(_packed().items()))
    path = folder / f"table.{ending}"
    path.write_bytes(mutate.of_bytes(content, rng))
    show(LabelledData.from_file(path, "y", classes=True))


@cache
def _networks():
    import onnx

    from tests.adapter.test_onnx_writer import NETWORKS

    make, value = onnx.helper, onnx.helper.make_tensor_value_info
    models = []
    for shape, nodes, constants in NETWORKS.values():
        tensors = [onnx.numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items()]
        ends = [value("x", 1, ("N", *shape))], [value("y", 1, None)]
        graph = make.make_graph(nodes, "g", *ends, tensors)
        models.append(make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8))
    return models


def onnx(rng: random.Random, folder: Path) -> None:
    """Networks, by field and by byte."""
    from onnx import ModelProto

    model = ModelProto()
    model.CopyFrom(rng.choice(_networks()))
    by_field = rng.random() < 0.8
    if by_field:
        mutate.of_message(model, rng)
    content = model.SerializeToString()
    path = folder / "net.onnx"
    path.write_bytes(content if by_field and rng.random() < 0.9 else mutate.of_bytes(content, rng))
    if rng.random() < COMMANDS / 2:
        dnn = read_onnx(path)
        n, judged = sum(size for _, size, _ in dnn.inputs), dnn.layer(dnn.outputs[0][0]).size
        rows = [",".join(f"{random.Random(k * n + j).random():.3f}" for j in range(n)) for k in range(12)]
        lines = [f"{row},{k % max(2, judged)}" for k, row in enumerate(rows)]
        (folder / "d.csv").write_text("\n".join([",".join([*(f"x{j}" for j in range(n)), "y"]), *lines]))
        how = ("--kind", "rate", "--backend", "numpy", "--levels", "2", "--out", folder / "out")
        command("ablate", path, "--data", folder / "d.csv", "--target", "y", *how)
        return
    dnn = read_onnx(path)
    show(dnn)
    with np.errstate(all="ignore"):
        dnn(np.full((1, sum(size for _, size, _ in dnn.inputs)), 0.5))


@cache
def _recurrent() -> list[bytes]:
    import tempfile

    from tests.adapter.test_onnx_rnn import made

    variants = ({}, {"batch_first": False, "kind": np.float32}, {"last": True, "after": ["Softmax"]}, {"start": True},
                {"activations": ["Relu"], "bias": False}, {"sizes": (2, 4)}, {"operator": "GRU"})  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        return [made(Path(folder) / "net.onnx", **each)[0].SerializeToString() for each in variants]


def rnn(rng: random.Random, folder: Path) -> None:
    """Recurrent networks, by field and by byte."""
    from onnx import ModelProto

    from eisim import RNN

    content = rng.choice(_recurrent())
    if rng.random() < 0.8:
        model = ModelProto.FromString(content)
        mutate.of_message(model, rng)
        content = model.SerializeToString()
    else:
        content = mutate.of_bytes(content, rng)
    path = folder / "net.onnx"
    path.write_bytes(content)
    found = read_onnx(path)
    show(found)
    if isinstance(found, RNN):
        assert np.isfinite(found(np.zeros((2, 3, found.W_in.shape[1])))).all()
        show(found.circuit)


@cache
def _graphs() -> list[bytes]:
    from itertools import pairwise

    import nir

    from eisim import TRUTH_TABLES, synthesize, to_nir
    from eisim.adapter.nir_format import LACKING, write_nir

    rng = np.random.default_rng(0)

    def lif(n):
        return nir.LIF(np.full(n, 1e-3), np.full(n, 10.0), np.zeros(n), np.ones(n))

    def graph(shape, *nodes):
        named = {"input": nir.Input(np.array(shape)), **{f"n{k}": node for k, node in enumerate(nodes)}}
        named["output"] = nir.Output(np.array([4]))
        return nir.NIRGraph(named, [*pairwise(named)], type_check=False)

    weight, ones = rng.normal(size=(4, 8)), np.ones(4)
    loop = nir.NIRGraph(
        {"input": nir.Input(np.array([8])), "n": lif(8), "w": nir.Linear(np.eye(8) - 0.5), "output": nir.Output([8])},
        [("input", "n"), ("n", "w"), ("w", "n"), ("n", "output")],
    )
    kernel, last = rng.normal(size=(2, 1, 2, 2)), nir.Affine(weight, ones)
    conv = nir.Conv2d((4, 4), kernel, (2, 2), (0, 0), (1, 1), 1, np.ones(2))
    cuba = nir.CubaLI(5e-4 * ones, 2e-3 * ones, 3 * ones, 0.3 * ones)
    late = nir.Delay(np.arange(8) * 1e-4)
    flat = nir.Flatten({"input": np.array([2, 2, 2])}, 0, -1)
    first = nir.Affine(rng.normal(size=(8, 3)), np.zeros(8))
    found = [
        graph([1, 4, 4], conv, flat, loop, last, lif(4)),
        graph([3], first, lif(8), late, last, nir.LI(1e-3 * ones, ones, 0 * ones)),
        graph([3], first, lif(8), last, cuba),
        graph([3], first, nir.IF(np.full(8, 1e3), np.ones(8)), last),
        to_nir(synthesize(TRUTH_TABLES["xor"], kind="spiking").with_neurons(**LACKING)),
    ]
    return [write_nir(each) for each in found]


def nir(rng: random.Random, folder: Path) -> None:
    """Spiking networks in HDF5 files, by value and by byte."""
    from eisim import from_nir

    content = rng.choice(_graphs())
    content = (mutate.of_hdf5 if rng.random() < 0.6 else mutate.of_bytes)(content, rng)
    path = folder / "net.nir"
    path.write_bytes(content)
    if rng.random() < COMMANDS:
        n = rng.choice((3, 16))
        rows = [",".join(f"{random.Random(k * n + j).random():.3f}" for j in range(n)) + f",{k % 4}" for k in range(8)]
        (folder / "d.csv").write_text("\n".join([",".join([*(f"x{j}" for j in range(n)), "y"]), *rows]))
        how = ("--backend", "numpy", "--levels", "2", "--steps", "3", "--controls", "none", "--out", folder / "out")
        command("ablate", path, "--data", folder / "d.csv", "--target", "y", *how)
        return
    options = {"reset": rng.choice(("value", "value", "subtraction", "late subtraction"))}
    options |= {"euler": rng.choice((None, None, True, False)), "currents": rng.choice((None, None, True, False))}
    show(from_nir(path, dt=rng.choice((None, None, 1e-4, 1e-6, 1e-3)), potentials=rng.random() < 0.2, **options))


@cache
def _saved() -> list[bytes]:
    from eisim import LIF, REGIONS, TRUTH_TABLES, Circuit, Region, synthesize, to_dnn
    from eisim.analysis.task import Fact
    from tests.support import kept

    circuit = Circuit(
        "c", *(getattr(kept.ruled(), part) for part in ("inputs", "populations", "projections", "readouts"))
    )
    xor = synthesize(TRUTH_TABLES["xor"], kind="rate")
    rate = kept.responses()[0]
    data = LabelledData([[0.1, 2], [3, 4], [1 / 3, 1]], [0, 1, 1], [1, 2, 0.5], ["a", "b"], "y", "three", ("note",))
    values = (
        circuit,
        xor,
        to_dnn(xor),
        rate,
        TRUTH_TABLES["xor"],
        REGIONS["disc"],
        data,
        certify(data),
        certify(TRUTH_TABLES["xor"]),
    )
    several = {"list": [1, 2.5, None, True, "text"], ("a", 1): (np.arange(3), np.nan, np.inf), "fact": LIF()}
    ring = Region("ring", REGIONS["ring"].contains, 6)
    found = []
    for value in (*values, several, certify(ring), Fact):
        with contextlib.suppress(InputError):
            path = Path(os.environ.get("TMPDIR", "/tmp")) / f"eisim-fuzz-{os.getpid()}.eisim"
            save(value, path)
            found.append(path.read_bytes())
            path.unlink()
    return found


def saved(rng: random.Random, folder: Path) -> None:
    """Values that `eisim.save` wrote."""

    def change(name, content, rng):
        if name.endswith(".json"):
            with contextlib.suppress(ValueError, RecursionError):  # it may be changed already
                return mutate.of_json(json.loads(content), rng)
        return mutate.of_array(name, content, rng)

    content = rng.choice(_saved())
    content = mutate.of_bytes(content, rng) if rng.random() < 0.2 else mutate.of_members(content, rng, change)
    path = folder / "value.eisim"
    path.write_bytes(content)
    show(load(path))


def stored(rng: random.Random, folder: Path) -> None:
    """Folders of runs: the document, tables, figures, and what lies about."""
    from eisim.report.page import page
    from tests.support.sample import findings, write_run

    folders = [folder / "[red]a", *([folder / "b"] if rng.random() < 0.3 else [])]
    for each in folders:
        write_run(
            each, *([findings()] if rng.random() < 0.8 else []), **({} if rng.random() < 0.8 else {"report": None})
        )
    spoiled = rng.choice(folders)
    document = spoiled / "run.json"
    match rng.randrange(10):
        case 0:
            table = spoiled / "table.csv"
            table.write_bytes(mutate.of_table(table.read_text(), rng))
        case 1:
            drawn = spoiled / "curves.svg"
            drawn.write_bytes(mutate.of_bytes(drawn.read_bytes(), rng))
        case 2:
            (spoiled / "table.csv").unlink()
            what = rng.choice(
                (os.mkfifo, os.mkdir, lambda p: p.symlink_to("/etc/passwd"), lambda p: p.symlink_to(p.name))
            )
            what(spoiled / "table.csv")
        case 3:
            numbers = [f"{rng.choice(mutate.NUMBERS)}{rng.choice(('.5', '', '.1.2', 'pt'))}" for _ in range(2)]
            text = f"<svg width='{numbers[0]}' height=\"{numbers[1]}\"><script>top.taken()</script></svg>"
            (spoiled / "curves.svg").write_text(text)
        case _:
            document.write_bytes(mutate.of_json(json.loads(document.read_text()), rng))
    if rng.random() < COMMANDS:
        command("report", *folders, "--out", folder / "page.html")
        html = (folder / "page.html").read_text(encoding="utf-8")
    else:
        html = page(folders)
    assert html.count("<script") == 1 and "<img src=x" not in html and "<script>taken" not in html


@cache
def _images() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 30), ("test", 20)):
        arrays[f"x_{part}"] = rng.integers(0, 256, (n, 4, 4), dtype=np.uint8)
        arrays[f"y_{part}"] = np.arange(n, dtype=np.uint8) % 3
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    files = {"bars.npz": packed.getvalue()}
    for name, array in zip(
        ("train-images", "train-labels", "t10k-images", "t10k-labels"), arrays.values(), strict=True
    ):
        head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
        files[f"{name}-idx{array.ndim}-ubyte"] = head + array.tobytes()
    return files


def images(rng: random.Random, folder: Path) -> None:
    """Sets of images, in IDX files and in .npz."""
    from eisim.studies.images.data import load as load_images

    files = dict(_images())
    name = rng.choice(list(files))
    packed = rng.random() < 0.4 and name != "bars.npz"
    if name == "bars.npz":
        rest = rng.random() < 0.2
        files[name] = (
            mutate.of_bytes(files[name], rng) if rest else mutate.of_members(files[name], rng, mutate.of_array)
        )
    elif packed and rng.random() < 0.5:
        files[f"{name}.gz"] = mutate.of_bytes(gzip.compress(files.pop(name), mtime=0), rng)
    else:
        content = mutate.of_bytes(files.pop(name), rng)
        files[name + ".gz" * packed] = gzip.compress(content, mtime=0) if packed else content
    for file, content in files.items():
        (folder / file).write_bytes(content)
    source = folder / "bars.npz" if name == "bars.npz" else folder
    found = load_images(str(source), np.random.default_rng(0))
    found.at_most(10, 10, np.random.default_rng(0)).pooled(1)


def settings(rng: random.Random, folder: Path) -> None:
    """What ``--set`` and other options take."""
    from eisim.run.registry import EXPERIMENTS, experiment_of, points

    name = rng.choice(list(points(EXPERIMENTS)))
    known = list(points(EXPERIMENTS)[name].load().Settings.__dataclass_fields__)
    changes = []
    for _ in range(rng.randint(1, 3)):
        key = rng.choice((*known, *known, rng.choice(mutate.TEXTS)))
        text = rng.choice(
            (rng.choice(mutate.TEXTS), str(rng.choice(mutate.NUMBERS)), "1ms", "xor,0110", "(1,2)", "1e9*ms")
        )
        changes.append(rng.choice((f"{key}={text}", f"{key}={text},{text}", text)))
    changes = [
        mutate.of_bytes(c.encode("utf-8", "ignore"), rng).decode("latin-1") if rng.random() < 0.3 else c
        for c in changes
    ]
    if rng.random() < 3 * COMMANDS:  # a file that is not there, so that nothing is run
        words = rng.choice(
            (["run", name, "--kind"], ["run", str(folder / "no.csv"), "--seed"], ["certify", "--truth-table"])
        )
        words = (
            [*words, rng.choice(mutate.TEXTS), "--set", changes[0]]
            if words[0] == "run"
            else [*words, rng.choice(mutate.TEXTS)]
        )
        command(*words, "--out", folder / "out")
    else:
        experiment_of(name).with_changes(changes)


@cache
def _part() -> bytes:
    folder = Path(checkpoint.private(Path(os.environ.get("TMPDIR", "/tmp")) / f"eisim-fuzz-{os.getuid()}"))
    path = folder / f"{os.getpid()}.part"
    checkpoint.write(path, {"rates": np.arange(12.0), "name": "part"})
    content = path.read_bytes()
    path.unlink()
    return content


def parts(rng: random.Random, folder: Path) -> None:
    """Kept parts of a run: not unpickled unless whole."""
    content = mutate.of_bytes(_part(), rng)
    path = folder / "a.part"
    path.write_bytes(content)
    try:
        found = checkpoint.read(path)
    except checkpoint.Damaged as error:
        raise InputError(str(error)) from None
    assert content == _part() and found["name"] == "part"


def columns(rng: random.Random, folder: Path) -> None:
    """Names that the shell completes from the files that lie about."""
    from eisim.cli import completion

    path = folder / "cells.csv"
    path.write_bytes(mutate.of_table(rng.choice(TABLES), rng))
    os.environ["COMP_WORDS"] = f"eisim certify {path} --target "
    for name in completion.column(""):
        assert name.isprintable() and not set(name) & set("$`;|&<>'\"\\"), name


def connectomes(rng: random.Random, folder: Path) -> None:
    """Connectomes in every format, with tables of neurons."""
    from tests.connectome import files

    kind = rng.choice(["csv", "csv", "csv", "nodes", "graphml", "cect", "flyvis", *files.packed()])
    path, nodes = folder / "edges", None
    if kind in ("csv", "nodes"):
        text = rng.choice(files.TABLES)
        path.write_bytes(mutate.of_table(text, rng) if kind == "csv" else text.encode())
    elif kind in ("cect", "flyvis"):
        path.write_bytes(mutate.of_json(json.loads(getattr(files, kind)()), rng))
    else:
        content = files.GRAPH.encode() if kind == "graphml" else files.packed()[kind]
        path.write_bytes(mutate.of_bytes(content, rng))
    if kind == "nodes":
        nodes = folder / "nodes.csv"
        nodes.write_bytes(mutate.of_table(files.NODES, rng))
    connectome = read_connectome(path, nodes=nodes, signs=rng.choice((None, {"glutamate": -1})))
    show(connectome)
    assert connectome.n_synapses >= 0 and connectome.counts["neurons"] == len(set(connectome.neurons))
    if connectome.n_neurons < 60 and not connectome.gap_junctions.nnz:
        show(connectome.circuit(inputs=0, readouts=[connectome.n_neurons - 1], mixed="both", unknown="both"))


#: Kinds by name, with their share of the inputs.
KINDS: dict[str, tuple[Callable[[random.Random, Path], None], float]] = {
    "csv": (csv, 0.2),
    "connectomes": (connectomes, 0.04),
    "tables": (tables, 0.06),
    "onnx": (onnx, 0.2),
    "rnn": (rnn, 0.04),
    "nir": (nir, 0.06),
    "saved": (saved, 0.15),
    "stored": (stored, 0.15),
    "images": (images, 0.1),
    "settings": (settings, 0.06),
    "parts": (parts, 0.02),
    "columns": (columns, 0.02),
}


def enter(kind: str, seed: int, number: int, folder: Path) -> str:
    """Make one input of a kind, and read it; returns ``"taken"`` or what the refusal says."""
    rng = random.Random(f"{seed} {kind} {number}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        KINDS[kind][0](rng, folder)
    except InputError as error:
        said = str(error)
        assert said and said.isprintable(), f"not one printable line: {said[:300]!r}"
        assert len(said) <= 2500, f"a line of {len(said)} characters: {said[:300]!r}"
        return said
    return "taken"


def warm_up() -> None:
    """Import what the readers import, so that the time and the memory of an input are its own."""
    _networks(), _recurrent(), _graphs(), _saved(), _images(), _part()
    sys.setrecursionlimit(1000)
