"""Display of a result by functions in the module of its experiment, such as a user's own."""

from collections.abc import Callable
from typing import Any

from eisim.base.errors import InputError
from eisim.base.schema import JSON, read
from eisim.report.findings import Findings, to_document
from eisim.report.view import View, show_with
from eisim.run.experiment import ShownByModule


class HookView(View[ShownByModule]):
    """A view by ``to_json``, ``table``, ``tables``, ``figures`` and ``findings``, each of which may be missing."""

    def to_json(self) -> dict:
        return self.result.to_json()

    def findings(self) -> Findings | None:
        found = self.result.by("findings", lambda value: None)
        if found is None:
            return None
        where = f"{self.result.file}: findings"
        if not isinstance(found, Findings):
            raise InputError(f"{where}: expected eisim.report.findings.Findings, found {found!r:.60}")
        read(Findings, to_document(found), where, JSON)  # as the page will
        return found

    def terminal(self):
        return self.result.by("table", lambda value: "\n".join(f"{k}: {v}" for k, v in self.to_json().items()))

    def all_files(self) -> list[tuple[str, str | bytes]]:
        return self._files("tables", lambda content: isinstance(content, str | bytes), "text or bytes")

    def drawn(self) -> list:
        return self._files("figures", lambda content: hasattr(content, "savefig"), "a Matplotlib figure")

    def _files(self, hook: str, is_content: Callable[[Any], bool], content: str) -> list[tuple[str, Any]]:
        """What a function of the module yields, each a file."""
        found = self.result.by(hook, lambda value: [])
        for each in found:
            is_pair = isinstance(each, tuple | list) and len(each) == 2 and isinstance(each[0], str)
            if not is_pair or not is_content(each[1]):
                raise InputError(
                    f"{self.result.file}: {hook}: expected pairs of file name and {content}, found {each!r:.60}"
                )
        names = [name for name, _ in found]
        if twice := {name for name in names if names.count(name) > 1}:
            raise InputError(
                f"{self.result.file}: {hook}: expected files with different names, found {min(twice)!r} twice"
            )
        return found


show_with(ShownByModule, HookView)
