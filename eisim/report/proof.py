"""Paragraphs that several views use: what excitatory-only circuits can do, witness, floor, and inhibition needed."""

from collections.abc import Iterator

import numpy as np

from eisim.functions import LabelledData, TruthTable
from eisim.report.findings import Explanation
from eisim.report.wording import listing, share
from eisim.studies.held_out import HeldOut
from eisim.theory.certificate import Certificate
from eisim.theory.evidence import Evidence
from eisim.theory.floor import disjoint_pairs
from eisim.theory.order import violations
from eisim.theory.reference_errors import constant_error, of_any_function
from eisim.theory.sample import Sample

MEANING = {
    "zero_one": "share of points answered wrongly",
    "l1": "mean absolute error",
    "l2": "mean squared error",
    "linf": "largest absolute error",
}
#: Conditions of the theorem, for sentences that make no other mention of them.
CONDITIONS = "with non-negative weights and non-decreasing transfer functions (spiking circuits: as a rate code)"
MONOTONE = (
    "If all weights are non-negative and all transfer functions are non-decreasing, then no rate falls when inputs "
    "rise, regardless of the size and depth of the circuit: such an excitatory-only circuit computes only functions "
    "that never fall when inputs rise. One pair of inputs between which a function falls, a witness, therefore proves "
    "that no such circuit computes it."
)
LIMITS = (
    "This holds for rates that are compared with one threshold, the same in every condition, for inputs of one "
    "polarity, and for spiking circuits as far as they use a rate code. A negative bias is a threshold, no inhibitory "
    "synapse. It does not hold for neurons whose rate falls with increasing input, for outputs that are compared with "
    "each other (a subtraction), for inputs given as ON and OFF pairs, for slow negative feedback (adaptation, "
    "synaptic depression, homeostasis), for gains or conductances that change with the context, or for codes by spike "
    "timing."
)
#: Inputs of data are listed by name up to this number.
INPUTS = 20
#: Names of inputs, and pairs of patterns, are written out up to this number.
NAMED = 6


def excitation(*more: str) -> Explanation:
    """What excitatory-only circuits can do and the limits of the theorem, with other paragraphs in between."""
    return Explanation("What excitatory-only circuits can do", (MONOTONE, *more, LIMITS))


def is_data(certificate: Certificate) -> bool:
    """Whether the certificate is of labelled data, not of a function that is known everywhere."""
    return isinstance(certificate.function, LabelledData)


def name_of(certificate: Certificate) -> str:
    """What should be computed: a function by its name, or the target of data."""
    data = certificate.data
    return f"“{data.target}” in {data.name}" if is_data(certificate) else data.name


def inputs(data: LabelledData) -> str:
    """Which columns of data are inputs."""
    return f"Inputs: {listing(data.names, most=INPUTS)}."


def headline_loss(certificate: Certificate) -> str:
    """The loss that is shown first: zero-one for two values of the target, else squared error."""
    several = len(np.unique(certificate.data.targets)) > 2
    return "l2" if several and "l2" in certificate.best else next(iter(certificate.best))


def headline(certificate: Certificate) -> Iterator[str]:
    """Whether an excitatory-only circuit computes a function, or how nearly, a sentence at a time."""
    data, loss = certificate.data, headline_loss(certificate)
    floor = certificate.floor[loss]
    name = name_of(certificate)
    if is_data(certificate) and certificate.conclusive is False:
        yield cannot_tell(certificate, name)
    elif certificate.representable:
        yield f"An excitatory-only circuit can compute {name}: it never falls when inputs rise."
    elif is_data(certificate) and loss == "zero_one":
        yield from wrong_labels(data, floor, of_any_function(data), name, certificate.evidence())
    else:
        yield f"No excitatory-only circuit computes {name}; the least {MEANING[loss]} is {floor:.4g}."
        if is_data(certificate):
            constant = constant_error(data, loss)
            yield f"The best constant answer has {constant:.4g}."
            if floor < constant * (1 - 1e-9):
                yield "If values may be that far off by noise, the rule behind them may need no inhibition."


