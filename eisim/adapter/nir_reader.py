r"""NIR graphs read as spiking circuits under Dale's law.

A NIR graph is in continuous time, and those who simulate it take steps :math:`dt`, during which a spike is 1. What they
compute then is one of two things. eisim's own files mean **exact steps** of NIR's equations, with all that a spike
brings as an area :math:`dt`. snnTorch and norse take **Euler steps**,

.. math:: I \leftarrow (1 - dt/\tau_s) I + (dt/\tau_s) w_{in} S, \qquad
          v \leftarrow (1 - dt/\tau) v + (dt/\tau) (v_{leak} + R I)

and a spike passes through all layers in one step. A LIF neuron has these steps exactly if its time constants are such
that :math:`e^{-dt/\tau'} = 1 - dt/\tau`, with weights that bring the same; simulated with another `dt` it has others. A
synapse takes a time step here, so layer k answers k steps late; delays keep paths of different lengths together.

A weight W becomes a jump of a synaptic current. Of a ``CubaLIF`` it decays with :math:`\tau_s`. A spike onto a ``LIF``
or ``IF`` is a current during one step: its synapse decays to 0 in :math:`dt/1000`, and brings what that current would.
All else (:math:`w_{in}`, r, leak potential, biases of weights) is in weights and tonic drives, in double precision.

Dale's law: a neuron whose weights have both signs gets an inhibitory twin, which receives what it receives. Negative
weights of an input that spikes are those of inhibitory relays, which spike one step later; what does not pass them
waits as long. Negative weights of an input that is a current are those of an inhibitory input (`InhibitoryInput`),
which takes the same values once more.

Outputs are the spikes of neurons, or potentials: those of ``LI`` and ``CubaLI`` before them, and weighted sums of
spikes or potentials, which are those of neurons that forget all within a step. The neurons of a potential never fire.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from eisim.adapter.affine import LARGEST_EFFORT, Affine, bounded
from eisim.adapter.names import Unused
from eisim.adapter.nir_file import Graph, Node, parse, read_graph, with_potentials
from eisim.adapter.nir_linear import delayed, linear, shape_after, shape_of, share_of, source_of
from eisim.adapter.nir_reference import Reference, reset_of
from eisim.adapter.unrolled import unroll
from eisim.base.elementary import exprel
from eisim.base.errors import InputError, did_you_mean, explains_arguments, of_hostile_file
from eisim.base.timing import Timing
from eisim.base.units import Measured, scalar_si
from eisim.circuit import Circuit, InhibitoryInput, Input, Population, Projection, Readout
from eisim.neurons import LIF, Neuron
from eisim.neurons.lif import NEVER
from eisim.synapses import Exponential

#: The time step of files that do not say theirs, which is snnTorch's, in s.
DT = 1e-4
#: Steps in which the synapses of neurons without a synaptic current decay; exp(-1000) is 0.
BRIEF = 1e-3
#: Time constant of neurons that do not leak, in steps: exp(-1 / this) is 1.
ENDLESS = 2.0**60
#: How far above its threshold a neuron of Euler steps fires, relative to it: above the rounding of single precision.
MARGIN = 2.0**-20
#: Least factor by which an Euler step leaves a membrane: less is as good as none.
LEAST = 1e-14
MOST_POPULATIONS, MOST_UNITS = 1_000, 1_000_000
#: Neurons whose synapses filter injected currents, and such that do not leak but receive currents.
FILTERING = "dv/dt = (I - v)/tau : volt\ndI/dt = (drive - I)/tau_s : volt\ndrive : volt"
INTEGRATING = "dv/dt = (drive + I)/tau : volt\ndI/dt = -I/tau_s : volt\ndrive : volt"
#: Strengths of the inputs for which circuits of Euler steps are compared with their graphs, and for how many steps.
STRENGTHS, CHECKED = (1.0, 3.0, 10.0, 30.0), 20
#: The share of steps in which inputs spike there.
SHARE = 0.3
NEURONS, FILTERS = {"LIF", "IF", "CubaLIF"}, {"LI", "CubaLI"}
#: The potentials of a circuit equal those of its graph to this, relative to the largest.
EQUAL = 1e-9
RESETS = ("value", "late value", "subtraction", "late subtraction")
#: What snnTorch calls them.
OF_SNNTORCH = "of snnTorch's, 'subtract' is 'late subtraction', and 'zero' is 'value' in Leaky, else 'late value'"


@dataclass(frozen=True, eq=False)
class NIRNetwork:
    """A NIR graph as a circuit, and how it is to be simulated."""

    graph: Graph
    circuit: Circuit
    dt: float  # time step, in s
    euler: bool
    currents: bool  # whether inputs are injected
    reset: str | dict[str, str]  # of all neurons, or by node
    late: int  # steps by which readouts are late
    columns: np.ndarray  # of the network's inputs, for each stimulus column of the circuit
    signed: np.ndarray | None  # 1 or -1 for each of these columns: of ON and OFF channels
    shapes: dict[str, tuple[int, ...]]  # of what the nodes of the graph send
    potentials: bool = False  # whether outputs are potentials of the readouts, at the end of each step; else spikes

    @property
    def n_inputs(self) -> int:
        """Number of the network's inputs."""
        return int(self.columns.max()) + 1

    def stimuli(self, values) -> np.ndarray:
        """Stimuli of the circuit from values of the network's inputs (trials (× time) × inputs)."""
        values = np.asarray(values, dtype=float)[..., self.columns]
        return values if self.signed is None else np.maximum(values * self.signed, 0.0)

    def reference(self) -> Reference:
        """The graph in Euler steps."""
        return Reference(self.graph, self.shapes, self.dt, self.reset, MARGIN)


