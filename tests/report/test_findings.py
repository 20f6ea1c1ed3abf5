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
from eisim.report import provenance
from eisim.report.circuit import circuit_table
from eisim.report.view import view_of
from eisim.report.wording import answer, count, listing
from eisim.theory.floor import disjoint_pairs
from eisim.theory.order import violations
from eisim.theory.sample import Sample
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
    view = view_of(certify(function, **options))
    findings = view.findings()
    check(findings, dict(view.all_files()), [name for name, _ in view.drawn()])
    return findings


def test_the_pages_of_certificates():
    xor = certificate_page(TRUTH_TABLES["xor"])
    assert "No excitatory-only circuit computes xor" in xor.answer and "compute it exactly: 1." in xor.answer
    assert [table.rows for table in xor.tables[2:]] == [((0, 0.25), (1, 0.0))]
    assert "An excitatory-only circuit can compute and" in certificate_page(TRUTH_TABLES["and"]).answer
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
    assert "nois" not in " ".join(view_of(certify(TRUTH_TABLES["xor"])).answer())


def test_flips_that_do_not_help():
    assert "No flip was found" in " ".join(view_of(certify(TRUTH_TABLES["xor"])).details())
    notted = view_of(certify(TruthTable("10"))).details()
    assert "With x1 flipped" in " ".join(notted)


def test_disjoint_pairs_are_as_many_as_the_errors():
    for function in [*all_functions(1), *all_functions(2), *TRUTH_TABLES.values()]:
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
