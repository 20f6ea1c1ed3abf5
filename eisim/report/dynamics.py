"""What the experiment on order along time found: JSON, terminal table, CSV and labelled arrays."""

from dataclasses import asdict

import numpy as np
from rich.console import Group

from eisim.base.files import to_csv
from eisim.report.terminal import titled_table
from eisim.studies.order.order import LEVELS, Share
from eisim.studies.order.rate import ROUNDING, OrderCount, RateResult
from eisim.studies.order.result import DynamicsResult
from eisim.studies.order.search import SCATTER, SearchResult, Variant
from eisim.studies.order.spiking import BIN, DIMENSIONS, MEASURES, RATE, ConditionResult, describe

NOT_TESTED = (
    "Short-term depression (`ShortTerm`), which also breaks a rate code, is not in these circuits and not tested here."
)


def document(result: DynamicsResult) -> dict:
    """The result as a JSON object; a kind of circuit that was not asked for is missing."""
    found: dict = {}
    if result.rate:
        found["rate"] = {"tolerance_hz": ROUNDING, "rows": [_rate_row(c) for c in result.rate.counts]}
    if result.conditions:
        found["spiking"] = {
            "measures": MEASURES,
            "rows": [_condition_row(c) for c in result.conditions],
            "search": [_search_row(s) for s in result.search],
            "not_tested": NOT_TESTED,
        }
    return found | {"problems": result.problems}


def _share(share: Share) -> dict:
    low, high = share.interval
    return {"count": share.count, "of": share.of, "share": share.value, "low": low, "high": high}


def _rate_row(count: OrderCount) -> dict:
    return {
        "network": count.network,
        "model": count.model,
        **{basis: _share(getattr(count, basis)) for basis in ("circuits", "pairs", "comparisons")},
        "largest_fall_hz": count.largest,
    }


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
    found, condition = result.found, result.found.candidate.condition
    lower, upper = _input_rates(result)
    return {
        "circuits": result.kind,
        "fall_spikes": list(result.progress),
        "fall_hz": [fall / result.response.window for fall in result.progress],
        "counts": list(found.counts),
        "input_rates_hz": [lower.tolist(), upper.tolist()],
        "neuron": {name: asdict(condition)[name] for name in ("tau", "refractory", "synaptic")},
        "variants": [{"name": v.name, "counts": [list(c) for c in v.counts]} for v in result.variants],
        "mechanism": mechanism(result),
    }


def outcome(variant: Variant, found: int, most: float) -> str:
    """What became of a fall of so many spikes, where a neuron that spikes at every step reaches `most`.

    ``"kept"`` (at least half of it), ``"weaker"``, ``"gone"``; or ``"silent"`` or ``"saturated"``, which say nothing.
    """
    counts = np.array(variant.counts)
    if not counts.any():
        return "silent"
    if counts.min() > 0.9 * most:
        return "saturated"
    fall = max(variant.falls)
    return "gone" if fall <= 0 else "kept" if fall >= found / 2 else "weaker"


OUTCOMES = {
    "gone": "Order returns with",
    "weaker": "The fall is less than half with",
    "kept": "It is half or more with",
    "silent": "The readout falls silent with",
    "saturated": "It spikes at every step, whatever the input, with",
}


def mechanism(result: SearchResult) -> str:
    """What was found, and what it rests on as far as it was measured, in words."""
    found, fall, response = result.found, result.found.fall, result.response
    if fall <= 0:
        return f"{result.kind}: no violation found."
    lower, upper = _input_rates(result)
    raised = [f"{'ABCD'[k]} from {lower[k]:g} to {upper[k]:g} Hz" for k in range(DIMENSIONS) if upper[k] > lower[k]]
    text = (
        f"{result.kind}: raising input {', '.join(raised)} takes the readout from {found.counts[0]} to "
        f"{found.counts[1]} spikes in {response.window * 1e3:g} ms, a fall of {fall / response.window:g} Hz."
    )
    became: dict[str, list[str]] = {}
    for variant in result.variants[1:]:
        if variant.name != SCATTER:
            ((before, after),) = variant.counts
            what = outcome(variant, fall, response.window / response.dt)
            became.setdefault(what, []).append(f"{variant.name} ({before} → {after})")
    text += "".join(f" {words} {', '.join(became[what])}." for what, words in OUTCOMES.items() if what in became)
    scattered = next(v for v in result.variants if v.name == SCATTER).falls
    return text + (
        f" With the phases of the inputs scattered by random delays of up to 20 ms, order is broken in "
        f"{sum(f > 0 for f in scattered)} of {len(scattered)} draws, by half of the fall or more in "
        f"{sum(f >= fall / 2 for f in scattered)}."
    )


