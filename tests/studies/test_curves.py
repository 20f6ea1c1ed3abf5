"""The judgement, against its definitions in exact arithmetic and by brute force."""

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eisim import Circuit, Input, Population, Projection, Readout
from eisim.neurons import ThresholdLinear
from eisim.studies.curves import (
    RATE_CODE,
    AblationCurve,
    below_floor,
    contradiction,
    described,
    is_bounded,
    judge,
    questioned,
)
from eisim.studies.curves import verdicts as verdicts_of
from eisim.studies.judgement import Controls, Criterion
from eisim.studies.limits.units import BandPass
from eisim.studies.result import Result
from tests.support import kept

SCORE = st.floats(0, 1)
SCORES = arrays(float, st.tuples(st.integers(2, 6), st.integers(1, 4)), elements=SCORE)


def curve(scores, criterion, system="rate", is_exact=True, **changes):
    scores = np.asarray(scores, dtype=float)
    return AblationCurve(system, np.linspace(0, 1, len(scores)), scores, criterion, is_exact=is_exact, **changes)


@given(SCORES, SCORE)
def test_an_absolute_criterion_is_the_same_for_all(scores, level):
    found = curve(scores, Criterion.absolute(level))
    intact, ablated = scores[0].mean(), scores[-1].mean()
    assume(min(abs(intact - level), abs(ablated - level)) > 1e-9)
    expected = "not computed" if intact < level else "kept" if ablated >= level else "lost"
    assert found.verdict == expected and found.level == level
    assert (found.intact, found.ablated) == (intact, ablated)


@given(SCORE, SCORE, SCORE, st.floats(0.5, 1))
def test_a_share_of_the_lead_over_a_constant_answer_is_to_be_left(intact, ablated, constant, share):
    i, a, c, s = map(Fraction, (intact, ablated, constant, share))
    assume(abs(a - c - s * (i - c)) > 1e-9 and abs(i - c) > 1e-9)
    expected = "not computed" if i < c else "kept" if a - c >= s * (i - c) else "lost"
    assert curve([[intact], [ablated]], Criterion.lead_over(constant, share)).verdict == expected


@given(SCORE, SCORE, st.floats(0, 0.5), st.floats(0, 1) | st.just(-np.inf))
def test_a_drop_is_counted_from_the_intact_score(intact, ablated, most, least):
    i, a, m = map(Fraction, (intact, ablated, most))
    assume(abs(i - a - m) > 1e-9 and abs(intact - least) > 1e-9)
    expected = "not computed" if intact < least else "kept" if i - a <= m else "lost"
    assert curve([[intact], [ablated]], Criterion.drop(most, least)).verdict == expected


def test_rounding_decides_no_tie():
    for k in range(1, 101):
        one_less, two_less = (curve([[k / 100], [(k - n) / 100]], Criterion.drop(0.01)) for n in (1, 2))
        assert one_less.verdict == "kept" and two_less.verdict == "lost"
    for constant in range(0, 900):  # of 1000 rows; intact 100 more are right, then 99, then 98
        scores = [[(constant + n) / 1000] for n in (100, 99, 98)]
        criterion = Criterion.lead_over(constant / 1000)
        assert curve(scores[:2], criterion).verdict == "kept" and curve(scores, criterion).verdict == "lost"
        assert curve([[constant / 1000], [1]], criterion).verdict == "not computed"


@given(arrays(float, st.integers(1, 20), elements=SCORE), SCORE)
def test_many_systems_are_judged_as_each_alone(scores, level):
    assume(np.abs(scores - level).min() > 1e-9)
    criterion = Criterion.absolute(level)
    each = [curve([[i], [a]], criterion).verdict for i, a in zip(scores, scores[::-1], strict=True)]
    assert verdicts_of(scores, scores[::-1], criterion).tolist() == each


@given(SCORE, st.sampled_from([Criterion.absolute(0.5), Criterion.lead_over(0.5), Criterion.drop(0.01)]))
def test_what_ablation_leaves_as_it_is_is_never_lost(score, criterion):
    assert curve([[score]] * 3, criterion).verdict != "lost"


