"""Large batches are shared out over processors, since what happens in one trial does not depend on any other."""

from dataclasses import replace

import numpy as np

from eisim.base import processes
from eisim.base.timing import Timing
from eisim.simulation.layout import Trials
from eisim.simulation.response import Recording, Response, Spikes

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
    request = trials.request and replace(trials.request, trials=_recorded(trials.request.trials, k, chosen))
    initial = trials.initial and {
        name: {v: values[:, chosen] for v, values in each.items()} for name, each in trials.initial.items()
    }
    stimuli, numbers = trials.stimuli[chosen], trials.numbers[chosen]
    return replace(trials, stimuli=stimuli, numbers=numbers, request=request, initial=initial)


def _recorded(wanted, k, chosen):
    """Those of the wanted trials that are in the k-th share, which has the chosen ones.

    All shares record equally many, so that one program serves them: the first of a share is repeated.
    """
    shares = wanted // len(chosen)
    mine = wanted[shares == k]
    return np.concatenate([mine, np.full(np.bincount(shares).max() - len(mine), chosen[0])])


def join(trials: Trials, shares: list[Response]) -> Response:
    """The response of all trials of a circuit, from those of the shares that have any."""
    whole, n = shares[0], len(trials.stimuli)
    if len(shares) == 1:
        return whole

    def along(axis, name, kind):
        return joined([getattr(share, kind)[name] for share in shares], axis)

    def joined(parts, axis):
        return np.take(np.concatenate(parts, axis=axis), np.arange(n), axis=axis)

    stored = [share.traces.stored for share in shares]
    traces = {
        name: _join_recordings([share[name] for share in stored], trials.request.trials)
        if trials.request
        else along(-3, name, "traces")
        for name in whole.traces
    }
    return replace(
        whole,
        rates={name: along(-2, name, "rates") for name in whole.rates},
        traces=traces,
        spikes={name: _join_spikes([share.spikes[name] for share in shares], n) for name in whole.spikes},
        loop_time=max(share.loop_time for share in shares),
        state={
            name: {v: joined([share.state.stored[name][v] for share in shares], -2) for v in each}
            for name, each in whole.state.stored.items()
        },
        weights={name: joined([share.weights.stored[name] for share in shares], -2) for name in whole.weights.stored},
    )


def _join_recordings(shares: list[Recording], wanted: np.ndarray) -> Recording:
    """The recording of the wanted trials, of which some shares have several copies."""
    numbers = [share.trials.tolist() for share in shares]
    found = [next((k, each.index(n)) for k, each in enumerate(numbers) if n in each) for n in wanted.tolist()]
    values = {
        name: np.stack([shares[k].values[name][:, place] for k, place in found], axis=1) for name in shares[0].values
    }
    return replace(shares[0], values=values, trials=wanted)


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
