"""Measure every target of run time and memory on this machine, and say which are held.

Sides of a comparison run by turns, so that other load on the machine affects all of them equally; a ratio is the median
of the ratios of runs that follow one another. Times are medians, memory is the largest. An empty cache is a new folder.

The figures are written to a file for each version of Brian2, after every measurement; those that are not measured again
remain, unless the machine or the versions are others. The page on performance is made from the files in
benchmarks/figures: ``python benchmarks/bars.py --out benchmarks/figures`` in an environment with each version of
Brian2, then ``python docs/generate.py``.

Usage: python benchmarks/bars.py [NAME ...] [--list] [--out DIR]
Without names all are measured, which takes half an hour, except the test command, which is measured only by name. Ends
with status 1 if a target is missed. Ctrl-C keeps what has been measured.
"""

import argparse
import json
import math
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import measure

ROOT = Path(__file__).parents[1]
#: What of the machine must be the same for figures to stand in one file.
SAME = ("processor", "cores", "memory", "compiler", "Python", "brian2", "numpy", "scipy")

#: The values of all runs by key, or why there are none.
Found = dict[str, list[float] | str]


class NotMeasured(Exception):
    """What a measurement needs is not installed."""


@dataclass(frozen=True)
class Figure:
    """A number of a measurement.

    Attributes
    ----------
    key : str
        The values measured, one for each run.
    what : str
        What they are.
    unit : str
        ``"s"``, ``"GB"``, ``"Hz"``, or ``"×"`` for ratios.
    over : str
        The values by which these are divided, run by run.
    most, least : float
        The target, if there is one.
    """

    key: str
    what: str
    unit: str = "s"
    over: str = ""
    most: float = math.inf
    least: float = -math.inf

    def values(self, found: Found) -> list[float]:
        """The values of all runs; none if they were not measured."""
        if self.obstacle(found):
            return []
        if self.over:
            return [a / b for a, b in zip(found[self.key], found[self.over], strict=True)]
        return found[self.key]

    def obstacle(self, found: Found) -> str:
        """Why it was not measured; empty if it was."""
        for key in filter(None, (self.key, self.over)):
            if not isinstance(values := found.get(key, found.get("", "no figures")), list):
                return values
        return ""

    def value(self, found: Found) -> float:
        """The median, or the largest memory; NaN if it was not measured."""
        values = self.values(found)
        if not values:
            return math.nan
        return max(values) if self.unit == "GB" else statistics.median(values)

    @property
    def has_target(self) -> bool:
        """Whether there is a target."""
        return self.most < math.inf or self.least > -math.inf

    def verdict(self, found: Found) -> str:
        """Whether the target is held or missed; empty if there is none or nothing was measured."""
        value = self.value(found)
        if not self.has_target or math.isnan(value):
            return ""
        return "held" if self.least <= value <= self.most else "missed"

    @property
    def target(self) -> str:
        """The target in words; empty if there is none."""
        if not self.has_target:
            return ""
        return f"≤ {self.most:g} {self.unit}" if self.most < math.inf else f"≥ {self.least:,g} {self.unit}"


@dataclass(frozen=True)
class Measurement:
    """Figures that are measured together.

    Attributes
    ----------
    name : str
    what : str
        What is measured.
    command : str
        The command that is measured, or that measures.
    measured : callable
        Returns the values of each key; raises `NotMeasured`.
    figures : tuple of Figure
    is_asked : bool
        Whether it is measured only by name.
    """

    name: str
    what: str
    command: str
    measured: Callable[[], Found]
    figures: tuple[Figure, ...]
    is_asked: bool = False


def eisim(words: str, runs: int = 0) -> Found:
    """Cost of a command with an empty cache, and again."""
    from experiment import costs

    with tempfile.TemporaryDirectory() as folder:
        return _empty_and_again(costs(shlex.split(words), folder, runs))


