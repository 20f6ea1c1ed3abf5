"""What a newcomer meets: settings, sizes, published numbers, arguments that are mistyped."""

import inspect
import json
import re
from importlib.metadata import entry_points
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

import eisim
from eisim import LIF, Circuit, Fact, InputError, Population, Projection, Task, neurons
from eisim.analysis import activity
from eisim.analysis.mean_field_check import _note
from eisim.analysis.task import Obstruction
from eisim.base.docstrings import described, plain
from eisim.base.schema import describe, read_settings
from eisim.base.values import ExplainsArguments
from eisim.cli import commands as cli
from eisim.cli.listing import about
from eisim.run.model import Model
from experiments import functions
from models import xor

MODELS = {point.name: point for point in entry_points(group="eisim.models")}
#: Neither functions nor classes that a call makes a value of.
NOT_CALLED = ("TRUTH_TABLES", "REGIONS", "RECURRENT_TASKS", "Obstruction", "InputError")


@pytest.fixture
def command(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")

    def run(*words):
        status = cli.run_command([*map(str, words)])
        return status, *capsys.readouterr()

    return run


def public():
    """Every public name that is called, those of the neurons, of `eisim.analysis.activity` and of the models too."""
    found = {name: getattr(eisim, name) for name in eisim.__all__ if name not in NOT_CALLED}
    found |= {name: getattr(neurons, name) for name in neurons.__all__}
    found |= {
        f"activity.{name}": value
        for name, value in vars(activity).items()
        if inspect.isfunction(value) and not name.startswith("_") and value.__module__ == activity.__name__
    }
    models = {name: point.load() for name, point in MODELS.items()}
    parts = ((name, part) for name in models for part in ("circuit", "task") if hasattr(models[name], part))
    return found | {f"{name}.{part}": getattr(models[name], part) for name, part in parts}


@pytest.mark.parametrize("name", sorted(public()))
def test_e8_arguments_that_are_not_there(name):
    thing = public()[name]
    known = [p.name for p in inspect.signature(thing).parameters.values() if p.kind is not p.VAR_KEYWORD]
    if len(known) < len(inspect.signature(thing).parameters):
        return  # what else it takes goes on to another function
    with pytest.raises(InputError, match="no_such_argument") as caught:
        thing(no_such_argument=1)
    assert isinstance(caught.value, TypeError) and "\n" not in str(caught.value)
    assert str(caught.value).startswith(name.rpartition(".")[2] + ": expected ")
    if known:
        with pytest.raises(InputError, match=re.escape(f"found '{known[-1]}_'; did you mean '{known[-1]}'?")):
            thing(**{f"{known[-1]}_": 1})


@pytest.mark.parametrize("name", sorted(name for name, thing in public().items() if inspect.isclass(thing)))
def test_e8_arguments_of_methods_that_are_not_there(name):
    thing = public()[name]
    if not isinstance(thing, ExplainsArguments):
        return
    for key in dir(thing):
        method = inspect.getattr_static(thing, key)
        if key.startswith("_") or not (inspect.isfunction(method) or isinstance(method, (classmethod, staticmethod))):
            continue
        parameters = inspect.signature(getattr(thing, key)).parameters.values()
        if any(p.kind is p.VAR_KEYWORD for p in parameters):
            continue
        itself = [None] if inspect.isfunction(method) else []
        with pytest.raises(InputError, match=r"expected .*, found 'no_such_argument'"):
            getattr(thing, key)(*itself, no_such_argument=1)


def test_e8_neurons_that_are_not_there():
    rate = xor.circuit(kind="rate")
    with pytest.raises(InputError, match=r"expected parameters of spiking neurons .*did you mean 'refractory'"):
        rate.with_neurons(refractry=0)
    assert rate.with_neurons(refractory=0).populations == rate.populations  # it has no spiking neurons to change
    with pytest.raises(InputError, match=r"LabelledData.from_dataframe: expected .*did you mean 'classes'\?"):
        eisim.LabelledData.from_dataframe(None, "y", clases=True)


def test_e8_other_arguments():
    for call, said in (
        (lambda: LIF(tau_m=10e-3), "did you mean 'tau'?"),
        (lambda: Population("E"), "Population: expected name, sign, neuron, found no 'sign'"),
        (lambda: LIF(*[1e-3] * 12), "LIF: expected at most 9 arguments in order, found 12"),
        (lambda: eisim.simulate(circuits=[]), "did you mean 'circuit'?"),
        (lambda: eisim.ablate(1, 0.5, fraction=1), "ablate: fraction: expected it once"),
    ):
        with pytest.raises(InputError, match=re.escape(said)):
            call()
    with pytest.raises(TypeError) as caught:  # an error within a function stays what it is
        eisim.assess(lambda kind: kind + 1, kinds=["rate"], report=None)
    assert not isinstance(caught.value, InputError)
    assert list(inspect.signature(LIF).parameters)[:2] == ["tau", "rest"]


def test_e8_two_projections_between_the_same_populations():
    two = [Projection("E", "E", 1e-3), Projection("E", "E", 2e-3)]
    made = Circuit("c", [eisim.Input("x")], [Population("E", "E", LIF())], two)
    assert [p.name for p in made.projections] == ["E->E", "E->E 2"]
    two = [Projection("E", "E", 1e-3, name="loop"), Projection("E", "E", 2e-3, name="loop")]
    with pytest.raises(InputError, match=r"'loop' is used twice; .*name="):
        Circuit("c", [eisim.Input("x")], [Population("E", "E", LIF())], two)


def test_e5_help_lists_the_settings(command):
    for name, words in (
        ("boolean", ("noise", "voltage", "0.5 mV", "levels", "11")),
        ("functions", ("circuits", "quick", "yes or no", "seeds", "10")),
        ("brunel", ("how", "block", "quick")),
        ("data", ("range or rank", "hidden", "32")),
    ):
        status, text, _ = command("run", name, "--help")
        settings = text[text.index(f"Settings of {name}") : text.index(" Arguments ")]
        settings = " ".join(settings.replace("│", " ").split())  # lines may break anywhere
        assert status == 0 and all(word in settings for word in words), settings
    assert "circuits" not in command("run", "brunel", "--help")[1]  # given by its name
    status, text, _ = command("sweep", "brunel", "--help")
    assert status == 0 and "eta" in text and "relative to an excitatory one" in text and "default 5" in text
    status, text, said = command("run", "bruenl", "--help")
    assert status == 2 and text == "" and said.count("\n") == 1 and "did you mean 'brunel'?" in said


@pytest.mark.parametrize("name", [point.name for point in entry_points(group="eisim.experiments")])
def test_e5_every_setting_says_what_it_means(name):
    from eisim.run.registry import experiment_of

    for each in describe(experiment_of(name).settings):
        assert all(each.described[part] for part in ("meaning", "default")), each


def test_e5_settings_of_a_file(command, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        '"""A question."""\n'
        "from dataclasses import dataclass\n"
        "from eisim.base.values import Value, quantity\n"
        "@dataclass(frozen=True)\n"
        "class Settings(Value):\n"
        '    """Settings.\n\n    Attributes\n    ----------\n    loud : bool\n        Whether to shout.\n    """\n'
        "    loud: bool = False\n"
        '    delay: float = quantity(2e-3, "second")\n'
        "def run(settings, kinds, seed, backend, report):\n"
        '    return {"loud": settings.loud}\n'
    )
    status, text, _ = command("run", file, "--help")
    assert status == 0 and "Whether to shout (yes or no; default no)" in text and "2 ms" in text
    for text, value in (("true", True), ("Yes", True), ("on", True), ("1", True), ("off", False), ("no", False)):
        status, out, said = command("run", file, "--set", f"loud={text}", "--json", "--out", tmp_path / "out")
        assert status == 0 and json.loads(out)["mine"]["loud"] is value, said
    status, _, said = command("run", file, "--set", "loud=perhaps", "--out", tmp_path / "out")
    assert status == 2 and said.count("\n") == 1 and "found 'perhaps'" in said


def test_e5_quick_is_yes_or_no():
    for text in ("true", "yes", "on", "1"):
        assert read_settings(functions.Settings, [f"quick={text}"]).quick is True
    assert functions.Settings(quick=1).quick == 1
    with pytest.raises(InputError, match="quick: expected"):
        read_settings(functions.Settings, ["quick=2"])


def test_docstrings_are_read():
    doc = """What.

    Attributes
    ----------
    a, b : int
        Two
        lines of `a`.
    c : {"x"}

    Notes
    -----
    d : no attribute
    """
    assert described(doc) == {"a": "Two lines of a.", "b": "Two lines of a.", "c": ""}
    assert plain("``run`` and :func:`simulate` of :math:`C_E`, `link <https://x>`_") == "run and simulate of C_E, link"
    assert plain("as\n\n.. math::\n    x = 1\n") == "as\n\n    x = 1\n"


def _kinds(model):
    """Kinds that a model offers: the spiking one at least."""
    try:
        return ["spiking", model.circuit("rate").kind]
    except InputError:
        return ["spiking"]


@pytest.mark.parametrize("name", sorted(MODELS))
def test_e2_a_smaller_circuit_says_so(name):
    model = MODELS[name].load()
    if not hasattr(model, "task"):
        return
    for kind in _kinds(model):
        task = model.task(kind)
        ran, whole = (sum(p.size for p in c.populations) for c in (task.circuit(0), model.circuit(kind)))
        assert task.published_neurons == (whole if whole > ran else 0)


@pytest.mark.parametrize("name", sorted(name for name, point in MODELS.items() if hasattr(point.load(), "published")))
def test_e2_published_numbers_are_kept(name):
    facts = Model.of_module(MODELS[name].load(), name).last_measured()
    assert facts and all(fact.is_reproduced for fact in facts)
    assert len({fact.what for fact in facts}) == len(facts)


@pytest.mark.nightly
@pytest.mark.parametrize("name", sorted(name for name, point in MODELS.items() if hasattr(point.load(), "published")))
def test_e2_published_numbers_that_are_kept_are_those_measured(name):
    kept = {fact.what: fact for fact in Model.of_module(MODELS[name].load(), name).last_measured()}
    now = {fact.what: fact for fact in about(name, measure=True, report=lambda *_: None).facts}
    assert kept.keys() == now.keys()
    for what, fact in now.items():
        assert fact.is_reproduced and kept[what].source == fact.source
        assert kept[what].ours == pytest.approx(fact.ours, rel=0.02, abs=0.2 * fact.tolerance), what


def test_e2_e3_list_says_what_one_is(command):
    status, text, _ = command("list", "ping")
    assert status == 0 and "Börgers" in text and "python -m eisim sweep ping" in text
    assert re.search(r"period of the all-to-all network \(ms\) +24\.82 +25", text)
    found = json.loads(command("list", "brunel", "--json")[1])
    rate = next(fact for fact in found["published"] if fact["what"] == "rate at g = 5, eta = 2 (Hz)")
    assert rate["published"] == 37.7 and abs(rate["ours"] - 37.7) < 2 and rate["reproduced"] is True
    assert {each["name"] for each in found["parameters"]} == {"g", "size", "eta", "quick"}
    assert {each["name"] for each in found["settings"]} == {"how", "doses", "seeds", "quick", "controls"}
    status, _, said = command("list", "pnig")
    assert status == 2 and "did you mean 'ping'?" in said
    status, _, said = command("list", "xor", "--published")
    assert status == 2 and "found none to measure" in said and said.count("\n") == 1


def test_e2_list_measures_the_numbers_of_a_file(command, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        '"""A model of mine."""\nfrom eisim import Fact\n'
        'def published(report=None):\n    yield Fact("choices", 2, 2.05, 0.1, "a paper")\n'
    )
    assert "choices" not in command("list", file)[1]
    status, text, _ = command("list", file, "--published")
    assert status == 0 and re.search(r"choices +2 +2\.05 +0\.1 +yes +a paper", text)


def two_sizes(kind="spiking", quick=False):
    from tests.support import two_choice

    made = two_choice.task(kind, quick=True)
    rate = lambda response: [Fact("rate (Hz)", 3.0, float(response.rates["E"].mean()), 1.0, "a paper")]  # noqa: E731
    return Task(made.circuit, made.stimuli, made.score, made.measure, made.obstruction, made.criterion, made.output,
                made.duration, made.window, made.dt, published_neurons=4000, facts=rate)  # fmt: skip


def test_e2_size_and_published_numbers_on_the_page_and_terminal():
    from dataclasses import replace

    from eisim.report.view import view_of
    from eisim.studies.tasks import Survey, assess

    one = assess(two_sizes, kinds=["rate"], doses=2, seeds=1, backend="numpy", name="two_choice")
    one = replace(one, published=(Fact("rate (Hz)", 3.0, 2.5, 1.0, "a paper"),))
    neurons_ = one.kinds["rate"].neurons
    view = view_of(Survey((one,)))
    row = view.to_json()["rows"][0]
    assert row["published_neurons"] == {"rate": 4000} and row["neurons"] == {"rate": neurons_}
    (fact,) = row["published"]
    assert fact["published"] == 3 and fact["ours"] == 2.5 and np.isfinite(fact["this_run"])
    assert "4,000" in str(one) and "this run" in str(one)
    tables = view.findings().tables
    cells = {c.name: cell for t in tables for c, cell in zip(t.columns, t.rows[0], strict=True)}
    assert cells["in the paper"] == 4000 and cells["neurons"] == neurons_
    assert [cells[name] for name in ("number", "published", "ours", "this run")] == [
        "rate (Hz)",
        3,
        2.5,
        fact["this_run"],
    ]
    assert cells["reproduced"] == "yes"


@pytest.mark.parametrize(
    ("change", "said"),
    [({"facts": 3}, "Task.facts: expected a function"), ({"published_neurons": -1}, "expected a whole number"),
     ({"published_neurons": 1.5}, "expected a whole number")],
)  # fmt: skip
def test_e2_bad_sizes_and_facts(change, said):
    with pytest.raises(InputError, match=said):
        Task(lambda seed: None, [[1]], lambda r: 1.0, "score", Obstruction.STABILITY, **change)


@pytest.mark.parametrize(
    ("value", "how", "text"),
    [
        (2.863e-07, {"decimals": 2}, "0.00"),
        (-2.863e-07, {"decimals": 2}, "0.00"),
        (0.5, {"decimals": 2}, "0.50"),
        (4.42e-193, {}, "0"),
        (2.8e-07, {"beside": 60.0}, "0"),
        (2.8e-07, {"beside": 1e-6}, "2.8e-07"),
        (12345.6, {}, "12346"),
        (0.123456, {}, "0.1235"),
        (7, {}, "7"),
        (True, {}, "yes"),
        (None, {}, "–"),
        (float("nan"), {}, "–"),
        ("xor", {"decimals": 2}, "xor"),
    ],
)
def test_e6_numbers_as_people_read_them(value, how, text):
    from eisim.report.numbers import number

    assert number(value, **how) == text


def test_e6_the_page_of_a_sweep():
    from eisim.report.view import view_of
    from eisim.run.sweep.axes import Axis
    from eisim.run.sweep.result import Sweep
    from eisim.run.sweep.subject import Subject

    axes = (Axis("stimulus", (0.0, 1.0, 2.0)), Axis("delay", (1e-3, 2.5e-3), "second"))
    scores = np.array([[2.863e-7, 0.5], [1.0, 0.25], [0.75, 0.1]])[..., None]
    found = Sweep(Subject("wilson_cowan", ("spiking",)), axes, 0, (0,), {"score": scores, "rate_E": 1e-9 + 60 * scores})
    page = view_of(found).findings()
    (table,) = page.tables
    assert page.figures_first and [p.file for p in page.pictures][:1] == ["sweep.svg"]
    assert [(c.name, c.unit) for c in table.columns[:2]] == [("stimulus", ""), ("delay", "ms")] and table.keys == 2
    assert [row[:2] for row in table.rows[:3]] == [(0.0, 1.0), (0.0, 2.5), (1.0, 1.0)]
    from eisim.report.grid import grid

    shown = grid(table)
    place = [h.column.name for h in shown.headings].index("score")
    assert [row[place].text for row in shown.rows[:3]] == ["0.00", "0.50", "1.00"]
    from io import StringIO

    from rich.console import Console

    text = StringIO()
    Console(file=text, width=120).print(view_of(found).terminal())
    assert "e-" not in text.getvalue() and "0.00" in text.getvalue()


def test_e6_figures_before_the_table_and_runs_joined_on_all_axes(tmp_path):
    from eisim.report.findings import PageColumn, PageTable
    from eisim.report.grid import joined
    from eisim.report.page import page
    from tests.support.sample import findings, write_run

    first = page([write_run(tmp_path / "a", findings(figures_first=1))])
    other = page([write_run(tmp_path / "b", findings())])
    for html, order in ((first, ("figures", "tables")), (other, ("tables", "figures"))):
        places = [html.index(f'id="{part}"') for part in order]
        assert places == sorted(places)
        links = [html.index(f'href="#{part}"') for part in order]
        assert links == sorted(links)
    columns = (PageColumn("g", "number"), PageColumn("eta", "number"), PageColumn("rate", "number"))
    a = PageTable("Points", columns, ((1.0, 2.0, 5.0), (1.0, 3.0, 6.0)), keys=2)
    b = PageTable("Points", columns, ((1.0, 3.0, 7.0), (1.0, 2.0, 5.0)), keys=2)
    both = joined([a, b], ["A", "B"])
    assert [[cell.text for cell in row] for row in both.rows] == [["1", "2", "5", "5"], ["1", "3", "6", "7"]]


@pytest.mark.parametrize("change", [{"keys": 0}, {"keys": 99}])
def test_e6_a_strangers_table_with_bad_keys(tmp_path, change):
    from dataclasses import replace

    from eisim.report.page import page
    from tests.support.sample import findings, write_run

    made = findings()
    made = replace(made, tables=(replace(made.tables[0], **change),))
    with pytest.raises(InputError, match="columns that name a row"):
        page([write_run(tmp_path / "run", made)])
    made = findings()
    column = replace(made.tables[0].columns[3], decimals=10**9)
    columns = (*made.tables[0].columns[:3], column, *made.tables[0].columns[4:])
    with pytest.raises(InputError, match="decimals, found 1000000000"):
        page([write_run(tmp_path / "other", replace(made, tables=(replace(made.tables[0], columns=columns),)))])


def test_e6_a_table_of_many_columns_is_set_smaller(tmp_path):
    from eisim.report.findings import PageColumn, PageTable
    from eisim.report.page import page
    from tests.support.sample import findings, write_run

    for n, look in ((14, 'class="sortable many"'), (5, 'class="sortable"')):
        table = PageTable("T", tuple(PageColumn(f"c{k}", "number") for k in range(n)), ((1.0,) * n,))
        assert look in page([write_run(tmp_path / str(n), findings(tables=(table,)))])


def test_e4_the_mean_field_is_on_the_page_where_it_applies():
    from dataclasses import replace

    from eisim import Prediction
    from eisim.report.view import view_of
    from eisim.studies.tasks import Survey, assess

    def prediction(name, predicted, holds):
        one = np.array([predicted])
        note = "" if holds else f"'{name}' is synchronous, so mean-field does not hold; predicted {predicted} Hz"
        return Prediction(name, one, np.array([60.0]), np.array([0.1]), np.array([holds]), (note,))

    whole = assess(two_sizes, kinds=["spiking"], doses=2, seeds=1, backend="numpy", name="two_choice")
    predicted = (prediction("E", 61.0, True), prediction("I", 4.42e-193, False))
    judged = replace(whole.kinds["spiking"], predicted=predicted)
    one = replace(whole, kinds={"spiking": judged})
    assert "ean-field" not in str(one) and "e-193" not in str(one)
    tables = view_of(Survey((one,))).findings().tables
    (table,) = (t for t in tables if t.data == "mean_field.csv")
    assert table.rows == (("E of two choice", 61.0, 60.0),)
    assert any("Not for two choice: I: 'I' is synchronous" in note for note in table.notes)
    failing = replace(whole, kinds={"spiking": replace(judged, predicted=predicted[1:])})
    assert not any(t.data == "mean_field.csv" for t in view_of(Survey((failing,))).findings().tables)


def drawn(response):
    from matplotlib import pyplot

    ax = response.plot()
    ax.figure.canvas.draw()
    yield ax
    pyplot.close(ax.figure)


def spiking_response(sizes, trials):
    from eisim import simulate
    from eisim.weights import AllToAll

    populations = [Population(name, sign, LIF(), n) for name, sign, n in sizes]
    wires = [Projection("x", p.name, AllToAll(60e-3)) for p in populations]
    circuit = Circuit("c", [eisim.Input("x", 4)], populations, wires)
    return simulate(circuit, np.ones((trials, 4)), duration=0.1, window=0.05, record=True, backend="numpy", seed=0)


@pytest.mark.parametrize(("rate", "text"), [(4.42e-193, "0"), (0.0, "0"), (0.0123, "0.0123"), (61.04, "61")])
def test_e4_predicted_rates_as_people_read_them(rate, text):
    one = np.array([rate])
    prediction = SimpleNamespace(
        population="E", holds=[False], is_synchronous=[False], predicted=one, simulated=np.array([8.4])
    )
    assert _note(prediction, 0, "", "") == f"predicted {text} Hz, simulated 8.4 Hz"


def test_letters_that_a_figure_lacks_are_spoken_of_once(command, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("\u901f\u5ea6,y\n1,0\n2,1\n3,0\n", encoding="utf-8")
    status, _, said = command("certify", path, "--target", "y", "--out", tmp_path / "out")
    notes = [line for line in said.splitlines() if "note:" in line]
    assert status == 0 and len(notes) <= 1 and "Glyph" not in said


def test_e7_a_raster_of_one_trial_has_a_time_scale():
    from matplotlib.colors import to_hex

    from eisim.report.style import EXCITATORY, INHIBITORY

    response = spiking_response([("E", "E", 8), ("I", "I", 2)], 1)
    for ax in drawn(response):
        ticks = [float(t.get_text()) for t in ax.get_xticklabels() if t.get_text()]
        assert ax.get_xlabel() == "time (ms)" and len(ticks) >= 3 and max(ticks) == 100
        lines = [line for line in ax.lines if len(line.get_xdata()) > 2]
        of_input, of_e, of_i = (to_hex(line.get_color()) for line in lines)
        assert (of_e, of_i) == (EXCITATORY, INHIBITORY) and of_input not in (EXCITATORY, INHIBITORY)
        spans = [np.nanmax(y) - np.nanmin(y) for y in (line.get_ydata() for line in lines)]
        assert spans[0] < 0.3 * (spans[1] + spans[2])  # 4 afferents beside 10 cells


def test_e7_a_raster_of_several_trials_has_a_scale_bar():
    response = spiking_response([("E", "E", 3)], 4)
    for ax in drawn(response):
        texts = [text.get_text() for text in ax.texts]
        assert "100 ms" in texts and texts[:4] == ["0", "1", "2", "3"] and "100 ms" in ax.get_xlabel()
        bar = next(line for line in ax.lines if line.get_linewidth() == 1.5)
        assert list(bar.get_xdata()) == [0, 100]


def test_e7_a_raster_of_many_neurons_draws_some_and_says_so():
    response = spiking_response([("E", "E", 800), ("I", "I", 200), ("out", "E", 1)], 1)
    for ax in drawn(response):
        labels = [label.get_text() for label in ax.get_yticklabels()]
        assert labels[1:] == ["E (E)\n160 of 800", "I (I)\n40 of 200", "out (E)"]
        ends = [text.get_window_extent() for text in ax.get_yticklabels()]
        assert all(a.y0 >= b.y1 - 1 for a, b in pairwise(ends))


def test_e7_a_response_without_readouts_or_record_says_so():
    from dataclasses import replace

    response = replace(spiking_response([("E", "E", 3)], 1), spikes={})
    with pytest.raises(InputError, match="expected a circuit with readouts, or recorded spikes"):
        response.plot()
