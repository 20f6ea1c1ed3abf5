"""In every study the wiring of the intact circuit is looked at before a loss is called provable."""

import ast
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import eisim
from eisim import REGIONS, Circuit, Input, LabelledData, Population, Projection, Readout, ThresholdLinear, assess
from eisim.neurons import LIF
from eisim.studies import census, points
from eisim.studies.boolean import Protocol
from eisim.studies.circuit import OwnCircuit
from eisim.studies.curves import RATE_CODE, AblationCurve
from eisim.studies.judgement import Criterion
from eisim.studies.regions import decision_maps
from tests.support import kept, two_choice

STUDIES = Path(eisim.__file__).parent


def test_no_study_makes_a_curve_past_its_circuit():
    """`AblationCurve.of` takes the circuit, so that a study cannot forget its wiring."""
    made = []
    for path in STUDIES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "AblationCurve":
                made.append(path.name)
    assert made == []


def relays(kind="rate") -> Circuit:
    """A circuit of two outputs: the first rises with x through two inhibitory cells, the second falls with it."""
    unit = ThresholdLinear() if kind == "rate" else LIF()
    cells = [Population("first", "I", unit), Population("second", "I", unit)]
    cells += [Population("up", "E", unit), Population("down", "E", unit)]
    links = [("x", "first"), ("first", "second"), ("second", "up"), ("first", "down")]
    readouts = [Readout("up"), Readout("down")]
    return Circuit("relays", [Input("x")], cells, [Projection(a, b, [[0.1]]) for a, b in links], readouts)


def test_a_curve_knows_what_the_wiring_of_its_output_binds():
    def of(circuit, scores, **how):
        scores = np.array([[scores], [0.5]])
        return AblationCurve.of(circuit, circuit.kind, np.array([0, 1]), scores, Criterion.absolute(0.99), 0.25, **how)

    circuit = relays()
    assert of(circuit, 1.0, output=0).rises and of(circuit, 1.0, output=0).bound is None
    for how in ({"output": 1}, {}, {"everywhere": True}):
        assert not of(circuit, 1.0, **how).rises and of(circuit, 1.0, **how).bound == 0.75
    assert not of(circuit, 0.7, output=0).rises, "where it does not matter"
    assert of(relays("spiking"), 1.0).assumptions == (RATE_CODE,) and of(circuit, 1.0).assumptions == ()
    assert of(circuit, 1.0, output=1, rises=True).rises


TIMES = {"duration": 60e-3, "window": 20e-3, "dt": 1e-3}


def of_boolean():
    _ = replace(kept.ablation().cases[0]).curves  # of a copy, which has none yet


def of_points():
    """Each output on points that are no truth table."""
    data = LabelledData([[0.2], [0.5], [1.0]], [1, 0, 1])
    own = OwnCircuit("own", {"rate": relays()}, (data, data), ("up", "down"), without_dnn="not asked for")
    protocol = Protocol(("rate",), np.array([0.0, 1.0]), np.arange(2), 0.0, **TIMES, backend="numpy", controls=False)
    for each in points.measure(own, protocol, 0, lambda *_: None).on_points:
        _ = each.curves


def of_regions():
    (found,) = decision_maps.measure([REGIONS["disc"]], ["rate"], 6, backend="numpy").regions
    _ = found.curves


def of_networks():
    _ = replace(kept.values()["network ablation"]).curves


def of_tasks():
    assess(two_choice.task(), doses=[0, 1], seeds=1, backend="numpy")


@pytest.mark.parametrize(
    ("study", "outputs"),
    [
        (of_boolean, {0}),
        (of_points, {0, 1}),
        (of_networks, {0}),
        (of_regions, {None}),
        (of_tasks, {"everywhere"}),
    ],
)
def test_studies_hand_over_their_intact_circuit(study, outputs, monkeypatch):
    kept.values()  # has tasks, too
    asked, made = [], AblationCurve.of

    def of(circuit, *given, **more):
        asked.append((circuit, "everywhere" if more.get("everywhere") else more.get("output")))
        return made(circuit, *given, **more)

    monkeypatch.setattr(AblationCurve, "of", of)
    study()
    assert {output for _, output in asked} == outputs
    assert all(circuit is not None and not circuit.is_excitatory_only for circuit, _ in asked)


def test_the_census_goes_by_the_words_of_its_wiring():
    times = {"duration": 150e-3, "window": 50e-3, "dt": 1e-3}
    found = census.measure(2, 2, 16, "rate", times, 0, "numpy")
    xor = next(k for k, values in enumerate(found.values) if values.tolist() == [0, 1, 1, 0])
    assert found.curves[xor].function == "0110" and found.curves[xor].bound == 0.75
    rising = replace(found, wiring=np.full(found.wiring.shape, "rises"))
    assert rising.curves[xor].rises and rising.curves[xor].bound is None
    for k, each in enumerate(found.curves):
        assert each.rises == all(word in ("rises", "none") for word in found.wiring[:, k])
