"""Connectomes: neurons and signed synapse counts from files, and the circuits that they make."""

from eisim.connectome.circuits import shiu
from eisim.connectome.connectome import Connectome
from eisim.connectome.reading import read_connectome
from eisim.connectome.signs import SIGNS

__all__ = ["SIGNS", "Connectome", "read_connectome", "shiu"]
