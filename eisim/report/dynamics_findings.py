"""What the experiment on order along time found, for its page."""

from eisim.report.dynamics import NOT_TESTED, mechanism
from eisim.report.findings import Explanation, Findings, PageColumn, PageTable, Picture
from eisim.report.wording import answer, capital
from eisim.studies.order.rate import NETWORKS, ROUNDING
from eisim.studies.order.result import DynamicsResult
from eisim.studies.order.spiking import MEASURES, describe

IN_TIME = (
    "Take an excitatory-only rate circuit twice, from the same state, with an input that is nowhere and never lower "
    "the second time. No unit's rate is then lower the second time, at any moment: where it could begin to fall "
    "behind, its input is no less, so it does not (Kamke 1932; cooperative systems). The same holds with delays, and "
    "for the steps of the simulation, while a step is no longer than the shortest time constant."
)
SPIKES = (
    "Spikes are no rates. A leak forgets, a refractory period blocks, and a coincidence counts the timing of inputs as "
    "well as their number; by each of these more input can give fewer spikes, without any inhibition. So the theorem "
    "speaks of spiking circuits as far as they carry a rate code, and here is measured how far that is."
)


def findings(result: DynamicsResult) -> Findings:
    """What the page of ``python -m eisim run monotone_dynamics`` shows."""
    proofs = [Explanation("Why rates keep the order of inputs", (IN_TIME,))] if result.rate else []
    if result.conditions:
        proofs.append(Explanation("Why spikes can break it", (SPIKES, NOT_TESTED)))
        proofs.append(Explanation("What the search found", tuple(capital(mechanism(s)) for s in result.search)))
    return Findings(
        question="Do excitatory-only circuits keep the order of their inputs at every moment?",
        answer=answer(_rates(result.rate), _spikes(result), problems=result.problems),
        tables=tuple(_tables(result)),
        pictures=tuple(_pictures(result)),
        proofs=tuple(proofs),
    )


def _rates(rate):
    if not rate:
        return ""
    without, control = (rate.total(network).pairs for network in NETWORKS)
    if without.count:
        text = f"As rates they break it in {without.count:,} of {without.of:,} pairs of inputs"
    else:
        text = f"As rates they keep it for all {without.of:,} pairs of inputs"
    return f"{text}; with inhibition it is broken in {control.value:.1%} of the pairs."


def _spikes(result):
    if not result.conditions:
        return ""
    shares = {c.condition.name: c.per_pair("any") for c in result.conditions}
    low, high = min(shares, key=lambda name: shares[name].value), max(shares, key=lambda name: shares[name].value)
    worst = max(result.search, key=lambda s: s.found.fall, default=None)
    if not shares[high].count:
        text = f"As spikes they keep it for all pairs in each of {len(shares)} conditions"
    elif low == high:
        text = f"As spikes they do not: some neuron's count falls in {shares[low].value:.1%} of the pairs"
    else:
        text = (
            f"As spikes they do not: some neuron's count falls in {shares[low].value:.1%} ({low}) to "
            f"{shares[high].value:.1%} ({high}) of the pairs"
        )
    if worst is None or worst.found.fall <= 0:
        return f"{text}; a search found no fall of the readout."
    return f"{text}, and a search found a fall of the readout by {worst.found.fall / worst.response.window:.3g} Hz."


def _order(share):
    return "broken" if share.count else "kept"


def _tables(result):
    if result.rate:
        yield _rate_table(result.rate)
    if result.conditions:
        yield _condition_table(result.conditions)
        yield _search_table(result.search)
        yield _meanings(result.conditions)


INTERVAL = (
    PageColumn("pairs", "number", note="Ordered pairs of inputs that were compared, over all circuits."),
    PageColumn("broken", "number", note="Share of the pairs."),
    PageColumn("low", "number", note="95 % interval of that share (Wilson), as if pairs were independent."),
    PageColumn("high", "number"),
)


def _interval(share):
    return (share.of, share.value, *map(float, share.interval))


def _rate_table(rate):
    columns = (
        PageColumn("rate circuits"),
        PageColumn("order", note=f"Kept if no rate falls by more than {ROUNDING:g} Hz at any unit and step."),
        *INTERVAL,
        PageColumn("circuits broken", "number", note="Share of the circuits with any such fall."),
        PageColumn("largest fall", "number", "Hz"),
    )
    rows = tuple(
        (
            f"{c.network}: {'all units' if c.model == 'all' else c.model}",
            _order(c.comparisons),
            *_interval(c.pairs),
            c.circuits.value,
            float(c.largest),
        )
        for c in rate.counts
    )
    count = rate.total(NETWORKS[0])
    note = (
        f"{count.circuits.of:,} random recurrent circuits, with constant and time-varying inputs; "
        f"{count.comparisons.of:,} comparisons (unit × step × pair) in each network."
    )
    return PageTable("Rates: is order broken at some unit and step?", columns, rows, (note,), "table.csv")


