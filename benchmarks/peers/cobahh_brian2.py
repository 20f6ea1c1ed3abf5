"""COBAHH, or adaptive exponential neurons with the same synapses, as a plain Brian2 standalone script.

The conductance-based network of Hodgkin-Huxley neurons of Brette et al. (J. Comput. Neurosci. 23:349, 2007): 80
synapses each on average, a delay of one step of 0.1 ms, all spikes recorded, integrated by exponential Euler; adaptive
neurons by Euler's method. On the C++ standalone device, with Brian2's default compiler flags.

Usage: python benchmarks/peers/cobahh_brian2.py DIRECTORY [--cells cobahh|adex] [--neurons 4000] [--seconds 1]
Builds the program in that directory, where ``./main`` runs it, with new connections each time, for an additional 0.2 s.
"""

import argparse

import brian2 as b2
from brian2 import mS, ms, mV, nA, nS, pA, pF, second, uS

HODGKIN_HUXLEY = """
dv/dt = (g_L*(E_L - v) + g_e*(E_e - v) + g_i*(E_i - v) - g_Na*m**3*h*(v - E_Na) - g_K*n**4*(v - E_K))/C : volt
dm/dt = alpha_m*(1 - m) - beta_m*m : 1
dn/dt = alpha_n*(1 - n) - beta_n*n : 1
dh/dt = alpha_h*(1 - h) - beta_h*h : 1
alpha_m = 0.32*4/exprel((13*mV - v + V_T)/(4*mV))/ms : Hz
beta_m = 0.28*5/exprel((v - V_T - 40*mV)/(5*mV))/ms : Hz
alpha_h = 0.128*exp((17*mV - v + V_T)/(18*mV))/ms : Hz
beta_h = 4/(1 + exp((40*mV - v + V_T)/(5*mV)))/ms : Hz
alpha_n = 0.032*5/exprel((15*mV - v + V_T)/(5*mV))/ms : Hz
beta_n = 0.5*exp((10*mV - v + V_T)/(40*mV))/ms : Hz
"""
ADAPTING = """
dv/dt = (g_L*(E_L - v) + g_L*D*exp((v - V_T)/D) - w + I + g_e*(E_e - v) + g_i*(E_i - v))/C : volt
dw/dt = (a*(v - E_L) - w)/tau_w : amp
"""
SYNAPSES = """
dg_e/dt = -g_e/tau_e : siemens
dg_i/dt = -g_i/tau_i : siemens
"""
COMMON = {"E_e": 0 * mV, "E_i": -80 * mV, "tau_e": 5 * ms, "tau_i": 10 * ms}


def hodgkin_huxley(n):
    """Neurons, which start as the paper says; the channels are closed."""
    values = {"C": 200 * pF, "g_L": 10 * nS, "E_L": -60 * mV, "g_Na": 20e-3 * mS, "E_Na": 50 * mV}
    values |= {"g_K": 6 * uS, "E_K": -90 * mV, "V_T": -63 * mV}
    how = {"threshold": "v > -20*mV", "refractory": 3 * ms, "method": "exponential_euler"}
    cells = b2.NeuronGroup(n, HODGKIN_HUXLEY + SYNAPSES, namespace=values | COMMON, **how)
    cells.v = "E_L + (5*randn() - 5)*mV"
    cells.g_e = "(1.5*randn() + 4)*10*nS"
    cells.g_i = "(12*randn() + 20)*10*nS"
    return cells


def adapting(n):
    """Neurons with a current that makes each spike by itself."""
    values = {"C": 281 * pF, "g_L": 30 * nS, "E_L": -70.6 * mV, "V_T": -50.4 * mV, "D": 2 * mV, "tau_w": 144 * ms}
    values |= {"a": 4 * nS, "b": 80.5 * pA, "I": 1 * nA, "V_cut": -40.4 * mV}
    how = {"threshold": "v > V_cut", "reset": "v = E_L; w += b", "method": "euler"}
    cells = b2.NeuronGroup(n, ADAPTING + SYNAPSES, namespace=values | COMMON, **how)
    cells.v = "E_L + rand()*(V_T - E_L)"
    return cells


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory")
    parser.add_argument("--cells", choices=("cobahh", "adex"), default="cobahh")
    parser.add_argument("--neurons", type=int, default=4000)
    parser.add_argument("--seconds", type=float, default=1.0)
    a = parser.parse_args()

    b2.set_device("cpp_standalone", directory=a.directory, build_on_run=False)
    neurons = (hodgkin_huxley if a.cells == "cobahh" else adapting)(a.neurons)
    weights = {"w_e": 6 * nS, "w_i": 67 * nS}
    excitation = b2.Synapses(neurons, neurons, on_pre="g_e += w_e", delay=0.1 * ms, namespace=weights)
    inhibition = b2.Synapses(neurons, neurons, on_pre="g_i += w_i", delay=0.1 * ms, namespace=weights)
    excitatory, p = a.neurons * 4 // 5, 0.02 * 4000 / a.neurons
    excitation.connect(f"i < {excitatory}", p=p)
    inhibition.connect(f"i >= {excitatory}", p=p)
    spikes = b2.SpikeMonitor(neurons)
    network = b2.Network(neurons, excitation, inhibition, spikes)
    network.run(0.2 * second + a.seconds * second)
    b2.device.build(directory=a.directory, compile=True, run=False)


if __name__ == "__main__":
    main()
