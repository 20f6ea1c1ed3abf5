"""Inhibition that is blocked and learnt again: a small network, and what is shown of it."""

from dataclasses import replace

import numpy as np
import pytest

from eisim import InputError, ablate, freeze, simulate
from eisim.report.view import view_of
from eisim.studies import plasticity as study
from eisim.studies.plasticity import FROZEN, PLASTIC, Times, measure, nearness
from experiments import plasticity
from models import vogels_plasticity
from tests.support.figures import check as check_figure
from tests.support.findings import check

SMALL = {"size": 0.02, "synapses": 0.5, "levels": 2, "seeds": 2}
TIMES = {"learning": 1.0, "trial": 0.8, "block": 0.2, "window": 0.3}


def run(seed=1, **settings):
    changed = plasticity.Settings(**SMALL | TIMES | settings)
    return plasticity.run(changed, ["spiking"], seed, "numpy", lambda *_: None)


@pytest.fixture(scope="module")
def found():
    return run()


def test_learning_ends_runaway_and_inhibition_comes_back_where_it_goes_on(found):
    learning = found.learning
    assert learning.rates[:, :8].mean() > 50 > 20 > learning.rates[:, -20:].mean()
    assert (learning.weights[:, 0] < 0.1 * learning.weights[:, -1]).all() and (learning.weights[:, -1] > 1e-9).all()
    assert found.blocked == ("I->E",) and found.fractions.tolist() == [0, 0.5, 1]
    half = {system: rates[1].mean() for system, rates in found.rates.items()}
    assert half[FROZEN] > 2 * half[PLASTIC]
    assert (found.curves[0].scores[0] == 1).all(), "the rate that is to return is that without a block"
    assert (found.growth[1] > 1.2).all(), "weights grow under a block"
    assert found.rates[PLASTIC][2].min() > 60, "nothing comes back where nothing is transmitted"


@pytest.mark.slow
def test_copies_are_those_of_simulations_of_their_own(found):
    """The frozen half block, done by hand."""
    settings = plasticity.Settings(**SMALL | TIMES)
    seed = int(np.random.SeedSequence(1).generate_state(2)[0])
    circuit = vogels_plasticity.circuit(seed=seed, size=0.02, synapses=0.5, step=settings.step)
    learnt = simulate(circuit, [[1.0]], duration=1.0, window=0.3, backend="numpy")
    frozen = freeze(circuit, learnt)
    half = ablate(frozen, 0.5, ["I->E"], during=(0.2, 0.8))
    rates = simulate(half, [[1.0]], duration=0.8, window=0.3, backend="numpy").rates["E"]
    assert rates.mean() == found.rates[FROZEN][1, 0]
    assert learnt.weights["I->E"].mean() == pytest.approx(found.learnt[0])
    assert found.courses[FROZEN].rates[0].mean() == pytest.approx(
        simulate(half, [[1.0]], duration=0.8, window=0.8, backend="numpy").rates["E"].mean()
    )


@pytest.mark.slow
def test_all_of_inhibition_can_be_blocked():
    everything = run(projections="all", seeds=1)
    assert everything.blocked == ("I->I", "I->E")
    with pytest.raises(InputError, match=r"ablate: projections: expected .*I->E"):
        run(projections="I->X")


def test_score_is_symmetric_on_a_logarithmic_scale():
    assert nearness([3.0, 6.0, 1.5, 0.0, 100.0], 3.0).tolist() == [1, 0, 0, 0, 0]
    assert nearness([0.0, 3.0], [0.0, 0.0]).tolist() == [0, 0], "silence is no rate to return to"
    assert nearness(3.0 * 1.1, 3.0) == pytest.approx(nearness(3.0 / 1.1, 3.0))
    assert nearness(3.0 * 1.1, 3.0) == pytest.approx(study.CRITERION.level(1.0))


def with_rates(found, plastic, frozen):
    """The result with other rates, one for each fraction."""
    rates = {PLASTIC: plastic, FROZEN: frozen}
    return replace(found, rates={name: np.array(each)[:, None] + np.zeros(2) for name, each in rates.items()})


def test_what_is_said_of_a_network_that_comes_back(found):
    result = with_rates(found, [3.1, 3.0, 140.0], [3.1, 50.0, 140.0])
    plastic, frozen = (curve.judgement for curve in result.curves)
    assert (plastic.verdict, frozen.verdict, plastic.reason) == ("lost", "lost", "not examined")
    assert frozen.critical.value < 0.5 < plastic.critical.value
    assert result.returned == {PLASTIC: [True, True, False], FROZEN: [True, False, False]}
    said = " ".join(view_of(result).answer())
    assert "(plastic)" in said and "(frozen)" in said and "returns to the rate that was learnt" in said
    other = with_rates(found, [4.0, 4.2, 3.9], [9.0, 9.0, 9.0])
    assert [curve.verdict for curve in other.curves] == ["kept", "not computed"]
    said = " ".join(view_of(other).answer())
    assert "above 1.00" in said and "(frozen)" not in said.rpartition("E returns")[2]


def test_what_is_shown(found):
    view = view_of(found)
    drawn = dict(view.drawn())
    assert list(drawn) == ["recovery.svg", "ablation_curves.svg"]
    for figure in drawn.values():
        check_figure(figure)
    tables = check(view.findings(), dict(view.all_files()), drawn)
    assert len(tables["rates.csv"]) == 2 * 3 * 2 and len(tables["time_course.csv"]) == 3 * 2 * 80
    document = view.to_json()
    assert [row["fraction"] for row in document["rows"]] == [0, 0.5, 1]
    assert [each["system"] for each in document["judgements"]] == [PLASTIC, FROZEN]
    assert found.problems == []


def test_same_seed_same_result(found):
    again = run()
    for system, rates in found.rates.items():
        np.testing.assert_array_equal(again.rates[system], rates)
    np.testing.assert_array_equal(again.weights, found.weights)


def test_settings_and_circuits_that_do_not_fit():
    with pytest.raises(InputError, match="trial: expected at least block and window"):
        plasticity.Settings(trial=10.0)
    frozen = replace(
        vogels_plasticity.circuit(size=0.02, synapses=0.5),
        projections=[replace(p, learning=None) for p in vogels_plasticity.circuit(size=0.02, synapses=0.5).projections],
    )
    with pytest.raises(InputError, match="expected one inhibitory projection that learns, found none"):
        measure(lambda seed: frozen, [0], [0.0, 0.5], 0.5, Times(0.1, 0.1, 0.02, 0.05), backend="numpy")


@pytest.mark.nightly
def test_weights_of_the_default_network_double_under_a_half_block_and_its_rate_returns():
    """Two networks; several minutes."""
    result = plasticity.run(plasticity.Settings(levels=2, seeds=2), ["spiking"], 0, "cpp", lambda *_: None)
    assert result.learning.rates[:, 0].min() > 30, "they learn within the first bin already"
    assert result.learnt_rates == pytest.approx(np.full(2, 3.0), rel=0.15)
    assert result.growth[1] == pytest.approx(np.full(2, 2.0), rel=0.1)
    assert result.rates[PLASTIC][1] == pytest.approx(result.rates[PLASTIC][0], rel=0.2)
    assert result.rates[FROZEN][1].min() > 10
