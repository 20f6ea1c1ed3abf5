"""How the ablation of a trained network is shown."""

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

from eisim.base.files import to_csv
from eisim.report import judgements, proof
from eisim.report.findings import Explanation
from eisim.report.style import SINGLE, drawn_by
from eisim.report.table import Column, Table
from eisim.report.view import Drawing, DrawnCircuit, View, show_with
from eisim.report.views import columns
from eisim.report.views import networks_figures as figures
from eisim.report.wording import listing
from eisim.studies.curves import described
from eisim.studies.judgement import LOST
from eisim.studies.networks import KEPT, NetworkAblation, NetworkAblations

#: Decimals of accuracies and errors.
OF_ROWS = 3
#: Inputs that a witness raises are named up to so many.
NAMED = 6
KEPT_IF = f"Kept: without inhibition at least {KEPT:.0%} of the lead over"
NOT_COMPUTED = "Not computed: there is no lead when intact."
#: Columns, by key of `rows`: heading and meaning.
BY_ARGMAX = {
    "intact": ("intact", "Balanced accuracy of the class against all others; 0.5 is chance."),
    "ablated": ("ablated", "The same without inhibition."),
}
BY_THRESHOLD = {
    "one_threshold_error_intact": ("error intact", "Share of rows wrong by the best threshold on its own output."),
    "fixed_threshold_error_ablated": ("error ablated", "The same without inhibition, by the same threshold."),
    "one_threshold_error_ablated": ("re-fitted", "The same by the threshold that is best without inhibition."),
}
OF_DATA = {
    "constant_answer_error": ("constant answer", "Error of the best constant answer."),
    "floor": ("floor", f"Least error of any excitatory-only network {proof.CONDITIONS}, for inputs of one polarity."),
    "floor_on_off": ("floor, ON and OFF", "The same if every input comes as an ON and OFF pair."),
}


CIRCUITS = (
    Column("circuit", lambda r: r.kind),
    *columns.neurons(lambda r, sign: r.neurons[sign]),
    Column("accuracy intact", lambda r: r.accuracy[0], decimals=OF_ROWS),
    Column("accuracy ablated", lambda r: r.accuracy[-1], decimals=OF_ROWS),
    Column("agreement", lambda r: r.agreement, note="Share of rows with the network's class.", decimals=OF_ROWS),
    Column("largest difference", lambda r: r.equivalence_error, note="Of intact outputs, in the network's units."),
)


def rows(result: NetworkAblation) -> list[dict]:
    """Each class of one kind of circuit, for JSON and CSV."""
    balanced, errors, zeroed = result.balanced_accuracy, result.threshold_errors, result.zeroed
    found = {
        "class": result.judged,
        "rows": [int((result.data.targets == value).sum()) for value in result.judged],
        "intact": balanced[0],
        "ablated": balanced[-1],
        "verdict": result.verdicts,
        "one_threshold_error_intact": errors[0],
        "one_threshold_error_ablated": errors[-1],
        "fixed_threshold_error_ablated": result.fixed_threshold_errors[-1],
        "constant_answer_error": result.constant_errors,
        "floor": result.floors.one_polarity,
        "floor_on_off": result.floors.on_off,
        "bound_in_doubt": result.in_doubt,
        "one_threshold_verdict": result.verdicts_by_threshold,
        "one_threshold_reason": [curve.judgement.reason for curve in result.threshold_curves],
    }
    if zeroed is not None:
        found |= {
            "zeroed": zeroed.balanced_accuracy[-1],
            "zeroed_verdict": zeroed.verdicts,
            "one_threshold_error_zeroed": zeroed.threshold_errors[-1],
            "one_threshold_verdict_zeroed": zeroed.verdicts_by_threshold,
        }
    return [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]


def threshold_verdicts(result: NetworkAblation) -> list[str]:
    """Verdicts by the threshold that is best intact, of a loss with its reason."""
    return [described(each.verdict, each.reason) for each in (c.judgement for c in result.threshold_curves)]


def verdict_by_threshold(result: NetworkAblations) -> Column:
    """A column with the verdicts of all kinds, of rows that are numbers of the judged classes."""
    verdicts = {each.kind: threshold_verdicts(each) for each in result.kinds}
    return columns.verdict(
        lambda k: {kind: found[k] for kind, found in verdicts.items()},
        f"{KEPT_IF} a constant answer is left, by the threshold that is best intact. {columns.REASONS} {NOT_COMPUTED}",
    )


