"""A certificate in words: the witness, the floor, and the inhibition that brings the function back."""

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from eisim.functions import LabelledData, TruthTable
from eisim.report.findings import Explanation
from eisim.report.wording import capital, count, listing, share
from eisim.theory.certificate import Certificate
from eisim.theory.evidence import Evidence
from eisim.theory.order import violations
from eisim.theory.sample import Sample

MEANING = {
    "zero_one": "share of points answered wrongly",
    "l1": "mean absolute error",
    "l2": "mean squared error",
    "linf": "largest absolute error",
}
MONOTONE = (
    "Excitatory synapses have weights of 0 or more, and a higher input never lowers the rate of these neurons. So if "
    "no input of an excitatory-only circuit goes down, no rate goes down, whatever its size or depth: it computes "
    "functions that never fall when inputs rise, and no others. One pair of inputs at which a function falls, a "
    "witness, ends the matter."
)
LIMITS = (
    "This holds for rates that are compared with a threshold, with inputs of one polarity. It does not hold for "
    "neurons whose rate falls with more input, for outputs that are compared with each other, which is a subtraction, "
    "for inputs that come as ON and OFF pairs, nor strictly for the timing of spikes."
)
#: Errors of the best constant answer.
CONSTANT = {
    "zero_one": lambda y, w: 1 - np.bincount(np.unique(y, return_inverse=True)[1], w).max() / w.sum(),
    "l1": lambda y, w: np.average(np.abs(y - _median(y, w)), weights=w),
    "l2": lambda y, w: np.average((y - np.average(y, weights=w)) ** 2, weights=w),
    "linf": lambda y, w: np.ptp(y) / 2,
}
#: Inputs of data are all named up to so many.
INPUTS = 20
#: Names of inputs, and pairs of patterns, are written out up to so many.
NAMED = 6


def excitation(*more: str) -> Explanation:
    """What excitatory-only circuits can do and where that stops holding, with more paragraphs between."""
    return Explanation("What excitatory-only circuits can do", (MONOTONE, *more, LIMITS))


def words(certificate: Certificate, in_files: bool = True) -> Iterator[str]:
    """The certificate in words, a line or paragraph at a time; `in_files`: what is not said is in files beside it."""
    yield f"{certificate.data.name}: {headline(certificate)}"
    if is_data(certificate):
        yield inputs(certificate.data)
    for title, text in parts(certificate, in_files):
        yield f"{title}: {text}"


def is_data(certificate: Certificate) -> bool:
    """Whether the certificate is of labelled data, not of a function that is known everywhere."""
    return isinstance(certificate.function, LabelledData)


def inputs(data: LabelledData) -> str:
    """Which columns of data are inputs."""
    more = f", and {len(data.names) - INPUTS:,} more" if len(data.names) > INPUTS else ""
    return f"Inputs: {', '.join(data.names[:INPUTS])}{more}."


def headline(certificate: Certificate) -> str:
    """Whether an excitatory-only circuit computes a function, a sentence without its subject; of data how nearly."""
    if is_data(certificate) and certificate.conclusive is False:
        return cannot_tell(certificate)
    if certificate.representable:
        what = "these labels: they never fall" if is_data(certificate) else "it: it never falls"
        return f"an excitatory-only circuit can compute {what} when inputs rise."
    if is_data(certificate):
        return capital(in_proportion(certificate))
    return "no circuit without inhibition computes it."


def cannot_tell(certificate: Certificate, name: str = "them") -> str:
    """That hardly any labels of these rows would be refused, beginning with a small letter."""
    found, data = certificate.evidence(), certificate.data
    return (
        f"these rows cannot tell whether the rule behind {name} needs inhibition. Only "
        f"{share(found.comparable_share)} of the pairs of rows are comparable (one row is at least the other in every "
        f"input), so an excitatory-only circuit fits nearly any labels: the best gets {rows(data, found.floor)} wrong, "
        f"and with shuffled labels {_range(found.floor_permuted)}."
    )


def _range(floors: dict[str, float]) -> str:
    low, high = share(floors["low"]), share(floors["high"])
    return low if low == high else f"{low} to {high}"


