"""Other programs: Ctrl-C in the terminal goes to this process alone, which ends them.

Were it to reach them, too, their end could be taken for a failure before this process knows of the interrupt.
"""

import subprocess
import sys
from functools import partial

if sys.platform == "win32":
    _APART = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
else:
    _APART = {"process_group": 0}

start = partial(subprocess.Popen, **_APART)
run = partial(subprocess.run, **_APART)