def cannot_tell(certificate: Certificate, name: str) -> str:
    """A warning that almost any labels of these rows would be admissible."""
    found, data = certificate.evidence(), certificate.data
    return (
        f"These rows cannot tell whether the rule behind {name} needs inhibition: "
        f"{share(found.comparable_share)} of the pairs of rows are comparable (one row is at least the other in every "
        f"input). The best excitatory-only circuit gets {rows(data, found.floor)} wrong, with shuffled labels "
        f"{_range(found.floor_permuted)}."
    )


def _range(floors: dict[str, float]) -> str:
    low, high = share(floors["low"]), share(floors["high"])
    return low if low == high else f"{low} to {high}"


def beside(certificate: Certificate) -> str:
    """Evidence reported with the zero-one floor: comparable pairs, the inverted target, shuffled labels."""
    found, parts = certificate.evidence(), []
    if found.comparable_share is not None:
        parts.append(f"Comparable pairs of rows: {share(found.comparable_share)}.")
    parts.append(f"Floor {found.floor:.4g}; of the inverted target {found.floor_inverted:.4g}.")
    if found.floor_permuted is not None:
        parts.append(f"With shuffled labels (20 permutations): {_range(found.floor_permuted)}.")
    return " ".join([*parts, found.left_out]).strip()


def wrong_labels(
    data: LabelledData, floor: float, of_any: float, labels: str, found: Evidence, held_out: HeldOut | None = None
) -> Iterator[str]:
    """How many rows the best excitatory-only circuit gets wrong, in proportion, a sentence at a time.

    The floor is the least share of rows that it answers wrongly, `of_any` that of any function at all: rows with the
    same inputs may disagree. `labels` are what it computes, as text; `held_out` is what networks of other rows show.
    """
    yield f"No excitatory-only circuit computes {labels} exactly; the best gets {rows(data, floor)} wrong."
    if of_any:
        yield f"Rows with the same inputs disagree, so any function of them gets at least {rows(data, of_any)} wrong."
    if floor <= of_any + 1e-12:
        yield "The best excitatory-only circuit is as good as that."
        return
    if floor >= found.constant - 1e-12:
        yield "The best constant answer is as good."
    else:
        yield f"The best constant answer gets {rows(data, found.constant)} wrong."
        if held_out is not None and held_out.is_shown:
            yield from_other_rows(held_out)
        elif found.permuted and not found.stands_out(floor):
            shuffled = _range(found.floor_permuted)
            yield f"With shuffled labels it is {shuffled}: these rows do not show that labels rise with the inputs."
        else:
            yield f"If {rows(data, floor)} may have noisy labels, the rule behind them may need no inhibition."
            if held_out is not None:
                yield from_other_rows(held_out)
    if found.floor_inverted < floor - 1e-12:
        yield f"With an inverter at the output it would be {rows(data, found.floor_inverted)}."


def from_other_rows(held_out: HeldOut, what: str = "rows") -> str:
    """Whether noisy labels may be all that a floor shows, by networks on rows that they were not trained on."""
    of_lead = f"difference {held_out.lead:+.1%}, 95% interval {held_out.low:+.1%} to {held_out.high:+.1%}"
    meaning = (
        "noisy labels do not explain the floor"
        if held_out.is_shown
        else "noisy labels may explain the floor, so no loss is called provable"
    )
    return (
        f"Networks are right on {share(held_out.score)} of {what} that they were not trained on, the best monotone "
        f"function, chosen for these {what}, on {share(held_out.bound)} ({of_lead.replace('-', '−')}): {meaning}."
    )


def rows(data: LabelledData, part: float) -> str:
    """A fraction of rows as text, with their number unless rows differ in weight."""
    if (data.weights == data.weights[0]).all():
        n = len(data.targets)
        return f"{round(part * n):,} of {n:,} rows ({share(part)})"
    return f"{share(part)} of the rows by weight"


