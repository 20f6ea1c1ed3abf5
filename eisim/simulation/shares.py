"""Large batches are shared out over processors, since what happens in one trial does not depend on any other."""

import os
from dataclasses import replace

import numpy as np

from eisim.simulation.layout import Trials
from eisim.simulation.response import Response
from eisim.timing import Timing

#: Steps of neurons that make it worth to start another process.
WORTHWHILE = 200_000_000


def share_out(batch: list[Trials], timing: Timing) -> list[list[Trials]]:
    """The batch in equal parts, each with some trials of every circuit, so that one program serves them all.

    Where the trials do not come out even, the last is repeated. A batch of which something is recorded stays whole.
    """
    work = timing.steps * sum(t.copies * t.neurons for t in batch)
    n = min(_processors(), work // WORTHWHILE, *(len(t.stimuli) for t in batch))
    if n < 2 or any(t.record for t in batch):
        return [batch]
    return [[_share(trials, k, n) for trials in batch] for k in range(n)]


def _share(trials, k, n):
    size = -(-len(trials.stimuli) // n)
    chosen = np.minimum(np.arange(k * size, (k + 1) * size), len(trials.stimuli) - 1)
    return replace(trials, stimuli=trials.stimuli[chosen], numbers=trials.numbers[chosen])


def join(trials: Trials, shares: list[Response]) -> Response:
    """The response of all trials, from those of the shares."""
    whole, n = shares[0], len(trials.stimuli)
    if len(shares) == 1:
        return whole
    rates = {name: np.concatenate([share.rates[name] for share in shares], axis=-2)[..., :n, :] for name in whole.rates}
    return replace(whole, rates=rates)


def _processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
