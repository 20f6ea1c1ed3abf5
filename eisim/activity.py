"""Statistics of spiking activity: irregularity, correlation, synchrony and rhythm."""

from eisim.analysis.activity import (
    Rhythm,
    correlation,
    irregularity,
    local_irregularity,
    modulation,
    population_rate,
    rhythm,
    spectrum,
    synchrony,
)

__all__ = [
    "Rhythm",
    "correlation",
    "irregularity",
    "local_irregularity",
    "modulation",
    "population_rate",
    "rhythm",
    "spectrum",
    "synchrony",
]
