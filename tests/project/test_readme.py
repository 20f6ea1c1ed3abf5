"""The README's Python runs, and prints what its comments say."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

README = Path(__file__).parents[2] / "README.md"


def test_python_of_the_readme(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [circuits] = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    exec(circuits, names)
    out = capsys.readouterr().out
    assert out.count("[False  True  True False]") == out.count("[False  True  True  True]") == 3
    assert out.splitlines()[-1] == "[False False  True False]"
    assert names["proof"].floor["zero_one"] == 0.25 and names["proof"].inversion_complexity == 1
    assert not names["dnn"].is_nonnegative
