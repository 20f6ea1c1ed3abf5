"""What does a circuit of your own lose with its inhibition, and did it have to?"""

from dataclasses import dataclass

from eisim.base.values import Value, quantity


@dataclass(frozen=True)
class Settings(Value):
    """What ``--set`` can change.

    Attributes
    ----------
    file : str
        Python file that defines ``circuit``, and perhaps ``function`` (see `eisim.studies.circuit.read_circuit`).
    levels : int
        Number of fractions of inhibition that are removed, from 0 to 1.
    seeds : int
        Number of seeds of the membrane noise.
    noise : quantity
        Standard deviation of the free membrane potential in the noisy runs of truth tables.
    duration, window, dt : quantity
        Length of a trial, of the read-out window at its end, and of a time step.
    """

    file: str = ""
    levels: int = 11
    seeds: int = 5
    noise: float = quantity(0.5e-3, "volt", non_negative=True)
    duration: float = quantity(300e-3, "second", positive=True)
    window: float = quantity(200e-3, "second", positive=True)
    dt: float = quantity(0.5e-3, "second", positive=True)

    def __post_init__(self):
        super().__post_init__()
        from eisim.experiments.boolean import check_numbers

        check_numbers(self)


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment; returns an `eisim.studies.circuit_result.OwnResult`."""
    import numpy as np

    from eisim.base.timing import Timing
    from eisim.experiments import boolean
    from eisim.studies.boolean import Case
    from eisim.studies.circuit import read_circuit
    from eisim.studies.circuit_result import OwnResult
    from eisim.studies.points import measure_on_points

    times = {"duration": settings.duration, "window": settings.window, "dt": settings.dt}
    Timing(**times)
    report("reading the circuit")
    own = read_circuit(settings.file, kinds, times)
    if own.are_truth_tables and not own.without_dnn:
        cases = [
            Case(name, function, own.circuit, k)
            for k, (name, function) in enumerate(zip(own.outputs, own.functions, strict=True))
        ]
        return OwnResult(own, boolean.measure(cases, settings, list(own.circuits), seed, backend, report))
    fractions = np.linspace(0, 1, settings.levels)
    arguments = (own.circuits, own.functions, own.outputs, fractions, times, seed, backend, report)
    return OwnResult(own, None, measure_on_points(*arguments))


def _view(result):
    """How the result is shown: truth tables as ``boolean`` shows them."""
    from eisim.report import own_circuit
    from eisim.report.hooks import HookView
    from eisim.report.view import view_of

    return HookView(result, own_circuit) if result.ablation is None else view_of(result.ablation)


def to_json(result) -> dict:
    """What ``--json`` prints, beside the seed."""
    return _view(result).to_json() | {"circuit": result.own.name, "notes": list(result.notes)}


def table(result):
    """What the terminal shows."""
    from rich.console import Group

    return Group(_view(result).terminal(), *(f"Note: {note}" for note in result.notes))


def tables(result):
    """Pairs of file name and content, text or bytes."""
    return _view(result).all_files()


def figures(result):
    """Pairs of file name and figure."""
    return _view(result).drawn()


def findings(result):
    """What a page shows."""
    from dataclasses import replace

    found = _view(result).findings()
    tables = [
        replace(each, notes=(*each.notes, *(result.notes if not k else ()))) for k, each in enumerate(found.tables)
    ]
    question = f"What does {result.own.name} lose with its inhibition?"
    return replace(found, question=question, tables=tuple(tables))


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "circuit")
