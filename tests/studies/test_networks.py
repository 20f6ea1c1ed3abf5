"""Ablating a trained network: what is left of it, against hand-made networks and the theory."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from eisim import (
    DNN,
    TRUTH_TABLES,
    InputError,
    LabelledData,
    Logistic,
    Saturating,
    ThresholdLinear,
    certify,
    from_dnn,
    read_onnx,
    simulate,
    to_spiking,
)
from eisim.adapter import rate_outputs
from eisim.adapter.activations import Identity, LeakyReLU, Tanh
from eisim.adapter.static import Layer
from eisim.report.view import view_of
from eisim.report.views.networks import threshold_verdicts
from eisim.report.views.networks_figures import BEST_THRESHOLD, OWN_THRESHOLD, ZEROED
from eisim.studies.networks import (
    SPIKING,
    NetworkAblations,
    ablate_network,
    best_threshold,
    class_floors,
    rates_in_time,
)
from tests.support.findings import check

onnx = pytest.importorskip("onnx")


def dense(name, source, weights, bias, activation):
    return Layer(
        name, len(bias), ((source, sparse.csr_array(np.array(weights, dtype=float))),), np.array(bias), activation
    )


def network(*layers, inputs=2):
    return DNN((("x", inputs, 1.0),), layers, ((layers[-1].name, 0.0),), recurrent=False, name="net")


XOR = (
    dense("hidden", "x", [[1, 1], [1, 1]], [0.0, -1.0], ThresholdLinear()),
    dense("out", "hidden", [[1], [-2]], [0.0], Identity()),
)
XOR_DATA = LabelledData(TRUTH_TABLES["xor"].patterns, TRUTH_TABLES["xor"].values)


def run(dnn, data, kind="rate"):
    return ablate_network(dnn, data, [0, 0.5, 1], kind, backend="numpy")


def test_xor_loses_its_class_and_stays_at_the_floor():
    result = run(network(*XOR), XOR_DATA)
    assert result.problems == [] and result.equivalence_error < 1e-9
    assert result.accuracy[0] == 1 and not result.kept[0]
    assert result.threshold_errors[:, 0].tolist() == [0, 0.25, 0.25]  # at half of the inhibition, f(1,1) = f(0,1)
    assert result.floors.one_polarity == certify(TRUTH_TABLES["xor"]).floor["zero_one"] == 0.25
    assert result.neurons == {"E": 2, "I": 1}


def test_a_network_without_negative_weights_keeps_everything():
    majority = dense("out", "x", [[1.0], [1], [1]], [-1.5], Logistic(slope=0.1, maximum=1.0))
    result = run(
        network(majority, inputs=3), LabelledData(TRUTH_TABLES["majority"].patterns, TRUTH_TABLES["majority"].values)
    )
    assert result.kept.all() and result.accuracy.tolist() == [1, 1, 1]
    assert result.neurons["I"] == 0 and result.floors.one_polarity == 0


def test_signed_inputs_and_several_classes():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    weights = rng.normal(size=(2, 3))
    data = LabelledData(x, (x @ weights).argmax(axis=1))
    result = run(network(dense("out", "x", weights, [0.1, 0.0, -0.1], Identity())), data)
    assert result.signed_inputs and result.equivalence_error < 1e-9
    assert result.accuracy[0] > 0.9 and (result.floors.on_off == 0).all() and result.problems == []


@pytest.mark.slow
def test_spiking_circuits_agree():
    result = run(network(*XOR), XOR_DATA, "spiking")
    assert result.agreement == 1 and result.equivalence_error < 0.1
    assert result.threshold_errors[[0, -1], 0].tolist() == [0, 0.25] and result.problems == []
    rng = np.random.default_rng(2)
    x, weights = rng.random((100, 4)), rng.normal(size=(20, 3))
    hidden = dense("hidden", "x", rng.normal(size=(4, 20)), rng.normal(size=20), ThresholdLinear())
    centre = network(hidden, dense("out", "hidden", weights, np.zeros(3), Identity()), inputs=4)(x).mean(axis=0)
    dnn = network(hidden, dense("out", "hidden", weights, -centre, Identity()), inputs=4)
    data = LabelledData(x, dnn(x).argmax(axis=1))
    result = run(dnn, data, "spiking")
    largest = result.wanted.max()
    assert result.equivalence_error < 0.1 * largest
    second_best, best = np.sort(result.wanted, axis=1)[:, -2:].T
    clear = best - second_best > 0.1 * largest
    assert clear.sum() > 30 and (result.chooses[0] == data.targets)[clear].all()


@pytest.mark.parametrize("activation", [Identity(), Tanh(), Logistic(slope=1.0, maximum=1.0), LeakyReLU(0.1)])
def test_outputs_that_rise_are_read_as_their_drive(activation):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(50, 2))
    hidden = dense("hidden", "x", rng.normal(size=(2, 6)), rng.normal(size=6), ThresholdLinear())
    last = dense("out", "hidden", 0.2 * rng.normal(size=(6, 3)), rng.normal(size=3), activation)
    dnn = network(hidden, last)
    outputs = rate_outputs(dnn, x)(x)
    assert outputs.min() >= 0
    assert (outputs.argsort(axis=None) == dnn(x).argsort(axis=None)).all()
    result = run(dnn, LabelledData(x, np.arange(50) % 3))
    assert result.equivalence_error < 1e-9 and result.agreement == 1
    assert result.accuracy[0] == result.network_accuracy == (dnn(x).argmax(axis=1) == np.arange(50) % 3).mean()


def test_outputs_that_saturate_stay_and_those_that_fall_are_refused():
    saturating = network(dense("out", "x", [[1.0], [1]], [0.0], Saturating(maximum=1.0)))
    assert rate_outputs(saturating, [[0, 1]]) is saturating
    with pytest.raises(InputError, match="net: expected outputs that rise with their drive"):
        rate_outputs(network(dense("out", "x", [[1.0], [1]], [0.0], LeakyReLU(-1.0))), [[0, 1]])


def test_deep_circuits_settle():
    rng = np.random.default_rng(4)
    layers = [dense("h0", "x", rng.normal(size=(2, 5)), rng.normal(size=5), ThresholdLinear())]
    for k in range(1, 12):
        layers.append(dense(f"h{k}", f"h{k - 1}", rng.normal(size=(5, 5)), rng.normal(size=5), Tanh()))
    layers.append(dense("out", "h11", rng.normal(size=(5, 2)), [0.0, 0.0], Identity()))
    x = rng.normal(size=(30, 2))
    result = run(network(*layers), LabelledData(x, np.arange(30) % 2))
    assert result.equivalence_error < 1e-9 and result.problems == []


def test_read_outs_in_time_are_those_of_shorter_trials():
    x = np.random.default_rng(5).random((6, 2))
    circuit = to_spiking(from_dnn(rate_outputs(network(*XOR), x)), x)
    whole = simulate(circuit, x, **SPIKING, record=True, backend="numpy")
    times, rates = rates_in_time(whole)
    assert (rates[-1] == whole.readouts).all() and times[-1] == whole.duration
    for k in (3, 14):
        window = 0.8 * times[k]
        shorter = simulate(circuit, x, duration=times[k], window=window, dt=SPIKING["dt"], backend="numpy")
        assert rates[k] == pytest.approx(shorter.readouts, abs=1e-9)


def test_floor_of_on_off_pairs():
    rng = np.random.default_rng(6)
    points, targets, weights = rng.integers(0, 3, (40, 2)), rng.integers(0, 2, 40), rng.integers(1, 4, 40)
    data = LabelledData(points, targets, weights)
    both = LabelledData(np.hstack([points, -points]), targets, weights)
    assert class_floors(network(*XOR), data).on_off == pytest.approx(certify(both).floor["zero_one"])


def test_best_threshold_by_trying_all():
    rng = np.random.default_rng(1)
    for _ in range(50):
        rates, is_class, weights = rng.integers(0, 5, 12), rng.random(12) < 0.5, rng.integers(0, 4, 12) + 1.0
        error, threshold = best_threshold(rates, is_class, weights)
        errors = [np.average((rates > t) != is_class, weights=weights) for t in (-np.inf, *range(5))]
        assert error == pytest.approx(min(errors))
        assert np.average((rates > threshold) != is_class, weights=weights) == pytest.approx(error)


def test_data_that_do_not_fit():
    with pytest.raises(InputError, match="data: expected 2 inputs, as 'net' has, found 3"):
        run(network(*XOR), LabelledData(np.eye(3), [0, 1, 0]))
    with pytest.raises(
        InputError, match="target 'target': expected 2 classes, for the outputs of 'net', found 3 values"
    ):
        run(network(*XOR), LabelledData(np.ones((3, 2)), [0, 1, 2]))


@pytest.fixture
def files(tmp_path):
    network(*XOR).save(tmp_path / "xor.onnx")
    rows = "".join(
        f"{a},{b},{int(y)}\n"
        for (a, b), y in zip(TRUTH_TABLES["xor"].patterns, TRUTH_TABLES["xor"].values, strict=True)
    )
    (tmp_path / "xor.csv").write_text("a,b,y\n" + rows)
    return tmp_path


@pytest.mark.slow
def test_command(eisim, files):
    words = ("ablate", "xor.onnx", "--data", "xor.csv", "--target", "y", "--backend", "numpy")
    done = eisim(*words, "--json", cwd=files)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (row,) = found["rate"]["classes"]
    assert row["verdict"] == "lost" and row["floor"] == row["one_threshold_error_ablated"] == 0.25
    assert row["one_threshold_error_intact"] == 0 and found["rate"]["accuracy"][0] == 1
    assert found["spiking"]["agreement"] == 1 and found["spiking"]["classes"][0]["verdict"] == "lost"
    assert {p.name for p in (files / "results/ablate-xor").iterdir()} == {
        *("ablation.json", "ablation.svg", "ablation.csv", "classes.csv", "time.csv", "circuit.svg", "circuit.csv"),
        *("losses.svg", "losses.csv", "shams.csv"),
        "report.html",
        "run.json",
    }
    last = found["spiking"]["intact_in_time"][-1]
    assert last == {"seconds": 0.5, "accuracy": 1.0, "agreement": 1.0} and row["one_threshold_verdict"] == "lost"
    shown = eisim(*words, cwd=files)
    assert shown.returncode == 0 and "lost" in shown.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("ablate", "none.onnx", "--data", "xor.csv", "--target", "y"), "none.onnx: cannot be read"),
        (("ablate", "xor.csv", "--data", "xor.csv", "--target", "y"), "xor.csv: expected an ONNX file"),
        (
            ("ablate", "xor.onnx", "--data", "xor.csv", "--target", "z"),
            "expected one of the columns a, b, y, found 'z'",
        ),
        (("export", "nothing", "--out", "x.onnx"), "xor, or a .py file, found 'nothing'"),
        (("export", "xor", "--out", "x.txt"), "expected a name that ends in .onnx, found 'x.txt'"),
        (("ablate", "net.pt", "--data", "xor.csv", "--target", "y"), "write ONNX instead, torch.onnx.export("),
    ],
)
def test_bad_words(eisim, files, words, message):
    done = eisim(*words, cwd=files)
    assert done.returncode == 2 and message in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.slow
def test_export(eisim, tmp_path):
    for kind in ("rate", "spiking"):
        done = eisim("export", "xor", "--to", "onnx", "--kind", kind, "--out", tmp_path / "xor.onnx")
        assert done.returncode == 0, done.stderr
        onnx.checker.check_model(onnx.load(tmp_path / "xor.onnx"))


def test_a9_negative_weights_of_the_network_itself_by_level():
    """The plain question beside the circuit's: weights of one sign are scaled, biases stay."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(40, 2))
    first, second, bias = rng.normal(size=(2, 6)), rng.normal(size=(6, 3)), rng.normal(size=6)
    dnn = network(
        dense("hidden", "x", first, bias, Tanh()), dense("out", "hidden", second, [0.0, -1.0, 0.5], Identity())
    )
    result = run(dnn, LabelledData(x, np.arange(40) % 3))
    for k, fraction in enumerate((0, 0.5, 1)):
        a, b = (np.where(w < 0, (1 - fraction) * w, w) for w in (first, second))
        plain = np.tanh(x @ a + bias) @ b + [0.0, -1.0, 0.5]
        shift = result.outputs_zeroed[k] - plain  # outputs are told apart by differences alone
        assert np.ptp(shift) < 1e-12 and shift.min() >= 0
        assert result.zeroed.accuracy[k] == (plain.argmax(axis=1) == np.arange(40) % 3).mean()
    assert result.outputs_zeroed[0] == pytest.approx(result.wanted, abs=1e-9)
    assert np.abs(result.outputs_zeroed[-1] - result.outputs[-1]).max() > 0.1


