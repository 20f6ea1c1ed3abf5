"""What Brian2's objects say: code, equations, and the groups behind parts of them."""

from __future__ import annotations

import numpy as np
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import Resetter
from brian2.groups.subgroup import Subgroup
from brian2.parsing.statements import parse_statement
from brian2.spatialneuron.spatialneuron import SpatialNeuron
from brian2.synapses.synapses import Synapses, SynapticPathway

#: Synapses, and neurons after a step from one group to another, of which an effect is evaluated.
SAMPLE = 2000


def statements(code) -> list[tuple[str, str, str]]:
    """Variable, operation and expression of each statement of abstract code."""
    lines = str(getattr(code, "code", code)).replace(";", "\n").splitlines()
    return [parse_statement(line.strip())[:3] for line in lines if line.split("#")[0].strip()]


def whole(group):
    """The group of which something is a part, or itself."""
    return group.source if isinstance(group, Subgroup) else group


def own_code(runner) -> str:
    """The user's code that something runs: of a pathway, at a reset or regularly; none of what equations become."""
    if isinstance(runner, SynapticPathway):
        return str(getattr(runner.code, "code", runner.code))
    if isinstance(runner, Resetter):
        return str(runner.group.event_codes.get(runner.event, ""))
    return str(runner.abstract_code or "") if type(runner) is CodeRunner else ""


def spread(n: int, most: int = SAMPLE) -> np.ndarray:
    """Indices of at most so many elements, spread evenly."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(int)) if n else np.zeros(0, int)


def rates(group) -> list[tuple[str, str]]:
    """Variables with a differential equation, and its right-hand side."""
    if isinstance(group, Synapses):
        found = list(group.equations.diff_eq_expressions)
        if group.event_driven is not None:
            found += group.event_driven.diff_eq_expressions
    else:
        equations = getattr(group, "user_equations", None)
        found = list(equations.diff_eq_expressions) if equations is not None else []
    found = [(name, str(getattr(expression, "code", expression))) for name, expression in found]
    if isinstance(group, SpatialNeuron):  # the current along the cable brings compartments nearer to one another
        found.append(("v", "Im"))
    return found
