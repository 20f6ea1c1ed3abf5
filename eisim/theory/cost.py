"""What floors from all pairs of points take, said before they are computed."""

from collections.abc import Sequence

import numpy as np

from eisim.base import memory
from eisim.base.progress import Report, headed
from eisim.theory.order import check_comparisons, check_memory
from eisim.theory.sample import Sample
from eisim.theory.swept import can_sweep, is_wide_plane

#: Seconds for each pair of points: violations, then the floors; of 100,000 points of 20 inputs and a noisy threshold.
SECONDS = {"violations": 6e-10, "zero_one": 3e-10, "linf": 4e-9, "l1": 2.5e-9, "l2": 4e-9}
#: What takes longer is announced, in s.
LONG = 60.0


def announced(sample: Sample, losses: Sequence[str], report: Report) -> Report:
    """A report that says with each stage what all floors will take, if that is much; what does not fit is refused."""
    if can_sweep(sample):
        return report
    levels, n = sample.levels, len(sample.first)
    rows, columns = int(np.sum(levels > levels.min())), int(np.sum(levels < levels.max()))
    check_comparisons(rows, columns)
    pairs = rows * columns
    if {"l1", "l2"} & set(losses) and not is_wide_plane(sample):
        check_comparisons(n, n)
        pairs += 2 * n * n  # those of all points, and what is cut out of them for an up-set
    check_memory(pairs, n)
    seconds = n * n * sum(SECONDS[what] for what in ("violations", *losses))
    if seconds < LONG:
        return report
    return headed(report, f"{n:,} points (about {seconds / 60:.0f} min, {memory.size(pairs / 8)})")
