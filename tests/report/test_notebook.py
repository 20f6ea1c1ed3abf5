"""Values in a notebook: HTML that is well formed, escaped and small; in pandas and xarray: the same numbers."""

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from eisim import (
    LIF,
    TRUTH_TABLES,
    Circuit,
    Input,
    InputError,
    LabelledData,
    Population,
    Projection,
    Readout,
    ThresholdLinear,
    TruthTable,
    certify,
    simulate,
    to_dnn,
)
from eisim.base.units import format_quantity, parse_quantity
from tests.support import kept, two_choice


def shown(value) -> ET.Element:
    """What a value shows of itself; it is well-formed XML too."""
    return ET.fromstring(value._repr_html_().replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" '))


def text(value) -> str:
    return " ".join("".join(part) for part in shown(value).itertext())


def test_every_value_shows_itself_small_and_prints_itself_short():
    parts = {"task": two_choice.task(), "judged": kept.assessment().kinds["rate"]}
    parts["dose response"] = kept.assessment().systems["rate"]
    for name, value in (kept.values() | parts).items():
        assert len(repr(value)) < 400, name
        if name == "several":
            continue
        html = value._repr_html_()
        assert shown(value).tag == "div", name
        assert 300 < len(html) < 10_000, name
        assert "<script" not in html and "http" not in html and "<style" not in html, name


def test_a_circuit_shows_signs_units_and_weights():
    said = text(kept.ruled())
    for part in ("E excitatory", "I inhibitory", "leak 10 nS", "rest -60 mV", "5 nS", "2 ms", "20 Hz", "FixedInDegree"):
        assert part in said
    assert "threshold ± 1 mV" in said


def test_a_response_shows_decisions():
    rate, _ = kept.responses()
    cells = [cell.text for cell in shown(rate).iter("td")]
    above = [cell.startswith("●") for cell in cells[2::3]]
    assert above == rate.decisions[:, 0].tolist() and any(above) and not all(above)
    assert "last 30 ms of 40 ms" in text(rate)


def test_a_response_without_readouts_shows_itself():
    circuit = two_choice.circuit("rate")
    response = simulate(circuit, two_choice.STIMULI, backend="numpy", **kept.TIMES)
    assert response.readouts.shape == (4, 0)
    assert "0 outputs" in text(response)
    assert response.to_dataframe().shape == (0, 5)
    assert response.to_xarray().rate.shape == (1, 4, 4)


def test_a_verdict_is_said_in_words_symbols_and_colour():
    html = kept.ablation()._repr_html_()
    assert "✗ lost" in html and "background" in html
    assert "lost: provable" in html
    assert "✗ lost" in text(kept.assessment())


def test_a_certificate_shows_its_proof():
    said = text(certify(TRUTH_TABLES["xor"]))
    assert "No excitatory-only circuit computes xor" in said
    assert "At (x1 = 0, x2 = 1) the function is 1" in said and "0.25" in said


def test_names_are_escaped():
    hostile = "<script>alert(1)</script>&\"'"
    circuit = Circuit(
        hostile,
        [Input(hostile)],
        [Population("p<b>", "E", LIF())],
        [Projection(hostile, "p<b>", [[1e-3]])],
        [Readout("p<b>")],
    )
    data = LabelledData([[1.0], [2.0]], [0, 1], names=[hostile], target=hostile, name=hostile, notes=(hostile,))
    values = [circuit, to_dnn(circuit), data, certify(data), TruthTable("01", hostile)]
    values += [replace(kept.values()["region"], name=hostile), replace(two_choice.task(), measure=hostile)]
    for value in values:
        assert "<script" not in value._repr_html_() and "<b>" not in value._repr_html_()
        assert hostile in text(value) or "p<b>" in text(value)


def test_long_tables_are_cut_and_counted():
    data = LabelledData(np.arange(40_000).reshape(2000, 20), np.arange(2000))
    assert len(data._repr_html_()) < 10_000
    assert "and 1,988 more" in text(data)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.2, "second", "200 ms"),
        (0.5e-3, "second", "0.5 ms"),
        (0.0, "volt", "0 mV"),
        (-65e-3, "volt", "-65 mV"),
        (2.5, "second", "2.5 s"),
        (100.0, "hertz", "100 Hz"),
        (12e3, "hertz", "12 kHz"),
        (1e-10, "ampere", "100 pA"),
        (1e-13, "farad", "0.1 pF"),
        (0.4, "1", "0.4"),
        (25e-6, "second", "25 us"),
    ],
)
def test_quantities_are_written_as_they_are_read(value, unit, words):
    assert format_quantity(value, unit) == words
    assert parse_quantity(words, unit, "it") == pytest.approx(value)


