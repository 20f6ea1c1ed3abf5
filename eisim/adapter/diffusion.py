"""The diffusion approximation: a neuron under many small inputs as a membrane with mean drive and white noise."""

import math
from dataclasses import dataclass

import numpy as np

from eisim.synapses import Alpha, Delta, Exponential

#: |ζ(1/2)|, the shift of threshold and reset for a synapse as slow as the membrane, in its standard deviations.
SHIFT = 1.4603545088095868


@dataclass(frozen=True, eq=False)
class Diffusion:
    r"""A leaky integrate-and-fire neuron under Gaussian noise; arrays are over neurons that differ.

    Noise that synapses have filtered acts as white noise with threshold and reset raised by
    :math:`|\zeta(1/2)|\sqrt{\tau_s/\tau}` standard deviations, to first order in the root (Fourcaud & Brunel, Neural
    Comput. 14:2057, 2002, eq. 4.33).
    """

    mean: np.ndarray  # of the free membrane potential, in V, as sd
    sd: np.ndarray
    tau: np.ndarray  # of the membrane, with what synapses add to the conductance, in s
    refractory: np.ndarray  # in s
    threshold: np.ndarray  # raised by the filtering of synapses, in V, as the reset
    reset: np.ndarray
    filtering: float  # tau_s / tau, of the noise as a whole
    gain: dict[str, float]  # by receptor: the mean membrane potential for each unit of weight that arrives in a second
    quenched: float  # standard deviation over neurons of the mean that comes from their different inputs, in V

    def neurons(self, score=0.0) -> tuple:
        """Arguments of `eisim.neurons.siegert.siegert` for neurons so many quenched deviations off the mean."""
        mean = self.mean + self.quenched * score
        return mean, self.sd, self.tau, self.refractory, self.threshold, self.reset


def current_based(neuron, vary, inputs, bias, rate) -> Diffusion:
    """Of a `LIF` neuron; `vary` gives a parameter by its name, an array where neurons differ.

    Inputs are by receptor: mean, shot noise and quenched variance of the weights that arrive (`eisim.adapter.moments`).
    The bias is in V; the neuron's own rate, in Hz, is of no consequence here.
    """
    gain = {k: (1 - 2 * (k == "i")) * neuron.area(k) for k in inputs}
    mean = vary("rest") + bias + sum(gain[k] * first for k, (first, _, _) in inputs.items())
    own = vary("noise") ** 2
    return _diffusion(neuron, vary, inputs, gain, mean, vary("tau"), own)


def conductance_based(neuron, vary, inputs, bias, rate) -> Diffusion:
    r"""Of a `ConductanceLIF` neuron; parameters as of `current_based`, with the bias in A.

    Mean conductances add to the leak, which shortens the time constant (Amit & Brunel, Cereb. Cortex 7:237, 1997). The
    current through NMDA receptors is linearised about the mean membrane potential, at which the neuron fires; their
    fluctuations, which are slow, are left out (Brunel & Wang, J. Comput. Neurosci. 11:63, 2001, appendix).
    """
    leak, capacitance = vary("leak"), vary("capacitance")
    span, away = vary("threshold") - vary("reset"), rate * vary("refractory")
    v = (vary("threshold") + vary("reset")) / 2
    open_conductance = {k: neuron.area(k) * first for k, (first, _, _) in inputs.items()}
    for _ in range(50):
        total, current = leak, leak * vary("rest") + bias
        for k, g in open_conductance.items():
            receptor = neuron.receptors[k]
            share, slope = (receptor.open_share(v), receptor.STEEPNESS) if k == "n" else (1.0, 0.0)
            steep = slope * share * (1 - share)
            effective = g * (share - steep * (receptor.reversal - v))
            total = total + effective
            current = current + g * share * (receptor.reversal - v) + effective * v
        total = np.maximum(total, 1e-3 * leak)
        mean, tau = current / total, capacitance / total
        before, v = v, mean - span * rate * tau / np.maximum(1 - away, 1e-3)
        v = (before + np.clip(v, neuron.inhibition.reversal - span, vary("threshold"))) / 2
        if np.abs(v - before).max() < 1e-9:
            break
    gain = {}
    for k in inputs:
        receptor = neuron.receptors[k]
        share = receptor.open_share(v) if k == "n" else 1.0
        gain[k] = neuron.area(k) * share * (receptor.reversal - v) / total
    own = vary("noise") ** 2 * tau * leak / capacitance
    return _diffusion(neuron, vary, inputs, gain, mean, tau, own)


def _diffusion(neuron, vary, inputs, gain, mean, tau, own):
    variance, roots, quenched = own, 0.0, 0.0
    for k, (_, shot, differing) in inputs.items():
        quenched = quenched + gain[k] ** 2 * differing
        if k != "n":
            part = gain[k] ** 2 * shot / (2 * tau)
            variance, roots = variance + part, roots + part * np.sqrt(sum(_time_constants(neuron.receptors[k])))
    sd = np.sqrt(variance)
    slow = np.divide(roots, variance * np.sqrt(tau), out=np.zeros_like(sd), where=variance > 0)
    shift = SHIFT * sd * slow
    threshold, reset = vary("threshold") + shift, vary("reset") + shift
    return Diffusion(mean, sd, tau, vary("refractory"), threshold, reset, slow**2, gain, np.sqrt(quenched))


def synaptic_filter(receptor, growth):
    r"""What a receptor makes of changes that go as :math:`e^{\lambda t}`: 1 for slow ones."""
    return 1 / math.prod(1 + growth * tau for tau in _time_constants(receptor))


def _time_constants(receptor) -> tuple[float, ...]:
    """Of the exponentials whose convolution is the response of a receptor, in s.

    Their sum is the correlation time of the noise that white noise becomes: the integral of its autocorrelation over
    that at 0.
    """
    match receptor:
        case Delta():
            return ()
        case Exponential():
            return (receptor.tau,)
        case Alpha():
            return receptor.tau, receptor.tau
    return receptor.tau, receptor.rise
