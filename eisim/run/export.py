"""Circuits as files in the exchange formats of networks, with what a format leaves out."""

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from eisim.base.errors import InputError
from eisim.base.files import save
from eisim.base.progress import shows_progress
from eisim.circuit import Circuit
from eisim.run import registry
from eisim.run.model import Model

ENDINGS = {"onnx": ".onnx", "torch": ".pt2", "nir": ".nir", "brian2": ".py", "nest": ".py"}


def circuit_of_file(file: str, kinds: Sequence[str], command: str = "export") -> Circuit:
    """The circuit that a user's Python file defines, of the first of these kinds that there is."""
    from eisim.studies.circuit import circuits_of

    found = registry.find(file, command)
    if not isinstance(found, Model) or found.circuit is None:
        raise InputError(f"{command}: {file}: expected a Python file that defines circuit, found none in it")
    return next(iter(circuits_of(found.module, kinds)[0].values()))


@shows_progress
def write_network(circuit: Circuit, to: str, path, report: Callable[..., None] | None = None):
    """Write a circuit's network to a file: as the static DNN without noise, or the circuit for NIR, Brian2 and NEST.

    Returns what the file holds, and a note: what it lacks of the circuit and what that changes, for NIR which
    simulators read it, and for Brian2 and NEST the file beside it; empty for nothing.
    """
    path = Path(path)
    if path.suffix != ENDINGS[to]:
        raise InputError(f"export: --out: expected a name that ends in {ENDINGS[to]}, found {str(path)!r}")
    if to == "brian2":
        return circuit, _write_brian2(circuit, path, report)
    if to == "nest":
        return _write_nest(circuit, path, report)
    if to != "nir":
        from eisim.adapter import to_dnn

        dnn = to_dnn(circuit.without_noise())
        report("writing")
        dnn.save(path)
        return dnn, ""
    from eisim.adapter.limits import check_afferents, check_plain
    from eisim.adapter.nir_format import LACKING, begins_elsewhere, to_nir, write_nir

    if circuit.kind != "spiking":
        raise InputError(f"export: --kind: expected spiking for nir, found {circuit.kind!r}")
    check_plain(circuit, "to_nir")
    check_afferents(circuit, "to_nir")
    plain = circuit.with_neurons(**LACKING)
    elsewhere = [replace(p, initial=None) if begins_elsewhere(p) else p for p in plain.populations]
    plain = replace(plain, populations=elsewhere)
    graph = to_nir(plain)
    report("simulating what NIR leaves out")
    if left_out := _left_out(circuit, plain):
        graph.metadata["left_out"] = left_out
    graph.metadata["readers"] = readers = _readers(plain)
    report("writing")
    save(path, write_nir(graph))
    return plain, "; ".join(filter(None, (left_out, readers)))


def _write_brian2(circuit: Circuit, path: Path, report) -> str:
    """Write the script, and beside it the arrays that are not written out in it."""
    from eisim.adapter.brian2_script import brian2_script

    script, beside = brian2_script(circuit), path.with_suffix(".npz")
    report("writing")
    said = [script.note.rstrip(".")]
    if script.arrays:
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **script.arrays)
        save(beside, buffer.getvalue())
        said.append(_beside(beside))
    save(path, script.text(beside.name).encode())
    return "; ".join(said)


def _write_nest(circuit: Circuit, path: Path, report):
    from eisim.adapter.nest_script import to_nest

    script = to_nest(circuit)
    report("writing")
    script.save(path)
    said = [script.note.rstrip("."), *[_beside(path.with_suffix(".npz"))] * bool(script.arrays)]
    return script, "; ".join(said)


def _beside(arrays: Path) -> str:
    return f"weights, delays and parameters in {arrays}, which the script reads"


def _readers(circuit: Circuit) -> str:
    """Which simulators read the NIR file of a circuit."""
    from eisim.adapter.nir_format import READERS, unread

    why = unread(circuit)
    read = [name for name in READERS if name not in why]
    said = [f"read by {' and '.join(read)}"] * bool(read)
    for reason in dict.fromkeys(why.values()):
        said.append(f"not read by {' or '.join(name for name in why if why[name] == reason)}: {reason}")
    return "; ".join(said)


def _left_out(circuit: Circuit, plain: Circuit) -> str:
    """What `plain` omits from a circuit, and how this changes its responses."""
    from eisim.adapter.nir_format import begins_elsewhere

    neurons = [p.neuron for p in circuit.populations]
    lacks = [
        what + scale.format(max(values) * 1e3)
        for what, scale, values in (
            ("refractoriness", " ({:g} ms)", [n.refractory for n in neurons]),
            ("noise", " ({:g} mV)", [n.noise for n in neurons]),
            ("reset by subtraction", "", [n.reset_by_subtraction for n in neurons]),
            ("initial potentials", "", [begins_elsewhere(p) for p in circuit.populations]),
        )
        if any(values)
    ]
    if not lacks:
        return ""
    from eisim.simulation import simulate

    n = circuit.n_inputs
    if n <= 4:
        stimuli = (np.arange(2**n)[:, None] >> np.arange(n)[::-1]) & 1
    else:
        stimuli = np.random.default_rng(0).integers(0, 2, (16, n))
    whole, reduced = simulate([circuit, plain], stimuli.astype(float), backend="numpy")
    change = np.abs(whole.readouts - reduced.readouts)
    agree = (whole.decisions == reduced.decisions).all(axis=1)
    return (
        f"{' and '.join(lacks)} left out, since NIR has none; over {len(stimuli)} patterns of 0 and 1 that changes "
        f"readout rates by up to {change.max():.3g} Hz (then from {whole.readouts.flat[change.argmax()]:.3g} Hz) and "
        f"decisions on {np.count_nonzero(~agree)} of them"
    )
