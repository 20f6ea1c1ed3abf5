"""A seed is a whole number or a numpy.random.Generator, wherever one is asked for."""

import inspect
import os
import pkgutil
from functools import cache as cached
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eisim
import models
from eisim import (
    AllToAll,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotalNumber,
    GaussianProfile,
    Independent,
    InputError,
    TruthTable,
)
from eisim.analysis import activity
from eisim.base.seeds import seed_of
from eisim.circuit import initial_state
from models import center_surround, decision, ring_attractor, winner_take_all

XOR = TruthTable("0110")
BRIEFLY = {"duration": 10e-3, "window": 10e-3, "dt": 1e-3, "backend": "numpy"}
#: What holds the seeds of a result, or names the place of one, and is asked for none.
RESULTS = {"Response", "Sweep", "Assessment", "RecurrentNetwork", "freeze"}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EISIM_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@cached
def recorded():
    return eisim.simulate(circuit(0), XOR.patterns, record=True, seed=[0], **BRIEFLY)


def circuit(seed):
    draws = [
        eisim.Projection("x", "E", FixedProbability(0.5, 1e-3)),
        eisim.Projection("I", "E", FixedInDegree(3, 1e-3)),
    ]
    populations = [eisim.Population(sign, sign, eisim.LIF(noise=5e-3), 20) for sign in "EI"]
    return eisim.Circuit("drawn", [eisim.Input("x", 2)], populations, draws, [eisim.Readout("E")], seed=seed)


def simulated(seed):
    return eisim.simulate(circuit(0), XOR.patterns, seed=seed, **BRIEFLY)


def drawn(seed):
    made = circuit(seed)
    return made.seed, [made.weights(projection).toarray() for projection in made.projections]


def assessed(seed):
    task = partial(center_surround.task, quick=True)
    found = eisim.assess(task, kinds=["rate"], doses=2, seeds=[seed], backend="numpy")
    return found.seeds, found.verdict


#: An experiment that costs nothing.
CHEAP = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Settings:
    a: float = 1.0

def run(settings, kinds, seed, backend, report):
    return {"value": seed}
