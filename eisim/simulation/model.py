"""The code of the groups of a layout: equations, steps and events in Brian2's language.

Nothing here needs Brian2. The text, together with the sizes, is all that decides the generated code, so it serves as
the signature of a compiled program.
"""

import re
from dataclasses import dataclass, field, replace

import numpy as np

from eisim.base.timing import Timing
from eisim.circuit import CYCLE, gap_junction_unit
from eisim.neurons.kinetics import kinetic_steps, kinetic_variables, kinetics
from eisim.neurons.spiking import INHIBITORY
from eisim.plasticity.text import LAST, code_name
from eisim.simulation import elementary, refractory
from eisim.simulation.layout import (
    FREE_AT,
    INPUT,
    JUNCTIONS,
    POOL,
    SPIKE_TIMES,
    Bundle,
    Group,
    Layout,
    Synapses,
    drive_name,
    one_if_equal,
)

#: The variable of a step by which it says which neurons have crossed their threshold.
CROSSED = "_crossed"
#: What in a step depends on more than the state: the time, noise, what is given over time, and a neuron's place.
_TIMED = re.compile(
    r"\b(t|t_in_timesteps|gaussian|poisson|poisson_number|rand|randn|stimulus|injected|given|linked|i)\b"
)
#: The largest weight where a rule has none.
LIMIT = float(np.finfo(float).max)


@dataclass(frozen=True)
class Model:
    """A Brian2 group as text and numbers.

    A parameter that is the same for all neurons is one number, so that its terms leave the loop over neurons.
    """

    equations: str
    step: str  # one time step of the equations, as abstract code
    values: dict[str, np.ndarray | float]  # what variables are set to when the program runs
    units: dict[str, str]  # of those that are parameters
    events: dict[str, str] = field(default_factory=dict)  # threshold, reset and refractory of a spiking group
    #: Variables that are set to Poisson numbers before the step, with the code of their keys and means.
    arrivals: dict[str, str] = field(default_factory=dict)
    placeholders: dict[str, str] = field(default_factory=dict)  # units of names that the step does not use
    held: frozenset[str] = frozenset()  # variables that a refractory neuron keeps without Brian2's knowing of it
    on_post: str = ""  # of synapses that learn what a postsynaptic spike does
    update: str = ""  # and what is done in every step

    @property
    def text(self) -> str:
        """The equations with the declarations of the parameters."""
        shared = {name: "" if np.ndim(self.values[name]) else "shared, " for name in self.units}
        lines = [f"\n{name} : {unit} ({shared[name]}constant)" for name, unit in self.units.items()]
        return self.equations + "".join(lines)

    @property
    def finds_spikes(self) -> bool:
        """Whether the step finds the spikes."""
        return CROSSED in self.step

    @property
    def is_autonomous(self) -> bool:
        """Whether a step that finds the spikes depends on the state alone, but for when a refractory neuron is free."""
        text = f"{self.text}\n{self.step}".replace(refractory.FREE, "")
        return self.finds_spikes and bool(self.held) and not self.arrivals and not _TIMED.search(text)

    @property
    def with_own_functions(self) -> "Model":
        """The model whose code calls our own elementary functions."""
        own = elementary.own
        events, arrivals = ({name: own(text) for name, text in each.items()} for each in (self.events, self.arrivals))
        code = {name: own(getattr(self, name)) for name in ("equations", "step", "on_post", "update")}
        return replace(self, **code, events=events, arrivals=arrivals)

    @property
    def signature(self) -> tuple:
        """All that decides the generated code."""
        kinds = sorted((name, bool(np.ndim(value))) for name, value in self.values.items())
        words = (self.events, self.arrivals, self.placeholders)
        learning = [self.on_post, self.update] if self.on_post or self.update else []
        return (self.text, self.step, kinds, *(sorted(each.items()) for each in words), *learning)


