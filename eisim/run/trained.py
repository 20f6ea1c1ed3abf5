"""Trained recurrent networks: those that come with eisim, and the user's own."""

from pathlib import Path

from eisim import studies
from eisim.analysis.recurrent_network import RecurrentNetwork
from eisim.analysis.recurrent_tasks import RECURRENT_TASKS, RecurrentTask
from eisim.base.errors import InputError, did_you_mean
from eisim.run.saved import load

#: Written by ``python benchmarks/recurrent_networks.py``, a file for each task.
FOLDER = Path(studies.__file__).parent / "rnn_networks"
DEFAULT = "perceptual_decision"


def shipped(task: str) -> list[RecurrentNetwork]:
    """The networks for a task that come with eisim; none for another task."""
    path = FOLDER / f"{task}.eisim"
    return load(path) if path.is_file() else []


def tasks() -> list[str]:
    """Names of the tasks for which networks come with eisim."""
    return [name for name in RECURRENT_TASKS if (FOLDER / f"{name}.eisim").is_file()]


def networks_of(task: str = "", file: str = "", one_each: bool = False) -> tuple[RecurrentTask, list[RecurrentNetwork]]:
    """A task and the networks trained on it.

    Parameters
    ----------
    task : str
        Its name; by default that of the networks in the file, or `DEFAULT`.
    file : str
        A file of networks, which take the place of those with inhibition.
    one_each : bool
        Whether to take only the first networks under each constraint of those that come with eisim.

    Returns
    -------
    task, networks

    Raises
    ------
    InputError
        For an unknown task, one without networks, or a file that holds something else.
    """
    own = _own(file) if file else []
    if not task and own:
        task = own[0].task
    task = task or DEFAULT
    known = [*RECURRENT_TASKS] if own else tasks()
    if task not in known:
        near = did_you_mean(task, known)
        where = " (the network was trained on another; name a task with --set task=...)" if own else ""
        raise InputError(f"task: expected one of {', '.join(known)}, found {task!r:.60}{near}{where}")
    ours = shipped(task)
    if one_each:
        ours = [each for each in ours if not each.seed]
    labels = {each.label for each in own}
    ours = [each for each in ours if not own or (each.signs == "excitatory" and each.label not in labels)]
    return RECURRENT_TASKS[task], [*own, *ours]


def _own(file: str) -> list[RecurrentNetwork]:
    found = load(file)
    found = [*found.values()] if isinstance(found, dict) else found
    found = [*found] if isinstance(found, (list, tuple)) else [found]
    wrong = [each for each in found if not isinstance(each, RecurrentNetwork)]
    if wrong or not found:
        said = f"{wrong[0]!r:.60}" if wrong else "none"
        raise InputError(f"{file}: expected a RecurrentNetwork or several, found {said}")
    return found
