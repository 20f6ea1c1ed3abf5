"""How order along time is shown."""

from collections.abc import Callable, Iterator
from dataclasses import asdict

import numpy as np

from eisim.base.files import to_csv
from eisim.report.findings import Explanation
from eisim.report.table import Column, Table
from eisim.report.tabular import array, names
from eisim.report.view import Drawing, View, show_with
from eisim.report.views import order_figures as figures
from eisim.studies.order.order import Share
from eisim.studies.order.rate import NETWORKS, ROUNDING, RateResult
from eisim.studies.order.result import DynamicsResult
from eisim.studies.order.search import SearchResult, Variant
from eisim.studies.order.spiking import BIN, MEASURES, ConditionResult, describe

IN_TIME = (
    "Take a rate circuit with non-negative weights and non-decreasing transfer functions, and two inputs of which the "
    "second is nowhere and never lower. From the same initial state and history, no unit's rate is then ever lower "
    "with the second: where it could begin to fall behind, its input is no less, so it does not (Kamke 1932; "
    "cooperative systems). The same holds with delays, and for the Euler steps of the simulation, provided that a "
    "step is no longer than the shortest time constant."
)
SPIKES = (
    "Through leak, refractoriness and coincidence detection, spikes depend on the timing of inputs as well as on their "
    "number, so more input can evoke fewer spikes without any inhibition. The theorem therefore applies to spiking "
    "circuits only as far as they use a rate code. These measurements show how far that is for the circuits tested."
)
NOT_TESTED = (
    "Short-term depression (`ShortTerm`), which also breaks a rate code, is not in these circuits and not tested here."
)
#: What the shares of an `OrderCount` are shares of.
BASES = ("circuits", "pairs", "comparisons")
#: Measures beside "any", as headings.
HEADINGS = {
    "any_clear": "by ≥ 10 Hz",
    "readout": "readout",
    "readout_clear": "readout by ≥ 10 Hz",
    "decision": "decision",
    "behind": "readout behind",
}
NEURON = {"tau": "Membrane time constant", "synaptic": "Synaptic time constant", "refractory": "Refractory period"}


def _share(share: Share) -> dict:
    low, high = share.interval
    return {"count": share.count, "of": share.of, "share": share.value, "low": low, "high": high}


def _condition_row(result: ConditionResult) -> dict:
    return {
        "condition": result.condition.name,
        "meaning": describe(result.condition),
        "mean_rate_hz": result.rates,
        "largest_fall_hz": result.largest,
        "pairs": {measure: _share(result.per_pair(measure)) for measure in MEASURES},
        "circuits": {measure: _share(result.per_circuit(measure)) for measure in MEASURES},
    }


def _search_row(result: SearchResult) -> dict:
    condition = asdict(result.found.candidate.condition)
    changes = [f"{variant.name}: {_became(result, variant)}" for variant in result.variants[1:]]
    said = [f"{_raised(result)}: {_spikes(result)} readout spikes", *changes]
    return {
        "circuits": result.kind,
        "fall_spikes": list(result.progress),
        "fall_hz": [fall / result.response.window for fall in result.progress],
        "counts": list(result.found.counts),
        "input_rates_hz": result.input_rates.tolist(),
        "neuron": {name: condition[name] for name in NEURON},
        "variants": [{"name": v.name, "counts": [list(c) for c in v.counts]} for v in result.variants],
        "mechanism": "; ".join(said) if result.found.fall > 0 else "no violation found",
    }


def _raised(result: SearchResult) -> str:
    """The inputs that differ: ``"B 50 → 75 Hz"``."""
    rates = zip("ABCD", *result.input_rates, strict=True)
    return ", ".join(f"{name} {lower:g} → {upper:g} Hz" for name, lower, upper in rates if upper > lower)


def _spikes(result: SearchResult) -> str:
    return "{} → {}".format(*result.found.counts)


def _became(result: SearchResult, variant: Variant) -> str:
    """What became of the fall, and the readout's spikes for both inputs, or the draws that break order."""
    if len(variant.counts) == 1:
        return "{} ({} → {})".format(result.outcome(variant), *variant.counts[0])
    broken, large = (sum(f >= least for f in variant.falls) for least in (1, result.found.fall / 2))
    return f"broken in {broken} of {len(variant.counts)} draws ({large} by half of the fall or more)"


def _pairs(share: Callable[..., Share], broken: str) -> tuple[Column, ...]:
    """Columns of the share of pairs whose order is broken; `share` gives it for a row."""
    interval = "95 % interval of that share (Wilson), as if pairs were independent; over circuits it is in table.csv."
    compared = "Ordered pairs of inputs that were compared, over all circuits."
    return (
        Column("pairs", lambda row: share(row).of, note=compared, on_page_only=True),
        Column("broken", lambda row: share(row).value, note=f"Share of pairs in which {broken}.", decimals=3),
        Column("low", lambda row: share(row).interval[0], note=interval, decimals=3),
        Column("high", lambda row: share(row).interval[1], decimals=3),
    )


