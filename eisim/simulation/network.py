"""From a layout to Brian2 objects."""

import brian2 as b2
import numpy as np
from brian2.groups.group import CodeRunner

from eisim.neurons.kinetics import kinetic_variables
from eisim.simulation import elementary, noise, refractory
from eisim.simulation.drawn import DrawnSynapses
from eisim.simulation.job import Job
from eisim.simulation.layout import INPUT, POOL
from eisim.simulation.naming import RECORDERS_CLOCK, group_name, monitor_name, recorder_name, synapses_name


class BatchNetwork:
    """The Brian2 network of a job, to be created while the intended Brian2 device is active.

    Every object has a unique name, so that the generated code is always the same.
    """

    def __init__(self, job: Job):
        layout, timing = job.layout, job.timing
        self.kind, self.timing = job.kind, timing
        self.clock = b2.Clock(timing.dt * b2.second, name="eisim_clock")
        self.stimulus = self._stimulus(layout.groups[INPUT])
        self.tables = self._tables(job)
        self.groups = {name: self._group(name, layout.groups[name], model) for name, model in job.models.items()}
        for name, group in layout.groups.items():
            for variable in kinetic_variables(group.neuron) if group.pools else ():
                pools = b2.linked_var(self.groups[group.pools], variable, index="pool")
                setattr(self.groups[name], f"{variable}_pool", pools)
        self.transmission = self._transmission(layout)
        connections = job.synapse_models
        self.synapses = {b: self._synapses(b, s, connections[b]) for b, s in layout.synapses.items()}
        self.monitors = {name: self._monitor(name, n) for name, n in layout.monitored(job.kind).items()}
        self.monitors |= self._recorders(layout.indices, job.every)
        self.network = b2.Network(
            *self.groups.values(), *self.synapses.values(), *self.monitors.values(), name="eisim_network"
        )

    def run(self, report) -> None:
        """Run for the duration of a trial; `report` says how far it is, as Brian2 takes it."""
        duration, period = self.timing.duration * b2.second, 0.5 * b2.second
        self.network.run(duration, report=report, report_period=period, namespace={})

    def _group(self, name, group, model):
        model = model.with_own_functions
        namespace = {v: b2.Quantity(1.0, dim=getattr(b2, unit).dim) for v, unit in model.placeholders.items()}
        namespace |= elementary.brian2_functions()
        if "key" in model.step:
            namespace |= noise.brian2_functions()
        if model.held:
            namespace |= refractory.brian2_functions()
        if model.arrivals:
            namespace |= noise.brian2_uniform()
        if "stimulus(" in "\n".join([model.text, model.step, *model.arrivals.values()]):
            namespace["stimulus"] = self.stimulus
        texts = "\n".join([model.text, *model.events.values()])
        namespace |= {name: table for name, table in self.tables.items() if f"{name}(" in texts}
        made = b2.NeuronGroup(
            group.size,
            model.text,
            method=lambda *_, **__: model.step,  # as it is written, with no algebra to wait for
            clock=self.clock,
            name=group_name(name),
            order=int(name.startswith(POOL)),  # neurons read what their pool held before the step
            namespace=namespace,
            **model.events,
        )
        for arrived, code in model.arrivals.items():
            draw = CodeRunner(
                made,
                "poisson",
                code,
                clock=self.clock,
                name=f"{made.name}_{arrived}",
                template_kwds={"arrived": arrived},
                needed_variables=[arrived],
            )
            made.contained_objects.append(draw)
        return made

    def _stimulus(self, inputs):
        """The time-varying rates of the inputs, if they vary."""
        if inputs.frames:
            rates = inputs.values()["rate"]  # neurons × frames
            # A product, so that Brian2 finds a whole number of steps in a frame wherever there is one.
            frame = self.timing.steps / inputs.frames * self.timing.dt * b2.second
            return b2.TimedArray(rates.T * b2.Hz, frame, name="eisim_stimulus")

    def _transmission(self, layout):
        """What synapses transmit at each step, if any lose some for a while."""
        if len(layout.courses) > 1:
            step = self.timing.dt * b2.second
            return b2.TimedArray(layout.transmission(self.timing), step, name="eisim_transmission")

    def _tables(self, job):
        """Injected currents by frame, and time steps of given spikes in one frame for all times."""
        tables = {}
        if job.injected.size:
            frame = self.timing.steps / len(job.injected) * self.timing.dt * b2.second
            tables["injected"] = b2.TimedArray(job.injected, frame, name="eisim_injected")
        if job.given.size:
            tables["given"] = b2.TimedArray(job.given, self.timing.dt * b2.second, name="eisim_given")
        return tables

    def _synapses(self, bundle, synapses, model):
        model = model.with_own_functions
        arguments = {"on_pre": model.step} if model.step else {}
        if model.update:  # as it is written; before the units are stepped whose rates it reads
            arguments |= {"method": lambda *_, **__: model.update, "order": -0.25 if self.kind == "rate" else 0}
        arguments["namespace"] = elementary.brian2_functions()
        if "transmission(" in model.equations + model.step:
            arguments["namespace"] |= {"transmission": self.transmission}
        if "let_in(" in model.step:
            arguments["namespace"] |= refractory.brian2_functions()
        if self.kind == "spiking" and model.step and synapses.common_delay is not None:
            arguments["delay"] = {"pre": synapses.common_delay * b2.second}
        if model.on_post:
            arguments |= {"on_post": model.on_post, "delay": arguments.get("delay", {}) | {"post": 0 * b2.second}}
        source, target, name = self.groups[bundle.source], self.groups[bundle.target], synapses_name(bundle)
        made = b2.Synapses(source, target, model.text, clock=self.clock, name=name, **arguments)
        if isinstance(synapses, DrawnSynapses):
            made._connect_called = True  # the program draws them, and Brian2 has none
            return made
        made.connect(i=synapses.pre, j=synapses.post)
        if synapses.weight.ndim:
            made.w_[:] = synapses.weight
        if synapses.course.ndim:
            made.course_[:] = synapses.course
        if synapses.share.ndim:
            made.share_[:] = synapses.share
        if self.kind == "spiking" and model.step and synapses.common_delay is None:
            made.delay_[:] = synapses.delay
        return made

    def _monitor(self, name, recorded):
        neurons, own_name = self.groups[name], monitor_name(name)
        if self.kind == "spiking":
            # Brian2 has no part of a group that is linked to another.
            whole = recorded == len(neurons) or "pool" in neurons.variables
            return b2.SpikeMonitor(neurons if whole else neurons[:recorded], name=own_name)
        return b2.StateMonitor(neurons, "r", record=np.arange(recorded), when="end", clock=self.clock, name=own_name)

    def _recorders(self, indices, every):
        """Monitors of the state at the beginning of a step, of what is summed once it is."""
        clock = self.clock
        if indices and every > 1:
            clock = b2.Clock(every * self.timing.dt * b2.second, name=RECORDERS_CLOCK)

        def slot(recorder):
            of_group = recorder.group not in self.synapses
            is_summed = of_group and (self.kind == "rate" or "gap" in recorder.variables)
            return {"when": "groups", "order": -0.5} if is_summed else {"when": "start"}

        return {
            recorder: b2.StateMonitor(
                (self.synapses | self.groups)[recorder.group],
                recorder.variables,
                record=numbers,
                clock=clock,
                name=recorder_name(recorder),
                **slot(recorder),
            )
            for recorder, numbers in indices.items()
        }