def _input_rates(result):
    """Of the lower and of the upper input, in Hz."""
    found = result.found
    return RATE * found.candidate.chain[[found.lower, found.upper]] / LEVELS


def terminal_table(result: DynamicsResult) -> Group:
    """The tables that people read."""
    parts: list = []
    if result.rate:
        parts += [_rate_table(result.rate), *_rate_notes(result.rate), ""]
    if result.conditions:
        parts += [_condition_table(result.conditions), *_condition_notes(result.conditions), ""]
        parts += [_search_table(result.search), *(mechanism(s) for s in result.search), NOT_TESTED]
    return Group(*parts)


def _table(title, *columns):
    table = titled_table(title)
    for k, heading in enumerate(columns):
        table.add_column(heading, justify="right" if k else "left", no_wrap=True)
    return table


def _percent(share: Share) -> str:
    low, high = (f"{100 * end:.1f}" if end < 0.0995 else f"{100 * end:.0f}" for end in share.interval)
    return f"{100 * share.value:.1f} ({low}–{high})"


def _rate_table(result):
    columns = ("rate circuits", "circuits (%)", "pairs (%)", "comparisons (%)", "largest fall (Hz)")
    table = _table("Order broken at some unit and step, with 95 % intervals", *columns)
    for count in result.counts:
        style = "bold" if count.model == "all" else None
        name = f"{count.network}: {'all units' if count.model == 'all' else count.model}"
        shares = (_percent(count.circuits), _percent(count.pairs), f"{100 * count.comparisons.value:.3g}")
        table.add_row(name, *shares, f"{count.largest:.3g}", style=style)
    return table


def _rate_notes(result):
    count = result.total("excitatory-only")
    yield (
        f"{count.circuits.of} random recurrent circuits, {count.pairs.of} ordered pairs of constant and time-varying "
        f"inputs, {count.comparisons.of} comparisons (unit × step × pair) in each network."
    )


def _condition_table(conditions):
    table = _table(
        "Excitatory-only spiking circuits: ordered pairs of inputs that break order (%), with 95 % intervals",
        "condition",
        "rate (Hz)",
        "some neuron",
        "by ≥ 10 Hz",
        "readout",
        "decision",
        "behind",
        "max (Hz)",
    )
    for c in conditions:
        shares = (_percent(c.per_pair(m)) for m in ("any", "any_clear", "readout", "decision", "behind"))
        rates = f"{c.rates['hidden']:.0f} / {c.rates['readout']:.0f}"
        table.add_row(c.condition.name, rates, *shares, f"{c.largest['any']:g} / {c.largest['readout']:g}")
    return table


def _condition_notes(conditions):
    of = conditions[0].per_pair("any").of
    circuits = conditions[0].per_circuit("any").of
    yield (
        f"{of} pairs from {circuits} circuits in each condition. Pairs of one circuit are not independent; intervals "
        f"over circuits are in table.csv."
    )
    yield "rate: mean of the hidden neurons / of the readout. max: largest fall of any neuron / of the readout."
    for heading, measure in (
        ("some neuron", "any"),
        ("by ≥ 10 Hz", "any_clear"),
        ("decision", "decision"),
        ("behind", "behind"),
    ):
        yield f"{heading}: {MEASURES[measure]}."
    yield (
        f"One spike is {1 / conditions[0].window:g} Hz, which the edge of the window alone can cost a regular train; "
        f"behind has no such edge, as it counts from the beginning."
    )


