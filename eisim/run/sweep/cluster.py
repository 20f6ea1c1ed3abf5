"""A sweep on the workers of a Dask cluster that is running."""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

from eisim.base.errors import InputError
from eisim.run.sweep.local import MOST_LOST
from eisim.run.sweep.subject import Point
from eisim.run.sweep.work import Job, Outcome, attempt, differences

#: Time in which a scheduler has to answer, in s.
PATIENCE = 10
#: Dask begins to connect to what has another form, and complains at its own end.
_ADDRESS = re.compile(r"((tcp|tls|wss?|ucx)://)?[^\s/]+:\d+/?|inproc://[^\s/]+/\d+/\S+")


def on_cluster(
    job: Job, points: Sequence[Point], address: str, name: str, say: Callable[[str], None]
) -> Iterator[tuple[Point, Outcome]]:
    """Points with their outcomes, as they are finished.

    Points on a worker that is lost go to another one. At first each machine computes one point, so that its program is
    compiled once and found by its other workers.

    The name is the same for the same sweep only; `say` takes notes for the user. ``InputError`` if Dask is missing
    here, the cluster cannot be reached, or its workers have other versions.
    """
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--scheduler: expected Dask, found none; get it with pip install 'eisim[dask]'") from None
    if not _ADDRESS.fullmatch(address):
        raise InputError(
            f"--scheduler: expected a Dask scheduler at {address!r:.120}, found none (not an address: tcp://host:8786)"
        )
    for source in ("distributed", "distributed.client", "tornado.application"):
        logging.getLogger(source).setLevel(logging.CRITICAL)  # what matters is said in one line
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"--scheduler: expected a Dask scheduler at {address!r}, found none ({why:.120})") from None
    try:
        yield from _computed(client, job, points, name, say)
    except InputError:
        raise
    except Exception as error:
        raise RuntimeError(
            f"the scheduler at {address} was lost; run the same command again to resume ({error})"
        ) from error


def _computed(client, job, points, name, say):
    from distributed import KilledWorker, as_completed

    with client:
        if not client.scheduler_info()["workers"]:
            say(f"waiting for the first worker at {client.scheduler.address}")
        client.wait_for_workers(1)
        _check(client, job)
        future_of: dict = {}
        finished = as_completed([], loop=client.loop)

        def submit(point, workers):
            key = f"eisim-{name}-{'-'.join(map(str, point.index))}"
            future = client.submit(
                attempt, job, point, key=key, pure=False, workers=workers, allow_other_workers=bool(workers)
            )
            future_of[future] = point
            finished.add(future)

        waiting, lost = list(points), dict.fromkeys(points, 0)
        one_of_each = {urlsplit(worker).hostname: worker for worker in client.scheduler_info()["workers"]}
        for worker in list(one_of_each.values())[: len(waiting)]:
            submit(waiting.pop(0), [worker])
        first = len(future_of)
        for future in finished:
            point, status = future_of[future], future.status
            error = future.exception() if status == "error" else None
            if isinstance(error, KilledWorker) and lost[point] < MOST_LOST - 1:
                lost[point] += 1
                future.retry()
                finished.add(future)
                continue
            if status == "finished":
                yield point, future.result()
            elif error is None:
                raise ConnectionError(status)
            else:
                why = "workers died of it" if isinstance(error, KilledWorker) else type(error).__name__
                yield point, Outcome(failure=f"{why}: {' '.join(str(error).split())}")
            del future_of[future]
            first -= 1
            if not first:
                for other in waiting:
                    submit(other, None)


def _check(client, job):
    """The versions of all workers that are there now; those that join later are asked with each point."""
    try:
        found = client.run(differences, job.versions, job.subject.name)
    except Exception as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"--scheduler: expected workers that have eisim, found: {why:.160}") from None
    wrong = next((text for text in found.values() if text), "")
    if wrong:
        raise InputError(f"--scheduler: {wrong}")