def _rates(rate: RateResult) -> Table:
    total = rate.total(NETWORKS[0])
    columns = (
        Column("rate circuits", lambda c: f"{c.network}: {'all units' if c.model == 'all' else c.model}"),
        *_pairs(lambda c: c.pairs, f"some rate falls by more than {ROUNDING:g} Hz"),
        Column("circuits broken", lambda c: c.circuits.value, note="Share of the circuits.", decimals=3),
        Column("largest fall", lambda c: c.largest, unit="Hz"),
    )
    note = (
        f"{total.circuits.of:,} random recurrent circuits, with constant and time-varying inputs; "
        f"{total.comparisons.of:,} comparisons (unit × step × pair) in each network."
    )
    return Table("Rate circuits: pairs with broken order", columns, rate.counts, (note,), "table.csv")


def _conditions(conditions: tuple[ConditionResult, ...]) -> Table:
    measured = (
        Column(
            heading,
            lambda c, measure=measure: c.per_pair(measure).value,
            note=f"Share of pairs in which {MEASURES[measure]}.",
            decimals=3,
            on_page_only=measure == "readout_clear",
        )
        for measure, heading in HEADINGS.items()
    )
    difference = "How the circuits differ from the reference."
    columns = (
        Column("spiking circuits", lambda c: c.condition.name),
        *_pairs(lambda c: c.per_pair("any"), MEASURES["any"]),
        *measured,
        Column("largest fall, neuron", lambda c: c.largest["any"], unit="Hz", short="fall, any"),
        Column("largest fall, readout", lambda c: c.largest["readout"], unit="Hz", short="fall, readout"),
        Column("rate, hidden", lambda c: c.rates["hidden"], unit="Hz", on_page_only=True),
        Column("rate, readout", lambda c: c.rates["readout"], unit="Hz", on_page_only=True),
        Column("condition", lambda c: describe(c.condition), note=difference, on_page_only=True),
    )
    edge = (
        f"One spike is {1 / conditions[0].window:.3g} Hz, which the edge of the window alone can cost a regular train; "
        "behind counts from the beginning and has no such edge."
    )
    return Table("Spiking circuits: pairs with broken order", columns, conditions, (edge, NOT_TESTED), "table.csv")


#: Columns of the strongest falls, and of the same with one thing changed.
FOUND = (
    Column("search among", lambda s: f"{s.kind} circuits"),
    Column("inputs raised", _raised),
    Column("readout", _spikes, note="Spikes for the lower and for the upper input."),
    Column("fall", lambda s: s.progress[-1] / s.response.window, unit="Hz"),
    Column("fall, random", lambda s: s.progress[0] / s.response.window, unit="Hz", note="Before the search."),
    Column("generations", lambda s: len(s.progress) - 1, on_page_only=True),
    *(
        Column(
            name,
            lambda s, name=name: 1e3 * getattr(s.found.candidate.condition, name),
            unit="ms",
            note=f"{meaning} of the neurons that were found.",
            on_page_only=True,
        )
        for name, meaning in NEURON.items()
    ),
)
CHANGED = (
    Column("search among", lambda row: f"{row[0].kind} circuits"),
    Column("changed", lambda row: row[1].name),
    Column(
        "the fall",
        lambda row: _became(*row),
        note="Remains (half of it or more), weaker, gone (order is kept), silent or saturated (no spike, or one at "
        "every step, regardless of the input); in brackets readout spikes for both inputs.",
    ),
)