def _empty_and_again(costs) -> Found:
    found = {"empty_s": [costs[0].seconds], "empty_gb": [costs[0].gigabytes]}
    if again := costs[1:]:
        found |= {"again_s": [c.seconds for c in again], "again_gb": [c.gigabytes for c in again]}
    return found


def default_run() -> Found:
    """The default run, three times with an empty cache and five times again."""
    from time_to_answer import timed_run

    found = {"empty_s": [], "again_s": []}
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            found["empty_s"].append(timed_run(Path(folder))[0])
            if len(found["empty_s"]) == 3:
                found["again_s"] = [timed_run(Path(folder))[0] for _ in range(5)]
    return found


def words_only() -> Found:
    """Commands that answer at once."""
    sides = {
        word: lambda word=word: measure.run([sys.executable, "-m", "eisim", word]).seconds
        for word in ("--help", "list")
    }
    return measure.by_turns(sides, 7)


def sweep() -> Found:
    """One batch against a loop of which a few conditions are timed."""
    import ablation_sweep as each

    n, seeds = len(each.LEVELS) * len(each.FUNCTION.patterns), 10
    sides = {
        "batch": lambda: measure.alone(each.ours, seeds=seeds, runs=3).found["seconds"],
        "loop": lambda: measure.alone(each.plain, sample=4).found["seconds"] * n * seeds,
    }
    return measure.by_turns(sides, 3)


def loops(network: str, neurons: int, runs: int, names: tuple[str, ...], seconds: float = 0.5) -> Found:
    """Loop times of a network by those that are installed."""
    import networks

    missing = {name: why for name in names if (why := networks.obstacle(name, network))}
    if "eisim" in missing:
        raise NotMeasured(missing["eisim"])
    _, _, turns, p = networks.run_by_turns(network, neurons, [n for n in names if n not in missing], seconds, runs)
    if p <= networks.LEVEL:
        raise NotMeasured(f"the rates differ (p = {p:.1g})")
    return missing | {name: [cost.found["seconds"] for cost in costs] for name, costs in turns.items()}


def large(network: str, size: float, seconds: float, runs: int, names: tuple[str, ...]) -> Found:
    """Loops, building and memory of a large network by those that are installed."""
    import large

    missing = {name: why for name in names if (why := large.obstacle(name, network, size))}
    if "eisim" in missing:
        raise NotMeasured(missing["eisim"])
    turns = large.by_turns(network, size, [name for name in names if name not in missing], seconds, runs)
    if not large.same_activity(network, turns):
        raise NotMeasured("the rates differ")
    found = dict(missing)
    for name, costs in turns.items():
        found[name] = [cost.found["seconds"] for cost in costs]
        found[f"{name}, building"] = [cost.found["building"] for cost in costs]
        found[f"{name}, memory"] = [cost.gigabytes for cost in costs]
    return found


def floors() -> Found:
    """Floors of 10,000 points of 20 inputs, in Python."""
    import floor

    found = {}
    for targets, losses in floor.LOSSES.items():
        for loss in losses:
            costs = [measure.alone(floor.floor, points=10_000, targets=targets, loss=loss) for _ in range(3)]
            found[f"{targets}, {loss}"] = [cost.found["seconds"] for cost in costs]
            found["gb"] = [*found.get("gb", []), *(cost.gigabytes for cost in costs)]
    return found


def certified(points: int, features: int, cases: tuple[tuple[str, str], ...], runs: int = 1) -> Found:
    """Cost of `certify FILE.csv` for kinds of targets and losses; minutes that it announces, if it does."""
    import floor

    found = {"gb": []}
    for targets, loss in cases:
        for _ in range(runs):
            with tempfile.TemporaryDirectory() as folder:
                cost = floor.command(points, loss, folder, targets, features)
            found.setdefault(f"{targets}, {loss}", []).append(cost.seconds)
            found["gb"].append(cost.gigabytes)
            if said := re.search(r"about (\d+) min", cost.errors):
                found["announced_s"] = [60.0 * int(said[1])]
    return found


