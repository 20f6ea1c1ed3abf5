import numpy as np
import pytest

from eisim import InputError, simulate
from models import vogels_abbott
from tests.support.scores import intact_and_ablated

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_activity_stays_bounded_only_with_inhibition(kind):
    intact, ablated = intact_and_ablated(vogels_abbott.task(kind, quick=True))
    assert intact > 0.7
    assert ablated < 0.2


def test_units_return_to_the_working_point_after_a_kick():
    circuit = vogels_abbott.circuit("rate")
    kicked = vogels_abbott.kick(circuit, 0.5)
    stimuli = np.concatenate([kicked, 0 * kicked])
    rates = simulate(circuit, stimuli, duration=0.5, window=0.05, dt=1e-3, backend="numpy").rates["E"][:, 0]
    weights = {p.name: float(circuit.weights(p)[0, 0]) for p in circuit.projections}
    assert weights["E->E"] > 1, "excitation alone would run away"
    threshold = circuit.population("E").neuron.threshold
    fixed_point = -threshold / (1 - weights["E->E"] + weights["I->E"])
    assert rates == pytest.approx([fixed_point, fixed_point], rel=1e-6)


@pytest.mark.parametrize("synapses", ["conductance", "current"])
def test_smaller_networks_keep_the_synapses_of_a_neuron(synapses):
    circuit = vogels_abbott.circuit(synapses=synapses, size=0.25)
    degrees = {
        p.name: circuit.weights(p).count_nonzero() / circuit.population(p.target).size for p in circuit.projections
    }
    assert degrees["E->E"] == pytest.approx(64, rel=0.03)
    assert degrees["I->E"] == pytest.approx(16, rel=0.03)


@pytest.mark.parametrize("wrong", [{"kind": "binary"}, {"synapses": "none"}, {"size": 0.01}])
def test_what_does_not_fit_is_named(wrong):
    with pytest.raises(InputError, match=f"vogels_abbott: {next(iter(wrong))}: expected"):
        vogels_abbott.circuit(**wrong)
