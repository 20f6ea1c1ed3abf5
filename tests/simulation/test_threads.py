"""`simulate` from any thread: Brian2 belongs to the process, and its import wants the main thread."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

#: Eight simulations of four programs and of NumPy, at once and then in turn, from an empty cache. Brian2 is imported
#: by whichever thread comes first.
AT_ONCE = """
import asyncio, json, sys, threading
import numpy as np

def work(k):
    from eisim import LIF, TRUTH_TABLES, simulate, synthesize
    kind = ("rate", "spiking")[k % 2]
    circuit = synthesize(TRUTH_TABLES["xor"], kind=kind).with_neurons(**({"noise": 3e-3} if k % 2 else {}))
    times = {"duration": 0.06, "window": 0.03, "dt": 5e-4}
    backend = "cpp" if k < 6 else "numpy"
    found = simulate(circuit, TRUTH_TABLES["xor"].patterns, seed=[k // 4], record=k == 1, backend=backend, **times)
    return {name: rates.tolist() for name, rates in found.rates.items()}

def in_threads():
    found = [None] * 8
    def run(k):
        found[k] = work(k)
    threads = [threading.Thread(target=run, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found

async def in_asyncio():
    return await asyncio.gather(*(asyncio.to_thread(work, k) for k in range(8)))

assert "brian2" not in sys.modules
at_once = in_threads() if sys.argv[1] == "threads" else asyncio.run(in_asyncio())
print(json.dumps([at_once, [work(k) for k in range(8)]]))
"""


@pytest.mark.nightly
@pytest.mark.parametrize("how", ["threads", "asyncio"])
def test_c3_eight_at_once_on_a_cold_cache_give_the_bits_of_one(tmp_path, how):
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE, how],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"EISIM_CACHE_DIR": str(tmp_path)},
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    at_once, in_turn = json.loads(done.stdout)
    assert at_once == in_turn and None not in at_once


OFF_THE_MAIN_THREAD = """
import signal, sys, threading
from eisim import TRUTH_TABLES, simulate, synthesize
before = signal.getsignal(signal.SIGINT)
assert "brian2" not in sys.modules
said = []
thread = threading.Thread(
    target=lambda: said.append(
        simulate(synthesize(TRUTH_TABLES["xor"], kind="rate"), [[1, 0]], dt=1e-3, backend="numpy").decisions.tolist()
    )
)
thread.start()
thread.join()
assert said == [[[True]]] and "brian2" in sys.modules and signal.getsignal(signal.SIGINT) is before
assert signal.signal is sys.modules["signal"].signal and signal.signal.__module__ == "signal"
"""


def test_c3_brian2_is_imported_off_the_main_thread():
    done = subprocess.run([sys.executable, "-c", OFF_THE_MAIN_THREAD], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_c3_one_thread_at_a_time():
    """What a thread does with Brian2 is not seen by another, which waits."""
    import threading

    from eisim.base.brian import brian2_alone

    order, inside = [], threading.Event()

    def second():
        inside.wait()
        with brian2_alone():
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with brian2_alone(), brian2_alone():  # the same thread may enter twice
        inside.set()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
