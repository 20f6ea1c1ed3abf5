"""The times of a trial."""

from dataclasses import dataclass

from eisim.base.errors import InputError
from eisim.base.units import scalar_si, warn_of_plain

#: Brian2 counts spikes and steps in 32 bits.
MOST_STEPS = 2**31 - 1
#: Plain numbers of this size are hardly meant in s.
_HUGE = {"duration": 100.0, "window": 100.0, "dt": 0.05}


@dataclass(frozen=True)
class Timing:
    """Length of a trial, of the read-out window at its end, and of a time step, in s.

    Duration and window are whole numbers of steps. ``InputError`` for other units, or times that do not fit each other.
    """

    duration: float
    window: float
    dt: float

    def __post_init__(self):
        given = {name: getattr(self, name) for name in ("duration", "window", "dt")}
        for name, value in given.items():
            time = scalar_si(value, "second", name)
            if time <= 0:
                raise InputError(f"{name}: expected more than 0, found {time:g} s")
            object.__setattr__(self, name, time)
        if self.window <= self.duration < self.dt:
            raise InputError(f"dt: expected at most the duration, {self.duration:g} s, found {self.dt:g} s")
        if not self.dt <= self.window <= self.duration:
            raise InputError(
                f"window: expected between dt = {self.dt:g} s and duration = {self.duration:g} s, "
                f"found {self.window:g} s"
            )
        for name in ("duration", "window"):
            steps = getattr(self, name) / self.dt
            if steps > MOST_STEPS or abs(steps - round(steps)) > 1e-6:
                number = f"at most {MOST_STEPS:,}" if steps > MOST_STEPS else "a whole number of"
                found = f"{getattr(self, name):g} s"
                raise InputError(f"{name}: expected {number} steps of {self.dt:g} s, found {found}")
        for name, value in given.items():  # one question for the three: who leaves out one unit leaves out all
            if warn_of_plain(value, "second", name, huge=_HUGE[name]):
                break

    @property
    def steps(self) -> int:
        """Time steps of a trial."""
        return round(self.duration / self.dt)

    def every(self, steps: int) -> range:
        """Every so many of the time steps of a trial, from the first on."""
        return range(0, self.steps, steps)

    @property
    def window_steps(self) -> int:
        """Time steps of the read-out window."""
        return round(self.window / self.dt)
