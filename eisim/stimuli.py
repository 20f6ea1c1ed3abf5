"""Stimuli as labelled tables: columns of a pandas DataFrame or an xarray DataArray, matched to inputs by name."""

import warnings
from collections.abc import Sequence

import numpy as np

from eisim.base.errors import InputError
from eisim.base.units import outside, to_si

_DIMENSIONS = (("trial", "input"), ("trial", "time", "input"))


def afferent_names(inputs: Sequence[tuple[str, int]]) -> list[str]:
    """Name of each column of the stimuli: that of the input, ``"x"``, or ``"x[0]"``, ``"x[1]"``, ... by its size."""
    return [name if size == 1 else f"{name}[{k}]" for name, size in inputs for k in range(size)]


def sets_of(stimuli, n: int) -> list:
    """The set of stimuli of each of n circuits.

    What matters is the number of axes, not whether the numbers are nested in lists or in an array. There is one set
    for all circuits: a labelled table, trials × inputs, or trials × time × inputs. Or one set for each: a sequence of n
    arrays or tables, circuits × trials × time × inputs, or nested lists of different lengths, which are no one array.

    Nested lists with three axes of which the first has a length of n are read as the array of these numbers is, as
    trials × time × inputs for all circuits, with a warning: trials × inputs for each may have been meant.
    """
    if is_labelled(stimuli):
        return [stimuli] * n
    if not hasattr(stimuli, "ndim") and not isinstance(stimuli, (list, tuple, str)) and np.iterable(stimuli):
        stimuli = list(stimuli)
    nested = isinstance(stimuli, (list, tuple)) or getattr(getattr(stimuli, "dtype", None), "kind", "") == "O"
    arrays = nested and any(is_labelled(each) or getattr(each, "ndim", 0) > 1 for each in stimuli)
    if not arrays and ((depth := _depth(stimuli)) < 3 or (depth == 3 and _is_regular(stimuli))):
        if nested and depth == 3 and len(stimuli) == n > 1:
            shape = " × ".join(map(str, np.shape(stimuli)))
            warnings.warn(
                f"stimuli: lists of {shape} numbers are read as trials × time × inputs for all {n} circuits; if trials "
                f"× inputs for each are meant, write a list of {n} arrays",
                stacklevel=outside(),
            )
        return [stimuli] * n
    sets = list(stimuli)
    if len(sets) != n:
        raise InputError(f"stimuli: expected one array for each of {n} circuits, found {len(sets)}")
    return sets


def _depth(value) -> int:
    """Number of axes of an array, or of numbers in lists."""
    if isinstance(value, (list, tuple)):
        return 1 + max(map(_depth, value), default=0)
    return getattr(value, "ndim", 0)


def _is_regular(value) -> bool:
    """Whether nested lists are as long as each other."""
    try:
        np.shape(value)
    except ValueError:
        return False
    return True


def is_labelled(stimuli) -> bool:
    """Whether stimuli are a DataFrame or a DataArray."""
    return _is_frame(stimuli) or _is_data_array(stimuli)


def _is_frame(stimuli):
    return hasattr(stimuli, "columns") and hasattr(stimuli, "iloc")


def _is_data_array(stimuli):
    return hasattr(stimuli, "dims") and hasattr(stimuli, "coords") and hasattr(stimuli, "transpose")


def unlabelled(stimuli, inputs: Sequence[tuple[str, int]], what: str):
    """Stimuli as an array in the order of the inputs (name and size of each); what has no labels as it is.

    Columns of a DataFrame have the names of the inputs (`afferent_names`), in any order. A DataArray has the
    dimensions trial and input, or trial, time and input, in any order; a coordinate of the inputs has their names.
    Other names and dimensions are refused; `what` the stimuli are is for the error message.
    """
    names = afferent_names(inputs)
    if is_labelled(stimuli) and len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        why = f"two afferents would have the name {twice!r}"
        raise InputError(f"{what}: expected an array without labels, as {why}, found labels")
    if _is_frame(stimuli):
        _check_names(list(stimuli.columns), names, f"{what}: columns")
        return stimuli[names].to_numpy()
    if _is_data_array(stimuli):
        dims = next((dims for dims in _DIMENSIONS if set(dims) == set(stimuli.dims)), None)
        if dims is None:
            found = ", ".join(map(str, stimuli.dims)) or "none"
            raise InputError(
                f"{what}: expected the dimensions trial and input, or trial, time and input, found {found}"
            )
        if "input" in stimuli.coords:
            _check_names(stimuli["input"].values.tolist(), names, f"{what}: coordinate input")
            stimuli = stimuli.sel(input=names)
        return stimuli.transpose(*dims).to_numpy()
    return stimuli


def checked(stimuli, inputs: Sequence[tuple[str, int]], what: str, in_time: bool = False) -> np.ndarray:
    """Stimuli as an array of trials × inputs, or, if they may vary `in_time`, of trials × time × inputs."""
    stimuli, n = to_si(unlabelled(stimuli, inputs, what), "1", what), sum(size for _, size in inputs)
    if stimuli.ndim not in (2, 2 + in_time) or stimuli.shape[-1] != n:
        shapes = f"(trials, {n})" + in_time * f" or (trials, time, {n})"
        raise InputError(f"{what}: expected shape {shapes}, found {stimuli.shape}")
    return stimuli


def _check_names(found, names, what):
    if len(found) != len(names) or set(found) != set(names):
        raise InputError(f"{what}: expected {', '.join(names)}, found {', '.join(map(str, found)) or 'none'}")
