"""How regions of the plane with and without inhibition are shown."""

from collections.abc import Iterator

import numpy as np

from eisim.base.files import to_csv
from eisim.circuit import Circuit
from eisim.report import judgements, proof
from eisim.report.findings import Explanation
from eisim.report.table import Column, Table
from eisim.report.tabular import array, names
from eisim.report.view import Drawing, DrawnCircuit, View, show_with
from eisim.report.views import columns
from eisim.report.views import regions_figures as figures
from eisim.report.wording import count, listing
from eisim.studies.curves import described
from eisim.studies.judgement import PROVABLE
from eisim.studies.networks import KEPT
from eisim.studies.regions.decision_maps import CONDITIONS, MANY, STEP, GeometryResult, RegionResult

SYSTEMS = {"spiking": "spiking", "rate": "rate", "dnn": "DNN"}
SYSTEM_NAMES = {"spiking": "spiking circuits", "rate": "rate circuits"}
FACES = (
    "In the plane this means: what lies to the upper right of a point inside is inside too. So an excitatory-only "
    "circuit draws no boundary with a positive slope, no closed region and no disconnected regions."
)


def verdict(region: RegionResult) -> str:
    """The verdict, of a loss with its reason."""
    return described(region.verdict, region.reason)


def _row(region: RegionResult) -> dict:
    witnesses = [[list(w.lower), list(w.upper)] for w in region.witnesses]
    return {
        "region": region.name,
        "network": region.origin,
        "neurons": region.neurons,
        "representable": region.representable,
        "violating_pairs": region.violating_pairs,
        "witness": witnesses[0] if witnesses else None,
        "witnesses": witnesses,
        "floor": region.floor,
        "accuracy": region.accuracy,
        "equivalence_error": region.equivalence_error,
        "verdict": region.verdict,
        "reason": region.reason,
        "judgements": [judgements.record(curve.judgement) for curve in region.curves],
    }


def _shares(region: RegionResult, condition: str) -> dict[str, float]:
    """The share of the area classified correctly, by system."""
    found = region.accuracy[condition]
    return {name: found[system] for system, name in SYSTEMS.items() if system in found}


VERDICT = f"Kept: every system keeps {KEPT:.0%} of its lead over a constant answer. {columns.REASONS}"
PAIRS = "Pairs of cells x ≤ y of which the first is inside, the second not."
ORIGIN = "The circuits come from a network that was constructed, or trained."
NAME = Column("region", lambda region: region.name)
FLOOR = columns.floor(lambda region: region.floor, "the area", decimals=3)
REGIONS = (
    NAME,
    columns.verdict(verdict, VERDICT),
    *columns.conditions(_shares, "Share of the area classified correctly, with inhibition."),
    FLOOR,
    Column("violating pairs", lambda region: region.violating_pairs, note=PAIRS, on_page_only=True),
    Column("network", lambda region: region.origin, note=ORIGIN, on_page_only=True),
    *columns.neurons(lambda region, sign: region.neurons[sign]),
)
DIFFERENCE = "Largest difference from its network, as a share of the largest output."
BEST = (
    NAME,
    FLOOR,
    Column(
        "error",
        lambda region: {name: 1 - right for name, right in _shares(region, "best_excitatory").items()},
        note="Of the best excitatory-only circuit, built and simulated.",
    ),
    Column("rate circuit off", lambda region: region.equivalence_error, note=DIFFERENCE),
)


