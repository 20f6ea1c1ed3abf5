"""A response as labelled arrays and as tables."""

import numpy as np

from eisim.base.errors import InputError
from eisim.report.tabular import array
from eisim.simulation.response import Response
from eisim.stimuli import afferent_names


def shaped(values: np.ndarray, beyond: int) -> np.ndarray:
    """Values with an axis of seeds in front, also for one seed; `beyond` axes follow that of trials."""
    return values if values.ndim == beyond + 2 else values[None]


def seeds_of(response: Response) -> np.ndarray:
    """Seeds of the axis of seeds; their numbers if they are not known."""
    n = len(shaped(response.readouts, 1))
    seeds = np.array(response.seeds if len(response.seeds) == n else range(n))
    return seeds.astype(np.int32 if seeds.max(initial=0) < 2**31 else float)  # NetCDF 3 has no larger integers


def readout_names(response: Response) -> list[str]:
    """Name of each output: that of the population, with the number of the neuron if it has more."""
    circuit = response.circuit
    return afferent_names([(r.population, circuit.population(r.population).size) for r in circuit.readouts])


def dataset(response: Response):
    """The response as an `xarray.Dataset`."""
    import xarray as xr

    circuit, readouts = response.circuit, shaped(response.readouts, 1)
    populations = circuit.populations
    sizes = [p.size for p in populations]

    def of_all(values, beyond):
        return np.concatenate([shaped(values[p.name], beyond) for p in populations], axis=2)

    rates = of_all(response.rates, 1)
    thresholds = circuit.readout_thresholds
    of_output, of_neuron = "rate of the output over the read-out window", "rate of the neuron over the read-out window"
    decision = {"long_name": "whether the output exceeds its decision threshold"}
    variables = {
        "readout_rate": array("seed trial readout", readouts, of_output, "Hz"),
        "decision": (("seed", "trial", "readout"), readouts > thresholds, decision),
        "rate": array("seed trial neuron", rates, of_neuron, "Hz"),
    }
    numbers = np.concatenate([np.arange(n, dtype=np.int32) for n in sizes])
    coordinates = {
        "seed": (("seed",), seeds_of(response), {"long_name": "seed of the noise"}),
        "trial": (("trial",), np.arange(rates.shape[1], dtype=np.int32)),
        "readout": (("readout",), np.array(readout_names(response), dtype=str)),
        "threshold": array("readout", thresholds, "decision threshold", "Hz"),
        "population": (("neuron",), np.repeat([p.name for p in populations], sizes)),
        "sign": (("neuron",), np.repeat([p.sign for p in populations], sizes)),
        "number": (("neuron",), numbers, {"long_name": "number of the neuron in its population"}),
    }
    if any(p.cell_type for p in populations):
        types = np.repeat([p.cell_type for p in populations], sizes)
        coordinates["cell_type"] = (("neuron",), types, {"long_name": "cell type, where one is given"})
    if any(p.silenced for p in populations):
        quiet = np.concatenate([np.isin(np.arange(p.size), p.silenced) for p in populations])
        meaning = "whether the neuron was silenced: it sends nothing, and its rate is 0"
        coordinates["silenced"] = (("neuron",), quiet, {"long_name": meaning})
    arrays = {name: found for name, found in response.traces.stored.items() if isinstance(found, np.ndarray)}
    if arrays:
        traces = of_all(arrays, 2)
        times = (np.arange(traces.shape[-1]) + 1) * response.dt
        in_time = "rate of the neuron at the end of each time step"
        variables["rate_in_time"] = array("seed trial neuron time", traces, in_time, "Hz")
        coordinates["time"] = array("time", times, "time since the trial began", "s")
    of_spikes = ("time_s", "population", "neuron", "seed", "trial")
    taken = {*variables, *coordinates, "spike", *(f"spike_{column.removesuffix('_s')}" for column in of_spikes)}
    taken |= {"recorded_trial", "recorded_time"}

    def own(population, what):
        """The name of what is a population's, with a dot where it would be that of something else."""
        name, joint = f"{population}_{what}", "."
        while name in taken:
            name, joint = f"{population}{joint}{what}", joint + "."
        taken.add(name)
        return name

    ends = ("source", "target")
    for name, recording in response.traces.recordings.items():
        within = "recorded_synapse" if recording.ends else "neuron"
        axes = {"trial": "recorded_trial", recording.axis: own(name, within), "time": "recorded_time"}
        axes |= {end: own(name, f"recorded_{end}") for end in ends if recording.ends}
        found = recording.to_xarray().rename(axes)
        variables |= {own(name, variable): found[variable].variable for variable in found.data_vars}
        coordinates |= {axis: found[axis].variable for axis in axes.values()}
    for name, weights in response.weights.items():
        synapse, weight = own(name, "synapse"), own(name, "weight")
        of_all_seeds = shaped(weights.values, 1)
        variables[weight] = (("seed", "trial", synapse), of_all_seeds, weights.attrs)
        coordinates |= {own(name, end): (synapse, weights[end].values, weights[end].attrs) for end in ends}
    if response.spikes:
        spikes = spike_frame(response)
        about = {"time": {"units": "s", "long_name": "time of the spike since its trial began"}}
        for column in of_spikes:
            values, what = spikes[column], column.removesuffix("_s")
            values = values.astype(str).to_numpy(dtype=str) if what == "population" else values.to_numpy()
            variables[f"spike_{what}"] = ("spike", values, about.get(what, {}))
    attributes = {
        "circuit": circuit.name,
        "kind": circuit.kind,
        "duration_s": response.duration,
        "window_s": response.window,
        "dt_s": response.dt,
    }
    return xr.Dataset(variables, coordinates, attributes)


