"""Inference on digits by the same spiking network in eisim and in snnTorch on the CPU, in images per second.

Leaky integrate-and-fire neurons, 64-100-10, for 100 steps of 1 ms: 80 excitatory and 20 inhibitory hidden neurons with
random non-negative weights from 8 pixels each; output weights are fitted under Dale's law. Pixels fire regular
spike trains. Both simulators receive the same weights, spike trains, number of steps and batch, and output spikes are
compared before a ratio is printed. snnTorch uses single precision and dense matrices on all cores and is
timed in a warm process; eisim uses double precision and sparse synapses, and is
timed from the call of `simulate` to the response, including the start of its cached program.

snnTorch is skipped if it is not installed; ``--python`` names a Python interpreter that has it.

Usage: python benchmarks/digits.py [--images N ...] [--runs N] [--python PYTHON]
Ends with status 1 if output spikes differ for more than 1 % of the images.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

import measure
import numpy as np

PEER = Path(__file__).parent / "peers" / "digits_snntorch.py"
STEPS, DT, TAU, THRESHOLD, RATE = 100, 1e-3, 20e-3, 20e-3, 200.0
BETA = np.exp(-DT / TAU)
HIDDEN = {"E": 80, "I": 20}
IMAGES = (16, 160, 1600)


@cache
def network():
    """Pixels, targets, and the weights of the two layers, as magnitudes with the signs of the sources."""
    from scipy.optimize import nnls
    from sklearn.datasets import load_digits

    pixels, digits = load_digits(return_X_y=True)
    pixels, rng, n = pixels / 16, np.random.default_rng(0), sum(HIDDEN.values())
    to_hidden = np.zeros((pixels.shape[1], n))
    for j in range(n):
        to_hidden[rng.choice(len(to_hidden), 8, replace=False), j] = rng.uniform(0.1, 0.3, 8) * THRESHOLD
    # Least squares on the excess over threshold replaces training, because only inference is timed.
    excess = np.maximum(pixels @ to_hidden * RATE * TAU / THRESHOLD - 1, 0)
    signs = np.repeat([1.0, -1.0], list(HIDDEN.values()))
    fits = [nnls(excess * signs, 2.0 * (digits == k))[0] for k in range(10)]
    to_output = np.transpose(fits) * THRESHOLD
    return pixels, digits, to_hidden, signs, to_output


def circuit():
    """The network as a circuit."""
    from eisim import LIF, Circuit, Delta, Input, Population, Projection, Readout

    _, _, to_hidden, _, to_output = network()
    lif = LIF(TAU, rest=0.0, threshold=THRESHOLD, reset=0.0, refractory=0.0, excitation=Delta(), inhibition=Delta())
    split = HIDDEN["E"]
    return Circuit(
        name="digits",
        inputs=[Input("pixels", len(to_hidden), RATE)],
        populations=[
            *(Population(f"hidden_{sign}", sign, lif, size) for sign, size in HIDDEN.items()),
            Population("output", "E", lif, 10),
        ],
        projections=[
            Projection("pixels", "hidden_E", to_hidden[:, :split]),
            Projection("pixels", "hidden_I", to_hidden[:, split:]),
            Projection("hidden_E", "output", to_output[:split]),
            Projection("hidden_I", "output", to_output[split:]),
        ],
        readouts=[Readout("output")],
    )


def infer(images, backend="cpp"):
    """Run time of eisim with a warm cache, in seconds, and the output spikes."""
    from eisim import simulate

    pixels, *_ = network()
    ours, stimuli = circuit(), np.resize(pixels, (images, pixels.shape[1]))
    for _ in range(2):
        start = time.perf_counter()
        response = simulate(ours, stimuli, duration=STEPS * DT, window=STEPS * DT, dt=DT, backend=backend)
        seconds = time.perf_counter() - start
    spikes = np.round(response.readouts * STEPS * DT).astype(int)
    return {"seconds": seconds, "loop_s": response.loop_time, "spikes": spikes.tolist()}


def write(path):
    """Write the network for snnTorch, scaled so that its steps are those of eisim."""
    from eisim.circuit import CYCLE

    pixels, _, to_hidden, signs, to_output = network()
    np.savez(
        path,
        images=pixels,
        # There a spike arrives after the leak of its step, here before.
        to_hidden=(BETA * to_hidden).astype(np.float32),
        to_output=(BETA * to_output * signs[:, None]).astype(np.float32),
        phases=circuit().inputs[0].phases,
        advance=RATE * DT,
        cycle=CYCLE,
        beta=BETA,
        threshold=THRESHOLD,
        steps=STEPS,
    )


def has_snntorch(python):
    """Whether this Python interpreter has snnTorch."""
    try:
        return not subprocess.run([python, "-c", "import snntorch"], capture_output=True, check=False).returncode
    except OSError:
        return False


def by_turns(images, file, python, runs):
    """Costs of each side, its spikes, and the share of images with the same spikes; without `python` of eisim only."""
    sides = {"eisim": lambda: measure.alone(infer, images=images)}
    if python:
        sides["snnTorch"] = lambda: measure.run([python, PEER, file, images])
    turns = measure.by_turns(sides, runs)
    spikes = {name: np.array(costs[0].found["spikes"]) for name, costs in turns.items()}
    return turns, spikes, np.mean([(s == spikes["eisim"]).all(axis=1) for s in spikes.values()][-1])


def main():
    parser = measure.options(__doc__, "digits")
    parser.add_argument("--images", type=int, nargs="+", default=IMAGES, help="images per batch")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--python", default=sys.executable, help="Python interpreter with snnTorch")
    a = parser.parse_args()
    peer = has_snntorch(a.python)
    if not peer:
        print(f"snnTorch: skipped, not installed in {a.python} (pip install snntorch)")
    digits, rows, agree = network()[1], [], True
    with tempfile.TemporaryDirectory() as folder:
        write(file := Path(folder) / "network.npz")
        for images in a.images:
            turns, spikes, same = by_turns(images, file, a.python if peer else "", a.runs)
            agree &= same >= 0.99
            for name, costs in turns.items():
                seconds = statistics.median(cost.found["seconds"] for cost in costs)
                rows.append(
                    {
                        "images": images,
                        "side": name,
                        "seconds": seconds,
                        "images_per_s": images / seconds,
                        "memory_gb": max(cost.gigabytes for cost in costs),
                        "accuracy": np.mean(spikes[name].argmax(axis=1) == np.resize(digits, images)),
                        "same_spikes": same,
                    }
                )
    for images in a.images if peer and agree else ():
        ours, theirs = (r["seconds"] for r in rows if r["images"] == images)
        print(f"{images} images: eisim has {theirs / ours:.2f} × the throughput of snnTorch")
    ys = {"seconds": "inference (s)", "images_per_s": "images a second", "memory_gb": "memory (GB)"}
    measure.report(a, rows, "images", ys, "side")
    sys.exit(0 if agree else 1)


if __name__ == "__main__":
    main()
