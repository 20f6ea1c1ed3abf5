"""A view of one's own: what it has to define."""

import pytest

from eisim import InputError
from eisim.report.view import View


def test_a_view_without_a_document_cannot_be_made():
    class Mine(View):
        """A view that lacks ``to_json``."""

    with pytest.raises(InputError, match="Mine: expected that the class defines to_json"):
        Mine(1)