def witness(certificate: Certificate) -> str:
    """The two inputs, which of them were raised, and the values of the function."""
    names, data = certificate.data.names, certificate.data
    lower, upper = (point_of(names, point) for point in certificate.witness)
    x, y = _rows_of(certificate)
    raised = [name for name, a, b in zip(names, data.ordered[x], data.ordered[y], strict=True) if b > a]
    risen = f"raised: {listing(raised, NAMED)}" if raised else "with the very same inputs"
    return (
        f"At {lower} the function is {data.targets[x]:g}, at {upper} {data.targets[y]:g} ({risen}). No input falls, "
        f"but the function does, which no excitatory-only circuit {CONDITIONS} reproduces. Violating pairs: "
        f"{certificate.violating_pairs:,}."
    )


def _rows_of(certificate) -> tuple[int, int]:
    """Rows of the witness: of those that look the same, two in order with the largest fall."""
    data = certificate.data
    below, above = (np.flatnonzero((data.points == point).all(axis=1)) for point in certificate.witness)
    below, above = below[np.argsort(-data.targets[below])], above[np.argsort(data.targets[above])]
    if data.order is not None:
        for x in below:
            for y in above:
                if (data.order[x] <= data.order[y]).all() and data.targets[x] > data.targets[y]:
                    return int(x), int(y)
    return int(below[0]), int(above[0])


def patterns_wrong(certificate: Certificate) -> str:
    """How many patterns of a truth table any excitatory-only circuit answers wrongly, and the pairs that force it."""
    data, patterns = certificate.data, certificate.function.patterns
    pairs = disjoint_pairs(violations(Sample(patterns, data.targets, data.weights)))
    shown = listing((" ≤ ".join(_compact(certificate, patterns[k]) for k in pair) for pair in pairs), NAMED)
    return (
        f"Of {len(patterns)} patterns at least {len(pairs)} must be wrong, "
        f"{certificate.floor['zero_one']:.4g} of all: the function falls within {shown}. One pattern of each pair is "
        "wrong, no pattern is in two pairs, and some function that never falls has no more errors."
    )


def inhibition(certificate: Certificate) -> str:
    """The inversion complexity, and the chain of inputs that proves it."""
    chain = certificate.chain
    where = f"its {len(chain)} points are `chain`"
    if certificate.data.n_inputs <= NAMED:
        shown = [_compact(certificate, point) for point in chain]
        where = " ≤ ".join([*shown[:4], "...", *shown[-4:]] if len(shown) > 8 else shown)
    return (
        "Least number of inhibitory neurons in a feed-forward threshold circuit (Markov 1957): "
        f"{certificate.inversion_complexity}. Falls along an increasing chain: {len(chain) // 2} ({where})."
    )


def flips(certificate: Certificate) -> str:
    """Which inputs to flip for the lowest floor."""
    found = certificate.orientation
    if found is None:
        return "Not looked for, since it takes many floors: ask for it (orient)."
    flipped, least = listing(certificate.data.names[j] for j in found.flipped), f"least {MEANING['zero_one']}"
    lead = (
        f"With {flipped} flipped (one inhibitory relay each) the {least} is {found.floor:.4g}"
        if flipped
        else f"No flip was found that lowers the {least}"
    )
    how = "all choices were tried" if found.exact else "inputs were flipped in turn, not all choices tried"
    return f"{lead}; {how}. With an ON and OFF pair for every input it is {found.on_off_floor:.4g}."


def point_of(names, point) -> str:
    """A point as text: its first inputs by name."""
    more = ", ..." if len(names) > NAMED else ""
    values = (f"{name} = {value:g}" for name, value in zip(names[:NAMED], point, strict=False))
    return f"({', '.join(values)}{more})"


def _compact(certificate, point):
    if isinstance(certificate.function, TruthTable):
        return "".join(map(str, point))
    return f"({', '.join(f'{value:g}' for value in point)})"