def _search_table(search):
    columns = ("search", "random (spikes)", "best (spikes)", "(Hz)", "generations", "neuron")
    table = _table("The strongest fall of the readout that the search found", *columns)
    for s in search:
        condition = s.found.candidate.condition
        neuron = (
            f"membrane {condition.tau * 1e3:.1f} ms, synapses {condition.synaptic * 1e3:.1f} ms, "
            f"refractory {condition.refractory * 1e3:.1f} ms"
        )
        hz = f"{s.progress[-1] / s.response.window:g}"
        table.add_row(s.kind, str(s.progress[0]), str(s.progress[-1]), hz, str(len(s.progress) - 1), neuron)
    return table


#: Over so many seconds shares over time are averaged.
SMOOTH = 10e-3


def csv_table(result: DynamicsResult) -> str:
    """One line for each rate of violation: part, condition, measure, and what it is a share of."""
    lines = []

    def add(part, condition, measure, basis, share):
        lines.append({"part": part, "condition": condition, "measure": measure, "basis": basis} | _share(share))

    for count in result.rate.counts if result.rate else ():
        for basis in ("circuits", "pairs", "comparisons"):
            add(f"rate {count.network}", count.model, "rate at any step", basis, getattr(count, basis))
    for c in result.conditions:
        for measure in MEASURES:
            add("spiking", c.condition.name, measure, "circuits", c.per_circuit(measure))
            add("spiking", c.condition.name, measure, "pairs", c.per_pair(measure))
    return to_csv(lines, list(lines[0]))


def behind_so_far(result: ConditionResult) -> tuple[np.ndarray, np.ndarray]:
    """Share of pairs whose larger input has given fewer readout spikes so far.

    Parameters
    ----------
    result : ConditionResult

    Returns
    -------
    middle, share : ndarray of shape (n,)
        The middles of stretches of `SMOOTH`, in s, and the means over each.
    """
    bins = round(SMOOTH / BIN)
    share = result.behind.mean(axis=(0, 1))
    starts = np.arange(0, len(share), bins)
    return (starts + bins / 2) * BIN, np.add.reduceat(share, starts) / np.diff([*starts, len(share)])


def trajectories_table(rate: RateResult) -> str:
    """CSV behind the trajectories: the rate of one unit of each model for each input of a chain, at every step."""
    columns = ("network", "model", "input", "time_ms", "rate_hz")
    return to_csv(
        (
            (network, example.model, k + 1, time, value)
            for example in rate.examples
            for network, traces in example.traces.items()
            for k, trace in enumerate(traces.tolist())
            for time, value in zip(_steps_ms(len(trace), rate.step), trace, strict=True)
        ),
        columns,
    )


def _steps_ms(n, step):
    return ((np.arange(n) + 1) * step * 1e3).round(9).tolist()


def violations_table(conditions: tuple[ConditionResult, ...]) -> str:
    """CSV behind the violation rates: shares of ordered pairs, with 95 % intervals, then those behind over time."""
    columns = ("condition", "measure", "time_ms", "count", "of", "share", "low", "high")
    lines = []
    for c in conditions:
        name = {"condition": c.condition.name}
        lines += [name | {"measure": MEASURES[measure]} | _share(c.per_pair(measure)) for measure in MEASURES]
        lines += [
            name | {"measure": "the readout is behind so far", "time_ms": float(1e3 * time), "share": float(share)}
            for time, share in zip(*behind_so_far(c), strict=True)
        ]
    return to_csv(lines, columns)


