"""``python -m eisim``."""

import os
import sys

from eisim.base import interrupts


def main(*first: str) -> None:
    """Run the command line; words given here come before those of the process."""
    sys.argv[1:1] = first  # the command that results are said to be of
    try:
        interrupts.remember()
        from eisim.cli.commands import run_command

        status = run_command(sys.argv[1:])
    except KeyboardInterrupt:
        print("eisim: interrupted; no partial files written", file=sys.stderr)
        status = 130
    interrupts.ignore()
    sys.exit(status)


def _put_this_folder_last() -> None:
    """Keep ``python -m`` from importing packages from the current folder, as with the script ``eisim``."""
    home = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # of eisim itself, which may be this folder
    if not sys.flags.safe_path and os.path.realpath(sys.path[0]) != os.path.realpath(home):
        sys.path.append(sys.path.pop(0))


if __name__ == "__main__":
    _put_this_folder_last()
    main()
