"""How a connectome without parts of its inhibition is shown."""

from collections.abc import Iterator

import numpy as np

from eisim.base.files import to_csv
from eisim.report import judgements
from eisim.report.findings import Explanation
from eisim.report.numbers import OF_ONE, hertz, number
from eisim.report.table import Column, Table
from eisim.report.tabular import array, names
from eisim.report.view import Drawing, View, show_with
from eisim.report.views import connectome_figures as figures
from eisim.report.views import connectome_structure as structure
from eisim.report.wording import capital, count, listing
from eisim.studies.connectome.result import (
    ASSUMED,
    CLASS,
    FRACTION,
    INTACT,
    NEURON,
    SHUFFLED,
    TRANSMITTER,
    WITHOUT,
    ConnectomeResult,
)
from eisim.studies.connectome.worm import SOURCE, WormResult
from eisim.studies.judgement import LOST, NOT_COMPUTED

RATES, LESIONS = "rates.csv", "lesions.csv"
#: Rows of the tables of classes and of neurons; files have all.
MOST_CLASSES, MOST_LESIONS = 12, 20
#: Rates in a row of a table, over outputs and trials; the figure and the file have more.
MOST_RATES = 8
#: A lesion that changes no rate by more than this share of the largest intact one is counted as without effect.
SMALL = 0.01
WAYS = {
    "outgoing": "its chemical synapses onto others are removed (outgoing only); its gap junctions stay",
    "both": "all that it sends and receives is removed (both ways)",
}
CHANGE = "Largest change of a rate against the intact circuit, over trials and outputs."
SCORE = "Share of trials with all outputs on the required side of the thresholds of the intact circuit."
REFITTED = "The same with the best thresholds for this condition."
MIXED = (
    "Mixed: synapses that may have either sign, by the receptors of their target. Unknown: synapses without a known "
    "sign. Both: half of them of each sign. Gap junction: the conductance of one, relative to the leak. Gain: summed "
    "weight of what a neuron receives."
)
SIGNS = (
    "A wiring diagram shows which neurons are connected, not whether they excite or inhibit. Signs follow from "
    "transmitters: acetylcholine excites, GABA inhibits. Glutamate does either, by the receptors of its target. So the "
    "signs that are open are varied, and nothing holds that holds for one choice alone."
)
UNITS = (
    "In rate circuits, weights are synapse counts as a share of all that the target receives, times a gain. All "
    "neurons are alike, with rates between 0 and a maximum; real ones differ in size, receptors, thresholds and time "
    "constants, and peptides and monoamines act beside synapses. Rates stand for graded activity where neurons fire no "
    "action potentials."
)
JUNCTIONS = (
    "Neurons that gap junctions couple relax towards each other, in both directions, by the difference of their rates "
    "times a conductance for each gap junction, relative to the leak. They have no sign, and stay when inhibition is "
    "removed. An excitatory-only circuit with them keeps the order of its inputs, so the bound holds."
)
LEFT_OUT = "Gap junctions are left out: {:,.0f}."
EFFECT = "Largest change of a rate without inhibition, under this assumption, over trials and outputs."
SPREAD = (
    "The change of each rate without inhibition, as the settings have it and over all assumptions; for how many of "
    "these it has the sign that it has with the settings."
)