def _columns(named, value, on_page_only=""):
    for key, (name, note) in named.items():
        yield Column(name, value(key), note=note, decimals=OF_ROWS, on_page_only=key == on_page_only)


def _in_time(result):
    return zip(result.times.round(9).tolist(), result.accuracy_in_time, result.agreement_in_time, strict=True)


class NetworksView(View[NetworkAblations]):
    """Classes by argmax and by a threshold on their own output, circuits of each kind, and the floors of the data."""

    @property
    def heading(self) -> str:
        return f"Which classes does {self._first.name} lose without its inhibition?"

    @property
    def _first(self) -> NetworkAblation:
        """One kind, for what is the same in all."""
        return self.result.kinds[0]

    @property
    def _rule(self) -> str:
        """How the network decides."""
        rule = "the network's own threshold" if len(self._first.judged) == 1 else "argmax"
        return f"{rule} of the {self._first.readout}" if self._first.readout else rule

    @cached_property
    def _rows(self) -> dict[str, list[dict]]:
        return {each.kind: rows(each) for each in self.result.kinds}

    rows_file = "classes.csv"

    def rows(self) -> list[dict]:
        return [{"kind": kind, **row} for kind, found in self._rows.items() for row in found]

    def to_json(self) -> dict:
        first = self._first
        found = {
            "network": first.name,
            "data": first.data.name,
            "points": len(first.data.targets),
            "signed_inputs": first.signed_inputs,
            "network_accuracy": first.network_accuracy,
            **({"readout": first.readout} if first.readout else {}),
            "fraction_removed": first.fractions,
            **{each.kind: self._circuit(each) for each in self.result.kinds},
        }
        if first.zeroed is not None:
            found["negative_weights_zeroed"] = _zeroed(first.zeroed)
        found["held_out"] = [each and each.to_json() for each in first.held_out or ()]
        return found | {"notes": list(first.data.notes), "problems": self.problems}

    def _circuit(self, result):
        found = {
            "neurons": result.neurons,
            "simulated_seconds": result.duration,
            "equivalence_error": result.equivalence_error,
            "agreement": result.agreement,
            "accuracy": result.accuracy,
            "classes": self._rows[result.kind],
            "judgements": [judgements.record(curve.judgement) for curve in result.threshold_curves],
        }
        if len(result.times):
            columns = ("seconds", "accuracy", "agreement")
            found["intact_in_time"] = [dict(zip(columns, values, strict=True)) for values in _in_time(result)]
        return found

    def answer(self) -> Iterator[str]:
        first, n = self._first, len(self._first.judged)
        ends = (f"{r.accuracy[0]:.1%} to {r.accuracy[-1]:.1%} ({r.kind})" for r in self.result.kinds)
        yield f"Accuracy, intact to ablated: {listing(ends)}."
        by_argmax = (f"{r.verdicts.count(LOST)} of {n} ({r.kind})" for r in self.result.kinds)
        yield f"Lost by {self._rule}: {listing(by_argmax)}."
        by_threshold = (f"{r.kind} {columns.counted(threshold_verdicts(r))}" for r in self.result.kinds)
        yield f"Lost by one threshold: {listing(by_threshold)}."
        if first.signed_inputs:
            yield "Inputs have both signs and come as ON and OFF pairs: the floor of one polarity does not bind."
        elif above := [self._label(k) for k in np.flatnonzero(first.floors.one_polarity)]:
            yield f"Classes with a floor above 0: {listing(above, most=8)}."
        else:
            yield "The floor of every class is 0: excitatory-only networks can tell it from the rest without error."

    @property
    def _judgements(self):
        """By one threshold for each class, since argmax compares outputs."""
        return [curve.judgement for each in self.result.kinds for curve in each.threshold_curves]

    def _label(self, k):
        return self._first.data.label(self._first.judged[k])

    def tables(self) -> Iterator[Table]:
        classes, label, file = range(len(self._first.judged)), Column("class", self._label), self.rows_file
        no_floor = ("Argmax compares outputs, and a comparison is a subtraction: no floor holds for it.",)
        verdict = columns.verdict(self._each("verdict"), f"{KEPT_IF} chance is left. {NOT_COMPUTED}")
        by_argmax = label, verdict, *_columns(BY_ARGMAX, self._each), Column("rows", self._of_data("rows"))
        yield Table(f"Classes by {self._rule}", by_argmax, classes, no_floor if len(classes) > 1 else (), file)
        idle = "floor" if self._first.signed_inputs else "floor_on_off"
        of_data = _columns(OF_DATA, self._of_data, on_page_only=idle)
        by_threshold = label, verdict_by_threshold(self.result), *_columns(BY_THRESHOLD, self._each), *of_data
        notes = (*self._other_rows(), *self._first.data.notes)
        yield Table("Classes by threshold (one-vs-rest)", by_threshold, classes, notes, file)
        yield from judgements.tables(self._judgements)
        network = f"Accuracy of the network itself: {self._first.network_accuracy:.1%}"
        if zeroed := self._first.zeroed:
            network += f"; with its negative weights set to 0: {zeroed.accuracy[-1]:.1%}"
        yield Table("Circuits", CIRCUITS, self.result.kinds, (f"{network}.",), "ablation.csv")

    def _other_rows(self) -> Iterator[str]:
        """What networks of other rows show of each class that has a floor."""
        for k, found in enumerate(self._first.held_out or ()):
            if found is not None:
                yield f"Class {self._label(k)}: {proof.from_other_rows(found)}"

    def _each(self, key: str) -> Callable[[int], dict]:
        """The value of a column: what each kind has for a class."""
        return lambda k: {kind: found[k][key] for kind, found in self._rows.items()}

    def _of_data(self, key: str) -> Callable[[int], float]:
        """The value of a column that is the same for all kinds."""
        return lambda k: self._rows[self._first.kind][k][key]

    def figures(self) -> Iterator[Drawing]:
        caption = (
            "One line per class. Above: balanced accuracy by argmax, and accuracy over all classes (black). Below: "
            "error of the best threshold on the class's own output, chosen at each fraction; marks at the right: "
            "floors."
        )
        if len(self._first.judged) == 1:
            caption = (
                "Share of rows answered correctly by the best threshold at each fraction, and by the threshold of the "
                "intact network. The mark at the right is 1 − floor."
            )
        if self._first.zeroed is not None:
            caption += " For comparison: the network itself with its negative weights scaled by 1 − fraction."
        if any(len(each.times) for each in self.result.kinds):
            caption += " At the right: the intact spiking circuit against the trial duration (time.csv)."
        yield Drawing(
            "ablation.svg",
            "Accuracy against the fraction of inhibition removed",
            caption,
            " ".join([*self.answer()][:3]),
            "ablation.csv",
            draw=lambda: figures.ablation(self.result),
        )
        yield from judgements.drawings(self._judgements)

    def circuits(self) -> Iterator[DrawnCircuit]:
        if self._first.circuit is not None:
            yield DrawnCircuit("circuit", f"The circuit of {self._first.name}", self._first.circuit)

    def proofs(self) -> Iterator[Explanation]:
        yield _removed(self._first)
        yield proof.excitation()
        yield _floor(self._first)

    def files(self) -> Iterator[tuple[str, str]]:
        yield "ablation.csv", _levels(self.result.kinds)
        yield from judgements.files(self._judgements)
        for spiking in (each for each in self.result.kinds if len(each.times)):
            lines = ((seconds, float(right), float(same)) for seconds, right, same in _in_time(spiking))
            yield "time.csv", to_csv(lines, ("seconds", "accuracy", "agreement"))


