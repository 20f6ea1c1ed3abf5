"""What the experiment on images found."""

from dataclasses import dataclass

from eisim.studies.curves import AblationCurve
from eisim.studies.images.data import Images
from eisim.studies.images.dimension import BooleanResult, PooledResult
from eisim.studies.images.networks import Trained


@dataclass(frozen=True, eq=False)
class ImagesResult:
    """Everything that the experiment on images measured.

    Attributes
    ----------
    images : Images
    available : tuple of int
        Images to train on and to test that there were to choose from.
    original : tuple of int
        Rows and columns that the images had before they were pooled.
    trained : tuple of Trained
        A network for each constraint, with its circuits.
    pooled : PooledResult
    whole : BooleanResult
        Of whole random Boolean functions.
    samples : dict of int to BooleanResult
        The same by the number of points that were drawn of each.
    """

    images: Images
    available: tuple[int, int]
    original: tuple[int, int]
    trained: tuple[Trained, ...]
    pooled: PooledResult
    whole: BooleanResult
    samples: dict[int, BooleanResult]

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """The ablation curves of the trained networks' circuits, for each class."""
        return tuple(curve for network in self.trained for curve in network.curves)

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        return [problem for network in self.trained for problem in network.problems] + self.pooled.problems
