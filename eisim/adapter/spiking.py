"""From a rate circuit to the spiking circuit with the same rates, up to one factor for each population.

A threshold-linear unit becomes one LIF neuron, whose f-I curve is a straight line. A bounded unit becomes several,
with different thresholds and gains, whose f-I curves saturate by refractoriness; their sum, with non-negative weights,
is the unit's activation.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy
from scipy import sparse

from eisim.adapter.activations import refuse_refractory
from eisim.adapter.limits import check_afferents, check_uncoupled
from eisim.adapter.names import Unused
from eisim.adapter.static import static_dnn
from eisim.base.errors import InputError, explains_arguments
from eisim.base.units import scalar_si
from eisim.circuit import Circuit, Population, Projection, delay_matrix
from eisim.neurons import LIF, ExponentialLinear, Logistic, RateUnit, Saturating, Softplus, Step, ThresholdLinear
from eisim.stimuli import checked
from eisim.synapses import Exponential

#: Of the most active unit of each population, in Hz.
RATE = 100.0
#: Its membrane is far slower than the intervals between spikes, so that the f-I curve is a straight line but for half a
#: threshold at its foot, ``rate = (drive / rheobase - 1/2) / tau``.
INTEGRATOR = LIF(
    tau=1.0, refractory=0.0, excitation=Exponential(2e-3), inhibition=Exponential(2e-3), reset_by_subtraction=True
)
#: The same with a refractory period, so that its rate is at most 100 Hz, and synapses that smooth single spikes.
BOUNDED = LIF(tau=1.0, refractory=10e-3, excitation=Exponential(10e-3), inhibition=Exponential(10e-3))
#: Rates that bounded neurons would have without their refractory period when a unit's input spans its range, in Hz.
STEEPNESS = (400.0, 1600.0)
#: So many thresholds are offered over the range of a unit's input.
THRESHOLDS = 12
#: A step neuron's, when its input exceeds the threshold by all that the stimuli can give, in Hz.
STEP_STEEPNESS = 50_000.0
PARTS = "_parts"


@dataclass(frozen=True, eq=False)
class _Parts:
    """Neurons that stand for one unit: ``unit = sum over parts of weight * f(gain * (drive - threshold))``.

    f is the neuron's rate for what its rate would be if its f-I curve were a straight line; arrays are by part.
    """

    neuron: LIF
    gains: np.ndarray
    thresholds: np.ndarray
    weights: np.ndarray


@explains_arguments
def to_spiking(circuit: Circuit, stimuli, rate=RATE, input_rate=None) -> Circuit:
    """The spiking circuit of a rate circuit.

    The rates of each population of threshold-linear units are scaled so that its most active unit fires at `rate` for
    the strongest of the stimuli: weights are normalised by data (Diehl et al., IJCNN 2015). Each saturating, logistic
    or step unit becomes several neurons (see `parts_of`), of at most 100 Hz.

    Parameters
    ----------
    circuit : Circuit
        Feed-forward.
    stimuli : array_like of shape (trials, inputs)
        Representative ones.
    rate : quantity
        In Hz.
    input_rate : quantity, optional
        The same of the inputs, each a bundle of fibres if it is high; `rate` by default.

    Returns
    -------
    Circuit
        With readout thresholds scaled likewise. The neurons of bounded units are a population ``name_parts`` if the
        units are read out, and ``name`` then has the sums.

    Raises
    ------
    InputError
        For a circuit that is not one of rate units.
    """
    rate = _positive(rate, "rate")
    input_rate = rate if input_rate is None else _positive(input_rate, "input_rate")
    if circuit.kind != "rate":
        raise InputError(f"to_spiking: expected a rate circuit, found {circuit.name!r}, which is {circuit.kind}")
    check_afferents(circuit, "to_spiking")
    check_uncoupled(circuit, "to_spiking")
    stimuli = checked(stimuli, [(i.name, i.size) for i in circuit.inputs], "to_spiking: stimuli")
    scales = spiking_scales(circuit, stimuli, rate, input_rate)
    drives = _largest_excess(circuit, stimuli)
    read_out = {r.population for r in circuit.readouts}
    sums = {p.name for p in circuit.populations if p.name in read_out and not isinstance(p.neuron, ThresholdLinear)}
    parts = {p.name: parts_of(p.neuron, scales[p.name], drives[p.name]) for p in circuit.populations}
    inputs = {i.name for i in circuit.inputs}
    unused = Unused((*inputs, *parts))
    names = {name: unused(name + PARTS) if name in sums else name for name in (*inputs, *parts)}

    populations, projections = [], []
    for p in circuit.populations:
        mine, name = parts[p.name], names[p.name]
        bias = mine.gains[:, None] * (p.bias - mine.thresholds[:, None])  # parts × units
        drive, kind = _drive(mine.neuron, bias.ravel()), {"cell_type": p.cell_type}
        silenced = tuple(k * p.size + unit for k in range(len(mine.gains)) for unit in p.silenced)
        populations.append(Population(name, p.sign, mine.neuron, bias.size, drive, silenced=silenced, **kind))
        if p.name in sums:
            drive = _drive(INTEGRATOR, np.zeros(p.size))
            populations.append(Population(p.name, p.sign, INTEGRATOR, p.size, drive, silenced=p.silenced, **kind))
            sends = ~np.isin(np.arange(p.size), p.silenced)
            weights = sparse.kron(mine.weights[:, None] * scales[p.name], sparse.diags_array(sends.astype(float)))
            projections.append(Projection(name, p.name, _volts(weights, INTEGRATOR, 1)))
    for projection in circuit.projections:
        source, target = projection.source, projection.target
        outgoing = np.array([1 / scales[source]]) if source in inputs else parts[source].weights
        weights = sparse.kron(np.outer(outgoing, parts[target].gains), circuit.weights(projection))
        weights = _volts(weights, parts[target].neuron, circuit.sign(projection))
        delay = delay_matrix(circuit, projection)  # that of a unit for all its parts
        delay = np.kron(np.ones((np.size(outgoing), np.size(parts[target].gains))), delay) if delay.ndim else delay
        projections.append(Projection(names[source], names[target], weights, delay, name=projection.name))
    return replace(
        circuit,
        inputs=[replace(i, rate=i.rate * scales[i.name]) for i in circuit.inputs],
        populations=populations,
        projections=projections,
        readouts=[replace(r, threshold=r.threshold * scales[r.population]) for r in circuit.readouts],
    )


def spiking_scales(circuit: Circuit, stimuli, rate: float = RATE, input_rate: float | None = None) -> dict[str, float]:
    """For each input and population, what the rates of the rate circuit are multiplied with."""
    rates = static_dnn(circuit).rates(stimuli)
    largest = {name: float(values.max(initial=0)) for name, values in rates.items()}
    wanted = dict.fromkeys(largest, rate) | {i.name: input_rate or rate for i in circuit.inputs}
    return {name: wanted[name] / value if value > 0 else 1.0 for name, value in largest.items()}


def parts_of(unit: RateUnit, scale: float, largest_excess: float) -> _Parts:
    """The neurons that stand for a rate unit.

    The scale is the rate of a threshold-linear unit's neuron for 1 Hz of the unit; the excess that by which a step
    unit's input exceeds its threshold, in Hz.
    """
    refuse_refractory(unit, "to_spiking")
    if isinstance(unit, ThresholdLinear):
        one = np.array([unit.gain * scale]), np.array([unit.threshold]), np.array([1 / scale])
        return _Parts(INTEGRATOR, *one)
    if isinstance(unit, (Softplus, ExponentialLinear)) and unit.is_convex:
        return _convex_parts(unit, scale)
    if isinstance(unit, Step):
        gain = np.array([STEP_STEEPNESS / largest_excess])
        return _Parts(BOUNDED, gain, np.array([unit.threshold]), np.array([unit.maximum * BOUNDED.refractory]))
    if isinstance(unit, Saturating):
        low, high = unit.threshold, unit.threshold + unit.maximum / unit.gain if unit.gain else np.inf
    elif isinstance(unit, Logistic):
        low, high = unit.threshold - 5 * unit.slope, unit.threshold + 5 * unit.slope
    if not isinstance(unit, (Saturating, Logistic)) or not np.isfinite(high):
        raise InputError(f"to_spiking: expected units whose activation f-I curves can make, found {unit!r}")
    span = high - low
    candidates = np.linspace(low, high, THRESHOLDS, endpoint=False)
    thresholds, gains = (a.ravel() for a in np.meshgrid(candidates, np.array(STEEPNESS) / span))
    drive = np.linspace(low - 0.1 * span, high + span, 600)
    weights, used = _fitted(
        BOUNDED.activation(_drive(BOUNDED, gains * (drive[:, None] - thresholds))), unit.activation(drive)
    )
    return _Parts(BOUNDED, gains[used], thresholds[used], weights)


def _convex_parts(unit: Softplus | ExponentialLinear, scale: float) -> _Parts:
    """Threshold-linear neurons whose rates add up to a convex activation that is a line far up."""
    thresholds = unit.threshold + unit.scale * np.linspace(-6, 6, 17)
    drive = unit.threshold + unit.scale * np.linspace(-10, 20, 1201)
    weights, used = _fitted(np.maximum(drive[:, None] - thresholds, 0.0), unit.activation(drive))
    return _Parts(INTEGRATOR, np.full(len(weights), scale), thresholds[used], weights / scale)


def _fitted(curves, wanted) -> tuple[np.ndarray, np.ndarray]:
    """Non-negative weights of the curves (samples × curves) whose sum comes nearest, and which curves have one."""
    weights, _ = scipy.optimize.nnls(curves, wanted)
    used = weights > 1e-3 * weights.max(initial=0)
    return scipy.optimize.nnls(curves[:, used], wanted)[0], used


def _drive(neuron, rates):
    """What would make a neuron fire at these rates, in Hz, if its f-I curve were a straight line."""
    return neuron.rheobase * (0.5 + neuron.tau * rates)


def _volts(weights, neuron, sign) -> sparse.csr_array:
    """Synaptic weights with which a presynaptic rate of 1 Hz makes a rate of `weights`, in Hz."""
    area = (neuron.excitation if sign > 0 else neuron.inhibition).area
    return sparse.csr_array(weights * (neuron.tau * neuron.rheobase / area))


def _largest_excess(circuit, stimuli) -> dict[str, float]:
    """By how much the input of each population's units exceeds or misses the threshold at most."""
    dnn = static_dnn(circuit)
    rates = dnn.rates(stimuli)
    away = {layer.name: np.abs(layer.drive(rates) - layer.neuron.threshold) for layer in dnn.layers}
    return {name: float(excess.max(initial=0)) or 1.0 for name, excess in away.items()}


def _positive(value, what) -> float:
    value = scalar_si(value, "hertz", f"to_spiking: {what}")
    if value <= 0:
        raise InputError(f"to_spiking: {what}: expected more than 0, found {value:g}")
    return value