class RegionsView(View[GeometryResult]):
    """Regions, what circuits put inside them, and why some cannot be drawn without inhibition."""

    question = "Which regions of the plane does a circuit lose with its inhibition?"

    @property
    def _system(self) -> str:
        """The system whose maps are drawn: the first kind of circuit."""
        return next(iter(self.result.regions[0].circuits))

    @property
    def _circuit(self) -> Circuit:
        """The intact circuit that is drawn: of the first region that is lost, or of the first."""
        region = next((each for each in self.result.regions if each.verdict == "lost"), self.result.regions[0])
        return region.circuits[self._system]["intact"]

    def to_json(self) -> dict:
        rows = [_row(region) for region in self.result.regions]
        return {"resolution": self.result.resolution, "rows": rows, "problems": self.result.problems}

    def answer(self) -> Iterator[str]:
        yield columns.lost([*map(verdict, self.result.regions)], "regions")
        floors = {r.name: r.floor for r in self.result.regions if r.reason == PROVABLE}
        if floors:
            low, high = min(floors, key=floors.get), max(floors, key=floors.get)
            ends = dict.fromkeys(f"{floors[name]:.1%} ({name})" for name in (low, high))
            yield f"Floors of the provably lost regions: {' to '.join(ends)} of the area."

    @property
    def _judgements(self):
        return [curve.judgement for curve in self.result.curves]

    def tables(self) -> Iterator[Table]:
        regions, side = self.result.regions, self.result.resolution
        cells = (f"Each region of the unit square is judged on {side} × {side} cells.",)
        if side >= MANY:
            cells += (
                f"Of simulated circuits, the scale of excitation is chosen on the middle one of every {STEP} × {STEP} "
                "cells and scored on all; what shams lose is measured on these middle cells.",
            )
        yield Table("Regions with and without inhibition", REGIONS, regions, cells, "table.csv")
        yield from judgements.tables(self._judgements)
        yield Table("The best excitatory-only circuit", BEST, regions, data="table.csv", on_page_only=True)

    def figures(self) -> Iterator[Drawing]:
        system = self._system
        accuracies = {region.name: region.accuracy for region in self.result.regions}
        ends = (f"{name} {a['intact'][system]:.1%} to {a['ablated'][system]:.1%}" for name, a in accuracies.items())
        yield Drawing(
            "decision_maps.svg",
            "Decision maps",
            f"Regions of the unit square (columns) as classified by {SYSTEM_NAMES[system]}: intact, without "
            "inhibition, by the best excitatory-only circuit, and by the best monotone function. Arrows: witnesses, "
            "from a point inside to one that is lower in no input and lies outside.",
            f"Share of the square classified correctly, intact and without inhibition: {listing(ends, most=12)}.",
            "decision_maps.csv",
            draw=lambda: figures.decision_maps(self.result, system, SYSTEM_NAMES[system]),
        )
        yield from judgements.drawings(self._judgements)

    def circuits(self) -> Iterator[DrawnCircuit]:
        yield DrawnCircuit("circuit", f"The circuit of {self._circuit.name}", self._circuit)

    def proofs(self) -> Iterator[Explanation]:
        yield proof.excitation(FACES)
        cells = self.result.resolution**2
        for region in self.result.regions:
            if region.representable:
                paragraphs = (
                    "There are no two cells of which the lower is inside and the higher outside: an excitatory-only "
                    "circuit can draw this region.",
                )
            else:
                witness, best = region.witnesses[0], max(region.accuracy["best_excitatory"].values())
                lower, upper = (f"({', '.join(f'{x:.3g}' for x in end)})" for end in (witness.lower, witness.upper))
                paragraphs = (
                    f"Witness: {lower} is inside and {upper} is not, although no input falls. There are "
                    f"{count(region.violating_pairs, 'pair')} of cells like this.",
                    f"Floor: at least {round(region.floor * cells):,} of {cells:,} cells are wrong, "
                    f"{region.floor:.2%} of the area, in any excitatory-only circuit {proof.CONDITIONS}: each such "
                    "pair has a wrong cell, and no fewer cells touch every pair. The best excitatory-only circuit, as "
                    f"simulated, is right on {best:.2%}.",
                )
            yield Explanation(f"{region.name}: {verdict(region)}", paragraphs)

    def files(self) -> Iterator[tuple[str, str | bytes]]:
        columns = ("region", "network", "condition", "system", "accuracy", "floor", "representable", "verdict")
        lines = [
            (r.name, r.origin, condition, system, accuracy, r.floor, r.representable, r.verdict)
            for r in self.result.regions
            for condition, accuracies in r.accuracy.items()
            for system, accuracy in accuracies.items()
        ]
        yield "table.csv", to_csv(lines, columns)
        yield from judgements.files(self._judgements)
        maps = []
        for region in self.result.regions:
            decided = region.decisions[self._system]
            values = [region.data.targets, *(decided[condition] for condition in CONDITIONS), region.best]
            places = region.data.points.round(9).tolist()
            cells = np.stack(values, axis=1).astype(int).tolist()
            maps += [(region.name, *place, *row) for place, row in zip(places, cells, strict=True)]
        yield "decision_maps.csv", to_csv(maps, ("region", "x", "y", "inside", *CONDITIONS, "best_monotone"))

    def labelled(self) -> tuple[dict, dict]:
        side, regions = self.result.resolution, self.result.regions
        systems = list(regions[0].decisions)

        def cells(dimensions, values):
            shown = np.reshape(values, (*np.shape(values)[:-1], side, side)).astype(np.int8)
            return array(f"{dimensions} y x", shown, "0: outside, 1: inside")

        decisions = [[[region.decisions[s][c] for c in CONDITIONS] for s in systems] for region in regions]
        centres = (np.arange(side) + 0.5) / side
        return {
            "region_map": cells("region", [region.data.targets for region in regions]),
            "decision": cells("region system condition", decisions),
            "best_monotone": cells("region", [region.best for region in regions]),
            "floor": array("region", [region.floor for region in regions], units="share of the area"),
        }, {
            **names(region=[region.name for region in regions], system=systems, condition=CONDITIONS),
            "x": array("x", centres),
            "y": array("y", centres),
        }


show_with(GeometryResult, RegionsView)
