"""How the result of the experiment is displayed."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from eisim.report.findings import Explanation
from eisim.report.table import Column, Table
from eisim.report.view import Drawing, View, show_with
from my_experiment.study import RedundancyResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def tolerated(result: RedundancyResult, kind: str, k: int) -> float | None:
    """The largest fraction removed up to which circuit `k` answers all patterns correctly; None if there is none."""
    wrong = np.flatnonzero(result.accuracy[kind][k] < 1)
    first = wrong[0] if wrong.size else len(result.fractions)
    return float(result.fractions[first - 1]) if first else None


def draw(result: RedundancyResult) -> "Figure":
    """Accuracy against the fraction removed, with one panel per kind and one line per circuit."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.5 * len(result.accuracy), 2.6), layout="constrained")
    panels = figure.subplots(1, len(result.accuracy), sharey=True, squeeze=False)[0]
    for ax, (kind, rows) in zip(panels, result.accuracy.items(), strict=True):
        for n, row in zip(result.neurons, rows, strict=True):
            ax.plot(result.fractions, row, marker=".", label=str(n))
        ax.axhline(1 - result.certificate.floor["zero_one"], color="0.6", linestyle=":", label="1 − floor")
        ax.set(title=kind, xlabel="fraction of inhibition removed", ylim=(0, 1.05))
    panels[0].set_ylabel("fraction of correct patterns")
    panels[-1].legend(title="inhibitory neurons")
    return figure


class RedundancyView(View[RedundancyResult]):
    """Table, curves and proof."""

    question = "Does redundant inhibition protect a function against partial block?"

    def to_json(self) -> dict:
        """The document that ``--json`` prints."""
        result = self.result
        rows = [
            {"kind": kind, "inhibitory_neurons": n, "accuracy": found.tolist(), "tolerated": tolerated(result, kind, k)}
            for kind, accuracies in result.accuracy.items()
            for k, (n, found) in enumerate(zip(result.neurons, accuracies, strict=True))
        ]
        floor = result.certificate.floor["zero_one"]
        return {"fractions": result.fractions.tolist(), "floor": floor, "rows": rows, "problems": result.problems}

    def answer(self) -> Iterator[str]:
        """One sentence per kind."""
        for kind in self.result.accuracy:
            found = (f"{tolerated(self.result, kind, k) or 'none'} with {n}" for k, n in enumerate(self.result.neurons))
            yield f"Tolerated fraction by number of inhibitory neurons, {kind}: {', '.join(found)}."

    def tables(self) -> Iterator[Table]:
        """One row per circuit, with the kinds as systems."""

        def each(value):
            return lambda k: {kind: value(kind, k) for kind in self.result.accuracy}

        yield Table(
            f"{self.result.function.name} of {self.result.function.n_inputs} inputs",
            (
                Column("inhibitory neurons", lambda k: self.result.neurons[k]),
                Column(
                    "intact",
                    each(lambda kind, k: self.result.accuracy[kind][k, 0]),
                    note="Fraction of patterns answered correctly, with inhibition.",
                    decimals=2,
                ),
                Column(
                    "ablated",
                    each(lambda kind, k: self.result.accuracy[kind][k, -1]),
                    note="The same, without inhibition.",
                    decimals=2,
                ),
                Column(
                    "tolerated fraction",
                    each(partial(tolerated, self.result)),
                    note="Largest fraction removed up to which all patterns are answered correctly.",
                    decimals=2,
                ),
            ),
            range(len(self.result.neurons)),
            data="accuracy.csv",
        )

    def figures(self) -> Iterator[Drawing]:
        """Accuracy curves."""
        yield Drawing(
            "accuracy.svg",
            "Accuracy against the fraction of inhibition removed",
            "One line per circuit; lines may coincide. Dotted: 1 − floor, the bound for circuits with non-negative "
            "weights and non-decreasing transfer functions (spiking circuits: as a rate code).",
            "Accuracy of circuits with different numbers of inhibitory neurons against the fraction removed.",
            "accuracy.csv",
            draw=lambda: draw(self.result),
        )

    def proofs(self) -> Iterator[Explanation]:
        """Why the function is lost under full ablation."""
        lower, upper = ("".join(str(int(bit)) for bit in pattern) for pattern in self.result.certificate.witness)
        yield Explanation(
            "Witness and floor",
            (
                f"The function is 1 at {lower} and 0 at {upper}, although no input decreases.",
                "Every circuit with non-negative weights and non-decreasing transfer functions (spiking circuits: as a "
                f"rate code) therefore answers at least a fraction of {self.result.certificate.floor['zero_one']:g} of "
                "the patterns incorrectly.",
            ),
        )

    def files(self) -> Iterator[tuple[str, str]]:
        """All accuracies as CSV."""
        lines = ["kind,inhibitory_neurons,fraction,accuracy"]
        for kind, rows in self.result.accuracy.items():
            for n, row in zip(self.result.neurons, rows, strict=True):
                lines += [f"{kind},{n},{f:g},{a:g}" for f, a in zip(self.result.fractions, row, strict=True)]
        yield "accuracy.csv", "\n".join(lines) + "\n"


show_with(RedundancyResult, RedundancyView)