@explains_arguments
def from_nir(
    file,
    *,
    dt=None,
    euler: bool | None = None,
    currents: bool | None = None,
    rate=100.0,
    reset: Literal["value", "late value", "subtraction", "late subtraction"] | Mapping[str, str] = "value",
    potentials: bool = False,
) -> Circuit:
    """The spiking circuit of a NIR graph.

    Parameters
    ----------
    file : path-like or nir.NIRGraph
        A file is read as data, within bounds; only a graph needs the package nir.
    dt : quantity, optional
        Time step of the simulators for which the graph was written, with which the circuit is to be simulated. By
        default that in the file if eisim wrote it, else 0.1 ms, as snnTorch has it.
    euler : bool, optional
        Whether they take Euler steps, as snnTorch and norse do; else exact steps, the default for eisim's own files.
    currents : bool, optional
        Whether the network's inputs are values that act in every step; else they are spikes, the default for eisim's
        own files.
    rate : quantity
        Rate of the afferents for a stimulus of 1, in Hz, where inputs are spikes and the file does not say their rates.
    reset : {"value", "late value", "subtraction", "late subtraction"} or mapping
        What a spike does to a potential: it becomes the ``v_reset`` of the file; becomes it one step later, so that
        what arrives in that step is lost; the threshold is subtracted; or it is subtracted one step later, which is the
        default in snnTorch. The file does not say it. A mapping says it by names of nodes; others have ``"value"``.
    potentials : bool
        Whether the outputs are the potentials of the last neurons, which then never fire, as in snnTorch with
        ``reset_mechanism="none"``; else their spikes.

    Returns
    -------
    Circuit
        Stimuli are in the order of the file's inputs; those of inhibitory inputs, ``"input_I"``, are the same again.
        Populations are called as their nodes, with a number where neurons of a node differ, and with ``_I`` if they are
        the inhibitory part or the twins of others. Potentials are NIR's, in V. Outputs that are potentials are those of
        readouts that never fire: record their ``v`` (`eisim.simulate`).

    Raises
    ------
    InputError
        For a file that is no NIR graph or too large, kinds of nodes or graphs that no circuit can have; the message
        names the node.

    Notes
    -----
    snnTorch 1.0 writes ``v_reset`` = 0 for all its neurons, however they were trained. norse 1.1 writes time constants
    divided by a second, times its dt: a network that it wrote at a step of 1 ms has its own steps here with dt=1*us.
    """
    how = {"euler": euler, "currents": currents, "rate": rate, "reset": reset, "potentials": potentials}
    return read_nir(file, dt=dt, **how).circuit


def read_nir(
    file, *, dt=None, euler=None, currents=None, rate=100.0, reset="value", potentials=False, signed: bool = False
) -> NIRNetwork:
    """The network of a NIR graph; arguments as of `from_nir`.

    If `signed`, inputs that are currents come as ON and OFF channels.
    """
    resets = reset.values() if isinstance(reset, Mapping) else [reset]
    if wrong := [each for each in resets if not isinstance(each, str) or each not in RESETS]:
        found = f"{wrong[0]!r:.60} ({OF_SNNTORCH})"
        raise InputError(f"from_nir: reset: expected one of {', '.join(map(repr, RESETS))}, found {found}")
    reset = dict(reset) if isinstance(reset, Mapping) else reset
    for name, given in (("euler", euler), ("currents", currents)):
        if not (given is None or isinstance(given, (bool, np.bool_))):
            raise InputError(f"from_nir: {name}: expected True, False or None, found {given!r:.60}")
    if not isinstance(potentials, (bool, np.bool_)):
        raise InputError(f"from_nir: potentials: expected True or False, found {potentials!r:.60}")
    rate = scalar_si(rate, "hertz", "from_nir: rate")
    if not rate > 0:
        raise InputError(f"from_nir: rate: expected more than 0, found {rate:g} Hz")
    dt = None if dt is None else scalar_si(dt, "second", "from_nir: dt")
    if dt is not None and not dt > 0:
        raise InputError(f"from_nir: dt: expected more than 0, found {dt:g} s")
    if hasattr(file, "nodes") and hasattr(file, "edges"):
        from eisim.adapter.nir_format import check_values, without_open, write_nir

        path = "the graph"
        with of_hostile_file(path, "a NIR graph"):
            check_values(file)
            content = write_nir(without_open(file))
        graph = parse(content, path)
    elif isinstance(file, (str, PathLike)):
        path = Path(file)
        graph = read_graph(path)
    else:
        raise InputError(f"from_nir: expected the path of a file or a nir.NIRGraph, found {file!r:.60}")
    with (
        of_hostile_file(path, "a well-formed network"),
        np.errstate(all="ignore"),
    ):  # what is not finite is refused by name
        for name in reset if isinstance(reset, dict) else ():
            if name not in graph.nodes or graph.nodes[name].kind not in NEURONS:
                known = [each for each, node in graph.nodes.items() if node.kind in NEURONS]
                raise InputError(
                    f"reset: expected names of nodes of neurons ({', '.join(known)[:200]}), found {name!r:.60}"
                    f"{did_you_mean(name, known)}"
                )
        if potentials:
            graph = with_potentials(graph)
        network = _Reader(graph, dt, euler, currents, rate, reset, signed).network()
        if potentials and not network.potentials:
            raise InputError("expected LIF or CubaLIF before the outputs, whose potentials can be read, found others")
        check_steps(network)
        return network


