"""Scores under the controls: what is fitted to some seeds is scored on others."""

import numpy as np
import pytest

from eisim import LIF, Circuit, Input, Population, Projection, TruthTable, ablate, simulate, synthesize
from eisim.controls import removed_weight
from eisim.studies.controls import (
    ALL,
    BETWEEN,
    DRAWS,
    FACTORS,
    Answers,
    Variant,
    finer,
    mean_rate,
    of_controls,
    partial_shams,
    variants,
)
from eisim.studies.judgement import Controls

SEEDS, POINTS = 10, 8
VALUES = np.arange(POINTS) % 2 == 1


def noise(rng, scores=None):
    """Answers that have nothing to do with what is asked for."""
    rates = rng.random((SEEDS, POINTS))
    return Answers(((rates > 0.5) == VALUES).mean(axis=1) if scores is None else scores, rates)


def test_a_threshold_that_is_fitted_to_noise_scores_like_a_constant_answer():
    rng, found, optimistic = np.random.default_rng(0), [], []
    for _ in range(400):
        answers = noise(rng)
        found.append(of_controls(answers, answers, [], False, VALUES))
        optimistic.append(of_controls(answers, answers, [], True, VALUES))
    for scores in ([each.refitted for each in found], [each.intact_refitted for each in found]):
        means = np.mean(scores, axis=1)
        assert np.mean(means) == pytest.approx(0.5, abs=4 * np.std(means) / 20)
    # Fitted and scored on the same seeds, noise would look better than it is.
    biased = np.mean([each.refitted.mean() for each in optimistic])
    assert biased > 0.5 + 8 * np.std(means) / 20


def test_a_scale_that_is_chosen_by_noise_scores_like_any_other():
    rng, found, optimistic = np.random.default_rng(1), [], []
    for _ in range(400):
        tried = [
            (Variant("compensated", None, factor, BETWEEN), Answers(rng.normal(0.5, 0.1, SEEDS))) for factor in FACTORS
        ]
        answers = Answers(rng.normal(0.5, 0.1, SEEDS))
        found.append(of_controls(answers, answers, tried, False).compensated.mean())
        optimistic.append(max(each.scores.mean() for _, each in tried))
    assert np.mean(found) == pytest.approx(0.5, abs=4 * np.std(found) / 20)
    assert np.mean(optimistic) > 0.5 + 8 * np.std(found) / 20


def test_every_seed_is_scored_and_by_the_other_half():
    """Two halves with different best thresholds: each is scored with that of the other."""
    low, high = np.where(VALUES, 2.0, 0.0), np.where(VALUES, 12.0, 10.0)
    rates = np.array([low, high] * 5)
    answers = Answers(np.zeros(SEEDS), rates)
    np.testing.assert_array_equal(of_controls(answers, answers, [], False, VALUES).refitted, np.full(SEEDS, 0.5))
    same = Answers(np.zeros(SEEDS), np.array([low] * SEEDS))
    np.testing.assert_array_equal(of_controls(same, same, [], False, VALUES).refitted, np.ones(SEEDS))


def test_an_exact_system_is_fitted_to_itself():
    rates = np.array([[0, 100, 100, 200.0]])
    wanted = np.array([False, False, False, True])
    intact, ablated = Answers(np.array([1.0]), rates / 4), Answers(np.array([0.5]), rates)
    found = of_controls(intact, ablated, [], True, wanted)
    assert found.refitted.tolist() == found.intact_refitted.tolist() == [1.0]
    weights = np.array([1, 1, 1, 7.0])
    xor = of_controls(intact, ablated, [], True, np.array([False, True, True, False]), weights)
    assert xor.refitted.tolist() == [0.8]  # no threshold tells more than the pattern that weighs most


def test_without_a_threshold_nothing_is_re_fitted():
    answers = Answers(np.array([0.3, 0.4]), np.ones((2, 4)))
    found = of_controls(answers, answers, [], False)
    assert (found.refitted, found.intact_refitted, found.compensated, found.scale, found.rate) == (None,) * 5