def test_a_response_in_xarray_has_its_numbers_and_survives_netcdf(tmp_path):
    rate, spiking = kept.responses()
    for response in (rate, spiking):
        dataset = response.to_xarray()
        dataset.to_netcdf(tmp_path / "x.nc", engine="scipy")
        xr.testing.assert_identical(dataset, xr.load_dataset(tmp_path / "x.nc", engine="scipy"))
        for name, rates in response.rates.items():
            mine = dataset.rate.isel(neuron=np.flatnonzero(dataset.population == name))
            np.testing.assert_array_equal(mine.values.reshape(rates.shape), rates)
        np.testing.assert_array_equal(dataset.decision.values.reshape(response.decisions.shape), response.decisions)
        assert dataset.rate.attrs["units"] == dataset.readout_rate.attrs["units"] == "Hz"
    assert spiking.to_xarray().seed.values.tolist() == [4, 9]
    assert set(spiking.to_xarray().sign.values) == {"E", "I"}
    traces = rate.to_xarray().rate_in_time
    np.testing.assert_array_equal(traces.isel(seed=0, neuron=0), rate.traces["coincidence_I1"][:, 0])
    assert traces.time.values[[0, -1]] == pytest.approx([1e-3, 40e-3])
    # over the read-out window the trace has the mean that the rates say
    window = traces.sel(time=slice(10.5e-3, None)).mean("time")
    np.testing.assert_allclose(window, rate.to_xarray().rate, rtol=0, atol=1e-9)


def test_results_survive_netcdf(tmp_path):
    for name in ("assessment", "survey", "ablation"):
        dataset = kept.values()[name].to_xarray()
        dataset.to_netcdf(tmp_path / "x.nc", engine="scipy")
        xr.testing.assert_equal(dataset, xr.load_dataset(tmp_path / "x.nc", engine="scipy"))


def test_a_response_in_pandas():
    _, spiking = kept.responses()
    frame = spiking.to_dataframe()
    assert list(frame) == ["seed", "trial", "readout", "rate_hz", "decision"]
    one = frame[(frame.seed == 9) & (frame.trial == 1) & (frame.readout == "E[3]")]
    assert one.rate_hz.item() == spiking.readouts[1, 1, 3]
    assert one.decision.item() == spiking.decisions[1, 1, 3]
    spikes = spiking.spikes_to_dataframe()
    assert list(spikes) == ["population", "sign", "neuron", "seed", "trial", "time_s"]
    assert spikes.time_s.is_monotonic_increasing
    late = spikes[spikes.time_s >= 10e-3 - 1e-9]
    counts = late[late.population == "I"].groupby(["seed", "trial", "neuron"]).size()
    for (seed, trial, neuron), n in counts.items():
        assert n / spiking.window == pytest.approx(spiking.rates["I"][[4, 9].index(seed), trial, neuron])
    assert counts.sum() > 10
    with pytest.raises(InputError, match="found no spikes"):
        kept.responses()[0].spikes_to_dataframe()


def test_results_in_pandas():
    row = kept.ablation().to_dataframe().iloc[0]
    assert (row["truth_table"], row["verdict"], row["floor"]) == ("0110", "lost", 0.25)
    assert kept.ablation().cases[0].to_dataframe().iloc[0].equals(row)
    frame = kept.assessment().to_dataframe()
    assert frame.system.tolist() == ["rate", "dnn"]
    assert frame.score_intact.tolist() == [c.intact for c in kept.assessment().systems.values()]
    assert kept.values()["survey"].to_dataframe().equals(frame)
    assert kept.values()["network ablation"].to_dataframe().floor.tolist() == [0.25]
    certificate = kept.values()["certificate"]
    np.testing.assert_array_equal(certificate.to_dataframe().best_l2, certificate.best["l2"])


def test_data_go_to_pandas_and_back():
    data = kept.values()["data"]
    back = LabelledData.from_dataframe(data.to_dataframe(), "y", "weight")
    assert (back.names, back.target) == (data.names, data.target)
    for part in ("points", "targets", "weights"):
        np.testing.assert_array_equal(getattr(back, part), getattr(data, part))
    holes = pd.DataFrame({"a": [1, None, 3], "b": [True, False, True], 7: [0, 1, 1]}, index=list("xyz"))
    found = LabelledData.from_dataframe(holes, 7)
    assert found.points.tolist() == [[1, 1], [3, 1]] and found.target == "7"
    assert found.notes == ("1 of 3 rows have missing values and are left out; the first is row 2, column 'a'.",)


