"""The census: of all functions of a few inputs, what one circuit of them all loses with its inhibition."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from scipy import sparse

from eisim.ablation import ablate
from eisim.base.progress import shows_progress
from eisim.circuit import Circuit
from eisim.functions import patterns
from eisim.simulation import simulate
from eisim.studies.curves import ROUNDING, AblationCurve, Criterion, contradiction, questioned, verdicts
from eisim.theory.code import least_codes
from eisim.theory.inversion import falls
from eisim.theory.structure.certificate import BLIND, FALLS, MIXED, RISES, WORDS, certify_structure
from eisim.theory.synthesis import build

#: Number of monotone functions of n inputs.
DEDEKIND = {1: 3, 2: 6, 3: 20, 4: 168, 5: 7581}
#: Of more inputs than this, functions are drawn at random.
MOST_EXHAUSTIVE = 4
#: A function is computed if every pattern is answered correctly.
CRITERION = Criterion.absolute(1.0)
#: What a function does when an input rises, by whether its value rises anywhere and whether it falls anywhere.
CONSTANT, BOTH = "constant", "both"
TRENDS = RISES, FALLS, CONSTANT, BOTH
_TREND = np.array([[CONSTANT, FALLS], [RISES, BOTH]], dtype=object)
#: What wiring of one sign allows.
_ALLOWED = {RISES: (RISES, CONSTANT), FALLS: (FALLS, CONSTANT), BLIND: (CONSTANT,)}


@dataclass(frozen=True, eq=False)
class Census:
    """Findings for every function."""

    n_inputs: int
    sampled: bool  # whether the functions are a random sample, not all
    values: np.ndarray  # (n_functions, 2**n_inputs)
    inhibitory: np.ndarray  # (n_functions,): inhibitory neurons that reach its readout in the circuit
    complexity: np.ndarray  # (n_functions,): inversion complexity
    floor: np.ndarray  # (n_functions,): least zero-one error of any excitatory-only circuit
    fractions: np.ndarray  # (n_levels,): of inhibition removed, from 0 to 1
    computed: np.ndarray  # (n_levels, n_functions, 2**n_inputs): what the circuit answered
    kind: str
    neurons: int  # of the one circuit that computes them all
    synapses: int
    wiring: np.ndarray | None = None  # (n_inputs, n_functions): the sign of all walks to its readout, in a word

    @cached_property
    def accuracy(self) -> np.ndarray:
        """Share of patterns answered correctly, levels × functions."""
        return (self.computed == self.values).mean(axis=2)

    @property
    def intact(self) -> np.ndarray:
        """Which functions are computed with all inhibition."""
        return CRITERION.computed(self.accuracy[0])

    @property
    def survives(self) -> np.ndarray:
        """Which functions are computed without inhibition."""
        return CRITERION.reached(self.accuracy[-1], self.accuracy[0])

    @property
    def monotone(self) -> np.ndarray:
        """Which functions are monotone."""
        return self.floor == 0

    @property
    def verdicts(self) -> np.ndarray:
        """``"kept"``, ``"lost"`` or ``"not computed"`` for each function."""
        return verdicts(self.accuracy[0], self.accuracy[-1], CRITERION)

    @cached_property
    def trends(self) -> np.ndarray:
        """What each function does in each input, one of `TRENDS`; shape (n_inputs, n_functions)."""
        return trends(self.values, self.n_inputs)

    @cached_property
    def pairs(self) -> dict[str, dict[str, int]]:
        """Pairs of input and function, by the sign of the wiring and by what the function does in that input."""
        is_trend = {trend: self.trends == trend for trend in TRENDS}
        rows = {word: self.wiring == word for word in WORDS}
        return {
            word: {trend: int((row & found).sum()) for trend, found in is_trend.items()} for word, row in rows.items()
        }

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """An ablation curve for each function, whose scores are shares of patterns answered correctly."""
        words = np.full((self.n_inputs, len(self.values)), MIXED) if self.wiring is None else self.wiring
        rises = np.isin(words, (RISES, BLIND)).all(axis=0)
        return tuple(
            AblationCurve.of(
                None,
                self.kind,
                self.fractions,
                scores[:, None],
                CRITERION,
                float(floor),
                function=bits(values),
                constant=float(max(values.mean(), 1 - values.mean())),
                is_exact=True,
                rises=bool(of),
            )
            for scores, floor, values, of in zip(self.accuracy.T, self.floor, self.values, rises, strict=True)
        )

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        found, assumptions = [], questioned(None, self.kind == "spiking")

        def check(wrong, what, theorem=""):
            if wrong.any():
                examples = ", ".join(bits(f) for f in self.values[wrong][:3])
                finding = f"{wrong.sum():,} of {len(wrong):,} functions {what}{theorem}, such as {examples}"
                found.append(contradiction("census", finding, assumptions) if theorem else f"census: {finding}")

        check(~self.intact, "are not computed by the intact circuit")
        check(self.inhibitory != self.complexity, "do not have the number of inhibitory neurons that they need")
        check(self.survives != self.monotone, "survive ablation and are not monotone, or the reverse", " (T8)")
        is_below = 1 - self.accuracy[-1] < self.floor - ROUNDING
        check(is_below, "have an error below the floor without inhibition", " (T3)")
        differ = (self.computed[-1] != upward_closure(self.values)).any(axis=1)
        check(differ, "are not left as the least monotone function above them (T8)")
        if self.wiring is not None:
            answered, against = trends(self.computed[0], self.n_inputs), np.zeros(self.wiring.shape, dtype=bool)
            for word, allowed in _ALLOWED.items():
                against |= (self.wiring == word) & ~np.isin(answered, allowed)
            check(against.any(axis=0), "are answered against the sign of their wiring", " (T10)")
        number, expected = self.survives.sum(), DEDEKIND.get(self.n_inputs)
        if not self.sampled and number != expected:
            finding = f"expected the Dedekind number {expected} to survive (T8), found {number}"
            found.append(contradiction("census", finding, assumptions))
        return found


def bits(values) -> str:
    """A function's truth table as text."""
    return (np.asarray(values, dtype=bool) + np.uint8(ord("0"))).tobytes().decode()


