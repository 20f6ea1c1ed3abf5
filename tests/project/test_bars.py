"""benchmarks/bars.py judges by its targets and keeps what it measured; docs/performance.md is made from its figures."""

import json
import math
import shutil
import time
from importlib import import_module
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
FIGURES = sorted((ROOT / "benchmarks" / "figures").glob("brian2-*.json"))
#: The project's targets: most, or least if negative.
TARGETS = {
    "default": [9, 2.5],
    "words": [0.5, 0.5],
    "functions": [300],
    "sweep": [-1000],
    "cuba-4000": [0.7, 1.5, -6],
    "brunel-1500": [0.5, 1],
    "brunel-12500": [0.5, 1],
    "cobahh-4000": [1.1],
    "adex-4000": [1.1],
    "random-1000000": [8],
    "microcircuit-0.1": [1.5],
    "microcircuit-0.3": [1.5],
    "microcircuit-1.0": [1.5],
    "sparse-138000": [0.5],
    "census": [20, 3],
    "floors": [3, 3, 3],
    "certify": [3, 3],
    "certify-plane": [30, 30, 30, 4],
    "certify-large": [600],
    "tests": [900],
}


@pytest.fixture
def bars(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return import_module("bars")


@pytest.fixture
def performance(bars, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    return import_module("performance")


@pytest.fixture
def run(bars, monkeypatch, tmp_path, capsys):
    """Run bars.py with these measurements; returns its file, its exit status and what it printed."""
    seconds, used = count(0, 4), count(100)
    clock = SimpleNamespace(perf_counter=lambda: next(seconds), strftime=time.strftime)
    monkeypatch.setattr(bars, "time", clock)
    monkeypatch.setattr(bars.measure, "used_by_others", lambda: next(used))

    def run(measurements, *words):
        monkeypatch.setattr(bars, "MEASUREMENTS", measurements)
        monkeypatch.setattr("sys.argv", ["bars", *words, "--out", str(tmp_path)])
        with pytest.raises(SystemExit) as end:
            bars.main()
        files = [*tmp_path.iterdir()]
        assert all(path.name.startswith("brian2-2.") for path in files)
        found = json.loads(files[0].read_text(encoding="utf-8"))["measured"] if files else {}
        return found, end.value.code, capsys.readouterr().out

    return run


def one(bars, name, values, is_asked=False, **target):
    """A measurement with one figure; `values` is what it finds, or an exception."""

    def measured():
        if isinstance(values, BaseException):
            raise values
        return {"s": values}

    return bars.Measurement(name, f"the {name}", "do it", measured, (bars.Figure("s", "time", **target),), is_asked)


@pytest.mark.parametrize(
    ("value", "target", "verdict"),
    [
        (2.5, {"most": 2.5}, "held"),
        (2.5000001, {"most": 2.5}, "missed"),
        (1000.0, {"least": 1000}, "held"),
        (999.999, {"least": 1000}, "missed"),
        (1e9, {}, ""),
    ],
)
def test_a_target_is_held_up_to_its_edge(bars, value, target, verdict):
    assert bars.Figure("s", "", **target).verdict({"s": [value]}) == verdict


def test_a_ratio_is_that_of_runs_that_follow_one_another(bars):
    found = {"ours": [1.0, 4.0, 9.0], "theirs": [2.0, 4.0, 3.0]}  # ratios 0.5, 1, 3; of medians 4/3
    ratio = bars.Figure("ours", "", "×", over="theirs", most=1)
    assert ratio.value(found) == 1 and ratio.verdict(found) == "held"
    assert bars.Figure("ours", "").value(found) == 4 and bars.Figure("ours", "", "GB").value(found) == 9
    with pytest.raises(ValueError):
        ratio.value(found | {"theirs": [2.0]})


def test_what_was_not_measured_is_neither_held_nor_missed(bars):
    ratio = bars.Figure("ours", "", "×", over="theirs", most=1)
    for found, why in (
        ({"": "no compiler"}, "no compiler"),
        ({"ours": [1.0], "theirs": "NEST is not installed"}, "NEST is not installed"),
        ({}, "no figures"),
    ):
        assert math.isnan(ratio.value(found)) and ratio.verdict(found) == "" and ratio.obstacle(found) == why


def test_all_targets_are_measured(bars):
    assert len({each.name for each in bars.MEASUREMENTS}) == len(bars.MEASUREMENTS)
    found = {
        each.name: [f.most if f.most < math.inf else -f.least for f in each.figures if f.has_target]
        for each in bars.MEASUREMENTS
    }
    assert {name: targets for name, targets in found.items() if targets} == TARGETS
    assert [each.name for each in bars.chosen([])] == [each.name for each in bars.MEASUREMENTS if each.name != "tests"]
    with pytest.raises(SystemExit, match="found nonsense"):
        bars.chosen(["nonsense"])


def test_a_run_says_what_was_held_missed_and_not_measured(bars, run):
    measurements = (
        one(bars, "fast", [1.0, 3.0, 2.0], most=2),
        one(bars, "slow", [2.1], most=2),
        one(bars, "absent", bars.NotMeasured("no compiler"), most=2),
        one(bars, "broken", SystemExit("main: ended with status 3"), most=2),
        one(bars, "long", [9.0], is_asked=True, most=2),
    )
    found, status, said = run(measurements)
    assert status == 1 and [*found] == ["fast", "slow", "absent", "broken"]
    assert found["fast"]["found"] == {"s": [1.0, 3.0, 2.0]} and found["fast"]["load"] == 0.25
    assert "[1/4] fast: the fast\n  time: 2.00 s (1 to 3), ≤ 2 s: held\n" in said
    assert "time: 2.10 s, ≤ 2 s: missed" in said and "time: not measured: no compiler" in said and "status 3" in said
    assert "targets held: 1, missed: 1, not measured: 2" in said
    found, status, _ = run(measurements, "slow", "fast", "long")
    assert status == 1 and [*found] == ["fast", "slow", "absent", "broken", "long"]
    assert run(measurements[:1])[1] == 0


def test_an_interrupted_run_keeps_what_was_measured(bars, run):
    measurements = one(bars, "fast", [1.0]), one(bars, "long", KeyboardInterrupt()), one(bars, "next", [1.0])
    found, status, said = run(measurements)
    assert [*found] == ["fast"] and status == 130 and "interrupted" in said


def test_figures_of_another_machine_are_not_kept_beside_those_of_this_one(bars, run, monkeypatch):
    measurements = one(bars, "fast", [1.0]), one(bars, "slow", [2.0])
    run(measurements, "fast")
    assert [*run(measurements, "slow")[0]] == ["fast", "slow"]
    facts = bars.measure.facts()
    monkeypatch.setattr(bars.measure, "facts", lambda: facts | {"cores": 4096})
    found, _, said = run(measurements, "slow")
    assert [*found] == ["slow"] and "the figures in it are of another cores" in said


def test_a_place_that_cannot_hold_figures_is_refused_before_anything_is_measured(bars, run, tmp_path, monkeypatch):
    measurement = one(bars, "never", AssertionError("it was measured"))
    (tmp_path / f"brian2-{'.'.join(bars.measure.facts()['brian2'].split('.')[:2])}.json").write_text("{}")
    monkeypatch.setattr(bars, "MEASUREMENTS", [measurement])
    for out, said in ((tmp_path, "expected figures"), (tmp_path / "brian2-2.9.json" / "x", "expected a folder")):
        monkeypatch.setattr("sys.argv", ["bars", "--out", str(out)])
        (tmp_path / "brian2-2.9.json").touch()
        with pytest.raises(SystemExit, match=said):
            bars.main()


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(0.2345, "s", "0.23 s"), (9.999, "s", "10.00 s"), (12.34, "s", "12.3 s"), (123.4, "s", "123 s"),
     (1234.0, "×", "1,230 ×"), (0.0, "s", "0 s"), (16.0, "circuits", "16"), (math.nan, "s", "–")],
)  # fmt: skip
def test_numbers_are_shown_with_three_digits(bars, value, unit, shown):
    assert bars.number(value, unit) == shown


