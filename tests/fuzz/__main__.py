"""``python -m tests.fuzz``: mutate files, read them, and count what is taken, refused in one line, and neither."""

import argparse
import signal
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests.fuzz.kinds import KINDS, enter
from tests.fuzz.workers import outcomes, tasks


def _until_interrupted(found):
    """What is found until Ctrl-C or SIGTERM: its counts are told as well."""
    with suppress(KeyboardInterrupt):
        yield from found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS), metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--first", type=int, default=0, help="number of the first input of each kind")
    parser.add_argument("--number", type=int, help="read this one input in this process, and leave it in --folder")
    parser.add_argument("--folder", type=Path, default=Path("fuzz-input"))
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    if given.number is not None:
        print(enter(given.only[0], given.seed, given.number, given.folder))
        return 0
    counts, slowest, failures, lines = Counter(), {}, 0, Counter()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for each in _until_interrupted(outcomes(tasks(given.inputs, given.only, given.first), given.seed, given.workers)):
        what = "failed" if each.failed else "taken" if each.said == "taken" else "refused"
        counts[each.kind, what] += 1
        if each.seconds >= slowest.get(each.kind, (0.0, 0))[0]:
            slowest[each.kind] = each.seconds, each.number
        if each.failed:
            failures += 1
            reason = each.said.strip().splitlines()[-1][:100]
            lines[reason] += 1
            if lines[reason] <= 2:
                print(f"--only {each.kind} --seed {given.seed} --number {each.number}\n{each.said}\n", flush=True)
    print(f"{'kind':10}{'inputs':>8}{'taken':>8}{'refused':>9}{'failed':>8}{'slowest (s)':>13}")
    for kind in given.only:
        taken, refused, failed = (counts[kind, what] for what in ("taken", "refused", "failed"))
        seconds, number = slowest.get(kind, (0.0, 0))
        print(f"{kind:10}{taken + refused + failed:8}{taken:8}{refused:9}{failed:8}{seconds:13.2f} (number {number})")
    for reason, n in lines.most_common():
        print(f"{n:6} × {reason}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
