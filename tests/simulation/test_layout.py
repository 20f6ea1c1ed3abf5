"""How a batch is laid out: what many small circuits have together is what each has alone."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eisim.simulation.layout import Block, _few_at_once, _in_copies, _Part


@st.composite
def parts(draw):
    """Synapses between two blocks, some with one weight or delay."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, copies, sizes = draw(st.integers(1, 6)), draw(st.integers(1, 4)), rng.integers(1, 5, 2)
    blocks = [Block("g", int(rng.integers(100)), int(size + rng.integers(3)), int(size)) for size in sizes]
    rows, columns = (rng.integers(0, size, n).astype(np.int32) for size in sizes)
    values = [draw(st.sampled_from([0.25, 1.0, np.full(n, 0.25), rng.choice([0.25, 1.0, 3.0], n)])) for _ in range(2)]
    return _Part(*blocks, copies, rows, columns, *values)


@given(st.lists(parts(), min_size=1, max_size=6))
def test_synapses_of_several_circuits_are_those_of_each(chosen):
    together, alone = _in_copies(chosen), [_in_copies([part]) for part in chosen]
    counts = [part.synapses for part in chosen]
    for k, found in enumerate(together):
        expected = [np.broadcast_to(each[k], n) for each, n in zip(alone, counts, strict=True)]
        np.testing.assert_array_equal(np.broadcast_to(found, sum(counts)), np.concatenate(expected))
        assert found.dtype == (np.int32 if k < 2 else float)
    for values in together[2:]:
        assert values.ndim == 0 or np.ptp(values) > 0


@given(parts())
def test_a_copy_lies_a_stride_after_the_one_before(part):
    pre, post, _, _ = _in_copies([part])
    for numbers, block, within in ((pre, part.source, part.rows), (post, part.target, part.columns)):
        for copy, found in enumerate(np.split(numbers, part.copies)):
            np.testing.assert_array_equal(found, block.start + copy * block.stride + within)


@given(st.lists(parts(), min_size=1, max_size=6), st.integers(1, 40))
def test_parts_are_taken_in_order_and_few_at_once(chosen, most):
    taken = list(_few_at_once(chosen, most))
    assert [part for each in taken for part in each] == chosen and all(taken)
    assert all(len(each) == 1 or sum(part.synapses for part in each) <= most for each in taken)
