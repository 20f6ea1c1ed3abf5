"""Processes of limited time and memory that read one hostile input after another."""

import os
import shutil
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import connection, get_context
from pathlib import Path

#: For one input: time in s (what takes longer hangs), and address space of its process in bytes.
SECONDS, MEMORY = 60.0, 6 * 2**30


@dataclass(frozen=True)
class Outcome:
    """What became of one input.

    Attributes
    ----------
    kind : str
    number : int
    said : str
        ``"taken"``, the line of the refusal, or what went wrong.
    seconds : float
    failed : bool
        Whether it was neither taken nor refused in one line.
    """

    kind: str
    number: int
    said: str
    seconds: float
    failed: bool


def _work(pipe, seed, folder):
    """Read inputs as they come, and say what became of each."""
    import resource
    import time

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["NO_COLOR"] = "1"
    from tests.fuzz import kinds

    kinds.warm_up()
    warnings.simplefilter("ignore")
    warnings.filterwarnings("error", category=RuntimeWarning, module="eisim")
    pipe.send(None)
    while (task := pipe.recv()) is not None:
        begun = time.perf_counter()
        try:
            said, failed = kinds.enter(*task[:1], seed, task[1], folder), False
        except BaseException:
            said, failed = traceback.format_exc()[-2500:], True
        pipe.send((said, time.perf_counter() - begun, failed))


class _Worker:
    """One process, which is begun again where it hangs or dies."""

    def __init__(self, seed):
        self.seed, self.folder = seed, Path(tempfile.mkdtemp(prefix="eisim-fuzz-"))
        self.task = None
        self._begin()

    def _begin(self):
        context = get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other, self.seed, self.folder / "input"), daemon=True)
        self.process.start()
        other.close()
        self.pipe.recv()

    def give(self, task):
        self.task = task
        self.pipe.send(task)

    def outcome(self, late: bool) -> Outcome:
        """Of the input that it was given."""
        try:
            said, seconds, failed = ("it hangs", SECONDS, True) if late else self.pipe.recv()
        except EOFError:
            self.process.join()
            said, seconds, failed = f"the process died ({self.process.exitcode})", 0.0, True
            late = True
        if late:
            self.process.kill()
            self.process.join()
            self._begin()
        return Outcome(*self.task, said, seconds, failed)

    def end(self):
        self.process.kill()
        self.process.join()
        shutil.rmtree(self.folder, ignore_errors=True)


def outcomes(tasks: list[tuple[str, int]], seed: int, n_workers: int = 2) -> Iterator[Outcome]:
    """What becomes of inputs, each a kind and a number."""
    import time

    workers = [_Worker(seed) for _ in range(min(n_workers, len(tasks)))]
    try:
        left, given = list(reversed(tasks)), {}
        for worker in workers:
            worker.give(left.pop())
            given[worker] = time.monotonic()
        while given:
            connection.wait([worker.pipe for worker in given], timeout=1.0)
            for worker, since in list(given.items()):
                late = not worker.pipe.poll()
                if late and time.monotonic() - since < SECONDS:
                    continue
                yield worker.outcome(late)
                del given[worker]
                if left:
                    worker.give(left.pop())
                    given[worker] = time.monotonic()
    finally:
        for worker in workers:
            worker.end()


def tasks(n_inputs: int, only: list[str], first: int = 0) -> list[tuple[str, int]]:
    """So many inputs of these kinds, by their shares; of each kind numbered from `first`."""
    from tests.fuzz.kinds import KINDS

    total = sum(KINDS[kind][1] for kind in only)
    return [(kind, first + k) for kind in only for k in range(round(n_inputs * KINDS[kind][1] / total))]
