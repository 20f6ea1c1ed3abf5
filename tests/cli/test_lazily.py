"""Modules that are loaded when they are used."""

import subprocess
import sys

PROGRAM = """
import sys
import numpy
from eisim.cli.commands import put_off_imports

put_off_imports()
from scipy import sparse
assert sparse.eye_array(2).nnz == 2
assert "numpy.f2py.crackfortran" not in sys.modules and "unittest" not in sys.modules
from numpy.testing import assert_allclose
assert_allclose(1, 1)
assert numpy.f2py.crackfortran.__name__ in sys.modules
"""


def test_modules_are_loaded_when_they_are_used():
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
