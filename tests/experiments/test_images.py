"""Images: reading them, pooling, floors against the number of inputs, and the whole experiment on a few of them."""

import csv
import gzip
import io
import json
import sys

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from eisim import InputError
from eisim.base.files import to_json
from eisim.report.view import view_of
from eisim.studies.images import data, dimension
from eisim.studies.images.data import Images, load
from eisim.studies.result import Result
from experiments import images
from tests.support.figures import check as check_figure
from tests.support.findings import check

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)


def bars(n_train=60, n_test=40):
    """Images of 4 × 4 with noise, dark or bright (class 0), or bright above (1) or below (2) only."""
    rng = np.random.default_rng(1)
    masks = np.zeros((4, 4, 4))
    masks[1], masks[2, :2], masks[3, 2:] = 1, 1, 1
    kind = rng.integers(4, size=n_train + n_test)
    points = (200 * masks[kind] + 55 * rng.random((len(kind), 4, 4))).astype(np.uint8)
    targets = np.array([0, 0, 1, 2])[kind]
    return points[:n_train], targets[:n_train], points[n_train:], targets[n_train:]


def idx(values):
    """The bytes of an IDX file."""
    head = bytes([0, 0, 8, values.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in values.shape)
    return head + values.astype(np.uint8).tobytes()


@pytest.fixture
def folder(tmp_path):
    """MNIST-like files, half of them packed, some with dots in their names."""
    x, y, u, v = bars()
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(x))
    (tmp_path / "train-labels.idx1-ubyte").write_bytes(idx(y))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(u), mtime=0))
    (tmp_path / "t10k-labels.idx1-ubyte.gz").write_bytes(gzip.compress(idx(v), mtime=0))
    np.savez(tmp_path / "bars.npz", x_train=x, y_train=y, x_test=u, y_test=v)
    np.savez_compressed(tmp_path / "flat.npz", x_train=x.reshape(-1, 16) / 255, y_train=y, x_test=u / 255.0, y_test=v)
    return tmp_path


# reading


def test_idx_and_npz_files_hold_the_same(folder):
    x, y, u, v = bars()
    for source in (folder, folder / "train-labels.idx1-ubyte", folder / "bars.npz", folder / "flat.npz"):
        found = load(str(source), RNG)
        assert found.shape == (4, 4) and found.train_points.max() == 1
        assert np.allclose(found.train_points * x.max(), x.reshape(-1, 16))
        assert np.allclose(found.test_points * x.max(), u.reshape(-1, 16))
        assert np.array_equal(found.train_targets, y) and np.array_equal(found.test_targets, v)


