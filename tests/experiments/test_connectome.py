"""The experiments on connectomes, from their settings to the page."""

import json

import numpy as np
import pytest

from eisim.base.errors import InputError
from eisim.experiments import connectome, worm
from eisim.report.view import view_of
from eisim.studies.connectome.result import ASSUMED, CLASS, FRACTION, NEURON, TRANSMITTER
from eisim.studies.connectome.worm import connectome as read
from eisim.studies.connectome.worm import touches

EDGES = """pre,post,weight,nt
S1,M1,10,ACh
S1,N,8,ACh
S2,M2,10,ACh
N,M2,12,GABA
G,M1,4,glutamate
S2,G,5,ACh
U,M2,3,
S1,U,2,ACh
"""


def silent(*_):
    """A report that says nothing."""


@pytest.fixture(scope="module")
def touch():
    """The worm with few conditions and neurons silenced."""
    chosen = worm.Settings(levels=2, shuffles=1, controls="none", lesions="AVM+PLM", duration=0.3, dt=5e-3)
    return worm.run(chosen, ["rate"], 0, "numpy", silent)


def test_the_table_of_the_worm_is_that_of_its_sources():
    found = read()
    counts = found.counts
    assert counts["neurons"] == 302 and counts["synapses"] == 6509 and counts["gap_junctions"] == 951
    assert counts["inhibitory"] == 241 and counts["neurons_inhibitory"] == 23  # GABA
    assert [found.transmitters[k] for k in found.find("AVM")] == ["glutamate"] and len(found.find("DD")) == 6
    assert found.mixed[found.find("AVM")][:, found.find("AVB")].sum() == 12  # White et al. 1986
    assert found.gap_junctions[found.find("AVM")][:, found.find("AVD")].sum() == 2


@pytest.mark.slow
def test_touch_needs_glutamate_that_inhibits_and_no_gaba(touch):
    (curve,) = touch.curves
    assert curve.verdict == "lost" and touch.bound == pytest.approx(6 / 7) and touch.scores[0] == 1
    by_transmitter = {touch.conditions[k].name: touch.refitted_scores[k] for k in touch.of(TRANSMITTER)}
    assert by_transmitter["GABA"] == 1 and by_transmitter["glutamate"] < 1
    assumed = {touch.conditions[k].name: touch.refitted_scores[k] for k in touch.of(ASSUMED)}
    weak = {name for name in assumed if "gap junction 0.01" in name}
    assert all(
        (score == 1) == name.startswith("mixed inhibitory") for name, score in assumed.items() if name not in weak
    )
    assert len(weak) == 4 and all(assumed[name] < 1 for name in weak)
    assert (touch.effects[:, 3, 1] > 0).all()  # forward, under touch at the head
    first = touch.ranked(CLASS)[0]
    assert touch.conditions[first].name == "AVM" and touch.outputs[touch.largest[first][1]] == "forward"
    forward = touch.means[0, :, 1]
    assert forward[1:4].max() < forward[0] < forward[4:].min()


def test_what_is_asked_for_falls_with_an_input():
    names, levels, required = touches()
    assert names[0] == "no stimulus" and levels.shape == (7, 2) and required.constant == pytest.approx(4 / 7)
    assert required.outputs[0].tolist() == [False, True] and (required.outputs.sum(axis=1) == 1).all()


@pytest.mark.slow
def test_the_view_of_the_worm(touch):
    view = view_of(touch)
    document = json.loads(json.dumps(view.to_json(), default=lambda value: np.asarray(value).tolist()))
    assert len(document["rows"]) == len(touch.conditions) and document["function"]["margins"]["forward"] > 0
    assert document["judgements"][0]["verdict"] == "lost" and document["signs"]["mixed"] == "inhibitory"
    findings = view.findings()
    assert findings.question.startswith("Does the touch circuit") and len(findings.pictures) == 4
    assert [name for name, _ in view.drawn()] == [picture.file for picture in findings.pictures]
    files = dict(view.all_files())
    assert {"rates.csv", "lesions.csv", "losses.csv", "structure.csv", "data.nc"} <= set(files)
    assert len(files["lesions.csv"].splitlines()) == 1 + 3
    html = view.html()
    assert all(
        words in " ".join(str(each) for each in view.proofs()) for words in ("White", "Wang", "MIT", "CC BY", "graded")
    )
    assert {"What is not known", "Spread over what is not known"} <= {table.title for table in view.tables()}
    assert "AVM" in html and len(view.rows()) == touch.rates.size


