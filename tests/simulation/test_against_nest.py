"""The same circuits in NEST: spike for spike where nothing is random, within sampling error where it is.

NEST is the extra ``eisim[nest]``. One of its processes simulates all of it.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eisim import (
    LIF,
    Alpha,
    Circuit,
    ConductanceLIF,
    Delta,
    Exponential,
    FixedProbability,
    Independent,
    Input,
    Population,
    Projection,
    simulate,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not importlib.util.find_spec("nest"), reason="NEST is an extra: eisim[nest]"),
]

PEER = Path(__file__).parents[2] / "benchmarks" / "peers" / "circuit_nest.py"
DT, DURATION, DELAY = 0.1e-3, 0.4, 1.5e-3
DRIVE, JUMP = 6000.0, 1e-3


def populations():
    """A recurrent E-I network, neurons with other receptors that it drives, and neurons that noise drives."""

    def cells(name, neuron, n, low, high, sign="E"):
        return Population(name, sign, neuron, n, np.linspace(low, high, n))

    return [
        cells("E", LIF(tau=20e-3), 80, 14e-3, 20e-3),
        cells("I", LIF(), 20, 14e-3, 18e-3, "I"),
        cells("alpha", LIF(excitation=Alpha(2e-3), inhibition=Alpha(4e-3)), 6, 12e-3, 25e-3),
        cells("delta", LIF(excitation=Delta(), inhibition=Delta()), 6, 12e-3, 25e-3),
        cells("conductance", ConductanceLIF(), 6, 0.08e-9, 0.2e-9),
        Population("noise", "E", LIF(excitation=Exponential(2e-3)), 100, 5e-3),
    ]


def circuit():
    """The network of these, with connections drawn at random."""
    scale = {"E": 1e-3, "I": 1e-3, "alpha": 1e-3, "delta": 0.5e-3, "conductance": 0.3e-9}
    projections = [
        Projection(source, target, FixedProbability(0.2, (1 + 4 * (source == "I")) * weight), DELAY)
        for target, weight in scale.items()
        for source in "EI"
    ]
    projections.append(Projection("drive", "noise", Independent(JUMP)))
    return Circuit("c", [Input("drive", 1, DRIVE, train="poisson")], populations(), projections, seed=3)


def described(circuit):
    """The circuit for NEST, in mV, pA, nS, pF and ms; a membrane resistance of 1 GOhm makes a pA of a mV.

    NEST holds a neuron for its refractory time from the end of the step of a spike, Brian2 and eisim from its start.
    """
    groups, first, start = [], {}, 0
    for p in circuit.populations:
        n = p.neuron
        shared = {"E_L": n.rest, "V_th": n.threshold, "V_reset": n.reset, "V_m": n.rest, "t_ref": n.refractory - DT}
        values = {name: 1e3 * value for name, value in shared.items()}
        if isinstance(n, ConductanceLIF):
            model = "iaf_cond_exp"
            values |= {"C_m": n.capacitance * 1e12, "g_L": n.leak * 1e9}
            values |= {"E_ex": 1e3 * n.excitation.reversal, "E_in": 1e3 * n.inhibition.reversal}
            currents = p.bias * 1e12
        else:
            model = {"x": "iaf_psc_exp", "a": "iaf_psc_alpha", "d": "iaf_psc_delta"}[n.excitation.letter]
            values |= {"tau_m": n.tau * 1e3, "C_m": n.tau * 1e3}
            currents = p.bias * 1e3
        if not isinstance(n.excitation, Delta):
            values |= {"tau_syn_ex": n.excitation.tau * 1e3, "tau_syn_in": n.inhibition.tau * 1e3}
        poisson = [DRIVE, JUMP * 1e3] if p.name == "noise" else None
        groups.append({"model": model, "parameters": values, "currents": list(currents), "poisson": poisson})
        first[p.name], start = start, start + p.size
    columns = {"pre": [], "post": [], "weight": [], "delay": []}
    for projection in circuit.projections[:-1]:
        matrix = circuit.weights(projection).tocoo()
        factor = 1e9 if projection.target == "conductance" else 1e3
        columns["pre"] += (matrix.coords[0] + first[projection.source]).tolist()
        columns["post"] += (matrix.coords[1] + first[projection.target]).tolist()
        columns["weight"] += (factor * circuit.sign(projection) * matrix.data).tolist()
        columns["delay"] += [DELAY * 1e3] * matrix.nnz
    return {
        "groups": groups,
        "synapses": columns,
        "duration": DURATION * 1e3,
        "resolution": DT * 1e3,
        "seed": 5,
    }, first


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Our response, and for each population the spikes of NEST: neuron and step."""
    ours, folder = circuit(), tmp_path_factory.mktemp("nest")
    description, first = described(ours)
    (folder / "circuit.json").write_text(json.dumps(description))
    command = [sys.executable, str(PEER), str(folder / "circuit.json"), str(folder / "spikes.npz")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as nest:
        response = simulate(
            ours, [[1.0]], duration=DURATION, window=DURATION, dt=DT, record=True, seed=1, backend="numpy"
        )
    assert nest.returncode == 0
    with np.load(folder / "spikes.npz") as found:
        neuron, step = found["neuron"], found["step"]
    theirs = {}
    for p in ours.populations:
        mine = (neuron >= first[p.name]) & (neuron < first[p.name] + p.size)
        theirs[p.name] = neuron[mine] - first[p.name], step[mine]
    return response, theirs


def trains(neuron, step, size):
    return [np.sort(step[neuron == k]) for k in range(size)]


@pytest.mark.parametrize(
    "name, steps, share",
    [("E", 0, 1.0), ("I", 0, 1.0), ("alpha", 0, 1.0), ("conductance", 1, 1.0), ("delta", 1, 0.85)],
)
def test_spikes_are_those_of_nest(both, name, steps, share):
    """A recurrent network and neurons that it drives.

    NEST integrates conductances otherwise, and adds the jump of a delta synapse before it looks at the threshold, eisim
    (as Brian2) after: mostly a step later, and more where another drive takes the membrane across.
    """
    response, theirs = both
    size, spikes = response.circuit.population(name).size, response.spikes[name]
    ours = trains(spikes.neuron, spikes.step, size)
    assert sum(map(len, ours)) > 3 * size
    apart = []
    for one, other in zip(ours, trains(*theirs[name], size), strict=True):
        assert len(one) == len(other)
        apart.append(np.abs(one - other))
    assert (np.concatenate(apart) <= steps).mean() >= share


def test_rates_and_irregularity_under_noise_agree_within_sampling_error(both):
    """Neurons that do not depend on each other, so that the standard error is that of their spread."""
    response, theirs = both
    spikes = response.spikes["noise"]
    sides = [trains(spikes.neuron, spikes.step, 100), trains(*theirs["noise"], 100)]
    counts = [np.array([len(train) for train in side]) for side in sides]
    irregular = [
        np.array([np.diff(train).std() / np.diff(train).mean() for train in side if len(train) > 5]) for side in sides
    ]
    for ours, other in (counts, irregular):
        assert len(ours) > 50 and len(other) > 50
        error = np.hypot(ours.std() / np.sqrt(len(ours)), other.std() / np.sqrt(len(other)))
        assert abs(ours.mean() - other.mean()) < 3 * error
