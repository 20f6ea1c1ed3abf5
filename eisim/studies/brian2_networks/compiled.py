"""One C++ program for all fractions and seeds of a script: built once, run in a process for each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import brian2
import numpy as np
from brian2.core.network import Network
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice, cpp_standalone_device

from eisim.base.errors import InputError
from eisim.studies.brian2_networks import hooking
from eisim.studies.brian2_networks.controlling import Amounts, Control, NotHadError, amounts_of
from eisim.studies.brian2_networks.finding import Change, changes_of
from eisim.studies.brian2_networks.scaling import at_random, scale, values
from eisim.studies.brian2_networks.session import PLAIN, Job, Outcome, Session

#: Environment variable by which the program is told what to add to its seeds.
ADDED = "EISIM_ADDED_TO_SEED"
NUMPY = "numbers that the script draws with NumPy before it runs are those of the first seed: the program has them"
SEEDED = """for (int _i=0; _i<{threads}; _i++)
    brian::_random_generators[_i].seed((unsigned long)({seed}L + atol(getenv("{name}"))) + _i);"""


class CompiledSession(Session):
    """A script that builds a program with what inhibits scaled by numbers that each run of the program is told."""

    def __init__(self, job: Job, sender=None, fraction: Any = None):
        super().__init__(job, sender, fraction)
        self.is_plain = job.runs == ((0, PLAIN),)
        self.is_deferred = self.is_built = False
        self.has_controls = any(isinstance(run, Control) for _, run in job.runs)
        self.scaled: list[Change] = []
        self.refused = ""
        self.recording = ExitStack()

    @property
    def found(self):
        """What was found in another process."""
        return self.job.found

    def at_run(self, objects: list, names: Mapping) -> None:
        """Rewrite what inhibits; a second run needs a script that builds the program itself."""
        self.runs += 1
        if self.runs > 1 and not self.is_deferred:
            raise InputError(f"{self.job.source.name} runs twice: use backend='runtime'")
        if not self.is_plain:
            known = {id(each.synapses) for each in self.scaled}
            synapses = [each for each in objects if isinstance(each, brian2.Synapses) and id(each) not in known]
            inhibition, excitation = (changes_of(self.found.rows, synapses, controls) for controls in (False, True))
            self._scale(inhibition)
            if self.has_controls:
                try:
                    self._scale(excitation)
                    self._scale(at_random(inhibition, excitation))
                except InputError as error:
                    self.refused = str(error)

    def _scale(self, changes) -> None:
        for change in changes:
            scale([change], Amounts())
            self.scaled.append(change)

    @contextmanager
    def _hooked(self) -> Iterator[None]:
        original = Network.run

        def run(network, duration, report=None, report_period=None, namespace=None, profile=None, level=0):
            names = hooking.users_namespace(level) if namespace is None else namespace
            objects = hooking.objects_of(network)
            self.at_run(objects, names)
            if self.runs == 1:
                self.recording.enter_context(self.recorder.recording(network, objects))
            original(network, duration, namespace=names, profile=profile)
            if not self.is_deferred:
                self._build()

        with hooking.replaced(Network, "run", run):
            yield

    def _build(self, *_, **__) -> None:
        """Build the program and part: what follows in the script is done by each run of its own."""
        if self.is_built:
            return
        self.is_built = True
        build(cpp_standalone_device, directory=self.job.folder, compile=True, run=False, with_output=False)
        self._part()
        os.environ[ADDED] = str(self.job.offset(self.replicate))
        if isinstance(self.fraction, Control) and self.refused:
            raise NotHadError(self.refused)
        if self.fraction != PLAIN:
            self.amounts = amounts_of(self.fraction, self.found.rows, self.job.seeds[self.replicate])
        told = {
            f"{change.synapses.name}.{name}": value
            for change in self.scaled
            for name, value in values(change, self.amounts).items()
        }
        run_program(
            cpp_standalone_device,
            self.job.folder,
            results_directory=f"results_{self.job.runs.index((self.replicate, self.fraction))}",
            with_output=False,
            run_args=[f"{name}={value!r}" for name, value in told.items()],
        )

    @contextmanager
    def _seeded(self) -> Iterator[None]:
        def seed(device, given=None):
            if given is not None and self.has_begun:
                self.notes.add(hooking.OWN_SEED)
            threads = max(1, brian2.prefs.devices.cpp_standalone.openmp_threads)
            base = self.job.seeds[0] if given is None else int(given)
            device.insert_code("main", SEEDED.format(threads=threads, seed=base, name=ADDED))

        self.has_begun = False
        with hooking.replaced(CPPStandaloneDevice, "seed", seed):
            first = self.job.seeds[0]
            with hooking.as_replicate(first, 0, set()):
                self.has_begun = True
                self.state = np.random.get_state()[1:3]  # noqa: NPY002 - Brian2's and its users'
                yield

    @contextmanager
    def _on_device(self) -> Iterator[None]:
        """The device is ours, whatever the script asks for; it says when to build if it asked to."""

        def own(device, build_on_run=True, **options):
            if device not in ("runtime", hooking.runtime_device):
                self.is_deferred = self.is_deferred or not build_on_run

        hooking.devices._do_set_device("cpp_standalone", build_on_run=False)
        with ExitStack() as stack:
            stack.enter_context(hooking.replaced(hooking.devices, "_do_set_device", own))
            stack.enter_context(hooking.replaced(CPPStandaloneDevice, "build", lambda device, *a, **k: self._build()))
            stack.enter_context(hooking.replaced(CPPStandaloneDevice, "run", hooking.refused_run))
            stack.enter_context(hooking.replaced(CPPStandaloneDevice, "delete", hooking.nothing))
            yield

    def said_of(self, error: BaseException) -> str:
        """What an error of the script is, which without a program had none."""
        said = super().said_of(error)
        return said if "backend='runtime'" in said else f"{said}; use backend='runtime'"

    def run(self) -> Outcome:
        """Run the script, and measure."""
        with ExitStack() as stack:
            stack.enter_context(hooking.without_surroundings())
            stack.enter_context(self._on_device())
            stack.enter_context(self._seeded())
            stack.enter_context(self._hooked())
            left = self.job.source.run(lambda: self.runs > 0)
            if not self.runs:
                self._refuse_no_run(left)
            if not self.is_built:
                raise InputError(f"{self.job.source.name}: expected a script that calls device.build(), found no call")
            state = np.random.get_state()[1:3]  # noqa: NPY002
            if len(self.job.seeds) > 1 and (state[1] != self.state[1] or np.any(state[0] != self.state[0])):
                self.notes.add(NUMPY)
            self.recording.close()
        return self.outcome(left)


build, run_program = CPPStandaloneDevice.build, CPPStandaloneDevice.run
