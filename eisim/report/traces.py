"""Figure of what was recorded in one trial: spikes, potentials, conductances and currents, one above the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eisim.circuit import Population
from eisim.neurons import Neuron
from eisim.report import figures
from eisim.report.figures import raster, trial_names
from eisim.report.response import seeds_of, shaped
from eisim.report.style import DOUBLE, EXCITATORY, INHIBITORY, NEUTRAL, Axes, Figure, new_figure
from eisim.simulation import Recording, Response, Spikes
from eisim.simulation.recording import DENSITY, current_signs

#: Units in which variables are drawn, by those in which they are recorded: the name, and how many make one.
_SHOWN = {"V": ("mV", 1e3), "A": ("pA", 1e12), "S": ("nS", 1e9), "s": ("ms", 1e3)}
#: Most neurons of which one variable is drawn.
MOST_NEURONS = 3
_LOOKS = {"e": {"color": EXCITATORY}, "i": {"color": INHIBITORY}, "n": {"color": EXCITATORY, "ls": "--"}}
#: Heights of a raster and of another panel, and of the space between two, in inches.
_RASTER, _PANEL, _SPACE = 1.5, 0.9, 0.18


@dataclass(frozen=True)
class _Panel:
    draw: Callable[[Axes], None]
    height: float = _PANEL


def size(response: Response) -> tuple[float, float]:
    """Width and height of a figure of a response, in inches."""
    if not response.traces.recordings:
        return DOUBLE, 3.0
    return DOUBLE, 0.6 + sum(panel.height + _SPACE for panel in _panels(response, [""]))


def response(ax: Axes, response: Response, trials: Sequence[str] = ()) -> None:
    """Draw the variables that were recorded of a response, else its spikes, its rates over time or its rates."""
    if response.traces.recordings:
        recorded(ax, response, trial_names(response, trials))
    else:
        figures.response(ax, response, trials)


def figure(of: Response, trials: Sequence[str] = ()) -> Figure:
    """A figure of a response; of recorded variables that of the trial in which its populations fire most."""
    of = _of_liveliest(of)
    made = new_figure(*size(of), "constrained")
    response(made.subplots(), of, trials)
    return made


def _of_liveliest(response: Response) -> Response:
    """The response with the recordings of one trial."""
    recordings = response.traces.recordings
    if not recordings:
        return response
    rates = sum(shaped(each, 1)[0].sum(axis=-1) for each in response.rates.values())
    place = [int(np.argmax(rates[next(iter(recordings.values())).trials]))]

    def one(found):
        values = {name: each[:, place] for name, each in found.values.items()}
        return replace(found, values=values, trials=found.trials[place])

    return replace(response, traces={name: one(found) for name, found in recordings.items()})


def recorded(ax: Axes, response: Response, trials: Sequence[str]) -> None:
    """Draw the first recorded trial of a response, its variables in panels that share the time axis.

    Potentials are those of the first recorded neurons, at most three; conductances and currents those of the first
    one, and the currents have their sum, unless one is a variable of a user that is not known to be positive where it
    depolarises.
    """
    panels = _panels(response, trials)
    whole = sum(panel.height + _SPACE for panel in panels) - _SPACE
    ax.set_axis_off()
    top = whole
    for panel in panels:
        top -= panel.height
        inner = ax.inset_axes((0, top / whole, 1, panel.height / whole))
        panel.draw(inner)
        inner.set(xlim=(0, response.duration * 1e3))
        if panel is panels[-1]:
            inner.set_xlabel("time (ms)")
        else:
            inner.set_xlabel("")
            inner.tick_params(labelbottom=False)
        top -= _SPACE


def _panels(response: Response, trials: Sequence[str]) -> list[_Panel]:
    recordings = response.traces.recordings
    trial = int(next(iter(recordings.values())).trials[0])
    panels = []
    if response.spikes:
        one = _one_trial(response, trial)
        panels.append(_Panel(lambda ax: raster(ax, one, trials[:1]), _RASTER))
    for name, recording in recordings.items():
        population = None if recording.ends else response.circuit.population(name)
        several = population is None or population.size > 1
        summed = _summed(population, recording)
        panels += [_Panel(draw) for draw in _of_population(name, recording, several, summed)]
    several = len(trials) > 1
    if several:
        first, named = panels[0], trials[trial]
        label = f"{'seed, trial' if ', ' in named and len(seeds_of(response)) > 1 else 'trial'} {named}"

        def titled(ax):
            first.draw(ax)
            ax.set_title(label, loc="left")

        panels[0] = replace(first, draw=titled)
    return panels


def _one_trial(response: Response, trial: int) -> Response:
    """The spikes in one trial of the first seed."""

    def of(spikes):
        mine = spikes.copy == trial
        return Spikes(np.zeros(int(mine.sum()), int), spikes.neuron[mine], spikes.step[mine])

    return replace(response, spikes={name: of(spikes) for name, spikes in response.spikes.items()}, traces={})


def _summed(population: Population | None, recording: Recording) -> set[str]:
    """What may be added up: of equations, only currents that are positive where they depolarise."""
    if population is None or not isinstance(population.neuron, Neuron):
        return set(recording.values)
    return {name for name, sign in current_signs(population).values() if sign == 1}


def _of_population(
    name: str, recording: Recording, several: bool, summed: set[str]
) -> Iterator[Callable[[Axes], None]]:
    """What draws the variables of one population or projection: those of receptors together, every other alone."""
    families: dict[tuple[str, str], list[str]] = {}
    for variable in recording.values:
        kind, _, receptor = variable.partition("_")
        family = kind if receptor in _LOOKS and kind in ("I", "g") and not recording.ends else variable
        families.setdefault((family, recording.units[variable]), []).append(variable)
    time = recording.times * 1e3
    for (family, recorded_in), variables in families.items():
        unit, scale = _SHOWN.get(recorded_in, (recorded_in, 1.0))
        what = (
            "conductance"
            if family == "g"
            else {"A": "current", "V": "current × R"}.get(recorded_in, "current" if recorded_in == DENSITY else "input")
        )
        written = "" if unit == "1" else f" ({unit})"
        values = {variable: recording.values[variable][0, 0] * scale for variable in variables}

        is_one = len(recording.neurons) == 1 and several
        only_one = f", {recording.axis} {recording.neurons[0]}" if is_one else ""

        def alone(ax, family=family, values=values, written=written, only_one=only_one):
            for k, neuron in enumerate(recording.neurons[:MOST_NEURONS]):
                ax.plot(
                    time,
                    values[family][k],
                    color=("black", NEUTRAL, "#aaaaaa")[k],
                    lw=0.9,
                    label=str(neuron),
                    zorder=3 - k,
                )
            ax.set_ylabel(f"{name}{only_one}\n{family}{written}")
            if len(recording.neurons) > 1:
                _legend(ax, recording.axis)

        def together(ax, family=family, values=values, label=f"{name}\n{what}{written}"):
            for variable, each in values.items():
                ax.plot(time, each[0], lw=0.9, label=variable, **_LOOKS[variable[-1]])
            if family == "I":
                ax.axhline(0, color="#cccccc", lw=0.5, zorder=0)
                if len(values) > 1 and summed.issuperset(values):
                    ax.plot(time, sum(each[0] for each in values.values()), color="black", lw=0.9, label="sum")
            ax.set_ylabel(label)
            _legend(ax, f"neuron {recording.neurons[0]}")

        yield together if family in ("I", "g") else alone


def _legend(ax, title):
    ax.legend(title=title, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, handlelength=1.2)
