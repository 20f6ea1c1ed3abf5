"""Assess a circuit's task under graded ablation."""

from eisim.studies.curves import AblationCurve
from eisim.studies.tasks import Assessment, Judged, Survey, Witness, assess

DoseResponse = AblationCurve  # its former name

__all__ = [
    "AblationCurve",
    "Assessment",
    "DoseResponse",
    "Judged",
    "Survey",
    "Witness",
    "assess",
]
