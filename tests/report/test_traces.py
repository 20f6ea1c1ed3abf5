"""Recorded variables as arrays, tables and figures."""

import numpy as np
import pytest
import xarray as xr
from brian2 import Hz, ms, nS

from eisim import Circuit, ConductanceLIF, Input, InputError, Neuron, Population, Projection, Readout, simulate
from eisim.report.style import EXCITATORY, INHIBITORY
from eisim.report.traces import figure

HOW = {"duration": 40e-3, "window": 20e-3, "dt": 0.5e-3, "backend": "numpy"}


@pytest.fixture(scope="module")
def circuit():
    return Circuit(
        "inhibition",
        [Input("x", 4, 300 * Hz)],
        [Population("PYR", "E", ConductanceLIF(), 3), Population("PV", "I", ConductanceLIF(), 2)],
        [
            Projection("x", "PYR", np.full((4, 3), 5 * nS), 1 * ms),
            Projection("x", "PV", np.full((4, 2), 9 * nS)),
            Projection("PV", "PYR", np.full((2, 3), 6 * nS), 1 * ms),
        ],
        [Readout("PYR", 5 * Hz)],
    )


@pytest.fixture(scope="module")
def response(circuit):
    record = {"PYR": ["v", "I_e", "I_i", "g_e"], "PV": ["v", "spikes"]}
    how = HOW | {"neurons": {"PYR": [2, 0]}, "trials": [1, 2], "every": 2 * ms}
    return simulate(circuit, np.random.default_rng(0).random((3, 4)), record=record, **how)


def test_all_that_was_recorded_is_in_one_labelled_file(response, tmp_path):
    response.to_xarray().to_netcdf(tmp_path / "all.nc", engine="scipy")
    with xr.open_dataset(tmp_path / "all.nc", engine="scipy") as found:
        for population, traces in response.traces.items():
            for name, values in traces.items():
                same = found[f"{population}_{name}"]
                np.testing.assert_array_equal(same, values)
                assert same.attrs == values.attrs and same.attrs["long_name"]
        assert found.PYR_neuron.values.tolist() == [2, 0] and found.recorded_trial.values.tolist() == [1, 2]
        np.testing.assert_allclose(found.recorded_time, np.arange(0, 40e-3, 2e-3), atol=1e-12)
        spikes = response.spikes["PV"]
        np.testing.assert_allclose(np.sort(found.spike_time), np.sort(spikes.t))
        assert set(found.spike_population.values) == {"PV"} and found.spike_time.attrs["units"] == "s"
        assert sorted(found.spike_neuron.values) == sorted(spikes.i)


def test_no_name_stands_for_two_things():
    neuron = Neuron(
        "dv/dt = (w - v)/tau : 1\ndw/dt = -w/tau : 1\ndI_w/dt = -I_w/tau : 1",
        threshold="v > 1", reset="v = 0", excitation="w", tau=5 * ms, initial={"w": 2, "I_w": 3},
    )  # fmt: skip
    names = ("E", "E_I", "spike", "recorded")
    populations = [Population(name, "E", neuron, k + 1) for k, name in enumerate(names)]
    circuit = Circuit("names", [Input("x")], populations, [], [])
    record = {name: ["v", "w", "I_w", "spikes"] for name in names}
    response = simulate(circuit, [[1]], record=record, **HOW)
    found = response.to_xarray()
    assert found.sizes["E_neuron"] == 1 and found.sizes["spike.neuron"] == 3
    for name, traces in response.traces.items():
        for variable, values in traces.items():
            held = [each for each in (f"{name}_{variable}", f"{name}.{variable}") if each in found]
            assert any(np.array_equal(found[each], values) for each in held if found[each].shape == values.shape)
    np.testing.assert_array_equal(found["E_I.w"], response.traces["E_I"]["w"])
    assert found.spike_neuron.dims == ("spike",)


