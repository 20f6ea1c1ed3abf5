"""What the ablation of a stranger's network found, for its page."""

from dataclasses import replace

import numpy as np

from eisim.report import proof
from eisim.report.circuit import circuit_picture
from eisim.report.findings import Explanation, Findings, PageColumn, PageTable, Picture
from eisim.report.network import drawn_circuit, rows
from eisim.report.wording import answer, listing
from eisim.studies.networks import KEPT, NetworkAblation

#: Inputs that a witness raises are named up to so many.
NAMED = 6


def findings(results: list[NetworkAblation]) -> Findings:
    """What the page of ``python -m eisim ablate`` shows; `results` are those of each kind."""
    first, circuit = results[0], drawn_circuit(results)
    problems = [problem for result in results for problem in result.problems]
    return Findings(
        question=f"Which classes does {first.name} lose without its inhibition?",
        answer=answer(_accuracy(results), _lost(results), _floor(first, results), problems=problems),
        tables=(_by_largest(results), _by_threshold(results), _circuits(results)),
        pictures=(_picture(results),),
        circuits=(circuit_picture(circuit, "circuit", f"The circuit of {first.name}"),) if circuit else (),
        proofs=tuple(_proofs(first)),
    )


def _accuracy(results):
    parts = (f"from {r.accuracy[0]:.1%} to {r.accuracy[-1]:.1%} as a {r.kind} circuit" for r in results)
    return f"Without inhibition the accuracy of {results[0].name} goes {listing(parts)}."


def _lost(results):
    """How many classes the largest output no longer tells apart, or does not even intact, by kind."""
    n = len(results[0].judged)
    said = {"kept": "is kept", "lost": "is lost", "not computed": "is not told apart even intact"}
    if n == 1:
        verdicts = {r.kind: said[r.verdicts[0]] for r in results}
        if len(set(verdicts.values())) == 1:
            return f"Class {results[0].judged[0]:g} {verdicts[results[0].kind]}."
        parts = (f"{verdict} as a {kind} circuit" for kind, verdict in verdicts.items())
        return f"Class {results[0].judged[0]:g} {listing(parts)}."
    parts = (f"{r.verdicts.count('lost')} of {n} classes as a {r.kind} circuit" for r in results)
    counts = {r.kind: r.verdicts.count("not computed") for r in results}
    missed = [f"{number} as a {kind} circuit" for kind, number in counts.items() if number]
    intact = f" Even intact it does not tell {listing(missed)} from the others." if missed else ""
    return f"By the largest output it loses {listing(parts)}.{intact}"


def _floor(result, results):
    own = ""
    if any("lost" in r.verdicts for r in results):
        own = " That this circuit loses what it does is its own doing, not the theorem's."
    if result.signed_inputs:
        return "Its inputs are signed and come as ON and OFF pairs, so no floor binds the circuit."
    if len(result.judged) == 1:
        can = (
            "cannot tell the two classes apart without error"
            if result.floors.one_polarity[0]
            else "can tell them apart"
        )
        return f"By these data an excitatory-only network {can}: its floor is {result.floors.one_polarity[0]:.4g}." + (
            "" if result.floors.one_polarity[0] else own
        )
    above = result.floors.one_polarity > 0
    if not above.any():
        return "By these data an excitatory-only network could tell every class from the others without error." + own
    return (
        f"No excitatory-only network can tell {int(above.sum())} of the {len(above)} classes from the others without "
        "error."
    )


def _by_largest(results):
    kept = f"Kept: at least {KEPT:.0%} of its lead over chance is left. Not computed: no lead."
    measured = (
        (PageColumn("verdict", "verdict", note=kept), "verdict"),
        (PageColumn("intact", "number", note="Balanced accuracy against all other classes; 0.5 is chance."), "intact"),
        (PageColumn("ablated", "number", note="The same without inhibition."), "ablated"),
    )
    note = "The largest output compares outputs, and a comparison is a subtraction, so no floor binds it."
    if len(results[0].judged) == 1:
        note = "Of two classes there is one output, compared with the network's best threshold."
    columns = [(PageColumn("rows", "number"), "rows", 0), *_of_each(results, measured)]
    return _classes(results, "Classes, by the largest output", columns, (note,))


