"""Long-term plasticity: rules by which synapses change their weights, and by which none changes its sign."""

from eisim.plasticity.named import STDP, Hebb, InhibitoryPlasticity, Oja, SynapticScaling, TripletSTDP
from eisim.plasticity.rule import PlasticityRule

__all__ = ["STDP", "Hebb", "InhibitoryPlasticity", "Oja", "PlasticityRule", "SynapticScaling", "TripletSTDP"]
