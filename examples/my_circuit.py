"""Disinhibition: B silences the interneuron that gates A, so A is transmitted only together with B."""

from eisim import LIF, Circuit, Input, Population, Projection, Readout, ThresholdLinear

NEURON = {"spiking": LIF(), "rate": ThresholdLinear()}


def circuit(kind):
    weight = 0.06 if kind == "spiking" else 1.0  # volts for LIF neurons, dimensionless for rate units
    cells = {"gate": "I", "release": "I", "out": "E"}
    wires = {("A", "out"): 1, ("A", "gate"): 2, ("B", "release"): 2, ("release", "gate"): 3, ("gate", "out"): 3}
    return Circuit(
        "disinhibition",
        inputs=[Input("A"), Input("B")],
        populations=[Population(name, sign, NEURON[kind]) for name, sign in cells.items()],
        projections=[Projection(*wire, [[times * weight]]) for wire, times in wires.items()],
        readouts=[Readout("out", 25.0)],
    )
