"""What the census of functions found, for its page."""

import numpy as np

from eisim.report import proof
from eisim.report.findings import Explanation, Findings, PageColumn, PageTable, Picture
from eisim.report.wording import answer, count, listing
from eisim.studies.census import Census, bits
from eisim.studies.curves import described

#: Up to so many functions are listed one by one.
LISTED = 256


def findings(census: Census) -> Findings:
    """What the page of ``python -m eisim run census`` shows."""
    return Findings(
        question=f"Of all functions of {count(census.n_inputs, 'input')}, which survive without inhibition?",
        answer=answer(_survivors(census), _needed(census), problems=census.problems),
        tables=tuple(_tables(census)),
        pictures=(_picture(census),),
        proofs=tuple(_proofs(census)),
    )


def _survivors(census):
    n, intact, survive = len(census.values), int(census.intact.sum()), int(census.survives.sum())
    some = "all" if intact == n else f"{intact:,} of"
    what = f"{some} {n:,} {'randomly drawn ' if census.sampled else ''}functions of {count(census.n_inputs, 'input')}"
    left = f"{survive:,} {'is' if survive == 1 else 'are'} left" if survive else "none is left"
    same = survive and np.array_equal(census.survives, census.monotone)
    which = ", exactly those that never fall when inputs rise" if same else ""
    return f"The intact {census.kind} circuit computes {what}; without inhibition {left}{which}."


def _needed(census):
    least = np.array_equal(census.inhibitory, census.complexity)
    verbs = ("needs", "need") if least else ("has", "have")
    groups = [(int(r), int((census.inhibitory == r).sum())) for r in np.unique(census.inhibitory)]
    parts = [f"{n:,} {verbs[n > 1]} {count(r, 'inhibitory neuron')}" for r, n in groups if r]
    return f"Of the others, {listing(parts)}." if parts else ""


def _tables(census):
    yield _groups(census)
    yield _floors(census)
    yield _levels(census)
    if len(census.values) <= LISTED:
        yield _functions(census)  # last, as it is long


def _functions(census):
    accuracy = census.accuracy
    rows = tuple(
        (
            bits(values),
            described(str(verdict), floor == 0),
            float(before),
            float(after),
            float(floor),
            int(inhibitory),
            int(complexity),
        )
        for values, verdict, floor, before, after, inhibitory, complexity in zip(
            census.values,
            census.verdicts,
            census.floor,
            accuracy[0],
            accuracy[-1],
            census.inhibitory,
            census.complexity,
            strict=True,
        )
    )
    columns = (
        PageColumn("function", note="Truth table: its value for each input pattern in counting order."),
        PageColumn("verdict", "verdict", note="Impossible: no excitatory-only circuit computes it."),
        PageColumn(f"intact, {census.kind}", "number", note="Share of input patterns answered correctly."),
        PageColumn(f"ablated, {census.kind}", "number", note="The same without inhibition."),
        PageColumn("floor", "number", note="Least share of patterns that any excitatory-only circuit answers wrongly."),
        PageColumn("inhibitory neurons", "number", note="From which a path leads to its readout."),
        PageColumn("inversion complexity", "number", note="The least number of inhibitory neurons that compute it."),
    )
    return PageTable("Functions with and without inhibition", columns, rows, data="functions.csv")


def _groups(census):
    accuracy = census.accuracy
    groups = [(str(r), census.inhibitory == r) for r in np.unique(census.inhibitory)]
    rows = tuple(
        (
            name,
            int(mine.sum()),
            round(100 * float(mine.mean()), 2),
            int(census.intact[mine].sum()),
            int(census.survives[mine].sum()),
            float(census.floor[mine].mean()),
            float(census.floor[mine].max()),
            float(accuracy[-1, mine].mean()),
        )
        for name, mine in [*groups, ("all", np.ones(len(census.values), dtype=bool))]
    )
    columns = (
        PageColumn("inhibitory neurons", note="That the readouts of these functions hear from."),
        PageColumn("functions", "number"),
        PageColumn("share", "number", "%", "Of all functions."),
        PageColumn("computed intact", "number", note="Functions whose every pattern is answered correctly."),
        PageColumn("survive", "number", note="The same without inhibition."),
        PageColumn("mean floor", "number", note="Least share of patterns that any excitatory-only circuit gets wrong."),
        PageColumn("highest floor", "number"),
        PageColumn("accuracy ablated", "number", note="Mean share of patterns answered correctly without inhibition."),
    )
    notes = (
        f"One {census.kind} circuit of {census.neurons:,} neurons and {census.synapses:,} synapses computes them all.",
    )
    return PageTable("Functions by the inhibition that they have", columns, rows, notes, "functions.csv")


