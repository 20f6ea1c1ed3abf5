"""Isotonic regression, against SciPy's."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from eisim.analysis.isotonic import isotonic

NUMBERS = st.floats(-100, 100) | st.sampled_from([0.0, 0.25, 0.5, 1.0])
WEIGHTS = st.floats(0.01, 100)


@given(st.lists(st.tuples(NUMBERS, WEIGHTS), min_size=1, max_size=15))
@example([(1.0, 1.0), (0.1, 1.0), (0.7, 1.0), (0.2, 1.0)])
def test_it_is_scipys_to_the_bit(points):
    values, weights = np.transpose(points)
    np.testing.assert_array_equal(isotonic(values, weights), isotonic_regression(values, weights=weights).x)
    np.testing.assert_array_equal(isotonic(values), isotonic_regression(values).x)
