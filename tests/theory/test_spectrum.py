"""Spectra of weight matrices: found against predicted, and both against the formulas of the papers."""

import pickle

import numpy as np
import pytest
from scipy import sparse

from eisim import (
    LIF,
    Circuit,
    ConductanceLIF,
    FixedInDegree,
    Input,
    InputError,
    Normal,
    Oja,
    Population,
    Projection,
    Spectrum,
    ThresholdLinear,
    ablate,
    silence,
    spectrum,
)
from models import ring_attractor

P, J_E, J_I = 0.1, 0.02, 0.1


def network(n, neuron=None, weights=(J_E, J_I), rule=FixedInDegree):
    """E and I neurons, four to one, each with synapses from a tenth of both populations."""
    neuron = neuron or ThresholdLinear()
    sizes = {"E": 4 * n // 5, "I": n // 5}
    pairs = [Projection(a, b, rule(round(P * sizes[a]), w)) for a, w in zip("EI", weights, strict=True) for b in sizes]
    populations = [Population(name, name, neuron, size=size) for name, size in sizes.items()]
    return Circuit("sparse", [Input("x")], populations, pairs)


def outlier_of(n, fraction=0.0):
    return P * (0.8 * n * J_E - (1 - fraction) * 0.2 * n * J_I)


def radius_of(n, fraction=0.0):
    """Harris et al., arXiv:2212.01549, for weights without spread."""
    return np.sqrt(n * P * (1 - P) * (0.8 * J_E**2 + 0.2 * ((1 - fraction) * J_I) ** 2))


@pytest.mark.slow
@pytest.mark.parametrize("fraction", [0.0, 0.5, 1.0])
def test_sparse_dale_matrices_at_1000_neurons_as_in_harris(fraction):
    found = spectrum(ablate(network(1000), fraction))
    assert found.predicted_radius == pytest.approx(radius_of(1000, fraction), rel=0.02)
    assert found.radius == pytest.approx(radius_of(1000, fraction), rel=0.02)
    # Each neuron receives the same sum of weights, an eigenvalue, which is no outlier where the bulk has it within.
    assert np.abs(found.eigenvalues - outlier_of(1000, fraction)).min() < 1e-9
    if fraction:
        assert found.predicted_outliers == pytest.approx([outlier_of(1000, fraction)], rel=1e-9)
        assert found.outliers == pytest.approx([outlier_of(1000, fraction)], rel=1e-9)
    else:
        assert outlier_of(1000) == pytest.approx(-0.4) and found.outliers.size == 0


@pytest.mark.slow
@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_dense_matrices_at_1000_neurons_as_in_rajan_and_abbott(shift):
    """Deviations of the input to each neuron sum to 0, as they require for all eigenvalues to be in the disc."""
    rng, n = np.random.default_rng(5), 1000
    mean = np.where(np.arange(n) < 800, 1.0, -4.0) / np.sqrt(n) + shift / n
    deviations = mean[:, None] * rng.uniform(-0.9, 0.9, (n, n))
    found = spectrum(mean[:, None] + deviations - deviations.mean(axis=0))
    radius = np.sqrt((mean**2).sum() * 0.9**2 / 3)
    assert found.populations == ("E", "I")
    assert found.predicted_radius == pytest.approx(radius, rel=0.02)
    assert found.radius == pytest.approx(radius, rel=0.02)
    assert np.abs(found.eigenvalues - shift).min() < 1e-9
    if shift:
        assert found.predicted_outliers == pytest.approx([shift], rel=1e-9)
    else:
        assert found.outliers.size == 0


def test_ablation_moves_the_outlier_and_shrinks_the_bulk_as_the_formula_says():
    intact = network(300, weights=(J_E, 0.02))
    outliers, radii = [], []
    for fraction in (0.0, 0.25, 0.5, 0.75, 1.0):
        found = spectrum(ablate(intact, fraction))
        expected = P * (240 * J_E - (1 - fraction) * 60 * 0.02)
        assert found.outliers == pytest.approx([expected], rel=1e-9)
        assert found.predicted_outliers == pytest.approx([expected], rel=1e-9)
        assert found.radius == pytest.approx(found.predicted_radius, rel=0.06)  # of 300 neurons
        outliers.append(found.outliers[0].real)
        radii.append(found.predicted_radius)
    assert np.diff(outliers) == pytest.approx(np.full(4, P * 60 * 0.02 / 4))
    assert (np.diff(radii) < 0).all() and found.abscissa == pytest.approx(outliers[-1])


def test_three_populations():
    """Any number of blocks: the outliers are eigenvalues of the means, the radius is that of the variances."""
    rng, sizes = np.random.default_rng(2), (240, 80, 80)
    means = np.array([[8, 10, 4], [-9, -6, -8], [-2, -9, -1]]) / 400
    sds = np.array([[1, 2, 1], [2, 1, 1], [1, 1, 3]]) / 400
    blocks = [
        [np.sign(m) * rng.gamma((m / s) ** 2, s * s / abs(m), (a, b)) for m, s, b in zip(*rows, sizes, strict=True)]
        for a, *rows in zip(sizes, means, sds, strict=True)
    ]
    names = ("pyramidal", "basket", "dendritic")
    circuit = Circuit(
        "three",
        [Input("x")],
        [
            Population(name, sign, ThresholdLinear(), size=size)
            for name, sign, size in zip(names, "EII", sizes, strict=True)
        ],
        [
            Projection(a, b, np.abs(block))
            for a, row in zip(names, blocks, strict=True)
            for b, block in zip(names, row, strict=True)
        ],
    )
    found = spectrum(circuit)
    assert found.populations == names and tuple(found.sizes) == sizes
    weighted = np.array(sizes)[:, None]
    assert found.predicted_radius == pytest.approx(np.abs(np.linalg.eigvals(weighted * sds**2)).max() ** 0.5, rel=0.02)
    assert found.radius == pytest.approx(found.predicted_radius, rel=0.05)
    expected = np.linalg.eigvals(weighted * means)
    for value in found.predicted_outliers:
        assert np.abs(expected - value).min() < 0.02 * abs(value)
    assert len(found.outliers) == 3 and np.abs(found.outliers - found.predicted_outliers).max() < 0.02
    assert not any("depend" in note for note in found.notes)


def test_units_and_what_neurons_send():
    neuron = LIF()
    circuit = network(50, neuron, (Normal(1e-3, 0), 2e-3))
    found = spectrum(circuit)
    area = neuron.area("e"), neuron.area("i")
    assert found.unit == "volt / hertz"
    sums = {name: found.means[:, k] @ (found.sizes) for k, name in enumerate("EI")}
    expected = 4 * 1e-3 * area[0] - 1 * 2e-3 * area[1]
    assert sums["E"] == pytest.approx(expected) and sums["I"] == pytest.approx(expected)
    silenced = spectrum(silence(circuit))
    assert (silenced.means[1] == 0).all() and np.allclose(silenced.means[0], found.means[0])
    assert spectrum(network(50)).unit == "1"


def test_matrices_are_grouped_by_the_sign_of_what_neurons_send():
    matrix = np.array([[0, 1, 2, 0], [-1, 0, 0, -1], [0, 0, 0, 0], [1, -1, 0, 0.0]])
    found = spectrum(sparse.csr_array(matrix))
    assert found.populations == ("E", "I", "mixed", "silent") and tuple(found.sizes) == (1, 1, 1, 1)
    assert np.allclose(np.sort(np.abs(found.eigenvalues)), np.sort(np.abs(np.linalg.eigvals(matrix))))
    assert np.allclose(found.singular_values, np.linalg.svd(matrix, compute_uv=False))
    assert found.unit == ""


def test_entropy_of_singular_values():
    assert spectrum(np.eye(7)).entropy == pytest.approx(1)
    assert spectrum(np.ones((7, 7))).entropy == pytest.approx(0, abs=1e-9)
    shares = np.array([1, 2, 5]) / 8
    assert spectrum(np.diag([1.0, -2, 5])).entropy == pytest.approx(-(shares * np.log(shares)).sum() / np.log(3))
    rng = np.random.default_rng(0)
    free = rng.standard_normal((200, 200))
    dale = np.abs(free) * np.where(np.arange(200) < 160, 1, -1)[:, None]
    assert spectrum(dale).entropy < spectrum(free).entropy - 0.01  # Li et al. 2023


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_edges(scale):
    one = spectrum([[2 * scale]])
    assert one.predicted_outliers == pytest.approx([2 * scale]) and np.isnan(one.entropy) and one.radius == 0
    none = spectrum(np.zeros((3, 3)))
    assert none.radius == none.predicted_radius == 0 and none.outliers.size == 0 and none.populations == ("silent",)
    assert np.isnan(none.entropy) and "none" in repr(none)
    large = spectrum(scale * np.array([[1, 2.0], [-3, -1]]))
    assert large.abscissa == pytest.approx(0, abs=1e-9 * scale) and np.isfinite(large.eigenvalues).all()


def test_structure_shows_and_is_said():
    notes = " ".join(spectrum(ring_attractor.circuit(kind="rate")).notes)
    assert "Reciprocal weights are correlated" in notes and "Not predicted" in notes
    rng = np.random.default_rng(1)
    few = (rng.random((100, 100)) < 0.03) * 1.0
    assert "receive 3" in spectrum(few).notes[0]


def test_an_outlier_off_its_prediction_is_said():
    """Strong excitation and inhibition that nearly cancel, with sums of input that differ between neurons."""

    def matrix(inhibition):
        rng = np.random.default_rng(2)
        excitatory, inhibitory = rng.gamma(0.44, 0.045, (800, 1000)), rng.gamma(3.24, 0.0278, (200, 1000))
        return np.vstack([excitatory, -inhibition * inhibitory])

    found = spectrum(matrix(1.0))
    (outlier,), (predicted,) = found.outliers, found.predicted_outliers
    assert abs(outlier - predicted) > 0.1 * abs(predicted)
    assert any("is found at" in note for note in found.notes)
    ablated = spectrum(matrix(0.0))
    assert ablated.outliers == pytest.approx(ablated.predicted_outliers, rel=0.02)
    assert not any("is found at" in note for note in ablated.notes)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([], r"shape \(0,\)"),
        ([[1, 2]], r"shape \(1, 2\)"),
        (np.zeros((0, 0)), r"shape \(0, 0\)"),
        (sparse.csr_array((2, 3)), r"shape \(2, 3\)"),
        ([[np.nan]], "nan"),
        ([[np.inf, 0], [0, 1]], "inf"),
        ([[1j]], r"\[\[1j\]\]"),
        ([[1, 2], [3]], r"\[\[1, 2\], \[3\]\]"),
        ("weights", "'weights'"),
        (None, "None"),
    ],
)
def test_what_is_no_weight_matrix(given, found):
    with pytest.raises(InputError, match=f"square matrix of finite numbers, found {found}"):
        spectrum(given)


