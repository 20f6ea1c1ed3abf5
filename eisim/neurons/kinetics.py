"""How receptors enter the code of a spiking neuron, and of a pool that holds what a population receives alike."""

import numpy as np


def propagator(matrix, dt):
    """What a linear system does in a step, and its mean over the step."""
    from scipy.linalg import expm

    matrix = np.asarray(matrix)
    step = expm(matrix * dt)
    return step, np.linalg.solve(matrix, step - np.eye(len(matrix))) / dt


def exprel(x: float) -> float:
    """(e^x - 1)/x: SciPy's, without the tenth of a second that its import takes."""
    return np.expm1(x) / x if x else 1.0


def pools(pooled):
    """Endings of the variables that hold what arrives: a neuron's own, and those of its population's pool."""
    return ("", "_pool") if pooled else ("",)


def kinetic_variables(neuron) -> list[str]:
    """The variables that presynaptic spikes set in motion, but for the membrane."""
    found = []
    for k, receptor in neuron.receptors.items():
        if receptor.letter != "d":
            found += [f"{'I' if neuron.signed_weights else 'g'}_{k}"] + ([f"x_{k}"] if _rises(receptor) else [])
    return found


def _rises(receptor):
    return receptor.letter in "arn"


def kinetics(receptors, name, unit):
    """Equations of the kinetics of receptors."""
    lines = []
    for k, receptor in receptors.items():
        if receptor.letter == "a":
            lines += [f"d{name}_{k}/dt = (x_{k} - {name}_{k})/tau_{k} : {unit}", f"dx_{k}/dt = -x_{k}/tau_{k} : {unit}"]
        elif _rises(receptor):
            lines.append(f"d{name}_{k}/dt = x_{k}/rise_{k} - {name}_{k}/tau_{k} : {unit}")
            lines.append(f"dx_{k}/dt = -x_{k}/rise_{k} : {unit}")
        elif receptor.letter != "d":
            lines.append(f"d{name}_{k}/dt = -{name}_{k}/tau_{k} : {unit}")
    return "".join(f"\n    {line}" for line in lines)


def kinetic_steps(receptors, name):
    """One exact step of the kinetics of receptors."""
    lines = []
    for k, receptor in receptors.items():
        if _rises(receptor):
            fading = f"decay_{k}" if receptor.letter == "a" else f"decay_rising_{k}"
            lines += [f"{name}_{k} = {name}_{k}*decay_{k} + x_{k}*rising_{k}_to_{k}", f"x_{k} = x_{k}*{fading}"]
        elif receptor.letter != "d":
            lines.append(f"{name}_{k} = {name}_{k}*decay_{k}")
    return lines


def pool(neuron) -> tuple[str, str]:
    """Equations and one step of a pool: the kinetics of the receptors of a neuron, alone."""
    name = "I" if neuron.signed_weights else "g"
    return kinetics(neuron.receptors, name, neuron.weight_unit), "\n".join(kinetic_steps(neuron.receptors, name))
