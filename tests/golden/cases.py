"""What is run: every experiment and every command that makes numbers, with the smallest settings that use it all."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support import processor

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
INPUTS, EXPECTED = HERE / "inputs", HERE / "expected"
OUT = "out"
#: Of the document of a run, what is neither words nor different each time.
OF_A_RUN = ("experiment", "seed", "kinds", "backend", "settings_si", "settings_units")
#: What a document says of how, when and for whom it came to be.
NOT_RESULTS = ("finished", "command", "seconds", "versions", "platform", "report")


@dataclass(frozen=True)
class Case:
    """A command, as words; `script` is that of an experiment, which is to do the same in place of ``eisim run``."""

    name: str
    words: tuple[str, ...]
    script: str | None = None
    is_slow: bool = False

    @property
    def needs(self) -> str | None:
        """A package that eisim works without, and this case does not."""
        return {"ablate": "onnx", "run images": "sklearn"}.get(" ".join(self.words[: 1 + (self.words[0] == "run")]))

    @property
    def scripted(self) -> list[str]:
        """The command as Python is given it in the script form."""
        return [str(ROOT / "experiments" / f"{self.script}.py"), *self.words[2:]]


def _case(name, words, sets="", script=None, slow=False):
    sets = [word for each in sets.split() for word in ("--set", each)]
    numpy = () if words.startswith("certify") else ("--backend", "numpy")
    return Case(name, (*words.split(), *sets, *numpy), script, slow)


TIMES = "duration=200ms window=100ms dt=1ms"
TRAINING = "levels=3 iterations=60 tries=2 hidden=6"
CASES = (
    _case(
        "functions", "run functions", "quick=yes doses=2 seeds=2 controls=none", slow=True
    ),  # the longest, so that others run beside it
    _case(
        "boolean",
        "run boolean",
        f"functions=xor,and,0111,my_truth_table.csv levels=3 seeds=2 {TIMES}",
        script="boolean",
    ),
    _case(
        "boolean-seed",
        "run boolean --seed 7 --kind rate",
        "functions=parity-3,majority levels=2 seeds=1 duration=100ms window=50ms dt=1ms",
    ),
    _case("census", "run census", f"inputs=2 levels=3 {TIMES}", script="census", slow=True),
    _case("census-sampled", "run census --kind rate", f"inputs=5 sample=6 levels=3 {TIMES}", slow=True),
    _case("circuit", "run circuit", f"file=my_circuit.py levels=3 seeds=2 {TIMES}", script="circuit", slow=True),
    _case("circuit-task", "run my_task.py", "doses=3 seeds=2", slow=True),
    _case("data", "run data", f"file=my_data.csv target=responds {TRAINING}", script="data", slow=True),
    _case("data-weighted", "run weighted.csv --target outcome --weights weight", f"{TRAINING} scale=rank", slow=True),
    _case(
        "functions-silence",
        "run functions",
        "circuits=wilson_cowan,ping how=silence quick=yes doses=3 seeds=1",
        script="functions",
        slow=True,
    ),
    _case(
        "functions-cut", "run functions", "circuits=normalization how=cut:pool->response quick=yes doses=3", slow=True
    ),
    _case("functions-reversal", "run functions", "circuits=vogels_abbott how=reversal quick=yes doses=3", slow=True),
    _case("geometry", "run geometry", "resolution=12", script="geometry", slow=True),
    _case(
        "images",
        "run images",
        "side=6 train=120 test=60 hidden=6 pooled_hidden=6 iterations=30 functions=2",
        script="images",
        slow=True,
    ),
    _case(
        "monotone_dynamics",
        "run monotone_dynamics",
        "circuits=3 inputs=3 population=6 generations=2 duration=60ms window=40ms dt=0.5ms rate_dt=1ms",
        script="monotone_dynamics",
        slow=True,
    ),
    _case("model", "run brunel", "quick=yes", slow=True),
    _case("own-experiment", "run my_experiment.py", "inputs=3 functions=8", slow=True),
    _case("certify-truth-table", "certify --truth-table 0110"),
    _case("certify-not-orientable", "certify --truth-table 01101001 --orient --loss l2", slow=True),
    _case("certify-region", "certify --region ring", slow=True),
    _case("certify-data", "certify my_data.csv --target responds --loss all", slow=True),
    _case("certify-weighted", "certify weighted.csv --target outcome --weights weight --loss all"),
    _case("ablate", "ablate three_classes.onnx --data labelled.csv --target class --ignore half --levels 3"),
    _case(
        "ablate-one-output",
        "ablate one_output.onnx --data labelled.csv --target half --ignore class --levels 3",
        slow=True,
    ),
    _case(
        "sweep-model",
        "sweep brunel --over g=3,6 --over eta=0.9,2 --seeds 1 --workers 1",
        "quick=yes duration=100ms window=50ms",
        slow=True,
    ),
    _case("sweep-rate", "sweep wilson_cowan --kind rate --over quick=yes,no --seeds 2 --workers 2", slow=True),
    _case(
        "sweep-experiment",
        "sweep boolean --over noise=0mV,1mV --seeds 2 --workers 1",
        f"functions=xor levels=2 seeds=1 {TIMES}",
        slow=True,
    ),
)
BY_NAME = {case.name: case for case in CASES}


class Failed(Exception):
    """A command that came to no result."""


def run(case: Case, folder: Path, as_script: bool = False) -> dict[str, object]:
    """Run a case in an empty folder.

    Returns
    -------
    dict
        By the name of a file in ``expected/CASE``: documents, and as bytes the files of the results.
    """
    work = folder / "work"
    shutil.copytree(INPUTS, work)
    command = case.scripted if as_script else ["-m", "eisim", *case.words]
    environment = {"EISIM_CACHE_DIR": str(folder / "cache"), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment |= processor.ENVIRONMENT
    done = subprocess.run(
        [sys.executable, *command, "--json", "--out", OUT],
        cwd=work,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    out = work / OUT
    if not (out / "run.json").exists():
        raise Failed(f"{case.name}: status {done.returncode}: {done.stderr[-1000:]}")
    printed, stored = json.loads(done.stdout), json.loads((out / "run.json").read_text())
    if stored["result"] != printed and [stored["result"]] != list(printed.values()):
        raise Failed(f"{case.name}: run.json holds another result than what is printed")
    files = sorted(path.name for path in out.iterdir())
    facts = {
        "command": ["eisim", *case.words],
        "status": done.returncode,
        "files": files,
        "run": {key: stored[key] for key in OF_A_RUN if key in stored},
        "page": page_columns(stored["report"]),
        "results_version": stored["versions"]["results"],
    }
    found: dict[str, object] = {"facts.json": facts, "printed.json": printed}
    for name in files:
        if name.endswith((".csv", ".nc")):
            found[name] = (out / name).read_bytes()
        elif name.endswith(".json") and name != "run.json":
            document = json.loads((out / name).read_text())
            found[name] = {key: value for key, value in document.items() if key not in NOT_RESULTS}
    return found


def page_columns(report: dict | None) -> list[list]:
    """The columns of numbers in the tables of a page, without their headings, which are words."""
    columns = []
    for table in (report or {}).get("tables", ()):
        for column in map(list, zip(*table["rows"], strict=True)):
            numbers = [cell for cell in column if cell is not None]
            if numbers and all(isinstance(cell, (int, float)) for cell in numbers):
                columns.append(column)
    return columns
