"""Memory and files for each synapse, of which there may be a billion."""

import re
import tracemalloc

import numpy as np
import pytest

from eisim import Circuit, Population, Projection, simulate
from eisim.circuit import Input, Readout
from eisim.simulation import _trials, codegen, program
from eisim.simulation.layout import lay_out
from eisim.weights import FixedInDegree, FixedProbability
from models import brunel

pytestmark = pytest.mark.slow

RULES = {"in degree": FixedInDegree(400, 0.1e-3), "probability": FixedProbability(0.2, 0.1e-3)}


def circuit(rule):
    return Circuit(
        name="large",
        inputs=[Input("external")],
        populations=[Population("E", "E", brunel.NEURON, 2000)],
        projections=[Projection("external", "E", np.full((1, 2000), 0.1e-3)), Projection("E", "E", rule, 1.5e-3)],
        readouts=[Readout("E")],
    )


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_building_takes_at_most_24_bytes_for_each_synapse(rule):
    large = circuit(rule)
    tracemalloc.start()
    layout = lay_out(_trials([large], [[[1.0]]], 0, [False]), 1e-4)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    (synapses,) = (s for s in layout.synapses.values() if len(s.pre) > 2000)
    assert synapses.pre.dtype == synapses.post.dtype == np.int32
    assert synapses.weight == 0.1e-3
    assert len(synapses.pre) == pytest.approx(800_000, rel=0.01)
    assert peak < 24 * len(synapses.pre)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_drawn_matrix_holds_its_weight_once(rule):
    large = circuit(rule)
    matrix = large.weights(large.projections[1])
    assert matrix.data.strides == (0,)
    assert matrix.has_canonical_format
    assert np.array_equal((matrix * 2).data, np.full(matrix.nnz, 0.2e-3))
    assert matrix.toarray().sum() == pytest.approx(matrix.nnz * 0.1e-3)


class StopError(Exception):
    """Raised in place of compiling."""


def test_a_program_holds_its_synapses_once_and_does_not_write_them(monkeypatch, tmp_path):
    code, jobs = {}, []

    def begin_make(folder, flags, header):
        code.update({name: (folder / name).read_text() for name in ("main.cpp", "objects.cpp")})
        raise StopError

    check = codegen._check_static_arrays
    monkeypatch.setenv("EISIM_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(codegen, "begin_make", begin_make)
    monkeypatch.setattr(program, "begin_header", lambda *_: lambda: None)
    monkeypatch.setattr(codegen, "_check_static_arrays", lambda arrays, job: (jobs.append(job), check(arrays, job)))
    with pytest.raises(StopError):
        simulate(circuit(FixedInDegree(1, 0.1e-3)), [[1.0]])
    (job,) = jobs
    written = set(re.findall(r'results_dir ?\+ ?"(\w+)"', code["objects.cpp"]))
    ends = ("sources", "targets", "_synaptic_pre", "_synaptic_post")
    found = {name for name in job.unread_results() if name in written and any(f"{end}_" in name for end in ends)}
    assert len(found) == len(ends) * len(job.layout.synapses)
    for bundle in job.layout.synapses:
        for end in ("sources", "targets"):
            assert re.search(rf"delete \[\] _static_array__array_\w+{bundle.source}\w+_{end}; ", code["main.cpp"])
        assert f"_to_{bundle.target}_{bundle.receptor}__synaptic_pre.reserve(" in code["main.cpp"]
