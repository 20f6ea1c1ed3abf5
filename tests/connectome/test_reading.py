"""Connectomes from files: what is read, counted and refused."""

import gzip
import subprocess
import sys

import numpy as np
import pytest
from brian2 import mV
from scipy import sparse

from eisim import Connectome, InputError, load, read_connectome, save
from tests.connectome.files import EDGES, GRAPH, cect, flyvis, packed


def written(tmp_path, text, name="edges.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(tmp_path, text, file="edges.csv", **options):
    return read_connectome(written(tmp_path, text, file), **options)


def refused(tmp_path, text, *words, file="edges.csv", **options):
    with pytest.raises(InputError) as error:
        read(tmp_path, text, file, **options)
    said = str(error.value)
    assert "\n" not in said
    for word in words:
        assert word in said, said


def test_an_edge_list(tmp_path):
    connectome = read(tmp_path, EDGES)
    assert connectome.neurons == ("A", "B", "C") and connectome.name == "edges"
    np.testing.assert_array_equal(connectome.excitatory.toarray(), [[0, 3, 5], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(connectome.inhibitory.toarray(), [[0, 0, 0], [0, 0, 2], [0, 0, 0]])
    np.testing.assert_array_equal(connectome.unknown.toarray(), np.diag([0, 0, 2]))
    assert connectome.notes == (
        "Rows that repeat a connection are summed: 1.",
        "Synapses of neurons with themselves: 2.",
    )
    assert repr(connectome) == (
        "<Connectome 'edges': 3 neurons (1 excitatory, 1 inhibitory), 12 synapses (8 excitatory, 2 inhibitory, "
        "2 of unknown sign)>"
    )
    assert connectome.signs.tolist() == [1, -1, 0] and connectome.counts["connections"] == 4


@pytest.mark.parametrize(
    "text",
    [
        EDGES.replace(",", ";"),
        EDGES.replace(",", "\t"),
        EDGES.replace("pre,post", "Presynaptic ID,Postsynaptic ID").replace("weight", "Number of synapses"),
        EDGES.replace(",1\n", ",excitatory\n").replace(",-1\n", ",Inhibitory\n").replace(",\n", ",no pred\n"),
        EDGES.replace(",1\n", ",+\n").replace(",-1\n", ",-\n"),
        EDGES.replace(",1\n", ",1.0\n").replace(",-1\n", ",-1.0\n"),
        "\ufeff" + EDGES.replace("\n", "\r\n"),
    ],
)
def test_spellings_of_a_table(tmp_path, text):
    found, expected = read(tmp_path, text), read(tmp_path, EDGES, "expected.csv")
    for part in ("excitatory", "inhibitory", "unknown"):
        assert (getattr(found, part) != getattr(expected, part)).nnz == 0
    packed = read(tmp_path, gzip.compress(text.encode()), "packed.csv.gz")
    assert packed.counts == expected.counts and packed.name == "packed"


def test_columns_by_name(tmp_path):
    text = "a,b,n,w,extra\nX,Y,2,-3,hello\nY,X,1,0.5,0\n"
    connectome = read(tmp_path, text, source="a", target="b", count="w", sign="w")
    assert connectome.inhibitory[0, 1] == 3 and connectome.excitatory[1, 0] == 0.5
    connectome = read(tmp_path, text, source="b", target="a", sign="")
    assert connectome.unknown.toarray().tolist() == [[0, 2], [1, 0]] and connectome.neurons == ("Y", "X")
    assert read(tmp_path, text, source="b", target="a", count="").n_synapses == 2
    refused(tmp_path, text, "expected columns such as 'source' and 'target'", "found a, b, n, w, extra")
    refused(tmp_path, text, "target: expected one of its columns", "found 'c'", source="a", target="c")
    refused(tmp_path, text, "row 1 (line 2), column 'w'", "found -3", "sign='w'", source="a", target="b", count="w")


def test_columns_of_what_is_not_there(tmp_path):
    text = "pre,post,n\nA,B,1\n"
    nodes = written(tmp_path, "name,my_nt\nA,GABA\nB,ACh\n", "nodes.csv")
    assert read(tmp_path, text, nodes=nodes, transmitter="my_nt").inhibitory.sum() == 1
    refused(tmp_path, text, "transmitter: expected one of its columns", "'nt'", nodes=nodes, transmitter="nt")
    graph = GRAPH.replace('attr.name="neurotransmitter"', 'attr.name="my_nt"')
    assert read(tmp_path, graph, "worm.graphml", transmitter="my_nt").signs.tolist() == [1, -1]
    for option in ("name", "classes"):
        refused(tmp_path, text, f"{option}: expected a table of neurons", **{option: "name"})
    for option in ("source", "transmitter"):
        refused(tmp_path, cect(), f"{option}: expected none, since JSON has no columns", **{option: "a"})
    for option in ("source", "name", "transmitter"):
        for wrong in (5, True, [], b"a"):
            refused(tmp_path, text, f"{option}: expected the name of a column", **{option: wrong})
    refused(tmp_path, text, "source and target: expected two columns", source="pre", target="pre")
    bare = written(tmp_path, "A,x\nB,y\n", "bare.csv")
    refused(tmp_path, text, "nodes: expected a table whose first line has column names", "'A'", nodes=bare)


def test_a_column_that_is_named_for_one_role_has_no_other(tmp_path):
    text = "pre,post,type,n\na,b,E,3\nb,a,E,2\n"
    signed = read(tmp_path, text, sign="type")
    assert signed.excitatory.sum() == 5 and not signed.gap_junctions.nnz
    assert read(tmp_path, "pre,post,type,n\na,b,ACh,3\n", transmitter="type").excitatory.sum() == 3
    assert read(tmp_path, text, kind="type").counts["gap_junctions"] == 3
    assert read(tmp_path, text, kind="").unknown.sum() == 5
    assert read(tmp_path, "pre,post,type,n\na,b,E,3\nb,a,C,2\n").counts["gap_junctions"] == 3
    twice = read(tmp_path, "pre,post,weight,n\na,b,7,3\n", count="n", transmitter="weight")
    assert twice.n_synapses == 3 and twice.transmitters == ("7", "")
    graph = GRAPH.replace(">C<", ">E<")
    for given, file in ((text, "edges.csv"), (text.replace("E", "R"), "edges.csv"), (graph, "worm.graphml")):
        refused(tmp_path, given, "alone, which can mean something else", "--set type=none", "sign=", file=file)
    refused(tmp_path, "pre,post,type,n\na,b,E,3\nb,a,I,2\n", "row 2", "found 'I'", "--set sign=type", "kind=''")
    refused(tmp_path, text, "count (--set synapses): expected one of its columns", "'m'", count="m")
    refused(tmp_path, text, "kind (--set type): expected one of its columns", "'m'", kind="m")


@pytest.mark.parametrize(
    ("transmitters", "part"),
    [
        ("ACh, GABA/Glut", "mixed"),
        ("ACh; Acetylcholine + ACh", "excitatory"),
        ("GABA & glycine", "inhibitory"),
        ("dopamine/GABA, x", "inhibitory"),
        ("dopamine, x/y", "unknown"),
    ],
)
def test_lists_of_transmitters_with_any_separators(tmp_path, transmitters, part):
    connectome = read(tmp_path, f'pre,post,n,nt\na,b,4,"{transmitters}"\n')
    assert connectome.counts[part] == 4
    known = read(tmp_path, 'pre,post,n,nt\na,b,4,"5-HT_1/GABA"\n', signs={"5-HT_1": "-"})
    assert known.inhibitory.sum() == 4


def test_cells_without_a_sign_leave_it_to_the_transmitter(tmp_path):
    text = "pre,post,n,sign,nt\na,b,1,,GABA\nb,a,2,unknown,GABA\nc,a,4,+,GABA\nd,a,8,no pred,ACh\ne,a,16,?,\n"
    connectome = read(tmp_path, text)
    found = {part: connectome.counts[part] for part in ("inhibitory", "excitatory", "unknown")}
    assert found == {"inhibitory": 3, "excitatory": 4, "unknown": 24}
    assert "Rows without a sign that have that of their source or transmitter: 2." in connectome.notes
    nodes = written(tmp_path, "name,sign,nt\na,,GABA\nb,-,ACh\n", "nodes.csv")
    assert read(tmp_path, "pre,post,n\na,b,1\nb,a,2\n", nodes=nodes).signs.tolist() == [-1, -1]


def test_columns_of_counts(tmp_path):
    for name in ("contacts", "edge_weight", "No. of synapses", "Synapse number"):
        connectome = read(tmp_path, f"pre,post,{name}\na,b,8\nb,a,2\n")
        assert connectome.n_synapses == 10 and connectome.notes == ()
    signed = read(tmp_path, "pre,post,Excitatory x Connectivity\na,b,8\nb,a,-2\n")
    assert signed.excitatory.sum() == 8 and signed.inhibitory.sum() == 2
    odd = "pre,post,size,name,depth,sign\na,b,8,x,0.5,+\nb,a,2,y,,-\n"
    said = "each row counts as one. Columns with numbers that are not used: size, depth."
    assert any(said in note for note in read(tmp_path, odd).notes)
    assert not any(said in note for note in read(tmp_path, odd, count="size").notes)
    assert read(tmp_path, odd, count="").notes == ()
    graph = GRAPH.replace('attr.name="weight"', 'attr.name="size"')
    assert any("that are not used: size." in note for note in read(tmp_path, graph, "worm.graphml").notes)


@pytest.mark.parametrize("wrong", [None, 5, 2.5, True, b"edges.csv", [], {}])
def test_what_is_no_path(tmp_path, wrong):
    with pytest.raises(InputError, match="expected the path of a file, found"):
        read_connectome(wrong)
    if wrong is not None:
        refused(tmp_path, EDGES, "expected the path of a file", nodes=wrong)


def test_signs_by_transmitter(tmp_path):
    text = "source,target,nt\nA,B,ACh\nB,A,GABA\nC,A,glutamate\nC,B,ACh\nD,A,dopamine\nD,B,\n"
    connectome = read(tmp_path, text)
    assert connectome.transmitters == ("ACh", "GABA", "ACh/glutamate", "dopamine")
    counts = {"excitatory": 2, "inhibitory": 1, "mixed": 1, "unknown": 2}
    assert {part: connectome.counts[part] for part in counts} == counts
    assert connectome.notes == (
        "No column is known to hold numbers of synapses: each row counts as one.",
        "Synapses of unknown sign, by transmitter: dopamine (2).",
    )
    fly = read(tmp_path, text, signs={"Glutamate": -1, "dopamine": 0})
    assert fly.inhibitory.sum() == 2 and fly.mixed.sum() == 2 and fly.counts["neurons_of_both_signs"] == 1
    for wrong in ({"GABA": 3}, {"GABA": True}, {"": 1}, "GABA", {"GABA": "up"}):
        refused(tmp_path, text, "signs", signs=wrong)


def test_a_table_of_neurons(tmp_path):
    nodes = written(tmp_path, "root_id,class,nt_type,side\n7,sensory,GABA,L\n5,motor,,R\n9,,ACh,R\n", "nodes.csv")
    connectome = read(tmp_path, "pre,post,n\n5,7,2\n7,5,1\n9,5,4\n11,7,1\n", nodes=nodes)
    assert connectome.neurons == ("7", "5", "9", "11") and connectome.classes == ("sensory", "motor", "", "")
    assert connectome.inhibitory[0, 1] == 1 and connectome.excitatory[2, 1] == 4 and connectome.unknown.sum() == 3
    assert connectome.notes[0] == "Neurons that the table of neurons does not have: 1 (11)."
    signed = written(tmp_path, "name,sign\nA,E\nB,I\n", "signed.csv")
    assert read(tmp_path, "pre,post\nA,B\nB,A\n", nodes=signed).signs.tolist() == [1, -1]
    blank = read(tmp_path, "pre,post,sign\nA,B,-\nB,A,?\n", nodes=signed)
    assert blank.signs.tolist() == [-1, -1] and not blank.unknown.nnz
    explicit = read(tmp_path, "pre,post,sign\nA,B,-\nB,A,no pred\n", nodes=signed)
    assert explicit.signs.tolist() == [-1, 0] and explicit.unknown.sum() == 1
    twice = written(tmp_path, "name\nA\nA\n", "twice.csv")
    refused(tmp_path, "pre,post\nA,B\n", "twice.csv: row 2 (line 3)", "found 'A' once more", nodes=twice)


def test_the_columns_of_shiu(tmp_path):
    text = (
        "Presynaptic_Index,Postsynaptic_Index,Connectivity,Excitatory,Excitatory x Connectivity\n"
        "0,2,12,1,12\n2,4,3,-1,-3\n4,0,5,1,5\n"
    )
    connectome = read(tmp_path, text)
    assert connectome.neurons == tuple("01234") and connectome.signs.tolist() == [1, 0, -1, 0, 1]
    assert connectome.excitatory[0, 2] == 12 and connectome.inhibitory[2, 4] == 3
    nodes = written(tmp_path, ",Completed\n" + "".join(f"72057594060000000{k},True\n" for k in range(5)), "nodes.csv")
    named = read(tmp_path, text, nodes=nodes)
    assert named.neurons[3] == "720575940600000003" and (named.excitatory != connectome.excitatory).nnz == 0
    refused(tmp_path, text.replace("4,0,5", "5,0,5"), "from 0 to 4, found 5", nodes=nodes)
    refused(tmp_path, text.replace("4,0,5", "1.5,0,5"), "found 1.5")
    refused(tmp_path, text.replace("4,0,5", "-1,0,5"), "found -1")


def test_the_columns_of_fenyves(tmp_path):
    """A made table of the columns of their revised data, with the legend that another version ends with."""
    heading = (
        "Source;PrimNT;SecNT;Target;Synapses;Type;Glu_pos;Glu_neg;ACh_pos;ACh_neg;GABA_pos;GABA_neg;No of matches;"
        "double_NT;NT_complex;rec_complex;Pred_pol"
    )
    rows = [
        ("A", "Glu", "B", 6, "chemical", "no pred"),
        ("A", "Glu", "C", 2, "chemical", "+"),
        ("A", "Glu", "D", 3, "chemical", "-"),
        ("B", "ACh", "A", 4, "chemical", "complex"),
        ("B", "ACh", "C", 5, "chemical", "+"),
        ("C", "GABA", "A", 7, "chemical", "-"),
        ("C", "GABA", "B", 2, "electrical", "electrical"),
        ("B", "ACh", "C", 2, "electrical", "electrical"),
    ]
    lines = [f"{s};{nt};0;{t};{n};{kind}{';FALSE' * 6};0{';FALSE' * 3};{sign}" for s, nt, t, n, kind, sign in rows]
    connectome = read(tmp_path, "\n".join([heading, *lines, ";" * 5 + ";+;-;+;-;+;-;;TRUE if so;;;"]))
    counts = {"excitatory": 7, "inhibitory": 10, "mixed": 4, "unknown": 6, "gap_junctions": 2, "synapses": 27}
    assert {part: connectome.counts[part] for part in counts} == counts
    assert connectome.counts["neurons_of_both_signs"] == 1 and connectome.transmitters == ("Glu", "ACh", "GABA", "")
    assert "Rows without names are left out: 1." in connectome.notes


def test_gap_junctions(tmp_path):
    text = "pre,post,type,n\nA,B,chemical,2\nA,B,EJ,3\nB,A,EJ,1\nC,A,gap junction,2\nC,C,EJ,1\nB,A,R,2\n"
    connectome = read(tmp_path, text)
    assert connectome.gap_junctions.toarray().tolist() == [[0, 3, 2], [3, 0, 0], [2, 0, 0]]
    assert connectome.counts["gap_junctions"] == 5 and connectome.n_synapses == 2
    assert connectome.notes == (
        "Rows that list a synapse again, from its target, are left out: 1.",
        "Gap junctions of neurons with themselves are left out: 1.",
        "Gap junctions that are given in one direction, or with two counts: 2.",
    )
    refused(
        tmp_path, text.replace("EJ,3", "wireless,3"), "row 2 (line 3), column 'type'", "found 'wireless'", "kind=''"
    )
    assert read(tmp_path, text.replace("EJ,3", "wireless,3"), kind="").n_synapses == 11


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ("expected a first line with column names",)),
        ("pre,post\n", ("expected at least one neuron, found none",)),
        ("pre,post\nA\n", ("row 1 (line 2), column 'post'", "an empty cell")),
        ("pre,post,n\nA,B,nan\n", ("row 1 (line 2), column 'n'", "found 'nan'")),
        ("pre,post,n\nA,B,2\nA,B,\n", ("row 2 (line 3), column 'n'", "found ''")),
        ("pre,post,n\nA,B,inf\n", ("found 'inf'",)),
        ("pre,post,n\nA,B,1e300\n", ("expected at most 9,007,199,254,740,992 synapses",)),
        ("pre,post,n\nA,B,many\n", ("found 'many'",)),
        ("pre,post,sign\nA,B,0\n", ("column 'sign'", "expected a sign", "found '0'")),
        ("pre,post,n\nA,B,1,2,3\n", ("expected 3 cells",)),
        ("pre,post,n\nA,B,1\nA,B,1,2\n", ("row 2 (line 3) has 4 cells, not 3",)),
        (f"pre,post\nA,{'x' * 2000}\n", ("found one of 2,000 characters",)),
        ("pre,pre\nA,B\n", ("columns of different names",)),
        (b"\x80\x04pickle", ("pickle file", "export it as CSV")),
        (b"pre,post\nA,\xff\xfe\n", ("not whole UTF-8",)),
        ("[1, 2", ("expected JSON",)),
        ("[]", ("expected JSON with 'nodes'",)),
        ("[" * 100_000, ("expected JSON",)),
        ("<html/>", ("expected GraphML, found XML of 'html'",)),
        ("<graphml>", ("expected GraphML, found: no element found",)),
    ],
)
def test_bad_files(tmp_path, text, words):
    refused(tmp_path, text, *words)