def functions(n_inputs: int, sample: int, seed: int) -> np.ndarray:
    """All functions in counting order, or a random sample with each value 0 or 1 with the same chance."""
    n_patterns = 2**n_inputs
    if n_inputs <= MOST_EXHAUSTIVE:
        return (np.arange(2**n_patterns)[:, None] >> np.arange(n_patterns)[::-1] & 1).astype(bool)
    return np.random.default_rng(seed).random((sample, n_patterns)) < 0.5


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


def trends(values: np.ndarray, n_inputs: int) -> np.ndarray:
    """What functions do in each input while the others stay, one of `TRENDS`; shape (n_inputs, n_functions)."""
    cube = values.reshape(-1, *[2] * n_inputs)
    found = []
    for axis in range(1, n_inputs + 1):
        low, high = (cube.take(k, axis).reshape(len(values), -1) for k in (0, 1))
        found.append(_TREND[(low < high).any(axis=1).astype(int), (low > high).any(axis=1).astype(int)])
    return np.array(found)


def inhibitory_upstream(circuit: Circuit) -> np.ndarray:
    """Number of inhibitory neurons from which a path leads to each neuron of the readout; the circuit is acyclic."""
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


@shows_progress
def measure(
    n_inputs: int,
    levels: int,
    sample: int,
    kind: str,
    times: dict[str, float],
    seed: int,
    backend: str = "cpp",
    report: Callable[..., None] | None = None,
) -> Census:
    """Simulate one circuit that computes all functions, intact and at every level of ablation.

    Of more than `MOST_EXHAUSTIVE` inputs, `sample` functions are drawn by the seed; `times` are duration, window and
    dt, in s.
    """
    report("building the circuit of all functions")
    values = functions(n_inputs, sample, seed)
    code, n_inhibitory = least_codes(values)
    circuit = build(values, code, n_inhibitory, kind, f"functions of {n_inputs} inputs").without_noise()
    fractions = 1 - np.linspace(1, 0, levels) ** 2  # denser where the last inhibition is removed
    weakened = [ablate(circuit, fraction) for fraction in fractions]
    responses = simulate(weakened, patterns(n_inputs), backend=backend, report=report, **times)
    report("comparing with the theory")
    return Census(
        n_inputs=n_inputs,
        sampled=n_inputs > MOST_EXHAUSTIVE,
        values=values,
        inhibitory=inhibitory_upstream(circuit),
        complexity=np.ceil(np.log2(falls(values).max(axis=1) + 1)).astype(int),
        floor=floors(values, n_inputs),
        fractions=fractions,
        computed=np.stack([response.decisions.T for response in responses]),
        kind=kind,
        neurons=sum(p.size for p in circuit.populations),
        synapses=sum(circuit.weights(p).nnz for p in circuit.projections),
        wiring=certify_structure(circuit).words(),
    )
