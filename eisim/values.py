"""Immutable values whose parameters have units: settings of experiments, custom neurons."""

from eisim.base.values import Value, quantity

__all__ = ["Value", "quantity"]
