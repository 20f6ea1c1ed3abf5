"""Any Brian2 network, a script or objects: its inhibitory synapses, and what they buy.

>>> from eisim import brian
>>> result = brian.ablate("CUBA.py", fractions=[0, 0.5, 1], seeds=3)  # doctest: +SKIP
"""

from eisim.studies.brian2_networks.result import BrianAblation, ControlRuns, Finding, Found, GroupSpikes
from eisim.studies.brian2_networks.running import ablate, ablated, inhibition

__all__ = ["BrianAblation", "ControlRuns", "Finding", "Found", "GroupSpikes", "ablate", "ablated", "inhibition"]
