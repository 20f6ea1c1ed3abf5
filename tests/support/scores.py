"""What the tests of models share."""

from eisim import ablate, simulate


def intact_and_ablated(task, seed=0):
    """Scores of a task with all of its inhibition and without any, in one batch."""
    circuit = task.circuit(seed)
    responses = simulate(
        [circuit, ablate(circuit)],
        task.stimuli,
        duration=task.duration,
        window=task.window,
        dt=task.dt,
        seed=seed,
        record=task.record,
        backend="numpy",
    )
    return [task.score(response) for response in responses]
