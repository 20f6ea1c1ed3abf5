"""Populations as neuron models of NEST, with their parameters in its units: mV, pA, nS, pF and ms."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from eisim.adapter.brian2_models import one_if_equal
from eisim.base.elementary import exp, expm1
from eisim.circuit import Circuit, Population, Projection
from eisim.distributions import Distribution
from eisim.neurons import EIF, LIF, AdEx, ConductanceLIF, Neuron
from eisim.neurons.lif import never_fires
from eisim.neurons.neuron import model_name
from eisim.neurons.spiking import held_steps
from eisim.weights import Independent, Rule

#: Models of NEST by the kinetics of receptors.
_MODELS = {
    LIF: {"x": "iaf_psc_exp", "a": "iaf_psc_alpha", "d": "iaf_psc_delta"},
    ConductanceLIF: {"c": "iaf_cond_exp", "r": "iaf_cond_beta"},
}
#: Those whose steps are exact in both simulators.
EXACT = frozenset(_MODELS[LIF].values())
JUMPS = "iaf_psc_delta"
#: A threshold that is never reached, in mV.
NEVER = 1e6
#: Parameters of built-in neurons of equations: names in NEST, and factors to its units.
_OF_EQUATIONS = {
    **{"E_L": ("E_L", 1e3), "V_T": ("V_th", 1e3), "Delta_T": ("Delta_T", 1e3), "V_cut": ("V_peak", 1e3)},
    **{"V_r": ("V_reset", 1e3), "tau_e": ("tau_syn_ex", 1e3), "tau_i": ("tau_syn_in", 1e3)},
    **{"C": ("C_m", 1e12), "g_L": ("g_L", 1e9), "tau_w": ("tau_w", 1e3), "a": ("a", 1e9), "b": ("b", 1e12)},
    **{"E_e": ("E_ex", 1e3), "E_i": ("E_in", 1e3), "tau": ("C_m", 1e3)},
}
_RESISTANCE = "A membrane resistance of 1 GOhm makes an input of 1 mV a current of 1 pA."
_LATE = (
    "NEST adds jumps of the potential before it compares with the threshold, eisim after: delays are one step longer,",
    "and weights have decayed for that step.",
)
_HELD = "t_ref is one step longer, too, for the jumps that it is to ignore; V_reset has moved on for that step."
_NO_NOISE = "iaf_psc_delta neurons receive no noise in the first time step after a refractory period"
_MEAN = "iaf_psc_delta neurons receive the mean of independent trains in the first time step after a refractory period"
#: The largest exponent of the upstroke that NEST takes.
_STEEPEST = float(np.log(np.finfo(float).max / 1e20))


@dataclass(frozen=True)
class Model:
    """A population in NEST.

    Attributes
    ----------
    name : str
        Of the model.
    parameters : dict of str to number or ndarray
        By their names in NEST; one value, one for each neuron, or frames × neurons.
    noise : number or ndarray
        Standard deviation of the current that is drawn in every step, in pA; 0 for none.
    remarks : tuple of str
    differs : tuple of str
        What it does otherwise than in eisim.
    ignores_later : bool
        Of potentials that jump: whether those that come late are ignored in the same steps as in eisim.
    """

    name: str
    parameters: dict[str, Any]
    noise: Any = 0.0
    remarks: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    ignores_later: bool = False


def obstacles(circuit: Circuit, p: Population) -> Iterator[str]:
    """What of a population NEST has no model for."""
    neuron: Any = p.neuron
    of = f"of population {p.name!r}"
    if p.is_coupled:
        yield f"the gap junctions {of}"
    if neuron.kind == "rate":
        yield f"the rate units {of}"
        return
    if never_fires(neuron):
        yield f"the potentials {of}, which are an output"
        return
    if getattr(neuron, "reset_by_subtraction", False):
        yield f"the reset by subtraction {of}"
    name = model_name_of(circuit, p)
    if not name:
        kinds = sorted({type(neuron.receptors[letter]).__name__ for letter in _used(circuit, p)})
        synapses = "" if isinstance(neuron, Neuron) or not kinds else f" with {' and '.join(kinds)} synapses"
        yield f"the neurons {of} ({model_name(neuron)}{synapses})"
        return
    if p.silenced and isinstance(neuron, Neuron):
        yield f"the silenced neurons {of}"
    known = states_of(name)
    for state, given in given_states(p).items():
        if state not in known:
            yield f"the initial {state} {of}"
        elif isinstance(neuron, Neuron) and state not in ("v", "w") and _may_be_negative(given, known[state][1]):
            yield f"the initial {state} {of}, which may be of the wrong sign"
    if isinstance(neuron, Neuron):
        each = [dict(one.parameters) for one in circuit.neurons(p)]
        if any(of_one["V_cut"] < of_one["V_T"] for of_one in each):
            yield f"the V_cut {of}, which is below V_T"
        if any(of_one["V_cut"] <= of_one["V_r"] for of_one in each):
            yield f"the V_cut {of}, which is not above V_r"
        if any(of_one["V_cut"] - of_one["V_T"] >= _STEEPEST * of_one["Delta_T"] for of_one in each):
            yield f"the upstroke {of}, which exceeds all numbers at V_cut"


def is_empty(q: Projection) -> bool:
    """Whether a projection has no synapses, as ablation leaves it."""
    return not (q.weights.weight if isinstance(q.weights, Rule) else q.weights.nnz)


def _may_be_negative(given, factor) -> bool:
    """Whether numbers, or what is drawn from a distribution, times a factor may be below 0."""
    if isinstance(given, Distribution):
        return given.may_be_negative or factor < 0
    return bool(np.min(np.multiply(given, factor)) < 0)


def model_name_of(circuit: Circuit, p: Population) -> str:
    """The model of NEST that a population is; empty if there is none."""
    neuron: Any = p.neuron
    if isinstance(neuron, Neuron):
        return next((name for name, built_in in _built_in().items() if _texts(neuron) == _texts(built_in)), "")
    kinds = {neuron.receptors[letter].letter for letter in _used(circuit, p)} or {neuron.excitation.letter}
    return _MODELS.get(type(neuron), {}).get(kinds.pop(), "") if len(kinds) == 1 else ""


def _onto(circuit, p):
    """Projections whose synapses end on a population."""
    mine = (q for q in circuit.projections if q.target == p.name and not circuit.is_injected(q))
    return [q for q in mine if not is_empty(q)]


def _used(circuit, p):
    """Letters of the receptors that synapses end on."""
    return set(map(circuit.receptor, _onto(circuit, p)))


@cache
def _built_in() -> dict[str, Neuron]:
    return {"aeif_cond_exp": AdEx(), "aeif_psc_exp": EIF()}


def _texts(neuron):
    """What a neuron of equations is, but for its parameters."""
    return neuron.model, neuron.threshold, neuron.reset, tuple(neuron.receptors.items()), neuron.drive


def states_of(model: str) -> dict[str, tuple[str, float]]:
    """The states at the start that can be given: by ours their names in NEST, and factors to its units."""
    found = {"v": ("V_m", 1e3)}
    if model.startswith("aeif"):
        found["w"] = "w", 1e12
    if model == "aeif_psc_exp":
        found |= {"I_e": ("I_syn_ex", 1e3), "I_i": ("I_syn_in", -1e3)}
    if model.endswith("cond_exp"):
        found |= {"g_e": ("g_ex", 1e9), "g_i": ("g_in", 1e9)}
    return found


def given_states(p: Population) -> dict[str, Any]:
    """The states at the start, as a population gives them, and the potential of neurons of equations."""
    first = next(iter(p.neuron.states))
    given = p.initial if isinstance(p.initial, Mapping) else {} if p.initial is None else {first: p.initial}
    own = {name: p.neuron.values[name] for name in p.neuron.states} if isinstance(p.neuron, Neuron) else {}
    return {name: value for name, value in own.items() if value or name == first} | dict(given)


def model_of(circuit: Circuit, p: Population, dt: float, drive, arrivals) -> Model:
    """A population without obstacles, in steps of `dt` (s).

    `drive` is its bias with injected currents, (frames ×) neurons, and `arrivals` what independent trains add to it in
    a step on average, where potentials jump, (frames × 1). Both are in SI units, and make values of frames × neurons.
    """
    neurons, name = circuit.neurons(p), model_name_of(circuit, p)

    def of_all(value: Callable) -> Any:
        return one_if_equal([value(each) for each in neurons])

    # NEST counts from the end of the step of a spike, eisim from its beginning.
    held = of_all(lambda each: max(int(held_steps(each.refractory, dt)) - 1, 0))
    if isinstance(p.neuron, Neuron):
        own = dict(p.neuron.parameters)
        values = {to: of_all(lambda each, n=n: each[n]) * by for n, (to, by) in _OF_EQUATIONS.items() if n in own}
        in_volts = "g_L" not in own
        values |= {"g_L": 1.0, "a": 0.0, "b": 0.0} if in_volts else {}
        return Model(name, values | {"t_ref": held * dt * 1e3}, remarks=(_RESISTANCE,) * in_volts)
    tau, conductance, remarks = of_all(lambda each: each.tau), 1.0, (_RESISTANCE,)
    values = {to: of_all(lambda each, of=of: getattr(each, of)) * 1e3 for to, of in _POTENTIALS.items()}
    if isinstance(p.neuron, LIF):
        values |= {"tau_m": tau * 1e3, "C_m": tau * 1e3}
    else:
        conductance, remarks = of_all(lambda each: each.leak) * 1e9, ()
        values |= {"C_m": of_all(lambda each: each.capacitance) * 1e12, "g_L": conductance}
    for side, receptor in (("ex", p.neuron.excitation), ("in", p.neuron.inhibition)):
        values |= _of_receptor(name, side, receptor)
    sigma = of_all(lambda each: each.noise) * 1e3
    noise = sigma * conductance * np.sqrt(-expm1(-2 * dt / tau)) / -expm1(-dt / tau)
    differs, ignores_later = (), False
    if name == JUMPS:
        remarks *= bool(np.any(drive) or np.any(noise))
    if name == JUMPS and not all(isinstance(q.weights, Independent) for q in _onto(circuit, p)):
        remarks += _LATE
        end = values["E_L"] + 1e3 * drive
        later = end + (values["V_reset"] - end) * exp(-dt / tau) + 1e3 * arrivals
        if ignores_later := bool(np.all(later < values["V_th"])):
            values["V_reset"], held = one_if_equal(later), held + 1
            remarks += (_HELD,)
            differs = (_NO_NOISE,) * bool(np.any(noise)) + (_MEAN,) * bool(np.any(arrivals))
    return Model(name, values | {"t_ref": held * dt * 1e3}, noise, remarks, differs, ignores_later)


_POTENTIALS = {"E_L": "rest", "V_th": "threshold", "V_reset": "reset"}


def _of_receptor(model, side, receptor):
    """Parameters of the synapses of one side; of those that end nowhere, and are of another kind, NEST's own."""
    found = {f"E_{side}": receptor.reversal * 1e3} if hasattr(receptor, "reversal") else {}
    if model == _MODELS.get(LIF, {}).get(receptor.letter) or (receptor.letter == "c" and model == "iaf_cond_exp"):
        found |= {} if receptor.letter == "d" else {f"tau_syn_{side}": receptor.tau * 1e3}
    elif receptor.letter == "r" and model == "iaf_cond_beta":
        found |= {f"tau_rise_{side}": receptor.rise * 1e3, f"tau_decay_{side}": receptor.tau * 1e3}
    return found


def decay_of(p: Population, model: Model, dt: float) -> Any:
    """Of potentials that jump: the share of a jump that is left after a step of `dt` (s); else ``None``."""
    return exp(-dt * 1e3 / np.asarray(model.parameters["tau_m"])) if model.name == JUMPS else None
