"""Limits of excitatory-only networks: order, floors, inversion complexity, synthesis."""
