"""What a page says of a result, against the result: answers counted again, numbers behind the figures compared."""

import json
from dataclasses import replace

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
    certify,
)
from eisim.base.files import to_json
from eisim.report import certificate as certificate_report
from eisim.report import certificate_findings, proof, provenance
from eisim.report.ablation import accuracy_by_level
from eisim.report.circuit import circuit_table
from eisim.report.proof import disjoint_pairs
from eisim.report.wording import answer, count, listing
from eisim.weights import AllToAll, FixedInDegree, FixedProbability, Independent
from experiments import boolean
from tests.findings import check
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
    rows = json.loads(to_json(boolean.to_json(ablated)))["rows"]
    lost = [row for row in rows if row["verdict"] == "lost"]
    impossible = [row for row in lost if not row["representable"]]
    assert (len(rows), len(lost), len(impossible)) == (4, 3, 2)
    assert boolean.findings(ablated).answer == (
        "Without inhibition 3 of 4 circuits lose their function; 2 of them had to: no excitatory-only circuit computes "
        "them. They need 1 inhibitory neuron each."
    )
    table = boolean.findings(ablated).tables[0]
    names = [c.name for c in table.columns]
    assert names[:5] == ["function", "verdict", "floor", "witness", "inhibitory neurons"]
    assert names[-1] == "truth table"
    for condition in ("intact", "ablated"):  # one column only if it is true of all systems
        measured = [set(row["accuracy"][condition].values()) for row in rows]
        assert (condition in names) == all(len(found) == 1 for found in measured)
    verdicts = [row[names.index("verdict")] for row in table.rows]
    assert [v.startswith("lost") for v in verdicts] == [row["verdict"] == "lost" for row in rows]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("xor",), "the circuit loses “xor”, and it had to: no excitatory-only circuit computes it. It needs 1 inh"),
        (("and",), "Without inhibition the circuit still computes “and”."),
        (("and-by-inhibition",), "but only this circuit does: an excitatory-only circuit computes it."),
        (("xor", "not"), "2 of 2 circuits lose their function; all of them had to"),
        (("xor", "and"), "1 of 2 circuits loses its function; it had to: no excitatory-only circuit computes it. That"),
        (("and", "and-by-inhibition"), "1 of 2 circuits loses its function; it did not have to: an excitatory-only"),
        (("xor", "and-by-inhibition"), "2 of 2 circuits lose their function; 1 of them had to: no excitatory-only"),
    ],
)
def test_the_answer_follows_the_result(ablated, names, said):
    assert said in boolean.findings(of(ablated, *names)).answer


def test_the_page_of_any_selection(ablated):
    files = dict(boolean.tables(ablated))
    check(boolean.findings(ablated), files, [name for name, _ in boolean.figures(ablated)])
    for case in ablated.cases:
        one = replace(ablated, cases=(case,))
        stem = case.case.name
        names = ["ablation_curves.svg", *(f"{stem}_{what}.svg" for what in ("activity", "weights", "circuit"))]
        check(boolean.findings(one), dict(boolean.tables(one)), names)
        for kind in ("spiking", "rate"):
            alone = replace(
                ablated,
                protocol=replace(ablated.protocol, kinds=(kind,)),
                cases=(replace(case, kinds={kind: case.kinds[kind]}),),
            )
            check(boolean.findings(alone), dict(boolean.tables(alone)), names)


def test_failed_checks_are_in_the_answer(ablated):
    case = of(ablated, "and").cases[0]
    rate = replace(case.kinds["rate"], unrolled_error=1.0)
    worse = replace(ablated, cases=(replace(case, kinds=case.kinds | {"rate": rate}),))
    assert len(worse.problems) == 1 and "But 1 check failed" in boolean.findings(worse).answer


def test_the_numbers_behind_the_figures_of_boolean(ablated):
    figures, files = dict(boolean.figures(ablated)), dict(boolean.tables(ablated))
    tables = check(boolean.findings(ablated), files, figures)
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


