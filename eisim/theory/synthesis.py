"""Synthesis: from a truth table to the circuit that computes it with the least inhibition."""

import math
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy import sparse

from eisim.base.errors import InputError, check_kind, explains_arguments
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.functions import TruthTable, patterns
from eisim.neurons import LIF, RateUnit
from eisim.theory.cells import AFFERENT_RATE, CELLS, SLACK, just_at_threshold
from eisim.theory.code import falls_code, minimal_true_points
from eisim.theory.graded import build_graded
from eisim.theory.inversion import floor_with, inversion_complexity
from eisim.theory.sample import Sample


@explains_arguments
def synthesize(
    function: TruthTable, inhibitory: int | None = None, kind: str = "spiking", neuron=None, graded: bool = False
) -> Circuit:
    """Build the circuit that computes a truth table, or the best that the allowed inhibition can do.

    Inhibitory neurons carry, bit by bit, the number of falls of the function up to the present input, each computed
    from the inputs and from the silence of the inhibitory neurons before it; the function is then monotone in the
    inputs and those silences, and each monotone function is an OR over coincidence units, one for each minimal
    true point.

    Parameters
    ----------
    function : TruthTable
    inhibitory : int, optional
        Number of inhibitory neurons: the inversion complexity unless given. With fewer, the circuit computes the
        closest function among those computable with this many inhibitory neurons. With more, the falls are carried in
        a longer code, and by several neurons each where that is long enough.
    kind : {"spiking", "rate"}
    neuron : RateUnit or LIF, optional
        The neuron to build from, in place of the default of that kind.
    graded : bool
        Let one inhibitory neuron carry the number of falls as its rate.

    Returns
    -------
    Circuit
        Input ``"x"``; inhibitory neurons ``"I1"``, ``"I2"``, ..., each after its excitatory units
        ``"coincidence_I1"``, ...; then ``"coincidence"`` and ``"readout"``.

    Raises
    ------
    InputError
        For a negative number of inhibitory neurons, an unknown kind, or a neuron of another kind or without threshold.

    Notes
    -----
    Markov, J. ACM 5:331 (1957); Mikulincer & Reichman, arXiv:2207.05275.

    Examples
    --------
    >>> from eisim import TruthTable, synthesize
    >>> synthesize(TruthTable("0110")).n_inhibitory
    1
    >>> synthesize(TruthTable("0110"), inhibitory=0).is_excitatory_only
    True
    """
    check_kind(kind, "synthesize")
    if neuron is not None and (getattr(neuron, "kind", None) != kind or just_at_threshold(neuron, 1) <= 0):
        raise InputError(f"synthesize: neuron: expected a {kind} neuron that is silent without input, found {neuron!r}")
    if graded:
        if neuron is not None or inhibitory not in (None, 1):
            found = f"inhibitory {inhibitory!r} and neuron {neuron!r}"
            raise InputError(f"synthesize: graded: expected one inhibitory neuron, and its own neurons, found {found}")
        return build_graded(function, kind)
    least = inversion_complexity(function)
    if inhibitory is None:
        inhibitory = least
    if not isinstance(inhibitory, (int, np.integer)) or inhibitory < 0:
        raise InputError(f"synthesize: inhibitory: expected a whole number of 0 or more, found {inhibitory!r}")
    if inhibitory < least:
        function = nearest_with(function, inhibitory)
    code = falls_code(function, inhibitory)
    return build(function.values[None], code[None], np.array([inhibitory]), kind, function.name, neuron)


@lru_cache(maxsize=1024)  # both kinds of circuit are built from it
def nearest_with(function: TruthTable, inhibitory: int) -> TruthTable:
    """A function computable with `inhibitory` inhibitory neurons, wrong on as few patterns as any such function."""
    sample = Sample(function.patterns, function.values.astype(float), np.ones(len(function.values)))
    _, values = floor_with(sample, inhibitory)
    kind = f"with {inhibitory} inhibitory" if inhibitory else "excitatory-only"
    return TruthTable("".join("01"[int(v)] for v in values), f"best {kind} for {function.name}")


