"""Untrusted files, checked before they are read: their kinds and sizes, and arrays in NumPy's format."""

import errno
import io
import math
import os
import stat
from pathlib import Path

import numpy as np

from eisim.base.errors import InputError


def regular_file(path, largest: int) -> Path:
    """The path, if it is a regular file of limited size: no endless pipe, and no device."""
    if not isinstance(path, (str, os.PathLike)) or not isinstance(os.fspath(path), str):
        raise InputError(f"expected the path of a file, found {path!r:.60}")
    path = Path(path)
    try:
        status = path.stat()
    except (OSError, ValueError) as error:  # a name may have a character that no name can have
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not stat.S_ISREG(status.st_mode):
        is_folder = stat.S_ISDIR(status.st_mode)
        found = os.strerror(errno.EISDIR) if is_folder else "expected a file, found a pipe or a device"
        raise InputError(f"{path}: cannot be read: {found}")
    if status.st_size > largest:
        raise InputError(f"{path}: expected at most {largest:,} bytes, found {status.st_size:,}")
    return path


def array(content: bytes, kinds: str = "biufU") -> np.ndarray:
    """The array of numbers or text in a .npy file; its size is known before any memory is taken.

    ValueError for what is no such file, or of other `kinds` than these of NumPy; Python objects are never unpickled.
    What is damaged may raise others.
    """
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError("an array of another version")
    head = getattr(np.lib.format, f"read_array_header_{version[0]}_0")
    shape, by_columns, dtype = head(stream)
    if dtype.kind not in kinds or not dtype.itemsize or min(shape, default=0) < 0:
        raise ValueError(f"an array of {dtype}")
    start = stream.tell()
    if math.prod(shape) * dtype.itemsize != len(content) - start:
        raise ValueError(f"an array of another size than its shape {shape}")
    if not math.prod(shape):
        return np.empty(shape, dtype)
    return np.frombuffer(content, dtype, offset=start).reshape(shape, order="F" if by_columns else "C").copy("K")
