"""From a layout to Brian2 objects, and from their results back to arrays."""

from dataclasses import dataclass

import brian2 as b2
import numpy as np

from eisim.circuit import CYCLE
from eisim.simulation import noise
from eisim.simulation.layout import DELAY_LINE, INPUT, Group, Layout

@dataclass(frozen=True)
class Timing:
    """Length of a run, of its read-out window at the end, and of a time step, in s."""

    duration: float
    window: float
    dt: float

    @property
    def steps(self) -> int:
        return round(self.duration / self.dt)

    @property
    def window_steps(self) -> int:
        return round(self.window / self.dt)

    @property
    def in_window(self) -> str:
        """Brian2 expression: 1 within the read-out window, else 0."""
        return f"int(t_in_timesteps >= {self.steps - self.window_steps})"


@dataclass(frozen=True)
class Outcome:
    """What a group did: mean rates in the window (Hz), and for its recorded neurons spikes or rates over time."""

    rates: np.ndarray
    spikes: tuple[np.ndarray, np.ndarray] | None = None  # neuron, step
    traces: np.ndarray | None = None  # neurons × steps, Hz


@dataclass(frozen=True)
class Model:
    """What a Brian2 group is made of."""

    equations: str
    step: str  # abstract code
    units: dict[str, str]  # of the parameters
    initial: dict[str, np.ndarray]  # values of other variables at the start
    events: dict[str, str]  # threshold, reset, refractory
    namespace: dict[str, object]


