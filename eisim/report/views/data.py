"""How labelled data, and the networks that learned them, are shown."""

from collections.abc import Iterator
from functools import cached_property, partial

import numpy as np

from eisim.report import judgements
from eisim.report.findings import Explanation
from eisim.report.proof import (
    CONDITIONS,
    beside,
    cannot_tell,
    excitation,
    from_other_rows,
    inputs,
    point_of,
    wrong_labels,
)
from eisim.report.style import EXCITATORY, INHIBITORY, new_figure
from eisim.report.table import Column, Table
from eisim.report.tabular import flat
from eisim.report.view import Drawing, DrawnCircuit, View, show_with
from eisim.report.views.networks import OF_ROWS, NetworksView, verdict_by_threshold
from eisim.report.wording import capital, listing, share
from eisim.studies.data import DataResult
from eisim.studies.networks import NetworkAblations

UNREACHED = "#dddddd"
MARKERS = {"spiking": "o", "rate": "s"}
#: Columns, by key of the accuracies in `rows`: heading and meaning.
ACCURACIES = {
    "constant": ("constant answer", "The best constant answer."),
    "intact": ("intact", "Circuit of the freely trained network, by the threshold that is best for it."),
    "ablated": ("ablated", "The same without inhibition, by the same threshold."),
    "refitted": ("re-fitted", "The same by the threshold that is best without inhibition."),
    "trained_excitatory": ("trained excitatory-only", "A network of the same size with no negative weight."),
    "best_excitatory": ("excitatory-only bound", f"1 − floor: exceeded on these rows by none {CONDITIONS}."),
}
JUDGED_ON = "Networks are judged on their training rows: representation is tested, not generalisation."


