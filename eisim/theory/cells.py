"""The neurons and synaptic strengths that synthesised circuits are made of."""

from dataclasses import dataclass

from eisim.neurons import LIF, RateUnit, Saturating


@dataclass(frozen=True)
class Cells:
    """The neurons and synaptic strengths that a synthesised circuit is made of, one set for each kind.

    Strengths are in units of the input that just reaches the target's threshold when the source fires at the
    inputs' rate.
    """

    neuron: RateUnit | LIF
    to_or: float  # of a coincidence unit onto the neuron that any one of them fires
    inhibition: float  # of an inhibitory neuron onto a coincidence unit
    readout_threshold: float  # Hz


AFFERENT_RATE = 100.0  # Hz
# A coincidence unit of k inputs has its threshold at k - SLACK active ones: nearer to k than to k - 1, because noise
# makes a unit below threshold fire, but hardly silences one above.
SLACK = 0.4
CELLS = {
    "rate": Cells(
        # The gain makes the least that 6 coincident inputs leave above threshold saturate the unit.
        Saturating(tau=10e-3, threshold=AFFERENT_RATE, gain=15.0, maximum=AFFERENT_RATE),
        to_or=2.0,
        inhibition=2.0,
        readout_threshold=50.0,
    ),
    "spiking": Cells(LIF(noise=0.5e-3), to_or=4.0, inhibition=5.0, readout_threshold=25.0),
}


def just_at_threshold(neuron: RateUnit | LIF, sign: int) -> float:
    """Weight with which a source that fires at `AFFERENT_RATE` brings as much input as reaches threshold."""
    if neuron.kind == "rate":
        return neuron.threshold / AFFERENT_RATE
    receptor = neuron.excitation if sign > 0 else neuron.inhibition
    return neuron.rheobase / (receptor.area * AFFERENT_RATE)
