import numpy as np
import pytest

import models
from eisim import InputError, TruthTable, ablate, simulate, to_dnn

#: The models that compute a truth table; those of dynamical tasks have tests of their own in ``tests/models``.
BOOLEAN = [name for name in models.__all__ if isinstance(getattr(models, name).FUNCTION, TruthTable)]


@pytest.mark.parametrize("name", BOOLEAN)
@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_models_compute_their_function_and_lose_it(name, kind):
    model = getattr(models, name)
    assert model.__doc__.strip()
    circuit = model.circuit(kind=kind)
    assert circuit.kind == kind
    patterns, values = model.FUNCTION.patterns, model.FUNCTION.values
    intact, ablated = simulate([circuit, ablate(circuit)], patterns, dt=5e-4, seed=range(3), backend="numpy")
    assert (intact.decisions[..., 0] == values).all()
    assert (ablated.decisions[..., 0] == (patterns.sum(axis=1) > 0)).all(), "both are OR without inhibition"
    np.testing.assert_array_equal(to_dnn(circuit).decide(patterns)[:, 0], values)


def test_unknown_names_are_named():
    with pytest.raises(AttributeError, match=r"it has and_by_inhibition, .*xor"):
        _ = models.nand
    with pytest.raises(InputError, match="found 'fast'"):
        models.and_by_inhibition.circuit(kind="fast")
