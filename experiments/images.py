"""Floors versus input dimension: do image classifiers with many inputs still need inhibition?"""

from dataclasses import dataclass
from typing import Literal

from eisim.base.values import Value, count


@dataclass(frozen=True)
class Settings(Value):
    """Settings for ``--set``.

    Attributes
    ----------
    data : str
        ``digits``, or a file or folder with images (MNIST's own files, or an .npz).
    side : int
        Largest number of pixels along a side; larger images are averaged down to it.
    train, test : int
        Largest number of images, drawn at random.
    hidden, pooled_hidden : int
        Hidden units of the networks converted to circuits, and of those trained on pooled images.
    iterations : int
        Largest number of training steps.
    functions : int
        Number of random Boolean functions per number of inputs.
    controls : {"all", "none"}
        Whether the full ablation is controlled: readout re-fitted, excitation scaled to compensate, and shams. Without
        them no reason of a loss is known.
    """

    data: str = "digits"
    side: int = count(14, 1)
    train: int = count(5000, 2)
    test: int = count(1000, 2)
    hidden: int = count(64, 1, each=2_000)  # of 64 inputs at least, with what training keeps of each weight
    pooled_hidden: int = count(64, 1, each=2_000)
    iterations: int = count(1000, 1)
    functions: int = count(10, 1, each=2_000)
    controls: Literal["all", "none"] = "none"


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment; returns an `eisim.studies.images.study.ImagesResult`."""
    from eisim.studies.images.study import measure

    return measure(**vars(settings), kinds=kinds, seed=seed, backend=backend, report=report)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "images")