def check_steps(network: NIRNetwork) -> None:
    """Compare the circuit of a graph of Euler steps with the graph itself, on a few drawn inputs, spike for spike."""
    if not network.euler or any(p.neuron.structure != "lif" for p in network.circuit.populations):
        return
    rng, late, dt = np.random.default_rng(0), network.late, network.dt
    values = rng.random((len(STRENGTHS), network.n_inputs)) * np.array(STRENGTHS)[:, None]
    steps, circuit = late + CHECKED, network.circuit
    dnn = unroll(circuit, Timing(steps * dt, dt, dt))
    wanted = "potentials" if network.potentials else "spikes"
    columns = np.r_[*(dnn.units[r.population] for r in circuit.readouts)]
    if network.currents:
        given = (values for _ in range(CHECKED))
        stimuli = network.stimuli(values)
    else:
        spikes = (rng.random((steps, len(values), network.n_inputs)) < SHARE).astype(float)
        rates = np.concatenate([np.full(i.size, i.rate) for i in circuit.inputs])
        given, stimuli = iter(spikes[:CHECKED]), network.stimuli(np.moveaxis(spikes, 0, 1)) / (rates * dt)
    found = np.array([layer[:, columns] for layer in dnn.layers(stimuli, network.potentials)])[late:]
    expected = np.array([*network.reference().outputs(given)])
    tolerance = EQUAL * np.abs(expected).max(initial=0.0) if network.potentials else 0.0
    if expected.shape != found.shape or not (np.abs(expected - found) <= tolerance).all():
        raise InputError(
            f"expected a circuit with the {wanted} of the graph by its reference evaluation, found others (our fault)"
        )


@dataclass(frozen=True, eq=False)
class _Pathway:
    """Synapses onto the neurons of a node that decay alike."""

    tau: np.ndarray  # time constant of the current of each neuron, in s
    jump: np.ndarray  # of that current for an input of 1 during a step, in V
    drive: np.ndarray  # that a steady input of 1 comes to, in V
    step: np.ndarray  # what a steady input of 1 lacks in its first step, in V of potential: 0 where nothing is filtered
    kept: np.ndarray  # share of the current that a step leaves
    value: Affine  # the input

    def signs(self, is_injected) -> set[int]:
        """Of its synapses."""
        parts = [part for name, part in self.value.parts.items() if not is_injected(name)]
        found = {int(s) for part in parts for s in np.unique(np.sign(part.data * self.jump[part.indices]))} - {0}
        return found or ({1} if self.step.any() and self.value.constant.any() else set())


@dataclass(frozen=True, eq=False)
class _Neurons:
    """The neurons of a node."""

    size: int
    parameters: np.ndarray  # neurons × (tau, tau of excitation, tau of inhibition, threshold, reset)
    bias: np.ndarray
    lost: np.ndarray  # share of the potential that a step takes away
    pathways: list[_Pathway]
    letters: list[str]  # of each pathway the variable that what it lacks at the start is in, "e" or "i"
    jumps: dict[int, dict[str, sparse.csr_array]]  # by sign and source: source × neurons, in V
    injected: dict[int, dict[str, sparse.csr_array]]  # the same of inputs that are currents: in V for a value of 1
    equations: str = ""  # of neurons that are no LIF: Euler steps of these, in which what spikes bring is in I


@dataclass(frozen=True, eq=False)
class _Part:
    """Neurons of a node that are one population."""

    name: str
    sign: str
    which: np.ndarray
    channel: int = 1  # -1 of an OFF channel, whose weights are those of the input with the other sign


