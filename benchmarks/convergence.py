"""Order of convergence of each neuron model with decreasing time step.

The error is measured at a series of time steps, relative to a closed form or to `scipy.integrate.solve_ivp` with much
smaller tolerances. The order is the slope of the logarithm of the error against that of the time step.

Usage: python benchmarks/convergence.py [--figure FILE.svg]
Ends with status 1 if a slope deviates from the expected order by more than the stated tolerance.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.integrate import solve_ivp

from eisim import (
    LIF,
    NMDA,
    AbbottChance,
    Alpha,
    Circuit,
    Conductance,
    ConductanceLIF,
    Input,
    Logistic,
    Population,
    PowerLaw,
    Projection,
    Saturating,
    Step,
    Theta,
    ThresholdLinear,
    WilsonCowan,
    simulate,
)
from eisim.neurons.siegert import siegert

EXACTLY = {"rtol": 1e-11, "atol": 1e-15}


@dataclass(frozen=True)
class Case:
    """A quantity to measure.

    Attributes
    ----------
    name, unit : str
        The quantity, and the unit of its error.
    order, within : float
        The theoretical order, and the tolerance of the slope.
    steps : tuple of float
        Time steps, in s.
    error : callable
        The error at a time step, in `unit`.
    """

    name: str
    unit: str
    order: float
    within: float
    steps: tuple[float, ...]
    error: Callable[[float], float]

    def measure(self) -> tuple[np.ndarray, float]:
        """The errors, and the slope of their logarithms."""
        errors = np.array([self.error(dt) for dt in self.steps])
        return errors, np.polyfit(np.log(self.steps), np.log(errors), 1)[0]


# Rate units: a pair of each, one exciting and one inhibiting, from silence.

UNITS = {
    "threshold-linear": ThresholdLinear(threshold=5.0),
    "saturating, refractory": Saturating(gain=1.5, refractory=4e-3),
    "logistic": Logistic(threshold=25.0),
    "step": Step(threshold=10.0),
    "power law": PowerLaw(),
    "Wilson-Cowan, refractory": WilsonCowan(threshold=20.0, refractory=2e-3),
    "Abbott-Chance": AbbottChance(threshold=10.0),
}
EXCITES, INHIBITS, DRIVE, RATE_TIME = 0.6, 0.5, np.array([45.0, 25.0]), 40e-3
RATE_STEPS = (0.8e-3, 0.4e-3, 0.2e-3)


def feedback(unit) -> tuple[float, float]:
    """Weights between the two units of a pair; none for a discontinuous transfer, whose solution would chatter."""
    return (0.0, 0.0) if isinstance(unit, Step) else (EXCITES, INHIBITS)


@cache
def simulated_rates(dt: float) -> dict[str, np.ndarray]:
    """Rates of each pair of units at each step, in Hz."""
    populations, projections = [], []
    for name, unit in UNITS.items():
        excites, inhibits = feedback(unit)
        populations += [Population(f"{name} {s}", s, unit, 1, d) for s, d in zip("EI", DRIVE, strict=True)]
        if excites:
            projections.append(Projection(f"{name} E", f"{name} I", [[excites]]))
            projections.append(Projection(f"{name} I", f"{name} E", [[inhibits]]))
    circuit = Circuit("pairs", [Input("x")], populations, projections)
    found = simulate(circuit, [[0.0]], duration=RATE_TIME, window=dt, dt=dt, record=True, backend="numpy").traces
    return {name: np.stack([found[f"{name} {sign}"][0, 0] for sign in "EI"]) for name in UNITS}


def rate_error(name: str) -> Callable[[float], float]:
    """The largest error of the rates of a pair, at times common to all time steps."""
    unit, times = UNITS[name], np.arange(1, round(RATE_TIME / RATE_STEPS[0]) + 1) * RATE_STEPS[0]
    excites, inhibits = feedback(unit)

    def slope(_, r):
        phi = unit.transfer(DRIVE + np.array([-inhibits * r[1], excites * r[0]]))
        return ((1 - unit.refractory * r) * phi - r) / unit.tau

    @cache
    def exact():
        found = solve_ivp(slope, (0, times[-1]), [0.0, 0.0], t_eval=times, max_step=1e-4, **EXACTLY)
        return found.y

    def error(dt):
        every = round(RATE_STEPS[0] / dt)
        return np.abs(simulated_rates(dt)[name][:, every - 1 :: every] - exact()).max()

    return error


# Spiking neurons: the times of spikes under constant input, which lie on the grid of steps.

DRIVEN = {
    "LIF": (LIF(refractory=0), np.linspace(17e-3, 30e-3, 60)),
    "ConductanceLIF": (ConductanceLIF(), np.linspace(0.12e-9, 0.25e-9, 60)),
    "Theta": (Theta(tau=10e-3), np.linspace(0.8, 3.0, 60)),
}
SPIKE_STEPS = (0.4e-3, 0.2e-3, 0.1e-3)


@cache
def first_spikes(dt: float) -> dict[str, np.ndarray]:
    """Times of the first spikes, in s: the ends of their steps."""
    populations = [Population(name, "E", neuron, drive.size, drive) for name, (neuron, drive) in DRIVEN.items()]
    circuit = Circuit("driven", [Input("x")], populations)
    found = simulate(circuit, [[0.0]], duration=60e-3, window=dt, dt=dt, record=True, backend="numpy").spikes
    return {
        name: np.array([found[name].step[found[name].neuron == k].min() + 1 for k in range(drive.size)]) * dt
        for name, (_, drive) in DRIVEN.items()
    }


def exact_first_spike(neuron, drive) -> np.ndarray:
    """Time at which a neuron at rest reaches its threshold, in s."""
    if isinstance(neuron, Theta):
        return neuron.tau * np.pi / (2 * np.sqrt(drive))
    drive = drive / getattr(neuron, "leak", 1.0)
    return -neuron.tau * np.log1p(-(neuron.threshold - neuron.rest) / drive)


def spike_error(name: str) -> Callable[[float], float]:
    """The mean error of the first spikes of neurons with different inputs."""
    return lambda dt: np.abs(first_spikes(dt)[name] - exact_first_spike(*DRIVEN[name])).mean()


# The state of a neuron below threshold, by the code of its step.

STATE_STEPS, STATE_TIME = (0.8e-3, 0.4e-3, 0.2e-3, 0.1e-3), 20e-3


def trajectory(neuron, bias: float, state: dict[str, float], dt: float, time=STATE_TIME) -> np.ndarray:
    """The membrane potential (or phase) after each step from a state at time 0."""
    code = compile("\n".join(line.strip() for line in neuron.step(False).strip().splitlines()), "step", "exec")
    quiet = {f"{v}_{k}": 0.0 for v in ("I", "g", "x") for k in neuron.receptors}
    names = {"exp": np.exp, "cos": np.cos, "bias": bias} | neuron.step_parameters(dt) | quiet | state
    found = []
    for _ in range(round(time / dt)):
        exec(code, names)
        found.append(names["v"])
    return np.array(found)


def state_error(neuron, bias, state, slope, start) -> Callable[[float], float]:
    """The largest error of the membrane potential (or phase), at times common to all time steps."""
    times = np.arange(1, round(STATE_TIME / STATE_STEPS[0]) + 1) * STATE_STEPS[0]
    exact = solve_ivp(slope, (0, times[-1]), start, t_eval=times, max_step=1e-4, **EXACTLY).y[0]

    def error(dt):
        every = round(STATE_STEPS[0] / dt)
        return np.abs(trajectory(neuron, bias, state, dt)[every - 1 :: every] - exact).max()

    return error


def conductance_error(neuron, letter: str, weight: float) -> Callable[[float], float]:
    """Error of the membrane potential of a conductance-based neuron after one presynaptic spike."""
    receptor = neuron.receptors[letter]

    def slope(_, y):
        v, g, x = y
        share = neuron.nmda.open_share(v) if letter == "n" else 1.0
        current = neuron.leak * (neuron.rest - v) + share * g * (receptor.reversal - v)
        return current / neuron.capacitance, x / receptor.rise - g / receptor.tau, -x / receptor.rise

    v, x = neuron.rest, weight * receptor.scale
    # A spike adds its weight; the step multiplies it by the scale.
    return state_error(neuron, 0.0, {"v": v, f"x_{letter}": weight}, slope, [v, 0.0, x])


def lif_error() -> Callable[[float], float]:
    """Error of the membrane potential of a LIF neuron after one presynaptic spike."""
    neuron, weight = LIF(excitation=Alpha(3e-3)), 10e-3

    def slope(_, y):
        v, current, x = y
        tau = neuron.excitation.tau
        return (neuron.rest + 5e-3 + current - v) / neuron.tau, (x - current) / tau, -x / tau

    start = {"v": neuron.rest, "x_e": weight}
    return state_error(neuron, 5e-3, start, slope, [neuron.rest, 0.0, weight])


def theta_error() -> Callable[[float], float]:
    """Error of the phase of a theta neuron with constant input."""
    neuron, drive = Theta(tau=10e-3), 0.5
    return state_error(
        neuron, drive, {"v": 0.0}, lambda _, v: (1 - np.cos(v) + (1 + np.cos(v)) * drive) / neuron.tau, [0.0]
    )


# The rate of a noisy neuron: threshold is looked at once in a step, so that some crossings are not seen.

NOISY, MEAN = LIF(noise=4e-3, refractory=3.2e-3), 12e-3
NOISE_STEPS = (1.6e-3, 0.8e-3, 0.4e-3, 0.2e-3)
#: -zeta(1/2)/sqrt(2 pi): what looking once in a step adds to a barrier, in standard deviations of a step
#: (Broadie, Glasserman & Kou, Math. Finance 7:325, 1997).
UNSEEN = 0.5826


@cache
def noisy_rate(dt: float, neurons: int = 1500) -> float:
    """Mean rate of noisy LIF neurons, in Hz."""
    circuit = Circuit("noisy", [Input("x")], [Population("e", "E", NOISY, neurons, MEAN)])
    return simulate(circuit, [[0.0]], duration=0.64, window=0.48, dt=dt, backend="numpy").rates["e"].mean()


def corrected_rate(dt: float) -> float:
    """The theoretical rate for this step, with the threshold raised to account for undetected crossings."""
    unseen = UNSEEN * NOISY.noise * np.sqrt(2 * dt / NOISY.tau)
    mean, sd = NOISY.rest + MEAN, NOISY.noise
    return float(siegert(mean, sd, NOISY.tau, NOISY.refractory, NOISY.threshold + unseen, NOISY.reset))


CASES = (
    *(Case(f"rate unit, {name}", "Hz", 1.0, 0.15, RATE_STEPS, rate_error(name)) for name in UNITS),
    Case("LIF, alpha synapse: membrane", "V", 0.0, 0.5, STATE_STEPS, lif_error()),
    *(Case(f"{name}: time of a spike", "s", 1.0, 0.15, SPIKE_STEPS, spike_error(name)) for name in DRIVEN),
    Case(
        "ConductanceLIF: membrane",
        "V",
        2.0,
        0.15,
        STATE_STEPS,
        conductance_error(ConductanceLIF(threshold=1, excitation=Conductance(0.0, 4e-3, 1e-3)), "e", 8e-9),
    ),
    Case(
        "ConductanceLIF, NMDA: membrane",
        "V",
        1.0,
        0.15,
        STATE_STEPS,
        conductance_error(ConductanceLIF(threshold=1, nmda=NMDA()), "n", 30e-9),
    ),
    Case("Theta: phase", "rad", 2.0, 0.15, STATE_STEPS, theta_error()),
    Case(
        "LIF with noise: rate",
        "Hz",
        0.5,
        0.1,
        NOISE_STEPS,
        lambda dt: abs(noisy_rate(dt) - NOISY.activation(MEAN)),
    ),
)
#: Errors below this, of quantities of about 0.05, are rounding: nothing converges as nothing is wrong.
ROUNDING = 1e-13


def is_exact(errors: np.ndarray) -> bool:
    return errors.max() < ROUNDING


def draw(results: Sequence[tuple[Case, np.ndarray, float]]):
    """Draw errors against the time step."""
    import matplotlib.pyplot as plt

    from eisim.report import style

    panels = {
        "Rate units": (("Hz",), 1, "error (Hz)"),
        "Times of spikes": (("s",), 1e3, "error (ms)"),
        "State below threshold": (("V", "rad"), 1e3, "error (mV or mrad)"),
        "Rate under noise": (("Hz",), 1, "error (Hz)"),
    }
    with style.paper():
        figure, axes = plt.subplots(2, 2, figsize=(style.DOUBLE, 5.0), layout="constrained")
        for axis, (title, (units, factor, label)) in zip(axes.flat, panels.items(), strict=True):
            noisy = title == "Rate under noise"
            shown = [r for r in results if r[0].unit in units and r[0].order and noisy == (r[0].order == 0.5)]
            for (case, errors, slope), marker in zip(shown, "osD^vPX", strict=False):
                name = case.name.removeprefix("rate unit, ").replace(":", ",")
                steps = np.array(case.steps) * 1e3
                axis.loglog(steps, errors * factor, marker + "-", ms=3.5, lw=1, label=f"{name}: slope {slope:.2f}")
            for order in sorted({case.order for case, *_ in shown}):
                case, errors, _ = next(r for r in shown if r[0].order == order)
                ends = np.array([case.steps[0], case.steps[-1]])
                guide = 0.6 * errors[0] * factor * (ends / ends[0]) ** order
                axis.loglog(ends * 1e3, guide, ":", color=style.NEUTRAL, lw=1, label=f"order {order:g}")
            low, high = axis.get_ylim()
            axis.set(xlabel="time step (ms)", ylabel=label, title=title, ylim=(low / (high / low) ** 1.0, high))
            ticks = sorted({dt * 1e3 for case, *_ in shown for dt in case.steps})
            axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
            axis.minorticks_off()
            axis.legend(loc="lower right", fontsize=5.5)
        style.letters(axes.flat)
    return figure


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--figure", help="file for the figure of errors against time step")
    arguments = parser.parse_args()
    print(f"{'error of':<42} {'order':>5} {'slope':>6}   error at each time step (ms)")
    results, failed = [], 0
    for case in CASES:
        errors, slope = case.measure()
        exact = case.order == 0
        right = is_exact(errors) if exact else abs(slope - case.order) <= case.within
        failed += not right
        results.append((case, errors, slope))
        shown = ", ".join(f"{dt * 1e3:g}: {error:.2g}" for dt, error in zip(case.steps, errors, strict=True))
        words = ("exact", "") if exact else (f"{case.order:g}", f"{slope:.2f}")
        print(f"{case.name:<42} {words[0]:>5} {words[1]:>6}   {shown} {case.unit}{'' if right else '  UNEXPECTED'}")
    for dt in NOISE_STEPS:
        theory = corrected_rate(dt)
        print(f"LIF with noise at {dt * 1e3:g} ms: {noisy_rate(dt):.2f} Hz; theory for that step {theory:.2f} Hz")
    if arguments.figure:
        draw(results).savefig(arguments.figure)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
