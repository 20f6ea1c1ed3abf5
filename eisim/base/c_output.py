"""What C libraries print goes to standard error, so that standard output has nothing but what eisim prints."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock

_lock = Lock()
#: Blocks that are being run, in all threads, and a copy of the descriptor of standard output while there are some.
_running, _kept = 0, -1


@contextmanager
def on_stderr() -> Iterator[None]:
    """While this runs, what is written to the descriptor of standard output goes to that of standard error."""
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter():
    global _running, _kept
    with _lock:
        _running += 1
        if _running == 1:
            with suppress(OSError, ValueError, AttributeError):  # a stream that is closed, or none
                sys.stdout.flush()
            with suppress(OSError):  # without one of them there is nothing to turn round
                _kept = os.dup(1)
                os.dup2(2, 1)


def _leave():
    global _running, _kept
    with _lock:
        _running -= 1
        if _running == 0 and _kept >= 0:
            with suppress(OSError, AttributeError, TypeError):  # a system whose C library has no such name
                ctypes.CDLL(None).fflush(None)
            os.dup2(_kept, 1)
            os.close(_kept)
            _kept = -1
