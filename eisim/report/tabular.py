"""Contents of numeric files: flat rows, and labelled arrays."""

from collections.abc import Mapping

import numpy as np


def flat(row: Mapping, prefix: str = "") -> dict:
    """The row with the entries of mappings in it as columns of their own: ``{"a": {"b": 1}}`` is ``{"a_b": 1}``."""
    found = {}
    for key, value in row.items():
        found |= flat(value, f"{prefix}{key}_") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


def array(dimensions: str, values, meaning: str = "", units: str = "1") -> tuple:
    """A labelled array as xarray takes it; the names of its dimensions are given in one text."""
    about = {"units": units} | ({"long_name": meaning} if meaning else {})
    return tuple(dimensions.split()), np.asarray(values), about


def names(**labels) -> dict[str, tuple]:
    """Coordinates that are names or numbers without unit, by dimension."""
    return {dimension: ((dimension,), np.array(values), {}) for dimension, values in labels.items()}
