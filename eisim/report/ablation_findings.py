"""What an ablation experiment found, for its page: the answer, tables, captions, and the proofs in words."""

from collections import Counter
from dataclasses import replace

from eisim.report import proof
from eisim.report.ablation import (
    CONDITIONS,
    SHOWN,
    accuracy_by_level,
    bits,
    example,
    example_circuit,
    missed_words,
    verdict,
    witness_bits,
)
from eisim.report.circuit import circuit_picture
from eisim.report.findings import Column, Explanation, Findings, PageTable, Picture
from eisim.report.wording import answer, capital, count, listing
from eisim.studies.boolean import AblationResult, CaseResult

DRAWN = {"spiking_noisy": "spiking circuit with noise", "rate": "rate circuit", "dnn": "equivalent DNN"}


def findings(result: AblationResult) -> Findings:
    """What the page of ``python -m eisim run boolean`` shows."""
    shown, circuit = example(result), example_circuit(result)
    name = shown.case.name
    return Findings(
        question="Which Boolean functions does a circuit lose with its inhibition, and did it have to?",
        answer=answer(_lost(result), _needed(result), problems=result.problems),
        tables=(_functions(result), _best(result), _equivalence(result)),
        pictures=(_curves(result), _activity(shown), _weights(name, circuit)),
        circuits=(circuit_picture(circuit, f"{name}_circuit", f"The circuit of {name}"),),
        proofs=tuple(_proofs(result)),
    )


def _lost(result):
    n, verdicts = len(result.cases), [verdict(case) for case in result.cases]
    here_only, impossible = verdicts.count("lost, here only"), verdicts.count("lost, impossible")
    lost = here_only + impossible
    missed = [capital(missed_words(case)) for case in result.cases if case.missed]
    if n == 1:
        name = result.cases[0].case.name
        if missed:
            return f"{missed[0]} So there is nothing to lose."
        if impossible:
            return (
                f"Without inhibition the circuit loses “{name}”, and it had to: no excitatory-only circuit computes it."
            )
        if here_only:
            return (
                f"Without inhibition the circuit loses “{name}”, but only this circuit does: an excitatory-only "
                "circuit computes it."
            )
        return f"Without inhibition the circuit still computes “{name}”."
    if missed:
        intact = f"{len(missed)} of {n} intact circuits {'does' if len(missed) == 1 else 'do'} not compute "
        intact += f"{'its' if len(missed) == 1 else 'their'} function."
        others = replace(result, cases=tuple(case for case in result.cases if not case.missed))
        return " ".join([intact, *missed[:3], "Of the others:" if others.cases else "", *_of_others(others)]).strip()
    if not lost:
        return f"Without inhibition all {n} circuits still compute their functions."
    text = f"Without inhibition {lost} of {n} circuits {'loses its' if lost == 1 else 'lose their'} function"
    if not impossible:
        one, more = "an excitatory-only circuit computes it", "excitatory-only circuits compute them"
        return f"{text}; {f'it did not have to: {one}' if lost == 1 else f'none had to: {more}'}."
    if here_only:
        them = "it" if impossible == 1 else "them"
        return f"{text}; {impossible} of them had to: no excitatory-only circuit computes {them}."
    had = "it had to" if lost == 1 else "all of them had to"
    return f"{text}; {had}: no excitatory-only circuit computes {'it' if lost == 1 else 'them'}."


def _of_others(result):
    return [_lost(result)] if result.cases else []


def _needed(result):
    """The least inhibition that computes what an excitatory-only circuit cannot."""
    needed = Counter(
        case.certificate.inversion_complexity for case in result.cases if verdict(case) == "lost, impossible"
    )
    if needed.total() == 1:
        return f"{'It' if len(result.cases) == 1 else 'That one'} needs {count(*needed, 'inhibitory neuron')}."
    if len(needed) == 1:
        return f"They need {count(*needed, 'inhibitory neuron')} each."
    parts = [
        f"{n} {'needs' if n == 1 else 'need'} {count(least, 'inhibitory neuron')}"
        for least, n in sorted(needed.items())
    ]
    return f"Of these, {listing(parts)}." if needed else ""


def _systems(result):
    """The systems that tables show, with their names."""
    measured = result.cases[0].accuracy("intact")
    return {system: label for system, label in SHOWN.items() if system in measured}