def _by_threshold(results):
    kept = f"Kept: at least {KEPT:.0%} of its lead over a constant is left. Not computed: no lead."
    wrong = "Share of rows wrong about the class, by its best threshold."
    every = "The same if every input comes as an ON and OFF pair."
    measured = (
        (PageColumn("verdict", "verdict", note=kept), "one_threshold_verdict"),
        (PageColumn("error intact", "number", note=wrong), "one_threshold_error_intact"),
        (PageColumn("error ablated", "number", note="The same without inhibition."), "one_threshold_error_ablated"),
    )
    columns = [
        *_of_each(results, measured),
        (PageColumn("constant", "number", note="Error of the same answer everywhere."), "constant_answer_error", 0),
        (PageColumn("floor", "number", note="Least error of any excitatory-only network on these data."), "floor", 0),
        (PageColumn("floor, ON and OFF", "number", note=every), "floor_on_off", 0),
    ]
    title = "Classes, by one threshold on each class's own output"
    return _classes(results, title, columns, tuple(results[0].data.notes))


def _of_each(results, measured):
    """Columns that there are for each kind: pairs of column and key of `rows` become these with the kind's number."""
    return [
        (replace(column, name=f"{column.name}, {result.kind}"), key, k)
        for k, result in enumerate(results)
        for column, key in measured
    ]


def _classes(results, title, columns, notes):
    """A table with a row for each class; a column is one of the page, a key of `rows`, and the number of the kind."""
    found = [rows(result) for result in results]
    values = ([of[k][key] for _, key, k in columns] for of in zip(*found, strict=True))
    return PageTable(
        title,
        (PageColumn("class"), *(column for column, _, _ in columns)),
        tuple(
            (f"{row['class']:g}", *(v if isinstance(v, (str, int)) else float(v) for v in of))
            for row, of in zip(found[0], values, strict=True)
        ),
        notes,
        "classes.csv",
    )


def _circuits(results):
    columns = (
        PageColumn("circuit"),
        PageColumn("excitatory neurons", "number"),
        PageColumn("inhibitory neurons", "number"),
        PageColumn("accuracy intact", "number"),
        PageColumn("accuracy ablated", "number"),
        PageColumn(
            "agreement", "number", note="Share of rows for which the intact circuit chooses the network's class."
        ),
        PageColumn(
            "largest difference", "number", note="Of the intact circuit's outputs from the network's, in its units."
        ),
    )
    lines = tuple(
        (
            r.kind,
            r.neurons["E"],
            r.neurons["I"],
            float(r.accuracy[0]),
            float(r.accuracy[-1]),
            r.agreement,
            r.equivalence_error,
        )
        for r in results
    )
    network = f"The network itself is right on {results[0].network_accuracy:.1%} of the rows"
    if zeroed := results[0].zeroed:
        network += f", and with its negative weights set to 0 on {zeroed.accuracy[-1]:.1%}"
    return PageTable("The circuits", columns, lines, (f"{network}.",), "ablation.csv")


def _picture(results):
    spiking = any(len(r.times) for r in results)
    kinds = listing(r.kind for r in results)
    in_time = (
        " The panel at the right has the intact spiking circuit against the length of a trial (time.csv)."
        if spiking
        else ""
    )
    plain = ""
    if results[0].zeroed is not None:
        rule = "by the best threshold" if len(results[0].judged) == 1 else "by the largest output"
        plain = (
            f" For comparison the network itself, {rule}, with each negative weight times 1 less the fraction and its "
            "biases as they are (see “What is removed”)."
        )
    if len(results[0].judged) == 1:
        caption = (
            f"Share of rows answered correctly, {kinds}: by the best threshold on the output at each dose (1 less the "
            "error in the table by one threshold), and by the threshold that is best for the intact network (the "
            f"accuracy in the table of circuits). The mark at the right is 1 less the floor.{plain}{in_time}"
        )
    else:
        caption = (
            f"A line for each class, {kinds}: above, balanced accuracy by the largest output; below, error of the best "
            "threshold on the class's own output. Classes kept, lost and not computed have different colours; the "
            f"marks at the right of the lower panels are the floors.{plain}{in_time}"
        )
    return Picture(
        "ablation.svg",
        "What is left as inhibition is removed",
        caption,
        f"{_accuracy(results)} {_lost(results)}",
        "ablation.csv",
    )


