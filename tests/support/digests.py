"""Digests of the results of everything that computes one, each very small; run as a module it prints them as JSON."""

import csv
import hashlib
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from eisim import TRUTH_TABLES, certify, simulate, synthesize, to_dnn
from eisim.analysis.training import train
from eisim.report.view import view_of
from eisim.run.registry import experiment_of
from tests.support import every

#: The settings of each, and the kinds of circuits.
EXPERIMENTS = {
    "boolean": ("functions=xor levels=2 seeds=1 duration=40ms window=30ms dt=1ms", "rate spiking"),
    "census": ("inputs=1 levels=2 duration=40ms window=30ms dt=1ms", "spiking"),
    "circuit": ("file=models/xor.py levels=2 seeds=1 duration=40ms window=30ms dt=1ms", "rate"),
    "data": ("file={folder}/data.csv target=y hidden=3 iterations=20 tries=1 levels=2", "rate"),
    "functions": ("circuits=inhibition_stabilized_network doses=2 seeds=1 quick=1", "rate"),
    "geometry": ("regions=rising-half-plane resolution=4", "spiking"),
    "images": ("train=60 test=100 side=2 hidden=3 pooled_hidden=2 iterations=20 functions=1", "rate"),
    "monotone_dynamics": ("circuits=1 inputs=2 duration=40ms window=30ms rate_dt=1ms", "rate"),
    "plasticity": (
        "size=0.02 synapses=0.5 levels=2 seeds=1 learning=0.1s trial=0.1s block=20ms window=50ms",
        "spiking",
    ),
    "worm": ("levels=2 shuffles=1 controls=none lesions=AVM duration=50ms window=20ms", "rate"),
}


def digest(value) -> str:
    """Of arrays to the last bit, or of what JSON can hold."""
    if isinstance(value, np.ndarray):
        value = (value.dtype.str, value.shape, value.tobytes().hex())
    elif isinstance(value, dict) and any(isinstance(v, np.ndarray) for v in value.values()):
        value = {name: digest(v) for name, v in value.items()}
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def of_experiment(name: str) -> str:
    """Of the JSON document of an experiment."""
    settings, kinds = EXPERIMENTS[name]
    with TemporaryDirectory() as folder:
        with Path(folder, "data.csv").open("w", newline="") as file:
            points = np.random.default_rng(5).integers(0, 9, (12, 3))
            csv.writer(file).writerows([("a", "b", "y"), *(points // [1, 1, 5]).tolist()])
        experiment = experiment_of(name)
        changed = experiment.with_changes(settings.format(folder=folder).split())
        result = experiment.run(changed, kinds.split(), 7, "numpy", lambda *_: None)
        return digest(json.dumps(view_of(result).to_json(), default=str).replace(folder, ""))


def of_simulation(kind: str, backend: str = "cpp", **more) -> str:
    """Of a circuit with every model of its kind, recorded."""
    circuit = every.CIRCUITS[kind]()
    return digest(
        every.numbers(
            simulate(circuit, every.STIMULI[kind], seed=[3, 4], record=True, backend=backend, **every.TIMES | more)
        )
    )


def of_the_rest() -> dict[str, str]:
    """Of training, DNNs and proofs."""
    rng = np.random.default_rng(3)
    points, targets = rng.random((60, 20)), rng.integers(0, 3, 60)
    trained = train(points, targets, hidden=(16,), seed=2, iterations=30)
    xor = TRUTH_TABLES["xor"]
    return {
        "training": digest(trained(points)),
        "recurrent DNN": digest(to_dnn(synthesize(xor, kind="rate"))(xor.patterns)),
        "certify": digest(certify(TRUTH_TABLES["parity-3"]).floor),
    }


def everything() -> dict[str, str]:
    return (
        {f"simulate {kind}": of_simulation(kind) for kind in every.CIRCUITS}
        | {f"run {name}": of_experiment(name) for name in EXPERIMENTS}
        | of_the_rest()
    )


if __name__ == "__main__":
    json.dump(everything(), sys.stdout)
