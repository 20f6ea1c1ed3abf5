"""Our own loops: each is in the program, and computes what the program that Brian2 generates computes, to the bit.

They run on the Brian2 that is installed: 2.9 with Python 3.11, 2.11 with 3.13 (`.ci/run` runs both).
"""

import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from eisim import (
    LIF,
    AdEx,
    Circuit,
    Delta,
    HodgkinHuxley,
    Independent,
    Input,
    Population,
    Projection,
    Readout,
    ShortTerm,
    simulate,
)
from eisim.simulation import codegen, job, noise, program, toolchain
from models import brunel, vogels_abbott
from tests.support import every

pytestmark = pytest.mark.slow


def cuba():
    """More neurons than are in a block, not a multiple of it, that start at different potentials."""
    circuit = vogels_abbott.circuit(synapses="current", size=0.1, delay=1e-3)
    rng = np.random.default_rng(0)
    own = [replace(p, initial=rng.uniform(p.neuron.reset, p.neuron.threshold, p.size)) for p in circuit.populations]
    return replace(circuit, populations=own)


def deltas(carrying=False):
    """Synapses that jump the membrane, also of neurons that are never refractory; or keep what exceeds threshold."""
    rng = np.random.default_rng(1)
    neurons = {
        "held": LIF(excitation=Delta(), inhibition=Delta(), reset_by_subtraction=carrying),
        "free": LIF(excitation=Delta(), inhibition=Delta(), refractory=0.0),
        "noisy": LIF(excitation=Delta(), noise=3e-3, refractory=4e-3),
    }
    populations, projections = [], []
    for name, neuron in neurons.items():
        populations.append(Population(name, "I" if name == "free" else "E", neuron, 70, 14e-3 * rng.random(70)))
        projections += [Projection("drive", name, Independent(1e-3)), Projection("fast", name, Independent(2e-6))]
        projections += [Projection("x", name, 9e-3 * rng.random((3, 70)), delay=1e-3)]
        for other in neurons:
            weights, plasticity = 1e-3 * rng.random((70, 70)), ShortTerm(0.4, 0.2) if other == "held" else None
            projections.append(Projection(other, name, weights, 0.6e-3, plasticity=plasticity))
    inputs = [Input("x", 3, 150.0, train="poisson"), Input("drive", 1, 3000.0, train="poisson")]
    inputs.append(Input("fast", 1, 1e5, train="poisson"))  # more than are drawn at once
    return Circuit("deltas", inputs, populations, projections, [Readout(name) for name in neurons])


def channels():
    """Equations with more variables than g++ compares for overlaps, of neurons that are held and that are not."""
    rng = np.random.default_rng(2)
    neurons = {"E": (HodgkinHuxley(), 2e-9), "I": (AdEx(refractory=2e-3), 2e-9)}
    populations = [Population(name, name, each, 150, top * rng.random(150)) for name, (each, top) in neurons.items()]
    projections = [Projection(a, b, 2e-9 * rng.random((150, 150)), 1e-3) for a in "EI" for b in "EI"]
    return Circuit("channels", [Input("x")], populations, projections, [Readout("E")])


CASES = {
    "spiking": (every.spiking, every.STIMULI["spiking"]),
    "moving": (every.spiking, every.moving("spiking")),
    "rate": (every.rate, every.STIMULI["rate"]),
    "cuba": (cuba, None),
    "brunel": (lambda: brunel.circuit(seed=0, size=0.02), [[2.0]]),
    "deltas": (deltas, [[1.0, 1.0, 1.0, 1.0, 1.0], [0.5, 0.2, 0.0, 0.5, 0.1]]),
    "carrying": (lambda: deltas(carrying=True), [[1.0, 1.0, 1.0, 1.0, 0.0]]),
    "channels": (channels, None),
}


def run(case):
    make, stimuli = CASES[case]
    circuit = make()
    stimuli = np.zeros((1, circuit.n_inputs)) if stimuli is None else stimuli
    return every.numbers(simulate(circuit, stimuli, seed=[3, 4], record=True, **every.TIMES))


@pytest.fixture
def untouched(monkeypatch, tmp_path):
    """Makes programs those that Brian2 generates, compiled with the flags of old."""

    def switch():
        flags = [flag for flag in toolchain.COMPILER_FLAGS if flag != "-fno-trapping-math"]
        assert len(flags) == len(toolchain.COMPILER_FLAGS) - 1
        monkeypatch.setattr(toolchain, "COMPILER_FLAGS", flags)
        monkeypatch.setattr(job, "CPP", job.PLAIN)
        toolchain.flags_of.cache_clear()

    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path))
    yield switch
    toolchain.flags_of.cache_clear()