def _zeroed(zeroed):
    """By level of ablation, of the network itself with its negative weights times 1 less the fraction."""
    balanced, errors = zeroed.balanced_accuracy.T, zeroed.threshold_errors.T
    keys = ("class", "balanced_accuracy", "one_threshold_error")
    classes = zip(zeroed.judged, balanced, errors, strict=True)
    return {"accuracy": zeroed.accuracy, "classes": [dict(zip(keys, values, strict=True)) for values in classes]}


def _levels(results):
    """CSV of accuracies and errors of each class, and of all, at each level of ablation."""
    columns = ("kind", "fraction_removed", "class", "balanced_accuracy", "one_threshold_error", "floor", "accuracy")
    if any(result.zeroed is not None for result in results):
        columns += ("accuracy_zeroed", "balanced_accuracy_zeroed", "one_threshold_error_zeroed")
    lines = []
    for result in results:
        sources = {"": result} | ({} if result.zeroed is None else {"_zeroed": result.zeroed})
        measured = {end: (of.accuracy, of.balanced_accuracy, of.threshold_errors) for end, of in sources.items()}
        for k, fraction in enumerate(result.fractions):
            common = {"kind": result.kind, "fraction_removed": float(fraction)}
            overall = {f"accuracy{end}": float(accuracy[k]) for end, (accuracy, _, _) in measured.items()}
            lines.append(common | {"class": "all"} | overall)
            for c, value in enumerate(result.judged):
                line = common | {"class": f"{value:g}", "floor": float(result.floors.one_polarity[c])}
                for end, (_, balanced, errors) in measured.items():
                    line[f"balanced_accuracy{end}"] = float(balanced[k, c])
                    line[f"one_threshold_error{end}"] = float(errors[k, c])
                lines.append(line)
    return to_csv(lines, columns)


