"""Compare an ablation sweep in one eisim batch with a plain Brian2 script that loops over conditions.

The sweep consists of 11 fractions of ablation × 16 input patterns × several seeds for 4-bit parity, as a spiking
circuit with membrane noise. The plain script is what an experienced Brian2 user would write: the network is built once;
for every condition it is restored, its weights, inputs and noise seed are set, and it is run (with Brian2's default
target: Cython if available, otherwise NumPy). The two candidates run alternately in separate processes for each number
of seeds. eisim is timed for the complete sweep with a warm cache; the plain script is timed on a sample of conditions
after a warm-up, and extrapolated. Accuracies are those below half ablation.

Usage: python benchmarks/ablation_sweep.py [--seeds N ...] [--sample N] [--runs N]
"""

import statistics
import time

import measure
import numpy as np

from eisim import TRUTH_TABLES, ablate, simulate, synthesize

FUNCTION = TRUTH_TABLES["parity-4"]
LEVELS, SEEDS = np.linspace(0, 1, 11), (1, 10, 100)
TIMES = {"duration": 300e-3, "window": 200e-3, "dt": 0.5e-3}


def sweep_as_one_batch(circuit, seeds):
    """Accuracy at each fraction, and the run time in seconds."""
    start = time.perf_counter()
    circuits = [ablate(circuit, level) for level in LEVELS]
    responses = simulate(circuits, FUNCTION.patterns, seed=list(range(seeds)), **TIMES)
    accuracy = [(r.decisions[..., 0] == FUNCTION.values).mean() for r in responses]
    return np.array(accuracy), time.perf_counter() - start


class PlainScript:
    """The same circuit in plain Brian2, run one condition at a time."""

    def __init__(self, circuit):
        import brian2 as b2

        self.b2, self.circuit = b2, circuit
        b2.defaultclock.dt = TIMES["dt"] * b2.second
        neuron = circuit.populations[0].neuron
        namespace = {
            "tau": neuron.tau * b2.second,
            "tau_e": neuron.excitation.tau * b2.second,
            "tau_i": neuron.inhibition.tau * b2.second,
            "rest": neuron.rest * b2.volt,
            "sigma": neuron.noise * b2.volt,
            "threshold": neuron.threshold * b2.volt,
            "v_reset": neuron.reset * b2.volt,
        }
        names = [p.name for p in circuit.populations]
        sizes = [p.size for p in circuit.populations]
        offset = dict(zip(names, np.cumsum([0, *sizes]), strict=False))
        afferents = b2.NeuronGroup(
            circuit.n_inputs, "dphase/dt = f : 1\nf : Hz", threshold="phase > 1", reset="phase -= 1", method="euler"
        )
        cells = b2.NeuronGroup(
            sum(sizes),
            """dv/dt = (rest + bias - v + I_e + I_i)/tau + sigma*sqrt(2/tau)*xi : volt (unless refractory)
            dI_e/dt = -I_e/tau_e : volt
            dI_i/dt = -I_i/tau_i : volt
            bias : volt""",
            threshold="v > threshold",
            reset="v = v_reset",
            refractory=neuron.refractory * b2.second,
            method="euler",
            namespace=namespace,
        )
        cells.v = neuron.rest * b2.volt
        cells.bias = np.concatenate([p.bias for p in circuit.populations]) * b2.volt
        self.readout = int(offset["readout"])
        objects, self.inhibitory = [afferents, cells], []
        for k, projection in enumerate(circuit.projections):
            weights = circuit.weights(projection).tocoo()
            inhibits = circuit.sign(projection) < 0
            source = afferents if projection.source == "x" else cells
            synapses = b2.Synapses(
                source, cells, "w : volt", on_pre=f"I_{'i' if inhibits else 'e'} += w", name=f"projection{k}"
            )
            synapses.connect(
                i=weights.coords[0] + (0 if source is afferents else offset[projection.source]),
                j=weights.coords[1] + offset[projection.target],
            )
            synapses.w = circuit.sign(projection) * weights.data * b2.volt
            objects.append(synapses)
            if inhibits:
                self.inhibitory.append((synapses, -weights.data * b2.volt))
        self.afferents = afferents
        self.monitor = b2.SpikeMonitor(cells)
        self.network = b2.Network(*objects, self.monitor)
        self.network.store()

    def run(self, level, pattern, seed):
        """Readout rate of one condition, in Hz."""
        b2 = self.b2
        self.network.restore()
        b2.seed(int(seed))
        self.afferents.f = pattern * self.circuit.inputs[0].rate * b2.Hz
        self.afferents.phase = self.circuit.inputs[0].phases
        for synapses, weight in self.inhibitory:
            synapses.w = weight * (1 - level)
        self.network.run(TIMES["duration"] * b2.second)
        late = self.monitor.t / b2.second >= TIMES["duration"] - TIMES["window"]
        return np.sum(late & (self.monitor.i == self.readout)) / TIMES["window"]


def ours(seeds, runs):
    """Median run time of the complete sweep in seconds, and the accuracy below half ablation."""
    circuit = synthesize(FUNCTION)
    sweep_as_one_batch(circuit, seeds)  # fills the cache
    batches = [sweep_as_one_batch(circuit, seeds) for _ in range(runs)]
    return {
        "seconds": statistics.median(seconds for _, seconds in batches),
        "accuracy": batches[0][0][LEVELS < 0.5].mean(),
    }


def plain(sample):
    """Median run time of a sample of conditions in seconds, and the accuracy below half ablation."""
    circuit = synthesize(FUNCTION)
    conditions = [(level, pattern, seed) for level in LEVELS for pattern in FUNCTION.patterns for seed in range(10)]
    script = PlainScript(circuit)
    for condition in conditions[:3]:  # compiles what it compiles
        script.run(*condition)
    each, right = [], []
    for k in np.random.default_rng(0).choice(len(conditions), sample, replace=False):
        level, pattern, _ = conditions[k]
        start = time.perf_counter()
        rate = script.run(*conditions[k])
        each.append(time.perf_counter() - start)
        if level < 0.5:
            right.append((rate > circuit.readouts[0].threshold) == FUNCTION(pattern))
    return {"seconds": statistics.median(each), "accuracy": float(np.mean(right)) if right else None}


def main():
    parser = measure.options(__doc__, "ablation_sweep")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--sample", type=int, default=12, help="conditions of the plain script to time in each run")
    parser.add_argument("--runs", type=int, default=3)
    a = parser.parse_args()
    measure.alone(ours, seeds=a.seeds[0], runs=1)  # the first row alone would have the compiling in its memory
    rows = []
    for seeds in a.seeds:
        n = len(LEVELS) * len(FUNCTION.patterns) * seeds
        batch, loop = measure.alone(ours, seeds=seeds, runs=a.runs), measure.alone(plain, sample=a.sample)
        for side, cost, seconds in (
            ("eisim, one batch", batch, batch.found["seconds"]),
            ("plain Brian2 loop", loop, loop.found["seconds"] * n),
        ):
            rows.append(
                {
                    "conditions": n,
                    "side": side,
                    "seconds": seconds,
                    "ms_a_condition": seconds / n * 1e3,
                    "of_ours": seconds / batch.found["seconds"],
                    "memory_gb": cost.gigabytes,
                    "accuracy": cost.found["accuracy"],
                }
            )
    measure.report(a, rows, "conditions", {"seconds": "whole sweep (s)", "memory_gb": "memory (GB)"}, "side")


if __name__ == "__main__":
    main()
