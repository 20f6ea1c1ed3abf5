"""Scripts of `to_nest` in NEST: spike for spike where nothing is drawn there, else within sampling error.

NEST is the extra ``eisim[nest]``; MPI is tested where NEST was built with it.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from eisim import (
    EIF,
    LIF,
    AdEx,
    AllToAll,
    Alpha,
    Circuit,
    Conductance,
    ConductanceLIF,
    Delta,
    Exponential,
    FixedProbability,
    FixedTotalNumber,
    Gamma,
    GaussianProfile,
    Independent,
    Input,
    Lognormal,
    Normal,
    Population,
    Projection,
    ShortTerm,
    silence,
    simulate,
    to_nest,
)
from eisim.adapter.nest_text import law_of
from eisim.circuit import union
from tests.support.drawn import draw_circuit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not importlib.util.find_spec("nest"), reason="NEST is an extra: eisim[nest]"),
]

DT, DURATION = 0.1e-3, 0.3


def in_nest(circuit, folder, stimulus=None, words=(), before=(), duration=DURATION, dt=DT):
    """Spikes of each population in NEST, as (step, neuron) in order."""
    to_nest(circuit, stimulus, duration=duration, dt=dt).save(folder / "circuit.py")
    command = [*before, sys.executable, folder / "circuit.py", "--out", folder / "spikes.npz", *words]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found = {p.name: [] for p in circuit.populations}
    for file in folder.glob("spikes*.npz"):
        with np.load(file) as spikes:
            for name, events in found.items():
                steps = np.round(spikes[f"{name} time"] / (dt * 1e3)).astype(int) - 1
                events += zip(steps.tolist(), spikes[f"{name} neuron"].tolist(), strict=True)
        file.unlink()
    return {name: sorted(events) for name, events in found.items()}


def in_eisim(circuit, stimulus=None, seed=0, duration=DURATION, dt=DT):
    stimuli = np.ones(circuit.n_inputs) if stimulus is None else np.asarray(stimulus)
    times = {"duration": duration, "window": duration, "dt": dt}
    response = simulate(circuit, stimuli[None], **times, record=True, backend="numpy", seed=seed)
    return {
        p.name: sorted(zip(spikes.step.tolist(), spikes.neuron.tolist(), strict=True))
        for p in circuit.populations
        for spikes in [response.spikes[p.name]]
    }


def check_same(found, expected, least=10):
    for name, spikes in expected.items():
        assert found[name] == spikes, name
    assert sum(map(len, expected.values())) > least * len(expected)


def with_delays(circuit, least):
    """The circuit with delays between neurons that NEST can have."""
    inputs = {i.name for i in circuit.inputs}
    later = [q if q.source in inputs else replace(q, delay=np.maximum(q.delay, least)) for q in circuit.projections]
    return replace(circuit, projections=later)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("moving", [False, True])
def test_drawn_circuits_have_the_same_spikes(tmp_path, moving, threads):
    dt, duration = 0.5e-3, 0.15
    circuit = union([with_delays(draw_circuit("spiking", seed), dt) for seed in range(20)])
    stimulus = np.linspace(0, 1, 6)[:, None] * np.ones(circuit.n_inputs) if moving else None
    found = in_nest(circuit, tmp_path, stimulus, ["--threads", threads], duration=duration, dt=dt)
    check_same(found, in_eisim(circuit, stimulus, duration=duration, dt=dt))


def network(neuron=None, scale=5e-3, inputs=None, more=(), plasticity=None, at_input=None, bias=None, **changes):
    """A recurrent network, with synapses that are given one by one."""
    rng, sizes, neuron = np.random.default_rng(3), {"E": 20, "I": 5}, neuron or LIF()
    bias = np.linspace(5e-3, 17e-3, 20) if bias is None else bias

    def some(n, m):
        return scale * rng.random((n, m)) * (rng.random((n, m)) < 0.4)

    def late(n, m):
        return DT * rng.integers(1, 20, (n, m))

    first = inputs or [Input("x", 5, 200.0)]
    projections = [
        Projection(first[0].name, t, some(first[0].size, n), plasticity=at_input, delay=DT * bool(at_input) * 3)
        for t, n in sizes.items()
    ]
    for a, n in sizes.items():
        projections += [Projection(a, b, some(n, m), late(n, m), plasticity=plasticity) for b, m in sizes.items()]
    populations = [
        Population("E", "E", neuron, 20, bias, **changes),
        Population("I", "I", neuron, 5, bias[15:] if np.ndim(bias) else bias),
    ]
    return Circuit("network", first, populations, [*projections, *more], seed=1)


JUMPING = LIF(tau=20e-3, excitation=Delta(), inhibition=Delta())
SPREAD = {"tau": 2e-3, "threshold": 2e-3, "refractory": 0.5e-3}
EXACT = {
    "alpha": network(LIF(excitation=Alpha(2e-3), inhibition=Alpha(4e-3))),
    "equal times": network(LIF(tau=10e-3, excitation=Exponential(10e-3))),
    "delta": network(JUMPING, 3e-3),
    "delta without refractoriness": network(replace(JUMPING, refractory=0.0), 3e-3),
    "delta of neurons that differ": network(JUMPING, 3e-3, spread=SPREAD),
    "neurons that differ": network(spread=SPREAD | {"rest": 1e-3, "reset": 1e-3}),
    "neurons that differ far from the defaults of NEST": network(
        LIF(rest=0.0, threshold=15e-3, reset=10e-3), spread=SPREAD | {"reset": 0.5e-3}
    ),
    "delta far from the defaults": network(
        LIF(rest=0.0, threshold=15e-3, reset=10e-3, excitation=Delta(), inhibition=Delta()), 3e-3, spread=SPREAD
    ),
    "initial": network(initial=np.linspace(-75e-3, -51e-3, 20)),
    "short-term": network(plasticity=ShortTerm(0.4, 0.2, 0.1), scale=8e-3),
    "short-term from an input": network(at_input=ShortTerm(0.4, 0.2), scale=15e-3),
    "silenced": silence(network(), 0.4),
    "given": network(inputs=[Input("g", 3, spikes=([0, 1, 2, 2], [3e-3, 3.1e-3, 20e-3, 20.1e-3]))], scale=15e-3),
}


def test_networks_without_chance_have_the_same_spikes(tmp_path):
    circuit = union(list(EXACT.values()))
    note = to_nest(circuit).note
    assert note.startswith("Exact")
    found, expected = in_nest(circuit, tmp_path), in_eisim(circuit)
    for k, kind in enumerate(EXACT):
        for name in "EI":
            assert found[f"{k}/{name}"] == expected[f"{k}/{name}"], kind
        assert len(expected[f"{k}/E"]) > 20, kind


@pytest.mark.parametrize("neuron, frames", [(LIF(), None), (LIF(), 6), (LIF(), 60), (JUMPING, None), (JUMPING, 6)])
def test_injected_currents_act_from_the_same_step_on(tmp_path, neuron, frames):
    rng = np.random.default_rng(4)
    more = [Projection("electrode", "E", rng.random((2, 20)) * (rng.random((2, 20)) < 0.8))]
    circuit = network(neuron, 3e-3, [Input("x", 5, 200.0), Input("electrode", 2, current=8e-3)], more)
    stimulus = None
    if frames:
        stimulus = np.column_stack([rng.choice([0, 0.5, 1], (frames, 5)), rng.normal(0.5, 1, (frames, 2))])
    found, expected = in_nest(circuit, tmp_path, stimulus), in_eisim(circuit, stimulus)
    if frames and neuron is JUMPING:  # a few neurons are refractory while the drive changes
        assert {name: len(spikes) for name, spikes in found.items()} == pytest.approx(
            {name: len(spikes) for name, spikes in expected.items()}, rel=0.05
        )
        found, expected = (
            {name: [(step, k) for step, k in side[name] if step <= 3000 // frames] for name in side}
            for side in (found, expected)
        )
    check_same(found, expected, least=1)


def test_synapses_that_eisim_draws_are_the_same(tmp_path):
    populations = [Population("E", "E", LIF(), 12, 16e-3), Population("I", "I", LIF(), 12, 13e-3)]
    projections = [
        Projection("x", "E", AllToAll(5e-3)),
        Projection("x", "I", FixedTotalNumber(20, 3e-3)),
        Projection("E", "I", AllToAll(1e-3), 1e-3),
        Projection("I", "E", GaussianProfile(1.0, 0.2, 3e-3), 2e-3),
        Projection("E", "E", AllToAll(1e-3, autapses=False), 3e-4),
        Projection("I", "I", AllToAll(Gamma(1e-3, 3e-4)), Gamma(2e-3, 1e-3)),
    ]
    circuit = Circuit("rules", [Input("x", 4, 300.0)], populations, projections, seed=3)
    check_same(in_nest(circuit, tmp_path), in_eisim(circuit))


@pytest.mark.parametrize(
    "neuron",
    [
        ConductanceLIF(),
        ConductanceLIF(excitation=Conductance(0.0, 5e-3, 1e-3), inhibition=Conductance(-80e-3, 10e-3, 2e-3)),
    ],
    ids=["jump", "rise"],
)
def test_conductances_give_the_same_spikes_within_a_step(tmp_path, neuron):
    """Without recurrent synapses, so that differences of rounding stay small."""
    rng = np.random.default_rng(5)
    circuit = Circuit(
        "conductances",
        [Input("x", 5, 200.0)],
        [Population("E", "E", neuron, 20, np.linspace(0.1e-9, 0.2e-9, 20))],
        [Projection("x", "E", 3e-9 * rng.random((5, 20)))],
    )
    found, expected = in_nest(circuit, tmp_path)["E"], in_eisim(circuit)["E"]
    assert len(found) == len(expected) > 200

    def trains(spikes):
        return np.array(sorted((neuron, step) for step, neuron in spikes))

    assert np.abs(trains(found) - trains(expected)).max() <= 1


@pytest.mark.parametrize(
    "neuron, unit",
    [
        (AdEx(), 0.18e-9),
        (AdEx("bursting"), 0.18e-9),
        (EIF(), 1e-3),
        (EIF(initial={"v": -60e-3, "I_e": 15e-3, "I_i": -5e-3}), 1e-3),
    ],
)
def test_exponential_neurons_agree_as_steps_become_short(tmp_path, neuron, unit):
    """NEST integrates them in adaptive steps, eisim by Euler's method."""
    rng = np.random.default_rng(6)
    excites, inhibits = (unit * (1 + 4 * (unit < 1e-6)) * rng.random((n, 10)) for n in (4, 2))
    populations = [Population("E", "E", neuron, 10, unit * np.linspace(5, 10, 10))]
    populations += [Population("I", "I", LIF(), 2, 16e-3)]
    projections = [Projection("x", "E", excites), Projection("I", "E", inhibits, 1e-3)]
    circuit = Circuit("exponential", [Input("x", 4, 100.0)], populations, projections)
    errors = []
    for dt in (100e-6, 20e-6):
        sides = [in_nest(circuit, tmp_path, dt=dt)["E"], in_eisim(circuit, dt=dt)["E"]]
        found, expected = (np.bincount([k for _, k in side], minlength=10) for side in sides)
        assert expected.sum() > 50 and np.abs(found - expected).sum() < 0.04 * expected.sum()
        first = [np.array([min(step for step, j in side if j == k) for k in range(10)]) * dt for side in sides]
        errors.append(np.abs(first[0] - first[1]).mean())
    assert errors[1] < 0.5 * errors[0] < 1e-3