def test_a9_without_negative_weights_no_error_is_below_the_floor():
    result = run(network(*XOR), XOR_DATA)
    assert result.zeroed.threshold_errors[:, 0].tolist() == [0, 0.25, 0.25]
    rng = np.random.default_rng(8)
    x = rng.integers(0, 4, (60, 2)).astype(float)
    hidden = dense("hidden", "x", rng.normal(size=(2, 8)), rng.normal(size=8), Logistic(slope=1.0, maximum=1.0))
    dnn = network(hidden, dense("out", "hidden", rng.normal(size=(8, 3)), np.zeros(3), Identity()))
    result = run(dnn, LabelledData(x, rng.integers(0, 3, 60)))
    assert (result.zeroed.threshold_errors[-1] >= result.floors.one_polarity - 1e-12).all()


def test_a9_shown_in_json_tables_figure_and_on_the_page():
    rng = np.random.default_rng(9)
    x = rng.random((60, 2))
    hidden = dense("hidden", "x", 3 * rng.normal(size=(2, 8)), rng.normal(size=8), Tanh())
    dnn = network(hidden, dense("out", "hidden", rng.normal(size=(8, 3)), np.zeros(3), Identity()))
    for net, data in ((dnn, LabelledData(x, dnn(x).argmax(axis=1))), (network(*XOR), XOR_DATA)):
        result = run(net, data)
        zeroed, view = result.zeroed, view_of(result)
        found = view.to_json()
        assert found["negative_weights_zeroed"]["accuracy"].tolist() == zeroed.accuracy.tolist()
        for k, row in enumerate(found["rate"]["classes"]):
            assert row["zeroed"] == zeroed.balanced_accuracy[-1, k] and row["zeroed_verdict"] == zeroed.verdicts[k]
            assert row["one_threshold_error_zeroed"] == zeroed.threshold_errors[-1, k]
        lines = list(csv.DictReader(io.StringIO(dict(view.files())["ablation.csv"])))
        assert [float(r["accuracy_zeroed"]) for r in lines if r["class"] == "all"] == zeroed.accuracy.tolist()
        ax = dict(view.drawn())["ablation.svg"].axes[0]
        (line,) = (line for line in ax.lines if line.get_label() == ZEROED)
        values = zeroed.accuracy if len(zeroed.judged) > 1 else 1 - zeroed.threshold_errors[:, 0]
        np.testing.assert_allclose(line.get_ydata(), values)
        assert any(f"{zeroed.accuracy[-1]:.1%}" in note for note in view.findings().tables[-1].notes)


