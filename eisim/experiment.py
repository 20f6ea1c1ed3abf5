"""The ablation of circuits that compute truth tables."""

from eisim.studies.boolean import (
    AblationResult,
    Case,
    CaseResult,
    KindResult,
    Measurement,
    Protocol,
    run_ablation,
    with_noise,
)

__all__ = [
    "AblationResult",
    "Case",
    "CaseResult",
    "KindResult",
    "Measurement",
    "Protocol",
    "run_ablation",
    "with_noise",
]
