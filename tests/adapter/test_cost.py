"""What deep networks cost: operations are counted, and twice as many layers take twice as many."""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

import eisim
from eisim import DNN, Circuit, Input, Population, Projection, Readout, ThresholdLinear, ablate, from_dnn, to_dnn
from eisim.adapter.activations import Identity, LeakyReLU, Tanh
from eisim.adapter.static import Layer
from eisim.report import diagram
from eisim.simulation.layout import Trials, lay_out
from eisim.studies.networks import _settling

pytestmark = pytest.mark.slow

HERE = str(Path(eisim.__file__).parent)
DEPTHS = 25, 50, 100


def operations(call) -> int:
    """Operations of Python's virtual machine that eisim's own code takes."""
    count = 0

    def step(frame, event, _):
        nonlocal count
        count += event == "opcode"
        return step

    def enter(frame, event, _):
        if frame.f_code.co_filename.startswith(HERE):
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            return step

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def chain(depth):
    """One ReLU after another."""
    names = ["x", *(f"h{k}" for k in range(depth))]
    one = sparse.csr_array([[1.0]])
    layers = (Layer(b, 1, ((a, one),), np.zeros(1), ThresholdLinear()) for a, b in pairwise(names))
    return DNN((("x", 1, 1.0),), tuple(layers), ((names[-1], 0.0),), recurrent=False)


def unrolled(depth):
    """A recurrent network in time: each step has its own inputs, and any activation with two channels or a constant."""
    layers = []
    for k in range(depth):
        mine = sparse.csr_array(([1.0, -1.0], ([2 * k, 2 * k + 1], [0, 1])), shape=(2 * depth, 2))
        before = [(f"h{k - 1}", sparse.csr_array([[0.5, -0.3], [0.2, 0.4]]))] if k else []
        activation = (ThresholdLinear(), Tanh(), LeakyReLU(0.1), Identity())[k % 4]
        layers.append(Layer(f"h{k}", 2, (("x", mine), *before), np.full(2, 0.1), activation))
    return DNN((("x", 2 * depth, 1.0),), tuple(layers), ((f"h{depth - 1}", 0.0),), recurrent=False)


def lay(circuit):
    lay_out([Trials(circuit, np.ones((2, circuit.n_inputs)), np.arange(2), np.array([0]), False)], 1e-3)


WORK = {
    "from_dnn": lambda dnn, circuit: from_dnn(dnn),
    "from_dnn, signed inputs": lambda dnn, circuit: from_dnn(dnn, signed_inputs=True),
    "ablate": lambda dnn, circuit: ablate(circuit),
    "to_dnn": lambda dnn, circuit: to_dnn(circuit),
    "evaluate": lambda dnn, circuit: dnn(np.ones((1, circuit.n_inputs))),
    "scale": lambda dnn, circuit: dnn.with_negative_weights_scaled(0.5),
    "settle": lambda dnn, circuit: _settling(circuit),
    "lay out": lambda dnn, circuit: lay(circuit),
    "draw the circuit": lambda dnn, circuit: diagram.circuit_layout(circuit),
    "draw the DNN": lambda dnn, circuit: diagram.dnn_layout(dnn),
    "show": lambda dnn, circuit: (repr(dnn), repr(circuit)),
}


@pytest.mark.parametrize("make", [chain, unrolled])
@pytest.mark.parametrize("work", WORK)
def test_a6_linear_in_the_number_of_layers(work, make):
    networks = [make(depth) for depth in DEPTHS]
    pairs = [(dnn, from_dnn(dnn)) for dnn in networks]
    WORK[work](*pairs[0])  # what is made once is made
    few, some, many = (operations(lambda pair=pair: WORK[work](*pair)) for pair in pairs)
    assert few > 0 and many - some <= 2.2 * (some - few) + 200


def test_a6_what_onnx_files_hold_is_read_and_written_in_linear_time(tmp_path):
    pytest.importorskip("onnx")
    from eisim import read_onnx

    written, read = [], []
    for depth in DEPTHS:
        dnn, path = unrolled(depth), tmp_path / f"{depth}.onnx"
        dnn.save(path)
        written.append(operations(lambda dnn=dnn, path=path: dnn.save(path)))
        read.append(operations(lambda path=path: read_onnx(path)))
    for few, some, many in (written, read):
        assert few > 0 and many - some <= 2.2 * (some - few) + 200


class Compared(str):
    """A name that counts how often it is compared, which the search of a list does without Python's code."""

    times = 0
    __hash__ = str.__hash__

    def __eq__(self, other):
        Compared.times += 1
        return str.__eq__(self, other)


def test_a6_ablation_compares_no_name_with_all_others():
    def compared(n):
        targets = [Population(f"e{k}", "E", ThresholdLinear()) for k in range(n)]
        projections = [Projection("i", p.name, [[1.0]], name=Compared(f"i->{p.name}")) for p in targets]
        relay = Population("i", "I", ThresholdLinear())
        circuit = Circuit("wide", [Input("x")], [relay, *targets], projections, [Readout("e0")])
        Compared.times = 0
        assert ablate(circuit, projections=[p.name for p in projections]).is_excitatory_only
        return Compared.times

    assert compared(80) - compared(40) <= 2.2 * (compared(40) - compared(20)) + 10
