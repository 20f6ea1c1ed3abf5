"""What a user's file loads and opens is what decides its results."""

import json
import os
import subprocess
import sys

import pytest

from eisim.base.store import sources

MINE = """
import glob, os, sqlite3
from dataclasses import dataclass
import numpy as np
from lib.deep import values

HERE = os.path.dirname(__file__)

@dataclass
class Settings:
    a: int = 1

def optional():
    try:
        return float(open(os.path.join(HERE, "optional.txt")).read())
    except FileNotFoundError:
        return 0.0

def run(settings, kinds, seed, backend, report):
    if settings.a == 3 and os.path.exists(os.path.join(HERE, "stop")):
        raise ValueError("stopped")
    from lib import late
    with open(os.path.join(HERE, "log"), "a") as log:
        log.write(f"{settings.a}\\n")
    found = values.FACTOR + late.MORE + optional() + float(np.load(os.path.join(HERE, "data.npy")))
    return {"x": float(settings.a), "y": found + len(glob.glob(os.path.join(HERE, "many", "*.txt")))}
"""


@pytest.fixture
def mine(tmp_path):
    import numpy as np

    folder = tmp_path / "own"
    for name, text in {
        "mine.py": MINE,
        "lib/__init__.py": "",
        "lib/late.py": "MORE = 10\n",
        "lib/deep/__init__.py": "from . import values\n",
        "lib/deep/values.py": "from .constants import FACTOR\n",
        "lib/deep/constants.py": "FACTOR = 100\n",
        "many/one.txt": "",
        "stop": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    np.save(folder / "data.npy", 1000.0)
    return folder / "mine.py"


@pytest.mark.nightly
def test_d2_a_stopped_sweep_never_mixes_what_was_before_a_change_and_after(mine, tmp_path):
    import numpy as np

    folder = mine.parent
    words = ["sweep", "mine.py", "--over", "a=1,2,3", "--workers", "2", "--backend", "numpy", "--json"]

    def swept(status):
        done = subprocess.run(
            [sys.executable, "-m", "eisim", *words, "--out", str(tmp_path / "out")],
            cwd=folder,
            env=os.environ | {"EISIM_CACHE_DIR": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
        (numbers,) = zip(*json.loads(done.stdout)["sweep"]["numbers"]["y"], strict=True)
        return [number for number in numbers if number is not None], done.stderr

    def computed():
        return len((folder / "log").read_text().splitlines())

    known = 1111.0
    assert swept(1)[0] == [known] * 2 and computed() == 2
    assert swept(1)[0] == [known] * 2 and computed() == 2  # nothing has changed, so they are kept
    for what, file, content, by in (
        ("a module in a sub-package", "lib/deep/constants.py", "FACTOR = 200\n", 100),
        ("a module that is imported late", "lib/late.py", "MORE = 20\n", 10),
        ("a file that was not there", "optional.txt", "0.5", 0.5),
        ("a file in a folder that is listed", "many/two.txt", "", 1),
        ("a file that a library opens", "data.npy", None, 1000),
    ):
        if content is None:
            np.save(folder / file, 2000.0)
        else:
            (folder / file).write_text(content)
        known += by
        before = computed()
        found, said = swept(1)
        assert found == [known] * 2 and computed() == before + 2, (what, said)
    (folder / "stop").unlink()
    before = computed()
    assert swept(0)[0] == [known] * 3 and computed() == before + 1


def test_d2_what_code_in_a_users_folder_opens_is_noted(mine, tmp_path):
    code = (
        "import json, sys; from pathlib import Path\n"
        "from eisim.base import user_files as files; from eisim.base.store import sources\n"
        "other = open(sys.argv[2]).read()\n"
        "module = files.load_file(sys.argv[1]); loaded = sources.at_import()\n"
        "module.run(module.Settings(), [], 0, '', 0)\n"
        "print(json.dumps([loaded, sources.seen(), sources.imported_versions()]))"
    )
    elsewhere = tmp_path / "elsewhere.txt"
    elsewhere.write_text("")
    done = subprocess.run([sys.executable, "-c", code, mine, elsewhere], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded, seen, versions = json.loads(done.stdout)

    def names(paths):
        return {os.path.relpath(path, mine.parent) for path in paths}

    at_first = {"mine.py", "lib/__init__.py", "lib/deep/__init__.py", "lib/deep/values.py", "lib/deep/constants.py"}
    assert names(loaded) == at_first
    assert names(seen) == at_first | {
        "lib/late.py",
        "data.npy",
        "optional.txt",
        "many",
    }  # not what it has written itself
    assert seen[str(mine.parent / "optional.txt")] == "" and versions.keys() == {"numpy"}


def test_d2_a_file_that_changes_while_it_is_in_use_is_refused(tmp_path, monkeypatch):
    from eisim import InputError
    from eisim.base.store import checkpoint

    data = tmp_path / "data.txt"

    def written(text):  # by another process: what this one writes is its own
        subprocess.run(["sh", "-c", f'printf {text} > "$0"', str(data)], check=True)

    written("1")
    monkeypatch.setattr(sources, "_seen", {})
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path / "cache"))
    sources.learn({str(data): sources.digest(str(data))})
    with checkpoint.kept(lambda: "a run", print) as parts:
        assert checkpoint.part("1", lambda: 1) == 1
        written("2")
        with pytest.raises(InputError, match=r"data\.txt: changed while it was in use"):
            checkpoint.part("2", lambda: 2)
    with pytest.raises(InputError, match="changed while it was in use"):
        sources.learn({str(data): "another digest"})
    with checkpoint.kept(lambda: "a run", print) as parts:
        monkeypatch.setattr(sources, "_seen", {})
        assert checkpoint.part("1", lambda: 3) == 3 and parts.found == 0