def models(layout: Layout, kind: str, timing: Timing, own: bool = False) -> dict[str, Model]:
    """The models of the groups, as text that Brian2 takes, or that our own device takes too."""
    found = {}
    moving = bool(layout.groups[INPUT].frames)
    for name, group in layout.groups.items():
        values = {  # rates over time stay so, even if they are constant
            v: value if v == "pool" or np.ndim(value) == 2 else one_if_equal(value)
            for v, value in group.values().items()
        }
        if name == INPUT:
            found[name] = _input(values, kind, own)
        elif name == SPIKE_TIMES:
            found[name] = _given(values)
        elif name.startswith(POOL):
            found[name] = _pool(group, values)
        elif kind == "spiking":
            found[name] = _spiking(group, values, timing, moving, own)
        else:
            # In an order of their own: that of the bundles depends on which circuit of the batch comes first.
            onto = [b for b in layout.synapses if b.target == name and b.receptor != JUNCTIONS]
            drives = sorted(map(drive_name, onto))
            found[name] = _rate(group, values, timing, drives)
    return found


def synapse_model(bundle: Bundle, synapses: Synapses, layout: Layout, kind: str, target: Model) -> Model:
    """The model of a bundle of synapses onto neurons of a model; its step is what a presynaptic spike does."""
    if bundle.learning:
        return _learning(bundle, synapses, layout, kind, target)
    values, plasticity = {"w": synapses.weight}, bundle.plasticity
    weight, units = "w", {}
    if np.any(synapses.course):
        values, weight, units = values | {"course": synapses.course}, "w*transmission(t, course)", {"course": "integer"}
    if bundle.receptor == JUNCTIONS:
        neuron, state = layout.groups[bundle.target].neuron, "r" if kind == "rate" else "v"
        equations = f"gap_post = w*({state}_pre - {state}_post) : {neuron.drive_unit} (summed)"
        return Model(equations, "", values, {"w": gap_junction_unit(neuron)})
    if kind == "rate":
        equations = f"{drive_name(bundle)}_post = {weight}*r_pre : Hz (summed)"
        return Model(equations, "", values, {"w": "1"} | units)
    units = {"w": layout.groups[bundle.target].neuron.weight_unit} | units
    return _transmitting(bundle, layout, target, plasticity, weight, values, units)


def _learning(bundle: Bundle, synapses: Synapses, layout: Layout, kind: str, target: Model) -> Model:
    """The model of synapses whose weights, as magnitudes, are learnt: a share of them is transmitted."""
    neuron, rule = layout.groups[bundle.target].neuron, bundle.learning
    unit, code = neuron.weight_unit, rule.code(neuron.weight_unit)
    values = {"w": synapses.weight, "share": synapses.share}
    values["largest"] = LIMIT if rule.largest is None else float(rule.largest)
    values |= {code_name(name): float(value) for name, value in rule.parameters}
    units = {code_name(name): each for name, each in rule.parameter_units(unit).items()}
    units |= {"share": "1", "largest": unit}
    signed = neuron.signed_weights and bundle.receptor in INHIBITORY
    weight = f"{'-' * signed}w*share"
    if np.any(synapses.course):
        values, units = values | {"course": synapses.course}, units | {"course": "integer"}
        weight += "*transmission(t, course)"
    if kind == "rate":
        equations = f"{drive_name(bundle)}_post = {weight}*r_pre : Hz (summed)\n{code.equations}"
        return Model(equations, "", values, units, update=code.update)
    sends = _transmitting(bundle, layout, target, bundle.plasticity, weight, values, units)
    last = f"{LAST} = t" if code.arrive else ""
    before, after = (
        "\n".join(filter(None, each))
        for each in ((code.arrive, sends.step, code.on_pre, last), (code.arrive, code.on_post, last))
    )
    return replace(
        sends,
        equations="\n".join(filter(None, (sends.equations, code.equations))),
        step=before,
        on_post=after if code.on_post else "",
        update=code.update,
    )


def _transmitting(bundle, layout, target, plasticity, weight, values, units) -> Model:
    """The model of synapses at which a presynaptic spike transmits a weight, or what short-term plasticity leaves."""
    adds = layout.groups[bundle.target].neuron.spike_adds(bundle.receptor)

    def arrive(amount):
        return refractory.held(adds.format(amount), target.held, "_post")

    if plasticity is None:
        return Model("", arrive(weight), values, units)
    values |= {"release": plasticity.release, "depression": plasticity.depression}
    units |= {"release": "1", "depression": "second"}
    equations, code, use = "depleted : 1\nlast : second", "", "release"
    if plasticity.facilitation:
        values["facilitation"] = plasticity.facilitation
        units["facilitation"], use = "second", "used"
        equations += "\nused : 1"
        code = "used = used*exp(-(t - last)/facilitation)\nused = used + release*(1 - used)\n"
    code += f"""_left = 1 - depleted*exp(-(t - last)/depression)
        _given = {use}*_left
        depleted = 1 - _left + _given
        last = t
        {arrive(f"{weight}*_given")}"""
    return Model(equations, code, values, units)


