"""From a rate circuit to the spiking circuit with the same rates, up to one factor for each population."""

from dataclasses import replace

from eisim.adapter.static import static_dnn
from eisim.circuit import Circuit, Projection
from eisim.errors import InputError
from eisim.neurons import LIF, ThresholdLinear
from eisim.synapses import Exponential
from eisim.units import scalar_si, to_si

#: Of the most active unit of each population, in Hz.
RATE = 100.0
#: Its membrane is far slower than the intervals between spikes, so that the f-I curve is a straight line but for half a
#: threshold at its foot, ``rate = (drive / rheobase - 1/2) / tau``.
INTEGRATOR = LIF(tau=1.0, refractory=0.0, excitation=Exponential(5e-3), inhibition=Exponential(5e-3))


def to_spiking(circuit: Circuit, stimuli, rate=RATE) -> Circuit:
    """The spiking circuit of a rate circuit of threshold-linear units.

    Each unit becomes a LIF neuron whose f-I curve is the unit's activation. The rates of each population are scaled so
    that its most active unit fires at `rate` for the strongest of the stimuli: weights are normalised by data (Diehl et
    al., IJCNN 2015).

    Parameters
    ----------
    circuit : Circuit
        Feed-forward.
    stimuli : array_like of shape (trials, inputs)
        Representative ones.
    rate : quantity
        In Hz.

    Returns
    -------
    Circuit
        With readout thresholds scaled likewise.

    Raises
    ------
    InputError
        If a population is not of threshold-linear units; the message names it.
    """
    rate = scalar_si(rate, "hertz", "to_spiking: rate")
    if rate <= 0:
        raise InputError(f"to_spiking: rate: expected more than 0, found {rate:g}")
    for p in circuit.populations:
        if not isinstance(p.neuron, ThresholdLinear):
            raise InputError(
                f"to_spiking: population {p.name!r}: expected threshold-linear units, whose activation an f-I curve "
                f"has, found {p.neuron!r}"
            )
    scales = spiking_scales(circuit, stimuli, rate)
    slope = INTEGRATOR.tau * INTEGRATOR.rheobase  # V for 1 Hz
    projections = []
    for p in circuit.projections:
        target = circuit.population(p.target)
        area = (INTEGRATOR.excitation if circuit.sign(p) > 0 else INTEGRATOR.inhibition).area
        factor = slope * target.neuron.gain * scales[p.target] / (scales[p.source] * area)
        projections.append(Projection(p.source, p.target, circuit.weights(p) * factor, p.delay, name=p.name))
    populations = [
        replace(
            p,
            neuron=INTEGRATOR,
            bias=slope * p.neuron.gain * scales[p.name] * (p.bias - p.neuron.threshold) + INTEGRATOR.rheobase / 2,
        )
        for p in circuit.populations
    ]
    return replace(
        circuit,
        inputs=[replace(i, rate=i.rate * scales[i.name]) for i in circuit.inputs],
        populations=populations,
        projections=projections,
        readouts=[replace(r, threshold=r.threshold * scales[r.population]) for r in circuit.readouts],
    )


def spiking_scales(circuit: Circuit, stimuli, rate: float = RATE) -> dict[str, float]:
    """For each input and population, what the rates of the rate circuit are multiplied with."""
    stimuli = to_si(stimuli, "1", "to_spiking: stimuli")
    rates = static_dnn(circuit).rates(stimuli)
    return {
        name: rate / largest if (largest := float(values.max(initial=0))) > 0 else 1.0 for name, values in rates.items()
    }
