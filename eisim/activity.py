"""Statistics of spiking activity: irregularity, correlation, synchrony, rhythm, field potential."""

from eisim.analysis.activity import (
    Rhythm,
    correlation,
    field_potential,
    irregularity,
    local_irregularity,
    modulation,
    population_rate,
    rhythm,
    spectral_slope,
    spectrum,
    synchrony,
)

__all__ = [
    "Rhythm",
    "correlation",
    "field_potential",
    "irregularity",
    "local_irregularity",
    "modulation",
    "population_rate",
    "rhythm",
    "spectral_slope",
    "spectrum",
    "synchrony",
]