def _condition_table(conditions):
    columns = (
        PageColumn("spiking circuits"),
        PageColumn("order", note="Kept if no neuron's count of spikes in the window falls for any pair."),
        *INTERVAL,
        *(PageColumn(name, "number", note=f"Share of pairs: {MEASURES[m]}.") for m, name in _NAMES.items()),
        PageColumn("largest fall, neuron", "number", "Hz"),
        PageColumn("largest fall, readout", "number", "Hz"),
        PageColumn("rate, hidden", "number", "Hz"),
        PageColumn("rate, readout", "number", "Hz"),
    )
    rows = tuple(
        (
            c.condition.name,
            _order(c.per_pair("any")),
            *_interval(c.per_pair("any")),
            *(c.per_pair(m).value for m in _NAMES),
            c.largest["any"],
            c.largest["readout"],
            c.rates["hidden"],
            c.rates["readout"],
        )
        for c in conditions
    )
    note = (
        f"{conditions[0].per_circuit('any').of:,} random excitatory-only circuits in each condition. One spike is "
        f"{1 / conditions[0].window:g} Hz, which the edge of the window alone can cost a regular train."
    )
    return PageTable("Spikes: how often is order broken?", columns, rows, (note,), "table.csv")


_NAMES = {
    "any_clear": "by 10 Hz or more",
    "readout": "readout",
    "readout_clear": "readout by 10 Hz or more",
    "decision": "decision",
    "behind": "readout behind",
}


def _meanings(conditions):
    columns = (PageColumn("condition"), PageColumn("meaning", note="How it differs from the reference."))
    rows = tuple((c.condition.name, describe(c.condition)) for c in conditions)
    return PageTable("The conditions of the spiking circuits", columns, rows)


def _search_table(search):
    columns = (
        PageColumn("search among"),
        PageColumn("fall", "number", "Hz", "The strongest fall of the readout that was found."),
        PageColumn("fall, random", "number", "Hz", "The strongest one before the search."),
        PageColumn("generations", "number"),
        PageColumn("membrane", "number", "ms", "Time constant of the neurons that were found."),
        PageColumn("synapses", "number", "ms", "Their synaptic time constant."),
        PageColumn("refractory", "number", "ms", "Their refractory period."),
    )
    rows = tuple(
        (
            f"{s.kind} circuits",
            s.progress[-1] / s.response.window,
            s.progress[0] / s.response.window,
            len(s.progress) - 1,
            *(1e3 * float(value) for c in [s.found.candidate.condition] for value in (c.tau, c.synaptic, c.refractory)),
        )
        for s in search
    )
    return PageTable("The strongest fall of the readout that a search found", columns, rows)


def _pictures(result):
    if result.rate:
        without, control = (result.rate.total(network).pairs for network in NETWORKS)
        yield Picture(
            "rate_trajectories.svg",
            "Rates over time for a chain of ordered inputs",
            "One unit of each model, excitatory-only (left) and with inhibition (right): a line for each input of a "
            "chain, the larger the darker. Where order is kept no darker line is ever below a lighter one.",
            f"Order is broken in {without.count:,} of {without.of:,} pairs in excitatory-only circuits and in "
            f"{control.count:,} of {control.of:,} with inhibition.",
            "rate_trajectories.csv",
        )
    if result.conditions:
        shares = [(c.condition.name, c.per_pair("any").value, c.per_pair("readout").value) for c in result.conditions]
        yield Picture(
            "violation_rates.svg",
            "How often excitatory-only spiking circuits break order",
            "Left, share of ordered pairs of inputs that break order in some way, by condition, with 95 % intervals. "
            "Right, share of pairs whose larger input has given fewer readout spikes so far, over the trial.",
            "Share of pairs in which some neuron's count falls, and the readout's: "
            + "; ".join(f"{name} {any_:.1%} and {readout:.1%}" for name, any_, readout in shares)
            + ".",
            "violation_rates.csv",
        )
    for s in result.violations:
        found = s.found
        yield Picture(
            f"strongest_violation_{s.kind}.svg",
            f"The strongest violation found, {s.kind} circuits",
            "Above, spikes for the lower and for the upper input. Below, readout spikes so far for both inputs; the "
            "largest fall found by generation of the search; and the fall as it was found and with one thing changed.",
            f"The readout gives {found.counts[0]} spikes in the window for the lower input and {found.counts[1]} for "
            "the upper one.",
            f"strongest_violation_{s.kind}.csv",
        )