def beside(certificate: Certificate) -> str:
    """What stands beside the floor: comparable pairs, the inverted target, shuffled labels."""
    found, data = certificate.evidence(), is_data(certificate)
    parts = []
    if data and found.comparable_share is not None:
        parts.append(f"{capital(share(found.comparable_share))} of the pairs of rows are comparable.")
    if data or found.floor_inverted < found.floor:
        what = "the target" if data else "the function"
        better = ""
        if found.floor_inverted < found.floor:
            better = f", not {found.floor:.4g}: an inverter at the output would do that"
        parts.append(f"With {what} inverted the zero-one floor is {found.floor_inverted:.4g}{better}.")
    if found.floor_permuted is not None:
        low, median, high = (f"{found.floor_permuted[key]:.4g}" for key in ("low", "median", "high"))
        floors = f"{low} each time" if low == high else f"{median} in the median ({low} to {high})"
        parts.append(f"With shuffled labels (20 permutations) it is {floors}.")
    elif data:
        parts.append(found.left_out)
    return " ".join(parts)


def headline_loss(certificate: Certificate) -> str:
    """The loss that is shown first: zero-one for two values of the target, else squared error."""
    several = len(np.unique(certificate.data.targets)) > 2
    return "l2" if several and "l2" in certificate.best else next(iter(certificate.best))


def in_proportion(certificate: Certificate, name: str = "") -> str:
    """How nearly an excitatory-only circuit computes data, and what that says if they are noisy.

    Parameters
    ----------
    certificate : Certificate
        Of labelled data, not representable.
    name : str
        Of the data, where it has to be said.
    """
    data, loss = certificate.data, headline_loss(certificate)
    floor, constant = certificate.floor[loss], constant_error(data, loss)
    values = "labels" if loss == "zero_one" else "values"
    values = f"the {values} of {name}" if name else f"these {values}"
    if loss == "zero_one":
        return " ".join(wrong_labels(data, floor, of_any_function(data), values, certificate.evidence()))
    lead = f"No excitatory-only circuit computes {values} exactly; the best has a {MEANING[loss]} of {floor:.4g}"
    if floor >= constant * (1 - 1e-9):
        return f"{lead}, no less than the best constant answer."
    return (
        f"{lead}, the best constant answer one of {constant:.4g}. If values may be that far off by noise, the rule "
        "behind them may need no inhibition."
    )


def wrong_labels(data: LabelledData, floor: float, of_any: float, labels: str, found: Evidence) -> Iterator[str]:
    """How many rows the best excitatory-only circuit gets wrong, in proportion, a sentence at a time.

    Parameters
    ----------
    data : LabelledData
    floor : float
        Least share of rows that an excitatory-only circuit answers wrongly.
    of_any : float
        The same of any function at all: rows with the same inputs may disagree.
    labels : str
        What the circuit computes, in words.
    found : Evidence
        What stands beside the floor.
    """
    constant = constant_error(data, "zero_one")
    yield f"No excitatory-only circuit computes {labels} exactly; the best gets {rows(data, floor)} wrong."
    if of_any:
        yield f"Rows with the same inputs disagree, so any function of them gets at least {rows(data, of_any)} wrong."
    if floor <= of_any + 1e-12:
        yield "The best excitatory-only circuit is as good as that."
        return
    if floor >= constant - 1e-12:
        yield "The best constant answer is as good."
    elif found.permuted and not found.stands_out(floor):
        yield (
            f"With shuffled labels it is {_range(found.floor_permuted)}, so these rows do not show that labels rise "
            "with the inputs."
        )
    else:
        yield (
            "If that many labels may be noise, the rule behind them may need no inhibition."
            if not of_any
            else f"If {rows(data, floor)} may have noisy labels, the rule behind them may need no inhibition."
        )
    if floor < constant - 1e-12:
        yield f"The best constant answer gets {rows(data, constant)} wrong."
    if found.floor_inverted < floor - 1e-12:
        yield f"With an inverter at the output it would be {rows(data, found.floor_inverted)}."


