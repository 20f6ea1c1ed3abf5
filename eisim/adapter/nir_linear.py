"""Linear operations of NIR graphs, as affine functions of what neurons and inputs send, by their delays."""

from dataclasses import replace

import numpy as np
from scipy import sparse

from eisim.adapter.affine import Affine, bounded, convolution, windows
from eisim.adapter.nir_file import Node
from eisim.base.errors import InputError

MOST_DELAYS = 1_000
#: Rounding of time constants in single precision, relative to them.
SINGLE = 1e-6


def share_of(dt, tau) -> np.ndarray:
    """Share of its distance to the input that an Euler step takes; 1 where that is the rounding of a file's tau."""
    share = dt / tau
    return np.where((share > 1) & (share <= 1 + SINGLE), 1.0, share)


def source_of(key) -> tuple[str, float]:
    """Node and delay (s) of a part of a value."""
    name, _, delay = key.partition("\t")
    return name, float(delay or 0.0)


def delayed(value: Affine, delays) -> Affine:
    """A value so many s later, each element by its own delay."""
    delays = np.broadcast_to(np.ravel(delays), (value.size,))
    if value.constant[delays > 0].any():
        raise InputError("expected a delay of spikes, found one of a constant current")
    parts = {}
    for delay in (different := np.unique(delays)):
        if len(different) * len(value.parts) > MOST_DELAYS:
            raise InputError(f"expected at most {MOST_DELAYS:,} different delays, found more")
        here = sparse.diags_array((delays == delay).astype(float), format="csr")
        for key, part in value.parts.items():
            name, before = source_of(key)
            total = before + float(delay)
            chosen = sparse.csr_array(part @ here)
            chosen.eliminate_zeros()
            if chosen.nnz:
                key = f"{name}\t{total!r}" if total else name
                parts[key] = parts[key] + chosen if key in parts else chosen
    return replace(value, parts=parts)


def _whole(value, n, what) -> list[int]:
    """Whole numbers, one for each of n axes."""
    value = np.ravel(value) if not isinstance(value, str) else np.array(np.nan)
    if value.size not in (1, n) or (value != np.floor(value)).any() or (np.abs(value) > 2**31).any():
        raise InputError(f"{what}: expected {n} whole numbers, found {value!s:.60}")
    return np.broadcast_to(value.astype(int), (n,)).tolist()


def shape_of(value, what) -> tuple[int, ...]:
    """A shape without a batch of 1 before three or more axes."""
    if isinstance(value, str) or value.ndim > 1 or not 0 < value.size <= 4 or (value < 1).any():
        raise InputError(f"{what}: expected 1 to 4 whole numbers of at least 1, found {value!s:.60}")
    return bounded(_whole(value, value.size, what))


def _space(node, shape, kernel):
    """Strides, pads and dilations of a convolution or pooling of a shape (channels × space)."""
    n, values = len(kernel), node.values
    if len(shape) != n + 1:
        raise InputError(f"expected channels × {n} dimensions, found shape {shape}")
    strides = _whole(values["stride"], n, "stride")
    dilations = _whole(values.get("dilation", 1.0), n, "dilation")
    if min([*strides, *dilations, *kernel]) < 1:
        raise InputError(
            f"expected strides, dilations and kernels of at least 1, found {strides}, {dilations}, {kernel}"
        )
    if isinstance(values["padding"], str) and values["padding"] == "same" and max(strides) > 1:
        raise InputError(f"padding: expected a stride of 1 with 'same', found {strides}")
    pads = pads_of(values["padding"], kernel, dilations)
    for size, k, d, (a, b) in zip(shape[1:], kernel, dilations, pads, strict=True):
        if d * (k - 1) + 1 > size + a + b:
            raise InputError(f"expected a kernel within its input, found {kernel} for shape {shape}")
    return strides, pads, dilations


