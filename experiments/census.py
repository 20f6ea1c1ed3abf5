"""Of all functions of N inputs, which need how much inhibition, and which survive without?"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from eisim.base.errors import InputError
from eisim.base.values import Value, quantity

#: Number of monotone functions of n inputs.
DEDEKIND = {1: 3, 2: 6, 3: 20, 4: 168, 5: 7581}
MOST_EXHAUSTIVE, MOST = 4, 5


@dataclass(frozen=True)
class Settings(Value):
    """What ``--set`` can change.

    Attributes
    ----------
    inputs : int
        Number of inputs of the functions.
    levels : int
        Number of fractions of inhibition that are removed, from 0 to 1.
    sample : int
        Number of functions that are drawn at random where there are more than 4 inputs.
    duration, window, dt : quantity
        Length of a trial, of the read-out window at its end, and of a time step.
    """

    inputs: int = 4
    levels: int = 7
    sample: int = 1000
    duration: float = quantity(200e-3, "second", positive=True)
    window: float = quantity(100e-3, "second", positive=True)
    dt: float = quantity(0.5e-3, "second", positive=True)

    def __post_init__(self):
        super().__post_init__()
        for name, least, most in (("inputs", 1, MOST), ("levels", 2, 101), ("sample", 1, 20_000)):
            found = getattr(self, name)
            if not least <= found <= most:
                raise InputError(f"{name}: expected {least} to {most}, found {found}")


@dataclass(frozen=True, eq=False)
class Census:
    """What was found of every function.

    Attributes
    ----------
    n_inputs : int
    sampled : bool
        Whether the functions are a random sample, not all.
    values : ndarray of bool, shape (n_functions, 2**n_inputs)
    inhibitory : ndarray of int, shape (n_functions,)
        Inhibitory neurons that the readout of each function hears from, counted in the circuit.
    complexity : ndarray of int, shape (n_functions,)
        Inversion complexity.
    floor : ndarray of shape (n_functions,)
        Least zero-one error of any excitatory-only circuit.
    fractions : ndarray of shape (n_levels,)
        Of inhibition removed, from 0 to 1.
    computed : ndarray of bool, shape (n_levels, n_functions, 2**n_inputs)
        What the circuit answered.
    kind : str
    neurons, synapses : int
        Of the one circuit that computes them all.
    """

    n_inputs: int
    sampled: bool
    values: np.ndarray
    inhibitory: np.ndarray
    complexity: np.ndarray
    floor: np.ndarray
    fractions: np.ndarray
    computed: np.ndarray
    kind: str
    neurons: int
    synapses: int

    @property
    def accuracy(self) -> np.ndarray:
        """Share of patterns answered correctly, levels × functions."""
        return (self.computed == self.values).mean(axis=2)

    @property
    def intact(self) -> np.ndarray:
        """Which functions are computed with all inhibition."""
        return self.accuracy[0] == 1

    @property
    def survives(self) -> np.ndarray:
        """Which functions are computed without inhibition."""
        return self.accuracy[-1] == 1

    @property
    def monotone(self) -> np.ndarray:
        """Which functions are monotone."""
        return self.floor == 0

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        found = []

        def check(wrong, what):
            if wrong.any():
                examples = ", ".join(bits(f) for f in self.values[wrong][:3])
                found.append(f"census: {wrong.sum():,} of {len(wrong):,} functions {what}, such as {examples}")

        check(~self.intact, "are not computed by the intact circuit")
        check(self.inhibitory != self.complexity, "have another number of inhibitory neurons than they need")
        check(
            self.survives != self.monotone, "CONTRADICT T8: they survive ablation and are not monotone, or the reverse"
        )
        check(1 - self.accuracy[-1] < self.floor - 1e-12, "CONTRADICT T3: the ablated circuit is better than the floor")
        check(
            (self.computed[-1] != upward_closure(self.values)).any(axis=1),
            "are not left as the least monotone function above them (T8)",
        )
        if not self.sampled and self.survives.sum() != DEDEKIND[self.n_inputs]:
            found.append(
                f"census: CONTRADICTION of T8: expected the Dedekind number {DEDEKIND[self.n_inputs]} to survive, "
                f"found {self.survives.sum()}"
            )
        return found


def bits(values) -> str:
    """A function's truth table as text."""
    return "".join("01"[int(v)] for v in values)


