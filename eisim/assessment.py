"""Assess a circuit's task under graded ablation."""

from eisim.studies.tasks import (
    Assessment,
    DoseResponse,
    Judged,
    Survey,
    Witness,
    assess,
)

__all__ = [
    "Assessment",
    "DoseResponse",
    "Judged",
    "Survey",
    "Witness",
    "assess",
]
