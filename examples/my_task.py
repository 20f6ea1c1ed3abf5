"""A task: choose the stronger of two inputs, by two units that inhibit each other through interneurons."""

import numpy as np

from eisim import Circuit, Input, Obstruction, Population, Projection, Readout, Saturating, Task

FUNCTION = "choose"
STIMULI = np.array([[0.8, 0.5], [0.5, 0.8], [0.8, 1.0]])


def circuit(seed=0):
    populations = [Population(sign, sign, Saturating(), 2) for sign in "EI"]
    weights = {"x->E": np.eye(2), "E->I": np.eye(2), "I->E": 1.5 * (1 - np.eye(2))}
    projections = [Projection(*name.split("->"), weight) for name, weight in weights.items()]
    return Circuit("choice", [Input("x", 2)], populations, projections, [Readout("E")])


def score(response):  # fraction of trials in which the unit with more input leads by 30 Hz
    first, second = response.rates["E"].T
    return np.mean((first - second > 30) == (STIMULI[:, 0] > STIMULI[:, 1]))


def task(kind):
    return Task(
        circuit,
        STIMULI,
        score,
        measure="fraction of correct choices",
        obstruction=Obstruction.POSITIVE_SLOPE,
        criterion=0.9,
        output=lambda response: response.rates["E"][:, 0],  # falls as the other input increases: a witness
    )
