"""Ablating a trained spiking network from a NIR file, as `eisim.studies.networks` does a DNN: its steps, its readout.

Each row of the data acts in every step, as a current or as the rate of afferents, for as many steps as the network was
trained with. The class is that of the output with the most spikes, or with the largest potential by one of three rules.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import numpy as np

from eisim.ablation import ablate
from eisim.adapter.nir_reader import NIRNetwork, read_nir
from eisim.base.errors import InputError
from eisim.base.progress import shows_progress
from eisim.circuit import Circuit, scaled
from eisim.controls import compensate
from eisim.functions import LabelledData
from eisim.simulation import Response, simulate
from eisim.studies.controls import ALL, FEW_DRAWS, FEW_FACTORS, Variant, mean_rate, partial_shams, variants
from eisim.studies.held_out import HeldOut
from eisim.studies.networks import (
    READ_OUTS,
    Floors,
    NetworkAblation,
    Outline,
    class_evidence,
    class_floors,
    classes_of,
    controls_of,
)

#: Steps in which a row acts, as in snnTorch's tutorials.
STEPS = 25
#: What counts of an output: its spikes, or of its potential the mean over all steps, the largest, or that at the end.
SPIKES, MEAN, MAXIMUM, FINAL = READOUTS = "spikes", "mean", "max", "final"
#: How these are called.
CALLED = {MEAN: "mean potential", MAXIMUM: "largest potential", FINAL: "final potential"}


def outline(network: NIRNetwork, name: str) -> Outline:
    """What data must fit."""
    return Outline(name, network.n_inputs, network.circuit.n_readouts)


@shows_progress
def ablate_spiking_network(
    network: NIRNetwork,
    name: str,
    data: LabelledData,
    fractions: Sequence[float],
    steps: int = STEPS,
    backend: str = "cpp",
    report: Callable[..., None] | None = None,
    floors: Floors | None = None,
    controls: bool = True,
    held_out: tuple[HeldOut | None, ...] | None = None,
    readout: str | None = None,
) -> NetworkAblation:
    """Ablate the inhibition of a spiking network that classifies labelled data, by fractions from 0 to 1.

    Data with negative values need a network whose inputs come as ON and OFF channels. What the network itself answers
    is its graph evaluated in Euler steps, or for other steps and for inputs that spike its circuit. `readout` is one of
    `READOUTS` that the network has, by default spikes or else the mean. Otherwise as `ablate_network`.
    """
    readout = readout or (MEAN if network.potentials else SPIKES)
    if (readout == SPIKES) == network.potentials:
        found = "potentials" if network.potentials else "spikes"
        expected = f"one of {', '.join(CALLED)}" if network.potentials else SPIKES
        raise InputError(f"{name}: readout: expected {expected} for outputs that are {found}, found {readout!r}")
    shape, circuit = outline(network, name), network.circuit
    classes = classes_of(shape, data)
    if (data.points < 0).any() and network.signed is None:
        raise InputError(f"{data.name}: expected inputs of 0 or more, found {data.points.min():g}")
    report("building the circuit")
    dt = network.dt
    # The state at the end of a step is recorded in the next one.
    times = {"duration": (steps + network.late + network.potentials) * dt, "window": steps * dt, "dt": dt}
    weakened, n = [ablate(circuit, fraction) for fraction in fractions], len(fractions)
    tried = []
    if controls:
        tried = variants(circuit, weakened[-1], range(FEW_DRAWS), FEW_FACTORS)
        if network.currents and tried:  # currents that excite are scaled, too
            tried += [Variant("compensated", _scaled(weakened[-1], f), f, ALL) for f in FEW_FACTORS]
        tried += partial_shams(circuit, weakened, fractions)
    circuits = [*weakened, *(variant.circuit for variant in tried)]
    recorded = [k == 0 for k in range(len(circuits))]
    if network.potentials:
        recorded = {each.population: ["v"] for each in circuit.readouts}
    stimuli = network.stimuli(data.points)
    responses = simulate(circuits, stimuli, **times, record=recorded, backend=backend, report=report)
    ends = np.unique(np.linspace(0, steps, READ_OUTS + 1).round().astype(int)[1:])
    ends = ends[ends > 0]  # of a few steps, several are none
    if network.potentials:
        outputs = np.stack([_read(_potentials(each, network.late), readout)[-1] for each in responses])
        in_time = _read(_potentials(responses[0], network.late), readout)[ends - 1]
    else:
        outputs = np.stack([response.readouts * steps * dt for response in responses])
        in_time = _counts(responses[0], steps, ends, network.late)
    wanted = outputs[0]
    if network.euler and network.currents:
        report("evaluating the network")
        answers = network.reference().outputs(repeat(data.points, steps))
        wanted = _read(np.array([*answers]), readout)[-1] if network.potentials else sum(answers, start=0.0)
    floors = floors or class_floors(shape, data, report)
    held_out = class_evidence(shape, data, floors, report) if held_out is None else held_out
    judged = classes[-outputs.shape[2] :]
    rates = [mean_rate(response) for response in responses]
    return NetworkAblation(
        name=name,
        kind="spiking",
        data=data,
        classes=classes,
        fractions=np.asarray(fractions),
        outputs=outputs[:n],
        wanted=wanted,
        neurons={sign: sum(p.size for p in circuit.populations if p.sign == sign) for sign in "EI"},
        signed_inputs=network.signed is not None,
        floors=floors,
        duration=times["duration"],
        times=ends * responses[0].dt,
        outputs_in_time=in_time,
        circuit=circuit,
        controls=tuple(controls_of(tried, outputs[..., k], rates, data, value, n) for k, value in enumerate(judged))
        if controls
        else (),
        held_out=held_out,
        readout=CALLED.get(readout, ""),
    )


def _scaled(circuit: Circuit, factor: float) -> Circuit:
    """The circuit with all excitation scaled, injected currents included."""
    found = compensate(circuit, factor, inputs=True)
    projections = [scaled(p, factor) if found.is_injected(p) and found.sign(p) > 0 else p for p in found.projections]
    return replace(found, projections=projections)


def _potentials(response: Response, late: int) -> np.ndarray:
    """Potentials of the outputs at the end of each of the network's own steps (steps × trials × outputs), in V."""
    found = [response.traces.recordings[each.population].values["v"][0] for each in response.circuit.readouts]
    return np.moveaxis(np.concatenate(found, axis=1)[..., late + 1 :], -1, 0)


