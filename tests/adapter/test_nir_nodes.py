"""Every kind of node that NIR defines and eisim reads, against its definition, number by number in plain Python."""

from itertools import pairwise, product

import numpy as np
import pytest

from eisim import simulate
from eisim.adapter.nir_reader import MARGIN, read_nir

nir = pytest.importorskip("nir")
DT, STEPS = 1e-4, 30


def pair(value, n=2):
    return [int(k) for k in np.broadcast_to(np.ravel(value), (n,))]


def convolved(node, x):
    """out[o, p] = bias[o] + Σ weight[o, c, k] x[c, stride p + dilation k − pad] over channels c of a group and taps."""
    weight, n = node.weight, node.weight.ndim - 2
    stride, dilation = pair(node.stride, n), pair(node.dilation, n)
    reach = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
    before = [r // 2 for r in reach] if isinstance(node.padding, str) else pair(node.padding, n)
    after = [r - b for r, b in zip(reach, before, strict=True)] if isinstance(node.padding, str) else before
    space = [
        (size + a + b - r - 1) // s + 1
        for size, a, b, r, s in zip(x.shape[1:], before, after, reach, stride, strict=True)
    ]
    channels = weight.shape[1]
    out = np.empty((len(weight), *space))
    for o, *place in product(range(len(weight)), *map(range, space)):
        total = float(np.ravel(node.bias)[o])
        first = o // (len(weight) // int(node.groups)) * channels
        for c, *tap in product(range(channels), *map(range, weight.shape[2:])):
            at = [s * p + d * k - b for s, p, d, k, b in zip(stride, place, dilation, tap, before, strict=True)]
            if all(0 <= a < size for a, size in zip(at, x.shape[1:], strict=True)):
                total += weight[(o, c, *tap)] * x[(first + c, *at)]
        out[(o, *place)] = total
    return out


def pooled(node, x):
    kernel, stride, pad = pair(node.kernel_size), pair(node.stride), pair(node.padding)
    space = [(n + 2 * p - k) // s + 1 for n, p, k, s in zip(x.shape[1:], pad, kernel, stride, strict=True)]
    out = np.zeros((len(x), *space))
    for c, a, b, i, j in product(range(len(x)), *map(range, (*space, *kernel))):
        row, column = a * stride[0] + i - pad[0], b * stride[1] + j - pad[1]
        if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
            out[c, a, b] += x[c, row, column]
    return out / np.prod(kernel) if isinstance(node, nir.AvgPool2d) else out


def stepped(node, x, state):
    """One Euler step of the equations of a node with a state; dI/dt before dv/dt, a spike at the end."""
    x = np.ravel(x)
    v, current = state.setdefault("v", np.zeros(x.size)), state.setdefault("I", np.zeros(x.size))
    out = np.zeros(x.size)

    def of(name, k):
        value = getattr(node, name)
        return float(np.broadcast_to(np.ravel(value), (x.size,))[k])

    for k in range(x.size):
        given = x[k]
        if hasattr(node, "tau_syn"):  # tau_syn dI/dt = −I + w_in S
            current[k] += DT / of("tau_syn", k) * (of("w_in", k) * given - current[k])
            given = current[k]
        if isinstance(node, nir.IF):  # dv/dt = R I
            v[k] += DT * of("r", k) * given
        else:  # tau dv/dt = (v_leak − v) + R I
            tau = of("tau_mem" if hasattr(node, "tau_mem") else "tau", k)
            v[k] += DT / tau * (of("v_leak", k) - v[k] + of("r", k) * given)
        if not hasattr(node, "v_threshold"):
            out[k] = v[k]
        elif v[k] > of("v_threshold", k) * (1 + MARGIN) + 1e-12:
            out[k], v[k] = 1.0, of("v_reset", k)
    return out


def sent(node, x, state):
    match type(node).__name__:
        case "Affine":
            return node.weight @ np.ravel(x) + node.bias
        case "Linear":
            return node.weight @ np.ravel(x)
        case "Scale":
            return node.scale * x
        case "Conv1d" | "Conv2d":
            return convolved(node, x)
        case "SumPool2d" | "AvgPool2d":
            return pooled(node, x)
        case "Flatten":
            return np.ravel(x)
        case "Delay":
            past = state.setdefault("past", [])
            past.append(np.ravel(x).copy())
            late = np.round(np.broadcast_to(node.delay, (x.size,)) / DT).astype(int)
            return np.array([past[-1 - d][k] if d < len(past) else 0.0 for k, d in enumerate(late)])
        case _:
            shape = np.shape(x)
            return stepped(node, x, state).reshape(shape)


def answers(nodes, x):
    """What a chain sends in each step, for one constant input."""
    states, found = [{} for _ in nodes], []
    for _ in range(STEPS):
        value = x
        for node, state in zip(nodes, states, strict=True):
            value = sent(node, value, state)
        found.append(np.ravel(value))
    return np.array(found)


def simulated(network, values):
    """Spikes or potentials of the circuit (steps × trials × outputs)."""
    n, names = STEPS + network.late + network.potentials, [r.population for r in network.circuit.readouts]
    asked = {name: ["v"] if network.potentials else "spikes" for name in names}
    times = {"dt": DT, "duration": n * DT, "window": DT}
    response = simulate(network.circuit, network.stimuli(values), record=asked, backend="numpy", **times)
    if network.potentials:
        found = np.concatenate([response.traces[name].v.values[0] for name in names], axis=1)
        return np.moveaxis(found, -1, 0)[network.late + 1 :]
    columns = []
    for name in names:
        spikes, size = response.spikes[name], network.circuit.population(name).size
        columns.append(np.zeros((n, len(values), size)))
        columns[-1][spikes.step, spikes.copy, spikes.neuron] = 1
    return np.concatenate(columns, axis=2)[network.late :]


rng = np.random.default_rng(8)


def vary(n, low, high):
    return rng.uniform(low, high, n)


def lif(n):
    return nir.LIF(vary(n, 5e-4, 3e-3), vary(n, 4, 12), vary(n, -0.1, 0.2), vary(n, 0.5, 1.5), vary(n, -0.5, 0.1))


def cuba(n):
    more = vary(n, -0.1, 0.2), vary(n, 0.5, 1.5), vary(n, -0.5, 0.1), vary(n, 1, 3)
    return nir.CubaLIF(vary(n, 3e-4, 1e-3), vary(n, 5e-4, 3e-3), vary(n, 4, 12), *more)


def affine(n, m):
    return nir.Affine(rng.normal(0.3, size=(m, n)), rng.normal(size=m) * 0.1)


def conv(outputs, inputs, *kernel, stride=1, padding=0, dilation=1, groups=1):
    weight, bias = rng.normal(size=(outputs, inputs, *kernel)), rng.normal(size=outputs) * 0.1
    n = len(kernel)
    whole = (
        (stride, padding, dilation)
        if n == 1
        else tuple(k if isinstance(k, str) else (k, k) for k in (stride, padding, dilation))
    )
    of_input = 1 if n == 1 else (1, 1)  # which no reader needs
    return (nir.Conv1d if n == 1 else nir.Conv2d)(of_input, weight, *whole, groups, bias)


def flat():
    return nir.Flatten({"input": np.array([1, 1, 1])}, 0, -1)


def li(n):
    return nir.LI(vary(n, 5e-4, 2e-3), vary(n, 1, 3), vary(n, -0.1, 0.1))


def cubali(n):
    return nir.CubaLI(vary(n, 3e-4, 2e-3), vary(n, 5e-4, 2e-3), vary(n, 1, 3), vary(n, -0.1, 0.1), vary(n, 1, 3))


def integrate(n):
    return nir.IF(vary(n, 1e3, 4e3), vary(n, 1, 2), vary(n, -0.5, 0))


EXCITES = nir.Linear(np.abs(rng.normal(size=(4, 5))))
CHAINS = {
    "Affine, LIF": ((3,), [affine(3, 5), lif(5), affine(5, 4), lif(4)]),
    "Linear, Scale": ((3,), [nir.Linear(rng.normal(size=(5, 3))), nir.Scale(vary(5, 1, 3)), lif(5)]),
    "Conv2d": (
        (2, 6, 5),
        [conv(4, 2, 3, 2, stride=2, padding=1), lif((4, 3, 3)), conv(3, 4, 2, 2), flat(), lif(12)],
    ),
    "Conv2d, same": ((2, 4, 4), [conv(2, 2, 3, 3, padding="same"), flat(), lif(32)]),
    "Conv2d, groups": ((2, 6, 6), [conv(4, 1, 2, 2, dilation=2, groups=2), flat(), lif(64)]),
    "Conv1d": ((2, 9), [conv(3, 2, 3, stride=2, padding=1, dilation=2), flat(), lif(12)]),
    "SumPool2d": (
        (1, 4, 4),
        [conv(2, 1, 3, 3, padding=1), lif((2, 4, 4)), nir.SumPool2d((2, 2), (2, 2), (0, 0)), flat(), lif(8)],
    ),
    "AvgPool2d": ((1, 5, 5), [lif((1, 5, 5)), nir.AvgPool2d((3, 3), (2, 2), (1, 1)), flat(), affine(9, 3), lif(3)]),
    "IF": ((3,), [affine(3, 5), lif(5), EXCITES, integrate(4)]),
    "IF of currents": ((3,), [affine(3, 5), integrate(5)]),
    "CubaLIF": ((3,), [affine(3, 5), lif(5), affine(5, 4), cuba(4)]),
    "CubaLIF of currents": ((3,), [affine(3, 5), cuba(5), affine(5, 4), cuba(4)]),
    "Delay": ((3,), [affine(3, 5), lif(5), nir.Delay(np.array([0, 3, 1, 0, 7]) * DT), affine(5, 4), lif(4)]),
    "LI before LIF": ((3,), [affine(3, 5), lif(5), affine(5, 4), li(4), lif(4)]),
    "LI": ((3,), [affine(3, 5), lif(5), affine(5, 4), li(4)]),
    "CubaLI": ((3,), [affine(3, 5), cuba(5), affine(5, 4), cubali(4)]),
    "Affine at the end": ((3,), [affine(3, 5), lif(5), affine(5, 4)]),
}


def as_graph(shape, nodes):
    """NIR's neurons have the shape of what they receive."""
    named = {"input": nir.Input(np.array(shape))}
    for k, node in enumerate(nodes):
        named[f"{type(node).__name__}{k}"] = node
    named["output"] = nir.Output(np.array([1]))
    return nir.NIRGraph(named, [*pairwise(named)], type_check=False)


@pytest.mark.parametrize("name", CHAINS)
def test_nodes_are_as_nir_defines_them(name):
    shape, nodes = CHAINS[name]
    values = np.random.default_rng(1).random((4, int(np.prod(shape)))) * 4
    network = read_nir(as_graph(shape, nodes))
    expected = np.stack([answers(nodes, x.reshape(shape)) for x in values], axis=1)
    found = simulated(network, values)
    if network.potentials:
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * np.abs(expected).max())
    else:
        np.testing.assert_array_equal(found, expected)
    assert np.count_nonzero(expected) > 10 and np.ptp(expected) > 0


def test_recurrent_neurons_are_as_nir_defines_them():
    """What neurons in a loop receive from it was sent a step before."""
    first, loop, neurons = affine(3, 6), nir.Linear(rng.normal(size=(6, 6))), lif(6)
    nodes = {"input": nir.Input(np.array([3])), "w": first, "n": neurons, "back": loop, "output": nir.Output([6])}
    edges = [("input", "w"), ("w", "n"), ("n", "back"), ("back", "n"), ("n", "output")]
    network, values = read_nir(nir.NIRGraph(nodes, edges, type_check=False)), rng.random((4, 3)) * 4
    expected = np.zeros((STEPS, 4, 6))
    for trial, x in enumerate(values):
        state, before = {}, np.zeros(6)
        for step in range(STEPS):
            before = stepped(neurons, sent(first, x, {}) + sent(loop, before, {}), state)
            expected[step, trial] = before
    np.testing.assert_array_equal(simulated(network, values), expected)
    assert expected.sum() > 50
