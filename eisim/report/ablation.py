"""What an ablation experiment found: rows, terminal table, CSV and labelled arrays."""

import numpy as np

from eisim.base.files import to_csv
from eisim.circuit import Circuit
from eisim.report.circuit import SHOWN_UNITS
from eisim.report.numbers import number
from eisim.report.wording import listing
from eisim.studies.boolean import SYSTEMS, AblationResult, CaseResult
from eisim.studies.curves import described

CONDITIONS = ("intact", "ablated", "best_excitatory")
SHOWN = {"spiking": "spiking", "spiking_noisy": "spiking with noise", "rate": "rate", "dnn": "DNN"}

COLOURS = {"kept": "green", "not computed": "yellow", "lost, here only": "yellow", "lost, impossible": "red"}


def row(result: CaseResult) -> dict:
    """One function as a JSON object."""
    certificate = result.certificate
    witness = certificate.witness
    units = {
        name: sorted({p.neuron.excitatory_class for p in kind.circuit.populations})
        for name, kind in result.kinds.items()
    }
    return {
        "function": result.case.name,
        "truth_table": result.case.function.bits,
        "inputs": result.case.function.n_inputs,
        "representable": certificate.representable,
        "witness": witness and [list(witness.lower), list(witness.upper)],
        "floor": certificate.floor["zero_one"],
        "inversion_complexity": certificate.inversion_complexity,
        "inhibitory_neurons": next(iter(result.kinds.values())).circuit.n_inhibitory,
        "accuracy": {condition: result.accuracy(condition) for condition in CONDITIONS},
        "equivalence_error": result.equivalence_error,
        "verdict": result.verdict,
        "meaning": meaning(result),
        "excitation_alone_gives": {name: " and ".join(classes) for name, classes in units.items()},
    }


def meaning(result: CaseResult) -> str:
    """What the verdict says: lost in this circuit is not the same as impossible without inhibition."""
    if result.verdict == "kept":
        return "needs no inhibition"
    if result.verdict == "not computed":
        return "the intact circuit does not compute it"
    if result.certificate.representable:
        return "only in this circuit: an excitatory-only circuit can compute it"
    return "impossible without inhibition"


def verdict(result: CaseResult) -> str:
    """``"kept"``, ``"not computed"``, ``"lost, here only"`` or ``"lost, impossible"``."""
    return described(result.verdict, result.certificate.representable)


def missed_words(result: CaseResult) -> str:
    """That an intact circuit does not compute its function, and where it is wrong; empty if it does."""
    name, values = result.case.name, result.case.function.bits
    parts = [f"as a {kind} circuit at {listing(patterns, most=8)}" for kind, patterns in result.missed.items()]
    if not parts:
        return ""
    return f"the intact circuit does not compute “{name}” ({values}): it is wrong {listing(parts)}."


def example(result: AblationResult) -> CaseResult:
    """The case that is shown in detail: XOR if it is among them, else the first."""
    return next((case for case in result.cases if case.case.name == "xor"), result.cases[0])


def example_circuit(result: AblationResult) -> Circuit:
    """The example's intact circuit, of the first kind."""
    return next(iter(example(result).kinds.values())).circuit


def terminal_table(result: AblationResult):
    """The table that people read."""
    measured = result.cases[0].accuracy("intact")
    systems = " / ".join(label for system, label in SHOWN.items() if system in measured)
    from rich.console import Group
    from rich.table import Table

    table = Table(
        title="What ablating inhibition destroys",
        title_justify="left",
        title_style="bold",
        box=None,
        padding=(0, 1, 0, 0),
        header_style="underline",
    )
    for heading, justify in (
        ("function", "left"),
        ("witness", "left"),
        ("floor", "right"),
        ("I", "right"),
        ("intact", "right"),
        ("ablated", "right"),
        ("best", "right"),
        ("verdict", "left"),
    ):
        table.add_column(heading, justify=justify, no_wrap=True, max_width=18 if heading == "function" else None)
    for case in result.cases:
        certificate = case.certificate
        inhibitory = next(iter(case.kinds.values())).circuit.n_inhibitory
        table.add_row(
            case.case.name,
            witness_bits(case) or "none",
            f"{certificate.floor['zero_one']:.3f}",
            f"{inhibitory}/{certificate.inversion_complexity}",
            *(_accuracies(case.accuracy(condition)) for condition in CONDITIONS),
            f"[{COLOURS[verdict(case)]}]{verdict(case)}[/]",
        )
    notes = [
        "intact, ablated, best: share of input patterns answered correctly by the circuit, by it "
        f"without inhibition, and by the best excitatory-only circuit ({systems}; one number where they agree).",
        "witness: x ≤ y with f(x) > f(y), which no excitatory-only circuit can do.",
        "floor: least error of any excitatory-only circuit.",
        "I: inhibitory neurons in the circuit / least possible.",
        "impossible: no excitatory-only circuit computes it. here only: another excitatory-only circuit does.",
        *(f"not computed: {words}" for words in map(missed_words, result.cases) if words),
        *_equivalence(result),
    ]
    return Group(table, "", *notes)