class BatchNetwork:
    """The Brian2 network of a layout. Make it while the wanted Brian2 device is active."""

    def __init__(self, layout: Layout, kind: str, timing: Timing):
        self.kind, self.timing = kind, timing
        #: What the neurons' variables are set to: given to the program when it runs, so that they are not its code.
        self.values = {}
        self.clock = b2.Clock(timing.dt * b2.second, name="eisim_clock")
        # Every object has a name of its own, so that the generated code, which is the key of the cache, stays the same.
        self.groups = {
            name: self._group(name, group, [key for key in layout.synapses if key[1] == name])
            for name, group in layout.groups.items()
        }
        self.synapses = [self._synapses(*key, bundle) for key, bundle in layout.synapses.items()]
        self.monitors = {
            name: self._monitor(name, group.recorded)
            for name, group in layout.groups.items()
            if group.recorded and name != DELAY_LINE and not (kind == "rate" and name == INPUT)
        }
        self.network = b2.Network(
            *self.groups.values(), *self.synapses, *self.monitors.values(), name="eisim_network"
        )

    def run(self):
        """Do the run, or queue it on a standalone device."""
        self.network.run(self.timing.duration * b2.second, namespace={})

    def outcomes(self) -> dict[str, Outcome]:
        """What each group did, once the run is over."""
        found = {}
        for name, neurons in self.groups.items():
            if name in (INPUT, DELAY_LINE):
                rates = np.empty(0)
            elif self.kind == "spiking":
                rates = np.asarray(neurons.spikes_in_window[:]) / self.timing.window
            else:
                rates = np.asarray(neurons.rate_sum_[:]) / self.timing.window_steps
            monitor = self.monitors.get(name)
            if monitor is None:
                found[name] = Outcome(rates)
            elif self.kind == "spiking":
                steps = np.round(np.array(monitor.t_[:]) / self.timing.dt).astype(int)
                found[name] = Outcome(rates, spikes=(np.array(monitor.i[:]), steps))
            else:
                found[name] = Outcome(rates, traces=np.array(monitor.r_))
        return found

    def _group(self, name, group, incoming):
        values = group.values()
        model = self._model(name, group, values, incoming)
        # A parameter that is the same for all neurons is one number, so that its terms leave the loop over neurons.
        parameters = {v: values[v] if np.ptp(values[v]) else values[v][0] for v in model.units if v in values}
        declared = "".join(
            f"\n{v} : {model.units[v]} ({'constant' if np.ndim(value) else 'shared, constant'})"
            for v, value in parameters.items()
        )
        neurons = b2.NeuronGroup(
            group.size,
            model.equations + declared,
            method=_stepper(model.step),
            clock=self.clock,
            name=f"eisim_{name}",
            namespace=model.namespace,
            **model.events,
        )
        for variable, value in (parameters | model.initial).items():
            view = getattr(neurons, variable)
            self.values[view] = b2.Quantity(value, dim=view.dim)
        return neurons

    def _model(self, name, group, values, incoming) -> Model:
        if name == INPUT:
            return self._input(values)
        if self.kind == "spiking":
            return self._spiking(group, values)
        return self._rate(group, incoming)

    def _input(self, values) -> Model:
        output = "rate" if self.kind == "spiking" else "r"
        rate = values.pop("rate")
        namespace = {}
        if rate.ndim == 2:  # neurons × frames
            frame = self.timing.duration / rate.shape[1]
            namespace = {"stimulus": b2.TimedArray(rate.T * b2.Hz, frame * b2.second, name="eisim_stimulus")}
            equations = f"{output} = stimulus(t, i) : Hz"
        else:
            values[output] = rate
            equations = ""
        if self.kind == "rate":
            return Model(equations, "", {"r": "Hz"}, {}, {}, namespace)
        return Model(
            equations + "\ndphase/dt = rate : 1",
            "phase = phase + rate*dt",
            {"rate": "Hz"},
            {"phase": values["phase"]},
            {"threshold": f"phase > {CYCLE}", "reset": "phase -= 1"},
            namespace,
        )

    def _rate(self, group: Group, incoming) -> Model:
        drives = [_drive_name(source, sign) for source, _, sign in incoming]
        equations = f"drive = {' + '.join(['bias', *drives])} : Hz\nrate_sum : Hz"
        equations += "".join(f"\n{drive} : Hz" for drive in drives)
        if group.neuron is None:  # a delay line hands on at each step what it received
            equations += "\ndr/dt = (drive - r)/dt : Hz"
            step, units = "r = drive", {}
        else:
            equations += "\n" + group.neuron.equations
            step, units = group.neuron.step, group.neuron.step_units
        step += f"\nrate_sum = rate_sum + r*{self.timing.in_window}"
        return Model(equations, step, units | {"bias": "Hz"}, {}, {}, {})

    def _spiking(self, group: Group, values) -> Model:
        neuron = group.neuron
        events = {
            "threshold": "v > threshold",
            "reset": f"v = reset\nfree_at = t_in_timesteps + hold\nspikes_in_window += {self.timing.in_window}",
            "refractory": "t_in_timesteps < free_at",  # whole steps: no division for each neuron and step
        }
        # Brian2 checks the units of the equations against one neuron's values; the step has its own for each.
        namespace = {
            "tau": neuron.tau * b2.second,
            "tau_e": neuron.excitation.tau * b2.second,
            "tau_i": neuron.inhibition.tau * b2.second,
            "noise": neuron.noise * b2.volt,
            "gaussian": noise.brian2_function(),
        }
        return Model(
            neuron.equations + "\nspikes_in_window : integer\nfree_at : integer",
            neuron.step(noisy=values["noise_step"].any()),
            neuron.step_units | {"bias": "volt", "key": "1"},
            {"v": values["rest"]},
            events,
            namespace,
        )

    def _synapses(self, source, target, sign, bundle):
        pre, post, weight, delay = bundle.values()
        arguments = {"clock": self.clock, "name": f"eisim_{source}_to_{target}_{'e' if sign > 0 else 'i'}"}
        if self.kind == "rate":
            drive = _drive_name(source, sign)
            model = f"w : 1 (constant)\n{drive}_post = w*r_pre : Hz (summed)"
        else:
            model = "w : volt (constant)"
            arguments["on_pre"] = f"I_{'e' if sign > 0 else 'i'}_post += w"
            if not np.ptp(delay):
                arguments["delay"] = delay[0] * b2.second
        synapses = b2.Synapses(self.groups[source], self.groups[target], model, **arguments)
        synapses.connect(i=pre, j=post)
        synapses.w_[:] = weight
        if self.kind == "spiking" and np.ptp(delay):
            synapses.delay_[:] = delay
        return synapses

    def _monitor(self, name, recorded):
        neurons = self.groups[name]
        if self.kind == "spiking":
            return b2.SpikeMonitor(neurons[:recorded], name=f"eisim_{name}_spikes")
        return b2.StateMonitor(
            neurons, "r", record=np.arange(recorded), when="end", clock=self.clock, name=f"eisim_{name}_rates"
        )


def _drive_name(source, sign):
    return f"drive_from_{source}_{'e' if sign > 0 else 'i'}"


def _stepper(code):
    """A Brian2 state updater that takes a step as it is written, with no algebra to wait for."""

    def step(equations, variables=None, method_options=None):
        return code

    return step
