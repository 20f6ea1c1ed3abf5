"""A Brian2 script as people write them; `python -m eisim ablate` finds its inhibition and removes it."""

from brian2 import *

prefs.codegen.target = "numpy"

tau, tau_e, tau_i, v_t = 20 * ms, 5 * ms, 10 * ms, -50 * mV
equations = """dv/dt = (-49*mV - v + ge - gi)/tau : volt (unless refractory)
dge/dt = -ge/tau_e : volt
dgi/dt = -gi/tau_i : volt"""
P = NeuronGroup(100, equations, threshold="v > v_t", reset="v = -60*mV", refractory=5 * ms, method="euler", name="P")
P.v = "-60*mV + rand()*10*mV"
Ce = Synapses(P, P, on_pre="ge += 3*mV")
Ce.connect("i < 80", p=0.2)
Ci = Synapses(P, P, on_pre="gi += 18*mV")
Ci.connect("i >= 80", p=0.2)
monitor = SpikeMonitor(P)
run(200 * ms)


def quiet(spikes):
    """A score: 1 if neurons fire below 30 Hz after the first 50 ms."""
    return float(spikes["P"].rate(from_=50 * ms) < 30)