# certify


def certificate_page(function, **options):
    certificate = certify(function, **options)
    figures = [name for name, _ in certificate_report.figures(certificate)]
    findings = certificate_findings.findings(certificate)
    check(findings, dict(certificate_report.tables(certificate)), figures)
    return findings


def test_the_pages_of_certificates():
    assert "wrong on 25.0% of the points. With 1 inhibitory neuron a" in certificate_page(NAMED["xor"]).answer
    assert certificate_page(NAMED["and"]).answer == (
        "An excitatory-only circuit can compute and: it never falls when inputs rise."
    )
    assert certificate_page(TruthTable("10")).circuits and not certificate_page(REGIONS["disc"]).circuits
    x = np.linspace(0, 1, 12)[:, None]
    waves = LabelledData(x, np.sin(7 * x[:, 0]), name="waves")
    assert "has a mean squared error of" in certificate_page(waves).answer
    assert "has a largest absolute error of" in certificate_page(waves, losses=["linf"]).answer
    three = certificate_page(LabelledData(np.eye(3), np.array([0, 1, 0]), name="three"))
    assert three.answer == (
        "These rows cannot tell whether the rule behind three needs inhibition. Only 0.0% of the pairs of rows are "
        "comparable (one row is at least the other in every input), so an excitatory-only circuit fits nearly any "
        "labels: the best gets 0 of 3 rows (0.0%) wrong, and with shuffled labels 0.0%. Inputs: x1, x2, x3."
    )


def said(*data, **options):
    """The first line about labelled data, and the one on the floor."""
    lines = list(proof.words(certify(LabelledData(*data, **options))))
    return lines[0], next(line for line in lines if line.startswith("Floor"))


def test_noisy_labels_are_put_into_proportion():
    x = np.arange(150.0)
    y = np.where(np.isin(x, (20, 30, 40, 120, 140)), x < 60, x >= 60)
    first, floor = said(x[:, None], y)
    assert first == (
        "data: No excitatory-only circuit computes these labels exactly; the best gets 5 of 150 rows (3.3%) wrong. "
        "If that many labels may be noise, the rule behind them may need no inhibition. "
        "The best constant answer gets 59 of 150 rows (39.3%) wrong."
    )
    assert "zero-one floor (share of rows answered wrongly) 0.03333; mean absolute error 0.03333;" in floor
    assert "The best constant answer has 0.3933, 0.3933, 0.2386 and 0.5." in floor
    first, _ = said(x[:, None], y, np.where(x == 20, 10, 1))
    assert "the best gets 8.8% of the rows by weight wrong" in first
    first, _ = said([[1], [2]], [1, 0])
    assert first.endswith(
        "the best gets 1 of 2 rows (50.0%) wrong. The best constant answer is as good. With an inverter at the output "
        "it would be 0 of 2 rows (0.0%)."
    )
    first, _ = said([[1], [1], [2], [2]], [0, 1, 1, 0])
    assert first.endswith(
        "any function of them gets at least 2 of 4 rows (50.0%) wrong. The best excitatory-only circuit is as good as "
        "that."
    )
    first, _ = said([[1], [2], [3], [4]], [0, 1, 0.5, 2])
    assert "the best has a mean squared error of 0.03125, the best constant answer one of 0.5469." in first
    assert "noise" not in " ".join(proof.words(certify(NAMED["xor"])))


def test_flips_that_do_not_help():
    lines = list(proof.words(certify(NAMED["xor"])))
    assert "Inputs to flip: No choice of inputs to flip lowers the zero-one floor." in " ".join(lines)


def test_disjoint_pairs_are_as_many_as_the_errors():
    for function in [*all_functions(1), *all_functions(2), *NAMED.values()]:
        certificate = certify(function, losses=["zero_one"], orient=False)
        pairs = disjoint_pairs(certificate)
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
