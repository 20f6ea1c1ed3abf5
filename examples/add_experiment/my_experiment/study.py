"""Does redundant inhibition protect a function against partial block?"""

from dataclasses import dataclass

import numpy as np

from eisim import Certificate, InputError, TruthTable, ablate, certify, simulate, synthesize
from eisim.values import Value


@dataclass(frozen=True)
class Settings(Value):
    """Settings that ``--set`` can change.

    Attributes
    ----------
    inputs : int
        Number of inputs of the parity function, from 2 to 4.
    redundant : int
        Largest number of inhibitory neurons in excess of the minimum.
    levels : int
        Number of fractions of inhibition removed, from 0 to 1.
    """

    inputs: int = 3
    redundant: int = 3
    levels: int = 11

    def __post_init__(self):
        super().__post_init__()
        for name, low, high in (("inputs", 2, 4), ("redundant", 0, 8), ("levels", 2, 101)):
            if not low <= getattr(self, name) <= high:
                raise InputError(f"{name}: expected from {low} to {high}, found {getattr(self, name)}")


@dataclass(frozen=True)
class RedundancyResult:
    """Accuracy of circuits that compute one function with different numbers of inhibitory neurons.

    Attributes
    ----------
    function : TruthTable
    certificate : Certificate
    fractions : ndarray of shape (fractions,)
        Fractions of inhibition removed.
    neurons : tuple of int
        Number of inhibitory neurons of each circuit.
    accuracy : dict of ndarray
        For each kind, the fraction of patterns answered correctly: circuits × fractions.
    """

    function: TruthTable
    certificate: Certificate
    fractions: np.ndarray
    neurons: tuple[int, ...]
    accuracy: dict[str, np.ndarray]

    @property
    def problems(self) -> list[str]:
        """Contradictions of the theory: full ablation cannot leave an error below the floor."""
        most = 1 - self.certificate.floor["zero_one"]
        return [
            f"{kind}, {n} inhibitory neurons: an accuracy of {found[-1]:g} after ablation exceeds 1 - floor = {most:g}"
            for kind, rows in self.accuracy.items()
            for n, found in zip(self.neurons, rows, strict=True)
            if found[-1] > most + 1e-9
        ]


def run(settings: Settings, kinds, seed, backend, report) -> RedundancyResult:
    """Simulate all circuits at all fractions in one batch per kind.

    Parameters
    ----------
    settings : Settings
    kinds : sequence of {"rate", "spiking"}
    seed : int
    backend : {"cpp", "numpy"}
    report : callable
        ``report("simulating", done)`` displays progress; `done` is from 0 to 1.

    Returns
    -------
    RedundancyResult
    """
    function = TruthTable.of(settings.inputs, lambda *bits: sum(bits) % 2, name="parity")
    certificate = certify(function, ("zero_one",), orient=False)
    least = certificate.inversion_complexity
    neurons = tuple(range(least, least + settings.redundant + 1))
    fractions = np.linspace(0, 1, settings.levels).round(6)
    accuracy = {}
    for kind in kinds:
        report(f"simulating {kind} circuits", len(accuracy) / len(kinds))
        circuits = [synthesize(function, inhibitory=n, kind=kind) for n in neurons]
        batch = [ablate(circuit, fraction) for circuit in circuits for fraction in fractions]
        responses = simulate(batch, function.patterns, seed=seed, backend=backend)
        correct = [(response.decisions[:, 0] == function.values).mean() for response in responses]
        accuracy[kind] = np.reshape(correct, (len(neurons), len(fractions)))
    return RedundancyResult(function, certificate, fractions, neurons, accuracy)
