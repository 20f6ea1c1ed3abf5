"""The touch circuit of *C. elegans*: does its wiring need inhibition to tell touch at the head from touch at the tail?

A worm crawls forward. Touched at the head it stops and backs away, touched at the tail it goes on faster (Chalfie et
al., J. Neurosci. 5:956, 1985; Wicks & Rankin, J. Neurosci. 15:2434, 1995). The neurons that sense touch, and those that
command movement, are known.
"""

from pathlib import Path

import numpy as np

from eisim.connectome import Connectome, read_connectome
from eisim.studies.connectome.measure import measure
from eisim.studies.connectome.result import ConnectomeResult, Protocol
from eisim.studies.connectome.wiring import GAIN, INHIBITORY, NOTHING, OMITTED, Entry, Required, Wiring

DATA = Path(__file__).parents[2] / "data"
CONNECTIONS, NEURONS = DATA / "celegans_connections.csv", DATA / "celegans_neurons.csv"
#: The receptors of touch at the head and at the tail; interneurons that command movement; the tonic drive.
ANTERIOR, POSTERIOR = Entry("anterior", ("ALM", "AVM")), Entry("posterior", ("PLM",))
BACKWARD, FORWARD = Entry("backward", ("AVA", "AVD")), Entry("forward", ("AVB", "PVC"))
TONIC = Entry("AVB", ("AVB",))
#: Strengths of a touch.
STRENGTHS = (0.5, 1.0, 2.0)
FUNCTION = "direction of escape"
SOURCE = "Chalfie et al. 1985, Wicks & Rankin 1995"


class WormResult(ConnectomeResult):
    """What the touch circuit did in every condition."""


def connectome() -> Connectome:
    """The adult hermaphrodite (White et al. 1986), with transmitters (Wang et al. 2024)."""
    return read_connectome(CONNECTIONS, kind="type", nodes=NEURONS, classes="class")


def wiring(rate: float, tonic_rate: float, coupling: float, glutamate: str = INHIBITORY, gain: float = GAIN) -> Wiring:
    """The touch circuit; synapses of neurons that release glutamate are taken to have this sign."""
    return Wiring(
        "rate",
        (ANTERIOR, POSTERIOR),
        (TONIC,),
        (BACKWARD, FORWARD),
        rate,
        tonic_rate,
        coupling,
        OMITTED,
        glutamate,
        gain,
    )


def touches() -> tuple[tuple[str, ...], np.ndarray, Required]:
    """Trials without touch, and with each touch at each strength; what the two commands should do."""
    sides = (ANTERIOR, POSTERIOR)
    names = (NOTHING, *(f"{side.name} × {strength:g}" for side in sides for strength in STRENGTHS))
    levels = np.vstack([np.zeros(2), *(strength * one for one in np.eye(2) for strength in STRENGTHS)])
    is_backward = levels[:, 0] > 0
    return names, levels, Required(FUNCTION, np.stack([is_backward, ~is_backward], axis=1), SOURCE)


def measure_touch(wiring: Wiring, protocol: Protocol, report=None) -> WormResult:
    """The touch circuit in all conditions, judged by whether it chooses the direction of escape."""
    return measure(connectome(), wiring, protocol, touches(), "touch circuit", WormResult, report)
