"""Names of the Brian2 objects, and of the files through which a compiled program is fed and read.

Brian2's standalone programs read arrays from ``static_arrays/`` and write them to ``results/`` under names made from
those of the objects. `eisim.simulation.program` checks at every compilation that this is still so.
"""

from importlib.metadata import version
from zlib import crc32

from eisim.simulation.layout import Bundle, Recorder, rule_ending

STIMULUS_FILE = "eisim_stimulus_values"
INJECTED_FILE = "eisim_injected_values"
GIVEN_FILE = "eisim_given_values"
#: Ending of the file from which a bundle of synapses is drawn.
DRAWN = "_drawn"
#: The clock of what is not recorded in every step.
RECORDERS_CLOCK = "eisim_recorders_clock"
TRANSMISSION_FILE = "eisim_transmission_values"
#: Brian2's variable of synaptic delays.
DELAY = "delay" if version("brian2").startswith("2.9.") else "_pre_delay"


def group_name(name: str) -> str:
    return f"eisim_{name}"


def synapses_name(bundle: Bundle) -> str:
    # After the endings _pre and _post of the first: what arrives at once is added in the order of the names.
    number = rule_ending(bundle) or (f"_variant_{bundle.number:03d}" if bundle.number else "")
    keyed = "_keyed" if bundle.keyed else ""
    return f"eisim_{bundle.source}_to_{bundle.target}_{bundle.receptor}{keyed}{number}"


def monitor_name(group: str) -> str:
    return f"eisim_{group}_monitor"


def recorder_name(recorder: Recorder) -> str:
    variables = crc32(" ".join(recorder.variables).encode())  # names of files must not be long
    owner = synapses_name(recorder.group) if isinstance(recorder.group, Bundle) else f"eisim_{recorder.group}"
    return f"{owner}_recorder_{variables:08x}"


def static_file(owner: str, variable: str, dynamic: bool = False) -> str:
    """Where a program finds the values of a variable that its code sets from an array."""
    return f"_static_array_{array(owner, variable, dynamic)}"


def result_file(owner: str, variable: str, dynamic: bool = False) -> str:
    """Where a program leaves the values of a variable."""
    name = array(owner, variable, dynamic)
    return f"{name}_{crc32(name.encode())}"


def array(owner: str, variable: str, dynamic: bool) -> str:
    """The array that holds a variable."""
    return f"_{'dynamic_' if dynamic else ''}array_{owner}_{variable}"
