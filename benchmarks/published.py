"""Compare the models with published values: paper, eisim, tolerance, outcome, run time and source.

Usage: python benchmarks/published.py [--write] [MODEL ...]

``--write`` saves the values in ``models/published.json``, which ``python -m eisim list MODEL`` and the report of
``run MODEL`` read.
"""

import json
import sys
import time
from dataclasses import asdict
from importlib.metadata import entry_points
from pathlib import Path

KEPT = Path(__file__).parents[1] / "models" / "published.json"
#: Digits that are kept: what is beyond them differs between machines.
DIGITS = 6


def main(names) -> int:
    """Print all comparisons of these models (by default all); returns 1 if a value is not reproduced."""
    writes, names = "--write" in names, [name for name in names if name != "--write"]
    measured = {}
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
            measured.setdefault(name, []).append(fact)
            count, reproduced = count + 1, reproduced + fact.is_reproduced
            outcome = "reproduced" if fact.is_reproduced else "NOT REPRODUCED"
            numbers = f"{fact.published:>9.4g}  ours {fact.ours:>9.4g}  tolerance {fact.tolerance:>7.3g}"
            print(f"  {fact.what:<58} paper {numbers}  {outcome:<14} {now - last:6.1f} s  {fact.source}", flush=True)
            last = now
    print(f"{reproduced} of {count} reproduced, in {time.perf_counter() - start:.0f} s")
    if writes:
        keep(measured)
    return int(reproduced < count)


def keep(measured) -> None:
    """Write the comparisons of some models, by name, and keep those of the others."""
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    kept |= {name: [_rounded(asdict(fact)) for fact in facts] for name, facts in measured.items()}
    KEPT.write_text(json.dumps(dict(sorted(kept.items())), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _rounded(fact):
    """A comparison with rounded numbers; values negligible relative to the tolerance are 0."""
    ours = 0.0 if abs(fact["ours"]) < 1e-6 * fact["tolerance"] else fact["ours"]
    return {
        name: value if isinstance(value, str) else float(f"{float(value):.{DIGITS}g}") + 0.0
        for name, value in (fact | {"ours": ours}).items()
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
