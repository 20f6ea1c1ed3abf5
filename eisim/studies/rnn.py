"""What inhibition does in trained recurrent networks: pathways are ablated, beside networks trained without inhibition.

A network is simulated as a circuit (`eisim.adapter.rnn`) on trials that it was not trained on, at all fractions and
under all controls as one batch. Its answers are read by one threshold on each output, as in training. What
excitatory-only systems attain is the score of networks without inhibition, on the same trials.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from eisim.ablation import ablate
from eisim.analysis.recurrent_network import RecurrentNetwork
from eisim.analysis.recurrent_tasks import THRESHOLD, RecurrentTask, Trials
from eisim.analysis.statistics import Estimate, over_seeds
from eisim.base.errors import InputError
from eisim.base.progress import headed, shows_progress
from eisim.base.values import Brief, revised
from eisim.circuit import Circuit, scaled
from eisim.simulation import Response, simulate
from eisim.studies.controls import Answers, Variant, mean_rate, of_controls, partial_shams, variants
from eisim.studies.curves import AblationCurve
from eisim.studies.judgement import ANY, ROUNDING, Criterion
from eisim.theory.required import best_share

ALL = "all inhibition"
#: What is ablated under Dale's law: all inhibition, and each way through the inhibitory units.
PATHWAYS = (ALL, "E->I", "I->E", "I->I")
#: Factors by which excitation is scaled, and draws of random synapses.
FACTORS, DRAWS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.2), 3
#: Synapses, over all copies of all circuits, that one batch may have: a matter of memory.
SYNAPSES = 60_000_000
#: Largest difference between the outputs of a circuit and of its network, as a share of the largest output.
EQUAL = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class Ablated(Brief):
    """One network with one pathway ablated."""

    network: RecurrentNetwork
    pathway: str
    curve: AblationCurve
    levels: np.ndarray  # (fractions, levels): share of yes, or the score, by level of the task


@dataclass(frozen=True, eq=False, repr=False)
class TrainedNetworks(Brief):
    """Networks trained on one task, and what ablation leaves of them."""

    task: RecurrentTask
    networks: tuple[RecurrentNetwork, ...]
    seeds: tuple[int, ...]  # of the trials
    trials: int  # for each seed
    fractions: np.ndarray  # (fractions,), from 0
    levels: np.ndarray  # (levels,): of the task, rising
    scores: np.ndarray  # (networks, seeds): intact
    intact_levels: np.ndarray  # (networks, levels): intact, as those of `Ablated`
    ablated: tuple[Ablated, ...]
    differences: np.ndarray  # (networks,): between outputs of circuit and network, as a share of the largest
    circuit: Circuit  # of the first network that has inhibition

    @property
    def is_yes(self) -> bool:
        """Whether levels have a sign, and the share of yes is shown by level; else the score."""
        return is_yes(self.task)

    @property
    def curves(self) -> tuple[AblationCurve, ...]:
        """The ablation curves of all networks and pathways."""
        return tuple(each.curve for each in self.ablated)

    def estimates(self, signs: str) -> list[tuple[RecurrentNetwork, Estimate]]:
        """The networks under a constraint with their intact scores."""
        pairs = zip(self.networks, self.scores, strict=True)
        return [(each, over_seeds(scores)) for each, scores in pairs if each.signs == signs]

    @property
    def attained(self) -> float | None:
        """The best mean score of a network without inhibition; ``None`` if there is no such network."""
        return _attained(self.networks, self.scores)

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory, and circuits that differ from their networks."""
        found = [
            f"{network.label}: the circuit differs from the network by {difference:.3g} of the largest output"
            for network, difference in zip(self.networks, self.differences, strict=True)
            if not difference <= EQUAL
        ]
        return found + [problem for curve in self.curves for problem in curve.violations()]


def is_yes(task: RecurrentTask) -> bool:
    """Whether levels of a task have a sign, on which its one answer depends."""
    return len(task.outputs) == 1 and bool((task.levels < 0).any())


