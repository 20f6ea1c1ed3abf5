"""Networks of Brian2 as circuits: equations that are those of a neuron of eisim, and synapses that add to them."""

import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from eisim.adapter.brian2_cells import Cells, Differs, constants, read_cells, symbolic, value_of
from eisim.adapter.brian2_matching import Matched, Reached, model_of_equations, named_model
from eisim.adapter.brian2_network import Brian2Network
from eisim.adapter.brian2_pathways import Pathway, members, read_synapses, whole
from eisim.adapter.names import Unused
from eisim.base import memory
from eisim.base.brian import brian2_alone
from eisim.base.errors import InputError, explains_arguments
from eisim.base.units import is_ours, outside
from eisim.circuit import CYCLE, Circuit, Input, Population, Projection
from eisim.neurons import Neuron
from eisim.weights import Independent

#: The parts of a time step in their order, as Brian2 has them if nobody changes it.
_SCHEDULE = ["start", "groups", "thresholds", "synapses", "resets", "end"]
#: When objects act in a time step, if nobody changes it.
_SLOTS = {
    "StateUpdater": "groups",
    "Thresholder": "thresholds",
    "Resetter": "resets",
    "PoissonGroup": "thresholds",
    "SpikeGeneratorGroup": "thresholds",
    "SynapticPathway": "synapses",
    "PoissonInput": "synapses",
}
#: What Brian2 has as the time of the last spike where there was none, in s.
_NEVER = -10000.0
#: Objects that act on nothing.
_WATCHING = ("SpikeMonitor", "EventMonitor", "StateMonitor", "PopulationRateMonitor")
#: Inputs into which a group of Poisson trains is split by their rates, at most.
_MOST_RATES = 100


@dataclass(frozen=True, eq=False)
class _Part:
    """Neurons of a group that are one population or input; `members` are their numbers in the group."""

    name: str
    members: np.ndarray
    sign: int = 1


@explains_arguments
def from_brian2(network: Any, *, namespace: Mapping[str, Any] | None = None) -> Circuit:
    r"""The circuit of a network of Brian2.

    It is read, not simulated. Groups whose equations, threshold and reset are those of `LIF` or `ConductanceLIF`
    neurons become these: names do not matter, algebra decides. Other groups become a `Neuron` of their own equations,
    which a warning says, with the equation that differs. A ``PoissonGroup``, a ``SpikeGeneratorGroup`` and a
    ``PoissonInput`` become inputs; ``Synapses`` whose spikes add constant amounts, with or without the short-term
    plasticity of `ShortTerm`, become projections. Monitors are left out.

    A group of which some neurons excite and others inhibit becomes two populations, ``"P E"`` and ``"P I"``, each in
    the order of the group. A neuron that does both breaks Dale's law, and is refused.

    Parameters
    ----------
    network : brian2.Network or Brian2Network
        Before it has run: initial states are those that its variables have. ``Network(collect())`` has all objects of
        a script.
    namespace : dict, optional
        Values of names that the groups do not know themselves; by default what is known where this is called.

    Returns
    -------
    Circuit
        Its readouts and time step are the user's to choose: ``dataclasses.replace(circuit, readouts=...)``,
        ``simulate(circuit, ..., dt=...)``. The response to a stimulus of 1 for each afferent is that of the network. A
        network without inputs has one named ``"none"``, which acts on nothing.

    Raises
    ------
    InputError
        For what no circuit has: equations that change with time, learning, summed variables, gap junctions,
        operations, events of other names, inputs that inhibit; it names the object and the equation.

    Notes
    -----
    Spikes are the same where Brian2 integrates by the method ``exact`` (LIF) or where the group became a `Neuron`, as
    far as rounding allows; other methods of Brian2 err by the order of a time step, eisim's less.

    Examples
    --------
    >>> from brian2 import Hz, Network, NeuronGroup, PoissonGroup, Synapses, ms, mV
    >>> from eisim import from_brian2
    >>> tau, rest = 20*ms, -60*mV
    >>> cells = NeuronGroup(10, "dv/dt = (rest - v)/tau : volt", threshold="v > -50*mV", reset="v = rest", name="cells")
    >>> cells.v = rest
    >>> afferents = PoissonGroup(5, 100*Hz, name="afferents")
    >>> synapses = Synapses(afferents, cells, on_pre="v += 3*mV", name="synapses")
    >>> synapses.connect()
    >>> from_brian2(Network(cells, afferents, synapses, name="small"))
    <Circuit 'small', spiking: 5 inputs, 10 E and 0 I neurons, 50 synapses, 0 readouts>
    """
    known = _names_of_caller() if namespace is None else namespace
    if not isinstance(known, Mapping):
        raise InputError(f"from_brian2: namespace: expected values by name, found {known!r:.60}")
    with brian2_alone():
        return _Reader(network.network if isinstance(network, Brian2Network) else network, dict(known)).circuit()


