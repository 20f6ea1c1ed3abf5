"""Display of a result by functions in the module of its experiment, such as a user's own."""

from eisim.report.findings import Findings
from eisim.report.view import View, show_with
from eisim.run.experiment import ShownByModule


class HookView(View[ShownByModule]):
    """A view by ``to_json``, ``table``, ``tables``, ``figures`` and ``findings``, each of which may be missing."""

    def to_json(self) -> dict:
        return self.result.to_json()

    def findings(self) -> Findings | None:
        return self.result.by("findings", lambda value: None)

    def terminal(self):
        return self.result.by("table", lambda value: "\n".join(f"{k}: {v}" for k, v in self.to_json().items()))

    def all_files(self) -> list[tuple[str, str | bytes]]:
        return self.result.by("tables", lambda value: [])

    def drawn(self) -> list:
        return self.result.by("figures", lambda value: [])


show_with(ShownByModule, HookView)
