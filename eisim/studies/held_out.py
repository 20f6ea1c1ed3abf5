"""Whether rows show that no excitatory-only system computes the rule behind them, by rows that a network has not seen.

Nearly all labels with noise fall somewhere when inputs rise, so that they have a floor, and a network that memorises
them scores more than every excitatory-only system. Of the rule behind the labels that says nothing. What a network
scores on rows that it was not trained on does: noise there is new to it. If that is more than the best monotone
function scores, which is chosen with all these labels known and so fits their noise as well, then no monotone function
is the rule.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from eisim.adapter import DNN
from eisim.analysis.statistics import ROUNDING, TAIL, Estimate
from eisim.base.progress import Report, silent
from eisim.base.values import Brief
from eisim.functions import LabelledData
from eisim.studies.judgement import Criterion
from eisim.theory.floor import zero_one
from eisim.theory.order import violations
from eisim.theory.sample import Sample, by_range

#: Parts of the rows, of which each is judged by a network that was trained on the others.
FOLDS = 5
#: Of more rows, so many are drawn at random.
MOST_ROWS = 1000
#: Rows with the same inputs stay together, since they may be copies; from so many at every point on they are trials.
TRIALS = 5
#: Networks that judge: hidden units and training steps, unless there is a trained network to go by.
HIDDEN, ITERATIONS = (32,), 1000


@dataclass(frozen=True, eq=False, repr=False)
class HeldOut(Brief):
    """Shares of rows answered correctly about one class; networks were not trained on the rows that they answer."""

    score: float  # of networks
    bound: float  # of the best monotone function, chosen for the same rows
    constant: float  # of the best constant answer
    lead: float  # score - bound, ...
    low: float  # ... with its 95 % interval
    high: float

    @property
    def is_shown(self) -> bool:
        """Whether the lead is shown to be so large that the bound is below the criterion for the networks' score."""
        return self.low > self.score - Criterion.lead_over(self.constant).level(self.score)

    def to_json(self) -> dict:
        """As a JSON object."""
        return asdict(self) | {"is_shown": self.is_shown}


@dataclass(frozen=True, eq=False, repr=False)
class Folds(Brief):
    """Rows in parts, and the networks to train, each on all parts but one."""

    data: LabelledData  # inputs scaled to 0 to 1; all rows, or those that were drawn
    part: np.ndarray  # (n_points,): of each row
    hidden: tuple[int, ...] = HIDDEN
    iterations: int = ITERATIONS
    seed: int = 0

    @classmethod
    def of(cls, data: LabelledData, *how, seed: int = 0) -> "Folds":
        """Rows with the same inputs are in one part, unless they are trials; each class is spread over the parts.

        `how` are the hidden units and training steps.
        """
        rng = np.random.default_rng(seed)
        rows = np.sort(rng.permutation(np.flatnonzero(data.weights))[:MOST_ROWS])
        points, targets, weights = by_range(data.points[rows]), data.targets[rows], data.weights[rows]
        order = None if data.order is None else data.order[rows]
        _, unit, sizes = np.unique(data.ordered[rows], axis=0, return_inverse=True, return_counts=True)
        unit = np.arange(len(rows)) if sizes.min() >= TRIALS else unit.ravel()
        _, first = np.unique(unit, return_index=True)
        drawn = rng.permutation(len(first))
        of_unit = np.empty(len(first), dtype=int)
        of_unit[drawn[np.argsort(targets[first[drawn]], kind="stable")]] = np.arange(len(first)) % FOLDS
        chosen = replace(data, points=points, targets=targets, weights=weights, order=order, notes=())
        return cls(chosen, of_unit[unit], *how, seed=seed)

    @property
    def jobs(self) -> list[dict]:
        """The networks to train; none for a part beside which there is one class only."""
        from eisim.analysis.training import job

        how, found = {"loss": "one-vs-rest", "iterations": self.iterations}, []
        for k in self._trained:
            seen, name = self.part != k, f"{self.data.name}, part {k + 1} left out"
            points, targets = self.data.points[seen], self.data.targets[seen]
            found.append(job(points, targets, self.hidden, "free", self.seed + k, name=name, **how))
        return found

    @property
    def _trained(self):
        parts, targets = np.unique(self.part).tolist(), self.data.targets
        return [k for k in parts if len(np.unique(targets[self.part != k])) > 1]

    def evidence(self, dnns: Sequence[DNN], judged: Sequence[float], report: Report = silent) -> tuple[HeldOut, ...]:
        """What the trained networks show of each judged class."""
        says = np.zeros((len(self.part), len(judged)), dtype=bool)
        known = dict(zip(self._trained, dnns, strict=True))
        for k in range(FOLDS):
            mine, classes = self.part == k, np.unique(self.data.targets[self.part != k])
            if k not in known:
                says[mine] = np.isin(judged, classes)
                continue
            answers = known[k].decide(self.data.points[mine])
            if len(classes) == 2:
                answers = np.hstack([~answers, answers])
            for c, value in enumerate(judged):
                if value in classes:  # of a class that it never saw a network says no
                    says[mine, c] = answers[:, np.searchsorted(classes, value)]
        return tuple(compared(self.data, value, says[:, c], report) for c, value in enumerate(judged))


def trained_evidence(data: LabelledData, judged: Sequence[float], report: Report = silent) -> tuple[HeldOut, ...]:
    """Evidence for each judged class, by networks that are trained for it."""
    from eisim.analysis.training import train_all

    folds = Folds.of(data)
    return folds.evidence(train_all(folds.jobs, report, "network of other rows"), judged, report)


def compared(data: LabelledData, value: float, says: np.ndarray, report: Report = silent) -> HeldOut:
    """What answers about one class, to rows that were not seen, score beside the best monotone function."""
    is_class, weights = data.targets == value, data.weights / data.weights.sum()
    _, best = zero_one(
        violations(Sample(data.points, is_class.astype(float), data.weights, data.order), report), report
    )
    right, bound = says == is_class, best == is_class
    share = float(weights[is_class].sum())
    lead = lead_of(weights * (right.astype(float) - bound))
    score, best_score = float(weights @ right), float(weights @ bound)
    return HeldOut(score, best_score, max(share, 1 - share), lead.mean, lead.low, lead.high)


def lead_of(gains: np.ndarray) -> Estimate:
    """A sum of gains and losses with its interval, given their sizes: each might have had the other sign.

    Of equal ones the share of gains has the exact interval of Clopper and Pearson (Biometrika 26:404, 1934); others
    count as so many equal ones as have the same variance (Kish, Survey Sampling, 1965).
    """
    from scipy.special import betaincinv

    total = float(np.abs(gains).sum())
    if total <= ROUNDING:
        return Estimate(0.0, 0.0, 0.0)
    n = total**2 / float((gains**2).sum())
    k = n * float(gains[gains > 0].sum()) / total
    low = betaincinv(k, n - k + 1, TAIL) if k > 0 else 0.0
    high = betaincinv(k + 1, n - k, 1 - TAIL) if k < n else 1.0
    return Estimate(float(gains.sum()), total * float(2 * low - 1), total * float(2 * high - 1))


def is_known_everywhere(data: LabelledData) -> bool:
    """Whether the rows are a truth table, repeated or not: what it asks for is given, and no label is noise."""
    if not np.isin(data.points, (0, 1)).all():
        return False
    patterns = np.unique(data.points, axis=0)
    with_targets = np.unique(np.column_stack([data.points, data.targets]), axis=0)
    return len(patterns) == len(with_targets) == 2**data.n_inputs