def _names_of_caller():
    frame: Any = sys._getframe(1)
    while frame.f_back and is_ours(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    return frame.f_globals | frame.f_locals


def _check_acts(each) -> None:
    """Refuse what does not act, what acts in an unusual part of a time step, and neurons that have spiked."""
    for part in (each, *each.contained_objects):
        if not part.active:
            raise InputError(f"from_brian2: {part.name}: expected what is active, found active=False")
        slot = _SLOTS.get(type(part).__name__, part.when)
        if part.when != slot:
            raise InputError(f"from_brian2: {part.name}: expected when={slot!r}, found {part.when!r}")
    spiked = each.variables["lastspike"].get_value() if "lastspike" in getattr(each, "variables", {}) else _NEVER
    if np.any(np.asarray(spiked) != _NEVER) and type(each).__name__ == "NeuronGroup":
        found = f"{float(np.max(spiked)):g} s"
        raise InputError(f"from_brian2: {each.name}: lastspike: expected neurons that have not spiked, found {found}")


class _Reader:
    """A network while it is read."""

    def __init__(self, network, namespace):
        self.network, self.namespace = network, namespace
        self.cells: dict[str, Cells] = {}
        self.afferents: dict[str, Any] = {}
        self.pathways: list[Pathway] = []
        self.unused = Unused()
        self._sort()

    def _sort(self):
        import brian2
        from brian2.devices.device import RuntimeDevice, get_device

        if not isinstance(self.network, brian2.Network):
            raise InputError(f"from_brian2: expected a brian2.Network, found {self.network!r:.60}")
        if not isinstance(get_device(), RuntimeDevice):
            raise InputError(
                "from_brian2: expected the runtime device of Brian2, on which values are known before a run, found "
                "another; leave set_device out"
            )
        what = f"from_brian2: {self.network.name}"
        if float(self.network.t_):
            raise InputError(
                f"{what}: expected a network that has not run, found one at t = {float(self.network.t_):g} s"
            )
        if list(self.network.schedule) != _SCHEDULE:
            raise InputError(f"{what}: expected the schedule of Brian2, found {list(self.network.schedule)}")
        kinds = brian2.NeuronGroup, brian2.PoissonGroup, brian2.SpikeGeneratorGroup
        objects = sorted(self.network.objects, key=lambda each: each.name)
        for each in objects:
            if type(each).__name__ not in _WATCHING:
                _check_acts(each)
        groups = [each for each in objects if isinstance(each, kinds)]
        for each in groups:
            if isinstance(each, brian2.NeuronGroup) and not _is_regular(each):
                self.cells[each.name] = read_cells(each, self.namespace)
            else:
                self.afferents[each.name] = each
        others = [each for each in objects if not isinstance(each, kinds) and type(each).__name__ not in _WATCHING]
        for each in others:
            if isinstance(each, brian2.Synapses):
                self.pathways += read_synapses(each, self.namespace)
            elif isinstance(each, brian2.PoissonInput):
                self.pathways.append(self._poisson_input(each))
            else:
                expected = (
                    "groups of neurons, of Poisson trains or of given spikes, PoissonInput, Synapses and monitors"
                )
                raise InputError(f"from_brian2: {each.name}: expected {expected}, found a {type(each).__name__}")
        for each in self.cells.values():
            self.pathways += _trains(each, self.namespace)
        steps = {each.clock.dt_: each.name for each in (*groups, *others) if each.clock is not None}
        if len(steps) > 1:
            said = " and ".join(f"{float(dt) * 1e3:g} ms ({name})" for dt, name in list(steps.items())[:2])
            raise InputError(f"{what}: expected one time step, found {said}")
        if not self.cells:
            raise InputError(f"{what}: expected a NeuronGroup, found none")
        for pathway in self.pathways:
            for end in filter(None, (pathway.source, pathway.target)):
                if end.name not in self.cells and end.name not in self.afferents:
                    raise InputError(f"{what}: expected the groups of {pathway.name}, found no {end.name}")

    def _poisson_input(self, each) -> Pathway:
        target, what = each._group, f"from_brian2: {each.name}"
        weight = each.weight
        if isinstance(weight, str):
            weight = _evaluated(whole(target), weight, self.namespace, what)
        j = members(target)
        rate = float(each.N) * float(each.rate)
        amounts = np.broadcast_to(np.asarray(weight, dtype=float), j.shape)
        zeros = np.zeros(j.shape)
        return Pathway(each.name, None, whole(target), zeros.astype(int), j, each.target_var, amounts, zeros, rate=rate)

    def circuit(self) -> Circuit:
        matched = {name: self._matched(cells) for name, cells in self.cells.items()}
        signs = self._signs(matched)
        parts = {name: self._populations(cells, signs[name]) for name, cells in self.cells.items()}
        populations = []
        for name, cells in self.cells.items():
            found = matched[name]
            for part in parts[name]:
                chosen = {state: _chosen(at, part.members, cells.size) for state, at in found.initial.items()}
                first = next(iter(found.neuron.states))
                initial = {state: at for state, at in chosen.items() if state == first or np.any(at)}
                bias = _chosen(found.bias, part.members, cells.size)
                sign = "I" if part.sign < 0 else "E"
                populations.append(
                    Population(part.name, sign, found.neuron, len(part.members), bias=bias, initial=initial)
                )
        inputs: list[Input] = []
        for name, group in self.afferents.items():
            made = list(self._inputs(group))
            parts[name] = [part for part, _ in made]
            inputs += [each for _, each in made]
        projections: list[Projection] = []
        for pathway in self.pathways:
            ports = matched[pathway.target.name].ports
            if pathway.source is None:
                self._drive(pathway, ports, matched, parts, inputs, projections)
            else:
                projections += self._projections(pathway, ports, matched, parts)
        inputs = inputs or [Input(self.unused("none"), current=0.0)]
        return Circuit(self.network.name, inputs, populations, projections)

    def _matched(self, cells: Cells) -> Matched:
        """The neuron of a group: one of eisim's, or one of its own equations, of which a warning says why."""
        onto = [each for each in self.pathways if each.target.name == cells.name and each.signs]
        reached = [Reached(each.variable, each.signs, each.name) for each in onto]
        try:
            self._check_gates(cells, onto)
            return named_model(cells, reached)
        except Differs as differs:
            why = str(differs)
        try:
            found = model_of_equations(cells, reached)
        except InputError as error:
            said = str(error).removeprefix(f"{cells.what}: ")
            raise InputError(
                f"{cells.what}: expected equations of a neuron of eisim. LIF and ConductanceLIF: {why}. {said}"
            ) from None
        warnings.warn(
            f"{cells.what}: taken over as a Neuron of its own equations, for LIF and ConductanceLIF have others: {why}",
            stacklevel=outside(),
        )
        return found

    def _check_gates(self, cells, onto):
        """Spikes that act on the potential itself must leave refractory neurons alone, and others must not."""
        for each in onto:
            said = f"{each.name}: {each.variable} += ..."
            if each.variable != cells.membrane and each.gated:
                raise Differs(said, "spikes do not reach a refractory neuron")
            if each.variable == cells.membrane and cells.held_by and not each.gated and each.rate == 0:
                raise Differs(said, "spikes reach a refractory neuron")

    def _signs(self, matched) -> dict[str, np.ndarray]:
        """For each group the sign of each neuron's synapses: 1, -1, or 0 without synapses."""
        found = {name: np.zeros((2, cells.size), dtype=bool) for name, cells in self.cells.items()}
        for each in self.pathways:
            port = matched[each.target.name].ports.get(each.variable)
            if port is None:
                continue
            sign = np.sign(each.amounts) * port.effect
            if each.source is None or each.source.name in self.afferents:
                if (sign < 0).any():
                    raise InputError(
                        f"from_brian2: {each.name}: expected inputs that excite, as afferents of eisim do, found that "
                        f"it lowers the potential of {each.target.name}"
                    )
                continue
            for row, way in enumerate((1, -1)):
                found[each.source.name][row, each.i[sign == way]] = True
        for name, (excites, inhibits) in found.items():
            if (both := np.flatnonzero(excites & inhibits)).size:
                names = [each.name for each in self.pathways if each.source is not None and each.source.name == name]
                raise InputError(
                    f"from_brian2: {name}: expected neurons that excite or inhibit (Dale's law), found {both.size:,} "
                    f"that do both, the first is neuron {both[0]} ({', '.join(names)})"
                )
        return {name: excites.astype(int) - inhibits for name, (excites, inhibits) in found.items()}

    def _populations(self, cells: Cells, signs: np.ndarray) -> list[_Part]:
        """The populations of a group: by sign, and by the Poisson trains that only a part receives."""
        known = np.flatnonzero(signs)
        if known.size:  # neurons without synapses belong to those before them
            last = np.maximum(np.searchsorted(known, np.arange(cells.size), side="right") - 1, 0)
            signs = signs[known[last]]
        else:
            signs = np.ones(cells.size, dtype=int)
        drives = [each for each in self.pathways if each.source is None and each.target.name == cells.name]
        labels = np.stack([-signs, *(_covered(each, cells.size) for each in drives)])
        kinds, first, place = np.unique(labels, axis=1, return_index=True, return_inverse=True)
        place = place.ravel()
        names = [cells.name] if len(first) == 1 else [f"{cells.name} {'EI'[int(sign > 0)]}" for sign in kinds[0]]
        return [
            _Part(self.unused(names[kind]), np.flatnonzero(place == kind), -int(kinds[0, kind]))
            for kind in np.argsort(first)
        ]

    def _inputs(self, group) -> Iterator[tuple[_Part, Input]]:
        """The inputs of a group: one for each rate, of those that fire."""
        import brian2

        what, n = f"from_brian2: {group.name}", int(group.N)
        if isinstance(group, brian2.SpikeGeneratorGroup):
            if float(np.ravel(group.period_)[0]):
                raise InputError(f"{what}: expected spikes without a period, found one of {group.period[:]}")
            name = self.unused(group.name)
            spikes = np.array(group._neuron_index), np.array(group._spike_time) * brian2.second
            yield _Part(name, np.arange(n)), Input(name, n, spikes=spikes)
            return
        if isinstance(group, brian2.PoissonGroup):
            rates, train = _poisson_rates(group, self.namespace), "poisson"
        else:
            rates, train = np.array(group.rate_[:]), "regular"
        if not np.isfinite(rates).all():
            raise InputError(f"{what}: expected finite rates, found {rates[~np.isfinite(rates)][0]:g}")
        different = np.unique(rates[rates > 0])
        if len(different) > _MOST_RATES:
            raise InputError(f"{what}: expected at most {_MOST_RATES} different rates, found {len(different):,}")
        for rate in different:
            part = np.flatnonzero(rates == rate)
            name = self.unused(group.name if len(different) == 1 else f"{group.name} {rate:g} Hz")
            found = Input(name, len(part), rate, train)
            if train == "regular" and not np.array_equal(np.array(group.phase_[:])[part], found.phases):
                raise InputError(f"{what}: expected phases that are staggered evenly over afferents of one rate")
            yield _Part(name, part), found

    def _projections(self, pathway: Pathway, ports, matched, parts) -> Iterator[Projection]:
        kept = pathway.amounts != 0
        if not kept.any():
            return
        port = ports[pathway.variable]
        found = []
        for a in parts[pathway.source.name]:
            for b in parts[pathway.target.name]:
                row, column = _place(a, pathway.source), _place(b, pathway.target)
                here = kept & (row[pathway.i] >= 0) & (column[pathway.j] >= 0)
                if here.any():
                    found.append((a, b, row[pathway.i[here]], column[pathway.j[here]], here))
        for a, b, rows, columns, here in found:
            weights = np.abs(pathway.amounts[here]) * port.factor
            delays, shape = pathway.delays[here], (len(a.members), len(b.members))
            neuron = matched[pathway.target.name].neuron
            receptor = _receptor(neuron, pathway.variable, a.sign)
            base = pathway.name if len(found) == 1 else f"{pathway.name} {a.name}->{b.name}"
            for layer in _layers(rows, columns, delays, shape, f"from_brian2: {pathway.name}"):
                delay: Any = float(delays[0])
                if np.ptp(delays):
                    memory.check(f"from_brian2: {pathway.name}", 8.0 * shape[0] * shape[1], "a delay for each pair")
                    delay = np.zeros(shape)
                    delay[rows[layer], columns[layer]] = delays[layer]
                matrix = sparse.coo_array((weights[layer], (rows[layer], columns[layer])), shape=shape).tocsr()
                yield Projection(
                    a.name,
                    b.name,
                    matrix,
                    delay,
                    self.unused(base),
                    receptor=receptor,
                    plasticity=pathway.plasticity,
                )

    def _drive(self, pathway: Pathway, ports, matched, parts, inputs, projections):
        """A Poisson train for each target."""
        if not pathway.rate or not pathway.amounts.any():
            return
        name = self.unused(pathway.name)
        inputs.append(Input(name, rate=pathway.rate, train="poisson"))
        port = ports[pathway.variable]
        amounts = np.zeros(self.cells[pathway.target.name].size)
        amounts[pathway.j] = pathway.amounts
        for b in parts[pathway.target.name]:
            mine = np.abs(amounts[b.members]) * port.factor
            if not mine.any():
                continue
            if np.ptp(mine):
                raise InputError(
                    f"from_brian2: {pathway.name}: expected one weight, found {mine.min():g} to {mine.max():g}"
                )
            receptor = _receptor(matched[pathway.target.name].neuron, pathway.variable, 1)
            made = Projection(
                name, b.name, Independent(float(mine[0])), name=self.unused(f"{name}->{b.name}"), receptor=receptor
            )
            projections.append(made)


def _receptor(neuron, variable, sign) -> str:
    """What a projection says of its receptor: something where a neuron of equations has several of the sign."""
    if not isinstance(neuron, Neuron):
        return ""
    several = neuron.excitation if sign > 0 else neuron.inhibition
    return variable if "," in (several or "") else ""


def _is_regular(group) -> bool:
    """Whether a group is the regular spike trains that `to_brian2` writes."""
    texts = {name: " ".join(each.expr.code.split()) for name, each in group.user_equations.items() if each.expr}
    events = group.events.get("spike"), group.event_codes.get("spike")
    return texts == {"phase": "rate"} and events == (f"phase > {CYCLE!r}", "phase -= 1")


def _poisson_rates(group, namespace) -> np.ndarray:
    """The rates of a group of Poisson trains, in Hz, which must stay as they are."""
    from brian2.core.variables import Subexpression
    from brian2.utils.stringtools import get_identifiers

    rates = group.variables["rates"]
    if isinstance(rates, Subexpression):
        what = f"from_brian2: {group.name}"
        values, changing = constants(group, get_identifiers(rates.expr), namespace, what)
        if moving := sorted(changing):
            raise InputError(f"{what}: rates = {rates.expr}: expected rates that stay, found {moving[0]!r}")
        return np.broadcast_to(value_of(symbolic(rates.expr), values), (int(group.N),)).astype(float)
    return np.array(group.rates_[:], dtype=float)


def _trains(cells: Cells, namespace) -> Iterator[Pathway]:
    """Poisson trains that `to_brian2` writes as statements of a group."""
    for k, (variable, sign, amount, rate) in enumerate(cells.trains):
        what, j = f"{cells.what}: Poisson trains", np.arange(cells.size)
        gated = "*int(not_refractory)" in amount
        weights = _evaluated(cells.group, amount.replace("*int(not_refractory)", ""), namespace, what)
        amounts = np.broadcast_to(weights * (1.0 if sign == "+" else -1.0), j.shape)
        rate = float(_evaluated(cells.group, rate, namespace, what))
        zeros = np.zeros(j.shape)
        yield Pathway(
            f"drive of {cells.name}" if not k else f"drive of {cells.name} {k + 1}",
            None,
            cells.group,
            zeros.astype(int),
            j,
            variable,
            amounts,
            zeros,
            gated=gated,
            rate=rate,
        )


def _evaluated(group, text, namespace, what):
    from brian2.utils.stringtools import get_identifiers

    values, changing = constants(group, get_identifiers(text), namespace, what)
    if moving := sorted(changing):
        raise InputError(f"{what}: {text}: expected a constant, found {moving[0]!r}")
    return np.asarray(value_of(symbolic(text), values), dtype=float)


def _covered(pathway, size):
    found = np.zeros(size, dtype=int)
    found[pathway.j] = 1
    return found


def _place(part, group):
    """For each neuron of a group its place in a part, -1 outside."""
    found = np.full(int(group.N), -1)
    found[part.members] = np.arange(len(part.members))
    return found


def _chosen(values, members, size):
    """The values of some neurons: one number where they share it."""
    found = np.broadcast_to(np.asarray(values, dtype=float), (size,))[members]
    return float(found[0]) if not np.ptp(found) else found


def _layers(rows, columns, delays, shape, what) -> list[np.ndarray]:
    """Synapses in sets of which none has a pair twice, unless all have one delay, as then they add up."""
    if not np.ptp(delays):
        return [np.arange(len(rows))]
    order = np.lexsort((delays, columns, rows))
    pair = rows[order] * shape[1] + columns[order]
    first = np.r_[0, np.flatnonzero(np.diff(pair)) + 1]
    rank = np.arange(len(pair)) - np.repeat(first, np.diff(np.r_[first, len(pair)]))
    return [order[rank == k] for k in range(int(rank.max(initial=0)) + 1)]
