"""How a structural certificate is shown."""

from collections.abc import Iterator, Sequence

import numpy as np

from eisim.base.files import frame_to_csv
from eisim.report.findings import Explanation
from eisim.report.style import drawn_by
from eisim.report.table import Column, Table
from eisim.report.view import Drawing, View, show_with
from eisim.report.views.structure_figures import draw, figure, size
from eisim.report.wording import count
from eisim.theory.structure.certificate import (
    BLIND,
    FALLS,
    LIMIT_OF_DETAILS,
    MIXED,
    RISES,
    StructuralCertificate,
    mixed_within,
)

#: Figures are drawn of up to this number of pairs.
MOST_DRAWN = 4_000_000
#: Neurons of a set that are named in a table.
MOST_NAMED = 6
MEANING = (
    "rises, falls: for any weights; none: the readout does not depend on the input; mixed: nothing is proved. Up to a "
    "number of synapses this holds of early responses alone, as long as each synapse takes a time step, or a delay."
)
#: What the certificate does not say.
LIMITS = (
    "The certificate says what wiring allows, and is no prediction of activity. It is sufficient, not necessary: the "
    "readout of a mixed pair may rise throughout. It assumes rates with non-decreasing activations, synapses whose "
    "sign does not change, no slow negative feedback such as adaptation or depression, and equal initial states."
)


def frame(found: StructuralCertificate):
    """A row for each pair; of up to 20,000 pairs with the shortest walks."""
    import pandas

    i, j = np.indices(found.shortest.shape[:2]).reshape(2, -1)
    columns = {
        "input": np.array(found.inputs, dtype=object)[i],
        "readout": np.array(found.readouts, dtype=object)[j],
        "sign": found.words()[i, j],
    }
    for name, lengths in zip(("excitatory", "inhibitory"), found.shortest[i, j].T, strict=True):
        columns[f"shortest_{name}"] = pandas.array(lengths, dtype="Int64")
        columns[f"shortest_{name}"][lengths < 0] = pandas.NA
    for name, sign in (("excitatory", 1), ("inhibitory", -1)) if found.walks else ():
        walks = (found.walks.get((a, b, sign)) for a, b in zip(i.tolist(), j.tolist(), strict=True))
        columns[f"{name}_walk"] = ["" if walk is None else str(walk) for walk in walks]
    return pandas.DataFrame(columns)


def _few(names) -> str:
    """Names, of which only the first are listed."""
    return ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")


def _number(found) -> str | int:
    """How many are silenced, with the bound from below where fewer may be enough."""
    n = len(found.silenced)
    return n if found.is_optimal else f"{found.least} to {n}"


def drawing(
    name: str, shortest: np.ndarray, inputs: Sequence[str], readouts: Sequence[str], data: str, what: str = "readout"
) -> Drawing:
    """The figure of all pairs by sign."""
    mixed = int((mixed_within(shortest) >= 0).sum())
    return Drawing(
        name,
        f"Signs of inputs and {what}s",
        f"a, Each cell is a pair of input and {what}; its colour is the sign of all walks between them, a number the "
        "synapses within which there are both signs; of many pairs, the fewer these synapses, the darker. b, Share of "
        "the pairs by the longest walk that counts; within k synapses, signs hold for early responses.",
        f"Pairs that are mixed: {mixed:,} of {shortest[..., 0].size:,}.",
        data,
        draw=lambda: figure(shortest, inputs, readouts, what),
    )


