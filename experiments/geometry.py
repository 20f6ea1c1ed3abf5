"""Which regions of the plane does a circuit lose with its inhibition?"""

from dataclasses import dataclass
from typing import Literal

from eisim.base.errors import InputError
from eisim.base.values import ByName, Value, count


@dataclass(frozen=True)
class Settings(Value):
    """Settings for ``--set``; ``--seed`` fixes the initial weights of the trained networks.

    Attributes
    ----------
    regions : str
        Names of regions, separated by commas.
    resolution : int
        Number of cells along each side of the unit square.
    controls : {"all", "none"}
        Whether the full ablation is controlled: readout re-fitted, excitation scaled to compensate, and shams. Without
        them no reason of a loss is known.
    """

    regions: str = "all"
    resolution: int = count(100, 4, 160)
    controls: Literal["all", "none"] = "all"


def chosen(names: str):
    """The regions with these names; ``"all"`` selects all."""
    from eisim.functions import REGIONS

    known = ByName("regions", REGIONS)
    asked = [*known] if names == "all" else [name.strip() for name in names.split(",")]
    if len(set(asked)) < len(asked):
        raise InputError(f"regions: expected each region once, found {names!r}")
    return [known[name] for name in asked]


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment; returns an `eisim.studies.regions.decision_maps.GeometryResult`."""
    regions = chosen(settings.regions)
    from eisim.studies.regions.decision_maps import measure

    return measure(regions, kinds, settings.resolution, seed, backend, settings.controls == "all", report)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "geometry")
