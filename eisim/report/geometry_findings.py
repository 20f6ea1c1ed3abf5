"""What the experiment on geometry found, for its page."""

from eisim.report import proof
from eisim.report.circuit import circuit_picture
from eisim.report.findings import Column, Explanation, Findings, PageTable, Picture
from eisim.report.geometry import SYSTEM_NAMES, drawn_circuit, drawn_system
from eisim.report.wording import answer, count, listing
from eisim.studies.curves import described
from eisim.studies.regions.decision_maps import CONDITIONS, KEPT, GeometryResult, RegionResult

LABELS = {"spiking": "spiking", "rate": "rate", "dnn": "DNN"}


def findings(result: GeometryResult) -> Findings:
    """What the page of ``python -m eisim run geometry`` shows."""
    circuit = drawn_circuit(result)
    return Findings(
        question="Which regions of the plane does a circuit lose with its inhibition?",
        answer=answer(_lost(result), _floors(result), problems=result.problems),
        tables=(_regions(result), _best(result)),
        pictures=(_maps(result),),
        circuits=(circuit_picture(circuit, "circuit", f"The circuit of {circuit.name}"),),
        proofs=(
            proof.excitation(FACES),
            *(_proof(region, result.resolution) for region in result.regions),
        ),
    )


FACES = (
    "In the plane this means: what lies to the upper right of a point inside is inside too. So an excitatory-only "
    "circuit draws no boundary with a positive slope, no closed region, and no regions apart from each other."
)


def verdict(region: RegionResult) -> str:
    """``"kept"``, ``"lost, impossible"``, or ``"lost, here only"`` where an excitatory-only circuit can draw it."""
    return described(region.verdict, region.representable)


def _lost(result):
    verdicts, n = [verdict(region) for region in result.regions], len(result.regions)
    impossible, here_only = verdicts.count("lost, impossible"), verdicts.count("lost, here only")
    lost = impossible + here_only
    if n == 1:
        name = result.regions[0].name
        if not lost:
            return f"Without inhibition the circuit still draws the region {name}."
        had = "it had to: no excitatory-only network draws it" if impossible else "only this circuit had to"
        return f"Without inhibition the circuit loses the region {name}; {had}."
    if not lost:
        return f"Without inhibition all {n} circuits still draw their regions."
    text = f"Without inhibition {lost} of {n} circuits {'loses its region' if lost == 1 else 'lose their regions'}"
    if not impossible:
        return f"{text}, though an excitatory-only circuit can draw {'it' if lost == 1 else 'them'}."
    had = f"{impossible} of them had to" if here_only else "it had to" if lost == 1 else "all of them had to"
    return f"{text}; {had}: no excitatory-only network draws {'it' if impossible == 1 else 'them'}."


def _floors(result):
    """The range of what the best excitatory-only network has wrong of the impossible ones."""
    floors = {r.name: r.floor for r in result.regions if verdict(r) == "lost, impossible"}
    if not floors:
        return ""
    low, high = min(floors, key=floors.get), max(floors, key=floors.get)
    if low == high:
        return f"The best one has {floors[low]:.1%} of the area wrong."
    return f"The best one has from {floors[low]:.1%} ({low}) to {floors[high]:.1%} ({high}) of the area wrong."


def _systems(result):
    return [system for system in LABELS if system in result.regions[0].decisions]


def _regions(result):
    systems = _systems(result)
    columns = (
        Column("region"),
        Column(
            "verdict",
            "verdict",
            note=f"Kept: no system loses more than {KEPT:.0%} of the area. Impossible: no excitatory-only network "
            "draws it.",
        ),
        *(
            Column(f"{condition}, {LABELS[system]}", "number", note=f"Share of the area decided right, {what}.")
            for condition, what in (("intact", "by the whole circuit"), ("ablated", "without inhibition"))
            for system in systems
        ),
        Column("floor", "number", note="Least share of the area that any excitatory-only network has wrong."),
        Column("violating pairs", "number", note="Pairs of cells x ≤ y of which the first is inside, the second not."),
        Column("network", note="The circuits come from a network that was constructed, or trained."),
        Column("excitatory neurons", "number"),
        Column("inhibitory neurons", "number"),
    )
    rows = tuple(
        (
            region.name,
            verdict(region),
            *(region.accuracy[condition][system] for condition in CONDITIONS[:2] for system in systems),
            region.floor,
            region.violating_pairs,
            region.origin,
            region.neurons["E"],
            region.neurons["I"],
        )
        for region in result.regions
    )
    note = f"Each region of the unit square is judged on {result.resolution} × {result.resolution} cells."
    return PageTable("Regions with and without inhibition", columns, rows, (note,), "table.csv")


def _best(result):
    systems = _systems(result)
    columns = (
        Column("region"),
        Column("floor", "number", note="Least error of any excitatory-only network, by proof."),
        *(
            Column(f"error, {LABELS[system]}", "number", note="Of the best excitatory-only circuit, as simulated.")
            for system in systems
        ),
        Column("rate circuit off", "number", note="From its network, as a share of the largest output."),
    )
    rows = tuple(
        (
            region.name,
            region.floor,
            *(1 - region.accuracy["best_excitatory"][system] for system in systems),
            region.equivalence_error,
        )
        for region in result.regions
    )
    return PageTable("The best that an excitatory-only circuit can do", columns, rows, data="table.csv")


def _maps(result):
    system = drawn_system(result)
    ends = listing(
        (f"{r.name} {r.accuracy['intact'][system]:.1%} to {r.accuracy['ablated'][system]:.1%}" for r in result.regions),
        most=12,
    )
    return Picture(
        "decision_maps.svg",
        "What circuits put inside each region",
        f"A column for each region of the unit square, decided by {SYSTEM_NAMES[system]}: intact, without inhibition, "
        "the best excitatory-only circuit, and the best function that never falls. Coloured: decided inside; black: "
        "the boundary of the region; arrows: witnesses, from a point inside to one that is lower in no input and lies "
        "outside. The numbers are the shares of the square decided right.",
        f"Share of the square decided right, intact and without inhibition: {ends}.",
        "decision_maps.csv",
    )


def _proof(region, resolution):
    if region.representable:
        kept = "and ablation leaves it" if region.verdict == "kept" else "yet this circuit draws it through inhibition"
        return Explanation(
            f"{region.name}: {verdict(region)}",
            (
                "There are no two cells of which the lower is inside and the higher outside: an excitatory-only "
                f"circuit can draw this region, {kept}.",
            ),
        )
    lower, upper = (
        f"({', '.join(f'{x:.3g}' for x in point)})" for point in (region.witnesses[0].lower, region.witnesses[0].upper)
    )
    raised = [
        name
        for name, x, y in zip(region.data.names, region.witnesses[0].lower, region.witnesses[0].upper, strict=True)
        if y > x
    ]
    wrong = round(region.floor * resolution**2)
    best = max(region.accuracy["best_excitatory"].values())
    return Explanation(
        f"{region.name}: {verdict(region)}",
        (
            f"Witness: {lower} is inside and {upper} is not, although only {listing(raised)} went up. There are "
            f"{count(region.violating_pairs, 'pair')} of cells like this.",
            f"Floor: at least {wrong:,} of {resolution**2:,} cells are wrong, {region.floor:.2%} of the area: so many "
            "cells it takes to touch every such pair, and each pair has a wrong one. The best excitatory-only circuit, "
            f"as simulated, is right on {best:.2%}.",
        ),
    )
