"""Few translation units of what Brian2 generates."""

import re

import pytest

from eisim import simulate
from eisim.simulation import codegen, program
from eisim.simulation.compilation import gather
from models import xor

pytestmark = pytest.mark.slow


class StopError(Exception):
    """Raised in place of compiling."""


@pytest.mark.parametrize("kind", ["spiking", "rate"])
def test_brian2_writes_code_objects_as_we_know_them(monkeypatch, tmp_path, kind):
    units = []

    def begin_make(folder, flags, header):
        sources = re.search("^SRCS = (.*)$", (folder / "makefile").read_text(), re.MULTILINE)[1].split()
        units.extend(gather(folder, sources))
        once, steps = (set(re.findall('"(.*)"', (folder / unit).read_text())) for unit in reversed(units[:2]))
        assert {"main.cpp", "objects.cpp", "run.cpp"} == once - {"O0"}
        assert (once - {"O0"}) | steps == set(sources)
        raise StopError

    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(codegen, "begin_make", begin_make)
    monkeypatch.setattr(program, "begin_header", lambda *_: lambda: None)
    with pytest.raises(StopError):
        simulate(xor.circuit(kind=kind), [[0, 1]])
    assert len(units) == 2


def test_sources_of_another_form_stay_units_of_their_own(tmp_path):
    (tmp_path / "code_objects").mkdir()
    known = "#include <cmath>\nnamespace {\nint f;\n}\nvoid run()\n{\n    using namespace brian;\n}\n"
    for name, text in (("a", known), ("b", known.replace("namespace {", "namespace\n{")), ("c", known * 2)):
        (tmp_path / "code_objects" / f"{name}.cpp").write_text(text)
    units = gather(tmp_path, ["code_objects/a.cpp", "code_objects/b.cpp", "code_objects/c.cpp", "network.cpp"])
    assert units == ["eisim_steps.cpp", "eisim_once.cpp", "code_objects/b.cpp", "code_objects/c.cpp"]
    assert '"code_objects/a.cpp"' in (tmp_path / "eisim_steps.cpp").read_text()
    assert "namespace {" not in (tmp_path / "code_objects" / "a.cpp").read_text()
