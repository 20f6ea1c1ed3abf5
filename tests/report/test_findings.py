"""What a page says of a result, against the result: answers counted again, numbers behind the figures compared."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from brian2 import mV

from eisim import (
    LIF,
    NAMED,
    REGIONS,
    Circuit,
    Input,
    LabelledData,
    Population,
    Projection,
    TruthTable,
    assess,
    certify,
)
from eisim.base.files import to_json
from eisim.report import provenance
from eisim.report.circuit import circuit_table
from eisim.report.view import view_of
from eisim.report.views.boolean import accuracy_by_level
from eisim.report.wording import answer, count, listing
from eisim.studies.tasks import Survey
from eisim.theory.floor import disjoint_pairs
from eisim.theory.order import violations
from eisim.theory.sample import Sample
from eisim.weights import AllToAll, FixedInDegree, FixedProbability, Independent
from experiments import boolean, functions
from tests.support import two_choice
from tests.support.findings import check
from tests.theory.test_truth_tables import all_functions

NUMPY = {"backend": "numpy"}


def silently(stage, fraction=None):
    pass


# words


def test_numbers_and_names_in_sentences():
    assert [count(n, "class", "classes") for n in (0, 1, 2)] == ["0 classes", "1 class", "2 classes"]
    assert count(65536, "function") == "65,536 functions"
    assert [listing("abc"[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert listing("abcd", most=2) == "a, b and 2 more"
    assert answer("A.", "", "B.") == "A. B." and "1 check failed" in answer("A.", problems=["x"])


# boolean


@pytest.fixture(scope="module")
def ablated():
    settings = boolean.Settings(functions="xor,and,not,and-by-inhibition", levels=3, seeds=1, dt=1e-3)
    return boolean.run(settings, ["spiking", "rate"], 0, "numpy", silently)


def of(result, *names):
    return replace(result, cases=tuple(case for case in result.cases if case.case.name in names))


def test_the_answer_counts_what_the_rows_hold(ablated):
    rows = json.loads(to_json(view_of(ablated).to_json()))["rows"]
    lost = [row for row in rows if row["verdict"] == "lost"]
    impossible = [row for row in lost if not row["representable"]]
    assert (len(rows), len(lost), len(impossible)) == (4, 3, 2)
    assert view_of(ablated).findings().answer.startswith("3 of 4 functions lost without inhibition; 2 provably.")
    table = view_of(ablated).findings().tables[0]
    names = [c.name for c in table.columns]
    assert names[:5] == ["function", "verdict", "floor", "witness", "inhibitory neurons"]
    assert names[-1] == "truth table"
    for condition in ("intact", "ablated"):  # one column only if it is true of all systems
        measured = [set(row["accuracy"][condition].values()) for row in rows]
        assert (condition in names) == all(len(found) == 1 for found in measured), names
    verdicts = [row[names.index("verdict")] for row in table.rows]
    assert [v.startswith("lost") for v in verdicts] == [row["verdict"] == "lost" for row in rows]


@pytest.mark.parametrize(
    ("names", "lost", "provably"),
    [
        (("xor", "not"), 2, 2),
        (("xor", "and"), 1, 1),
        (("and", "and-by-inhibition"), 1, 0),
        (("xor", "and-by-inhibition"), 2, 1),
    ],
)
def test_the_answer_follows_the_result(ablated, names, lost, provably):
    said = view_of(of(ablated, *names)).findings().answer
    assert said.startswith(f"{lost} of 2 functions lost without inhibition; {provably} provably.")


def test_the_page_of_any_selection(ablated):
    files = dict(view_of(ablated).all_files())
    check(view_of(ablated).findings(), files, [name for name, _ in view_of(ablated).drawn()])
    for case in ablated.cases:
        one = replace(ablated, cases=(case,))
        stem = case.case.name
        names = ["ablation_curves.svg", *(f"{stem}_{what}.svg" for what in ("activity", "weights", "circuit"))]
        check(view_of(one).findings(), dict(view_of(one).all_files()), names)
        for kind in ("spiking", "rate"):
            alone = replace(
                ablated,
                protocol=replace(ablated.protocol, kinds=(kind,)),
                cases=(replace(case, kinds={kind: case.kinds[kind]}),),
            )
            check(view_of(alone).findings(), dict(view_of(alone).all_files()), names)


def test_failed_checks_are_in_the_answer(ablated):
    case = of(ablated, "and").cases[0]
    rate = replace(case.kinds["rate"], unrolled_error=1.0)
    worse = replace(ablated, cases=(replace(case, kinds=case.kinds | {"rate": rate}),))
    assert len(worse.problems) == 1 and "But 1 check failed" in view_of(worse).findings().answer


def test_the_numbers_behind_the_figures_of_boolean(ablated):
    figures, files = dict(view_of(ablated).drawn()), dict(view_of(ablated).all_files())
    tables = check(view_of(ablated).findings(), files, figures)
    for ax, case in zip(figures["ablation_curves.svg"].axes, ablated.cases, strict=False):
        mine = [row for row in tables["ablation_curves.csv"] if row["function"] == case.case.name]
        curves = [
            [float(row["accuracy"]) for row in mine if row["system"] == system] for system in accuracy_by_level(case)
        ]
        drawn = [line.get_ydata().tolist() for line in ax.lines if len(line.get_ydata()) == 3]
        assert len(drawn) >= 3 and all(line in curves for line in drawn)
        assert {float(row["best_excitatory_accuracy"]) for row in mine} == {1 - case.certificate.floor["zero_one"]}
    xor = ablated.cases[0]
    rows = tables["xor_activity.csv"]
    for condition in ("intact", "ablated"):
        response = getattr(xor.kinds["spiking"], condition)
        for name, spikes in response.spikes.items():
            mine = [r for r in rows if (r["kind"], r["condition"], r["population"]) == ("spiking", condition, name)]
            times = spikes.copy * response.duration * 1e3 + spikes.step * response.dt * 1e3
            found = [300 * int(r["input_pattern"], 2) + float(r["time_ms"]) for r in mine]
            np.testing.assert_allclose(sorted(found), np.sort(times))
        traces = getattr(xor.kinds["rate"], condition).traces["readout"]
        mine = [float(r["rate_hz"]) for r in rows if (r["kind"], r["condition"]) == ("rate", condition)]
        np.testing.assert_allclose(mine, traces.ravel())
    images = {ax.get_title(): ax.images[0].get_array() for ax in figures["xor_weights.svg"].axes if ax.get_title()}
    for title, matrix in images.items():
        mine = [float(r["weight"]) for r in tables["xor_weights.csv"] if title.startswith(r["network"])]
        np.testing.assert_allclose(np.sort(mine), np.sort(matrix[matrix != 0]))


def test_the_table_of_a_circuit():
    drive, sizes = Input("drive", 1, rate=100.0, train="poisson"), {"E": 30, "I": 10}
    rules = {
        ("drive", "E"): Independent(1 * mV),
        ("E", "I"): FixedInDegree(3, 2 * mV),
        ("I", "E"): FixedProbability(0.2, 3 * mV),
        ("I", "I"): AllToAll(4 * mV, silent=(2,)),
        ("E", "E"): np.diag(np.arange(30)) * mV,
    }
    circuit = Circuit(
        "all rules",
        [drive],
        [Population(sign, sign, LIF(), n) for sign, n in sizes.items()],
        [Projection(*ends, rule, delay=2e-3) for ends, rule in rules.items()],
        seed=1,
    )
    rows = [line.split(",") for line in circuit_table(circuit).splitlines()]
    for row, projection in zip(rows[1:], circuit.projections, strict=True):
        cells = dict(zip(rows[0], row, strict=True))
        weights = circuit.weights(projection)
        assert int(cells["synapses"]) == weights.nnz and cells["weight_unit"] == "mV"
        assert float(cells["mean_weight"]) == pytest.approx(1e3 * weights.data.mean())
        assert cells["sign"] == ("I" if cells["source"] == "I" else "E") and float(cells["delay_ms"]) == 2


# functions


@pytest.fixture(scope="module")
def survey():
    found = assess(
        partial(two_choice.task, quick=True), doses=3, seeds=2, name="two_choice", function="decide", **NUMPY
    )
    return Survey((found,))


def test_the_page_of_functions(survey):
    figures, files = dict(functions.figures(survey)), dict(functions.tables(survey))
    findings = functions.findings(survey)
    tables = check(findings, files, figures)
    assert findings.question == "What does inhibition do for two choice (decide)?"
    bare = functions.findings(Survey((replace(survey.assessments[0], function=""),)))
    assert [c.name for c in bare.tables[0].columns][:2] == ["circuit", "verdict"]
    assert bare.question == "What does inhibition do for two choice?"
    assert "two choice loses “decide”" in findings.answer and "a witness shows" in findings.answer
    assert "“decide”: its score goes from 1.00 to " in findings.answer
    proof = findings.proofs[-1].paragraphs
    assert proof[0].startswith("The boundary between its answers has a positive slope")
    assert any("raising x number 2 from 0.5 to 1 takes the output from" in text for text in proof)
    (found,) = survey.assessments
    for system, curve in found.systems.items():
        mine = [float(row["score"]) for row in tables["dose_response.csv"] if row["system"] == system]
        assert mine == curve.scores.ravel().tolist()
    lines = [line.get_ydata() for line in figures["witness.svg"].axes[0].lines]
    mine = [row for row in tables["witness.csv"] if row["kind"] == "spiking"]
    for line, column in zip(lines, ("output_at_lower_hz", "output_at_upper_hz"), strict=True):
        np.testing.assert_allclose(np.reshape([float(row[column]) for row in mine], (3, 2)).mean(axis=1), line)


def test_the_answer_of_functions_counts_verdicts(survey):
    (lost,) = survey.assessments

    def changed(name, systems, scale=1.0):
        kinds = {
            kind: replace(
                judged,
                systems={
                    s: replace(curve, scores=curve.scores * scale + (s in systems) * (1 - curve.scores * scale))
                    for s, curve in judged.systems.items()
                },
            )
            for kind, judged in lost.kinds.items()
        }
        return replace(lost, name=name, kinds=kinds)

    kept, mixed = changed("kept", ("spiking", "rate", "dnn")), changed("mixed", ("rate", "dnn"))
    absent = changed("absent", (), scale=0.1)
    assert [a.verdict for a in (kept, absent)] == ["kept", "never had"]
    found = functions.findings(Survey((lost, kept, mixed)))
    assert (
        "1 of 3 circuits loses its function in every system, 1 keeps its own and in 1 the systems differ"
        in found.answer
    )
    verdicts = [row[2] for row in found.tables[0].rows]
    assert verdicts == ["lost", "kept", "lost, but kept in rate and DNN"]
    assert "keeps “decide”" in functions.findings(Survey((kept,))).answer
    assert "all 2 circuits lose their function" in functions.findings(Survey((lost, replace(lost, name="b")))).answer
    for assessments in ((lost, kept, mixed), (kept,), (absent,), (mixed,), (absent, kept)):
        some = Survey(assessments)
        names = ["dose_response.svg", "witness.svg", *(f"{a.name}_circuit.svg" for a in assessments)]
        check(functions.findings(some), dict(functions.tables(some)), names)


# certify


def certificate_page(function, **options):
    view = view_of(certify(function, **options))
    findings = view.findings()
    check(findings, dict(view.all_files()), [name for name, _ in view.drawn()])
    return findings


def test_the_pages_of_certificates():
    xor = certificate_page(NAMED["xor"])
    assert "No excitatory-only circuit computes xor" in xor.answer and "1 neuron." in xor.answer
    assert [table.rows for table in xor.tables[2:]] == [((0, 0.25), (1, 0.0))]
    assert "An excitatory-only circuit can compute and" in certificate_page(NAMED["and"]).answer
    assert certificate_page(TruthTable("10")).circuits and not certificate_page(REGIONS["disc"]).circuits
    x = np.linspace(0, 1, 12)[:, None]
    waves = LabelledData(x, np.sin(7 * x[:, 0]), name="waves")
    assert "mean squared error" in certificate_page(waves).answer
    assert "largest absolute error" in certificate_page(waves, losses=["linf"]).answer
    three = certificate_page(LabelledData(np.eye(3), np.array([0, 1, 0]), name="three"))
    assert "cannot tell" in three.answer and "can compute" not in three.answer
    assert three.tables[0].rows[0][:3] == ("three", "cannot tell", 3)
    assert "0 of 3 rows (0.0%) wrong" in three.answer and "Inputs: x1, x2 and x3." in three.answer


def said(*data, **options):
    """The answer about labelled data."""
    return " ".join(view_of(certify(LabelledData(*data, **options))).answer())


def test_noisy_labels_are_put_into_proportion():
    x = np.arange(150.0)
    y = np.where(np.isin(x, (20, 30, 40, 120, 140)), x < 60, x >= 60)
    of_noisy = said(x[:, None], y)
    for part in ("5 of 150 rows (3.3%) wrong", "59 of 150 rows (39.3%) wrong", "may have noisy labels"):
        assert part in of_noisy
    floors = view_of(certify(LabelledData(x[:, None], y))).findings().tables[1]
    assert [row[1:] for row in floors.rows[:4]] == [
        pytest.approx(pair, abs=5e-5)
        for pair in ((0.0333, 0.3933), (0.0333, 0.3933), (floors.rows[2][1], 0.2386), (0.5, 0.5))
    ]
    assert "8.8% of the rows by weight wrong" in said(x[:, None], y, np.where(x == 20, 10, 1))
    inverted = said([[1], [2]], [1, 0])
    assert "1 of 2 rows (50.0%) wrong. The best constant answer is as good." in inverted
    assert "With an inverter at the output it would be 0 of 2 rows" in inverted and "noisy" not in inverted
    disagreeing = said([[1], [1], [2], [2]], [0, 1, 1, 0])
    assert "any function of them gets at least 2 of 4 rows (50.0%) wrong" in disagreeing and "noisy" not in disagreeing
    several = said([[1], [2], [3], [4]], [0, 1, 0.5, 2])
    assert "0.03125" in several and "0.5469" in several
    assert "nois" not in " ".join(view_of(certify(NAMED["xor"])).answer())


def test_flips_that_do_not_help():
    assert "No flip was found" in " ".join(view_of(certify(NAMED["xor"])).details())
    notted = view_of(certify(TruthTable("10"))).details()
    assert "With x1 flipped" in " ".join(notted)


def test_disjoint_pairs_are_as_many_as_the_errors():
    for function in [*all_functions(1), *all_functions(2), *NAMED.values()]:
        certificate = certify(function, losses=["zero_one"], orient=False)
        found = violations(Sample(function.patterns, certificate.data.targets, certificate.data.weights))
        pairs = [tuple(map(tuple, function.patterns[[x, y]])) for x, y in disjoint_pairs(found)]
        assert len(pairs) == certificate.floor["zero_one"] * len(function.values)
        assert len({point for pair in pairs for point in pair}) == 2 * len(pairs)
        for x, y in pairs:
            assert np.all(np.less_equal(x, y)) and function(x) and not function(y)


def test_provenance_says_how_to_get_a_result_again(monkeypatch):
    monkeypatch.setattr("sys.argv", ["eisim", "run", "--set", "data=my images"])
    found = provenance.provenance(seed=3, seconds={"simulating": 1.0})
    assert found["command"] == "python -m eisim run --set 'data=my images'"
    assert found["seed"] == 3 and {"eisim", "python", "brian2"} <= found["versions"].keys()
    assert list(found)[:2] == ["finished", "command"] and json.loads(to_json(found)) == found
