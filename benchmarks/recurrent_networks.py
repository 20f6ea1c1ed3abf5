"""Train the recurrent networks that come with eisim: ``python benchmarks/recurrent_networks.py``, some minutes.

It needs the extra ``eisim[torch]``. For each task there are networks of free weights, under Dale's law and
excitatory-only, three of each, which differ by the seed of their training.
"""

import sys
from pathlib import Path

from eisim import RECURRENT_TASKS, save, train_recurrent
from eisim.analysis.recurrent_network import SIGNS

FOLDER = Path(__file__).parents[1] / "eisim" / "studies" / "rnn_networks"
TASKS = ("perceptual_decision", "roving_decision", "delayed_match")
UNITS, SEEDS, ITERATIONS = 30, range(3), 400


def train_all(name: str) -> None:
    """Train and save all networks of a task, and print their scores on trials that training did not see."""
    found = []
    for signs in SIGNS:
        for seed in SEEDS:
            found.append(train_recurrent(name, UNITS, signs, iterations=ITERATIONS, seed=seed))
            print(f"{name}, {signs}, seed {seed}: {found[-1].score(RECURRENT_TASKS[name]):.3f}", flush=True)
    FOLDER.mkdir(exist_ok=True)
    save(found, FOLDER / f"{name}.eisim")


if __name__ == "__main__":
    for name in sys.argv[1:] or TASKS:
        train_all(name)
