"""What happens over time within a circuit of the user's own, intact and without inhibition."""

from collections.abc import Callable, Sequence

from eisim.ablation import ablate
from eisim.base.errors import InputError
from eisim.base.progress import headed
from eisim.simulation import Response, simulate
from eisim.studies.boolean import Protocol
from eisim.studies.circuit import OwnCircuit
from eisim.theory.certificate import as_labelled_data


def asked(texts: Sequence[str]) -> dict[str, list[str]]:
    """What to record of each population, of texts such as ``"PYR:v,g_e,spikes"``."""
    found: dict[str, list[str]] = {}
    for text in texts:
        population, colon, names = text.rpartition(":")
        if not colon or not population or not all(name.strip() for name in names.split(",")):
            raise InputError(f"--record: expected POPULATION:VARIABLE,..., such as PYR:v,spikes, found {text!r}")
        found.setdefault(population, []).extend(name.strip() for name in names.split(","))
    return found


def recorded(
    own: OwnCircuit, record: dict[str, list[str]], protocol: Protocol, seed: int, report: Callable[..., None]
) -> tuple[dict[str, Response], tuple[str, ...]]:
    """Responses to all points of the circuit's function, by kind and condition, and notes on kinds that lack something.

    ``InputError`` if no kind has all that is to be recorded.
    """
    points, found, wrong = as_labelled_data(own.functions[0]).points, {}, {}
    for kind, circuit in own.circuits.items():
        how = {"backend": protocol.backend, "report": headed(report, f"recording, {kind}"), **protocol.times}
        try:
            responses = simulate([circuit, ablate(circuit)], points, record=record, seed=seed, **how)
        except InputError as error:
            wrong[kind] = str(error)
            continue
        found |= {f"{kind}_{condition}": r for condition, r in zip(("intact", "ablated"), responses, strict=True)}
    if not found:
        raise InputError(next(iter(wrong.values())))
    return found, tuple(f"Nothing was recorded of the {kind} circuit: {text}." for kind, text in wrong.items())
