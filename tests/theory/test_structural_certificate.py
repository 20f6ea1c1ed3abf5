"""`certify` of circuits and connectomes: words, depths, options, and how it is shown."""

import json

import numpy as np
import pandas
import pytest

from eisim import (
    Circuit,
    Connectome,
    Input,
    Population,
    Projection,
    Readout,
    Saturating,
    TruthTable,
    certify,
    simulate,
    synthesize,
)
from eisim.adapter import to_dnn
from eisim.cli.commands import run_command
from eisim.errors import InputError
from eisim.neurons import AbbottChance
from eisim.report.view import view_of
from eisim.theory.structure.certificate import WORDS
from eisim.theory.structure.graph import SignedGraph
from models import xor


def cascade() -> Circuit:
    """A circuit whose readout rises with a, falls with b, has both walks from c, and does not hear d."""
    unit = Saturating()
    relay, out = Population("relay", "I", unit), Population("out", "E", unit)
    one = [[1.0]]
    projections = [
        Projection("a", "out", one),
        Projection("b", "relay", one),
        Projection("c", "out", one),
        Projection("c", "relay", one),
        Projection("relay", "out", one),
    ]
    return Circuit("cascade", [Input(name) for name in "abcd"], [relay, out], projections, [Readout("out")])


def test_words_and_depths():
    found = certify(cascade())
    assert found.signs() == {"a": "rises", "b": "falls", "c": "mixed", "d": "none"}
    assert found.signs("out", depth=1) == {"a": "rises", "b": "none", "c": "rises", "d": "none"}
    assert found.word("c", "out", 1) == "rises" and found.word(2, 0) == "mixed"
    assert found.mixed_from.tolist() == [[-1], [-1], [2], [-1]] and found.deepest == 2
    assert found.counts() == dict.fromkeys(WORDS, 1)
    assert str(found.walk("c", "out", -1)) == "c → relay ⊣ out" and found.walk("d", "out", 1) is None
    assert not found.is_monotone and certify(synthesize(TruthTable("0111"), kind="rate")).is_monotone


def test_the_words_hold_of_the_circuit_when_it_is_simulated():
    """The DNN of a circuit is its simulation to rounding; one pattern of inputs is raised in each input."""
    circuit = cascade()
    words, rng = certify(circuit).signs(), np.random.default_rng(0)
    stimuli = rng.random((20, 4))
    before = simulate(circuit, stimuli, duration=50e-3, window=20e-3, backend="numpy").readouts[:, 0]
    dnn = to_dnn(circuit, unrolled=True, duration=50e-3, window=20e-3)
    assert np.abs(dnn(stimuli)[:, 0] - before).max() < 1e-9
    for k, name in enumerate("abcd"):
        raised = stimuli.copy()
        raised[:, k] += 0.3
        change = dnn(raised)[:, 0] - before
        assert {"rises": change.min() > -1e-12, "falls": change.max() < 1e-12}.get(words[name], True)
        assert (np.abs(change).max() > 1e-6) == (words[name] != "none")


def test_broken_assumptions_are_named_and_nothing_is_then_proved():
    one = [[1.0]]
    circuit = Circuit(
        "band",
        [Input("x")],
        [Population("out", "E", AbbottChance())],
        [Projection("x", "out", one)],
        [Readout("out")],
    )
    found = certify(circuit)
    falls = circuit.populations[0].neuron.non_decreasing is False
    assert bool(found.broken) == falls and found.is_monotone != falls
    assert "rate code" in certify(xor.circuit("spiking")).notes[0] and not certify(xor.circuit("rate")).notes


def veto() -> Connectome:
    zeros = np.zeros((4, 4))
    excitatory, inhibitory, unknown = zeros.copy(), zeros.copy(), zeros.copy()
    excitatory[0, 3], excitatory[1, 2], inhibitory[2, 3], unknown[2, 2] = 5, 1, 2, 1
    classes, transmitters = ("sensory", "sensory", "inter", "motor"), ("ACh", "ACh", "GABA", "ACh")
    return Connectome("veto", list("ABCM"), classes, transmitters, excitatory, inhibitory, unknown=unknown)


