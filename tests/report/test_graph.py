"""The layout of diagrams."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from eisim.report.graph import layers


@given(st.data(), st.integers(1, 8))
def test_boxes_of_a_loop_share_a_layer_and_all_others_follow_their_sources(data, n):
    box = st.integers(0, n - 1)
    pairs = data.draw(st.lists(st.tuples(box, box), max_size=12))
    layer = layers(n, pairs, [False] * n)
    ends = np.reshape(pairs, (-1, 2)).astype(int).T
    _, loop = connected_components(csr_array((np.ones(len(pairs)), tuple(ends)), shape=(n, n)), connection="strong")
    for source, target in pairs:
        assert layer[source] == layer[target] if loop[source] == loop[target] else layer[source] < layer[target]
