r"""Spiking circuits as NIR graphs (Pedersen et al., Nature Communications 15:8122, 2024).

Needs the extra ``eisim[nir]``. Times are in s, potentials in V above the neuron's rest. A spike is the number 1 during
one time step :math:`dt`, as the simulators that read NIR take it; so a synapse whose current jumps by
:math:`w` at a spike is

.. math:: \tau_s \dot{I} = -I + \frac{\tau_s}{dt} w S, \qquad \tau \dot{v} = (b - v) + I

with the tonic drive :math:`b` as leak potential. A population whose synapses have one time constant is a ``CubaLIF``.
Its current is counted in units of :math:`dt/\tau` V, that is :math:`r = \tau/dt` and :math:`w_{in} = \tau_s/\tau`, the
scale that snnTorch expects; the equations are the same. Where excitation and inhibition decay differently, each passes
a ``LI`` of its own and a ``LIF`` takes their sum.
"""

import io
import re
from itertools import pairwise

import numpy as np

from eisim.adapter.limits import check_plain
from eisim.circuit import Circuit, Population
from eisim.errors import InputError, explains_arguments
from eisim.units import scalar_si

#: What the neurons in NIR do not have, with the values that say so.
LACKING = {"noise": 0.0, "refractory": 0.0, "reset_by_subtraction": False}


def _nir():
    try:
        import nir
    except ImportError:
        raise InputError("NIR: expected the package nir installed (pip install 'eisim[nir]')") from None
    return nir


@explains_arguments
def to_nir(circuit: Circuit, dt=0.1e-3):
    """The NIR graph of a spiking circuit.

    Parameters
    ----------
    circuit : Circuit
        Without what NIR does not have, see `LACKING` and `Circuit.with_neurons`.
    dt : quantity
        Time step of the simulator that is to read the graph, during which a spike is 1.

    Returns
    -------
    nir.NIRGraph
        From ``input``, all afferents, to ``output``, all readout neurons. Each population is a node of its name. To be
        saved with ``nir.write(path, graph)``.

    Raises
    ------
    InputError
        For a rate circuit, one without readouts, or one with what NIR does not have.
    """
    nir, dt = _nir(), scalar_si(dt, "second", "to_nir: dt")
    if not isinstance(circuit, Circuit):
        raise InputError(f"to_nir: expected a Circuit, found {circuit!r}")
    if not dt > 0:
        raise InputError(f"to_nir: dt: expected more than 0, found {dt:g} s")
    if circuit.kind != "spiking":
        raise InputError(f"to_nir: expected a spiking circuit, found the rate circuit {circuit.name!r}")
    if not circuit.readouts:
        raise InputError(f"to_nir: circuit {circuit.name!r}: expected at least one readout, found none")
    check_plain(circuit, "to_nir")
    for p in circuit.populations:
        for what in LACKING:
            if value := getattr(p.neuron, what):
                raise InputError(
                    f"to_nir: population {p.name!r}: expected no {what}, since NIR has none, found {value}; "
                    "circuit.with_neurons(**eisim.adapter.nir_format.LACKING) can be exported"
                )
    graph = _Graph(nir)
    graph.add("input", nir.Input({"input": np.array([circuit.n_inputs])}))
    output = graph.add("output", nir.Output({"output": np.array([circuit.n_readouts])}))
    sources, start = {}, 0  # of each source the node, its size, and where the source begins in it
    for i in circuit.inputs:
        sources[i.name] = "input", circuit.n_inputs, start
        start += i.size
    targets = {}  # of each population and sign the node that takes the spikes
    for p in circuit.populations:
        signs = {circuit.sign(q) for q in circuit.projections if q.target == p.name and circuit.weights(q).nnz}
        node, targets[p.name] = graph.population(p, signs, dt)
        sources[p.name] = node, p.size, 0
    for projection in circuit.projections:
        matrix, sign = circuit.weights(projection).tocoo(), circuit.sign(projection)
        delays = np.broadcast_to(projection.delay, matrix.shape)[matrix.coords]
        node, size, first = sources[projection.source]
        for delay in np.unique(delays):
            chosen = delays == delay
            weights = np.zeros((matrix.shape[1], size))
            weights[matrix.coords[1][chosen], first + matrix.coords[0][chosen]] = sign * matrix.data[chosen]
            delayed = [graph.add(f"{projection.name} delay", nir.Delay(np.full(size, delay)))] if delay else []
            linear = graph.add(projection.name, nir.Linear(weights))
            graph.connect(node, *delayed, linear, targets[projection.target][sign])
    row = 0
    for readout in circuit.readouts:
        node, size, _ = sources[readout.population]
        if len(circuit.readouts) == 1:
            graph.connect(node, output)
            continue
        graph.connect(
            node, graph.add(f"{readout.population} out", nir.Linear(np.eye(circuit.n_readouts, size, -row))), output
        )
        row += size
    return nir.NIRGraph(
        graph.nodes, graph.edges, metadata={"circuit": circuit.name, "dt": float(dt), "units": "s; V above rest"}
    )


def write_nir(graph) -> bytes:
    """A NIR graph as a file, which ``nir.read`` reads."""
    buffer = io.BytesIO()
    _nir().write(buffer, graph)
    return buffer.getvalue()


class _Graph:
    """Nodes and edges of a NIR graph while it grows."""

    def __init__(self, nir):
        self.nir, self.nodes, self.edges = nir, {}, []

    def add(self, name: str, node) -> str:
        """Add a node under its name, in letters, digits and underscores, as its readers need it."""
        name = re.sub(r"\W+", "_", name.replace("->", "_to_"))
        unique, k = name, 2
        while unique in self.nodes:
            unique, k = f"{name}_{k}", k + 1
        self.nodes[unique] = node
        return unique

    def connect(self, *path: str) -> None:
        """Connect nodes in a row."""
        self.edges += pairwise(path)

    def population(self, p: Population, signs: set[int], dt: float) -> tuple[str, dict[int, str]]:
        """Add a population; its node, and for each sign the node that takes spikes of that sign."""
        taus = {sign: (p.neuron.excitation if sign > 0 else p.neuron.inhibition).tau for sign in signs or {1}}
        membrane = {
            "v_leak": p.bias.copy(),
            "v_threshold": np.full(p.size, p.neuron.threshold - p.neuron.rest),
            "v_reset": np.full(p.size, p.neuron.reset - p.neuron.rest),
        }
        tau, one = np.full(p.size, p.neuron.tau), np.ones(p.size)
        if len(set(taus.values())) == 1:
            tau_syn = one * next(iter(taus.values()))
            cuba = self.nir.CubaLIF(tau_syn=tau_syn, tau_mem=tau, r=tau / dt, w_in=tau_syn / tau, **membrane)
            node = self.add(p.name, cuba)
            return node, dict.fromkeys(taus, node)
        node = self.add(p.name, self.nir.LIF(tau=tau, r=one, **membrane))
        filters = {}
        for sign, tau_s in taus.items():
            receptor = self.nir.LI(tau=one * tau_s, r=one * tau_s / dt, v_leak=np.zeros(p.size))
            filters[sign] = self.add(f"{p.name} {'excitation' if sign > 0 else 'inhibition'}", receptor)
            self.connect(filters[sign], node)
        return node, filters
