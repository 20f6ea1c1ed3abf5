"""A sweep on the processors of this machine: a process for each, which computes a point at a time."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from eisim.run.sweep.subject import Point
from eisim.run.sweep.work import Job, Outcome
from eisim.run.sweep.worker import LostError, Worker

#: A point is abandoned after this many processes have died of it.
MOST_LOST = 3


def on_processes(job: Job, points: Sequence[Point], workers: int) -> Iterator[tuple[Point, Outcome]]:
    """Points with their outcomes, as they are finished.

    The first point is computed alone, so that its program is compiled once and found by all others. A process that dies
    is replaced, and its point tried again; pools such as loky's give up every point when a process dies.
    """
    if not points:
        return
    crew, threads = _Crew(job), ThreadPoolExecutor(min(workers, len(points)))
    try:
        for _ in range(min(workers, len(points))):  # all at once: they import while the first one computes
            crew.idle.put(threads.submit(crew.begin).result)
        yield points[0], threads.submit(crew.attempt, points[0]).result()
        point_of = {threads.submit(crew.attempt, point): point for point in points[1:]}
        for future in as_completed(point_of):
            yield point_of[future], future.result()
    except BaseException:
        crew.stop()
        raise
    finally:
        threads.shutdown(cancel_futures=True)
        crew.end()


class _Crew:
    """The processes, each waited for by the thread that has a point computed."""

    def __init__(self, job: Job):
        self.job, self.lock, self.stopped = job, threading.Lock(), False
        self.workers: set[Worker] = set()
        self.idle: queue.SimpleQueue[Callable[[], Worker]] = queue.SimpleQueue()

    def begin(self) -> Worker:
        """Start a process."""
        with self.lock:
            worker = Worker(self.job)
            self.workers.add(worker)
            if self.stopped:
                worker.ask_to_stop()
            return worker

    def attempt(self, point: Point) -> Outcome:
        """Compute a point in an idle process."""
        worker = self.idle.get()()
        try:
            for lost in range(1, MOST_LOST + 1):
                try:
                    return worker.attempt(point)
                except LostError as error:
                    if self.stopped:
                        raise
                    failure = f"the process died of it {lost} times, the last one with {error}"
                    worker.stop()
                    with self.lock:
                        self.workers.discard(worker)
                    worker = self.begin()
            return Outcome(failure=failure)
        finally:
            self.idle.put(lambda: worker)

    def stop(self) -> None:
        """End all processes, even in the middle of a point."""
        with self.lock:
            self.stopped = True
            for worker in self.workers:
                worker.ask_to_stop()

    def end(self) -> None:
        """Wait for the end of all processes, which get no more points."""
        for worker in self.workers:
            worker.close()
        for worker in self.workers:
            worker.stop()
