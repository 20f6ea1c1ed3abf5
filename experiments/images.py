"""Images, and the curse that lifts: who needs inhibition to tell digits apart, and how many inputs make it needless?"""

from dataclasses import dataclass
from functools import partial

from eisim.base import memory
from eisim.base.errors import InputError
from eisim.base.store.checkpoint import expect, part
from eisim.base.values import Value


@dataclass(frozen=True)
class Settings(Value):
    """What ``--set`` can change.

    Attributes
    ----------
    data : str
        ``digits``, or a file or folder with images (MNIST's own files, or an .npz).
    side : int
        Largest number of pixels along a side; larger images are averaged down to it.
    train, test : int
        Largest number of images, drawn at random.
    hidden : int
        Hidden units of the networks that become circuits.
    pooled_hidden : int
        Hidden units of the networks that learn pooled images.
    iterations : int
        Largest number of training steps.
    functions : int
        Number of random Boolean functions for each number of inputs.
    """

    data: str = "digits"
    side: int = 14
    train: int = 5000
    test: int = 1000
    hidden: int = 64
    pooled_hidden: int = 64
    iterations: int = 1000
    functions: int = 10

    def __post_init__(self):
        super().__post_init__()
        for name, least in (
            ("side", 1),
            ("train", 2),
            ("test", 2),
            ("hidden", 1),
            ("pooled_hidden", 1),
            ("iterations", 1),
            ("functions", 1),
        ):
            if getattr(self, name) < least:
                raise InputError(f"{name}: expected at least {least}, found {getattr(self, name)}")
        for name in ("hidden", "pooled_hidden"):  # of 64 inputs at least, with what training keeps of each weight
            units = getattr(self, name)
            memory.check(name, units * 2_000.0, f"{units:,} hidden units")
        memory.check("functions", self.functions * 2_000.0, f"{self.functions:,} functions")


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment; returns an `eisim.studies.images.result.ImagesResult`."""
    import numpy as np

    from eisim.analysis.training import UNITS, train_all
    from eisim.studies.images import dimension, networks
    from eisim.studies.images.data import load
    from eisim.studies.images.result import ImagesResult

    split, chosen, *function_seeds, network_seeds = np.random.SeedSequence(seed).spawn(4 + len(dimension.SAMPLES))
    report("reading images")
    everything = load(settings.data, np.random.default_rng(split))
    images = everything.at_most(settings.train, settings.test, np.random.default_rng(chosen))
    if min(images.shape) > settings.side:
        images = images.pooled(settings.side)
    n_networks = len(UNITS)
    seeds = network_seeds.generate_state(n_networks + len(dimension.sides(images)))
    jobs = [
        *networks.network_jobs(images, settings.hidden, settings.iterations, seeds[:n_networks]),
        *dimension.pool_jobs(images, settings.pooled_hidden, settings.iterations, seeds[n_networks:]),
    ]
    functions = ((dimension.WHOLE, None), *((dimension.SAMPLED, n) for n in dimension.SAMPLES))
    expect(len(jobs) + len(functions) + n_networks * len(kinds) + 2)  # and the floors, of images whole and pooled
    dnns = train_all(jobs, report)
    whole, *samples = (
        part(
            f"functions, {n_points} points",
            partial(dimension.boolean_floors, inputs, n_points, settings.functions, function_seed, report),
        )
        for (inputs, n_points), function_seed in zip(
            functions,
            function_seeds,
            strict=True,
        )
    )
    return ImagesResult(
        images=images,
        available=(len(everything.train_points), len(everything.test_points)),
        original=everything.shape,
        trained=tuple(networks.simulate_all(dnns[:n_networks], images, kinds, backend, report)),
        pooled=part("pooled images", partial(dimension.pooled_result, images, dnns[n_networks:], report)),
        whole=whole,
        samples=dict(zip(dimension.SAMPLES, samples, strict=True)),
    )


def to_json(result) -> dict:
    """What ``--json`` prints, beside the seed."""
    from eisim.report import images

    return images.document(result)


def table(result):
    """What the terminal shows."""
    from eisim.report.images import terminal_table

    return terminal_table(result)


def tables(result):
    """Pairs of file name and content, text or bytes."""
    from eisim.base.files import to_netcdf
    from eisim.report import images
    from eisim.report.circuit import circuit_table

    yield "images.csv", images.csv_table(result)
    yield "inputs.csv", images.inputs_table(result)
    if circuit := images.drawn_circuit(result):
        yield "circuit.csv", circuit_table(circuit)
    yield "data.nc", to_netcdf(*images.labelled(result))


def findings(result):
    """What a page shows."""
    from eisim.report.images_findings import findings

    return findings(result)


def figures(result):
    """Pairs of file name and figure."""
    from eisim.report import diagram
    from eisim.report import images_figures as figures
    from eisim.report.images import drawn_circuit

    yield "images.svg", figures.networks(result)
    yield "inputs.svg", figures.number_of_inputs(result)
    if circuit := drawn_circuit(result):
        yield "circuit.svg", diagram.with_static_dnn(circuit)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "images")
