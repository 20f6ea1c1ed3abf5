"""Labelled images, and the same images with fewer inputs."""

import gzip
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from eisim.base.errors import InputError
from eisim.base.store.safe_read import array, regular_file

#: Files of MNIST and of what came after it, with any of these between name and format, packed or not.
IDX = {
    "train_images": ("train-images", "idx3-ubyte"),
    "train_labels": ("train-labels", "idx1-ubyte"),
    "test_images": ("t10k-images", "idx3-ubyte"),
    "test_labels": ("t10k-labels", "idx1-ubyte"),
}
NPZ = ("x_train", "y_train", "x_test", "y_test")
#: More pixels or bytes than this in one file are refused.
LARGEST = 2**30
#: More classes than this are refused: each is an output of the networks.
MOST_CLASSES = 1000
#: Largest factor by which packed files may grow, plus an allowance in bytes: images do not compress further.
GROWTH, GRANTED = 100, 1_000_000


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Images with their classes, some to train on, the others to test."""

    name: str
    shape: tuple[int, int]  # rows and columns of an image
    train_points: np.ndarray  # images × pixels: brightness from 0 to 1, one polarity
    train_targets: np.ndarray
    test_points: np.ndarray
    test_targets: np.ndarray

    def __repr__(self):
        rows, columns = self.shape
        return f"<{self.name}: {len(self.train_points)} + {len(self.test_points)} images of {rows} × {columns}>"

    @property
    def classes(self) -> np.ndarray:
        return np.unique(self.train_targets)

    def part(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Points and targets of ``"train"`` or ``"test"``."""
        return getattr(self, f"{name}_points"), getattr(self, f"{name}_targets")

    def pooled(self, side: int) -> "Images":
        """The same images, averaged over `side` × `side` equal areas: non-negative weights, so order is kept."""
        if not 1 <= side <= min(self.shape):
            raise InputError(f"{self.name}: pooled: expected 1 to {min(self.shape)}, found {side}")
        down, across = (_areas(n, side) for n in self.shape)

        def pool(points):
            # rounded, so that equal averages compare as equal
            return (down @ points.reshape(-1, *self.shape) @ across.T).reshape(len(points), -1).round(9)

        return replace(
            self, shape=(side, side), train_points=pool(self.train_points), test_points=pool(self.test_points)
        )

    def at_most(self, n_train: int, n_test: int, rng: np.random.Generator) -> "Images":
        """A random sample of at most this many images."""
        chosen = {}
        for part, n in (("train", n_train), ("test", n_test)):
            points, targets = self.part(part)
            rows = np.sort(rng.choice(len(points), min(n, len(points)), replace=False))
            chosen |= {f"{part}_points": points[rows], f"{part}_targets": targets[rows]}
        return replace(self, **chosen)


def _areas(n, parts):
    """Shares that each of `n` pixels in a row has in each of `parts` equal averages, parts × n."""
    edges = np.arange(parts + 1) * n / parts
    start = np.arange(n)
    overlap = np.minimum(edges[1:, None], start + 1) - np.maximum(edges[:-1, None], start)
    return np.maximum(overlap, 0) * parts / n


def load(source: str, rng: np.random.Generator) -> Images:
    """Images by name or from files; an InputError names the file if there are none.

    The source is ``"digits"`` (scikit-learn's 1,797 of 8 × 8, of which the generator chooses two thirds to train on),
    or a path: a folder with the four IDX files of MNIST (or of a set in its format), packed by gzip or not, or one of
    those files; or an ``.npz`` file with ``x_train``, ``y_train``, ``x_test`` and ``y_test``.
    """
    if source == "digits":
        return _digits(rng)
    path = Path(source)
    if not path.exists():
        raise InputError(f"data: expected digits, or a file or folder of images, found nothing at {source!r}")
    if path.suffix == ".npz":
        return _from_arrays(path, _read_npz(path))
    folder = path if path.is_dir() else path.parent
    arrays = {what: _read_idx(_find(folder, *names), 3 if "images" in what else 1) for what, names in IDX.items()}
    return _from_arrays(folder, list(arrays.values()))


