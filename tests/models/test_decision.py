import numpy as np
import pytest

from eisim import InputError, ablate, simulate
from models import decision as model

pytestmark = pytest.mark.slow


def reduction(coherence, duration, dt):
    """The equations of Wong & Wang (2006) as they stand, without noise, in NumPy: S over time, steps × 2."""
    s, found = np.zeros(2), []
    for step in range(round(duration / dt)):
        shown = step * dt >= model.SILENT * model.FRAME
        stimulus = 5.2e-4 * 30 * shown * (1 + coherence * np.array([1, -1]))
        excess = 270 * (0.2609 * s - 0.0497 * s[::-1] + 0.3255 + stimulus) - 108
        s = s + dt * (-s / 0.1 + (1 - s) * 0.641 * excess / (1 - np.exp(-0.154 * excess)))
        found.append(s)
    return np.array(found)


def test_the_rate_circuit_follows_the_equations_of_the_paper_written_in_numpy():
    circuit, stimuli = model.circuit("rate").without_noise(), model.evidence("rate", 0.064)
    options = {"duration": 1.6, "window": 0.2, "dt": 1e-3, "record": True, "backend": "numpy"}
    response = simulate(circuit, stimuli, **options)
    ours = model.SATURATION * np.stack([response.traces[side][0, 0] for side in "AB"], axis=-1)
    theirs = reduction(0.064, 1.6, 1e-3)
    assert theirs[-1, 0] > theirs[-1, 1] + 0.4
    np.testing.assert_allclose(ours, theirs, atol=0.02)  # the interneurons' lag of 2 ms
    np.testing.assert_allclose(ours[-1], theirs[-1], atol=2e-3)


def test_steady_states_of_the_reduction():
    assert len(model.steady_states(0, strength=0)) == 5, "rest, two decisions, and a saddle on the way to each"
    states = model.steady_states(0)
    assert len(states) == 3
    assert np.ptp(states, axis=1).min() < 1e-6 < 0.5 < np.ptp(states, axis=1).max()
    assert len(model.steady_states(1.0)) == 1, "full coherence leaves one decision"


def test_the_rate_circuit_decides_and_without_inhibition_both_populations_answer():
    task = model.task("rate")
    circuit = task.circuit(0).without_noise()  # the noise is slow in NumPy
    times = {"duration": task.duration, "window": task.window, "dt": 1e-3}
    intact, ablated = simulate([circuit, ablate(circuit)], task.stimuli, backend="numpy", **times)
    assert task.score(intact) == 1
    assert task.score(ablated) == 0
    assert (model.firing_rates(ablated) > model.THRESHOLD).all()
    assert (task.stimuli[0] <= task.stimuli[1]).all()
    assert task.output(intact)[0] > task.output(intact)[1] + 10, (
        "evidence for B takes the choice of A away: the witness"
    )
    assert task.output(ablated)[0] <= task.output(ablated)[1] + 1


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