def test_neurons_without_synapses(tmp_path):
    nodes = written(tmp_path, "name\nA\n", "nodes.csv")
    connectome = read(tmp_path, "pre,post\n", nodes=nodes)
    assert connectome.n_synapses == 0 and connectome.neurons == ("A",)
    assert repr(connectome) == "<Connectome 'edges': 1 neurons, 0 synapses>"


def test_graphml(tmp_path):
    connectome = read(tmp_path, GRAPH, "worm.graphml")
    assert connectome.neurons == ("AVAL", "DD1") and connectome.classes == ("inter", "motor")
    assert connectome.excitatory[0, 1] == 4 and connectome.inhibitory[1, 0] == 1
    assert connectome.gap_junctions.toarray().tolist() == [[0, 2], [2, 0]]
    assert read(tmp_path, GRAPH, "worm.graphml", name="").neurons == ("n0", "n1")
    bomb = GRAPH.replace("<graphml", '<!DOCTYPE graphml [<!ENTITY a "aaaa">]>\n<graphml', 1).replace("AVAL", "&a;")
    refused(tmp_path, bomb, "without a document type", file="bomb.graphml")
    refused(tmp_path, GRAPH.replace('target="n1"', 'target="n7"'), "edge 1", "'n7'", file="x.graphml")
    refused(tmp_path, GRAPH.replace('<data key="e_t">E</data>', ""), "edge 3", "directed", file="x.graphml")
    refused(tmp_path, GRAPH.replace('id="n1"', 'id="n0"'), "node 2", "'n0' once more", file="x.graphml")


