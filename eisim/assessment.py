"""Assess a circuit's task under graded ablation."""

from eisim.base.former import warn_of_former
from eisim.studies.curves import AblationCurve
from eisim.studies.tasks import Assessment, Judged, Survey, Witness, assess

__all__ = ["AblationCurve", "Assessment", "Judged", "Survey", "Witness", "assess"]


def __getattr__(name):
    if name == "DoseResponse":
        warn_of_former(__name__, name, "AblationCurve")
        return AblationCurve
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
