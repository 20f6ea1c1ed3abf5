import copy
import pickle

import numpy as np
import pytest

from eisim import REGIONS, RNN, TRUTH_TABLES, InputError, certify, from_rnn, simulate, to_dnn
from eisim.base.errors import did_you_mean
from eisim.base.schema import TEXT, Parameter, read
from eisim.base.units import to_si
from eisim.cli.scripts import fractions_of
from eisim.run.sweep.axes import parse_axis
from models import decision, inhibition_stabilized_network, supralinear_stabilized_network, wilson_cowan, xor

SMALL = {"W_in": [[1.0]], "W_rec": [[0.0]], "tau": 0.1, "dt": 0.1}


@pytest.fixture(scope="module")
def response():
    return simulate(xor.circuit(kind="rate"), [[0, 1]], backend="numpy", record=True)


def test_a_name_that_is_not_there_is_bad_input(response):
    floor = certify(TRUTH_TABLES["xor"], ["zero_one"]).floor
    for values, wrong, said in (
        (TRUTH_TABLES, "xro", "TRUTH_TABLES: expected one of and, or, .*, found 'xro'; did you mean 'xor'"),
        (REGIONS, "dics", "REGIONS: .* did you mean 'disc'"),
        (floor, "zero-one", "Certificate.floor: expected one of zero_one, found 'zero-one'; did you mean 'zero_one'"),
        (response.rates, "reedout", "Response.rates: .* did you mean 'readout'"),
        (response.traces, 3, "Response.traces: .*, found 3"),
        (response.spikes, "readout", "Response.spikes: expected no name, since nothing is there, found 'readout'"),
    ):
        for each in (values, copy.deepcopy(values), pickle.loads(pickle.dumps(values))):
            with pytest.raises(InputError, match=said):
                each[wrong]
            assert wrong not in each and each.get(wrong) is None
    with pytest.raises(InputError, match=r"layer of 'xor': .*, found 'readuot'; did you mean 'readout'"):
        to_dnn(response.circuit).layer("readuot")


@pytest.mark.parametrize(
    "model",
    [decision, inhibition_stabilized_network, supralinear_stabilized_network, wilson_cowan],
    ids=lambda m: m.__name__,
)
def test_a_task_is_of_a_kind_of_circuit(model):
    with pytest.raises(InputError, match="kind: expected 'rate' or 'spiking', found 'spikng'; did you mean 'spiking'"):
        model.task("spikng")


MASKED = np.ma.masked_equal([0.0, 1.0], 1.0)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (
            lambda: simulate(xor.circuit(kind="rate"), MASKED[None]),
            "stimuli of circuit 'xor': expected numbers, found masked",
        ),
        (
            lambda: RNN([[1.0], [1.0]], [[0, 1], [1, 0]], MASKED, tau=0.1, dt=0.1),
            "RNN: b: expected numbers, found mask",
        ),
        (
            lambda: from_rnn([[1.0]], [[0.0]], [MASKED[1]], tau=0.1, dt=0.1),
            "from_rnn: b: expected numbers, found maske",
        ),
        (lambda: from_rnn(W_in=[MASKED, MASKED], W_rec=np.eye(2)), "from_rnn: W_in: expected numbers, found masked"),
        (lambda: RNN(**SMALL).decode({"E": MASKED}), r"RNN\.decode: traces: expected numbers, found masked ones"),
        (lambda: RNN(**SMALL).rates(MASKED), r"RNN\.rates: inputs: expected numbers, found masked ones"),
        (lambda: to_si([[MASKED]], "1", "x"), "x: expected numbers, found masked ones"),
        (lambda: to_si(np.ma.masked, "1", "x"), "x: expected numbers, found masked ones"),
        (lambda: to_si(np.array(["2020-01-01"], dtype="M8[D]"), "1", "x"), "x: expected a plain number, found dates"),
    ],
)
def test_masked_numbers_are_no_numbers(call, line):
    with pytest.raises(InputError, match=line):
        call()


def test_masked_arrays_without_masked_numbers_are_arrays():
    whole = np.ma.masked_equal([[2.0]], 1.0)
    assert RNN(**SMALL | {"W_in": whole}).W_in.tolist() == [[2.0]]


def test_nothing_is_no_suggestion():
    assert did_you_mean("", ["", "a"]) == did_you_mean("b", ["", "a"]) == ""
    assert did_you_mean("aa", ["", "aa"]) == "; did you mean 'aa'?"
    for wrong in ([], {}):
        with pytest.raises(InputError, match="TRUTH_TABLES: expected one of and"):
            TRUTH_TABLES[wrong]


@pytest.mark.parametrize("text", ["1_0", "\u0661", "1__0", "_1"])
def test_numbers_are_read_as_people_write_them(text):
    for kind in (int, float, int | None):
        with pytest.raises(InputError, match=f"x: expected a.* number, found '{text}'"):
            read(kind, text, "x", TEXT)
    with pytest.raises(InputError, match=f"--over: n: expected a number of values of 1 or more, found '{text}'"):
        parse_axis(f"n=1:2:{text}", {"n": Parameter("n")})
    with pytest.raises(InputError, match="--fractions: expected numbers with commas"):
        fractions_of(f"0,{text}")


def test_progress_is_told_to_a_function():
    with pytest.raises(InputError, match="report: expected a function of a stage and a fraction, found 3"):
        simulate(xor.circuit(kind="rate"), [[0, 1]], backend="numpy", report=3)