def _functions(result):
    systems = _systems(result)
    # by condition the systems that need a column: one for all that agree everywhere
    shown = {condition: _differing(result, condition, systems) for condition in CONDITIONS[:2]}
    scores = [
        Column(
            f"{condition}, {systems[system]}" if len(shown[condition]) > 1 else condition,
            "number",
            note=f"Share of input patterns answered correctly; {what}"
            + ("." if len(shown[condition]) > 1 else f", the same as {listing(systems.values())}."),
        )
        for condition, what in (("intact", "the whole circuit"), ("ablated", "without inhibition"))
        for system in shown[condition]
    ]
    columns = (
        Column("function"),
        Column(
            "verdict",
            "verdict",
            note="Impossible: no excitatory-only circuit computes it. Here only: another one does. Never had: the "
            "intact circuit does not compute it.",
        ),
        Column("floor", "number", note="Least share of patterns that any excitatory-only circuit answers wrongly."),
        Column("witness", note="Inputs x ≤ y with f(x) > f(y), which no excitatory-only circuit can do."),
        Column("inhibitory neurons", "number", note="In this circuit."),
        Column("inversion complexity", "number", note="The least number of inhibitory neurons that compute it."),
        *scores,
        Column("truth table", note="The value for each input pattern in counting order, the first input leading."),
    )
    rows = tuple(
        (
            case.case.name,
            verdict(case),
            case.certificate.floor["zero_one"],
            witness_bits(case),
            next(iter(case.kinds.values())).circuit.n_inhibitory,
            case.certificate.inversion_complexity,
            *(case.accuracy(condition)[system] for condition, systems in shown.items() for system in systems),
            case.case.function.bits,
        )
        for case in result.cases
    )
    return PageTable("Functions with and without inhibition", columns, rows, _notes(result), "table.csv")


def _differing(result, condition, systems):
    """The systems; the first alone if all have the same accuracies."""
    same = all(len({case.accuracy(condition)[system] for system in systems}) == 1 for case in result.cases)
    return list(systems)[:1] if same else list(systems)


def _notes(result):
    if "spiking" in result.protocol.kinds:
        seeds = count(len(result.protocol.seeds), "seed")
        noise = f"Spiking with noise: {result.protocol.noise * 1e3:g} mV of membrane noise, mean over {seeds}."
        return (noise, "DNN: the static equivalent DNN, the worse one where there are two.")
    return ("DNN: the static equivalent DNN of the rate circuit.",)


def _best(result):
    systems = _systems(result)
    columns = (
        Column("function"),
        Column("floor", "number", note="Least error of any excitatory-only circuit, by proof."),
        *(
            Column(f"error, {label}", "number", note="Of the best excitatory-only circuit, as simulated.")
            for label in systems.values()
        ),
    )
    rows = tuple(
        (
            case.case.name,
            case.certificate.floor["zero_one"],
            *(1 - case.accuracy("best_excitatory")[system] for system in systems),
        )
        for case in result.cases
    )
    note = "The best excitatory-only circuit of each function was built and simulated; its error is to be the floor."
    return PageTable("The best that an excitatory-only circuit can do", columns, rows, (note,), "table.csv")


EQUIVALENCES = {
    "rate": ("rate, unrolled", "Hz", "Largest difference of the unrolled DNN from Brian2 at any unit and step."),
    "rate_static": ("rate, static", "Hz", "Largest difference of the static DNN's readout rate."),
    "rate_static_sweep": ("rate, static, all levels", "Hz", "The same over all levels of ablation."),
    "spiking": ("spiking, unrolled", "", "Share of spikes that the unrolled DNN misses or adds."),
    "spiking_static": ("spiking, static", "Hz", "Largest difference of the f-I curve's readout rate."),
    "spiking_static_sweep": ("spiking, static, all levels", "Hz", "The same over all levels of ablation."),
}


def _equivalence(result):
    keys = [key for key in EQUIVALENCES if key in result.cases[0].equivalence_error]
    columns = [Column(name, "number", unit, note) for name, unit, note in (EQUIVALENCES[key] for key in keys)]
    rows = tuple((case.case.name, *(case.equivalence_error[key] for key in keys)) for case in result.cases)
    title = "How equivalent the DNNs are"
    return PageTable(title, (Column("function"), *columns), rows, data="table.csv")


def _curves(result):
    systems = [label for system, label in DRAWN.items() if system in accuracy_by_level(result.cases[0])]
    within = all(
        accuracies[-1] <= 1 - case.certificate.floor["zero_one"] + 1e-12
        for case in result.cases
        for accuracies in accuracy_by_level(case).values()
    )
    see = " Without inhibition no curve ends in the grey." if within else ""
    ends = listing((f"{_quoted(case)} from {_ends(case)}" for case in result.cases if case.verdict == "lost"), most=8)
    kept = listing((_quoted(case) for case in result.cases if case.verdict == "kept"), most=8)
    alternative = [
        f"Accuracy falls as inhibition is removed for {ends}." if ends else "",
        f"It stays for {kept}." if kept else "",
    ]
    return Picture(
        "ablation_curves.svg",
        "Accuracy against the inhibition removed",
        f"Share of input patterns answered correctly by {listing(systems)}, a panel for each function. Grey, above the "
        f"line at 1 − floor: what no excitatory-only circuit can reach.{see}",
        " ".join(text for text in alternative if text),
        "ablation_curves.csv",
    )


