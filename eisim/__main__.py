"""``python -m eisim``."""

import os
import signal
import sys
import threading
from contextlib import suppress


def main(*first: str) -> None:
    """Run the command line; words given here come before those of the process."""
    sys.argv[1:1] = first  # the command that results are said to be of
    sys.unraisablehook = interrupt_again
    try:
        from eisim.cli.commands import run_command

        status = run_command(sys.argv[1:])
    except KeyboardInterrupt:
        print("eisim: interrupted; no partial files written", file=sys.stderr)
        status = 130
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: an interrupt would end in the interpreter's own words
    sys.exit(status)


def interrupt_again(unraisable) -> None:
    """Deliver again an interrupt that arrived during Python's clean-up, where it would be printed and ignored."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return
    later = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT))
    later.daemon = True
    with suppress(RuntimeError):  # Python is at its end
        later.start()


def _put_this_folder_last() -> None:
    """Keep ``python -m`` from importing packages from the current folder, as with the script ``eisim``."""
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # of eisim itself, which may be this folder
    if not sys.flags.safe_path and os.path.realpath(sys.path[0]) != os.path.realpath(home):
        sys.path.append(sys.path.pop(0))


if __name__ == "__main__":
    _put_this_folder_last()
    main()
