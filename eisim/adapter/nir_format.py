r"""Spiking circuits as NIR graphs (Pedersen et al., Nature Communications 15:8122, 2024).

Needs the extra ``eisim[nir]``. Times are in s, potentials in V above the neuron's rest. A spike is the number 1 during
one time step :math:`dt`, as the simulators that read NIR take it; so a synapse whose current jumps by
:math:`w` at a spike is

.. math:: \tau_s \dot{I} = -I + \frac{\tau_s}{dt} w S, \qquad \tau \dot{v} = (b - v) + I

with the tonic drive :math:`b` as leak potential. A population whose synapses have one time constant is a ``CubaLIF``.
Its current is counted in units of :math:`dt/\tau` V, that is :math:`r = \tau/dt`, the scale that snnTorch asks for.
Where excitation and inhibition decay differently, each passes a ``LI`` of its own and a ``LIF`` takes their sum.

Readers know less than NIR has (see `unread`). A circuit that snnTorch and norse can read is written as they need it:
all neurons are one ``CubaLIF`` node, since norse runs the nodes of a graph in the order of a depth-first search and
takes the last one for the output, which is right only where there is one path. What returns to the neurons passes two
``Linear`` nodes, first those that send and then the weights, since snnTorch takes a ``CubaLIF`` with one for a layer of
its own, which it cannot build. The gains :math:`w_{in}` are folded into the weights (they are 1) unless neurons differ
in :math:`\tau_s` or threshold: of the ratio of threshold to :math:`w_{in}/\tau_s` snnTorch takes one value.
"""

import io
import json
import re
from copy import copy
from itertools import pairwise

import numpy as np
from scipy import sparse

from eisim.adapter.extras import extra
from eisim.adapter.limits import check_afferents, check_plain
from eisim.adapter.names import Unused
from eisim.base.errors import InputError, explains_arguments
from eisim.base.units import scalar_si
from eisim.circuit import Circuit, Population, initial_state, spans