def test_noise_and_poisson_drive_have_the_same_statistics(tmp_path):
    """Neurons without synapses among them, so that the standard error is that of their spread."""
    n = 150
    kinds = {
        "noise": (LIF(noise=5e-3), 10e-3, None),
        "drive": (LIF(excitation=Exponential(2e-3)), 5e-3, 1e-3),
        "delta": (JUMPING, 4e-3, 0.2e-3),
        "conductance": (ConductanceLIF(noise=3e-3), 0.05e-9, 0.5e-9),
        "shared": (LIF(excitation=Exponential(2e-3)), 8e-3, None),
    }
    populations = [Population(name, "E", neuron, n, bias) for name, (neuron, bias, _) in kinds.items()]
    projections = [Projection("d", name, Independent(weight)) for name, (*_, weight) in kinds.items() if weight]
    projections += [Projection("p", "shared", FixedProbability(0.1, 2e-3))]
    inputs = [Input("d", 1, 6000.0, train="poisson"), Input("p", 100, 200.0, train="poisson")]
    circuit = Circuit("noisy", inputs, populations, projections, seed=2)
    sides = [in_nest(circuit, tmp_path, duration=1.0), in_eisim(circuit, duration=1.0)]
    for name in kinds:
        counts, irregular = [], []
        for side in sides:
            steps, neurons = np.array(side[name]).T
            counts.append(np.bincount(neurons, minlength=n))
            trains = [np.diff(steps[neurons == k]) for k in range(n)]
            irregular.append([train.std() / train.mean() for train in trains if len(train) > 5])
        assert np.mean(counts[1]) > 8, name
        assert stats.ttest_ind(*counts, equal_var=False).pvalue > 0.001, name
        assert stats.ttest_ind(*irregular, equal_var=False).pvalue > 0.001, name


