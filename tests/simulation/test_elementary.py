"""Elementary functions of our own in compiled programs: the same bits as in NumPy, and in all that is generated."""

import subprocess

import numpy as np
import pytest

from eisim.base import elementary
from eisim.simulation import toolchain
from eisim.simulation.elementary import CPP, NAMES, own
from tests.base.test_elementary import numbers

pytestmark = pytest.mark.slow

PROGRAM = """
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <vector>
namespace {{
{code}
}}
{code}
int main() {{
    std::vector<double> x({size}), y({size});
    if (fread(x.data(), 8, {size}, stdin) != {size})
        return 1;
    {loops}
}}
"""
LOOP = """
    for (int i = 0; i < {size}; i++)
        y[i] = _eisim_{name}(x[i]);
    fwrite(y.data(), 8, {size}, stdout);
"""


@pytest.mark.parametrize("flags", [toolchain.COMPILER_FLAGS, ["-O0", "-std=c++17"]], ids=["vectors", "one by one"])
def test_bits_are_those_of_numpy(tmp_path, flags):
    x = np.concatenate([numbers(name, 40_000, seed) for seed, name in enumerate(("exp", "log"))] + [[np.nan]])
    assert x.size > 500_000
    loops = "".join(LOOP.format(name=name, size=x.size) for name in NAMES)
    source, binary = tmp_path / "elementary.cpp", tmp_path / "elementary"
    source.write_text(PROGRAM.format(code=CPP, loops=loops, size=x.size))
    subprocess.run([toolchain.find_compiler(), *flags, source, "-o", binary], check=True)
    found = np.frombuffer(subprocess.run([binary], input=x.tobytes(), stdout=subprocess.PIPE, check=True).stdout)
    for name, ours in zip(NAMES, found.reshape(len(NAMES), -1), strict=True):
        expected = getattr(elementary, name)(x)
        both = np.isnan(ours) & np.isnan(expected)  # of which sign does not matter
        assert np.array_equal(np.isnan(ours), both) and both.any() and not both.all()
        assert ours[~both].tobytes() == expected[~both].tobytes(), name


def test_text_calls_our_own_functions():
    text = "r = exp (x)/(1 + exprel(-log1p(y))) + expo(z) + my_exp(z) + exp_log + log"
    assert own(text) == ("r = eisim_exp (x)/(1 + eisim_exprel(-eisim_log1p(y))) + expo(z) + my_exp(z) + exp_log + log")
