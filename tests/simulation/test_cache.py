"""Compiled programs: compiled once, safe for several processes and against a killed build."""

import gc
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest

from eisim import TRUTH_TABLES, simulate, synthesize
from eisim.base import processes
from eisim.base.store import cache
from eisim.simulation import job, program, shares

pytestmark = pytest.mark.slow

XOR = TRUTH_TABLES["xor"]
TIMES = {"duration": 0.06, "window": 0.03, "dt": 5e-4}
SCRIPT = """
import sys
from eisim import TRUTH_TABLES, simulate, synthesize
xor = TRUTH_TABLES["xor"]
stages = []
response = simulate(synthesize(xor, kind="rate"), xor.patterns, duration=0.06, window=0.03, dt=5e-4,
                    report=lambda stage, fraction=None: stages.append(stage))
print("compiled" if any("compiling" in stage for stage in stages) else "cached", "brian2" in sys.modules,
      response.readouts.ravel().tolist())
"""


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path))
    return tmp_path


def rates(**changes):
    stages = []
    arguments = {"circuit": synthesize(XOR, kind="rate"), "stimuli": XOR.patterns} | TIMES | changes
    response = simulate(**arguments, report=lambda stage, fraction=None: stages.append(stage))
    return response.readouts, any("compiling" in stage for stage in stages)


def test_programs_are_compiled_once_and_hold_no_numbers(own_cache):
    first, compiled = rates()
    assert compiled
    second, compiled = rates()
    assert not compiled
    np.testing.assert_array_equal(first, second)
    other, compiled = rates(stimuli=0.7 * XOR.patterns)
    assert not compiled, "other stimuli are other data, not another program"
    assert (other != first).any()
    np.testing.assert_array_equal(other, rates(stimuli=0.7 * XOR.patterns, backend="numpy")[0])

    # What a crash or a full disk could leave is not run, but built again.
    [cached] = (own_cache / "programs").iterdir()
    assert cached.name.endswith("-main")
    cached.write_bytes(cached.read_bytes()[:50_000])
    third, compiled = rates()
    assert compiled
    np.testing.assert_array_equal(first, third)


def test_racing_processes_and_then_a_warm_one(own_cache):
    racers = [
        subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [racer.communicate() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0], said
    results = {out.partition("[")[2] for out, _ in said}
    assert len(results) == 1
    warm = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True).stdout
    assert warm.startswith("cached False"), "a cached program needs neither code generation nor Brian2"
    assert warm.partition("[")[2] in results
    assert len(list((own_cache / "programs").iterdir())) == 1


def test_a_cache_that_cannot_be_written_is_said_and_does_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="nothing can be kept in the cache .*Not a directory"):
        readouts, compiled = rates()
    assert compiled and readouts.shape == (4, 1)
    again, compiled = rates()
    assert not compiled, "it is kept for as long as the process lasts"
    np.testing.assert_array_equal(again, readouts)


def test_a_failing_program_is_an_error_not_a_result(own_cache, monkeypatch):
    rates()
    [cached] = (own_cache / "programs").iterdir()
    cache.write(cached, b"#!/bin/sh\necho broken\nexit 3\n")
    with pytest.raises(RuntimeError, match=r"the compiled program failed \(status 3\): broken"):
        rates()


def test_brian2_reads_its_arrays_where_we_put_them(own_cache, monkeypatch):
    """The check that guards against another naming in another Brian2."""
    monkeypatch.setattr(job, "STIMULUS_FILE", "elsewhere")
    with pytest.raises(RuntimeError, match=r"names or lays out its arrays in another way.*elsewhere"):
        rates(stimuli=np.ones((2, 3, 2)))


def test_shares_of_a_new_program_run_at_the_same_time_and_end_together(monkeypatch, own_cache):
    monkeypatch.setattr(shares, "WORTHWHILE", 1)
    monkeypatch.setattr(processes, "processors", lambda: 2)
    circuit, wait, launch, launched, waited = synthesize(XOR, kind="rate"), program._wait, program._launch, [], []
    run = {"stimuli": XOR.patterns, **TIMES}

    def waiting(*of):
        waited.append(len(launched))
        return wait(*of)

    def launching(*of):
        launched.append(launch(*of))
        return launched[-1]

    monkeypatch.setattr(program, "_wait", waiting)
    monkeypatch.setattr(program, "_launch", launching)
    found = [simulate(circuit, **run).readouts for _ in range(2)]  # compiled, and cached
    assert waited == [2, 2, 4, 4] and len(cache.kept_files(cache.PROGRAMS)) == 1
    np.testing.assert_array_equal(*found)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "_wait", interrupted)
    launch = lambda *_: subprocess.Popen(["sleep", "60"])  # noqa: E731
    with suppress(KeyboardInterrupt):  # pytest would keep what it went through
        simulate(circuit, **run)
    gc.collect()
    assert len(launched) == 6 and all(each.poll() is not None for each in launched)
