"""Circuits in the user's own files, and the functions that they should compute."""

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np

from eisim.adapter import to_dnn
from eisim.base.errors import InputError
from eisim.base.user_files import blamed_on, found_instead
from eisim.circuit import Circuit
from eisim.functions import REGIONS, TRUTH_TABLES, LabelledData, Region, TruthTable, patterns
from eisim.functions.truth_table import MAX_INPUTS
from eisim.simulation import simulate

Function = TruthTable | LabelledData
#: Neurons of all patterns that NumPy simulates sooner than a program is compiled.
FEW = 10_000
NOT_IN_FILES = re.compile(r'[\\/:*?"<>|\s]+')


@dataclass(frozen=True)
class OwnCircuit:
    """A circuit of the user's own."""

    name: str
    circuits: dict[str, Circuit]  # by kind
    functions: tuple[Function, ...]  # the function that each output should compute
    outputs: tuple[str, ...]  # their names
    notes: tuple[str, ...] = ()  # what was inferred or left out, as text
    without_dnn: str = ""  # why there is no DNN, static and unrolled; empty if there are both

    @property
    def are_truth_tables(self) -> bool:
        """Whether the function of every output is a truth table."""
        return all(isinstance(function, TruthTable) for function in self.functions)

    def circuit(self, kind: str) -> Circuit:
        """The circuit of a kind."""
        return self.circuits[kind]


def read_circuit(module: ModuleType, name: str, function, kinds: Sequence[str], times: dict[str, float]) -> OwnCircuit:
    """The circuit that a module defines as ``circuit``, a Circuit or a function from kind to Circuit.

    Kinds that it does not offer are left out, and the notes say so. `name` is for a circuit that has none.

    The function is a truth table or its bits or name, a region or its name, or labelled data; or one for each output. A
    word that is no such name ("decide") says what a task is for, and counts as none: then the truth tables are found by
    a simulation of these times (duration, window and dt, in s). Any fault of the module is an InputError of
    one line.
    """
    if not hasattr(module, "circuit"):
        found = found_instead(module, ["circuit"])
        raise InputError(f"{Path(module.__file__).name}: expected a definition of circuit, found {found}")
    circuits, notes = circuits_of(module, kinds)
    first = next(iter(circuits.values()))
    with blamed_on(module.__file__, "circuit"):
        for kind, circuit in circuits.items():
            if not circuit.n_readouts:
                raise InputError(f"{circuit.name!r}: readouts: expected at least one, found none")
            if (circuit.n_inputs, circuit.n_readouts) != (first.n_inputs, first.n_readouts):
                raise InputError(
                    f"expected as many inputs and outputs for both kinds, found {first.n_inputs} and "
                    f"{first.n_readouts} ({first.kind}), {circuit.n_inputs} and {circuit.n_readouts} ({kind})"
                )
    if isinstance(function, str) and function not in {*TRUTH_TABLES, *REGIONS} and set(function) - {"0", "1"}:
        function = None
    with blamed_on(module.__file__, "function" if hasattr(module, "function") else "FUNCTION"):
        if function is not None:
            functions = _functions(function, first)
        else:
            functions, found = _found(circuits, times)
            notes += found
    without_dnn = ""
    if all(isinstance(function, TruthTable) for function in functions):
        without_dnn = next(filter(None, (_why_no_dnn(c, times) for c in circuits.values())), "")
    if not any(p.sign == "I" for p in first.populations):
        notes += ("The circuit has no inhibitory population, so ablation changes nothing.",)
    named = zip(_outputs(first), functions, strict=True)
    names = tuple(output if isinstance(each, TruthTable) else each.name for output, each in named)
    return OwnCircuit(str(first.name) or name, circuits, functions, names, notes, without_dnn)


def circuits_of(module: ModuleType, kinds: Sequence[str]) -> tuple[dict[str, Circuit], tuple[str, ...]]:
    """Circuits of a file by kind, in the order of the kinds, and notes on kinds that are left out."""
    file, given = module.__file__, module.circuit
    with blamed_on(file, "circuit"):
        if isinstance(given, Circuit):
            makers = {given.kind: lambda: given}
        elif callable(given):
            makers = _makers(given, kinds)
        else:
            raise InputError(f"expected a Circuit or a function from kind to Circuit, found {given!r:.60}")
    circuits, left_out = {}, {}
    for kind, make in makers.items():
        if kind in kinds:
            try:
                with blamed_on(file, f"circuit({kind!r})" if kind else "circuit()"):
                    circuit = make()
                    if not isinstance(circuit, Circuit):
                        raise InputError(f"expected a Circuit, found {circuit!r:.60}")
                    if circuit.kind != kind:
                        raise InputError(f"expected a {kind} circuit, found a {circuit.kind} one")
                    circuits[kind] = circuit
            except InputError as error:
                left_out[kind] = str(error)
    left_out |= {kind: f"{Path(file).name} has a circuit of the other kind" for kind in kinds if kind not in makers}
    if not circuits:
        raise InputError(
            next((text for kind, text in left_out.items() if kind in makers), None)
            or f"{Path(file).name}: circuit: expected kind {' or '.join(kinds)}, found {' or '.join(makers)}"
        )
    notes = tuple(f"Left out, the {kind} circuit: {text}." for kind, text in left_out.items())
    return {kind: circuits[kind] for kind in kinds if kind in circuits}, notes


