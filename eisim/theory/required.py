"""The best score of any excitatory-only system on trials with required outputs, exactly (T3, T11)."""

import numpy as np
from scipy import sparse

from eisim.base.errors import InputError
from eisim.theory.integer_program import minimise


def ordered_pairs(stimuli: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of different trials x <= y, at every input and time: indices of x and of y.

    Trials with the same stimuli are pairs in both directions.
    """
    flat = np.asarray(stimuli, dtype=float).reshape(len(stimuli), -1)
    below = np.array([(x <= flat).all(axis=1) for x in flat]).reshape(len(flat), len(flat))
    np.fill_diagonal(below, False)
    lower, upper = np.nonzero(below)
    return lower, upper


def best_share(stimuli: np.ndarray, required: np.ndarray) -> float:
    """The largest share of trials in which an excitatory-only system gives every required output.

    Outputs that have a threshold and do not fall as inputs rise are right together in a set of trials just if no
    pair of them, x <= y, has an output that is required at x and must be absent at y. So the trials to give up are a
    vertex cover of these pairs; with one output the graph is bipartite, with several it is not, and the smallest
    cover is found by mixed-integer programming.

    Parameters
    ----------
    stimuli : ndarray of shape (trials, inputs) or (trials, time, inputs)
    required : ndarray of bool, shape (trials,) or (trials, outputs)

    Returns
    -------
    float

    Raises
    ------
    InputError
        If the solver finds no cover that it can prove to be the smallest.
    """
    lost = given_up(stimuli, required)
    return 1 - int(lost.sum()) / len(lost) if lost.any() else 1.0


def given_up(stimuli: np.ndarray, required: np.ndarray) -> np.ndarray:
    """Trials that an excitatory-only system of the `best_share` gives up, one such set perhaps of several.

    Parameters and errors are those of `best_share`; returns an array of bool, shape (trials,).
    """
    required = np.asarray(required, dtype=bool).reshape(len(stimuli), -1)
    lower, upper = ordered_pairs(stimuli)
    falls = (required[lower] & ~required[upper]).any(axis=1)
    pairs = np.unique(np.sort(np.stack([lower[falls], upper[falls]], axis=1), axis=1), axis=0)
    if not len(pairs):
        return np.zeros(len(stimuli), dtype=bool)
    n, rows = len(stimuli), np.repeat(np.arange(len(pairs)), 2)
    touches = sparse.csr_array((np.ones(pairs.size), (rows, pairs.ravel())), shape=(len(pairs), n))
    x, bound = minimise(np.ones(n), np.ones(n, dtype=bool), [(touches, 1, np.inf)])
    if x is None or (x > 0.5).sum() > bound:
        raise InputError(f"the best excitatory-only score on {n} trials: expected a proof, found none")
    return x > 0.5
