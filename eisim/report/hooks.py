"""How a result is shown by functions of the module of its experiment, as a user's own may have them."""

from eisim.report.findings import Findings
from eisim.report.view import View, show_with
from eisim.run.experiment import ShownByModule


class HookView(View[ShownByModule]):
    """A view by ``to_json``, ``table``, ``tables``, ``figures`` and ``findings``, each of which may be missing."""

    def to_json(self) -> dict:
        """What ``to_json`` gives."""
        return self.result.to_json()

    def findings(self) -> Findings | None:
        """What ``findings`` gives; None if there is no such function: the page is then made of the files."""
        return self.result.by("findings", lambda value: None)

    def terminal(self):
        """What ``table`` gives, else the numbers."""
        return self.result.by("table", lambda value: "\n".join(f"{k}: {v}" for k, v in self.to_json().items()))

    def all_files(self) -> list[tuple[str, str | bytes]]:
        """What ``tables`` gives."""
        return self.result.by("tables", lambda value: [])

    def drawn(self) -> list:
        """What ``figures`` gives."""
        return self.result.by("figures", lambda value: [])


show_with(ShownByModule, HookView)
