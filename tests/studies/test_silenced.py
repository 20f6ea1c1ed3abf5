"""What is silenced to ablate inhibition is not what a function is judged by."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import models
from eisim import (
    Circuit,
    Input,
    Obstruction,
    Population,
    Projection,
    Readout,
    Task,
    ThresholdLinear,
    assess,
    silence,
    simulate,
)
from eisim.ablation import InapplicableError
from eisim.base.errors import InputError
from eisim.simulation.response import Spikes
from eisim.studies.tasks.silenced import unsilenced

TASKS = {
    f"{name}, {label}": task
    for name in models.__all__
    if hasattr(model := getattr(models, name), "task")
    for label, task in {"": model.task, **getattr(model, "TASKS", {})}.items()
}

#: Of the first neuron of the first copy.
ANY_SPIKES = Spikes(np.zeros(3, int), np.zeros(3, int), np.array([1000, 3000, 5000]))


def circuit(name="c"):
    unit = ThresholdLinear()
    cells = [Population("E", "E", unit), Population("I", "I", unit)]
    ways = [("x", "E"), ("x", "I"), ("I", "E")]
    return Circuit(name, [Input("x")], cells, [Projection(*way, 0.4) for way in ways], [Readout("E")])


def task(score, output=None):
    given = {"duration": 0.1, "window": 0.05, "criterion": 0.5, "measure": "m"}
    why = Obstruction.STABILITY if output is None else Obstruction.DECREASING
    return Task(
        lambda seed: circuit(), [[1.0], [2.0]], score=score, output=output, obstruction=why, record=True, **given
    )


@pytest.mark.parametrize(
    "read",
    [
        lambda r: r.rates["I"],
        lambda r: r.rates.get("I"),
        lambda r: list(r.rates.values()),
        lambda r: {**r.rates},
        lambda r: dict(r.rates),
        lambda r: [name for name in r.rates],
        lambda r: "I" in r.rates,
        lambda r: r.traces["I"],
        lambda r: r.traces.stored.get("I"),
        lambda r: list(r.traces.items()),
        lambda r: r.to_xarray(),
    ],
)
def test_reading_silenced_cells_in_any_way_is_refused(read):
    def score(response):
        read(response)
        return 0.5

    with pytest.raises(InapplicableError, match=r"silence: .* not silenced, found .*'I'"):
        assess(task(score), doses=2, seeds=1, how="silence", backend="numpy")
    with pytest.raises(InapplicableError, match=r"silence: .* not silenced, found .*'I'"):
        output = lambda r: (read(r), r.rates["E"].mean(axis=-1))[1]  # noqa: E731
        assess(task(lambda r: 0.5, output), doses=2, seeds=1, how="silence", backend="numpy")
    assert assess(task(score), doses=2, seeds=1, how="block", backend="numpy").verdict


def test_what_is_not_silenced_is_read_as_it_is():
    response = simulate(silence(circuit()), [[1.0]], duration=0.1, window=0.05, record=True, backend="numpy")
    read = unsilenced(response)
    assert np.array_equal(read.rates["E"], response.rates["E"]) and np.array_equal(read.readouts, response.readouts)
    assert np.array_equal(read.traces["E"], response.traces["E"]) and len(read.rates) == 2
    intact = simulate(circuit(), [[1.0]], duration=0.1, window=0.05, backend="numpy")
    assert unsilenced(intact) is intact


def test_a_kind_whose_score_reads_silenced_cells_is_left_out():
    def of(kind):
        reads = "I" if kind == "spiking" else "E"
        found = models.inhibition_stabilized_network.task(kind, quick=True)
        return replace(found, score=lambda r: float(r.rates[reads].mean() > 5), output=None)

    found = assess(of, doses=2, seeds=1, how="silence", backend="numpy", controls="none")
    assert list(found.kinds) == ["rate"] and "'I'" in found.left_out["spiking"]


@pytest.mark.parametrize("name", TASKS)
def test_no_function_of_ours_is_judged_by_cells_that_are_silenced(name):
    try:
        given, backend = partial(TASKS[name], quick=True)("rate"), "numpy"
    except InputError:  # a model of spiking neurons alone
        given, backend = partial(TASKS[name], quick=True)("spiking"), "cpp"
    silenced = silence(given.circuit(0))
    response = simulate(silenced, given.stimuli, **given.times, record=given.record, seed=0, backend=backend)
    quiet = {p.name for p in silenced.populations if p.silenced}
    random = np.random.default_rng(0)

    def other(found):
        return {n: random.uniform(0, 50, v.shape) if n in quiet else v for n, v in found.items()}

    spikes = {n: ANY_SPIKES if n in quiet else found for n, found in response.spikes.items()}
    changed = replace(response, rates=other(response.rates), traces=other(response.traces), spikes=spikes)
    measures = [given.score] + [given.output] * (given.output is not None)
    try:
        found = [measure(unsilenced(response)) for measure in measures]
    except InapplicableError:
        # the balanced network asks what I sends, and the microcircuit how inhibitory populations fire, which is in vain
        # with these numbers, too: refused without need
        reads = any(np.any(measure(changed) != measure(response)) for measure in measures)
        assert reads or name in ("balanced_network, ", "microcircuit, ")
    else:
        for measure, value in zip(measures, found, strict=True):
            assert np.array_equal(measure(changed), value)
