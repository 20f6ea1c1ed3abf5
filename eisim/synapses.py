"""Receptor kinetics: what one presynaptic spike does to the synaptic input of a neuron."""

from dataclasses import dataclass

from eisim.values import Value, quantity


@dataclass(frozen=True)
class Exponential(Value):
    r"""Current-based synapse whose input jumps by the weight at each spike and decays exponentially.

    .. math:: \dot{I} = -I / \tau, \qquad I \leftarrow I + w \text{ at each presynaptic spike}

    Attributes
    ----------
    tau : float
        Decay time constant :math:`\tau`, in s.
    """

    tau: float = quantity(5e-3, "second", positive=True)

    @property
    def area(self) -> float:
        """Integral of the input that one spike of unit weight causes, in s: mean input = weight × rate × area."""
        return self.tau