def test_critical_fractions_by_hand():
    fractions = np.array([0, 0.5, 1])
    scores = np.array([[1, 0.9, 0.8, 0.4], [0.8, 0.9, 0.2, 0.9], [0.2, 0.9, 0.9, 0.9]])

    def of(seeds, is_exact=True):
        return AblationCurve("rate", fractions, scores[:, seeds], Criterion.absolute(0.5), is_exact=is_exact)

    found = of([0, 1, 2, 3])
    # Of each seed: 0.8 -> 0.2 over 0.5..1 is half-way; never; over 0..0.5, though it returns; from the start.
    np.testing.assert_allclose(found.critical_fractions, [0.75, np.inf, 0.25, 0])
    # Of all: the means 0.775, 0.7, 0.725 and their monotone fit 0.775, 0.7125, 0.7125 stay above 0.5.
    assert found.critical_fraction is None
    # 0.9, 0.55, 0.55 stay; 1, 0.8, 0.2 fall half-way; 0.4, 0.9, 0.9 are fitted by their mean.
    assert of([0, 2]).critical_fraction is None and of([3]).critical_fraction is None
    assert of([0]).critical_fraction == pytest.approx(0.75)
    # 0.9, 0.2, 0.2 fall at 4 / 7 of the way to 0.5.
    falling = AblationCurve("rate", fractions, np.array([[0.9], [0.1], [0.3]]), Criterion.absolute(0.5))
    assert falling.critical_fraction == pytest.approx(0.5 * 4 / 7)
    assert found.intact == pytest.approx(0.775) and found.ablated == pytest.approx(0.725) and found.verdict == "kept"
    assert of([0]).verdict == "lost" and of([3]).verdict == "not computed"
    assert found.doses is fractions and found.critical_dose == found.critical_fraction
    assert (found.critical_doses == found.critical_fractions).all()


def test_one_seed_of_a_random_system_decides_nothing():
    for scores in ([[1], [0]], [[1], [1]], [[0], [0]]):
        assert curve(scores, Criterion.absolute(0.5), is_exact=False).verdict == "undecided"
    seeds = np.tile([[1.0], [0.0]], 3)  # that agree
    assert curve(seeds, Criterion.absolute(0.5), is_exact=False).verdict == "lost"
    assert curve(seeds[::-1], Criterion.absolute(0.5), is_exact=False).verdict == "not computed"


@given(SCORES, SCORE)
def test_before_the_critical_fraction_the_score_is_never_below(scores, level):
    found = curve(scores, Criterion.absolute(level))
    fine = np.linspace(0, 1, 501)
    for mine, critical in zip(scores.T, found.critical_fractions, strict=True):
        between = np.interp(fine, found.fractions, mine)
        assert (between[fine < critical] >= level - 1e-9).all()
        assert (mine < level).any() == np.isfinite(critical)
        assert np.isinf(critical) or np.interp(critical, found.fractions, mine) <= level + 1e-9


@given(SCORES, SCORE, st.floats(0, 0.1))
def test_a_violation_is_an_error_below_the_floor_with_nothing_left(scores, floor, tolerance):
    error = 1 - scores[-1].mean()
    assume(abs(error - floor + tolerance) > 1e-9)
    found = curve(scores, Criterion.absolute(0.9), floor=floor, tolerance=tolerance, function="xor")
    problems = found.violations()
    assert len(problems) == (error < floor - tolerance)
    for problem in problems:
        assert problem.startswith("xor: CONTRADICTION: ") and f"{error:.4f} is below the floor {floor:.4f}" in problem
    half = AblationCurve("rate", found.fractions / 2, scores, Criterion.absolute(0.9), floor)
    unbound = AblationCurve("rate", found.fractions, scores, Criterion.absolute(0.9))
    assert half.violations() == unbound.violations() == []


def test_a_contradiction_names_the_assumptions_that_may_fail():
    def circuit(*neurons):
        return Circuit("f", [Input("x")], [Population(f"E{k}", "E", neuron) for k, neuron in enumerate(neurons)])

    rising, falling = circuit(ThresholdLinear()), circuit(ThresholdLinear(), BandPass())
    assert questioned(rising, False) == questioned(None, False) == ()
    (rate_code,), (activation,) = questioned(rising, True), questioned(falling, True)
    assert "rate code" in rate_code and "activation of E1 is not non-decreasing" in activation
    assert contradiction("f", "it falls").endswith("it falls; no assumption of the theorem is known to fail")
    (problem,) = below_floor("f", "ablated, spiking", 0.9, 0.25, (rate_code,))
    assert problem.endswith(f"the error 0.1000 is below the floor 0.2500; {rate_code}")
    assert below_floor("f", "", 0.75, 0.25) == below_floor("f", "", 0.7501, 0.25, tolerance=0.01) == []


