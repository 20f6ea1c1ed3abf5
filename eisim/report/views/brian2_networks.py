"""How what was found in a Brian2 network, and its ablation, are given as tables."""

from dataclasses import asdict
from html import escape

import numpy as np

from eisim.base.display import register
from eisim.studies.brian2_networks.result import BrianAblation, Found


def _findings(found: Found):
    import pandas as pd

    columns = ["synapses", "label", "pathway", "variable", "code", "verdict", "why", "is_scaled", "n"]
    return pd.DataFrame([asdict(row) for row in found.rows], columns=columns)


def _runs(result: BrianAblation):
    return result.to_xarray().to_dataframe(dim_order=["fraction", "seed", "group"]).reset_index()


def _dataset(result: BrianAblation):
    import xarray as xr

    over = ("fraction", "seed", "group")
    arrays = {"rate": result.rates, "cv": result.cv, "synchrony": result.synchrony}
    given = {name: (over, values) for name, values in arrays.items()}
    if result.scores is not None:
        given["score"] = (over[:2], result.scores)
    coordinates = {"fraction": result.fractions, "seed": np.array(result.seeds), "group": list(result.groups)}
    found = xr.Dataset(given, coordinates)
    found["rate"].attrs["units"] = "Hz"
    return found


register(Found, to_dataframe=_findings, html=lambda found: f"<pre>{escape(repr(found))}</pre>")
register(
    BrianAblation,
    to_dataframe=_runs,
    to_xarray=_dataset,
    html=lambda result: f"<pre>{escape(repr(result))}</pre>{result.table.to_html(index=False)}",
)
