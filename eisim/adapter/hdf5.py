"""HDF5 files as data: groups and arrays, in the format that h5py writes by default.

The HDF5 library can hang on a damaged file, and follows links to other files. This reader knows the version 0 of the
format alone (HDF5 File Format Specification 3.0; "superblock" 0, symbol tables, object headers of version 1), looks at
nothing outside the content that it is given, and knows every size before it makes an array.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from eisim.adapter.affine import bounded
from eisim.base.errors import InputError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
#: Messages of an object header that say what it is.
DATASPACE, LINKS, DATATYPE, LINK, EXTERNAL, LAYOUT, FILTERS, CONTINUED, SYMBOLS = 1, 2, 3, 6, 7, 8, 11, 16, 17
#: That of messages which several objects share, of a later version of the format.
SHARED = 15
#: Bytes of the head of a file, and an address that is none.
HEAD, NOWHERE = 96, 2**64 - 1
#: Filters that are undone here.
DEFLATE, SHUFFLE, CHECKSUM = 1, 2, 3
#: Bounds of what a file may make this reader do: bytes read, members and chunks, bytes of text.
MOST_BYTES, MOST_PARTS, MOST_TEXT = 4_000_000_000, 200_000, 20_000_000
#: What reading a block costs beside its size, as so many bytes.
OVERHEAD = 2_000
#: Classes of types.
INTEGER, FLOAT, TEXT, ENUMERATION, VARIABLE = 0, 1, 3, 8, 9
#: Floats as IEEE has them: place and size of exponent and mantissa, and bias, by size in bytes.
IEEE = {2: (10, 5, 0, 10, 15), 4: (23, 8, 0, 23, 127), 8: (52, 11, 0, 52, 1023)}


@dataclass(frozen=True)
class Dataset:
    """An array in a file, not yet read."""

    shape: tuple[int, ...]
    dtype: np.dtype | None  # of numbers; None for text
    size: int  # bytes of one element
    is_variable: bool  # whether its elements are texts elsewhere in the file
    layout: bytes
    filters: tuple[int, ...]


class Hdf5:
    """The content of an HDF5 file; `InputError` for all that is not as it should be."""

    def __init__(self, content: bytes):
        self.content, self.bytes, self.parts, self.texts = content, 0, 0, 0
        if not content:
            raise InputError("expected an HDF5 file, found an empty one")
        if content[:8] != SIGNATURE[: len(content)]:
            raise InputError("expected an HDF5 file, found another")
        if len(content) < HEAD:
            raise InputError(f"expected a whole HDF5 file, found one cut off after {len(content)} bytes")
        version, offsets, lengths = content[8:9], content[13:14], content[14:15]
        if version != b"\0" or offsets != b"\x08" or lengths != b"\x08":
            raise InputError(
                "expected an HDF5 file of the version that h5py writes by default, found another (h5repack --high=0)"
            )
        end = self._number(40)
        if end > len(content):
            raise InputError(f"expected an HDF5 file of {end:,} bytes, found one cut off after {len(content):,}")
        self.root = self._number(64)  # address of its object header

    def open(self, address: int) -> "dict[str, int] | Dataset":
        """A group, as the addresses of its members by name, or an array."""
        found, linked = {}, {}
        for kind, body in self._messages(address):
            if kind in (SHARED, EXTERNAL):
                wanted = "data in the file itself, in the format that h5py writes by default"
                raise InputError(f"expected {wanted}, found another (message {kind})")
            if kind == LINK:
                linked |= self._link(body)
            found.setdefault(kind, body)
        if LINKS in found:  # a group with names that are not ASCII
            if struct.unpack_from("<Q", found[LINKS], 2 + 8 * (found[LINKS][1] & 1))[0] != NOWHERE:
                raise InputError("expected names in ASCII in a group of more than 8 members, found others")
            return linked
        if SYMBOLS in found:
            tree, heap = struct.unpack_from("<QQ", found[SYMBOLS])
            return self._group(tree, heap)
        if not {DATASPACE, DATATYPE, LAYOUT} <= found.keys():
            raise InputError(f"expected a group or an array at {address}, found neither")
        dtype, size, is_variable = _type(found[DATATYPE])
        filters = _filters(found[FILTERS]) if FILTERS in found else ()
        return Dataset(_shape(found[DATASPACE]), dtype, size, is_variable, found[LAYOUT], filters)

    def numbers(self, dataset: Dataset) -> np.ndarray:
        """The numbers in an array."""
        if dataset.dtype is None:
            raise InputError("expected numbers, found text")
        return np.frombuffer(self._data(dataset), dataset.dtype).reshape(dataset.shape)

    def strings(self, dataset: Dataset) -> list[str]:
        """The texts in an array, in a row."""
        if dataset.dtype is not None:
            raise InputError(f"expected text, found {dataset.dtype}")
        data, size, found = self._data(dataset), dataset.size, []
        for start in range(0, len(data), size or 1):
            text = data[start : start + size]
            if dataset.is_variable:
                length, address, index = struct.unpack("<IQI", text)
                text = self._heap_object(address, index)[:length] if length else b""
            self.texts += len(text)
            if self.texts > MOST_TEXT:
                raise InputError(f"expected at most {MOST_TEXT:,} bytes of text, found more")
            found.append(text.split(b"\0")[0].decode())
        return found

    def _block(self, start: int, size: int) -> bytes:
        if start + size > len(self.content):
            raise InputError(f"expected {size:,} bytes at {start:,}, found the end of the file")
        self.bytes += size + OVERHEAD
        if self.bytes > MOST_BYTES:
            raise InputError(f"expected a file of which at most {MOST_BYTES:,} bytes are read, found more")
        return self.content[start : start + size]

    def _number(self, start: int) -> int:
        return struct.unpack("<Q", self._block(start, 8))[0]

    def _signed(self, start: int, signature: bytes, size: int) -> bytes:
        """A block that begins with its signature."""
        block = self._block(start, size)
        if block[:4] != signature:
            raise InputError(f"expected {signature.decode()} at {start}, found something else")
        return block

    def _messages(self, address) -> Iterator[tuple[int, bytes]]:
        version, _, count, _, size = struct.unpack("<BBHII", self._block(address, 12))
        if version != 1:
            raise InputError(f"expected an object header of version 1 at {address}, found another")
        pieces = [(address + 16, size)]
        for start, size in pieces:
            block, at = self._block(start, size), 0
            while at + 8 <= size and count > 0:
                kind, length, flags = struct.unpack_from("<HHB", block, at)
                body, at, count = block[at + 8 : at + 8 + length], at + 8 + length, count - 1
                if kind == CONTINUED:
                    pieces.append(struct.unpack("<QQ", body[:16]))
                elif flags & 2:
                    raise InputError("expected messages of their own, found a shared one")
                elif kind:
                    yield kind, body

    def _leaves(self, address, kind, key_size, above=256) -> Iterator[tuple[bytes, int]]:
        """Keys and children of the leaves of a B-tree of version 1."""
        head = self._signed(address, b"TREE", 24)
        found, level, used = struct.unpack_from("<BBH", head, 4)
        if found != kind or level >= above:
            raise InputError(f"expected a tree whose levels descend at {address}, found another")
        entry = key_size + 8
        block = self._block(address + 24, used * entry)
        for at in range(0, len(block), entry):
            child = struct.unpack_from("<Q", block, at + key_size)[0]
            if level:
                yield from self._leaves(child, kind, key_size, level)
            else:
                self.parts += 1
                if self.parts > MOST_PARTS:
                    raise InputError(f"expected at most {MOST_PARTS:,} members and chunks, found more")
                yield block[at : at + key_size], child

    def _link(self, body) -> dict[str, int]:
        """A member of a group, as its name and address."""
        self.parts += 1
        if self.parts > MOST_PARTS:
            raise InputError(f"expected at most {MOST_PARTS:,} members and chunks, found more")
        flags, at = body[1], 2
        kind, at = (body[at], at + 1) if flags & 8 else (0, at)
        at += 8 * (flags >> 2 & 1) + (flags >> 4 & 1)  # order of creation, and coding of the name
        width = 1 << (flags & 3)
        end = at + width + int.from_bytes(body[at : at + width], "little")
        if body[0] != 1 or kind or end == at + width:
            raise InputError("expected members in the file itself, found a link, or one without a name")
        return {body[at + width : end].decode(): struct.unpack_from("<Q", body, end)[0]}

    def _group(self, tree, heap) -> dict[str, int]:
        size, _, names = struct.unpack_from("<QQQ", self._signed(heap, b"HEAP", 32), 8)
        names, members = self._block(names, size), {}
        for _, address in self._leaves(tree, 0, 8):
            count = struct.unpack_from("<H", self._signed(address, b"SNOD", 8), 6)[0]
            block = self._block(address + 8, count * 40)
            for at in range(0, len(block), 40):
                place, header, cached = struct.unpack_from("<QQI", block, at)
                end = names.find(b"\0", place)
                if cached == 2 or end <= place:
                    raise InputError("expected members in the file itself, found a link, or one without a name")
                members[names[place:end].decode()] = header
        return members

    def _heap_object(self, address, index) -> bytes:
        size = struct.unpack_from("<Q", self._signed(address, b"GCOL", 16), 8)[0]
        end, at = address + size, address + 16
        while at + 16 <= end:
            found, _, _, length = struct.unpack("<HHIQ", self._block(at, 16))
            if found == index:
                return self._block(at + 16, length)
            if not found:
                break
            at += 16 + (length + 7) // 8 * 8
        raise InputError(f"expected a text at {address}, found none")

    def _data(self, dataset) -> bytes:
        """The bytes of an array, in its order."""
        size = prod(bounded(dataset.shape)) * dataset.size
        version, kind = dataset.layout[:2]
        if version != 3:
            raise InputError(f"expected a layout of version 3, found {version}")
        if kind == 2:
            return self._chunked(dataset).tobytes()
        if dataset.filters:
            raise InputError("expected chunks, since there are filters, found none")
        if kind == 0:
            data = dataset.layout[4 : 4 + size]
        elif kind == 1:
            data = self._block(struct.unpack_from("<Q", dataset.layout, 2)[0], size) if size else b""
        else:
            raise InputError(f"expected data in the file itself, found layout {kind}")
        if len(data) != size:
            raise InputError(f"expected {size:,} bytes, found {len(data):,}")
        return data

    def _chunked(self, dataset) -> np.ndarray:
        rank, tree = struct.unpack_from("<BQ", dataset.layout, 2)
        *shape, of_one = struct.unpack_from(f"<{rank}I", dataset.layout, 11)
        if len(shape) != len(dataset.shape) or of_one != dataset.size or 0 in shape:
            raise InputError(f"expected chunks of {len(dataset.shape)} dimensions, found {shape} of {of_one} bytes")
        grid = [-(-n // c) for n, c in zip(dataset.shape, shape, strict=True)]
        size = prod(shape) * of_one
        whole = prod(grid) * size
        if whole > 8 * prod(dataset.shape) * of_one + 10_000_000 or prod(grid) > MOST_PARTS:
            raise InputError(f"expected chunks that fit an array of shape {dataset.shape}, found {tuple(shape)}")
        array, filled = np.zeros(dataset.shape, np.dtype((np.void, of_one))), set()
        for key, address in self._leaves(tree, 1, 8 * (rank + 1)):
            length, mask = struct.unpack_from("<II", key)
            place = struct.unpack_from(f"<{rank - 1}Q", key, 8)
            if place in filled or any(a % c or a >= n for a, c, n in zip(place, shape, dataset.shape, strict=True)):
                raise InputError(f"expected one chunk at each place, found {place}")
            filled.add(place)
            data = self._block(address, length)
            for k, each in reversed(list(enumerate(dataset.filters))):
                data = data if mask & 1 << k else _undone(each, data, size, of_one)
            if len(data) != size:
                raise InputError(f"expected a chunk of {size:,} bytes, found {len(data):,} or more")
            block = np.frombuffer(data, array.dtype).reshape(shape)
            inside = [slice(0, min(c, n - a)) for a, c, n in zip(place, shape, dataset.shape, strict=True)]
            array[tuple(slice(a, a + s.stop) for a, s in zip(place, inside, strict=True))] = block[tuple(inside)]
        if len(filled) != prod(grid):
            raise InputError(f"expected {prod(grid):,} chunks, found {len(filled):,}")
        return array


def _shape(body) -> tuple[int, ...]:
    version, rank = body[:2]
    if version == 2 and body[3] == 2:
        raise InputError("expected an array, found an empty dataspace")
    if version not in (1, 2) or rank > 32:
        raise InputError(f"expected a dataspace of version 1 or 2, found {version}")
    return struct.unpack_from(f"<{rank}Q", body, 8 if version == 1 else 4)


def _type(body) -> tuple[np.dtype | None, int, bool]:
    """The type of numbers, or None for text; bytes of an element; and whether it is a text elsewhere."""
    kind, bits, size = body[0] & 15, body[1], struct.unpack_from("<I", body, 4)[0]
    if kind == ENUMERATION:  # such as h5py's bool
        return _type(body[8:])
    order = "<>"[bits & 1]
    if kind == INTEGER and size in (1, 2, 4, 8) and struct.unpack_from("<HH", body, 8) == (0, 8 * size):
        return np.dtype(f"{order}{'i' if bits & 8 else 'u'}{size}"), size, False
    if kind == FLOAT and size in IEEE and not bits & 64:
        offset, precision, *layout = struct.unpack_from("<HHBBBBI", body, 8)
        if (offset, precision, tuple(layout)) == (0, 8 * size, IEEE[size]):
            return np.dtype(f"{order}f{size}"), size, False
    if kind == TEXT and 0 < size <= MOST_TEXT:
        return None, size, False
    if kind == VARIABLE and bits & 15 == 1 and size == 16:
        return None, size, True
    raise InputError(f"expected numbers or text, found type {kind} of {size} bytes")


def _filters(body) -> tuple[int, ...]:
    version, count = body[:2]
    at, found = 8 if version == 1 else 2, []
    if version not in (1, 2):
        raise InputError(f"expected filters of version 1 or 2, found {version}")
    for _ in range(count):
        kind = struct.unpack_from("<H", body, at)[0]
        if kind not in (DEFLATE, SHUFFLE, CHECKSUM):
            raise InputError(f"expected no compression but gzip, found filter {kind}")
        if version == 1:
            name, _, values = struct.unpack_from("<HHH", body, at + 2)
            at += 8 + (name + 7) // 8 * 8 + 4 * (values + values % 2)
        else:
            at += 6 + 4 * struct.unpack_from("<H", body, at + 4)[0]
        found.append(kind)
    return tuple(found)


def _undone(kind, data, size, of_one) -> bytes:
    """What a filter was given, of at most a few bytes more than the size."""
    if kind == DEFLATE:
        return zlib.decompressobj().decompress(data, size + 4 + 1)
    if kind == SHUFFLE:
        whole = len(data) // of_one * of_one
        return np.frombuffer(data[:whole], np.uint8).reshape(of_one, -1).T.tobytes() + data[whole:]
    return data[:-4]  # its checksum is left out
