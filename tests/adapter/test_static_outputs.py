"""The f-I approximations of many circuits at once, against each alone."""

from dataclasses import replace

import numpy as np
import pytest

from eisim import (
    LIF,
    Circuit,
    Input,
    Population,
    Projection,
    Readout,
    ThresholdLinear,
    TruthTable,
    ablate,
    compensate,
    sham_random,
    synthesize,
)
from eisim.adapter import static_dnn, static_outputs


def check(circuits, stimuli, dt=None):
    for found, circuit, given in zip(static_outputs(circuits, stimuli, dt), circuits, stimuli, strict=True):
        np.testing.assert_array_equal(found, static_dnn(circuit, dt)(given))


@pytest.mark.parametrize("kind", ["rate", "spiking"])
@pytest.mark.parametrize("dt", [None, 1e-3])
def test_ablations_and_controls_of_several_functions(kind, dt):
    circuits, stimuli = [], []
    for bits in ("0110", "01101001", "0001", "0110"):
        function = TruthTable(bits)
        intact = synthesize(function, kind=kind)
        ablated = [ablate(intact, fraction) for fraction in (0.3, 1.0)]
        others = [compensate(ablated[1], 0.5), *(sham_random(intact, 1e-3, seed=seed) for seed in range(3))]
        circuits += [intact, *ablated, *others]
        stimuli += [function.patterns] * (len(ablated) + len(others) + 1)
    check(circuits, stimuli, dt)


@pytest.mark.parametrize("neuron", [ThresholdLinear(), LIF()])
def test_several_inputs_readouts_and_loops(neuron):
    def circuit(weight, loop):
        strong = weight * (0.02 if neuron.kind == "spiking" else 1.0)
        projections = [Projection("A", "E", [[strong, strong]]), Projection("B", "I", [[strong, 0, strong]])]
        projections += [Projection("I", "E", np.full((3, 2), strong)), Projection("E", "out", [[strong], [0]])]
        projections += [Projection("E", "I", np.full((2, 3), strong / 10))] * loop
        return inputs, populations, projections, readouts

    inputs = [Input("A"), Input("B", 1)]
    populations = [Population("E", "E", neuron, 2, bias=[0.0, 1e-3]), Population("I", "I", neuron, 3)]
    populations.append(Population("out", "E", neuron))
    readouts = [Readout("E"), Readout("out")]
    stimuli = np.random.default_rng(0).random((5, 2))
    for loop in (False, True):
        intact = Circuit("two inputs", *circuit(0.5, loop))
        circuits = [intact, ablate(intact, 0.5), ablate(intact), compensate(intact, 0.1)]
        check(circuits, [stimuli, stimuli, stimuli * 2, stimuli])


def test_one_array_for_all_no_readouts_and_no_trials():
    xor = TruthTable("0110")
    intact = synthesize(xor, kind="rate")
    circuits = [ablate(intact, k / 20) for k in range(20)]
    check(circuits, np.random.default_rng(0).random((20, 3, 2)))
    check([replace(circuit, readouts=()) for circuit in circuits], [xor.patterns] * 20)
    check(circuits, [xor.patterns[:0]] * 20)
