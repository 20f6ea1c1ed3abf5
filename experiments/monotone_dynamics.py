"""Do excitatory-only rate and spiking circuits preserve the order of their inputs over time?"""

from dataclasses import dataclass

from eisim.base import memory
from eisim.base.errors import InputError
from eisim.base.values import Value, count, quantity


@dataclass(frozen=True)
class Settings(Value):
    """Settings for ``--set``.

    Attributes
    ----------
    circuits : int
        Number of random circuits per condition.
    inputs : int
        Number of ordered inputs that each circuit receives.
    population : int
        Number of circuits of each kind in one generation of the search.
    generations : int
        Number of generations of the search.
    duration, window : quantity
        Duration of a trial, and of the read-out window at its end.
    dt, rate_dt : quantity
        Time step of spiking circuits, and of rate circuits.
    """

    circuits: int = count(30, 1, each=20_000)
    inputs: int = count(5, 2)
    population: int = count(60, 1, each=20_000)
    generations: int = count(12, 0)
    duration: float = quantity(300e-3, "second", positive=True)
    window: float = quantity(200e-3, "second", positive=True)
    dt: float = quantity(0.2e-3, "second", positive=True)
    rate_dt: float = quantity(0.5e-3, "second", positive=True)

    def __post_init__(self):
        from eisim.base.timing import Timing
        from eisim.studies.order.rate import TAU

        super().__post_init__()
        circuits = max(self.circuits, self.population)
        memory.check("inputs", circuits * self.inputs * 160.0, f"{self.inputs:,} inputs of {circuits:,} circuits")
        Timing(self.duration, self.window, self.dt)
        try:
            Timing(self.duration, self.duration, self.rate_dt)
        except InputError as error:
            raise InputError(f"rate_dt: {error}") from None
        if self.rate_dt > TAU[0]:
            raise InputError(
                f"rate_dt: expected at most the shortest time constant, {TAU[0] * 1e3:g} ms, "
                f"found {self.rate_dt * 1e3:g} ms"
            )


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment; returns an `eisim.studies.order.result.DynamicsResult`."""
    from eisim.base.timing import Timing
    from eisim.studies.order.result import measure

    timing = Timing(settings.duration, settings.window, settings.dt)
    sizes = settings.circuits, settings.inputs, settings.population, settings.generations
    return measure(*sizes, timing, settings.rate_dt, kinds, seed, backend, report)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "monotone_dynamics")