def rows(data: LabelledData, part: float) -> str:
    """A share of rows in words: their number too, unless rows differ in weight."""
    if (data.weights == data.weights[0]).all():
        n = len(data.targets)
        return f"{round(part * n):,} of {n:,} rows ({share(part)})"
    return f"{share(part)} of the rows by weight"


def constant_error(data: LabelledData, loss: str) -> float:
    """Error of the best answer that is the same everywhere."""
    return float(CONSTANT[loss](data.targets, data.weights))


def of_any_function(data: LabelledData) -> float:
    """Least share of rows that any function at all answers wrongly: where rows with the same inputs disagree."""
    _, point = np.unique(data.ordered, axis=0, return_inverse=True)
    both, cell = np.unique(np.column_stack([point.ravel(), data.targets]), axis=0, return_inverse=True)
    weight, most = np.bincount(cell.ravel(), data.weights), np.zeros(len(both))
    np.maximum.at(most, both[:, 0].astype(int), weight)
    return max(0.0, float(1 - most.sum() / weight.sum())) if len(both) > both[-1, 0] + 1 else 0.0


def _median(values, weights):
    order = np.argsort(values, kind="stable")
    return values[order][np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)]


def parts(certificate: Certificate, in_files: bool = True) -> Iterator[tuple[str, str]]:
    """The proof, pairs of a title and a paragraph."""
    lost = not certificate.representable
    if lost:
        yield "Witness", witness(certificate)
        yield "Floor, the least error of any excitatory-only circuit", floor(certificate, in_files)
    if (is_data(certificate) or lost) and (text := beside(certificate)):
        yield "Beside the floor", text
    if certificate.inversion_complexity:
        yield "Inhibition needed", inhibition(certificate, in_files)
    if certificate.floor_with and lost:
        floors = (f"{value:.4g} with {r}" for r, value in certificate.floor_with.items())
        yield f"{capital(_term(certificate))} by number of inhibitory neurons", f"{listing(floors)}."
    if certificate.orientation and lost:
        yield "Inputs to flip", _flips(certificate)
    elif lost:
        how = "--orient" if in_files else "orient=True"
        yield "Inputs to flip", f"Not looked for, since it takes many floors; {how} does it."
    for note in certificate.notes:
        yield "Note", note


