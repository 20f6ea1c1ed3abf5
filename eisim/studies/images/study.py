"""The whole study: networks under sign constraints with and without inhibition, and floors versus input dimension."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from eisim.analysis.training import UNITS, train_all
from eisim.base.store.checkpoint import expect, part
from eisim.studies.images import dimension, networks
from eisim.studies.images.data import Images, load
from eisim.studies.result import OfParts


@dataclass(frozen=True, eq=False)
class ImagesResult(OfParts, of="trained"):
    """Everything that the experiment on images measured."""

    images: Images
    available: tuple[int, int]  # images to train on and to test, to choose from
    original: tuple[int, int]  # rows and columns that the images had before they were pooled
    trained: tuple[networks.Trained, ...]  # for each constraint
    pooled: dimension.PooledResult
    whole: dimension.BooleanResult  # of whole random Boolean functions
    samples: dict[int, dimension.BooleanResult]  # the same by the number of points that were drawn of each

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        return super().problems + self.pooled.problems


def measure(
    data: str,
    side: int,
    train: int,
    test: int,
    hidden: int,
    pooled_hidden: int,
    iterations: int,
    functions: int,
    controls: str = "none",
    *,
    kinds,
    seed: int,
    backend: str,
    report: Callable[..., None],
) -> ImagesResult:
    """Train networks on images, ablate their circuits, and find floors for fewer and more inputs.

    `data` is a source of `eisim.studies.images.data.load`. Images are averaged down to at most `side` × `side` pixels,
    and at most `train` and `test` of them are drawn at random. Networks that become circuits have `hidden` units, those
    that learn pooled images `pooled_hidden`; there are `functions` random Boolean functions of each number of inputs.
    With `controls` ``"all"`` those of the ablation are measured.
    """
    split, chosen, *function_seeds, network_seeds = np.random.SeedSequence(seed).spawn(4 + len(dimension.SAMPLES))
    report("reading images")
    everything = load(data, np.random.default_rng(split))
    images = everything.at_most(train, test, np.random.default_rng(chosen))
    if min(images.shape) > side:
        images = images.pooled(side)
    n_networks = len(UNITS)
    seeds = network_seeds.generate_state(n_networks + len(dimension.sides(images)))
    jobs = [
        *networks.network_jobs(images, hidden, iterations, seeds[:n_networks]),
        *dimension.pool_jobs(images, pooled_hidden, iterations, seeds[n_networks:]),
    ]
    judged = ((dimension.WHOLE, None), *((dimension.SAMPLED, n) for n in dimension.SAMPLES))
    expect(len(jobs) + len(judged) + n_networks * len(kinds) + 2)  # and the floors, of images whole and pooled
    dnns = train_all(jobs, report)
    whole, *samples = (
        part(f"functions, {n} points", partial(dimension.boolean_floors, inputs, n, functions, each, report))
        for (inputs, n), each in zip(judged, function_seeds, strict=True)
    )
    return ImagesResult(
        images=images,
        available=(len(everything.train_points), len(everything.test_points)),
        original=everything.shape,
        trained=tuple(networks.simulate_all(dnns[:n_networks], images, kinds, backend, controls == "all", report)),
        pooled=part("pooled images", partial(dimension.pooled_result, images, dnns[n_networks:], report)),
        whole=whole,
        samples=dict(zip(dimension.SAMPLES, samples, strict=True)),
    )
