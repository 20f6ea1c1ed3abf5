"""Scripts of all kinds: fraction 0 gives their own spikes, and 0.5 those of the script with weights halved by hand."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from eisim import InputError, brian
from eisim.base import processes

START = "from brian2 import *\nprefs.codegen.target = 'numpy'\n"
GROUP = """
eqs = '''dv/dt = (1.2 + g - h*(v + 1) - v)/(10*ms) : 1 (unless refractory)
dg/dt = -g/(5*ms) : 1
dh/dt = -h/(10*ms) : 1'''
P = NeuronGroup(40, eqs, threshold='v > 1', reset='v = 0', refractory=2*ms, method='euler')
P.v = 'rand()'
monitor = SpikeMonitor(P)
"""
#: Script, and what is written in the place of something in it for a fraction of 0.5.
CASES = {
    "in a function": (
        """
def simulate(g, J=0.1):
    delayed = 1.5*ms
    P = NeuronGroup(40, 'dv/dt = (1.3 - v)/tau : 1', threshold='v > theta', reset='v = 0', method='exact',
                    namespace={'theta': 1})
    tau = 10*ms
    P.v = 'rand()'
    E, I = P[:30], P[30:]
    excites = Synapses(E, P, on_pre='v += J', delay=delayed)
    inhibits = Synapses(I, P, on_pre='v += -g*J', delay=delayed)
    excites.connect(p=0.1)
    inhibits.connect(p=0.3)
    monitor = SpikeMonitor(P)
    net = Network(collect())
    net.run(30*ms)
    return monitor

if __name__ == '__main__':
    monitor = simulate(2)
""",
        ("-g*J", "-0.5*g*J"),
    ),
    "two runs and plasticity": (
        GROUP
        + """
S = Synapses(P, P, '''w : 1
dx/dt = -x/(20*ms) : 1 (event-driven)
dy/dt = -y/(20*ms) : 1 (event-driven)''', on_pre='''x += 1
w = clip(w + (y - 0.1)*eta, 0, 1)
h += w''', on_post='y += 1; w = clip(w + x*eta, 0, 1)')
S.connect('i > 30', p=0.5)
S.w = 0.02
eta = 0
run(15*ms)
eta = 0.1
run(25*ms, report='text')
""",
        ("h += w", "h += 0.5*w"),
    ),
    "depressing, jumping, own seeds": (
        "seed(7)\nnp.random.seed(8)\n"
        + GROUP
        + """
S = Synapses(P, P, 'w : 1\\nx : 1', on_pre='sent = 0.5*x; x = x - sent + 0.02; h_post = h_post + w*sent')
S.connect(p=0.2)
S.w = np.random.rand(len(S))
S.x = 1
run(30*ms)
""",
        ("h_post + w*sent", "h_post + 0.5*w*sent"),
    ),
    "signs by weight": (
        GROUP
        + """
S = Synapses(P, P, 'w : 1', on_pre={'up': 'g += w*1.0', 'down': 'g -= 0.2*w'}, delay={'down': 3*ms})
S.connect(p=0.2)
S.w = 'randn()*0.3'
run(30*ms)
""",
        (
            "'g += w*1.0', 'down': 'g -= 0.2*w'",
            "'g += (1 - 0.5*int(w < 0))*w*1.0', 'down': 'g -= (1 - 0.5*int(w > 0))*0.2*w'",
        ),
    ),
    "summed, run regularly, operations": (
        GROUP.replace("+ g -", "+ g + total -").replace("(10*ms) : 1'''", "(10*ms) : 1\ntotal : 1'''")
        + """
S = Synapses(P, P, '''total_post = -0.5*s : 1 (summed)
ds/dt = -s/(5*ms) : 1 (clock-driven)''', on_pre='s += 0.3*(1 - s)', method='euler')
S.connect('i > 30', p=0.4)
P.run_regularly('v += 0.05*randn()', dt=1*ms)
@network_operation(dt=2*ms)
def kick():
    P.g_[3] += np.random.rand()
run(30*ms)
""",
        ("-0.5*s", "0.5*-0.5*s"),
    ),
    "set_device inside": (
        "set_device('cpp_standalone', directory='never_made')\n"
        + GROUP
        + """
S = Synapses(P, P, on_pre='h += 0.2')
S.connect('i > 30')
run(20*ms)
device.build(directory='never_made')
""",
        ("h += 0.2", "h += 0.1"),
    ),
    "groups of one name, one after the other": (
        """
def once(n):
    A = NeuronGroup(n, 'dv/dt = (1.5 - v)/(10*ms) : 1', threshold='v > 1', reset='v = 0', method='euler', name='I')
    A.v = 'rand()'
    S = Synapses(A, A, on_pre='v -= 0.2')
    S.connect(p=0.5)
    M = SpikeMonitor(A)
    run(20*ms)
    return M
first = once(10)
del first
monitor = once(12)
""",
        ("v -= 0.2", "v -= 0.1"),
    ),
    "before it a network without synapses": (
        GROUP
        + """