class _Reader:
    def __init__(self, graph, dt, euler, currents, rate, reset, signed):
        ours = isinstance(graph.metadata.get("circuit"), str) and "dt" in graph.metadata
        self.graph, self.nodes, self.reset = graph, graph.nodes, reset
        self.dt = float(_one(graph.metadata["dt"], "metadata: dt")) if dt is None and ours else dt or DT
        self.euler = not ours if euler is None else bool(euler)
        self.currents = not ours if currents is None else bool(currents)
        if not 0 < self.dt < np.inf:
            raise InputError(f"metadata: dt: expected a time of more than 0 s, found {self.dt}")
        self.rate, self.ours, self.signed, self.spent = rate, ours, signed, 0
        self.sources, self.targets = defaultdict(list), defaultdict(list)
        for a, b in graph.edges:
            self.sources[b].append(a)
            self.targets[a].append(b)
        self.neurons = [name for name, node in self.nodes.items() if node.kind in NEURONS]
        self.inputs = [name for name, node in self.nodes.items() if node.kind == "Input"]
        self.outputs = [name for name, node in self.nodes.items() if node.kind == "Output"]
        for what, found in (("neurons", self.neurons), ("an input", self.inputs), ("an output", self.outputs)):
            if not found:
                raise InputError(f"expected a graph with {what}, found none")
        for name in self.inputs:
            if self.sources[name]:
                raise InputError(f"node {name!r}: expected an input that receives nothing, found an edge to it")

    # shapes and linear operations

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Of what each node sends, as far as that is known from inputs and parameters."""
        found = {}
        for name, node in self.nodes.items():
            if node.kind == "Input":
                found[name] = shape_of(node.values["shape"], f"node {name!r}: shape")
            elif node.kind in NEURONS:
                shape = np.broadcast_shapes(*(np.shape(v) for v in node.values.values()))
                if np.prod(shape) > 1:
                    found[name] = bounded(shape)
        todo = list(found)
        while todo:
            for target in self.targets[todo.pop()]:
                source = next(s for s in self.sources[target] if s in found)
                if target not in found:
                    found[target] = self._named(target, shape_after, self.nodes[target], found[source])
                    todo.append(target)
        for name in self.neurons:
            if name not in found:
                raise InputError(f"node {name!r}: expected a path from an input, found none")
        units = sum(int(np.prod(found[name])) for name in (*self.neurons, *self.inputs))
        if units > MOST_UNITS:
            raise InputError(f"expected at most {MOST_UNITS:,} neurons and inputs, found {units:,}")
        return found

    def _named(self, name, function, *arguments):
        """The value of a function, whose errors are to name the node."""
        try:
            return function(*arguments)
        except InputError as error:
            raise InputError(f"node {name!r}: {error}") from None
        except (ValueError, IndexError, TypeError, OverflowError) as error:
            raise InputError(f"node {name!r}: expected parameters that fit each other, found {error}") from None

    @cached_property
    def values(self) -> dict[str, Affine]:
        """What each node that is no neuron sends, as an affine function of what neurons, filters and inputs send."""
        units = {name for name, node in self.nodes.items() if node.kind in {*NEURONS, "Input", *FILTERS}}
        before = {name: [] if name in units else self.sources[name] for name in self.nodes if name in self.shapes}
        found = {}
        try:
            order = [name for name in TopologicalSorter(before).static_order() if name in self.shapes]
        except CycleError as error:
            raise InputError(f"expected loops that pass neurons, found one through {error.args[1][0]!r}") from None
        for name in order:
            if name in units:
                found[name] = Affine.of_units(name, (1, *self.shapes[name]))
            else:
                received = self._received(name, found)
                found[name] = self._named(name, linear, self.nodes[name], received)
            self.spent += found[name].cost
            if self.spent > LARGEST_EFFORT:
                raise InputError(f"expected a network that takes at most {LARGEST_EFFORT:,} elements, found more")
        return found

    def _received(self, name, values) -> Affine:
        """The sum of what a node receives."""
        found = [values[source] for source in self.sources[name] if source in values]
        if not found:
            raise InputError(f"node {name!r}: expected a path from an input, found none")
        first, *others = found
        for other in others:
            if other.size != first.size:
                raise InputError(f"node {name!r}: expected sources of one size, found {first.size} and {other.size}")
            first = first + replace(other, shape=first.shape)
        return first

    # neurons

    def _each(self, name, key, default=None) -> np.ndarray:
        """A parameter of all neurons of a node."""
        size, value = int(np.prod(self.shapes[name])), self.nodes[name].values.get(key, default)
        if isinstance(value, str):
            raise InputError(f"node {name!r}: {key}: expected numbers, found a text")
        value = np.asarray(value, dtype=float)
        if value.size not in (1, size):
            raise InputError(f"node {name!r}: {key}: expected {size} numbers, found {value.size}")
        value = np.broadcast_to(value.ravel(), (size,))
        if not np.isfinite(value).all():
            raise InputError(f"node {name!r}: {key}: expected finite numbers, found {value[~np.isfinite(value)][0]}")
        if key.startswith("tau") and not (value > 0).all():
            raise InputError(f"node {name!r}: {key}: expected more than 0, found {value.min():g}")
        return value

    def _kept(self, name, tau) -> tuple[np.ndarray, np.ndarray]:
        """The time constants of exact steps, and what one step takes away of a membrane or current."""
        if not self.euler:
            return tau, -np.expm1(-self.dt / tau)
        lost = share_of(self.dt, tau)
        if (lost > 1).any():
            raise InputError(
                f"node {name!r}: expected time constants of at least a time step ({self.dt * 1e3:g} ms), found "
                f"{tau.min() * 1e3:.9g} ms (see dt of from_nir)"
            )
        if (1 - lost == 1).any():
            raise InputError(
                f"node {name!r}: expected time constants of less than {2**53:.0e} time steps ({self.dt:g} s), found "
                f"{tau.max():g} s"
            )
        return -self.dt / np.log(np.maximum(1 - lost, LEAST)), lost

    def _pathways(self, name, tau, lost, resistance) -> list[_Pathway]:
        """What reaches the neurons of a node: what its own synapses filter or none, and what LI nodes filter."""
        received, size = self._received(name, self.values), len(tau)
        if received.size != size:
            raise InputError(f"node {name!r}: expected {size} inputs, found {received.size}")
        parts, found = dict(received.parts), []
        for key in received.parts:
            source, delay = source_of(key)
            if self.nodes[source].kind in FILTERS:
                tau_s, value = self._filtered(name, source, delay, parts.pop(key))
                found.append(self._pathway(name, tau, lost, resistance, tau_s, np.ones(size), value))
        direct = replace(received, parts=parts)
        if self.nodes[name].kind in ("CubaLIF", "CubaLI"):
            tau_s, gain = self._each(name, "tau_syn"), self._each(name, "w_in", 1.0)
            return [self._pathway(name, tau, lost, resistance, tau_s, gain, direct), *found]
        brief, effect = np.full(size, BRIEF * self.dt), lost * resistance
        jump = effect / self._effect(tau, brief)
        return [_Pathway(brief, jump, resistance, np.zeros(size), np.zeros(size), direct), *found]

    def _pathway(self, name, tau, lost, resistance, tau_s, gain, value) -> _Pathway:
        exact, lost_s = self._kept(name, tau_s)
        effect, drive = self._effect(tau, exact), resistance * gain
        if self.euler:
            jump, step = lost * lost_s * drive / effect, lost * drive * (1 - lost_s)
        else:
            jump, step = drive * self.dt / tau_s, drive * effect
        return _Pathway(exact, jump, drive, step, 1 - lost_s, value)

    def _effect(self, tau, tau_s):
        """What a synaptic current of 1 V at the start of a step adds to the potential in it."""
        return np.exp(-self.dt / tau) * self.dt / tau * exprel(self.dt / tau - self.dt / tau_s)

    def _filtered(self, name, source, delay, part):
        """Time constants, for each neuron of a node, and what an LI node passes on to it, unfiltered."""
        if self.nodes[source].kind == "CubaLI":
            raise InputError(f"node {source!r}: expected a CubaLI for an output alone, found neurons after it")
        received = self._received(source, self.values)
        if any(self.nodes[source_of(key)[0]].kind in FILTERS for key in received.parts):
            raise InputError(f"node {source!r}: expected neurons or inputs before it, found another LI")
        tau_s, entries = self._each(source, "tau"), part.tocoo()
        rows, columns = entries.coords
        most, least = np.zeros(part.shape[1]), np.full(part.shape[1], np.inf)
        np.maximum.at(most, columns, tau_s[rows])
        np.minimum.at(least, columns, tau_s[rows])
        if (most > least * (1 + 1e-12)).any():
            raise InputError(f"node {name!r}: expected LI of one time constant onto a neuron, found several")
        gain = sparse.diags_array(self._each(source, "r"), format="csr")
        value = (received.times(gain, received.shape) + self._each(source, "v_leak").reshape(received.shape)).times(
            part, (1, part.shape[1])
        )
        return np.where(most > 0, most, self.dt), delayed(value, delay) if delay else value

    def _read(self, name) -> _Neurons:
        node, size = self.nodes[name], int(np.prod(self.shapes[name]))
        threshold, resistance = self._each(name, "v_threshold", NEVER), self._each(name, "r")
        if node.kind == "IF":
            tau, lost, effect = np.full(size, ENDLESS * self.dt), np.full(size, self.dt), 0.0
        else:
            tau, lost = self._kept(name, self._each(name, "tau_mem" if node.kind.startswith("Cuba") else "tau"))
            effect = lost
        pathways = self._pathways(name, tau, lost, resistance)
        bias = self._each(name, "v_leak", 0.0) + sum(p.drive * p.value.constant for p in pathways)
        currents = [key for p in pathways for key in p.value.parts if self._is_injected(key)]
        if (node.kind == "IF" and (bias.any() or currents)) or (node.kind == "CubaLIF" and currents):
            return self._by_equations(name, pathways, threshold, resistance)
        jumps, injected = {1: defaultdict(list), -1: defaultdict(list)}, {1: {}, -1: {}}
        taus, letters = {}, []
        for pathway in pathways:
            signs = pathway.signs(self._is_injected)
            letters.append("i" if signs == {-1} else "e")
            for sign in signs:
                if sign in taus and not np.allclose(taus[sign], pathway.tau, rtol=1e-12, atol=0):
                    raise InputError(f"node {name!r}: expected synapses of one sign that decay alike, found others")
                taus[sign] = pathway.tau
            for key, part in pathway.value.parts.items():
                of_currents = self._is_injected(key)
                for sign, magnitudes in _by_sign(part, pathway.drive if of_currents else pathway.jump):
                    if of_currents and pathway.step.any():
                        raise InputError(f"node {name!r}: expected spikes to be filtered, found the current {key!r}")
                    if of_currents:
                        injected[sign][key] = magnitudes
                    else:
                        jumps[sign][key].append(magnitudes)
        least = taus.get(1, taus.get(-1, np.full(size, BRIEF * self.dt)))
        taus = {1: least, -1: least} | taus
        threshold, reset = self._spike(name, threshold, effect)
        parameters = np.stack([tau, taus[1], taus[-1], threshold, reset], axis=1)
        summed = {sign: {key: sum(each[1:], each[0]) for key, each in of.items()} for sign, of in jumps.items()}
        return _Neurons(size, parameters, bias, lost * (node.kind != "IF"), pathways, letters, summed, injected)

    def _spike(self, name, threshold, lost) -> tuple[np.ndarray, np.ndarray]:
        """Thresholds, and potentials after a spike at threshold."""
        if name in self.graded:
            return threshold, np.zeros(len(threshold))
        reset, kept = self._each(name, "v_reset", 0.0), np.maximum(1 - lost, LEAST)
        how = reset_of(self.reset, name)
        if how.endswith("subtraction"):
            reset = threshold - threshold / (kept if how == "late subtraction" else 1.0)
        if self.euler:
            apart = np.where(kept > LEAST, threshold - reset, 0.0)  # what a step forgets is not rounded
            threshold = threshold + MARGIN * np.maximum(np.abs(threshold), apart)
        if not (reset < threshold).all():
            k = int(np.argmin(threshold - reset))
            raise InputError(f"node {name!r}: expected v_reset below v_threshold, found {reset[k]:g}, {threshold[k]:g}")
        return threshold, reset

    def _by_equations(self, name, pathways, threshold, resistance) -> _Neurons:
        """The neurons of a node that no LIF is: Euler steps of equations, the potential counted from the leak's."""
        own, *others = pathways
        if others or not self.euler:
            raise InputError(
                f"node {name!r}: expected Euler steps and no LI before neurons that "
                f"{'filter' if self.nodes[name].kind == 'CubaLIF' else 'integrate'} a current, found others"
            )
        size, step = len(threshold), np.full(len(threshold), self.dt)
        if self.nodes[name].kind == "IF":
            equations, tau, tau_s, leak, lost = INTEGRATING, step, step, np.zeros(size), 0.0
            jump = drive = self.dt * resistance
        else:
            tau, tau_s, leak = (self._each(name, key) for key in ("tau_mem", "tau_syn", "v_leak"))
            tau, tau_s = (np.where(share_of(self.dt, each) == 1, self.dt, each) for each in (tau, tau_s))
            equations, lost, drive = FILTERING, self.dt / tau, resistance * self._each(name, "w_in", 1.0)
            jump = drive * self.dt / tau_s
            if reset_of(self.reset, name) == "late subtraction" and np.any(1 - lost <= LEAST):
                raise InputError(
                    f"node {name!r}: reset: expected no late subtraction from neurons that forget all within a step "
                    f"(tau_mem of {self.dt * 1e3:g} ms), found it"
                )
        jumps, injected = {1: {}, -1: {}}, {1: {}, -1: {}}
        for key, part in own.value.parts.items():
            of_currents = self._is_injected(key)
            for sign, magnitudes in _by_sign(part, drive if of_currents else jump):
                (injected if of_currents else jumps)[sign][key] = magnitudes
        threshold, reset = self._spike(name, threshold, lost)
        parameters = np.stack([tau, tau_s, leak, threshold - leak, reset - leak], axis=1)
        bias = drive * own.value.constant
        return _Neurons(size, parameters, bias, lost + np.zeros(size), [], [], jumps, injected, equations)

    def _is_injected(self, key) -> bool:
        return self.currents and self.nodes[source_of(key)[0]].kind == "Input"

    # time

    def _late(self, read) -> dict[str, int]:
        """By how many steps the neurons of each node are late, of Euler steps, in which spikes pass all layers.

        Nodes in a loop are equally late: round it a spike takes a step from each to the next.
        """
        names, relayed = list(read), self._relayed(read)
        if not self.euler:
            return dict.fromkeys(names, 0)
        place = {name: k for k, name in enumerate(names)}
        ends = [
            (source_of(key)[0], target)
            for target, neurons in read.items()
            for of in neurons.jumps.values()
            for key in of
        ]
        pairs = [(place[a], place[b]) for a, b in ends if a in place]
        rows, columns = np.array(pairs, dtype=int).reshape(-1, 2).T
        links = sparse.csr_array((np.ones(len(pairs)), (rows, columns)), (len(names), len(names)))
        _, loops = connected_components(links, directed=True, connection="strong")
        self.loops = dict(zip(names, loops.tolist(), strict=True))
        least, before = defaultdict(int), {loop: set() for loop in self.loops.values()}
        for a, b in ends:
            loop = self.loops[b]
            if a not in place:
                least[loop] = max(least[loop], 2 if a in relayed else 1)
            elif self.loops[a] != loop:
                before[loop].add(self.loops[a])
        for name, neurons in read.items():  # what is filtered acts one step after it comes
            if neurons.equations == FILTERING:
                least[self.loops[name]] = max(least[self.loops[name]], 1)
        late = {}
        for loop in TopologicalSorter(before).static_order():
            late[loop] = max([least[loop], *(late[each] + 1 for each in before[loop])])
        return {name: late[self.loops[name]] for name in names}

    def _relayed(self, read) -> set[str]:
        """Inputs of spikes that have negative weights."""
        found = {source_of(key)[0] for neurons in read.values() for key in neurons.jumps[-1]}
        return found & set(self.inputs)

    def _at_start(self, name, neurons, late) -> dict[str, np.ndarray]:
        """State variables from which neurons that are late come to their state at the start in time.

        At 0 the potential is 0, and what is filtered has received nothing.
        """
        tau, tau_e, tau_i, threshold, _ = neurons.parameters.T
        forgets = 1 - neurons.lost <= LEAST  # all within a step
        if neurons.equations:
            filtering = np.where(forgets, 0.0, -tau_i / (1 - neurons.lost))
            v = -late * neurons.bias if neurons.equations == INTEGRATING else filtering
            if (v > threshold).any() or not np.isfinite(v).all():
                raise InputError(f"node {name!r}: expected biases that leave neurons silent while they are late")
            return {"v": v} if v.any() else {}
        currents, effects = {}, {"e": self._effect(tau, tau_e), "i": self._effect(tau, tau_i)}
        faded = {"e": np.ones(neurons.size), "i": np.ones(neurons.size)}
        for pathway, letter in zip(neurons.pathways, neurons.letters, strict=True):
            lacks = pathway.step * pathway.value.constant
            if lacks.any():
                currents[letter] = currents.get(letter, 0.0) - lacks / effects[letter]
                faded[letter] = pathway.kept
        v = np.zeros(neurons.size)
        for _ in range(late if neurons.bias.any() else 0):
            currents = {letter: current / faded[letter] for letter, current in currents.items()}
            lacks = sum((effects[letter] * current for letter, current in currents.items()), np.zeros(neurons.size))
            v = np.where(forgets, neurons.bias + lacks, v)
            if (v > threshold).any():
                raise InputError(
                    f"node {name!r}: expected biases that leave neurons silent in the {late} steps by which they are "
                    f"late, found {neurons.bias[np.argmax(v - threshold)]:g}"
                )
            v = np.where(forgets, 0.0, (v - neurons.lost * neurons.bias - lacks) / (1 - neurons.lost))
        if not np.isfinite(v).all():
            raise InputError(f"node {name!r}: expected biases of finite effect, found others")
        state = {f"I_{letter}": current for letter, current in currents.items()}
        return (state | {"v": v}) if v.any() else state

    # the circuit

    def network(self) -> NIRNetwork:
        read = {name: self._read(name) for name in (*self.neurons, *self.graded) if self.sources[name]}
        late, outputs = self._late(read), self._outputs(read)
        unused, parts = Unused(), {}
        inputs, columns, signed, populations, projections = self._inputs(read, unused, parts)
        sends = {name: {1: np.zeros(n.size, bool), -1: np.zeros(n.size, bool)} for name, n in read.items()}
        for neurons in read.values():
            for sign, of in neurons.jumps.items():
                for key, matrix in of.items():
                    if (source := source_of(key)[0]) in sends:
                        sends[source][sign] |= np.diff(matrix.indptr) > 0
        runs, readouts = self._runs(read, sends, outputs), {}
        for name, neurons in read.items():
            parts[name] = []
            state = self._at_start(name, neurons, late[name])
            for part, run in self._parts(name, neurons, sends[name], runs, unused):
                parts[name].append(part)
                if run >= 0 and run not in readouts:
                    readouts[run] = part.name
                how = "value" if name in self.graded else reset_of(self.reset, name)
                populations.append(_population(part, neurons, state, how, self.dt))
                if len(populations) > MOST_POPULATIONS:
                    raise InputError(f"expected at most {MOST_POPULATIONS:,} different kinds of neurons, found more")
        relayed = self._relayed(read)
        for name, neurons in read.items():
            for sources in (neurons.jumps, neurons.injected):
                for sign, of in sources.items():
                    for key, matrix in of.items():
                        source, delay = source_of(key)
                        extra = self._wait(source, name, sign, late, relayed, neurons.equations == FILTERING)
                        projections += _projections(parts[source], parts[name], sign, matrix, delay + extra)
        title = self.graph.metadata.get("circuit")
        title = title if self.ours and isinstance(title, str) and title.isprintable() and title else "from NIR"
        found = [Readout(readouts[run]) for run in sorted(readouts)]
        circuit = Circuit(title, inputs, populations, projections, found)
        most = max(late[name] for name, _ in outputs)
        return NIRNetwork(
            self.graph,
            circuit,
            self.dt,
            self.euler,
            self.currents,
            self.reset,
            most,
            columns,
            signed,
            self.shapes,
            bool(self.graded),
        )

    def _wait(self, source, target, sign, late, relayed, filters) -> float:
        """Delay beyond that of the file, in s."""
        if source in self.inputs and self.currents:
            if late[target] > filters:
                raise InputError(f"node {target!r}: expected no current {source!r}, since it also receives spikes")
            return 0.0
        is_relay = source in relayed and sign < 0
        if not self.euler:
            return self.dt if source in relayed and not is_relay else 0.0
        if source not in self.inputs and self.loops[source] == self.loops[target]:
            return 0.0
        return (late[target] - (int(is_relay) if source in self.inputs else late[source]) - 1) * self.dt

    def _inputs(self, read, unused, parts):
        """Inputs, the network's input of each stimulus column, and relays with what reaches them."""
        found, relays, projections, first, relayed = [], [], [], 0, self._relayed(read)
        for name in self.inputs:
            size = int(np.prod(self.shapes[name]))
            where = np.arange(first, first + size)
            first += size
            if self.currents:
                parts[name] = []
                signs = {sign for sign in (1, -1) for neurons in read.values() if name in neurons.injected[sign]}
                for channel in (1, -1) if self.signed else (1,):
                    for sign, kind in ((1, Input), (-1, InhibitoryInput)):
                        if sign * channel in signs or (sign > 0 and channel > 0):
                            called = name + "_off" * (channel < 0) + "_I" * (sign < 0)
                            electrodes = kind(unused(called), size, current=Measured(1.0, "volt"))
                            found.append((electrodes, where, channel))
                            parts[name].append(_Part(electrodes.name, "EI"[sign < 0], np.arange(size), channel))
                continue
            named = self._named_inputs(size) or [(name, size, self.rate)]
            parts[name], start = [], 0
            for called, n, rate in named:
                found.append((Input(unused(called), n, rate), where[start : start + n], 1))
                parts[name].append(_Part(found[-1][0].name, "E", np.arange(start, start + n)))
                start += n
        for name in self.inputs:
            needed = [of.jumps[-1][key] for of in read.values() for key in of.jumps[-1] if source_of(key)[0] == name]
            which = np.flatnonzero(sum(np.diff(matrix.indptr) for matrix in needed)) if name in relayed else []
            if not len(which):
                continue
            relay = LIF(tau=self.dt, rest=0.0, threshold=0.5, reset=0.0, refractory=0.0,
                        excitation=Exponential(BRIEF * self.dt), inhibition=Exponential(BRIEF * self.dt))  # fmt: skip
            relays.append(Population(unused(f"{name}_I"), "I", relay, len(which)))
            jump = 1.0 / self._effect(relay.tau, relay.excitation.tau)
            for part in parts[name]:
                chosen = sparse.csr_array(part.which[:, None] == which) * jump
                if chosen.nnz:
                    projections.append(Projection(part.name, relays[-1].name, chosen))
            parts[name].append(_Part(relays[-1].name, "I", which))
        found.sort(key=lambda each: (each[2] < 0, isinstance(each[0], InhibitoryInput)))
        inputs, columns, channels = zip(*found, strict=True)
        signed = np.repeat(channels, [len(where) for where in columns]) if self.signed and self.currents else None
        return inputs, np.concatenate(columns), signed, relays, projections

    def _named_inputs(self, size):
        """Names, sizes and rates of the inputs that a file of eisim's own says it has."""
        said = self.graph.metadata.get("inputs")
        if not self.ours or not isinstance(said, str):
            return None
        try:
            found = [(str(name), int(n), scalar_si(rate, "hertz", "rate")) for name, n, rate in json.loads(said)]
        except (ValueError, TypeError, RecursionError):
            return None
        return found if sum(n for _, n, _ in found) == size and all(n > 0 for _, n, _ in found) else None

    def _labels(self, name, size) -> np.ndarray:
        """The population of each neuron of a node that a file of eisim's own says it has; else the node's name."""
        said = self.graph.metadata.get("neurons")
        found = np.full(size, name, dtype=object)
        if self.ours and isinstance(said, str) and len(self.neurons) == 1:
            for label, a, b in re.findall(r"(?:^|; )(.+?): (\d{1,9}) to (\d{1,9})(?=; |$)", said):
                found[int(a) : int(b) + 1] = label
        return found

    def _outputs(self, read) -> list[tuple[str, int]]:
        """Node and neuron that each output of the network is."""
        found = []
        for name in self.outputs:
            if name in self.graded:
                found += [(name, k) for k in range(read[name].size)]
            else:
                found += zip(*_single(self._received(name, self.values)), strict=True)
        if len(set(found)) < len(found):
            raise InputError("expected outputs of different neurons, found the same neuron twice")
        return found

    @cached_property
    def graded(self) -> dict[str, None]:
        """Nodes whose potentials are outputs: filters, and outputs that are weighted sums.

        These are potentials of neurons that forget all within a step.
        """
        found, spikes = {}, False
        for name in self.outputs:
            if not self.sources[name]:
                raise InputError(f"node {name!r}: expected an output of something, found nothing before it")
            received = self._received(name, self.values)
            sources = {source_of(key)[0] for key in received.parts}
            kinds = {self.nodes[source].kind for source in sources}
            if not kinds & {*NEURONS, *FILTERS}:
                raise InputError(f"node {name!r}: expected spikes or potentials of neurons, found an output without")
            is_single = _single(received) is not None
            if is_single and kinds <= NEURONS:
                spikes = True
            elif is_single and kinds <= FILTERS:
                found |= dict.fromkeys(sorted(sources))
            else:
                tau = self.dt if self.euler else -self.dt / np.log(LEAST)
                value = {"tau": np.array(tau), "r": np.ones(()), "v_leak": np.zeros(())}
                self.nodes = self.nodes | {name: Node("LI", value)}
                found[name] = None
        if found and spikes:
            raise InputError("expected outputs that are all spikes or all potentials, found both")
        return found

    def _keys(self, name, neurons, sends):
        """What neurons of one population share: parameters, label and sign."""
        _, kinds = np.unique(neurons.parameters, axis=0, return_inverse=True)
        _, labels = np.unique(self._labels(name, neurons.size).astype(str), return_inverse=True)
        inhibitory = sends[-1] & ~sends[1]
        return np.stack([kinds.ravel(), labels.ravel(), inhibitory], axis=1)

    def _runs(self, read, sends, outputs) -> dict[tuple[str, int], int]:
        """The neurons that are read out, with the number of the population that has them: as few as keep the order."""
        keys = {name: self._keys(name, read[name], sends[name]) for name in {node for node, _ in outputs}}
        found, run, last, at = {}, -1, None, -1
        for name, k in outputs:
            key = name, *keys[name][k].tolist()
            run += key != last or k < at
            found[name, k], last, at = run, key, k
        return found

    def _parts(self, name, neurons, sends, runs, unused):
        """The populations of a node, and of each the number of its run of readouts, or -1."""
        labels = self._labels(name, neurons.size)
        run = np.array([runs.get((name, k), -1) for k in range(neurons.size)])
        keys = np.column_stack([self._keys(name, neurons, sends), run])
        keys[run < 0, 2] = 0
        found, first, which = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        for k in np.argsort(first, kind="stable"):
            chosen, label, read = np.flatnonzero(which.ravel() == k), str(labels[first[k]]), int(found[k, 3])
            inhibitory = chosen[sends[-1][chosen]]
            excitatory = chosen[sends[1][chosen] | ~sends[-1][chosen]]
            main = "I" if not len(excitatory) else "E"
            if read >= 0:  # all of them in one population, whatever they are
                main = "I" if found[k, 2] else "E"
                inhibitory = chosen if found[k, 2] else inhibitory
                excitatory = chosen[:0] if found[k, 2] else chosen
            if len(excitatory):
                yield _Part(unused(label), "E", excitatory), read
            if len(inhibitory):
                yield (
                    _Part(unused(label if main == "I" else f"{label}_I"), "I", inhibitory),
                    read if main == "I" else -1,
                )


