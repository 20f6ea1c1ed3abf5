"""The batch as an axis: how synapses lie in a program's memory, and what many small circuits have together."""

import numpy as np
import pytest
from brian2 import Hz, mV
from hypothesis import given
from hypothesis import strategies as st

from eisim import LIF, Circuit, Input, Population, Projection, Readout, ShortTerm, simulate
from eisim.ablation import ablate
from eisim.simulation import layout
from eisim.simulation.layout import Block, Trials, _few_at_once, _in_copies, _Part, lay_out
from models import brunel
from tests.support.drawn import TIMES, draw_circuit


def test_synapses_of_a_neuron_lie_together_in_the_order_of_its_projections():
    intact = brunel.circuit("spiking", size=0.1)
    batch = [
        Trials(circuit, np.ones((2, circuit.n_inputs)), np.arange(2), np.arange(1), False)
        for circuit in (intact, ablate(intact, 0.5))
    ]
    laid = lay_out(batch, 1e-4)
    blocks, targets = laid.blocks, [p.name for p in intact.populations]
    for bundle, synapses in laid.synapses.items():
        assert (np.diff(synapses.pre) >= 0).all() and synapses.pre.dtype == synapses.post.dtype == np.int32
        assert len({blocks[0, name].group for name in targets}) == 1  # else this would not be of interest
        neuron = synapses.pre[-1]
        mine = np.flatnonzero(synapses.pre == neuron)
        assert len(mine) > 1 and bundle.source == bundle.target
    number = sum(intact.weights(p).nnz for p in intact.projections if p.source in targets)
    assert sum(len(synapses.pre) for synapses in laid.synapses.values()) == 2 * 2 * number


@pytest.mark.parametrize("backend", ["numpy", pytest.param("cpp", marks=pytest.mark.slow)])
def test_the_spikes_are_those_of_projections_one_after_the_other(monkeypatch, backend):
    """Of mixed models, with delays that are equal and that are not."""
    circuits = [draw_circuit("spiking", seed) for seed in range(6)]
    stimuli = np.random.default_rng(0).random((3, 3))
    run = {**TIMES, "record": True, "backend": backend}
    found = simulate(circuits, stimuli, **run)
    monkeypatch.setattr(layout, "_by_source", lambda several: several)
    for ours, theirs in zip(found, simulate(circuits, stimuli, **run), strict=True):
        for name, rates in ours.rates.items():
            assert rates.tobytes() == theirs.rates[name].tobytes()
        for name, spikes in ours.spikes.items():
            for column in ("copy", "neuron", "step"):
                assert getattr(spikes, column).tobytes() == getattr(theirs.spikes[name], column).tobytes()


@st.composite
def parts(draw):
    """Synapses between two blocks, some with one weight, delay or course."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, copies, sizes = draw(st.integers(1, 6)), draw(st.integers(1, 4)), rng.integers(1, 5, 2)
    blocks = [Block("g", int(rng.integers(100)), int(size + rng.integers(3)), int(size)) for size in sizes]
    rows, columns = (rng.integers(0, size, n).astype(np.int32) for size in sizes)
    values = [draw(st.sampled_from([0.25, 1.0, np.full(n, 0.25), rng.choice([0.25, 1.0, 3.0], n)])) for _ in range(2)]
    courses = draw(st.sampled_from([np.int32(0), np.int32(2), rng.integers(0, 3, n).astype(np.int32)]))
    share = draw(st.sampled_from([1.0, 0.5, rng.choice([0.25, 1.0], n)]))
    return _Part(*blocks, copies, rows, columns, *values, courses, share)


@given(st.lists(parts(), min_size=1, max_size=6))
def test_synapses_of_several_circuits_are_those_of_each(chosen):
    together, alone = _in_copies(chosen), [_in_copies([part]) for part in chosen]
    counts = [part.synapses for part in chosen]
    for k, found in enumerate(together):
        expected = [np.broadcast_to(each[k], n) for each, n in zip(alone, counts, strict=True)]
        np.testing.assert_array_equal(np.broadcast_to(found, sum(counts)), np.concatenate(expected))
        assert found.dtype == (float if k in (2, 3, 5) else np.int32)
    for values in together[2:]:
        assert values.ndim == 0 or np.ptp(values) > 0


@given(parts())
def test_a_copy_lies_a_stride_after_the_one_before(part):
    pre, post, *_ = _in_copies([part])
    for numbers, block, within in ((pre, part.source, part.rows), (post, part.target, part.columns)):
        for copy, found in enumerate(np.split(numbers, part.copies)):
            np.testing.assert_array_equal(found, block.start + copy * block.stride + within)


@given(st.lists(parts(), min_size=1, max_size=6), st.integers(1, 40))
def test_parts_are_taken_in_order_and_few_at_once(chosen, most):
    taken = list(_few_at_once(chosen, most))
    assert [part for each in taken for part in each] == chosen and all(taken)
    assert all(len(each) == 1 or sum(part.synapses for part in each) <= most for each in taken)


def test_what_is_added_first_does_not_depend_on_other_circuits():
    """Short-term plasticities of different values onto one variable, alone and beside synapses without."""

    def circuit(*plasticities):
        values = np.random.default_rng(1)
        projections = [
            Projection("in", "E", values.uniform(0, 20, (10, 20)) * mV, plasticity=p, name=f"{n}")
            for n, p in enumerate(plasticities)
        ]
        neurons = Population("E", "E", LIF(threshold=1.0), 20)
        return Circuit("c", [Input("in", 10, rate=150 * Hz)], [neurons], projections, [Readout("E")])

    subject, other = circuit(ShortTerm(0.3, 0.3), ShortTerm(0.7, 0.3)), circuit(None)
    options = {"duration": 0.1, "window": 0.1, "record": {"E": "v"}, "backend": "numpy"}
    alone = simulate(subject, np.ones((1, 10)), **options)
    beside = simulate([other, subject], np.ones((1, 10)), **options)[1]
    assert np.ptp(alone.traces["E"]["v"].values) > 0.01
    np.testing.assert_array_equal(alone.traces["E"]["v"], beside.traces["E"]["v"])