def test_json_of_cect(tmp_path):
    connectome = read(tmp_path, cect(), "worm.json")
    assert connectome.excitatory[0, 1] == 2 and connectome.inhibitory[1, 2] == 3 and connectome.unknown[2, 0] == 4
    assert connectome.transmitters == ("Acetylcholine", "GABA", "") and connectome.counts["gap_junctions"] == 1
    assert connectome.notes == ("Connections that are no synapses are left out: Contact.",)
    for changes, words in (
        ({"nodes": ["A", "B"]}, ("Acetylcholine: expected a matrix", "shape (2, 2)")),
        ({"nodes": ["A", "A", "B"]}, ("'A' more than once",)),
        ({"nodes": 3}, ("expected names of neurons",)),
        ({"connections": {"GABA": [[0, -1], [0, 0]]}, "nodes": ["A", "B"]}, ("found -1 between A and B",)),
        ({"connections": {"GABA": "x"}}, ("expected a matrix of numbers",)),
        ({"connections": {"GABA": [[float("nan")]]}, "nodes": ["A"]}, ("expected finite numbers",)),
    ):
        refused(tmp_path, cect(**changes), *words, file="worm.json")


def test_json_of_flyvis(tmp_path):
    connectome = read(tmp_path, flyvis(), "fly.json")
    assert connectome.inhibitory[0, 1] == 42.5 and connectome.excitatory[1, 2] == 42.5
    assert connectome.classes == ("input", "", "output") and connectome.find("class:output").tolist() == [2]
    for changes in (
        {"alpha": 2},
        {"alpha": None},
        {"src": "R9"},
        {"tar": 3},
        {"offsets": [[0, 0]] * 2 + [3]},
        {"offsets": [[[0, 0], -1]]},
        {"offsets": None},
        {"edge_type": "wireless"},
    ):
        refused(tmp_path, flyvis(**changes), "edge 1", file="fly.json")


