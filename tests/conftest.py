import os
import signal
import sys
import threading
import time

import pytest
from hypothesis import HealthCheck, settings

from tests.support import processor

for name, value in processor.ENVIRONMENT.items():  # before NumPy is imported
    os.environ.setdefault(name, value)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    # In the background of a script, Ctrl-C is ignored, by the processes that tests interrupt as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "eisim", deadline=None, max_examples=20, suppress_health_check=list(HealthCheck), derandomize=True
)
settings.load_profile("eisim")


def pytest_make_parametrize_id(val, argname):
    """Name cases of bytes and of what its text gives an address by number: all workers must collect the same tests."""
    return argname if isinstance(val, bytes) or " at 0x" in repr(val) else None


def pytest_itemcollected(item):
    if item.get_closest_marker("nightly"):
        item.add_marker("slow")


def pytest_runtest_setup(item):
    """Skip what has not begun when the time is over that .ci/run gives to a part, in s since the epoch."""
    if time.time() > float(os.environ.get("EISIM_TESTS_UNTIL", "inf")):
        pytest.skip("not begun within the time that .ci/run has for it")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """A cache of compiled programs of this session's own, shared by its processes."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "cache"
    os.environ["EISIM_CACHE_DIR"] = str(folder)
    return folder


@pytest.fixture
def eisim():
    """Run ``python -m eisim`` with these words, from outside."""
    import subprocess

    def run(*words, cwd=None, **env):
        return subprocess.run(
            [sys.executable, "-m", "eisim", *map(str, words)],
            capture_output=True,
            text=True,
            cwd=cwd,
            env=os.environ | env,
            check=False,
        )

    return run
