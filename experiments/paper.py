"""Which statements of Wang et al. (ICCV 2023) hold, and which building blocks of networks keep order?"""

from dataclasses import dataclass

from eisim.base.values import Value, count

#: Its batches are small and take less time on NumPy, whose results are those of a program, than one takes to compile.
BACKEND = "numpy"


@dataclass(frozen=True)
class Settings(Value):
    """Settings for ``--set``.

    Attributes
    ----------
    networks : int
        Number of random networks of each kind on which order is tested.
    """

    networks: int = count(1000, 1, 100_000)


def run(settings: Settings, kinds, seed, backend, report):
    """Run the experiment; returns an `eisim.studies.paper.check.PaperResult`."""
    from eisim.models import jellyfish
    from eisim.studies.paper.context import Contexts
    from eisim.studies.paper.statements import check_all

    circuit, remedy = jellyfish.circuit(), jellyfish.circuit(inactivates=False)
    contexts = Contexts(circuit, remedy, jellyfish.TOUCHES, jellyfish.stimuli(), jellyfish.TIMES)
    return check_all(settings.networks, kinds, seed, contexts, backend, report)


if __name__ == "__main__":
    from eisim.__main__ import main

    main("run", "paper")
