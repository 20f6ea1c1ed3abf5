"""Ctrl-C: remembered, since on its way through other people's code it may turn into another error."""

import os
import signal
import sys
import threading
from contextlib import suppress

#: After this time an interrupt that Python could not raise is raised again, in s.
_AGAIN = 0.02

_wanted = threading.Event()


def remember() -> None:
    """Remember interrupts of this process from now on, and raise those again that arrive during Python's clean-up."""
    sys.unraisablehook = _interrupt_again
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
        if hasattr(signal, "SIGALRM"):
            signal.signal(signal.SIGALRM, _interrupt)
    elif before is signal.SIG_IGN:
        signal.signal = _others_only  # a shell's script has it ignored, and nobody is to change that, as Brian2 would


def ignore() -> None:
    """Ignore interrupts from now on: all is done, and one would end in the interpreter's own words.

    CPython ends by the signal, not with the status it was given, once an interrupt has passed through `exec` of
    a string (imports of NumPy and dataclasses have many), even where it was caught. The next such `exec` forgets it.
    """
    exec("")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, signal.SIG_IGN)


def is_wanted() -> bool:
    """Whether the user has interrupted this process, so that an error may be due to that."""
    return _wanted.is_set()


_signal = signal.signal


def _others_only(number, handler):
    """Install the handler of any signal but that of Ctrl-C."""
    return signal.getsignal(number) if number == signal.SIGINT else _signal(number, handler)


def _interrupt(*_):
    _wanted.set()
    raise KeyboardInterrupt


def _interrupt_again(unraisable) -> None:
    """Deliver again an interrupt that arrived during Python's clean-up, where it would be printed and ignored."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
    elif signal.getsignal(getattr(signal, "SIGALRM", signal.SIGINT)) is _interrupt and hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, _AGAIN)  # no thread, which could still run as Python ends
    else:
        later = threading.Timer(_AGAIN, os.kill, (os.getpid(), signal.SIGINT))
        later.daemon = True
        with suppress(RuntimeError):  # Python is at its end
            later.start()
