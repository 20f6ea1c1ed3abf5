"""Everything that Brian2 does: generating a program's code, or running a batch itself on NumPy."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import brian2 as b2
import numpy as np
from brian2.codegen.cpp_prefs import get_compiler_and_args
from brian2.devices.device import all_devices, get_device, reset_device, set_device

from eisim.base.brian import brian2_alone
from eisim.base.errors import InputError
from eisim.base.progress import Report
from eisim.neurons import Neuron
from eisim.simulation import device as _own  # noqa: F401 - it registers itself
from eisim.simulation.compilation import begin_make, begin_plain_make
from eisim.simulation.cuda import CUDA, NVCC_FLAGS
from eisim.simulation.job import OWN, PLAIN, Job, Outcomes
from eisim.simulation.naming import DRAWN, array, group_name, synapses_name
from eisim.simulation.network import BatchNetwork
from eisim.simulation.toolchain import find_compiler, flags_of

_PREFERENCES = {
    "codegen.cpp.extra_compile_args_gcc": [],  # Brian2 would run the compiler to try each; `begin_make` adds ours
    # As it is written: Brian2 would put terms in another order where parameters of a batch happen to be equal.
    "codegen.loop_invariant_optimisations": False,
    "core.default_float_dtype": np.float64,
    "core.stop_on_keyboard_interrupt": False,  # our own process is the one that is interrupted
    "devices.cpp_standalone.openmp_threads": 0,
}


def compile_program(
    job: Job, folder: Path, header: Callable[[], Path | None] | None, report: Report
) -> Callable[[], None]:
    """Generate the program of a job in an empty folder and begin to compile it; returns a function that waits.

    The header, of which `header` gives the place when it is compiled, is for programs that g++ compiles.
    """
    on_gpu = job.device == CUDA
    if on_gpu:
        import brian2cuda  # noqa: F401 - it registers its device

        for speaker in ("device", "utils.gputools"):  # of every preference
            b2.BrianLogger.suppress_hierarchy(f"brian2cuda.{speaker}", filter_log_file=False)
    with brian2_alone(), _device(job.device, build_on_run=False):
        if job.device == OWN:
            get_device().fuse(
                (group_name(name) for name, model in job.models.items() if model.finds_spikes),
                (group_name(name) for name, group in job.layout.groups.items() if isinstance(group.neuron, Neuron)),
            )
            get_device().resting = frozenset(map(group_name, job.resting))
            get_device().every = job.every if job.layout.recorders else 1
        network = BatchNetwork(job)  # its objects must live until the program is built
        network.run("std::cout << completed << std::endl;")
        device = get_device()
        _read_from_files(device, job)
        if not on_gpu:
            _spare_memory(device, job)
        device.build(directory=str(folder), compile=False, run=False)
        _check_static_arrays(device.static_arrays, job)
        compiler, _ = get_compiler_and_args()
        if compiler == "msvc":
            device.compile_source(str(folder), compiler, debug=False, clean=False)
    if compiler == "msvc":
        return lambda: None
    report("compiling (once, then cached)")
    return begin_plain_make(folder) if on_gpu else begin_make(folder, flags_of(find_compiler()), header())


def run_numpy(job: Job, report: Report) -> Outcomes:
    """Run a job on Brian2's NumPy target."""
    report("generating code")
    with brian2_alone(), _device("runtime"):
        b2.prefs["codegen.target"] = "numpy"
        network = BatchNetwork(job)
        for made, models in ((network.groups, job.models), (network.synapses, job.synapse_models)):
            for name, model in models.items():
                for variable, value in model.values.items():
                    getattr(made[name], variable + "_")[:] = value
        report("simulating")
        network.run(lambda elapsed, completed, start, duration: report("simulating", completed))
        variables = {o.name: o.variables for o in network.network.objects}

        def read(owner, variable, shape=None, recorded=False, state=False):
            return np.array(variables[owner][variable].get_value())

        return job.outcomes(read)


