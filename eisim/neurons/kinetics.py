"""Code of receptors in a spiking neuron, and in a pool that holds the input shared by a population."""

import numpy as np

#: Letters of the receptors that have a rising variable x besides.
RISING = "arn"


def propagator(matrix, dt):
    """Propagator of a linear system over a step, and its mean over the step."""
    from scipy.linalg import expm

    matrix = np.asarray(matrix)
    step = expm(matrix * dt)
    return step, np.linalg.solve(matrix, step - np.eye(len(matrix))) / dt


def pools(pooled):
    """Endings of the variables that hold what arrives: a neuron's own, and those of its population's pool."""
    return ("", "_pool") if pooled else ("",)


def quantity_of(neuron) -> str:
    """The output of receptors to a neuron: a current, or a conductance."""
    return "I" if neuron.signed_weights else "g"


def kinetic_variables(neuron) -> list[str]:
    """The variables that presynaptic spikes set in motion, but for the membrane."""
    found = []
    for k, receptor in neuron.receptors.items():
        if receptor.letter != "d":
            found += [f"{quantity_of(neuron)}_{k}"] + ([f"x_{k}"] if receptor.letter in RISING else [])
    return found


def kinetics(neuron) -> str:
    """Equations of the kinetics of a neuron's receptors."""
    lines, name, unit = [], quantity_of(neuron), neuron.weight_unit
    for k, receptor in neuron.receptors.items():
        if receptor.letter == "a":
            lines += [f"d{name}_{k}/dt = (x_{k} - {name}_{k})/tau_{k} : {unit}", f"dx_{k}/dt = -x_{k}/tau_{k} : {unit}"]
        elif receptor.letter in RISING:
            lines.append(f"d{name}_{k}/dt = x_{k}/rise_{k} - {name}_{k}/tau_{k} : {unit}")
            lines.append(f"dx_{k}/dt = -x_{k}/rise_{k} : {unit}")
        elif receptor.letter != "d":
            lines.append(f"d{name}_{k}/dt = -{name}_{k}/tau_{k} : {unit}")
    return "".join(f"\n    {line}" for line in lines)


def kinetic_steps(neuron) -> list[str]:
    """One exact step of the kinetics of a neuron's receptors."""
    lines, name = [], quantity_of(neuron)
    for k, receptor in neuron.receptors.items():
        if receptor.letter in RISING:
            fading = f"decay_{k}" if receptor.letter == "a" else f"decay_rising_{k}"
            lines += [f"{name}_{k} = {name}_{k}*decay_{k} + x_{k}*rising_{k}_to_{k}", f"x_{k} = x_{k}*{fading}"]
        elif receptor.letter != "d":
            lines.append(f"{name}_{k} = {name}_{k}*decay_{k}")
    return lines
