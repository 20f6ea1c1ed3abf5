"""Ablation in doses: what is left of the weights."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import second
from hypothesis import given
from hypothesis import strategies as st

from eisim import (
    LIF,
    AdEx,
    AllToAll,
    Circuit,
    Conductance,
    ConductanceLIF,
    FixedInDegree,
    FixedProbability,
    Input,
    InputError,
    Logistic,
    Neuron,
    Population,
    Projection,
    Readout,
    ThresholdLinear,
    ablate,
    from_dnn,
    mean_field,
    shift_reversal,
    silence,
    simulate,
    to_dnn,
    to_spiking,
)
from eisim.ablation import InapplicableError, dose
from eisim.adapter import static_outputs
from eisim.report.diagram import circuit_layout
from tests.support import two_choice


def network(rule=FixedProbability, share=0.3, seed=1):
    neuron = LIF()
    return Circuit(
        "network",
        [Input("x", 4)],
        [Population("E", "E", neuron, 40), Population("I", "I", neuron, 10), Population("J", "I", neuron, 5)],
        [
            Projection("x", "E", rule(share, 1e-3)),
            Projection("E", "I", rule(share, 2e-3)),
            Projection("I", "E", rule(share, 3e-3)),
            Projection("I", "I", rule(share, 4e-3)),
            Projection("J", "E", np.ones((5, 40)) * 5e-3),
        ],
        seed=seed,
    )


def matrices(circuit):
    return {p.name: circuit.weights(p).toarray() for p in circuit.projections}


@pytest.mark.parametrize(("rule", "share"), [(FixedProbability, 0.3), (FixedInDegree, 2)])
def test_blocking_keeps_rules_and_what_they_drew(rule, share):
    circuit = network(rule, share)
    half = ablate(circuit, 0.5)
    kept = {p.name: p.weights for p in half.projections}
    assert kept["I->E"] == rule(share, 1.5e-3) and kept["E->I"] == rule(share, 2e-3)
    before, after = matrices(circuit), matrices(half)
    for name, matrix in before.items():
        factor = 0.5 if name[0] in "IJ" else 1
        np.testing.assert_array_equal(after[name], factor * matrix)
    assert ablate(circuit).is_excitatory_only


def test_cutting_takes_the_named_pathway_only():
    circuit = network()
    before, after = matrices(circuit), matrices(dose("cut:I->E,J->E").apply(circuit, 0.25))
    for name, matrix in before.items():
        np.testing.assert_array_equal(after[name], (0.75 if name in ("I->E", "J->E") else 1) * matrix)


def silent(circuit, name):
    """Which neurons of a population send nothing, to judge by a projection on which all would."""
    return set(
        np.flatnonzero(~circuit.weights(next(p for p in circuit.projections if p.name == name)).toarray().any(1))
    )


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**32))
def test_a_larger_share_silences_a_superset(one, other, seed):
    less, more = sorted((one, other))
    few, many = (silent(silence(network(), share, seed=seed), "J->E") for share in (less, more))
    assert few <= many and len(many) == int(5 * more + 0.5)


def test_silenced_neurons_send_nothing_anywhere():
    circuit = network()
    before, after = matrices(circuit), matrices(silence(circuit, 0.4, "I", seed=3))
    gone = [row for row in range(10) if not after["I->E"][row].any()]
    assert len(gone) == 4 == sum(not row.any() for row in after["I->I"][gone])
    stays = [row for row in range(10) if row not in gone]
    for name in ("I->E", "I->I"):
        np.testing.assert_array_equal(after[name][stays], before[name][stays])
    for name in ("x->E", "E->I", "J->E"):
        np.testing.assert_array_equal(after[name], before[name])
    assert silence(circuit).is_excitatory_only
    drawn = {frozenset(silent(dose("silence").apply(network(seed=s), 0.4), "J->E")) for s in range(20)}
    assert len(drawn) > 5  # of 10 pairs: the circuit's seed draws the neurons


def test_all_ways_to_take_all_inhibition_are_one():
    circuit = two_choice.circuit("rate")
    ablated = [dose(how).apply(circuit, 1.0) for how in ("block", "silence", "cut:I->E")]
    block, *others = simulate(ablated, two_choice.STIMULI, dt=1e-3, backend="numpy")
    for other in others:
        for name, rates in block.rates.items():
            silenced = other.circuit.population(name).silenced
            np.testing.assert_array_equal(other.rates[name], 0 * rates if silenced else rates)
    assert block.rates["I"].any() and not others[0].rates["I"].any()


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_silenced_cells_are_silent_in_responses_and_dnns(kind):
    """Also where they are read out; the others do what the same circuit without their synapses does."""
    circuit = two_choice.circuit(kind)
    circuit = replace(circuit, readouts=[*circuit.readouts, Readout("I")])
    if kind == "spiking":
        circuit = circuit.without_noise()
    quiet = silence(circuit, 0.5, seed=1)
    cut = replace(quiet, populations=[replace(p, silenced=()) for p in quiet.populations])
    silenced = list(quiet.population("I").silenced)
    assert 0 < len(silenced) < quiet.population("I").size
    times = {"duration": 100e-3, "window": 50e-3, "dt": 0.5e-3}
    stimuli = two_choice.STIMULI
    found, whole = simulate([quiet, cut], stimuli, record=True, backend="numpy", **times)
    assert not found.rates["I"][..., silenced].any() and whole.rates["I"][..., silenced].any()
    np.testing.assert_array_equal(np.where(found.rates["I"] == 0, 0, whole.rates["I"]), found.rates["I"])
    np.testing.assert_array_equal(found.rates["E"], whole.rates["E"])
    layers = np.stack(list(to_dnn(quiet, unrolled=True, **times).layers(stimuli)), axis=-1)
    units = to_dnn(quiet, unrolled=True, **times).units["I"]
    assert not layers[:, units][:, silenced].any()
    np.testing.assert_allclose(to_dnn(quiet, unrolled=True, **times)(stimuli), found.readouts, rtol=1e-9, atol=1e-9)
    if kind == "rate":
        np.testing.assert_allclose(layers[:, units], found.traces["I"], rtol=1e-9, atol=1e-9)
        traces = simulate(quiet, stimuli, record={"I": ["r", "drive"]}, backend="numpy", **times).traces["I"]
        assert not traces.r.values[:, :, silenced].any() and traces.drive.values[:, :, silenced].any()
        assert traces.r.values.any()
        some = simulate(quiet, stimuli, record={"I": "r"}, neurons=silenced[:1], backend="numpy", **times)
        assert not some.traces["I"].r.values.any()
    else:
        assert not set(found.spikes["I"].i) & set(silenced) and set(whole.spikes["I"].i) >= set(silenced)
        kept = ~np.isin(whole.spikes["I"].i, silenced)
        for part in ("copy", "neuron", "step"):
            expected = getattr(whole.spikes["I"], part)[kept]
            np.testing.assert_array_equal(getattr(found.spikes["I"], part), expected)


def test_silenced_units_of_static_dnns_and_mean_fields_are_silent():
    circuit = Circuit(
        "veto",
        [Input("x", 2)],
        [Population("I", "I", Logistic(), 3, 20.0), Population("E", "E", ThresholdLinear(), 2)],
        [
            Projection("x", "I", 0.3 * np.ones((2, 3))),
            Projection("x", "E", np.eye(2)),
            Projection("I", "E", AllToAll(1)),
        ],
        [Readout("I"), Readout("E")],
    )
    quiet, stimuli = silence(circuit, 0.67, seed=2), np.array([[0.2, 1], [1, 0.4]])
    silenced, dnn = list(quiet.population("I").silenced), to_dnn(quiet)
    whole = to_dnn(replace(quiet, populations=circuit.populations))(stimuli)
    assert len(silenced) == 2 and whole[:, silenced].all()
    expected = np.where(np.isin(np.arange(5), silenced), 0.0, whole)
    np.testing.assert_array_equal(dnn(stimuli), expected)
    for outputs in static_outputs([quiet, ablate(quiet, 0.0), replace(quiet, name="again")], [stimuli] * 3):
        np.testing.assert_allclose(outputs, expected)
    again = from_dnn(dnn)
    assert sum(len(p.silenced) for p in again.populations) == 2
    spiking = to_spiking(quiet, stimuli)
    assert not simulate(spiking, stimuli, backend="numpy", duration=50e-3, window=50e-3).readouts[:, silenced].any()

    balanced = conducting()
    half = silence(balanced, 0.5, seed=1)
    rates = mean_field(half).rates([[1]])["I"], mean_field(balanced).rates([[1]])["I"]
    assert 0 < rates[0] == pytest.approx(rates[1] / 2)  # nothing inhibits them
    start = mean_field(half).working_point([[1]], start={"I": rates[0][0], "E": 1.0})
    assert start.rates["I"] == pytest.approx(rates[0])
    weights = mean_field(half).weights["I", "E"], mean_field(balanced).weights["I", "E"]
    assert weights[0] == pytest.approx(weights[1] / 2)


def test_c11_silenced_cells_are_said_to_be_on_table_and_plot():
    """They send nothing; that their membranes go on is no activity of theirs."""
    import matplotlib.pyplot as plt

    circuit = conducting()
    half = silence(silence(circuit, 0.25, "I", seed=3), 0.5, "I", seed=3)
    quiet = half.population("I").silenced
    assert len(quiet) == 10 and quiet == silence(circuit, 0.5, "I", seed=3).population("I").silenced
    assert not circuit.population("I").silenced and ablate(half, 0.5).population("I").silenced == quiet
    times = {"duration": 50e-3, "window": 30e-3, "dt": 0.5e-3, "backend": "numpy"}
    response = simulate(half, [[1]], record=True, **times)
    table = response.to_xarray()
    assert set(table.number.values[table.silenced.values]) == set(quiet)
    assert set(table.population.values[table.silenced.values]) == {"I"}
    spikes = response.spikes_to_dataframe()
    assert not spikes.silenced.any() and (spikes.population == "I").any()
    assert "Silenced (0 Hz, without output): I, 10 of 20." in response._repr_html_()
    axes = response.plot()
    assert "I (I, 10 of 20 silenced)" in [label.get_text() for label in axes.get_yticklabels()]
    plt.close(axes.figure)
    intact = simulate(circuit, [[1]], record=True, **times)
    assert "silenced" not in intact.to_xarray().coords and "silenced" not in intact.spikes_to_dataframe()
    for name, silenced in (("nobody", "x"), ("too many", (20,)), ("no number", (0.5,))):
        with pytest.raises(InputError, match="silenced: expected neurons from 0 to 19"):
            replace(circuit.population("I"), name=name, silenced=silenced)


def conducting():
    gaba, deep = Conductance(-70e-3, 10e-3), Conductance(-80e-3, 10e-3)
    neurons = [ConductanceLIF(inhibition=gaba), ConductanceLIF(inhibition=deep, threshold=-55e-3)]
    populations = [Population(sign, sign, neuron, 20) for sign, neuron in zip("EI", neurons, strict=True)]
    projections = [
        Projection("x", "I", 10e-9 * np.ones((1, 20))),
        Projection("x", "E", 10e-9 * np.ones((1, 20))),
        Projection("I", "E", AllToAll(2e-9)),
    ]
    return Circuit("conducting", [Input("x", 1, 500)], populations, projections)


def test_reversal_moves_to_threshold():
    circuit = conducting()
    found = [p.neuron.inhibition.reversal for p in shift_reversal(circuit, 10e-3).populations]
    assert found == pytest.approx([-60e-3, -70e-3])
    half, whole = (dose("reversal").apply(circuit, d).populations for d in (0.5, 1))
    assert half[1].neuron.inhibition.reversal == pytest.approx(-67.5e-3)
    assert whole[1].neuron.inhibition.reversal == pytest.approx(whole[1].neuron.threshold)


def test_reversal_in_equations_is_refused_by_name():
    """Else some neurons of a circuit would be shifted and others not, in silence."""
    mixed = conducting()
    mixed = replace(mixed, populations=[*mixed.populations, Population("adapting", "E", AdEx())])
    for circuit in (mixed, Circuit("alone", [Input("x")], mixed.populations[-1:])):
        with pytest.raises(InputError, match="'adapting' of AdEx"):
            shift_reversal(circuit, 10e-3)
    plain = Neuron("dv/dt = -v/tau : 1", threshold="v > 1", tau=10e-3 * second)
    beside = replace(mixed, populations=[*mixed.populations[:-1], Population("plain", "E", plain)])
    assert shift_reversal(beside, 10e-3).populations[0].neuron.inhibition.reversal == pytest.approx(-60e-3)


def test_silencing_keeps_pools_and_is_the_same_as_with_a_matrix():
    circuit = conducting()
    dense = replace(circuit, projections=[replace(p, weights=circuit.weights(p)) for p in circuit.projections])
    stimuli, times = np.ones((1, 1)), {"duration": 100e-3, "window": 100e-3, "dt": 0.5e-3, "backend": "numpy"}
    batch = [silence(c, share, seed=2) for c in (circuit, dense) for share in (0, 0.5, 1)]
    assert all(isinstance(c.projections[-1].weights, AllToAll) for c in batch[:3])
    assert [c.weights(c.projections[-1]).nnz for c in batch] == [400, 200, 0] * 2
    rates = [r.rates["E"].mean() for r in simulate(batch, stimuli, **times)]
    assert rates[:3] == pytest.approx(rates[3:]) and rates[0] < rates[1] < rates[2]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda c: silence(c, 1.2), ("silence: share", "between 0 and 1", "1.2")),
        (lambda c: silence(c, 1, ["E"]), ("silence: populations", "'I', 'J'", "'E'")),
        (lambda c: shift_reversal(c, 10e-3), ("conductance-based inhibition", "'network'")),
        (lambda c: dose("reversal").apply(c, 1), ("conductance-based inhibition", "'network'")),
        (lambda c: dose("cut:E->I").apply(c, 1), ("'I->E'", "'E->I'")),
        (lambda c: ablate(c, cell_types=3), ("ablate: cell_types", "found 3")),
        (lambda c: silence(c, populations=[["I"]]), ("silence: populations", "found ['I']")),
        (lambda c: replace(c.populations[0], cell_type="PV:SST"), ("cell_type", "without , and :", "'PV:SST'")),
        (lambda c: replace(c.populations[0], cell_type="a\nb"), ("cell_type", "printable")),
        (lambda c: dose("cut"), ("how: expected one of block", "'cut'")),
    ],
)
def test_bad_input_is_named(make, words):
    with pytest.raises(InputError) as error:
        make(network())
    assert all(word in str(error.value) for word in words) and "\n" not in str(error.value)


def typed(circuit=None):
    """Two inhibitory populations of one type, one of another, and one of none."""
    neuron = ThresholdLinear(gain=0.5)
    types = {"E": "", "basket": "PV", "chandelier": "PV", "SST": "SST", "other": ""}
    populations = [Population(n, "E" if n == "E" else "I", neuron, 4, 20.0, cell_type=t) for n, t in types.items()]
    projections = [Projection(p.name, "E", np.full((4, 4), 0.05)) for p in populations]
    return Circuit("typed", [Input("x")], populations, projections, [Readout("E")])


def test_cell_types_are_ablated_and_silenced():
    circuit = typed()

    def left(changed):
        return {p.source for p in changed.projections if changed.has_synapses(p)} - {"E"}

    assert left(ablate(circuit, cell_types=["PV"])) == {"SST", "other"} == left(ablate(circuit, cell_types="PV"))
    assert left(ablate(circuit, projections=["SST->E"], cell_types=["PV"])) == {"other"}
    assert left(ablate(circuit, projections=["SST->E"], cell_types=[])) == {"basket", "chandelier", "other"}
    assert left(ablate(circuit, cell_types=["PV", "SST"])) == {"other"} and not left(ablate(circuit))
    half = ablate(circuit, 0.5, cell_types=["SST"])
    assert [half.weights(p).data[0] for p in half.projections] == [0.05, 0.05, 0.05, 0.025, 0.05]
    quiet = silence(circuit, cell_types=["PV"])
    assert left(quiet) == {"SST", "other"}
    assert [len(p.silenced) for p in quiet.populations] == [0, 4, 4, 0, 0]
    assert [len(p.silenced) for p in silence(circuit, 1, ["other"], cell_types=["SST"]).populations] == [0, 0, 0, 4, 4]
    assert left(dose("block:PV").apply(circuit, 1.0)) == {"SST", "other"}
    assert left(dose("silence:PV,SST").apply(circuit, 1.0)) == {"other"}
    known = r"cell types of inhibitory populations \('PV', 'SST'\), found 'VIP'"
    with pytest.raises(InputError, match=f"ablate: cell_types: expected {known}"):
        ablate(circuit, cell_types=["VIP"])
    with pytest.raises(InputError, match=r"silence: .*\(none, no inhibitory population has one\), found 'PV'"):
        silence(network(), cell_types=["PV"])
    with pytest.raises(InputError, match=r"cell_type: expected a printable text .* such as 'PV', found 3"):
        Population("E", "E", LIF(), cell_type=3)


def test_tables_and_drawings_name_cell_types():
    circuit = typed()
    times = {"duration": 20e-3, "window": 10e-3, "dt": 1e-3, "backend": "numpy"}
    table = simulate(circuit, [[1]], **times).to_xarray()
    assert list(table.cell_type.values) == [""] * 4 + ["PV"] * 8 + ["SST"] * 4 + [""] * 4
    assert "cell_type" not in simulate(network(), np.ones((1, 4)), **times).to_xarray().coords
    assert "PV cells" in circuit._repr_html_() and "SST cells" not in circuit._repr_html_()  # its name says it
    boxes = {box.name: box.lines for box in circuit_layout(circuit).boxes}
    assert any("PV" in line for line in boxes["basket"]) and not any("SST" in line for line in boxes["SST"])
    spiking = to_spiking(circuit, [[1]])
    assert {p.name: p.cell_type for p in spiking.populations if p.cell_type} == {
        "basket": "PV",
        "chandelier": "PV",
        "SST": "SST",
    }
    firing = [replace(p, neuron=LIF(), bias=20e-3) for p in circuit.populations]
    active = replace(circuit, populations=firing, projections=())
    spikes = simulate(active, [[1]], record=True, **times).spikes_to_dataframe()
    types = {"x": ""} | {p.name: p.cell_type for p in active.populations}
    assert len(spikes) and list(spikes.cell_type) == [types[name] for name in spikes.population]


def test_cells_that_are_read_out_are_not_silenced_to_judge_a_function():
    unit = ThresholdLinear()
    cells = [Population("E", "E", unit), Population("I", "I", unit, cell_type="PV"), Population("J", "I", unit)]
    circuit = Circuit("c", [Input("x")], cells, [Projection("x", "I", 1.0)], [Readout("I")])
    for how in ("silence", "silence:PV"):
        with pytest.raises(InapplicableError, match="'I'"):
            dose(how).apply(circuit, 0.5)
    assert dose("silence").apply(replace(circuit, readouts=[Readout("E")]), 1.0).population("I").silenced == (0,)