def test_digits():
    pytest.importorskip("sklearn")
    found = load("digits", np.random.default_rng(0))
    assert (len(found.train_points), len(found.test_points), found.shape) == (1198, 599, (8, 8))
    assert found.train_points.min() == 0 and found.train_points.max() == 1 and len(found.classes) == 10
    few = found.at_most(100, 50, np.random.default_rng(0))
    assert len(few.train_points) == len(few.train_targets) == 100 and len(few.test_targets) == 50
    rows = {(*point, target) for point, target in zip(found.train_points, found.train_targets, strict=True)}
    assert all((*p, t) in rows for p, t in zip(few.train_points, few.train_targets, strict=True))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train-images-idx3-ubyte", None, "expected train-images-idx3-ubyte, packed (.gz) or not, found no such file"),
        ("train-images-idx3-ubyte", b"PK\3\4", "expected an IDX file of bytes with 3 axes, found b'PK"),
        ("train-images-idx3-ubyte", idx(bars()[0])[:-1], "expected 960 values after the head, found 959"),
        ("train-images-idx3-ubyte", idx(bars()[0]) + b"1", "expected 960 values after the head, found more"),
        ("train-images-idx3-ubyte", bytes([0, 0, 8, 3]) + b"\xff" * 12, "expected at most 1,073,741,824 values"),
        ("train-images-idx3-ubyte", idx(bars()[0][:9]), "train: expected images of shape (images, rows, columns) and"),
        (
            "train-images-idx3-ubyte",
            idx(np.zeros((60, 5, 5))),
            "test: expected images of (5, 5), as to train on, found",
        ),
        ("t10k-images-idx3-ubyte.gz", gzip.compress(idx(bars()[2]), mtime=0)[:-9], "cannot be read: "),
        ("t10k-images-idx3-ubyte.gz", b"\x1f\x8b\x08" + b"9" * 90, "cannot be read: "),
        (
            "t10k-labels.idx1-ubyte.gz",
            gzip.compress(idx(np.zeros(40)), mtime=0),
            "expected the same classes to train on and to",
        ),
    ],
)
def test_bad_idx_files_are_one_clear_line(folder, name, content, message):
    (folder / name).unlink() if content is None else (folder / name).write_bytes(content)
    with pytest.raises(InputError) as error:
        load(str(folder), RNG)
    assert message in str(error.value) and str(folder) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_test": None}, "expected arrays x_train, y_train, x_test, y_test, found no y_test"),
        ({"x_train": np.array([{}], dtype=object)}, "cannot be read: an array of object"),
        ({"x_train": -np.ones((60, 4, 4))}, "train: expected finite brightness of 0 or more"),
        ({"x_test": np.full((40, 4, 4), np.nan)}, "test: expected finite brightness of 0 or more"),
        ({"x_test": np.ones((40, 15))}, "test: expected images of shape (images, rows, columns) and a label for each"),
        ({"y_train": np.full(60, "a")}, "train: expected numbers and whole numbers as labels, found uint8 and <U1"),
    ],
)
def test_bad_arrays_are_one_clear_line(tmp_path, change, message):
    arrays = dict(zip(data.NPZ, bars(), strict=True)) | change
    np.savez(tmp_path / "bad.npz", **{name: a for name, a in arrays.items() if a is not None})
    with pytest.raises(InputError) as error:
        load(str(tmp_path / "bad.npz"), RNG)
    assert message in str(error.value) and "bad.npz" in str(error.value) and "\n" not in str(error.value)


def test_what_is_not_there(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="expected digits, or a file or folder of images, found nothing at"):
        load(str(tmp_path / "none"), RNG)
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(InputError, match=r"text\.npz: cannot be read"):
        load(str(tmp_path / "text.npz"), RNG)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(InputError, match=r"pip install 'eisim\[images\]'"):
        load("digits", RNG)


# the number of inputs


def pixels(shape, seed):
    points = np.random.default_rng(seed).random((5, shape[0] * shape[1]))
    return Images("noise", shape, points, np.zeros(5), points, np.zeros(5))


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(0, 9))
def test_pooling_averages_equal_areas(rows, columns, side, seed):
    side = min(side, rows, columns)
    found = pixels((rows, columns), seed)
    fine = found.train_points.reshape(5, rows, columns).repeat(side, axis=1).repeat(side, axis=2)
    expected = fine.reshape(5, side, rows, side, columns).mean(axis=(2, 4)).reshape(5, -1)
    assert found.pooled(side).train_points == pytest.approx(expected, abs=1e-8)


def test_pooling_too_much():
    with pytest.raises(InputError, match="noise: pooled: expected 1 to 4, found 5"):
        pixels((4, 6), 0).pooled(5)


@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 99))
def test_comparable_pairs_by_brute_force(n, width, seed):
    points = np.random.default_rng(seed).integers(0, 3, (n + 1, width))
    pairs = [(a, b) for k, a in enumerate(points) for b in points[:k]]
    expected = np.mean([(a <= b).all() or (b <= a).all() for a, b in pairs])
    assert dimension.comparable_share(points) == pytest.approx(expected)


def test_expected_share_of_comparable_corners():
    for n in (1, 2, 5):
        corners = dimension._points(n, None, RNG)
        assert len(np.unique(corners, axis=0)) == 2**n
        assert dimension.comparable_share(corners) == pytest.approx(float(dimension.expected_comparable(n)))
    drawn = dimension._points(24, 300, np.random.default_rng(0))
    assert drawn.shape == (300, 24) == np.unique(drawn, axis=0).shape
    assert abs(drawn.mean(axis=0) - 0.5).max() < 0.15  # no input is special


