"""Where does the theorem stop, and how much does each mechanism take?"""

from dataclasses import dataclass

from eisim.base.values import Value, count


@dataclass(frozen=True)
class Settings(Value):
    """Settings for ``--set``.

    Attributes
    ----------
    pairs : int
        Number of ordered pairs of inputs that are drawn at each dose of a mechanism.
    """

    pairs: int = count(200, 1, 100_000)


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment; returns an `eisim.studies.limits.limit.LimitsResult`."""
    from eisim.studies.limits import rates, spikes
    from eisim.studies.limits.limit import measure

    limits = (*rates.limits(), *spikes.limits())
    return measure(limits, settings.pairs, kinds, seed, backend, report)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "limits")
