"""From a layout to Brian2 objects."""

import brian2 as b2
import numpy as np

from eisim.simulation import noise
from eisim.simulation.layout import INPUT, Layout
from eisim.simulation.model import Model, drive_name
from eisim.simulation.naming import group_name, monitor_name, synapses_name
from eisim.timing import Timing


class BatchNetwork:
    """The Brian2 network of a layout. Make it while the wanted Brian2 device is active.

    Every object has a name of its own, so that the generated code is always the same.
    """

    def __init__(self, layout: Layout, kind: str, timing: Timing, models: dict[str, Model]):
        self.kind, self.timing = kind, timing
        self.clock = b2.Clock(timing.dt * b2.second, name="eisim_clock")
        self.groups = {name: self._group(name, layout.groups[name], model) for name, model in models.items()}
        self.synapses = [self._synapses(*key, bundle) for key, bundle in layout.synapses.items()]
        self.monitors = {name: self._monitor(name, n) for name, n in layout.monitored(kind).items()}
        self.network = b2.Network(*self.groups.values(), *self.synapses, *self.monitors.values(), name="eisim_network")

    def _group(self, name, group, model):
        namespace = {v: b2.Quantity(1.0, dim=getattr(b2, unit).dim) for v, unit in model.placeholders.items()}
        if "gaussian" in model.step:
            namespace["gaussian"] = noise.brian2_function()
        if name == INPUT and group.frames:
            rates = group.values()["rate"]  # neurons × frames
            frame = self.timing.duration / group.frames * b2.second
            namespace["stimulus"] = b2.TimedArray(rates.T * b2.Hz, frame, name="eisim_stimulus")
        return b2.NeuronGroup(
            group.size,
            model.text,
            method=_stepper(model.step),
            clock=self.clock,
            name=group_name(name),
            namespace=namespace,
            **model.events,
        )

    def _synapses(self, source, target, sign, bundle):
        arguments = {"clock": self.clock, "name": synapses_name(source, target, sign)}
        if self.kind == "rate":
            drive = drive_name(source, sign)
            model = f"w : 1 (constant)\n{drive}_post = w*r_pre : Hz (summed)"
        else:
            model = "w : volt (constant)"
            arguments["on_pre"] = f"I_{'e' if sign > 0 else 'i'}_post += w"
            if bundle.common_delay is not None:
                arguments["delay"] = bundle.common_delay * b2.second
        synapses = b2.Synapses(self.groups[source], self.groups[target], model, **arguments)
        synapses.connect(i=bundle.pre, j=bundle.post)
        synapses.w_[:] = bundle.weight
        if self.kind == "spiking" and bundle.common_delay is None:
            synapses.delay_[:] = bundle.delay
        return synapses

    def _monitor(self, name, recorded):
        neurons, own_name = self.groups[name], monitor_name(name)
        if self.kind == "spiking":
            return b2.SpikeMonitor(neurons[:recorded], name=own_name)
        return b2.StateMonitor(neurons, "r", record=np.arange(recorded), when="end", clock=self.clock, name=own_name)


def _stepper(code):
    """A Brian2 state updater that takes a step as it is written, with no algebra to wait for."""

    def step(equations, variables=None, method_options=None):
        return code

    return step
