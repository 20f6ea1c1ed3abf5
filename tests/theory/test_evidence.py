"""Floors of tables against brute force on exact numbers, and what stands beside a floor."""

import json
import random
from fractions import Fraction
from itertools import combinations

import numpy as np
import pandas
import pytest

from eisim import REGIONS, LabelledData, TruthTable, certify
from eisim.cli.commands import run_command
from eisim.report import proof
from eisim.report.view import view_of
from eisim.theory import evidence
from eisim.theory.sample import Sample


def column(rng, n):
    """Cells of a column as text, and what orders them: a key, or none if only equal words are ordered."""
    kind = rng.choice(("few", "large", "long", "real", "two words", "words"))
    if kind == "few":
        cells = [str(rng.randrange(4)) for _ in range(n)]
    elif kind == "large":
        cells = [str(2**53 + rng.randrange(5)) for _ in range(n)]
    elif kind == "long":
        cells = [f"0.1000000000000000{rng.randrange(4)}{rng.randrange(4)}" for _ in range(n)]
    elif kind == "real":
        cells = [repr(rng.choice((0.1, 0.30000000000000004, -0.0, 0.0, 1e-300, 3.5))) for _ in range(n)]
    else:
        cells = [rng.choice(("p", "q") if kind == "two words" else ("p", "q", "r", "none")) for _ in range(n)]
        words = sorted(set(cells))
        return cells, [words.index(cell) for cell in cells] if len(words) <= 2 else None
    return cells, [Fraction(cell) for cell in cells]


def drawn(seed):
    """Text of a table, and for each pair of its rows whether one is at most the other."""
    rng = random.Random(seed)
    n, d = rng.randrange(6, 10), rng.randrange(1, 4)
    columns = [column(rng, n) for _ in range(d)]
    for _ in range(rng.randrange(3)):  # repeated rows
        at, to = rng.randrange(n), rng.randrange(n)
        for cells, keys in columns:
            if keys is None and len({*cells[:to], *cells[to + 1 :], cells[at]}) < 3:
                continue  # else the words would be other ones
            cells[to] = cells[at]
            if keys is not None:
                keys[to] = keys[at]
    columns = [(c, k if k is None or isinstance(k[0], Fraction) else _word_keys(c)) for c, k in columns]
    targets = [rng.randrange(rng.choice((2, 2, 3))) for _ in range(n)]
    weights = [rng.choice((1, 1, 2, 5, 0)) for _ in range(n)]
    weights[0] = 1
    below = [[all(_at_most(cells, keys, i, j) for cells, keys in columns) for j in range(n)] for i in range(n)]
    heading = [*(f"in{k}" for k in range(d)), "y", "w"]
    rows = [[*(cells[i] for cells, _ in columns), str(targets[i]), str(weights[i])] for i in range(n)]
    return "\n".join(map(",".join, [heading, *rows])) + "\n", below, targets, weights


def _word_keys(cells):
    words = sorted(set(cells))
    return [words.index(cell) for cell in cells] if len(words) <= 2 else None


def _at_most(cells, keys, i, j):
    return cells[i] == cells[j] if keys is None else keys[i] <= keys[j]


def least_error(below, targets, weights):
    """Least share of weight that a function that never falls gets wrong, over all sets of rows to get right."""
    n, best = len(targets), 0
    for k in range(n + 1):
        for right in combinations(range(n), k):
            if all(not below[i][j] or targets[i] <= targets[j] for i in right for j in right):
                best = max(best, sum(weights[i] for i in right))
    return 1 - best / sum(weights)


@pytest.mark.parametrize("block", range(8))
def test_b3_floors_of_200_drawn_tables_by_brute_force(tmp_path, block):
    """With ties, whole numbers above 2**53, decimals that float64 merges, repeated rows, weights and categories."""
    for seed in range(25 * block, 25 * block + 25):
        text, below, targets, weights = drawn(seed)
        (tmp_path / "drawn.csv").write_text(text)
        certificate = certify(LabelledData.from_file(tmp_path / "drawn.csv", "y", "w"), ("zero_one",), orient=False)
        assert certificate.floor["zero_one"] == pytest.approx(least_error(below, targets, weights), abs=1e-12), text
        inverted = least_error(below, [-y for y in targets], weights)
        assert certificate.floor_inverted == pytest.approx(inverted, abs=1e-12), text
        pairs = [(i, j) for i in range(len(targets)) for j in range(len(targets)) if i != j and below[i][j]]
        assert certificate.violating_pairs == sum(targets[i] > targets[j] for i, j in pairs), text
        comparable = {frozenset(pair) for pair in pairs}
        assert certificate.comparable_share == pytest.approx(len(comparable) / (len(targets) * (len(targets) - 1) / 2))
        if certificate.witness:
            assert proof.witness(certificate)