class StructureView(View[StructuralCertificate]):
    """What the signed wiring alone proves."""

    rows_file = "pairs.csv"

    @property
    def heading(self) -> str:
        return f"What does the wiring of {self.result.graph.name} alone prove?"

    def to_json(self) -> dict:
        return self.result.to_dict()

    def answer(self) -> Iterator[str]:
        found, counts = self.result, self.result.counts()
        yield from found.broken
        yield (
            f"{count(found.words().size, 'pair')} of input and readout: for any weights the readout rises in "
            f"{counts[RISES]:,} and falls in {counts[FALLS]:,}; {counts[BLIND]:,} have no walk, {counts[MIXED]:,} "
            "are mixed."
        )
        if found.is_monotone:
            yield (
                "All readouts are monotone functions of the inputs, so ablating inhibition takes nothing that no "
                "excitatory-only circuit computes."
            )
        if found.is_small:
            of_all = found.frustration(None, LIMIT_OF_DETAILS)
            known = "" if of_all.is_exact else f", at least {of_all.least:,}"
            yield (
                f"Frustration index of the graph: {of_all.index:,}{known}: the fewest edges without which it is "
                "balanced."
            )
            if of_all.left_out:
                yield (
                    f"It is that of the best signs for {count(of_all.left_out, 'edge')} of unknown or either sign; "
                    f"with any signs it is at most {of_all.most:,}."
                )
        yield LIMITS

    def tables(self) -> Iterator[Table]:
        found, graph = self.result, self.result.graph
        yield Table(
            "The wiring",
            (
                Column("wiring", lambda each: each.name),
                Column("nodes", lambda each: each.n_nodes, note="Inputs from outside and neurons."),
                Column("excitatory", lambda each: each.n_positive, note="Connections; several synapses are one."),
                Column("inhibitory", lambda each: each.n_negative),
                Column("either", lambda each: each.n_either, note="Connections that may have either sign."),
                Column("inputs", lambda each: len(each.inputs)),
                Column("readouts", lambda each: len(each.readouts)),
            ),
            (graph,),
            found.notes,
        )
        depths = [(k, found.counts(k)) for k in range(found.deepest + 1)] + [("any", found.counts())]
        yield Table(
            "Signs of pairs by length of walks",
            (
                Column("synapses", lambda row: row[0], note="Most synapses on a walk that counts."),
                *(Column(word, lambda row, word=word: row[1][word]) for word in (RISES, FALLS, BLIND, MIXED)),
            ),
            depths,
            (MEANING,),
        )
        if found.is_small and not found.broken:
            yield Table(
                "Readouts",
                (
                    Column("readout", lambda each: each.readout),
                    Column("falls", lambda each: len(each.falls), note="Inputs with which it falls."),
                    Column("mixed", lambda each: len(each.mixed), note="Inputs that are mixed."),
                    Column(
                        "synapses to silence",
                        lambda each: _number(each.synapses),
                        note="Least inhibitory connections without which it rises with all inputs.",
                        short="synapses",
                    ),
                    Column(
                        "neurons to silence",
                        lambda each: _number(each.neurons),
                        note="Least inhibitory neurons without which it does.",
                        short="neurons",
                    ),
                    Column("such neurons", lambda each: _few(each.neurons.silenced), note="One such set."),
                    Column(
                        "sign cut",
                        lambda each: each.cut and len(each.cut.neurons),
                        note="Neurons that bound the falls of a feed-forward circuit of threshold units.",
                    ),
                    Column(
                        "most falls",
                        lambda each: each.cut and each.cut.most_falls,
                        note="How often the output of such a circuit can fall along a chain of rising inputs.",
                    ),
                ),
                found.details(),
            )
        words, places = found.words(), [*np.ndindex(*found.shortest.shape[:2])][:1000]
        yield Table(
            "Pairs",
            (
                Column("input", lambda ij: found.inputs[ij[0]]),
                Column("readout", lambda ij: found.readouts[ij[1]]),
                Column("sign", lambda ij: words[ij]),
                *(
                    Column(
                        f"{name} walk",
                        lambda ij, sign=sign: str(found.walks.get((*ij, sign)) or ""),
                        note=f"The shortest of {name} sign; ⊣ is an inhibitory synapse." if sign > 0 else "",
                    )
                    for name, sign in (("excitatory", 1), ("inhibitory", -1))
                ),
            ),
            places,
            data=self.rows_file,
            keys=2,
        )

    def figures(self) -> Iterator[Drawing]:
        found = self.result
        if found.words().size <= MOST_DRAWN and not found.broken:
            yield drawing("signs.svg", found.shortest, found.inputs, found.readouts, self.rows_file)

    def proofs(self) -> Iterator[Explanation]:
        if self.result.broken:
            return
        yield Explanation(
            "Why the wiring is enough",
            (
                "Where all walks from an input to a readout have one sign, each neuron on them has a sign, that of the "
                "walks to it from the input. Measured with these signs, all couplings are positive, and rates that "
                "excite each other preserve order at all times (T1, T10).",
            ),
        )

    def files(self) -> Iterator[tuple[str, str]]:
        yield self.rows_file, frame_to_csv(frame(self.result))


show_with(StructuralCertificate, StructureView, plot=drawn_by(draw, size), to_dataframe=frame)
