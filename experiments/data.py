"""Do your data need inhibition?"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eisim.base.errors import InputError
from eisim.base.values import Value, count
from eisim.run.experiment import Experiment


@dataclass(frozen=True)
class Settings(Value):
    """Settings for ``--set``.

    A file that lists every binary pattern is a truth table and is run as by ``boolean``.

    Attributes
    ----------
    file : str
        A table with named columns (see `LabelledData.from_file`).
    target : str
        Column with the class label of each row.
    weights : str
        Column with the weight of each row.
    ignore : tuple of str
        Columns to ignore; all others are inputs.
    header : {"auto", "yes", "no"}
        Whether the first line names the columns; ``auto`` refuses a first line that contains values.
    rows : int
        Largest number of rows; larger tables are sampled at random.
    scale : {"range", "rank"}
        How each input is scaled to the range 0 to 1: by its range, or by rank.
    hidden : tuple of int
        Sizes of the hidden layers.
    iterations : int
        Largest number of training steps.
    tries : int
        Number of networks trained; the best one is reported.
    levels : int
        Number of fractions of inhibition removed, from 0 to 1.
    controls : {"all", "none"}
        Whether the full ablation is controlled: readout re-fitted, excitation scaled to compensate, and shams. Without
        them no reason of a loss is known.
    """

    file: str = ""
    target: str = ""
    weights: str = ""
    ignore: tuple[str, ...] = ()
    header: Literal["auto", "yes", "no"] = "auto"
    rows: int = count(1000, 2)
    scale: Literal["range", "rank"] = "range"
    hidden: tuple[int, ...] = (32,)
    iterations: int = count(1000, 1)
    tries: int = count(3, 1)
    levels: int = count(11, 2)
    controls: Literal["all", "none"] = "all"

    def __post_init__(self):
        super().__post_init__()
        if any(size < 1 for size in self.hidden):
            raise InputError(f"hidden: expected sizes of at least 1, found {self.hidden}")


def of_file(path: Path) -> Experiment:
    """The experiment on a table, as in ``python -m eisim run FILE.csv``."""
    return Experiment.of_module(sys.modules[__name__], path.stem, given={"file": str(path)})


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment; returns an `eisim.studies.data.DataResult`, or for a truth table that of ``boolean``."""
    from eisim.functions import TruthTable
    from eisim.studies.data import measure, read

    header = {"auto": None, "yes": True, "no": False}[settings.header]
    data = read(settings.file, settings.target or None, settings.weights or None, settings.ignore, report, header)
    if isinstance(data, TruthTable):
        from eisim.experiments import boolean
        from eisim.studies.boolean import Case, run_ablation

        own = boolean.Settings(levels=settings.levels, controls=settings.controls)
        return run_ablation([Case.of(data)], boolean.protocol(own, kinds, seed, backend), report)
    how = {name: getattr(settings, name) for name in ("rows", "scale", "hidden", "iterations", "tries", "levels")}
    return measure(
        data, **how, kinds=kinds, seed=seed, backend=backend, controls=settings.controls == "all", report=report
    )


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "data")
