"""The README's Python runs, and prints what its comments say."""

import re
from pathlib import Path

from eisim import read_onnx

README = Path(__file__).parents[1] / "README.md"


def test_python_of_the_readme(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    circuits, networks, task = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names = {}
    exec(circuits, names)
    out = capsys.readouterr().out
    assert out.count("[False  True  True False]") == out.count("[False  True  True  True]") == 3
    assert out.splitlines()[-1] == "[False False  True False]"
    assert names["proof"].floor["zero_one"] == 0.25 and names["proof"].inversion_complexity == 1
    assert not names["dnn"].is_nonnegative
    exec(networks, names)
    points, inside, net = names["points"], names["inside"], names["net"]
    assert (net.decide(points)[:, 0] == inside).mean() > 0.99
    assert float(capsys.readouterr().out) < 0.7
    assert abs(read_onnx("disc.onnx")(points) - names["to_dnn"](names["circuit"])(points)).max() < 1e-6
    spiking = names["to_dnn"](names["spiking"]).decide(points)[:, 0]
    assert (spiking == inside).mean() > 0.95
    exec(task, names)
    table = capsys.readouterr().out
    assert "boundary of positive slope" in table and "lost" in table and "Witness of mine (rate)" in table
