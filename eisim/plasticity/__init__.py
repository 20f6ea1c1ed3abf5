"""Long-term plasticity: rules by which synapses change their weights, and by which none changes its sign."""

from eisim.plasticity.named import STDP, InhibitoryPlasticity, TripletSTDP
from eisim.plasticity.rule import PlasticityRule

__all__ = ["STDP", "InhibitoryPlasticity", "PlasticityRule", "TripletSTDP"]
