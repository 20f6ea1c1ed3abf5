"""Ablation: circuit to circuit, with inhibition removed wholly or by a factor."""

from collections.abc import Iterable
from dataclasses import replace

from eisim.circuit import Circuit
from eisim.errors import InputError
from eisim.units import scalar_si


def ablate(circuit: Circuit, fraction: float = 1.0, projections: Iterable[str] | None = None) -> Circuit:
    """Remove a fraction of inhibition: every inhibitory weight is multiplied by ``1 - fraction``.

    Parameters
    ----------
    circuit : Circuit
    fraction : float
        From 0 (intact) to 1 (no inhibition is left).
    projections : iterable of str, optional
        Names of the inhibitory projections to weaken; all of them by default.

    Returns
    -------
    Circuit
        The same populations and projections, with smaller inhibitory weights.

    Raises
    ------
    InputError
        If the fraction is not within 0 and 1, or a name is not that of an inhibitory projection.
    """
    fraction = scalar_si(fraction, "1", "ablate: fraction")
    if not 0 <= fraction <= 1:
        raise InputError(f"ablate: fraction: expected between 0 and 1, found {fraction:g}")
    inhibitory = [p.name for p in circuit.inhibitory_projections]
    if isinstance(projections, str):
        projections = [projections]
    chosen = set(inhibitory if projections is None else projections)
    for name in sorted(chosen - set(inhibitory)):
        known = ", ".join(repr(n) for n in inhibitory) or "none, the circuit has no inhibition"
        raise InputError(f"ablate: projections: expected inhibitory projections ({known}), found {name!r}")
    weakened = [
        replace(p, weights=circuit.weights(p) * (1 - fraction)) if p.name in chosen else p for p in circuit.projections
    ]
    return replace(circuit, projections=weakened)