def test_what_nest_draws_has_the_moments_of_the_distribution(tmp_path):
    laws = [Normal(1e-3, 1e-3), Normal(1e-3, 0.5e-3, 0.8e-3), Lognormal(1e-3, 2e-3), Normal(2e-3, 1e-6)]
    texts = [law_of(law, factor) for law in laws for factor in (1e3, -1e3)]
    file = tmp_path / "draw.py"
    file.write_text(
        "import json, nest, numpy as np\n"
        f"laws = [{', '.join(texts)}]\n"
        "drawn = [[law.GetValue() for _ in range(20_000)] for law in laws]\n"
        "print('\\n' + json.dumps([[np.mean(d), np.std(d), min(map(abs, d))] for d in drawn]))\n"
    )
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=True)
    for k, (mean, sd, least) in enumerate(json.loads(done.stdout.splitlines()[-1])):
        law, sign = laws[k // 2], (-1) ** k
        expected = 1e3 * np.array(law.moments)
        assert abs(sign * mean - expected[0]) < 4 * expected[1] / np.sqrt(20_000)
        assert sd == pytest.approx(expected[1], rel=0.15 if isinstance(law, Lognormal) else 0.03)
        assert least > 1e3 * getattr(law, "minimum", 0.0)


def test_two_processes_do_what_two_threads_do(tmp_path):
    said = subprocess.run(
        [sys.executable, "-c", "import nest; print('MPI:', nest.build_info['have_mpi'])"],
        capture_output=True,
        text=True,
        check=True,
    )
    if "MPI: True" not in said.stdout or not shutil.which("mpirun"):
        pytest.skip("NEST was not built with MPI")
    jumping = replace(JUMPING, noise=0.5e-3)
    circuits = [network(plasticity=ShortTerm(0.4, 0.2), scale=8e-3), network(jumping, 3e-3, spread=SPREAD)]
    populations = [Population(name, name, LIF(), 30, 15e-3, Normal(-60e-3, 3e-3)) for name in "EI"]
    rules = [Projection(a, b, FixedProbability(0.2, Normal(1e-3, 5e-4)), 1e-3) for a in "EI" for b in "EI"]
    inputs = [Input("p", 4, 300.0, train="poisson"), Input("d", 1, 3000.0, train="poisson")]
    rules += [Projection("p", "E", FixedProbability(0.5, 2e-3)), Projection("d", "I", Independent(1e-3))]
    circuit = union([*circuits, Circuit("drawn", inputs, populations, rules)])
    stimulus = np.array([[1.0], [0.3], [1.0]]) * np.ones(circuit.n_inputs)
    processes = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", 2]
    for given in (None, stimulus):
        found = in_nest(circuit, tmp_path, given, before=processes)
        check_same(found, in_nest(circuit, tmp_path, given, ["--threads", 2]))
