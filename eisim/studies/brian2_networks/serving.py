"""How a process begins with a job: in a fork, or where there is none in a new process."""

from __future__ import annotations

import os
from typing import Any

import brian2

from eisim.studies.brian2_networks import hooking
from eisim.studies.brian2_networks.compiled import CompiledSession
from eisim.studies.brian2_networks.controlling import NotHadError
from eisim.studies.brian2_networks.session import FoundEnough, Job, Session


def run_new(job: Job, sender=None, fraction: Any = None, only_finds: bool = False) -> Session:
    """A session in a process of its own, with Brian2 as if it had just been imported."""
    if job.folder:
        hooking.as_if_new(job.source.is_script)
        return CompiledSession(job, sender, fraction)
    if not isinstance(job.source.given, brian2.Network):
        hooking.as_if_new(job.source.is_script)
    if only_finds:
        brian2.prefs.codegen.target = "numpy"  # nothing runs for long
    return Session(job, sender, fraction, only_finds)


def part(job: Job, fraction: Any, only_finds: bool = False, report=None):
    """What one fraction gives, where processes cannot be forked: a new one that runs the script from its beginning."""
    session = run_new(job, None, fraction, only_finds)
    try:
        return ("outcome", session.run())
    except FoundEnough:
        return ("found", session.found)
    except NotHadError as error:
        return ("without", (session.replicate, session.fraction), str(error))
    except BaseException as error:
        return ("error", job.source.error(error))


def serve_new(job: Job, sender, fraction: Any = None, only_finds: bool = False) -> None:
    """In a forked process: run a job and send what comes of it; does not return."""
    try:
        session = run_new(job, sender, fraction, only_finds)
    except BaseException as error:
        sender.send(("error", f"{job.source.name}: {type(error).__name__}: {error}"))
        os._exit(1)
    session.serve()
