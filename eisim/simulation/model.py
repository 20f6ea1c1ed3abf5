"""What the groups of a layout are made of, as text: equations, steps and events in Brian2's language.

Nothing here needs Brian2. The text, together with the sizes, is all that decides the generated code, so it serves as
the signature of a compiled program.
"""

from dataclasses import dataclass, field

import numpy as np

from eisim.circuit import CYCLE
from eisim.simulation.layout import INPUT, Group, Layout
from eisim.timing import Timing


@dataclass(frozen=True)
class Model:
    """A Brian2 group as text and numbers.

    Attributes
    ----------
    equations, step : str
        Brian2 equations, and one time step of them as abstract code.
    values : dict of str to ndarray or float
        What variables are set to when the program runs.
    units : dict of str to str
        Units of those that are parameters. A parameter that is the same for all neurons is one number, so that its
        terms leave the loop over neurons.
    events : dict of str to str
        ``threshold``, ``reset`` and ``refractory`` of a spiking group.
    placeholders : dict of str to str
        Units of names that the equations have but the step does not use.
    """

    equations: str
    step: str
    values: dict[str, np.ndarray | float]
    units: dict[str, str]
    events: dict[str, str] = field(default_factory=dict)
    placeholders: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The equations with the declarations of the parameters."""
        shared = {name: "" if np.ndim(self.values[name]) else "shared, " for name in self.units}
        return self.equations + "".join(
            f"\n{name} : {unit} ({shared[name]}constant)" for name, unit in self.units.items()
        )

    @property
    def signature(self) -> tuple:
        """All that decides the generated code."""
        kinds = sorted((name, bool(np.ndim(value))) for name, value in self.values.items())
        return (self.text, self.step, kinds, sorted(self.events.items()), sorted(self.placeholders.items()))


def models(layout: Layout, kind: str, timing: Timing) -> dict[str, Model]:
    """The model of each group of a layout."""
    found = {}
    for name, group in layout.groups.items():
        values = {v: _one_if_equal(value) for v, value in group.values().items()}
        if name == INPUT:
            found[name] = _input(values, kind)
        elif kind == "spiking":
            found[name] = _spiking(group, values, timing)
        else:
            drives = [drive_name(s, sign) for s, target, sign in layout.synapses if target == name]
            found[name] = _rate(group, values, timing, drives)
    return found


def _one_if_equal(value):
    """An array, or the one number that it repeats."""
    return value if np.ndim(value) and np.ptp(value) else np.ravel(value)[0]


def drive_name(source: str, sign: int) -> str:
    """The variable that sums a rate group's input from one bundle of synapses."""
    return f"drive_from_{source}_{'e' if sign > 0 else 'i'}"


def _in_window(timing):
    """Brian2 expression: 1 within the read-out window, else 0."""
    return f"int(t_in_timesteps >= {timing.steps - timing.window_steps})"


def _input(values, kind) -> Model:
    output = "rate" if kind == "spiking" else "r"
    rate, phase = values["rate"], values["phase"]
    moving = np.ndim(rate) == 2
    equations = f"{output} = stimulus(t, i) : Hz (constant over dt)" if moving else ""
    parameters = {} if moving else {output: rate}
    units = dict.fromkeys(parameters, "Hz")
    if kind == "rate":
        return Model(equations, "", parameters, units)
    return Model(
        equations + "\ndphase/dt = rate : 1",
        "phase = phase + rate*dt",
        parameters | {"phase": phase},
        units,
        {"threshold": f"phase > {CYCLE}", "reset": "phase -= 1"},
    )


def _rate(group: Group, values, timing, drives) -> Model:
    refractory, noisy = (bool(np.any(values.get(name, 0))) for name in ("recovery", "noise_step"))
    if not refractory:
        values.pop("recovery", None)
    if not noisy:
        for name in ("noise_step", "noise_decay", "key"):
            values.pop(name, None)
    terms = ["bias", *drives, *(["noise_drive"] if noisy else [])]
    equations = f"drive = {' + '.join(terms)} : Hz\nrate_sum : Hz"
    equations += "".join(f"\n{drive} : Hz" for drive in drives)
    if group.neuron is None:  # a delay line hands on at each step what it received
        equations += "\ndr/dt = (drive - r)/dt : Hz"
        step, units = "r = drive", {}
    else:
        equations += "\n" + group.neuron.equations_of(refractory, noisy)
        step, units = group.neuron.step(refractory, noisy), group.neuron.step_units | {"key": "1"}
    step += f"\nrate_sum = rate_sum + r*{_in_window(timing)}"
    return Model(
        equations,
        step,
        values,
        {name: unit for name, unit in (units | {"bias": "Hz"}).items() if name in values},
        placeholders={"noise": "hertz", "noise_tau": "second"} if noisy else {},
    )


def _spiking(group: Group, values, timing) -> Model:
    noisy = bool(np.any(values["noise_step"]))
    if not noisy:
        del values["noise_step"], values["key"]
    after_spike = "reset + carry*(v - threshold)"
    if not np.any(values["carry"]):
        del values["carry"]
        after_spike = "reset"
    units = group.neuron.step_units | {"bias": "volt", "key": "1"}
    events = {
        "threshold": "v > threshold",
        "reset": f"v = {after_spike}\nfree_at = t_in_timesteps + hold\nspikes_in_window += {_in_window(timing)}",
        "refractory": "t_in_timesteps < free_at",  # whole steps: no division for each neuron and step
    }
    return Model(
        group.neuron.equations + "\nspikes_in_window : integer\nfree_at : integer",
        group.neuron.step(noisy),
        values | {"v": values["rest"]},
        {name: unit for name, unit in units.items() if name in values},
        events,
        # Brian2 checks the units of the equations; the step has the numbers.
        {"tau": "second", "tau_e": "second", "tau_i": "second", "noise": "volt"},
    )
