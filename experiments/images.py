"""Floors versus input dimension: do image classifiers with many inputs still need inhibition?"""

from dataclasses import dataclass

from eisim.base import memory
from eisim.base.errors import InputError
from eisim.base.values import Value

LEAST = {"side": 1, "train": 2, "test": 2, "hidden": 1, "pooled_hidden": 1, "iterations": 1, "functions": 1}
MANY = {"hidden": "hidden units", "pooled_hidden": "hidden units", "functions": "functions"}


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
        for name, least in LEAST.items():
            if getattr(self, name) < least:
                raise InputError(f"{name}: expected at least {least}, found {getattr(self, name)}")
        for name, what in MANY.items():  # of 64 inputs at least, with what training keeps of each weight
            memory.check(name, getattr(self, name) * 2_000.0, f"{getattr(self, name):,} {what}")


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment; returns an `eisim.studies.images.study.ImagesResult`."""
    from eisim.studies.images.study import measure

    return measure(**vars(settings), kinds=kinds, seed=seed, backend=backend, report=report)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "images")