@contextmanager
def _device(name: str, **options) -> Iterator[None]:
    """Make a Brian2 device the active one for a while, with the preferences that our results rest on."""
    standalone, preferences = name != "runtime", dict(_PREFERENCES)
    if name == CUDA:
        preferences["devices.cuda_standalone.cuda_backend.extra_compile_args_nvcc"] = list(NVCC_FLAGS)
    if standalone and get_device() in (all_devices[name], all_devices[PLAIN if name == OWN else name]):
        raise InputError(
            "backend: Brian2's standalone device is in use by your own script and can hold one project; simulate "
            "before set_device, or with backend='numpy'"
        )
    gc.collect()  # Brian2 numbers the names of objects that live at once, and names are code
    before = {key: b2.prefs[key] for key in (*preferences, "codegen.target")}
    set_device(name, **options)
    try:
        for key, value in preferences.items():
            b2.prefs[key] = value
        if standalone:
            get_device().reinit()
            get_device().activate(**options)
        yield
    finally:
        if standalone:
            get_device().reinit()
        reset_device()
        for key, value in before.items():
            b2.prefs[key] = value


def _read_from_files(device, job):
    """Make the program read one-element arrays from files, as it does longer ones.

    Brian2 would write that number into the code, and programs would differ with their numbers.
    """
    ours = job.static_arrays()
    for k, (what, arguments) in enumerate(device.main_queue):
        if what in ("set_by_single_value", "set_by_constant"):
            name, dynamic = arguments[0], what == "set_by_constant" and arguments[2]
            if f"_static_array_{name}" in ours:
                file = device.static_array(name, ours[f"_static_array_{name}"])
                device.main_queue[k] = ("set_by_array", (name, file, dynamic))


def _spare_memory(device, job):
    """Make the program hold its synapses once, not three times: there may be a billion."""
    for bundle, synapses in job.layout.synapses.items():
        if bundle in job.drawn:
            continue
        for variable in ("_synaptic_pre", "_synaptic_post"):
            grown = array(synapses_name(bundle), variable, dynamic=True)
            device.insert_code("after_start", f"brian::{grown}.reserve({len(synapses.pre)});")
    for k, (bundle, synapses) in enumerate(job.drawn.items()):
        _draw(device, bundle, synapses, k, len(job.drawn))
    queue = []
    for what, arguments in device.main_queue:
        queue.append((what, arguments))
        if what == "set_by_array":
            queue.append(("insert_code", f"delete [] {arguments[1]}; {arguments[1]} = 0;"))  # it has been copied
    device.main_queue[:] = queue


def _draw(device, bundle, synapses, k, n):
    """Make the program draw the k-th of n bundles when it starts, with what its synapses have for themselves."""
    name = synapses_name(bundle)
    targets, weights, courses = (
        f"brian::{array(name, variable, dynamic=True)}" for variable in ("_synaptic_post", "w", "course")
    )
    own = (f"&{weights}" if synapses.weight.ndim else "NULL", f"&{courses}" if synapses.course.ndim else "NULL")
    arguments = ", ".join([f'"static_arrays/{name}{DRAWN}"', targets, *own, str(k), str(n)])
    device.insert_code("after_start", f"brian::{name}_pre.draw({arguments});")


def _check_static_arrays(generated, job):
    """The program must read exactly what `Job.static_arrays` will give it."""
    ours = job.static_arrays()
    wrong = set(generated) ^ set(ours) or {
        name for name, array in ours.items() if not np.array_equal(array.ravel(), np.ravel(generated[name]))
    }
    wrong |= {name for name in set(generated) & set(ours) if generated[name].dtype != ours[name].dtype}
    if wrong:
        raise RuntimeError(
            f"Brian2 {b2.__version__} names or lays out its arrays in another way than eisim expects: {sorted(wrong)}"
        )
