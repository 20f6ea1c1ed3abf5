"""Mixed-integer programs, by HiGHS in SciPy, with the bound that was proved where they are given up."""

import math
from collections.abc import Sequence

import numpy as np

from eisim.base.c_output import on_stderr

#: What a whole number may be missed by.
_TINY = 1e-6


def minimise(
    cost: np.ndarray,
    integral: np.ndarray,
    constraints: Sequence[tuple],
    low: np.ndarray | float = 0.0,
    high: np.ndarray | float = 1.0,
    limit: float = math.inf,
) -> tuple[np.ndarray | None, int]:
    """The best solution that was found, or ``None``, and a bound from below of every whole-numbered cost.

    Parameters
    ----------
    cost : array of shape (variables,)
        Non-negative.
    integral : array of bool, shape (variables,)
    constraints : sequence of (matrix, low, high)
    low, high : array of shape (variables,) or float
    limit : float
        Seconds after which the program is given up.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    with on_stderr():  # HiGHS has lines that it prints unasked
        found = milp(
            cost,
            integrality=np.asarray(integral, dtype=int),
            bounds=Bounds(low, high),
            constraints=[LinearConstraint(*each) for each in constraints],
            options={"time_limit": limit, "mip_rel_gap": 0.0},
        )
    bound = getattr(found, "mip_dual_bound", None)
    known = bound is not None and math.isfinite(bound)
    return found.x, max(0, math.ceil(bound - _TINY)) if known else 0
