"""Packages that formats of files need, each an extra of eisim."""

from importlib import import_module

from eisim.base.errors import InputError


def extra(package: str, what: str):
    """The package, for `what` needs it."""
    try:
        return import_module(package)
    except ImportError:
        raise InputError(f"{what}: expected the package {package} installed (pip install 'eisim[{package}]')") from None
