"""The times of a trial."""

from eisim.errors import InputError
from eisim.units import scalar_si


def timing(duration, window, dt) -> tuple[float, float, float]:
    """Check the length of a trial, of the read-out window at its end, and of a time step; all in s."""
    duration, window, dt = (
        scalar_si(value, "second", name) for name, value in (("duration", duration), ("window", window), ("dt", dt))
    )
    if dt <= 0:
        raise InputError(f"dt: expected more than 0, found {dt:g} s")
    if not dt <= window <= duration:
        raise InputError(f"window: expected between dt = {dt:g} s and duration = {duration:g} s, found {window:g} s")
    for name, value in (("duration", duration), ("window", window)):
        if abs(value / dt - round(value / dt)) > 1e-6:
            raise InputError(f"{name}: expected a whole number of steps of {dt:g} s, found {value:g} s")
    return duration, window, dt
