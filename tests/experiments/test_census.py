"""The census: all functions at once, against circuits of their own and the theory by exhaustion."""

import json
from dataclasses import replace

import numpy as np
import pytest

from eisim import InputError, TruthTable, certify, simulate, synthesize
from eisim.functions import patterns
from eisim.report.view import view_of
from eisim.studies.census import inhibitory_upstream
from eisim.studies.census import monotone_functions as all_monotone_functions
from eisim.theory.code import least_codes
from eisim.theory.synthesis import build
from experiments import census
from tests.support.findings import check
from tests.theory.test_truth_tables import DEDEKIND, all_functions, monotone_functions, upward_closure

TIMES = {"duration": 200e-3, "window": 100e-3, "dt": 0.5e-3, "backend": "numpy"}


def run(backend="numpy", **settings):
    return census.run(census.Settings(**settings), ["spiking", "rate"], 7, backend, lambda *_: None)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_all_functions(n):
    found = run(inputs=n, levels=3)
    assert found.problems == []
    assert found.intact.all() and found.survives.sum() == DEDEKIND[n]
    assert [curve.verdict for curve in found.curves] == found.verdicts.tolist()
    assert ((found.verdicts == "kept") == found.survives).all() and not any(c.violations() for c in found.curves)
    for f, floor, inhibitory, ablated in zip(
        all_functions(n), found.floor, found.inhibitory, found.computed[-1], strict=True
    ):
        certificate = certify(f, losses=["zero_one"])
        assert certificate.floor["zero_one"] == floor
        assert certificate.inversion_complexity == inhibitory
        assert (ablated == upward_closure(f)).all()


#: Pairs of input and function by the sign of the wiring: function rises, falls, is constant, does both.
PAIRS = {
    1: {"rises": [1, 0, 0, 0], "falls": [0, 1, 0, 0], "none": [0, 0, 2, 0], "mixed": [0, 0, 0, 0]},
    2: {"rises": [8, 0, 0, 0], "falls": [0, 8, 0, 0], "none": [0, 0, 8, 0], "mixed": [2, 2, 0, 4]},
    3: {"rises": [123, 0, 0, 0], "falls": [0, 99, 0, 0], "none": [0, 0, 48, 0], "mixed": [72, 96, 0, 330]},
}


@pytest.mark.parametrize("n", [1, 2, 3])
def test_wiring_and_function(n):
    found = run(inputs=n, levels=2)
    document = view_of(found).to_json()["wiring"]
    assert {word: [*by_trend.values()] for word, by_trend in document["pairs"].items()} == PAIRS[n]
    mixed = PAIRS[n]["mixed"]
    assert (document["mixed"], document["mixed_and_monotone"]) == (sum(mixed), sum(mixed[:3]))
    for k in np.random.default_rng(0).permutation(len(found.values))[:32]:
        own = certify(synthesize(TruthTable("".join("01"[int(v)] for v in found.values[k])), kind="rate"))
        assert [*own.signs().values()] == found.wiring[:, k].tolist()
        for axis, trend in enumerate(found.trends[:, k]):
            steps = np.diff(found.values[k].astype(int).reshape([2] * n), axis=axis)
            signs = {"rises": {1}, "falls": {-1}, "constant": set(), "both": {1, -1}}
            assert {*steps.ravel().tolist()} - {0} == signs[trend]


@pytest.mark.slow
def test_all_functions_of_4_inputs():
    found = run("cpp", inputs=4, levels=2)
    assert found.problems == []
    document = view_of(found).to_json()
    assert document["functions"] == document["computed_intact"] == 65536
    assert document["survive_ablation"] == 168
    assert sum(document["by_inhibitory_neurons"].values()) == 65536 and document["by_inhibitory_neurons"]["0"] == 168
    for k in np.random.default_rng(0).integers(0, 2**16, 100):
        certificate = certify(TruthTable(f"{k:016b}"), losses=["zero_one"])
        assert certificate.floor["zero_one"] == found.floor[k]
        assert certificate.inversion_complexity == found.inhibitory[k]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["spiking", "rate"])
def test_the_shared_circuit_does_what_circuits_of_their_own_do(kind):
    rng = np.random.default_rng(1)
    for n in (3, 4):
        values = rng.random((40, 2**n)) < 0.5
        code, inhibitory = least_codes(values)
        shared = build(values, code, inhibitory, kind, "shared").without_noise()
        own = [synthesize(TruthTable("".join("01"[int(v)] for v in f)), kind=kind).without_noise() for f in values]
        responses = simulate([shared, *own], patterns(n), **TIMES)
        alone = np.hstack([response.readouts for response in responses[1:]])
        assert responses[0].readouts == pytest.approx(alone, abs=1e-9)  # sums of weights may round differently
        assert (inhibitory_upstream(shared) == [c.n_inhibitory for c in own]).all()