def test_typed_tables(tmp_path):
    pytest.importorskip("pyarrow")
    import pandas

    frame = pandas.DataFrame(
        {
            "Presynaptic_ID": np.array([720575940600000001, 720575940600000003]),
            "Postsynaptic_ID": np.array([720575940600000002, 720575940600000001]),
            "Presynaptic_Index": [0, 2],
            "Postsynaptic_Index": [1, 0],
            "Connectivity": [4, 3],
            "Excitatory": [1, -1],
            "text": ["a", None],
        }
    )
    for name, write in (("edges.parquet", frame.to_parquet), ("edges.feather", frame.to_feather)):
        write(tmp_path / name)
        connectome = read_connectome(tmp_path / name)
        assert connectome.neurons == tuple(f"72057594060000000{k}" for k in (1, 3, 2))
        assert connectome.signs.tolist() == [1, -1, 0] and connectome.n_synapses == 7
        content = (tmp_path / name).read_bytes()
        refused(tmp_path, content[: len(content) // 2], name, file=name)


FUZZ = """
import sys
from pathlib import Path
import numpy as np
from eisim import InputError, LabelledData, read_connectome
path, content = Path(sys.argv[1]), Path(sys.argv[2]).read_bytes()
footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
single = range(footer, len(content) - 8)  # one byte of what is said about columns
for k in range(250 + len(single)):
    rng, data = np.random.default_rng(k), bytearray(content)
    if k < len(single):
        data[single[k]] = (data[single[k]] + 1) % 256
    else:
        for _ in range(rng.integers(1, 6)):
            data[rng.integers(len(data))] = rng.integers(256)
    path.write_bytes(data)
    for read in (read_connectome, lambda path: LabelledData.from_file(path, "weight", classes=True))[: 2 - (k % 4 > 0)]:
        try:
            read(path)
        except InputError as error:
            assert str(error).isprintable() and len(str(error)) <= 1000, error
print("done")
"""


@pytest.mark.slow
def test_mutated_parquet_files_do_not_end_the_process(tmp_path):
    """What is checked in Parquet's own library can end the process where it is asked for outside of a reader."""
    pytest.importorskip("pyarrow")
    (tmp_path / "whole.parquet").write_bytes(packed()["parquet"])
    words = [sys.executable, "-c", FUZZ, str(tmp_path / "edges.parquet"), str(tmp_path / "whole.parquet")]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "done\n"), ended.stderr[-2000:]


@pytest.mark.parametrize("kind", ["csv", "graphml", "cect", "flyvis"])
def test_mutated_files(tmp_path, kind):
    """Each of 500 damaged files is refused in one line, or read as a connectome that is whole."""
    seeds = {"csv": EDGES, "graphml": GRAPH, "cect": cect(), "flyvis": flyvis()}
    content, rng = seeds[kind].encode(), np.random.default_rng(7)
    read_well = 0
    for _ in range(500):
        data = bytearray(content)
        for _ in range(rng.integers(1, 4)):
            start, length = rng.integers(len(data)), rng.integers(1, 9)
            what = rng.integers(4)
            if what == 0:
                data[start : start + length] = b""
            elif what == 1:
                data[start:start] = data[start : start + length]
            elif what == 2:
                data[start] = rng.integers(256)
            else:
                data[start:start] = [b"-", b"9", b"1e9", b'"', b",", b"<", b"nan", b"\n"][rng.integers(8)]
        try:
            connectome = read(tmp_path, bytes(data), "edges")
        except InputError as error:
            assert "\n" not in str(error) and len(str(error)) <= 1500
        else:
            read_well += 1
            assert connectome.n_synapses >= 0 and connectome.counts["neurons"] == connectome.n_neurons
    assert 0 < read_well < 500


def test_saved(tmp_path):
    connectome = read(tmp_path, EDGES)
    save(connectome, tmp_path / "connectome.eisim")
    again = load(tmp_path / "connectome.eisim")
    assert repr(again) == repr(connectome) and again.notes == connectome.notes
    assert (again.excitatory != connectome.excitatory).nnz == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "name"),
        ({"neurons": ()}, "at least one"),
        ({"neurons": ("A", "A")}, "'A' more than once"),
        ({"neurons": "AB"}, "a sequence of texts"),
        ({"neurons": (1, 2)}, "expected texts"),
        ({"classes": ("x",)}, "one for each of 2 neurons"),
        ({"excitatory": [[1.0]]}, r"shape \(2, 2\)"),
        ({"excitatory": "many"}, "an array of counts"),
        ({"inhibitory": [[0, -1], [0, 0]]}, "0 or more"),
        ({"mixed": [[0, np.nan], [0, 0]]}, "finite"),
        ({"mixed": [[0, None], [0, 0]]}, "finite"),
        ({"excitatory": [[0, 1j], [0, 0]]}, "an array of counts"),
        ({"excitatory": sparse.csr_array([[0, 1j], [0, 0]])}, "an array of counts"),
        ({"excitatory": np.ma.array([[0, 1], [0, 0]], mask=[[0, 1], [0, 0]])}, "masked"),
        ({"excitatory": [[0, 1], [0, 0]] * mV}, "an array of counts"),
        ({"neurons": ("A", " ")}, "a name for each"),
        ({"gap_junctions": [[0, 1], [0, 0]]}, "symmetric"),
        ({"gap_junctions": [[1, 0], [0, 0]]}, "diagonal of 0"),
    ],
)
def test_bad_values(changes, words):
    with pytest.raises(InputError, match=words):
        Connectome(**{"name": "made", "neurons": ("A", "B")} | changes)
