"""Values of every kind that eisim makes, small and on Brian2's NumPy target: for disk, notebooks and tables."""

from functools import cache, partial

import numpy as np
from scipy import sparse

from eisim import (
    DNN,
    REGIONS,
    TRUTH_TABLES,
    AllToAll,
    Circuit,
    ConductanceLIF,
    FixedInDegree,
    FixedOutDegree,
    FixedProbability,
    FixedTotalNumber,
    Gamma,
    GaussianProfile,
    Independent,
    Input,
    LabelledData,
    Lognormal,
    Normal,
    Population,
    Projection,
    Readout,
    Region,
    ShortTerm,
    ThresholdLinear,
    assess,
    certify,
    simulate,
    spectrum,
    synthesize,
    to_dnn,
)
from eisim.adapter.static import Layer
from eisim.base.progress import silent
from eisim.studies.boolean import Case, Protocol, run_ablation
from eisim.studies.networks import NetworkAblations, ablate_network
from eisim.studies.tasks import Survey
from experiments import boolean
from tests.support import two_choice

TIMES = {"duration": 40e-3, "window": 30e-3, "dt": 1e-3}
XOR = TRUTH_TABLES["xor"]


def ruled() -> Circuit:
    """A circuit with every rule of weights, receptors, plasticity, spread and delays."""
    neuron = ConductanceLIF(noise=1e-3)
    return Circuit(
        "ruled",
        [Input("x", 3), Input("drive", 1, 800.0, train="poisson")],
        [
            Population("E", "E", neuron, 8, bias=np.linspace(0, 1e-10, 8), spread={"threshold": 1e-3}),
            Population("I", "I", neuron, 4, initial=-58e-3),
        ],
        [
            Projection("drive", "E", Independent(3e-9)),
            Projection("x", "E", np.triu(np.full((3, 8), 4e-9)), delay=2e-3),
            Projection("E", "E", FixedProbability(0.3, 1e-9), plasticity=ShortTerm(0.4)),
            Projection("E", "I", FixedInDegree(3, 2e-9), delay=1e-3),
            Projection("I", "E", AllToAll(5e-9, silent=(2,))),
        ],
        [Readout("E", 20.0)],
        seed=3,
    )


def drawn() -> Circuit:
    """A circuit with rules, weights and delays from every distribution, and two projections between one pair."""
    return Circuit(
        "drawn",
        [Input("x", 3)],
        [Population("E", "E", ThresholdLinear(), 9), Population("I", "I", ThresholdLinear(), 4, cell_type="PV")],
        [
            Projection("x", "E", FixedOutDegree(4, Lognormal(1.0, 0.5)), Gamma(2e-3, 1e-3)),
            Projection("E", "I", FixedTotalNumber(12, Gamma(1.0, 0.5)), Normal(2e-3, 1e-3)),
            Projection("E", "E", GaussianProfile(0.5, 0.2, Normal(0.1, 0.05), 2, False, True)),
            Projection("E", "E", FixedInDegree(2, 0.1, autapses=True), Lognormal(2e-3, 1e-3)),
            Projection("I", "E", AllToAll(Lognormal(0.2, 0.1), autapses=False)),
        ],
        [Readout("E", 20.0)],
        seed=3,
    )


@cache
def responses():
    """Of a rate and of a spiking circuit, recorded; the second has an axis of seeds."""
    rate = simulate(synthesize(XOR, kind="rate"), XOR.patterns, record=True, backend="numpy", **TIMES)
    frames = np.random.default_rng(0).random((2, 4, 4))
    spiking = simulate(ruled(), frames, seed=[4, 9], record=True, backend="numpy", **TIMES)
    return rate, spiking


@cache
def ablation():
    """The ablation experiment on one function."""
    protocol = Protocol(("rate",), np.array([0.0, 1.0]), np.array([1]), 0.5e-3, 150e-3, 50e-3, 1e-3, "numpy")
    return run_ablation([Case("xor", XOR, partial(synthesize, XOR))], protocol)


@cache
def functions_ablated():
    """The experiment on four functions: lost provably, kept, lost by this circuit only."""
    settings = boolean.Settings(functions="xor,and,not,and-by-inhibition", levels=3, seeds=2, dt=1e-3)
    return boolean.run(settings, ["spiking", "rate"], 0, "numpy", silent)


@cache
def network_ablated():
    """A classifier of three classes, as both kinds of circuit: two verdicts of each class."""
    rng = np.random.default_rng(2)
    points, weights = rng.random((40, 2)).round(1), (np.array([[1.0, -1, 2], [1, 2, -1]]), np.eye(3) - 0.5)
    layers = [
        Layer("hidden", 3, (("x", sparse.csr_array(weights[0])),), np.array([-1.0, 0, 0]), ThresholdLinear()),
        Layer("out", 3, (("hidden", sparse.csr_array(weights[1])),), np.zeros(3), ThresholdLinear()),
    ]
    dnn = DNN((("x", 2, 1.0),), tuple(layers), (("out", 0.0),), recurrent=False, name="net")
    data = LabelledData(points, dnn(points).argmax(axis=1), classes=("left", "middle", "right"), name="points")
    kinds = (ablate_network(dnn, data, [0, 0.5, 1], kind, backend="numpy") for kind in ("rate", "spiking"))
    return NetworkAblations(tuple(kinds))


@cache
def assessment(controls="all"):
    """A task against the dose of ablation."""
    task = partial(two_choice.task, quick=True)
    return assess(task, doses=2, seeds=2, function="decide", backend="numpy", kinds=["rate"], controls=controls)


@cache
def values() -> dict:
    """All of them by name."""
    rate, spiking = responses()
    circuit = synthesize(XOR, kind="rate")
    data = LabelledData(
        [[0.1, 2], [3, 4], [1 / 3, 1]], [0, 1, 1], [1, 2, 0.5], ["a", "b"], "y", "three", ("a note <&>",)
    )
    return {
        "circuit": circuit,
        "ruled": ruled(),
        "drawn": drawn(),
        "dnn": to_dnn(circuit),
        "unrolled": to_dnn(circuit, unrolled=True, **TIMES),
        "rate response": rate,
        "spiking response": spiking,
        "truth table": XOR,
        "region": REGIONS["disc"],
        "own region": Region("steps", lambda x, y: np.floor(5 * x) > 2 * y, 10),
        "data": data,
        "certificate": certify(XOR),
        "certificate of a region": certify(Region("ring", REGIONS["ring"].contains, 8)),
        "certificate of data": certify(data),
        "structural certificate": certify(circuit),
        "floor of a wiring": certify(data, signs=["rises", "mixed"]),
        "spectrum": spectrum(np.diag([1.0, -2, 0.5]) + np.triu(np.ones((3, 3)), 1) - np.tri(3, k=-1)),
        "assessment": assessment(),
        "survey": Survey((assessment(),), {"brunel": "it has no task"}),
        "case": ablation().cases[0],
        "ablation": ablation(),
        "network ablation": ablate_network(
            to_dnn(circuit), LabelledData(XOR.patterns, XOR.values), [0, 1], "rate", backend="numpy"
        ),
        "several": {"list": [1, 2.5, None, True, "text"], ("a", 1): (np.arange(3), np.nan, np.inf)},
    }
