"""NIR graphs evaluated node by node in Euler steps, as snnTorch and norse do: what a circuit read from one must equal.

It shares nothing with the reader but the shapes: convolutions are sums over their taps, and loops read what their nodes
sent a step before.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from itertools import product

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from eisim.adapter.nir_file import Graph
from eisim.adapter.nir_linear import pads_of, share_of
from eisim.base.errors import InputError

SPIKING, FILTERS = {"LIF", "IF", "CubaLIF"}, {"LI", "CubaLI"}


def reset_of(reset: str | dict[str, str], name: str) -> str:
    """What a spike of the neurons of a node does, as of `eisim.from_nir`."""
    return reset if isinstance(reset, str) else reset.get(name, "value")


class Reference:
    """A NIR graph that is run from its start, for several trials at once.

    `shapes` are those of what its nodes send, `dt` is the time step in s, `reset` as of `eisim.from_nir`, and `margin`
    how far above its threshold a neuron fires, relative to it.
    """

    def __init__(
        self, graph: Graph, shapes: dict, dt: float, reset: str | dict[str, str] = "value", margin: float = 0.0
    ):
        self.nodes, self.shapes, self.dt, self.reset, self.margin = graph.nodes, shapes, dt, reset, margin
        names = [name for name in graph.nodes if name in shapes]
        place = {name: k for k, name in enumerate(names)}
        edges = [(a, b) for a, b in graph.edges if a in place and b in place]
        ends = np.array([(place[a], place[b]) for a, b in edges]).reshape(-1, 2).T
        links = sparse.csr_array((np.ones(len(edges)), tuple(ends)), (len(names), len(names)))
        loop = connected_components(links, connection="strong")[1]
        self.sources, self.before = defaultdict(list), defaultdict(list)
        for a, b in edges:  # what neurons in a loop receive from it is that of the step before
            is_late = loop[place[a]] == loop[place[b]] and self.nodes[b].kind in SPIKING
            (self.before if is_late else self.sources)[b].append(a)
        self.order = [*TopologicalSorter({name: self.sources[name] for name in names}).static_order()]

    def outputs(self, steps: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """What all outputs send at each step, trials × outputs, for what the inputs send: trials × inputs."""
        state, sent, pasts = {}, None, defaultdict(list)
        for values in steps:
            if sent is None:  # before the first step, when no neuron has fired
                sent, _ = self._pass(np.zeros_like(values), {}, None, defaultdict(list), silent=True)
            sent, given = self._pass(values, state, sent, pasts)
            yield np.concatenate(given, axis=1)

    def _pass(self, values, state, before, pasts, silent=False):
        sent, given, at, n = {}, [], 0, len(values)
        for name in [k for k in self.nodes if k in self.shapes and self.nodes[k].kind == "Input"]:
            size = int(np.prod(self.shapes[name]))
            sent[name] = values[:, at : at + size].reshape(n, *self.shapes[name])
            at += size
        for name in self.order:
            kind = self.nodes[name].kind
            if kind == "Input":
                continue
            if silent and kind in SPIKING | FILTERS:
                sent[name] = np.zeros((n, *self.shapes[name]))
                continue
            arrived = [sent[a] for a in self.sources[name]] + [before[a] for a in self.before[name]]
            x = sum(each.reshape(n, -1) for each in arrived)
            x = x.reshape(arrived[0].shape)
            if kind == "Delay":
                pasts[name].append(x)
            sent[name] = self._sent(name, kind, x, state, pasts[name])
        for name, node in self.nodes.items():
            if node.kind == "Output" and name in sent:
                given.append(sent[name].reshape(n, -1))
        return sent, given

    def _sent(self, name, kind, x, state, past):
        values, shape, n = self.nodes[name].values, self.shapes[name], len(x)
        if kind in ("Affine", "Linear"):
            return x.reshape(n, -1) @ values["weight"].T + np.ravel(values.get("bias", 0.0))
        if kind == "Scale":
            return x * np.reshape(values["scale"], x.shape[1:] if np.size(values["scale"]) > 1 else ())
        if kind == "Delay":
            steps = np.floor(values["delay"] / self.dt + 0.5).astype(int)
            late = np.broadcast_to(steps.ravel(), (x[0].size,))
            none = np.zeros_like(x)
            flat = [(past[-1 - d] if d < len(past) else none).reshape(n, -1)[:, late == d] for d in np.unique(late)]
            out = np.empty((n, x[0].size))
            for d, each in zip(np.unique(late), flat, strict=True):
                out[:, late == d] = each
            return out.reshape(x.shape)
        if kind.startswith(("Conv", "SumPool", "AvgPool")):
            return self._convolved(kind, values, x.reshape(n, *x.shape[-(3 if kind[-2] == "2" else 2) :]), shape)
        if kind in SPIKING | FILTERS:
            return self._fired(name, kind, x.reshape(n, -1), state).reshape(n, *shape)
        return x.reshape(n, *shape)  # Flatten, Output

    def _convolved(self, kind, values, x, shape):
        """Sums over taps of what lies under them."""
        space = len(shape) - 1
        if "weight" in values:
            weight, groups = values["weight"], int(np.ravel(values["groups"])[0])
            kernel = weight.shape[2:]
        else:
            kernel = np.broadcast_to(np.ravel(values["kernel_size"]), (2,)).astype(int)
        stride, dilation = (
            np.broadcast_to(np.ravel(values.get(key, 1.0)), (space,)).astype(int) for key in ("stride", "dilation")
        )
        x = np.pad(x, [(0, 0), (0, 0), *pads_of(values["padding"], kernel, dilation)])
        total = np.zeros((len(x), *shape))
        for tap in product(*map(range, kernel)):
            seen = tuple(
                slice(t * d, t * d + (m - 1) * s + 1, s)
                for t, d, m, s in zip(tap, dilation, shape[1:], stride, strict=True)
            )
            under = x[:, :, *seen]
            if "weight" not in values:
                total += under
                continue
            into, out = np.split(under, groups, axis=1), np.split(weight[:, :, *tap], groups)
            total += np.concatenate(
                [np.einsum("oc,nc...->no...", w, u) for w, u in zip(out, into, strict=True)], axis=1
            )
        if "weight" in values:
            return total + np.reshape(values["bias"], (-1, *[1] * space) if np.size(values["bias"]) > 1 else ())
        return total / np.prod(kernel) if kind.startswith("Avg") else total

    def _fired(self, name, kind, x, state):
        """Spikes of neurons, or potentials of filters, after a step."""
        given, size = self.nodes[name].values, x.shape[1]
        p = {key: np.broadcast_to(np.ravel(value), (size,)) for key, value in given.items()}
        if name not in state:
            state[name] = np.zeros((3, *x.shape))  # potential, current, and whether it fired before
        v, current, fired = state[name]
        if "tau_syn" in p:
            current = current + share_of(self.dt, p["tau_syn"]) * (p.get("w_in", 1.0) * x - current)
            x = current
        if kind == "IF":
            v = v + self.dt * p["r"] * x
        else:
            v = v + share_of(self.dt, p["tau_mem" if "tau_mem" in p else "tau"]) * (p["v_leak"] + p["r"] * x - v)
        if not np.isfinite(v).all():
            raise InputError(f"node {name!r}: expected potentials that stay finite, found {v[~np.isfinite(v)][0]}")
        if kind in FILTERS:
            state[name] = v, current, fired
            return v
        threshold, reset = p["v_threshold"], p.get("v_reset", np.zeros(size))
        how = reset_of(self.reset, name)
        if how == "late subtraction":
            v = v - fired * threshold
        elif how == "late value":
            v = np.where(fired, reset, v)
        below = threshold if how == "late subtraction" else 0.0 if how == "subtraction" else reset
        fires = v > threshold + self.margin * np.maximum(np.abs(threshold), threshold - below)
        if how == "value":
            v = np.where(fires, reset, v)
        elif how == "subtraction":
            v = v - fires * threshold
        state[name] = v, current, fires.astype(float)
        return fires.astype(float)