def functions(settings: Settings, seed: int) -> np.ndarray:
    """All functions in counting order, or a random sample with each value 0 or 1 with the same chance."""
    n_patterns = 2**settings.inputs
    if settings.inputs <= MOST_EXHAUSTIVE:
        return (np.arange(2**n_patterns)[:, None] >> np.arange(n_patterns)[::-1] & 1).astype(bool)
    return np.random.default_rng(seed).random((settings.sample, n_patterns)) < 0.5


@cache
def monotone_functions(n_inputs: int) -> np.ndarray:
    """All monotone functions, bool of shape (number, 2**n_inputs): those whose halves are monotone and in order."""
    if n_inputs == 0:
        return np.array([[False], [True]])
    halves = monotone_functions(n_inputs - 1)
    lower, upper = np.nonzero((halves[:, None] <= halves).all(axis=2))
    return np.hstack([halves[lower], halves[upper]])


def floors(values: np.ndarray, n_inputs: int) -> np.ndarray:
    """The least zero-one error of any monotone function, by comparison with every one."""
    least = np.full(len(values), values.shape[1], dtype=float)
    for monotone in monotone_functions(n_inputs):
        np.minimum(least, (values != monotone).sum(axis=1), out=least)
    return least / values.shape[1]


def upward_closure(values: np.ndarray) -> np.ndarray:
    """The least monotone function above each."""
    closed = values.copy()
    for x in range(values.shape[1]):
        for bit in range(x.bit_length()):
            if x >> bit & 1:
                closed[:, x] |= closed[:, x ^ 1 << bit]
    return closed


def inhibitory_upstream(circuit) -> np.ndarray:
    """Number of inhibitory neurons from which a path leads to each neuron of the readout; the circuit is acyclic."""
    from scipy import sparse

    readout = circuit.readouts[0].population
    size = {p.name: p.size for p in circuit.populations}
    hears = {readout: sparse.eye_array(size[readout], format="csr", dtype=bool)}
    for population in reversed(circuit.populations):  # in the order of the signal, so that targets come before
        for projection in circuit.projections:
            if projection.source == population.name and projection.target in hears:
                onward = (circuit.weights(projection) != 0) @ hears[projection.target]
                hears[population.name] = hears.get(population.name, onward) + onward
    inhibitory = [hears[p.name] for p in circuit.populations if p.sign == "I" and p.name in hears]
    return sum((np.asarray((matrix != 0).sum(axis=0)).ravel() for matrix in inhibitory), np.zeros(size[readout], int))


def run(settings: Settings, kinds, seed, backend, report) -> Census:
    """Run the census: spiking circuits, or rate circuits if they alone are asked for."""
    from eisim.ablation import ablate
    from eisim.functions import patterns
    from eisim.simulation import simulate
    from eisim.theory.code import least_codes
    from eisim.theory.inversion import falls
    from eisim.theory.synthesis import build

    report("building the circuit of all functions")
    kind = "spiking" if "spiking" in kinds else "rate"
    values = functions(settings, seed)
    code, n_inhibitory = least_codes(values)
    circuit = build(values, code, n_inhibitory, kind, f"functions of {settings.inputs} inputs").without_noise()
    fractions = 1 - np.linspace(1, 0, settings.levels) ** 2  # closer where the last inhibition goes
    responses = simulate(
        [ablate(circuit, fraction) for fraction in fractions],
        patterns(settings.inputs),
        duration=settings.duration,
        window=settings.window,
        dt=settings.dt,
        backend=backend,
        report=report,
    )
    report("comparing with the theory")
    return Census(
        n_inputs=settings.inputs,
        sampled=settings.inputs > MOST_EXHAUSTIVE,
        values=values,
        inhibitory=inhibitory_upstream(circuit),
        complexity=np.ceil(np.log2(falls(values).max(axis=1) + 1)).astype(int),
        floor=floors(values, settings.inputs),
        fractions=fractions,
        computed=np.stack([response.decisions.T for response in responses]),
        kind=kind,
        neurons=sum(p.size for p in circuit.populations),
        synapses=sum(circuit.weights(p).nnz for p in circuit.projections),
    )


def _groups(census):
    """Pairs of a number of inhibitory neurons and the functions that have so many."""
    return [(int(r), census.inhibitory == r) for r in np.unique(census.inhibitory)]