class ConnectomeView(View[ConnectomeResult]):
    """What the outputs do in each condition, and which neurons change it."""

    rows_file = RATES

    @property
    def heading(self) -> str:
        return f"What does inhibition do in {self.result.name}?"

    @property
    def _judgements(self):
        return [curve.judgement for curve in self.result.curves]

    def _where(self, place: int) -> str | None:
        """The output and the trial of the largest change, ``"forward, posterior × 2"``; ``None`` if nothing changes."""
        if not self._largest(place, self.result.change):
            return None
        trial, output = self.result.largest[place]
        return f"{self.result.outputs[output]}, {self.result.trials[trial]}"

    def _largest(self, place: int, values) -> float:
        return float(values[place][tuple(self.result.largest[place])])

    def to_json(self) -> dict:
        found, wiring, protocol = self.result, self.result.wiring, self.result.protocol
        return {
            "name": found.name,
            "connectome": found.counts,
            "notes": list(found.notes),
            "kind": wiring.kind,
            "inputs": {each.name: list(each.selection) for each in wiring.inputs},
            "tonic": {each.name: list(each.selection) for each in wiring.tonic},
            "outputs": {each.name: list(each.selection) for each in wiring.readouts},
            "signs": {"unknown": wiring.unknown, "mixed": wiring.mixed},
            "coupling": wiring.coupling,
            "gain": wiring.gain,
            "ways": protocol.ways,
            "trials": [
                {"trial": name, "stimuli": levels} for name, levels in zip(found.trials, found.levels, strict=True)
            ],
            "rows": [self._row(k) for k in range(len(found.conditions))],
            "swaps": list(found.swaps),
            "function": None if found.required is None else self._function(),
            "structure": structure.record(found),
            "judgements": [judgements.record(each) for each in self._judgements],
            "problems": found.problems,
        }

    def _row(self, k: int) -> dict:
        found, condition = self.result, self.result.conditions[k]
        trial, output = found.largest[k]
        row = {
            "family": condition.family,
            "condition": condition.name,
            "neurons": condition.neurons,
            "rates": {name: found.means[k, :, o] for o, name in enumerate(found.outputs)},
            "largest_change": {
                "hz": self._largest(k, found.change),
                "interval_hz": None if found.uncertainty is None else self._largest(k, found.uncertainty),
                "output": found.outputs[output],
                "trial": found.trials[trial],
            },
            "runaway": bool(found.has_run_away[k]),
        }
        if found.required is not None:
            row |= {"score": float(found.scores[k].mean()), "refitted": float(found.refitted_scores[k])}
        return row

    def _function(self) -> dict:
        found = self.result
        return {
            "name": found.required.name,
            "source": found.required.source,
            "required": {name: found.required.outputs[:, k].tolist() for k, name in enumerate(found.outputs)},
            "thresholds": dict(zip(found.outputs, found.thresholds.tolist(), strict=True)),
            "margins": dict(zip(found.outputs, found.margins.tolist(), strict=True)),
        }

    def answer(self) -> Iterator[str]:
        found = self.result
        counts = found.counts
        yield (
            f"{count(counts['neurons'], 'neuron')}, {counts['synapses']:,.0f} chemical synapses and "
            f"{counts['gap_junctions']:,.0f} gap junctions."
        )
        yield from self._about_ablation()
        yield from self._about_lesions()
        yield from self._about_signs()
        yield from structure.answer(found)

    def _about_ablation(self) -> Iterator[str]:
        found, last = self.result, self.result.of(FRACTION)[-1]
        for judgement in self._judgements:
            reason = f" ({judgement.reason})" if judgement.reason else ""
            said = f"{capital(judgement.function)} is {judgement.verdict}{reason}"
            scores = [number(score, OF_ONE) for score in (judgement.intact.mean, judgement.ablated.mean)]
            if judgement.verdict == NOT_COMPUTED:
                yield f"{said} (score {scores[0]}, criterion {number(judgement.criterion, OF_ONE)})."
                continue
            refitted = number(found.refitted_scores[last], OF_ONE)
            yield f"{said}; without inhibition the score falls from {scores[0]} to {scores[1]} ({refitted} re-fitted)."
            if judgement.verdict == LOST and judgement.is_specific is False:
                yield "This is not specific to inhibition: a sham, as much weight taken elsewhere, loses it, too."
        if not self._where(last):
            yield "No output changes without inhibition."
            return
        trial, output = found.largest[last]
        before, after = (hertz(found.means[k, trial, output]) for k in (0, last))
        yield f"The largest change without inhibition: {self._where(last)}, from {before} to {after} Hz."

    def _about_lesions(self) -> Iterator[str]:
        found, places = self.result, self.result.ranked(NEURON)
        if not len(places):
            return
        sizes = np.abs([self._largest(k, found.change) for k in places])
        large = int((sizes > SMALL * np.abs(found.means[0]).max()).sum())
        first = listing(
            f"{found.conditions[k].name} ({self._where(k)}: {self._largest(k, found.change):+.2g} Hz)"
            for k in places[:3]
            if self._where(k)
        )
        yield (
            f"Of {count(len(places), 'neuron')} silenced one by one, {large or 'none'} change{'s' * (large < 2)} an "
            f"output by more than {SMALL:.0%} of the highest rate"
            + (f"; the largest changes are those of {first}." if first else ".")
        )

    def _about_signs(self) -> Iterator[str]:
        found = self.result
        if not len(found.of(ASSUMED)):
            return
        trial, output = found.largest[found.of(FRACTION)[-1]]
        effects = found.effects[:, trial, output]
        if effects[0]:
            n = count(len(effects) - 1, "assumption")
            low, high = effects[1:].min(), effects[1:].max()
            yield f"Over {n} on what is not known, this change of {effects[0]:+.2g} Hz is {low:+.2g} to {high:+.2g} Hz."
        if found.required is None:
            return
        level = found.curves[0].level
        counts = {}
        for k in found.of(ASSUMED):
            part = found.conditions[k].name.partition(",")[0]
            counts.setdefault(part, []).append(bool(found.refitted_scores[k] >= level))
        of = listing(f"{part}, {sum(each)} of {len(each)}" for part, each in counts.items())
        said = f"Assumptions on what is not known under which some thresholds give the function: {of}"
        if len(shuffles := found.of(SHUFFLED)):
            n = sum(found.refitted_scores[k] >= level for k in shuffles)
            said += f"; {n} of {count(len(shuffles), 'shuffled connectome')}"
        yield f"{said}."

    def tables(self) -> Iterator[Table]:
        yield self._conditions()
        yield from judgements.tables(self._judgements)
        yield from structure.tables(self.result)
        if len(self.result.of(NEURON)):
            yield self._lesions()
        if len(self.result.of(ASSUMED)):
            yield self._assumed()
            yield self._spread()
        if len(self.result.of(SHUFFLED)):
            yield self._shuffles()

    def _rates(self, k: int, output: int) -> dict:
        return {name: self.result.means[k, trial, output] for trial, name in enumerate(self.result.trials)}

    def _effects(self) -> list[Column]:
        """Columns of the largest change, and of scores if there is a function."""
        found = self.result
        columns = [
            Column("change", lambda k: self._largest(k, found.change), unit="Hz", note=CHANGE, decimals=2),
            Column("largest for", self._where),
        ]
        if found.uncertainty is not None:
            interval = Column(
                "±", lambda k: self._largest(k, found.uncertainty), unit="Hz", decimals=2, note="Half of its interval."
            )
            columns.insert(1, interval)
        if found.required is not None:
            columns += [
                Column("score", lambda k: found.scores[k].mean(), note=SCORE, decimals=OF_ONE),
                Column("re-fitted", lambda k: found.refitted_scores[k], note=REFITTED, decimals=OF_ONE),
            ]
        return columns

    def _all_rates(self) -> list[Column]:
        if len(self.result.trials) * len(self.result.outputs) > MOST_RATES:
            return []
        return [
            Column(f"rate of {name}", lambda k, o=o: self._rates(k, o), unit="Hz", decimals=2, on_page_only=True)
            for o, name in enumerate(self.result.outputs)
        ]

    def _conditions(self) -> Table:
        found = self.result
        classes = found.ranked(CLASS)
        rows = [*found.of(INTACT, FRACTION, TRANSMITTER), *classes[:MOST_CLASSES]]
        columns = (
            Column("condition", lambda k: found.conditions[k].label, note="What is removed of inhibition."),
            Column("neurons", lambda k: found.conditions[k].neurons or None, note="That sent it."),
            *self._effects(),
            *self._all_rates(),
        )
        outputs = listing(f"{each.name}: mean of {listing(each.selection)}" for each in found.wiring.readouts)
        notes = [f"Outputs, {outputs}.", *found.notes]
        if not found.wiring.coupling and found.counts["gap_junctions"]:
            notes.append(LEFT_OUT.format(found.counts["gap_junctions"]))
        if len(classes) > MOST_CLASSES:
            notes.append(f"The {MOST_CLASSES} classes with the largest change of {len(classes)}.")
        if found.wiring.tonic:
            driven = listing(each.name for each in found.wiring.tonic)
            notes.append(f"{driven} is driven by {hertz(found.wiring.tonic_rate)} Hz in all trials.")
        return Table("Without parts of inhibition", columns, rows, notes, RATES)

    def _lesions(self) -> Table:
        found, places = self.result, self.result.ranked(NEURON)
        columns = (
            Column("neuron", lambda k: found.conditions[k].name),
            Column("class", lambda k: found.about[found.conditions[k].name][0] or None),
            Column("transmitter", lambda k: found.about[found.conditions[k].name][1] or None),
            *self._effects(),
            *self._all_rates(),
        )
        exact = "Nothing is random, so changes are exact." if found.is_exact else "Intervals are over seeds."
        notes = [f"Of a silenced neuron {WAYS[found.protocol.ways]}. {exact}"]
        if len(places) > MOST_LESIONS:
            notes.append(f"The first {MOST_LESIONS} of {len(places)}; {LESIONS} has all.")
        return Table("Neurons silenced one by one", columns, places[:MOST_LESIONS], notes, LESIONS)

    def _assumed(self) -> Table:
        found = self.result
        intact, without = found.of(ASSUMED), found.of(WITHOUT)

        def largest(k):
            effect = found.effects[k + 1]
            trial, output = np.unravel_index(np.abs(effect).argmax(), effect.shape)
            return float(effect[trial, output]), f"{found.outputs[output]}, {found.trials[trial]}"

        columns = [
            Column("assumption", lambda k: found.conditions[intact[k]].name),
            Column("effect", lambda k: largest(k)[0], unit="Hz", note=EFFECT, decimals=2),
            Column("largest for", lambda k: largest(k)[1] if largest(k)[0] else None),
        ]
        if found.required is not None:
            refitted = found.refitted_scores
            columns += [
                Column("re-fitted", lambda k: refitted[intact[k]], note=REFITTED, decimals=OF_ONE),
                Column("without", lambda k: refitted[without[k]], note="That without inhibition.", decimals=OF_ONE),
            ]
        notes = [MIXED]
        for part, transmitters in found.open_signs.items():
            if transmitters:
                of = listing([name or "no known transmitter" for name in transmitters], 8)
                notes.append(f"{capital(part)} are synapses of neurons with {of}.")
        return Table("What is not known", columns, range(len(intact)), notes, RATES)

    def _spread(self) -> Table:
        found = self.result
        cells = [(o, t) for o in range(len(found.outputs)) for t in range(len(found.trials))]
        assumed = found.effects[1:]

        def of(cell):
            o, t = cell
            return assumed[:, t, o]

        columns = [
            Column("output", lambda c: found.outputs[c[0]]),
            Column("trial", lambda c: found.trials[c[1]]),
            Column("effect", lambda c: found.effects[0, c[1], c[0]], unit="Hz", decimals=2),
            Column("lowest", lambda c: of(c).min(), unit="Hz", decimals=2),
            Column("highest", lambda c: of(c).max(), unit="Hz", decimals=2),
            Column("same sign", lambda c: f"{self._same(c)} of {len(assumed)}"),
        ]
        return Table("Spread over what is not known", columns, cells, [SPREAD], RATES, keys=2, on_page_only=True)

    def _same(self, cell) -> int:
        """Assumptions under which an effect has the sign that it has with the settings."""
        o, t = cell
        first, *assumed = np.sign(self.result.effects[:, t, o])
        return int(sum(each == first for each in assumed))

    def _shuffles(self) -> Table:
        found, places = self.result, self.result.of(SHUFFLED)
        cells = [(o, t) for o in range(len(found.outputs)) for t in range(len(found.trials))]

        def of(cell):
            o, t = cell
            return found.means[places, t, o]

        columns = [
            Column("output", lambda c: found.outputs[c[0]]),
            Column("trial", lambda c: found.trials[c[1]]),
            Column("intact", lambda c: found.means[0, c[1], c[0]], unit="Hz", decimals=2),
            Column("shuffled, mean", lambda c: of(c).mean(), unit="Hz", decimals=2),
            Column("lowest", lambda c: of(c).min(), unit="Hz", decimals=2),
            Column("highest", lambda c: of(c).max(), unit="Hz", decimals=2),
        ]
        swaps = int(np.mean(found.swaps))
        notes = (
            f"{count(len(places), 'connectome')} whose connections swapped targets {swaps:,} times. Signs, in- and "
            "out-degrees, and the synapses that each neuron receives are those of the intact one; those that it sends "
            "are, too, where connections of equal count swapped.",
        )
        return Table("Shuffled wiring", columns, cells, notes, RATES, keys=2, on_page_only=True)

    def figures(self) -> Iterator[Drawing]:
        found = self.result
        yield Drawing(
            "conditions.svg",
            "Rates in every condition",
            "Rates of the outputs when intact (top row, numbers in Hz), and their change without parts of inhibition "
            "and with single neurons silenced, those with the largest change; a column for each output and trial.",
            " ".join(self._about_ablation()),
            RATES,
            draw=lambda: figures.conditions(found),
        )
        if len(found.of(NEURON)):
            yield Drawing(
                "lesions.svg",
                "Lesion screen",
                "Largest change of each output over trials, with one neuron silenced, those with the largest change "
                "first; grey: all others, by rank.",
                " ".join(self._about_lesions()),
                LESIONS,
                draw=lambda: figures.lesions(found),
            )
        yield Drawing(
            "ablation_curves.svg",
            "Removing inhibition",
            "Rates of the outputs against the fraction of all inhibition removed, a line for each trial"
            + ("; dashed: threshold. Last: share of trials as required, with controls." if found.required else "."),
            " ".join(self._about_ablation()),
            RATES,
            draw=lambda: figures.ablation_curves(found),
        )
        yield from judgements.drawings(self._judgements)
        yield from structure.drawings(self.result)

    def proofs(self) -> Iterator[Explanation]:
        lost = [each for each in self._judgements if each.verdict == LOST and each.bound is not None]
        if lost:
            yield Explanation("The bound", (self._bound(lost[0]),))
        yield from structure.proofs(self.result)
        yield Explanation("Signs", (SIGNS,))
        yield Explanation("What is not shown", (UNITS,))
        if self.result.wiring.coupling and self.result.counts["gap_junctions"]:
            yield Explanation("Gap junctions", (JUNCTIONS,))

    def _bound(self, judgement) -> str:
        return (
            f"No excitatory-only circuit with these stimuli and one threshold for each output gives more than "
            f"{number(judgement.bound, OF_ONE)} of the trials as required: no rate falls where no input does (T1), so "
            "of two trials between which an output should fall one is given up (T11)."
        )

    def rows(self) -> list[dict]:
        found = self.result
        return [
            {
                "family": condition.family,
                "condition": condition.name,
                "trial": trial,
                "neuron": neuron,
                "output": found.outputs[found.entry_of[n]],
                "seed": seed,
                "rate_hz": float(found.rates[k, s, t, n]),
            }
            for k, condition in enumerate(found.conditions)
            for s, seed in enumerate(found.protocol.seeds[: found.rates.shape[1]])
            for t, trial in enumerate(found.trials)
            for n, neuron in enumerate(found.neurons)
        ]

    def files(self) -> Iterator[tuple[str, str | bytes]]:
        found, places = self.result, self.result.ranked(NEURON)
        if len(places):
            lines = []
            for rank, k in enumerate(places):
                name = found.conditions[k].name
                interval = None if found.uncertainty is None else self._largest(k, found.uncertainty)
                trial, output = found.largest[k]
                of_function = [None, None]
                if found.required is not None:
                    of_function = [float(found.scores[k].mean()), float(found.refitted_scores[k])]
                change = self._largest(k, found.change), interval, found.outputs[output], found.trials[trial]
                lines.append((rank + 1, name, *found.about[name], *change, *of_function))
            heads = ("rank", "neuron", "class", "transmitter", "change_hz", "interval_hz", "output", "trial")
            yield LESIONS, to_csv(lines, (*heads, "score", "refitted"))
        if self._judgements:
            yield from judgements.files(self._judgements)
        yield from structure.files(found)

    def labelled(self) -> tuple[dict, dict]:
        found, of = self.result, "condition seed trial neuron"
        variables = {"rate": array(of, found.rates, "rate of a readout neuron", "Hz")}
        if found.required is not None:
            variables["score"] = array("condition seed", found.scores, "share of trials as required")
        return variables, {
            **names(
                condition=[f"{each.family}: {each.name}" for each in found.conditions],
                trial=list(found.trials),
                neuron=list(found.neurons),
            ),
            "output": array("neuron", [found.outputs[k] for k in found.entry_of]),
        }


