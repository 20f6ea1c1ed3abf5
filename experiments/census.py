"""Of all functions of N inputs, which need how much inhibition, and which survive without?"""

from dataclasses import dataclass

import numpy as np

from eisim.base.errors import InputError
from eisim.base.values import Value, quantity

#: Most inputs.
MOST = 5


@dataclass(frozen=True)
class Settings(Value):
    """What ``--set`` can change.

    Attributes
    ----------
    inputs : int
        Number of inputs of the functions.
    levels : int
        Number of fractions of inhibition that are removed, from 0 to 1.
    sample : int
        Number of functions that are drawn at random where there are more than 4 inputs.
    duration, window, dt : quantity
        Length of a trial, of the read-out window at its end, and of a time step.
    """

    inputs: int = 4
    levels: int = 7
    sample: int = 1000
    duration: float = quantity(200e-3, "second", positive=True)
    window: float = quantity(100e-3, "second", positive=True)
    dt: float = quantity(0.5e-3, "second", positive=True)

    def __post_init__(self):
        super().__post_init__()
        for name, least, most in (("inputs", 1, MOST), ("levels", 2, 101), ("sample", 1, 20_000)):
            found = getattr(self, name)
            if not least <= found <= most:
                raise InputError(f"{name}: expected {least} to {most}, found {found}")


def run(settings: Settings, kinds, seed, backend, report):
    """Run the census: spiking circuits, or rate circuits if they alone are asked for."""
    from eisim.studies.census import measure

    kind = "spiking" if "spiking" in kinds else "rate"
    times = {name: getattr(settings, name) for name in ("duration", "window", "dt")}
    return measure(settings.inputs, settings.levels, settings.sample, kind, times, seed, backend, report)


def _groups(census):
    """Pairs of a number of inhibitory neurons and the functions that have so many."""
    return [(int(r), census.inhibitory == r) for r in np.unique(census.inhibitory)]


def to_json(census) -> dict:
    """What ``--json`` prints, beside the seed."""
    from eisim.studies.census import DEDEKIND

    accuracy = census.accuracy
    values, counts = np.unique(census.floor, return_counts=True)
    least = {r: 0 for r in range(3)} | {r: int(mine.sum()) for r, mine in _groups(census)}
    return {
        "inputs": census.n_inputs,
        "kind": census.kind,
        "functions": len(census.values),
        "sampled": census.sampled,
        "computed_intact": int(census.intact.sum()),
        "survive_ablation": int(census.survives.sum()),
        "monotone": int(census.monotone.sum()),
        "dedekind_number": DEDEKIND[census.n_inputs],
        "by_inhibitory_neurons": {str(r): number for r, number in sorted(least.items())},
        "floor": {
            "mean": float(census.floor.mean()),
            "functions_by_floor": {f"{v:g}": int(n) for v, n in zip(values, counts, strict=True)},
        },
        "accuracy": {
            "fraction_removed": census.fractions,
            "mean": accuracy.mean(axis=1),
            "functions_computed": (accuracy == 1).sum(axis=1),
            "mean_by_inhibitory_neurons": {str(r): accuracy[:, mine].mean(axis=1) for r, mine in _groups(census)},
        },
        "circuit": {"neurons": census.neurons, "synapses": census.synapses},
        "problems": census.problems,
    }


def table(census):
    """What the terminal shows."""
    from rich.console import Group

    from eisim.report.terminal import titled_table
    from eisim.studies.census import DEDEKIND

    what = f"{len(census.values):,} random functions" if census.sampled else f"All {len(census.values):,} functions"
    shown = titled_table(f"{what} of {census.n_inputs} inputs, {census.kind}")
    headings = ("inhibitory neurons", "functions", "share", "intact", "survive", "mean floor", "most", "ablated")
    for heading in headings:
        shown.add_column(heading, justify="right", no_wrap=True)
    accuracy = census.accuracy
    for r, mine in [*_groups(census), ("all", np.ones(len(census.values), dtype=bool))]:
        shown.add_row(
            str(r),
            f"{mine.sum():,}",
            f"{mine.mean():.2%}",
            f"{census.intact[mine].sum():,}",
            f"{census.survives[mine].sum():,}",
            f"{census.floor[mine].mean():.3f}",
            f"{census.floor[mine].max():.3f}",
            f"{accuracy[-1, mine].mean():.3f}",
        )
    dedekind = f"the Dedekind number of {census.n_inputs} inputs is {DEDEKIND[census.n_inputs]:,}"
    expected = f"{census.monotone.sum():,} of the sample are monotone; {dedekind}" if census.sampled else dedekind
    return Group(
        shown,
        "",
        f"intact: computed with all inhibition. survive: computed without ({expected}).",
        "floor: least share of patterns that any excitatory-only circuit gets wrong, mean and most of the functions.",
        "ablated: share of patterns that the circuit without inhibition answers correctly.",
        f"One circuit of {census.neurons:,} neurons and {census.synapses:,} synapses (units with the same input are "
        f"one unit) × {census.values.shape[1]} patterns × {len(census.fractions)} levels of ablation.",
    )


def tables(census):
    """Pairs of file name and content."""
    from eisim.base.files import to_netcdf
    from eisim.studies.census import bits

    accuracy = census.accuracy
    header = "truth_table,inhibitory_neurons,floor,computed_intact,survives_ablation," + ",".join(
        f"accuracy_{f:.0%}_removed" for f in census.fractions
    )
    lines = [
        f"{bits(f)},{r},{floor:g},{int(intact)},{int(survives)}," + ",".join(f"{a:g}" for a in levels)
        for f, r, floor, intact, survives, levels in zip(
            census.values, census.inhibitory, census.floor, census.intact, census.survives, accuracy.T, strict=True
        )
    ]
    yield "functions.csv", "\n".join([header, *lines, ""])
    one = {"units": "1"}
    variables = {
        "value": (("function", "pattern"), census.values.astype(np.int8), one | {"long_name": "value of the function"}),
        "computed": (
            ("fraction_removed", "function", "pattern"),
            census.computed.astype(np.int8),
            one | {"long_name": f"answer of the {census.kind} circuit"},
        ),
        "floor": (
            ("function",),
            census.floor,
            one | {"long_name": "least zero-one error of any excitatory-only circuit"},
        ),
        "inhibitory_neurons": (("function",), census.inhibitory.astype(np.int32), one),
    }
    removed = {"units": "1", "long_name": "fraction of inhibition removed"}
    coordinates = {"fraction_removed": (("fraction_removed",), census.fractions, removed)}
    yield "data.nc", to_netcdf(variables, coordinates)


def findings(census):
    """What a page shows."""
    from eisim.report.census_findings import findings

    return findings(census)


def figures(census):
    """Pairs of file name and figure."""
    from eisim.report.function_space import function_space

    yield "function_space.svg", function_space(census)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "census")
