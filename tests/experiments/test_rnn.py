"""Trained recurrent networks whose pathways are ablated: as the networks themselves with weights scaled, and judged."""

from dataclasses import replace

import numpy as np
import pytest

from eisim import RECURRENT_TASKS, InputError, RecurrentNetwork, save
from eisim.analysis.recurrent_tasks import THRESHOLD, perceptual_decision
from eisim.report.view import view_of
from eisim.run.trained import FOLDER, networks_of, shipped, tasks
from eisim.studies import rnn as study
from eisim.studies.judgement import PROVABLE, WIRING
from eisim.studies.rnn import ALL, PATHWAYS, measure
from experiments import rnn
from tests.support.figures import check as check_figure
from tests.support.findings import check

EASY = perceptual_decision([0.256, 0.512])


@pytest.fixture(scope="module")
def networks():
    return {each.signs: each for each in shipped("perceptual_decision") if each.seed == 0}


@pytest.fixture(scope="module")
def found(networks):
    return measure([*networks.values()], EASY, [0, 0.5, 1], range(4), 2, backend="numpy")


def test_networks_that_come_with_eisim():
    assert tasks() == [*RECURRENT_TASKS]
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 600_000


@pytest.mark.parametrize("name", RECURRENT_TASKS)
def test_networks_of_a_task(name):
    task, found = networks_of(name)
    trained = [f"{signs}, seed {seed}" for signs in ("free", "dale", "excitatory") for seed in range(3)]
    assert [each.label for each in found] == trained + ["excitatory, given"] * (name == "delayed_match")
    assert all(each.task == name and each.units == (30 if len(each.history) else 4) for each in found)
    scores = {signs: [n.score(task) for n in found if n.signs == signs] for signs in ("free", "dale", "excitatory")}
    assert min(scores["free"] + scores["dale"]) > task.criterion
    reach = [each > task.criterion for each in scores["excitatory"][:3]]
    assert reach == [name not in ("roving_decision", "delayed_match")] * 3
    assert scores["excitatory"][3:] == [1.0] * (name == "delayed_match")


def scaled(network: RecurrentNetwork, pathway, fraction) -> RecurrentNetwork:
    """The network with a pathway's weights scaled."""
    source, target = {ALL: ("I", "EI")}.get(pathway, pathway.split("->"))
    sign = np.array(["E"] * (network.units - network.inhibitory) + ["I"] * network.inhibitory)
    chosen = np.outer([each in target for each in sign], [each in source for each in sign])
    return replace(network, W_rec=np.where(chosen, (1 - fraction) * network.W_rec, network.W_rec))


@pytest.mark.parametrize("pathway", PATHWAYS)
def test_ablation_is_that_of_the_weights(found, networks, pathway):
    curve = next(a.curve for a in found.ablated if a.pathway == pathway and a.network.signs == "dale")
    for k, fraction in enumerate(found.fractions):
        changed = scaled(networks["dale"], pathway, fraction)
        scores = [changed.score(EASY, EASY.trials(8, np.random.default_rng([seed, 3]))) for seed in range(4)]
        np.testing.assert_allclose(curve.scores[k], scores)
    assert (found.differences < 1e-12).all() and found.problems == []


def test_batches_do_not_change_scores(found, networks, monkeypatch):
    monkeypatch.setattr(study, "SYNAPSES", 100_000)
    again = measure([networks["dale"]], EASY, [0, 1], range(2), 2, [ALL], controls=False, backend="numpy")
    np.testing.assert_array_equal(again.ablated[0].curve.scores, found.ablated[1].curve.scores[[0, -1], :2])


