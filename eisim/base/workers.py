"""Other processes of this machine that compute parts of the work, each one part at a time.

A part is a callable that can be pickled and takes `report`; its value can be pickled, too. `multiprocessing` is not
used, since it would run the user's script again.
"""

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from eisim.base import processes
from eisim.base.progress import Report, silent


class LostError(Exception):
    """A process came to its end before it answered."""


class Worker:
    """A process that computes parts, on so many processors, seen from its parent."""

    def __init__(self, processors: int = 1):
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        self.process = processes.start(
            [sys.executable, "-P", "-c", f"from eisim.base.workers import main; main({processors})"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": path},
        )

    def compute(self, part: Callable, report: Report) -> Any:
        """Compute a part, passing on its progress; `LostError` if the process dies."""
        try:
            pickle.dump(part, self.process.stdin, pickle.HIGHEST_PROTOCOL)
            self.process.stdin.flush()
        except (OSError, ValueError) as error:  # a broken pipe, or one that `stop` closed
            raise LostError(self._end()) from error
        while True:
            try:
                is_value, said = pickle.load(self.process.stdout)
            except (EOFError, OSError, pickle.UnpicklingError, ValueError) as error:
                raise LostError(self._end()) from error
            if is_value:
                return said
            report(*said)

    def _end(self) -> str:
        """How the process ended, as text."""
        try:
            status = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "no answer"
        return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"

    def ask_to_stop(self) -> None:
        """Make the process clean up and end, even in the middle of a part."""
        self.process.terminate()

    def close(self) -> None:
        """Signal that there are no more parts."""
        with suppress(OSError):
            self.process.stdin.close()

    def stop(self) -> None:
        """Send no more parts and wait for the process to end; kill it after 5 s."""
        self.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Crew:
    """Some processes, each waited for by the thread that has a part computed; left, they end.

    A process that dies is replaced, and its part tried again; pools such as loky's give up every part when a process
    dies. After a part has failed so often, it fails with the last `LostError`.
    """

    def __init__(self, size: int, tries: int = 1):
        self.tries, self.lock, self.stopped = tries, threading.Lock(), False
        self.processors = max(1, processes.processors() // size)
        self.workers: set[Worker] = set()
        self.idle: queue.SimpleQueue[Callable[[], Worker]] = queue.SimpleQueue()
        self.threads = ThreadPoolExecutor(size)
        for _ in range(size):  # all at once: they import while the first one computes
            self.idle.put(self.threads.submit(self._begin).result)

    def __enter__(self) -> "Crew":
        return self

    def begin(self, part: Callable, report: Report = silent) -> Future:
        """Begin to compute a part as soon as a process is idle; `report` is called in another thread."""
        return self.threads.submit(self._compute, part, report)

    def _begin(self) -> Worker:
        with self.lock:
            worker = Worker(self.processors)
            self.workers.add(worker)
            if self.stopped:
                worker.ask_to_stop()
            return worker

    def _compute(self, part, report):
        worker = self.idle.get()()
        try:
            for left in reversed(range(self.tries)):
                try:
                    return worker.compute(part, report)
                except LostError:
                    if self.stopped:
                        raise
                    worker.stop()
                    with self.lock:
                        self.workers.discard(worker)
                    worker = self._begin()
                    if not left:
                        raise
        finally:
            self.idle.put(lambda: worker)

    def __exit__(self, kind, *_) -> None:
        """Wait for the end of all processes, which get no more parts; after an error in the middle of a part."""
        if kind is not None:
            with self.lock:
                self.stopped = True
                for worker in self.workers:
                    worker.ask_to_stop()
        self.threads.shutdown(cancel_futures=True)
        for worker in self.workers:
            worker.close()
        for worker in self.workers:
            worker.stop()


def main(processors: int) -> None:
    """Compute what the parent sends, until it closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    signal.signal(signal.SIGTERM, _end_in_silence)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    processes.use_at_most(processors)
    answers, lock = os.fdopen(os.dup(sys.stdout.fileno()), "wb"), threading.Lock()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # anything that a model prints
    questions = sys.stdin.buffer

    def answer(is_value, said):
        with lock:
            pickle.dump((is_value, said), answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()

    try:
        while True:
            part = pickle.load(questions)
            answer(True, part(report=lambda stage, fraction=None: answer(False, (stage, fraction))))
    except (EOFError, BrokenPipeError):  # the parent is done, or gone
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _end_in_silence(*_) -> None:
    """Exit immediately, interrupting any work; temporary folders are removed first."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    sys.exit(0)


def _end_with(parent: int) -> None:
    """End soon after the parent, however it ended, in the middle of a part as well."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