def build(
    values: np.ndarray,
    code: np.ndarray,
    n_inhibitory: np.ndarray,
    kind: str,
    name: str,
    neuron: RateUnit | LIF | None = None,
) -> Circuit:
    """One circuit for several functions of the same inputs, in which units with the same input are one unit.

    It is as `synthesize` describes it, with one readout for each function. The values are functions × patterns; the
    code is what their inhibitory neurons carry in turn, functions × neurons × patterns, and false beyond as many
    neurons as a function has.
    """
    cells = CELLS[kind]
    neuron = neuron or cells.neuron
    excites, inhibits = just_at_threshold(neuron, 1), just_at_threshold(neuron, -1)
    drive_of_input = AFFERENT_RATE * excites * (neuron.excitation.area if kind == "spiking" else 1.0)
    n_inputs = values.shape[1].bit_length() - 1
    inputs_of = patterns(n_inputs)
    most = code.shape[1]
    carriers = np.full((len(values), most), -1)  # of each function, which neuron of the population carries each bit
    populations, projections = [], []
    for layer in range(most + 1):
        is_readout = layer == most
        target = "readout" if is_readout else f"I{layer + 1}"
        mine = np.arange(len(values)) if is_readout else np.flatnonzero(n_inhibitory > layer)
        silence = ~code[mine, :layer]
        minimal = minimal_true_points(values[mine] if is_readout else code[mine, layer], silence)
        of, at = np.nonzero(minimal)
        silenced_by = np.where(silence[of, :, at], carriers[mine[of], :layer], -1)
        gates, gate = _distinct_rows(np.column_stack([at, silenced_by]))
        onto = sparse.csr_array((np.ones(len(of)), (gate, of)), shape=(len(gates), len(mine)))
        if not is_readout:
            distinct, carriers[mine, layer] = _distinct_columns(onto)
            onto = onto[:, distinct]
        if len(gates):
            units = "coincidence" if is_readout else f"coincidence_{target}"
            excited_by = inputs_of[gates[:, 0]]
            needed = excited_by.sum(axis=1)
            # A unit that needs silence alone is driven tonically as the one input of other units would drive it.
            tonic = np.where(needed == 0, drive_of_input / (1 - SLACK), 0.0)
            populations.append(Population(units, "E", neuron, len(gates), tonic))
            from_input = excites * excited_by / np.maximum(needed - SLACK, SLACK)[:, None]
            projections.append(Projection("x", units, from_input.T))
            for k, sources in enumerate(gates[:, 1:].T):
                silenced = np.flatnonzero(sources >= 0)
                if len(silenced):
                    weights = np.full(len(silenced), cells.inhibition * inhibits)
                    shape = (carriers[:, k].max() + 1, len(gates))
                    matrix = sparse.csr_array((weights, (sources[silenced], silenced)), shape=shape)
                    projections.append(Projection(f"I{k + 1}", units, matrix))
            projections.append(Projection(units, target, cells.to_or * excites * onto))
        populations.append(Population(target, "E" if is_readout else "I", neuron, onto.shape[1]))
    inputs, readouts = [Input("x", n_inputs, AFFERENT_RATE)], [Readout("readout", cells.readout_threshold)]
    return Circuit(name, inputs, populations, projections, readouts)


def _distinct_rows(rows):
    """The distinct rows of whole numbers from -1 on, in order, and which of them each row is.

    By one number for each row, where there are enough numbers: NumPy compares rows cell by cell.
    """
    if len(rows) and math.prod(sizes := (rows.max(axis=0) + 2).tolist()) < 2**62:
        _, first, which = np.unique(np.ravel_multi_index((rows + 1).T, sizes), return_index=True, return_inverse=True)
        return rows[first], which.ravel()
    distinct, which = np.unique(rows, axis=0, return_inverse=True)
    return distinct, which.ravel()


def _distinct_columns(matrix):
    """The first of each kind of column of a sparse matrix, and the kind of each column."""
    matrix = matrix.tocsc()
    matrix.sort_indices()
    keys = [matrix.indices[a:b].tobytes() for a, b in pairwise(matrix.indptr)]
    kinds: dict[bytes, int] = {}
    kind = np.array([kinds.setdefault(key, len(kinds)) for key in keys])
    return np.unique(kind, return_index=True)[1], kind
