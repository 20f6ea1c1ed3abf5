"""Common to all benchmarks: time and memory of a command, alternating runs, and results as table, CSV file and figure.

A measurement is of a command whose last line of output is a JSON object, or of a function that `alone` calls in a
separate process. Memory is the largest total resident set of a process and its children, sampled 50 times per
second; shared pages count for each process.
"""

import argparse
import inspect
import json
import os
import platform
import runpy
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pandas as pd

PACKAGES = ("brian2", "numpy", "scipy", "nest-simulator", "brainpy", "torch", "snntorch")


@dataclass(frozen=True)
class Cost:
    """Run time (s) and peak memory (GB) of a command, its result, and what it wrote to stderr."""

    seconds: float
    gigabytes: float
    found: dict = field(default_factory=dict)
    errors: str = ""


def facts() -> dict[str, str | int]:
    """Processor, cores, memory in GB, compiler, and the versions of Python and of the packages installed."""
    model = platform.processor() or platform.machine()
    if (info := Path("/proc/cpuinfo")).exists():
        model = next((s.partition(":")[2].strip() for s in info.read_text().splitlines() if "model name" in s), model)
    compiler = os.environ.get("CXX", "g++")
    try:
        said = subprocess.run([compiler, "-dumpfullversion"], capture_output=True, text=True, check=True).stdout
        compiler = f"{compiler} {said.strip()}"
    except (OSError, subprocess.CalledProcessError):
        compiler = "no C++ compiler"
    memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
    found = {"processor": model, "cores": os.cpu_count(), "memory": memory, "compiler": compiler}
    found["Python"] = platform.python_version()
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def used_by_others() -> float:
    """Processor time that all others have used since the machine started, in s; NaN without /proc."""
    if not (stat := Path("/proc/stat")).exists():
        return float("nan")
    user, nice, system, _, _, irq, softirq, steal, *_ = map(int, stat.read_text().split(maxsplit=11)[1:11])
    busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return busy - sum(os.times()[:4])


def machine() -> str:
    """One line: processor, cores, memory, load, compiler, versions."""
    found = facts()
    model, cores, memory, compiler = (found.pop(name) for name in ("processor", "cores", "memory", "compiler"))
    versions = ", ".join(f"{name} {value}" for name, value in found.items())
    return f"{cores} cores ({model}), {memory} GB, load before {os.getloadavg()[0]:.1f}; {compiler}; {versions}"


def options(doc: str, name: str) -> argparse.ArgumentParser:
    """A parser with the option common to all benchmarks; it also prints a description of the machine."""
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks"), help="folder for CSV and figure")
    parser.set_defaults(name=name)
    print(machine(), flush=True)
    return parser


def run(command, cwd=None, **environment) -> Cost:
    """Run a command; its result is the last line of its output, if that is a JSON object."""
    with tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        most, done = [0.0], threading.Event()
        sampler = threading.Thread(target=_sample, args=(process.pid, most, done), daemon=True)
        sampler.start()
        try:
            with process.stdout:
                said = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
        except KeyboardInterrupt:  # which a shell sends to the process as well, but not everyone does
            process.terminate()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        done.set()
        sampler.join()
        errors.seek(0)
        written = errors.read()
        if process.returncode:
            sys.exit(f"{' '.join(map(str, command))}: ended with status {process.returncode}\n{written[-2000:]}")
    if not most[0]:  # no /proc: the largest process, or this one if that is larger
        most[0] = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
    lines = said.strip().splitlines()
    found = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    return Cost(seconds, most[0], found, written)


def _sample(pid, most, done):
    while True:
        most[0] = max(most[0], resident(pid))
        if done.wait(0.02):
            return


def resident(pid: int) -> float:
    """Present memory of a process and its children, or the peak of one of them, in GB; 0 without /proc."""
    pids, now, most = [str(pid)], 0, 0
    while pids:
        one = Path("/proc") / pids.pop()
        try:
            lines = (one / "status").read_text().splitlines()
            kilobytes = {line.partition(":")[0]: int(line.split()[1]) for line in lines if line.startswith("Vm")}
            now, most = now + kilobytes["VmRSS"], max(most, kilobytes["VmHWM"])
            pids += (one / "task" / one.name / "children").read_text().split()
        except (OSError, KeyError):
            continue
    return max(now, most) * 1024 / 1e9