def violation_table(result: SearchResult) -> str:
    """CSV behind a strongest violation: spikes of both inputs, progress of the search, counts of the variants."""
    columns = ("part", "input", "population", "neuron", "time_ms")
    columns += ("generation", "variant", "spikes_lower", "spikes_upper", "fall_spikes")
    found, response, lines = result.found, result.response, []
    for name, trial in (("lower", found.lower), ("upper", found.upper)):
        for population, spikes in response.spikes.items():
            mine = spikes.copy == trial
            times = (spikes.step[mine] * response.dt * 1e3).round(9).tolist()
            about = {"part": "spikes", "input": name, "population": population}
            lines += [
                about | {"neuron": neuron, "time_ms": time}
                for neuron, time in zip(spikes.neuron[mine].tolist(), times, strict=True)
            ]
    lines += [{"part": "search", "generation": k, "fall_spikes": fall} for k, fall in enumerate(result.progress)]
    lines += [
        {"part": "variants", "variant": v.name, "spikes_lower": x, "spikes_upper": y, "fall_spikes": x - y}
        for v in result.variants
        for x, y in v.counts
    ]
    return to_csv(lines, columns)


def labelled(result: DynamicsResult) -> tuple[dict, dict]:
    """What was measured as labelled arrays: variables and coordinates, each (dimensions, values, attributes)."""
    variables, coordinates = {}, {}
    if result.rate:
        _label_rate(result.rate, variables, coordinates)
    if result.conditions:
        _label_spiking(result, variables, coordinates)
    return variables, coordinates


def _label_rate(rate, variables, coordinates):
    networks = list(dict.fromkeys(c.network for c in rate.counts))
    models = list(dict.fromkeys(c.model for c in rate.counts))
    bases = ["circuits", "pairs", "comparisons"]
    shape = (len(networks), len(models))
    shares = [[getattr(c, basis) for basis in bases] for c in rate.counts]
    for name, of in (("rate_broken", "count"), ("rate_compared", "of")):
        values = np.array([[getattr(s, of) for s in row] for row in shares], dtype=float).reshape(*shape, -1)
        meaning = "in which order is broken" if of == "count" else "that were compared"
        variables[name] = (("network", "model", "basis"), values, {"units": "1", "long_name": f"number {meaning}"})
    largest = np.array([c.largest for c in rate.counts]).reshape(shape)
    variables["rate_largest_fall"] = (("network", "model"), largest, {"units": "Hz", "long_name": "largest fall"})
    traces = np.array([[e.traces[n] for e in rate.examples] for n in networks])
    variables["rate_example"] = (
        ("network", "example", "input", "rate_time"),
        traces,
        {"units": "Hz", "long_name": "rate of one unit of each model"},
    )
    coordinates |= {
        "network": (("network",), np.array(networks), {}),
        "model": (("model",), np.array(models), {}),
        "basis": (("basis",), np.array(bases), {}),
        "example": (("example",), np.array([e.model for e in rate.examples]), {}),
        "rate_time": (("rate_time",), (np.arange(traces.shape[-1]) + 1) * rate.step, {"units": "s"}),
    }


def _label_spiking(result, variables, coordinates):
    counts = np.array([c.counts for c in result.conditions], dtype=np.int32)
    cumulative = np.array([c.cumulative for c in result.conditions], dtype=np.int32)
    falls = np.array([s.progress for s in result.search], dtype=np.int32)
    variables |= {
        "spike_count": (
            ("condition", "input", "circuit", "neuron"),
            counts,
            {"units": "1", "long_name": "spikes in the read-out window; the readout neuron is last"},
        ),
        "readout_cumulative_count": (
            ("condition", "input", "circuit", "time"),
            cumulative,
            {"units": "1", "long_name": "spikes of the readout until this time"},
        ),
        "strongest_fall": (
            ("search", "generation"),
            falls,
            {"units": "1", "long_name": "largest fall of the readout's count found so far, in spikes"},
        ),
    }
    coordinates |= {
        "condition": (("condition",), np.array([c.condition.name for c in result.conditions]), {}),
        "search": (("search",), np.array([s.kind for s in result.search]), {}),
        "time": (("time",), (np.arange(cumulative.shape[-1]) + 1) * BIN, {"units": "s"}),
    }