def test_the_page():
    results = [run(network(*XOR), XOR_DATA, kind) for kind in ("rate", "spiking")]
    view = view_of(NetworkAblations(tuple(results)))
    figures, page = dict(view.drawn()), view.findings()
    tables = check(page, dict(view.all_files()), figures)
    assert "100.0% to 75.0% (rate)" in page.answer
    for result in results:
        lines = [row for row in tables["ablation.csv"] if row["kind"] == result.kind]
        assert [float(r["accuracy"]) for r in lines if r["class"] == "all"] == result.accuracy.tolist()
        errors = [float(r["one_threshold_error"]) for r in lines if r["class"] == "1"]
        assert errors == result.threshold_errors[:, 0].tolist()
    for ax, result in zip(figures["ablation.svg"].axes, results, strict=False):  # one output has two rules, both named
        drawn = {line.get_label(): line.get_ydata() for line in ax.lines}
        np.testing.assert_allclose(drawn[BEST_THRESHOLD], 1 - result.threshold_errors[:, 0])
        np.testing.assert_allclose(drawn[OWN_THRESHOLD], result.accuracy)
        assert ax.get_title() == f"{result.kind} circuit" and "argmax" not in ax.get_ylabel()
    signed = replace(results[0], signed_inputs=True)
    assert "does not bind" in view_of(signed).findings().answer
    kept = replace(results[0], outputs=results[0].outputs[[0, 0, 0]])
    mixed = view_of(NetworkAblations((kept, results[1]))).findings()
    assert mixed.tables[0].rows[0][1:3] == ("kept", "lost") and mixed.tables[1].rows[0][1:3] == (
        "kept",
        "lost: provable",
    )
    check(view_of(kept).findings(), dict(view_of(kept).all_files()), ["ablation.svg", "circuit.svg"])