def _equivalence(result):
    """Lines with the measured errors of the equivalences, largest over the functions."""

    def largest(key):
        return max(case.equivalence_error[key] for case in result.cases)

    if "rate" in result.protocol.kinds:
        yield (
            f"DNN against rate circuit: unrolled within {number(largest('rate'))} Hz at every step, static "
            f"within {number(largest('rate_static'))} Hz."
        )
    if "spiking" in result.protocol.kinds:
        yield (
            f"DNN against spiking circuit: unrolled wrong in {largest('spiking'):.2%} of spikes, static (f-I curve) "
            f"within {number(largest('spiking_static'))} Hz over {result.protocol.window * 1e3:g} ms, "
            f"{number(largest('spiking_static_sweep'))} Hz while inhibition is partly removed."
        )


def witness_bits(result: CaseResult) -> str | None:
    """The witness of a case: ``"01 ≤ 11"``."""
    witness = result.certificate.witness
    return witness and f"{bits(witness.lower)} ≤ {bits(witness.upper)}"


def bits(pattern) -> str:
    """An input pattern as text."""
    return "".join(str(int(x)) for x in pattern)


def _accuracies(accuracy):
    """One number if all systems agree to the second digit, else each."""
    shown = [f"{accuracy[system]:.2f}" for system in SHOWN if system in accuracy]
    return shown[0] if len(set(shown)) == 1 else " / ".join(shown)


def flat(case: CaseResult) -> dict:
    """One function as one row without nesting."""
    found = row(case)
    found["witness"] = found["witness"] and " <= ".join(bits(x) for x in found["witness"])
    for group in ("accuracy", "equivalence_error", "excitation_alone_gives"):
        nested = found.pop(group)
        for key, value in nested.items():
            inner = value.items() if isinstance(value, dict) else [("", value)]
            found |= {f"{group}_{key}{'_' if k else ''}{k}": v for k, v in inner}
    return found


def csv_table(result: AblationResult) -> str:
    """The table as CSV: one line for each function."""
    rows = [flat(case) for case in result.cases]
    return to_csv(rows, list(rows[0]))


def curves_table(result: AblationResult) -> str:
    """CSV behind the ablation curves: accuracy of each function and system at each level of ablation."""
    lines = []
    for case in result.cases:
        reach = 1 - case.certificate.floor["zero_one"]
        for system, accuracies in accuracy_by_level(case).items():
            lines += [
                {
                    "function": case.case.name,
                    "system": system,
                    "fraction_removed": float(fraction),
                    "accuracy": float(accuracy),
                    "best_excitatory_accuracy": reach,
                }
                for fraction, accuracy in zip(result.protocol.fractions, accuracies, strict=True)
            ]
    return to_csv(lines, list(lines[0]))


def accuracy_by_level(case: CaseResult) -> dict[str, np.ndarray]:
    """Accuracy at each level of ablation, by system; ``"dnn"`` is the lower of the static DNNs."""
    measured = {system: m.accuracy[:-1] for system, m in case.measurements.items()}
    return measured | {"dnn": np.min([m for system, m in measured.items() if system.endswith("dnn")], axis=0)}


def activity_table(case: CaseResult) -> str:
    """CSV behind the picture of activity: a line for each spike, and for each step of the readout's rate.

    Times are those within a trial; the rate is that of the rate circuit, and empty in the line of a spike.
    """
    columns = ("kind", "condition", "population", "sign", "input_pattern", "neuron", "time_ms", "rate_hz")
    names = [bits(pattern) for pattern in case.case.function.patterns]
    return to_csv(
        (
            (kind, condition, population, sign, names[trial], neuron, time, rate)
            for kind, found in case.kinds.items()
            for condition in ("intact", "ablated")
            for population, sign, trial, neuron, time, rate in _samples(getattr(found, condition))
        ),
        columns,
    )


