"""What the experiment on images found."""

from dataclasses import dataclass

from eisim.studies.curves import AblationCurve
from eisim.studies.images.data import Images
from eisim.studies.images.dimension import BooleanResult, PooledResult
from eisim.studies.images.networks import Trained


@dataclass(frozen=True, eq=False)
class ImagesResult:
    """Everything that the experiment on images measured."""

    images: Images
    available: tuple[int, int]  # images to train on and to test, to choose from
    original: tuple[int, int]  # rows and columns that the images had before they were pooled
    trained: tuple[Trained, ...]  # for each constraint
    pooled: PooledResult
    whole: BooleanResult  # of whole random Boolean functions
    samples: dict[int, BooleanResult]  # the same by the number of points that were drawn of each

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """The ablation curves of the trained networks' circuits, for each class."""
        return tuple(curve for network in self.trained for curve in network.curves)

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and checks that failed."""
        return [problem for network in self.trained for problem in network.problems] + self.pooled.problems
