"""Random synapses of one weight, 1,000 onto each neuron, in NEST: the network `random` of ``large_eisim.py``.

Usage: python benchmarks/peers/random_nest.py [--size 10000] [--seconds 1] [--seed 1] [--threads 1]
The last line of output contains the run time of `nest.Run` in seconds, the time of building, and the mean rate.
"""

import argparse
import json
import time

import nest

CAPACITANCE, TAU = 250.0, 10.0  # pF, ms
#: From a weight in mV, as the input that a membrane of this time constant integrates, to pA.
PER_MV = CAPACITANCE / TAU


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=float, default=10_000)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()
    start = time.perf_counter()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.local_num_threads, nest.rng_seed, nest.resolution = a.threads, a.seed, 0.1
    neuron = {"tau_m": TAU, "C_m": CAPACITANCE, "E_L": -65.0, "V_m": -65.0, "V_th": -50.0, "V_reset": -65.0}
    neuron |= {"t_ref": 2.0, "tau_syn_ex": 5.0, "tau_syn_in": 5.0}
    excitatory = nest.Create("iaf_psc_exp", round(a.size * 0.8), neuron)
    inhibitory = nest.Create("iaf_psc_exp", round(a.size * 0.2), neuron)
    drive = nest.Create("poisson_generator", {"rate": 14_500.0})
    recorder = nest.Create("spike_recorder")
    for source, degree, weight in ((excitatory, 800, 0.02), (inhibitory, 200, -0.1)):
        for target in (excitatory, inhibitory):
            rule = {"rule": "fixed_indegree", "indegree": degree, "allow_autapses": False, "allow_multapses": False}
            nest.Connect(source, target, rule, {"weight": weight * PER_MV, "delay": 1.5})
    for target in (excitatory, inhibitory):
        nest.Connect(drive, target, syn_spec={"weight": 0.2 * PER_MV, "delay": 0.1})
        nest.Connect(target, recorder)
    nest.Prepare()
    building = time.perf_counter() - start
    start = time.perf_counter()
    nest.Run(a.seconds * 1e3)
    seconds = time.perf_counter() - start
    nest.Cleanup()
    rate = recorder.n_events / (len(excitatory) + len(inhibitory)) / a.seconds
    print(json.dumps({"seconds": seconds, "building": building, "rate": rate}))


if __name__ == "__main__":
    main()
