"""What the tests of models share."""

from dataclasses import replace

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


def scaled(circuit, which, factor):
    """The circuit with weights scaled: those of all synapses, or of those from cells of one sign ("E", "I")."""
    sources = {p.name for p in circuit.populations if p.sign == which}
    return replace(
        circuit,
        projections=[
            replace(p, weights=factor * circuit.weights(p)) if which == "all" or p.source in sources else p
            for p in circuit.projections
        ],
    )
