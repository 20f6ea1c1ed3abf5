"""How much inhibition do all functions of N inputs need, and which survive without it?"""

from dataclasses import dataclass

from eisim.base.values import Value, count, quantity

#: It simulates circuits of the first of these kinds that is asked for.
KINDS, ONE_KIND = ("spiking", "rate"), True


@dataclass(frozen=True)
class Settings(Value):
    """Settings for ``--set``.

    Attributes
    ----------
    inputs : int
        Number of inputs of the functions.
    levels : int
        Number of fractions of inhibition removed, from 0 to 1.
    sample : int
        Number of functions drawn at random for more than 4 inputs.
    duration, window, dt : quantity
        Duration of a trial, of the read-out window at its end, and of a time step.
    """

    inputs: int = count(4, 1, 5)
    levels: int = count(7, 2, 101)
    sample: int = count(1000, 1, 20_000)
    duration: float = quantity(200e-3, "second", positive=True)
    window: float = quantity(100e-3, "second", positive=True)
    dt: float = quantity(0.5e-3, "second", positive=True)


def run(settings: Settings, kinds, seed, backend, report):
    """Run the census with spiking circuits, or with rate circuits if only these are requested."""
    from eisim.studies.census import measure

    kind = "spiking" if "spiking" in kinds else "rate"
    times = {name: getattr(settings, name) for name in ("duration", "window", "dt")}
    return measure(settings.inputs, settings.levels, settings.sample, kind, times, seed, backend, report)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "census")