def test_a_connectome():
    found = certify(veto(), inputs="sensory", readouts="motor")
    assert found.inputs == ("A", "B") and found.readouts == ("M",)
    assert found.words().tolist() == [["rises"], ["mixed"]]
    assert found.notes[0] == "Connections of unknown sign: 1, taken for both."
    assert found.notes[1].startswith("Neurons that inhibit themselves, or may: 1.")
    unknown = Connectome("open", list("AB"), excitatory=np.zeros((2, 2)), unknown=[[0, 1], [0, 0]])
    said = " ".join(view_of(certify(unknown, inputs="A", readouts="B")).answer())
    assert "the best signs for 1 edge of unknown or either sign; with any signs it is at most 1" in said
    omitted = certify(veto(), inputs="sensory", readouts="motor", unknown="omitted")
    assert omitted.words().tolist() == [["rises"], ["falls"]]
    assert certify(veto(), inputs=[["A", "B"]], readouts="motor", unknown="omitted").word(0, 0) == "mixed"


def test_inputs_of_one_name_are_one_input_or_refused():
    """So that none is left out."""
    zeros = np.zeros((4, 4))
    excitatory, inhibitory, junctions = zeros.copy(), zeros.copy(), zeros.copy()
    excitatory[0, 3] = inhibitory[2, 3] = junctions[0, 1] = junctions[1, 0] = 1
    parts = {"excitatory": excitatory, "inhibitory": inhibitory, "gap_junctions": junctions}
    few = Connectome("few", ["a", "b", "a, b", "m"], [""] * 4, [""] * 4, **parts)
    found = certify(few, inputs=[["a", "b"], "m", ["a", "b"], "m"], readouts="m")
    assert found.inputs == ("a, b", "m")
    assert found.notes == ("Pairs of neurons with gap junctions: 1, excitatory both ways, without a delay.",)
    for inputs in (["a, b", ["a", "b"]], [["a", "b"], "a, b"]):
        with pytest.raises(InputError, match="expected inputs of different names, found two 'a, b'"):
            certify(few, inputs=inputs, readouts="m")


@pytest.mark.parametrize(
    ("what", "options", "message"),
    [
        (veto(), {"readouts": "motor"}, "certify: inputs: expected neurons, classes or transmitters, found none"),
        (veto(), {"inputs": "A"}, "certify: readouts: expected neurons"),
        (veto(), {"inputs": "A", "readouts": "Z"}, "expected a neuron, class or transmitter of connectome 'veto'"),
        (veto(), {"inputs": [], "readouts": "M"}, "expected at least one input and one readout"),
        (veto(), {"inputs": [[]], "readouts": "M"}, "expected neurons in each list, found an empty list"),
        (veto(), {"inputs": 1.5, "readouts": "M"}, "inputs: expected neurons, classes or transmitters, found 1.5"),
        (veto(), {"inputs": [1.5], "readouts": "M"}, "find: expected names, classes or transmitters"),
        (veto(), {"inputs": "A", "readouts": [None]}, "find: expected names, classes or transmitters"),
        (veto(), {"inputs": "A", "readouts": "M", "unknown": 3}, "unknown: expected one of both, excitatory"),
        (cascade(), {"inputs": "a"}, "certify: inputs: expected with a Connectome only"),
        (cascade(), {"mixed": "omitted"}, "certify: mixed: expected with a Connectome only"),
        (cascade(), {"losses": ["l1"]}, "certify: losses: expected with a function only, found a Circuit"),
        (TruthTable("01"), {"inputs": "a"}, "certify: inputs: expected with a Connectome only, found a TruthTable"),
        (5, {}, "expected a TruthTable, a Region, LabelledData, a Circuit or a Connectome, found 5"),
    ],
)
def test_options_for_another_kind_are_refused(what, options, message):
    with pytest.raises(InputError, match=message):
        certify(what, **options)


@pytest.mark.parametrize("depth", [-1, 1.5, True])
def test_a_depth_is_a_number_of_synapses(depth):
    with pytest.raises(InputError, match="depth: expected a number of synapses"):
        certify(cascade()).words(depth)