@pytest.mark.parametrize("best", [0.9, 0.4, 0.1])
@pytest.mark.parametrize("is_exact", [True, False])
def test_the_scale_that_compensates_is_found(best, is_exact):
    rng, n = np.random.default_rng(2), 1 if is_exact else SEEDS
    scatter = 0 if is_exact else 0.02

    def answers(factor):
        return Answers(1 - abs(factor - best) + rng.normal(0, scatter, n), mean_rate=20 * factor)

    tried = [(Variant("compensated", None, factor, BETWEEN), answers(factor)) for factor in FACTORS]
    tried += [(Variant("compensated", None, factor, ALL), Answers(np.zeros(n), mean_rate=0.0)) for factor in FACTORS]
    found = of_controls(Answers(np.ones(n), mean_rate=10.0), Answers(np.zeros(n)), tried, is_exact)
    assert (found.scale, found.scaled) == (best, BETWEEN) and found.rate == pytest.approx(2 * best)
    assert found.compensated.mean() == pytest.approx(1, abs=0.02) and len(found.compensated) == n


def test_compensation_is_re_fitted():
    """With excitation at half, the answers are right, but for a threshold that is too high."""
    rates = np.array([[0, 100, 100, 200.0]])
    wanted = np.array([False, False, False, True])
    ablated = Answers(np.array([0.5]), rates[:, [3, 0, 1, 2]])  # another order, which no threshold makes right
    half = Variant("compensated", None, 0.5, ALL), Answers(np.array([0.75]), rates / 2)
    found = of_controls(Answers(np.array([1.0]), rates), ablated, [half], True, wanted)
    assert found.refitted.tolist() == [0.75] and found.compensated.tolist() == [1.0]


def test_shams_are_scored_as_they_are():
    answers = Answers(np.array([1.0, 0.9]), np.ones((2, 4)))
    excitation = Variant("sham_excitation", None), Answers(np.array([0.2, 0.4]), np.ones((2, 4)))
    draws = [(Variant("sham_random", None), Answers(np.array([0.1 * k, 0.3 * k]))) for k in range(3)]
    found = of_controls(answers, answers, [excitation, *draws], False)
    assert found.sham_excitation.tolist() == [0.2, 0.4]
    np.testing.assert_allclose(found.sham_random, [0, 0.2, 0.4])  # of each draw, its mean over seeds
    one = of_controls(answers, answers, [draws[1]], False)
    np.testing.assert_allclose(one.sham_random, [0.1, 0.3])  # of one draw, its seeds
    assert isinstance(one, Controls) and one.sham_excitation is None


def conditions(intact, ablated):
    return [(v.condition, v.scale, v.scaled) for v in variants(intact, ablated)]


def test_the_variants_of_an_ablation():
    circuit = synthesize(TruthTable("0110"), kind="rate")
    found = conditions(circuit, ablate(circuit))
    scans = [("compensated", factor, BETWEEN) for factor in (*FACTORS, 0.0)]
    scans += [("compensated", factor, ALL) for factor in FACTORS]
    shams = [("sham_excitation", None, ""), *[("sham_random", None, "")] * DRAWS]
    assert found == scans + shams
    assert variants(circuit, circuit) == [] == variants(circuit, ablate(circuit, 0))
    for variant in variants(circuit, ablate(circuit)):
        inhibition = removed_weight(circuit, variant.circuit)
        if variant.condition == "compensated":
            assert variant.circuit.is_excitatory_only
        elif variant.condition == "sham_excitation":
            assert inhibition == 0
    few = variants(circuit, ablate(circuit), draws=[7], factors=[0.5])
    assert [v.condition for v in few] == ["compensated"] * 3 + ["sham_excitation", "sham_random"]