def test_the_reason_of_a_loss_is_what_brings_the_class_back():
    assert threshold_verdicts(run(network(*XOR), XOR_DATA)) == ["lost: provable"]
    weights = ([[1, 0], [0, -1]], [0.0, 1.0]), ([[1], [-2]], [0.0])  # A and not (not B)
    by_inhibition = (
        dense("hidden", "x", *weights[0], ThresholdLinear()),
        dense("out", "hidden", *weights[1], Identity()),
    )
    both = LabelledData(TRUTH_TABLES["and"].patterns, TRUTH_TABLES["and"].values)
    assert threshold_verdicts(run(network(*by_inhibition), both)) == ["lost: unresolved"]  # B is no longer heard
    signed = replace(run(network(*XOR), XOR_DATA), signed_inputs=True)  # ON and OFF pairs carry any function
    assert threshold_verdicts(signed) == ["lost: unresolved"]
    unexamined = ablate_network(network(*XOR), XOR_DATA, [0, 1], backend="numpy", controls=False)
    assert threshold_verdicts(unexamined) == ["lost: not examined"]


def test_the_largest_output_has_no_bound():
    """A comparison of outputs is a subtraction: it computes XOR from two outputs of an excitatory-only circuit."""
    both = network(XOR[0], dense("out", "hidden", [[-1, 1], [2, -2]], [0.5, 0.0], Identity()))
    result = run(both, XOR_DATA)
    assert result.problems == [] and result.accuracy.tolist() == [1, 1, 1]
    assert [(c.judgement.bound, c.verdict) for c in result.output_curves] == [(None, "kept")] * 2
    assert [c.judgement.bound for c in result.threshold_curves] == [0.75] * 2
    assert threshold_verdicts(result) == ["lost: provable"] * 2
    lost = run(network(*XOR), XOR_DATA).output_curves[0].judgement  # one output has nothing to be compared with
    assert (lost.bound, lost.verdict, lost.reason) == (None, "lost", "not examined")


