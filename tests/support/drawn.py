"""Randomly drawn circuits, shared by the tests of the simulator and of the adapter."""

import numpy as np
from hypothesis import strategies as st

from eisim import (
    LIF,
    Circuit,
    Exponential,
    Input,
    Logistic,
    Population,
    Projection,
    Readout,
    Saturating,
    Step,
    ThresholdLinear,
)

RATE_UNITS = (
    Saturating(tau=5e-3, gain=1.5),
    ThresholdLinear(gain=0.2, threshold=5.0),
    Logistic(threshold=40.0),
    Step(tau=20e-3, threshold=60.0),
)
LIF_NEURONS = (
    LIF(),
    LIF(tau=20e-3, refractory=0.0, excitation=Exponential(20e-3)),
    LIF(refractory=5e-3, inhibition=Exponential(3e-3)),
    LIF(reset=-60e-3, refractory=2.3e-3),
)
DT = 0.5e-3
TIMES = {"duration": 150e-3, "window": 100e-3, "dt": DT}


def draw_circuit(kind, seed, *, excitatory_only=False, feed_forward=False, delays=True):
    """A circuit of 2 to 4 populations of 1 to 3 neurons, of mixed models and signs, fixed by the seed."""
    rng = np.random.default_rng(seed)
    models = RATE_UNITS if kind == "rate" else LIF_NEURONS
    scale, tonic = (1.0, 20.0) if kind == "rate" else (40e-3, 10e-3)

    def weights(*shape):
        return scale * rng.random(shape) * (rng.random(shape) < 0.7)

    def delay(*shape):
        return rng.integers(0, 6, shape) * DT if delays and rng.random() < 0.5 else 0.0

    populations = []
    for k in range(rng.integers(2, 5)):
        size, sign = int(rng.integers(1, 4)), "E" if excitatory_only or rng.random() < 0.6 else "I"
        model = models[rng.integers(len(models))]
        populations.append(Population(f"p{k}", sign, model, size, tonic * (rng.random(size) - 0.3)))
    inputs = [Input("x", 2), Input("y", 1, 80.0)]
    projections = []
    for i, source in enumerate([*inputs, *populations]):
        for j, target in enumerate(populations):
            if feed_forward and i - len(inputs) >= j:
                continue
            shape = (source.size, target.size)
            projections.append(Projection(source.name, target.name, weights(*shape), delay(*shape)))
    readouts = [Readout(p.name) for p in populations]
    return Circuit(f"drawn {seed}", inputs, populations, projections, readouts)


seeds = st.integers(0, 10**6)
stimuli = st.lists(st.lists(st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]), min_size=3, max_size=3), min_size=1, max_size=4)
