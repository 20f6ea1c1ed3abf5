"""Circuits as scripts for NEST, which run without eisim, on one machine or, by MPI, on several."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eisim.adapter.nest_models import obstacles
from eisim.adapter.nest_writer import Writer
from eisim.base.errors import InputError, explains_arguments
from eisim.base.files import save
from eisim.base.timing import Timing
from eisim.base.units import to_si
from eisim.base.values import Brief
from eisim.circuit import Circuit
from eisim.weights import Independent

#: Of which time steps of NEST are multiples, in s.
_TIC = 1e-6


@dataclass(frozen=True, eq=False, repr=False)
class NestScript(Brief):
    """A circuit as a script for NEST.

    Attributes
    ----------
    note : str
        What of the circuit's responses is the same in NEST, and what is not.
    text : str
        The script. It reads its arrays, if there are any, from the file of its own name that ends in ``.npz``.
    arrays : dict of str to ndarray
        Numbers that are not written out in it, by name.
    """

    note: str
    text: str
    arrays: dict[str, np.ndarray]

    def __repr__(self):
        size = sum(array.nbytes for array in self.arrays.values())
        return f"<NestScript: {len(self.text.splitlines())} lines, {size:,} bytes of arrays>"

    def save(self, path) -> None:
        """Write the script to a file that ends in ``.py``, and its arrays beside it."""
        path = Path(path)
        if path.suffix != ".py":
            raise InputError(f"NestScript.save: path: expected a name that ends in .py, found {str(path)!r}")
        if self.arrays:
            buffer = io.BytesIO()
            np.savez_compressed(buffer, **self.arrays)
            save(path.with_suffix(".npz"), buffer.getvalue())
        save(path, self.text.encode())


@explains_arguments
def to_nest(circuit: Circuit, stimulus=None, *, duration=300e-3, dt=0.1e-3) -> NestScript:
    """The script of a spiking circuit for NEST 3, which runs without eisim.

    Parameters
    ----------
    circuit : Circuit
    stimulus : array_like of shape (inputs,) or (time, inputs), optional
        Of one trial, in units of each input's rate or current; 1 for every afferent by default. Frames of
        time-varying stimuli are of equal length and fill the duration.
    duration : quantity
        In s; an option of the script unless the stimulus varies with time.
    dt : quantity
        Time step, in s.

    Returns
    -------
    NestScript

    Raises
    ------
    InputError
        For what NEST has no model for, all of it by name in one line; or stimuli and times that do not fit.

    Notes
    -----
    Rules of connections, and distributions of weights and delays, that NEST has are written as such and drawn by NEST.
    All other synapses are those that eisim draws, as arrays. So LIF neurons without noise and Poisson trains, whose
    synapses are not drawn by NEST, spike at the same time steps as in `eisim.simulate`; else responses are equal in
    distribution. Between neurons, delays are at least one time step in NEST.

    Examples
    --------
    >>> from eisim import to_nest
    >>> from models import brunel
    >>> "fixed_indegree" in to_nest(brunel.circuit(size=0.1)).text
    True
    """
    timing = Timing(duration, duration, dt)
    if abs(timing.dt / _TIC - max(round(timing.dt / _TIC), 1)) > 1e-6:
        raise InputError(
            f"to_nest: dt: expected a whole number of microseconds, as NEST has, found {timing.dt * 1e3:g} ms"
        )
    if found := list(_obstacles(circuit)):
        raise InputError(
            f"to_nest: expected a circuit of what NEST has models for, found {'; '.join(found)} in {circuit.name!r}"
        )
    return NestScript(*Writer(circuit, _stimulus(circuit, stimulus, timing), timing).script())


def _obstacles(circuit: Circuit) -> Iterator[str]:
    for p in circuit.populations:
        yield from obstacles(circuit, p)
    yield from (f"the fluctuation of the current {i.name!r}" for i in circuit.inputs if i.fluctuation)
    for q in circuit.projections:
        of = f"of projection {q.name!r}"
        if q.learning:
            yield f"the learning {of} ({q.learning.name}; see eisim.freeze)"
        if q.transient:
            yield f"the transient loss {of}"
        if q.plasticity and isinstance(q.weights, Independent):
            yield f"the short-term plasticity {of}, a Poisson drive"


def _stimulus(circuit, stimulus, timing):
    """Stimulus of every afferent: shape (inputs,), or (time, inputs)."""
    n, what = circuit.n_inputs, "to_nest: stimulus"
    values = np.ones(n) if stimulus is None else to_si(stimulus, "1", what)
    if values.ndim not in (1, 2) or values.shape[-1] != n or not values.size:
        raise InputError(f"{what}: expected shape ({n},) or (time, {n}), found {values.shape}")
    sizes = [i.size for i in circuit.inputs]
    fires = np.repeat([not i.is_current for i in circuit.inputs], sizes)
    if (least := values[..., fires].min(initial=0)) < 0:
        raise InputError(f"{what}: expected 0 or more (a rate is not negative), found {least:g}")
    if values.ndim == 2 and timing.steps % len(values):
        expected = f"a number of time frames that divides the {timing.steps:,} time steps"
        raise InputError(f"{what}: expected {expected}, found {len(values)}")
    sends = {q.source for q in circuit.projections if not isinstance(q.weights, Independent)}
    trains = [i.rate * (i.name in sends and not i.is_current and i.spikes is None) for i in circuit.inputs]
    if (fastest := (values * np.repeat(trains, sizes)).max()) * timing.dt > 1 + 1e-9:
        expected = f"at most one spike a time step ({1 / timing.dt:g} Hz)"
        raise InputError(f"{what}: expected rates of {expected}, found {fastest:g} Hz")
    return values
