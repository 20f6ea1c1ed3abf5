"""What C libraries print does not reach standard output."""

import ctypes
import os
import threading

import pytest

from eisim.base.c_output import on_stderr

C = ctypes.CDLL(None)


def test_what_c_prints_goes_to_standard_error(capfd):
    print("before")
    with on_stderr():
        C.puts(b"from C")
        os.write(1, b"to the descriptor\n")
    C.puts(b"after")
    C.fflush(None)
    out, err = capfd.readouterr()
    assert out == "before\nafter\n" and sorted(err.splitlines()) == ["from C", "to the descriptor"]


def test_blocks_may_overlap_and_fail(capfd):
    started, go_on = threading.Event(), threading.Event()

    def other():
        with on_stderr():
            started.set()
            go_on.wait()
            os.write(1, b"other\n")

    thread = threading.Thread(target=other)
    with pytest.raises(ValueError), on_stderr():
        thread.start()
        started.wait()
        raise ValueError
    go_on.set()
    thread.join()
    os.write(1, b"out\n")
    assert capfd.readouterr() == ("out\n", "other\n")