#: What ablation takes from a network that spikes in its file.
_OF_SPIKES = (
    "A neuron with outgoing weights of both signs has an inhibitory twin, which fires when it fires. Negative weights "
    "of an input are those of an inhibitory relay, which fires once for each of its spikes, or of an inhibitory input, "
    "if it is a current (Dale's law). Ablation weakens what these send, and nothing else: at a fraction of 1 no "
    "negative weight is left. Tonic drives stay, regardless of sign: a bias is a threshold, not a synapse.",
)


#: The same, where outputs are potentials.
_OF_POTENTIALS = (
    "An output is the {readout} of a neuron that never fires. Its synapses are excitatory and inhibitory, as those of "
    "all others, and ablation weakens the inhibitory ones.",
)


def _removed(result):
    """What ablation takes from the circuit, and how that differs from setting negative weights to 0."""
    if result.kind == "spiking" and result.zeroed is None:
        more = [each.format(readout=result.readout) for each in _OF_POTENTIALS if result.readout]
        return Explanation("What is removed", (*_OF_SPIKES, *more))
    off = "The OFF channel of an input excites, and stays too. " if result.signed_inputs else ""
    paragraphs = (
        "A unit with outgoing weights of both signs has an inhibitory twin, an input with negative weights an "
        "inhibitory relay (Dale's law). Ablation weakens what twins and relays send, and nothing else. Tonic drives "
        "stay, regardless of sign: a bias is a threshold, not a synapse.",
        "A unit whose output can be negative (linear, leaky ReLU) is two neurons, ON and OFF. Either excites when it "
        f"fires, so part of its negative weights is excitation and stays. {off}A maximum of rates is computed with "
        "inhibition, as b + [a − b]+, so ablation takes max pooling apart.",
        "Setting the negative weights of the network to 0 is a different ablation: no set of neurons carries these "
        "weights.",
    )
    return Explanation("What is removed", paragraphs)


def _floor(result):
    """What the floor means, with the witness of the highest."""
    if result.signed_inputs:
        last = (
            "Each input comes as an ON and an OFF channel, of which one falls when the other rises: only equal rows "
            "are ordered, and the floor of one polarity does not bind the circuit."
        )
    elif result.floors.one_polarity.any():
        last = _witness(result, int(result.floors.one_polarity.argmax()))
    else:
        last = "No class has two rows like these: the theorem excludes none of them."
    meaning = (
        "If no input is lower in a second row, and the first belongs to a class and the second does not, then an "
        f"excitatory-only network {proof.CONDITIONS} answers one of the two wrongly. The floor of the class is the "
        f"least share of the {len(result.data.targets):,} rows (by weight) that touches every such pair."
    )
    return Explanation("The floor of these data", (meaning, last))


def _witness(result, k):
    """Two rows in order that no excitatory-only network tells apart, which differ in few inputs."""
    data, value = result.data, result.judged[k]
    others = np.flatnonzero(data.targets != value)
    for row in np.flatnonzero(data.targets == value):
        above = others[(data.points[others] >= data.points[row]).all(axis=1)]
        if above.size:
            break
    other = above[(data.points[above] > data.points[row]).sum(axis=1).argmin()]
    ends = zip(data.names, data.points[row], data.points[other], strict=True)
    up = listing((f"{name} from {x:g} to {y:g}" for name, x, y in ends if y > x), most=NAMED)
    return (
        f"Witness for class {data.label(value)}: row {row + 1:,} belongs to it, row {other + 1:,}, of class "
        f"{data.label(data.targets[other])}, does not. From the first to the second no input falls; those that rise: "
        f"{up or 'none'}."
    )


show_with(NetworkAblations, NetworksView)
show_with(
    NetworkAblation,
    lambda one: NetworksView(NetworkAblations((one,))),
    plot=drawn_by(figures.accuracy, (SINGLE, 2.8)),
)
