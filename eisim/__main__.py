"""``python -m eisim``."""

import sys


def main(*first: str) -> None:
    """Run the command line; words given here come before those of the process."""
    from eisim.cli import run_command

    sys.exit(run_command([*first, *sys.argv[1:]]))


if __name__ == "__main__":
    main()