def _read(potentials: np.ndarray, readout: str) -> np.ndarray:
    """What counts of potentials (steps × …) if a trial ends after each step."""
    if readout == MEAN:
        return potentials.cumsum(axis=0) / np.arange(1, len(potentials) + 1).reshape(-1, *[1] * (potentials.ndim - 1))
    return np.maximum.accumulate(potentials) if readout == MAXIMUM else potentials


def _counts(response: Response, steps: int, ends: np.ndarray, late: int) -> np.ndarray:
    """Spike counts in shorter trials of so many steps (times × trials × outputs), as if they went on."""
    columns = []
    for readout in response.circuit.readouts:
        spikes, shape = response.spikes[readout.population], response.rates[readout.population].shape
        counts = np.zeros((steps + 1, *shape))
        step = np.maximum(spikes.step - late + 1, 0)
        np.add.at(counts, (step, spikes.copy, spikes.neuron), step > 0)
        columns.append(counts.cumsum(axis=0)[ends] * (steps / ends)[:, None, None])
    return np.concatenate(columns, axis=2)


def ablate_file(
    path, data, fractions, steps, backend, report, controls, dt=None, reset="value", readout=None
) -> NetworkAblation:
    """Read a NIR file and ablate its network on labelled data; `dt` and `reset` as of `eisim.from_nir`."""
    signed, of_potentials = bool((data.points < 0).any()), readout in CALLED
    network = read_nir(path, dt=dt, reset=reset, signed=signed, potentials=of_potentials)
    name = Path(path).name
    shape = outline(network, name)
    floors = class_floors(shape, data, report)
    evidence = class_evidence(shape, data, floors, report)
    wanted = floors, controls, evidence, readout
    return ablate_spiking_network(network, name, data, fractions, steps, backend, report, *wanted)
