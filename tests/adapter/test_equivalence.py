"""The equivalent DNNs against Brian2, on randomly drawn circuits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eisim import Circuit, Input, InputError, Population, Projection, Readout, Saturating, ablate, simulate, to_dnn
from eisim.circuit import union
from tests.support.drawn import DT, TIMES, draw_circuit, seeds, stimuli

pytestmark = pytest.mark.slow


def outputs(response, step_count):
    """What every unit did: steps × trials × units, rates in Hz or spikes."""
    circuit = response.circuit
    if circuit.kind == "rate":
        return np.moveaxis(np.concatenate([response.traces[p.name] for p in circuit.populations], axis=1), 2, 0)
    parts = []
    for p in circuit.populations:
        spikes = response.spikes[p.name]
        raster = np.zeros((step_count, *response.rates[p.name].shape), dtype=bool)
        raster[spikes.step, spikes.copy, spikes.neuron] = True
        parts.append(raster)
    return np.concatenate(parts, axis=2)


def compare(circuits, arrays, backend):
    """Simulate all circuits in one batch and hold each against its unrolled DNN; returns the activity seen."""
    responses = simulate(circuits, arrays, record=True, backend=backend, **TIMES)
    seen = []
    for circuit, array, response in zip(circuits, arrays, responses, strict=True):
        dnn = to_dnn(circuit, unrolled=True, **TIMES)
        ours = np.stack(list(dnn.layers(array)))
        theirs = outputs(response, len(ours))
        if circuit.kind == "rate":
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)
        else:
            np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_allclose(dnn(array), response.readouts, atol=1e-9)
        seen.append(theirs.sum())
    return seen


@pytest.mark.parametrize("kind", ["rate", "spiking"])
@given(seed=seeds, array=stimuli)
@settings(max_examples=5)
def test_unrolled_dnn_equals_brian2_on_numpy(kind, seed, array):
    circuits = [draw_circuit(kind, seed + k) for k in range(4)]
    compare(circuits, [np.array(array)] * 4, "numpy")


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_unrolled_dnn_equals_brian2_in_cpp(kind):
    rng = np.random.default_rng(0)
    circuits = [draw_circuit(kind, seed) for seed in range(40)]
    seen = compare(circuits, [rng.random((3, 3)) for _ in circuits], "cpp")
    assert np.count_nonzero(seen) > 30  # silence would prove little


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_unrolled_dnn_equals_brian2_for_moving_stimuli(kind):
    rng = np.random.default_rng(1)
    circuits = [draw_circuit(kind, seed) for seed in range(6)]
    compare(circuits, [rng.random((2, 5, 3)) for _ in circuits], "numpy")


@given(seed=seeds)
def test_static_dnn_is_the_fixed_point_of_feed_forward_rate_circuits(seed):
    circuit = draw_circuit("rate", seed, feed_forward=True, delays=False)
    array = np.random.default_rng(seed).random((3, 3))
    response = simulate(circuit, array, duration=1.0, window=DT, dt=DT, backend="numpy")
    np.testing.assert_allclose(to_dnn(circuit)(array), response.readouts, atol=1e-6)


def test_static_dnn_of_a_recurrent_circuit_is_where_it_settles():
    unit = Saturating(gain=1.0, maximum=100.0)
    circuit = Circuit(
        "loop",
        [Input("x")],
        [Population("e", "E", unit), Population("i", "I", unit)],
        [Projection("x", "e", 1.0), Projection("e", "e", 0.4), Projection("e", "i", 1.0), Projection("i", "e", 0.9)],
        [Readout("e")],
    )
    rate = to_dnn(circuit)([[0.5]]).item()
    assert rate == pytest.approx(50 / (1 - 0.4 + 0.9), abs=1e-6)  # r = 50 + 0.4 r - 0.9 r
    response = simulate(circuit, [[0.5]], duration=1.0, window=0.01, dt=1e-3, backend="numpy")
    assert response.readouts.item() == pytest.approx(rate, abs=1e-6)


def test_static_dnn_says_when_there_is_no_fixed_point():
    unit = Saturating(gain=50.0, threshold=10.0)
    circuit = Circuit("loop", [Input("x")], [Population("i", "I", unit)], [Projection("i", "i", 1.0)], [Readout("i")])
    circuit = Circuit("loop", circuit.inputs, [Population("i", "I", unit, 1, 50.0)], circuit.projections)
    with pytest.raises(ArithmeticError, match="no fixed point within reach"):
        to_dnn(circuit).rates([[1.0]])


@given(seed=seeds, kind=st.sampled_from(["rate", "spiking"]), excitatory_only=st.booleans())
def test_nonnegative_means_excitatory_only(seed, kind, excitatory_only):
    circuit = draw_circuit(kind, seed, excitatory_only=excitatory_only)
    for c in (circuit, ablate(circuit), ablate(circuit, 0.3)):
        for dnn in (to_dnn(c), to_dnn(c, unrolled=True, **TIMES)):
            assert dnn.is_nonnegative == c.is_excitatory_only


@given(seed=seeds)
def test_excitatory_only_rate_circuits_keep_order_at_every_step(seed):
    circuit = draw_circuit("rate", seed, excitatory_only=True)
    rng = np.random.default_rng(seed)
    lower = rng.random((4, 3))
    upper = lower + rng.random((4, 3)) * (rng.random((4, 3)) < 0.5)
    dnn = to_dnn(circuit, unrolled=True, **TIMES)
    for below, above in zip(dnn.layers(lower), dnn.layers(upper), strict=True):
        assert (below <= above + 1e-9).all()


def test_union_is_the_circuits_side_by_side():
    circuits = [draw_circuit("rate", 1), draw_circuit("rate", 2)]
    arrays = [np.random.default_rng(k).random((2, 3)) for k in range(2)]
    together = to_dnn(union(circuits), unrolled=True, **TIMES)(np.hstack(arrays))
    apart = [to_dnn(c, unrolled=True, **TIMES)(a) for c, a in zip(circuits, arrays, strict=True)]
    np.testing.assert_allclose(together, np.hstack(apart), atol=1e-9)


def test_bad_input_is_named():
    circuit = draw_circuit("rate", 0)
    with pytest.raises(InputError, match=r"expected shape \(trials, 3\), found \(2, 2\)"):
        to_dnn(circuit)(np.ones((2, 2)))
    with pytest.raises(InputError, match="finite numbers, found nan"):
        to_dnn(circuit)([[0, np.nan, 0]])
    with pytest.raises(InputError, match="expected a Circuit"):
        to_dnn("xor")
