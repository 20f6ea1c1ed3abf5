"""Where a stored result comes from: everything needed to get it again."""

import platform
import shlex
import sys
from datetime import UTC, datetime
from importlib.metadata import version

PACKAGES = ("eisim", "brian2", "numpy", "scipy", "matplotlib", "xarray")


def provenance(**details) -> dict:
    """When and how a result came to be, for the document that is stored beside it.

    Parameters
    ----------
    **details
        What is known of this command: ``seed``, ``kinds``, ``backend``, ``settings_si`` (in SI units), ``seconds``
        (time of each stage).

    Returns
    -------
    dict
        ``finished`` (UTC), ``command``, the details, ``versions`` and ``platform``.
    """
    return {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", "-m", "eisim", *sys.argv[1:]]),
        **details,
        "versions": {"python": platform.python_version()} | {package: version(package) for package in PACKAGES},
        "platform": platform.platform(),
    }
