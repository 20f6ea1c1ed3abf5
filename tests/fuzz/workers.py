"""Processes of limited time and memory that read one hostile input after another."""

import os
import random
import shutil
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import connection, get_context
from pathlib import Path

#: For one input: processor time in s (what takes longer hangs, and what waits ten times as long), and address space of
#: its process in bytes.
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
        Of processor time.
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

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["NO_COLOR"] = "1"
    from tests.fuzz import kinds

    kinds.warm_up()
    warnings.simplefilter("ignore")
    warnings.filterwarnings("error", category=RuntimeWarning, module="eisim")
    pipe.send(None)
    while (task := pipe.recv()) is not None:
        begun = time.process_time()
        try:
            said, failed = kinds.enter(*task[:1], seed, task[1], folder), False
        except BaseException:
            said, failed = traceback.format_exc()[-2500:], True
        pipe.send((said, time.process_time() - begun, failed))


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
        self.task, self.given, self.used = task, time.monotonic(), self._processor_time()
        self.pipe.send(task)

    def _processor_time(self) -> float:
        """Of the process so far, in s."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")

    @property
    def is_late(self) -> bool:
        """Whether its input takes too long."""
        waits = time.monotonic() - self.given > 10 * SECONDS
        return waits or (self.process.is_alive() and self._processor_time() - self.used > SECONDS)

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
    workers = [_Worker(seed) for _ in range(min(n_workers, len(tasks)))]
    try:
        left, busy = list(reversed(tasks)), []
        for worker in workers:
            worker.give(left.pop())
            busy.append(worker)
        while busy:
            connection.wait([worker.pipe for worker in busy], timeout=1.0)
            for worker in list(busy):
                late = not worker.pipe.poll()
                if late and not worker.is_late:
                    continue
                yield worker.outcome(late)
                if left:
                    worker.give(left.pop())
                else:
                    busy.remove(worker)
    finally:
        for worker in workers:
            worker.end()


def tasks(n_inputs: int, only: list[str], first: int = 0) -> list[tuple[str, int]]:
    """So many inputs of these kinds, by their shares, mixed; of each kind numbered from `first`."""
    from tests.fuzz.kinds import KINDS

    total = sum(KINDS[kind][1] for kind in only)
    made = [(kind, first + k) for kind in only for k in range(round(n_inputs * KINDS[kind][1] / total))]
    random.Random(0).shuffle(made)
    return made