def _population(part, neurons, state, how, dt) -> Population:
    subtracts, held = how.endswith("subtraction"), 2 * dt if how == "late value" else 0.0  # for one step
    tau, tau_e, tau_i, threshold, reset = map(float, neurons.parameters[part.which[0]])
    if neurons.equations:
        values = {"tau": (tau, "second"), "tau_s": (tau_e, "second"), "theta": (threshold, "volt")}
        values["fall" if subtracts else "v_r"] = (threshold - reset, "volt") if subtracts else (reset, "volt")
        neuron = Neuron(
            neurons.equations.replace(" : volt", " : volt (unless refractory)", 1) if held else neurons.equations,
            threshold="v > theta",
            reset="v -= fall" if subtracts else "v = v_r",
            refractory=held,
            excitation="I",
            inhibition="-I",
            drive="drive",
            method="euler",
            initial={"v": Measured(0.0, "volt")},
            name="CubaLIF" if neurons.equations == FILTERING else "IF",
            parameters={name: Measured(*value) for name, value in values.items()},
        )
    else:
        neuron = LIF(tau=tau, rest=0.0, threshold=threshold, reset=reset, refractory=held,
                     excitation=Exponential(tau_e), inhibition=Exponential(tau_i),
                     reset_by_subtraction=subtracts)  # fmt: skip
    initial = {name: value[part.which] for name, value in state.items()} or None
    return Population(part.name, part.sign, neuron, len(part.which), neurons.bias[part.which], initial)