@pytest.mark.slow
def test_a_sample_of_larger_functions():
    found = run(inputs=5, levels=2, sample=30)
    assert found.sampled and len(found.values) == 30 and found.problems == []
    again = run(inputs=5, levels=2, sample=30)
    assert (found.values == again.values).all() and (found.computed == again.computed).all()
    for values, floor in zip(found.values, found.floor, strict=True):
        f = TruthTable("".join("01"[int(v)] for v in values))
        assert certify(f, losses=["zero_one"], orient=False).floor["zero_one"] == floor


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_monotone_functions(n):
    assert {tuple(f) for f in all_monotone_functions(n)} == set(monotone_functions(n))


def test_contradictions_are_found():
    found = run(inputs=2, levels=2)
    broken = found.computed.copy()
    broken[-1] = found.values  # as if ablation had taken nothing away
    problems = replace(found, computed=broken).problems
    contradictions = [p for p in problems if p.startswith("census: CONTRADICTION: ")]
    for theorem, said in (("T8", "not monotone"), ("T3", "below the floor"), ("T8", "expected the Dedekind number 6")):
        assert any(theorem in p and said in p and "rate code" in p for p in contradictions)
    broken = found.computed.copy()
    broken[0, 1] = ~broken[0, 1]  # AND, whose inputs can only rise, is answered like NAND
    (problem,) = (p for p in replace(found, computed=broken).problems if "T10" in p)
    assert "1 of 16 functions are answered against the sign of their wiring (T10), such as 0001" in problem
    broken = found.computed.copy()
    broken[0, 6] = ~broken[0, 6]
    (problem,) = replace(found, computed=broken).problems
    assert problem == "census: 1 of 16 functions are not computed by the intact circuit, such as 0110"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"inputs": 0}, "inputs: expected from 1 to 5, found 0"),
        ({"inputs": 6}, "inputs: expected from 1 to 5, found 6"),
        ({"levels": 1}, "levels: expected from 2 to 101, found 1"),
        ({"sample": 0}, "sample: expected from 1 to 20000, found 0"),
    ],
)
def test_bad_settings(settings, message):
    with pytest.raises(InputError, match=message):
        census.Settings(**settings)


@pytest.mark.slow
def test_command(eisim, tmp_path):
    done = eisim("run", "census", "--set", "inputs=2", "--set", "levels=3", "--json", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["census"]
    assert found["functions"] == found["computed_intact"] == 16 and found["survive_ablation"] == 6
    assert found["by_inhibitory_neurons"] == {"0": 6, "1": 10, "2": 0}
    assert {p.name for p in tmp_path.iterdir()} == {
        *("run.json", "report.html", "functions.csv", "wiring.csv", "data.nc", "function_space.svg")
    }
    assert len((tmp_path / "functions.csv").read_text().splitlines()) == 17
    assert (tmp_path / "wiring.csv").read_text().splitlines()[:2] == [
        "truth_table,wiring_x1,wiring_x2,function_x1,function_x2",
        "0000,none,none,constant,constant",
    ]


def test_the_page():
    found = run(inputs=2, levels=2)
    view = view_of(found)
    figures, files, page = [figure.file for figure in view.figures()], dict(view.all_files()), view.findings()
    check(page, files, figures)
    assert "16 of 16 functions of 2 inputs" in page.answer and "0 (6), 1 (10)" in page.answer
    verdicts = [row[1] for row in page.tables[-1].rows]
    (wiring,) = (table for table in page.tables if table.title == "Wiring and function")
    assert list(map(list, wiring.rows)) == [[word, 8, *PAIRS[2][word]] for word in ("rises", "falls", "none", "mixed")]
    assert "Sufficient, not necessary: in 4 of 8 mixed pairs the function is monotone" in wiring.notes[1]
    assert verdicts.count("kept") == 6 and verdicts.count("lost") == 10
    broken = found.computed.copy()
    broken[:, 1] = ~broken[:, 1]  # AND is never computed
    worse = view_of(replace(found, computed=broken)).findings()
    assert "15 of 16 functions of 2 inputs" in worse.answer and "monotone" not in worse.answer
    assert "checks failed" in worse.answer and worse.tables[-1].rows[1][1] == "not computed"
    sample = view_of(replace(found, sampled=True)).findings()
    assert "16 of 16 randomly drawn functions" in sample.answer
    check(sample, files, figures)
    before = view_of(replace(found, wiring=None))  # a result without it
    assert before.to_json()["wiring"] is None and "wiring.csv" not in dict(before.all_files())
    assert "Wiring and function" not in [table.title for table in before.findings().tables]
