"""How the statements of Wang et al. (2023) are shown."""

from collections.abc import Iterator

from eisim.report.findings import Explanation
from eisim.report.numbers import OF_ONE, number
from eisim.report.table import Column, Table
from eisim.report.view import Drawing, View, show_with
from eisim.report.views import paper_figures as figures
from eisim.report.wording import capital, count, listing
from eisim.studies.paper.check import NEAR, ROUNDING, Check, PaperResult

DATA, REGIONS, JELLYFISH = "checks.csv", "regions.csv", "jellyfish.csv"
SOURCE = (
    "Wang, Powell, Geisa, Bridgeford, Priebe & Vogelstein, Why do networks have inhibitory/negative connections? ICCV "
    "2023 (arXiv:2208.03211). Its abstracts and the opening of its introduction were read, not its proofs or its "
    "figures: the statements here are worded from them and from the theorem, and the proofs are those of eisim (T1 to "
    "T5).",
    "Random networks have non-negative weights and biases of either sign, and are tested on ten ordered pairs of "
    "inputs each; shares have Wilson's 95 % interval. Networks are trained to the least mean squared error, with "
    "bounds on their weights. Where order is kept, the least possible error is the floor, and training has to come "
    f"within {NEAR:g} of it; where order can be broken, it is 0.",
    "A trained network is also built as a rate circuit under Dale's law, in which all activations are non-decreasing: "
    "products and quotients are sums and differences of logarithms. Its rates, once settled, are compared with the "
    "outputs of the network on 5 × 5 points. A block that keeps order needs no inhibitory neuron; one that breaks it "
    "does, and its circuit keeps order without inhibition. The numbers of neurons are those of these circuits, and "
    "not the least. Spiking circuits of building blocks are not simulated.",
    "That a building block keeps order says nothing of other blocks in the same network; one that breaks order is "
    "enough.",
)


def _pairs(check: Check) -> str | None:
    if check.pairs is None:
        return None
    low, high = (number(end, 3) for end in check.pairs.interval)
    return f"{number(check.pairs.value, 3)} ({low}–{high})"


def _simulated(check: Check) -> str | None:
    if not check.simulated:
        return None
    right = sum(each.is_right for each in check.simulated)
    return f"{right} of {len(check.simulated)}"


def _loss(check: Check) -> float | None:
    """The largest excess over what is possible."""
    return max((max(0.0, each.loss - each.possible) for each in check.trained), default=None)


