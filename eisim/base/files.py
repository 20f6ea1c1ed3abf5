"""Files that are whole or not there at all."""

import csv
import io
import json
import math
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from pathlib import Path

from eisim.base.errors import InputError
from eisim.base.store.atomic import replaced

#: What a spreadsheet takes as a formula: at the start of a text, or behind what some of them take as the end of a cell.
_FORMULA = re.compile(r"""(^|[;|\t\r\n])([\s"]*[=+\-@＝＋－＠][^;|\t\r\n]*|^[\t\r])""")


def check_writable(folder: Path) -> Path:
    """Say in one line why a results folder cannot be made or written, if so; nothing is made."""
    try:
        there = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise InputError(
            f"--out: expected a folder that can be written, found {str(folder)!r} ({error.strerror})"
        ) from None
    return folder


def write(path: Path, content: bytes | str) -> None:
    """Write a file atomically: under another name first, then renamed."""
    try:
        with replaced(path) as file:
            file.write(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        error.filename = str(path)  # the error for a full disk names no file
        raise


def save(path, content: bytes) -> None:
    """Write a file that a user named, or say in one line why that cannot be."""
    try:
        write(Path(path), content)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


def to_csv(rows: Iterable[Mapping | tuple], columns: Sequence[str] = ()) -> str:
    """CSV text with these headings, a line for each row: a tuple, or a mapping by column; ``None`` is an empty cell.

    By default, rows are mappings, and the first one has all columns.
    """
    if not columns:
        rows = list(rows)
        columns = list(rows[0])
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(_as_text, columns))
    for row in rows:
        writer.writerow(map(_as_text, row if isinstance(row, tuple) else map(row.get, columns)))
    return out.getvalue()


def frame_to_csv(frame) -> str:
    """CSV text of a pandas DataFrame, without its index."""
    frame = frame.set_axis([_as_text(column) for column in frame.columns], axis="columns")
    texts = [k for k, dtype in enumerate(frame.dtypes) if dtype.kind in "OTU"]
    for k in texts:
        frame.isetitem(k, frame.iloc[:, k].map(_as_text))
    return frame.to_csv(index=False, lineterminator="\n")


def _as_text(cell):
    """The cell, with an apostrophe before what a spreadsheet would read as a formula: it may be untrusted."""
    return _without_formula(cell) if isinstance(cell, str) and len(cell) > 1 else cell


@lru_cache(4096)  # a column has the same text many times
def _without_formula(text):
    return _FORMULA.sub(_apart, text)


def _apart(found: re.Match) -> str:
    try:
        float(found[2])
    except ValueError:
        return f"{found[1]}'{found[2]}"
    return found[0]


def to_netcdf(variables: dict, coordinates: dict) -> bytes:
    """A NetCDF file of labelled arrays, each (dimensions, values, attributes); ``xarray.load_dataset`` reads it."""
    import numpy as np
    from scipy.io import netcdf_file

    buffer = io.BytesIO()
    file = netcdf_file(buffer, "w", version=2)
    labels = " ".join(name for name, (dims, _, _) in coordinates.items() if dims != (name,))
    for name, (dims, values, attributes) in (coordinates | variables).items():
        if values.dtype.kind == "U":  # text is an array of characters, with a dimension for its length
            values = np.char.encode(values, "utf-8")
            dims = (*dims, f"string{values.itemsize}")
            values = values.view("S1").reshape(*values.shape, -1)
            attributes = attributes | {"_Encoding": "utf-8"}
        elif labels and name in variables and len(dims) > 1:
            attributes = attributes | {"coordinates": labels}
        for dim, size in zip(dims, values.shape, strict=True):
            if dim not in file.dimensions:
                file.createDimension(dim, size)
        entry = file.createVariable(name, values.dtype, dims)
        entry[:] = values
        for key, value in attributes.items():
            setattr(entry, key, value.encode("utf-8") if isinstance(value, str) else value)
    file.flush()
    return buffer.getvalue()


def to_json(document, is_strict: bool = False) -> str:
    """JSON text of nested plain values, NumPy numbers and arrays, paths and enumerations.

    JSON has no number that is not finite: it becomes ``null``, or is an error if this is strict.
    """
    import numpy as np

    def plain(value):
        if isinstance(value, (np.ndarray, np.generic)):
            return value.tolist()
        if isinstance(value, Path):
            return str(value)
        if isinstance(value, Enum):
            return value.value
        raise TypeError(f"not JSON: {value!r}")

    def finite(value):
        if isinstance(value, dict):
            return {key: finite(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [finite(each) for each in value]
        if isinstance(value, (np.ndarray, np.generic)):
            return finite(value.tolist())
        return None if isinstance(value, float) and not math.isfinite(value) else value

    try:
        return json.dumps(document, default=plain, indent=1, allow_nan=False)
    except ValueError:  # rare, so that documents are not gone through twice
        if is_strict:
            raise
        return json.dumps(finite(document), default=plain, indent=1, allow_nan=False)