class OrderView(View[DynamicsResult]):
    """How often order is broken by rates and by spikes, and the strongest violations that a search found."""

    question = "Do excitatory-only circuits preserve the order of their inputs over time?"

    def to_json(self) -> dict:
        result, found = self.result, {}
        if result.rate:
            rows = [
                {"network": count.network, "model": count.model}
                | {basis: _share(getattr(count, basis)) for basis in BASES}
                | {"largest_fall_hz": count.largest}
                for count in result.rate.counts
            ]
            found["rate"] = {"tolerance_hz": ROUNDING, "rows": rows}
        if result.conditions:
            found["spiking"] = {
                "measures": MEASURES,
                "rows": list(map(_condition_row, result.conditions)),
                "search": list(map(_search_row, result.search)),
                "not_tested": NOT_TESTED,
            }
        return found | {"problems": result.problems}

    def answer(self) -> Iterator[str]:
        if self.result.rate:
            yield self._broken
        if self.result.conditions:
            yield self._falling
            hertz = {s.kind: s.found.fall / s.response.window for s in self.result.violations}
            found = ", ".join(f"{fall:.3g} Hz ({kind})" for kind, fall in hertz.items())
            yield f"Strongest fall of the readout that a search found: {found or 'none'}."

    @property
    def _broken(self) -> str:
        broken = [f"{n} {(p := self.result.rate.total(n).pairs).count:,} of {p.of:,}" for n in NETWORKS]
        return f"Rate circuits: order broken in pairs of inputs, {'; '.join(broken)}."

    @property
    def _falling(self) -> str:
        shares = {c.condition.name: c.per_pair("any").value for c in self.result.conditions}
        ends = (f"{shares[name]:.1%} ({name})" for name in (end(shares, key=shares.get) for end in (min, max)))
        return f"Excitatory-only spiking circuits: some neuron's count falls in {' to '.join(ends)} of the pairs."

    def tables(self) -> Iterator[Table]:
        if self.result.rate:
            yield _rates(self.result.rate)
        if self.result.conditions:
            yield _conditions(self.result.conditions)
            yield Table("The strongest fall of the readout that a search found", FOUND, self.result.search)
        if self.result.violations:
            variants = [(found, variant) for found in self.result.violations for variant in found.variants]
            scattered = ("Phases are scattered by random delays of up to 20 ms.",)
            yield Table("The strongest fall with one property changed", CHANGED, variants, scattered, keys=2)

    def figures(self) -> Iterator[Drawing]:
        result = self.result
        if result.rate:
            yield Drawing(
                "rate_trajectories.svg",
                "Rates over time for a chain of ordered inputs",
                "Rate of one unit of each model, excitatory-only (a) and with inhibition (b), for each input of an "
                "ordered chain; larger inputs are darker. Where order is preserved, no darker line is below a lighter "
                "one.",
                self._broken,
                "rate_trajectories.csv",
                draw=lambda: figures.rate_trajectories(result.rate),
            )
        if result.conditions:
            yield Drawing(
                "violation_rates.svg",
                "How often excitatory-only spiking circuits break order",
                "Share of ordered pairs of inputs whose order is broken, by condition and criterion, with 95 % Wilson "
                "intervals (a), and share of pairs whose larger input has evoked fewer readout spikes by each time in "
                "the trial (b).",
                self._falling,
                "violation_rates.csv",
                draw=lambda: figures.violation_rates(result.conditions),
            )
        for found in result.violations:
            yield Drawing(
                f"strongest_violation_{found.kind}.svg",
                f"The strongest violation found, {found.kind} circuits",
                "Spikes for the lower (a) and the upper input (b); cumulative readout spikes for both (c); the largest "
                "fall found by each generation of the search (d); and the fall as found and with one property changed "
                "(e), where open circles are random draws.",
                f"Readout spikes in the window for the lower and the upper input: {_spikes(found)}.",
                f"strongest_violation_{found.kind}.csv",
                draw=lambda found=found: figures.strongest_violation(found),
            )

    def proofs(self) -> Iterator[Explanation]:
        if self.result.rate:
            yield Explanation("Why rates preserve the order of inputs", (IN_TIME,))
        if self.result.conditions:
            yield Explanation("Why spikes can break it", (SPIKES,))

    def rows(self) -> list[dict]:
        columns = ("part", "condition", "measure", "basis")
        return [dict(zip(columns, names, strict=True)) | _share(share) for *names, share in _shares(self.result)]

    def files(self) -> Iterator[tuple[str, str]]:
        if self.result.rate:
            yield "rate_trajectories.csv", _trajectories_table(self.result.rate)
        if self.result.conditions:
            yield "violation_rates.csv", _violations_table(self.result.conditions)
        for found in self.result.violations:
            yield f"strongest_violation_{found.kind}.csv", _violation_table(found)

    def labelled(self) -> tuple[dict, dict]:
        of_rates = _labelled_rates(self.result.rate) if self.result.rate else ({}, {})
        of_spikes = _labelled_spikes(self.result) if self.result.conditions else ({}, {})
        return of_rates[0] | of_spikes[0], of_rates[1] | of_spikes[1]


def _shares(result: DynamicsResult) -> Iterator[tuple]:
    """Every share: part, condition, measure, what it is a share of, and the share."""
    for count in result.rate.counts if result.rate else ():
        for basis in BASES:
            yield f"rate {count.network}", count.model, "rate at any step", basis, getattr(count, basis)
    for c in result.conditions:
        for measure in MEASURES:
            yield "spiking", c.condition.name, measure, "circuits", c.per_circuit(measure)
            yield "spiking", c.condition.name, measure, "pairs", c.per_pair(measure)


