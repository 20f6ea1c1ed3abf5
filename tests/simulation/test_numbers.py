"""The same seed gives the same bits, whatever is around: processes, threads, the cache, the batch, the workers."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from eisim import Logistic, PowerLaw, ShortTerm, ThresholdLinear, simulate, to_dnn
from tests.support import digests, every
from tests.support.drawn import draw_circuit

pytestmark = pytest.mark.slow


def run(kind, backend="cpp", **more):
    """The numbers of a circuit with every model of its kind."""
    arguments = {"seed": [3, 4], "record": True, "backend": backend} | every.TIMES | more
    return every.numbers(simulate(every.CIRCUITS[kind](), every.STIMULI[kind], **arguments))


def assert_same(found, expected):
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)


@pytest.fixture(scope="module")
def compiled():
    """What compiled programs compute of each kind, the first time."""
    return {kind: run(kind) for kind in every.CIRCUITS}


@pytest.fixture(scope="module")
def on_numpy():
    """What Brian2's NumPy target computes of each kind."""
    return {kind: run(kind, "numpy") for kind in every.CIRCUITS}


def test_everything_is_active(on_numpy):
    """Or the comparisons below would compare silence."""
    for kind, found in on_numpy.items():
        for name, values in found.items():
            if not name.endswith("of drive"):
                assert values.any(), f"{kind}: {name}"


@pytest.mark.parametrize("kind", every.CIRCUITS)
def test_cold_and_warm_cache_give_the_same_bits(compiled, kind):
    assert_same(run(kind), compiled[kind])


@pytest.mark.parametrize("kind", every.CIRCUITS)
def test_both_backends_give_the_same_spikes_and_rates_to_rounding(compiled, on_numpy, kind):
    """Rounding: NumPy has powers and cosines of its own on some processors."""
    for name, values in compiled[kind].items():
        np.testing.assert_allclose(on_numpy[kind][name], values, rtol=1e-12, atol=1e-12, err_msg=name)


def test_both_backends_give_the_same_bits_without_powers():
    """Exponentials and logarithms are our own (`eisim.base.elementary`)."""
    circuit = every.rate()
    own = [replace(p, neuron=Logistic()) if isinstance(p.neuron, PowerLaw) else p for p in circuit.populations]
    options = {"seed": [3, 4], "record": True} | every.TIMES
    with_numpy, in_cpp = (
        every.numbers(simulate(replace(circuit, populations=own), every.STIMULI["rate"], backend=backend, **options))
        for backend in ("numpy", "cpp")
    )
    assert_same(in_cpp, with_numpy)


def test_another_process_with_other_threads_and_hashes_gives_the_same_bits(compiled):
    """Simulations, all experiments, training and proofs."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-m", "tests.support.digests"]
    environment = os.environ | threads | {"PYTHONHASHSEED": "12345"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as other:
        with threadpool_limits(2):
            here = digests.everything()
        assert json.loads(other.communicate()[0]) == here


# batches


def others(kind):
    """Circuits whose parameters, synapses and stimuli are others, before and after."""
    first, last = draw_circuit(kind, 1), every.CIRCUITS[kind](seed=9)
    if kind == "spiking":
        last = replace(
            last,
            projections=[
                replace(p, plasticity=ShortTerm(0.2, 0.1)) if p.source == "noisy" and p.target == "quiet" else p
                for p in last.projections
            ],
        )
    return first, last


@pytest.mark.parametrize("kind", every.CIRCUITS)
def test_what_else_is_in_the_batch_does_not_matter(on_numpy, kind):
    """Other circuits, other seeds, more trials, and whether it is recorded."""
    first, last = others(kind)
    stimuli = every.STIMULI[kind]
    arrays = [np.ones((2, 3)), np.vstack([stimuli, stimuli]), stimuli[:1]]
    batch = simulate(
        [first, every.CIRCUITS[kind](), last],
        arrays,
        seed=[[0, 1], [8, 3, 4], [7]],
        record=[False, True, True],
        backend="numpy",
        **every.TIMES,
    )[1]
    for name, values in batch.rates.items():
        np.testing.assert_array_equal(values[1:, :3], on_numpy[kind][f"rates of {name}"], err_msg=name)
    for name, values in batch.traces.items():
        np.testing.assert_array_equal(values[1:, :3], on_numpy[kind][f"trace of {name}"], err_msg=name)
    for name, spikes in batch.spikes.items():
        seed, trial = np.divmod(spikes.copy, 6)
        mine = (seed > 0) & (trial < 3)
        found = np.stack([(seed[mine] - 1) * 3 + trial[mine], spikes.neuron[mine], spikes.step[mine]])
        found = found[:, np.lexsort((found[1], found[2], found[0]))]
        np.testing.assert_array_equal(found, on_numpy[kind][f"spikes of {name}"], err_msg=name)


@pytest.mark.parametrize("kind", every.CIRCUITS)
def test_order_of_trials_and_recording_do_not_matter(kind):
    """Without noise: the noise of a trial depends on its number."""
    circuit = every.CIRCUITS[kind]().without_noise()
    if kind == "spiking":
        circuit = replace(circuit, projections=[p for p in circuit.projections if p.source not in ("y", "drive")])
    order = np.array([2, 0, 1])
    stimuli = every.STIMULI[kind]
    straight, turned = simulate(
        [circuit, circuit], [stimuli, stimuli[order]], record=[True, False], backend="numpy", **every.TIMES
    )
    for name, values in straight.rates.items():
        np.testing.assert_array_equal(values[order], turned.rates[name], err_msg=name)


@pytest.mark.parametrize("feed_forward", [True, False])
def test_a_dnn_maps_each_stimulus_as_it_does_alone(feed_forward):
    """In a feed-forward network, and where a recurrent one settles."""
    circuit = draw_circuit("rate", 4, feed_forward=feed_forward, delays=False)
    circuit = replace(circuit, populations=[replace(p, neuron=ThresholdLinear(gain=0.1)) for p in circuit.populations])
    stimuli = np.random.default_rng(0).random((5, 3))
    dnn = to_dnn(circuit)
    assert dnn.recurrent != feed_forward
    together = dnn(stimuli)
    for k in range(5):
        np.testing.assert_array_equal(dnn(stimuli[k : k + 1])[0], together[k])