@pytest.mark.parametrize(
    ("columns", "arguments", "message"),
    [
        ({"a": [1, 2], "y": [0, 1]}, ("z",), "data: target: expected one of the columns a, y, found 'z'"),
        ({"a": [1, 2], "y": [0, 1]}, ("y", "y"), "weights: expected another column than the target"),
        ({"y": [0, 1]}, ("y",), "expected at least one column besides the target"),
        ({"a": ["1", "b"], "y": [0, 1]}, ("y",), "row 2, column 'a': expected a finite number, found 'b'"),
        ({"a": [np.inf, 1], "y": [0, 1]}, ("y",), "row 1, column 'a': expected a finite number, found .*inf"),
        ({"a": [None, 1], "y": [0, 1]}, ("y",), r"found 1; the first is missing at row 1, column 'a'$"),
        ({"1": [0, 1], 1: [0, 1], "y": [0, 1]}, ("y",), "expected columns of different names, found '1' more than"),
    ],
)
def test_frames_that_are_no_data_are_refused(columns, arguments, message):
    with pytest.raises(InputError, match=message):
        LabelledData.from_dataframe(pd.DataFrame(columns), *arguments)


def labelled_circuit():
    populations = [Population("E", "E", ThresholdLinear())]
    projections = [Projection("a", "E", [[0.3], [0.5]]), Projection("b", "E", [[0.7]])]
    return Circuit("labelled", [Input("a", 2), Input("b")], populations, projections, [Readout("E")])


def test_stimuli_are_matched_by_name():
    circuit = labelled_circuit()
    dnn, unrolled = to_dnn(circuit), to_dnn(circuit, unrolled=True, **kept.TIMES)
    stimuli = np.random.default_rng(0).random((3, 3))
    frame = pd.DataFrame(stimuli, columns=["a[0]", "a[1]", "b"])[["b", "a[1]", "a[0]"]]
    array = xr.DataArray(stimuli, dims=["trial", "input"], coords={"input": ["a[0]", "a[1]", "b"]})
    array = array.isel(input=[2, 0, 1]).transpose("input", "trial")
    unnamed = xr.DataArray(stimuli, dims=["trial", "input"])
    wanted = dnn(stimuli)
    assert np.ptp(wanted) > 1
    for labelled in (frame, array, unnamed):
        np.testing.assert_array_equal(dnn(labelled), wanted)
        np.testing.assert_array_equal(unrolled(labelled), unrolled(stimuli))
    moving = xr.DataArray(np.stack([stimuli, stimuli / 2]), dims=["time", "trial", "input"])
    np.testing.assert_array_equal(unrolled(moving), unrolled(np.stack([stimuli, stimuli / 2], axis=1)))
    one, two = simulate([circuit, circuit], frame, backend="numpy", **kept.TIMES)
    np.testing.assert_allclose(one.readouts, unrolled(stimuli), rtol=0, atol=1e-9)
    np.testing.assert_array_equal(one.readouts, two.readouts)
    np.testing.assert_array_equal(simulate(circuit, array, backend="numpy", **kept.TIMES).readouts, one.readouts)


@pytest.mark.parametrize(
    ("stimuli", "message"),
    [
        (pd.DataFrame(np.ones((2, 3))), r"columns: expected a\[0\], a\[1\], b, found 0, 1, 2"),
        (pd.DataFrame(np.ones((2, 2)), columns=["a[0]", "b"]), r"columns: expected a\[0\], a\[1\], b, found a\[0\], b"),
        (pd.DataFrame({"a[0]": [1, np.nan], "a[1]": 1, "b": 1}), "expected finite numbers, found nan"),
        (pd.DataFrame({"a[0]": ["x", "y"], "a[1]": 1, "b": 1}), "expected a plain number"),
        (xr.DataArray(np.ones((2, 3)), dims=["row", "input"]), "expected the dimensions trial and input"),
        (
            xr.DataArray(np.ones((2, 3)), dims=["trial", "input"], coords={"input": ["a", "b", "c"]}),
            r"coordinate input: expected a\[0\], a\[1\], b, found a, b, c",
        ),
    ],
)
def test_stimuli_of_other_names_are_refused(stimuli, message):
    for refuse in (to_dnn(labelled_circuit()), lambda s: simulate(labelled_circuit(), s, backend="numpy")):
        with pytest.raises(InputError, match=message):
            refuse(stimuli)


def test_a_task_has_no_inputs_to_match():
    frame = pd.DataFrame(two_choice.STIMULI, columns=["x[1]", "x[0]"])
    with pytest.raises(InputError, match=r"Task.stimuli: expected an array .*, found a labelled table"):
        replace(two_choice.task(), stimuli=frame)