@shows_progress
def measure(
    networks: Sequence[RecurrentNetwork],
    task: RecurrentTask,
    fractions: Sequence[float],
    seeds: Sequence[int],
    repeats: int = 4,
    pathways: Sequence[str] = PATHWAYS,
    controls: bool = True,
    backend: str = "cpp",
    report: Callable[..., None] | None = None,
) -> TrainedNetworks:
    """Ablate pathways of trained networks by fractions, with controls, on trials of their task.

    Parameters
    ----------
    networks : sequence of RecurrentNetwork
        All trained on the task; those without inhibition say what excitatory-only networks attain.
    task : RecurrentTask
    fractions : sequence of float
        Increasing from 0 to 1.
    seeds : sequence of int
        Each draws a set of trials: one score for each.
    repeats : int
        Trials of each condition in a set.
    pathways : sequence of str
        Some of `PATHWAYS`. Of a network of free weights, whose units have both signs, all inhibition is ablated.
    controls : bool
        Whether full ablations are controlled.
    backend, report
        As for `eisim.simulate`.

    Returns
    -------
    TrainedNetworks

    Raises
    ------
    InputError
        For networks that do not fit the task, none that has inhibition, or unknown pathways.
    """
    _check(networks, task, pathways)
    n = repeats * len(task.conditions)
    sets = [task.trials(n, np.random.default_rng([int(seed), 3])) for seed in seeds]
    stimuli, targets, conditions = (
        np.concatenate([getattr(each, name) for each in sets]) for name in ("stimuli", "targets", "conditions")
    )
    trials = Trials(stimuli, targets, conditions)
    report = report or (lambda *_: None)
    runs = []
    for k, network in enumerate(networks):
        say = headed(report, f"{network.label} ({k + 1} of {len(networks)})")
        runs.append(_Run(network, task, trials, len(sets), fractions, pathways, controls, backend, say))
    scores = np.array([each.of(each.intact).scores for each in runs])
    best, floor = _attained(networks, scores), None
    if not task.is_angle:
        floor = 1 - best_share(trials.stimuli, trials.targets > THRESHOLD)
    ablated = [found for each in runs for found in each.ablated(best, floor)]
    return TrainedNetworks(
        task,
        tuple(networks),
        tuple(map(int, seeds)),
        n,
        np.asarray(fractions, dtype=float),
        np.unique(task.levels),
        scores,
        np.array([each.by_level(each.intact) for each in runs]),
        tuple(ablated),
        np.array([each.difference for each in runs]),
        next(each.circuits[0] for each in runs if each.ways),
    )


def _check(networks, task, pathways):
    shape = len(task.inputs), len(task.outputs)
    for network in networks:
        if (found := (network.W_in.shape[1], len(network.W_out))) != shape or network.dt != task.dt:
            expected = f"{shape[0]} inputs, {shape[1]} outputs and steps of {task.dt:g} s"
            said = f"{found[0]}, {found[1]} and {network.dt:g} s"
            raise InputError(f"network ({network.label}): expected {expected}, as {task.name} has, found {said}")
    labels = [network.label for network in networks]
    if twice := [label for label in labels if labels.count(label) > 1]:
        raise InputError(f"networks: expected networks with different seeds, found two {twice[0]!r}")
    for pathway in pathways:
        if pathway not in PATHWAYS:
            raise InputError(f"pathways: expected some of {', '.join(PATHWAYS)}, found {pathway!r:.60}")
    if not any((network.W_rec < 0).any() for network in networks):
        raise InputError("networks: expected one with inhibitory weights, found none")


def _attained(networks, scores) -> float | None:
    return max(
        (float(s.mean()) for each, s in zip(networks, scores, strict=True) if each.signs == "excitatory"), default=None
    )


def cut(circuit: Circuit, pathway: str, fraction: float) -> Circuit:
    """The circuit with a fraction of a pathway ablated; E->I is excitation, without which inhibition is recruited less.

    ``InputError`` if the circuit does not have it.
    """
    if pathway == ALL:
        return ablate(circuit, fraction)
    if pathway not in [p.name for p in circuit.projections]:
        raise InputError(
            f"pathway: expected one of {', '.join(p.name for p in circuit.projections)}, found {pathway!r}"
        )
    if not fraction:
        return circuit
    weakened = tuple(scaled(p, 1 - fraction) if p.name == pathway else p for p in circuit.projections)
    return revised(circuit, projections=weakened)


