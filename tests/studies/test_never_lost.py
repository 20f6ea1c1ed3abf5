"""No study says of an excitatory-only circuit that ablation makes it lose a function: there is nothing to ablate."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy import sparse

from eisim import DNN, LabelledData, Region, Task, ThresholdLinear, TruthTable, ablate, assess, simulate
from eisim.ablation import InapplicableError
from eisim.adapter.activations import Identity
from eisim.adapter.static import Layer
from eisim.analysis.task import Obstruction
from eisim.functions import patterns
from eisim.studies import points
from eisim.studies.boolean import Case, Protocol, run_ablation
from eisim.studies.circuit import OwnCircuit
from eisim.studies.networks import ablate_network
from eisim.studies.regions import decision_maps, networks
from eisim.studies.tasks import judge
from tests.support.drawn import TIMES, draw_circuit

NOISE = 4e-3  # V
FRACTIONS = np.array([0, 0.5, 1])
seeds = st.integers(0, 10**6)
kinds = st.sampled_from(["rate", "spiking"])
noises = st.sampled_from([0.0, NOISE])
#: Without inhibitory populations; with some that have no synapses; with some whose weights are all 0.
forms = st.sampled_from(["none", "unconnected", "without weight"])


def few(examples):
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))


def drawn(kind, seed, form, noise=0.0, feed_forward=False):
    """An excitatory-only circuit of 3 inputs whose outputs have thresholds near their rates."""
    circuit = draw_circuit(kind, seed, excitatory_only=form == "none", feed_forward=feed_forward)
    if form == "without weight":
        circuit = ablate(circuit)
    else:
        circuit = replace(circuit, projections=[p for p in circuit.projections if circuit.sign(p) > 0])
    assert circuit.is_excitatory_only
    rng = np.random.default_rng(seed)
    readouts = [replace(readout, threshold=float(rng.uniform(1, 60))) for readout in circuit.readouts]
    populations = circuit.populations
    if noise and kind == "spiking":
        populations = [replace(p, neuron=replace(p.neuron, noise=noise)) for p in populations]
    return replace(circuit, readouts=readouts, populations=populations)


def asked_for(circuit, at, rng):
    """What is asked of each output: what it answers without noise, or for some points at random the opposite."""
    answers = simulate(circuit.without_noise(), at, **TIMES, backend="numpy").decisions
    return answers != (rng.random(answers.shape) < rng.choice([0.0, 0.1, 0.5]))


def protocol(kinds, noise=NOISE):
    return Protocol(kinds, FRACTIONS, np.arange(10), noise, **TIMES, backend="numpy")


def check(curves):
    curves = list(curves)
    assert curves
    for curve in curves:
        assert curve.verdict != "lost", curve
        assert curve.judgement.reason is None and (curve.scores == curve.scores[0]).all()


@pytest.mark.slow
@few(4)
@given(seeds, kinds, forms)
def test_truth_tables(seed, kind, form):
    circuit = drawn(kind, seed, form, feed_forward=True)
    asked = asked_for(circuit, patterns(3), np.random.default_rng(seed))
    functions = [TruthTable("".join(map(str, column.astype(int)))) for column in asked.T]
    cases = [Case(f"f{k}", function, lambda kind: circuit, k) for k, function in enumerate(functions)]
    found = run_ablation(cases, protocol((kind,)))
    for case in found.cases:
        check(case.curves)
        assert case.verdict != "lost"


@pytest.mark.slow
@few(4)
@given(seeds, kinds, forms, noises)
def test_labelled_points(seed, kind, form, noise):
    circuit, rng = drawn(kind, seed, form, noise), np.random.default_rng(seed)
    at = rng.random((12, 3)).round(1)
    weights = rng.integers(1, 4, 12).astype(float)
    functions = tuple(LabelledData(at, column.astype(float), weights) for column in asked_for(circuit, at, rng).T)
    names = tuple(f"f{k}" for k in range(circuit.n_readouts))
    own = OwnCircuit("own", {kind: circuit}, functions, names, without_dnn="not asked for")
    found = points.measure(own, protocol((kind,)), seed, lambda *_: None)
    check(curve for each in found.on_points for curve in each.curves)


def share_right(response, required):
    """Of trials and outputs."""
    return float((response.decisions == required).mean())


@pytest.mark.slow
@few(3)
@given(seeds, kinds, forms, noises, st.sampled_from(["block", "silence"]), st.floats(0.3, 1))
def test_tasks(seed, kind, form, noise, how, criterion):
    circuit, rng = drawn(kind, seed, form, noise), np.random.default_rng(seed)
    required = asked_for(circuit, patterns(3), rng)
    task = Task(
        lambda seed: replace(circuit, seed=seed),
        patterns(3),
        lambda response: share_right(response, required),
        "share of answers as required",
        Obstruction.CLOSED_REGION,
        criterion,
        lambda response: response.readouts.max(axis=-1),
        **TIMES,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "_predict", lambda *_: ((), ""))  # the mean field of drawn circuits may take minutes
        try:
            found = assess(task, doses=FRACTIONS, seeds=10, how=how, backend="numpy")
        except InapplicableError:
            read = [circuit.population(readout.population).sign for readout in circuit.readouts]
            assert form == "none" or (how == "silence" and "I" in read)
            return
    check(curve for judged in found.kinds.values() for curve in judged.systems.values())


def dense(name, source, weights, bias, activation):
    return Layer(name, len(bias), ((source, sparse.csr_array(weights)),), bias, activation)


@pytest.mark.slow
@few(4)
@given(seeds, kinds, st.integers(1, 3))
def test_networks_without_negative_weights(seed, kind, outputs):
    rng = np.random.default_rng(seed)
    hidden = dense("hidden", "x", rng.random((3, 4)), rng.uniform(-1, 0.5, 4), ThresholdLinear())
    out = dense("out", "hidden", rng.random((4, outputs)), rng.uniform(-0.5, 0.5, outputs), Identity())
    dnn = DNN((("x", 3, 1.0),), (hidden, out), (("out", 0.0),), recurrent=False, name="net")
    at = rng.random((20, 3))
    values, n = dnn(at), max(2, outputs)
    targets = values.argmax(axis=1) if outputs > 1 else values[:, 0] > np.median(values)
    targets = np.where(rng.random(20) < 0.1, rng.integers(0, n, 20), targets).astype(float)
    assume(len(np.unique(targets)) == n and np.ptp(values) > 0)
    found = ablate_network(dnn, LabelledData(at, targets), FRACTIONS, kind, "numpy")
    assert found.circuit.is_excitatory_only
    check(found.curves)
    assert "lost" not in found.verdicts + found.verdicts_by_threshold


@pytest.mark.slow
@few(2)
@given(st.floats(0.2, 1), st.floats(0.2, 1), st.floats(0, 1.2), st.floats(-1, 1))
def test_regions(a, b, c, slope):
    """A network of a half-plane without a positive slope, for that region or for another one."""
    assume(c < a + b)  # else it is never inside
    name = "drawn"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(networks.CONSTRUCTED, name, lambda: networks.half_plane(a, b, c))
        regions = [Region(name, lambda x, y: y > slope * x + 0.3)]
        found = decision_maps.measure(regions, ["rate", "spiking"], 6, backend="numpy")
    (region,) = found.regions
    assert region.circuits["rate"]["intact"].is_excitatory_only
    check(region.curves)
