"""What no excitatory-only network can do: order, floors, inversion complexity, synthesis."""
