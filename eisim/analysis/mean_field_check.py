"""Predicted against simulated rates: does the mean-field of a circuit hold, and where not, why."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from eisim.adapter.mean_field import mean_field
from eisim.analysis import activity
from eisim.base.display import plotted
from eisim.base.errors import InputError, explains_arguments
from eisim.base.former import renamed
from eisim.base.values import Brief
from eisim.simulation.response import Response
from eisim.stimuli import unlabelled

#: The asynchronous state counts as lost above a modulation of the rate that scales as
#: 1 + sin ωt, which falls to 0 in every cycle (`eisim.analysis.activity.modulation`).
SYNCHRONOUS = 0.5**0.5
#: A prediction counts as good within this share of the simulated rate, or within this many Hz.
CLOSE, CLOSE_RATE = 0.1, 0.5


@dataclass(frozen=True, eq=False, repr=False)
class Prediction(Brief):
    """Predicted and simulated rates of one population.

    Attributes
    ----------
    population : str
    predicted : ndarray of shape (trials,)
        By the mean-field, in Hz.
    simulated : ndarray of shape (trials,)
        Mean over neurons (and seeds), in Hz.
    modulation : ndarray of shape (trials,)
        Of the simulated population rate (`eisim.analysis.activity.modulation`), the largest over seeds.
    holds : ndarray of bool, shape (trials,)
        Whether prediction and simulation are close.
    note : tuple of str
        For each trial one line on where mean-field fails, or "".
    """

    population: str
    predicted: np.ndarray
    simulated: np.ndarray
    modulation: np.ndarray
    holds: np.ndarray
    note: tuple[str, ...]

    @property
    def is_synchronous(self) -> np.ndarray:
        """Whether the population rate is modulated so much that neurons are not independent: bool, (trials,)."""
        return self.modulation > SYNCHRONOUS

    plot = plotted("Draw predicted against simulated rates, a dot for each trial.")


@renamed(bin="bin_width")
@explains_arguments
def predict(
    response: Response, stimuli, start: float | Mapping[str, float] | Literal["simulated"] = 0.0, bin_width=1e-3
) -> tuple[Prediction, ...]:
    """Compare the rates predicted by the mean field with those of a recorded response.

    Parameters
    ----------
    response : Response
        Of a spiking circuit, recorded.
    stimuli : array_like of shape (trials, inputs)
        Static; those of the response.
    start : quantity, dict of str to quantity, or "simulated"
        Rates from which the mean-field relaxes, in Hz (`MeanField.working_point`); ``"simulated"``: from those of each
        trial, so that of several fixed points it is the one nearby, as a memory or a choice needs.
    bin_width : quantity
        Width of a bin of the population rate, in s.

    Returns
    -------
    tuple of Prediction
        One for each population.

    Raises
    ------
    InputError
        If the response is that of a rate circuit or was not recorded, or the stimuli do not fit it.
    """
    inputs = [(i.name, i.size) for i in response.circuit.inputs]
    theory = mean_field(response.circuit)
    stimuli = np.asarray(unlabelled(stimuli, inputs, "predict: stimuli"), dtype=float)
    trials = next(iter(response.rates.values())).shape[-2]
    if len(np.atleast_1d(stimuli)) != trials:
        expected = f"those of the {trials} trials of the response"
        raise InputError(f"predict: stimuli: expected {expected}, found {len(stimuli)}")
    starts, found = _starts(response, start, trials), []
    points = [theory.working_point(stimuli[[k]], starts[k]) for k in range(trials)]
    settled = np.array([point.settled[0] for point in points])
    for p in response.circuit.populations:
        simulated = response.rates[p.name].mean(axis=-1)
        modulation = np.nan_to_num(activity.modulation(response, p.name, bin_width))
        if simulated.ndim > 1:
            simulated, modulation = simulated.mean(axis=0), modulation.max(axis=0)
        predicted = np.array([point.rates[p.name][0] for point in points])
        holds = settled & (np.abs(predicted - simulated) <= np.maximum(CLOSE * simulated, CLOSE_RATE))
        found.append(Prediction(p.name, predicted, simulated, modulation, holds, ()))
    growing = [""] * trials
    for k in np.flatnonzero(np.any([p.is_synchronous for p in found], axis=0)):
        modes = theory.modes(stimuli[[k]], starts[k])
        if modes.growing[0]:
            growing[k] = f", as it predicts: an oscillation of {modes.frequency[0]:.3g} Hz grows"
    return tuple(
        replace(p, note=tuple(_note(p, k, points[k].problem[0], growing[k]) for k in range(trials))) for p in found
    )


def _starts(response, start, trials):
    """Rates to begin with, for each trial."""
    if not isinstance(start, str):
        return [start] * trials
    if start != "simulated":
        raise InputError(f"start: expected rates or 'simulated', found {start!r}")
    mean = {name: rates.mean(axis=-1).reshape(-1, trials).mean(axis=0) for name, rates in response.rates.items()}
    return [{name: float(rates[k]) for name, rates in mean.items()} for k in range(trials)]


def _rounded(rate):
    """A rate in Hz as people read it: below a thousandth it is 0."""
    return f"{rate:.3g}" if not abs(rate) < 1e-3 else "0"


def _note(prediction, trial, problem, growing):
    reasons = [problem] * bool(problem)
    if not prediction.holds[trial]:
        simulated = _rounded(prediction.simulated[trial])
        reasons.append(f"predicted {_rounded(prediction.predicted[trial])} Hz, simulated {simulated} Hz")
    if prediction.is_synchronous[trial]:
        reasons.append(
            f"{prediction.population!r} is synchronous, its rate modulated by {prediction.modulation[trial]:.2g} of "
            f"the mean (up to {SYNCHRONOUS:.2g} counts as asynchronous), so mean-field does not hold{growing}"
        )
    return "; ".join(reasons)
