"""Functions that a circuit is asked to compute: truth tables, regions of the plane, labelled data."""

from eisim.functions.labelled_data import LabelledData
from eisim.functions.region import REGIONS, Region
from eisim.functions.truth_table import NAMED, TruthTable, patterns

__all__ = ["NAMED", "REGIONS", "LabelledData", "Region", "TruthTable", "patterns"]
