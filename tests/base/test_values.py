import copy
import pickle

import pytest

from eisim import REGIONS, TRUTH_TABLES, InputError, certify, simulate, to_dnn
from models import decision, inhibition_stabilized_network, supralinear_stabilized_network, wilson_cowan, xor


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