def test_floors_of_random_functions_by_brute_force():
    """For 2 inputs against all monotone functions of 2 inputs; one point, or two that cannot be compared, have none."""
    seed = np.random.SeedSequence(5)
    found = dimension.boolean_floors([2], None, 30, np.random.SeedSequence(5))
    monotone = np.array([[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 1], [1, 1, 1, 1]])
    for rng, floor in zip(map(np.random.default_rng, seed.spawn(30)), found.floors[0], strict=True):
        values = rng.random(4) < 0.5
        assert floor == (monotone != values).mean(axis=1).min()
    assert len(set(found.floors[0])) > 1


def test_floors_of_few_points_fall_with_input_dimension():
    whole = dimension.boolean_floors([2, 8], None, 10, np.random.SeedSequence(0))
    sample = dimension.boolean_floors([8, 48], 100, 10, np.random.SeedSequence(0))
    assert whole.n_points.tolist() == [4, 256] and sample.n_points.tolist() == [100, 100]
    assert whole.floors[1].mean() > whole.floors[0].mean()
    assert sample.floors[0].mean() > 0.2 and sample.floors[1].max() < 0.02
    with pytest.raises(InputError, match="expected at most 14 inputs of whole functions, found 15"):
        dimension.boolean_floors([15], None, 1, np.random.SeedSequence(0))


# the experiment


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "bars.npz"
    np.savez(path, **dict(zip(data.NPZ, bars(), strict=True)))
    settings = images.Settings(
        data=str(path), train=50, test=30, hidden=8, pooled_hidden=6, iterations=100, functions=2
    )
    return images.run(settings, ["rate", "spiking"], 1, "numpy", lambda stage, fraction=None: None)


def test_the_experiment(result):
    assert result.problems == [] and result.available == (60, 40)
    found = {network.signs: network for network in result.trained}
    assert list(found) == ["free", "dale", "excitatory"]
    assert isinstance(result, Result) and not any(curve.violations() for curve in result.curves)
    # An excitatory-only network is as it was without inhibition.
    assert "lost" not in {curve.verdict for curve in found["excitatory"].curves}
    for network in found.values():
        assert network.accuracy("test") > (0.6 if network.signs == "excitatory" else 0.95)
        for kind, a in network.ablations.items():
            assert a.agreement > 0.95, kind
            assert (a.threshold_errors[-1] >= a.floors.one_polarity).all()
        assert network.ablations["rate"].threshold_errors[0] == pytest.approx(network.threshold_errors)
    only = found["excitatory"].ablations["rate"]
    assert found["excitatory"].dnn.is_nonnegative and only.accuracy[0] == only.accuracy[-1]
    assert found["free"].ablations["rate"].accuracy[-1] < 0.9
    pooled = result.pooled
    assert pooled.sides.tolist() == [1, 2, 3, 4] and pooled.comparable[0] == 1
    for part in ("train", "test"):
        assert (pooled.floors[part] <= pooled.floors[part][0] + 1e-12).all()
        assert (pooled.errors["excitatory", part] >= pooled.floors[part]).all()
    assert pooled.floors["train"][0].mean() > 0.2 and pooled.floors["train"][-1].mean() < 0.05


def test_problems_are_found(result):
    from dataclasses import replace

    pooled = result.pooled
    lower = replace(pooled, errors=pooled.errors | {("excitatory", "train"): pooled.floors["train"] - 0.01})
    assert any("below the floor" in text and "CONTRADICTION" in text for text in lower.problems)
    upside_down = replace(pooled, floors={part: 1 - floor for part, floor in pooled.floors.items()})
    assert any("fewer inputs lower the floor" in text for text in upside_down.problems)
    free, _, excitatory = result.trained
    swapped = replace(excitatory, dnn=free.dnn, ablations=free.ablations)
    assert any("has a negative weight" in text for text in swapped.problems)
    assert any("ablation changes the rate circuit" in text for text in swapped.problems)
    worse = replace(free.ablations["rate"], outputs=free.ablations["rate"].outputs[::-1])
    assert any("more than 1% from" in text for text in replace(free, ablations={"rate": worse}).problems)