def _by_sign(part, factor):
    """Signs, and magnitudes of weights (source × neurons) times a factor of each neuron, that are not 0."""
    weights = sparse.csr_array(part @ sparse.diags_array(factor))
    for sign in (1, -1):
        magnitudes = (sign * weights).maximum(0)
        magnitudes.eliminate_zeros()
        if magnitudes.nnz:
            yield sign, magnitudes


def _projections(sources, targets, sign, matrix, delay):
    """Projections of one sign between the parts of two nodes."""
    for source in sources:
        if (source.sign == "E") != (sign * source.channel > 0):
            continue
        rows = matrix[source.which]
        for target in targets:
            chosen = rows[:, target.which]
            if chosen.nnz:
                yield Projection(source.name, target.name, chosen, delay=delay)


def _single(received: Affine) -> tuple[list[str], list[int]] | None:
    """The node and the unit that each element is; ``None`` if one is anything else."""
    at, of = np.full(received.size, -1), np.empty(received.size, dtype=object)
    for key, part in received.parts.items():
        source, delay = source_of(key)
        entries = part.tocoo()
        rows, columns = entries.coords
        if delay or (entries.data != 1).any() or (at[columns] >= 0).any() or len(np.unique(columns)) < len(columns):
            return None
        at[columns], of[columns] = rows, source
    return None if (at < 0).any() or received.constant.any() else (of.tolist(), at.tolist())


def _one(value, what) -> float:
    if isinstance(value, str) or np.size(value) != 1:
        raise InputError(f"{what}: expected one number, found {value!r:.60}")
    return float(np.ravel(value)[0])