class WormView(ConnectomeView):
    """The touch circuit of *C. elegans*."""

    question = "Does the touch circuit of C. elegans need inhibition to choose the direction of escape?"

    @property
    def heading(self) -> str:
        return self.question

    def answer(self) -> Iterator[str]:
        first, *rest = super().answer()
        yield first
        said = {"omitted": "left out", "both": "taken for half excitatory and half inhibitory ones"}
        sign = self.result.wiring.mixed
        yield f"Synapses of glutamate (mixed) are {said.get(sign, f'taken for {sign} ones')}; their sign is not known."
        yield from rest

    def proofs(self) -> Iterator[Explanation]:
        yield Explanation("What is asked", (ASKED,))
        yield Explanation("What follows", (FOLLOWS,))
        yield from super().proofs()
        yield Explanation("Sources", (DATA,))


ASKED = (
    "A worm crawls forward. Touched at the head (ALM, AVM) it stops and backs away; touched at the tail (PLM) it goes "
    f"on ({SOURCE}). So the interneurons that command backward movement (AVA, AVD) are to be above their threshold "
    "just under touch at the head, and those that command forward movement (AVB, PVC) without touch and under touch at "
    "the tail. AVB has a tonic drive, since the worm crawls without stimulus."
)
FOLLOWS = (
    "Forward movement without touch, and none under touch at the head, is a fall of an output while an input rises: no "
    "excitatory-only circuit has it, whatever its wiring. That the wiring has it with inhibition depends on signs that "
    "are not known for these synapses. Chalfie et al. took the gap junctions of touch receptors to excite and their "
    "chemical synapses to inhibit; here the same follows from glutamate that inhibits, and the table of assumptions "
    "shows what the other choices give. The model is silent on how fast the worm moves, on habituation, and on "
    "proprioception."
)

DATA = (
    "The connections are those of White, Southgate, Thomson and Brenner (Phil. Trans. R. Soc. Lond. B 314:1, 1986), as "
    "compiled in the C. elegans Connectome Toolbox of OpenWorm (cect 0.3.5, MIT licence). The transmitters and classes "
    "are those of Wang et al. (eLife 13:RP95402, 2024; licence CC BY 4.0), abridged. Most neurons of C. elegans are "
    "graded and fire no action potentials, so the circuit is one of rate units."
)

show_with(ConnectomeResult, ConnectomeView)
show_with(WormResult, WormView)