def test_shams_of_weaker_ablations():
    """They take what each ablation takes, and are scored by the fraction, apart from those of the full ablation."""
    circuit, fractions = synthesize(TruthTable("0110"), kind="rate"), np.linspace(0, 1, 11)
    weakened = [ablate(circuit, f) for f in fractions]
    found = partial_shams(circuit, weakened, fractions)
    assert [v.condition for v in found] == ["sham_excitation", "sham_random"] * 3
    assert [v.fraction for v in found[::2]] == pytest.approx([0.2, 0.5, 0.7])
    for variant, k in zip(found, [2, 2, 5, 5, 7, 7], strict=True):
        if variant.condition == "sham_excitation":
            total = sum(np.abs(circuit.weights(p).data).sum() for p in circuit.projections)
            left = sum(np.abs(variant.circuit.weights(p).data).sum() for p in variant.circuit.projections)
            assert total - left == pytest.approx(removed_weight(circuit, weakened[k]))
    assert partial_shams(circuit, weakened[-1:], [1.0]) == [] == partial_shams(circuit, weakened[:2], [0, 0.1])
    answers = Answers(np.array([1.0]))
    scored = [(variant, Answers(np.array([variant.fraction]))) for variant in found]
    controls = of_controls(answers, answers, scored, True)
    assert controls.sham_excitation is None and controls.sham_random is None
    for each in controls.partial:
        assert each.sham_excitation.tolist() == [each.fraction] == each.sham_random.tolist()


def test_finer_scales_lie_between_the_best_one_and_the_next():
    circuit = synthesize(TruthTable("0110"), kind="rate")
    tried = variants(circuit, ablate(circuit))
    for best, ends in ((0, (0.8, 1.0)), (2, (0.6, 0.8)), (9, (0.0, 0.1)), (10, (0.8, 1.0)), (18, (0.0, 0.2))):
        found = finer(ablate(circuit), tried, best)
        scales = [v.scale for v in found]
        assert all(ends[0] < s < ends[1] and s != tried[best].scale for s in scales) and len(set(scales)) == len(scales)
        assert {v.scaled for v in found} == {tried[best].scaled} and len(scales) == (2 if best == 9 else 4)
        for variant in found:
            weights = [variant.circuit.weights(p).sum() for p in variant.circuit.projections if variant.scaled == ALL]
            before = [ablate(circuit).weights(p).sum() for p in ablate(circuit).projections if variant.scaled == ALL]
            np.testing.assert_allclose(weights, variant.scale * np.array(before))


def test_of_scales_that_score_the_same_the_rate_closest_to_the_intact_one_counts():
    tried = [(Variant("compensated", None, f, ALL), Answers(np.zeros(1), mean_rate=20 * f)) for f in FACTORS]
    found = of_controls(Answers(np.ones(1), mean_rate=6.5), Answers(np.zeros(1)), tried, True)
    assert found.scale == 0.3 and found.rate == pytest.approx(6 / 6.5)


def test_there_is_no_control_where_there_is_nothing_to_change():
    neuron = LIF()
    populations = [Population("E", "E", neuron, 2), Population("I", "I", neuron, 2)]
    inhibition = Projection("I", "E", np.ones((2, 2)) * 1e-3)
    no_excitation = Circuit("tonic", [Input("x", 2)], populations, [inhibition])
    assert [each[0] for each in conditions(no_excitation, ablate(no_excitation))] == ["sham_random"] * DRAWS
    driven = Circuit("driven", [Input("x", 2)], populations, [Projection("x", "E", np.eye(2) * 1e-3), inhibition])
    found = conditions(driven, ablate(driven))
    assert {each[2] for each in found if each[0] == "compensated"} == {ALL}
    assert "sham_excitation" not in {each[0] for each in found}


def test_the_mean_rate_is_that_of_all_neurons():
    circuit = synthesize(TruthTable("0110"), kind="rate")
    response = simulate(circuit, [[0, 1], [1, 1]], duration=100e-3, window=50e-3, backend="numpy")
    every = np.concatenate([rates.ravel() for rates in response.rates.values()])
    assert mean_rate(response) == pytest.approx(every.mean())