def test_floors_of_permuted_labels_are_those_of_data_with_such_labels():
    rng = np.random.default_rng(3)
    points, targets = rng.integers(0, 4, (60, 2)), rng.integers(0, 3, 60)
    for weights in (np.ones(60), rng.random(60)):
        floors = evidence.Floors(Sample(points.astype(float), targets.astype(float), weights))
        for _ in range(5):
            order = rng.permutation(60)
            data = LabelledData(points, targets[order], weights[order])
            wanted = certify(data, ("zero_one",), orient=False).floor["zero_one"]
            assert floors.of(targets[order], order) == pytest.approx(wanted, abs=1e-12)


def test_pairs_are_compared_once_for_all_permutations(monkeypatch):
    from eisim.theory import order

    compared = []
    whole = order.comparisons
    monkeypatch.setattr(order, "comparisons", lambda x, y, *more: compared.append(len(x)) or whole(x, y, *more))
    rng = np.random.default_rng(0)
    certificate = certify(LabelledData(rng.random((80, 2)), rng.integers(0, 2, 80)), ("zero_one",), orient=False)
    before = len(compared)
    assert certificate.comparable_share and certificate.floor_permuted and certificate.floor_inverted
    assert len(compared) <= before + 1


def test_the_order_of_rows_does_not_matter():
    rng = np.random.default_rng(5)
    points, targets, weights = rng.integers(0, 5, (70, 2)), rng.integers(0, 2, 70), rng.integers(1, 4, 70)
    order = np.argsort(targets, kind="stable")  # sorted by class
    here = certify(LabelledData(points, targets, weights), ("zero_one",))
    there = certify(LabelledData(points[order], targets[order], weights[order]), ("zero_one",))
    assert here.evidence() == there.evidence()


def test_b1_the_floor_of_the_inverted_target_stands_beside(tmp_path, capsys):
    datasets = pytest.importorskip("sklearn.datasets")
    frame = datasets.load_breast_cancer(as_frame=True).frame
    frame["diagnosis"] = np.where(frame["target"] == 1, "benign", "malignant")
    frame.drop(columns="diagnosis").to_csv(tmp_path / "ones.csv", index=False)
    frame.drop(columns="target").to_csv(tmp_path / "words.csv", index=False)
    found = {}
    for name, target in (("ones", "target"), ("words", "diagnosis")):
        words = [str(tmp_path / f"{name}.csv"), "--target", target, "--loss", "zero-one", "--out", str(tmp_path / name)]
        assert run_command(["certify", *words, "--json"]) == 0
        found[name] = json.loads(capsys.readouterr().out)
        assert run_command(["certify", *words]) == 0
        found[f"{name}, said"] = " ".join(capsys.readouterr().out.split())
    ones, coded = found["ones"], found["words"]
    assert ones["floor"]["zero_one"] == coded["floor_inverted"] == pytest.approx(150 / 569)
    assert coded["floor"]["zero_one"] == ones["floor_inverted"] == pytest.approx(1 / 569)
    assert "benign = 0, malignant = 1" in " ".join(coded["notes"])
    assert "With an inverter at the output it would be 1 of 569 rows" in found["ones, said"]
    assert "benign = 0, malignant = 1" in found["words, said"]
    assert "With an inverter at the output" in (tmp_path / "ones" / "report.html").read_text()