class _Run:
    """The simulations of one network."""

    def __init__(self, network, task, trials, n_sets, fractions, pathways, controls, backend, report):
        self.network, self.task, self.trials, self.n_sets = network, task, trials, n_sets
        self.fractions, self.rnn = np.asarray(fractions, dtype=float), network.rnn
        circuit = self.rnn.circuit
        has = {p.name for p in circuit.projections}
        wanted = pathways if network.signs == "dale" else [ALL]
        self.ways = [way for way in wanted if circuit.inhibitory_projections and (way == ALL or way in has)]
        self.circuits, self.places = [circuit], {}
        for way in self.ways:
            weakened = [cut(circuit, way, fraction) for fraction in self.fractions]
            tried = variants(circuit, weakened[-1], range(DRAWS), FACTORS) if controls else []
            tried += partial_shams(circuit, weakened, self.fractions) if controls else []
            first = len(self.circuits)
            self.circuits += [*weakened[1:], *(variant.circuit for variant in tried)]
            self.places[way] = (first, tried)
        steps = trials.stimuli.shape[1]
        times = {"duration": steps * task.dt, "window": task.window * task.dt, "dt": task.dt}
        stimuli = self.rnn.stimuli(trials.stimuli)
        expected = network.outputs(trials.stimuli, task.window)
        if not np.isfinite(expected).all():
            found = expected[~np.isfinite(expected)][0]
            raise InputError(f"network ({network.label}): expected finite outputs on {task.name}, found {found}")
        synapses = sum(circuit.weights(p).nnz for p in circuit.projections) * len(stimuli)
        most = max(1, SYNAPSES // max(1, synapses))
        self.responses = []
        for first in range(0, len(self.circuits), most):
            batch = self.circuits[first : first + most]
            responses = simulate(batch, stimuli, **times, backend=backend, report=report)
            self.responses += [(self._outputs(response), mean_rate(response)) for response in responses]
        self.intact = 0
        largest = max(np.abs(expected).max(), np.finfo(float).tiny)
        self.difference = float(np.abs(self.responses[0][0] - expected).max() / largest)

    def _outputs(self, response: Response) -> np.ndarray:
        """Outputs averaged over the window, trials × outputs; what has run away without bound counts as yes."""
        rates = {name: rates[..., None] for name, rates in response.rates.items()}
        with np.errstate(over="ignore", invalid="ignore"):
            return np.nan_to_num(self.rnn.decode(rates)[..., 0, :], nan=np.inf)

    def of(self, place) -> Answers:
        """What a circuit answered, by set of trials."""
        outputs, rate = self.responses[place]
        marks = self.task.marks(outputs, self.trials.targets).reshape(self.n_sets, -1)
        rates = None if self.task.is_angle else outputs.reshape(self.n_sets, -1, outputs.shape[1])
        return Answers(marks.mean(axis=1), rates, rate)

    def by_level(self, place) -> np.ndarray:
        """Share of yes, or the score, at each level of the task."""
        outputs = self.responses[place][0]
        marks = (outputs > THRESHOLD)[:, 0] if is_yes(self.task) else self.task.marks(outputs, self.trials.targets)
        levels = self.task.levels[self.trials.conditions]
        return np.array([marks[levels == level].mean() for level in np.unique(self.task.levels)])

    def ablated(self, attained, floor) -> list[Ablated]:
        """Each pathway judged."""
        n = len(self.fractions)
        values = (
            None if self.task.is_angle else self.trials.targets[: len(self.trials.targets) // self.n_sets] > THRESHOLD
        )
        found = []
        for way, (first, tried) in self.places.items():
            places = [0, *range(first, first + n - 1)]
            answers = [self.of(place) for place in places]
            pairs: list[tuple[Variant, Answers]] = [
                (variant, self.of(first + n - 1 + k)) for k, variant in enumerate(tried)
            ]
            controls = of_controls(answers[0], answers[-1], pairs, False, values) if tried else None
            outside = (self.network.W_in < 0).any() or (self.network.W_out < 0).any()  # ablation leaves these
            is_left = bool(outside) or not self.circuits[places[-1]].is_excitatory_only
            curve = AblationCurve.of(
                self.circuits[0],
                "rate",
                self.fractions,
                np.array([each.scores for each in answers]),
                Criterion.absolute(self.task.criterion),
                None if is_left else floor,
                everywhere=True,
                tolerance=ANY if is_left else ROUNDING,
                function=f"{self.network.label}: {way}",
                constant=self.task.constant,
                attained=attained,
                controls=controls,
            )
            found.append(Ablated(self.network, way, curve, np.array([self.by_level(place) for place in places])))
        return found
