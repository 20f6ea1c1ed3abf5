"""Canonical excitatory-inhibitory circuits, one per file; each offers ``circuit(kind=...)``."""

import importlib
import pkgutil

if __name__ == "models":  # the name for people; to eisim it is eisim.models
    from eisim.base.folders import stand_in

    stand_in(__name__)
else:
    #: Names of the models: each is a module here, imported when first used.
    __all__ = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


def __getattr__(name):
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'models' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return [*globals(), *__all__]
