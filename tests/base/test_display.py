"""Values are drawn by what is registered for their type; keywords reach Matplotlib."""

from importlib.metadata import EntryPoint

import pytest
from matplotlib import pyplot

from eisim import InputError, TruthTable, certify, synthesize
from eisim.base import display

XOR = TruthTable("0110")


def test_keywords_are_properties_of_all_that_is_drawn():
    ax = certify(XOR).plot(alpha=0.25)
    drawn = [*ax.lines, *ax.collections, *ax.patches]
    assert drawn and {artist.get_alpha() for artist in drawn} == {0.25}
    before = ax.plot([0, 1], [0, 1], alpha=0.75)[0]
    certify(XOR).plot(ax, alpha=0.5)
    assert before.get_alpha() == 0.75, "what was drawn before is the caller's"
    pyplot.close("all")


@pytest.mark.parametrize(
    ("keywords", "said"),
    [({"colour": "red"}, "found 'colour'"), ({"alpha": "red"}, "plot: alpha: expected a value that Matplotlib takes")],
)
def test_keywords_that_matplotlib_does_not_know(keywords, said):
    with pytest.raises(InputError, match=said):
        certify(XOR).plot(**keywords)
    pyplot.close("all")


class Mine:
    """A type of a user."""


class Derived(Mine):
    """Shown as the type that it is derived from."""


def test_a_type_is_shown_by_what_is_registered_for_it():
    with pytest.raises(TypeError, match="to_dataframe: expected a type that is registered"):
        display.display("to_dataframe", Mine())
    display.register(Mine, to_dataframe=lambda value: type(value).__name__)
    assert display.display("to_dataframe", Derived())(Derived()) == "Derived"


def test_a_circuit_knows_no_report_until_it_is_drawn():
    import subprocess
    import sys

    code = (
        "import sys; from eisim import TruthTable, synthesize; c = synthesize(TruthTable('0110')); "
        "print(any(name.startswith('eisim.report') for name in sys.modules)); c.plot(); "
        "print(any(name.startswith('eisim.report') for name in sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "True"]
    assert synthesize(XOR)._repr_html_().startswith("<div")


def test_a_display_of_another_package_that_cannot_be_loaded_is_named(monkeypatch, tmp_path):
    (tmp_path / "broken_view.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("their.study", "broken_view", display.GROUP)
    monkeypatch.setattr(display, "_points", lambda: (point,))
    theirs = type("Theirs", (), {"__module__": "their.study"})
    with pytest.raises(
        InputError, match=r"their\.study \(entry point broken_view\): its display cannot be loaded: Zero"
    ):
        display.display("view", theirs())
