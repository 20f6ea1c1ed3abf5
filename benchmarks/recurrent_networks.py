"""Train the recurrent networks that come with eisim: ``python benchmarks/recurrent_networks.py``, some minutes.

It needs the extra ``eisim[torch]``. For each task there are networks of free weights, under Dale's law and
excitatory-only, three of each, which differ by the seed of their training; and one without inhibition that was made by
hand, where training fails to find one.
"""

import sys
from pathlib import Path

from eisim import RECURRENT_TASKS, RecurrentNetwork, save, train_recurrent
from eisim.analysis.recurrent_network import SIGNS

FOLDER = Path(__file__).parents[1] / "eisim" / "studies" / "rnn_networks"
UNITS, SEEDS, ITERATIONS = 30, range(3), 400
#: Tasks that networks without inhibition learn late: these are trained twice as long.
LATE = ("context_integration", "angle_memory")

#: Two units accumulate A and B, and two respond where one of them was shown twice.
BY_HAND = {
    "delayed_match": RecurrentNetwork(
        W_in=[[1, 0], [0, 1], [0, 0], [0, 0]],
        W_rec=[[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0]],
        b=[0, 0, -3.4, -3.4],
        W_out=[[0, 0, 2, 2]],
        signs="excitatory",
        task="delayed_match",
    )
}


def train_all(name: str) -> None:
    """Train and save all networks of a task, and print their scores on trials that training did not see."""
    found = []
    for signs in SIGNS:
        iterations = 2 * ITERATIONS if signs == "excitatory" and name in LATE else ITERATIONS
        for seed in SEEDS:
            found.append(train_recurrent(name, UNITS, signs, iterations=iterations, seed=seed))
            print(f"{name}, {signs}, seed {seed}: {found[-1].score(RECURRENT_TASKS[name]):.3f}", flush=True)
    FOLDER.mkdir(exist_ok=True)
    found += [BY_HAND[name]] if name in BY_HAND else []
    save(found, FOLDER / f"{name}.eisim")


if __name__ == "__main__":
    for name in sys.argv[1:] or RECURRENT_TASKS:
        train_all(name)
