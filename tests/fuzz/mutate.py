"""Mutations of bytes, text, tables, JSON, archives and protobuf messages. Each takes a ``random.Random``."""

import io
import json
import zipfile
from contextlib import suppress

#: Numbers at which sizes and indices break.
NUMBERS = (-1, 0, 1, 2, 3, 7, 127, 128, 255, 2**15, 2**16, 10**6, 2**31 - 1, 2**31, 2**32, 2**40, 2**63 - 1, -(2**63))
#: Text at which readers, terminals, pages, figures and spreadsheets break.
TEXTS = (
    "", " ", "\t", "\n", "\r", "\x00", "\x1b[2J\x1b]0;taken\x07", "\x9b31m", "\u202egnp", "\ufeff", "\ud800", "é", "٣",
    "x" * 70_000,
    "<script>taken()</script>", "'\"><img src=x onerror=taken()>", "{{ 7*7 }}", "[/]", "[red]", "[link=http://192.0.2.1]",
    "$", "$x$", r"$\frac{$", "$" + "{" * 200 + "$",
    "=1+1", "=cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "+1", "nan", "inf", "-inf", "1e999", "1e308",
    "-1e308", "5e-324", "1" * 400, "9" * 5000, "0x10", "1_000", "1,5", "yes", "NA", "../../etc/passwd", "/etc/passwd",
    "run.json", ".", "..", "%s%n", "\\", '"', "'", ";", ",", "__import__('os').system('true')", "a" * 300 + "\n",
)  # fmt: skip


#: Cells that a table may well have.
CELLS = ("0", "1", "-3", "0.5", "2e3", "1e308", "-1e308", "5e-324", "-0", "1e150", "NA", "yes", "no", "", " 4 ", "x")


def of_bytes(content: bytes, rng) -> bytes:
    """Bytes flipped, replaced, left out, put in, repeated or cut off, one to six times."""
    found = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 6))):
        at, length = rng.randrange(len(found) + 1), rng.choice((1, 1, 2, 4, 8, 64, 1000))
        match rng.randrange(8):
            case 0 if at < len(found):
                found[at] ^= 1 << rng.randrange(8)
            case 1:
                found[at : at + 1] = bytes([rng.choice((0, 1, 10, 34, 44, 127, 128, 255))])
            case 2:
                del found[at : at + length]
            case 3:
                found[at:at] = rng.randbytes(length)
            case 4:
                found[at:at] = found[at : at + length] * rng.choice((1, 2, 50))
            case 5:
                size = rng.choice((2, 4, 8))
                number = rng.choice(NUMBERS) % 256**size
                found[at : at + size] = number.to_bytes(size, rng.choice(("little", "big")))
            case 6:
                other = rng.randrange(len(found) + 1)
                found[at : at + length] = found[other : other + length]
            case 7:
                del found[at if rng.random() < 0.3 else len(found) :]
    return bytes(found)


def of_table(text: str, rng) -> bytes:
    """A CSV file with cells, columns, rows, separators, quotes, line ends or encoding changed."""
    rows = [line.split(",") for line in text.splitlines()]
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        row = rng.choice(rows) if rows else []
        at = rng.randrange(len(row)) if row else 0
        match rng.randrange(12):
            case 0 if row:
                row[at] = rng.choice(TEXTS)
            case 1 | 2 if row:
                row[at] = rng.choice(CELLS)
            case 3 if row:
                row[at] = '"' + rng.choice(TEXTS).replace('"', '""') + '"'
            case 4 if rows and rows[0]:
                rows[0][rng.randrange(len(rows[0]))] = rng.choice((*rows[0], rng.choice(TEXTS)))
            case 5:
                row.insert(at, str(rng.choice(NUMBERS)))
            case 6 if row:
                del row[at]
            case 7:
                place = rng.randrange(len(rows) + 1)
                rows[place:place] = [[rng.choice(TEXTS)]] if rng.random() < 0.3 else [list(row)] * rng.choice((1, 50))
            case 8 if rows:
                rows.remove(row)
            case 9:
                row.extend(rng.choice((["1"], [""])) * rng.choice((1, 10, 1000, 60_000)))
            case 10:
                column = [str(rng.choice(NUMBERS)), rng.choice(TEXTS)]
                for k, each in enumerate(rows):
                    each.append(f"new{rng.randrange(3)}" if k == 0 else rng.choice(column))
            case 11:
                rows.append(["", *[""] * rng.randrange(4)])
    separator, end = rng.choice((*"," * 9, ";", "\t", " ", "|")), rng.choice((*"\n" * 9, "\r\n", "\r", "\n\n"))
    content = end.join(separator.join(row) for row in rows) + rng.choice((end, end, ""))
    encoding = rng.choice(("utf-8",) * 20 + ("utf-8-sig", "utf-16", "utf-16-le", "latin-1", "utf-32"))
    content = content.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace")
    return of_bytes(content, rng) if rng.random() < 0.2 else content


