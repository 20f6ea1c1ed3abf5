"""``python -m tests.golden [--renew] [CASE...]``: run all cases, or some, and compare to the bit, or write anew."""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.golden.cases import BY_NAME, EXPECTED, Case, Failed, run
from tests.golden.compare import differences

#: Differences of one case that are shown.
MOST_SHOWN = 20


def read(case: Case) -> dict[str, object]:
    """What a case is to give."""
    paths = sorted((EXPECTED / case.name).iterdir())
    return {path.name: json.loads(path.read_bytes()) if path.suffix == ".json" else path.read_bytes() for path in paths}


def write(case: Case, found: dict[str, object]) -> None:
    """Make this what the case is to give."""
    folder = EXPECTED / case.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in found.items():
        text = content if isinstance(content, bytes) else (json.dumps(content, indent=1) + "\n").encode()
        (folder / name).write_bytes(text)


def check(case: Case, as_script: bool = False, tolerance: float | None = None) -> list[str]:
    """Run a case and compare it with what is expected of it."""
    with tempfile.TemporaryDirectory() as folder:
        return list(differences(read(case), run(case, Path(folder), as_script), tolerance))


def renew(case: Case) -> list[str]:
    """Run a case and make this what is expected of it."""
    with tempfile.TemporaryDirectory() as folder:
        write(case, run(case, Path(folder)))
    return []


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.golden", description=__doc__)
    parser.add_argument("--renew", action="store_true", help="write what is expected anew")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4), help="cases at a time")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(BY_NAME)}")
    asked = parser.parse_args()
    if unknown := set(asked.cases) - set(BY_NAME):
        parser.error(f"no case is called {', '.join(sorted(unknown))}")
    chosen = [BY_NAME[name] for name in asked.cases or BY_NAME]
    work = [(case, False) for case in chosen]
    if not asked.renew:
        work += [(case, True) for case in chosen if case.script]

    def one(job):
        case, as_script = job
        began = time.perf_counter()
        try:
            found = renew(case) if asked.renew else check(case, as_script)
        except Failed as error:
            found = [str(error)]
        shown = found[:MOST_SHOWN] + [f"and {len(found) - MOST_SHOWN} more"] * (len(found) > MOST_SHOWN)
        title = f"{case.name}{' (script)' * as_script}"
        words = [f"{title}: {'different' if found else 'ok'}, {time.perf_counter() - began:.1f} s", *shown]
        print("\n    ".join(words), flush=True)
        return bool(found)

    with ThreadPoolExecutor(asked.jobs) as pool:
        failed = sum(pool.map(one, work))
    print(f"{len(work) - failed} of {len(work)} {'written' if asked.renew else 'the same to the bit'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
