"""Tasks with required outputs: what binds an excitatory-only system, and what the readout may do."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from eisim import Circuit, Input, InputError, Obstruction, Population, Projection, Readout, Task, assess
from eisim import ThresholdLinear as Linear
from eisim.neurons import RateUnit
from eisim.studies.curves import COMPARES, NOT_TRIED
from eisim.values import quantity
from models import and_by_inhibition
from tests.support import two_choice

pytestmark = pytest.mark.slow
NUMPY = {"backend": "numpy", "kinds": ["rate"], "seeds": 1, "doses": 2}
PATTERNS = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])


def two_cells(seed=0):
    """Each input drives a cell of its own."""
    drive = Projection("x", "E", 5 * np.eye(2))
    return Circuit("two cells", [Input("x", 2)], [Population("E", "E", Linear(), 2)], [drive], [Readout("E")])


def choice(**how):
    given = {
        "circuit": lambda seed: two_choice.circuit("rate"),
        "stimuli": two_choice.STIMULI,
        "score": None,
        "measure": "share of trials in which the stronger side is chosen",
        "obstruction": Obstruction.POSITIVE_SLOPE,
        "criterion": 0.9,
        "output": two_choice.first_side,
        "required": two_choice.STIMULI[:, 0] > two_choice.STIMULI[:, 1],
    }
    return Task(**given | how)


def rates(response):
    return response.rates["E"]


def judged(task, **how):
    (found,) = assess(task, **NUMPY | how).kinds.values()
    return found, found.systems[found.kind].judgement


@pytest.mark.parametrize(
    "readout",
    [
        {"answers": lambda r: rates(r)[:, 0] - rates(r)[:, 1] > 5},
        {"answers": lambda r: rates(r)[:, 0] - rates(r)[:, 1], "threshold": 5},
        {"answers": lambda r: rates(r).argmax(axis=1) == 0},
        {"answers": lambda r: rates(r)[:, 0] / rates(r).sum(axis=1) > 0.5},
        {"answers": lambda r: (rates(r) == rates(r).max(axis=1, keepdims=True))[:, 0]},
    ],
)
def test_a_readout_that_compares_rates_has_no_bound(readout):
    """It inhibits by itself: two cells that know nothing of each other are right in every trial."""
    found, judgement = judged(choice(excitatory_only=two_cells, **readout))
    assert judgement.bound is None and judgement.attained == 1 and judgement.reason != "provable"
    assert found.systems["rate"].assumptions == (COMPARES,)
    assert judged(choice(**readout))[1].reason != "provable"


def test_answers_that_follow_from_no_rates_have_no_bound():
    found, judgement = judged(choice(answers=lambda r: two_choice.STIMULI[:, 0] > two_choice.STIMULI[:, 1]))
    assert judgement.bound is None and found.systems["rate"].assumptions == (NOT_TRIED,)


def test_a_threshold_has_a_bound_however_it_is_given():
    for readout in (
        {"answers": lambda r: rates(r)[:, 0] > 60},
        {"answers": lambda r: rates(r)[:, 0], "threshold": 60},
    ):
        _, judgement = judged(choice(**readout))
        assert judgement.bound == 0.75


def veto(seed=0):
    """Two interneurons veto; blocking one leaves the other."""
    populations = [Population(name, sign, Linear()) for name, sign in (("I", "I"), ("J", "I"), ("E", "E"))]
    weights = {"A->E": 1.0, "B->I": 1.0, "B->J": 1.0, "I->E": 0.9, "J->E": 0.05}
    projections = [Projection(*name.split("->"), [[w]]) for name, w in weights.items()]
    return Circuit("veto", [Input("A"), Input("B")], populations, projections, [Readout("E", 25)])


def vetoed(**how):
    stimuli = PATTERNS[[2, 3, 1, 0]]
    return choice(
        circuit=veto,
        stimuli=stimuli,
        required=[True, False, False, False],
        output=lambda r: rates(r)[:, 0],
        answers=lambda r: rates(r)[:, 0],
        threshold=25,
        **how,
    )


@pytest.mark.parametrize("how", [{"how": "cut:I->E"}, {"how": "block", "doses": [0, 0.9]}])
def test_what_binds_excitatory_only_systems_does_not_bind_what_keeps_inhibition(how):
    _, judgement = judged(vetoed(), **how)
    assert judgement.verdict == "lost" and judgement.bound is None and judgement.reason != "provable"
    _, whole = judged(vetoed())
    assert whole.bound == 0.75 and whole.reason == "provable"


def test_a_threshold_is_re_fitted_to_the_ablated_circuit():
    """Without its tonic inhibition the cell answers all trials, but AND still has the highest rate."""
    whole = and_by_inhibition.circuit("spiking").without_noise()
    at = float(whole.readout_thresholds[0])
    task = choice(
        circuit=lambda seed: whole,
        stimuli=PATTERNS,
        required=[False, False, False, True],
        output=lambda r: r.readouts[:, 0],
        answers=lambda r: r.readouts[:, 0],
        threshold=at,
        dt=0.5e-3,
    )
    _, judgement = judged(task, kinds=["spiking"])
    assert (judgement.verdict, judgement.reason) == ("lost", "readout")
    assert judgement.condition("refitted").mean == 1 == judgement.bound
    without = replace(task, threshold=None, answers=lambda r: r.readouts[:, 0] > at)
    assert judged(without, kinds=["spiking"])[1].condition("refitted") is None


@dataclass(frozen=True)
class BandPass(RateUnit):
    """Responds to a middle drive alone."""

    peak: float = quantity(100.0, "hertz", positive=True)
    width: float = quantity(40.0, "hertz", positive=True)
    transfer_text = "peak*exp(-((drive-peak)/width)**2)"
    non_decreasing = False

    def transfer(self, drive):
        return self.peak * np.exp(-(((drive - self.peak) / self.width) ** 2))


def test_an_excitatory_only_circuit_has_non_decreasing_activations():
    def band(seed=0):
        drive = Projection("x", "E", [[1.0], [1.0]])
        return Circuit("band", [Input("x", 2)], [Population("E", "E", BandPass())], [drive], [Readout("E", 25)])

    task = choice(answers=lambda r: rates(r)[:, 0] > 60, excitatory_only=band)
    with pytest.raises(InputError, match=r"of non-decreasing activations, found .* of E is not"):
        assess(task, **NUMPY)


def test_what_attains_the_criterion_comes_before_a_bound():
    """A bound that is wrong for some reason is contradicted, and no loss is called provable."""
    task = choice(
        required=None,
        answers=None,
        score=lambda r: float(
            (np.sign(rates(r)[:, 0] - rates(r)[:, 1]) == np.sign(two_choice.STIMULI @ [1, -1])).mean()
        ),
        bound=0.5,
        proof="it is claimed",
        excitatory_only=two_cells,
    )
    found, judgement = judged(task)
    assert judgement.reason in (None, "wiring")
    assert any("CONTRADICTION: an excitatory-only circuit (built without inhibition)" in p for p in found.problems)
