"""What is found in a Brian2 network, and what its ablation gives: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from eisim.base.display import labelled, tabulated
from eisim.base.errors import InputError
from eisim.base.values import Brief, ReadOnly, Shown
from eisim.studies.controls import Answers, Variant, of_controls
from eisim.studies.curves import AblationCurve
from eisim.studies.judgement import Criterion

INHIBITORY, EXCITATORY, MIXED, ELECTRICAL, UNKNOWN, NONE = VERDICTS = (
    "inhibitory",
    "excitatory",
    "mixed",
    "electrical",
    "unknown",
    "none",
)
LEAVE = "leave"


@dataclass(frozen=True)
class Finding:
    """What one pathway of synapses does to one variable, and with that to the threshold.

    Attributes
    ----------
    synapses : str
        Name of the ``Synapses`` object, as Brian2 has it.
    label : str
        Its name in the script; ``""`` where it has none.
    pathway : str
        ``"pre"``, ``"post"`` or a name of the script's; ``"sum"`` for a summed variable.
    variable : str
        What is changed.
    code : str
        The statement or the summed expression.
    verdict : str
        ``"inhibitory"`` (more of it takes neurons from their threshold), ``"excitatory"``, ``"mixed"`` (by the sign of
        each synapse's own weight), ``"electrical"`` (a sum of differences of the two neurons), ``"unknown"``, or
        ``"none"`` (no threshold depends on it).
    why : str
        The reason, in one line.
    is_scaled : bool
        Whether an ablation scales this statement. What is passed on by a sum is scaled there.
    n : int
        Number of synapses.
    toward : float
        1 if more of the variable brings neurons nearer to threshold, -1 if it takes them away, 0 if neither, NaN if
        that differs.
    is_excitation : bool
        Whether controls scale this statement.
    is_input : bool
        Whether the synapses come from what no equations describe, such as a ``PoissonGroup``.
    numbers : tuple of int
        Synapses that inhibit and that excite by this statement.
    weights : tuple of float
        Summed magnitudes of what a spike adds in these, in SI units; NaN where that is not known.
    unit : str
        Of the variable.
    """

    synapses: str
    label: str
    pathway: str
    variable: str
    code: str
    verdict: str
    why: str
    is_scaled: bool = False
    n: int = 0
    toward: float = 0.0
    is_excitation: bool = False
    is_input: bool = False
    numbers: tuple[int, int] = (0, 0)
    weights: tuple[float, float] = (0.0, 0.0)
    unit: str = ""

    @property
    def name(self) -> str:
        """The name that the user knows: the script's, else Brian2's."""
        return self.label or self.synapses


@dataclass(frozen=True, repr=False)
class Found(Shown):
    """The synapses of a Brian2 network, and which of them inhibit.

    Attributes
    ----------
    name : str
        Of the script or function.
    rows : tuple of Finding
        One for each variable that a pathway changes on its way to a threshold.
    not_examined : tuple of str
        What may inhibit, too, and was not looked into: functions that run at each step, code that runs regularly,
        inputs of negative weight.
    """

    name: str
    rows: tuple[Finding, ...] = ()
    not_examined: tuple[str, ...] = ()

    to_dataframe = tabulated("One row for each of `rows`, as a pandas DataFrame.")

    def __repr__(self):
        lines = [(r.name, r.pathway, r.variable, r.verdict, r.why) for r in self.rows]
        table = [("synapses", "pathway", "variable", "verdict", "why"), *lines]
        widths = [max(len(row[k]) for row in table) for k in range(4)]
        said = ["  ".join([*(f"{c:{w}}" for c, w in zip(row, widths, strict=False)), row[4]]) for row in table]
        return "\n".join([f"{self.name}: {len(self.rows)} effects of synapses", *said, *self._rest])

    @property
    def _rest(self):
        return [f"not examined: {each}" for each in self.not_examined]

    @property
    def inhibitory(self) -> tuple[str, ...]:
        """Names of the synapses of which an ablation scales something, as the script has them."""
        return tuple(dict.fromkeys(r.name for r in self.rows if r.is_scaled))

    @property
    def unknown(self) -> tuple[Finding, ...]:
        """Effects of which the sign is not known: `override` has to say what they are."""
        return tuple(r for r in self.rows if r.verdict == UNKNOWN)


@dataclass(frozen=True, eq=False, repr=False)
class GroupSpikes(ReadOnly, Shown):
    """Spikes of one group in one run, for a user's score.

    Attributes
    ----------
    name : str
    size : int
        Number of neurons.
    t : ndarray of shape (spikes,)
        Times in s, in order. Where a script runs several times from 0, the runs follow one another.
    i : ndarray of shape (spikes,)
        Neurons.
    duration : float
        In s, of all runs that the group took part in.
    dt : float
        Time step of the group, in s.
    """

    name: str
    size: int
    t: np.ndarray
    i: np.ndarray
    duration: float
    dt: float

    def rate(self, from_: Any = 0.0, to: Any = None) -> float:
        """Mean rate of a neuron between two times (quantities, or in s), in Hz."""
        end = self.duration if to is None else float(to)
        begin = float(from_)
        if not begin < end:
            raise InputError(f"rate: expected a time before {end:g} s, found {begin:g} s")
        inside = (self.t >= begin) & (self.t < end)
        return float(np.count_nonzero(inside) / (self.size * (end - begin)))


@dataclass(frozen=True, eq=False, repr=False)
class ControlRuns(ReadOnly, Brief):
    """A Brian2 network under one control of its full ablation.

    Attributes
    ----------
    condition : str
        ``"compensated"`` (excitation is scaled down with the ablation), ``"sham_excitation"`` (excitation between
        populations is scaled down in its place) or ``"sham_random"`` (random synapses between populations are removed).
    scaled : str
        What is scaled: ``"excitation between populations"`` or ``"all excitation"``; ``""`` of a random sham.
    scale : float
        Factor of that excitation, as a mean over seeds; of a random sham the share of synapses that is left.
    rates, cv, synchrony : ndarray of shape (seeds, groups)
        As those of the ablation.
    scores : ndarray of shape (seeds,) or None
        Of the user's function.
    """

    condition: str
    scaled: str
    scale: float
    rates: np.ndarray
    cv: np.ndarray
    synchrony: np.ndarray
    scores: np.ndarray | None = None


@dataclass(frozen=True, eq=False, repr=False)
class BrianAblation(ReadOnly, Shown):
    """A Brian2 network with fractions of its inhibition removed.

    Every synapse of which `found` says that it is inhibitory transmits 1 - fraction of what it did; of mixed ones those
    whose weight inhibits. Nothing else is changed: what plastic synapses learn is not scaled, and what they learn then
    follows from the activity.

    Attributes
    ----------
    name : str
        Of the script or function.
    fractions : ndarray of shape (fractions,)
        How much is removed, increasing from 0.
    seeds : tuple of int
        Of the random numbers; the first is the script's own seed where it sets one.
    groups : tuple of str
        Groups that can spike, by Brian2's names.
    sizes : tuple of int
        Number of neurons of each group.
    rates, cv, synchrony : ndarray of shape (fractions, seeds, groups)
        Mean rate of a neuron in Hz; mean coefficient of variation of the inter-spike intervals, and synchrony, as
        `eisim.activity.irregularity` and `eisim.activity.synchrony` define them, NaN where spikes are too few.
    limits : ndarray of shape (groups,)
        Largest rate that the refractory period allows, in Hz; infinite without one, NaN where it is not one time.
    durations : ndarray of shape (groups,)
        Simulated time, in s.
    found : Found
        The synapses, what they do, and why.
    identical : bool or None
        Whether fraction 0 gives the spikes of the untouched script, spike for spike; ``None`` if nothing spiked in
        either, which is no evidence.
    differs_from : float or None
        Simulated time from which on they differ, in s.
    seconds : ndarray of shape (fractions, seeds)
        Time that each run took, without what all fractions share, in s.
    scores : ndarray of shape (fractions, seeds) or None
        Of the user's function; NaN where it failed.
    criterion : Criterion or None
        What the score has to reach.
    rasters : tuple of dict of str to tuple of ndarray
        For each fraction of the first seed by group: times in s, and neurons, of the spikes of at most 100 neurons.
    backend : str
        ``"runtime"`` or ``"cpp"``.
    problems : tuple of str
        What a reader has to know: a fraction 0 that differs from the script, a score that failed.
    notes : tuple of str
        What was done otherwise than the script says: its own seed was varied, its device taken away.
    controls : tuple of ControlRuns
        Of the largest fraction; empty if they were off.
    without : dict of str to str
        Controls that this network does not allow, and why.
    """

    name: str
    fractions: np.ndarray
    seeds: tuple[int, ...]
    groups: tuple[str, ...]
    sizes: tuple[int, ...]
    rates: np.ndarray
    cv: np.ndarray
    synchrony: np.ndarray
    limits: np.ndarray
    durations: np.ndarray
    found: Found
    identical: bool | None
    differs_from: float | None
    seconds: np.ndarray
    scores: np.ndarray | None = None
    criterion: Criterion | None = None
    rasters: tuple[dict[str, tuple[np.ndarray, np.ndarray]], ...] = ()
    backend: str = "runtime"
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    controls: tuple[ControlRuns, ...] = ()
    without: Mapping[str, str] = field(default_factory=dict)

    to_dataframe = tabulated("One row for each fraction, seed and group, as a pandas DataFrame.")
    to_xarray = labelled("Rates, irregularity, synchrony and scores by fraction, seed and group, as an xarray Dataset.")

    def __repr__(self):
        over = f"{len(self.fractions)} fractions, {len(self.seeds)} seeds"
        means = self.rates.mean(axis=1)
        rates = ", ".join(
            f"{name} {means[0, k]:.3g} -> {means[-1, k]:.3g} Hz" for k, name in enumerate(self.groups[:6])
        )
        return f"<BrianAblation of {self.name} over {over}: {rates}; scaled: {', '.join(self.found.inhibitory)}>"

    @property
    def table(self):
        """Means over seeds, one row for each fraction and group, as a pandas DataFrame."""
        means = self.to_dataframe().drop(columns="seed").groupby(["fraction", "group"], sort=False).mean()
        return means.reset_index()

    @cached_property
    def curves(self) -> tuple[AblationCurve, ...]:
        """The ablation curve of the user's score, with its controls; none without a score and a criterion."""
        if self.scores is None or self.criterion is None:
            return ()
        controls = None
        if self.controls and not any(np.isnan(each.scores).any() for each in self.controls):
            tried = [(_variant(each), self._answers(each.scores, each.rates)) for each in self.controls]
            intact, ablated = (self._answers(self.scores[k], self.rates[k]) for k in (0, -1))
            controls = of_controls(intact, ablated, tried, is_exact=False)
        return (
            AblationCurve.of(
                None, "spiking", self.fractions, self.scores, self.criterion, function=self.name, controls=controls
            ),
        )

    def _answers(self, scores, rates) -> Answers:
        return Answers(scores, None, self.mean_rate(rates))

    def mean_rate(self, rates) -> float:
        """Mean over seeds and all neurons of rates of shape (seeds, groups), in Hz."""
        known = np.isfinite(rates).all(axis=0)
        sizes = np.array(self.sizes)[known]
        return float(rates[:, known].mean(axis=0) @ sizes / sizes.sum()) if known.any() else 0.0

    def nearest(self, scaled: str) -> ControlRuns | None:
        """The compensated runs whose mean rate is nearest to the intact one, by its logarithm."""
        tried = [each for each in self.controls if (each.condition, each.scaled) == ("compensated", scaled)]
        intact = self.mean_rate(self.rates[0])

        def distance(each):
            rate = self.mean_rate(each.rates)
            return abs(np.log(rate / intact)) if rate > 0 and intact > 0 else np.inf

        return min(tried, key=distance, default=None)


def _variant(each: ControlRuns) -> Variant:
    return Variant(each.condition, None, each.scale, each.scaled)