def plane() -> Found:
    """The zero-one floor of a million points of two inputs, in Python and as a command, and all floors."""
    import floor

    words = {"points": 1_000_000, "targets": "noisy threshold", "loss": "zero_one", "features": 2}
    found = certified(1_000_000, 2, (("noisy threshold", "zero-one"), ("noisy threshold", "all")))
    return found | {"floor_s": [measure.alone(floor.floor, **words).found["seconds"] for _ in range(3)]}


def digits_ablated() -> Found:
    """`ablate` on a classifier of digits."""
    try:
        from experiment import costs, digits

        with tempfile.TemporaryDirectory() as folder:
            return _empty_and_again(costs(digits(Path(folder)), folder, 1))
    except ImportError as error:
        raise NotMeasured(f"{error.name} is not installed") from None


def digits_inferred() -> Found:
    """Inference on digits in eisim and snnTorch."""
    import digits

    if not digits.has_snntorch(sys.executable):
        raise NotMeasured("snnTorch is not installed (pip install snntorch)")
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        digits.write(file := Path(folder) / "network.npz")
        for images in digits.IMAGES:
            turns, _, same = digits.by_turns(images, file, sys.executable, 3)
            if same < 0.99:
                raise NotMeasured(f"the spikes of {1 - same:.0%} of the images differ")
            found |= {f"{name}, {images}": [c.found["seconds"] for c in costs] for name, costs in turns.items()}
    return found


def approximation() -> Found:
    """Errors of the f–I approximation of the default circuits, in Hz: the same in every run."""
    found = {}
    for name, settings in APPROXIMATED.items():
        with tempfile.TemporaryDirectory() as folder:
            measure.run([sys.executable, "-m", "eisim", "run", "boolean", *settings.split(), "--out", folder])
            rows = json.loads((Path(folder) / "run.json").read_text(encoding="utf-8"))["result"]["rows"]
        errors = [row["equivalence_error"] for row in rows]
        worst = [error["spiking_static"] for error in errors]
        found |= {
            f"{name}, mean": [statistics.mean(worst)],
            f"{name}, largest": [max(worst)],
            f"{name}, within": [float(sum(each < 5 for each in worst))],
            f"{name}, circuits": [float(len(worst))],
            f"{name}, any fraction": [max(error["spiking_static_sweep"] for error in errors)],
        }
    return found


