"""Contents of the cache, as a table and as JSON."""

import os
from collections.abc import Collection
from datetime import UTC, datetime

from eisim.base.errors import InputError
from eisim.base.store import cache
from eisim.base.store.workspace import clear_abandoned

#: What takes seconds to rebuild; parts of interrupted runs may be hours of work.
CHEAP = (cache.PROGRAMS, cache.HEADERS)
_MEANING = {
    cache.PROGRAMS: "compiled programs",
    cache.HEADERS: "compiled headers",
    cache.RUNS: "interrupted runs",
}


def document() -> dict:
    """The document of ``cache --json``: sizes in bytes, times in UTC."""
    found = {kind: cache.kept_files(kind) for kind in cache.KINDS}
    return {
        "folder": str(cache.root()),
        "problem": cache.what_is_wrong(),
        "size": sum(kept.size for kind in CHEAP for kept in found[kind]),
        "limit": cache.size_limit(),
        "kinds": {
            kind: {
                "entries": len(kept),
                "size": sum(each.size for each in kept),
                "last_used": datetime.fromtimestamp(kept[-1].used, UTC).isoformat(timespec="seconds") if kept else None,
            }
            for kind, kept in found.items()
        },
    }


def table(found: dict):
    """A document as a Rich table."""
    from rich.console import Group
    from rich.table import Table

    rows = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading, justify in (("kept", "left"), ("entries", "right"), ("MB", "right"), ("last used (UTC)", "left")):
        rows.add_column(heading, justify=justify)
    for kind, kept in found["kinds"].items():
        last = (kept["last_used"] or "never").removesuffix("+00:00").replace("T", " ")
        rows.add_row(_MEANING[kind], str(kept["entries"]), f"{kept['size'] / 1e6:.1f}", last)
    limit = f"Programs and headers: at most {found['limit'] / 1e6:.0f} MB together; least recently used deleted first."
    wrong = f"It cannot be used: {found['problem']}." if found["problem"] else "Only this user can write there."
    if not hasattr(os, "geteuid") and not found["problem"]:
        wrong = "It can be written."
    return Group(f"Cache: {found['folder']}", wrong, "", rows, "", limit)


def clear(kinds: Collection[str]) -> tuple[dict, str]:
    """Delete cached entries of some kinds, by default those cheap to rebuild; returns what was deleted and a summary.

    Raises ``InputError`` if something cannot be deleted.
    """
    kinds = kinds or CHEAP
    gone, left = cache.clear(kinds)
    clear_abandoned()
    size = sum(kept.size for kept in gone)
    if left:
        raise InputError(
            f"cache clear: expected files that can be deleted, found {left[0].path} and others that cannot"
        )
    words = " and ".join(_MEANING[kind] for kind in kinds)
    line = f"Removed: {words}, {len(gone)} entries, {size / 1e6:.1f} MB."
    runs = len(cache.kept_files(cache.RUNS))
    if runs and cache.RUNS not in kinds:
        line += f" Parts of interrupted runs stay ({runs}); --runs removes them."
    return {"kinds": list(kinds), "entries": len(gone), "size": size}, line
