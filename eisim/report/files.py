"""Files that are whole or not there at all."""

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from eisim.errors import InputError


def check_writable(folder: Path) -> Path:
    """Make a results folder, or say in one line why that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"--out: expected a folder that can be written, found {str(folder)!r} ({error.strerror})"
        ) from None
    return folder


def write(path: Path, content: bytes | str) -> None:
    """Write a file atomically: under another name first, then renamed."""
    if isinstance(content, str):
        content = content.encode()
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(partial, 0o666 & ~umask)
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(partial)
        raise


def to_json(document) -> str:
    """JSON text of nested plain values and NumPy numbers and arrays."""

    def plain(value):
        if isinstance(value, (np.ndarray, np.generic)):
            return value.tolist()
        raise TypeError(f"not JSON: {value!r}")

    return json.dumps(document, default=plain, indent=1, allow_nan=False)
