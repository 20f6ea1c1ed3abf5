"""Two small circuits that have every neuron model, receptor, kind of noise, drive, delay and plasticity there is."""

import numpy as np

from eisim import (
    LIF,
    NMDA,
    AbbottChance,
    AllToAll,
    Alpha,
    Circuit,
    Conductance,
    ConductanceLIF,
    Delta,
    Exponential,
    ExponentialLinear,
    Independent,
    Input,
    Logistic,
    Population,
    PowerLaw,
    Projection,
    Readout,
    Saturating,
    ShortTerm,
    Softplus,
    Step,
    Theta,
    ThresholdLinear,
    WilsonCowan,
)

TIMES = {"duration": 100e-3, "window": 60e-3, "dt": 0.2e-3}
STIMULI = {"spiking": np.random.default_rng(0).random((3, 5)), "rate": np.random.default_rng(1).random((3, 3))}

SPIKING = {
    "quiet": LIF(),
    "noisy": LIF(noise=2e-3, refractory=3e-3, inhibition=Exponential(6e-3)),
    "mixed": LIF(excitation=Alpha(2e-3), inhibition=Delta(), reset_by_subtraction=True),
    "conductance": ConductanceLIF(nmda=NMDA(), inhibition=Conductance(-70e-3, 8e-3, 1e-3), noise=1e-3),
    "theta": Theta(tau=5e-3),
}
#: A weight that matters for neurons of a class, and a tonic drive near threshold.
SCALE = {LIF: (8e-3, 13e-3), ConductanceLIF: (6e-9, 0.08e-9), Theta: (1.5, 0.02)}

RATE = {
    "linear": ThresholdLinear(gain=0.2, threshold=5.0),
    "saturating": Saturating(tau=5e-3, gain=1.5, refractory=2e-3),
    "logistic": Logistic(threshold=40.0, noise=5.0),
    "step": Step(tau=20e-3, threshold=10.0),
    "power": PowerLaw(),
    "wilson_cowan": WilsonCowan(threshold=20.0, refractory=1e-3),
    "softplus": Softplus(threshold=5.0, noise=2.0),
    "exponential_linear": ExponentialLinear(threshold=10.0, refractory=2e-3),
    "abbott_chance": AbbottChance(threshold=10.0, noise=2.0, refractory=5e-3),
}


def spiking(seed=0) -> Circuit:
    """Every spiking model twice; few kinds of synapses, since each takes its time to compile."""
    rng = np.random.default_rng(seed)
    inputs = [Input("x", 2, 120.0), Input("y", 2, 150.0, train="poisson"), Input("drive", 1, 900.0, train="poisson")]
    populations, projections = [], []
    for name, neuron in SPIKING.items():
        scale, tonic = SCALE[type(neuron)]
        populations.append(Population(name, "I" if name == "noisy" else "E", neuron, 2, tonic * rng.random(2)))
        projections += [
            Projection("x", name, scale * rng.random((2, 2)), delay=rng.integers(0, 8, (2, 2)) * 0.2e-3),
            Projection("y", name, scale * rng.random((2, 2)), delay=1e-3),
            Projection("drive", name, Independent(0.1 * scale)),
        ]
    scale, _ = SCALE[LIF]
    projections += [
        Projection("quiet", "noisy", scale * rng.random((2, 2)), 0.6e-3, plasticity=ShortTerm(0.4, 0.2, 0.3)),
        Projection("noisy", "quiet", scale * rng.random((2, 2)), plasticity=ShortTerm(0.6, 0.1)),
        Projection("noisy", "mixed", 0.2 * scale * rng.random((2, 2))),
        Projection("quiet", "conductance", 2e-9 * rng.random((2, 2)), 1e-3, receptor="nmda"),
        Projection("noisy", "conductance", AllToAll(3e-9)),
    ]
    return Circuit(f"spiking {seed}", inputs, populations, projections, [Readout(name) for name in SPIKING])


def rate(seed=0) -> Circuit:
    """Every rate unit twice, in a chain that the last of them inhibits, with a delay."""
    rng = np.random.default_rng(seed)
    names = list(RATE)
    populations = [
        Population(name, "I" if name == "abbott_chance" else "E", unit, 2, 30 * rng.random(2))
        for name, unit in RATE.items()
    ]
    inputs = [Input("x", 2, 80.0), Input("y", 1, 50.0)]
    ring = zip(["x", "y", *names], names, strict=False)
    projections = [Projection("x", name, 0.3 * rng.random((2, 2))) for name in names[2:4]]
    projections += [
        Projection(source, target, 0.4 * rng.random((1 if source == "y" else 2, 2)), 1e-3 * (source == "linear"))
        for source, target in (*ring, ("abbott_chance", "linear"), ("abbott_chance", "power"))
    ]
    return Circuit(f"rate {seed}", inputs, populations, projections, [Readout(name) for name in names])


def moving(name: str) -> np.ndarray:
    """Stimuli that change over time."""
    return np.repeat(STIMULI[name][:, None], 5, axis=1) * np.linspace(0.5, 1, 5)[:, None]


CIRCUITS = {"spiking": spiking, "rate": rate}


def numbers(response) -> dict[str, np.ndarray]:
    """All that a response holds, by name."""
    found = {f"rates of {name}": values for name, values in response.rates.items()}
    found |= {f"trace of {name}": values for name, values in response.traces.items()}
    for name, spikes in response.spikes.items():
        order = np.lexsort((spikes.neuron, spikes.step, spikes.copy))
        found[f"spikes of {name}"] = np.stack([spikes.copy, spikes.neuron, spikes.step])[:, order]
    return found
