"""The current-based network of Brette et al. (J. Comput. Neurosci. 23:349, 2007) as a plain BrainPy script.

Integrate-and-fire neurons with 80 synapses each on average and all spikes recorded, in double precision, compiled by
XLA for one thread of the processor. Synaptic currents are constant within a step of 0.1 ms (``exp_auto``).

Usage: python benchmarks/peers/cuba_brainpy.py [--neurons 4000] [--seconds 1] [--seed 0]
Simulates an additional 0.2 s, which is excluded, and prints the loop time in seconds, after a run that compiles, and
the mean rate of the excitatory neurons.
"""

import argparse
import json
import os
import time

import numpy as np

DT, WARM_UP = 0.1, 200.0  # ms


def network(bp, neurons):
    """Neurons and their synapses."""
    excitatory, p = neurons * 4 // 5, 0.02 * 4000 / neurons

    class Cuba(bp.DynSysGroup):
        def __init__(self):
            super().__init__()
            self.cells = bp.dyn.LifRef(
                neurons,
                V_rest=-49.0,
                V_th=-50.0,
                V_reset=-60.0,
                tau=20.0,
                tau_ref=5.0,
                V_initializer=bp.init.Uniform(-60.0, -50.0),
                method="exp_auto",
            )
            self.spikes = bp.VarDelay(self.cells.spike, entries={"synapses": DT})
            self.excitation, self.inhibition = (
                bp.dyn.HalfProjAlignPostMg(
                    comm=bp.dnn.EventCSRLinear(bp.conn.FixedProb(p, pre=count, post=neurons), weight),
                    syn=bp.dyn.Expon.desc(neurons, tau=tau),
                    out=bp.dyn.CUBA.desc(),
                    post=self.cells,
                )
                for count, weight, tau in ((excitatory, 1.62, 5.0), (neurons - excitatory, -9.0, 10.0))
            )

        def update(self):
            sent = self.spikes.at("synapses")
            self.excitation(sent[:excitatory])
            self.inhibition(sent[excitatory:])
            self.spikes(self.cells())
            return self.cells.spike.value

    return Cuba()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--neurons", type=int, default=4000)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    import brainpy as bp
    import brainpy.math as bm

    bm.enable_x64()
    bm.set(dt=DT)
    bm.random.seed(a.seed)
    net = network(bp, a.neurons)
    steps = round((WARM_UP + a.seconds * 1e3) / DT)

    def once():
        net.reset()
        start = time.perf_counter()
        spikes = np.asarray(bm.for_loop(net.step_run, np.arange(steps)))
        return time.perf_counter() - start, spikes

    once()
    seconds, spikes = once()
    rate = spikes[round(WARM_UP / DT) :, : a.neurons * 4 // 5].mean() / (DT * 1e-3)
    print(json.dumps({"seconds": seconds, "rate": float(rate)}))


if __name__ == "__main__":
    main()
