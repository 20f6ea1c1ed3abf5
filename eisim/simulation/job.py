"""A batch and how it is to be run, and what its groups did."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np

from eisim.base import elementary
from eisim.base.errors import InputError
from eisim.base.results import RESULTS_VERSION
from eisim.base.timing import Timing
from eisim.simulation import cuda, naming
from eisim.simulation.drawn import DrawnSynapses
from eisim.simulation.layout import INPUT, JUNCTIONS, POOL, Bundle, Layout, Recorder
from eisim.simulation.model import Model, synapse_model
from eisim.simulation.naming import (
    GIVEN_FILE,
    INJECTED_FILE,
    STIMULUS_FILE,
    TRANSMISSION_FILE,
    group_name,
    monitor_name,
    recorder_name,
    static_file,
    synapses_name,
)
from eisim.simulation.state import state_variables
from eisim.simulation.toolchain import toolchain

#: Neurons of a group from which on those at rest are left out.
MANY = 100_000
BINARY = "main.exe" if os.name == "nt" else "main"
#: Names of the devices that generate programs: Brian2's as it is, and `eisim.simulation.device`.
PLAIN, OWN = "cpp_standalone", "eisim_standalone"
#: Versions of Brian2 whose templates ours were made from.
KNOWN = ("2.9.", "2.11.")
#: The device of the backend "cpp"; tests put Brian2's in its place.
CPP = OWN if version("brian2").startswith(KNOWN) else PLAIN
_HERE = Path(__file__).parent
#: The files that, with the models, decide the generated code.
_DECIDING = (
    *(_HERE / f"{name}.py" for name in ("network", "codegen", "compilation", "device", "noise", "naming")),
    *(_HERE / f"{name}.py" for name in ("elementary", "refractory", "drawn")),
    Path(elementary.__file__),
    *sorted((_HERE / "templates").iterdir()),
)


@dataclass(frozen=True)
class Outcome:
    """Activity of a group: mean rates in the window (Hz), and for its recorded neurons spikes or rates over time."""

    rates: np.ndarray
    spikes: tuple[np.ndarray, np.ndarray] | None = None  # neuron, step
    traces: np.ndarray | None = None  # neurons × steps, Hz
    loop_time: float = np.nan  # of the whole program, s
    #: Of each recorder of the group its variables, times × neurons.
    recorded: dict[Recorder, dict[str, np.ndarray]] = field(default_factory=dict)
    state: dict[str, np.ndarray] = field(default_factory=dict)  # at the end, by variable, where it is kept
    weights: np.ndarray | None = None  # at the end, of a bundle of synapses that learn


#: Outcomes of groups by name, and of the synapses that learn.
Outcomes = dict[str | Bundle, Outcome]


@dataclass(frozen=True)
class Job:
    layout: Layout
    kind: str
    timing: Timing
    models: dict[str, Model]
    device: str = OWN
    every: int = 1  # steps from one recorded state to the next
    keep_state: bool = False

    @property
    def synapse_models(self) -> dict[Bundle, Model]:
        return {
            b: synapse_model(b, s, self.layout, self.kind, self.models[b.target])
            for b, s in self.layout.synapses.items()
        }

    @property
    def signature(self) -> str:
        """Hash of all that decides the generated code and how it is compiled."""
        parts = [
            RESULTS_VERSION,
            self.kind,
            self.timing,
            [(name, g.size, g.recorded, g.frames) for name, g in self.layout.groups.items()],
            [(name, m.signature) for name, m in self.models.items()],
            [(synapses_name(b), len(s.pre), s.common_delay, b in self.drawn) for b, s in self.layout.synapses.items()],
            [m.signature for m in self.synapse_models.values()],
            len(self.layout.courses),
            [file.read_bytes() for file in _DECIDING],
            self.injected.shape,
            self.given.shape,
            self.device,
            toolchain(),
            [(recorder_name(recorder), len(found)) for recorder, found in self.layout.indices.items()],
            self.every,
            *self.resting,
            *([cuda.toolchain()] if self.device == cuda.CUDA else []),
        ]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

    @property
    def resting(self) -> list[str]:
        """Groups of which neurons at rest, which no update changes until a spike arrives, are left out.

        They are large, and what happens to their neurons depends on their own state and arriving spikes alone.
        """
        read = {bundle.target for bundle in self.layout.synapses if bundle.learning or bundle.receptor == JUNCTIONS}
        read |= {bundle.source for bundle in self.layout.synapses if bundle.learning}
        read |= {recorder.group for recorder in self.layout.indices}
        return [
            name
            for name, group in self.layout.groups.items()
            if group.size >= MANY and name not in read and not group.pools and self.models[name].is_autonomous
        ]

    @property
    def drawn(self) -> dict[Bundle, DrawnSynapses]:
        """The synapses that the program draws itself."""
        return {b: s for b, s in self.layout.synapses.items() if isinstance(s, DrawnSynapses)}

    def drawn_files(self) -> dict[str, bytes]:
        """What the program draws synapses from, by file name."""
        return {f"{synapses_name(bundle)}{naming.DRAWN}": s.file(self.timing) for bundle, s in self.drawn.items()}

    @property
    def injected(self) -> np.ndarray:
        """Currents over time, frames × rows, in the SI unit of each; empty if there are none."""
        rows = self.layout.injected
        return np.ascontiguousarray(np.concatenate(rows).T) if rows else np.empty((0, 0))

    @property
    def given(self) -> np.ndarray:
        """Time steps of given spikes, 1 × number; empty if there are none."""
        rows = self.layout.given
        return np.concatenate(rows)[None] if rows else np.empty((0, 0))

    def static_arrays(self) -> dict[str, np.ndarray]:
        """The arrays that the program reads when it starts, by file name."""
        arrays = {}
        for bundle, synapses in self.layout.synapses.items():
            if bundle in self.drawn:
                continue
            name = synapses_name(bundle)
            arrays[static_file(name, "sources")] = synapses.pre
            arrays[static_file(name, "targets")] = synapses.post
            if synapses.weight.ndim:
                arrays[static_file(name, "w", dynamic=True)] = synapses.weight
            if synapses.course.ndim:
                arrays[static_file(name, "course", dynamic=True)] = synapses.course
            if synapses.share.ndim:
                arrays[static_file(name, "share", dynamic=True)] = synapses.share
            if self.kind == "spiking" and synapses.common_delay is None:
                arrays[static_file(name, naming.DELAY, dynamic=True)] = synapses.delay
        if self.kind == "rate":
            for name, recorded in self.layout.monitored(self.kind).items():
                arrays[static_file(monitor_name(name), "_indices")] = np.arange(recorded, dtype=np.int32)
        for recorder, indices in self.layout.indices.items():
            arrays[static_file(recorder_name(recorder), "_indices")] = indices
        if any(np.any(synapses.course) for synapses in self.layout.synapses.values()):
            arrays[TRANSMISSION_FILE] = self.layout.transmission(self.timing)
        inputs = self.layout.groups[INPUT]
        if inputs.frames:
            arrays[STIMULUS_FILE] = np.ascontiguousarray(inputs.values()["rate"].T)
        arrays |= {
            name: table for name, table in ((INJECTED_FILE, self.injected), (GIVEN_FILE, self.given)) if table.size
        }
        return arrays

    def unread_results(self) -> list[str]:
        """Files of synapses that the program leaves as it was given them."""
        given = [(name, False) for name in ("sources", "targets")]
        given += [(name, True) for name in ("_synaptic_pre", "_synaptic_post", naming.DELAY, "course")]
        weight = ("w", True)
        return [
            naming.result_file(synapses_name(bundle), *variable)
            for bundle in self.layout.synapses
            for variable in (given if bundle.learning else [*given, weight])
        ]

    def outcomes(self, read: Callable[..., np.ndarray], loop_time: float = np.nan) -> Outcomes:
        """The activity of each group, and the weights of each bundle of synapses that learn.

        ``read(owner, variable, shape)`` gives a variable of a Brian2 object; without a shape one of a spike monitor.
        ``read(owner, variable, shape, recorded=True)`` gives one of a state monitor, with ``state=True`` one of the
        state.
        """
        recorded = self.layout.monitored(self.kind)
        found: Outcomes = {}
        for name, group in self.layout.groups.items():
            rates, spikes, traces = np.empty(0), None, None
            if "spikes_in_window" in self.models[name].text:
                rates = read(group_name(name), "spikes_in_window", (group.size,)) / self.timing.window
            elif "rate_sum" in self.models[name].text:
                rates = read(group_name(name), "rate_sum", (group.size,)) / self.timing.window_steps
            if getattr(group.neuron, "can_diverge", False) and not name.startswith(POOL):
                _check_finite(group.neuron, read(group_name(name), "v", (group.size,)))
            monitor = monitor_name(name)
            if name in recorded and self.kind == "spiking":
                spikes = read(monitor, "i"), np.round(read(monitor, "t") / self.timing.dt).astype(int)
            elif name in recorded:
                traces = read(monitor, "r", (self.timing.steps, recorded[name]), recorded=True).T
            neuron = None if name.startswith(POOL) else group.neuron
            names = state_variables(self.models[name].equations, neuron) if self.keep_state else ()
            state = {v: read(group_name(name), v, (group.size,), state=True) for v in names}
            found[name] = Outcome(rates, spikes, traces, loop_time, state=state)
        for bundle, synapses in self.layout.synapses.items():
            if bundle.learning:
                weights = read(synapses_name(bundle), "w", (len(synapses.pre),))
                _check_learnt(bundle, weights)
                found[bundle] = Outcome(np.empty(0), weights=weights)
        for recorder, indices in self.layout.indices.items():
            shape = len(self.timing.every(self.every)), len(indices)
            found[recorder.group].recorded[recorder] = {
                variable: read(recorder_name(recorder), variable, shape, recorded=True)
                for variable in recorder.variables
            }
        return found

    def arguments(self) -> dict[str, np.ndarray | float]:
        """Initial values of the groups' variables, by their names in Brian2."""
        named = {group_name(name): m for name, m in self.models.items()}
        named |= {synapses_name(bundle): m for bundle, m in self.synapse_models.items()}
        return {
            f"{owner}.{variable}": value
            for owner, m in named.items()
            for variable, value in m.values.items()
            if not (variable in ("w", "course", "share") and np.ndim(value))  # read as it connects
        }


def _check_learnt(bundle, weights):
    """A weight that is no number is within no bounds; one without a bound is held at the largest of all numbers."""
    if lost := np.count_nonzero(~(np.abs(weights) < np.finfo(float).max)):
        raise InputError(
            f"simulate: expected weights that stay finite, found {lost} of {len(weights):,} that do not by "
            f"{bundle.learning.name}"
        )


def _check_finite(neuron, v):
    """A membrane potential that is no number never crosses its threshold: that is no silence."""
    if lost := np.count_nonzero(~np.isfinite(v)):
        raise InputError(
            f"simulate: expected membrane potentials that stay finite, found {lost} of {len(v):,} of {neuron.name} "
            "that do not; take a shorter time step or another method"
        )