def test_several_systems_have_one_verdict_or_differ():
    criterion = Criterion.absolute(0.5)
    curves = {
        "kept": curve([[1], [1]], criterion),
        "lost": curve([[1], [0]], criterion),
        "not computed": curve([[0], [0]], criterion),
        "undecided": curve([[1], [1]], criterion, is_exact=False),
    }
    assert {word: each.verdict for word, each in curves.items()} == {word: word for word in curves}
    for words in product(curves, repeat=3):
        assert judge(curves[word] for word in words) == (words[0] if len(set(words)) == 1 else "differs")


def test_a_loss_is_described_with_its_reason():
    assert described("lost", "provable") == "lost: provable" and described("kept", None) == "kept"


@given(SCORE, st.sampled_from([(), ("rate code",), ("a falling activation",), ("rate code", "a falling activation")]))
def test_a_bound_is_the_floor_where_no_assumption_is_known_to_fail(floor, failing):
    assumptions = tuple(RATE_CODE if each == "rate code" else each for each in failing)
    found = curve([[1], [0]], Criterion.absolute(1.0), floor=floor, assumptions=assumptions, controls=Controls())
    bound = None if "a falling activation" in failing else 1 - floor
    assert found.bound == found.judgement.bound == bound
    assert found.judgement.assumes == (("rate code",) if "rate code" in failing else ())
    assert (found.judgement.reason == "provable") == (bound is not None and bound < 1 - 1e-12)


@pytest.mark.parametrize("name", ["assessment", "survey", "case", "ablation", "network ablation"])
def test_every_result_has_curves_that_say_of_what_they_are(name):
    result = kept.values()[name]
    assert isinstance(result, Result) and result.curves and result.problems == []
    for each in result.curves:
        assert each.scores.shape[0] == len(each.fractions) and each.function and each.system
        assert each.verdict in repr(each) and each.function in repr(each) and each.verdict in each._repr_html_().lower()
    assert {each.verdict for each in result.curves} == {"lost"}


def test_a_circuit_whose_wiring_rises_with_all_inputs_loses_nothing_provably():
    """What bounds excitatory-only systems bounds it, too: where it is better, an assumption fails, and it is said."""
    bounded = {"floor": 0.25, "constant": 0.75, "controls": Controls()}
    criterion = Criterion.absolute(0.99)
    plain = curve([[1.0], [0.5]], criterion, **bounded)
    assert plain.judgement.reason == "provable" and not plain.violations()
    rising = curve([[1.0], [0.5]], criterion, rises=True, assumptions=(RATE_CODE,), system="spiking", **bounded)
    assert rising.judgement.reason == "unresolved" and rising.judgement.parts["provable"] == 0
    said = rising.violations()
    assert (
        len(said) == 1 and "although its wiring lets outputs rise with all inputs" in said[0] and RATE_CODE in said[0]
    )
    within = curve([[0.75], [0.5]], Criterion.absolute(0.7), rises=True, **bounded)
    assert within.bound == 0.75 and not within.violations() and within.judgement.reason == "unresolved"


def test_wiring_is_looked_at_only_where_the_score_is_above_the_bound():
    unit, one = ThresholdLinear(), [[1.0]]
    cells = [Population("first", "I", unit), Population("second", "I", unit), Population("out", "E", unit)]
    links = [("x", "first"), ("first", "second"), ("second", "out")]
    relays = Circuit("relays", [Input("x")], cells, [Projection(a, b, one) for a, b in links], [Readout("out")])
    veto = replace(relays, projections=[Projection("x", "first", one), Projection("first", "out", one)])
    assert is_bounded(relays, 0.25, np.ones((2, 1))) and not is_bounded(veto, 0.25, np.ones((2, 1)))
    assert not is_bounded(relays, 0.25, np.ones((2, 1)), everywhere=True)  # the second neuron falls
    assert not is_bounded(relays, 0.25, np.full((2, 1), 0.75)) and not is_bounded(relays, None, np.ones((2, 1)))
    assert not is_bounded(None, 0.25, np.ones((2, 1)))
