"""What eisim assumes of Brian2 beyond its documentation: each holds, or its test says what has moved.

They run on the Brian2 that is installed: 2.9 with Python 3.11, 2.11 with 3.13 (`.ci/run` runs both).
"""

import inspect
import re
import signal
import sys
import warnings

import brian2 as b2
import numpy as np
import pytest
from brian2.devices.cpp_standalone import device as cpp
from brian2.devices.device import all_devices, get_device
from brian2.utils import logger

from eisim import InputError
from eisim.simulation import codegen, compilation, naming
from eisim.simulation.compilation import _FUNCTION, _RUN_ONCE, _SUPPORT

pytestmark = pytest.mark.slow

MOVED = f"Brian2 {b2.__version__} has moved what eisim rests on"


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """A standalone project with every kind of object that eisim makes, generated and not compiled."""
    folder = tmp_path_factory.mktemp("project")
    with codegen.brian2_alone(), codegen._device("cpp_standalone", build_on_run=False):
        clock = b2.Clock(1 * b2.ms, name="a_clock")
        rates = b2.TimedArray(np.arange(6.0).reshape(2, 3) * b2.Hz, 1 * b2.ms, name="a_stimulus")
        one = b2.NeuronGroup(
            3,
            "r = a_stimulus(t, i) : Hz (constant over dt)\nx : 1\ny : 1 (shared, constant)",
            threshold="x > 1",
            reset="x = 0",
            clock=clock,
            name="one",
            namespace={"a_stimulus": rates},
        )
        two = b2.Synapses(one, one, "w : 1", on_pre="x_post += w", clock=clock, name="two")
        two.connect(i=np.array([0, 1]), j=np.array([1, 2]))
        two.w_[:] = np.array([1.0, 2.0])
        two.delay_[:] = np.array([1e-3, 2e-3])
        three = b2.Synapses(one, one, "w : 1", on_pre="x_post += w", clock=clock, name="three")
        three.connect(i=np.array([2]), j=np.array([0]))
        spikes = b2.SpikeMonitor(one, name="spikes")
        states = b2.StateMonitor(one, "x", record=np.arange(2), clock=clock, name="states")
        network = b2.Network(one, two, three, spikes, states, name="a_network")
        network.run(4 * b2.ms, namespace={}, report="std::cout << completed << std::endl;")
        device = get_device()
        queue = list(device.main_queue)
        device.build(directory=str(folder), compile=False, run=False)
        arrays = dict(device.static_arrays)
    return folder, arrays, queue


def test_names_of_files_that_a_program_reads(generated):
    _, arrays, _ = generated
    expected = {
        naming.static_file("two", "sources"),
        naming.static_file("two", "targets"),
        naming.static_file("two", "w", dynamic=True),
        naming.static_file("two", naming.DELAY, dynamic=True),
        naming.static_file("states", "_indices"),
        "a_stimulus_values",
    }
    assert set(arrays) == expected, MOVED


def test_layout_of_files_that_a_program_reads(generated):
    _, arrays, _ = generated
    assert arrays["a_stimulus_values"].ravel().tolist() == list(range(6)), f"{MOVED}: a TimedArray is time × neurons"
    for name in ("sources", "targets"):
        assert arrays[naming.static_file("two", name)].dtype == np.int32, MOVED
    assert arrays[naming.static_file("two", "w", dynamic=True)].dtype == float, MOVED


def test_what_sets_an_array_of_one_number(generated):
    """`codegen._read_from_files` looks for these entries, with the array first; the third of a constant: dynamic."""
    _, _, queue = generated
    name = naming.array("three", "sources", dynamic=False)
    [(what, arguments)] = [entry for entry in queue if entry[1][:1] == (name,)]
    assert (what, arguments) == ("set_by_single_value", (name, 0, "2")), MOVED
    name = naming.array("two", "sources", dynamic=False)
    [(what, arguments)] = [entry for entry in queue if entry[1][:1] == (name,)]
    assert what == "set_by_array" and arguments == (name, naming.static_file("two", "sources"), False), MOVED
    name = naming.array("two", "w", dynamic=True)
    [(what, arguments)] = [entry for entry in queue if entry[1][:1] == (name,)]
    assert what == "set_by_array" and arguments == (name, naming.static_file("two", "w", dynamic=True), True), MOVED
    source = inspect.getsource(cpp.CPPStandaloneDevice.fill_with_array)
    assert re.search(r'"set_by_constant",\s*\(array_name, arr\.item\(\), isinstance', source), MOVED


def test_names_of_files_that_a_program_writes(generated):
    folder, _, _ = generated
    written = set(re.findall(r'results_dir \+ "(\w+)"', (folder / "objects.cpp").read_text()))
    for owner, variable, dynamic in (
        ("one", "x", False),
        ("two", "sources", False),
        ("two", "_synaptic_pre", True),
        ("two", naming.DELAY, True),
        ("spikes", "N", False),
        ("spikes", "i", True),
        ("spikes", "t", True),
        ("states", "x", True),
    ):
        assert naming.result_file(owner, variable, dynamic) in written, f"{MOVED}: {owner}.{variable}"
    assert 'results_dir + "last_run_info.txt"' in (folder / "objects.cpp").read_text(), MOVED


