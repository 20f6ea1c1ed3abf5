"""How the census of functions is shown."""

from collections.abc import Iterator

import numpy as np

from eisim.base.files import to_csv
from eisim.report import proof
from eisim.report.findings import Explanation
from eisim.report.table import Column, Table
from eisim.report.tabular import array
from eisim.report.view import Drawing, View, show_with
from eisim.report.views import census_figures as figures
from eisim.report.views import columns
from eisim.report.wording import count, listing
from eisim.studies.census import BOTH, DEDEKIND, TRENDS, Census, bits
from eisim.theory.structure.certificate import MIXED

#: Up to so many functions are listed one by one.
LISTED = 256
FILE = "functions.csv"
ACCURACY = "Mean share of patterns answered correctly"
LOST = "Kept: every pattern is right without inhibition, too. No excitatory-only circuit computes what has a floor."
SURVIVE = (
    "In these circuits, silencing inhibition at unchanged decision thresholds leaves the least function above the "
    "original that never falls when inputs rise: wherever a lower input was answered with 1, the answer is 1. A "
    "function that never falls is therefore unchanged, and any other is lost."
)

WIRING_FILE = "wiring.csv"
WIRING = (
    "Where all routes from an input to a readout have one sign, wiring alone proves what the function does in that "
    "input, for any weights (T10): it rises, falls, or does not depend on it. The certificate is sufficient, not "
    "necessary: of a mixed pair it proves nothing, and the function may still be monotone in that input."
)