first = Network(P)
first.run(5*ms)
S = Synapses(P, P, on_pre='v_post *= 0.5')
S.connect('i > 30 and i != j')
first.add(S, monitor)
first.run(20*ms)
""",
        ("v_post *= 0.5", "v_post *= 0.75"),
    ),
}
DRIVER = """
import json, os, sys
import brian2, numpy as np, random
found = {}
for path in sys.argv[1:]:
    read, write = os.pipe()
    if not os.fork():
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        brian2.seed(0); np.random.seed(0); random.seed(0)
        names = {"__name__": "__main__"}
        exec(compile(open(path).read(), path, "exec"), names)
        m = names["monitor"]
        os.write(write, repr(float((np.array(m.t_)*(1 + np.array(m.i))).sum())).encode())
        os._exit(0)
    os.close(write)
    found[path] = float(os.read(read, 100))
    os.wait()
print(json.dumps(found))
"""


def own(left, spikes):
    """A number of the script's own monitor, which other spikes hardly give."""
    return float((np.array(left.monitor.t_) * (1 + np.array(left.monitor.i))).sum())


def texts(name):
    text, (old, new) = CASES[name]
    assert text.count(old) == 1
    plain = text.replace("set_device(", "#").replace("device.build(", "#")
    return START + text, START + plain, START + plain.replace(old, new)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What the scripts and those with halved weights give, run without eisim, by name."""
    folder, paths = tmp_path_factory.mktemp("alone"), {}
    for number, name in enumerate(CASES):
        for kind, text in zip(("plain", "halved"), texts(name)[1:], strict=True):
            path = folder / f"{kind}_{number}.py"
            path.write_text(text, encoding="utf-8")
            paths[name, kind] = str(path)
    done = subprocess.run([sys.executable, "-c", DRIVER, *paths.values()], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return {key: found[path] for key, path in paths.items()}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="forks")
@pytest.mark.parametrize("name", CASES)
def test_fraction_0_is_the_script_and_half_is_half_the_weight(alone, name, tmp_path):
    path = tmp_path / "network.py"
    path.write_text(texts(name)[0], encoding="utf-8")
    result = brian.ablate(path, (0.5,), seeds=1, controls=False, score=own)
    assert result.identical is True and not result.problems
    assert result.scores[0, 0] == alone[name, "plain"] > 0
    assert result.scores[1, 0] == pytest.approx(alone[name, "halved"], rel=1e-12) and np.ptp(result.scores) > 0
    noted = ("set_device inside", "depressing, jumping, own seeds", "groups of one name, one after the other")
    assert bool(result.notes) == (name in noted)
    assert not (tmp_path / "never_made").exists()


def test_without_forks_each_run_is_a_process_of_its_own(tmp_path, monkeypatch):
    path = tmp_path / "network.py"
    path.write_text(texts("set_device inside")[0], encoding="utf-8")
    forked = brian.ablate(path, (1,), seeds=1, controls=False, score=own)
    monkeypatch.setattr(processes, "FORKS", False)
    apart = brian.ablate(path, (1,), seeds=1, controls=False, score=own)
    assert np.array_equal(forked.scores, apart.scores) and np.array_equal(forked.rates, apart.rates)
    assert apart.found.rows == forked.found.rows == brian.inhibition(path).rows
    with pytest.raises(InputError, match="expected a script or a function of a module"):
        brian.ablate(lambda: None, (1,), seeds=1, controls=False)


@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_an_interrupt_ends_all_processes(tmp_path):
    text = START + "import os\nfrom pathlib import Path\n" + GROUP
    text += "S = Synapses(P, P, on_pre='h += 0.2')\nS.connect()\n"
    text += "@network_operation(when='start')\ndef note():\n    Path(f'pid_{os.getpid()}').touch()\nrun(10**6*second)\n"
    (tmp_path / "network.py").write_text(text, encoding="utf-8")
    code = "from eisim import brian\nbrian.ablate('network.py', seeds=2, controls=False)"
    begun = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while len(pids := [int(file.name[4:]) for file in tmp_path.glob("pid_*")]) < 2:
        assert begun.poll() is None
        time.sleep(0.1)
    begun.send_signal(signal.SIGINT)
    begun.communicate(timeout=60)
    assert begun.returncode
    for _ in range(100):
        if not any(map(runs, pids)):
            break
        time.sleep(0.1)
    assert not any(map(runs, pids))


def runs(pid):
    """Whether a process is there and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="forks")
def test_one_program_for_all_fractions_and_seeds(tmp_path):
    text = texts("depressing, jumping, own seeds")[0].replace("seed(7)\nnp.random.seed(8)\n", "")
    quick = "prefs.codegen.cpp.extra_compile_args_gcc = ['-w', '-O0', '-std=c++11']\n"
    path = tmp_path / "network.py"
    path.write_text(text.replace("np.random.rand(len(S))", "'rand()'").replace(START, START + quick), encoding="utf-8")
    result = brian.ablate(path, (0.5, 1), seeds=2, controls=False, score=own, backend="cpp")
    assert result.identical is True and result.backend == "cpp" and not result.notes
    assert (np.diff(result.rates[:, :, 0], axis=0) > 0).all() and len(set(result.scores.ravel())) == 6
    with pytest.raises(InputError, match=r"network.py runs twice: use backend='runtime'"):
        path.write_text(path.read_text(encoding="utf-8") + "run(1*ms)\n", encoding="utf-8")
        brian.ablate(path, (1,), seeds=1, controls=False, backend="cpp")