def _witness(result, k):
    """A pair of rows that no excitatory-only network tells apart, in words, of the class with the highest floor."""
    data, value = result.data, result.judged[k]
    if not result.floors.one_polarity[k]:
        return "There is no witness: no class has two rows like these, so the theorem forbids none of them."
    others = np.flatnonzero(data.targets != value)
    for row in np.flatnonzero(data.targets == value):
        above = others[(data.points[others] >= data.points[row]).all(axis=1)]
        if above.size:
            break
    raised = (data.points[above] > data.points[row]).sum(axis=1)
    other = above[raised.argmin()]
    up = [
        f"{name} from {x:g} to {y:g}"
        for name, x, y in zip(data.names, data.points[row], data.points[other], strict=True)
        if y > x
    ]
    how = f"only higher ones: {listing(up)}" if len(up) <= NAMED else f"{len(up)} of {data.n_inputs} are higher"
    return (
        f"Witness for class {value:g}: row {row + 1:,} belongs to it and row {other + 1:,}, of class "
        f"{data.targets[other]:g}, does not. In the second no input is lower, and {how if up else 'none is higher'}. "
        "So an excitatory-only network that answers “yes” to the first answers “yes” to the second too."
    )


def _removed(result):
    """What ablation takes from the circuit, and how that differs from setting negative weights to 0."""
    inputs = (
        "Inputs of these data have both signs, so each comes as an ON and an OFF channel. The OFF channel excites, and "
        "stays: a negative weight on a negative input is excitation here."
        if result.signed_inputs
        else "Inputs of these data are not negative and come in one polarity."
    )
    zeroed = ""
    if result.zeroed is not None:
        zeroed = (
            " The second curve shows it: each negative weight between layers times 1 less the fraction (linear "
            "operations in a row are one), biases and maxima as they are. Its accuracy ends at "
            f"{result.zeroed.accuracy[-1]:.1%}, that of the {result.kind} circuit at {result.accuracy[-1]:.1%}."
        )
    return Explanation(
        "What is removed",
        (
            "The circuit obeys Dale's law: a unit with outgoing weights of both signs has an inhibitory twin, and an "
            "input with negative weights an inhibitory relay. Ablation weakens what twins and relays send, and nothing "
            "else. Tonic drives stay, whatever their sign: a bias is a threshold, not a synapse.",
            "So what is left depends on how the circuit represents the network. A unit whose output can be negative "
            "(linear, leaky ReLU) is two neurons, ON and OFF, of which either excites when it fires: part of the "
            "negative weights is excitation by OFF channels and stays. A tanh is a logistic neuron and a constant of "
            "−1, which becomes tonic drives of the neurons after it. These stay too, without the inhibition that "
            f"balanced them. {inputs}",
            "The maximum of two rates keeps order, but threshold-linear units compute it with inhibition, as "
            "b + [a − b]+. Max pooling therefore counts as inhibition in the circuit, and ablation takes it apart.",
            "Setting the negative weights of the network to 0 is another question, with another answer, since it does "
            f"not ask what neurons would carry those weights.{zeroed}",
        ),
    )


def _proofs(result):
    yield _removed(result)
    yield proof.excitation()
    floors = result.floors.one_polarity
    least, most = floors.argmin(), floors.argmax()
    n_rows = len(result.data.targets)
    paragraphs = [
        f"The floor of a class is the least share of the {n_rows:,} rows at which a function that never falls when "
        "inputs rise is wrong about it. Two rows violate the order if no input is lower in the second, and the first "
        "belongs to the class and the second does not: at least one of them is answered wrongly. The fewest rows that "
        "touch every such pair are the floor.",
        (
            f"It is {floors[most]:.4g} for class {result.judged[most]:g}"
            + (
                f", the highest, and {floors[least]:.4g} for class {result.judged[least]:g}, the lowest."
                if len(floors) > 1
                else "."
            )
        ),
    ]
    if result.signed_inputs:
        paragraphs.append(
            "These inputs have both signs. The circuit gets each as an ON and an OFF channel, of which one falls when "
            "the other rises, so only equal rows are ordered and the floor for one polarity does not bind it."
        )
    else:
        paragraphs.append(_witness(result, int(most)))
    yield Explanation("The floor of these data", tuple(paragraphs))