def test_no_spike_is_no_error(circuit, tmp_path):
    silent = simulate(circuit, np.zeros((1, 4)), record={"PV": "spikes"}, **HOW)
    assert silent.to_xarray().sizes["spike"] == 0
    silent.to_xarray().to_netcdf(tmp_path / "silent.nc", engine="scipy")
    with xr.open_dataset(tmp_path / "silent.nc", engine="scipy") as found:
        assert found.spike_time.shape == (0,) and not found.rate.any()


def test_table_has_a_row_for_each_neuron_and_time(response, circuit):
    table = response.traces_to_dataframe()
    assert list(table) == ["population", "sign", "seed", "trial", "neuron", "time_s", "v", "I_e", "I_i", "g_e"]
    assert len(table) == 2 * 20 * (2 + 2) and table.attrs["units"]["I_i"] == "A"
    one = table[(table.population == "PYR") & (table.trial == 2) & (table.neuron == 0)]
    np.testing.assert_array_equal(one.I_i, response.traces["PYR"].I_i.sel(seed=0, trial=2, neuron=0))
    assert table[table.population == "PV"].I_e.isna().all() and set(table.sign) == {"E", "I"}
    with pytest.raises(InputError, match="traces_to_dataframe: expected the response of a simulation with a dict"):
        simulate(circuit, np.zeros((1, 4)), record=True, **HOW).traces_to_dataframe()


def test_panels_share_the_time_axis_and_show_the_balance(response):
    ax = response.plot(linewidth=2)
    raster, potential, current, conductance, of_interneurons = ax.child_axes
    assert {inner.get_xlim() for inner in ax.child_axes} == {(0, 40)}
    assert raster.get_title(loc="left") == "trial 1" and of_interneurons.get_xlabel() == "time (ms)"
    labels = [inner.get_ylabel() for inner in (potential, current, conductance, of_interneurons)]
    assert labels == ["PYR\nv (mV)", "PYR\ncurrent (pA)", "PYR\nconductance (nS)", "PV\nv (mV)"]
    lines = {line.get_label(): line for line in current.lines}
    traces = response.traces["PYR"].sel(seed=0, trial=1, neuron=2)
    np.testing.assert_allclose(lines["I_e"].get_ydata(), traces.I_e * 1e12)
    np.testing.assert_allclose(lines["sum"].get_ydata(), (traces.I_e + traces.I_i) * 1e12)
    assert (lines["I_e"].get_color(), lines["I_i"].get_color()) == (EXCITATORY, INHIBITORY)
    assert len(potential.lines) == 2 and potential.lines[0].get_linewidth() == 2
    assert raster.lines[0].get_xdata().size == 3 * (response.spikes["PV"].copy == 1).sum()


def test_a_run_shows_the_trial_in_which_most_happens(circuit):
    record = {"PYR": ["v"], "PV": ["v", "spikes"]}
    found = simulate(circuit, [[0] * 4, [1] * 4, [0.2] * 4], record=record, **HOW)
    drawn = figure(found, ["none", "all", "few"])
    (ax,) = drawn.axes
    raster, potential, _ = ax.child_axes
    assert raster.get_title(loc="left") == "trial all"
    expected = found.traces["PYR"].v.sel(seed=0, trial=1, neuron=0)
    np.testing.assert_allclose(potential.lines[0].get_ydata(), expected * 1e3)


def test_a_panel_says_which_neuron_it_shows(circuit):
    found = simulate(circuit, [[1] * 4], record={"PYR": "v"}, neurons=2, **HOW)
    assert found.plot().child_axes[0].get_ylabel() == "PYR, neuron 2\nv (mV)"


def test_axes_are_those_of_matplotlib(response):
    with pytest.raises(InputError, match="plot: ax: expected Axes of Matplotlib, found 3"):
        response.plot(ax=3)


def test_raster_of_chosen_populations(circuit):
    found = simulate(circuit, np.ones((2, 4)), record={"PV": "spikes"}, **HOW)
    assert [label.get_text() for label in found.plot().get_yticklabels()] == ["PV (I)"]


def test_page_says_what_was_recorded(response):
    assert "Recorded: spikes of PV; v, I_e, I_i, g_e of PYR; v of PV." in response._repr_html_()
