"""Of cells that are silenced to ablate inhibition nothing is measured: a score of theirs would end with them."""

from collections.abc import Mapping
from copy import copy

from eisim.ablation import InapplicableError
from eisim.simulation.response import Response


def unsilenced(response: Response) -> Response:
    """The response, of whose silenced populations rates, spikes and traces cannot be read: `InapplicableError`."""
    silenced = frozenset(p.name for p in response.circuit.populations if p.silenced)
    if not silenced:
        return response
    found = copy(response)
    for name in ("rates", "spikes", "traces"):
        object.__setattr__(found, name, _Unsilenced(name, getattr(response, name), silenced))
    return found


class _Unsilenced(Mapping):
    """By name, what populations did that are not silenced."""

    def __init__(self, what, found, silenced):
        self.what, self.found, self.silenced = what, found, silenced

    def __getitem__(self, name):
        if name in self.silenced:
            self._refuse(repr(name))
        return self.found[name]

    def __iter__(self):
        self._refuse(f"all, among them {', '.join(map(repr, sorted(self.silenced)))}")

    def __len__(self):
        return len(self.found)

    @property
    def stored(self) -> Mapping:
        """Traces as they are kept."""
        return _Unsilenced(self.what, self.found.stored, self.silenced)

    def _refuse(self, read):
        raise InapplicableError(
            f"silence: expected a score and an output of cells that are not silenced, found one that reads the "
            f"{self.what} of {read}; 'block' ablates their synapses alone"
        )
