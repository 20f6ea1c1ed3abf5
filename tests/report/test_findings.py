"""What a page says of a result, against the result: answers counted again, numbers behind the figures compared."""

import json

import numpy as np
import pytest
from brian2 import mV

from eisim import (
    LIF,
    REGIONS,
    TRUTH_TABLES,
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
from eisim.report.circuit import circuit_table
from eisim.report.proof import disjoint_pairs
from eisim.report.wording import answer, count, listing
from eisim.weights import AllToAll, FixedInDegree, FixedProbability, Independent
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


# circuits


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
    assert "wrong on 25.0% of the points. With 1 inhibitory neuron a" in certificate_page(TRUTH_TABLES["xor"]).answer
    assert certificate_page(TRUTH_TABLES["and"]).answer == (
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
    assert "noise" not in " ".join(proof.words(certify(TRUTH_TABLES["xor"])))


def test_flips_that_do_not_help():
    lines = list(proof.words(certify(TRUTH_TABLES["xor"])))
    assert "Inputs to flip: No choice of inputs to flip lowers the zero-one floor." in " ".join(lines)


def test_disjoint_pairs_are_as_many_as_the_errors():
    for function in [*all_functions(1), *all_functions(2), *TRUTH_TABLES.values()]:
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