def test_command() -> Found:
    """The README's test command in a copy of the repository."""
    [command] = re.findall(r"^python3 .*-m pytest.*$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), folder], check=True)
        start = time.perf_counter()
        if subprocess.run(["bash", "-c", command], cwd=folder, check=False).returncode:
            raise NotMeasured("the tests failed")
        return {"s": [time.perf_counter() - start]}


EMPTY, AGAIN, GB = "empty cache", "again", "memory"
CUBA = (
    "eisim",
    "Brian2 script",
    "C++ loop",
    "NEST, 1 thread",
    "NEST, 2 threads",
    "Brian2 script, 2 threads",
    "BrainPy",
)
BRUNEL = ("eisim", "Brian2 script", "C++ loop")
NETWORKS = {
    "cuba": "the CUBA network",
    "brunel": "Brunel’s network",
    "cobahh": "the COBAHH network",
    "adex": "adaptive exponential neurons with the synapses of COBAHH",
}
NOISY = "noisy threshold"
#: Runs of which the errors of the f–I approximation are listed, with their settings.
APPROXIMATED = {
    "default": "",
    "`precise=yes`": "--set precise=yes",
    "`precise=yes` and `dt=0.2ms`": "--set precise=yes --set dt=0.2ms",
}


def _whole(name, what, command, *figures, runs=0):
    """A measurement of a command of `python -m eisim` with an empty cache, and again."""
    return Measurement(name, what, f"time python -m eisim {command}", partial(eisim, command, runs), figures)


def _loop(network, neurons, runs, names, *figures, seconds=0.5):
    """A measurement of loop times."""
    command = f"python benchmarks/networks.py {network} --sizes {neurons} --runs {runs} --seconds {seconds:g} --only "
    return Measurement(
        f"{network}-{neurons}",
        f"simulation loop of {NETWORKS[network]}, {neurons:,} neurons, {0.2 + seconds:g} s of activity",
        command + " ".join(shlex.quote(name).replace("'", '"') for name in names),
        partial(loops, network, neurons, runs, names, seconds),
        (Figure("eisim", "eisim"), *figures),
    )


def _large(network, size, what, seconds, *figures, runs=3):
    """A measurement of a large network."""
    names = tuple(dict.fromkeys(name for f in figures for name in (f.key, f.over) if name and name in LARGE))
    command = f"python benchmarks/large.py {network} --sizes {size} --seconds {seconds:g} --runs {runs}"
    measured = partial(large, network, size, seconds, runs, ("eisim", *(n for n in names if n != "eisim")))
    return Measurement(f"{network}-{size}", what, command, measured, (Figure("eisim", "eisim"), *figures))


def _sides(names):
    """Loops of other simulators over that of eisim, and what building and memory everyone takes."""
    return (
        *(Figure(name, f"{name.replace(',', ' on')} / eisim", "×", over="eisim") for name in names),
        *(
            Figure(f"{name}, {what}", f"{name.replace(',', ' on')}: {said}", unit)
            for what, said, unit in (("building", "building", "s"), ("memory", GB, "GB"))
            for name in ("eisim", names[0])
        ),
    )


#: Simulators of large networks.
LARGE = ("eisim", "NEST, 1 thread", "NEST, 2 threads", "Brian2 script")

MEASUREMENTS = (
    Measurement(
        "default",
        "the default run, with its controls and report",
        "python benchmarks/time_to_answer.py",
        default_run,
        (Figure("empty_s", EMPTY, most=9), Figure("again_s", AGAIN, most=2.5)),
    ),
    Measurement(
        "words",
        "commands that only print",
        "time python -m eisim --help",
        words_only,
        (Figure("--help", "`--help`", most=0.5), Figure("list", "`list`", most=0.5)),
    ),
    _whole(
        "functions",
        "sixteen tasks, rate and spiking, 6 fractions × 10 seeds, all controls",
        "run functions",
        Figure("empty_s", EMPTY, most=300),
        Figure("empty_gb", GB, "GB"),
    ),
    Measurement(
        "sweep",
        "spiking 4-bit parity, 11 fractions × 16 patterns × 10 seeds: one batch, and a plain Brian2 loop over "
        "conditions, extrapolated from a sample",
        "python benchmarks/ablation_sweep.py --seeds 10",
        sweep,
        (
            Figure("batch", "one batch, again"),
            Figure("loop", "plain Brian2 loop"),
            Figure("loop", "loop / batch", "×", over="batch", least=1000),
        ),
    ),
    _loop(
        "cuba",
        4000,
        9,
        CUBA,
        Figure("eisim", "eisim / plain Brian2 script", "×", over="Brian2 script", most=0.7),
        Figure("eisim", "eisim / C++ loop", "×", over="C++ loop", most=1.5),
        Figure("NEST, 1 thread", "NEST on one thread / eisim", "×", over="eisim", least=6),
        Figure("NEST, 2 threads", "NEST on two threads / eisim", "×", over="eisim"),
        Figure("Brian2 script, 2 threads", "plain Brian2 script with OpenMP, 2 threads / eisim", "×", over="eisim"),
        Figure("BrainPy", "BrainPy on the processor / eisim", "×", over="eisim"),
        seconds=1,
    ),
    _loop(
        "brunel",
        1500,
        9,
        (*BRUNEL, "NEST, 1 thread"),
        Figure("eisim", "eisim / plain Brian2 script", "×", over="Brian2 script", most=0.5),
        Figure("eisim", "eisim / C++ loop", "×", over="C++ loop", most=1),
        Figure("NEST, 1 thread", "NEST on one thread / eisim", "×", over="eisim"),
    ),
    _loop(
        "brunel",
        12500,
        5,
        BRUNEL,
        Figure("eisim", "eisim / plain Brian2 script", "×", over="Brian2 script", most=0.5),
        Figure("eisim", "eisim / C++ loop", "×", over="C++ loop", most=1),
    ),
    *(
        _loop(
            cells,
            4000,
            9,
            BRUNEL[:2],
            Figure("eisim", "eisim / plain Brian2 script", "×", over="Brian2 script", most=1.1),
        )
        for cells in ("cobahh", "adex")
    ),
    _large(
        "random",
        10_000,
        "10⁷ random synapses of one weight, 0.5 s",
        0.5,
        *_sides(("NEST, 1 thread", "NEST, 2 threads")),
    ),
    _large(
        "random",
        100_000,
        "10⁸ random synapses of one weight, 0.5 s",
        0.5,
        *_sides(("NEST, 1 thread", "NEST, 2 threads")),
        runs=1,
    ),
    _large(
        "random",
        1_000_000,
        "10⁹ random synapses of one weight, 0.1 s",
        0.1,
        Figure("eisim, building", "building"),
        Figure("eisim, memory", GB, "GB", most=8),
        runs=1,
    ),
    *(
        _large(
            "microcircuit",
            size,
            f"the cortical microcircuit at size {size:g}, 1 s",
            1.0,
            Figure("eisim", "eisim / NEST on two threads", "×", over="NEST, 2 threads", most=1.5),
            *_sides(("NEST, 1 thread", "NEST, 2 threads")),
            runs=3 if size < 0.3 else 1,
        )
        for size in (0.1, 0.3, 1.0)
    ),
    _large(
        "sparse",
        138_000,
        "138,000 neurons of which a few hundred fire, 1.5 · 10⁷ pairs, 1 s",
        1.0,
        Figure("Brian2 script", "plain Brian2 script"),
        Figure("eisim", "eisim / plain Brian2 script", "×", over="Brian2 script", most=0.5),
    ),
    _whole(
        "census",
        "all 65,536 functions of 4 inputs, spiking, 7 fractions of ablation",
        "run census --set inputs=4",
        Figure("empty_s", EMPTY),
        Figure("again_s", AGAIN, most=20),
        Figure("again_gb", f"{GB}, again", "GB", most=3),
        runs=3,
    ),
    Measurement(
        "floors",
        "exact floors of 10,000 weighted points × 20 inputs, in Python",
        "python benchmarks/floor.py --sizes 10000 --plane",
        floors,
        (
            *(
                Figure(f"{targets}, zero_one", f"zero-one, {targets}", most=3)
                for targets in ("random labels", NOISY, "real targets")
            ),
            Figure("real targets, l1", "L1"),
            Figure("real targets, l2", "L2"),
            Figure("real targets, linf", "L-infinity"),
            Figure("gb", GB, "GB"),
        ),
    ),
    Measurement(
        "certify",
        "`certify FILE.csv` on 10,000 points × 20 inputs, with floors with inhibition, permuted labels and the report",
        "time python -m eisim certify FILE.csv --target y --loss zero-one",
        partial(certified, 10_000, 20, (("random labels", "zero-one"), (NOISY, "zero-one"))),
        (
            Figure("random labels, zero-one", "random labels", most=3),
            Figure(f"{NOISY}, zero-one", NOISY, most=3),
            Figure("gb", GB, "GB"),
        ),
    ),
    Measurement(
        "certify-small",
        "the same on 1,000 points × 20 inputs, all floors",
        "time python -m eisim certify FILE.csv --target y",
        partial(certified, 1_000, 20, ((NOISY, "all"),)),
        (Figure(f"{NOISY}, all", NOISY),),
    ),
    Measurement(
        "certify-plane",
        "1,000,000 points of two inputs, with violating pairs and witness",
        "python benchmarks/floor.py --sizes 100",
        plane,
        (
            Figure("floor_s", "zero-one floor in Python", most=30),
            Figure(f"{NOISY}, zero-one", "`certify FILE.csv`, zero-one, with the report", most=30),
            Figure(f"{NOISY}, all", "`certify FILE.csv`, all floors, with the report", most=30),
            Figure("gb", GB, "GB", most=4),
        ),
    ),
    Measurement(
        "certify-large",
        "`certify FILE.csv` on 100,000 points × 20 inputs, all floors, with the report",
        "time python -m eisim certify FILE.csv --target y",
        partial(certified, 100_000, 20, ((NOISY, "all"),)),
        (Figure(f"{NOISY}, all", NOISY, most=600), Figure("announced_s", "announced"), Figure("gb", GB, "GB")),
    ),
    _whole(
        "functions-quick",
        "the quick form of `run functions`",
        "run functions --set quick=yes",
        Figure("empty_s", EMPTY),
        Figure("again_s", AGAIN),
        runs=1,
    ),
    _whole(
        "phases",
        "72 points of Brunel’s phase diagram at one tenth of the size",
        "sweep brunel --over g=3:7:9 --over eta=0.5:4:8 --set size=0.1",
        Figure("empty_s", EMPTY),
    ),
    _whole(
        "geometry",
        "decision maps of eleven regions on 100 × 100 points, rate and spiking",
        "run geometry",
        Figure("empty_s", EMPTY),
        Figure("again_s", AGAIN),
        Figure("empty_gb", GB, "GB"),
        runs=1,
    ),
    Measurement(
        "digits-ablated",
        "`ablate` on a classifier of digits, 599 images, rate and spiking, 6 fractions",
        "python benchmarks/experiment.py digits",
        digits_ablated,
        (Figure("empty_s", EMPTY), Figure("again_s", AGAIN), Figure("empty_gb", GB, "GB")),
    ),
    Measurement(
        "digits",
        "inference on digits with identical spikes in eisim and snnTorch",
        "python benchmarks/digits.py",
        digits_inferred,
        tuple(
            Figure(f"snnTorch, {n}", f"snnTorch / eisim, {n:,} images", "×", over=f"eisim, {n}")
            for n in (16, 160, 1600)
        ),
    ),
    Measurement(
        "approximation",
        "error of the f–I approximation of the default circuits",
        "python benchmarks/bars.py approximation",
        approximation,
        tuple(
            Figure(f"{name}, {what}", f"{name}, {what}", "circuits" if what in ("within", "circuits") else "Hz")
            for name in APPROXIMATED
            for what in ("mean", "largest", "within", "circuits", "any fraction")
        ),
    ),
    Measurement(
        "tests",
        "the README’s test command, with installation",
        "python benchmarks/bars.py tests",
        test_command,
        (Figure("s", "time", most=900),),
        is_asked=True,
    ),
)


def number(value: float, unit: str) -> str:
    """A value with its unit and three digits, as the page shows it."""
    if math.isnan(value):
        return "–"
    if unit == "circuits":
        return f"{value:.0f}"
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{round(value, 2 - math.floor(math.log10(value))) if value >= 1000 else value:,.{min(digits, 2)}f} {unit}"


def lines(measurement: Measurement, entry: dict):
    """One line for each figure of a measurement: value, range, target, and whether it is held."""
    for figure in measurement.figures:
        if why := figure.obstacle(entry["found"]):
            yield f"  {figure.what}: not measured: {why}"
            continue
        values = figure.values(entry["found"])
        spread = f" ({min(values):.3g} to {max(values):.3g})" if len(values) > 1 else ""
        target = f", {figure.target}: {figure.verdict(entry['found'])}" if figure.has_target else ""
        yield f"  {figure.what}: {number(figure.value(entry['found']), figure.unit)}{spread}{target}"


def _brief(said: str) -> str:
    """The beginning of what a command said, which names it, and the end, which says why it failed."""
    said = " ".join(said.split())
    return said if len(said) <= 400 else f"{said[:160]} … {said[-240:]}"


def carried_out(measurement: Measurement) -> dict:
    """What was found, or why not, with the date and the cores that others kept busy meanwhile, on average."""
    start, used = time.perf_counter(), measure.used_by_others()
    try:
        found = measurement.measured()
    except NotMeasured as error:
        found = {"": str(error)}
    except (SystemExit, ArithmeticError, OSError, subprocess.CalledProcessError) as error:
        found = {"": f"it failed: {_brief(str(error))}"}
    load = (measure.used_by_others() - used) / (time.perf_counter() - start)
    rounded = {k: v if isinstance(v, str) else [float(f"{each:.6g}") for each in v] for k, v in found.items()}
    load = None if math.isnan(load) else round(max(load, 0), 2)
    return {"date": time.strftime("%Y-%m-%d"), "load": load, "found": rounded}


def stored(path: Path, machine: dict) -> dict:
    """The entries of a file by name, if they were measured on this machine and with these versions."""
    if not path.exists():
        return {}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        kept["machine"], kept["measured"]
    except (ValueError, KeyError, TypeError):
        raise SystemExit(f"{path}: expected figures that were measured, found another file") from None
    if differ := [name for name in SAME if kept["machine"].get(name) != machine.get(name)]:
        print(f"{path}: starts again, since the figures in it are of another {', '.join(differ)}")
        return {}
    return kept["measured"]


def chosen(names: list[str]) -> list[Measurement]:
    """The measurements of these names; without names, all but those that must be asked for."""
    by_name = {each.name: each for each in MEASUREMENTS}
    if unknown := [name for name in names if name not in by_name]:
        raise SystemExit(f"expected some of {', '.join(by_name)}; found {', '.join(unknown)}")
    return [by_name[name] for name in names] or [each for each in MEASUREMENTS if not each.is_asked]


def main():
    from eisim.base.errors import InputError
    from eisim.base.files import check_writable, write

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="measurements (--list); all by default")
    parser.add_argument("--list", action="store_true", help="list the measurements and their targets")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"), help="folder of the figures")
    a = parser.parse_args()
    if a.list:
        for each in MEASUREMENTS:
            print(f"{each.name}: {each.what}{' (only by name)' if each.is_asked else ''}")
            print(*(f"  {f.what}: {f.target}\n" for f in each.figures if f.has_target), sep="", end="")
        return
    measurements, machine = chosen(a.names), measure.facts()
    path = a.out / f"brian2-{'.'.join(machine['brian2'].split('.')[:2])}.json"
    try:
        check_writable(a.out)
    except InputError as error:
        raise SystemExit(str(error)) from None
    print(measure.machine(), flush=True)
    measured, done = stored(path, machine), []
    try:
        for k, each in enumerate(measurements, 1):
            print(f"[{k}/{len(measurements)}] {each.name}: {each.what}", flush=True)
            measured[each.name] = entry = carried_out(each)
            print(*lines(each, entry), f"  (others used {entry['load']} cores)", sep="\n", flush=True)
            order = {m.name: measured[m.name] for m in MEASUREMENTS if m.name in measured}
            write(path, json.dumps({"machine": machine, "measured": order}, indent=1, ensure_ascii=False) + "\n")
            done.append(each)
    except KeyboardInterrupt:
        print("interrupted")
    verdicts = [f.verdict(measured[each.name]["found"]) for each in done for f in each.figures]
    missing = sum(f.has_target and not f.verdict(measured[each.name]["found"]) for each in done for f in each.figures)
    print(f"targets held: {verdicts.count('held')}, missed: {verdicts.count('missed')}, not measured: {missing}")
    if done:
        print(f"written: {path}")
    sys.exit(130 if len(done) < len(measurements) else "missed" in verdicts)


if __name__ == "__main__":
    main()