def test_what_is_judged(found):
    assert [(a.network.signs, a.pathway) for a in found.ablated] == [
        ("free", ALL),
        *(("dale", pathway) for pathway in PATHWAYS),
    ]
    attained = dict(zip([n.signs for n in found.networks], found.scores.mean(axis=1), strict=True))["excitatory"]
    for each in found.ablated:
        judgement = each.curve.judgement
        assert judgement.attained == attained == found.attained and judgement.reason != PROVABLE
        is_bound = each.pathway == ALL and each.network.signs == "dale"
        assert (judgement.bound is not None) == is_bound, "where inhibition is left, or the readout inhibits, none is"
    whole = found.ablated[1].curve
    assert (whole.intact, whole.ablated) == (1.0, 0.5) and whole.verdict == "lost"
    assert whole.judgement.parts[WIRING] >= 0 and whole.judgement.condition("sham_random") is not None


def test_levels_are_shares_of_yes(found, networks):
    trials = [EASY.trials(8, np.random.default_rng([seed, 3])) for seed in range(4)]
    stimuli = np.concatenate([each.stimuli for each in trials])
    yes = (networks["excitatory"].outputs(stimuli, EASY.window) > THRESHOLD)[:, 0]
    at = np.concatenate([each.conditions for each in trials])
    place = [n.signs for n in found.networks].index("excitatory")
    np.testing.assert_allclose(found.intact_levels[place], [yes[at == k].mean() for k in range(4)])
    assert found.levels.tolist() == pytest.approx([-51.2, -25.6, 25.6, 51.2]) and found.is_yes


def test_what_is_shown(found):
    view = view_of(found)
    drawn = dict(view.drawn())
    assert list(drawn) == ["ablation_curves.svg", "psychometric.svg", "losses.svg"]
    for figure in drawn.values():
        check_figure(figure)
    tables = check(view.findings(), dict(view.all_files()), drawn)
    assert len(tables["ablation.csv"]) == 5 * 3 * 4 and len(tables["networks.csv"]) == 3 * 4
    assert len(tables["psychometric.csv"]) == (3 + 5 * 3) * 4
    document = view.to_json()
    assert [row["pathway"] for row in document["rows"]] == [ALL, *PATHWAYS] and len(document["judgements"]) == 5
    said = " ".join(view.answer())
    assert "The task does not need inhibition" in said and "lost" in said
    worse = replace(found, task=replace(EASY, criterion=1.0), scores=0.9 * found.scores)
    assert "does not prove" in " ".join(view_of(worse).answer())
    scores = np.where(np.arange(4) % 2, 1.0, 0.8) * np.ones((len(found.networks), 1))
    between = replace(found, task=replace(EASY, criterion=0.9), scores=scores)
    assert "reaches the criterion is undecided: the best one scores 0.90 (0." in " ".join(view_of(between).answer())


def test_an_angle_has_no_threshold():
    rng = np.random.default_rng(0)
    task = RECURRENT_TASKS["angle_memory"]
    made = RecurrentNetwork(
        rng.random((6, 8)) / 8, np.full((6, 6), 0.05) * [1, 1, 1, 1, -1, -1], np.zeros(6),
        rng.random((2, 6)) * [1, 1, 1, 1, 0, 0], "dale", 2, task="angle_memory",
    )  # fmt: skip
    found = measure([made], task, [0, 1], [0, 1], 1, [ALL], backend="numpy")
    (judgement,) = (each.judgement for each in found.curves)
    assert judgement.condition("refitted") is judgement.bound is judgement.attained is None
    assert judgement.verdict == "not computed" and not found.is_yes and found.levels.tolist() == [0.2, 0.4, 0.6]
    assert "not computed in 1" in " ".join(view_of(found).answer())


