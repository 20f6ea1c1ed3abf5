"""What does inhibition do in a connectome of your own?"""

from dataclasses import dataclass
from typing import Literal

from eisim.base.errors import InputError
from eisim.base.values import Value, count, quantity

#: Settings that `eisim.read_connectome` takes where they are given, and what it calls them.
COLUMNS = {each: each for each in ("source", "target", "sign", "transmitter", "nodes", "name", "classes")}
COLUMNS |= {"synapses": "count", "type": "kind"}
#: It simulates circuits of the first of these kinds that is asked for.
KINDS, ONE_KIND = ("rate", "spiking"), True


@dataclass(frozen=True)
class Settings(Value):
    """Settings for ``--set``.

    Attributes
    ----------
    file : str
        Connectome: a table of connections, GraphML, or JSON, see `eisim.read_connectome`.
    source, target, synapses, sign, transmitter, type : str
        Columns of the table of connections, where they are not found by their names; none: there is no such column.
        `synapses` holds their numbers, `type` says which are gap junctions.
    nodes, name, classes : str
        Table of neurons, and its columns.
    signs : str
        Signs of transmitters, over the usual ones: ``"glutamate:-,dopamine:+"``; 0 for either sign.
    inputs : str
        What is stimulated, separated by commas: names, classes or transmitters, joined by + where they are one
        stimulus, which may have a name: ``"anterior=ALM+AVM,PLM"``. In each trial one is on, or none.
    tonic : str
        What is driven in all trials.
    readouts : str
        What is read out, each the mean of its neurons.
    rate, tonic_rate : quantity
        Rates of stimuli and of tonic drive.
    coupling : float
        Conductance of a gap junction relative to the leak of a neuron, in rate circuits; 0 leaves gap junctions out.
        It is asked for where there are some. About 0.05 is the weight of a chemical synapse of the worm.
    gain : float
        Summed weight of all that a neuron receives, in rate circuits.
    unknown, mixed : {"omitted", "excitatory", "inhibitory", "both"}
        What synapses without a known sign, and those that may have either sign, are taken for; both: half each.
    vary : bool
        Whether these, the coupling and the gain are varied.
    ways : {"outgoing", "both"}
        What silencing a neuron takes: its chemical synapses, or all that it sends and receives.
    lesions : str
        Neurons that are silenced one by one: all that inhibit (of too many, those that send most inhibition), none, or
        names or classes joined by +.
    task : str
        Table of trials: columns of the inputs, with numbers, and of the readouts, 1 where a readout should be above
        its threshold and 0 where not.
    levels, seeds : int
        Numbers of fractions of inhibition removed, and of seeds where something is random.
    shuffles : int
        Number of connectomes with shuffled connections; one at most where there are more than a million.
    controls : {"all", "none"}
        Whether the full ablation is controlled: readout re-fitted, excitation scaled to compensate, and shams.
    duration, window, dt : quantity
        Duration of a trial, of the read-out window at its end (0: 0.1 s in rate circuits, else 0.9 s), and of a time
        step (0: 5 ms in rate circuits, else 0.1 ms), which is shorter where gap junctions ask for it.
    """

    file: str = ""
    source: str = ""
    target: str = ""
    synapses: str = ""
    sign: str = ""
    transmitter: str = ""
    type: str = ""
    nodes: str = ""
    name: str = ""
    classes: str = ""
    signs: str = ""
    inputs: str = ""
    tonic: str = ""
    readouts: str = ""
    rate: float = quantity(100.0, "hertz", positive=True)
    tonic_rate: float = quantity(20.0, "hertz", non_negative=True)
    coupling: float | None = None
    gain: float = quantity(0.9, "1", positive=True)
    unknown: Literal["omitted", "excitatory", "inhibitory", "both"] = "omitted"
    mixed: Literal["omitted", "excitatory", "inhibitory", "both"] = "omitted"
    vary: bool = True
    ways: Literal["outgoing", "both"] = "outgoing"
    lesions: str = "all"
    task: str = ""
    levels: int = count(6, 2, 101)
    seeds: int = count(10, 1, 1000)
    shuffles: int = count(10, 0, 1000)
    controls: Literal["all", "none"] = "all"
    duration: float = quantity(1.0, "second", positive=True)
    window: float = quantity(0.0, "second", non_negative=True)
    dt: float = quantity(0.0, "second", non_negative=True)


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment, with a rate circuit unless only spiking ones are asked for; returns a `ConnectomeResult`."""
    import numpy as np

    from eisim.base.timing import Timing
    from eisim.connectome import read_connectome
    from eisim.studies.connectome.measure import measure
    from eisim.studies.connectome.result import Protocol
    from eisim.studies.connectome.wiring import Entry, Wiring, coupling_of, lesions_of, read_required

    for needed in ("file", "inputs", "readouts"):
        if not getattr(settings, needed):
            raise InputError(f"{needed}: expected a value, found none (--set {needed}=...)")
    given = {option: getattr(settings, name) for name, option in COLUMNS.items() if getattr(settings, name)}
    given = {option: "" if name == "none" and option != "nodes" else name for option, name in given.items()}
    connectome = read_connectome(settings.file, **given, signs=_signs(settings.signs), report=report)
    kind = "rate" if "rate" in kinds else "spiking"
    rates = (settings.rate, settings.tonic_rate, coupling_of(settings.coupling, connectome, kind))
    inputs, tonic, readouts = (Entry.listed(getattr(settings, name), name) for name in ("inputs", "tonic", "readouts"))
    wiring = Wiring(kind, inputs, tonic, readouts, *rates, settings.unknown, settings.mixed, settings.gain)
    usual = {"window": 0.1, "dt": 5e-3} if kind == "rate" else {"window": 0.9, "dt": 0.1e-3}
    times = {name: getattr(settings, name) or usual.get(name) for name in ("duration", "window", "dt")}
    Timing(**times)
    seeds = tuple(int(each) for each in np.random.SeedSequence(seed).generate_state(settings.seeds))
    fractions, controls = np.linspace(0, 1, settings.levels), settings.controls == "all"
    protocol = Protocol(
        times,
        fractions,
        seeds,
        settings.ways,
        lesions_of(settings.lesions),
        settings.shuffles,
        controls,
        settings.vary,
        backend,
    )
    required = read_required(settings.task, wiring, report) if settings.task else None
    return measure(connectome, wiring, protocol, required, report=report)


def _signs(text):
    """Signs of transmitters from text."""
    pairs = [part.rpartition(":") for part in text.split(",") if part.strip()]
    if bad := [name + sign for name, mark, sign in pairs if not (mark and name.strip())]:
        raise InputError(f"signs: expected transmitters with signs, such as GABA:-, found {bad[0]!r:.60}")
    words = {"0": 0, "+": 1, "-": -1}
    return {name.strip(): words.get(sign.strip(), sign.strip()) for name, _, sign in pairs} or None


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "connectome")
