"""Large batches are shared out over processors, since what happens in one trial does not depend on any other."""

from dataclasses import replace

import numpy as np

from eisim.base import processes
from eisim.base.timing import Timing
from eisim.simulation.layout import Trials
from eisim.simulation.response import Response, Spikes

#: Steps of neurons that make it worth to start another process.
WORTHWHILE = 50_000_000


def share_out(batch: list[Trials], timing: Timing) -> list[dict[int, Trials]]:
    """The batch in about equal parts, each with the places in the batch of what it has.

    Each part has some trials of every circuit, so that one program serves them all; where the trials do not come out
    even, the last is repeated. Where there are too few trials, each part has some of the circuits.
    """
    work = timing.steps * sum(t.copies * t.neurons for t in batch)
    n, trials = min(processes.processors(), work // WORTHWHILE), min(len(t.stimuli) for t in batch)
    if 2 <= n <= trials:
        return [{i: _share(t, k, n) for i, t in enumerate(batch)} for k in range(n)]
    n = min(n, len(batch))
    if n >= 2:
        return [{i: batch[i] for i in range(k, len(batch), n)} for k in range(n)]
    return [dict(enumerate(batch))]


def _share(trials, k, n):
    size = -(-len(trials.stimuli) // n)
    chosen = np.minimum(np.arange(k * size, (k + 1) * size), len(trials.stimuli) - 1)
    return replace(trials, stimuli=trials.stimuli[chosen], numbers=trials.numbers[chosen])


def join(trials: Trials, shares: list[Response]) -> Response:
    """The response of all trials of a circuit, from those of the shares that have any."""
    whole, n = shares[0], len(trials.stimuli)
    if len(shares) == 1:
        return whole

    def along(axis, name, kind):
        values = np.concatenate([getattr(share, kind)[name] for share in shares], axis=axis)
        return np.take(values, np.arange(n), axis=axis)

    return replace(
        whole,
        rates={name: along(-2, name, "rates") for name in whole.rates},
        traces={name: along(-3, name, "traces") for name in whole.traces},
        spikes={name: _join_spikes([share.spikes[name] for share in shares], n) for name in whole.spikes},
        loop_time=max(share.loop_time for share in shares),
    )


def _join_spikes(shares: list[Spikes], n: int) -> Spikes:
    """Spikes of all n trials, in order of time, then of copies and neurons, as in one batch."""
    size, found = -(-n // len(shares)), []
    for k, spikes in enumerate(shares):
        seed, trial = np.divmod(spikes.copy, size)
        trial = trial + k * size
        mine = trial < n
        found.append((seed[mine] * n + trial[mine], spikes.neuron[mine], spikes.step[mine]))
    copy, neuron, step = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((neuron, copy, step))
    return Spikes(copy[order], neuron[order], step[order])
