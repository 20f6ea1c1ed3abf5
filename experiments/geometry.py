"""Which regions of the plane does a circuit lose with its inhibition?"""

from dataclasses import dataclass

from eisim.base.errors import InputError, did_you_mean
from eisim.base.values import Value


@dataclass(frozen=True)
class Settings(Value):
    """Settings for ``--set``; ``--seed`` fixes the initial weights of the trained networks.

    Attributes
    ----------
    regions : str
        Names of regions, separated by commas.
    resolution : int
        Number of cells along each side of the unit square.
    """

    regions: str = "all"
    resolution: int = 100

    def __post_init__(self):
        super().__post_init__()
        if not 4 <= self.resolution <= 160:
            raise InputError(f"resolution: expected from 4 to 160, found {self.resolution}")


def chosen(names: str):
    """The regions with these names; ``"all"`` selects all."""
    from eisim.functions import REGIONS

    if names == "all":
        return list(REGIONS.values())
    asked = [name.strip() for name in names.split(",")]
    for name in asked:
        if name not in REGIONS:
            raise InputError(
                f"regions: expected some of {', '.join(REGIONS)}, found {name!r}{did_you_mean(name, REGIONS)}"
            )
    if len(set(asked)) < len(asked):
        raise InputError(f"regions: expected each region once, found {names!r}")
    return [REGIONS[name] for name in asked]


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment; returns an `eisim.studies.regions.decision_maps.GeometryResult`."""
    regions = chosen(settings.regions)
    from eisim.studies.regions.decision_maps import measure

    return measure(regions, kinds, settings.resolution, seed, backend, report)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "geometry")
