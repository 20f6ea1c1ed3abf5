"""The one hook, `Network.run`, which every way to run a network passes; and what else a script asks of its process."""

from __future__ import annotations

import builtins
import multiprocessing
import random
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import brian2
import numpy as np
from brian2.core.magic import MagicNetwork
from brian2.core.network import Network, _get_all_objects
from brian2.devices.device import RuntimeDevice, runtime_device
from brian2.groups.neurongroup import NeuronGroup

from eisim.base.errors import InputError
from eisim.studies.brian2_networks.result import GroupSpikes

#: The module, which Brian2 hides behind the active device of the same name.
devices = sys.modules[RuntimeDevice.__module__]
AtRun = Callable[[list, Mapping], None]

OWN_SEED = "the script sets its own seed: the first seed is that one, of the others a number was added to it"
WENT_BACK = (
    "the time of a network went back between two runs, as by restore: spikes and rates are those of all runs, one "
    "after the other"
)
OWN_DEVICE = "the script's set_device was left out: it ran on the runtime device, whose random numbers are others"


class Recorder:
    """Spikes of all groups of neurons, over all runs of a script.

    A monitor lives for one run only: it would keep groups alive that a script has let go.
    """

    def __init__(self):
        self.labels: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        self.groups: dict[str, weakref.ref] = {}
        self.parts: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        self.sizes: dict[str, int] = {}
        self.steps: dict[str, float] = {}
        self.times: dict[str, float] = {}
        self.limits: dict[str, float] = {}
        self.number = 0
        self.ends: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        self.notes: set[str] = set()

    def label(self, group) -> str:
        """The name of a group, with a number where another one that is there has the same."""
        if group in self.labels:
            return self.labels[group]
        number, name = 1, group.name
        while name in self.groups and (self.groups[name]() is not None or self.sizes[name] != len(group)):
            number += 1
            name = f"{group.name} ({number})"
        self.labels[group] = name
        self.groups[name] = weakref.ref(group)
        self.sizes[name], self.steps[name] = len(group), float(group.clock.dt_)
        self.limits[name] = _limit(group, self.steps[name])
        self.times.setdefault(name, 0.0)
        self.parts.setdefault(name, [])
        return name

    @contextmanager
    def recording(self, network: Network, objects: list) -> Iterator[None]:
        """Record the spikes of one run."""
        monitors = {}
        for group in sorted((each for each in objects if _spikes(each)), key=lambda each: each.name):
            self.number += 1
            monitor = brian2.SpikeMonitor(group, name=f"eisim_spikes_{self.number}")
            monitor.add_to_magic_network = False
            network.objects.add(monitor)
            monitor._network = network.id
            monitors[self.label(group)] = monitor
        begin = float(network.t_)
        if begin < self.ends.get(network, 0.0):
            self.notes.add(WENT_BACK)
        try:
            yield
        finally:
            for label, monitor in monitors.items():
                self._keep(label, monitor, begin, float(network.t_))
                network.objects.discard(monitor)
            self.ends[network] = float(network.t_)

    def _keep(self, label, monitor, begin, end):
        times = np.array(monitor.variables["t"].get_value(), dtype=float) - begin + self.times[label]
        neurons = np.array(monitor.variables["i"].get_value(), dtype=np.int32)
        self.parts[label].append((times, neurons))
        self.times[label] += end - begin

    def spikes(self) -> dict[str, GroupSpikes]:
        """The spikes of all groups so far."""
        found = {}
        for name, parts in self.parts.items():
            times = np.concatenate([t for t, _ in parts]) if parts else np.zeros(0)
            neurons = np.concatenate([i for _, i in parts]) if parts else np.zeros(0, np.int32)
            found[name] = GroupSpikes(name, self.sizes[name], times, neurons, self.times[name], self.steps[name])
        return found


def _spikes(each) -> bool:
    return isinstance(each, NeuronGroup) and "spike" in each.events and len(each) > 0


def _limit(group, dt: float) -> float:
    """Largest rate that the refractory period allows, in Hz."""
    period = group._refractory
    if period is False:
        return np.inf
    try:
        return 1 / max(float(period), dt)
    except (TypeError, ValueError):  # an expression
        return np.nan


def objects_of(network: Network) -> list:
    """All objects of a network, those that others contain as well, by name."""
    return sorted(_get_all_objects(network.objects), key=lambda each: each.name)


def users_namespace(level: int = 0) -> dict[str, Any]:
    """Globals and locals of the nearest function that is neither Brian2's nor ours, or of one so many levels above.

    Each of Brian2's functions on the way has added one to `level`.
    """
    frame, own = sys._getframe(1), 0
    while frame is not None and _is_ours(frame):
        own += frame.f_globals.get("__name__", "").startswith("brian2.")
        frame = frame.f_back
    for _ in range(max(0, level - own)):
        frame = frame.f_back if frame is not None and frame.f_back is not None else frame
    return {**frame.f_globals, **frame.f_locals} if frame is not None else {}