def test_reports_agree_with_the_data(result):
    from rich.console import Console

    document = json.loads(to_json(view_of(result).to_json()))
    assert document["problems"] == [] and document["findings"] == list(view_of(result).answer())
    files = dict(view_of(result).all_files())
    arrays = xr.load_dataset(io.BytesIO(files["data.nc"]))
    rows = list(csv.DictReader(io.StringIO(files["images.csv"])))
    for network in document["networks"]:
        assert network["hidden"] == [8] and network["excitation_alone_gives"].startswith("monotone functions")
        for kind in set(network["accuracy"]) - {"dnn", "dnn_train"}:
            for condition in ("intact", "ablated"):
                at = {"network": network["signs"], "system": kind, "condition": condition}
                assert network["accuracy"][kind][condition] == arrays.accuracy.sel(at).item()
                chosen = arrays.output.sel(at).argmax("class")
                assert (chosen == arrays.test_class).mean().item() == network["accuracy"][kind][condition]
                mine = [float(r["one_threshold_error"]) for r in rows if at.items() <= r.items()]
                assert np.mean(mine) == pytest.approx(network["one_threshold_error"][kind][condition])
    for row in document["inputs"]["pooled"]:
        at = {"side": round(row["inputs"] ** 0.5)}
        assert row["floor"]["test"] == pytest.approx(arrays.pooled_floor.sel(part="test", **at).mean().item())
        of = arrays.pooled_error.sel(constraint="excitatory", part="train", **at)
        assert row["excitatory"]["train"] == pytest.approx(of.mean().item())
    lines = list(csv.DictReader(io.StringIO(files["inputs.csv"])))
    whole = [r for r in lines if (r["measure"], r["part"]) == ("floor", "whole")]
    assert [float(r["mean"]) for r in whole] == pytest.approx(arrays.boolean_floor.mean("function").values)
    console = Console(width=120, file=io.StringIO())
    console.print(view_of(result).terminal())
    assert "…" not in console.file.getvalue()


def test_every_class_has_the_record_of_its_judgement(result):
    """With controls off the reason is not examined; with them on it is another one, and the parts are drawn."""
    from dataclasses import replace

    from eisim.studies.judgement import Controls

    def shown(result):
        view = view_of(result)
        rows = list(csv.DictReader(io.StringIO(dict(view.all_files())["losses.csv"])))
        document = json.loads(to_json(view.to_json()))
        found = [each for network in document["networks"] for each in network["judgements"]]
        assert [(r["function"], r["system"], r["verdict"]) for r in rows] == [
            (each["function"], each["system"], each["verdict"]) for each in found
        ]
        assert len(found) == sum(len(a.threshold_curves) for n in result.trained for a in n.ablations.values())
        return found, dict(view.drawn()), view.findings()

    found, figures, _ = shown(result)
    assert {each["reason"] for each in found if each["verdict"] == "lost"} == {"not examined"}
    assert {each["reason"] for each in found if each["verdict"] != "lost"} == {None} and "losses.svg" not in figures
    # What the excitatory-only network scores as the same kind of circuit is attained.
    (only,) = (network for network in result.trained if network.signs == "excitatory")
    for kind, a in only.ablations.items():
        attained = [each["best_excitatory"]["attained"] for each in found if each["system"] == kind]
        assert attained == [*(1 - a.fixed_threshold_errors[0])] * len(result.trained)

    def examined(network):
        curves = network.ablations["rate"].threshold_curves
        controls = tuple(Controls(refitted=curve.scores[0]) for curve in curves)
        return replace(network, ablations={"rate": replace(network.ablations["rate"], controls=controls)})

    found, figures, page = shown(replace(result, trained=tuple(map(examined, result.trained))))
    assert {each["reason"] for each in found if each["verdict"] == "lost"} == {"readout"} and "losses.svg" in figures
    (by_threshold,) = (table for table in page.tables if table.title.startswith("Error with"))
    assert "readout" in str(by_threshold.rows[0])


