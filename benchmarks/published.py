"""Published numbers beside ours: paper, ours, tolerance, reproduced or not, where it stands, and the time it took.

Usage: python benchmarks/published.py [MODEL ...]
"""

import sys
import time
from importlib.metadata import entry_points


def main(names) -> int:
    """Print every fact of these models, of all by default; returns 1 if one is not reproduced."""
    models = {point.name: point.load() for point in entry_points(group="eisim.models")}
    known = [name for name, model in sorted(models.items()) if hasattr(model, "published")]
    for name in names:
        if name not in known:
            print(f"published: expected one of {', '.join(known)}, found {name!r}", file=sys.stderr)
            return 2
    count = reproduced = 0
    start = time.perf_counter()
    for name in names or known:
        print(name, flush=True)
        last = time.perf_counter()
        for fact in models[name].published():
            now = time.perf_counter()
            count, reproduced = count + 1, reproduced + fact.is_reproduced
            outcome = "reproduced" if fact.is_reproduced else "NOT REPRODUCED"
            numbers = f"{fact.published:>9.4g}  ours {fact.ours:>9.4g}  tolerance {fact.tolerance:>7.3g}"
            print(f"  {fact.what:<58} paper {numbers}  {outcome:<14} {now - last:6.1f} s  {fact.source}", flush=True)
            last = now
    print(f"{reproduced} of {count} reproduced, in {time.perf_counter() - start:.0f} s")
    return int(reproduced < count)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