def _trajectories_table(rate: RateResult) -> str:
    """CSV behind the trajectories: the rate of one unit of each model for each input of a chain, at every step."""
    rows = (
        (network, example.model, k + 1, round((step + 1) * rate.step * 1e3, 9), value)
        for example in rate.examples
        for network, traces in example.traces.items()
        for k, trace in enumerate(traces.tolist())
        for step, value in enumerate(trace)
    )
    return to_csv(rows, ("network", "model", "input", "time_ms", "rate_hz"))


def _violations_table(conditions: tuple[ConditionResult, ...]) -> str:
    """CSV behind the violation rates: shares of ordered pairs, with 95 % intervals, then those behind over time."""
    lines = []
    for c in conditions:
        name = {"condition": c.condition.name}
        lines += [name | {"measure": MEASURES[measure]} | _share(c.per_pair(measure)) for measure in MEASURES]
        name["measure"] = "the readout is behind so far"
        lines += [
            name | {"time_ms": float(1e3 * time), "share": float(share)}
            for time, share in zip(*c.behind_so_far, strict=True)
        ]
    return to_csv(lines, ("condition", "measure", "time_ms", "count", "of", "share", "low", "high"))


def _violation_table(result: SearchResult) -> str:
    """CSV behind a strongest violation: spikes of both inputs, progress of the search, counts of the variants."""
    columns = ("part", "input", "population", "neuron", "time_ms")
    columns += ("generation", "variant", "spikes_lower", "spikes_upper", "fall_spikes")
    found, response, lines = result.found, result.response, []
    for name, trial in (("lower", found.lower), ("upper", found.upper)):
        for population, spikes in response.spikes.items():
            mine = spikes.copy == trial
            times = (spikes.step[mine] * response.dt * 1e3).round(9).tolist()
            neurons = spikes.neuron[mine].tolist()
            lines += [("spikes", name, population, *spike) for spike in zip(neurons, times, strict=True)]
    lines = [dict(zip(columns, line, strict=False)) for line in lines]
    lines += [{"part": "search", "generation": k, "fall_spikes": fall} for k, fall in enumerate(result.progress)]
    lines += [
        {"part": "variants", "variant": v.name, "spikes_lower": x, "spikes_upper": y, "fall_spikes": x - y}
        for v in result.variants
        for x, y in v.counts
    ]
    return to_csv(lines, columns)


def _labelled_rates(rate: RateResult) -> tuple[dict, dict]:
    """Rate circuits as labelled arrays: variables and coordinates."""
    models = list(dict.fromkeys(c.model for c in rate.counts))
    shares = [[(s.count, s.of) for s in (getattr(c, basis) for basis in BASES)] for c in rate.counts]
    shares = np.array(shares, dtype=float).reshape(len(NETWORKS), len(models), len(BASES), 2)
    largest = np.reshape([c.largest for c in rate.counts], (len(NETWORKS), -1))
    traces = np.array([[e.traces[n] for e in rate.examples] for n in NETWORKS])
    labels = names(network=NETWORKS, model=models, basis=BASES, example=[e.model for e in rate.examples])
    steps = (np.arange(traces.shape[-1]) + 1) * rate.step
    return {
        "rate_broken": array("network model basis", shares[..., 0], "number in which order is broken"),
        "rate_compared": array("network model basis", shares[..., 1], "number that were compared"),
        "rate_largest_fall": array("network model", largest, "largest fall", "Hz"),
        "rate_example": array("network example input rate_time", traces, "rate of one unit of each model", "Hz"),
    }, labels | {"rate_time": array("rate_time", steps, units="s")}


def _labelled_spikes(result: DynamicsResult) -> tuple[dict, dict]:
    """Spiking circuits likewise."""
    conditions, search = result.conditions, result.search
    counts = np.array([c.counts for c in conditions], dtype=np.int32)
    cumulative = np.array([c.cumulative for c in conditions], dtype=np.int32)
    falls = np.array([s.progress for s in search], dtype=np.int32)
    time = (np.arange(cumulative.shape[-1]) + 1) * BIN
    window = "spikes in the read-out window; the readout neuron is last"
    fall = "largest fall of the readout's count found so far, in spikes"
    so_far = "spikes of the readout until this time"
    return {
        "spike_count": array("condition input circuit neuron", counts, window),
        "readout_cumulative_count": array("condition input circuit time", cumulative, so_far),
        "strongest_fall": array("search generation", falls, fall),
    }, {
        **names(condition=[c.condition.name for c in conditions], search=[s.kind for s in search]),
        "time": array("time", time, units="s"),
    }


show_with(DynamicsResult, OrderView)