def test_own_network(tmp_path, networks):
    own = replace(networks["dale"], seed=7)
    save(own, tmp_path / "own.eisim")
    task, chosen = networks_of(file=str(tmp_path / "own.eisim"))
    assert task.name == "perceptual_decision" and [(n.signs, n.seed) for n in chosen] == [
        ("dale", 7), *(("excitatory", k) for k in range(3)),
    ]  # fmt: skip
    settings = rnn.Settings(network=str(tmp_path / "own.eisim"), levels=2, seeds=2, repeats=1, pathways="I->E")
    result = rnn.run(replace(settings, controls="none"), ["rate"], 1, "numpy", lambda *_: None)
    assert [(each.network.seed, each.pathway) for each in result.ablated] == [(7, "I->E")]
    assert result.ablated[0].curve.judgement.reason in (None, "not examined")
    again = rnn.run(replace(settings, controls="none"), ["rate"], 1, "numpy", lambda *_: None)
    np.testing.assert_array_equal(again.scores, result.scores)
    save([own, replace(own, task="mine")], tmp_path / "two.eisim")
    assert len(networks_of("roving_decision", str(tmp_path / "two.eisim"), one_each=True)[1]) == 3
    save(networks["excitatory"], tmp_path / "excitatory.eisim")
    labels = [each.label for each in networks_of(file=str(tmp_path / "excitatory.eisim"))[1]]
    assert labels == [f"excitatory, seed {k}" for k in range(3)]
    save({"a": 1}, tmp_path / "other.eisim")
    save(replace(own, task="mine"), tmp_path / "mine.eisim")
    for arguments, message in (
        ({"file": str(tmp_path / "other.eisim")}, "expected a RecurrentNetwork or several, found 1"),
        ({"file": str(tmp_path / "mine.eisim")}, r"task: expected one of .*found 'mine' \(the network was trained on"),
        (
            {"task": "roving"},
            "task: expected one of perceptual_decision, roving_decision, context_integration, delayed_",
        ),
        ({"file": str(tmp_path / "none.eisim")}, "cannot be read"),
    ):
        with pytest.raises(InputError, match=message):
            networks_of(**arguments)


def test_what_does_not_fit(networks):
    with pytest.raises(InputError, match=r"expected 6 inputs, 1 outputs and steps of 0.02 s, as context_integration"):
        measure([networks["dale"]], RECURRENT_TASKS["context_integration"], [0, 1], [0])
    with pytest.raises(InputError, match="networks: expected networks with different seeds, found two 'dale, seed 0'"):
        measure([networks["dale"]] * 2, EASY, [0, 1], [0])
    wild = replace(networks["dale"], W_rec=1e300 * networks["dale"].W_rec)
    with pytest.raises(InputError, match=r"network \(dale, seed 0\): expected finite outputs on perceptual_decision"):
        measure([wild], EASY, [0, 1], [0])
    with pytest.raises(InputError, match="expected one with inhibitory weights, found none"):
        measure([networks["excitatory"]], EASY, [0, 1], [0])
    with pytest.raises(InputError, match="pathways: expected some of all inhibition, E->I, I->E, I->I, found 'I->X'"):
        measure([networks["dale"]], EASY, [0, 1], [0], pathways=["I->X"])
    with pytest.raises(InputError, match="pathways: expected some of"):
        rnn.run(rnn.Settings(pathways="I->E,"), ["rate"], 0, "numpy", lambda *_: None)


@pytest.mark.slow
def test_losses_of_the_default_run_are_of_wiring_or_the_readout():
    result = rnn.run(rnn.Settings(quick=True), ["rate"], 0, "cpp", lambda *_: None)
    assert result.attained >= result.task.criterion and result.problems == []
    assert {each.curve.judgement.reason for each in result.ablated} <= {
        None,
        "readout",
        "runaway",
        "wiring",
        "unresolved",
    }
    assert next(a for a in result.ablated if a.pathway == ALL and a.network.signs == "dale").curve.verdict == "lost"


def test_trials_of_a_set_are_few_where_a_task_has_many_conditions(monkeypatch):
    asked = []
    monkeypatch.setattr(study, "measure", lambda networks, task, fractions, seeds, repeats, *_: asked.append(repeats))
    for task, more, expected in (
        ("perceptual_decision", {}, 4),
        ("perceptual_decision", {"quick": True}, 2),
        ("delayed_match", {}, 4),
        ("angle_memory", {}, 1),
        ("context_integration", {"quick": True}, 1),
        ("context_integration", {"repeats": 3}, 3),
    ):
        rnn.run(rnn.Settings(task=task, **more), ["rate"], 0, "numpy", lambda *_: None)
        assert asked.pop() == expected
