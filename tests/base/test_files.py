"""JSON and NetCDF: what their formats do not have."""

import json

import numpy as np
import pytest
import xarray

from eisim.base.files import to_json, to_netcdf


def test_what_is_not_finite_is_null():
    document = {"a": [1.5, float("nan")], "b": np.array([[np.inf, 2.0]]), "c": {"d": np.float64(-np.inf)}, "e": (3,)}
    assert json.loads(to_json(document)) == {"a": [1.5, None], "b": [[None, 2.0]], "c": {"d": None}, "e": [3]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(document, is_strict=True)


def test_attributes_of_netcdf_may_hold_any_text(tmp_path):
    path = tmp_path / "a.nc"
    path.write_bytes(to_netcdf({"x": (("k",), np.arange(2.0), {"long_name": "f–I, µV"})}, {}))
    found = xarray.load_dataset(path)
    assert found["x"].attrs["long_name"] == "f–I, µV" and found["x"].values.tolist() == [0, 1]
