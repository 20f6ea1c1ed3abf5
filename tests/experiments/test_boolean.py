"""Verdicts, by exhaustion over all functions of 2 and of 3 inputs."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from eisim import (
    TRUTH_TABLES,
    Circuit,
    Input,
    Population,
    Projection,
    Readout,
    Saturating,
    TruthTable,
    synthesize,
)
from eisim.adapter import static_dnn
from eisim.base.progress import silent
from eisim.studies.boolean import Case, Protocol, run_ablation
from eisim.studies.slow_synapses import with_synapses
from experiments import boolean
from tests.theory.test_truth_tables import DEDEKIND, all_functions, is_monotone, upward_closure

pytestmark = pytest.mark.slow

XOR = TRUTH_TABLES["xor"].patterns
TIMES = {"duration": 300e-3, "window": 200e-3, "dt": 0.5e-3}


def run(cases, seeds=(1, 2), kinds=("spiking", "rate"), levels=2, noise=0.5e-3):
    protocol = Protocol(kinds, np.linspace(0, 1, levels), np.array(seeds), noise, **TIMES)
    return run_ablation(cases, protocol)


@pytest.mark.parametrize("n", [2, 3])
def test_every_function_of_n_inputs(n):
    functions = all_functions(n)
    result = run([Case(f.bits, f, partial(synthesize, f)) for f in functions])
    assert result.problems == []
    assert sum(case.verdict == "kept" for case in result.cases) == DEDEKIND[n]
    for f, case in zip(functions, result.cases, strict=True):
        assert case.verdict == ("kept" if is_monotone(f) else "lost")
        assert set(case.accuracy("intact").values()) == {1.0}
        closure = upward_closure(f)
        for system, accuracy in case.accuracy("ablated").items():
            assert accuracy == (closure == f.values).mean(), system
        floor = case.certificate.floor["zero_one"]
        for system, accuracy in case.accuracy("best_excitatory").items():
            assert 1 - accuracy == floor, system


@pytest.fixture(scope="module")
def default():
    return run(boolean.cases("all"), seeds=range(20))


def test_default_functions_with_noise_on_20_seeds(default):
    assert default.problems == []
    for case in default.cases:
        noisy = case.measurements["spiking_noisy"]
        correct = (noisy.rates[0] > noisy.thresholds[0]) == case.case.function.values
        assert correct.shape[0] == 20
        assert (correct.mean(axis=0) >= 0.99).all(), case.case.name
        error = 1 - noisy.accuracy[-1]
        assert error == pytest.approx(case.certificate.floor["zero_one"], abs=0.01)


def test_lost_here_is_not_impossible(default):
    inhibited = next(case for case in default.cases if case.case.name == "and-by-inhibition")
    assert inhibited.verdict == "lost" and inhibited.certificate.representable
    assert set(inhibited.accuracy("best_excitatory").values()) == {1.0}
    assert {case.case.name for case in default.cases if case.verdict == "kept"} == {
        "and",
        "or",
        "majority",
        "at-least-2-of-4",
        "a-and-(b-or-c)",
    }


def test_the_precise_setting_has_a_close_fi_approximation_and_the_same_decisions(default):
    settings = boolean.Settings(seeds=2, levels=2, precise=True)
    precise = boolean.run(settings, ("spiking", "rate"), 0, "cpp", silent)
    assert precise.problems == []
    errors = {}
    for usual, case in zip(default.cases, precise.cases, strict=True):
        assert case.verdict == usual.verdict
        for system in ("spiking", "spiking_dnn", "rate", "rate_dnn"):
            ours, theirs = usual.measurements[system], case.measurements[system]
            decisions = [measured.rates > measured.thresholds[:, None] for measured in (ours, theirs)]
            np.testing.assert_array_equal(*decisions, err_msg=f"{case.case.name}, {system}")
        errors[case.case.name] = case.equivalence_error["spiking_static"]
        assert case.equivalence_error["spiking"] == 0 and case.equivalence_error["rate"] < 1e-9
    assert len(errors) == 16 and max(errors.values()) <= 5
    assert np.mean(list(errors.values())) <= 3
    assert max(case.equivalence_error["spiking_static"] for case in default.cases) > 40


def test_times_of_the_precise_setting_give_way_to_others():
    times = boolean.Settings(precise=True, dt=0.2e-3)
    assert (times.duration, times.window, times.dt) == (1.5, 0.8, 0.2e-3)
    assert boolean.Settings(precise=False).duration == 0.3


def test_one_time_constant_keeps_mean_inputs():
    circuit = synthesize(TRUTH_TABLES["xor"])
    slow = with_synapses(circuit, 60e-3)
    for before, after in zip(circuit.projections, slow.projections, strict=True):
        neuron, other = (c.population(p.target).neuron for c, p in ((circuit, before), (slow, after)))
        letter = circuit.receptor(before)
        assert other.receptors[letter].tau == 60e-3
        expected = circuit.weights(before).toarray() * neuron.area(letter)
        np.testing.assert_allclose(slow.weights(after).toarray() * other.area(letter), expected)
    np.testing.assert_allclose(static_dnn(slow)(XOR), static_dnn(circuit)(XOR))
    rate = synthesize(TRUTH_TABLES["xor"], kind="rate")
    assert with_synapses(rate, 60e-3) is rate


def test_functions_of_6_inputs():
    rng = np.random.default_rng(0)
    functions = [TruthTable("".join(map(str, rng.integers(0, 2, 64)))) for _ in range(3)]
    result = run([Case(f.bits, f, partial(synthesize, f)) for f in functions], seeds=range(3))
    assert result.problems == []


def test_contradictions_and_failures_are_reported():
    """A unit that breaks an assumption of the theorem beats the floor, and is named; so is a circuit that fails."""
    xor = TRUTH_TABLES["xor"]
    cheat = Case("cheat", xor, partial(disguised, xor))
    fails = Case("fails", xor, partial(other, TRUTH_TABLES["and"]))
    problems = run([cheat, fails], kinds=("rate",)).problems
    assert any("cheat: CONTRADICTION" in p and "below the floor 0.2500" in p for p in problems)
    assert any("the activation of readout is not non-decreasing" in p for p in problems)
    assert any("fails: the intact circuit answers" in p for p in problems)


def other(function, kind):
    return synthesize(function, kind=kind)


@dataclass(frozen=True)
class BandPass(Saturating):
    """Responds to one input and not to two (Gidon et al., Science 367:83, 2020)."""

    non_decreasing = False
    activation_text = "maximum*int(drive > threshold)*int(drive < 3*threshold)"

    def activation(self, drive):
        return self.maximum * ((np.asarray(drive) > self.threshold) & (np.asarray(drive) < 3 * self.threshold))


def disguised(function, kind):
    """XOR by excitation alone, with a unit whose activation falls: no ablation touches it."""
    return Circuit(
        "band-pass",
        [Input("x", 2)],
        [Population("readout", "E", BandPass(threshold=50.0))],
        [Projection("x", "readout", [[1.0], [1.0]])],
        [Readout("readout", 50.0)],
    )