def _in_window(timing):
    """Brian2 expression: 1 within the read-out window, else 0."""
    return f"int(t_in_timesteps >= {timing.steps - timing.window_steps})"


def _input(values, kind, own) -> Model:
    output = "rate" if kind == "spiking" else "r"
    rate, phase = values["rate"], values["phase"]
    moving = np.ndim(rate) == 2
    equations = f"{output} = stimulus(t, i) : Hz (constant over dt)" if moving else ""
    parameters = {} if moving else {output: rate}
    units = dict.fromkeys(parameters, "Hz")
    if kind == "rate":
        return Model(equations, "", parameters, units)
    step = "phase = phase + rate*dt"
    if not np.all(values["regular"]):
        # A Poisson train spikes at most once in a step: with the probability rate × dt.
        step = "phase = (phase + rate*dt)*regular"
        step += " + 2*poissonian*int(poisson_number(key, t_in_timesteps, -log(clip(1 - rate*dt, 1e-300, 1))) > 0)"
        parameters |= {name: values[name] for name in ("regular", "poissonian", "key")}
        units |= dict.fromkeys(("regular", "poissonian", "key"), "1")
    events = {"threshold": f"phase > {CYCLE}", "reset": "phase -= 1"}
    if own:
        step += _crossing(events)
    return Model(equations + "\ndphase/dt = rate : 1", step, parameters | {"phase": phase}, units, events)


def _crossing(events):
    """A line of a step that says which neurons have crossed their threshold at its end, so that it finds the spikes.

    Nothing changes a neuron between the two but Brian2's refractoriness.
    """
    return "" if "refractory" in events else f"\n{CROSSED} = {events['threshold']}\n"


def _given(values) -> Model:
    """Afferents whose spike times are given: each waits for the next in its row of time steps."""
    events = {"threshold": "t_in_timesteps == given(t, place)", "reset": "place += 1"}
    return Model("place : integer", "", values, {}, events)


def _injected(values, unit: str, coupled: bool = False) -> tuple[dict, str, str, dict[str, str]]:
    """Values, equations, step and units of currents that are injected beside the tonic bias.

    If `coupled`, that through gap junctions, too. A fluctuation is an Ornstein-Uhlenbeck process of variance 1 in exact
    steps. What it is at the start of a step acts.
    """
    numbers = range(sum(name.startswith("reach_") for name in values))
    if "tonic" not in values:
        return values, "", "", {}
    physical = "" if unit == "1" else f"*{unit}"
    terms = ["tonic", *([f"injected(t, row){physical}"] if "row" in values else []), *(["gap"] if coupled else [])]
    terms += [f"reach_{k}*fluctuation_{k}" for k in numbers]
    equations = f"\nbias = {' + '.join(terms)} : {unit}" + "".join(f"\nfluctuation_{k} : 1" for k in numbers)
    equations += f"\ngap : {unit}" if coupled else ""
    step = "".join(
        f"\nfluctuation_{k} = fluctuation_{k}*fluctuation_decay_{k} + "
        f"fluctuation_step_{k}*gaussian(fluctuation_key_{k}, t_in_timesteps)"
        for k in numbers
    )
    units = {"tonic": unit, "row": "integer"} | {f"reach_{k}": unit for k in numbers}
    return (
        values,
        equations,
        step,
        units | {f"fluctuation_{what}_{k}": "1" for k in numbers for what in ("key", "decay", "step")},
    )


def _pool(group: Group, values) -> Model:
    equations, step = kinetics(group.neuron), "\n".join(kinetic_steps(group.neuron))
    used = {name: value for name, value in values.items() if name in step}
    placeholders = {n: unit for n, unit in group.neuron.placeholders.items() if n in equations}
    units = {n: unit for n, unit in group.neuron.step_units.items() if n in used}
    return Model(equations, step, used, units, placeholders=placeholders)


