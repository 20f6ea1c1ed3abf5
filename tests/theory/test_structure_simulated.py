"""What the wiring of random circuits proves holds of eisim's own simulation of them, at all times and early."""

import numpy as np
import pytest
from brian2 import Hz

from eisim import Circuit, Input, Population, Projection, Readout, certify, simulate
from eisim.circuit import InhibitoryInput
from eisim.neurons import AbbottChance, Logistic, RectifiedTanh, Saturating, Softplus, ThresholdLinear, WilsonCowan

UNITS = (ThresholdLinear, Saturating, Logistic, WilsonCowan, RectifiedTanh, AbbottChance, Softplus)
TRIALS, FRAMES, STEP = 8, 15, 0.2e-3
#: Names of the words, and whether a change, trials × times, is at odds with them.
AT_ODDS = {
    "rises": lambda change, error: change.min() < -error,
    "falls": lambda change, error: change.max() > error,
    "none": lambda change, error: np.abs(change).max() > error,
    "mixed": lambda change, error: False,
}


def random_unit(rng):
    """A unit of any transfer function, form and time constant, refractory or not."""
    refractory = float(rng.choice([0, 1e-3]))
    form = "rate" if refractory else str(rng.choice(["rate", "current"]))
    unit = UNITS[rng.integers(len(UNITS))]
    return unit(
        tau=float(rng.choice([1e-3, 3e-3, 10e-3])), threshold=rng.normal(0, 20), refractory=refractory, form=form
    )


def random_input(rng, name):
    kind = rng.random()
    if kind < 0.7:
        return Input(name, int(rng.integers(1, 3)))
    return Input(name, current=50 * Hz) if kind < 0.85 else InhibitoryInput(name, current=50 * Hz)


def random_circuit(rng) -> Circuit:
    """Rate units with delays, gap junctions, loops and biases, all of them read out."""
    inputs = [random_input(rng, f"x{k}") for k in range(rng.integers(1, 4))]
    populations = []
    for k in range(rng.integers(2, 6)):
        size, unit, more = int(rng.integers(1, 4)), random_unit(rng), {}
        if size > 1 and unit.form == "rate" and rng.random() < 0.4:
            upper = np.triu(rng.random((size, size)) < 0.6, 1)
            more["gap_junctions"] = (upper + upper.T) * 0.5
        start = rng.uniform(0, 100, size) if rng.random() < 0.5 else None
        sign = str(rng.choice(["E", "I"], p=[0.65, 0.35]))
        populations.append(Population(f"p{k}", sign, unit, size, rng.normal(20, 30, size), start, **more))
    projections, sources = [], [*inputs, *populations]
    for k in range(rng.integers(len(populations), 3 * len(populations))):
        source, target = sources[rng.integers(len(sources))], populations[rng.integers(len(populations))]
        shape = source.size, target.size
        weights = rng.exponential(1, shape) * (rng.random(shape) < 0.5)
        is_current = getattr(source, "is_current", False)
        delay = 0.0 if is_current or rng.random() < 0.6 else rng.integers(0, 15, shape) * STEP
        projections.append(Projection(source.name, target.name, weights, delay, f"q{k}"))
    return Circuit("random", inputs, populations, projections, [Readout(p.name) for p in populations])


def odds(rng, n_circuits: int) -> tuple[int, int, int, int]:
    """Comparisons of trials at pairs with a certificate, how many are at odds with it, and the same of early ones."""
    circuits = [random_circuit(rng) for _ in range(n_circuits)]
    raised = [int(rng.integers(circuit.n_inputs)) for circuit in circuits]
    stimuli = []
    for circuit, at in zip(circuits, raised, strict=True):
        lower = rng.random((TRIALS, FRAMES, circuit.n_inputs))
        higher = lower.copy()
        higher[..., at] += rng.exponential(1, (TRIALS, FRAMES)) * (rng.random((TRIALS, FRAMES)) < 0.5)
        stimuli.append(np.concatenate([lower, higher]))
    duration = 2 * FRAMES * STEP
    record = [{p.name: "r" for p in circuit.populations} for circuit in circuits]
    times = {"duration": duration, "window": duration, "dt": STEP}
    responses = simulate(circuits, stimuli, **times, record=record, backend="numpy")
    compared = wrong = early = early_wrong = 0
    for circuit, at, response in zip(circuits, raised, responses, strict=True):
        found = certify(circuit)
        assert not found.broken
        rates = np.concatenate([np.asarray(response.traces[p.name]["r"])[0] for p in circuit.populations], axis=1)
        change, error = rates[TRIALS:] - rates[:TRIALS], 1e-9 * max(1.0, np.abs(rates).max())
        for place in range(len(found.readouts)):
            word = found.word(at, place)
            compared += TRIALS * (word != "mixed")
            wrong += AT_ODDS[word](change[:, place], error)
            for depth in range(found.deepest + 1):  # the value at step k is that after k steps
                early += TRIALS
                early_wrong += AT_ODDS[found.word(at, place, depth)](change[:, place, : depth + 1], error)
    return compared, wrong, early, early_wrong


def test_simulations_never_break_a_certificate():
    compared, wrong, early, early_wrong = odds(np.random.default_rng(0), 20)
    assert compared > 500 and early > 1_500 and wrong == early_wrong == 0


@pytest.mark.slow
def test_simulations_never_break_a_certificate_of_many_circuits():
    rng = np.random.default_rng(1)
    compared, wrong, early, early_wrong = np.sum([odds(rng, 40) for _ in range(4)], axis=0)
    assert compared > 5_000 and early > 12_000 and wrong == early_wrong == 0