def witness(certificate: Certificate) -> str:
    """The two inputs, which of them were raised, the output that fell, and why no excitatory-only circuit does that."""
    lower, upper = certificate.witness
    names, data = certificate.data.names, certificate.data
    x, y = _rows_of(certificate)
    raised = [name for name, a, b in zip(names, data.ordered[x], data.ordered[y], strict=True) if b > a]
    return (
        f"at {point_of(names, lower)} the function is {data.targets[x]:g}, at "
        + (f"{point_of(names, upper)} it is " if raised else "the very same inputs it is also ")
        + f"{data.targets[y]:g}. "
        + (f"Going there raises {listing(raised, NAMED)}. " if raised else "")
        + "No input went down, yet the function falls; more excitation can never make a circuit of excitatory neurons "
        f"answer less. Pairs of points like this: {certificate.violating_pairs:,}."
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


def floor(certificate: Certificate, in_files: bool = True) -> str:
    """The floors; of a truth table also how many patterns have to be wrong, and for which pairs."""
    found = certificate.floor
    each = []
    for loss, value in found.items():
        meaning = f"zero-one floor ({_wrongly(certificate)})" if loss == "zero_one" else MEANING[loss]
        each.append(f"{meaning} {value:.4g}")
    text = "; ".join(each)
    if is_data(certificate):
        constant = listing(f"{constant_error(certificate.data, loss):.4g}" for loss in found)
        text += f". The best constant answer has {constant}"
    text += f". The functions that reach the floor are in {'points.csv' if in_files else '.best'}."
    if isinstance(certificate.function, TruthTable) and "zero_one" in found:
        text += f" {patterns_wrong(certificate)}"
    return text


def patterns_wrong(certificate: Certificate) -> str:
    """How many patterns of a truth table any excitatory-only circuit answers wrongly, and the pairs that force it."""
    pairs = disjoint_pairs(certificate)
    n_patterns = len(certificate.data.points)
    shown = listing((" ≤ ".join(_compact(certificate, point) for point in pair) for pair in pairs), NAMED)
    if len(pairs) == 1:
        reason = f"It falls from {shown.replace(' ≤ ', ' to ')}, so one of the two is answered wrongly"
    else:
        reason = f"It falls within {shown}. No two of these pairs share a pattern, and each has a wrong one"
    return (
        f"Of {n_patterns} patterns at least {len(pairs)} must be wrong, {certificate.floor['zero_one']:.4g} of all. "
        f"{reason}; there is a function that never falls with no more errors than that."
    )


def disjoint_pairs(certificate: Certificate) -> list[tuple[tuple, tuple]]:
    """As many pairs x <= y with f(x) > f(y) as there can be without a point in common (König: as many as errors).

    Parameters
    ----------
    certificate : Certificate
        Of a truth table.

    Returns
    -------
    list of (tuple, tuple)
        x and y of each.
    """
    data = certificate.data
    points = np.asarray(certificate.function.patterns)
    found = violations(Sample(points, data.targets, data.weights))
    edges = np.array([[bits >> k & 1 for k in range(len(found.columns))] for bits in found.above], dtype=bool)
    if not edges.size:
        return []
    from scipy.sparse.csgraph import maximum_bipartite_matching  # which imports much

    partner = maximum_bipartite_matching(sparse.csr_array(edges), perm_type="column")
    row = found.sample.first
    pairs = [(row[found.rows[i]], row[found.columns[j]]) for i, j in enumerate(partner) if j >= 0]
    return [(tuple(points[x].tolist()), tuple(points[y].tolist())) for x, y in sorted(pairs)]


def inhibition(certificate: Certificate, in_files: bool = True) -> str:
    """The inversion complexity, and the chain of inputs that proves it."""
    needed, chain = certificate.inversion_complexity, certificate.chain
    drops = len(chain) // 2
    if certificate.data.n_inputs > NAMED:
        where = f"the chain is in {'certificate.json' if in_files else '.chain'}"
    else:
        shown = [_compact(certificate, point) for point in chain]
        shown = [*shown[:4], "...", *shown[-4:]] if len(shown) > 8 else shown
        values = "1, 0, 1, 0, ... in turn" if drops > 1 else "1, then 0"
        where = f"{' ≤ '.join(shown)}, where it is {values}"
    neurons = count(needed, "inhibitory neuron") + (" is" if needed == 1 else " are")
    times = "once" if drops == 1 else f"{drops} times"
    return (
        f"{neurons} enough and fewer are not, in a feed-forward threshold circuit (Markov 1957), since the function "
        f"falls {times} along an increasing chain: {where}."
    )


def _flips(certificate):
    orientation, names, floor = certificate.orientation, certificate.data.names, _term(certificate)
    if orientation.flipped:
        flipped = ", ".join(names[j] for j in orientation.flipped)
        how = "no other choice is better" if orientation.exact else "the best found by flipping one input after another"
        lead = f"With {flipped} flipped (one inhibitory relay each) the {floor} is {orientation.floor:.4g}; {how}."
    elif orientation.exact:
        lead = f"No choice of inputs to flip lowers the {floor}."
    else:
        lead = f"Flipping one input after another does not lower the {floor}; all choices were not tried."
    return f"{lead} With an ON and OFF pair for every input it is {orientation.on_off_floor:.4g}."


def _term(certificate):
    """The zero-one floor by name; what it is is said in the part on floors, if it stands there."""
    return "zero-one floor" if "zero_one" in certificate.floor else f"zero-one floor ({_wrongly(certificate)})"


def _wrongly(certificate):
    return "share of rows answered wrongly" if is_data(certificate) else MEANING["zero_one"]


def point_of(names, point):
    """A point in words: its first inputs by name."""
    return (
        "("
        + ", ".join(f"{name} = {value:g}" for name, value in zip(names[:NAMED], point, strict=False))
        + (", ...)" if len(names) > NAMED else ")")
    )


def _compact(certificate, point):
    if isinstance(certificate.function, TruthTable):
        return "".join(str(x) for x in point)
    return "(" + ", ".join(f"{value:g}" for value in point) + ")"