def to_json(census: Census) -> dict:
    """What ``--json`` prints, beside the seed."""
    accuracy = census.accuracy
    values, counts = np.unique(census.floor, return_counts=True)
    least = {r: 0 for r in range(3)} | {r: int(mine.sum()) for r, mine in _groups(census)}
    return {
        "inputs": census.n_inputs,
        "kind": census.kind,
        "functions": len(census.values),
        "sampled": census.sampled,
        "computed_intact": int(census.intact.sum()),
        "survive_ablation": int(census.survives.sum()),
        "monotone": int(census.monotone.sum()),
        "dedekind_number": DEDEKIND[census.n_inputs],
        "by_inhibitory_neurons": {str(r): number for r, number in sorted(least.items())},
        "floor": {
            "mean": float(census.floor.mean()),
            "functions_by_floor": {f"{v:g}": int(n) for v, n in zip(values, counts, strict=True)},
        },
        "accuracy": {
            "fraction_removed": census.fractions,
            "mean": accuracy.mean(axis=1),
            "functions_computed": (accuracy == 1).sum(axis=1),
            "mean_by_inhibitory_neurons": {str(r): accuracy[:, mine].mean(axis=1) for r, mine in _groups(census)},
        },
        "circuit": {"neurons": census.neurons, "synapses": census.synapses},
        "problems": census.problems,
    }


def table(census: Census):
    """What the terminal shows."""
    from rich.console import Group

    from eisim.report.terminal import titled_table

    what = f"{len(census.values):,} random functions" if census.sampled else f"All {len(census.values):,} functions"
    shown = titled_table(f"{what} of {census.n_inputs} inputs, {census.kind}")
    headings = ("inhibitory neurons", "functions", "share", "intact", "survive", "mean floor", "most", "ablated")
    for heading in headings:
        shown.add_column(heading, justify="right", no_wrap=True)
    accuracy = census.accuracy
    for r, mine in [*_groups(census), ("all", np.ones(len(census.values), dtype=bool))]:
        shown.add_row(
            str(r),
            f"{mine.sum():,}",
            f"{mine.mean():.2%}",
            f"{census.intact[mine].sum():,}",
            f"{census.survives[mine].sum():,}",
            f"{census.floor[mine].mean():.3f}",
            f"{census.floor[mine].max():.3f}",
            f"{accuracy[-1, mine].mean():.3f}",
        )
    dedekind = f"the Dedekind number of {census.n_inputs} inputs is {DEDEKIND[census.n_inputs]:,}"
    expected = f"{census.monotone.sum():,} of the sample are monotone; {dedekind}" if census.sampled else dedekind
    return Group(
        shown,
        "",
        f"intact: computed with all inhibition. survive: computed without ({expected}).",
        "floor: least share of patterns that any excitatory-only circuit gets wrong, mean and most of the functions.",
        "ablated: share of patterns that the circuit without inhibition answers correctly.",
        f"One circuit of {census.neurons:,} neurons and {census.synapses:,} synapses (units with the same input are "
        f"one unit) × {census.values.shape[1]} patterns × {len(census.fractions)} levels of ablation.",
    )


def tables(census: Census):
    """Pairs of file name and content."""
    from eisim.base.files import to_netcdf

    accuracy = census.accuracy
    header = "truth_table,inhibitory_neurons,floor,computed_intact,survives_ablation," + ",".join(
        f"accuracy_{f:.0%}_removed" for f in census.fractions
    )
    lines = [
        f"{bits(f)},{r},{floor:g},{int(intact)},{int(survives)}," + ",".join(f"{a:g}" for a in levels)
        for f, r, floor, intact, survives, levels in zip(
            census.values, census.inhibitory, census.floor, census.intact, census.survives, accuracy.T, strict=True
        )
    ]
    yield "functions.csv", "\n".join([header, *lines, ""])
    one = {"units": "1"}
    variables = {
        "value": (("function", "pattern"), census.values.astype(np.int8), one | {"long_name": "value of the function"}),
        "computed": (
            ("fraction_removed", "function", "pattern"),
            census.computed.astype(np.int8),
            one | {"long_name": f"answer of the {census.kind} circuit"},
        ),
        "floor": (
            ("function",),
            census.floor,
            one | {"long_name": "least zero-one error of any excitatory-only circuit"},
        ),
        "inhibitory_neurons": (("function",), census.inhibitory.astype(np.int32), one),
    }
    removed = {"units": "1", "long_name": "fraction of inhibition removed"}
    coordinates = {"fraction_removed": (("fraction_removed",), census.fractions, removed)}
    yield "data.nc", to_netcdf(variables, coordinates)


def findings(census: Census):
    """What a page shows."""
    from eisim.report.census_findings import findings

    return findings(census)


def figures(census: Census):
    """Pairs of file name and figure."""
    from eisim.report.function_space import function_space

    yield "function_space.svg", function_space(census)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "census")
