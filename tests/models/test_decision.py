from dataclasses import replace

import numpy as np
import pytest

from eisim import InputError, Response, ablate, simulate
from eisim.simulation.response import Spikes
from models import decision as model
from tests.support.silent import silent

pytestmark = pytest.mark.slow


def reduction(coherence, duration, dt):
    """The equations of Wong & Wang (2006) as they stand, without noise, in NumPy: S and H over time, steps × 2."""
    s, found, rates = np.zeros(2), [], []
    for step in range(round(duration / dt)):
        shown = step * dt >= model.SILENT * model.FRAME
        stimulus = 5.2e-4 * 30 * shown * (1 + coherence * np.array([1, -1]))
        excess = 270 * (0.2609 * s - 0.0497 * s[::-1] + 0.3255 + stimulus) - 108
        rates.append(excess / (1 - np.exp(-0.154 * excess)))
        s = s + dt * (-s / 0.1 + (1 - s) * 0.641 * rates[-1])
        found.append(s)
    return np.array(found), np.array(rates)


def test_the_rate_circuit_follows_the_equations_of_the_paper_written_in_numpy():
    circuit, stimuli = model.circuit("rate").without_noise(), model.evidence("rate", 0.064, frames=30)
    options = {"duration": 1.6, "window": 0.2, "dt": 1e-3, "record": True, "backend": "numpy"}
    response = simulate(circuit, stimuli, **options)
    ours = model.SATURATION * np.stack([response.traces[side][0, 0] for side in "AB"], axis=-1)
    theirs, _ = reduction(0.064, 1.6, 1e-3)
    assert theirs[-1, 0] > theirs[-1, 1] + 0.4
    np.testing.assert_allclose(ours, theirs, atol=0.02)  # the interneurons' lag of 2 ms
    np.testing.assert_allclose(ours[-1], theirs[-1], atol=2e-3)


def test_steady_states_of_the_reduction():
    assert len(model.steady_states(0, strength=0)) == 5, "rest, two decisions, and a saddle on the way to each"
    states = model.steady_states(0)
    assert len(states) == 3
    assert np.ptp(states, axis=1).min() < 1e-6 < 0.5 < np.ptp(states, axis=1).max()
    assert len(model.steady_states(1.0)) == 1, "full coherence leaves one decision"


def test_decision_times_are_those_of_the_rates_of_the_equations():
    coherences, onset = [0.032, 0.128, 0.512], model.SILENT * model.FRAME
    stimuli = model.evidence("rate", coherences, frames=38)
    options = {"duration": 2.0, "window": 0.2, "dt": 0.5e-3, "record": True, "backend": "numpy"}
    times = model.decision_times(simulate(model.circuit("rate").without_noise(), stimuli, **options))
    for coherence, time in zip(coherences, times, strict=True):
        _, rates = reduction(coherence, 2.0, 0.5e-3)
        crossing = 0.5e-3 * np.argmax(rates[:, 0] > 15) - onset
        assert time == pytest.approx(crossing, abs=15e-3)  # the interneurons' lag, windows of 50 ms in steps of 5 ms
    assert (np.diff(times) < 0).all()


def test_no_decision_has_no_time():
    stimuli = np.zeros((1, 16, 2))
    response = simulate(
        model.circuit("rate").without_noise(), stimuli, duration=0.8, dt=1e-3, record=True, backend="numpy"
    )
    assert np.isnan(model.decision_times(response)).all()


