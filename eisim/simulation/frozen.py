"""A circuit whose learning is over."""

import numpy as np

from eisim.base.errors import InputError, explains_arguments
from eisim.base.values import revised
from eisim.circuit import Circuit, kept_delay, with_magnitudes
from eisim.simulation.response import Response


@explains_arguments
def freeze(circuit: Circuit, response: Response, trial: int = 0, seed: int = 0) -> Circuit:
    """The circuit with the weights as they ended in a trial, and no learning.

    Parameters
    ----------
    circuit : Circuit
        That of the response, or the same with another transmission, as `eisim.ablate` makes it.
    response : Response
        What `eisim.simulate` answered for the circuit.
    trial, seed : int
        Number of the trial, and place of the seed among ``response.seeds``.

    Returns
    -------
    Circuit
        Its weights are what is transmitted. A synapse whose weight has become 0 is none any more.

    Raises
    ------
    InputError
        If the response has no weights of a projection that learns, or other synapses, or no such trial or seed.

    Examples
    --------
    >>> from brian2 import Hz, mV
    >>> from eisim import LIF, Circuit, Input, Population, Projection, freeze, simulate
    >>> from eisim.plasticity import STDP
    >>> learning = Projection("x", "E", [[20 * mV]], learning=STDP(largest=25 * mV))
    >>> circuit = Circuit("one synapse", [Input("x", rate=50 * Hz)], [Population("E", "E", LIF())], [learning])
    >>> frozen = freeze(circuit, simulate(circuit, [[1]], backend="numpy"))
    >>> frozen.projections[0].learning is None
    True
    """
    projections = {p.name: p for p in circuit.projections}
    for p in circuit.learning_projections:
        matrix = circuit.weights(p)
        learnt = _learnt(circuit, p, matrix, response, trial, seed)
        transmitted, delay = learnt * p.transmission, kept_delay(circuit, p)
        projections[p.name] = with_magnitudes(p, matrix, transmitted, delay, learning=None, transmission=1.0)
    return revised(circuit, projections=tuple(projections.values()))


def _learnt(circuit, projection, matrix, response, trial, seed):
    """The weights of a projection at the end of a trial."""
    what = f"freeze: projection {projection.name!r} of circuit {circuit.name!r}"
    stored = getattr(getattr(response, "weights", None), "stored", {})
    if projection.name not in stored:
        raise InputError(f"{what}: expected a response that has its weights, found {response!r:.80}")
    values = np.asarray(stored[projection.name])
    values = values[None] if values.ndim == 2 else values  # without an axis of seeds
    theirs = response.circuit.weights(next(p for p in response.circuit.projections if p.name == projection.name))
    if values.shape[2] != matrix.nnz:
        raise InputError(f"{what}: expected weights of its {matrix.nnz} synapses, found {values.shape[2]}")
    if not (np.array_equal(theirs.indptr, matrix.indptr) and np.array_equal(theirs.indices, matrix.indices)):
        raise InputError(f"{what}: expected weights of its synapses, found those of synapses between other neurons")
    for name, number, size in (("seed", seed, values.shape[0]), ("trial", trial, values.shape[1])):
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or not 0 <= number < size:
            raise InputError(f"freeze: {name}: expected a whole number from 0 to {size - 1}, found {number!r}")
    return values[seed, trial].copy()