def _floors(census):
    n_patterns = census.values.shape[1]
    floors, counts = np.unique(census.floor, return_counts=True)
    rows = tuple(
        (round(float(floor) * n_patterns), float(floor), int(n)) for floor, n in zip(floors, counts, strict=True)
    )
    columns = (
        PageColumn("patterns wrong", "number", note=f"Of {n_patterns}, at least, without inhibition."),
        PageColumn("floor", "number"),
        PageColumn("functions", "number"),
    )
    return PageTable("Functions by their floor", columns, rows, data="functions.csv")


def _levels(census):
    accuracy = census.accuracy
    rows = tuple(
        (float(fraction), float(level.mean()), int((level == 1).sum()))
        for fraction, level in zip(census.fractions, accuracy, strict=True)
    )
    columns = (
        PageColumn("fraction removed", "number", note="Of inhibition."),
        PageColumn("accuracy", "number", note="Mean share of patterns answered correctly."),
        PageColumn("functions computed", "number"),
    )
    return PageTable("What is left at each level of ablation", columns, rows, data="functions.csv")


def _picture(census):
    maps = (
        ""
        if census.sampled
        else "Above, all functions, each one cell, coloured once so many inhibitory neurons are enough for it; row and "
        "column are the two halves of its truth table, each sorted by its own need of inhibition. "
    )
    left, right = ("Left", "Right") if census.sampled else ("Below left", "Below right")
    floors = census.floor[census.floor > 0]
    worst = f"Floors go up to {floors.max():.3g}." if floors.size else "All floors are 0."
    return Picture(
        "function_space.svg",
        "The space of functions",
        f"{maps}{left}, how many functions have which floor. {right}, mean accuracy by the inhibitory neurons that "
        "functions need, and the share of functions still computed, against the fraction of inhibition removed.",
        f"{_survivors(census)} {_needed(census)} {worst}",
        "functions.csv",
    )


def _proofs(census):
    yield proof.excitation()
    monotone, n_patterns = int(census.monotone.sum()), census.values.shape[1]
    counted = (
        f"{monotone:,} of this sample never fall."
        if census.sampled
        else f"{monotone:,} functions of {count(census.n_inputs, 'input')} never fall, a Dedekind number."
    )
    yield Explanation(
        "Why these functions survive",
        (
            f"{counted} A circuit whose inhibition is silenced is left with the least function above its own that "
            "never falls: wherever an input below was answered with 1, the answer is 1. So a function that never falls "
            "is left as it is, and any other is lost.",
        ),
    )
    lost = np.flatnonzero(census.floor > 0)
    if lost.size:
        worst = lost[census.floor[lost].argmax()]
        wrong = round(census.floor[worst] * n_patterns)
        yield Explanation(
            "The floor",
            (
                "The floor of a function is the least number of patterns at which it differs from any function that "
                "never falls; here it was compared with every one. The highest is that of "
                f"{bits(census.values[worst])}: {wrong} of {n_patterns} patterns must be wrong.",
            ),
        )
    needed = {int(r) for r in np.unique(census.complexity)} - {0}
    if needed:
        enough = [f"{r} for up to {count(2**r - 1, 'fall')}" for r in sorted(needed)]
        yield Explanation(
            "The inhibition that functions need",
            (
                "Let a function fall d times at most along a chain of rising inputs. A feed-forward threshold circuit "
                "needs as many inhibitory neurons as it takes bits to count to d (Markov 1957): "
                f"{listing(enough)}.",
            ),
        )
