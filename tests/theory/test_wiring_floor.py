"""The floor of a wiring against brute force over all functions that its signs allow."""

from itertools import product

import numpy as np
import pytest

from eisim import LabelledData, TruthTable, certify, synthesize
from eisim.errors import InputError
from eisim.functions import patterns
from eisim.theory.structure.certificate import BLIND, FALLS, MIXED, RISES, WORDS


def allowed(signs) -> np.ndarray:
    """All truth tables, functions × patterns, that do not fall in the order of the signs."""
    n = len(signs)
    points = patterns(n).astype(int)
    functions = (np.arange(2**2**n)[:, None] >> np.arange(2**n)) & 1
    for a, b in product(range(2**n), repeat=2):
        x, y = points[a], points[b]
        below = {RISES: x <= y, FALLS: x >= y, MIXED: x == y, BLIND: np.full(n, True)}
        if all(below[word][k] for k, word in enumerate(signs)):
            functions = functions[functions[:, a] <= functions[:, b]]
    return functions


def test_the_floor_is_that_of_the_best_function_allowed():
    rng = np.random.default_rng(0)
    for n, most in ((2, 256), (3, 400)):
        pairs = [*product(product(WORDS, repeat=n), range(2**2**n))]
        for k in rng.permutation(len(pairs))[:most]:
            signs, number = pairs[k]
            target = number >> np.arange(2**n) & 1
            weights = rng.integers(1, 4, 2**n)
            data = LabelledData(patterns(n), target, weights)
            found = certify(data, signs=signs)
            errors = (allowed(signs) != target) @ weights / weights.sum()
            assert found.floor["zero_one"] == pytest.approx(errors.min())
            assert found.representable == (errors.min() == 0) == (found.witness is None)
            best = (found.best["zero_one"] > 0.5).astype(int)
            assert (allowed(signs) == best).all(axis=1).any()


def test_signs_that_all_rise_give_the_floor_of_excitatory_only_circuits():
    rng = np.random.default_rng(1)
    for _ in range(30):
        data = LabelledData(rng.integers(0, 4, (12, 2)), rng.integers(0, 3, 12), rng.integers(1, 3, 12))
        plain, signed = certify(data, orient=False), certify(data, signs=[RISES, RISES])
        assert plain.floor == signed.floor and plain.violating_pairs == signed.violating_pairs
        assert plain.witness == signed.witness


def test_a_circuit_computes_what_its_wiring_allows():
    for bits in product("01", repeat=4):
        function = TruthTable("".join(bits))
        signs = certify(synthesize(function, kind="rate")).signs()
        assert certify(function, signs=signs).representable


def test_a_witness_says_which_routes_the_wiring_lacks():
    """Every set of signs that allows the function has one of the routes that are lacking."""
    data = LabelledData([[0, 0], [1, 0], [0, 1], [1, 1]], [0, 1, 1, 0], names=["a", "b"])
    found = certify(data, signs={"a": "+", "b": "both"})
    assert found.witness == ((0, 1), (1, 1)) and found.lacking == (("a", "inhibitory"),)
    assert found.floor["zero_one"] == 0.25 and "no circuit of the wiring computes it" in repr(found)
    assert found.to_dict()["lacking"] == [{"input": "a", "route": "inhibitory"}]
    assert certify(data, signs={"a": "none", "b": "falls"}).lacking
    routes = {RISES: {"excitatory"}, FALLS: {"inhibitory"}, MIXED: {"excitatory", "inhibitory"}, BLIND: set()}
    for bits in product((0, 1), repeat=4):
        data = LabelledData(patterns(2), bits, names=["a", "b"])
        can = {signs: certify(data, signs=signs).representable for signs in product(WORDS, repeat=2)}
        for signs in (each for each, is_able in can.items() if not is_able):
            lacking = certify(data, signs=signs).lacking
            for other in (each for each, is_able in can.items() if is_able):
                has = [routes[other["ab".index(name)]] for name, _ in lacking]
                assert any(way in of or (way == "any" and of) for of, (_, way) in zip(has, lacking, strict=True))


def test_shown():
    data = LabelledData([[0, 0], [1, 0], [0, 1], [1, 1]], [0, 1, 1, 0], names=["a", "b"])
    found = certify(data, signs={"a": "+", "b": "both"})
    text = found._repr_html_()
    assert "a rises and b mixed" in text and "(0, 1) to (1, 1)" in text and "lacks: a (inhibitory)" in text
    frame = found.to_dataframe()
    assert frame.a.tolist() == [0, 1, 0, 1] and (frame.best_zero_one != frame.target).sum() == 1
    many = certify(LabelledData(np.eye(20)[:2], [0, 1]), signs=["falls"] * 10 + ["none"] * 10)
    assert "Witness" not in many._repr_html_() and len(many._repr_html_()) < 3000


def test_order_that_floats_merge_counts():
    points = [[2**53, 0], [2**53 + 1, 0], [2**53 + 2, 1]]
    data = LabelledData(points, [0, 1, 0])
    assert not certify(data, signs=["rises", "rises"]).representable
    assert certify(data, signs=["rises", "falls"]).representable
    assert not certify(data, signs=["falls", "mixed"]).representable


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"signs": ["+"]}, "signs: expected a sign for each of 2 inputs, by name or in order"),
        ({"signs": "++"}, "signs: expected a sign for each of 2 inputs"),
        ({"signs": ["+", "up"]}, r"signs: expected rises, falls, none, mixed, \+ or -, found 'up'"),
        ({"signs": {"a": "+"}}, "signs: expected a sign of input 'b', found none"),
        ({"signs": {"a": "+", "b": "+", "c": "+"}}, "signs: expected inputs of the data"),
        ({"signs": ["+", "+"], "orient": True}, "orient: expected without signs"),
        ({"signs": ["+", 1]}, "signs: expected rises, falls"),
    ],
)
def test_what_are_no_signs_is_refused(options, message):
    data = LabelledData([[0, 0], [1, 1]], [0, 1], names=["a", "b"])
    with pytest.raises(InputError, match=message):
        certify(data, **options)
