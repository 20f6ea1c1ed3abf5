"""How the ablation of a user's own circuit is shown."""

from collections.abc import Iterator

from eisim.base.files import frame_to_csv, to_csv
from eisim.report import judgements, traces
from eisim.report.findings import Explanation
from eisim.report.judgements import mark_controls
from eisim.report.proof import CONDITIONS, from_other_rows
from eisim.report.style import EXCITATORY, NEUTRAL, new_figure
from eisim.report.table import Column, Table
from eisim.report.tabular import flat
from eisim.report.view import Drawing, DrawnCircuit, View, show_with
from eisim.report.views import columns
from eisim.report.views.boolean import BooleanView
from eisim.report.wording import listing
from eisim.studies.boolean import SHARE
from eisim.studies.curves import described
from eisim.studies.points import OnPoints, OwnResult
from eisim.theory.certificate import as_labelled_data

MARKERS = {"spiking": "o", "rate": "s"}


def _point(values):
    return "(" + ", ".join(f"{value:g}" for value in values) + ")"


def _witness(found: OnPoints, between: str) -> str | None:
    witness = found.certificate.witness
    return witness and between.join(map(_point, witness))


def _verdict(found):
    return described(found.verdict, found.reason)


def _accuracy(found, condition: str) -> dict[str, float]:
    which = {"intact": 0, "ablated": -1}[condition]
    return {kind: float(accuracy[which]) for kind, accuracy in found.accuracy.items()}


def _row(found: OnPoints) -> dict:
    certificate = found.certificate
    return {
        "function": found.name,
        "points": len(found.data.targets),
        "inputs": found.data.n_inputs,
        "representable": certificate.representable,
        "witness": certificate.witness and list(map(list, certificate.witness)),
        "floor": found.floor,
        "held_out": found.held_out and found.held_out.to_json(),
        "inversion_complexity": certificate.inversion_complexity,
        "inhibitory_neurons": _inhibitory(found),
        "accuracy": {condition: _accuracy(found, condition) for condition in ("intact", "ablated")},
        "verdict": found.verdict,
        "reason": found.reason,
        "judgements": [judgements.record(curve.judgement) for curve in found.curves],
    }


def _inhibitory(found):
    return next(iter(found.circuits.values())).n_inhibitory


FUNCTIONS = (
    Column("function", lambda found: found.name),
    columns.verdict(
        _verdict,
        f"Kept: without inhibition at least {SHARE:.0%} of the patterns of a truth table are answered correctly; of "
        f"other points, at least {SHARE:.0%} of the intact lead over a constant answer is left. {columns.REASONS} Not "
        "computed: the intact circuit misses a pattern of a truth table, or is right no more often than a constant "
        "answer.",
    ),
    Column("points", lambda found: len(found.data.targets)),
    columns.witness(lambda found: _witness(found, " ≤ ")),
    columns.floor(lambda found: found.floor, "points", decimals=3),
    Column("inhibitory neurons", _inhibitory, short="I"),
    *columns.conditions(_accuracy, "Share of the points answered correctly, with inhibition."),
)


class _Own(View):
    """What a user's circuit adds to the view of its functions: its name and its notes."""

    def __init__(self, own: OwnResult, result):
        super().__init__(result)
        self.own = own

    @property
    def heading(self) -> str:
        return f"What does {self.own.own.name} lose with its inhibition?"

    def to_json(self) -> dict:
        return super().to_json() | {"circuit": self.own.own.name, "notes": list(self.own.notes)}

    def answer(self) -> Iterator[str]:
        yield from super().answer()
        yield from self.own.notes

    def figures(self) -> Iterator[Drawing]:
        yield from super().figures()
        trials = [_point(point) for point in as_labelled_data(self.own.own.functions[0]).points]
        for name, response in self.own.recorded.items():
            kind, _, condition = name.rpartition("_")
            yield Drawing(
                f"traces_{name}.svg",
                f"Recording of the {kind} circuit, {condition}",
                "Spikes of all trials, or the liveliest trial with its potentials, conductances and currents.",
                f"What was recorded of the {kind} circuit, {condition}, over time.",
                f"traces_{name}.nc",
                draw=lambda response=response: traces.figure(response, trials),
            )

    def files(self) -> Iterator[tuple[str, str | bytes]]:
        yield from super().files()
        for name, response in self.own.recorded.items():
            yield f"traces_{name}.nc", bytes(response.to_xarray().to_netcdf(engine="scipy"))


class TruthTablesView(_Own, BooleanView):
    """A user's circuit whose functions are truth tables."""


