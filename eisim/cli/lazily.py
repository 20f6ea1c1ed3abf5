"""Modules that others import and few use, loaded when they are first used."""

import importlib.util
import sys

#: What SciPy's sparse arrays import with all of NumPy, which takes longer than they do.
SELDOM_USED = ("numpy.f2py", "numpy.testing")


def load_when_used(*names: str) -> None:
    """Put off loading these modules, each within a package that is loaded, until one of their attributes is asked for.

    Parameters
    ----------
    *names : str
        Full names; one that is loaded already, or that there is not, is left as it is.
    """
    for name in names:
        spec = None if name in sys.modules else importlib.util.find_spec(name)
        if spec is None:
            continue
        package, _, child = name.rpartition(".")
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        setattr(sys.modules[package], child, module)