def test_spikes_of_known_times_give_the_time_of_a_decision():
    """40 Hz in A from 0.5 s on: the first window above 15 Hz has its middle 6 ms before half of it is filled."""
    circuit = model.circuit("spiking", size=200)
    cells, dt = circuit.population("A").size, 0.5e-3
    steps = np.arange(1000, 1600, 50)  # every cell fires each 25 ms
    spikes = Spikes(np.zeros(12 * cells, int), np.tile(np.arange(cells), 12), np.repeat(steps, cells))
    none = Spikes(*np.zeros((3, 0), int))
    rates = {"A": np.zeros((1, cells)), "B": np.zeros((1, cells))}
    response = Response(circuit, rates, 0.8, 0.2, dt, spikes={"A": spikes, "B": none})
    assert model.decision_times(response)[0] == pytest.approx(0.5 + 5e-3 - 25e-3 - model.SILENT * model.FRAME)


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_the_tasks_trials_are_balanced_pairs_of_which_an_excitatory_only_system_gets_one(kind):
    task = model.task(kind)
    assert len(task.stimuli) == 12 and task.required.sum(axis=0).tolist() == [6, 6]
    assert (task.stimuli[::2] <= task.stimuli[1::2]).all()
    assert (task.required[::2] != task.required[1::2]).all()
    evidence = task.stimuli[:, model.SILENT :, :2].mean(axis=1)
    np.testing.assert_array_equal(evidence == evidence.max(axis=1, keepdims=True), task.required)
    coherence = (evidence[:, 0] - evidence[:, 1]) / evidence.sum(axis=1)
    np.testing.assert_allclose(np.sort(np.abs(coherence)), np.repeat(model.COHERENCES, 4), atol=0.02)
    assert task.bound == 0.5 == task.constant < task.criterion


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_the_circuit_decides_and_without_inhibition_both_populations_respond(kind):
    task = model.task(kind, quick=True)
    circuit = task.circuit(0)
    intact, ablated, none = simulate([circuit, ablate(circuit), silent(circuit)], task.stimuli, seed=1, **task.times)
    assert task.score(intact) > task.criterion
    assert task.score(ablated) < 0.2 and task.score(none) == 0
    assert model.above_threshold(ablated)[1::2].all(), "both respond to the stronger trials"
    assert task.output(intact)[0] > task.output(intact)[1] + 10, "more evidence for B ends the choice of A: the witness"
    assert task.output(ablated)[0] <= task.output(ablated)[1] + 1


def test_without_recurrent_excitation_or_without_evidence_there_is_no_choice():
    task = model.task("rate", quick=True)
    whole = task.circuit(0)
    apart = replace(whole, projections=[p for p in whole.projections if p.source != p.target])
    (alone,) = simulate([apart], task.stimuli, seed=1, **task.times)
    (unmoved,) = simulate([whole], np.zeros_like(task.stimuli), seed=1, **task.times)
    assert task.score(alone) == 0 == task.score(unmoved)


def test_choices_at_zero_coherence_are_fair_and_right_ones_grow_with_coherence():
    found = model.psychometric("rate", [0.0, 0.032, 0.064, 0.256], 400)
    assert found["decided"][0] > 0.9
    assert found["right_low"][0] < 0.5 < found["right_high"][0]
    assert found["right_high"][0] - found["right_low"][0] < 0.11, "a bias of 60:40 would be seen"
    assert (np.diff(found["right"]) > 0).all() and (np.diff(found["time"]) < 0).all()
    assert found["right_high"][-1] == pytest.approx(1)
    assert 0.02 < found["alpha"] < 0.15 and 0.8 < found["beta"] < 2.5


def test_the_weibull_fit_finds_what_shares_were_made_from():
    coherence = np.array([0.016, 0.032, 0.064, 0.128, 0.256])
    share = model.weibull(coherence, 0.092, 1.5)
    found = model._fit_weibull(coherence, 1e6 * share, 1e6 * (1 - share))
    np.testing.assert_allclose(found, (0.092, 1.5), rtol=1e-2)


def test_the_weights_onto_a_selective_population_keep_their_mean():
    share = np.array([model.SELECTIVE, model.SELECTIVE, 1 - 2 * model.SELECTIVE])
    assert share @ [model.STRONGER, model.WEAKER, model.WEAKER] == pytest.approx(1)


def test_the_spiking_circuit_keeps_the_mean_input_of_the_paper_at_any_size():
    for size in (1600, 400):
        circuit = model.circuit("spiking", size=size)
        onto_a = [p for p in circuit.projections if p.target == "A" and p.receptor == "nmda"]
        total = sum(circuit.source(p).size * p.weights.weight for p in onto_a)
        assert total == pytest.approx(model.SIZE * model.SLOW["E"])
        assert {p.source for p in circuit.inhibitory_projections} == {"I"}
        assert ablate(circuit).is_excitatory_only


def test_unknown_kinds_are_refused():
    with pytest.raises(InputError, match="found 'fast'"):
        model.circuit("fast")
