"""A spiking network 64-100-10 on images of digits, as a plain snnTorch script.

Usage: python benchmarks/peers/digits_snntorch.py NETWORK.npz IMAGES
Prints the run time in seconds of one inference after a warm-up, and the spikes of every output.
"""

import json
import sys
import time

import numpy as np
import snntorch
import torch


def infer(network, pixels, n_steps):
    """Spikes of the outputs, images × 10, for regular spike trains of the pixels at their rates."""
    threshold = float(network["threshold"])
    hidden, output = (snntorch.Leaky(float(network["beta"]), threshold, reset_mechanism="zero") for _ in range(2))
    to_hidden, to_output = torch.as_tensor(network["to_hidden"]), torch.as_tensor(network["to_output"])
    phase = torch.as_tensor(network["phases"]).expand(pixels.shape).clone()
    of_hidden, of_output, spikes = (torch.zeros(len(pixels), to.shape[1]) for to in (to_hidden, to_output, to_output))
    for step in range(n_steps):
        phase += pixels * float(network["advance"])
        arrived = phase > float(network["cycle"])
        phase -= arrived.to(phase)
        # As in eisim, what arrives while a neuron spikes is lost.
        fired, of_hidden = hidden(arrived.float() @ to_hidden * (of_hidden <= threshold), of_hidden)
        fired, of_output = output(fired @ to_output * (of_output <= threshold), of_output)
        if step < n_steps - 2:  # eisim's layers hear of a spike one step later each
            spikes += fired
    return spikes


def main():
    with np.load(sys.argv[1]) as file:
        network = dict(file)
    images = torch.as_tensor(np.resize(network["images"], (int(sys.argv[2]), network["images"].shape[1])))
    with torch.no_grad():
        for _ in range(2):
            start = time.perf_counter()
            spikes = infer(network, images, int(network["steps"]))
            seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "spikes": spikes.int().tolist(), "threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main()