def _makers(function, kinds):
    """How to make the circuit of each kind."""
    parameters = inspect.signature(function).parameters
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if "kind" in parameters or takes_any:
        return {kind: lambda kind=kind: function(kind=kind) for kind in kinds}
    needed = [p.name for p in parameters.values() if p.default is p.empty and p.kind is not p.VAR_POSITIONAL]
    if needed:
        raise InputError(f"expected circuit() or circuit(kind), found circuit({', '.join(needed)})")
    found = function()
    if not isinstance(found, Circuit):
        raise InputError(f"expected a Circuit, found {found!r:.60}")
    return {found.kind: lambda: found}


def _functions(given, circuit) -> tuple[Function, ...]:
    """What each output should compute."""
    n = circuit.n_readouts
    if isinstance(given, LabelledData):
        return _of_classes(given, circuit)
    several = list(given) if isinstance(given, (list, tuple)) else [given]
    if len(several) != n:
        raise InputError(f"expected {n}, one for each output, found {len(several)}")
    functions = []
    for each in several:
        if isinstance(each, str):
            each = TRUTH_TABLES.get(each) or REGIONS.get(each) or TruthTable(each)
        if isinstance(each, Region):
            each = each.labelled()
        if isinstance(each, LabelledData):
            (each,) = _of_classes(each, circuit, 1)
        if not isinstance(each, TruthTable | LabelledData):
            raise InputError(f"expected a TruthTable, a Region or LabelledData, found {each!r:.60}")
        if each.n_inputs != circuit.n_inputs:
            raise InputError(f"expected one of {circuit.n_inputs} inputs, as the circuit has, found {each.n_inputs}")
        functions.append(each)
    return tuple(functions)


def _of_classes(data, circuit, n=None) -> tuple[LabelledData, ...]:
    """Labelled data as a function of 0 and 1 for each output: whether a point is of its class."""
    n = n or circuit.n_readouts
    if data.n_inputs != circuit.n_inputs:
        raise InputError(f"expected {circuit.n_inputs} inputs, as the circuit has, found {data.n_inputs}")
    if data.points.min() < 0:
        expected = "points of 0 or more (a rate is not negative)"
        raise InputError(f"{data.name}: expected {expected}, found {data.points.min():g}")
    classes = np.unique(data.targets)
    if len(classes) != max(n, 2):
        raise InputError(f"{data.name}: expected {max(n, 2)} classes for {n} outputs, found {len(classes)}")
    return tuple(
        replace(data, targets=(data.targets == c).astype(float), name=data.name if n == 1 else f"{data.name}: {c:g}")
        for c in classes[-n:]
    )


def _found(circuits, times):
    """The truth table of each output of the intact circuits, found by simulating all patterns."""
    first = next(iter(circuits.values()))
    if learning := [p.name for circuit in circuits.values() for p in circuit.learning_projections]:
        raise InputError(
            "expected function = a TruthTable, a Region or LabelledData, since what a circuit does while it learns is "
            f"no function of its inputs, found none, and that {learning[0]} learns (`run plasticity` blocks inhibition "
            "that learns; `eisim.freeze` gives the circuit as it has become)"
        )
    if first.n_inputs > MAX_INPUTS:
        why = f"since {first.n_inputs} inputs are too many to try all patterns (at most {MAX_INPUTS})"
        also = "" if first.n_inhibitory else ", and no inhibition to ablate"
        raise InputError(f"expected function = a TruthTable, a Region or LabelledData, {why}, found none{also}")
    bits = {}
    for kind, circuit in circuits.items():
        stimuli, neurons = patterns(circuit.n_inputs), sum(p.size for p in circuit.populations)
        backend = "numpy" if neurons * len(stimuli) <= FEW else "cpp"
        response = simulate(circuit.without_noise(), stimuli, **times, backend=backend)
        bits[kind] = ["".join("01"[int(value)] for value in column) for column in response.decisions.T]
    if len({tuple(each) for each in bits.values()}) > 1:
        found = "; ".join(f"the {kind} circuit computes {', '.join(each)}" for kind, each in bits.items())
        expected = "the same of both kinds, or function = ..."
        raise InputError(f"expected {expected}, found: {found} (--kind takes one of them)")
    tables = next(iter(bits.values()))
    how = "is what the intact circuit computes, simulated without noise"
    notes = (f"No function was given: {', '.join(tables)} {how}.",)
    if any(len(set(table)) == 1 for table in tables):
        notes += ("The circuit answers all patterns alike: see its weights, thresholds and times.",)
    names = _outputs(first)
    return tuple(TruthTable(table, name) for table, name in zip(tables, names, strict=True)), notes


def _outputs(circuit) -> tuple[str, ...]:
    """Names of the outputs: the circuit's if it has one, else those of the readout populations; good for files."""
    if circuit.n_readouts == 1:
        return (NOT_IN_FILES.sub("-", str(circuit.name)),)
    sizes = [(r.population, circuit.population(r.population).size) for r in circuit.readouts]
    names = [name if size == 1 else f"{name}[{k}]" for name, size in sizes for k in range(size)]
    return tuple(NOT_IN_FILES.sub("-", name) for name in names)


def _why_no_dnn(circuit, times) -> str:
    """Why a circuit has no DNN, static and unrolled; empty if it has both."""
    try:
        quiet = circuit.without_noise()
        to_dnn(quiet)(patterns(circuit.n_inputs))
        to_dnn(quiet, unrolled=True, **times)
    except (InputError, ArithmeticError) as error:
        return str(error)
    return ""
