"""The view of an experiment that shows its results by functions of its module, as a user's own may."""

from types import ModuleType, SimpleNamespace

from eisim.report.findings import Findings
from eisim.report.view import View, view_of


class HookView(View):
    """A view by the functions ``to_json``, ``table``, ``tables``, ``figures`` and perhaps ``findings`` of a module.

    Parameters
    ----------
    result : object
    hooks : module or namespace
    """

    def __init__(self, result, hooks: ModuleType | SimpleNamespace):
        super().__init__(result)
        self.hooks = hooks

    def to_json(self) -> dict:
        """What ``to_json`` gives."""
        return self.hooks.to_json(self.result)

    def findings(self) -> Findings | None:
        """What ``findings`` gives; None if there is no such function: the page is then made of the files."""
        return self.hooks.findings(self.result) if hasattr(self.hooks, "findings") else None

    def terminal(self):
        """What ``table`` gives."""
        return self.hooks.table(self.result)

    def all_files(self):
        """What ``tables`` gives."""
        return self.hooks.tables(self.result)

    def drawn(self):
        """What ``figures`` gives."""
        return self.hooks.figures(self.result)


def view_for(experiment: ModuleType | SimpleNamespace, result) -> View:
    """The view of a result of an experiment: the one of the result's type, else by functions of the experiment."""
    try:
        return view_of(result)
    except TypeError:
        return HookView(result, experiment)
