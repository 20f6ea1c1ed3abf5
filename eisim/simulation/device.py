"""Brian2's C++ standalone device with some templates of our own: the same arithmetic in loops that are faster.

They are in ``templates/``, and Brian2's where there is none. Brian2's own device still generates the program that
these are compared with.
"""

from collections.abc import Iterable
from importlib.metadata import version

from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import all_devices, get_device

from eisim.base.seeds import INCREMENT, MULTIPLIERS
from eisim.keyed_synapses import OF_WORDS
from eisim.simulation.job import OWN
from eisim.simulation.model import CROSSED

#: What templates know.
_GLOBALS = {
    "block_size": 128,  # neurons: long enough for vectors, short enough that most blocks have no spike
    "fewest": 8,  # neighbours with one mean for which a table of sums pays
    "processor_time": version("brian2").startswith("2.9."),  # what Brian2 gives as the time of a run
    "increment": f"{INCREMENT:#x}ULL",
    "multipliers": [f"{number:#x}ULL" for number in MULTIPLIERS],
    "of_words": f"{OF_WORDS:#x}ULL",
    "crossed": CROSSED,
    "finds_spikes": lambda code: any(CROSSED in line for line in ([code] if isinstance(code, str) else code)),
    "is_fused": lambda owner: owner.name in get_device().fused,
    "is_of_equations": lambda owner: owner.name in get_device().of_equations,
    "every": lambda: get_device().every,
    "spikes_of": lambda owner: get_device().get_array_name(owner.variables["_spikespace"]),
}


class CodeObject(CPPStandaloneCodeObject):
    templater = CPPStandaloneCodeObject.templater.derive("eisim.simulation", env_globals=_GLOBALS)


class Device(CPPStandaloneDevice):
    """The device; `fused` are the names of groups whose state updater finds the spikes.

    `of_equations` are those of groups of a user's equations, which may have any number of variables. `every` is the
    number of steps from one tick of the recorders' clock to the next; with 1 there is none.
    """

    fused: frozenset[str] = frozenset()
    of_equations: frozenset[str] = frozenset()
    every: int = 1

    def fuse(self, groups: Iterable[str], of_equations: Iterable[str]) -> None:
        self.fused, self.of_equations = frozenset(groups), frozenset(of_equations)

    def code_object_class(self, codeobj_class=None, fallback_pref=None):
        return CodeObject if codeobj_class is None else codeobj_class


all_devices[OWN] = Device()
