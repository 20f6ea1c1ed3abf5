"""Memory: how much can be had here, so that what needs more is refused before it is taken."""

import os
from contextlib import suppress
from pathlib import Path

from eisim.base.errors import InputError

#: Less than this is not worth looking up what is free, in bytes.
LITTLE = 50_000_000
_CGROUPS = Path("/sys/fs/cgroup")


def free() -> float:
    """Bytes that this process can still take: what the system, its control groups and its own limits leave."""
    return min([_of_system(), _of_limits(), *_of_groups()])


def used() -> float:
    """Bytes that this process takes, on Linux; 0 elsewhere."""
    with suppress(OSError, ValueError, IndexError):
        return float(int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))
    return 0.0


def check(what: str, need: float, of: str) -> None:
    """Refuse what needs more memory (bytes) than is free; `of` says in the message what takes it."""
    if need > LITTLE and need > (left := free()):
        raise InputError(
            f"{what}: expected what fits into memory, found {of}, which need {size(need)}; {size(left)} are free"
        )


def size(number: float) -> str:
    """Bytes as people write them: ``"3.2 GB"``."""
    units = ("B", "kB", "MB", "GB", "TB", "PB")
    power = 0
    while number >= 1000 and power < len(units) - 1:
        number, power = number / 1000, power + 1
    return f"{number:.3g} {units[power]}"


def _of_system():
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024.0
    with suppress(OSError, ValueError, AttributeError):
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return float("inf")


def _of_groups():
    """Memory left in each control group of this process, such as that of a container."""
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers not in ("", "memory") and "memory" not in controllers.split(","):
                continue
            top = _CGROUPS / "memory" if controllers else _CGROUPS
            names = ("limit_in_bytes", "usage_in_bytes") if controllers else ("max", "current")
            folder = top / path.strip("/")
            for group in (folder, *folder.parents):
                if group == top.parent:
                    break
                with suppress(OSError, ValueError):  # without a limit it says "max"
                    limit, used = (int((group / f"memory.{name}").read_text()) for name in names)
                    yield float(max(limit - used + _reclaimable(group), 0))


def _reclaimable(group):
    """Cached file contents of a group, which are reclaimed when memory is needed."""
    with suppress(OSError, ValueError):
        for line in (group / "memory.stat").read_text().splitlines():
            if line.startswith(("inactive_file ", "total_inactive_file ")):
                return int(line.split()[1])
    return 0


def _of_limits():
    """Memory left under ``ulimit -v``."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            return max(float(limit - int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()), 0)
    return float("inf")
