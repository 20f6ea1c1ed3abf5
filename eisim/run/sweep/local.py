"""A sweep on the processors of this machine: a process for each, which computes a point at a time."""

import queue
import threading
from collections.abc import Iterator, Sequence

from eisim.run.sweep.subject import Point
from eisim.run.sweep.work import Job, Outcome
from eisim.run.sweep.worker import LostError, Worker

#: A point is given up when so many processes died of it.
MOST_LOST = 3


def on_processes(job: Job, points: Sequence[Point], workers: int) -> Iterator[tuple[Point, Outcome]]:
    """Points with their outcomes, as they are finished.

    The first point is computed alone, so that its program is compiled once and found by all others. A process that dies
    is replaced, and its point tried again.

    Parameters
    ----------
    job : Job
    points : sequence of Point
    workers : int
        Processes, at most.
    """
    crew = _Crew(job, points)
    threads = [threading.Thread(target=crew.work, args=(k,), daemon=True) for k in range(min(workers, len(points)))]
    try:
        for thread in threads:
            thread.start()
        for _ in points:
            point, outcome = crew.done.get()
            if point is None:
                raise outcome
            yield point, outcome
    except BaseException:
        crew.stop()
        raise
    finally:
        for thread in threads:
            thread.join()


class _Crew:
    """The processes, each served by a thread, which waits where it does."""

    def __init__(self, job: Job, points: Sequence[Point]):
        self.job = job
        self.waiting, self.done = queue.SimpleQueue(), queue.SimpleQueue()
        for point in points:
            self.waiting.put(point)
        self.first = threading.Event()
        self.lock, self.stopped, self.workers = threading.Lock(), False, set()

    def work(self, number: int) -> None:
        """Have points computed until there are no more."""
        worker = None
        try:
            worker = self._begin()
            if number:
                self.first.wait()
            while not self.stopped:
                try:
                    point = self.waiting.get_nowait()
                except queue.Empty:
                    break
                for lost in range(1, MOST_LOST + 1):
                    try:
                        outcome = worker.attempt(point)
                        break
                    except LostError as error:
                        if self.stopped:
                            return
                        self._end(worker)
                        worker = self._begin()
                        outcome = Outcome(failure=f"the process died of it {lost} times, the last one with {error}")
                self.done.put((point, outcome))
                self.first.set()
        except BaseException as error:
            self.done.put((None, error))
        finally:
            if worker is not None:
                self._end(worker)

    def stop(self) -> None:
        """Let all processes end."""
        with self.lock:
            self.stopped = True
            for worker in self.workers:
                worker.ask_to_stop()
        self.first.set()

    def _begin(self) -> Worker:
        with self.lock:
            worker = Worker(self.job)
            self.workers.add(worker)
            if self.stopped:
                worker.ask_to_stop()
            return worker

    def _end(self, worker: Worker) -> None:
        worker.stop()
        with self.lock:
            self.workers.discard(worker)