class PaperView(View[PaperResult]):
    """One row for each statement and building block."""

    question = "Which statements of Wang et al. (2023) hold, and which building blocks keep order?"
    rows_file = DATA

    def to_json(self) -> dict:
        return {"rows": [_row(each) for each in self.result.checks], "problems": self.problems}

    def _names(self, finding: str) -> str:
        chosen = [c.name for c in self.result.checks if c.part == "building block" and c.finding == finding]
        return listing(chosen)

    def answer(self) -> Iterator[str]:
        checks = self.result.checks
        theorem = [each for each in checks if each.part == "theorem"]
        holds = sum(not each.problems for each in theorem)
        yield f"{holds} of {count(len(theorem), 'statement')} of the theorem hold in every check."
        yield f"Without negative weights, these building blocks keep order: {self._names('kept')}."
        yield f"These can break it: {self._names('broken')}."
        if counts := [c.inhibitory for c in checks if c.inhibitory is not None and c.finding == "broken"]:
            kept = [c.inhibitory for c in checks if c.inhibitory is not None and c.finding == "kept"]
            yield (
                f"As rate circuits, the trained networks that break order have {min(counts)} to {max(counts)} "
                f"inhibitory neurons; those that keep it have {f'up to {max(kept)}' if any(kept) else 'none'}."
            )
        if self.result.jellyfish:
            verb = "changes" if self.result.jellyfish.changes else "does not change"
            yield f"The jellyfish without inhibition {verb} its behaviour with touch, by conductance and threshold."

    def tables(self) -> Iterator[Table]:
        evidence = (
            Column("violate order", _pairs, note="Share of random networks without negative weights, with interval."),
            Column("excess loss", _loss, note="Of trained networks over the least possible loss, the largest."),
            Column(
                "possible",
                lambda c: c.trained[0].possible if c.trained else None,
                note="Least possible loss.",
                decimals=3,
            ),
            Column("simulated", _simulated, note="Numbers found by simulation that are as expected."),
        )
        statement = Column("statement", lambda c: c.name)
        worded = Column("in words", lambda c: c.statement, on_page_only=True)
        finding = Column("finding", lambda c: c.finding)
        rows = [c for c in self.result.checks if c.part != "building block"]
        yield Table("Statements", (statement, worded, finding, *evidence), rows, data=DATA)
        columns = (
            Column("building block", lambda c: c.name),
            Column("order", lambda c: c.finding, note="Whether it is kept in every network, or broken in some."),
            *evidence,
            Column("inhibitory", lambda c: c.inhibitory, note="Inhibitory neurons of the rate circuit."),
        )
        rows = [c for c in self.result.checks if c.part == "building block"]
        yield Table("Building blocks of networks without negative weights", columns, rows, data=DATA)

    def figures(self) -> Iterator[Drawing]:
        has_circuits = any(each.inhibitory is not None for each in self.result.checks)
        circuits = " Inhibitory neurons of the trained networks as rate circuits (c)." if has_circuits else ""
        yield Drawing(
            "blocks.svg",
            "Building blocks of networks without negative weights",
            "Share of random networks of which some ordered pair of inputs violates order, with 95 % intervals (a), "
            "and the mean squared error on XOR to which a network with one hidden layer and the block was trained "
            "(b). Dashed: the floor of networks that keep order." + circuits,
            f"Order is kept with {self._names('kept')}, and broken with {self._names('broken')}.",
            DATA,
            draw=lambda: figures.blocks(self.result),
        )
        yield Drawing(
            "faces.svg",
            "Three geometric faces",
            "Regions of the plane, and the nearest region that a circuit without inhibition has: points of both, "
            "points that are missed, and points that are wrongly added.",
            f"Regions with {listing(face.name for face in self.result.faces)}, none of which is matched.",
            REGIONS,
            draw=lambda: figures.faces(self.result.faces),
        )
        if found := self.result.jellyfish:
            yield Drawing(
                "jellyfish.svg",
                "A jellyfish without inhibition",
                "Rates of the slow and of the fast cell against the strength of touch while the pacemaker is active,"
                " with a calcium conductance that inactivates (a) and with one that does not (b). Dashed: rate from "
                "which on a muscle contracts. Rates of 0 are drawn at the bottom.",
                "The slow cell is active without touch, the fast cell with strong touch, if the conductance "
                "inactivates.",
                JELLYFISH,
                draw=lambda: figures.behaviour(found),
            )

    def proofs(self) -> Iterator[Explanation]:
        yield Explanation("What was read and what was done", SOURCE)
        for check in self.result.checks:
            yield Explanation(capital(check.name), tuple(_explained(check)))

    def rows(self) -> list[dict]:
        return [
            {
                "check": c.name,
                "part": c.part,
                "finding": c.finding,
                "violations": c.pairs.count if c.pairs else None,
                "networks": c.pairs.of if c.pairs else None,
                "excess_loss": _loss(c),
                "inhibitory_neurons": c.inhibitory,
                "problems": len(c.problems),
            }
            for c in self.result.checks
        ]

    def files(self) -> Iterator[tuple[str, str | bytes]]:
        from eisim.base.files import to_csv

        lines = [
            (face.name, x, y, int(face.wanted[y, x]), int(face.nearest[y, x]))
            for face in self.result.faces
            for y in range(len(face.wanted))
            for x in range(len(face.wanted[0]))
        ]
        yield REGIONS, to_csv(lines, ("region", "column", "row", "wanted", "nearest"))
        if found := self.result.jellyfish:
            lines = [
                (touch, name, *rates[k].tolist())
                for name, rates in (("inactivates", found.rates), ("does not inactivate", found.remedied))
                for k, touch in enumerate(found.contexts.levels)
            ]
            yield JELLYFISH, to_csv(lines, ("touch", "conductance", "slow_hz", "fast_hz"))


def _explained(check: Check) -> Iterator[str]:
    yield check.statement
    yield check.proof
    if check.witness:
        lower, upper, before, after = check.witness
        points = [f"({', '.join(f'{x:g}' for x in point)})" for point in (lower, upper)]
        yield f"Witness: {before + 0.0:g} at {points[0]} and {after + 0.0:g} at {points[1]}, where no input is lower."
    if check.pairs:
        yield f"Random networks that violate order: {check.pairs.count} of {check.pairs.of:,}."
    for each in check.trained:
        least = "floor" if each.is_floor else "least possible error"
        yield (f"Trained, {each.network}: mean squared error {max(0.0, each.loss):.7f}, {least} {each.possible:.7f}.")
    for fact in check.simulated:
        decimals = OF_ONE if fact.within == ROUNDING else 6
        found, expected = (number(float(value), decimals) for value in (fact.found, fact.expected))
        yield f"Simulated, {fact.what}: {found}, expected {expected}."


def _row(check: Check) -> dict:
    pairs = None
    if check.pairs:
        low, high = check.pairs.interval
        pairs = {"count": check.pairs.count, "of": check.pairs.of, "share": check.pairs.value, "low": low, "high": high}
    return {
        "check": check.name,
        "statement": check.statement,
        "part": check.part,
        "finding": check.finding,
        "proof": check.proof,
        "witness": check.witness
        and {
            "lower": list(check.witness[0]),
            "upper": list(check.witness[1]),
            "outputs": [float(value) for value in check.witness[2:]],
        },
        "violations": pairs,
        "trained": [
            {"network": t.network, "loss": t.loss, "possible": t.possible, "is_floor": t.is_floor}
            for t in check.trained
        ],
        "simulated": [
            {"what": s.what, "found": float(s.found), "expected": float(s.expected)} for s in check.simulated
        ],
        "inhibitory_neurons": check.inhibitory,
        "problems": check.problems,
    }


show_with(PaperResult, PaperView)