@pytest.mark.parametrize("case", CASES)
def test_the_bits_are_those_of_the_untouched_program(untouched, case):
    ours = run(case)
    untouched()
    brian2s = run(case)
    assert any(values.any() for values in brian2s.values())
    assert ours.keys() == brian2s.keys()
    for name, values in brian2s.items():
        assert ours[name].dtype == values.dtype and ours[name].tobytes() == values.tobytes(), name


class StopError(Exception):
    """Raised in place of compiling."""


@pytest.fixture
def sources(monkeypatch, tmp_path):
    """The sources of a case by name, those of code objects without what is around it, generated and not compiled."""

    def generate(case, device=job.OWN):
        found = {}

        def begin_make(folder, *_):
            files = [*folder.glob("*.cpp"), *folder.glob("*.h"), *folder.glob("code_objects/*.cpp")]
            found.update({file.name.removesuffix("_codeobject.cpp"): file.read_text() for file in files})
            raise StopError

        monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path / device))
        monkeypatch.setattr(job, "CPP", device)
        monkeypatch.setattr(codegen, "begin_make", begin_make)
        monkeypatch.setattr(program, "begin_header", lambda *_: lambda: None)
        with pytest.raises(StopError):
            run(case)
        return found

    return generate


def test_flags_device_and_version_of_the_results_are_in_the_name_of_a_program(monkeypatch):
    monkeypatch.setattr(program, "start", lambda job, *_: signatures.append(job.signature))
    signatures, switches = [], [lambda: None, lambda: monkeypatch.setattr(job, "CPP", job.PLAIN)]
    switches.append(lambda: monkeypatch.setattr(job, "toolchain", lambda: "another"))
    switches.append(lambda: monkeypatch.setattr(job, "RESULTS_VERSION", 0))
    for switch in switches:
        switch()
        with pytest.raises(TypeError):  # what starts gives no function that waits
            run("rate")
    assert len(set(signatures)) == 4
    assert "-fno-trapping-math" in toolchain.COMPILER_FLAGS
    assert all(flag in toolchain.toolchain().split("\n") for flag in toolchain.COMPILER_FLAGS)
    deciding = {file.relative_to(file.parents[1]).as_posix() for file in job._DECIDING}
    assert {"simulation/device.py", "simulation/refractory.py", "templates/threshold.cpp"} < deciding
    assert {"simulation/elementary.py", "base/elementary.py"} < deciding


@pytest.mark.parametrize("case", ["spiking", "moving", "carrying"])
def test_a_state_updater_finds_the_spikes_or_the_thresholder_does_in_blocks(sources, case):
    ours, brian2s = sources(case), sources(case, job.PLAIN)
    groups = [found[1] for name in brian2s if (found := re.match(r"(eisim_.*)_spike_thresholder$", name))]
    with_flag = {"spiking": 1, "moving": 1, "carrying": 1}[case]  # of Brian2's refractoriness
    fused = [name for name in groups if "_crossed" in ours[f"{name}_stateupdater"]]
    assert len(fused) == len(groups) - with_flag >= 2
    for name in groups:
        updater, thresholder = ours[f"{name}_stateupdater"], ours[f"{name}_spike_thresholder"]
        assert ("_any |=" in updater) == (name in fused) == ("char _cond" not in thresholder), name
        assert ("_any |=" in thresholder) == (name not in fused), name
        assert "_any |=" not in brian2s[f"{name}_stateupdater"] + brian2s[f"{name}_spike_thresholder"], name


def test_the_compiler_is_told_of_equations_that_no_variables_overlap(sources):
    for case, updaters in (("channels", 2), ("spiking", 0)):
        told = [name for name, text in sources(case).items() if "#pragma GCC ivdep" in text]
        assert len(told) == updaters and all(re.match(r"eisim_neuron_.*_stateupdater$", name) for name in told)


def test_spikes_are_read_only_after_the_slot_in_which_brian2_finds_them(sources):
    added = re.findall(r"add\(&eisim_clock, _run_(\w+)\)", sources("spiking")["main.cpp"])
    last = max(k for k, name in enumerate(added) if name.endswith("thresholder_codeobject"))
    readers = [k for k, name in enumerate(added) if re.search("monitor|push_spikes|resetter", name)]
    assert readers and min(readers) > last


def test_refractoriness_is_that_of_free_at_but_where_a_reset_depends_on_what_synapses_do(sources):
    def are_in(case, word, device=job.OWN):
        return {name for name, text in sources(case, device).items() if word in text}

    updaters = {"eisim_lif_dd_drive_ee_stateupdater", "eisim_lif_dx_drive_ee_stateupdater"}
    assert not are_in("deltas", "not_refractory")
    assert updaters <= are_in("deltas", "_held(") & are_in("deltas", "_let_in(")
    assert are_in("carrying", "not_refractory") & updaters == {"eisim_lif_dd_drive_ee_stateupdater"}
    assert not are_in("deltas", "_held(", job.PLAIN)


