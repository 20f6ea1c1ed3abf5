"""What the wiring of a connectome alone proves of its outputs (T10)."""

from dataclasses import dataclass, replace

import numpy as np

from eisim.base.progress import Report, silent
from eisim.base.values import Brief
from eisim.connectome import Connectome
from eisim.studies.connectome.wiring import OMITTED, Wiring
from eisim.theory.structure.certificate import StructuralCertificate, certify_structure, mixed_within, words_of
from eisim.theory.structure.walks import Walk

#: Connections that are followed at most, over all searches, of 64 inputs or neurons each; pairs of input and neuron.
MOST_CONNECTIONS, MOST_PAIRS = 5_000_000, 1_000_000
_SEARCHED = 64


@dataclass(frozen=True, eq=False, repr=False)
class Structure(Brief):
    """For each input and output the sign that the wiring proves, with no weights known.

    An output is the mean of its neurons: it rises with an input if all of them do that depend on it.
    """

    shortest: np.ndarray  # (inputs, outputs, 2): synapses on the shortest walk of sign 1, and of -1; -1: none
    walks: dict[tuple[int, int, int], Walk]  # these walks, by input, output and sign
    notes: tuple[str, ...] = ()  # what is left out or taken for granted

    @property
    def words(self) -> np.ndarray:
        """``"rises"``, ``"falls"``, ``"none"`` or ``"mixed"``: inputs × outputs."""
        return words_of(self.shortest)

    @property
    def mixed_from(self) -> np.ndarray:
        """Least number of synapses within which each pair is mixed, inputs × outputs; -1: it never is."""
        return mixed_within(self.shortest)

    @property
    def rises(self) -> bool:
        """Whether all outputs rise with all inputs on which they depend."""
        return not (self.shortest[..., 1] >= 0).any()


def structure_of(connectome: Connectome, wiring: Wiring, report: Report = silent) -> Structure | None:
    """The structural certificate of a connectome, wired so; ``None`` where it is too large.

    Synapses of open sign are what the wiring takes them for, and gap junctions count where they couple neurons.
    """
    if not wiring.coupling:
        connectome = replace(connectome, gap_junctions=None)
    sizes = [len(connectome.find(each.selection)) for each in wiring.readouts]
    taken = {part: getattr(wiring, part) for part in ("unknown", "mixed")}
    parts = ["excitatory", "inhibitory", "gap_junctions", *(part for part, way in taken.items() if way != OMITTED)]
    connections = sum(getattr(connectome, part).nnz for part in parts)
    inputs, neurons = len(wiring.inputs), sum(sizes)
    searches = -(-min(inputs, neurons) // _SEARCHED)
    if connections * searches > MOST_CONNECTIONS or inputs * neurons > MOST_PAIRS:
        return None
    certificate = certify_structure(
        connectome,
        [list(each.selection) for each in wiring.inputs],
        [name for each in wiring.readouts for name in each.selection],
        **taken,
        report=report,
    )
    # Inputs of the same neurons are one there.
    rows = [certificate.graph.input(", ".join(each.selection)) for each in wiring.inputs]
    none = np.iinfo(np.int32).max
    lengths = np.where(certificate.shortest < 0, none, certificate.shortest)[rows]
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    shortest = np.minimum.reduceat(lengths, first, axis=1)
    shortest = np.where(shortest == none, -1, shortest)
    walks = {}
    if connections * shortest.size <= MOST_CONNECTIONS:
        walks = _walks(certificate, rows, first, lengths, shortest)
    return Structure(shortest, walks, certificate.notes)


def _walks(certificate: StructuralCertificate, rows, first, lengths, shortest) -> dict[tuple[int, int, int], Walk]:
    """The shortest walk of each sign from each input to the nearest neuron of each output."""
    found = {}
    for i, j, k in np.argwhere(shortest >= 0).tolist():
        nearest = first[j] + int((lengths[i, first[j] :, k] == shortest[i, j, k]).argmax())
        walk = certificate.walk(rows[i], int(nearest), 1 - 2 * k)
        if walk is not None:
            found[i, j, 1 - 2 * k] = walk
    return found
