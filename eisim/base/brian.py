"""Brian2 as many threads may use it: one at a time, and imported by whichever comes first.

Brian2 has one active device, one set of preferences and one list of object names for the whole process. Nothing here
needs Brian2.
"""

import logging
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module

#: What Brian2 and its parser say of each other's future is nothing that a user of eisim can change.
_DEPRECATED = ("ignore", None, DeprecationWarning, re.compile(r"brian2|pyparsing|distutils"), 0)
#: Held by the thread that imports Brian2 or changes its state.
_LOCK = threading.RLock()


def _free_in_child() -> None:
    """A process that is forked while another thread holds the lock has no such thread."""
    global _LOCK
    _LOCK = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_in_child)


@contextmanager
def brian2_alone() -> Iterator[None]:
    """Import Brian2 where that has not been done, and keep all other threads of eisim from it for a while."""
    with _LOCK:
        if warnings.filters[:1] != [_DEPRECATED]:
            warnings.filterwarnings(_DEPRECATED[0], category=_DEPRECATED[2], module=_DEPRECATED[3].pattern)
        if "brian2" not in sys.modules:
            with _handlers_left_alone():
                _import()
        leave_interrupts_ignored()
        yield


def _import():
    """Without the log file and the copy of the user's script that Brian2 keeps, and leaves where it is killed.

    They help with errors of scripts for Brian2; who imports Brian2 keeps them.
    """
    warnings.filterwarnings("ignore", message="Could not (create log|copy script) file", category=UserWarning)
    said, logging.raiseExceptions = logging.raiseExceptions, False  # as it writes to a disk that is full
    try:
        logger = import_module("brian2").BrianLogger
        handler, logger.file_handler = logger.file_handler, None
        if handler is not None:
            logging.getLogger("brian2").removeHandler(handler)
            with suppress(OSError):
                handler.close()
        files, logger.tmp_log, logger.tmp_script = (logger.tmp_log, logger.tmp_script), None, None
        for file in filter(None, files):
            with suppress(OSError):
                os.unlink(file)
    finally:
        logging.raiseExceptions = said


def leave_interrupts_ignored() -> None:
    """Ignore Ctrl-C where a shell has it ignored and others have imported Brian2, whose handler would call no function.

    That is an error of Brian2, which would end what goes on.
    """
    before = getattr(signal.getsignal(signal.SIGINT), "previous_handler", None)
    if before in (signal.SIG_IGN, signal.SIG_DFL) and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, before)


@contextmanager
def _handlers_left_alone() -> Iterator[None]:
    """Brian2 installs a handler of Ctrl-C as it is imported, which only the main thread can: others skip that.

    It hands on to the handler that was there, so it is skipped, too, where that is none of Python's: a shell's script
    lets a program in the background ignore Ctrl-C.
    """
    if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
        yield
        return
    original, mine = signal.signal, threading.get_ident()

    def install(number, handler):
        return signal.getsignal(number) if threading.get_ident() == mine else original(number, handler)

    signal.signal = install
    try:
        yield
    finally:
        signal.signal = original
