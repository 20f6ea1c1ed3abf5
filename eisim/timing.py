"""The times of a trial."""

from dataclasses import dataclass

from eisim.errors import InputError
from eisim.units import scalar_si, warn_of_plain


@dataclass(frozen=True)
class Timing:
    """Length of a trial, of the read-out window at its end, and of a time step.

    Attributes
    ----------
    duration, window, dt : quantity
        In s; duration and window are whole numbers of steps.

    Raises
    ------
    InputError
        For other units, or times that do not fit each other.
    """

    duration: float
    window: float
    dt: float

    def __post_init__(self):
        warn_of_plain(self.duration, "second", "duration", huge=100.0)
        for name in ("duration", "window", "dt"):
            object.__setattr__(self, name, scalar_si(getattr(self, name), "second", name))
        if self.dt <= 0:
            raise InputError(f"dt: expected more than 0, found {self.dt:g} s")
        if not self.dt <= self.window <= self.duration:
            raise InputError(
                f"window: expected between dt = {self.dt:g} s and duration = {self.duration:g} s, "
                f"found {self.window:g} s"
            )
        for name in ("duration", "window"):
            steps = getattr(self, name) / self.dt
            if abs(steps - round(steps)) > 1e-6:
                raise InputError(
                    f"{name}: expected a whole number of steps of {self.dt:g} s, found {getattr(self, name):g} s"
                )

    @property
    def steps(self) -> int:
        """Time steps of a trial."""
        return round(self.duration / self.dt)

    @property
    def window_steps(self) -> int:
        """Time steps of the read-out window."""
        return round(self.window / self.dt)