def test_a_connectome_of_ones_own(tmp_path):
    (tmp_path / "edges.csv").write_text(EDGES)
    (tmp_path / "veto.csv").write_text("S1,S2,M1,M2\n0,0,0,1\n1,0,1,0\n0,1,0,1\n")
    chosen = connectome.Settings(
        file=str(tmp_path / "edges.csv"), transmitter="nt", signs="glutamate:-, GABA:-", inputs="S1,S2", tonic="M2",
        readouts="M1,M2", task=str(tmp_path / "veto.csv"), shuffles=1, dt=2e-3, levels=3, ways="both",
    )  # fmt: skip
    found = connectome.run(chosen, ["spiking", "rate"], 0, "numpy", silent)
    assert found.wiring.kind == "rate" and found.conditions[found.of(FRACTION)[-1]].name == "100%"
    assert {found.conditions[k].name for k in found.of(NEURON)} == {"N", "G"}
    assert found.curves[0].judgement.reason == "provable" and found.attained == pytest.approx(2 / 3)
    view = view_of(found)
    (pair,) = [each for each in view.to_json()["structure"]["pairs"] if (each["input"], each["output"]) == ("S1", "M2")]
    assert (pair["sign"], pair["mixed_from"], pair["shortest_inhibitory"]) == ("falls", None, 2)
    assert pair["inhibitory_walk"] == "S1 → N ⊣ M2" and pair["excitatory_walk"] is None
    lines = dict(view.all_files())["structure.csv"].splitlines()
    assert lines[0].startswith("input,output,sign,mixed_from") and len(lines) == 1 + 4
    assert view.heading == "What does inhibition do in edges?" and view.findings().answer
    assert all(figure.axes for _, figure in view.drawn())


@pytest.mark.slow
def test_spiking_neurons_with_random_inputs_have_intervals(tmp_path):
    rows = [f"S{k},M1,60,ACh\nS{k},N,400,ACh" for k in range(3)]
    (tmp_path / "edges.csv").write_text("\n".join(["pre,post,weight,nt", *rows, "N,M1,300,GABA\n"]))
    chosen = connectome.Settings(
        file=str(tmp_path / "edges.csv"), transmitter="nt", inputs="S=S0+S1+S2", readouts="M1", shuffles=0, seeds=3,
        levels=2, controls="none", vary=False, duration=0.3, window=0.2,
    )  # fmt: skip
    found = connectome.run(chosen, ["spiking"], 0, "numpy", silent)
    assert not found.is_exact and found.rates.shape[1:3] == (3, 2)
    last = found.of(FRACTION)[-1]
    trial, output = found.largest[last]
    assert found.change[last, trial, output] > found.uncertainty[last, trial, output] > 0
    assert "±" in [column.name for table in view_of(found).tables() for column in table.columns]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"file": ""}, "file: expected a value"),
        ({"inputs": ""}, "inputs: expected a value"),
        ({"readouts": "M9"}, "M9"),
        ({"signs": "GABA"}, "signs: expected transmitters with signs"),
        ({"signs": "GABA:x"}, "expected 1, -1 or 0"),
        ({"lesions": "N9"}, "N9"),
        ({"dt": 1.0}, "window: expected"),
    ],
)
def test_wrong_settings(tmp_path, changes, message):
    (tmp_path / "edges.csv").write_text(EDGES)
    given = {"file": str(tmp_path / "edges.csv"), "transmitter": "nt", "inputs": "S1", "readouts": "M1"} | changes
    with pytest.raises(InputError, match=message):
        connectome.run(connectome.Settings(**given), ["rate"], 0, "numpy", silent)