def _ends(case):
    accuracies = next(a for system, a in accuracy_by_level(case).items() if system in DRAWN)
    return f"{accuracies[0]:.2f} to {accuracies[-1]:.2f}"


def _activity(case: CaseResult):
    name, parts = case.case.name, []
    if "spiking" in case.kinds:
        parts.append(
            "spikes of every neuron, excitatory ones in red and inhibitory ones in blue, one pattern after another"
        )
    if "rate" in case.kinds:
        threshold = case.kinds["rate"].circuit.readouts[0].threshold
        parts.append(
            "the rate of the readout of the rate circuit, a line for each pattern, which answers 1 above its decision "
            f"threshold of {threshold:g} Hz"
        )
    changed = _changed(case)
    if changed:
        found = f"Without inhibition the answer changes for {listing(changed, most=8)}."
    else:
        found = "Without inhibition the answer is the same for every pattern."
    return Picture(
        f"{name}_activity.svg",
        f"Activity of the circuit of {name}",
        f"Responses to each input pattern, intact (left) and without inhibition (right): {'; '.join(parts)}. {found}",
        f"Activity of the circuit of {name} for {count(len(case.case.function.values), 'input pattern')}, intact and "
        f"without inhibition. {found}",
        f"{name}_activity.csv",
    )


def _changed(case):
    """Patterns whose answer changes with ablation, and how: ``"11 (0 to 1)"``."""
    measured = case.measurements[next(iter(case.kinds))]
    before, after = (measured.rates[k] > measured.thresholds[k] for k in (0, -2))
    return [
        f"{bits(pattern)} ({int(x)} to {int(y)})"
        for pattern, x, y in zip(case.case.function.patterns, before, after, strict=True)
        if x != y
    ]


def _weights(name, circuit):
    negative = {p.source: circuit.weights(p).nnz for p in circuit.inhibitory_projections if circuit.has_synapses(p)}
    if negative:
        neurons = f"{count(sum(negative.values()), 'weight')} {'is' if sum(negative.values()) == 1 else 'are'} negative"
        found = f"{neurons}, from {listing(sorted(negative))}."
    else:
        found = "No weight is negative."
    return Picture(
        f"{name}_weights.svg",
        f"Weights of the circuit of {name} and of its DNN",
        f"Signed weights from source (row) to target (column), of the {circuit.kind} circuit on the left and of its "
        f"static equivalent DNN on the right. A row has one sign (Dale's law). {found}",
        f"Two weight matrices with the same signs. {found}",
        f"{name}_weights.csv",
    )


def _proofs(result):
    yield proof.excitation()
    for case in result.cases:
        certificate, name = case.certificate, case.case.name
        if verdict(case) == "lost, impossible":
            yield Explanation(f"{name}: lost, and no excitatory-only circuit computes it", _paragraphs(case))
        elif verdict(case) == "lost, here only":
            best = min(case.accuracy("best_excitatory").values())
            used = count(next(iter(case.kinds.values())).circuit.n_inhibitory, "inhibitory neuron")
            yield Explanation(
                f"{name}: lost by this circuit only",
                (
                    f"The function never falls when an input rises (floor {certificate.floor['zero_one']:g}), so "
                    "an excitatory-only circuit can compute it: the best excitatory-only circuit answers "
                    f"{best:.1%} of the patterns correctly. This circuit computes it through {used}, and loses it with "
                    "them. A loss under ablation is no proof that inhibition was needed.",
                ),
            )
        elif case.missed:
            yield Explanation(f"{name}: not computed even intact", (capital(missed_words(case)),))
    kept = [case for case in result.cases if verdict(case) == "kept"]
    if kept:
        stay = "is kept" if len(kept) == 1 else "are kept"
        yield Explanation(f"Why {listing(_quoted(case) for case in kept)} {stay}", (_kept(kept),))


def _quoted(case):
    return f"“{case.case.name}”"  # names such as "and" and "not" are words too


def _kept(kept):
    one = len(kept) == 1
    text = (
        f"{'It never falls' if one else 'They never fall'} when an input rises, and that is all that an "
        "excitatory-only circuit can compute."
    )
    without = sum(next(iter(case.kinds.values())).circuit.n_inhibitory == 0 for case in kept)
    if without == len(kept):
        text += (
            f" {'The circuit has' if one else 'Their circuits have'} no inhibitory neuron, so ablation takes nothing."
        )
    return text


def _paragraphs(case):
    certificate = case.certificate
    best = min(case.accuracy("best_excitatory").values())
    return (
        f"Witness: {proof.witness(certificate)}",
        f"Floor: {proof.patterns_wrong(certificate)} The best excitatory-only circuit, as simulated, answers "
        f"{best:.1%} of the patterns correctly.",
        f"Inhibition needed: {proof.inhibition(certificate)}",
    )
