"""Neuron models: each knows its dynamics (Brian2 equations), its activation, and whether that is non-decreasing.

Two families. A *rate* unit relaxes towards its activation of the summed input; a *spiking* neuron integrates its
input to a threshold. Both have an `activation`: the steady output rate as a function of a constant input.
"""

from eisim.neurons.adex import AdEx
from eisim.neurons.conductance_lif import ConductanceLIF
from eisim.neurons.eif import EIF
from eisim.neurons.hodgkin_huxley import HodgkinHuxley
from eisim.neurons.izhikevich import Izhikevich
from eisim.neurons.lif import LIF
from eisim.neurons.neuron import Neuron
from eisim.neurons.qif import QIF
from eisim.neurons.rate import (
    AbbottChance,
    ExponentialLinear,
    Logistic,
    PowerLaw,
    RateUnit,
    RectifiedTanh,
    Saturating,
    Softplus,
    Step,
    ThresholdLinear,
    WilsonCowan,
)
from eisim.neurons.spiking import SpikingNeuron
from eisim.neurons.theta import Theta
from eisim.neurons.wang_buzsaki import WangBuzsaki

__all__ = [
    "EIF",
    "LIF",
    "QIF",
    "AbbottChance",
    "AdEx",
    "ConductanceLIF",
    "ExponentialLinear",
    "HodgkinHuxley",
    "Izhikevich",
    "Logistic",
    "Neuron",
    "PowerLaw",
    "RateUnit",
    "RectifiedTanh",
    "Saturating",
    "Softplus",
    "SpikingNeuron",
    "Step",
    "Theta",
    "ThresholdLinear",
    "WangBuzsaki",
    "WilsonCowan",
]