def test_table_document_and_page_agree():
    found = certify(cascade())
    table, document = found.to_dataframe(), found.to_dict()
    assert table.sign.tolist() == [pair["sign"] for pair in document["pairs"]] == ["rises", "falls", "mixed", "none"]
    assert table.shortest_inhibitory.tolist()[1:3] == [2, 2] and pandas.isna(table.shortest_inhibitory[0])
    assert table.inhibitory_walk[2] == "c → relay ⊣ out"
    view = view_of(found)
    assert json.loads(json.dumps(view.to_json()))["pairs"][2]["walk"]["inhibitory"] == ["c", "relay", "out"]
    assert [name for name, _ in view.drawn()] == ["signs.svg"]
    assert "cascade" in found._repr_html_() and found.plot().get_xlabel() == "readout"


def test_many_pairs_have_no_list_of_walks():
    n = 150
    graph = SignedGraph("large", tuple(map(str, range(n))), [0], [1], [1], tuple((k,) for k in range(n)), range(n))
    found = certify(graph)
    assert not found.walks and found.to_dict()["pairs"] is None
    assert len(found.to_dataframe()) == n * n and "excitatory_walk" not in found.to_dataframe()


def test_the_command(tmp_path, capsys):
    (tmp_path / "net.py").write_text("from models import xor\n\ndef circuit(kind):\n    return xor.circuit(kind)\n")
    out = ["--out", str(tmp_path / "out"), "--json"]
    assert run_command(["certify", str(tmp_path / "net.py"), *out]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["counts"]["mixed"] == 2 and document["pairs"][0]["mixed_from"] == 4
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("certificate.json", "pairs.csv", "report.html", "run.json", "signs.svg")
    }
    (tmp_path / "edges.csv").write_text("pre,post,sg\nA,M,+\nB,C,+\nC,M,-\nC,C,\n")
    edges = ["certify", str(tmp_path / "edges.csv"), "--from", "pre", "--to", "post", "--sign", "sg"]
    assert run_command([*edges, "--inputs", "A,B", "--readouts", "M", *out]) == 0
    assert json.loads(capsys.readouterr().out)["counts"] == {"rises": 1, "falls": 0, "none": 0, "mixed": 1}
    assert run_command([*edges, "--inputs", "A", "--inputs", "B", "--readouts", "M", "--unknown", "omitted", *out]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["falls"] == 1
    (tmp_path / "by.csv").write_text("pre,post,transmitter\nA,M,glutamate\n")
    edges = ["certify", str(tmp_path / "by.csv"), "--inputs", "A", "--readouts", "M", *out]
    for more, word in (([], "mixed"), (["--assume", "Glutamate=+"], "rises"), (["--mixed", "omitted"], "none")):
        assert run_command([*edges, *more]) == 0
        assert json.loads(capsys.readouterr().out)["counts"][word] == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["e.csv", "--inputs", "A"], "certify: --readouts: expected with e.csv, found none"),
        (["e.csv", "--inputs", "A", "--readouts", "B", "--target", "B"], "--target: expected without --inputs"),
        (["e.csv", "--inputs", "Z", "--readouts", "B"], "expected a neuron, class or transmitter"),
        (["--inputs", "A", "--readouts", "B"], "expected a file of edges"),
        (["e.csv", "--inputs", "A", "--readouts", "B", "--assume", "x"], "--assume: expected TRANSMITTER=SIGN"),
        (["e.csv", "--inputs", "A", "--readouts", "B", "--assume", "x=up"], "expected 1, -1 or 0 (either sign)"),
        (["n.py", "--inputs", "A"], "--inputs: expected without n.py"),
        (["n.py", "--loss", "l1"], "--loss: expected without n.py"),
        (["n.py"], "expected an experiment (Settings and run), task or circuit, found x"),
    ],
)
def test_bad_words_to_the_command(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.csv").write_text("pre,post,sign\nA,B,+\n")
    (tmp_path / "n.py").write_text("x = 1\n")
    assert run_command(["certify", *words]) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1