def alone(function: Callable, **arguments) -> Cost:
    """Call a function of a script in a separate process; its arguments and result must be JSON values."""
    script = inspect.getsourcefile(function)
    return run([sys.executable, __file__, script, function.__name__, json.dumps(arguments)])


def by_turns(sides: Mapping[str, Callable], runs: int) -> dict[str, list]:
    """Call several functions alternately, so that other load on the machine affects all of them equally."""
    found = {name: [] for name in sides}
    for _ in range(runs):
        for name, side in sides.items():
            found[name].append(side())
    return found


def growth(frame: pd.DataFrame, x: str, y: str, by: list[str]) -> pd.Series:
    """Scaling exponent of y with x between the two largest x, for each group of rows; NaN for one size."""

    def power(rows):
        rows = rows.sort_values(x)[-2:]
        return np.diff(np.log(rows[y]))[0] / np.diff(np.log(rows[x]))[0] if rows[x].nunique() > 1 else np.nan

    return pd.Series({" ".join(name): power(rows) for name, rows in frame.groupby(by, sort=False)}, name=y)


def report(a: argparse.Namespace, rows: list[dict], x: str, ys: dict[str, str], by: str, panels: str | None = None):
    """Print rows as a table with their scaling; write them as CSV and as a figure with logarithmic axes.

    Parameters
    ----------
    a : Namespace
        Has ``out`` and ``name``.
    rows : list of dict
    x : str
        The column of sizes.
    ys : dict of str to str
        The columns to draw, from left to right, and their labels.
    by : str
        The column whose values are lines.
    panels : str, optional
        The column whose values are rows of panels.
    """
    frame = pd.DataFrame(rows)
    print(frame.to_string(index=False, float_format=lambda v: f"{v:.3g}", na_rep="-"))
    groups = [panels, by] if panels else [by]
    for y in ys:
        grown = growth(frame, x, y, groups).dropna()
        if len(grown):
            names = (f"{name} {k:.2f}" for name, k in grown.items())
            print(f"scaling exponent of {y} with {x} between the two largest sizes: {'; '.join(names)}")
    a.out.mkdir(parents=True, exist_ok=True)
    with (a.out / f"{a.name}.csv").open("w") as file:
        file.write(f"# {machine()}\n")
        frame.to_csv(file, index=False)
    _draw(frame, x, ys, by, panels, a.out / a.name)
    print(f"written: {a.out / a.name}.csv, .svg, .png")


def _draw(frame, x, ys, by, panels, path):
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot
    from matplotlib.ticker import NullFormatter

    from eisim.report.style import DOUBLE, letters, paper

    parts = [(None, frame)] if panels is None else list(frame.groupby(panels, sort=False))
    names = list(dict.fromkeys(frame[by]))
    with paper():
        figure, axes = pyplot.subplots(
            len(parts), len(ys), figsize=(DOUBLE, 0.5 + 1.9 * len(parts)), squeeze=False, layout="constrained"
        )
        for (panel, part), line in zip(parts, axes, strict=True):
            for (y, label), ax in zip(ys.items(), line, strict=True):
                for k, name in enumerate(names):
                    rows = part[(part[by] == name) & (part[y] > 0)]
                    ax.plot(rows[x], rows[y], "osD^vPX"[k % 7] + "-", color=f"C{k % 6}", label=name)
                ax.set(xscale="log", yscale="log", xlabel=x, ylabel=label, title=panel or "")
                ax.set_xticks(sizes := sorted(set(part[x])), [f"{size:,}" for size in sizes])
                if len(drawn := part[y][part[y] > 0]):  # whole decades, so that two of them have a label
                    ax.set_ylim(*10.0 ** np.array([np.floor(np.log10(drawn.min())), np.ceil(np.log10(drawn.max()))]))
                for axis in (ax.xaxis, ax.yaxis):
                    axis.set_minor_formatter(NullFormatter())
        letters(axes.flat)
        columns = min(len(names), 80 // max(map(len, map(str, names))))
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=max(columns, 1))
        for kind in ("svg", "png"):
            figure.savefig(f"{path}.{kind}")
        pyplot.close(figure)


if __name__ == "__main__":
    script, name, arguments = sys.argv[1:]
    sys.path.insert(0, str(Path(script).parent))
    print(json.dumps(runpy.run_path(script)[name](**json.loads(arguments))))