def silenced(population) -> str:
    """The text that follows the name of a population in a figure: ``", 3 of 10 silenced"``, or nothing."""
    number = len(getattr(population, "silenced", ()))
    return f", {number} of {population.size} silenced" if number else ""


def frame(response: Response):
    """Rate and decision of each output, one row for each seed, trial and output, as a pandas DataFrame."""
    import pandas

    readouts = shaped(response.readouts, 1)
    index = pandas.MultiIndex.from_product(
        [seeds_of(response), range(readouts.shape[1]), readout_names(response)], names=["seed", "trial", "readout"]
    )
    decisions = readouts > response.circuit.readout_thresholds
    columns = {"rate_hz": readouts.ravel(), "decision": decisions.ravel()}
    return pandas.DataFrame(columns, index).reset_index()


def spike_frame(response: Response):
    """Spikes of inputs and populations, one row each, in order of time, as a pandas DataFrame."""
    import pandas

    if not response.spikes:
        raise InputError("spikes_to_dataframe: expected the recorded response of a spiking circuit, found no spikes")
    signs = {i.name: "E" for i in response.circuit.inputs} | {p.name: p.sign for p in response.circuit.populations}
    names = list(response.spikes)
    trials = next(iter(response.rates.values())).shape[-2]
    source = np.repeat(np.arange(len(names)), [s.step.size for s in response.spikes.values()])
    copy, neuron, step = (
        np.concatenate([getattr(s, part) for s in response.spikes.values()]) for part in ("copy", "neuron", "step")
    )
    order = np.argsort(step, kind="stable")
    columns = {
        "population": pandas.Categorical.from_codes(source, names),
        "sign": pandas.Categorical.from_codes(np.array(["EI".index(signs[n]) for n in names])[source], ["E", "I"]),
        "neuron": neuron,
        "seed": seeds_of(response)[copy // trials],
        "trial": copy % trials,
        "time_s": step * response.dt,
    }
    if types := {p.name: p.cell_type for p in response.circuit.populations if p.cell_type}:
        each = [types.get(name, "") for name in names]
        known = list(dict.fromkeys(each))
        columns["cell_type"] = pandas.Categorical.from_codes(np.array([*map(known.index, each)])[source], known)
    if any(p.silenced for p in response.circuit.populations):
        quiet = {p.name: p.silenced for p in response.circuit.populations}
        columns["silenced"] = np.concatenate([np.isin(s.neuron, quiet.get(n, ())) for n, s in response.spikes.items()])
    return pandas.DataFrame(columns).iloc[order].reset_index(drop=True)


def trace_frame(response: Response):
    """Recorded variables, one row for each neuron, seed, trial and time, as a pandas DataFrame."""
    import pandas

    if not (recordings := response.traces.recordings):
        raise InputError(
            "traces_to_dataframe: expected the response of a simulation with a dict as record, such as "
            "record={'E': ['v']}, found no variables"
        )
    circuit, parts, units = response.circuit, [], {}
    signs = {p.name: p.sign for p in circuit.populations}
    signs |= {p.name: "E" if circuit.sign(p) > 0 else "I" for p in circuit.learning_projections}
    for name, found in recordings.items():
        axes = {"seed": found.seeds, "trial": found.trials, "neuron": found.neurons, "time_s": found.times}
        index = pandas.MultiIndex.from_product(axes.values(), names=axes)
        columns = {variable: values.ravel() for variable, values in found.values.items()}
        part = pandas.DataFrame(columns, index).reset_index()
        part.insert(0, "population", name)
        part.insert(1, "sign", signs[name])
        parts.append(part)
        units |= found.units
    whole = pandas.concat(parts, ignore_index=True)
    for column, names in (("population", list(recordings)), ("sign", ["E", "I"])):
        whole[column] = pandas.Categorical(whole[column], names)
    whole.attrs["units"] = units
    return whole