def of_json(document, rng) -> bytes:
    """A JSON document with values replaced, left out, repeated, nested or swapped."""
    document = json.loads(json.dumps(document))
    places = [(None, None)]
    _walk(document, places)
    for _ in range(rng.choice((1, 1, 1, 3))):
        holder, key = rng.choice(places)
        if holder is None:
            continue
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        if key not in keys:
            continue
        match rng.randrange(8):
            case 0 | 1 | 2:
                holder[key] = _like(holder[key], rng) if rng.random() < 0.6 else _value(rng)
            case 3:
                del holder[key]
            case 4:
                holder[key] = rng.choice(([holder[key]], {"a": holder[key]}, [holder[key]] * 300))
            case 5 if isinstance(holder, list):
                holder[key:key] = [holder[key]] * rng.choice((1, 20, 2000))
            case 6:
                other, place = rng.choice(places[1:])
                if place in (list(other) if isinstance(other, dict) else range(len(other))):
                    holder[key] = json.loads(json.dumps(other[place]))
            case 7 if isinstance(holder, dict):
                holder[rng.choice(TEXTS)] = holder[key]
    text = json.dumps(document)
    if rng.random() < 0.05:
        depth = rng.choice((90, 500, 900, 5000, 200_000))
        at = text.find(":", rng.randrange(len(text))) + 1
        text = text[:at] + "[" * depth + "]" * rng.choice((depth, depth - 1)) + "," + text[at:]
    content = text.encode("utf-8", "surrogatepass")
    return of_bytes(content, rng) if rng.random() < 0.15 else content


def _walk(node, places):
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, each in members:
        places.append((node, key))
        _walk(each, places)


def _like(value, rng):
    """Another value of the same type."""
    if isinstance(value, bool) or value is None:
        return not value
    if isinstance(value, int):
        return rng.choice((value + 1, value - 1, -value, rng.choice(NUMBERS)))
    if isinstance(value, float):
        return rng.choice((-value, 2 * value, 0.0, 0.5, 1e308, 5e-324, -1e-3))
    if isinstance(value, str):
        return rng.choice((value + "x", value[:-1], "E", "I", rng.choice(TEXTS)))
    return [] if isinstance(value, list) else {}


def _value(rng):
    return rng.choice(
        (
            *(
                None,
                True,
                False,
                [],
                {},
                [[]],
                0.5,
                float("nan"),
                float("inf"),
                -float("inf"),
                1e308,
                10**400,
                -(10**30),
            ),
            *(rng.choice(NUMBERS), rng.choice(TEXTS), rng.choice(TEXTS), list(range(rng.randrange(5)))),
        )
    )


def of_members(content: bytes, rng, change) -> bytes:
    """An archive with members changed by ``change(name, bytes, rng)``, renamed, left out, doubled or packed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    for _ in range(rng.randint(1, 2)):
        k = rng.randrange(len(members))
        name, data = members[k]
        match rng.randrange(8):
            case 0 | 1 | 2 | 3:
                members[k] = name, change(name, data, rng)
            case 4:
                members[k] = rng.choice((*TEXTS[3:12], "../x.npy", "/x.npy", name.upper())).replace("\ud800", ""), data
            case 5 if len(members) > 1:
                del members[k]
            case 6:
                members.append((name, data))
            case 7:
                members[k] = name, rng.choice(members)[1]
    packing = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", packing) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name or "empty"), data, packing)
    content = found.getvalue()
    return of_bytes(content, rng) if rng.random() < 0.1 else content


#: What the head of a .npy file can claim.
HEADS = (
    "{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
    "{'descr': '<U%d', 'fortran_order': False, 'shape': (2,), }",
    "{'descr': '<M8[s]', 'fortran_order': True, 'shape': (%d, 4), }",
    "{'descr': '|u1', 'fortran_order': 3, 'shape': (0, %d), }",
    "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (2,), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (1000, 1000, %d), }",
    "{'descr': '|V0', 'fortran_order': False, 'shape': (%d,), }",
    "__import__('os').system('true') or %d",
    "(" * 99,
)


def of_array(_, content: bytes, rng) -> bytes:
    """A .npy file with its head or its bytes changed."""
    if rng.random() < 0.5 or content[:6] != b"\x93NUMPY":
        return of_bytes(content, rng)
    size = int.from_bytes(content[8:10], "little")
    head = rng.choice(HEADS)
    head = (head % rng.choice(NUMBERS) if "%d" in head else head).encode() + b"\n"
    version = rng.choice((b"\x01\x00",) * 4 + (b"\x02\x00", b"\x03\x00", b"\x09\x00"))
    length = len(head).to_bytes(2 if version[0] == 1 else 4, "little")
    return b"\x93NUMPY" + version + length + head + content[10 + size :]


def of_message(message, rng) -> None:
    """Fields of a protobuf message, anywhere in it, changed in place one to four times."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        messages = [message]
        for each in messages:
            for field, value in each.ListFields():
                if field.type == field.TYPE_MESSAGE:
                    messages.extend([value] if hasattr(value, "ListFields") else value)
        spot = rng.choice(messages)
        fields = spot.ListFields() if rng.random() < 0.8 else [(f, None) for f in spot.DESCRIPTOR.fields]
        if not fields:
            continue
        field, _ = rng.choice(fields)
        value = getattr(spot, field.name)
        repeated = hasattr(value, "__len__") and not isinstance(value, (str, bytes))
        if field.type == field.TYPE_MESSAGE and not repeated:
            spot.ClearField(field.name)
        elif field.type == field.TYPE_MESSAGE:
            _change_messages(value, rng)
        elif repeated:
            _change_numbers(value, field, rng)
        else:
            _try(setattr, spot, field.name, _scalar(field, value, rng))


