import pytest

from stlkit.rendering.lengths import format_inch, format_mm, round_length


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (0.0, "0 mm"), (1e-9, "1e-09 mm"), (0.001, "0.001 mm"), (0.0012346, "0.001235 mm"), (0.5, "0.5 mm"),
        (20.0, "20 mm"), (19.999999, "20 mm"), (123.456, "123.5 mm"), (999.96, "1 000 mm"), (1234.5, "1 234 mm"),
        (1e6, "1 000 000 mm"), (12345678.0, "12 345 678 mm"),
    ],
)  # fmt: skip
def test_millimetres_are_written_as_people_read_them(length, text):
    """Four figures, no needless zeros, thousands apart, at every size."""
    assert format_mm(length).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("length", "text"), [(25.4, "1 in"), (20.0, "0.7874 in"), (1e6, "39 370 in"), (0.001, "0.00003937 in")]
)
def test_inches_are_25_4_millimetres(length, text):
    """The same length in inches."""
    assert format_inch(length).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("most", "found"), [(1.0, 1.0), (1.9, 1.0), (2.0, 2.0), (4.9, 2.0), (70.0, 50.0), (0.0031, 0.002)]
)
def test_a_scale_bar_is_one_two_or_five(most, found):
    """The longest of 1, 2 and 5 times a power of ten that fits."""
    assert round_length(most) == pytest.approx(found)