def test_the_page_is_made_from_the_figures(bars, performance):
    """``python docs/generate.py`` writes it."""
    text = performance.page()
    assert (ROOT / "docs" / "performance.md").read_text(encoding="utf-8") == text
    assert {path.name for path in FIGURES} >= {"brian2-2.9.json", "brian2-2.11.json"}
    text += performance.page(template="scale.md.j2")
    rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.startswith("|")]
    for measurement in bars.MEASUREMENTS:
        if measurement.name == "approximation":
            continue
        [start] = [k for k, row in enumerate(rows) if row[1] == measurement.what]
        assert rows[start][-2] == f"`{measurement.command}`"
        for figure, row in zip(measurement.figures, rows[start:], strict=False):
            assert row[2:4] == [figure.what, figure.target]


def test_the_page_shows_other_figures_and_what_is_missed(performance, tmp_path):
    shutil.copy(FIGURES[0], tmp_path)
    path = tmp_path / FIGURES[0].name
    file = json.loads(path.read_text(encoding="utf-8"))
    entry = {"date": "2026-02-01", "load": 77.5}
    file["measured"] = {
        "default": entry | {"found": {"empty_s": [8.0], "again_s": [2.0, 77.0, 78.0]}},
        "cuba-4000": entry | {"found": {"eisim": [1.0], "NEST, 1 thread": "NEST is not here", "C++ loop": [1.0]}},
    }
    path.write_text(json.dumps(file), encoding="utf-8")
    text = performance.page(tmp_path)
    assert "| ≤ 2.5 s | 77.0 s (2.00 to 78.0), **missed** |" in text and "| ≤ 9 s | 8.00 s, held |" in text
    assert "| ≥ 6 × | not measured: NEST is not here |" in text and "| ≤ 1.5 × | 1.00 ×, held |" in text
    assert "1 February 2026 | 77.5 |" in text
