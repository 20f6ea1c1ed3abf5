"""How an ablation of Boolean functions is shown."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from eisim.adapter import to_dnn
from eisim.base.files import to_csv
from eisim.circuit import Circuit
from eisim.report import judgements, proof
from eisim.report.circuit import SHOWN_UNITS
from eisim.report.findings import Explanation
from eisim.report.numbers import OF_ONE, number
from eisim.report.style import DOUBLE, axes, drawn_by
from eisim.report.table import Column, Table
from eisim.report.tabular import array, flat, names
from eisim.report.view import Drawing, DrawnCircuit, View, show_with
from eisim.report.views import boolean_figures as figures
from eisim.report.views import columns
from eisim.report.wording import count, listing
from eisim.studies.boolean import SYSTEMS, AblationResult, CaseResult
from eisim.studies.census import bits
from eisim.studies.curves import described
from eisim.studies.judgement import LOST, PROVABLE

CONDITIONS = ("intact", "ablated", "best_excitatory")
SHOWN = {"spiking": "spiking", "spiking_noisy": "spiking with noise", "rate": "rate", "dnn": "f–I approximation"}
MEANINGS = {
    "kept": "the circuit computes it without inhibition, too",
    "not computed": "the intact circuit does not compute it",
    "undecided": "an interval of its scores straddles the criterion",
    "differs": "its systems do not agree: see their judgements",
    "lost": "its systems lose it for different reasons: see their judgements",
}
#: Differences of the DNNs, equivalent and approximate, by key: heading, unit and meaning.
EQUIVALENCES = {
    "rate": ("rate, unrolled", "Hz", "Largest difference of the equivalent DNN from Brian2 at any unit and step."),
    "rate_static": ("rate, f–I", "Hz", "Largest difference of the f–I approximation's readout rate."),
    "rate_static_sweep": ("rate, f–I, all fractions", "Hz", "The same over all fractions removed."),
    "spiking": ("spiking, unrolled", "", "Share of spikes that the equivalent DNN misses or adds."),
    "spiking_static": ("spiking, f–I", "Hz", "Largest difference of the f–I approximation's readout rate."),
    "spiking_static_sweep": ("spiking, f–I, all fractions", "Hz", "The same over all fractions removed."),
}


def verdict(case: CaseResult) -> str:
    """The verdict, of a loss with its reason."""
    return described(case.verdict, case.reason)


def _meaning(case):
    return judgements.MEANINGS.get(case.reason) or MEANINGS[case.verdict]


def row(case: CaseResult) -> dict:
    """One function as a JSON object."""
    certificate, kinds = case.certificate, case.kinds.items()
    units = {name: sorted({p.neuron.excitatory_class for p in kind.circuit.populations}) for name, kind in kinds}
    return {
        "function": case.case.name,
        "truth_table": case.case.function.bits,
        "inputs": case.case.function.n_inputs,
        "representable": certificate.representable,
        "witness": certificate.witness and list(map(list, certificate.witness)),
        "floor": _floor(case),
        "inversion_complexity": certificate.inversion_complexity,
        "inhibitory_neurons": _inhibitory(case),
        "verdict": case.verdict,
        "reason": case.reason,
        "meaning": _meaning(case),
        "judgements": [judgements.record(curve.judgement) for curve in case.curves],
        "accuracy": {condition: case.accuracy(condition) for condition in CONDITIONS},
        "equivalence_error": case.equivalence_error,
        "excitation_alone_gives": {name: " and ".join(classes) for name, classes in units.items()},
    }


def _witness(case, between=" ≤ "):
    return case.certificate.witness and between.join(map(bits, case.certificate.witness))


def _inhibitory(case):
    return next(iter(case.kinds.values())).circuit.n_inhibitory


def _floor(case):
    return case.certificate.floor["zero_one"]


def _scores(case, condition):
    """What every system scores, by its name."""
    found = case.accuracy(condition)
    return {label: found[system] for system, label in SHOWN.items() if system in found}


LEAST = "The least number of inhibitory neurons that compute it."
COUNTING = "The value for each input pattern in counting order, the first input leading."
FUNCTION = Column("function", lambda case: case.case.name)
FLOOR = columns.floor(_floor)
FUNCTIONS = (
    FUNCTION,
    columns.verdict(
        verdict,
        f"{columns.REASONS} Not computed: the intact circuit does not compute it.",
    ),
    FLOOR,
    columns.witness(_witness),
    Column("inhibitory neurons", _inhibitory, note="In this circuit.", short="I"),
    Column("inversion complexity", lambda case: case.certificate.inversion_complexity, note=LEAST, short="least I"),
    *columns.conditions(_scores, "Share of patterns answered correctly, with inhibition.", OF_ONE),
    Column("truth table", lambda case: case.case.function.bits, note=COUNTING, on_page_only=True),
)
BEST = Column(
    "error",
    lambda case: {system: 1 - share for system, share in _scores(case, "best_excitatory").items()},
    note="Of the best excitatory-only circuit, built and simulated; it should equal the floor.",
)


def _functions(cases, notes=()) -> Table:
    return Table("Functions with and without inhibition", FUNCTIONS, cases, notes, "table.csv")


class BooleanView(View[AblationResult]):
    """Functions with and without inhibition, their curves, and one example in detail."""

    question = "Which Boolean functions does a circuit lose with its inhibition, and is the loss necessary?"

    @property
    def example(self) -> CaseResult:
        """The case that is shown in detail: XOR if it is among them, else the first."""
        return next((case for case in self.result.cases if case.case.name == "xor"), self.result.cases[0])

    @property
    def _circuit(self) -> Circuit:
        return next(iter(self.example.kinds.values())).circuit

    def to_json(self) -> dict:
        return {"rows": [row(case) for case in self.result.cases], "problems": self.result.problems}

    def answer(self) -> Iterator[str]:
        cases = self.result.cases
        if len(cases) == 1:
            yield f"Verdict of {cases[0].case.name}: {verdict(cases[0])}."
        else:
            yield columns.lost([*map(verdict, cases)], "functions")
        for case in [case for case in cases if case.missed][:3]:
            yield _missed(case)
        needed = Counter(case.certificate.inversion_complexity for case in cases if case.reason == PROVABLE)
        if needed:
            parts = (f"{least} ({count(n, 'function')})" for least, n in sorted(needed.items()))
            least = f"{next(iter(needed))}" if len(needed) == 1 else listing(parts)
            yield f"Least number of inhibitory neurons that compute what is provably lost: {least}."

    @property
    def _judgements(self):
        """Of circuits without added noise; the others are in the CSV file."""
        curves = (curve for curve in self.result.curves if curve.system in self.result.protocol.kinds)
        return [curve.judgement for curve in curves]

    def tables(self) -> Iterator[Table]:
        cases, protocol = self.result.cases, self.result.protocol
        worst = {key: max(case.equivalence_error[key] for case in cases) for key in cases[0].equivalence_error}
        errors = [f"{EQUIVALENCES[key][0]}: {number(error)} {EQUIVALENCES[key][1]}" for key, error in worst.items()]
        yield _functions(cases, (f"Largest differences between circuit and DNN: {'; '.join(map(str.strip, errors))}.",))
        noise = f"Spiking with noise: {protocol.noise * 1e3:g} mV; {count(len(protocol.seeds), 'seed')}."
        noise = (noise,) if "spiking" in protocol.kinds else ()
        best = FUNCTION, FLOOR, BEST
        yield Table("The best excitatory-only circuit", best, cases, noise, "table.csv", on_page_only=True)
        yield from judgements.tables(self._judgements, on_page_only=True)
        by_key = [
            Column(name, lambda case, key=key: case.equivalence_error[key], unit=unit, note=note)
            for key, (name, unit, note) in EQUIVALENCES.items()
            if key in worst
        ]
        title = "Difference between circuit and DNN"
        yield Table(title, (FUNCTION, *by_key), cases, data="table.csv", on_page_only=True)

    def figures(self) -> Iterator[Drawing]:
        result, case = self.result, self.example
        name = case.case.name
        lost = listing((each.case.name for each in result.cases if each.verdict == "lost"), most=8)
        yield Drawing(
            "ablation_curves.svg",
            "Accuracy against the fraction of inhibition removed",
            "Share of input patterns answered correctly, a panel for each function. Grey, above the line at 1 − floor: "
            f"unattainable for excitatory-only circuits {proof.CONDITIONS}."
            f"{' Of both f–I approximations, the less accurate is drawn.' * (len(case.kinds) > 1)} Thin lines: "
            f"shams of the {next(iter(case.kinds))} circuit (shams.csv); at the right, the full ablation re-fitted and "
            "compensated.",
            f"Accuracy falls as inhibition is removed for {lost or 'no function'}.",
            "ablation_curves.csv",
            draw=lambda: figures.ablation_curves(result),
        )
        yield from judgements.drawings(self._judgements)
        found = f"Without inhibition the answer changes for {listing(_changed(case), most=8) or 'no pattern'}."
        yield Drawing(
            f"{name}_activity.svg",
            f"Activity of the circuit of {name}",
            "Responses to each input pattern, intact (left) and without inhibition (right): spikes of every neuron, "
            f"and the rate of the readout of the rate circuit with its decision threshold. {found}",
            f"Activity of the circuit of {name}, intact and without inhibition. {found}",
            f"{name}_activity.csv",
            draw=lambda: figures.activity(case),
        )
        yield Drawing(
            f"{name}_weights.svg",
            f"Weights of the circuit of {name} and of its f–I approximation",
            f"Signed weights from source (row) to target (column), of the {self._circuit.kind} circuit (left) and of "
            "its f–I approximation, a static DNN (right). A row has one sign (Dale's law): orange, excitatory; blue, "
            "inhibitory.",
            "Two weight matrices with the same signs.",
            f"{name}_weights.csv",
            draw=lambda: figures.weights(self._circuit, to_dnn(self._circuit)),
        )

    def circuits(self) -> Iterator[DrawnCircuit]:
        name = self.example.case.name
        yield DrawnCircuit(f"{name}_circuit", f"The circuit of {name}", self._circuit)

    def proofs(self) -> Iterator[Explanation]:
        yield proof.excitation()
        for case in self.result.cases:
            said, certificate = verdict(case), case.certificate
            best = f"{min(case.accuracy('best_excitatory').values()):.1%}"
            best = f"The best excitatory-only circuit, as simulated, answers {best} of the patterns correctly."
            if case.reason == PROVABLE:
                paragraphs = (
                    f"Witness: {proof.witness(certificate)}",
                    f"Floor: {proof.patterns_wrong(certificate)} {best}",
                    f"Inhibition needed: {proof.inhibition(certificate)}",
                )
            elif case.verdict == LOST and certificate.representable:
                paragraphs = (
                    f"{_meaning(case).capitalize()}.",
                    f"The function never falls when an input rises (floor {_floor(case):g}). {best} This circuit "
                    f"computes it through {count(_inhibitory(case), 'inhibitory neuron')}. A loss under ablation is no "
                    "proof that inhibition was needed.",
                )
            elif case.missed:
                paragraphs = (_missed(case),)
            else:
                continue
            yield Explanation(f"{case.case.name}: {said}", paragraphs)
        kept = [case for case in self.result.cases if verdict(case) == "kept"]
        if kept:
            text = (
                "Functions that never fall when an input rises can be computed by excitatory-only circuits. Circuits "
                f"without inhibitory neurons, which ablation leaves unchanged: {sum(not _inhibitory(c) for c in kept)}."
            )
            yield Explanation(f"Kept: {listing(case.case.name for case in kept)}", (text,))

    def rows(self) -> list[dict]:
        return _rows(self.result.cases)

    def labelled(self) -> tuple[dict, dict]:
        cases, fractions = self.result.cases, self.result.protocol.fractions
        n_patterns = max(len(case.case.function.values) for case in cases)
        values = [_padded(case.case.function.values, n_patterns) for case in cases]
        variables = {}
        for system in cases[0].measurements:
            measured = [case.measurements[system] for case in cases]
            rates, thresholds = [_padded(m.rates, n_patterns) for m in measured], [m.thresholds for m in measured]
            dims = f"function condition{' seed' * (system == 'spiking_noisy')} pattern"
            variables[system] = array(dims, rates, f"readout rate, {SYSTEMS[system]}", "Hz")
            threshold = f"decision threshold, {SYSTEMS[system]}"
            variables[f"{system}_threshold"] = array("function condition", thresholds, threshold, "Hz")
        variables["target"] = array("function pattern", values, "value of the function")
        least = "least zero-one error of any excitatory-only circuit"
        variables["floor"] = array("function", [_floor(case) for case in cases], least)
        conditions = [*(f"{f:.0%} ablated" for f in fractions), "best excitatory-only"]
        coordinates = names(function=[case.case.name for case in cases], condition=conditions) | {
            "fraction_removed": array("condition", [*fractions, np.nan], "fraction of inhibition removed"),
            "pattern": array("pattern", np.arange(n_patterns, dtype=np.int32), "in counting order"),
        }
        if "spiking_noisy" in variables:
            coordinates["seed"] = array("seed", self.result.protocol.seeds.astype(float), "of the noise")
        return variables, coordinates

    def files(self) -> Iterator[tuple[str, str]]:
        name = self.example.case.name
        yield "ablation_curves.csv", curves_table(self.result)
        yield from judgements.files([curve.judgement for curve in self.result.curves])
        yield f"{name}_activity.csv", activity_table(self.example)
        yield f"{name}_weights.csv", weights_table(self._circuit, to_dnn(self._circuit))


def _rows(cases):
    rows = [row(case) | {"witness": _witness(case, " <= ")} for case in cases]
    return [flat({key: value for key, value in each.items() if key != "judgements"}) for each in rows]


def _missed(case: CaseResult) -> str:
    """That an intact circuit does not compute its function, and where it is wrong."""
    where = [f"{kind}: {listing(patterns, most=8)}" for kind, patterns in case.missed.items()]
    return f"{case.case.name} is not computed by the intact circuit; wrong patterns: {'; '.join(where)}."


def _changed(case):
    """Patterns whose answer changes with ablation, and how: ``"11 (0 to 1)"``."""
    measured = case.measurements[next(iter(case.kinds))]
    before, after = (measured.rates[k] > measured.thresholds[k] for k in (0, -2))
    patterns = zip(case.case.function.patterns, before, after, strict=True)
    return [f"{bits(pattern)} ({int(x)} to {int(y)})" for pattern, x, y in patterns if x != y]


def curves_table(result: AblationResult) -> str:
    """CSV behind the ablation curves: accuracy of each function and system at each level of ablation."""
    columns = ("function", "system", "fraction_removed", "accuracy", "best_excitatory_accuracy")
    lines = [
        (case.case.name, system, float(fraction), float(accuracy), 1 - _floor(case))
        for case in result.cases
        for system, accuracies in figures.accuracy_by_level(case).items()
        for fraction, accuracy in zip(result.protocol.fractions, accuracies, strict=True)
    ]
    return to_csv(lines, columns)


def activity_table(case: CaseResult) -> str:
    """CSV behind the picture of activity: a line for each spike, and for each step of the readout's rate.

    Times are those within a trial; the rate is that of the rate circuit, and empty in the line of a spike.
    """
    columns = ("kind", "condition", "population", "sign", "input_pattern", "neuron", "time_ms", "rate_hz")
    patterns = [bits(pattern) for pattern in case.case.function.patterns]
    lines = (
        (kind, condition, population, sign, patterns[trial], *sample)
        for kind, found in case.kinds.items()
        for condition in ("intact", "ablated")
        for population, sign, trial, *sample in _samples(getattr(found, condition))
    )
    return to_csv(lines, columns)


def _samples(response):
    """Population, its sign, trial, neuron, time in ms, and rate in Hz: of every spike, or of the readout's trace."""
    circuit, ms = response.circuit, response.dt * 1e3
    for member in (*circuit.inputs, *circuit.populations) if circuit.kind == "spiking" else ():
        if member.name not in response.spikes:  # an injected current
            continue
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
    """CSV behind the weight matrices of a circuit and of its f–I approximation: a line for each non-zero weight."""
    unit, scale = SHOWN_UNITS[circuit.populations[0].neuron.weight_unit]
    per_rate = f"{unit}/Hz" if circuit.kind == "spiking" else unit
    blocks = [("circuit", p.source, p.target, circuit.sign(p) * circuit.weights(p), unit) for p in circuit.projections]
    blocks += [("DNN", source, layer.name, w, per_rate) for layer in dnn.layers for source, w in layer.incoming]
    currents = {i.name for i in circuit.inputs if i.is_current}
    columns = ("network", "source", "source_neuron", "target", "target_neuron", "weight", "unit")
    lines = []
    for network, source, target, matrix, shown in blocks:
        matrix, (factor, shown) = matrix.tocoo(), (1.0, "1") if source in currents else (scale, shown)
        for i, j, weight in zip(*matrix.coords, matrix.data, strict=True):
            lines.append((network, source, int(i), target, int(j), float(weight) * factor, shown))
    return to_csv(lines, columns)


def _padded(values, n):
    """Extend the last axis, of patterns, with NaN."""
    missing = n - values.shape[-1]
    return np.pad(values.astype(float), [(0, 0)] * (values.ndim - 1) + [(0, missing)], constant_values=np.nan)


def _plot_case(case, ax, keywords):
    ax = axes(figures.ablation_curve, ax, case, size=(DOUBLE, 2.4), keywords=keywords)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return ax


class CaseView(View[CaseResult]):
    """One function."""

    @property
    def heading(self) -> str:
        return f"{self.result.case.name}: effect of ablating inhibition"

    def to_json(self) -> dict:
        return row(self.result)

    def tables(self) -> Iterator[Table]:
        yield _functions([self.result])

    def rows(self) -> list[dict]:
        return _rows([self.result])


plot = drawn_by(figures.accuracies, lambda result: (DOUBLE, 0.8 + 0.22 * len(result.cases)))
show_with(AblationResult, BooleanView, plot=plot)
show_with(CaseResult, CaseView, plot=_plot_case)
