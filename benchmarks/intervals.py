"""How often the 95 % intervals of `eisim.analysis.statistics` cover the truth, by Monte Carlo.

The first table is about means over seeds. Experiments in which all seeds agree, whose interval has no width, are left
out of one column and included in the next. Student's t interval is shown for comparison. The second table is about
critical fractions: error of the fit and, for comparison, of the first crossing of the mean curve (both as root mean
square over the experiments in which the function is lost), then coverage and mean width of the interval, which ends
at the largest fraction if it has no upper end. The third is about shares, where coverage is computed exactly.

Usage: python benchmarks/intervals.py [--experiments N] [--seeds N]
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import stats

from eisim.analysis.statistics import critical_fraction, over_seeds, wilson

GRIDS = (6, 21, 101)
SHARES = ((0.5, 3), (0.9, 3), (0.95, 8), (0.99, 8), (0.999, 8), (0.95, 64), (0.99, 64))


def normal(mean, sd):
    """Normal scores that are cut off at 0 and 1."""
    low, high = -mean / sd, (1 - mean) / sd
    return stats.truncnorm(low, high, loc=mean, scale=sd)


#: Distributions of scores: of each, the mean, and how to draw.
SCORES = {f"normal, mean {mean}, sd {sd}": normal(mean, sd) for mean, sd in ((0.5, 0.1), (0.7, 0.2), (0.95, 0.1))}
SCORES |= {
    f"beta({a}, {b})": stats.beta(a, b) for a, b in ((2, 2), (0.5, 0.5), (8, 2), (20, 1), (1, 9), (5, 0.5), (2, 0.2))
}


@dataclass(frozen=True)
class Curve:
    """A true mean score by fraction, the fraction from which it is below a level, and how scores of seeds vary."""

    mean: Callable[[np.ndarray], np.ndarray]
    level: float = 0.5
    truth: float = 0.625
    sd: float = 0.1  # of normal noise
    trials: int = 0  # if positive, scores are shares of that many trials, without other noise
    shift: float = 0.0  # standard deviation over seeds of a shift of the curve along the fractions

    def draw(self, fractions, seeds, rng) -> np.ndarray:
        """Scores of one experiment, fractions × seeds."""
        mean = self.mean(fractions[:, None] - self.shift * rng.normal(size=seeds))
        return (
            rng.binomial(self.trials, mean) / self.trials if self.trials else mean + rng.normal(0, self.sd, mean.shape)
        )


def logistic(x, width=0.1, middle=0.625, low=0.0):
    """A fall from 1."""
    return low + (1 - low) / (1 + np.exp((x - middle) / width))


def step(x):
    """A fall at once."""
    return np.where(x < 0.625, 0.95, 0.45)


def line(x):
    """A slow fall over all fractions."""
    return 0.75 - 0.4 * x


AT_09 = 0.625 - 0.1 * np.log(9)  # where the logistic curve of width 0.1 is 0.9
CURVES = {
    "logistic, width 0.1": Curve(logistic),
    "logistic, width 0.02": Curve(partial(logistic, width=0.02)),
    "logistic, width 0.2": Curve(partial(logistic, width=0.2)),
    "logistic, level 0.9": Curve(logistic, 0.9, AT_09),
    "logistic, truth at a fraction, 0.6": Curve(partial(logistic, middle=0.6), truth=0.6),
    "step from 0.95 to 0.45, level 0.7": Curve(step, 0.7),
    "line of slope -0.4": Curve(line),
    "constant at the level": Curve(lambda x: 0 * x + 0.5, truth=np.inf),
    "logistic, seeds shifted by sd 0.1": Curve(logistic, sd=0.05, shift=0.1),
    "logistic, shares of 8 trials": Curve(logistic, trials=8),
    "logistic, shares of 8 trials, level 0.9": Curve(logistic, 0.9, AT_09, trials=8),
    "logistic, shares of 1 trial": Curve(logistic, trials=1),
    "from 0.985 to 0.3, level 0.99, 4 trials": Curve(lambda x: np.where(x < 0.6, 0.985, 0.3), 0.99, 0.0, trials=4),
}


def of_scores(draw, truth, experiments, seeds) -> dict:
    """Coverage and width of the intervals of a mean score."""
    rng, t = np.random.default_rng(0), stats.t.ppf(0.975, seeds - 1)
    scores = draw((experiments, seeds), rng)
    found = [over_seeds(each) for each in scores]
    covers = np.array([each.low <= truth <= each.high for each in found])
    varies = np.ptp(scores, axis=1) > 0
    half = t * scores.std(axis=1, ddof=1) / np.sqrt(seeds)
    plain = np.abs(scores.mean(axis=1) - truth) <= half
    width = np.array([each.high - each.low for each in found])
    return {
        "varies": varies.mean(),
        "coverage": covers[varies].mean(),
        "with all": covers.mean(),
        "t alone": plain[varies].mean(),
        "width": width[varies].mean(),
    }


def first_crossing(fractions, mean, level) -> float:
    """Where the mean curve first falls below the level, infinite if it never does."""
    k = int(np.append(mean < level, True).argmax())
    if k in (0, len(mean)):
        return fractions[0] if k == 0 else np.inf
    return np.interp(level, mean[[k, k - 1]], fractions[[k, k - 1]])


def of_curve(curve: Curve, n_fractions, experiments, seeds) -> dict:
    """Error of the critical fraction, and coverage and width of its interval."""
    rng, fractions = np.random.default_rng(0), np.linspace(0, 1, n_fractions)
    rows = []
    for _ in range(experiments):
        scores = curve.draw(fractions, seeds, rng)
        found = critical_fraction(fractions, scores, curve.level)
        value, low, high = (np.inf if end is None else end for end in (found.value, found.low, found.high))
        rows.append((value, low, high, first_crossing(fractions, scores.mean(axis=1), curve.level)))
    value, low, high, first = np.array(rows).T

    def error(found):
        found = found[np.isfinite(found)]
        return np.sqrt(np.mean((found - curve.truth) ** 2)) if np.isfinite(curve.truth) else np.nan

    return {
        "error": error(value),
        "first crossing": error(first),
        "never lost": np.mean(~np.isfinite(value)),
        "coverage": np.mean((low <= curve.truth) & (curve.truth <= high)),
        "width": np.mean(np.minimum(high, 1) - np.minimum(low, 1)),
    }


def of_share(p, n) -> float:
    """Coverage of Wilson's interval for `n` draws of probability `p`."""
    ends = np.array([wilson(k, n) for k in range(n + 1)])
    return float(stats.binom.pmf(range(n + 1), n, p)[(ends[:, 0] <= p) & (p <= ends[:, 1])].sum())


