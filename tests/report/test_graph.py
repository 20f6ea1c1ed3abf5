"""The layout of diagrams."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from eisim.report.graph import _isotonic, layers

NUMBERS = st.floats(-100, 100)
WEIGHTS = st.floats(0.01, 100)


@given(st.lists(st.tuples(NUMBERS, WEIGHTS), min_size=1, max_size=12))
def test_places_are_those_of_isotonic_regression(points):
    values, weights = np.transpose(points)
    np.testing.assert_allclose(
        _isotonic(values, weights), isotonic_regression(values, weights=weights).x, rtol=1e-9, atol=1e-9
    )


@given(st.data(), st.integers(1, 8))
def test_boxes_of_a_loop_share_a_layer_and_all_others_follow_their_sources(data, n):
    box = st.integers(0, n - 1)
    pairs = data.draw(st.lists(st.tuples(box, box), max_size=12))
    layer = layers(n, pairs, [False] * n)
    ends = np.reshape(pairs, (-1, 2)).astype(int).T
    _, loop = connected_components(csr_array((np.ones(len(pairs)), tuple(ends)), shape=(n, n)), connection="strong")
    for source, target in pairs:
        assert layer[source] == layer[target] if loop[source] == loop[target] else layer[source] < layer[target]
