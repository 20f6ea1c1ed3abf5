"""Does the touch circuit of C. elegans need inhibition to choose the direction of escape?"""

from dataclasses import dataclass
from typing import Literal

from eisim.base.values import Value, count, quantity

#: Kinds of circuit that it simulates.
KINDS = ("rate",)


@dataclass(frozen=True)
class Settings(Value):
    """Settings for ``--set``.

    Attributes
    ----------
    touch, tonic : quantity
        Rate that a touch of strength 1 gives the touch receptors, and tonic drive of AVB.
    coupling : float
        Conductance of a gap junction relative to the leak of a neuron; 0.05 is about the weight of a chemical synapse.
    gain : float
        Summed weight of all that a neuron receives.
    glutamate : {"inhibitory", "excitatory", "omitted", "both"}
        Sign of the synapses of neurons that release glutamate, which has receptors of both signs; both: half each.
    ways : {"outgoing", "both"}
        What silencing a neuron takes: its chemical synapses, or all that it sends and receives.
    lesions : str
        Neurons that are silenced one by one: all that inhibit, none, or names or classes joined by +.
    levels : int
        Number of fractions of inhibition removed, from 0 to 1.
    shuffles : int
        Number of connectomes with shuffled connections.
    controls : {"all", "none"}
        Whether the full ablation is controlled: readout re-fitted, excitation scaled to compensate, and shams.
    duration, window, dt : quantity
        Duration of a trial, of the read-out window at its end, and of a time step, which is shorter where gap junctions
        ask for it.
    """

    touch: float = quantity(50.0, "hertz", positive=True)
    tonic: float = quantity(20.0, "hertz", non_negative=True)
    coupling: float = quantity(0.05, "1", non_negative=True)
    gain: float = quantity(0.9, "1", positive=True)
    glutamate: Literal["inhibitory", "excitatory", "omitted", "both"] = "inhibitory"
    ways: Literal["outgoing", "both"] = "outgoing"
    lesions: str = "all"
    levels: int = count(6, 2, 101)
    shuffles: int = count(20, 0, 1000)
    controls: Literal["all", "none"] = "all"
    duration: float = quantity(0.5, "second", positive=True)
    window: float = quantity(100e-3, "second", positive=True)
    dt: float = quantity(5e-3, "second", positive=True)


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment with a rate circuit, as these neurons are graded; returns a `WormResult`."""
    import numpy as np

    from eisim.base.timing import Timing
    from eisim.studies.connectome.result import Protocol
    from eisim.studies.connectome.wiring import lesions_of
    from eisim.studies.connectome.worm import measure_touch, wiring

    times = {name: getattr(settings, name) for name in ("duration", "window", "dt")}
    Timing(**times)
    protocol = Protocol(
        times,
        np.linspace(0, 1, settings.levels),
        (seed,),
        settings.ways,
        lesions_of(settings.lesions),
        settings.shuffles,
        settings.controls == "all",
        True,
        backend,
    )
    touch = wiring(settings.touch, settings.tonic, settings.coupling, settings.glutamate, settings.gain)
    return measure_touch(touch, protocol, report)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "worm")
