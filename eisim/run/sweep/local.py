"""A sweep on the processors of this machine: a process for each, which computes a point at a time."""

from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from functools import partial

from eisim.base.workers import Crew, LostError
from eisim.run.sweep.function import watch
from eisim.run.sweep.subject import Point
from eisim.run.sweep.work import Job, Outcome, attempt

#: A point is abandoned after this many processes have died of it.
MOST_LOST = 3


def on_processes(job: Job, points: Sequence[Point], workers: int) -> Iterator[tuple[Point, Outcome]]:
    """Points with their outcomes, as they are finished.

    The first point is computed alone, so that its program is compiled once and found by all others. What only this
    process has is computed in it.
    """
    if not points:
        return
    if job.subject.is_bound:
        for point in points:
            yield point, attempt(job, point)
        return
    with Crew(min(workers, len(points)), MOST_LOST) as crew:
        yield points[0], _outcome(crew.begin(partial(_apart, job, points[0])))
        point_of = {crew.begin(partial(_apart, job, point)): point for point in points[1:]}
        for future in as_completed(point_of):
            yield point_of[future], _outcome(future)


def _apart(job, point, report):
    if job.subject.build is not None:
        watch(job.subject.build)
    return attempt(job, point, report)


def _outcome(future) -> Outcome:
    try:
        return future.result()
    except LostError as error:
        return Outcome(failure=f"the process died of it {MOST_LOST} times, the last one with {error}")