"""


def swept(seed):
    file = Path(os.environ["EISIM_CACHE_DIR"]) / "cheap.py"
    file.write_text(CHEAP)
    found = eisim.sweep(file, {"a": [0]}, seed=seed, workers=1)
    return found.seeds, found.numbers["value"]


def trained(seed):
    return eisim.train(XOR.patterns, XOR.values, (4,), iterations=3, seed=seed)(XOR.patterns)


def trained_over_time(seed):
    pytest.importorskip("torch")
    return eisim.train_recurrent("delayed_match", 4, iterations=1, seed=seed).W_rec


def silenced(seed):
    return [p.silenced for p in eisim.silence(circuit(0), 0.5, seed=seed).populations]


def of_model(name, seed):
    made = import_module(f"models.{name}").circuit(seed=seed)
    return made.seed, [list(initial_state(p, made.seed).values()) for p in made.populations]


def of_rule(rule, shape, seed):
    return rule.draw(seed, shape, False).toarray()


def shammed(seed):
    made = eisim.sham_random(circuit(0), 20e-3, seed=seed)
    return [made.weights(projection).toarray() for projection in made.projections]


def of_seed(make):
    return lambda seed: make(seed=seed).seed


CALLS = {
    **{
        f"{name}.{made}": of_seed(getattr(import_module(f"models.{name}"), made))
        for name, made in (
            ("ping", "excitatory_only"),
            ("supralinear_stabilized_network", "excitatory_only"),
            ("wilson_cowan", "excitatory_only"),
            ("wilson_cowan", "excitatory_only_rhythm"),
            ("inhibition_stabilized_network", "excitatory_only"),
            ("disinhibition", "excitatory_only"),
            ("microcircuit", "excitatory_only"),
        )
    },
    "sham_random": shammed,
    "simulate": simulated,
    "Circuit": drawn,
    "assess": assessed,
    "sweep": swept,
    "train": trained,
    "train_recurrent": trained_over_time,
    "RecurrentTask.trials": lambda seed: eisim.RECURRENT_TASKS["delayed_match"].trials(3, seed).stimuli,
    "silence": silenced,
    "activity.correlation": lambda seed: activity.correlation(recorded(), "E", neurons=5, seed=seed),
    "decision.evidence": lambda seed: decision.evidence("rate", [0.5], seed=seed),
    "decision.pairs": lambda seed: decision.pairs("spiking", seed=seed)[0],
    "ring_attractor.latch": lambda seed: ring_attractor.latch("rate", seed=seed).seed,
    "winner_take_all.thresholds": lambda seed: winner_take_all.thresholds("rate", seed=seed).seed,
    "FixedProbability.draw": partial(of_rule, FixedProbability(0.5, 1.0), (4, 5)),
    "FixedInDegree.draw": partial(of_rule, FixedInDegree(2, 1.0), (4, 5)),
    "FixedOutDegree.draw": partial(of_rule, FixedOutDegree(2, 1.0), (4, 5)),
    "FixedTotalNumber.draw": partial(of_rule, FixedTotalNumber(9, 1.0), (4, 5)),
    "GaussianProfile.draw": partial(of_rule, GaussianProfile(0.8, 0.2, 1.0), (4, 5)),
    "AllToAll.draw": partial(of_rule, AllToAll(1.0), (4, 5)),
    "Independent.draw": partial(of_rule, Independent(1.0), (1, 5)),
}
NAMES = [each.name for each in pkgutil.iter_modules(models.__path__) if not each.name.startswith("_")]
CALLS |= {
    f"{name}.circuit": partial(of_model, name)
    for name in NAMES
    if "seed" in inspect.signature(import_module(f"models.{name}").circuit).parameters
}


def public():
    """Every public function, class and method by name."""
    for name in eisim.__all__:
        thing = getattr(eisim, name)
        if callable(thing):
            yield name, thing
        if inspect.isclass(thing):
            yield from ((f"{name}.{key}", each) for key, each in inspect.getmembers(thing, inspect.isfunction))
    for module in (activity, *(import_module(f"models.{name}") for name in NAMES)):
        for name, thing in inspect.getmembers(module, inspect.isfunction):
            if not name.startswith("_") and thing.__module__ == module.__name__:
                yield f"{module.__name__.rpartition('.')[2]}.{name}", thing


def test_all_that_ask_for_a_seed_are_here():
    found = set()
    for name, thing in public():
        if name in RESULTS or name.partition(".")[2].startswith("_"):
            continue
        if {"seed", "seeds", "rng"} & set(inspect.signature(thing).parameters):
            found.add(name)
    assert found == set(CALLS)


def same(one, other):
    if hasattr(one, "rates"):
        return one.seeds == other.seeds and all(np.array_equal(one.rates[name], other.rates[name]) for name in "EI")
    if isinstance(one, (tuple, list)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, str):
        return one == other
    return np.array_equal(one, other, equal_nan=True)


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=2, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), wrong=st.sampled_from([1.5, "1", None, True, -1, np.random.RandomState(0)]))
def test_seeds_are_whole_numbers_or_generators(name, seed, wrong):
    call = CALLS[name]
    found, again = call(np.random.default_rng(seed)), call(np.random.default_rng(seed))
    assert same(found, again)
    number = seed_of(np.random.default_rng(seed), "")
    assert same(call(number), found if not name.endswith(".draw") else call(np.random.default_rng(number)))
    with pytest.raises(InputError) as error:
        call(wrong)
    assert "\n" not in str(error.value) and "numpy.random.Generator" in str(error.value)


def test_a_generator_goes_on():
    rng = np.random.default_rng(5)
    one, two = simulated(rng), simulated(rng)
    assert one.seeds != two.seeds and one.rates["E"].ndim == 2
    rng = np.random.default_rng(5)
    assert simulated([rng, rng]).seeds == (*one.seeds, *two.seeds)
