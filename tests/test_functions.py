import pytest

from eisim import NAMED, InputError, TruthTable


def test_counting_order_has_the_first_input_as_most_significant_bit():
    implies = TruthTable.of(2, lambda a, b: not a or b)
    assert implies.bits == "1101"
    assert [implies(x) for x in ([0, 0], [0, 1], [1, 0], [1, 1])] == [True, True, False, True]
    assert implies.patterns.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_named_functions():
    assert NAMED["xor"].bits == "0110"
    assert NAMED["multiplexer"].bits == "00110101"
    assert sum(NAMED["equality"].values) == 4
    assert NAMED["at-least-2-of-4"].bits.count("1") == 11


@pytest.mark.parametrize("bits", ["", "0", "011", "01a0", "0" * 128, 110, None, "0 1 "])
def test_bad_truth_tables(bits):
    with pytest.raises(InputError, match="truth table: expected"):
        TruthTable(bits)