#: What the neurons in NIR do not have, with the values that say so.
LACKING = {"noise": 0.0, "refractory": 0.0, "reset_by_subtraction": False}
#: Members up to which HDF5 keeps names that are not ASCII in the group itself.
FEW = 8
#: What nodes may leave open: the shape of what they receive, which follows from the graph.
OPEN = "input_shape"
#: Readers whose import of NIR graphs was tried.
SNNTORCH, NORSE = READERS = "snnTorch 1.0", "norse 1.1"
#: The time step that snnTorch takes for granted, in s.
SNNTORCH_DT = 1e-4


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
        From ``input``, all afferents, to ``output``, all readout neurons. If snnTorch or norse can read the circuit
        (see `unread`), all its neurons are the node ``neurons``, and the graph's metadata say which are whose; else
        each population is a node of its name. To be saved with ``nir.write(path, graph)``.

    Raises
    ------
    InputError
        For a rate circuit, one without readouts, or one with what NIR does not have: what `LACKING` names, or membrane
        potentials that do not begin at rest.
    """
    nir, dt = extra("nir", "NIR"), scalar_si(dt, "second", "to_nir: dt")
    if not dt > 0:
        raise InputError(f"to_nir: dt: expected more than 0, found {dt:g} s")
    if circuit.kind != "spiking":
        raise InputError(f"to_nir: expected a spiking circuit, found the rate circuit {circuit.name!r}")
    if not circuit.readouts:
        raise InputError(f"to_nir: circuit {circuit.name!r}: expected at least one readout, found none")
    check_plain(circuit, "to_nir")
    check_afferents(circuit, "to_nir")
    for r in circuit.readouts:
        if circuit.population(r.population).silenced:
            raise InputError(
                f"to_nir: readout {r.population!r}: expected neurons that send spikes, found silenced ones"
            )
    for p in circuit.populations:
        for what in LACKING:
            if value := getattr(p.neuron, what):
                raise InputError(
                    f"to_nir: population {p.name!r}: expected no {what}, since NIR has none, found {value}; "
                    "circuit.with_neurons(**eisim.adapter.nir_format.LACKING) can be exported"
                )
        if begins_elsewhere(p):
            raise InputError(
                f"to_nir: population {p.name!r}: expected potentials that begin at rest ({p.neuron.rest:g} V), since "
                f"NIR has no others, found {_elsewhere(p)[0]:g} V"
            )
    inputs = json.dumps([[i.name, i.size, i.rate] for i in circuit.inputs])
    metadata = {"circuit": circuit.name, "dt": float(dt), "units": "s; V above rest", "inputs": inputs}
    if set(unread(circuit, dt)) < set(READERS):
        return _in_one_node(nir, circuit, dt, metadata)
    graph = _Graph(nir)
    graph.add("input", nir.Input({"input": np.array([circuit.n_inputs])}))
    output = graph.add("output", nir.Output({"output": np.array([circuit.n_readouts])}))
    # Of each source the node, its size, and where the source begins in it.
    sources = {name: ("input", circuit.n_inputs, place.start) for name, place in spans(circuit.inputs).items()}
    targets = {}  # of each population and sign the node that takes the spikes
    for p in circuit.populations:
        node, targets[p.name] = graph.population(p, _time_constants(circuit, p), dt)
        sources[p.name] = node, p.size, 0
    for projection in circuit.projections:
        matrix, sign = circuit.weights(projection).tocoo(), circuit.sign(projection)
        delays = np.broadcast_to(circuit.delays(projection), matrix.nnz)
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
        among = nir.Linear(np.eye(circuit.n_readouts, size, -row))
        through = [graph.add(f"{readout.population} out", among)] if len(circuit.readouts) > 1 else []
        graph.connect(node, *through, output)
        row += size
    _connect_all(nir, graph, circuit, sources, targets)
    return nir.NIRGraph(graph.nodes, graph.edges, metadata=metadata)


def _connect_all(nir, graph, circuit, sources, targets) -> None:
    """Connect with weights of 0 what sends or receives nothing: nir would add inputs and outputs of its own there."""
    senders, receivers = ({edge[k] for edge in graph.edges} for k in (0, 1))
    for p in circuit.populations:
        (own, size, _), nodes = sources[p.name], [*dict.fromkeys(targets[p.name].values())]
        missing = [node for node in nodes if node not in receivers]
        if own not in senders:
            silent = graph.add(f"{p.name} silent", nir.Linear(np.zeros((size, size))))
            graph.connect(own, silent, nodes[0])
        if missing or "input" not in senders:
            unused = graph.add(f"{p.name} unused", nir.Linear(np.zeros((size, circuit.n_inputs))))
            graph.connect("input", unused)
            for node in missing or nodes[:1]:
                graph.connect(unused, node)
            senders.add("input")


def begins_elsewhere(p: Population) -> bool:
    """Whether membrane potentials of a population begin elsewhere than at rest."""
    return bool(_elsewhere(p).size)


def _elsewhere(p):
    """What state variables at the start are elsewhere than at rest, in V, or would be if they are drawn."""
    state = initial_state(p, 0)
    at_rest = {"v": p.neuron.rest}
    return np.concatenate([np.empty(0), *(x[x != at_rest.get(name, 0.0)] for name, x in state.items())])


def unread(circuit: Circuit, dt=SNNTORCH_DT) -> dict[str, str]:
    """Which readers do not read the NIR graph of a circuit, or read something else from it, and why.

    By name of the reader, of those in `READERS`; empty if all read what is meant.
    """
    dt = scalar_si(dt, "second", "unread: dt")
    found = {}
    if abs(dt - SNNTORCH_DT) > 1e-9 * SNNTORCH_DT:
        found[SNNTORCH] = f"its time step is {SNNTORCH_DT * 1e3:g} ms, that of the file {dt * 1e3:g} ms"
    for p in circuit.populations:
        if len(taus := sorted(set(_time_constants(circuit, p).values()))) > 1:
            both = " and ".join(f"{tau * 1e3:g}" for tau in taus)
            return found | dict.fromkeys(READERS, f"synapses onto {p.name!r} decay with {both} ms; they know one decay")
        if p.bias.any():
            return found | dict.fromkeys(READERS, f"{p.name!r} has a tonic drive; they know none")
        if p.neuron.reset != p.neuron.rest:
            return found | dict.fromkeys(READERS, f"{p.name!r} is not reset to its leak potential; they know no other")
    for projection in circuit.projections:
        if circuit.delays(projection).any() and circuit.has_synapses(projection):
            return found | dict.fromkeys(READERS, f"{projection.name!r} has delays; they know none")
    return found


def _time_constants(circuit, p) -> dict[int, float]:
    """Of the synapses onto a population, by sign."""
    signs = {circuit.sign(q) for q in circuit.projections if q.target == p.name and circuit.has_synapses(q)}
    return {sign: (p.neuron.excitation if sign > 0 else p.neuron.inhibition).tau for sign in signs or {1}}


def _in_one_node(nir, circuit, dt, metadata):
    """The graph of a circuit of which one ``CubaLIF`` node can hold all neurons."""
    afferents, neurons = spans(circuit.inputs), spans(circuit.populations)
    sizes = [p.size for p in circuit.populations]
    n = sum(sizes)

    def each(value):
        return np.repeat([float(value(p)) for p in circuit.populations], sizes)

    tau, tau_syn = each(lambda p: p.neuron.tau), each(lambda p: next(iter(_time_constants(circuit, p).values())))
    threshold = each(lambda p: p.neuron.threshold - p.neuron.rest)
    w_in = np.ones(n)
    if len({*zip(threshold, tau_syn, strict=True)}) > 1:
        # snnTorch divides thresholds by w_in * (dt / tau_syn) and wants one quotient, to the bit: a power of two.
        quotient = 2.0 ** np.round(np.log2(threshold[0] * tau_syn[0] / SNNTORCH_DT))
        w_in = threshold * tau_syn / (quotient * SNNTORCH_DT)
        threshold = quotient * (w_in * (SNNTORCH_DT / tau_syn))
    from_inputs, between = sparse.lil_array((circuit.n_inputs, n)), sparse.lil_array((n, n))
    for q in circuit.projections:
        rows, into = (afferents, from_inputs) if q.source in afferents else (neurons, between)
        into[rows[q.source], neurons[q.target]] += circuit.sign(q) * circuit.weights(q)
    from_inputs, between = (m.toarray().T * (tau_syn / (tau * w_in))[:, None] for m in (from_inputs, between))
    read = np.r_[*(neurons[r.population] for r in circuit.readouts)]
    graph = _Graph(nir)
    graph.add("input", nir.Input({"input": np.array([circuit.n_inputs])}))
    graph.add("afferents", nir.Linear(from_inputs))
    zero = np.zeros(n)
    cuba = nir.CubaLIF(tau_syn, tau, r=tau / dt, v_leak=zero, v_threshold=threshold, v_reset=zero, w_in=w_in)
    graph.add("neurons", cuba)
    graph.connect("input", "afferents", "neurons")
    senders = np.flatnonzero(between.any(axis=0))
    if len(senders):
        graph.add("senders", nir.Linear(np.eye(n)[senders]))
        graph.add("synapses", nir.Linear(between[:, senders]))
        graph.connect("neurons", "senders", "synapses", "neurons")
    graph.add("readouts", nir.Linear(np.eye(n)[read]))
    graph.add("output", nir.Output({"output": np.array([len(read)])}))
    graph.connect("neurons", "readouts", "output")
    whose = "; ".join(f"{name}: {place.start} to {place.stop - 1}" for name, place in neurons.items())
    return nir.NIRGraph(graph.nodes, graph.edges, metadata=metadata | {"neurons": whose})


def check_values(graph, within: str = "") -> None:
    """Refuse what no file keeps of a NIR graph: names that are no path in it, and values that are no numbers."""
    for name, node in graph.nodes.items():
        if not isinstance(name, str) or {"", "."} & set(name.split("/")):
            raise InputError(f"node {name!r:.60}: expected a name without empty parts between slashes")
        if not name.isascii() and len(graph.nodes) > FEW:
            raise InputError(f"node {name!r:.60}: expected a name in ASCII in a graph of more than {FEW} nodes")
        name = f"{within}{name}"
        if hasattr(node, "nodes"):
            check_values(node, f"{name}.")
            continue
        if not hasattr(node, "to_dict"):
            found = "none, as exporters write a module that they do not know" if node is None else f"{node!r:.60}"
            raise InputError(f"node {name!r:.60}: expected a node of NIR, found {found}")
        for key, value in node.to_dict().items():
            if isinstance(value, (dict, str)) or (value is None and key == OPEN):
                continue
            if np.ma.is_masked(value):
                raise InputError(f"node {name!r:.60}: {key}: expected numbers, found masked ones")
            try:
                array = np.asarray(value)
            except (ValueError, TypeError, RuntimeError) as error:  # such as a tensor with a gradient
                raise InputError(f"node {name!r:.60}: {key}: expected an array of numbers, found {error}") from None
            if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
                raise InputError(f"node {name!r:.60}: {key}: expected numbers, found an array of {array.dtype}")


def without_open(graph):
    """A copy of a graph that can be written: shapes that its nodes leave open are empty."""
    found = copy(graph)
    found.nodes = {
        name: without_open(node) if hasattr(node, "nodes") else copy(node) for name, node in graph.nodes.items()
    }
    for node in found.nodes.values():
        if getattr(node, OPEN, 0) is None:
            setattr(node, OPEN, np.zeros(0))
    return found


def write_nir(graph) -> bytes:
    """A NIR graph as a file, which ``nir.read`` reads."""
    buffer = io.BytesIO()
    extra("nir", "NIR").write(buffer, graph)
    return buffer.getvalue()


class _Graph:
    """Nodes and edges of a NIR graph while it grows."""

    def __init__(self, nir):
        self.nir, self.nodes, self.edges, self.unused = nir, {}, [], Unused()

    def add(self, name: str, node) -> str:
        """Add a node under its name, in letters, digits and underscores, as its readers need it."""
        name = self.unused(re.sub(r"\W+", "_", name.replace("->", "_to_")))
        self.nodes[name] = node
        return name

    def connect(self, *path: str) -> None:
        self.edges += pairwise(path)

    def population(self, p: Population, taus: dict[int, float], dt: float) -> tuple[str, dict[int, str]]:
        """Add a population; its node, and for each sign the node that takes spikes of that sign."""
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
