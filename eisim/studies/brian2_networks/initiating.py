"""Where a spike begins in neurons that generate its upstroke themselves, and whose threshold only detects it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from eisim.studies.brian2_networks.evaluating import OWN, NotFollowed, Scope
from eisim.studies.brian2_networks.reading import rates, spread, statements

#: Neurons that are looked at, potentials from which they are let go, and time steps until they rest and spike.
NEURONS, STARTS, SETTLING, SPIKING = 3, 40, 600, 400


def initiation(
    group, name: str, cut: np.ndarray, written: set[int], namespace: Mapping
) -> tuple[np.ndarray, np.ndarray] | None:
    """The lowest and highest value of a variable at which a spike begins; None if that is where it is detected.

    Without synaptic input, the neuron rests; it is then let go from values between rest and the cut. The lowest of
    those from which it spikes is where a spike begins, or the point where its upstroke becomes faster and faster, if
    the neuron spikes by itself. `written` are variables that synapses change, by identity.
    """
    at = spread(len(group), NEURONS)
    copies = _Copies(group, name, at, written, namespace)
    try:
        if not copies.may_generate(cut[at]):
            return None
        ends = copies.onsets(cut[at])
    except NotFollowed:
        present = np.minimum(np.asarray(copies.scope.value(name), dtype=float), cut[at])
        ends = (present, cut[at]) if (present < cut[at]).any() else None
    if ends is None or (ends[0] >= cut[at]).all():
        return None
    low, high = (np.full(cut.shape, found) for found in (ends[0].min(), ends[1].max()))
    return np.minimum(low, cut), np.minimum(high, cut)


def _upstroke(course: np.ndarray) -> float:
    """Where a course that ends with a spike becomes faster and faster, after its lowest point."""
    course = course[int(np.argmin(course)) :]
    speed = np.diff(course)
    return float(course[int(np.argmin(speed[: int(np.argmax(speed)) + 1]))]) if speed.size else float(course[0])


class _Copies:
    """Copies of some neurons of a group, stepped by their own equations without synaptic input."""

    def __init__(self, group, name: str, at: np.ndarray, written: set[int], namespace: Mapping):
        self.group, self.name, self.dt = group, name, float(group.clock.dt_)
        self.rates = {n: equation for n, equation in rates(group) if n in group.variables}
        self.scope = Scope(group, at, namespace)
        self.key = self.scope.key(name)
        for each, variable in group.variables.items():  # no synaptic input
            is_own = each != name and group.variables.indices[each] == "_idx"
            if is_own and id(variable) in written and not self._answers(each):
                self.scope = self.scope.with_value((id(variable), OWN), np.zeros(at.shape))

    def _answers(self, other: str) -> bool:
        """Whether a variable follows the potential, and is no trace of synapses alone."""
        return other in self.rates and self.key in self.scope.reads(self.rates[other])

    def _rate(self, scope: Scope, name: str) -> np.ndarray:
        found = np.asarray(scope.evaluate(self.rates[name]), dtype=float)
        return np.nan_to_num(np.broadcast_to(found, scope.at.shape), posinf=1e12, neginf=-1e12)

    def may_generate(self, cut: np.ndarray) -> bool:
        """Whether the potential may drive itself upward, by its own equation or through another variable."""
        own = self.rates[self.name]
        if any(self._answers(other) for other in self.rates if other != self.name):
            return True
        start = np.minimum(np.asarray(self.scope.value(self.name), dtype=float), cut)
        begin = np.where(start < cut, start, cut - np.abs(cut) - 1e-3)
        places = [begin + (cut - begin) * k for k in np.linspace(0, 1, 25)]
        return any((self.scope.slope(own, self.key, place) > 0).any() for place in places)

    def onsets(self, cut: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The ends of the range in which a spike begins, of each neuron: the cut, if that is where it does."""
        rest, course = self._at_rest(cut)
        hold = np.minimum(rest.given[self.key], cut)
        gap = (cut - hold) / STARTS
        starts = hold[:, None] + gap[:, None] * np.arange(STARTS)
        spikes, courses = self._let_go(rest, starts, cut)
        lows, highs = cut.copy(), cut.copy()
        for n in range(len(cut)):
            over = np.flatnonzero((course[1:, n] >= cut[n]) & (course[:-1, n] < cut[n])) + 1
            if over.size and over[-1] > SETTLING // 2:  # it spikes by itself
                until = course[: over[-1] + 1, n]
                before = np.flatnonzero((until[:-1] >= cut[n]) & (np.diff(until) < 0))
                lows[n] = highs[n] = _upstroke(until[before[-1] + 1 if before.size else 0 :])
            else:
                until = np.logical_and.accumulate(spikes[n, ::-1])[::-1]  # from here and from all above
                first = int(np.argmax(until))
                if not until.any() or first >= STARTS - 2:
                    continue
                lows[n] = starts[n, first]
                one = courses[:, n, first]
                highs[n] = max(lows[n], _upstroke(one[: int(np.argmax(one >= cut[n])) + 1]))
            lows[n], highs[n] = lows[n] - gap[n], highs[n] + gap[n]
        return lows, highs

    def _let_go(self, rest: Scope, starts: np.ndarray, cut: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whether neurons spike from each value that they start from, and the course of the values."""
        at, limit = np.repeat(rest.at, STARTS), np.repeat(cut, STARTS)
        scope = replace(rest, at=at, given={key: np.repeat(each, STARTS) for key, each in rest.given.items()})
        scope = scope.with_value(self.key, starts.ravel())
        course = [scope.given[self.key]]
        has_spiked = np.zeros(at.shape, bool)
        for _ in range(SPIKING):
            scope = self._step(scope)
            has_spiked |= scope.given[self.key] >= limit
            scope = scope.with_value(self.key, np.where(has_spiked, limit, scope.given[self.key]))
            course.append(scope.given[self.key])
            if has_spiked.all():
                break
        return has_spiked.reshape(starts.shape), np.array(course).reshape(-1, *starts.shape)

    def _at_rest(self, cut: np.ndarray) -> tuple[Scope, np.ndarray]:
        """The state of lowest potential without input, after a while, and the course of the potential."""
        scope = self.scope
        for name in self.rates:
            scope = scope.with_value(scope.key(name), np.array(scope.value(name), dtype=float))
        scope = scope.with_value(self.key, np.minimum(scope.given[self.key], cut))
        lowest, course = scope, [scope.given[self.key]]
        for k in range(SETTLING):
            scope = self._step(scope)
            course.append(scope.given[self.key])
            scope = self._reset(scope, cut)
            if k >= SETTLING // 2:
                lowest = scope if k == SETTLING // 2 else self._lower(lowest, scope)
        return lowest, np.array(course)

    def _lower(self, one: Scope, other: Scope) -> Scope:
        is_lower = other.given[self.key] < one.given[self.key]
        given = {key: np.where(is_lower, other.given.get(key, each), each) for key, each in one.given.items()}
        return replace(one, given=given)

    def _reset(self, scope: Scope, cut: np.ndarray) -> Scope:
        is_over = scope.given[self.key] >= cut
        code = self.group.event_codes.get("spike")
        if not is_over.any() or not code:
            return scope
        for name, operation, expression in statements(code):
            if name not in self.group.variables:
                scope = replace(scope, local=scope.local | {name: scope.evaluate(expression)})
                continue
            before = np.asarray(scope.value(name), dtype=float)
            if operation == "=":
                value = scope.evaluate(expression)
            else:
                value = scope.evaluate(f"{name} {operation[:-1]} ({expression})")
            scope = scope.with_value(scope.key(name), np.where(is_over, value, before))
        return replace(scope, local={})

    def _step(self, scope: Scope) -> Scope:
        """A step of all variables, each by the exponential of its own slope, which is stable."""
        given = dict(scope.given)
        for name in self.rates:
            key = scope.key(name)
            value = np.asarray(scope.given[key], dtype=float)
            step = 1e-5 * np.maximum(np.abs(value), np.max(np.abs(value), initial=0.0) * 1e-2 + 1e-9)
            rate = self._rate(scope, name)
            slope = (self._rate(scope.with_value(key, value + step), name) - rate) / step
            growth = np.clip(slope * self.dt, -50, 2)
            share = np.where(np.abs(growth) < 1e-6, 1.0, np.expm1(growth) / np.where(growth == 0, 1, growth))
            given[key] = value + np.clip(rate * self.dt * share, -1e9, 1e9)
        return replace(scope, given=given)
