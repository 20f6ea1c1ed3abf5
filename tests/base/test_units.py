"""Plain numbers that are hardly meant in SI units, and what is no number."""

import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from brian2 import mV

from eisim import LIF, InputError
from eisim.base.schema import read_settings
from eisim.base.units import _EXAMPLES, to_si, warn_of_plain
from eisim.base.values import Value, quantity
from experiments import connectome, worm


@pytest.mark.parametrize("unit", [*_EXAMPLES, "joule"])
def test_odd_numbers_are_left_to_what_refuses_them(unit):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for value in (np.nan, np.inf, [np.nan, 1e-9], {}, object(), "x", None, []):
            assert not warn_of_plain(value, unit, "x")
    with pytest.warns(UserWarning, match="x: the plain number -60 is -60"):
        assert warn_of_plain(np.array([1, -60]), unit, "x", huge=2)


@pytest.mark.parametrize("unit", list(_EXAMPLES))
def test_masked_numbers_are_none(unit):
    for value in (np.ma.masked, np.ma.array([1.0, 2.0], mask=[0, 1])):
        with pytest.raises(InputError, match="x: expected numbers, found masked ones"):
            to_si(value, unit, "x")
    assert to_si(np.ma.array([1.0, 2.0]), unit, "x").tolist() == [1, 2]


def test_settings_have_the_names_that_are_typed():
    for settings in (connectome.Settings, worm.Settings):
        with pytest.raises(InputError, match=r"^gain: expected more than 0, found 0$"):
            read_settings(settings, ["gain=0"])


@dataclass(frozen=True)
class Late(Value):
    """A value that a module of its own defines."""

    time: float = quantity(0.1, "second")


def test_a_time_that_is_given_with_its_unit_is_not_asked_about():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_settings(connectome.Settings, ["window=5s"]).window == 5
        assert read_settings(Late, ["time=5s"]).time == 5
    with pytest.warns(UserWarning, match="the plain number 5 is 5 s"):
        Late(5)
    with pytest.warns(UserWarning, match="threshold"):
        LIF(threshold=60)
    assert LIF(threshold=60 * mV).threshold == pytest.approx(0.06)
