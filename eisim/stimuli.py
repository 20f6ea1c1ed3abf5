"""Stimuli as labelled tables: columns of a pandas DataFrame or an xarray DataArray, matched to inputs by name."""

from collections.abc import Sequence

from eisim.errors import InputError

_DIMENSIONS = (("trial", "input"), ("trial", "time", "input"))


def afferent_names(inputs: Sequence[tuple[str, int]]) -> list[str]:
    """Name of each column of the stimuli: that of the input, ``"x"``, or ``"x[0]"``, ``"x[1]"``, ... if it has more.

    Parameters
    ----------
    inputs : sequence of (str, int)
        Name and size of each input.
    """
    return [name if size == 1 else f"{name}[{k}]" for name, size in inputs for k in range(size)]


def is_labelled(stimuli) -> bool:
    """Whether stimuli are a DataFrame or a DataArray."""
    return _is_frame(stimuli) or _is_data_array(stimuli)


def _is_frame(stimuli):
    return hasattr(stimuli, "columns") and hasattr(stimuli, "iloc")


def _is_data_array(stimuli):
    return hasattr(stimuli, "dims") and hasattr(stimuli, "coords") and hasattr(stimuli, "transpose")


def unlabelled(stimuli, inputs: Sequence[tuple[str, int]], what: str):
    """Stimuli as an array in the order of the inputs; what has no labels is returned as it is.

    Parameters
    ----------
    stimuli : DataFrame, DataArray or array_like
        Columns of a DataFrame have the names of the inputs (`afferent_names`), in any order. A DataArray has the
        dimensions trial and input, or trial, time and input, in any order; a coordinate of the inputs has their names.
    inputs : sequence of (str, int)
        Name and size of each input.
    what : str
        What the stimuli are, for the error message.

    Raises
    ------
    InputError
        For other names or dimensions.
    """
    names = afferent_names(inputs)
    if _is_frame(stimuli):
        _check_names(list(stimuli.columns), names, f"{what}: columns")
        return stimuli[names].to_numpy()
    if _is_data_array(stimuli):
        dims = next((dims for dims in _DIMENSIONS if set(dims) == set(stimuli.dims)), None)
        if dims is None:
            raise InputError(
                f"{what}: expected the dimensions trial and input, or trial, time and input, "
                f"found {', '.join(map(str, stimuli.dims)) or 'none'}"
            )
        if "input" in stimuli.coords:
            _check_names(stimuli["input"].values.tolist(), names, f"{what}: coordinate input")
            stimuli = stimuli.sel(input=names)
        return stimuli.transpose(*dims).to_numpy()
    return stimuli


def _check_names(found, names, what):
    if len(found) != len(names) or set(found) != set(names):
        raise InputError(f"{what}: expected {', '.join(names)}, found {', '.join(map(str, found)) or 'none'}")
