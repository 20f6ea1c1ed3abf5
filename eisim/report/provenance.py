"""Where a stored result comes from: everything needed to get it again."""

import platform
import shlex
import sys
from datetime import UTC, datetime
from importlib.metadata import version

from eisim.base.results import RESULTS_VERSION

#: Those that write the folder of a run.
COMMANDS = ("run", "certify", "ablate", "sweep")
PACKAGES = ("eisim", "brian2", "numpy", "scipy", "matplotlib", "xarray")


def provenance(**details) -> dict:
    """When and how a result was produced, with the facts of this command, for its document.

    Details are ``seed``, ``kinds``, ``backend``, ``settings_si`` (in SI units) and ``seconds`` (time of each stage).
    """
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", "-m", "eisim", *sys.argv[1:]]),
        **details,
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in PACKAGES}
        | {"results": str(RESULTS_VERSION)},
        "platform": platform.platform(),
    }


def is_command(text: str) -> bool:
    """Whether an untrusted text is a single eisim command that runs something, and nothing else."""
    try:
        words = shlex.split(text)
    except ValueError:
        return False
    is_ours = words[:3] == ["python", "-m", "eisim"] and words[3:4] and words[3] in COMMANDS
    return bool(is_ours) and text.isprintable() and shlex.join(words) == text