def test_how_a_program_takes_its_numbers(generated):
    folder, _, _ = generated
    main, objects = (folder / "main.cpp").read_text(), (folder / "objects.cpp").read_text()
    assert 'args[0] == "--results_dir"' in main and "set_from_command_line(args);" in main, MOVED
    for name in ("one.x", "one.y", "two.w"):
        assert f'if (name == "{name}")' in objects, MOVED
    assert "static_arrays/_static_array__array_two_sources" in objects, MOVED
    assert "std::cout << completed << std::endl;" in main, f"{MOVED}: the code of report="


def test_the_form_of_the_sources(generated):
    """`compilation.gather` makes two units of them."""
    folder, _, _ = generated
    makefile = (folder / "makefile").read_text()
    sources = re.search(r"^SRCS = (.*)$", makefile, re.MULTILINE)[1].split()
    assert set(_RUN_ONCE) <= set(sources), MOVED
    steps = [name for name in sources if name.startswith("code_objects/")]
    assert len(steps) >= 5, MOVED
    for name in steps:
        text = (folder / name).read_text()
        assert text.count(_SUPPORT) == 1 and _FUNCTION in text, f"{MOVED}: {name}"
    for words in ("$(OBJS)", "CXXFLAGS", "DEPS", "$(CXX)"):
        assert words in makefile, f"{MOVED}: the makefile has no {words}"


def test_the_vector_that_is_reserved(generated):
    """`codegen._spare_memory` reserves the ends of synapses, in the namespace brian, after the start."""
    folder, _, _ = generated
    for variable in ("_synaptic_pre", "_synaptic_post"):
        declared = f"std::vector<int32_t> {naming.array('two', variable, dynamic=True)};"
        assert declared in (folder / "objects.cpp").read_text(), MOVED
    assert "after_start" in cpp.CPPStandaloneDevice().code_lines, MOVED


def test_devices_and_preferences_that_are_switched():
    assert {"runtime", "cpp_standalone"} <= set(all_devices), MOVED
    for preference in (*codegen._PREFERENCES, "codegen.target"):
        assert preference in b2.prefs, f"{MOVED}: no preference {preference}"
    for method in ("reinit", "activate", "build", "static_array", "insert_code"):
        assert callable(getattr(cpp.CPPStandaloneDevice, method)), MOVED


def test_a_step_is_taken_as_it_is_written():
    """The method of `network.BatchNetwork` is a state updater; "stochastic" algebra would move terms."""
    found = b2.NeuronGroup(1, "dv/dt = -v/(1*second) : 1", method=lambda *_a, **_k: "v = v*0.5 + 1", name="stepped*")
    b2.Network(found).run(0.1 * b2.ms)
    assert found.v[0] == 1, MOVED


def test_what_the_import_does_to_the_process():
    """`base.brian` keeps these from happening where eisim imports Brian2."""
    source = inspect.getsource(sys.modules["brian2"])
    assert source.count("signal.signal(") == 1 and signal.signal.__module__ == "signal", MOVED
    for name in ("file_handler", "tmp_log", "tmp_script", "initialize"):
        assert hasattr(logger.BrianLogger, name), f"{MOVED}: BrianLogger.{name}"
    assert logger.brian_excepthook.__module__ == "brian2.utils.logger", f"{MOVED}: the hook of uncaught errors"


def test_quantities_are_known_by_their_dimensions():
    """`eisim.base.units.unit_of` does not import Brian2."""
    from brian2.units import allunits, fundamentalunits

    from eisim.base.units import _EXAMPLES, unit_of

    assert isinstance((3 * b2.mV).dim, fundamentalunits.Dimension), MOVED
    for unit in _EXAMPLES:
        quantity = b2.Quantity(1.0) if unit == "1" else 1.0 * getattr(allunits, unit)
        assert unit_of(quantity) == unit, f"{MOVED}: {unit}"


def test_another_form_is_refused_and_not_guessed(monkeypatch, tmp_path):
    """If names or layouts moved, the check at each compilation says so before a number is computed."""
    from eisim import simulate
    from tests.simulation.test_sizes import circuit

    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compilation, "begin_header", lambda *_: lambda: None)
    arrays = codegen.Job.static_arrays
    monkeypatch.setattr(codegen.Job, "static_arrays", lambda job: {n + "_x": a for n, a in arrays(job).items()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(
            RuntimeError, match="names or lays out its arrays in another way than eisim expects"
        ) as error:
            simulate(circuit("rate", size=2), [[1]], duration=20e-3, window=10e-3, dt=1e-3)
    assert not isinstance(error.value, InputError) and b2.__version__ in str(error.value)
