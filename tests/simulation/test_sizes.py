"""Sizes of 1 and 0: right, the same on both backends and as DNNs, or refused in one line."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eisim import (
    LIF,
    AllToAll,
    Circuit,
    FixedInDegree,
    FixedProbability,
    Independent,
    Input,
    InputError,
    Population,
    Projection,
    Readout,
    Saturating,
    ThresholdLinear,
    simulate,
    to_dnn,
)
from eisim.simulation import codegen, program

pytestmark = pytest.mark.slow

TIMES = {"duration": 20e-3, "window": 10e-3, "dt": 1e-3}
#: A neuron of each kind, and a weight that makes it fire.
NEURONS = {"rate": (ThresholdLinear(), 1.0), "spiking": (LIF(), 60e-3)}


def circuit(kind, weights="matrix", size=1, inputs=1, delay=0.0, train="regular"):
    neuron, weight = NEURONS[kind]
    given = {
        "matrix": np.full((inputs, size), weight),
        "zeros": np.zeros((inputs, size)),
        "all": AllToAll(weight),
        "silent": AllToAll(weight, silent=tuple(range(inputs))),
        "in-degree 0": FixedInDegree(0, weight),
        "probability 0": FixedProbability(0.0, weight),
        "none": None,
        "drive": Independent(weight),
    }[weights]
    return Circuit(
        "small",
        [Input("x", inputs, train=train)],
        [Population("out", "E", neuron, size)],
        [] if given is None else [Projection("x", "out", given, delay)],
        [Readout("out", 50.0)],
    )


def numbers(response):
    found = {f"rate of {name}": rates for name, rates in response.rates.items()}
    found |= {f"trace of {name}": traces for name, traces in response.traces.items()}
    for name, spikes in response.spikes.items():
        found |= {f"{part} of spikes of {name}": getattr(spikes, part) for part in ("copy", "neuron", "step")}
    return found


def same(one, other, kind):
    """Spikes to the bit, rates to rounding."""
    one, other = numbers(one), numbers(other)
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].shape == other[name].shape, name
        np.testing.assert_allclose(one[name], other[name], rtol=0 if kind == "spiking" else 1e-12, err_msg=name)


@pytest.mark.parametrize("kind", NEURONS)
def test_c1_one_synapse(kind):
    """One input, one neuron, one trial, one synapse, recorded: Brian2 writes such arrays into the code."""
    small = circuit(kind)
    found = simulate(small, [[1]], record=True, **TIMES)
    assert found.decisions.tolist() == [[True]]
    same(found, simulate(small, [[1]], record=True, backend="numpy", **TIMES), kind)
    np.testing.assert_allclose(found.readouts, to_dnn(small, unrolled=True, **TIMES)([[1]]), rtol=1e-12)


@pytest.mark.nightly
def test_c1_other_numbers_do_not_need_another_program():
    """The one synapse of a batch is no part of its code: a program for one place serves for another."""
    from eisim.base.timing import Timing
    from eisim.simulation.job import Job
    from eisim.simulation.layout import Trials, lay_out
    from eisim.simulation.model import models

    def small(place):
        weights = np.zeros((2, 2))
        weights[place] = 1.0
        population = Population("out", "E", ThresholdLinear(), 2)
        return Circuit("c", [Input("x", 2)], [population], [Projection("x", "out", weights)], [Readout("out")])

    def job(place):
        layout = lay_out([Trials(small(place), np.ones((1, 2)), np.arange(1), np.arange(1), False)], 1e-3)
        timing = Timing(**TIMES)
        return Job(layout, "rate", timing, models(layout, "rate", timing))

    jobs = [job((0, 1)), job((1, 0))]
    assert jobs[0].signature == jobs[1].signature
    for place in ((0, 1), (1, 0)):
        rates = simulate(small(place), [[1, 1]], **TIMES).readouts[0]
        assert (rates > 0).tolist() == [place[1] == 0, place[1] == 1]


@pytest.mark.parametrize("kind", NEURONS)
def test_c1_no_readout(kind):
    """A circuit of which nothing is read out responds with nothing, which can be shown."""
    import matplotlib.pyplot as plt

    silent = replace(circuit(kind), readouts=())
    response = simulate(silent, [[1], [0]], record=True, backend="numpy", **TIMES)
    assert response.readouts.shape == response.decisions.shape == (2, 0)
    assert to_dnn(silent)([[1], [0]]).shape == to_dnn(silent, unrolled=True, **TIMES)([[1], [0]]).shape == (2, 0)
    if kind == "rate":  # units have no spikes to draw
        with pytest.raises(InputError, match="expected a circuit with readouts"):
            response.plot()
    else:
        plt.close(response.plot().figure)
    assert response.to_dataframe().empty and response._repr_html_()


class GeneratedError(Exception):
    """The code is there, and as it should be."""


@pytest.fixture
def generate_only(monkeypatch, tmp_path):
    """Stop before the compiler: what Brian2 generated has been compared with what eisim will give the program."""

    def stop(*_):
        raise GeneratedError

    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(codegen, "begin_make", stop)
    monkeypatch.setattr(program, "begin_header", lambda *_: lambda: None)


@pytest.mark.parametrize("kind", NEURONS)
@pytest.mark.parametrize(
    "change",
    [
        {"weights": "zeros"},
        {"weights": "none"},
        {"weights": "all"},
        {"weights": "silent"},
        {"weights": "in-degree 0"},
        {"weights": "probability 0"},
        {"weights": "drive", "train": "poisson"},
        {"delay": [[2e-3]]},
        {"moving": True},
    ],
    ids=lambda change: " ".join(map(str, change.values())),
)
def test_c1_programs_of_sizes_of_one_and_none_read_what_they_are_given(generate_only, kind, change):
    moving = change == {"moving": True}
    small = circuit(kind, **({} if moving else change))
    stimuli = np.ones((1, 1, small.n_inputs) if moving else (1, small.n_inputs))
    with pytest.raises(GeneratedError):
        simulate(small, stimuli, record=True, **TIMES)
    assert simulate(small, stimuli, record=True, backend="numpy", **TIMES).readouts.shape == (1, small.n_readouts)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: Population("e", "E", LIF(), 0),
            "Population 'e': size: expected a whole number of at least 1, found 0",
        ),
        (lambda: Input("x", 0), "Input 'x': size: expected a whole number of at least 1, found 0"),
        (lambda: Input("x", 10**400), "Input 'x': size: expected at most 2,147,483,647, found more"),
        (lambda: simulate(circuit("rate"), np.ones((0, 1))), "none of them 0, found (0, 1)"),
        (lambda: simulate(circuit("rate"), np.ones((1, 0, 1))), "none of them 0, found (1, 0, 1)"),
        (lambda: simulate(circuit("rate"), [[1]], seed=[]), "seed: expected whole numbers of 0 or more, or"),
        (lambda: simulate([], [[1]]), "expected at least one circuit, found none"),
    ],
)
def test_c1_sizes_of_none_are_refused(make, said):
    with pytest.raises(InputError) as error:
        make()
    assert said in str(error.value) and "\n" not in str(error.value)


@st.composite
def small_circuits(draw, kind):
    """Circuits of sizes from 1 to 3 that the unrolled DNN can be made of, with stimuli."""
    size = st.integers(1, 3)
    neuron, weight = NEURONS[kind]
    if kind == "rate" and draw(st.booleans()):
        neuron = Saturating(gain=1.5)
    inputs = [Input("x", draw(size)), *([Input("y", draw(size), 150.0)] if draw(st.booleans()) else [])]
    populations = [Population(name, sign, neuron, draw(size)) for name, sign in (("e", "E"), ("i", "I"))]
    populations = populations[: draw(st.integers(1, 2))]
    projections = []
    for source in (*inputs, *populations):
        for target in populations:
            if not draw(st.booleans()) and source.name != "x":
                continue
            shape = (source.size, target.size)
            places = draw(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=shape[0] * shape[1], max_size=9))
            matrix = weight * np.array(places[: shape[0] * shape[1]]).reshape(shape)
            rule = draw(st.sampled_from([matrix, AllToAll(weight), FixedProbability(0.5, weight)]))
            delay = draw(st.sampled_from([0.0, 1e-3, 2e-3]))
            projections.append(Projection(source.name, target.name, rule, delay))
    readouts = [Readout(populations[-1].name)]
    made = Circuit("drawn", inputs, populations, projections, readouts)
    trials = draw(size)
    stimuli = np.array(draw(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=trials * 6, max_size=trials * 6)))
    stimuli = stimuli.reshape(trials, 6)[:, : made.n_inputs]
    if draw(st.booleans()):
        stimuli = np.stack([stimuli] * draw(st.sampled_from([1, 2, 4])), axis=1)
    return made, stimuli, draw(st.sampled_from([0, [3], [3, 4]])), draw(st.booleans())


def check_equal(drawn, kind, backends):
    made, stimuli, seed, record = drawn
    found = [simulate(made, stimuli, seed=seed, record=record, backend=each, **TIMES) for each in backends]
    for other in found[1:]:
        same(found[0], other, kind)
    dnn = to_dnn(made, unrolled=True, **TIMES)(stimuli)
    for rates in found[0].readouts.reshape(-1, *dnn.shape):
        np.testing.assert_allclose(rates, dnn, rtol=1e-10, atol=1e-9)


@pytest.mark.parametrize("kind", NEURONS)
def test_c1_drawn_circuits_on_numpy_and_as_dnns(kind):
    @settings(max_examples=10)
    @given(small_circuits(kind))
    def check(drawn):
        check_equal(drawn, kind, ["numpy"])

    check()


@pytest.mark.nightly
@pytest.mark.parametrize("kind", NEURONS)
def test_c1_drawn_circuits_compiled_on_numpy_and_as_dnns(kind):
    @settings(max_examples=10)
    @given(small_circuits(kind))
    def check(drawn):
        check_equal(drawn, kind, ["cpp", "numpy"])

    check()
