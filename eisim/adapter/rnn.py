r"""Recurrent networks of rate units as circuits: each cell keeps its identity, and where it can its sign.

A column of the recurrent weights holds what one cell sends. Where all of it has one sign, the cell is excitatory or
inhibitory, as it is; where it has both, the cell is excitatory and gets an inhibitory twin that receives what it
receives, so that the two have one rate at every step. One step of the network is one Euler step of the circuit.

A readout of both signs is no population: it would be one step late, and its rates could not be negative. So the
readout is applied to recorded rates (`RNN.decode`), which is exact at each step.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from eisim.base.errors import InputError, did_you_mean, explains_arguments
from eisim.base.units import Measured, scalar_si, to_si, warn_of_plain
from eisim.base.values import Brief, ReadOnly
from eisim.circuit import Circuit, Input, Population, Projection, Readout
from eisim.neurons import Logistic, RateUnit, RectifiedTanh, Softplus, ThresholdLinear, WilsonCowan

#: Activations by the names that networks have for them, as functions of plain numbers.
ACTIVATIONS: dict[str, RateUnit] = {
    "relu": ThresholdLinear(),
    "softplus": Softplus(scale=1.0),
    "sigmoid": Logistic(slope=1.0, maximum=1.0),
    "logistic": Logistic(slope=1.0, maximum=1.0),
    "tanh": WilsonCowan(slope=0.5, maximum=2.0),
    "retanh": RectifiedTanh(slope=1.0, maximum=1.0),
}
#: Time step of networks of files and modules, which do not say how long it is.
STEP = 10e-3
INPUT, NEGATED, TWINS = "input", "input_negated", "twins"
#: The sign of a cell whose column has both.
BOTH = "EI"


@dataclass(frozen=True, eq=False, repr=False)
class RNN(ReadOnly, Brief):
    r"""A recurrent network of rate units in discrete time.

    In the form ``"rate"`` (of PyTorch's ``nn.RNN``, with :math:`\alpha = 1`)

    .. math:: r_{t+1} = (1 - \alpha)\, r_t + \alpha\, \phi(W_\mathrm{rec} r_t + W_\mathrm{in} u_t + b)

    and in the form ``"current"`` (Song, Yang & Wang, PLoS Comput. Biol. 12:e1004792, 2016)

    .. math::
        x_{t+1} = (1 - \alpha)\, x_t + \alpha\, (W_\mathrm{rec} r_t + W_\mathrm{in} u_t + b), \qquad r_t = \phi(x_t)

    with :math:`\alpha = \Delta t/\tau \le 1` and outputs :math:`W_\mathrm{out} r_t + b_\mathrm{out}`. A rate of 1 is
    1 Hz. Both forms have the same fixed points, and both keep the order of inputs (T1) where no weight is negative.

    Attributes
    ----------
    W_in : array_like of shape (units, inputs)
    W_rec : array_like of shape (units, units)
        Column j is what cell j sends.
    b : array_like of shape (units,), optional
    W_out : array_like of shape (outputs, units), optional
    tau, dt : quantity
        Time constant and time step, in s.
    activation : str or RateUnit
        ``"relu"``, ``"softplus"``, ``"sigmoid"``, ``"tanh"``, ``"retanh"`` (the tanh of positive inputs, else 0), or a
        unit, whose time constant and form are replaced. Rates of tanh are differences from the resting rate, and may
        be negative: there a cell acts against its sign.
    signs : sequence of {"E", "I", "EI"} or of numbers of either sign, optional
        Of each cell, checked against its column; ``"EI"`` is an excitatory cell with an inhibitory twin. By default
        columns decide; cells that send nothing are excitatory.
    form : {"rate", "current"}
    b_out : array_like of shape (outputs,), optional
    initial : array_like of shape (units,), optional
        Rates at the start, or x in the form ``"current"``; 0 by default.
    noise : float
        :math:`\sigma` of the noise :math:`\sqrt{2\alpha\sigma^2}\,N(0, 1)` that each step but the first adds to x. In
        the form ``"rate"`` it is part of the argument of :math:`\phi`, as :math:`\sqrt{2\sigma^2/\alpha}\,N(0, 1)`.
    signed_inputs : bool
        Whether inputs may be negative although no weight of `W_in` is. Then they are injected as currents; so are they
        where a weight is negative, since afferents are excitatory.
    name : str

    Raises
    ------
    InputError
        For shapes that do not fit each other, numbers that are not finite, a step longer than the time constant, an
        unknown activation, or a sign that a column contradicts.

    Examples
    --------
    >>> from eisim import RNN
    >>> rnn = RNN([[1.0], [0.5]], [[0.0, -1.0], [1.0, 0.0]], W_out=[[1.0, -1.0]], tau=0.1, dt=0.02)
    >>> rnn.signs, rnn.circuit.n_inhibitory
    (('E', 'I'), 1)
    >>> rnn([[[1.0], [1.0]]])[0, :, 0].round(3)
    array([0.1 , 0.12])
    """

    W_in: Any
    W_rec: Any
    b: Any = None
    W_out: Any = None
    tau: Any = None
    dt: Any = None
    activation: Any = "relu"
    signs: Any = field(default=None, kw_only=True)
    form: Literal["rate", "current"] = field(default="rate", kw_only=True)
    b_out: Any = field(default=None, kw_only=True)
    initial: Any = field(default=None, kw_only=True)
    noise: float = field(default=0.0, kw_only=True)
    signed_inputs: bool = field(default=False, kw_only=True)
    name: str = field(default="RNN", kw_only=True)

    def __post_init__(self):
        recurrent = self._hold("W_rec", None)
        n = recurrent.shape[0] if recurrent.ndim == 2 else 0
        if not n or recurrent.shape != (n, n):
            raise InputError(f"RNN: W_rec: expected shape (units, units), found {recurrent.shape}")
        self._hold("W_in", (n, None))
        self._hold("b", (n,), 0.0)
        if self.W_out is not None:
            self._hold("W_out", (None, n))
            self._hold("b_out", (len(self.W_out),), 0.0)
        elif self.b_out is not None:
            raise InputError("RNN: b_out: expected it with W_out, found no W_out")
        self._hold("initial", (n,), 0.0)
        if self.form not in ("rate", "current"):
            raise InputError(f"RNN: form: expected 'rate' or 'current', found {self.form!r}")
        if not isinstance(self.name, str):
            raise InputError(f"RNN: name: expected a text, found {self.name!r:.60}")
        self._check_times()
        object.__setattr__(self, "noise", scalar_si(self.noise, "1", "RNN: noise"))
        if self.noise < 0:
            raise InputError(f"RNN: noise: expected 0 or more, found {self.noise:g}")
        if not isinstance(self.signed_inputs, (bool, np.bool_)):
            raise InputError(f"RNN: signed_inputs: expected True or False, found {self.signed_inputs!r:.60}")
        object.__setattr__(self, "activation", self._unit())
        object.__setattr__(self, "signs", self._signs())

    def _hold(self, name, shape, default=None) -> np.ndarray:
        """Hold a read-only array of this shape, in which ``None`` is any number of 1 or more."""
        given = getattr(self, name)
        if given is None and default is not None:
            given = np.full(shape, default)
        if hasattr(given, "detach"):  # a tensor of PyTorch, which may need its gradient, or live elsewhere
            given = given.detach().cpu().numpy()
        array = to_si(given, "1", f"RNN: {name}")
        fits = shape is None or len(shape) == array.ndim
        if shape and not (fits and all(m == n if n else m for m, n in zip(array.shape, shape, strict=True))):
            wanted = ", ".join(str(n) if n else {"W_in": "inputs", "W_out": "outputs"}[name] for n in shape)
            raise InputError(f"RNN: {name}: expected shape ({wanted}{',' * (len(shape) == 1)}), found {array.shape}")
        array.flags.writeable = False
        object.__setattr__(self, name, array)
        return array

    def _check_times(self):
        for name in ("tau", "dt"):
            given, what = getattr(self, name), f"RNN: {name}"
            time = scalar_si(given, "second", what)
            if time <= 0:
                raise InputError(f"{what}: expected more than 0, found {time:g} s")
            warn_of_plain(given, "second", what)
            object.__setattr__(self, name, time)
        if self.dt > self.tau:
            found = f"found {self.dt * 1e3:g} ms"
            raise InputError(f"RNN: dt: expected at most the time constant, {self.tau * 1e3:g} ms, {found}")

    def _unit(self) -> RateUnit:
        """The unit of every cell: with its time constant and form."""
        given = self.activation
        if isinstance(given, str):
            if given not in ACTIVATIONS:
                known = ", ".join(ACTIVATIONS)
                raise InputError(
                    f"RNN: activation: expected one of {known}, or a rate unit such as Softplus(), found {given!r:.60}"
                    f"{did_you_mean(given, ACTIVATIONS)}"
                )
            given = ACTIVATIONS[given]
        if not isinstance(given, RateUnit):
            raise InputError(
                "RNN: activation: expected a name such as 'relu', or a rate unit such as Softplus(), found "
                f"{given!r:.60}"
            )
        if given.refractory or given.noise:
            raise InputError(f"RNN: activation: expected a unit without refractory period and noise, found {given!r}")
        return replace(given, tau=self.tau, form=self.form)

    def _signs(self) -> tuple[str, ...]:
        """The sign of each cell."""
        positive, negative = (self.W_rec > 0).any(axis=0), (self.W_rec < 0).any(axis=0)
        if self.signs is None:
            return tuple(np.where(negative, np.where(positive, BOTH, "I"), "E").tolist())
        given = self.signs.tolist() if hasattr(self.signs, "detach") else self.signs
        given = list(given) if np.iterable(given) and not isinstance(given, (Mapping, Set, bytes)) else given
        if not isinstance(given, list) or len(given) != self.size:
            found = f"{len(given)} of them" if isinstance(given, list) else f"{given!r:.60}"
            raise InputError(f"RNN: signs: expected 'E' or 'I' for each of {self.size} cells, found {found}")
        signs = tuple(map(_sign_of, given))
        for sign, wrong in (("E", self.W_rec < 0), ("I", self.W_rec > 0)):
            against = np.argwhere(wrong.T & (np.array(signs) == sign)[:, None])
            if len(against):
                cell, onto = map(int, against[0])
                law = "no negative weight" if sign == "E" else "no positive weight"
                raise InputError(
                    f"RNN: signs: cell {cell}: expected {law} in its column of W_rec, since it is {sign!r} (Dale's "
                    f"law), found {self.W_rec[onto, cell]:g} onto cell {onto}"
                )
        return signs

    def __repr__(self):
        counts = f"{len(self._cells('E'))} E and {len(self._cells('I'))} I cells"
        twins = f" ({len(self.twins)} of the E cells with an inhibitory twin)" if self.twins else ""
        outputs = f", {self.n_outputs} outputs" if self.n_outputs else ""
        return f"<RNN {self.name!r}: {self.n_inputs} inputs, {counts}{twins}{outputs}, alpha = {self.alpha:g}>"

    @property
    def alpha(self) -> float:
        """The share of a new rate (or x) that a step takes, dt/tau."""
        return self.dt / self.tau

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.W_rec)

    @property
    def n_inputs(self) -> int:
        """Number of inputs of the network."""
        return self.W_in.shape[1]

    @property
    def n_outputs(self) -> int:
        """Number of outputs; 0 where there is no `W_out`."""
        return 0 if self.W_out is None else len(self.W_out)

    @property
    def twins(self) -> tuple[int, ...]:
        """Cells of both signs: each has an inhibitory twin in the circuit."""
        return tuple(np.flatnonzero(np.array(self.signs) == BOTH).tolist())

    @property
    def unit(self) -> RateUnit:
        """The unit of every cell, with the noise."""
        if not self.noise:
            return self.activation
        # The correlation time is so short that each step draws independently.
        return replace(self.activation, noise=self.noise * np.sqrt(2 / self.alpha), noise_tau=self.dt / 1000)

    @property
    def circuit(self) -> Circuit:
        """The circuit that computes the same at every step of length `dt`.

        Its populations are ``"E"`` and ``"I"``, the cells of each sign in their order, and ``"twins"`` (see `twins`);
        the readouts are the cells.
        """
        injected, negative = self.signed_inputs or (self.W_in < 0).any(), (self.W_in < 0).any()
        scale = {"current": Measured(1.0, "hertz")} if injected else {"rate": 1.0}
        inputs = [Input(INPUT, self.n_inputs, **scale)]
        inputs += [Input(NEGATED, self.n_inputs, **scale)] * bool(negative)
        members = {"E": self._cells("E"), "I": self._cells("I"), TWINS: np.array(self.twins, dtype=int)}
        members = {name: cells for name, cells in members.items() if len(cells)}
        signs = {name: "I" if name == TWINS else name for name in members}
        populations = [
            Population(
                name,
                signs[name],
                self.unit,
                len(cells),
                bias=self.b[cells],
                initial=self.initial[cells] if self.initial.any() else None,
            )
            for name, cells in members.items()
        ]
        parts = [(i.name, (1 - 2 * (i.name == NEGATED)) * self.W_in) for i in inputs]
        parts += [(name, (1 - 2 * (signs[name] == "I")) * self.W_rec[:, cells]) for name, cells in members.items()]
        projections = [
            Projection(source, target, magnitudes.T)
            for source, weights in parts
            for target, cells in members.items()
            for magnitudes in [np.maximum(weights[cells], 0.0)]
            if magnitudes.any()
        ]
        readouts = [Readout(name, 0.0) for name in members if name != TWINS]
        return Circuit(self.name, inputs, populations, projections, readouts)

    def _cells(self, sign) -> np.ndarray:
        """Numbers of the cells of a population, "E" or "I"."""
        return np.flatnonzero((np.array(self.signs) == "I") == (sign == "I"))

    def _checked(self, inputs) -> np.ndarray:
        inputs = inputs.detach().cpu().numpy() if hasattr(inputs, "detach") else inputs
        u = to_si(inputs, "1", "RNN: inputs")
        if u.ndim != 3 or u.shape[2] != self.n_inputs:
            raise InputError(f"RNN: inputs: expected shape (trials, time, {self.n_inputs}), found {u.shape}")
        return u

    def stimuli(self, inputs) -> np.ndarray:
        """Stimuli of the circuit: the inputs; where `W_in` has negative weights, followed by their negative.

        Parameters
        ----------
        inputs : array_like of shape (trials, time, inputs)

        Returns
        -------
        ndarray of shape (trials, time, inputs or 2 × inputs)
        """
        u = self._checked(inputs)
        return np.concatenate([u, -u], axis=-1) if (self.W_in < 0).any() else u

    def rates(self, inputs) -> np.ndarray:
        """Rates of the cells after each step, computed in double precision by NumPy, without noise.

        Parameters
        ----------
        inputs : array_like of shape (trials, time, inputs)

        Returns
        -------
        ndarray of shape (trials, time, units)
        """
        u = self._checked(inputs)
        state, phi = np.broadcast_to(self.initial, (len(u), self.size)), self.activation.transfer
        is_rate, found = self.form == "rate", np.empty((*u.shape[:2], self.size))
        for step in range(u.shape[1]):
            rates = state if is_rate else phi(state)
            drive = rates @ self.W_rec.T + u[:, step] @ self.W_in.T + self.b
            state = state + self.alpha * ((phi(drive) if is_rate else drive) - state)
            found[:, step] = state if is_rate else phi(state)
        return found

    def __call__(self, inputs) -> np.ndarray:
        """Outputs after each step (trials × time × outputs) for inputs (trials × time × inputs), see `rates`."""
        return self._read_out(self.rates(inputs))

    def cells(self, traces: Mapping) -> np.ndarray:
        """Rates of the cells, in the order of the network, of a simulation of the circuit, ablated or not.

        Parameters
        ----------
        traces : mapping of str to ndarray of shape ((seeds,) trials, neurons, steps)
            Of ``simulate(circuit, ..., record=True)``: rates after each step.

        Returns
        -------
        ndarray of shape ((seeds,) trials, steps, units)
        """
        found = None
        for sign in "EI":
            cells = self._cells(sign)
            if not len(cells):
                continue
            rates = traces[sign] if isinstance(traces, Mapping) and sign in traces else None
            rates = None if rates is None else to_si(rates, "1", f"RNN: traces of {sign!r}")
            if np.ndim(rates) not in (3, 4) or np.shape(rates)[-2] != len(cells):
                what = f"rates of the {len(cells)} cells {sign!r}, as simulate(..., record=True).traces has them"
                raise InputError(f"RNN: traces: expected {what}, found {type(traces).__name__} with {_briefly(rates)}")
            if found is not None and (found.shape[:-2], found.shape[-1]) != (rates.shape[:-2], rates.shape[-1]):
                raise InputError(f"RNN: traces: expected as many trials and steps of 'E' and 'I', found {rates.shape}")
            found = np.empty((*rates.shape[:-2], self.size, rates.shape[-1])) if found is None else found
            found[..., cells, :] = rates
        return np.swapaxes(found, -1, -2)

    def decode(self, traces: Mapping) -> np.ndarray:
        """Outputs after each step, ((seeds ×) trials × steps × outputs), of a simulation of the circuit (see `cells`).

        The readout, which has weights of both signs, acts at once, as in the network: it is no part of the circuit, and
        ablation leaves it as it is.
        """
        return self._read_out(self.cells(traces))

    def _read_out(self, rates):
        if self.W_out is None:
            raise InputError(f"RNN: outputs of {self.name!r}: expected a network with W_out, found none")
        return rates @ self.W_out.T + self.b_out

    def scaled(self, fraction: float) -> "RNN":
        """The network with its negative recurrent weights times 1 - `fraction`, as ``ablate`` leaves the circuit."""
        fraction = scalar_si(fraction, "1", "RNN: fraction")
        if not 0 <= fraction <= 1:
            raise InputError(f"RNN: fraction: expected between 0 and 1, found {fraction:g}")
        weights = np.where(self.W_rec < 0, (1 - fraction) * self.W_rec, self.W_rec)
        return replace(self, W_rec=weights)


def _sign_of(given) -> str:
    if isinstance(given, str):
        sign = given.upper() if given.upper() in ("E", "I", BOTH) else ""
    else:
        number = float(given) if np.ndim(given) == 0 and isinstance(given, (int, float, np.number)) else 0.0
        sign = "E" if number > 0 else "I" if number < 0 else ""
    if not sign:
        raise InputError(f"RNN: signs: expected 'E' or 'I' (or 1 or -1) for each cell, found {given!r:.60}")
    return sign


def _briefly(rates) -> str:
    return "none of them" if rates is None else f"shape {np.shape(rates)}"


@explains_arguments
def from_rnn(
    W_in,
    W_rec,
    b=None,
    W_out=None,
    tau=None,
    dt=None,
    activation="relu",
    *,
    signs=None,
    form: Literal["rate", "current"] = "rate",
    b_out=None,
    initial=None,
    noise=0.0,
    signed_inputs: bool = False,
    name: str = "RNN",
) -> Circuit:
    """The circuit of a recurrent network, which computes the same at every step: ``RNN(...).circuit``.

    Parameters
    ----------
    W_in, W_rec, b, W_out, tau, dt, activation, signs, form, b_out, initial, noise, signed_inputs, name
        As of `RNN`, which also has the stimuli of the circuit and decodes its rates.

    Returns
    -------
    Circuit

    Raises
    ------
    InputError
        As of `RNN`.

    Examples
    --------
    >>> from eisim import from_rnn
    >>> circuit = from_rnn([[1.0], [0.5]], [[0.0, -1.0], [1.0, 0.0]], tau=0.1, dt=0.02, activation="softplus")
    >>> [p.name for p in circuit.projections]
    ['input->E', 'input->I', 'E->I', 'I->E']
    """
    return RNN(
        W_in,
        W_rec,
        b,
        W_out,
        tau,
        dt,
        activation,
        signs=signs,
        form=form,
        b_out=b_out,
        initial=initial,
        noise=noise,
        signed_inputs=signed_inputs,
        name=name,
    ).circuit
