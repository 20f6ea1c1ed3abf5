"""Ablating a trained spiking network from a NIR file, as `eisim.studies.networks` does a DNN: its steps, its readout.

Each row of the data acts in every step, as a current or as the rate of afferents, for as many steps as the network was
trained with. The class is that of the output with the most spikes.
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
) -> NetworkAblation:
    """Ablate the inhibition of a spiking network that classifies labelled data, by fractions from 0 to 1.

    Data with negative values need a network whose inputs come as ON and OFF channels. What the network itself answers
    is its graph evaluated in Euler steps, or for other steps and for inputs that spike its circuit. Otherwise as
    `ablate_network`.
    """
    shape, circuit = outline(network, name), network.circuit
    classes = classes_of(shape, data)
    if (data.points < 0).any() and network.signed is None:
        raise InputError(f"{data.name}: expected inputs of 0 or more, found {data.points.min():g}")
    report("building the circuit")
    dt = network.dt
    times = {"duration": (steps + network.late) * dt, "window": steps * dt, "dt": dt}
    weakened, n = [ablate(circuit, fraction) for fraction in fractions], len(fractions)
    tried = []
    if controls:
        tried = variants(circuit, weakened[-1], range(FEW_DRAWS), FEW_FACTORS)
        if network.currents and tried:  # currents that excite are scaled, too
            tried += [Variant("compensated", _scaled(weakened[-1], f), f, ALL) for f in FEW_FACTORS]
        tried += partial_shams(circuit, weakened, fractions)
    circuits = [*weakened, *(variant.circuit for variant in tried)]
    recorded = [k == 0 for k in range(len(circuits))]
    stimuli = network.stimuli(data.points)
    responses = simulate(circuits, stimuli, **times, record=recorded, backend=backend, report=report)
    outputs = np.stack([response.readouts * steps * dt for response in responses])
    lengths, in_time = _in_time(responses[0], steps, network.late)
    wanted = outputs[0]
    if network.euler and network.currents:
        report("evaluating the network")
        wanted = sum(network.reference().outputs(repeat(data.points, steps)), start=0.0)
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
        times=lengths,
        outputs_in_time=in_time,
        circuit=circuit,
        controls=tuple(controls_of(tried, outputs[..., k], rates, data, value, n) for k, value in enumerate(judged))
        if controls
        else (),
        held_out=held_out,
    )


def _scaled(circuit: Circuit, factor: float) -> Circuit:
    """The circuit with all excitation scaled, injected currents included."""
    found = compensate(circuit, factor, inputs=True)
    projections = [scaled(p, factor) if found.is_injected(p) and found.sign(p) > 0 else p for p in found.projections]
    return replace(found, projections=projections)


def _in_time(response: Response, steps: int, late: int) -> tuple[np.ndarray, np.ndarray]:
    """Lengths of shorter trials, in s, and spike counts in them (times × trials × outputs), as if they went on."""
    ends = np.unique(np.linspace(0, steps, READ_OUTS + 1).round().astype(int)[1:])
    columns = []
    for readout in response.circuit.readouts:
        spikes, shape = response.spikes[readout.population], response.rates[readout.population].shape
        counts = np.zeros((steps + 1, *shape))
        step = np.maximum(spikes.step - late + 1, 0)
        np.add.at(counts, (step, spikes.copy, spikes.neuron), step > 0)
        columns.append(counts.cumsum(axis=0)[ends] * (steps / ends)[:, None, None])
    return ends * response.dt, np.concatenate(columns, axis=2)


def ablate_file(path, data, fractions, steps, backend, report, controls, dt=None, reset="value") -> NetworkAblation:
    """Read a NIR file and ablate its network on labelled data; `dt` and `reset` as of `eisim.from_nir`."""
    network = read_nir(path, dt=dt, reset=reset, signed=bool((data.points < 0).any()))
    name = Path(path).name
    shape = outline(network, name)
    floors = class_floors(shape, data, report)
    evidence = class_evidence(shape, data, floors, report)
    return ablate_spiking_network(network, name, data, fractions, steps, backend, report, floors, controls, evidence)
