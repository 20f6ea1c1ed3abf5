"""The one error that a user's input can cause."""


class InputError(ValueError):
    """Bad input: one line that names the thing, what was found and what was expected."""
