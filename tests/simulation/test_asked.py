"""What a simulation is asked for: checked before it begins, and refused in one line that names the thing."""

import re
import warnings
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from brian2 import ms, mV, nS, volt
from scipy import sparse

from eisim import (
    LIF,
    TRUTH_TABLES,
    AllToAll,
    Circuit,
    ConductanceLIF,
    Exponential,
    FixedInDegree,
    Input,
    InputError,
    Population,
    Projection,
    Readout,
    Theta,
    ThresholdLinear,
    ablate,
    shift_reversal,
    simulate,
    synthesize,
    to_spiking,
)
from eisim.base import memory
from eisim.base.timing import Timing
from eisim.stimuli import sets_of
from experiments import boolean

XOR = TRUTH_TABLES["xor"]
TIMES = {"duration": 0.05, "window": 0.03, "dt": 5e-4, "backend": "numpy"}


def refused(make):
    """What is said, which is one line and no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError) as error:
            make()
    said = str(error.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize("kind", ["rate", "spiking"])
@pytest.mark.parametrize("record", ["v", 1, None, ["v"], 0.5, "spikes", [None]])
def test_c4_what_can_be_recorded_is_said(kind, record):
    said = refused(lambda: simulate(synthesize(XOR, kind=kind), XOR.patterns, record=record, **TIMES))
    assert said.startswith("record: expected True or False (True records the spikes of a spiking circuit")


def test_c4_other_options():
    circuit = synthesize(XOR)
    for change, words in (
        ({"report": 3}, "report: expected a function"),
        ({"backend": None}, "backend: expected one of cpp, numpy"),
        ({"backend": ["cpp"]}, "backend: expected one of cpp, numpy"),
        ({"seed": None}, "seed: expected whole numbers"),
        ({"seed": True}, "seed: expected whole numbers"),
        ({"circuit": None}, "circuit: expected a Circuit or a sequence of them, found None"),
        ({"circuit": 3}, "circuit: expected a Circuit or a sequence of them, found 3"),
    ):
        assert words in refused(
            lambda change=change: simulate(**{"circuit": circuit, "stimuli": [[1, 0]]} | TIMES | change)
        )
    assert simulate(circuit, [[1, 0]], record=np.True_, **TIMES).spikes


def small():
    return Circuit(
        "c",
        [Input("x")],
        [Population("out", "E", ThresholdLinear())],
        [Projection("x", "out", [[1]])],
        [Readout("out")],
    )


def shapes(stimuli):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            times = {"duration": 0.03, "window": 0.03, "dt": 1e-3, "backend": "numpy"}
            return [r.readouts.shape for r in simulate([small(), ablate(small())], stimuli, **times)]
        except InputError as error:
            return str(error)


@pytest.mark.parametrize(
    "shape", [(3, 1), (2, 1), (2, 3, 1), (3, 5, 1), (1, 2, 1), (2, 1, 3, 1), (2, 2, 1, 1), (3, 1, 3, 1)]
)
def test_c5_lists_and_arrays_mean_the_same(shape):
    array = np.random.default_rng(0).random(shape)
    found = shapes(array)
    assert found == shapes(array.tolist()) == shapes(tuple(map(tuple, array.tolist())))
    trials = shape[0] if len(shape) < 4 else shape[1]
    if shape[0] == 3 and len(shape) == 4:
        assert found == "stimuli: expected one array for each of 2 circuits, found 3"
    else:
        assert found == [(trials, 1)] * 2


def test_c5_nested_lists_with_two_readings_are_asked_about():
    nested = [[[1], [0], [0]], [[0], [0], [1]]]
    with pytest.warns(
        UserWarning, match="lists of 2 × 3 × 1 numbers are read as trials × time × inputs for all 2"
    ) as said:
        sets_of(nested, 2)
    assert "trials × inputs for each are meant, write a list of 2 arrays" in str(said[0].message)
    assert said[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for plain in (np.array(nested), [np.array(each) for each in nested], [nested] * 2, nested[:1]):
            sets_of(plain, 2) if plain is not nested[:1] else sets_of(plain, 1)


@pytest.mark.slow
def test_c5_one_set_for_each_circuit():
    table = pd.DataFrame({"x": [1.0, 0.0, 1.0]})
    two = [np.ones((1, 1)), np.ones((4, 1))]
    assert shapes(two) == shapes(np.array([*two, None], dtype=object)[:2]) == [(1, 1), (4, 1)]
    assert shapes([[[1]], [[1], [0]]]) == [(1, 1), (2, 1)], "of different lengths, so that they are no array"
    assert shapes([table, two[0]]) == [(3, 1), (1, 1)] and shapes(table) == [(3, 1)] * 2
    assert shapes(each for each in two) == [(1, 1), (4, 1)]
    assert shapes([*two, two[0]]) == "stimuli: expected one array for each of 2 circuits, found 3"


def onto(weights, neuron=None, **more):
    population = Population("e", "E", neuron or LIF(), **more)
    return Circuit("c", [Input("x", train="poisson")], [population], [Projection("x", "e", weights)])


ASKED = "the plain number {0} is {0} {1}; if {0} {2} are meant, write {0}*{2}"


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: onto([[60]]), "projection 'x->e': weights: " + ASKED.format(60, "V", "mV")),
        (lambda: onto(np.array([[60.0]])), "weights: " + ASKED.format(60, "V", "mV")),
        (lambda: onto(sparse.csr_array([[60.0]])), "weights: " + ASKED.format(60, "V", "mV")),
        (lambda: onto(0.5), "weights: " + ASKED.format(0.5, "V", "mV")),
        (lambda: onto(AllToAll(1)), "weights: " + ASKED.format(1, "V", "mV")),
        (lambda: onto([[3]], ConductanceLIF()), "weights: " + ASKED.format(3, "S", "nS")),
        (lambda: onto(0.0, bias=15), "Population 'e': bias: " + ASKED.format(15, "V", "mV")),
        (lambda: onto(0.0, ConductanceLIF(), bias=0.5), "bias: " + ASKED.format(0.5, "A", "pA")),
        (lambda: onto(0.0, initial=-70), "initial: " + ASKED.format(-70, "V", "mV")),
        (lambda: onto(0.0, spread={"threshold": 2}), "spread of threshold: " + ASKED.format(2, "V", "mV")),
        (lambda: LIF(threshold=15, reset=0), "LIF.threshold: " + ASKED.format(15, "V", "mV")),
        (lambda: LIF(noise=2), "LIF.noise: " + ASKED.format(2, "V", "mV")),
        (lambda: LIF(noise=0.5), "LIF.noise: " + ASKED.format(0.5, "V", "mV")),
        (lambda: LIF(refractory=1), "LIF.refractory: " + ASKED.format(1, "s", "ms")),
        (lambda: ConductanceLIF(refractory=1), "ConductanceLIF.refractory: " + ASKED.format(1, "s", "ms")),
        (lambda: Exponential(1), "Exponential.tau: " + ASKED.format(1, "s", "ms")),
        (lambda: onto(0.0).with_neurons(tau=20), "with_neurons: tau: " + ASKED.format(20, "s", "ms")),
        (lambda: LIF(excitation=Exponential(5)), "Exponential.tau: " + ASKED.format(5, "s", "ms")),
        (lambda: ConductanceLIF(leak=10), "ConductanceLIF.leak: " + ASKED.format(10, "S", "nS")),
        (lambda: Timing(0.3, 0.2, 0.1), "dt: " + ASKED.format(0.1, "s", "ms")),
        (lambda: shift_reversal(onto(1e-9, ConductanceLIF()), 20), "by: " + ASKED.format(20, "V", "mV")),
    ],
)
def test_c6_plain_numbers_are_asked_about_where_they_are_given(make, what):
    with pytest.warns(UserWarning, match=re.escape(what)) as said:
        make()
    assert len(said) == 1 and said[0].filename == __file__


def test_c6_quantities_and_what_eisim_makes_are_not_asked_about():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        given = onto([[60]] * volt)
        ablate(given), onto([[60 * mV]]), onto([[5 * nS]], ConductanceLIF()), onto(60e-3), onto(60, Theta())
        onto([[60]], ThresholdLinear())
        to_spiking(synthesize(XOR, kind="rate"), XOR.patterns)


@pytest.mark.parametrize(
    ("weights", "found"),
    [([[60 * ms]], "second"), ([[60 * mV, 3 * ms]], "volt and second"), ([[60 * mV, 3.0]], "volt and plain numbers")],
)
def test_c6_units_in_lists_count(weights, found):
    said = refused(
        lambda: Circuit(
            "c", [Input("x")], [Population("e", "E", LIF(), len(weights[0]))], [Projection("x", "e", weights)]
        )
    )
    assert f"weights: expected voltages, found a quantity in {found}" in said
    two = [Population("e", "E", LIF(), 2)]
    weights = Circuit("c", [Input("x")], two, [Projection("x", "e", [[60 * mV, 0]])]).projections[0].weights
    assert weights.toarray().tolist() == [[0.06, 0]]


def test_c7_no_population_is_a_delay_line():
    def rates(name):
        circuit = Circuit(
            "c",
            [Input("A")],
            [Population(name, "E", ThresholdLinear(), bias=3.0), Population("out", "E", ThresholdLinear())],
            [Projection("A", "out", [[1]], 2e-3), Projection(name, "out", [[0.5]])],
            [Readout("out")],
        )
        return simulate(circuit, [[1.0]], **TIMES).readouts

    assert rates("A@1") == rates("A@2") == rates("B")


def test_c7_no_population_is_a_pool():
    def rates(name):
        circuit = Circuit(
            "c",
            [Input("A")],
            [Population("out", "E", LIF()), Population(name, "E", LIF(), bias=16 * mV)],
            [Projection("A", "out", AllToAll(60 * mV)), Projection(name, "out", [[5]] * mV)],
            [Readout("out")],
        )
        return simulate(circuit, [[1.0]], **TIMES).readouts

    assert rates("out@pool") == rates("B") > 0


class Input2(ThresholdLinear):
    """A unit whose class has a name that eisim has for something else."""


Input2.__name__ = "Input"
Other = type("Input", (ThresholdLinear,), {"__doc__": "Another class of that name."})


def test_c7_a_class_of_ones_own_may_have_any_name_of_its_own():
    def circuit(*neurons):
        populations = [Population(f"p{k}", "E", neuron) for k, neuron in enumerate(neurons)]
        return Circuit("c", [Input("A")], populations, [Projection("A", p.name, [[1]]) for p in populations])

    assert simulate(circuit(Input2(gain=2.0)), [[1]], **TIMES).rates["p0"] > 0
    said = refused(lambda: simulate(circuit(Input2(), Other()), [[1]], **TIMES))
    assert "expected neuron models with names of their own, found two classes 'Input'" in said


def test_c7_afferents_with_one_name():
    twice = Circuit("c", [Input("x", 2), Input("x[0]")], [Population("e", "E", ThresholdLinear())])
    table = pd.DataFrame(np.ones((1, 3)), columns=["x[0]", "x[1]", "x[0]"])
    assert "two afferents would have the name 'x[0]'" in refused(lambda: simulate(twice, table, **TIMES))


@pytest.fixture
def little_memory(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda: 1e9)


def test_c8_a_batch_says_what_it_needs(little_memory):
    said = refused(lambda: simulate(synthesize(XOR), np.ones((3_000_000, 2)), **TIMES))
    assert (
        "simulate: expected what fits into memory, found 15,000,000 neurons (1 circuit; 'xor' has 5 × 3,000,000" in said
    )
    assert "need 4.39 GB; 1 GB are free" in said
    assert "seeds" in refused(lambda: simulate(synthesize(XOR), XOR.patterns, seed=range(100_000_000), **TIMES))
    assert "10000000000000)" in refused(lambda: simulate(synthesize(XOR), XOR.patterns, seed=range(10**13), **TIMES))
    said = refused(
        lambda: simulate(
            synthesize(XOR, kind="rate"),
            np.ones((400, 2)),
            record=True,
            duration=300 * ms * 100,
            window=0.1,
            backend="numpy",
        )
    )
    assert "recorded at 300,000 steps" in said


def test_c8_seeds_levels_and_sizes_of_a_rule(little_memory):
    for name in ("seeds", "levels"):
        said = refused(lambda name=name: boolean.Settings(**{name: 900_000_000}))
        assert f"{name}: expected what fits into memory, found 900,000,000" in said
    boolean.Settings(seeds=1000)
    many = boolean.Settings(levels=3000, seeds=3000)  # each would fit by itself
    assert "3,000 levels × 3,000 seeds" in refused(lambda: boolean.protocol(many, ["rate"], 0, "cpp"))
    assert "Population 'e'" in refused(lambda: Population("e", "E", LIF(), 10**9))
    dense = Circuit(
        "c",
        [Input("x", 100_000)],
        [Population("e", "E", LIF(), 100_000)],
        [Projection("x", "e", FixedInDegree(50_000, 1e-3))],
    )
    said = refused(lambda: dense.weights(dense.projections[0]))
    assert said.startswith("projection 'x->e': expected what fits into memory, found 5,000,000,000 synapses")


def test_c8_what_is_free_is_the_least_of_all_limits(monkeypatch, tmp_path):
    group = tmp_path / "memory" / "job"
    group.mkdir(parents=True)
    (group / "memory.limit_in_bytes").write_text("3000000\n")
    (group / "memory.usage_in_bytes").write_text("1000000\n")
    (group / "memory.stat").write_text("total_inactive_file 500000\n")
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)
    read = memory.Path.read_text
    lines = "5:memory:/job\n"
    monkeypatch.setattr(
        memory.Path, "read_text", lambda path, *a: lines if str(path) == "/proc/self/cgroup" else read(path, *a)
    )
    assert memory.free() == 2_500_000
    lines = "0::/job\n"
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "memory.max").write_text("max\n")
    (tmp_path / "job" / "memory.current").write_text("1\n")
    assert memory.free() > 2_500_000
    (tmp_path / "memory.max").write_text("7000\n")
    (tmp_path / "memory.current").write_text("6000\n")
    assert memory.free() == 1000, "of a group above"
    assert memory.size(3.79e9) == "3.79 GB" and memory.size(12) == "12 B"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"duration": -300}, "duration: expected more than 0, found -300 s"),
        ({"window": -0.1}, "window: expected more than 0, found -0.1 s"),
        ({"window": 0}, "window: expected more than 0, found 0 s"),
        ({"dt": -1e-3}, "dt: expected more than 0, found -0.001 s"),
        ({"dt": 1}, "dt: expected at most the duration, 0.05 s, found 1 s"),
        ({"window": 0.06}, "window: expected between dt = 0.0005 s and duration = 0.05 s, found 0.06 s"),
        ({"dt": 3e-4}, "duration: expected a whole number of steps of 0.0003 s, found 0.05 s"),
        ({"dt": 1e-300}, "duration: expected at most 2,147,483,647 steps of 1e-300 s, found 0.05 s"),
        ({"dt": np.nan}, "dt: expected finite numbers, found nan"),
        ({"duration": np.inf}, "duration: expected finite numbers, found inf"),
        ({"duration": "50ms"}, "duration: expected a time such as 5*ms, found '50ms'"),
        ({"duration": None}, "duration: expected a time such as 5*ms, found None"),
        ({"duration": 50 * mV}, "duration: expected a time such as 5*ms, found 50. mV"),
        ({"dt": [1e-3]}, "dt: expected a time such as 5*ms, found an array of shape (1,)"),
        ({"stimuli": np.ones((2, 7, 2))}, "time frames that divides the 100 time steps of a trial (0.05 s in steps of"),
        ({"stimuli": np.ones((2, 101, 2))}, "found 101"),
        ({"stimuli": [[np.nan, 0]]}, "stimuli of circuit 'xor': expected finite numbers, found nan"),
        ({"stimuli": [[-0.5, 0]]}, "expected 0 or more (a rate is not negative), found -0.5"),
        ({"stimuli": None}, "stimuli of circuit 'xor': expected"),
        ({"stimuli": [[1j, 0]]}, "expected a plain number"),
        (
            {"circuit": synthesize(XOR, kind="rate"), "dt": 25e-3, "window": 0.05},
            "dt: expected at most the time constant of",
        ),
    ],
)
def test_c12_the_thing_itself_is_named(change, said):
    arguments = {"circuit": synthesize(XOR), "stimuli": XOR.patterns} | TIMES | change
    assert said in refused(lambda: simulate(**arguments))


def test_c12_one_question_for_all_times():
    with pytest.warns(UserWarning, match="duration: the plain number 500") as said:
        Timing(duration=500, window=100, dt=0.1)
    assert len(said) == 1


@pytest.mark.parametrize(
    ("home", "changes", "what"),
    [
        ("images", {"hidden": 10**9}, "hidden: expected what fits into memory"),
        ("images", {"pooled_hidden": 10**9}, "pooled_hidden: expected what fits into memory"),
        ("monotone_dynamics", {"population": 10**9}, "population: expected what fits into memory"),
        ("monotone_dynamics", {"circuits": 10**9}, "circuits: expected what fits into memory"),
        ("monotone_dynamics", {"inputs": 10**12}, "inputs: expected what fits into memory"),
    ],
)
def test_c8_settings_that_fit_into_no_memory(home, changes, what):
    experiment = import_module(f"eisim.experiments.{home}")
    assert refused(lambda: experiment.Settings(**changes)).startswith(what)