def _digits(rng):
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        expected = "scikit-learn, which has the digits (pip install 'eisim[images]'), or --set data=PATH"
        raise InputError(f"data: expected {expected}, found neither") from None
    points, targets = load_digits(return_X_y=True)
    points, order = points / 16, rng.permutation(len(points))
    test, train = np.sort(order[: len(order) // 3]), np.sort(order[len(order) // 3 :])
    return Images("digits", (8, 8), points[train], targets[train], points[test], targets[test])


def _find(folder, name, ending):
    for between in ("-", "."):
        for packed in ("", ".gz"):
            path = folder / f"{name}{between}{ending}{packed}"
            if path.is_file():
                return path
    raise InputError(f"data: {folder}: expected {name}-{ending}, packed (.gz) or not, found no such file")


def _read_idx(path, n_axes):
    """An IDX file: two zeros, the type (8: unsigned bytes), the number of axes, their sizes, then the values."""
    on_disk = regular_file(path, LARGEST).stat().st_size
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            head = file.read(4 + 4 * n_axes)
            if len(head) < 4 + 4 * n_axes or head[:4] != bytes([0, 0, 8, n_axes]):
                raise InputError(f"data: {path}: expected an IDX file of bytes with {n_axes} axes, found {head[:4]!r}")
            shape = np.frombuffer(head[4:], dtype=">u4").astype(int)
            if (size := int(np.prod(shape, dtype=float))) > LARGEST:
                raise InputError(f"data: {path}: expected at most {LARGEST:,} values, found {size:,}")
            _check_growth(path, size, on_disk)
            content = file.read(size + 1)
    except (OSError, EOFError, zlib.error) as error:  # the last two of gzip files that are damaged
        raise InputError(f"data: {path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(content) != size:
        found = f"{len(content):,}" if len(content) < size else "more"
        raise InputError(f"data: {path}: expected {size:,} values after the head, found {found}")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _check_growth(path, size, on_disk):
    most = GROWTH * on_disk + GRANTED
    if size > most:
        expected = f"at most {most:,} bytes of its {on_disk:,} when unpacked"
        raise InputError(f"data: {path}: expected {expected}, found {size:,}")


def _read_npz(path):
    regular_file(path, LARGEST)
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            missing = [name for name in NPZ if name not in members]
            if missing:
                raise InputError(f"data: {path}: expected arrays {', '.join(NPZ)}, found no {', '.join(missing)}")
            return [_read_member(path, archive, members[name]) for name in NPZ]
    except InputError:
        raise
    except Exception as error:  # what a damaged file provokes
        said = str(error) or type(error).__name__
        raise InputError(f"data: {path}: cannot be read: {said}") from None


def _read_member(path, archive, info):
    if info.file_size > 8 * LARGEST:
        raise InputError(f"data: {path}: {info.filename}: expected at most {8 * LARGEST:,} bytes, found more")
    _check_growth(path, info.file_size, info.compress_size)
    return array(archive.read(info))


def _from_arrays(path, arrays):
    """Images from arrays of pixels and labels, for training and testing."""
    found, shape, brightest = [], None, None
    for what, pixels, labels in (("train", *arrays[:2]), ("test", *arrays[2:])):
        where = f"data: {path}: {what}"
        if pixels.dtype.kind not in "uif" or labels.dtype.kind not in "ui":
            found_types = f"{pixels.dtype} and {labels.dtype}"
            raise InputError(f"{where}: expected numbers and whole numbers as labels, found {found_types}")
        side = round(pixels.shape[1] ** 0.5) if pixels.ndim == 2 else 0
        if pixels.ndim == 2 and side**2 == pixels.shape[1]:
            pixels = pixels.reshape(-1, side, side)
        if pixels.ndim != 3 or not pixels.size or labels.shape != pixels.shape[:1] or pixels.size > LARGEST:
            expected = "images of shape (images, rows, columns) and a label for each"
            raise InputError(f"{where}: expected {expected}, found {pixels.shape} and {labels.shape}")
        if shape not in (None, pixels.shape[1:]):
            raise InputError(f"{where}: expected images of {shape}, as to train on, found {pixels.shape[1:]}")
        if not np.isfinite(pixels).all() or pixels.min() < 0:
            raise InputError(f"{where}: expected finite brightness of 0 or more, found other pixels")
        shape, brightest = pixels.shape[1:], brightest or float(pixels.max()) or 1.0
        with np.errstate(over="ignore"):
            points = pixels.reshape(len(pixels), -1) / brightest
        if not np.isfinite(points).all():
            raise InputError(f"{where}: expected brightness as that to train on, found {pixels.max():g}")
        found += [points, labels.astype(int)]
    train, test = (np.unique(labels) for labels in found[1::2])
    if len(train) < 2 or not np.array_equal(train, test):
        expected = "the same classes to train on and to test, at least 2"
        raise InputError(f"data: {path}: expected {expected}, found {len(train)} and {len(test)}")
    if len(train) > MOST_CLASSES:
        raise InputError(f"data: {path}: expected at most {MOST_CLASSES:,} classes, found {len(train):,}")
    return Images(path.stem if path.suffix == ".npz" else path.name, tuple(shape), *found)
