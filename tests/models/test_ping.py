import numpy as np
import pytest

from eisim import Circuit, Input, InputError, Population, Theta, ablate, simulate
from eisim.simulation import Response
from models import ping as model
from tests.support.scores import scaled


def run(circuits, task):
    times = {"duration": task.duration, "window": task.window, "dt": task.dt}
    return simulate(circuits, task.stimuli, record=True, backend="numpy", **times)


def test_the_rate_loop_oscillates_above_the_strength_of_theory_only():
    frequency, strength = model.onset()
    assert 30 < frequency < 80
    # The eigenvalue of the loop at the onset, from the delay equation itself.
    z = 2j * np.pi * frequency
    loop = strength * np.exp(-2 * z * model.SYNAPTIC_DELAY)
    assert (1 + z * model.TAU_E) * (1 + z * model.TAU_I) + loop == pytest.approx(0, abs=1e-6)
    task = model.task("rate", quick=True)
    doses = [0.0, 1 - 1.15 * strength / model.LOOP, 1 - 0.85 * strength / model.LOOP, 1.0]
    intact, above, below, ablated = run([ablate(task.circuit(0), dose) for dose in doses], task)
    assert task.score(intact) > 0.5
    assert task.score(above) > 0.2 > 0.05 > task.score(below)
    assert task.score(ablated) == task.bound == task.constant == 0
    assert model.rhythm(*model.activity(above, "E"))[0][0] == pytest.approx(frequency, rel=0.05)
    assert 1e-3 < model.lag_of_inhibition(intact)[0] < 0.25 * 1 / frequency + 5e-3


@pytest.mark.slow
def test_the_spiking_loop_keeps_the_period_of_one_cell_and_loses_its_rhythm_without_inhibition():
    task = model.task("spiking", quick=True)
    intact, ablated = run([task.circuit(0), ablate(task.circuit(0))], task)
    assert task.score(intact) > 0.6
    assert task.score(ablated) < 0.1
    frequency, _ = model.rhythm(*model.activity(intact, "E"))
    assert 1 / frequency[0] == pytest.approx(model.period_of_one_cell(), rel=0.1)
    assert 0 < model.lag_of_inhibition(intact)[0] < 5e-3, "E cells fire before I cells"
    alone = Theta().activation(model.DRIVE)
    assert ablated.rates["E"].mean() == pytest.approx(alone, rel=0.03), "each at its own pace"


@pytest.mark.slow
def test_the_spiking_score_needs_the_loop_and_cells_that_are_alike_need_none():
    task = model.task("spiking", quick=True)
    circuit, alone = task.circuit(0), task.excitatory_only(0)
    assert alone.is_excitatory_only
    scores = [
        task.score(r) for r in run([circuit, alone, scaled(circuit, "E", 0.0), scaled(circuit, "all", 0.0)], task)
    ]
    assert min(scores[:2]) > 2 * task.criterion
    assert scores[2] < 0.1, "without excitation of I"
    assert scores[3] == 0, "silence"


def test_what_only_rises_and_what_is_constant_have_no_rhythm():
    task = model.task("rate", quick=True)
    steps = round(task.duration / task.dt)
    time = np.arange(steps) * task.dt
    traces = [20 + 0 * time, 20 + 100 * (time > 0.74), 20 + 15 * np.sin(2 * np.pi * 40 * time), 0 * time]
    for trace, expected in zip(traces, [0, 0, 0.375, 0], strict=True):
        rates = {"E": trace.mean()[None, None]}
        response = Response(
            task.circuit(0), rates, task.duration, task.window, task.dt, traces={"E": trace[None, None]}
        )
        assert task.score(response) == pytest.approx(expected, abs=0.005)


def test_a_theta_neuron_is_the_quadratic_integrate_and_fire_neuron():
    drive = np.array([0.02, 0.1, 0.5])
    circuit = Circuit("theta", [Input("none")], [Population("E", "E", Theta(), 3, bias=drive, initial=-np.pi)], seed=0)
    silent = np.zeros((1, 1))
    response = simulate(circuit, silent, duration=0.2, window=0.2, dt=0.1e-3, record=True, backend="numpy")
    spikes = response.spikes["E"]
    for neuron, value in enumerate(drive):
        times = (spikes.step[spikes.neuron == neuron] + 1) * response.dt
        expected = np.arange(1, len(times) + 1) * np.pi * 1e-3 / np.sqrt(value)
        np.testing.assert_allclose(times, expected, atol=2e-4, rtol=2e-3)


def test_unknown_kinds_and_receptors_are_refused():
    with pytest.raises(InputError, match="found 'fast'"):
        model.circuit("fast")
    assert model.circuit("spiking").without_noise().kind == "spiking"
    with pytest.raises(InputError, match=r"Theta.excitation: expected Exponential"):
        Theta(excitation=1.0)