def table(title, rows):
    """Print rows of numbers under the names of their columns."""
    width = max(map(len, [title, *rows]))
    print(f"\n{title:{width}}", *(f"{name:>14}" for name in next(iter(rows.values()))))
    for name, row in rows.items():
        print(f"{name:{width}}", *(f"{value:14.4f}" for value in row.values()), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--experiments", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=10)
    a = parser.parse_args()
    size = (a.experiments, a.seeds)
    rows = {
        name: of_scores(lambda shape, rng, d=d: d.rvs(shape, random_state=rng), d.mean(), *size)
        for name, d in SCORES.items()
    }
    for p, trials in SHARES:
        rows[f"share of {trials} trials, p = {p}"] = of_scores(
            lambda shape, rng, p=p, trials=trials: rng.binomial(trials, p, shape) / trials, p, *size
        )
    table("mean over seeds", rows)
    for n in GRIDS:
        table(f"critical fraction, {n} fractions", {name: of_curve(curve, n, *size) for name, curve in CURVES.items()})
    chances = (0.001, 0.01, 0.1, 0.3, 0.5)
    table(
        "Wilson, coverage by p", {f"{n} draws": {f"p = {p}": of_share(p, n) for p in chances} for n in (10, 100, 1000)}
    )


if __name__ == "__main__":
    main()
