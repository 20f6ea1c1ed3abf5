"""A small model for tests: two units that inhibit each other through interneurons decide which input is stronger.

It is what `models/` holds one of in a file, as small as it can be.
"""

import numpy as np

from eisim import LIF, Circuit, Input, Obstruction, Population, Projection, Saturating, Task
from eisim.analysis.task import Fact

FUNCTION = "decide"
STIMULI = np.array([[0.8, 0.5], [0.5, 0.8], [0.8, 1.0], [1.0, 0.8]])
CHOSEN = 30.0  # Hz that a side must lead by


def circuit(kind="spiking", *, seed=0, noise=0.3e-3):
    rate = kind == "rate"
    neuron = Saturating() if rate else LIF(noise=noise)
    excites, crosses, inhibits = (1.0, 1.0, 1.5) if rate else (45e-3, 40e-3, 60e-3)
    return Circuit(
        f"two-choice-{kind}",
        [Input("x", 2)],
        [Population("E", "E", neuron, 2), Population("I", "I", neuron, 2)],
        [
            Projection("x", "E", excites * np.eye(2)),
            Projection("E", "I", crosses * np.eye(2)),
            Projection("I", "E", inhibits * (1 - np.eye(2))),
        ],
        seed=seed,
    )


def score(response):
    """Share of trials in which the side with the stronger input leads clearly."""
    a, b = response.rates["E"].T
    stronger = np.sign(STIMULI[:, 0] - STIMULI[:, 1])
    return float((stronger * (a - b) > CHOSEN).mean())


def first_side(response):
    return response.rates["E"][:, 0]


def task(kind="spiking", *, quick=False):
    return Task(
        circuit=lambda seed: circuit(kind, seed=seed),
        stimuli=STIMULI,
        score=score,
        measure="share of trials in which the side with the stronger input leads by 30 Hz",
        obstruction=Obstruction.POSITIVE_SLOPE,
        criterion=0.75,
        output=first_side,
        duration=150e-3 if quick else 300e-3,
        window=100e-3,
        dt=0.5e-3,
    )


def published(report=lambda stage, fraction=None: None):
    report("nothing to measure")
    yield Fact("choices", 2, 2.0, 0.1, "this file")
    yield Fact("winners", 1, 2.0, 0.5, "this file")
