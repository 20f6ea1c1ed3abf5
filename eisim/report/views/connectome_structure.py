"""How the structural certificate of a connectome is shown beside its study, and the circuit without inhibition."""

from collections.abc import Iterator

from eisim.base.files import to_csv
from eisim.report.findings import Explanation
from eisim.report.numbers import OF_ONE, number
from eisim.report.table import Column, Table
from eisim.report.view import Drawing
from eisim.report.views.structure import drawing
from eisim.report.wording import capital, count, listing
from eisim.studies.connectome.result import ConnectomeResult
from eisim.studies.connectome.structure import MOST_CONNECTIONS
from eisim.theory.structure.certificate import BLIND, FALLS, MIXED, RISES

STRUCTURE = "structure.csv"
#: Rows of the table; the file has all.
MOST_ROWS = 40
LEFT_OUT = (
    f"What the wiring alone proves is not worked out: more than {MOST_CONNECTIONS:,} connections would be followed, or "
    "inputs and outputs have too many neurons."
)
MEANING = (
    "Rises, falls: for any weights. None: the output does not depend on the input. Mixed: nothing is proved. An output "
    "is the mean of its neurons, all of which have to rise. Open signs are as in the settings."
)
WITHIN = "Least synapses on walks within which there are both signs; walks that are shorter have one sign or none."
CERTIFICATE = (
    "The signs of connections alone say what the wiring allows, for any weights; they predict no activity. An output "
    "rises with an input if all walks between them have an even number of inhibitory synapses, and falls if all have "
    "an odd one (T10); gap junctions count as excitatory. Within fewer synapses than those at which a pair becomes "
    "mixed the first response has one sign, or there is none. A pair that is mixed may rise throughout. Where all "
    "outputs rise with all inputs the bound of excitatory-only circuits holds for the intact circuit, too, so that a "
    "loss is never called provable."
)


def pairs(found: ConnectomeResult) -> list[dict]:
    """What the wiring proves of each input and output."""
    of, rows = found.structure, []
    words, mixed = of.words, of.mixed_from
    for i, entry in enumerate(found.wiring.inputs):
        for j, output in enumerate(found.outputs):
            excited, inhibited = of.shortest[i, j]
            lengths = {"mixed_from": mixed[i, j], "shortest_excitatory": excited, "shortest_inhibitory": inhibited}
            row = {"input": entry.name, "output": output, "sign": words[i, j]}
            row |= {name: int(value) if value >= 0 else None for name, value in lengths.items()}
            walks = (of.walks.get((i, j, sign)) for sign in (1, -1))
            names = ("excitatory_walk", "inhibitory_walk")
            rows.append(row | {name: walk and str(walk) for name, walk in zip(names, walks, strict=True)})
    return rows


def record(found: ConnectomeResult) -> dict | None:
    """The same as data; ``None`` where it was not worked out."""
    if found.structure is None:
        return None
    return {"pairs": pairs(found), "rises": found.structure.rises, "notes": list(found.structure.notes)}


def answer(found: ConnectomeResult) -> Iterator[str]:
    """What the wiring proves, in a sentence or two."""
    if found.structure is None:
        yield LEFT_OUT
        return
    words = found.structure.words
    said = {RISES: "rising", FALLS: "falling", BLIND: "without a walk", MIXED: "mixed, of which nothing is proved"}
    counts = listing(f"{n:,} {text}" for word, text in said.items() if (n := int((words == word).sum())))
    of = f"{count(words.size, 'pair')} of input and output"
    yield f"By the signs of its wiring alone, for any weights: {of}, {counts}."
    if found.structure.rises:
        yield "All outputs rise with all inputs on which they depend, so no loss is provable."


def tables(found: ConnectomeResult) -> Iterator[Table]:
    """The pairs."""
    if found.structure is None:
        return
    rows = pairs(found)

    def column(name, key, **options):
        return Column(name, lambda row: row[key], **options)

    columns = [
        column("input", "input"),
        column("output", "output"),
        column("wiring", "sign"),
        column("mixed within", "mixed_from", note=WITHIN),
        column("excitatory", "shortest_excitatory", note="Synapses on the shortest excitatory walk."),
        column("inhibitory", "shortest_inhibitory", note="Synapses on the shortest inhibitory walk."),
    ]
    if found.structure.walks:
        columns += [
            column(f"{name} walk", f"{name}_walk", note="The shortest: → excites, ⊣ inhibits.", on_page_only=True)
            for name in ("excitatory", "inhibitory")
        ]
    notes = [MEANING, *found.structure.notes]
    if len(rows) > MOST_ROWS:
        notes.append(f"The first {MOST_ROWS} of {len(rows):,}; {STRUCTURE} has all.")
    yield Table("What the wiring alone proves", columns, rows[:MOST_ROWS], notes, STRUCTURE, keys=2)


def drawings(found: ConnectomeResult) -> Iterator[Drawing]:
    """The pairs by sign, and where they become mixed."""
    if found.structure is not None:
        inputs = [each.name for each in found.wiring.inputs]
        yield drawing("structure.svg", found.structure.shortest, inputs, found.outputs, STRUCTURE, "output")


def proofs(found: ConnectomeResult) -> Iterator[Explanation]:
    """What the certificate says and does not, and how the circuit without inhibition is built."""
    if found.structure is not None:
        yield Explanation("The wiring alone", (CERTIFICATE,))
    if found.attained is not None:
        yield Explanation("A circuit without inhibition", (_built(found),))


def _built(found) -> str:
    share = number(found.attained, OF_ONE)
    trials = "all trials" if found.bound == 1 else "the trials that need not be given up"
    return (
        f"{capital(found.required.name)} was asked of another circuit, too, without inhibition: for each output "
        f"coincidence units for the minimal points of {trials} at which it is required, and an OR of these (T4). It "
        f"was simulated with the same stimuli in the same batch, and gives {share} of the trials as required. It has "
        "nothing of this wiring: where it reaches the criterion and the ablated circuit does not, the loss lies in the "
        "wiring."
    )


def files(found: ConnectomeResult) -> Iterator[tuple[str, str | bytes]]:
    """The pairs as CSV."""
    if found.structure is not None:
        rows = pairs(found)
        yield STRUCTURE, to_csv([tuple(row.values()) for row in rows], tuple(rows[0]))
