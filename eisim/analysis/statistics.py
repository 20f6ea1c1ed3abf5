"""Statistics of scores: means over seeds, the critical fraction of an ablation curve, and shares, with 95 % intervals.

``python benchmarks/intervals.py`` measures how often the intervals cover the truth; ``docs/statistics.md`` has the
figures.
"""

from dataclasses import dataclass

import numpy as np

from eisim.analysis.isotonic import isotonic
from eisim.base.errors import InputError

#: Probability beyond each end of an interval.
TAIL = 0.025
#: Standard normal quantile of a two-sided 95 % interval.
Z_95 = 1.959963984540054
#: Differences of scores and fractions up to this are rounding.
ROUNDING = 1e-12
#: Scores at fractions less than this apart are averaged before they are compared with a level.
NEIGHBOURHOOD = 0.05


@dataclass(frozen=True)
class Estimate:
    """A mean score with its 95 % interval over seeds; `low` and `high` are ``None`` where the score is exact."""

    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Critical:
    """The fraction of ablation above which the mean score is below a level, with its 95 % interval.

    ``None`` stands for a fraction beyond the largest one. If `value` is ``None``, the fitted curve reaches the level
    at every fraction. If `high` is, the data do not show that the function is lost at the largest fraction. If `low`
    is, they show that it is kept there.
    """

    value: float | None
    low: float | None
    high: float | None


def over_seeds(scores, is_exact: bool = False) -> Estimate:
    """Mean score over seeds, with its 95 % interval.

    The interval is the union of two. One is Student's t interval. The other is Wilson's interval of a share, with the
    quantile of t and with the number of draws for which the share has the variance of the mean,
    ``mean * (1 - mean) / n = s**2 / seeds``. It is longer on the side of 1/2, and so allows for the skewness of
    scores near 0 or 1.

    Parameters
    ----------
    scores : array_like of shape (seeds,)
        One score from 0 to 1 for each seed. Trials of one seed are not independent.
    is_exact : bool
        Whether the system is deterministic and was scored on all its stimuli.

    Returns
    -------
    Estimate
        If all seeds agree, the interval has no width, which does not show that further seeds would agree. For a
        single seed it is 0 to 1, unless the score is exact.

    Raises
    ------
    InputError
        If there is no score, or one is not finite.

    Examples
    --------
    >>> over_seeds([1.0, 1.0, 1.0])
    Estimate(mean=1.0, low=1.0, high=1.0)
    """
    scores = _finite(scores, "scores", ("seeds",))
    mean = float(scores[0] if np.ptp(scores) <= ROUNDING else scores.mean())
    if is_exact:
        return Estimate(mean)
    low, high = _intervals(scores)
    return Estimate(mean, min(float(low), mean), max(float(high), mean))


def with_t_interval(values) -> Estimate:
    """Mean of numbers of any scale over seeds, with Student's 95 % interval; NaN, which is no measurement, is left out.

    Parameters
    ----------
    values : array_like of shape (seeds,)

    Returns
    -------
    Estimate
        NaN if there is no number, and without an interval if there is one.
    """
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    if values.size < 2:
        return Estimate(float(values[0]) if values.size else float("nan"))
    from scipy.special import stdtrit

    mean = float(values.mean())
    half = float(stdtrit(values.size - 1, 1 - TAIL) * values.std(ddof=1) / np.sqrt(values.size))
    return Estimate(mean, mean - half, mean + half)