IRIS = np.array([[0.1, 0.9], [0.2, 0.7], [0.9, 0.1], [0.8, 0.2], [0.8, 0.9], [0.9, 0.8]])


def labelled_file(folder, labels):
    """A classifier by skl2onnx's parts: the k-th output is the largest in rows of the k-th label."""
    node, value, kind = onnx.helper.make_node, onnx.helper.make_tensor_value_info, onnx.TensorProto
    words = isinstance(labels[0], str)
    attributes = {"classlabels_strings" if words else "classlabels_ints": labels, "post_transform": "SOFTMAX"}
    coefficients, intercepts = [-2.0, 1.0, 1.0, -2.0, 1.0, 1.0], [0.0, 0.0, -0.6]
    attributes |= {"coefficients": coefficients, "intercepts": intercepts}
    graph = onnx.helper.make_graph(
        [node("LinearClassifier", ["x"], ["label", "p"], domain="ai.onnx.ml", **attributes)],
        "g",
        [value("x", kind.FLOAT, ["N", 2])],
        [value("label", kind.STRING if words else kind.INT64, ["N"]), value("p", kind.FLOAT, ["N", 3])],
    )
    opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("ai.onnx.ml", 3)]
    path = folder / "net.onnx"
    path.write_bytes(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())
    return read_onnx(path)


