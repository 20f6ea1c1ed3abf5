"""``run --record``: what happens over time within a circuit of the user's own, from outside."""

import numpy as np
import pytest
import xarray as xr

from eisim import InputError, ablate, simulate
from eisim.base.user_files import load_file
from eisim.cli.commands import run_command
from eisim.studies.recording import asked
from tests.pages import ROOT

FILE = ROOT / "examples" / "my_circuit.py"
TIMES = {"duration": 300e-3, "window": 200e-3, "dt": 0.5e-3}
SET = (
    "--set",
    "levels=2",
    "--set",
    "seeds=1",
    "--set",
    "controls=none",
    "--set",
    "duration=300ms",
    "--set",
    "window=200ms",
)
SET += ("--backend", "numpy", "--kind", "spiking")


def test_traces_of_the_intact_and_the_ablated_circuit_are_files(tmp_path, capsys):
    words = ("--record", "out:v,I_e", "--record", "out:I_i,spikes", "--record", "gate:spikes")
    assert run_command(["run", str(FILE), *SET, *words, "--out", str(tmp_path / "out")]) == 0, capsys.readouterr()
    circuit = load_file(FILE).circuit("spiking")
    stimuli = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
    for condition, each in (("intact", circuit), ("ablated", ablate(circuit))):
        record = {"out": ["v", "I_e", "I_i", "spikes"], "gate": "spikes"}
        expected = simulate(each, stimuli, record=record, backend="numpy", **TIMES).to_xarray()
        with xr.open_dataset(tmp_path / "out" / f"traces_spiking_{condition}.nc", engine="scipy") as found:
            for name in ("out_v", "out_I_e", "out_I_i", "spike_time"):
                np.testing.assert_array_equal(found[name], expected[name])
            assert found.out_I_i.attrs["units"] == "V" and bool(found.out_I_i.any()) == (condition == "intact")
        assert "<svg" in (tmp_path / "out" / f"traces_spiking_{condition}.svg").read_text()
    assert "traces_spiking_ablated.svg" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            (str(FILE), *SET, "--record", "out:w"),
            "record: 'out': expected some of 'v', 'I_e', 'I_i', 'I_ext', 'spikes', found 'w'",
        ),
        (
            (str(FILE), *SET, "--record", "out"),
            "--record: expected POPULATION:VARIABLE,..., such as PYR:v,spikes, found 'out'",
        ),
        (
            (str(FILE), *SET, "--record", ""),
            "--record: expected POPULATION:VARIABLE,..., such as PYR:v,spikes, found ''",
        ),
        (("census", "--record", "out:v"), "--record: expected a circuit of your own"),
    ],
)
def test_what_cannot_be_recorded_is_said_in_a_line(words, message, capsys, tmp_path):
    assert run_command(["run", *words, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err


def test_what_is_asked_for_is_read():
    assert asked(["PYR:v, g_e", "PV:spikes", "PYR:spikes"]) == {"PYR": ["v", "g_e", "spikes"], "PV": ["spikes"]}
    assert asked(["a:b:v"]) == {"a:b": ["v"]}
    for wrong in ("", ":v", "PYR:", "PYR:v,,x"):
        with pytest.raises(InputError, match="--record: expected POPULATION:VARIABLE"):
            asked([wrong])
