"""Eigenvalues of a circuit's signed weights, beside those of a random matrix with the same mean and variance by block.

A matrix of independent entries has its eigenvalues in a disc, and its mean adds a few outside of it. Under Dale's law
excitation moves the outlier to the right and inhibition to the left, whereas both widen the disc.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, sparse
from threadpoolctl import threadpool_limits

from eisim.base import memory
from eisim.base.display import plotted, tabulated
from eisim.base.errors import InputError, explains_arguments
from eisim.base.values import ReadOnly, Shown
from eisim.circuit import Circuit, spans
from eisim.neurons import LIF
from eisim.neurons.neuron import model_name
from eisim.plasticity import PlasticityRule

#: Largest matrix of which all eigenvalues are computed, in neurons.
LARGEST = 3_000
#: The bulk found is the disc that holds this share of the eigenvalues that are not outliers.
SHARE = 0.99
#: What the notes speak of: synapses per neuron below, eigenvalues beyond so many predicted radii, correlations of
#: reciprocal entries above, and shares of the predicted radius by which that found differs above.
FEW, BEYOND, RECIPROCAL, DIFFERENT = 10, 1.1, 0.1, 0.1


@dataclass(frozen=True, eq=False, repr=False)
class Spectrum(ReadOnly, Shown):
    r"""Eigenvalues of a signed weight matrix, found and predicted.

    Let block ab, from the :math:`n_a` neurons of population a to those of population b, have entries of mean
    :math:`m_{ab}` and variance :math:`v_{ab}`, zeros included. For independent entries and many neurons the bulk of the
    eigenvalues fills a disc of radius

    .. math:: R = \sqrt{\rho(n_a v_{ab})}

    where :math:`\rho` is the largest modulus of the eigenvalues, and outliers are the eigenvalues of
    :math:`(n_a m_{ab})` beyond R. For one excitatory and one inhibitory population that send to all alike, with
    connection probability p, mean magnitudes :math:`\mu` and standard deviations :math:`\sigma` of the synapses, these
    are :math:`p (n_E \mu_E - n_I \mu_I)` and
    :math:`R^2 = \sum_a n_a [p \sigma_a^2 + p (1 - p) \mu_a^2]`.

    Attributes
    ----------
    name : str
    populations : tuple of str
        Of the circuit; of a matrix ``"E"``, ``"I"``, ``"mixed"`` and ``"silent"``, as far as there are any: the neurons
        with outgoing weights of one sign, of both, and of none.
    sizes : ndarray of int, shape (populations,)
    means, variances : ndarray of shape (populations, populations)
        Of the entries from each population to each, zeros included.
    eigenvalues : ndarray of complex, shape (neurons,)
        The largest modulus first.
    singular_values : ndarray of shape (neurons,)
        The largest first.
    predicted_outliers, outliers : ndarray of complex, shape (outliers,)
        Predicted ones, and the eigenvalue nearest to each.
    predicted_radius, radius : float
        Radius of the bulk: predicted, and that of the disc about 0 which holds 99 % of the eigenvalues that are not
        outliers.
    unit : str
        Of the weights: ``"1"`` for rate units, ``"volt / hertz"`` for LIF neurons, ``""`` for a matrix.
    notes : tuple of str
        Where assumptions of the prediction do not hold.

    References
    ----------
    Rajan & Abbott, Phys. Rev. Lett. 97:188104, 2006 (two populations); Tao, Probab. Theory Relat. Fields 155:231, 2013
    (outliers); Aljadeff, Stern & Sharpee, Phys. Rev. Lett. 114:088101, 2015 (radius for any number of populations);
    Harris, Meffin, Burkitt & Peterson, arXiv:2212.01549 (sparse matrices under Dale's law).
    """

    name: str
    populations: tuple[str, ...]
    sizes: np.ndarray
    means: np.ndarray
    variances: np.ndarray
    eigenvalues: np.ndarray
    singular_values: np.ndarray
    predicted_outliers: np.ndarray
    outliers: np.ndarray
    predicted_radius: float
    radius: float
    unit: str
    notes: tuple[str, ...] = ()

    def __repr__(self):
        outliers = ", ".join(
            f"{shown(found)} (predicted {shown(predicted)})"
            for found, predicted in zip(self.outliers, self.predicted_outliers, strict=True)
        )
        radius = f"radius {self.radius:.4g} (predicted {self.predicted_radius:.4g})"
        return f"<Spectrum of {self.name!r}: {_neurons(self.eigenvalues)}, {radius}, outliers: {outliers or 'none'}>"

    @property
    def abscissa(self) -> float:
        """Largest real part: above 1, rate units of slope 1 whose weights these are run away."""
        return float(self.eigenvalues.real.max())

    @property
    def entropy(self) -> float:
        r"""Normalised entropy of the singular values, 1 where all are equal; NaN for a matrix of zeros or of one entry.

        :math:`-\sum_k p_k \ln p_k / \ln n` with :math:`p_k = s_k / \sum_j s_j`, as Li, Cornford, Ghosh & Richards
        (NeurIPS 2023) compare the initial weights of recurrent networks with and without Dale's law; their paper
        could not be read in full, so the formula is our reading of the term.
        """
        total, n = self.singular_values.sum(), len(self.singular_values)
        if not total or n == 1:
            return float("nan")
        shares = self.singular_values[self.singular_values > 0] / total
        return float(-(shares * np.log(shares)).sum() / np.log(n))

    @property
    def is_outlier(self) -> np.ndarray:
        """Which of the eigenvalues are those nearest to the predicted outliers: bool, (neurons,)."""
        found = np.zeros(len(self.eigenvalues), bool)
        found[_nearest(self.eigenvalues, self.predicted_outliers)] = True
        return found

    plot = plotted("Draw the eigenvalues in the complex plane, with the disc and the outliers predicted.")
    to_dataframe = tabulated("The eigenvalues as a pandas DataFrame: real and imaginary part, modulus, is_outlier.")


@explains_arguments
def spectrum(network: Circuit | ArrayLike) -> Spectrum:
    """Eigenvalues of the signed weights among the neurons of a circuit, with bulk and outliers predicted and found.

    The prediction is that for a random matrix whose entries have the mean and variance that those of each block of this
    one have. Structure within a projection shows as a difference. All numbers of populations are covered. Not covered
    are entries that are not independent: connections by distance, reciprocal pairs (the bulk is an ellipse), very
    different numbers of synapses; and few synapses per neuron. The notes say where the difference is large. Where mean
    excitation and inhibition are large and cancel, some eigenvalues lie outside the disc unless the input to every
    neuron has the same sum, as with `FixedInDegree`.

    Parameters
    ----------
    network : Circuit or array_like of shape (neurons, neurons)
        A circuit of rate units, whose weights are plain numbers, or of LIF neurons, whose weights are taken as the mean
        input for each Hz of the source, in V/Hz; inputs are left out, and silenced neurons send nothing. Or signed
        weights, source × target, dense or sparse; its populations are the neurons of one sign.

    Returns
    -------
    Spectrum

    Raises
    ------
    InputError
        For other neurons, gap junctions, short-term plasticity, weights that change, more than 3,000 neurons, and
        matrices that are empty, not square or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from eisim import spectrum
    >>> rng = np.random.default_rng(0)
    >>> weights = rng.gamma(1, 0.05, (200, 200)) * np.where(np.arange(200) < 160, 1, -1)[:, None]
    >>> found = spectrum(weights)
    >>> found.populations, found.predicted_outliers.real.round(1), found.outliers.real.round(1)
    (('E', 'I'), array([6.1]), array([6.1]))
    """
    if isinstance(network, Circuit):
        _check(network)
        name, places = network.name, spans(network.populations)
        groups = {name: np.arange(place.start, place.stop) for name, place in places.items()}
        matrix = _signed(network, places)
        unit = "1" if network.kind == "rate" else "volt / hertz"
    else:
        name, unit, matrix = "matrix", "", _square(network)
        groups = _by_sign(matrix)
    # Squares of very large and very small weights are beyond the range of floats.
    unit_weight = 2.0 ** np.frexp(np.abs(matrix).max())[1]
    matrix = matrix / unit_weight
    with threadpool_limits(1, "blas"):  # else the last bits depend on the number of processors
        eigenvalues, singular_values = linalg.eigvals(matrix), linalg.svdvals(matrix)
    eigenvalues = eigenvalues[np.lexsort((eigenvalues.imag, -np.abs(eigenvalues).round(12)))]
    means, variances = (_of_blocks(matrix, groups, measure) for measure in (np.mean, np.var))
    sizes = np.array([len(members) for members in groups.values()])
    predicted_radius = float(np.sqrt(np.abs(linalg.eigvals(sizes[:, None] * variances)).max()))
    of_means = linalg.eigvals(sizes[:, None] * means)
    of_means = of_means[np.argsort(-np.abs(of_means), kind="stable")]
    predicted = of_means[np.abs(of_means) > predicted_radius * (1 + 1e-9)]
    nearest = _nearest(eigenvalues, predicted)
    bulk = np.abs(np.delete(eigenvalues, nearest))
    radius = float(np.quantile(bulk, SHARE)) if bulk.size else 0.0
    pairs = list(zip(predicted * unit_weight, eigenvalues[nearest] * unit_weight, strict=True))
    notes = tuple(_notes(matrix, groups, means, bulk, radius, predicted_radius, pairs))
    return Spectrum(
        name=name,
        populations=tuple(groups),
        sizes=_frozen(sizes),
        means=_frozen(means * unit_weight),
        variances=_frozen(variances * unit_weight * unit_weight),
        eigenvalues=_frozen(eigenvalues * unit_weight),
        singular_values=_frozen(singular_values * unit_weight),
        predicted_outliers=_frozen(predicted * unit_weight),
        outliers=_frozen(eigenvalues[nearest] * unit_weight),
        predicted_radius=predicted_radius * unit_weight,
        radius=radius * unit_weight,
        unit=unit,
        notes=notes,
    )


def _check(circuit):
    """Refuse circuits whose weights are no constant matrix."""
    what = "spectrum: expected constant weights among rate units or LIF neurons, found"
    _check_size(sum(p.size for p in circuit.populations))
    for p in circuit.populations:
        if circuit.kind == "spiking" and not isinstance(p.neuron, LIF):
            raise InputError(f"{what} {model_name(p.neuron)} in population {p.name!r} of {circuit.name!r}")
        if p.is_coupled:
            raise InputError(f"{what} gap junctions of population {p.name!r} of {circuit.name!r}")
    for p in circuit.projections:
        if changing := p.plasticity or p.transient or p.learning:
            raise InputError(f"{what} {_name(changing)} in projection {p.name!r} of {circuit.name!r}")


def _name(changing):
    return changing.name if isinstance(changing, PlasticityRule) else type(changing).__name__


def _check_size(n):
    if n > LARGEST:
        raise InputError(
            f"spectrum: expected at most {LARGEST:,} neurons, of which all eigenvalues are computed, found {n:,}"
        )
    memory.check("spectrum", 40.0 * n * n, f"{n:,} neurons")


def _signed(circuit, places):
    n = sum(p.size for p in circuit.populations)
    matrix = np.zeros((n, n))
    for p in circuit.projections:
        if p.source in places:
            factor = circuit.sign(p)
            if circuit.kind == "spiking":
                factor = factor * circuit.population(p.target).neuron.area(circuit.receptor(p))
            matrix[places[p.source], places[p.target]] += factor * circuit.weights(p).toarray()
    for p in circuit.populations:
        matrix[places[p.name].start + np.array(p.silenced, int)] = 0
    return matrix


def _square(given) -> np.ndarray:
    what = "spectrum: expected a Circuit or a square matrix of finite numbers, found"
    shape = given.shape if sparse.issparse(given) else np.shape(_array(given, what))
    if len(shape) != 2 or shape[0] != shape[1] or not shape[0]:
        raise InputError(f"{what} shape {tuple(map(int, shape))}")
    _check_size(shape[0])
    matrix = _array(given.toarray() if sparse.issparse(given) else given, what)
    if not np.isfinite(matrix).all():
        raise InputError(f"{what} {matrix[~np.isfinite(matrix)][0]}")
    return matrix


def _array(given, what) -> np.ndarray:
    try:
        found = np.asarray(given)
        if found.dtype.kind not in "buif":
            raise ValueError
    except (TypeError, ValueError):
        raise InputError(f"{what} {given!r:.80}") from None
    return found.astype(float)


def _by_sign(matrix) -> dict[str, np.ndarray]:
    """The neurons by the signs of what they send."""
    rises, falls = (matrix > 0).any(axis=1), (matrix < 0).any(axis=1)
    which = {"E": rises & ~falls, "I": falls & ~rises, "mixed": rises & falls, "silent": ~rises & ~falls}
    return {name: np.flatnonzero(mine) for name, mine in which.items() if mine.any()}


def _of_blocks(matrix, groups, measure) -> np.ndarray:
    return np.array([[measure(matrix[np.ix_(a, b)]) for b in groups.values()] for a in groups.values()])


def _nearest(eigenvalues, predicted) -> list[int]:
    """Places of the eigenvalues nearest to predicted ones, each taken once."""
    left = np.ones(len(eigenvalues), bool)
    found = []
    for value in predicted:
        place = int(np.where(left, np.abs(eigenvalues - value), np.inf).argmin())
        left[place] = False
        found.append(place)
    return found


def _notes(matrix, groups, means, bulk, radius, predicted, outliers):
    synapses = np.count_nonzero(matrix, axis=0)
    if predicted and (few := synapses[synapses > 0].mean()) < FEW:
        yield f"Neurons receive {few:.2g} synapses on average: the prediction is for many."
    deviation = matrix.copy()
    for k, a in enumerate(groups.values()):
        for j, b in enumerate(groups.values()):
            deviation[np.ix_(a, b)] -= means[k, j]
    if (total := (deviation**2).sum()) > 0:
        correlation = float((deviation * deviation.T).sum() / total)
        if abs(correlation) > RECIPROCAL:
            yield f"Reciprocal weights are correlated by {correlation:.2f}: the bulk is an ellipse, not a disc."
    if predicted and (beyond := int((bulk > BEYOND * predicted).sum())):
        yield (
            f"Not predicted: {beyond:,} eigenvalue{'s' * (beyond > 1)} beyond {BEYOND:g} times the predicted radius. "
            "Sums of input differ between neurons, or connections have structure within a projection."
        )
    for expected, found in outliers:
        if abs(found - expected) > DIFFERENT * abs(expected):
            yield (
                f"The outlier predicted at {shown(expected)} is found at {shown(found)}. Where strong excitation and "
                "inhibition cancel, it depends on the differences between sums of input."
            )
    if predicted and abs(radius - predicted) > DIFFERENT * predicted:
        yield f"The bulk has {radius / predicted:.2f} times the predicted radius: weights depend on each other."


def _neurons(eigenvalues) -> str:
    return f"{len(eigenvalues):,} neuron{'s' * (len(eigenvalues) > 1)}"


def shown(value) -> str:
    """A complex number as people write it."""
    return f"{value.real:.4g}" if abs(value.imag) < 1e-9 * abs(value) else f"{value.real:.4g}{value.imag:+.4g}i"


def _frozen(array) -> np.ndarray:
    array = np.array(array)
    array.flags.writeable = False
    return array