@pytest.mark.parametrize(
    ("labels", "target", "classes"),
    [
        (["10", "8", "9"], [10, 10, 8, 8, 9, 9], ()),  # as words "10" comes first, as numbers last
        ([7, 2, 5], [7, 7, 2, 2, 5, 5], ()),
        (["z", "x", "y"], [2, 2, 0, 0, 1, 1], ("x", "y", "z")),
        ([0, 1, 2], [0, 0, 1, 1, 2, 2], ("x", "y", "z")),  # the file just counts
        (["x", "y", "z"], [0, 0, 1, 1, 2, 2], ()),  # the data just count
    ],
)
def test_a1_labels_of_the_file_say_which_class_an_output_is(tmp_path, labels, target, classes):
    dnn, data = labelled_file(tmp_path, labels), LabelledData(IRIS, target, classes=classes)
    assert dnn.classes == tuple(labels)
    found = run(dnn, data)
    assert found.accuracy[0] == 1
    called = [data.label(value) for value in found.judged]
    for curves, how in ((found.output_curves, "the largest output"), (found.threshold_curves, "a threshold")):
        assert [each.function.partition(", ")[2] for each in curves] == [f"class {label} by {how}" for label in called]


@pytest.mark.parametrize("classes", [("b", "a", "c"), ("a", "a", "c"), ("a", "b"), ("nan", "inf", "1")])
def test_a1_numbered_data_need_labels_in_order(classes):
    dnn = replace(network(dense("out", "x", np.ones((2, 3)), np.zeros(3), Identity())), classes=classes)
    with pytest.raises(InputError, match=r"expected the classes that 'net' names .*, found 0, 1, 2"):
        run(dnn, LabelledData(IRIS, [0, 0, 1, 1, 2, 2]))


def test_a1_labels_of_other_classes_than_the_data_are_refused(tmp_path):
    dnn, data = (
        labelled_file(tmp_path, ["a", "b", "c"]),
        LabelledData(IRIS, [0, 0, 1, 1, 2, 2], classes=("a", "b", "d")),
    )
    with pytest.raises(InputError, match=r"expected the classes that 'net' names \(a, b, c\), found a, b, d"):
        run(dnn, data)


def test_a3_tied_outputs_are_decided_alike():
    """Two outputs are the same sum in another order: neither rounding of the network nor of the circuit decides."""
    rng = np.random.default_rng(1)
    weights, last, order = rng.normal(size=(3, 7)), rng.normal(size=7), rng.permutation(7)
    hidden = dense("hidden", "x", np.hstack([weights, weights[:, order]]), np.zeros(14), ThresholdLinear())
    out = np.column_stack([np.r_[last, np.zeros(7)], np.r_[np.zeros(7), last[order]], np.r_[-last, np.zeros(7)]])
    dnn = network(hidden, dense("out", "hidden", out, np.zeros(3), Identity()), inputs=3)
    x = rng.random((60, 3))
    result = run(dnn, LabelledData(x, np.arange(60) % 3))
    assert result.agreement == 1
    assert set(result.chooses[0]) == {0, 2}  # of the two the first