def _is_ours(frame) -> bool:
    name = frame.f_globals.get("__name__", "")
    return name == "brian2" or name.startswith(("brian2.", "eisim.studies.", "eisim.base.", "contextlib"))


@contextmanager
def replaced(owner, name: str, value) -> Iterator[None]:
    """Have another value in the place of an attribute for a while."""
    before, is_own = getattr(owner, name, None), name in vars(owner)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if is_own:
            setattr(owner, name, before)
        else:
            delattr(owner, name)


@contextmanager
def hooked(at_run: AtRun, recorder: Recorder) -> Iterator[None]:
    """Call a function before each run of a network, with its objects and the names that it sees, and record spikes."""
    original, own = Network.run, multiprocessing.current_process()

    def run(self, duration, report=None, report_period=10 * brian2.second, namespace=None, profile=None, level=0):
        if multiprocessing.current_process() is not own:
            raise InputError("run(...): expected a script that runs its networks itself, found multiprocessing")
        names = users_namespace(level) if namespace is None else namespace
        objects = objects_of(self)
        at_run(objects, names)
        with recorder.recording(self, objects):
            return original(self, duration, report, report_period, names, profile)

    with replaced(Network, "run", run):
        yield


@contextmanager
def as_replicate(seed: int, offset: int, notes: set[str]) -> Iterator[None]:
    """Seed all random numbers; where the script seeds them itself, a replicate other than the first adds to that."""
    of_device, of_numpy, make, of_python = RuntimeDevice.seed, np.random.seed, np.random.default_rng, random.seed

    def own(given):
        if given is None:
            return seed
        notes.add(OWN_SEED)
        return given + offset if isinstance(given, (int, np.integer)) else given

    def device_seed(self, seed=None):
        with replaced(np.random, "seed", of_numpy):
            of_device(self, own(seed))

    def numpy_seed(seed=None):
        of_numpy(own(seed))

    def default_rng(seed=None):
        if seed is None or (offset and isinstance(seed, (int, np.integer))):
            seed = own(seed)
        return make(seed)

    def python_seed(a=None, version=2):
        of_python(own(a) if a is None or isinstance(a, int) else a, version)

    with ExitStack() as stack:
        brian2.seed(seed)
        of_numpy(seed)
        of_python(seed)
        stack.enter_context(replaced(RuntimeDevice, "seed", device_seed))
        stack.enter_context(replaced(np.random, "seed", numpy_seed))
        stack.enter_context(replaced(np.random, "default_rng", default_rng))
        stack.enter_context(replaced(random, "seed", python_seed))
        yield


@contextmanager
def without_surroundings() -> Iterator[None]:
    """No windows, no pictures written, and no questions."""
    import matplotlib
    import matplotlib.pyplot as plt
    from matplotlib.figure import Figure

    def ask(*_):
        raise InputError("input(): expected a script that asks nothing, found a question")

    matplotlib.use("Agg", force=True)
    with ExitStack() as stack:
        for owner, name in ((plt, "show"), (plt, "pause"), (Figure, "savefig"), (brian2, "show")):
            if hasattr(owner, name):
                stack.enter_context(replaced(owner, name, nothing))
        stack.enter_context(replaced(builtins, "input", ask))
        yield


def nothing(*_, **__) -> None:
    """What is left out."""


def refused_run(*_, **__) -> None:
    """A program that the script runs itself, perhaps many times."""
    raise InputError("device.run(...): expected a script that runs once, found one that runs its program itself")


@contextmanager
def on_runtime(notes: set[str]) -> Iterator[None]:
    """No device of the script's own."""
    set_device = devices._do_set_device

    def only_runtime(device, build_on_run=True, **options):
        if device in ("runtime", runtime_device):
            set_device(device, build_on_run, **options)
        else:
            notes.add(OWN_DEVICE)

    with ExitStack() as stack:
        stack.enter_context(replaced(devices, "_do_set_device", only_runtime))
        for name, value in (("build", nothing), ("insert_code", nothing), ("delete", nothing), ("run", refused_run)):
            stack.enter_context(replaced(RuntimeDevice, name, value))
        yield


def as_if_new(is_script: bool) -> None:
    """Forget all objects of Brian2 in this process, so that those of a script have the names that they have alone."""
    devices._do_set_device("runtime")
    for found in brian2.core.tracking.Trackable.__instancefollower__.instance_sets.values():
        for reference in list(found):
            each = reference()
            if each is not None and not isinstance(each, MagicNetwork) and getattr(each, "name", "") != "defaultclock":
                found.discard(reference)
    brian2.start_scope()
    if is_script:
        brian2.prefs.reset_to_defaults()
        brian2.prefs.load_preferences()
        brian2.defaultclock.dt = 0.1 * brian2.ms
