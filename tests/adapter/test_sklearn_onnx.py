# ruff: noqa: E402
"""Pipelines of scikit-learn, as skl2onnx writes them: the network that scikit-learn computes, or a refusal by name."""

import json
import warnings

import numpy as np
import pytest

from eisim import InputError, read_onnx

skl2onnx = pytest.importorskip("skl2onnx")
pytest.importorskip("sklearn")

from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import RFE, SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Perceptron,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

X, CLASSES = load_iris(return_X_y=True)
X = X[:, :3].astype(np.float32)
WORDS, TWO, NUMBERS = np.array(["a", "b", "c"])[CLASSES], (CLASSES == 1).astype(int), CLASSES.astype(float)


def logistic():
    return LogisticRegression(max_iter=500)


def mlp(*hidden, **more):
    return MLPClassifier(hidden, max_iter=200, random_state=0, **more)


#: What each learns, and its steps.
READ = {
    "selected columns": (CLASSES, StandardScaler(), SelectKBest(k=2), logistic()),  # A1
    "logistic": (CLASSES, logistic()),
    "two classes": (TWO, logistic()),
    "words": (WORDS, logistic()),
    "from 0 to 1": (CLASSES, MinMaxScaler(), logistic()),
    "largest 1": (CLASSES, MaxAbsScaler(), logistic()),
    "quartiles": (CLASSES, RobustScaler(), logistic()),
    "components": (CLASSES, StandardScaler(), PCA(2), logistic()),
    "whitened": (WORDS, StandardScaler(), PCA(2, whiten=True), mlp(6)),
    "singular vectors": (CLASSES, TruncatedSVD(2), logistic()),
    "support vectors": (CLASSES, LinearSVC()),
    "perceptron": (CLASSES, Perceptron()),
    "gradient descent": (CLASSES, SGDClassifier(random_state=0)),
    "gradient descent, two": (TWO, SGDClassifier(loss="log_loss", random_state=0)),
    "ridge classifier": (CLASSES, RidgeClassifier()),
    "hidden ReLUs": (CLASSES, StandardScaler(), mlp(5)),
    "hidden tanh": (CLASSES, StandardScaler(), mlp(5, 4, activation="tanh")),
    "hidden logistic, two": (TWO, StandardScaler(), mlp(5, activation="logistic")),
    "ridge": (NUMBERS, Ridge()),
    "linear": (NUMBERS, StandardScaler(), LinearRegression()),
    "lasso": (NUMBERS, Lasso(0.1)),
    "elastic net": (NUMBERS, ElasticNet(0.1)),
    "hidden, numbers": (
        NUMBERS,
        StandardScaler(),
        MLPRegressor(hidden_layer_sizes=(4,), max_iter=200, random_state=0),
    ),
    "varying columns": (CLASSES, VarianceThreshold(0.1), logistic()),
    "eliminated columns": (CLASSES, RFE(logistic(), n_features_to_select=2), logistic()),
    "column by column": (
        CLASSES,
        ColumnTransformer([("s", StandardScaler(), [0, 2]), ("m", MinMaxScaler(), [1])]),
        logistic(),
    ),
    "the rest passes": (
        CLASSES,
        ColumnTransformer([("s", StandardScaler(), [2, 0])], remainder="passthrough"),
        logistic(),
    ),
    "discriminant": (CLASSES, LinearDiscriminantAnalysis()),
    "as it is": (CLASSES, FunctionTransformer(), logistic()),
}
REFUSED = {
    "normalised rows": ((StandardScaler(), Normalizer(), logistic()), "expected a Normalizer at the end only"),  # A1
    "polynomial": ((PolynomialFeatures(2), logistic()), "ReduceProd cannot be mapped .*PolynomialFeatures"),
    "tree": ((DecisionTreeClassifier(),), "TreeEnsembleClassifier cannot be mapped .*decision trees"),
    "forest": ((RandomForestClassifier(5),), "TreeEnsembleClassifier cannot be mapped .*decision trees"),
    "kernel": ((SVC(),), "SVMClassifier cannot be mapped .*kernel"),
    "bins": ((KBinsDiscretizer(3, encode="onehot-dense"), logistic()), "expected labels as outputs only"),
    "ordinal bins": ((KBinsDiscretizer(3, encode="ordinal"), logistic()), "expected labels as outputs only"),
    "binary": ((Binarizer(threshold=3), logistic()), "Binarizer cannot be mapped"),
    "missing": ((SimpleImputer(), logistic()), "Imputer cannot be mapped"),
    "power": ((PowerTransformer(), logistic()), "expected the divisor to be constant"),
    "Bayes": ((GaussianNB(),), "Pow cannot be mapped"),
    "neighbours": ((KNeighborsClassifier(),), "Scan cannot be mapped"),
}


def file_of(steps, target, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of short training
        model = (make_pipeline(*steps) if len(steps) > 1 else steps[0]).fit(X, target)
    path = folder / "m.onnx"
    path.write_bytes(skl2onnx.to_onnx(model, X[:1]).SerializeToString())
    return model, path


@pytest.mark.parametrize("name", READ)
def test_a1_reads_what_scikit_learn_computes(name, tmp_path):
    target, *steps = READ[name]
    model, path = file_of(steps, target, tmp_path)
    dnn = read_onnx(path)
    found = dnn(X.astype(float))
    if target is NUMBERS:
        assert found[:, 0] == pytest.approx(np.ravel(model.predict(X)), abs=1e-5)
        return
    scores = model.predict_proba(X) if hasattr(model, "predict_proba") else model.decision_function(X)
    ordered = np.sort(scores, axis=1) if scores.ndim > 1 else np.abs(np.outer(scores, [0, 1]))
    clear = ordered[:, -1] - ordered[:, -2] > 1e-5
    assert (model.classes_[found.argmax(axis=1)] == model.predict(X))[clear].all() and clear.mean() > 0.9


@pytest.mark.parametrize("name", REFUSED)
def test_a1_names_what_is_no_network(name, tmp_path):
    steps, message = REFUSED[name]
    _, path = file_of(steps, CLASSES, tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        read_onnx(path)
    assert "\n" not in str(caught.value)


@pytest.mark.nightly
def test_a1_selected_columns_keep_their_accuracy(eisim, tmp_path):
    """Through the command: 0.953, where what follows the selection was once dropped, which gave 0.833."""
    model, path = file_of((StandardScaler(), SelectKBest(k=2), logistic()), CLASSES, tmp_path)
    rows = [",".join(f"{v:.9g}" for v in (*x, k)) for x, k in zip(X, CLASSES, strict=True)]
    (tmp_path / "iris3.csv").write_text("\n".join(["a,b,c,k", *rows]) + "\n")
    words = ("ablate", path, "--data", tmp_path / "iris3.csv", "--target", "k", "--kind", "rate", "--backend", "numpy")
    done = eisim(*words, "--levels", "2", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["rate"]["accuracy"][0]
    assert found == pytest.approx(model.score(X, CLASSES), abs=0.01) and found > 0.93
