"""The judgement of scores, against the table of its definition written a second time."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from eisim.analysis.statistics import over_seeds
from eisim.report.judgements import record
from eisim.studies.judgement import PARTS, Controls, Criterion, judged, shared

#: Scores on a grid, so that some are equal, and some equal the criterion.
SCORE = st.integers(0, 20).map(lambda k: k / 20)
LIMIT = st.none() | SCORE


def scores(seeds):
    """One score, or scores of seeds that agree or scatter."""
    apart = st.lists(SCORE, min_size=seeds, max_size=seeds)
    return (apart | SCORE.map(lambda score: [score] * seeds)).map(np.array)


@st.composite
def cases(draw):
    """Intact and ablated scores, controls, attained score, bound, criterion, and whether all is exact."""
    is_exact = draw(st.booleans())
    of = scores(1 if is_exact else 6)
    controls = draw(st.none() | st.builds(Controls, refitted=st.none() | of, compensated=st.none() | of))
    attained, bound = draw(LIMIT), draw(LIMIT)
    assume(bound is None or attained is None or attained <= bound)  # else the proof or the simulation is wrong
    return draw(of), draw(of), controls, attained, bound, draw(SCORE), is_exact


def judgement(intact, ablated, controls=None, attained=None, bound=None, level=0.5, is_exact=True, system="rate"):
    measured, fractions = np.array([intact, ablated], dtype=float).reshape(2, -1), np.array([0.0, 1.0])
    limits = None, attained, bound
    return judged(system, "f", fractions, measured, Criterion.absolute(level), limits, controls, is_exact)


def compared(seeds, level, is_exact):
    """Whether scores are above a level, below it or, by their interval, neither: +1, -1 or 0."""
    found = over_seeds(seeds, is_exact)
    low, high = (found.mean, found.mean) if is_exact else (found.low, found.high)
    return 1 if low >= level - 1e-12 else -1 if high < level - 1e-12 else 0


def by_the_table(intact, ablated, controls, attained, bound, level, is_exact):
    """The verdict and its reason."""
    is_computed, is_kept = compared(intact, level, is_exact), compared(ablated, level, is_exact)
    if is_computed == -1:
        return "not computed", None
    if 0 in (is_computed, is_kept):
        return "undecided", None
    if is_kept == 1:
        return "kept", None
    if controls is None:
        return "lost", "not examined"
    found = [
        None if control is None else compared(control, level, is_exact)
        for control in (controls.refitted, controls.compensated)
    ]
    if found[0] == 1:
        return "lost", "readout"
    if found[1] == 1 and found[0] != 0:
        return "lost", "runaway"
    if found[1] == 1:  # re-fitting may do so, too, so that which comes first is open
        return "lost", "unresolved"
    if bound is not None and bound < level - 1e-12:
        return "lost", "provable"
    if attained is not None and attained >= level - 1e-12 and 0 not in found:
        return "lost", "wiring"
    return "lost", "unresolved"


@given(cases())
def test_verdict_and_reason_are_those_of_the_table(case):
    found = judgement(*case)
    assert (found.verdict, found.reason) == by_the_table(*case)


@given(cases())
def test_the_parts_add_up_to_the_loss(case):
    intact, ablated, controls, attained, bound, *_ = case
    found = judgement(*case)
    if controls is None:
        assert found.parts is None
        return
    i, a = intact.mean(), ablated.mean()
    parts = found.parts
    assert tuple(parts) == PARTS == ("readout", "runaway", "wiring", "unresolved", "provable")
    assert sum(parts.values()) == pytest.approx(i - a, abs=1e-12)
    if a <= i:
        assert min(parts.values()) >= 0

        def reached(so_far, score):
            return so_far if score is None else max(so_far, min(i, np.mean(score)))

        r = reached(a, controls.refitted)
        c = reached(r, controls.compensated)
        t = reached(c, attained)
        b = i if bound is None else reached(t, bound)
        np.testing.assert_allclose(list(parts.values()), [r - a, c - r, t - c, b - t, i - b], atol=1e-12)


def test_what_is_proved_out_of_reach_is_provable_only_if_nothing_brings_it_back():
    def reason(refitted, compensated):
        controls = Controls(refitted=np.array([refitted]), compensated=np.array([compensated]))
        return judgement(1, 0.5, controls, 0.75, 0.75, 0.99).reason

    assert [reason(*each) for each in ((0.75, 0.75), (1, 0.75), (0.75, 1))] == ["provable", "readout", "runaway"]
    only_refitted = Controls(refitted=np.array([0.75]))
    assert judgement(1, 0.5, only_refitted, 0.75, 0.75, 0.99).reason == "provable"
    assert judgement(1, 0.5, only_refitted, 0.75, None, 0.99).reason == "unresolved"
    assert judgement(1, 0.5, only_refitted, None, 0.99, 0.99).reason == "unresolved"  # a bound at the criterion
    assert judgement(1, 0.5, only_refitted, 0.99, 1.0, 0.99).reason == "wiring"
    assert judgement(1, 0.5, None, 0.75, 0.75, 0.99).reason == "not examined"
    assert judgement(1, 0.5, None, 0.75, 0.75, 0.99).parts is None


def test_an_interval_that_straddles_the_criterion_decides_nothing():
    clear, scattered = [0.95] * 6, [0.2, 0.9] * 3
    assert judgement(clear, scattered, is_exact=False).verdict == "undecided"
    assert judgement(scattered, clear, is_exact=False).verdict == "undecided"
    assert judgement(clear, scattered, is_exact=True).verdict == "kept"  # by the mean, of what is not random
    in_doubt = Controls(refitted=np.array(scattered), compensated=np.array(clear))
    found = judgement(clear, [0.1] * 6, in_doubt, attained=0.9, is_exact=False)
    assert (found.verdict, found.reason) == ("lost", "unresolved")


def test_specific_to_inhibition_is_what_both_shams_keep():
    def specific(excitation, random, is_exact=True):
        controls = Controls(
            sham_excitation=None if excitation is None else np.array(excitation),
            sham_random=None if random is None else np.array(random),
        )
        return judgement([1] * (1 if is_exact else 6), [0] * (1 if is_exact else 6), controls).is_specific

    assert specific([1], [1]) is True
    assert specific([0], [1]) is specific([1], [0]) is specific([0], None) is specific(None, [0]) is False
    assert specific(None, None) is specific([1], None) is specific(None, [1]) is None
    # The draws of a random sham scatter, even if nothing else does.
    assert specific([1], [1, 0, 1, 0, 1, 0]) is None and specific([1], [1] * 6) is True
    assert judgement(1, 0).is_specific is None


def test_a_record_of_exact_scores_has_no_interval():
    controls = Controls(refitted=np.array([1.0]), sham_random=np.array([1.0, 0.75, 1.0]))
    found = record(judgement(1, 0.5, controls, 0.75, 0.75, 0.99))
    for name in ("intact", "ablated", "refitted"):
        assert found[name]["low"] is found[name]["high"] is None
    assert found["sham_random"]["low"] < found["sham_random"]["mean"] < found["sham_random"]["high"]
    assert found["compensated"] is found["sham_excitation"] is None
    random = record(judgement([1] * 6, [0.5, 0.25] * 3, controls, 0.75, 0.75, 0.99, is_exact=False))
    assert random["ablated"]["low"] < 0.375 < random["ablated"]["high"]


def test_systems_share_a_verdict_or_differ():
    controls = {
        "readout": Controls(refitted=np.array([1.0])),
        "runaway": Controls(compensated=np.array([1.0])),
        "not examined": None,
    }
    found = {("lost", reason): judgement(1, 0, each) for reason, each in controls.items()}
    found |= {("kept", None): judgement(1, 1), ("not computed", None): judgement(0, 0)}
    for (of_first, first), (of_second, second) in product(found.items(), repeat=2):
        expected = (of_first[0] if of_first[0] == of_second[0] else "differs", None)
        if expected[0] == "lost":
            expected = "lost", of_first[1] if of_first[1] == of_second[1] else "differs"
        assert shared([first, second]) == expected


def test_a_constant_answer_computes_nothing():
    for constant in np.arange(1, 100) / 100:
        criterion = Criterion.lead_over(constant)
        exact = np.array([0.0, 1.0]), np.array([[constant], [1.0]]), criterion, (constant, None, None), None, True
        assert judged("rate", "f", *exact).verdict == "not computed"


def test_without_a_least_score_every_system_computes_something():
    """Also one whose scores scatter: what ablation leaves as it is is not lost, and not left open."""
    scattered = np.tile([0.1, 0.9, 0.4, 0.5, 0.2, 0.6], (2, 1))
    limits = None, None, None
    found = judged("rate", "f", np.array([0.0, 1.0]), scattered, Criterion.drop(1.0), limits, None, False)
    assert found.verdict == "kept"