class DataView(View[DataResult]):
    """The proof, what networks learn with inhibition and without, and what ablation leaves of the free one."""

    @property
    def heading(self) -> str:
        return f"Do the data in {self.result.data.name} need inhibition?"

    @cached_property
    def _rows(self) -> list[dict]:
        """Each judged class, for JSON."""
        result, first, found = self.result, self.result.first, []
        ablated = {kind: ablation.fixed_threshold_errors[-1] for kind, ablation in result.ablations.items()}
        refitted = {kind: ablation.threshold_errors[-1] for kind, ablation in result.ablations.items()}
        intact = {kind: ablation.threshold_errors[0] for kind, ablation in result.ablations.items()}
        intact["dnn"], excitatory = result.errors("free"), result.errors("excitatory")
        irreducible, needs, verdicts = result.irreducible, result.needs_inhibition, result.verdicts
        for k, (value, certificate) in enumerate(zip(first.judged, result.certificates, strict=True)):
            held_out = result.held_out[k]
            accuracy = {
                "intact": {kind: 1 - float(errors[k]) for kind, errors in intact.items()},
                "ablated": {kind: 1 - float(errors[k]) for kind, errors in ablated.items()},
                "refitted": {kind: 1 - float(errors[k]) for kind, errors in refitted.items()},
                "trained_excitatory": 1 - float(excitatory[k]),
                "best_excitatory": 1 - certificate.floor["zero_one"],
                "constant": 1 - float(first.constant_errors[k]),
            }
            found.append(
                {
                    "class": float(value),
                    "label": result.data.label(value),
                    "rows": int((result.data.targets == value).sum()),
                    "representable": certificate.representable,
                    "violating_pairs": certificate.violating_pairs,
                    "witness": certificate.witness and list(map(list, certificate.witness)),
                    "floor": certificate.floor["zero_one"],
                    "comparable_share": certificate.comparable_share,
                    "floor_inverted": certificate.floor_inverted,
                    "floor_permuted": certificate.floor_permuted,
                    "conclusive": certificate.conclusive,
                    "held_out": held_out and held_out.to_json(),
                    "floor_of_any_function": float(irreducible[k]),
                    "needs_inhibition": bool(needs[k]),
                    "inversion_complexity": certificate.inversion_complexity,
                    "accuracy": accuracy,
                    "verdict": verdicts[k],
                    "reason": result.reasons[k],
                    "judgements": [judgements.record(each) for each in result.judgements[k]],
                }
            )
        return found

    @cached_property
    def _network(self) -> NetworksView:
        """The freely trained network as circuits."""
        return NetworksView(NetworkAblations(tuple(self.result.ablations.values())))

    def to_json(self) -> dict:
        data = self.result.data
        return {
            "data": data.name,
            "inputs": list(data.names),
            "target": data.target,
            "points": len(data.targets),
            "rows": self._rows,
            "circuits": {
                kind: {"neurons": a.neurons, "equivalence_error": a.equivalence_error, "accuracy": a.accuracy}
                for kind, a in self.result.ablations.items()
            },
            "notes": list(self.result.notes),
            "problems": self.problems,
        }

    def answer(self) -> Iterator[str]:
        result, what = self.result, f"“{self.result.data.target}” in {self.result.data.name}"
        if all(certificate.conclusive is False for certificate in result.certificates) and not result.is_shown:
            which = max(result.certificates, key=lambda certificate: certificate.floor["zero_one"])
            yield capital(cannot_tell(which, what))
        elif not result.needs_inhibition.any():
            yield "These rows need no inhibition: " + (
                f"{what} never falls when inputs rise."
                if all(row["representable"] for row in self._rows)
                else f"rows of {result.data.name} with the same inputs disagree about {result.data.target}, and an "
                "excitatory-only circuit can be as good as any function of these inputs."
            )
        else:
            needs, floors = result.needs_inhibition, result.floors
            k = max(range(len(floors)), key=lambda k: (needs[k], floors[k]))
            row, certificate = self._rows[k], result.certificates[k]
            if len(self._rows) > 1:
                what = f"class {row['label']} of {what}"
            evidence = certificate.evidence()
            yield from wrong_labels(
                certificate.data, row["floor"], row["floor_of_any_function"], what, evidence, result.held_out[k]
            )
            wrong = 1 - row["accuracy"]["trained_excitatory"], 1 - row["accuracy"]["intact"]["dnn"]
            yield "Training error: excitatory-only {}, free {}.".format(*map(share, wrong))
        yield inputs(result.data)

    def tables(self) -> Iterator[Table]:
        note = "The same with an inverter at the output."
        inverted = {"note": note, "decimals": OF_ROWS, "on_page_only": True}
        shown = (
            Column("class", lambda k: self._rows[k]["label"]),
            verdict_by_threshold(self._network.result),
            Column("rows", lambda k: self._rows[k]["rows"]),
            *(
                Column(name, partial(self._accuracy, key), note=note, decimals=OF_ROWS)
                for key, (name, note) in ACCURACIES.items()
            ),
            Column("bound, inverted", lambda k: 1 - self._rows[k]["floor_inverted"], **inverted),
        )
        title = f"Classes of {self.result.data.target}: rows answered correctly, by threshold (one-vs-rest)"
        notes = (JUDGED_ON, *self._proof(), *self.result.notes)
        yield Table(title, shown, range(len(self._rows)), notes, self.rows_file)

    def _accuracy(self, key, k):
        found = self._rows[k]["accuracy"][key]
        return {kind: found[kind] for kind in self.result.ablations} if isinstance(found, dict) else found

    def _proof(self):
        """Of each class the witness, and what stands beside its floor."""
        of_classes = zip(self._rows, self.result.certificates, self.result.held_out, strict=True)
        for row, certificate, held_out in of_classes:
            if row["witness"] is not None:
                lower, upper = (point_of(self.result.data.names, point) for point in row["witness"])
                yield (
                    f"Witness for class {row['label']}: a row with {lower} belongs to it, one with {upper} does not, "
                    f"although no input falls. Pairs of rows like this: {row['violating_pairs']:,}."
                )
            yield f"Evidence for class {row['label']}: {beside(certificate)}"
            if held_out is not None:
                yield f"Class {row['label']}: {from_other_rows(held_out)}"

    def figures(self) -> Iterator[Drawing]:
        kinds = listing(self.result.ablations)
        yield Drawing(
            "classes.svg",
            "Accuracy by class",
            f"Share of rows answered correctly about each class by circuits of the freely trained network ({kinds}), "
            "intact and without inhibition, and by a network trained as excitatory-only. Grey: unattainable for "
            f"excitatory-only circuits {CONDITIONS}.",
            " ".join(self.answer()),
            "table.csv",
            draw=self._classes,
        )
        yield from self._network.figures()

    def _classes(self):
        figure = new_figure(7.0, 0.45 * len(self._rows) + 1.3, "constrained")
        ax, y = figure.subplots(), np.arange(len(self._rows))[::-1]
        for k, row in zip(y, self._rows, strict=True):
            ax.barh(k, row["floor"], left=1 - row["floor"], color=UNREACHED, height=0.8, zorder=0)
            accuracy = row["accuracy"]
            ax.plot([accuracy["constant"]] * 2, [k - 0.4, k + 0.4], color="black", lw=0.8, ls=":")
            kinds = list(accuracy["ablated"])
            for place, kind in enumerate(kinds):
                height = k + 0.15 * (len(kinds) - 1 - 2 * place)
                ends, look = (accuracy["intact"][kind], accuracy["ablated"][kind]), {"ms": 4, "color": INHIBITORY}
                ax.plot(ends, [height] * 2, color="#999999", lw=0.8, zorder=1)
                ax.plot(ends[0], height, MARKERS[kind], label=f"{kind}, intact", **look)
                ax.plot(ends[1], height, MARKERS[kind], mfc="white", label=f"{kind}, ablated", **look)
            ax.plot(accuracy["trained_excitatory"], k, "D", ms=4, color=EXCITATORY, label="trained excitatory-only")
        ax.plot([], [], color="black", lw=0.8, ls=":", label="constant answer")
        ax.barh([0], [0], color=UNREACHED, label="unattainable if excitatory-only")
        ax.set_yticks(y, [row["label"] for row in self._rows])
        ax.set(xlim=(None, 1.015), ylim=(-0.6, len(self._rows) - 0.4))
        data, what = self.result.data, "share of rows answered correctly about the class"
        ax.set(xlabel=what, ylabel=f"class ({data.target})", title=data.name)
        handles = {h.get_label(): h for h in ax.get_legend_handles_labels()[0]}.values()
        figure.legend(handles=handles, loc="outside right upper", frameon=False, fontsize=7)
        return figure

    def circuits(self) -> Iterator[DrawnCircuit]:
        return self._network.circuits()

    def proofs(self) -> Iterator[Explanation]:
        yield excitation()

    def rows(self) -> list[dict]:
        lines = []
        for found in self._rows:
            row, accuracy = dict(found), found["accuracy"]
            del row["accuracy"], row["judgements"]
            permuted, held_out = row.pop("floor_permuted") or {}, row.pop("held_out") or {}
            row |= {f"floor_permuted_{key}": permuted.get(key) for key in ("median", "low", "high")}
            row |= {
                f"held_out_{key}": held_out.get(key) for key in ("score", "bound", "lead", "low", "high", "is_shown")
            }
            row["witness"] = row["witness"] and " <= ".join(" ".join(f"{x:g}" for x in p) for p in row["witness"])
            lines.append(row | flat(accuracy))
        return lines

    def files(self) -> Iterator[tuple[str, str]]:
        return self._network.files()


show_with(DataResult, DataView)
