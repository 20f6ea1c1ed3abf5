"""Brian2's C++ standalone device with some templates of our own: the same arithmetic in loops that are faster.

They are in ``templates/``, and Brian2's where there is none. Brian2's own device still generates the program that
these are compared with.
"""

from importlib.metadata import version

from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice
from brian2.devices.device import all_devices

from eisim.simulation.job import OWN

#: Neurons in a block: long enough for vectors, short enough that most blocks have no spike.
BLOCK = 128


#: Neighbours with one mean for which a table of sums pays.
FEWEST = 8
#: For the templates.
_GLOBALS = {"block_size": BLOCK, "fewest": FEWEST, "processor_time": version("brian2").startswith("2.9.")}


class CodeObject(CPPStandaloneCodeObject):
    templater = CPPStandaloneCodeObject.templater.derive("eisim.simulation", env_globals=_GLOBALS)


class Device(CPPStandaloneDevice):
    def code_object_class(self, codeobj_class=None, fallback_pref=None):
        return CodeObject if codeobj_class is None else codeobj_class


all_devices[OWN] = Device()