def _rate(group: Group, values, timing, drives) -> Model:
    refractory, noisy = (bool(np.any(values.get(name, 0))) for name in ("recovery", "noise_step"))
    used = {"recovery": refractory} | dict.fromkeys(("noise_step", "noise_decay", "noise_drive", "key"), noisy)
    values = {name: value for name, value in values.items() if used.get(name, True)}
    terms = ["bias", *drives, *(["noise_drive"] if noisy else [])]
    equations = f"drive = {' + '.join(terms)} : Hz\nrate_sum : Hz"
    equations += "".join(f"\n{drive} : Hz" for drive in drives)
    values, currents, fluctuate, units_of_currents = _injected(values, "hertz")
    equations += currents
    if group.neuron is None:  # a delay line hands on at each step what it received
        equations += "\ndr/dt = (drive - r)/dt : Hz"
        step, units = "r = drive", {}
    else:
        equations += "\n" + group.neuron.equations_of(refractory, noisy).replace("\nr = activation :", "\nr :")
        step, units = group.neuron.step(refractory, noisy), group.neuron.step_units | {"key": "1"}
    if group.coupled:
        equations += "\ngap : Hz"
        step += "\nr = r + dt/tau*gap"
    step += f"\nrate_sum = rate_sum + r*{_in_window(timing)}{fluctuate}"
    units = {name: unit for name, unit in (units | {"bias": "Hz"} | units_of_currents).items() if name in values}
    placeholders = {"noise": "hertz", "noise_tau": "second"} if noisy else {}
    return Model(equations, step, values, units, placeholders=placeholders)


def _spiking(group: Group, values, timing, moving, own) -> Model:
    neuron, pooled = group.neuron, bool(group.pools)
    noisy = bool(np.any(values["noise_step"]))
    used = {"noise_step": noisy, "key": noisy or group.drives, "carry": np.any(values.get("carry", 0))}
    values = {name: value for name, value in values.items() if used.get(name, True)}
    units = neuron.step_units | {"bias": neuron.drive_unit, "key": "1"}
    arrivals, drawn = [], {}
    for k, letter in enumerate(group.drives):
        units |= {f"jump_{k}": neuron.weight_unit, f"arrivals_{k}": "Hz", f"afferent_{k}": "integer"}
        rate = f"stimulus(t, afferent_{k})" if moving else f"arrivals_{k}"
        number = f"poisson_number(key + {k + 1}, t_in_timesteps, {rate}*dt)"
        if own:
            number = f"arrived_{k}"
            drawn[number] = f"_key = key + {k + 1}\n_first = first_uniform(_key, t_in_timesteps)\n_mean = {rate}*dt"
        arrivals.append(neuron.spike_adds(letter).replace("_post", "").format(f"jump_{k}*{number}"))
    linked = ""
    if pooled:
        units["pool"] = "integer"
        linked = "".join(f"\n{v}_pool : {neuron.weight_unit} (linked)" for v in kinetic_variables(neuron))
    equations = neuron.equations(pooled) + linked + "\nspikes_in_window : integer\nfree_at : integer"
    equations += "".join(f"\n{arrived} : 1" for arrived in drawn)
    values, currents, fluctuate, units_of_currents = _injected(values, neuron.drive_unit, group.coupled)
    equations, units = equations + currents, units | units_of_currents
    step = neuron.step(noisy, pooled, "\n".join(arrivals)) + fluctuate
    reset = [neuron.after_spike("carry" in values), "free_at = t_in_timesteps + hold"]
    events = {
        "threshold": neuron.spikes_when,
        "reset": "\n".join([*reset, f"spikes_in_window += {_in_window(timing)}"]),
        "refractory": refractory.BOUND,  # whole steps: no division for each neuron and step
    }
    held = frozenset()
    if own:
        writes = [neuron.spike_adds(letter) for letter in neuron.receptors]
        equations, step, events, held = refractory.by_free_at(equations, step, events, writes)
        step += _crossing(events)
    units = {name: unit for name, unit in units.items() if name in values}
    if FREE_AT in values and "refractory" in events:  # Brian2 asks only those whose flag says that they are not free
        values["not_refractory"] = values[FREE_AT] <= 0
    # Brian2 checks the units of the equations; the step has the numbers.
    return Model(equations, step, values, units, events, drawn, neuron.placeholders, held)
