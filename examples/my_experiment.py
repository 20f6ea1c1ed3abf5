"""An experiment: how much inhibition do random functions require?"""

from dataclasses import dataclass

import numpy as np

from eisim import InputError, TruthTable, certify


@dataclass(frozen=True)
class Settings:
    """Settings that ``--set`` can change."""

    inputs: int = 3
    functions: int = 20
    bias: float = 0.5

    def __post_init__(self):
        if not 1 <= self.inputs <= 6:
            raise InputError(f"inputs: expected from 1 to 6, found {self.inputs}")


def run(settings, kinds, seed, backend, report):
    rng, rows = np.random.default_rng(seed), []
    for k in range(settings.functions):
        report("certifying", k / settings.functions)
        bits = "".join("01"[int(x < settings.bias)] for x in rng.random(2**settings.inputs))
        proof = certify(TruthTable(bits), ("zero_one",), orient=False)
        rows.append({"function": bits, "floor": proof.floor["zero_one"], "neurons": proof.inversion_complexity})
    return {"rows": rows}


def table(result):
    needing = [row for row in result["rows"] if row["neurons"]]
    return f"{len(needing)} of {len(result['rows'])} random functions need inhibition."


def tables(result):
    yield (
        "table.csv",
        "function,floor,neurons\n" + "".join("{function},{floor},{neurons}\n".format(**r) for r in result["rows"]),
    )


def figures(result):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.5, 2.5), layout="constrained")
    ax = figure.subplots()
    ax.hist([row["floor"] for row in result["rows"]])
    ax.set(xlabel="floor (fraction of patterns)", ylabel="functions")
    yield "floors.svg", figure
