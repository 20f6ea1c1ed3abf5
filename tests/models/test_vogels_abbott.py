from dataclasses import replace

import numpy as np
import pytest

from eisim import InputError, ablate, simulate
from models import vogels_abbott
from tests.support.scores import scaled

pytestmark = pytest.mark.slow


def respond(task, *circuits):
    return simulate(list(circuits), task.stimuli, record=task.record, backend="numpy", **task.times)


def test_activity_is_sustained_by_excitation_and_bounded_by_inhibition():
    task = vogels_abbott.task(quick=True)
    circuit = task.circuit(0)
    without = [ablate(circuit), scaled(circuit, "E", 0.0), scaled(circuit, "all", 0.0)]
    responses = respond(task, circuit, *without)
    scores = [task.score(response) for response in responses]
    assert scores[0] > max(0.6, task.criterion)
    assert scores[1:] == [0, 0, 0], "runs away, dies, is silent"
    rates = responses[0].rates["E"].mean(axis=1)
    assert rates[0] == 0 < rates[1], "without a kick there is no activity"
    always = {name: np.stack([each[1], each[1]]) for name, each in responses[0].rates.items()}
    assert task.score(replace(responses[0], rates=always)) == task.constant == 0


def test_units_stay_at_the_working_point_only_with_inhibition_or_without_synapses():
    task = vogels_abbott.task("rate", quick=True)
    circuit, alone = task.circuit(0), task.excitatory_only(0)
    assert alone.is_excitatory_only
    without = [ablate(circuit), scaled(circuit, "E", 0.0), scaled(circuit, "all", 0.0)]
    scores = [task.score(response) for response in respond(task, circuit, alone, *without)]
    assert min(scores[:2]) > 0.95
    assert scores[2] == 0
    assert scores[3] < 0.6, "less excitation does not raise it"
    assert scores[4] < task.constant < task.criterion, "units that all have the rate of their tonic input"


def test_units_return_to_the_working_point_after_a_kick():
    circuit = vogels_abbott.circuit("rate")
    kicked = vogels_abbott.kick(circuit, 0.5)
    stimuli = np.concatenate([kicked, 0 * kicked])
    rates = simulate(circuit, stimuli, duration=0.5, window=0.05, dt=1e-3, backend="numpy").rates["E"][:, 0]
    weights = {p.name: float(circuit.weights(p)[0, 0]) for p in circuit.projections}
    assert weights["E->E"] > 1, "excitation alone would run away"
    threshold = circuit.population("E").neuron.threshold
    fixed_point = -threshold / (1 - weights["E->E"] + weights["I->E"])
    assert rates == pytest.approx([fixed_point, fixed_point], rel=1e-6)


@pytest.mark.parametrize("synapses", ["conductance", "current"])
def test_smaller_networks_keep_the_synapses_of_a_neuron(synapses):
    circuit = vogels_abbott.circuit(synapses=synapses, size=0.25)
    degrees = {
        p.name: circuit.weights(p).count_nonzero() / circuit.population(p.target).size for p in circuit.projections
    }
    assert degrees["E->E"] == pytest.approx(64, rel=0.03)
    assert degrees["I->E"] == pytest.approx(16, rel=0.03)


@pytest.mark.parametrize("wrong", [{"kind": "binary"}, {"synapses": "none"}, {"size": 0.01}])
def test_what_does_not_fit_is_named(wrong):
    with pytest.raises(InputError, match=f"vogels_abbott: {next(iter(wrong))}: expected"):
        vogels_abbott.circuit(**wrong)
