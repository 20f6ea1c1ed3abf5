"""``python -m eisim``."""

import sys


def main(*first: str) -> None:
    """Run the command line; words given here come before those of the process."""
    try:
        from eisim.cli import run_command

        status = run_command([*first, *sys.argv[1:]])
    except KeyboardInterrupt:
        print("eisim: interrupted; nothing half-written is left", file=sys.stderr)
        status = 130
    sys.exit(status)


if __name__ == "__main__":
    main()
