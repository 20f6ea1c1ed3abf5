"""NIR files and graphs that cannot be read, and options that no reader takes: one line says what is wrong."""

from itertools import pairwise

import numpy as np
import pytest

from eisim import InputError, from_nir
from eisim.cli.commands import run_command

nir = pytest.importorskip("nir")
ONES = np.ones(2)


def net(weight=None, name="n", more=()):
    """A graph of two neurons."""
    nodes = {
        "input": nir.Input(np.array([2])),
        "w": nir.Linear(np.eye(2) if weight is None else weight),
        name: nir.LIF(1e-3 * ONES, ONES, 0 * ONES, ONES),
        "output": nir.Output(np.array([2])),
    }
    edges = [*pairwise(nodes)]
    nodes |= {each: nir.Linear(np.eye(2)) for each in more}
    return nir.NIRGraph(nodes, edges, type_check=False)


def refused(file, **options) -> str:
    with pytest.raises(InputError) as caught:
        from_nir(file, **options)
    return str(caught.value)


@pytest.mark.parametrize("name", ["a neuron", "a/b", "a/b/c", "é", "é/ü", "日本", "a.b", "..", "x" * 300])
def test_names_that_nir_writes_are_read(name, tmp_path):
    nir.write(tmp_path / "net.nir", net(name=name))
    for file in (tmp_path / "net.nir", net(name=name)):
        assert [p.name for p in from_nir(file).populations] == [name]


def test_names_that_cannot_be_read_are_refused_in_words(tmp_path):
    for name in ("", ".", "/a", "a//b", "a/"):
        assert refused(net(name=name)).startswith(f"the graph: node {name!r}: expected a name without empty parts")
    assert refused(net(name="a\tb")) == r"the graph: expected printable names of nodes, found 'a\tb'"
    many = net(name="é", more="abcdefgh")
    nir.write(tmp_path / "net.nir", many)
    wanted = "expected names in ASCII in a group of more than 8 members, found others"
    assert refused(tmp_path / "net.nir") == f"{tmp_path / 'net.nir'}: {wanted}"
    assert refused(many) == "the graph: node 'é': expected a name in ASCII in a graph of more than 8 nodes"
    assert from_nir(net(name="é", more="abcd")).n_readouts == 2  # 8 nodes


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan])
def test_numbers_that_are_not_finite_are_said_as_they_are(wrong, tmp_path):
    weight = np.array([[1.0, wrong], [0.0, 1.0]])
    nir.write(tmp_path / "net.nir", net(weight))
    for file in (tmp_path / "net.nir", net(weight)):
        assert refused(file).endswith(f": node 'w': weight: expected finite numbers, found {wrong}")
    assert refused(net(np.eye(2) * 1e308)).endswith("node 'n': expected potentials that stay finite, found inf")


def test_values_that_are_no_numbers_name_their_node():
    import scipy.sparse

    hidden = np.ma.masked_array(np.eye(2), mask=[[False, True], [False, False]])
    others = [np.array([[1, None], [2, 3]]), np.eye(2) * 1j, np.array([["a", "b"]]), scipy.sparse.csr_array(np.eye(2))]
    assert refused(net(hidden)) == "the graph: node 'w': weight: expected numbers, found masked ones"
    for weight in others:
        assert refused(net(weight)).startswith("the graph: node 'w': weight: expected numbers, found an array of ")
    inner = nir.NIRGraph({"input": nir.Input([2]), "w": nir.Linear(hidden), "output": nir.Output([2])}, [])
    graph = net()
    graph.nodes["inner"] = inner
    assert refused(graph) == "the graph: node 'inner.w': weight: expected numbers, found masked ones"
    assert from_nir(net(np.ma.masked_array(np.eye(2)))).n_readouts == 2


def test_files_cut_short_say_so(tmp_path):
    path = tmp_path / "net.nir"
    nir.write(path, net())
    content = path.read_bytes()
    for size in range(0, len(content), 97):
        path.write_bytes(content[:size])
        said = refused(path).removeprefix(f"{path}: ")
        assert said == "expected an HDF5 file, found an empty one" if not size else "found one cut off after" in said
    path.write_bytes(b"GIF89a")
    assert refused(path) == f"{path}: expected an HDF5 file, found another"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rate": -1}, "rate: expected more than 0, found -1 Hz"),
        ({"rate": 0, "currents": True}, "rate: expected more than 0, found 0 Hz"),
        ({"rate": np.inf}, "rate: expected finite numbers, found inf"),
        ({"dt": 0}, "dt: expected more than 0, found 0 s"),
        ({"euler": "yes"}, "euler: expected True, False or None, found 'yes'"),
        ({"currents": 1}, "currents: expected True, False or None, found 1"),
        (
            {"reset": "zero"},
            "reset: expected one of 'value', 'late value', 'subtraction', 'late subtraction', found 'zero'",
        ),
        ({"reset": {"n": "none"}}, "reset: expected one of 'value', 'late value'"),
        ({"reset": {"n": None}}, "reset: expected one of 'value', 'late value'"),
        ({"reset": np.array(["value", "x"])}, "reset: expected one of 'value'"),
    ],
)
def test_options_are_checked_whether_they_are_used_or_not(options, said):
    assert refused(net(), **options).startswith(f"from_nir: {said}")


def test_files_of_no_kind_and_steps_of_no_size():
    for file in (None, 3, b"net.nir", []):
        assert refused(file) == f"from_nir: expected the path of a file or a nir.NIRGraph, found {file!r}"
    assert "node 'n': expected time constants of less than 9e+15 time steps (1e-300 s)" in refused(net(), dt=1e-300)


@pytest.mark.parametrize("name", ["m", "w", 3, ("n",)])
def test_resets_of_nodes_that_are_no_neurons(name):
    said = refused(net(), reset={name: "late value"})
    assert said.startswith(f"the graph: reset: expected names of nodes of neurons (n), found {name!r}")
    assert from_nir(net(), reset={}).n_readouts == 2


def test_nodes_that_an_exporter_did_not_know():
    """Such as a LICell of norse."""
    graph = net(more=["x"])
    graph.nodes["x"] = None
    assert refused(graph).startswith("the graph: node 'x': expected a node of NIR, found none, as exporters write")
    graph.nodes["x"] = "LIF"
    assert refused(graph) == "the graph: node 'x': expected a node of NIR, found 'LIF'"


def test_time_constants_below_a_step():
    graph = net()
    graph.nodes["n"].tau = 0.99999e-4 * ONES
    assert "expected time constants of at least a time step (0.1 ms), found 0.099999 ms" in refused(graph)


@pytest.mark.parametrize("words", [("--steps", "3"), ("--dt", "1ms"), ("--reset", "subtraction")])
def test_command_refuses_options_of_nir_with_other_files(words, capsys):
    assert run_command(["ablate", "net.onnx", "--data", "d.csv", "--target", "y", *words]) == 2
    assert capsys.readouterr().err.strip() == f"eisim: ablate: {words[0]}: expected with NET.nir only"
