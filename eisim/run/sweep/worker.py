"""A process that computes points, one after the other, for a sweep on this machine.

`main` reads pickles from its parent: first the job, then points; it answers each point with
its outcome. `multiprocessing` is not used, since it would run the user's script again.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

from eisim.base import processes
from eisim.run.sweep.subject import Point
from eisim.run.sweep.work import Job, Outcome, attempt


class LostError(Exception):
    """The process came to its end before it answered."""


class Worker:
    """The process, seen from its parent."""

    def __init__(self, job: Job):
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        self.process = processes.start(
            [sys.executable, "-P", "-c", "from eisim.run.sweep.worker import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": path},
        )
        with suppress(LostError):  # said when it is asked for a point
            self._send(job)

    def attempt(self, point: Point) -> Outcome:
        """Compute a point; `LostError` if the process dies."""
        self._send(point)
        try:
            return pickle.load(self.process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError, ValueError) as error:
            raise LostError(self._end()) from error

    def _send(self, value):
        try:
            pickle.dump(value, self.process.stdin, pickle.HIGHEST_PROTOCOL)
            self.process.stdin.flush()
        except (OSError, ValueError) as error:  # a broken pipe, or one that `stop` closed
            raise LostError(self._end()) from error

    def _end(self) -> str:
        """How the process ended, as text."""
        try:
            status = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "no answer"
        return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"

    def ask_to_stop(self) -> None:
        """Make the process clean up and end, even in the middle of a point."""
        self.process.terminate()

    def close(self) -> None:
        """Signal that there are no more points."""
        with suppress(OSError):
            self.process.stdin.close()

    def stop(self) -> None:
        """Send no more points and wait for the process to end; kill it after 5 s."""
        self.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def main() -> None:
    """Compute what the parent sends, until it closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    signal.signal(signal.SIGTERM, _end_in_silence)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # anything that a model prints
    questions = sys.stdin.buffer
    try:
        job = pickle.load(questions)
        while True:
            outcome = attempt(job, pickle.load(questions))
            pickle.dump(outcome, answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()
    except (EOFError, BrokenPipeError):  # the parent is done, or gone
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _end_in_silence(*_) -> None:
    """Exit immediately, interrupting any work; temporary folders are removed first."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    sys.exit(0)


def _end_with(parent: int) -> None:
    """End soon after the parent, however it ended, in the middle of a point as well."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