def critical_fraction(fractions, scores, level: float, is_exact: bool = False) -> Critical:
    """Fraction of ablation above which the mean score is below a level, with its 95 % interval.

    **Value.** The non-increasing curve with the least squared error on the scores of all fractions and seeds (isotonic
    regression) is interpolated linearly between fractions; the value is where it crosses the level. Unlike the first
    crossing of the measured curve, it has no bias that grows with the number of fractions.

    **Interval.** Two assumptions are made: the true mean score does not increase with the fraction, and seeds are
    independent. Scores of one seed at different fractions may be correlated, since each seed is averaged first. A
    fraction is shown to be lost if the interval over seeds (as in `over_seeds`) of the scores at it and at fractions
    less than 0.05 below it is below the level: a non-increasing curve is lowest at the last of these. `high` is the
    smallest fraction such that it and all larger ones are shown to be lost. `low` is found in the same way, from
    the smallest fraction up, with fractions less than 0.05 above. Because each search ends at the first fraction that
    is not shown, its error probability is that of a single test, 2.5 %, for any number of fractions. Both ends are
    measured fractions, since nothing else is assumed about the curve in between, and they enclose the value.

    Parameters
    ----------
    fractions : array_like of shape (fractions,)
        Increasing.
    scores : array_like of shape (fractions, seeds)
    level : float
        The function is kept where the mean score is at least this.
    is_exact : bool
        Whether the system is deterministic and was scored on all its stimuli. Then no fractions are averaged, and
        `low` and `high` are the two fractions between which a non-increasing score falls below the level.

    Returns
    -------
    Critical
        The value is the smallest fraction if the fitted curve is below the level already there. From a single seed
        that is not exact nothing follows: `low` is the smallest fraction, and `high` is ``None``.

    Raises
    ------
    InputError
        If fractions do not increase, shapes differ, or a number is not finite.

    Examples
    --------
    >>> critical_fraction([0, 0.5, 1], [[1.0], [0.75], [0.25]], 0.5, is_exact=True)
    Critical(value=0.75, low=0.5, high=1.0)
    """
    fractions = _finite(fractions, "fractions", ("fractions",))
    scores = _finite(scores, "scores", ("fractions", "seeds"))
    if len(scores) != len(fractions):
        raise InputError(f"scores: expected rows for {len(fractions)} fractions, found {len(scores)}")
    if (np.diff(fractions) <= 0).any():
        raise InputError(f"fractions: expected increasing ones, found {fractions}")
    least = level - ROUNDING
    if is_exact:
        lower = upper = scores.mean(axis=1)
    else:
        lower, _ = _intervals(_with_those_below(-fractions[::-1], scores[::-1])[::-1])
        _, upper = _intervals(_with_those_below(fractions, scores))
    kept, lost = _leading(lower >= least), _leading(upper[::-1] < least)
    return Critical(
        value=_crossing(fractions, scores, level),
        low=float(fractions[max(kept - 1, 0)]) if kept < len(fractions) else None,
        high=float(fractions[-lost]) if lost else None,
    )


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95 % interval of a probability, given the number of successes in independent draws.

    The score interval of Wilson, J. Am. Stat. Assoc. 22:209, 1927.

    Parameters
    ----------
    successes, n : int
        Numbers of successes and of draws.

    Returns
    -------
    low, high : float
        0 and 1 without draws.

    Raises
    ------
    InputError
        If the number of successes is negative or exceeds that of draws.
    """
    if not 0 <= successes <= n:
        raise InputError(f"successes: expected from 0 to {n}, found {successes}")
    if n == 0:
        return 0.0, 1.0
    low, high = _wilson(successes / n, n, Z_95)
    return (0.0 if successes == 0 else float(low), 1.0 if successes == n else float(high))


def _wilson(share, n, z):
    """Ends of Wilson's interval; the number of draws need not be whole."""
    z2 = z**2
    centre, half = share + z2 / (2 * n), z * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return (centre - half) / (1 + z2 / n), (centre + half) / (1 + z2 / n)


def _intervals(scores):
    """Ends of the interval of the mean over seeds, the last axis, as in `over_seeds`."""
    from scipy.special import stdtrit

    seeds, mean = scores.shape[-1], scores.mean(axis=-1)
    least, most = np.minimum(mean, 0), np.maximum(mean, 1)  # 0 and 1 for scores in their range
    if seeds == 1:
        return least, most
    varies = np.ptp(scores, axis=-1) > ROUNDING
    variance = np.where(varies, scores.var(axis=-1, ddof=1) / seeds, 0)
    t = stdtrit(seeds - 1, 1 - TAIL)
    half = t * np.sqrt(variance)
    is_share = varies & (scores.min(axis=-1) >= 0) & (scores.max(axis=-1) <= 1)
    n = np.divide(mean * (1 - mean), variance, out=np.full_like(mean, np.inf), where=is_share)
    low, high = _wilson(np.clip(mean, 0, 1), n, t)
    low, high = np.where(is_share, low, mean), np.where(is_share, high, mean)
    return np.maximum(np.minimum(low, mean - half), least), np.minimum(np.maximum(high, mean + half), most)


def _with_those_below(fractions, scores):
    """For each fraction and seed, the mean score at that fraction and at those less than the neighbourhood below."""
    first = np.searchsorted(fractions, fractions - NEIGHBOURHOOD + ROUNDING)
    after = np.arange(1, len(fractions) + 1)
    total = np.cumsum(np.vstack([np.zeros_like(scores[:1]), scores]), axis=0)
    return (total[after] - total[first]) / (after - first)[:, None]


def _crossing(fractions, scores, level):
    """Where the isotonic fit falls below the level, or ``None``."""
    fit = isotonic(scores.mean(axis=1)[::-1])[::-1]
    k = _leading(fit >= level - ROUNDING)
    if k == len(fit):
        return None
    if k == 0:
        return float(fractions[0])
    return float(np.interp(level, fit[[k, k - 1]], fractions[[k, k - 1]]))


def _leading(values) -> int:
    """Number of true values before the first false one."""
    return int(np.append(values, False).argmin())


def _finite(values, name, axes):
    values = np.asarray(values, dtype=float)
    if values.ndim != len(axes) or not values.size:
        raise InputError(f"{name}: expected an array {' × '.join(axes)}, found shape {values.shape}")
    if not np.isfinite(values).all():
        raise InputError(f"{name}: expected finite numbers, found {values[~np.isfinite(values)][0]}")
    return values
