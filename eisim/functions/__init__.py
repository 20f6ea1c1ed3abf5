"""Functions that a circuit is asked to compute: truth tables, regions of the plane, labelled data."""

from eisim.base.former import warn_of_former
from eisim.functions.labelled_data import LabelledData
from eisim.functions.region import REGIONS, Region
from eisim.functions.truth_table import TRUTH_TABLES, TruthTable, patterns

__all__ = ["REGIONS", "TRUTH_TABLES", "LabelledData", "Region", "TruthTable", "patterns"]


def __getattr__(name):
    if name == "NAMED":
        warn_of_former(__name__, name, "TRUTH_TABLES")
        return TRUTH_TABLES
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
