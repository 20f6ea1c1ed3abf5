"""Two behaviours by conductance and threshold, without inhibition."""

import numpy as np
import pytest

from eisim import InputError, certify, simulate
from eisim.cli.commands import run_command
from eisim.studies.paper.context import Behaviour, Contexts
from models import jellyfish


@pytest.fixture(scope="module")
def found():
    """Rates of the slow and the fast cell by touch, with a conductance that inactivates and one that does not."""
    circuits = [jellyfish.circuit(inactivates=each) for each in (True, False)]
    responses = simulate(circuits, jellyfish.stimuli(), backend="numpy", **jellyfish.TIMES)
    return [response.readouts for response in responses]


def test_touch_switches_from_the_slow_to_the_fast_behaviour(found):
    contracts = found[0] > jellyfish.CONTRACTS
    assert contracts[0].tolist() == [True, False] and contracts[-1].tolist() == [False, True]
    assert (np.diff(contracts.astype(int), axis=0) * [-1, 1] >= 0).all(), "each switches once"


def test_the_slow_behaviour_has_the_rhythm_of_the_pacemaker(found):
    beats = jellyfish.FRAMES / jellyfish.PERIOD / jellyfish.TIMES["duration"]
    assert found[0][0, 0] == pytest.approx(beats, rel=0.15)


def test_it_is_the_inactivation_that_silences_the_slow_cell(found):
    intact, remedied = found
    assert (np.diff(remedied[:, 0]) >= 0).all() and remedied[-1, 0] > 10 * intact[0, 0]
    np.testing.assert_array_equal(intact[:, 1], remedied[:, 1])


def test_by_its_wiring_both_cells_rise_and_the_assumption_is_named():
    circuit = jellyfish.circuit()
    assert circuit.is_excitatory_only and not circuit.n_inhibitory
    proof = certify(circuit)
    assert (proof.words() == "rises").all()
    assert any("a non-decreasing activation of slow" in note for note in proof.notes)
    lower, upper = jellyfish.stimuli((0.0, 1.0))
    assert (lower <= upper).all()


def test_a_jellyfish_that_does_not_switch_is_reported(found):
    circuits = [jellyfish.circuit(), jellyfish.circuit(inactivates=False)]
    contexts = Contexts(*circuits, jellyfish.TOUCHES, jellyfish.stimuli(), jellyfish.TIMES)
    assert Behaviour(contexts, *found).changes and not Behaviour(contexts, *found[::-1]).changes


def test_there_is_no_rate_circuit():
    with pytest.raises(InputError, match="jellyfish: kind: expected 'spiking', found 'rate'"):
        jellyfish.circuit("rate")


def test_to_run_it_alone_says_that_it_has_no_inhibition(tmp_path, capsys):
    assert run_command(["run", "jellyfish", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "found none, and no inhibition to ablate" in said and said.count("\n") == 1