def test_b2_rows_that_cannot_tell_say_so(tmp_path, capsys):
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(rng.random((500, 40))).add_prefix("f").assign(y=rng.integers(0, 2, 500))
    frame.to_csv(tmp_path / "noise.csv", index=False)
    words = ["certify", str(tmp_path / "noise.csv"), "--target", "y", "--out", str(tmp_path / "out")]
    assert run_command([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["comparable_share"] == found["floor"]["zero_one"] == 0 and found["conclusive"] is False
    assert found["floor_permuted"] == {"median": 0, "low": 0, "high": 0}
    assert run_command(words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "These rows cannot tell" in said and "can compute" not in said
    page = (tmp_path / "out" / "report.html").read_text()
    assert "These rows cannot tell" in page and "can compute" not in page


@pytest.mark.parametrize("inputs", [8, 13, 20])
def test_b2_random_labels_are_told_from_a_rule(inputs):
    """Of labels without a rule the rows cannot tell, however they are drawn; of a rule they can."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        points = rng.random((250, inputs))
        noise = certify(LabelledData(points, rng.integers(0, 2, 250)), ("zero_one",), orient=False)
        assert noise.conclusive is False
        lined = np.sort(points[:, :1]) + 0.02 * points  # many comparable rows
        rule = certify(LabelledData(lined, lined.mean(axis=1) > 0.5), ("zero_one",), orient=False)
        assert rule.conclusive and rule.representable


@pytest.mark.parametrize(
    ("points", "targets", "weights"),
    [
        ([[0], [1], [2]], [2, 1, 0], None),
        ([[0], [1], [2]], [0, 2, 1], None),
        ([[0], [1], [2]], [0, 1, 0], [10, 20, 5]),
        ([[0, 1], [0, 2], [0, 0]], [1, 0, 0], None),
        ([[0, 0], [0, 1], [1, 0]], [1, 0, 0], None),
    ],
)
def test_b2_few_rows_that_are_comparable_tell(points, targets, weights):
    """ "Only" so many comparable pairs is no reason where most of them are."""
    certificate = certify(LabelledData(points, targets, weights), ("zero_one",))
    assert certificate.comparable_share >= 0.5 and certificate.conclusive


def test_that_no_inversion_complexity_was_looked_for_is_noted():
    few, many = (certify(LabelledData(np.arange(n)[:, None], np.arange(n) % 2), []) for n in (1_500, 20_001))
    note = "The inversion complexity is not computed for more than 20,000 distinct points."
    assert few.inversion_complexity == 10 and note not in few.notes
    assert many.inversion_complexity is None and note in many.notes


def test_notes_fit_what_is_certified(recwarn):
    assert "The function is constant, and a constant is a monotone function." in certify(TruthTable("1111")).notes
    one = certify(LabelledData([[0], [1], [2]], [1, 0, 1], [1, 1, 0]))
    assert "1 row has weight 0: it counts in violating pairs, but costs nothing." in one.notes


@pytest.mark.parametrize("points", [[[1, 1]] * 3, [[1, 0], [1, 1], [1, 2]], [[1e9, 0]] * 3, [[0, 0]] * 3])
def test_constant_inputs_are_drawn_without_a_warning(recwarn, points):
    certify(LabelledData(points, [1, 0, 1])).plot().figure.canvas.draw()
    assert not recwarn.list


def test_b2_run_says_so_too(tmp_path, capsys):
    rng = np.random.default_rng(1)
    frame = pandas.DataFrame(rng.random((40, 20))).add_prefix("f").assign(y=rng.integers(0, 2, 40))
    frame.to_csv(tmp_path / "noise.csv", index=False)
    words = [
        "--kind",
        "rate",
        "--backend",
        "numpy",
        "--set",
        "levels=2",
        "--set",
        "tries=1",
        "--set",
        "iterations=5",
        "--target",
        "y",
    ]
    assert run_command(["run", str(tmp_path / "noise.csv"), *words, "--out", str(tmp_path / "out"), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["noise"]["rows"]
    assert row["conclusive"] is False and row["floor_inverted"] == 0 and row["floor_permuted"]["high"] < 0.1
    assert "These rows cannot tell" in (tmp_path / "out" / "report.html").read_text()


def test_e4_a_witness_of_many_inputs_does_not_flood_the_terminal(tmp_path, capsys):
    rng = np.random.default_rng(1)
    points = np.sort(rng.random((12, 1)), axis=0) + np.zeros(30)
    frame = pandas.DataFrame(points).add_prefix("input number ").assign(y=[0, 1] * 6)
    frame.to_csv(tmp_path / "many.csv", index=False)
    settings = [word for each in ("levels=2", "tries=1", "iterations=5") for word in ("--set", each)]
    words = ["--kind", "rate", "--backend", "numpy", *settings, "--target", "y", "--out", str(tmp_path / "out")]
    assert run_command(["run", str(tmp_path / "many.csv"), *words]) == 0
    said = capsys.readouterr().out
    (witness,) = [part for part in said.split("Witness")[1:]]
    assert "..." in witness and "input number 5 = " in witness and "input number 6 = " not in witness


def test_functions_that_are_known_everywhere_have_no_permuted_labels():
    for function, floor, inverted, comparable in (
        (TruthTable("0110"), 0.25, 0.25, 5 / 6),
        (TruthTable("1110"), 0.25, 0.0, 5 / 6),
        (REGIONS["half-plane"], 0.0, None, None),
    ):
        certificate = certify(function, ("zero_one",))
        assert certificate.floor_permuted is None and certificate.conclusive is None
        assert certificate.floor["zero_one"] == floor
        if inverted is not None:
            assert (certificate.floor_inverted, certificate.comparable_share) == (inverted, comparable)
    _, floors, *_ = view_of(certify(TruthTable("1110"))).tables()
    assert "With an inverter at the output" in " ".join(floors.notes)


def test_what_costs_too_much_is_left_out_and_said_to_be(monkeypatch):
    monkeypatch.setattr(evidence, "MOST_POINTS", 50)
    monkeypatch.setattr(evidence, "MOST_PAIRS", 50)
    rng = np.random.default_rng(0)
    data = LabelledData(rng.random((60, 2)), rng.integers(0, 2, 60))
    certificate = certify(data, ("zero_one",))
    assert (
        certificate.comparable_share is None and certificate.floor_permuted is None and certificate.conclusive is None
    )
    inverted = certify(LabelledData(data.points, 1 - data.targets), ("zero_one",)).floor["zero_one"]
    assert certificate.floor_inverted == inverted
    _, floors, *_ = view_of(certificate).tables()
    assert "not permuted beyond 50 distinct rows" in " ".join(floors.notes)


def test_b11_sparse_floors_are_those_of_all_pairs(monkeypatch):
    rng = np.random.default_rng(2)
    points, targets = rng.integers(0, 5, (120, 4)), rng.integers(0, 3, 120)
    data = LabelledData(np.vstack([points, points[:20]]), np.append(targets, 2 - targets[:20]))
    wanted = certify(data, ("zero_one",)).evidence()
    monkeypatch.setattr(evidence, "MOST_POINTS", 50)
    monkeypatch.setattr(evidence, "_ROWS_AT_ONCE", 7)
    assert certify(data, ("zero_one",)).evidence() == wanted
    monkeypatch.setattr(evidence, "MOST_PAIRS", 10)
    found = certify(data, ("zero_one",)).evidence()
    assert (found.floor, found.floor_inverted) == (wanted.floor, wanted.floor_inverted) and found.permuted == ()


def test_b3_whole_numbers_above_2_to_53():
    def floor(points):
        return certify(LabelledData(points, [0, 1]), ("zero_one",)).floor["zero_one"]

    low, high = 2**53, 2**53 + 1
    for points in (
        [[low], [high]],
        np.array([[low], [high]]),
        np.array([[low], [high]], dtype=np.uint64),
        np.array([[low], [high]], dtype=object),
        [[10**30], [10**30 + 1]],
        [["0.1"], ["0.10000000000000001"]],
        [[low, 0.5], [high, 0.5]],
        np.array([[Fraction(1, 3)], [Fraction(1, 3) + Fraction(1, 10**30)]]),
        pandas.DataFrame({"a": [low, high], "b": [0.5, 0.5]}),
    ):
        assert floor(points) == 0 and floor(points[::-1]) == 0.5
    frame = pandas.DataFrame({"a": pandas.array([low, high, None], dtype="Int64"), "y": [0, 1, 1]})
    data = LabelledData.from_dataframe(frame, "y")
    assert certify(data).representable and "compared exactly" in data.notes[1]
    certificate = certify(LabelledData([[high], [low]], [0, 1]))
    assert "(raised: x1)" in proof.witness(certificate)