def test_circuits_without_a_constant_matrix(monkeypatch):
    monkeypatch.setattr("eisim.theory.spectrum.LARGEST", 20)
    for large in (np.zeros((21, 21)), sparse.csr_array((21, 21)), network(50)):
        with pytest.raises(InputError, match="expected at most 20 neurons"):
            spectrum(large)
    monkeypatch.undo()
    with pytest.raises(InputError, match="found ConductanceLIF in population"):
        spectrum(Circuit("conductances", [Input("x")], [Population("E", "E", ConductanceLIF())]))
    with pytest.raises(InputError, match="found gap junctions of population 'E'"):
        coupled = Population("E", "E", ThresholdLinear(), size=2, gap_junctions=[[0, 1], [1, 0]])
        spectrum(Circuit("coupled", [Input("x")], [coupled]))
    with pytest.raises(InputError, match="found Transient in projection"):
        spectrum(ablate(network(50), during=(0.1, 0.2)))
    learning = [Projection("E", "E", np.ones((2, 2)) * 1e-3, learning=Oja())]
    with pytest.raises(InputError, match="found Oja in projection 'E->E'"):
        spectrum(Circuit("learning", [Input("x")], [Population("E", "E", ThresholdLinear(), size=2)], learning))


def test_shown():
    found = spectrum(network(50, weights=(0.5, 0.01)))
    frame = found.to_dataframe()
    assert list(frame) == ["real", "imaginary", "modulus", "is_outlier"] and len(frame) == 50
    assert frame.is_outlier.sum() == len(found.outliers) == 1 and (np.diff(frame.modulus) <= 1e-9).all()
    text = found._repr_html_()
    assert "bulk radius" in text and "outlier" in text and "50 neurons" in text
    axes = found.plot()
    assert len(axes.lines) == 4 and "real part" in axes.get_xlabel()
    again = pickle.loads(pickle.dumps(found))
    assert isinstance(again, Spectrum) and not again.eigenvalues.flags.writeable and repr(again) == repr(found)