def _change_messages(repeated, rng):
    choice = rng.randrange(4)
    if choice == 0 and len(repeated):
        del repeated[rng.randrange(len(repeated))]
    elif choice == 1 and len(repeated):
        repeated.add().CopyFrom(rng.choice(repeated))
    elif choice == 2 and len(repeated) > 1:
        a, b = rng.randrange(len(repeated)), rng.randrange(len(repeated))
        repeated[a].MergeFrom(repeated[b])
    else:
        repeated.add()


def _change_numbers(repeated, field, rng):
    choice = rng.randrange(3)
    if choice == 0 and len(repeated):
        del repeated[rng.randrange(len(repeated))]
    elif choice == 1 and len(repeated):
        k = rng.randrange(len(repeated))
        _try(repeated.__setitem__, k, _scalar(field, repeated[k], rng))
    else:
        last = repeated[-1] if len(repeated) else None
        _try(repeated.extend, [_scalar(field, last, rng)] * rng.choice((1, 1, 3, 500)))


def _scalar(field, value, rng):
    if field.type == field.TYPE_STRING:
        operations = (
            "Relu",
            "Gather",
            "Concat",
            "ConstantOfShape",
            "Tile",
            "Loop",
            "Where",
            "Clip",
            "MaxPool",
            "x",
            "y",
            "w",
        )
        return rng.choice((*TEXTS, *operations)).encode("utf-8", "ignore").decode()
    if field.type == field.TYPE_BYTES:
        return of_bytes(value or b"12345678", rng)
    if field.type in (field.TYPE_FLOAT, field.TYPE_DOUBLE):
        return rng.choice((0.0, -1.0, 1e38, -1e38, float("nan"), float("inf"), 1e-45))
    if field.type == field.TYPE_BOOL:
        return not value
    if field.type == field.TYPE_ENUM:
        return rng.choice(range(24))
    return rng.choice(NUMBERS)


#: Values that a number of a NIR file may have, and others that any of its values may be.
SIZES = (float("nan"), float("inf"), -1.0, 0.0, 1.0, 2.5, 7.0, 1e-300, 1e300, -1e300, 2.0**40, 1e-9)
OTHERS = (
    b"LIF",
    b"LI",
    b"Linear",
    b"Flatten",
    b"NIRGraph",
    b"Evil\x1b[31m",
    b"input",
    b"same",
    [],
    [[1.0] * 3] * 3,
    [1, 2],
    7,
)


def of_hdf5(content: bytes, rng) -> bytes:
    """An HDF5 file with arrays replaced, reshaped or left out, and groups renamed, linked or left out."""
    import h5py
    import numpy as np

    file = io.BytesIO(content)
    with h5py.File(file, "r+") as opened:
        names = []
        opened.visit(names.append)
        for name in rng.sample(names, min(len(names), rng.choice((1, 1, 2, 3)))):
            if name not in opened:
                continue
            found = opened[name]
            if isinstance(found, h5py.Group) or rng.random() < 0.1:
                match rng.randrange(3):
                    case 0:
                        _try(opened.move, name, name.rpartition("/")[0] + "/" + rng.choice(("n", "a b", "é", "x/y")))
                    case 1:
                        _try(opened.__setitem__, f"{rng.choice(names)}/again", found)
                    case _:
                        del opened[name]
                continue
            before = found[()]
            del opened[name]
            match rng.randrange(8):
                case 0:
                    opened[name] = rng.choice(OTHERS)
                case 1:
                    pass
                case 2 if np.ndim(before):
                    opened[name] = before[..., :1] if rng.random() < 0.5 else np.concatenate([before, before])
                case 3 if np.asarray(before).dtype.kind in "iuf":
                    opened[name] = np.asarray(before).astype(rng.choice(("f2", ">f4", "i1", "?", "u8", "c16")))
                case _ if np.asarray(before).dtype.kind in "iuf" and np.size(before):
                    array = np.array(before, dtype=float)
                    array.flat[rng.randrange(array.size)] = rng.choice(SIZES)
                    opened[name] = array
                case _:
                    opened[name] = rng.choice(OTHERS)
    return file.getvalue()


def _try(change, *arguments):
    """Protobuf itself refuses numbers that do not fit a field, and HDF5 names that are there."""
    with suppress(ValueError, TypeError, OSError, RuntimeError):
        change(*arguments)