class CensusView(View[Census]):
    """Functions by the inhibition that they have, by floor and by what is left of them; short lists one by one."""

    @property
    def heading(self) -> str:
        return f"Of all functions of {self._inputs}, which survive without inhibition?"

    @property
    def _inputs(self) -> str:
        return count(self.result.n_inputs, "input")

    @property
    def _groups(self) -> dict[int, np.ndarray]:
        """Which functions have how many inhibitory neurons."""
        return {int(r): self.result.inhibitory == r for r in np.unique(self.result.inhibitory)}

    @property
    def _mixed(self) -> tuple[int, int]:
        """Number of mixed pairs, and of those whose function is monotone in that input."""
        by_trend = self.result.pairs[MIXED]
        return sum(by_trend.values()), sum(by_trend.values()) - by_trend[BOTH]

    def to_json(self) -> dict:
        census, accuracy = self.result, self.result.accuracy
        values, counts = np.unique(census.floor, return_counts=True)
        have = {str(r): int((census.inhibitory == r).sum()) for r in sorted({0, 1, 2, *self._groups})}
        return {
            "inputs": census.n_inputs,
            "kind": census.kind,
            "functions": len(census.values),
            "sampled": census.sampled,
            "computed_intact": int(census.intact.sum()),
            "survive_ablation": int(census.survives.sum()),
            "monotone": int(census.monotone.sum()),
            "dedekind_number": DEDEKIND[census.n_inputs],
            "by_inhibitory_neurons": have,
            "floor": {
                "mean": float(census.floor.mean()),
                "functions_by_floor": {f"{v:g}": int(n) for v, n in zip(values, counts, strict=True)},
            },
            "accuracy": {
                "fraction_removed": census.fractions,
                "mean": accuracy.mean(axis=1),
                "functions_computed": (accuracy == 1).sum(axis=1),
                "mean_by_inhibitory_neurons": {str(r): accuracy[:, g].mean(axis=1) for r, g in self._groups.items()},
            },
            "circuit": {"neurons": census.neurons, "synapses": census.synapses},
            "wiring": None if census.wiring is None else self._wiring(),
            "problems": census.problems,
        }

    def _wiring(self) -> dict:
        mixed, monotone = self._mixed
        is_ = {"certificate": "sufficient, not necessary", "theorem": "T10"}
        return {**is_, "pairs": self.result.pairs, "mixed": mixed, "mixed_and_monotone": monotone}

    def answer(self) -> Iterator[str]:
        census = self.result
        drawn = "randomly drawn functions" if census.sampled else "functions"
        same = ", exactly the monotone ones" if np.array_equal(census.survives, census.monotone) else ""
        yield f"Intact: {census.intact.sum():,} of {len(census.values):,} {drawn} of {self._inputs} computed."
        yield f"Without inhibition: {census.survives.sum():,}{same}."
        which = "needed" if np.array_equal(census.inhibitory, census.complexity) else "in the circuit"
        yield f"Inhibitory neurons {which}: {', '.join(f'{r} ({g.sum():,})' for r, g in self._groups.items())}."

    def tables(self) -> Iterator[Table]:
        census, accuracy, n_patterns = self.result, self.result.accuracy, self.result.values.shape[1]
        sampled = f"{census.monotone.sum():,} of the sample are monotone; " if census.sampled else ""
        everything = np.ones(len(census.values), dtype=bool)
        by_inhibition = (
            Column("inhibitory neurons", lambda g: g[0], note="With a path to the readouts of these functions."),
            Column("functions", lambda g: g[1].sum()),
            Column("share", lambda g: round(100 * float(g[1].mean()), 2), unit="%", note="Of all functions."),
            Column("computed intact", lambda g: census.intact[g[1]].sum(), note="On every pattern."),
            Column("survive", lambda g: census.survives[g[1]].sum(), note="The same without inhibition."),
            Column("mean floor", lambda g: census.floor[g[1]].mean()),
            Column("highest floor", lambda g: census.floor[g[1]].max()),
            Column("accuracy ablated", lambda g: accuracy[-1, g[1]].mean(), note=f"{ACCURACY} without inhibition."),
        )
        groups = [(str(r), mine) for r, mine in self._groups.items()] + [("all", everything)]
        notes = (
            f"One {census.kind} circuit of {census.neurons:,} neurons and {census.synapses:,} synapses for them all; "
            f"{n_patterns} patterns × {len(census.fractions)} fractions removed.",
            f"{sampled}{DEDEKIND[census.n_inputs]:,} functions of {self._inputs} are monotone (Dedekind number).",
        )
        yield Table("Functions by number of inhibitory neurons", by_inhibition, groups, notes, FILE)
        by_floor = (
            Column("patterns wrong", lambda row: round(float(row[0]) * n_patterns), note=f"Of {n_patterns}."),
            columns.floor(lambda row: row[0]),
            Column("functions", lambda row: row[1]),
        )
        counted = list(zip(*np.unique(census.floor, return_counts=True), strict=True))
        yield Table("Functions by their floor", by_floor, counted, data=FILE, on_page_only=True)
        by_fraction = (
            Column("fraction removed", lambda k: census.fractions[k], note="Of inhibition."),
            Column("accuracy", lambda k: accuracy[k].mean(), note=f"{ACCURACY}."),
            Column("functions computed", lambda k: (accuracy[k] == 1).sum()),
        )
        levels, title = range(len(census.fractions)), "Accuracy by fraction of inhibition removed"
        yield Table(title, by_fraction, levels, data=FILE, on_page_only=True)
        if census.wiring is not None:
            yield self._wiring_and_function()
        if len(census.values) <= LISTED:
            yield self._functions()  # last, as it is long

    def _wiring_and_function(self):
        mixed, monotone = self._mixed
        by_wiring = (
            Column("wiring", lambda row: row[0], note="Sign of all routes from an input to the readout of a function."),
            Column("pairs", lambda row: sum(row[1].values()), note="Of an input and a function."),
            *(Column(f"function {trend}", lambda row, trend=trend: row[1][trend]) for trend in TRENDS),
        )
        notes = ["What wiring alone proves, and what the function does when that input rises and the others stay."]
        if mixed:
            which = f"in {monotone:,} of {count(mixed, 'mixed pair')} the function is monotone in that input"
            notes.append(f"Sufficient, not necessary: {which}.")
        return Table(
            "Wiring and function", by_wiring, [*self.result.pairs.items()], notes, WIRING_FILE, on_page_only=True
        )

    def _functions(self):
        census, accuracy = self.result, self.result.accuracy
        one_by_one = (
            Column("function", lambda k: bits(census.values[k]), note="Values of the patterns in counting order."),
            columns.verdict(lambda k: str(census.verdicts[k]), LOST),
            Column(f"intact, {census.kind}", lambda k: accuracy[0, k], note="Share of patterns right."),
            Column(f"ablated, {census.kind}", lambda k: accuracy[-1, k], note="The same without inhibition."),
            columns.floor(lambda k: census.floor[k]),
            Column("inhibitory neurons", lambda k: census.inhibitory[k], note="With a path to its readout."),
            Column("inversion complexity", lambda k: census.complexity[k], note="The least number of them."),
        )
        all_functions, title = range(len(census.values)), "Functions with and without inhibition"
        return Table(title, one_by_one, all_functions, data=FILE, on_page_only=True)

    def figures(self) -> Iterator[Drawing]:
        maps = (
            "Above, each cell is a function, coloured where this number of inhibitory neurons suffices; row and column "
            "are the two halves of its truth table, sorted by their own inversion complexity. "
        )
        left, right = ("Left", "Right") if self.result.sampled else ("Below left", "Below right")
        yield Drawing(
            "function_space.svg",
            "The space of functions",
            f"{'' if self.result.sampled else maps}{left}, distribution of the floor. {right}, mean accuracy "
            "by number of inhibitory neurons, and the share of functions still computed, against the "
            "fraction of inhibition removed.",
            f"{' '.join(self.answer())} Highest floor: {self.result.floor.max():.3g}.",
            "functions.csv",
            draw=lambda: figures.function_space(self.result),
        )

    def proofs(self) -> Iterator[Explanation]:
        census = self.result
        yield proof.excitation()
        yield Explanation("Why these functions survive", (SURVIVE,))
        worst = census.floor.argmax()
        if census.floor[worst] > 0:
            n_patterns = census.values.shape[1]
            floor = (
                "The floor of a function is the least share of patterns at which it differs from any function that "
                "never falls; here it was compared with every one. The highest is that of "
                f"{bits(census.values[worst])}: {round(census.floor[worst] * n_patterns)} of {n_patterns} patterns "
                "must be wrong."
            )
            yield Explanation("The floor", (floor,))
            needed = (f"{r} for up to {count(2**r - 1, 'fall')}" for r in np.unique(census.complexity).tolist() if r)
            inhibition = (
                "Let a function fall d times at most along a chain of rising inputs. A feed-forward threshold circuit "
                f"needs as many inhibitory neurons as it takes bits to count to d (Markov 1957): {listing(needed)}."
            )
            yield Explanation("The inhibition that functions need", (inhibition,))
        if census.wiring is not None:
            yield Explanation("What wiring alone proves", (WIRING,))

    def files(self) -> Iterator[tuple[str, str | bytes]]:
        census = self.result
        columns = ["truth_table", "inhibitory_neurons", "floor", "computed_intact", "survives_ablation"]
        columns += [f"accuracy_{fraction:.0%}_removed" for fraction in census.fractions]
        whole = (census.inhibitory, census.intact.astype(int), census.survives.astype(int))
        inhibitory, intact, survives = (each.tolist() for each in whole)
        accuracies = map(_shortest, census.accuracy)
        rows = zip(
            map(bits, census.values), inhibitory, _shortest(census.floor), intact, survives, *accuracies, strict=True
        )
        yield "functions.csv", to_csv(rows, columns)
        if census.wiring is not None:
            inputs = range(1, census.n_inputs + 1)
            names = [f"{what}_x{k}" for what in ("wiring", "function") for k in inputs]
            words = zip(map(bits, census.values), *census.wiring.tolist(), *census.trends.tolist(), strict=True)
            yield WIRING_FILE, to_csv(words, ["truth_table", *names])

    def labelled(self) -> tuple[dict, dict]:
        census, of = self.result, "function pattern"
        answer = f"answer of the {census.kind} circuit"
        return {
            "value": array(of, census.values.astype(np.int8), "value of the function"),
            "computed": array(f"fraction_removed {of}", census.computed.astype(np.int8), answer),
            "floor": array("function", census.floor, "least zero-one error of any excitatory-only circuit"),
            "inhibitory_neurons": array("function", census.inhibitory.astype(np.int32)),
        }, {"fraction_removed": array("fraction_removed", census.fractions, "fraction of inhibition removed")}


def _shortest(numbers) -> list[str]:
    """Numbers as ``"g"`` prints them, each distinct one once."""
    distinct, which = np.unique(numbers, return_inverse=True)
    return np.array([f"{number:g}" for number in distinct])[which].tolist()


show_with(Census, CensusView)