def pads_of(padding, kernel, dilations) -> list[tuple[int, int]]:
    """Zeros before and after each axis of space."""
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise InputError(f"padding: expected 'same', 'valid' or numbers, found {padding!r:.60}")
        total = [d * (k - 1) * (padding == "same") for d, k in zip(dilations, kernel, strict=True)]
        return [(each // 2, each - each // 2) for each in total]
    one = _whole(padding, len(kernel), "padding")
    if min(one) < 0:
        raise InputError(f"padding: expected 0 or more, found {one}")
    return [(each, each) for each in one]


def _squeezed(shape, n) -> tuple[int, ...]:
    """A shape of n axes, without a batch of 1."""
    return tuple(shape[1:]) if len(shape) == n + 1 and shape[0] == 1 else tuple(shape)


def _kernel(node) -> tuple[int, list[int]]:
    """Dimensions of space of a node, and its kernel."""
    if "weight" in node.values:
        n, weight = int(node.kind[4]), node.values["weight"]
        if isinstance(weight, str) or weight.ndim != n + 2:
            raise InputError(f"weight: expected {n + 2} dimensions, found {np.ndim(weight)}")
        return n, list(weight.shape[2:])
    return 2, _whole(node.values["kernel_size"], 2, "kernel_size")


def shape_after(node: Node, shape) -> tuple[int, ...]:
    """Shape of what a node sends for what it receives."""
    kind, values = node.kind, node.values
    if kind in ("Affine", "Linear"):
        return (_matrix(values["weight"]).shape[0],)
    if kind.startswith(("Conv", "SumPool", "AvgPool")):
        n, kernel = _kernel(node)
        shape = _squeezed(shape, n + 1)
        strides, pads, dilations = _space(node, shape, kernel)
        axes = zip(shape[1:], kernel, strides, pads, dilations, strict=True)
        channels = values["weight"].shape[0] if "weight" in values else shape[0]
        return bounded((channels, *((size + a + b - d * (k - 1) - 1) // s + 1 for size, k, s, (a, b), d in axes)))
    if kind == "Flatten":
        first, last = (_whole(values[key], 1, key)[0] for key in ("start_dim", "end_dim"))
        n = len(shape)
        first, last = (k + n if k < 0 else k for k in (first, last))
        if not 0 <= first <= last < n:
            return (int(np.prod(shape)),)
        return (*shape[:first], int(np.prod(shape[first : last + 1])), *shape[last + 1 :])
    return tuple(shape)


def _matrix(weight) -> np.ndarray:
    if isinstance(weight, str) or weight.ndim != 2:
        raise InputError(f"weight: expected a matrix, found {np.ndim(weight)} dimensions")
    return weight


def linear(node: Node, value: Affine) -> Affine:
    """What a linear node sends for what it receives."""
    kind, values, shape = node.kind, node.values, value.shape[1:]
    if kind in ("Affine", "Linear"):
        weight = _matrix(values["weight"])
        if weight.shape[1] != value.size:
            raise InputError(f"weight: expected {value.size} columns, found {weight.shape[1]}")
        bias = np.broadcast_to(np.ravel(values.get("bias", 0.0)), (len(weight),))
        return value.times(sparse.csr_array(weight.T), (1, len(weight))) + bias
    if kind == "Scale":
        scale = values["scale"]
        if np.size(scale) not in (1, value.size):
            raise InputError(f"scale: expected {value.size} numbers, found {np.size(scale)}")
        return value * (scale if np.size(scale) == 1 else np.reshape(scale, value.shape))
    if kind == "Delay":
        delay = values["delay"]
        if isinstance(delay, str) or np.size(delay) not in (1, value.size) or not (delay >= 0).all():
            raise InputError(f"delay: expected {value.size} times of 0 s or more, found {delay!s:.60}")
        return delayed(value, delay)
    if kind.startswith(("Conv", "SumPool", "AvgPool")):
        n, kernel = _kernel(node)
        shape = _squeezed(shape, n + 1)
        value, (strides, pads, dilations) = replace(value, shape=(1, *shape)), _space(node, shape, kernel)
        if kind.startswith("Conv"):
            groups = _whole(values["groups"], 1, "groups")[0]
            bias = values["bias"]
            bias = None if np.size(bias) == 1 and not np.any(bias) else np.ravel(bias)
            return convolution(value, values["weight"], bias, strides, pads, dilations, groups)
        seen = windows(value.shape, kernel, strides, pads, dilations)
        out = seen.shape[: n + 1]
        summed = value.summed(np.ascontiguousarray(seen).reshape(int(np.prod(out)), -1), (1, *out))
        return summed if kind.startswith("Sum") else summed * (1.0 / np.prod(kernel))
    if kind == "Flatten":
        return replace(value, shape=(1, *shape_after(node, shape)))
    return value  # an output
