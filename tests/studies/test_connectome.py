"""A connectome without parts of its inhibition: lesions, controls, shuffles, and what is asked for."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from scipy import sparse

from eisim import Connectome, certify, simulate
from eisim.base.errors import InputError
from eisim.report.view import view_of
from eisim.report.views.structure_figures import COLOURS
from eisim.studies.connectome.attained import attained, excitatory_only
from eisim.studies.connectome.measure import measure
from eisim.studies.connectome.result import (
    ASSUMED,
    CLASS,
    CONTROL,
    FRACTION,
    NEURON,
    SHUFFLED,
    TRANSMITTER,
    WITHOUT,
    Protocol,
)
from eisim.studies.connectome.shuffles import shuffled, shuffled_connectome
from eisim.studies.connectome.structure import Structure, structure_of
from eisim.studies.connectome.wiring import (
    GAIN,
    SIGNS,
    Entry,
    Required,
    Signed,
    Wiring,
    coupling_of,
    each_alone,
    lesions_of,
    read_required,
)
from eisim.theory.required import best_share

NAMES = ("S1", "S2", "N", "G", "U", "M1", "M2")
TIMES = {"duration": 0.2, "window": 0.1, "dt": 2e-3}


def counts(*entries):
    matrix = np.zeros((7, 7))
    for source, target, count in entries:
        matrix[NAMES.index(source), NAMES.index(target)] = count
    return matrix


def connectome(**changes):
    parts = {
        "excitatory": counts(("S1", "M1", 10), ("S1", "N", 8), ("S2", "M2", 10), ("S2", "M1", 5), ("M1", "M2", 1)),
        "inhibitory": counts(("N", "M2", 12)),
        "mixed": counts(("G", "M1", 4), ("S2", "G", 5)),
        "unknown": counts(("U", "M2", 3), ("S1", "U", 2)),
    }
    transmitters = ("ACh", "ACh", "GABA", "Glu", "", "ACh", "ACh")
    return Connectome("toy", NAMES, ("S", "S", "N", "G", "U", "M", "M"), transmitters, **parts | changes)


def wiring(kind="rate", coupling=0.0, **changes):
    parts = {"unknown": "omitted", "mixed": "omitted"} | changes
    entries = [Entry.listed(text, "x") for text in ("S1, S2", "M2", "M1, M2")]
    return Wiring(kind, *entries, 50.0, 20.0, coupling, *parts.values())


def protocol(**changes):
    parts = {"ways": "outgoing", "lesions": None, "shuffles": 2, "controls": True, "varied": True} | changes
    return Protocol(TIMES, np.linspace(0, 1, 3), (0,), **parts, backend="numpy")


def veto():
    """M2, which is driven, is to be silent under S1 alone: not without inhibition."""
    levels = np.array([[0.0, 0], [1, 0], [0, 1]])
    return ("none", "first", "second"), levels, Required("veto", np.array([[0, 1], [1, 0], [1, 1]], dtype=bool))


@pytest.fixture(scope="module")
def found():
    return measure(connectome(), wiring(), protocol(), veto())


def rates(circuit, levels):
    """Rates of M1 and M2."""
    response = simulate(circuit, wiring().stimuli(levels), **TIMES, backend="numpy")
    order = Connectome.outputs(circuit)
    return response.readouts[:, [order.index(name) for name in ("M1", "M2")]]


def test_conditions_have_the_rates_of_their_circuits_alone(found):
    signed, levels = Signed.of(connectome(), wiring()), veto()[1]
    assert (found.means[0] == rates(signed.circuit(), levels)).all()
    without = rates(signed.without_inhibition(np.array([2])).circuit(), levels)
    for family in (TRANSMITTER, CLASS, NEURON):
        (place,) = found.of(family)
        assert found.means[place] == pytest.approx(without)
    assert found.means[found.of(FRACTION)[-1]] == pytest.approx(without)
    assert found.change[found.of(NEURON)[0]].max() > 5


def test_a_function_that_falls_is_lost_and_the_bound_says_so(found):
    (curve,) = found.curves
    assert (curve.judgement.verdict, curve.judgement.reason) == ("lost", "provable")
    assert found.bound == pytest.approx(2 / 3) and found.scores[0] == 1 and (found.margins > 0).all()
    assert found.refitted_scores[found.of(FRACTION)[-1]] <= found.bound + 1e-12
    assert len(found.variants) == len(found.of(CONTROL)) and curve.judgement.condition("sham_random") is not None
    assert found.problems == [] and found.is_exact and found.uncertainty is None


def test_open_signs_are_varied_one_at_a_time(found):
    names = [found.conditions[k].name for k in found.of(ASSUMED)]
    assert names == [
        *(f"mixed {sign}, unknown omitted, gain {gain}" for sign in SIGNS for gain in (0.9, 0.5)),
        *(f"mixed omitted, unknown {sign}, gain 0.9" for sign in SIGNS if sign != "omitted"),
    ]
    same = found.of(ASSUMED)[4]
    assert (found.change[same] == 0).all() and (found.change[found.of(ASSUMED)[0]] != 0).any()


def test_without_a_function_there_are_rates_and_no_verdict():
    found = measure(connectome(), wiring(), protocol(controls=False, shuffles=0, varied=False, lesions=("S", "N")))
    assert found.curves == () and found.scores is None and found.trials == ("no stimulus", "S1", "S2")
    assert [found.conditions[k].name for k in found.of(NEURON)] == ["S1", "S2", "N"]
    assert not len(found.of(SHUFFLED, ASSUMED, CONTROL))


def test_silenced_both_ways_a_neuron_neither_sends_nor_receives():
    levels, lesions = veto()[1], ("M1",)
    both, outgoing = (
        measure(connectome(), wiring(), protocol(ways=ways, lesions=lesions, controls=False), veto())
        for ways in ("both", "outgoing")
    )
    (place,) = both.of(NEURON)
    assert (both.means[place, :, 0] == 0).all() and (outgoing.means[place, :, 0] == both.means[0, :, 0]).all()
    assert (both.means[place, :, 1] == outgoing.means[place, :, 1]).all()
    assert (both.means[place, 1:, 1] < both.means[0, 1:, 1]).any() or (levels == 0).all()


def joined():
    """With a gap junction between the inhibitory N and M1."""
    pair = np.zeros((7, 7))
    pair[2, 5] = pair[5, 2] = 4
    return connectome(gap_junctions=pair)


def test_gap_junctions_couple_both_ways_and_stay_when_inhibition_goes():
    signed = Signed.of(joined(), wiring(coupling=0.2))
    circuit = signed.circuit()
    assert len(joined().where(circuit, "N")["N"]) == 1 and signed.inhibition[2, 6] == pytest.approx(GAIN * 12 / 23)
    times, levels = {**TIMES, "duration": 1.0}, veto()[1]

    def all_rates(circuit):
        response = simulate(circuit, wiring().stimuli(levels), **times, backend="numpy", record=True)
        found = {}
        for population in circuit.populations:
            for name, trace in zip(population.labels, np.moveaxis(response.traces[population.name], 1, 0), strict=True):
                found[name] = trace[:, -1]
        return found

    intact, ablated = all_rates(circuit), all_rates(signed.without_inhibition(signed.inhibitory).circuit())
    for r, inhibits in ((intact, True), (ablated, False)):  # the equation of a rate at rest
        drive = GAIN * (10 * r["S1"] + 5 * r["S2"]) / 15 + 0.8 * (r["N"] - r["M1"])
        assert r["M1"] == pytest.approx(np.maximum(drive, 0), abs=1e-6)
        assert r["N"] == pytest.approx(GAIN * r["S1"] + 0.8 * (r["M1"] - r["N"]), abs=1e-6)
        assert r["M2"] == pytest.approx(
            np.maximum(20 + GAIN * (10 * r["S2"] + r["M1"] - 12 * inhibits * r["N"]) / 23, 0),
            abs=1e-6,
        )
    assert signed.without_inhibition(signed.inhibitory).circuit().is_excitatory_only


def test_gap_junctions_are_varied_with_steps_that_they_allow():
    found = measure(joined(), wiring(coupling=0.2), protocol(controls=False, shuffles=1))
    names = [found.conditions[k].name for k in found.of(ASSUMED)]
    assert "mixed omitted, unknown omitted, gap junction 1, gain 0.9" in names and len(names) == 19
    assert found.protocol.times["dt"] == 2e-3 and found.effects.shape == (20, 3, 2)
    assert [found.conditions[k].name for k in found.of(WITHOUT)] == names
    far = measure(joined(), wiring(coupling=3.0), protocol(controls=False, shuffles=0, varied=False))
    assert far.protocol.times["dt"] == pytest.approx(2e-3 / 3)  # (1 + 12) dt is below 10 ms
    with pytest.raises(InputError, match="coupling: expected 0, which leaves gap junctions out"):
        measure(joined(), wiring("spiking", coupling=2.0), protocol())


def test_the_coupling_is_asked_for():
    for kind in ("rate", "spiking"):
        with pytest.raises(InputError, match=r"coupling: expected .* since 1 pairs of neurons have gap junctions"):
            coupling_of(None, joined(), kind)
        assert coupling_of(None, connectome(), kind) == 0 == coupling_of(0, joined(), kind)
    assert coupling_of(0.3, joined(), "rate") == 0.3
    for wrong in (-1, np.nan, "x"):
        with pytest.raises(InputError, match="coupling: expected"):
            coupling_of(wrong, joined(), "rate")


def test_the_effect_of_inhibition_is_measured_under_each_assumption(found):
    signed = Signed.of(connectome(), wiring(mixed="both"))
    assert signed.excitation[3, 5] == signed.inhibition[3, 5] == pytest.approx(GAIN * 2 / 19)
    (place,) = (
        k
        for k, place in enumerate(found.of(ASSUMED))
        if found.conditions[place].name.startswith("mixed both, unknown omitted, gain 0.9")
    )
    levels = veto()[1]
    expected = rates(signed.without_inhibition(signed.inhibitory).circuit(), levels) - rates(signed.circuit(), levels)
    assert (
        found.effects[place + 1] == pytest.approx(expected)
        and (found.effects[0] == found.change[found.of(FRACTION)[-1]]).all()
    )


def test_summed_weights_are_shares_in_rate_circuits():
    signed = Signed.of(connectome(), wiring(mixed="inhibitory", unknown="excitatory"))
    received = (signed.excitation + signed.inhibition).sum(axis=0)
    assert received[2:] == pytest.approx(GAIN) and signed.inhibition[3, 5] == pytest.approx(GAIN * 4 / 19)
    assert signed.inhibitory.tolist() == [1, 2, 3]  # S2 has a mixed synapse


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.floats(0, 1), st.booleans())
def test_shuffles_keep_degrees_counts_and_signs(seed, n, density, symmetric):
    generator = np.random.default_rng(seed)
    counts = generator.integers(1, 9, (n, n)) * (generator.random((n, n)) < density)
    np.fill_diagonal(counts, 0)
    if symmetric:
        counts = np.triu(counts) + np.triu(counts).T
    matrix = sparse.csr_array(counts.astype(float))
    other, swaps = shuffled(matrix, generator, symmetric)
    other, found = other.toarray(), other
    assert ((other > 0).sum(axis=0) == (counts > 0).sum(axis=0)).all()
    assert ((other > 0).sum(axis=1) == (counts > 0).sum(axis=1)).all()
    assert sorted(found.data) == sorted(matrix.data) and not other.diagonal().any()
    if symmetric:
        assert (other == other.T).all()
    else:
        assert (np.sort(other, axis=0) == np.sort(counts, axis=0)).all()  # what each neuron receives
    assert swaps or (other == counts).all()


def test_shuffles_follow_from_the_seed_and_reach_most_connections():
    generator = np.random.default_rng(1)
    counts = generator.integers(1, 5, (60, 60)) * (generator.random((60, 60)) < 0.1)
    np.fill_diagonal(counts, 0)
    names = tuple(map(str, range(60)))
    wired = Connectome(
        "random",
        names,
        excitatory=counts * (np.arange(60) < 40)[:, None],
        inhibitory=counts * (np.arange(60) >= 40)[:, None],
    )
    (one, swaps), (same, _), (other, _) = (shuffled_connectome(wired, seed) for seed in (3, 3, [3, 1]))
    assert (one.excitatory != same.excitatory).nnz == 0 and (one.excitatory != other.excitatory).nnz
    for part in ("excitatory", "inhibitory"):
        before, after = (getattr(each, part) for each in (wired, one))
        assert (before.sum(axis=0) == after.sum(axis=0)).all()
        assert np.abs(before.sum(axis=1) - after.sum(axis=1)).max() <= 20  # a step of 1 at most in each round
    kept = (one.excitatory.astype(bool).multiply(wired.excitatory.astype(bool))).nnz
    assert swaps > wired.counts["connections"] and kept < 0.25 * wired.excitatory.nnz
    assert (one.signs == wired.signs).all()


def test_tasks_from_tables(tmp_path):
    path = tmp_path / "veto.csv"
    path.write_text("S1,S2,M1,M2\n0,0,0,1\n1,0,1,0\n0,1,1,1\n")
    names, levels, required = read_required(str(path), wiring(), lambda *_: None)
    assert names == ("S1=0 S2=0", "S1=1 S2=0", "S1=0 S2=1") and required.name == "veto"
    assert (levels == veto()[1]).all() and (required.outputs == veto()[2].outputs).all()
    assert required.constant == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("S1,M1,M2\n0,0,1\n1,1,0\n", "found none of 'S2'"),
        ("S1,S2,M1,M2\n0,x,0,1\n1,0,1,0\n", "S2: expected numbers"),
        ("S1,S2,M1,M2\n0,0,0,2\n1,0,1,0\n", "0 or 1 for readouts"),
        ("S1,S2,M1,M2\n0,-1,0,1\n1,0,1,0\n", "stimuli from 0 to"),
        ("S1,S2,M1,M2\n0,0,0,1\n1,0,0,1\n", "differ between trials"),
        ("S1,S2,M1,M2,S3\n0,0,0,1,1\n1,0,1,0,1\n", "inputs and readouts alone .S1, S2, M1, M2., found 'S3'"),
    ],
)
def test_what_is_no_task_is_refused(tmp_path, text, message):
    path = tmp_path / "task.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_required(str(path), wiring(), lambda *_: None)


def test_entries_and_wrong_ones():
    found = Entry.listed("anterior = ALM + AVM, PLM", "inputs")
    assert [(each.name, each.selection) for each in found] == [("anterior", ("ALM", "AVM")), ("PLM", ("PLM",))]
    assert Entry.listed(" ", "tonic") == ()
    for text, message in (("ALM+,PLM", "expected names"), ("A,A", "different names"), ("=A", "expected names")):
        with pytest.raises(InputError, match=f"inputs: .*{message}"):
            Entry.listed(text, "inputs")
    assert lesions_of("all") is None and lesions_of("none") == () and lesions_of("ALM + AVM") == ("ALM", "AVM")
    with pytest.raises(InputError, match="lesions: expected"):
        lesions_of("ALM+")
    with pytest.raises(InputError, match="S3"):
        measure(
            connectome(),
            Wiring("rate", (Entry.of("S3"),), (), (Entry.of("M1"),), 50.0, 0.0, 0.0, "omitted", "omitted"),
            protocol(),
        )
    with pytest.raises(InputError, match="synapses that inhibit"):
        measure(connectome(inhibitory=None), wiring(), protocol())


def test_names_with_marks_are_quoted():
    found = Entry.listed('"A+B","x=y"+C, mine="q,r" + "A+B"', "inputs")
    assert [each.selection for each in found] == [("A+B",), ("x=y", "C"), ("q,r", "A+B")]
    assert [found[0].name, found[2].name] == ["A+B", "mine"]
    assert lesions_of('"A+B"+C') == ("A+B", "C")
    assert Entry.listed('5",6', "inputs")[0].selection == ('5"',)


def test_what_has_no_inhibition_says_which_signs_are_open():
    blind = connectome(excitatory=None, inhibitory=None, mixed=None, unknown=counts(("S1", "M1", 8), ("S2", "M2", 2)))
    with pytest.raises(InputError, match=r"found 10 of unknown sign among 10: --set sign=COLUMN .* unknown=inhibitory"):
        measure(blind, wiring(), protocol())
    with pytest.raises(InputError, match="found none: all 8 excite"):
        measure(connectome(excitatory=counts(("S1", "M1", 8)), inhibitory=None, mixed=None, unknown=None), wiring(),
                protocol())  # fmt: skip


def test_neurons_of_several_transmitters_have_rows_of_their_own():
    one = replace(connectome(), transmitters=("ACh", "ACh", "ACh/GABA", "", "", "ACh", "ACh"))
    found = measure(one, wiring(), protocol(controls=False, varied=False, shuffles=0))
    assert [found.conditions[k].name for k in found.of(TRANSMITTER)] == ["ACh/GABA"]
    assert found.notes[-1].endswith("those with several have separate rows: ACh/GABA.")


def test_each_input_alone():
    names, levels, required = each_alone(wiring())
    assert names == ("no stimulus", "S1", "S2") and levels.tolist() == [[0, 0], [1, 0], [0, 1]] and required is None


def test_a_screen_of_many_neurons_takes_those_that_send_most_inhibition(monkeypatch):
    several = connectome(inhibitory=sum(np.outer(np.arange(7) == k, (k + 1) * (np.arange(7) == 6)) for k in (2, 3, 4)))
    monkeypatch.setattr("eisim.studies.connectome.measure.LEAST_SCREEN", 2)
    monkeypatch.setattr("eisim.studies.connectome.measure.SCREEN", 1)
    found = measure(several, wiring(), protocol(controls=False, varied=False))
    assert [found.conditions[k].name for k in found.of(NEURON)] == ["U", "G"]
    assert [found.conditions[k].name for k in found.of(CLASS)] == ["G", "U"]
    assert found.notes[-1] == "Silenced one by one are the 2 neurons that send most inhibition, of 3 that inhibit."
    every = measure(several, wiring(), protocol(controls=False, varied=False, shuffles=0, lesions=("N", "G", "U")))
    assert len(every.of(NEURON)) == 3
    monkeypatch.setattr("eisim.studies.connectome.measure.LARGE", 1)
    assert len(measure(several, wiring(), protocol(controls=False, varied=False)).of(SHUFFLED)) == 1


def of_circuit(circuit):
    """The words of both stimuli, without the tonic drive, and of M1 and M2."""
    certificate, order = certify(circuit), Connectome.outputs(circuit)
    return [[certificate.word(k, order.index(m)) for m in ("M1", "M2")] for k in (0, 1)]


def test_the_wiring_alone_says_which_outputs_rise(found):
    of = found.structure
    assert of.words.tolist() == [["rises", "mixed"], ["rises", "rises"]] and not of.rises
    assert of.words.tolist() == of_circuit(found.circuit)
    assert of.shortest.tolist() == [[[1, -1], [2, 2]], [[1, -1], [1, -1]]]
    assert of.mixed_from.tolist() == [[-1, 2], [-1, -1]] and str(of.walks[0, 1, -1]) == "S1 → N ⊣ M2"
    assert of.notes == ("Connections of unknown sign: 2, omitted.", "Connections of either sign: 2, omitted.")


def test_the_figure_of_the_wiring_has_the_words_and_where_they_become_mixed(found):
    left, right = dict(view_of(found).drawn())["structure.svg"].axes
    words = {to_rgb(colour): word for word, colour in COLOURS.items()}
    shown = [[words[tuple(cell)] for cell in row] for row in left.images[0].get_array().tolist()]
    assert shown == found.structure.words.tolist()
    assert [(*text.get_position(), text.get_text()) for text in left.texts[:-1]] == [(1, 0, "2")]  # then the letter a
    assert [label.get_text() for label in left.get_yticklabels()] == [each.name for each in found.wiring.inputs]
    shares = {line.get_label(): line.get_ydata().tolist() for line in right.lines}
    assert shares == {"rises": [0, 75, 75], "falls": [0, 0, 0], "mixed": [0, 0, 25]}
    assert "structure.svg" not in dict(view_of(replace(found, structure=None)).drawn())


@pytest.mark.parametrize("mixed", SIGNS)
def test_signs_are_those_of_the_circuit(mixed):
    how = wiring(coupling=0.1, mixed=mixed, unknown="both")
    of = structure_of(joined(), how)
    assert of.words.tolist() == of_circuit(Signed.of(joined(), how).circuit())
    assert of.words[1, 1] == "mixed"  # S2 → M1 – N ⊣ M2


def test_an_output_of_several_neurons_and_inputs_of_the_same_neurons():
    entries = Entry.listed("a=S1, b=S1, both=S1+S2", "x"), (), Entry.listed("N, all=M1+M2", "x")
    of = structure_of(joined(), Wiring("rate", *entries, 50.0, 0.0, 0.0, "omitted", "omitted"))
    assert of.words.tolist() == [["rises", "mixed"]] * 3 and of.mixed_from[:, 1].tolist() == [2, 2, 2]
    assert of.shortest[:, 1].tolist() == [[1, 2]] * 3 and str(of.walks[2, 1, 1]) == "S1 → M1"


def test_the_wiring_of_large_connectomes_is_left_out(found, monkeypatch):
    monkeypatch.setattr("eisim.studies.connectome.structure.MOST_CONNECTIONS", 5)
    assert structure_of(connectome(), wiring()) is None
    view = view_of(replace(found, structure=None))
    assert view.to_json()["structure"] is None and "structure.csv" not in dict(view.files())
    assert any("is not worked out" in each for each in view.answer())
    monkeypatch.setattr("eisim.studies.connectome.structure.MOST_CONNECTIONS", 6)
    assert structure_of(connectome(), wiring()).walks == {}


def test_what_rises_with_all_inputs_loses_nothing_provably(found):
    rising = replace(found, structure=Structure(np.full((2, 2, 2), [1, -1]), {}))
    assert found.curves[0].judgement.reason == "provable" and rising.structure.rises
    assert rising.curves[0].judgement.reason == "unresolved"
    assert "CONTRADICTION" in rising.problems[0] and "rise" in rising.problems[0]
    assert any("no loss is provable" in each for each in view_of(rising).answer())


def test_a_loss_that_another_circuit_without_inhibition_does_not_have_is_one_of_the_wiring():
    excitatory = counts(("S1", "M2", 20), ("S1", "N", 8), ("S2", "M2", 10), ("S2", "M1", 5), ("S1", "M1", 1))
    one = connectome(excitatory=excitatory, inhibitory=counts(("N", "M2", 40)), mixed=None, unknown=None)
    task = ("first", "second"), np.eye(2), Required("choice", np.array([[False, False], [False, True]]))
    found = measure(one, wiring(), protocol(shuffles=0), task)
    (curve,) = found.curves
    assert (curve.judgement.verdict, curve.judgement.reason) == ("lost", "wiring")
    assert found.attained == found.bound == 1 and curve.judgement.parts["wiring"] == pytest.approx(0.5)
    alone = measure(one, wiring(), protocol(shuffles=0, controls=False), (*task[:2], None))
    assert alone.attained is None and (alone.rates == found.rates[: len(alone.rates)]).all()
    text = " ".join(str(each) for each in view_of(found).proofs())
    assert "minimal points of all trials" in text and "1.00 of the trials" in text


def test_the_circuit_without_inhibition_reaches_the_bound():
    rng = np.random.default_rng(0)
    tasks = [(rng.integers(0, 3, (n, d)) / 2, rng.random((n, k)) < 0.5) for n, d, k in rng.integers(1, 5, (12, 3)) + 1]
    tasks += [(np.array([[0.0], [1]]), np.array([[True], [False]])), (np.ones((2, 1)), np.ones((2, 3), bool))]
    circuits = [excitatory_only(*each) for each in tasks]
    assert all(circuit.is_excitatory_only for circuit in circuits)
    stimuli = [np.tile(levels, outputs.shape[1]) for levels, outputs in tasks]
    responses = simulate(circuits, stimuli, **TIMES, backend="numpy")
    for response, (levels, outputs) in zip(responses, tasks, strict=True):
        assert attained(response.readouts, outputs) == pytest.approx(best_share(levels, outputs))
    assert excitatory_only(np.ones((2001, 1)), np.ones((2001, 1), bool)) is None
