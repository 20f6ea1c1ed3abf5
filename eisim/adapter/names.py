"""Names for what is made of something that has a name."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import count


class Unused:
    """Makes names that differ from all known ones, by a number where one is needed."""

    def __init__(self, names: Iterable[str] = ()):
        self.names = set(names)
        self._numbers = defaultdict(lambda: count(2))  # by name: those not tried yet

    def __call__(self, name: str) -> str:
        """The name, or the first of ``name_2``, ``name_3``, ... that is not known; from now on it is."""
        if name in self.names:
            name = next(new for k in self._numbers[name] if (new := f"{name}_{k}") not in self.names)
        self.names.add(name)
        return name
