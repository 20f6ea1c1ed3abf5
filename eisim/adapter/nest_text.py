"""Numbers, distributions and rules of connections as text of scripts for NEST."""

import numpy as np

from eisim.adapter.brian2_text import quoted
from eisim.distributions import Distribution, Lognormal, Normal
from eisim.weights import AllToAll, FixedInDegree, FixedOutDegree, FixedProbability, FixedTotalNumber, Rule

#: Arrays of more numbers than this are not written out.
WRITTEN_OUT = 20
#: Functions of scripts that need them.
HELPERS = {
    "connect": '''def connect(sources, targets, i, j, **of_each):
    """Synapses from sources i to targets j."""
    given = {name: value if isinstance(value, str) else np.full(len(i), value) for name, value in of_each.items()}
    nest.Connect(np.array(sources.tolist())[i], np.array(targets.tolist())[j], "one_to_one", given)
''',
    "given": '''def given(nodes, i, steps):
    """Let spike generators i fire in these time steps."""
    i, steps = np.array(i, int), np.array(steps, int)
    nodes.set([{"spike_times": times(steps[i == k])} for k in range(len(nodes))])
''',
    "of_each": '''def of_each(nodes, **values):
    """Set what differs between nodes, of which a process may have a share."""
    nodes.set([dict(zip(values, some)) for some in zip(*values.values())])
''',
    "regular": '''def regular(rate, phase):
    """Time steps of the spikes of a regular train: those in which a cycle is complete."""
    cycles = np.floor(phase + rate*dt*1e-3*np.arange(round(options.duration/dt) + 1) + 1e-9)
    return np.flatnonzero(np.diff(cycles))
''',
    "times": '''def times(steps):
    """Times of spikes one step early, which a longer delay makes up for; none is 0."""
    return np.round(np.maximum(steps, 1)*dt, 9)
''',
}
#: What scripts say of their options, in one line each, before they build anything.
CHECKS = """if not 0 < options.seed < 2**32 or options.threads < 1:
    parser.error("--seed and --threads: expected whole numbers from 1 on")
if not 0 <= options.warm_up < options.duration < np.inf:
    parser.error("--warm-up: expected from 0 to less than the duration")
if any(abs(time/dt - round(time/dt)) > 1e-6 for time in (options.duration, options.warm_up)):
    parser.error(f"--duration and --warm-up: expected whole numbers of time steps of {dt} ms")
if options.out and not Path(options.out).absolute().parent.is_dir():
    parser.error("--out: expected a file in a folder that exists")
"""
CHECK_OF_ARRAYS = """if options.out and Path(f"{options.out.removesuffix('.npz')}.npz").resolve() == file.resolve():
    parser.error("--out: expected another file than that of the arrays, which the script reads")
arrays = np.load(file)
"""
#: How scripts end.
LAST = """
found = {}
where = f", process {nest.Rank()}" if nest.num_processes > 1 else ""
for name, neurons in populations.items():
    events, here = recorders[name].events, np.sum(neurons.local)
    found[f"{name} neuron"], found[f"{name} time"] = events["senders"] - neurons[0].global_id, events["times"]
    rate = len(events["times"])/(max(here, 1)*(options.duration - options.warm_up)*1e-3)
    print(f"{name}: {rate:g} spikes/s ({here} of {len(neurons)} neurons{where})")
if options.out:
    np.savez(f"{options.out.removesuffix('.npz')}{f'-{nest.Rank()}' if where else ''}.npz", **found)
"""


def number(value: float) -> str:
    """A number with the digits that it has in a unit of eisim, not those of rounding by the factor between units."""
    return repr(float(f"{float(value) + 0.0:.15g}"))


def rows_of(values: np.ndarray) -> str:
    """A short array, written out."""
    whole = values.dtype.kind in "iu"
    return f"[{', '.join(str(value) if whole else number(value) for value in values.tolist())}]"


def words(values: dict[str, str]) -> str:
    """A dictionary of such texts."""
    return f"{{{', '.join(f'{quoted(name)}: {value}' for name, value in values.items())}}}"


def is_one_number(law: Distribution) -> bool:
    """Whether a distribution has no width."""
    return float(np.ptp(law.quantile([1e-3, 1 - 1e-3], signed=True))) == 0


def law_of(law: Distribution, factor: float, cut: bool = True) -> str | None:
    """A distribution of numbers in SI units, times a factor of either sign; ``None`` where NEST has none.

    `cut`: of magnitudes, which are above 0.
    """
    mean, sd = law.mean * factor, law.sd * abs(factor)
    if is_one_number(law):
        return number(mean)
    if isinstance(law, Normal):
        found = f"nest.random.normal(mean={number(mean)}, std={number(sd)})"
        least = number(law.minimum * factor)
        ends = f"{least}, np.inf" if factor > 0 else f"-np.inf, {least}"
        return f"nest.math.redraw({found}, {ends})" if cut else found
    if isinstance(law, Lognormal):
        variance = np.log1p((law.sd / law.mean) ** 2)
        mu = np.log(law.mean * abs(factor)) - variance / 2
        sign = "-1.0*" if factor < 0 else ""
        return f"{sign}nest.random.lognormal(mean={number(mu)}, std={number(np.sqrt(variance))})"
    return None


def rule_of(rule: Rule, shape: tuple[int, int], recurrent: bool) -> dict[str, str] | None:
    """A rule as NEST's; ``None`` where it has none that draws the same. `recurrent`: both are the same neurons."""
    single = {"allow_autapses": str(bool(rule.autapses))} if recurrent else {}
    if isinstance(rule, AllToAll) and not rule.silent:
        return {"rule": '"all_to_all"'} | single
    if isinstance(rule, FixedProbability):
        return {"rule": '"pairwise_bernoulli"', "p": repr(float(rule.probability))} | single
    if isinstance(rule, FixedTotalNumber) and rule.multapses:
        return {"rule": '"fixed_total_number"', "N": str(rule.total)} | single
    if not isinstance(rule, (FixedInDegree, FixedOutDegree)):
        return None
    inward = isinstance(rule, FixedInDegree)
    degree = rule.in_degree if inward else rule.out_degree
    several = bool(getattr(rule, "multapses", False))
    if not several and degree == shape[0 if inward else 1] - bool(recurrent and not rule.autapses):
        return {"rule": '"all_to_all"'} | single  # which NEST would look for long
    name, of = ("fixed_indegree", "indegree") if inward else ("fixed_outdegree", "outdegree")
    return {"rule": quoted(name), of: str(degree)} | single | {"allow_multapses": str(several)}


def number_or_law(given, factor: float) -> str | None:
    """One number or a distribution, times a factor; ``None`` where NEST has none."""
    return law_of(given, factor) if isinstance(given, Distribution) else number(given * factor)


def listed(items) -> str:
    """Words as one reads them: with commas, and the last with "and"."""
    *most, last = items or [""]
    return " and ".join(filter(None, (", ".join(most), last)))