def test_poisson_numbers_of_drives_come_in_blocks(sources):
    for case in ("brunel", "moving"):
        ours, brian2s = sources(case), sources(case, job.PLAIN)
        updaters = {name for name in brian2s if re.match(r"eisim_(?!pool).*_drive_.*_stateupdater$", name)}
        assert updaters and {name.replace("_stateupdater", "_arrived_0") for name in updaters} < set(ours)
        for name in updaters:
            assert "_poisson_number(" in brian2s[name] and "_poisson_number(" not in ours[name]
            assert "_poisson_numbers(_table" in ours[name.replace("_stateupdater", "_arrived_0")]


POISSON = """
#include <cmath>
#include <cstdint>
#include <initializer_list>
{code}
int main() {{
    static _PoissonSums table;
    for (double mean : {{1e-300, 1e-9, 0.3, 16.0, 2.0, 0.3, 7.7}}) {{
        double u[1000], found[1000];
        for (int size : {{1, 999, 1000}}) {{
            for (int i = 0; i < size; i++)
                u[i] = i == 5 ? 1 - 0x1.0p-54 : _first_uniform(1e15 + 977.0 * i, i);
            _poisson_numbers(table, u, size, mean, found);
            for (int i = 0; i < size; i++)
                if (i != 5 && found[i] != _poisson_number(1e15 + 977.0 * i, i, mean))
                    return 1;
            if (size > 5 && !(found[5] >= found[6] && found[5] <= 200))
                return 2;
        }}
    }}
    return _is_one_part(16.0) && !_is_one_part(0.0) && !_is_one_part(16.1) && !_is_one_part(NAN) ? 0 : 3;
}}
"""


def test_poisson_numbers_from_a_table_are_those_drawn_one_by_one(tmp_path):
    code = noise.brian2_uniform()["first_uniform"].implementations["cpp"].get_code(None)
    source, binary = tmp_path / "poisson.cpp", tmp_path / "poisson"
    source.write_text(POISSON.format(code=code))
    subprocess.run([toolchain.find_compiler(), *toolchain.COMPILER_FLAGS, source, "-o", binary], check=True)
    assert subprocess.run([binary], check=False).returncode == 0


def test_queues_hold_neurons_and_are_not_copied(sources):
    ours, brian2s = sources("cuba"), sources("cuba", job.PLAIN)
    assert "all_peek" in brian2s["synapses_classes.h"] and "all_peek" not in ours["synapses_classes.h"]
    pathways = [name for name in brian2s if re.match(r"eisim_.*_pre$", name)]
    assert pathways
    for name in pathways:
        assert ".peek()" in brian2s[name] and ".arrival(_k)" in ours[name] and ".peek()" not in ours[name], name


def test_the_time_is_not_looked_at_for_each_object(sources):
    ours, brian2s = sources("rate"), sources("rate", job.PLAIN)
    assert "curclocks" in brian2s["network.cpp"] and "curclocks" not in ours["network.cpp"]


@pytest.mark.parametrize("device", [job.OWN, job.PLAIN])
def test_nothing_that_is_generated_calls_the_c_librarys_exp_or_log(sources, device):
    called = set()
    for case in ("spiking", "moving", "rate", "brunel"):
        for name, text in sources(case, device).items():
            if not name.startswith("eisim_"):
                continue  # what Brian2 has in each program
            text = re.sub(r"//.*", "", text)
            assert not re.search(r"(?<!\w)_?(exp|expm1|exprel|log|log1p)\(", text), name
            called |= set(re.findall(r"(?<=_eisim_)\w+(?=\()", text.partition("_run_")[2]))
    assert {"exp", "exprel", "log", "log1p"} <= called


@pytest.mark.parametrize(
    ("make", "name", "updaters"),
    [
        (lambda: vogels_abbott.circuit(synapses="conductance", size=0.1, delay=1e-3), "conductancelif", 1),
        (channels, "neuron", 2),
    ],
)
def test_steps_are_done_in_vectors(monkeypatch, tmp_path, make, name, updaters):
    said = tmp_path / "said"
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(toolchain, "COMPILER_FLAGS", [*toolchain.COMPILER_FLAGS, f"-fopt-info-vec-optimized={said}"])
    toolchain.flags_of.cache_clear()
    circuit = make()
    try:
        simulate(circuit, np.zeros((1, circuit.n_inputs)), **every.TIMES)
    finally:
        toolchain.flags_of.cache_clear()
    done = re.findall(rf"({name}_\w+_stateupdater)\w*\.cpp:\d+:\d+: optimized: loop vectorized", said.read_text())
    assert len(set(done)) == updaters