def test_figures_have_labelled_axes(result):
    figures = dict(view_of(result).drawn())
    assert set(figures) == {"images.svg", "inputs.svg", "circuit.svg"}
    for figure in figures.values():
        check_figure(figure)
    assert sum("(%)" in ax.get_ylabel() for ax in figures["images.svg"].axes) == 3
    assert all(ax.get_xlabel() == "number of inputs" and ax.get_ylabel() for ax in figures["inputs.svg"].axes)


def test_bad_settings_are_one_clear_line():
    for name, least in (("side", 1), ("train", 2), ("hidden", 1), ("functions", 1)):
        with pytest.raises(InputError, match=f"^{name}: expected at least {least}, found {least - 1}$"):
            images.Settings(**{name: least - 1})


def test_the_page(result):
    view = view_of(result)
    findings = view.findings()
    tables = check(findings, dict(view.all_files()), dict(view.drawn()))
    by_argmax, by_threshold, classes, losses, dimensions, functions = map(rows_of, findings.tables)
    judged = [c.judgement for n in result.trained for a in n.ablations.values() for c in a.threshold_curves]
    assert len(losses) == sum(each.verdict == "lost" for each in judged) > 0
    lines = {(r["network"], r["system"], r["condition"], r["class"]): r for r in tables["images.csv"]}
    for network, accuracy, error in zip(result.trained, by_argmax, by_threshold, strict=True):
        assert accuracy["DNN"] == network.accuracy("test")
        for kind, a in network.ablations.items():
            for k, condition in enumerate(("intact", "ablated")):
                line = lines[network.signs, kind, condition, "all"]
                assert float(line["accuracy"]) == a.accuracy[k] == of(accuracy, condition, kind)
                assert float(line["one_threshold_error"]) == pytest.approx(of(error, condition, kind))
            lost = [
                r["class"]
                for r in classes
                if (r["network"], r["circuit"]) == (accuracy["network"], kind) and r["verdict"] == "lost"
            ]
            assert len(lost) == (~a.kept).sum()
            assert of(accuracy, "verdict", kind).startswith("lost" if lost else "kept")
    assert [r["verdict"] for r in classes if r["network"] == "excitatory-only"] == ["kept"] * 6
    assert by_argmax[0]["verdict"].startswith("lost")
    for s, row in enumerate(dimensions):
        assert row["inputs"] == result.pooled.sides[s] ** 2
        for part in ("train", "test"):
            assert of(row, "floor", part) == pytest.approx(result.pooled.floors[part][s].mean())
            wrong = result.pooled.errors["excitatory", part][s].mean()
            assert of(row, "error, excitatory-only", part) == pytest.approx(wrong) and wrong >= of(row, "floor", part)
    whole = {row["inputs"]: row["floor, all points"] for row in functions}
    assert [whole[n] for n in result.whole.inputs] == pytest.approx(result.whole.floors.mean(axis=1))


def rows_of(table):
    """Rows of a table of a page, each a mapping by heading."""
    return [dict(zip([column.name for column in table.columns], row, strict=True)) for row in table.rows]


def of(row, heading, what):
    """A cell of a column that is split by system or part only where these differ."""
    return row[heading] if heading in row else row[f"{heading}, {what}"]


def test_the_baseline_is_the_best_constant_answer(result):
    from dataclasses import replace

    pooled, targets = result.pooled, result.images.test_targets
    shares = np.array([np.mean(targets == value) for value in pooled.classes])
    assert pooled.baseline == pytest.approx(np.minimum(shares, 1 - shares))
    often = replace(pooled, prevalence=np.array([0.7, 0.2, 0.1]))
    assert often.baseline == pytest.approx([0.3, 0.2, 0.1])
