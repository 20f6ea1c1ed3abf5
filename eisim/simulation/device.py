"""Brian2's C++ standalone device with some templates of our own: the same arithmetic in loops that are faster.

They are in ``templates/``, and Brian2's where there is none. Brian2's own device still generates the program that
these are compared with.
"""

import re
from collections.abc import Iterable
from importlib.metadata import version

from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import all_devices, get_device

from eisim.base.seeds import INCREMENT, MULTIPLIERS
from eisim.keyed_synapses import OF_WORDS
from eisim.simulation.job import OWN
from eisim.simulation.layout import FREE_AT
from eisim.simulation.model import CROSSED

#: A line of an update that stores a new value of a neuron, and one of a synapse that finds its neuron.
_STORE = re.compile(r"^(\s*)(_ptr_array_\w+\[_idx\]) = (\w+);$", re.MULTILINE)
_TARGET = re.compile(r"(\b_postsynaptic_idx = )([^;]+);")


def _text(code) -> str:
    return code if isinstance(code, str) else "\n".join(code)


def _asking(code) -> str:
    """C++ that only asks of an update whether it changes a neuron or is a spike, now or once it is free."""
    asked = _STORE.sub(r"\1_moves |= eisim_differs(\2, \3);", _text(code))
    waits = "\n_moves |= t_in_timesteps < free_at;" * (FREE_AT in asked)
    return f"{asked}\n_moves |= {CROSSED};{waits}"


def _waking(code, synapses) -> str:
    """C++ of what a spike does at a synapse, onto a neuron that may be at rest."""
    target = synapses.target.name
    return _TARGET.sub(rf"\1eisim_movers_{target}.wake(\2);", _text(code)) if target in get_device().resting else code


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
    "resting": lambda: get_device().resting_arrays(),
    "seldom": 64,  # updates, until neurons are asked again whether they are at rest; more where most move
    "asking": _asking,
    "waking": _waking,
    "spikes_of": lambda owner: get_device().get_array_name(owner.variables["_spikespace"]),
}


class CodeObject(CPPStandaloneCodeObject):
    templater = CPPStandaloneCodeObject.templater.derive("eisim.simulation", env_globals=_GLOBALS)


class Device(CPPStandaloneDevice):
    """The device; `fused` are the names of groups whose state updater finds the spikes.

    `of_equations` are those of groups of a user's equations, which may have any number of variables. `every` is the
    number of steps from one tick of the recorders' clock to the next; with 1 there is none. `resting` are names of
    groups of which neurons that no update changes are left out.
    """

    fused: frozenset[str] = frozenset()
    of_equations: frozenset[str] = frozenset()
    every: int = 1
    resting: frozenset[str] = frozenset()

    def resting_arrays(self) -> dict[str, tuple[int, list[str]]]:
        """Of each group whose neurons may rest its size, and the arrays that have a number for each neuron."""
        found = {name: (0, []) for name in sorted(self.resting)}
        for variable, name in self.arrays.items():
            group = getattr(variable.owner, "name", None)
            if group in found and variable.name == "_spikespace":
                found[group] = (variable.size - 1, found[group][1])
            elif group in found and not variable.scalar and variable.name != "i":
                found[group][1].append(name)
        return found

    def fuse(self, groups: Iterable[str], of_equations: Iterable[str]) -> None:
        self.fused, self.of_equations = frozenset(groups), frozenset(of_equations)

    def code_object_class(self, codeobj_class=None, fallback_pref=None):
        return CodeObject if codeobj_class is None else codeobj_class


all_devices[OWN] = Device()