class _OnPoints(View[OwnResult]):
    """Outputs of a circuit judged on points of their functions."""

    def to_json(self) -> dict:
        return {"rows": [_row(found) for found in self.result.on_points], "problems": self.result.problems}

    def answer(self) -> Iterator[str]:
        yield columns.lost([*map(_verdict, self.result.on_points)], "functions")
        for found in self.result.on_points:
            if found.missed:
                wrong = (
                    f"{kind}: {listing((_point(found.data.points[k]) for k in places), most=4)}"
                    for kind, places in found.missed.items()
                )
                yield f"{found.name} is not computed by the intact circuit; wrong: {'; '.join(wrong)}."

    @property
    def _judgements(self):
        return [curve.judgement for curve in self.result.curves]

    def tables(self) -> Iterator[Table]:
        found = self.result.on_points
        notes = tuple(f"{each.name}: {from_other_rows(each.held_out, 'points')}" for each in found if each.held_out)
        yield Table("Functions with and without inhibition", FUNCTIONS, found, notes, data="table.csv")
        yield from judgements.tables(self._judgements)

    def figures(self) -> Iterator[Drawing]:
        yield Drawing(
            "ablation_curves.svg",
            "Accuracy against the fraction of inhibition removed",
            f"Share of points answered correctly. Grey: unattainable for excitatory-only circuits {CONDITIONS}.",
            "; ".join(
                f"{found.name}, {kind}: from {accuracy[0]:.1%} to {accuracy[-1]:.1%}"
                for found in self.result.on_points
                for kind, accuracy in found.accuracy.items()
            ),
            "ablation_curves.csv",
            draw=lambda: _curves(self.result.on_points),
        )
        yield from judgements.drawings(self._judgements)
        for found, stem in zip(self.result.on_points, self._stems(), strict=True):
            if found.data.n_inputs == 2:
                yield Drawing(
                    f"{stem}.svg",
                    f"Responses of {found.name} in the plane of its inputs",
                    "Target, and response of the circuit with and without inhibition. Orange: 1; grey: 0.",
                    f"Maps of the plane for {found.name}: target, intact and ablated.",
                    f"{stem}.csv",
                    draw=lambda found=found: _maps(found),
                )

    def circuits(self) -> Iterator[DrawnCircuit]:
        yield DrawnCircuit("circuit", "The circuit", next(iter(self.result.own.circuits.values())))

    def proofs(self) -> Iterator[Explanation]:
        for found in self.result.on_points:
            said = "The function never falls when inputs rise: an excitatory-only circuit can compute it."
            if found.certificate.witness is not None:
                lower, upper = map(_point, found.certificate.witness)
                said = (
                    f"At {lower} the function is 1 and at {upper} it is 0, although no input falls. Any "
                    f"excitatory-only circuit {CONDITIONS} is wrong on at least {found.floor:.1%} of the points."
                )
            yield Explanation(found.name, (said,))

    def rows(self) -> list[dict]:
        rows = [_row(found) | {"witness": _witness(found, " <= ")} for found in self.result.on_points]
        return [
            {k: v for k, v in row.items() if k not in ("judgements", "held_out")} | flat(row.pop("accuracy"))
            for row in rows
        ]

    def files(self) -> Iterator[tuple[str, str]]:
        import pandas

        curves = [
            (found.name, kind, *point)
            for found in self.result.on_points
            for kind, accuracy in found.accuracy.items()
            for point in zip(found.fractions, accuracy, strict=True)
        ]
        yield "ablation_curves.csv", to_csv(curves, ("function", "kind", "fraction_removed", "accuracy"))
        yield from judgements.files(self._judgements)
        for found, stem in zip(self.result.on_points, self._stems(), strict=True):
            frame = pandas.DataFrame(found.data.points, columns=list(found.data.names))
            frame["wanted"], frame["weight"] = found.data.targets, found.data.weights
            for kind, rates in found.rates.items():
                frame[f"{kind}_intact_hz"], frame[f"{kind}_ablated_hz"] = rates[0], rates[-1]
            yield f"{stem}.csv", frame_to_csv(frame)

    def _stems(self):
        """Names of the files of points."""
        n = len(self.result.on_points)
        return ["points"] if n == 1 else [f"points_{k + 1}" for k in range(n)]


class PointsView(_Own, _OnPoints):
    """A user's circuit, its outputs on points."""


def _view(result: OwnResult) -> View:
    return PointsView(result, result) if result.ablation is None else TruthTablesView(result, result.ablation)


def _curves(on_points):
    n = len(on_points)
    figure = new_figure(2.2 * min(n, 3) + 2.6, 2.2 * -(-n // 3) + 0.3, "constrained")
    axes = figure.subplots(-(-n // 3), min(n, 3), squeeze=False).ravel()
    for ax, found in zip(axes, on_points, strict=False):
        top = 1.05 if found.floor else 1  # without a floor there is nothing out of reach
        ax.axhspan(1 - found.floor, top, color="#dddddd", linewidth=0, label="unattainable if excitatory-only")
        for kind, accuracy in found.accuracy.items():
            style = {"ls": "-" if kind == "spiking" else "--", "marker": MARKERS[kind], "ms": 3, "lw": 1}
            ax.plot(found.fractions, accuracy, color=NEUTRAL, label=f"{kind} circuit", **style)
        mark_controls(ax, found.curves[0].judgement)
        ax.set(title=f"{found.name}: {found.verdict}", ylim=(-0.05, 1.05))
        ax.set(xlabel="fraction of inhibition removed", ylabel="share of points\nanswered correctly")
    for ax in axes[n:]:
        ax.axis("off")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", frameon=False, fontsize=7)
    return figure


def _maps(found):
    figure = new_figure(7.0, 2.1 * len(found.rates) + 0.2, "constrained")
    axes = figure.subplots(len(found.rates), 3, squeeze=False, sharex=True, sharey=True)
    for row, (kind, rates) in zip(axes, found.rates.items(), strict=True):
        _map(row[0], found, found.data.targets == 1, f"{found.name}: target")
        _map(row[1], found, rates[0] > found.thresholds[kind], f"{kind} circuit, intact")
        _map(row[2], found, rates[-1] > found.thresholds[kind], f"{kind} circuit, ablated")
    return figure


def _map(ax, found, says, title):
    """Points of the plane, filled where the answer is 1."""
    size = max(0.5, min(12.0, 3e4 / len(says)))
    for value, colour in ((False, "#cccccc"), (True, EXCITATORY)):
        chosen = found.data.points[says == value]
        ax.scatter(*chosen.T, s=size, color=colour, marker="s", linewidths=0, rasterized=len(says) > 2000)
    ax.set(title=title, xlabel=found.data.names[0], ylabel=found.data.names[1], aspect="auto")


show_with(OwnResult, _view)
