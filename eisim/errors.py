"""Errors that eisim raises, and checks for models and experiments of other packages."""

from eisim.base.errors import ArgumentError, InputError, check_kind, did_you_mean, explains_arguments

__all__ = ["ArgumentError", "InputError", "check_kind", "did_you_mean", "explains_arguments"]