def _samples(response):
    """Population, its sign, trial, neuron, time in ms, and rate in Hz: of every spike, or of the readout's trace."""
    circuit, ms = response.circuit, response.dt * 1e3
    for member in (*circuit.inputs, *circuit.populations) if circuit.kind == "spiking" else ():
        spikes, sign = response.spikes[member.name], getattr(member, "sign", "E")
        for trial, neuron, step in zip(spikes.copy.tolist(), spikes.neuron.tolist(), spikes.step.tolist(), strict=True):
            yield member.name, sign, trial, neuron, round(step * ms, 9), None
    if circuit.kind == "rate":
        readout = circuit.population(circuit.readouts[0].population)
        traces = response.traces[readout.name].reshape(-1, readout.size, round(response.duration / response.dt))
        for trial, trace in enumerate(traces[:, 0].tolist()):
            for step, rate in enumerate(trace):
                yield readout.name, readout.sign, trial, 0, round((step + 1) * ms, 9), rate


def weights_table(circuit: Circuit, dnn) -> str:
    """CSV behind the weight matrices of a circuit and of its static DNN: a line for each weight that is not 0."""
    unit, scale = SHOWN_UNITS[circuit.populations[0].neuron.weight_unit]
    per_rate = f"{unit}/Hz" if circuit.kind == "spiking" else unit
    blocks = [("circuit", p.source, p.target, circuit.sign(p) * circuit.weights(p), unit) for p in circuit.projections]
    blocks += [("DNN", source, layer.name, w, per_rate) for layer in dnn.layers for source, w in layer.incoming]
    columns = ("network", "source", "source_neuron", "target", "target_neuron", "weight", "unit")
    lines = []
    for network, source, target, matrix, shown in blocks:
        matrix = matrix.tocoo()
        for i, j, weight in zip(*matrix.coords, matrix.data, strict=True):
            lines.append((network, source, int(i), target, int(j), float(weight) * scale, shown))
    return to_csv(lines, columns)


def labelled(result: AblationResult) -> tuple[dict, dict]:
    """All measured readout rates as labelled arrays: variables and coordinates, each (dimensions, values, attributes).

    Rates are in Hz; patterns that a function does not have are NaN.
    """
    n_patterns = max(len(c.case.function.values) for c in result.cases)
    fractions = result.protocol.fractions
    variables = {}
    for system in result.cases[0].measurements:
        rates = [_padded(case.measurements[system].rates, n_patterns) for case in result.cases]
        noisy = system == "spiking_noisy"
        dims = ("function", "condition", *(["seed"] if noisy else []), "pattern")
        attributes = {"units": "Hz", "long_name": f"readout rate, {SYSTEMS[system]}"}
        thresholds = np.stack([case.measurements[system].thresholds for case in result.cases])
        variables[system] = (dims, np.stack(rates), attributes)
        variables[f"{system}_threshold"] = (
            ("function", "condition"),
            thresholds,
            {"units": "Hz", "long_name": f"decision threshold, {SYSTEMS[system]}"},
        )
    values = [_padded(case.case.function.values.astype(float), n_patterns) for case in result.cases]
    floors = np.array([case.certificate.floor["zero_one"] for case in result.cases])
    least = {"units": "1", "long_name": "least zero-one error of any excitatory-only circuit"}
    variables |= {
        "target": (
            ("function", "pattern"),
            np.stack(values),
            {"units": "1", "long_name": "value of the function"},
        ),
        "floor": (("function",), floors, least),
    }
    removed = {"units": "1", "long_name": "fraction of inhibition removed"}
    names = [*(f"{f:.0%} ablated" for f in fractions), "best excitatory-only"]
    coordinates = {
        "function": (("function",), np.array([c.case.name for c in result.cases]), {}),
        "condition": (("condition",), np.array(names), {}),
        "fraction_removed": (("condition",), np.array([*fractions, np.nan]), removed),
        "pattern": (("pattern",), np.arange(n_patterns, dtype=np.int32), {"long_name": "in counting order"}),
    }
    if "spiking_noisy" in variables:
        coordinates["seed"] = (("seed",), result.protocol.seeds.astype(float), {"long_name": "of the noise"})
    return variables, coordinates


def dataset(result: AblationResult):
    """`labelled` as an `xarray.Dataset`."""
    import xarray as xr

    return xr.Dataset(*labelled(result))


def _padded(values, n):
    """Extend the last axis, of patterns, with NaN."""
    missing = n - values.shape[-1]
    return np.pad(values.astype(float), [(0, 0)] * (values.ndim - 1) + [(0, missing)], constant_values=np.nan)
