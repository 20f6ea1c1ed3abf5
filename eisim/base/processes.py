"""Other programs: Ctrl-C in the terminal goes to this process alone, which ends them.

Were it to reach them, too, their end could be taken for a failure before this process knows of the interrupt.
"""

import os
import subprocess
import sys
from functools import partial

if sys.platform == "win32":
    _APART = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
else:
    _APART = {"process_group": 0}

start = partial(subprocess.Popen, **_APART)
run = partial(subprocess.run, **_APART)

_most: int | None = None


def processors() -> int:
    """Processors that this process may use: fewer where others that do the same work use the rest."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return found if _most is None else min(found, _most)


def use_at_most(number: int) -> None:
    """Use so many processors from now on."""
    global _most
    _most = number
