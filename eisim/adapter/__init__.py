"""The adapter: circuits as DNNs, unrolled (equivalent) or static (the f-I approximation), and DNNs as circuits."""

from eisim.adapter.dale import decode, from_dnn, on_off, rate_outputs
from eisim.adapter.limits import check_afferents
from eisim.adapter.spiking import to_spiking
from eisim.adapter.static import DNN, static_dnn, static_outputs
from eisim.adapter.unrolled import UnrolledDNN, unroll
from eisim.base.errors import InputError, explains_arguments
from eisim.base.timing import Timing
from eisim.circuit import Circuit


@explains_arguments
def to_dnn(circuit: Circuit, unrolled: bool = False, *, duration=300e-3, window=200e-3, dt=0.1e-3) -> DNN | UnrolledDNN:
    """The deep network of a circuit: its f-I approximation, or unrolled, the equivalent DNN.

    Parameters
    ----------
    circuit : Circuit
    unrolled : bool
        False for the f-I approximation, a static DNN: the map at the fixed point, with the neurons' activations, which
        are f-I curves for spiking neurons. True for the equivalent DNN, which is unrolled: one layer for each time
        step, equal to the simulation to rounding (rates) or spike for spike (without noise).
    duration, window, dt : quantity
        Of the unrolled DNN, as in `simulate`.

    Returns
    -------
    DNN or UnrolledDNN

    Raises
    ------
    InputError
        If the circuit has membrane noise and `unrolled` is asked for; for currents that fluctuate; and for given spike
        times, which are no rate, and gap junctions, unless `unrolled` is asked for.

    Examples
    --------
    >>> from eisim import TruthTable, synthesize, to_dnn
    >>> xor = TruthTable("0110")
    >>> dnn = to_dnn(synthesize(xor, kind="rate"))
    >>> dnn.decide(xor.patterns)[:, 0], dnn.is_nonnegative
    (array([False,  True,  True, False]), False)
    """
    if not unrolled:
        return static_dnn(circuit)
    if any(getattr(p.neuron, "noise", 0) for p in circuit.populations):
        raise InputError(
            f"to_dnn: the unrolled DNN is deterministic, expected a circuit without noise "
            f"(see Circuit.without_noise), found noise in {circuit.name!r}"
        )
    check_afferents(circuit, "to_dnn: the unrolled DNN", spikes=False, currents=False)
    return unroll(circuit, Timing(duration, window, dt))


__all__ = [
    "DNN",
    "UnrolledDNN",
    "decode",
    "from_dnn",
    "on_off",
    "rate_outputs",
    "static_dnn",
    "static_outputs",
    "to_dnn",
    "to_spiking",
]
