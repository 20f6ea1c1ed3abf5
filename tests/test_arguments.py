"""Arguments of the wrong class: every public function says what it expects."""

import inspect

import pytest

import eisim
from eisim import InputError


def is_ours(annotation):
    return inspect.isclass(annotation) and annotation.__module__.startswith("eisim")


def takes_our_classes():
    """Public functions, with the name and class of each argument that is to be a value of one of our classes."""
    for name in eisim.__all__:
        function = getattr(eisim, name)
        if not inspect.isfunction(function):
            continue
        for each in inspect.signature(function).parameters.values():
            if is_ours(each.annotation):
                yield pytest.param(function, each.name, each.annotation.__name__, id=f"{name}-{each.name}")


@pytest.mark.parametrize("value", [None, 3.5, "0110", [1, 2], object])
@pytest.mark.parametrize(("function", "name", "expected"), takes_our_classes())
def test_a_value_of_another_class_is_an_input_error(function, name, expected, value):
    needed = {
        p.name: object.__new__(p.annotation) if is_ours(p.annotation) else 1.0
        for p in inspect.signature(function).parameters.values()
        if p.default is p.empty and p.kind != p.VAR_KEYWORD
    }
    with pytest.raises(InputError, match=f"^{function.__name__}: expected a {expected}, found "):
        function(**needed | {name: value})
    with pytest.raises(InputError, match=f"^{function.__name__}: expected a {expected}, found "):
        function(*(needed | {name: value}).values())
