"""Amounts as a person reads them."""

import pytest

from stlkit.model.amounts import Amount, file_size


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_940, "99.9 kB"), (99_960, "100 kB"), (999_499, "999 kB"),
     (999_500, "1.0 MB"), (66_000_000, "66.0 MB"), (3_210_000_000, "3.2 GB")],
)  # fmt: skip
def test_amounts_of_bytes_are_decimal_and_short(size_bytes, text):
    """Three digits at most, and a unit."""
    assert file_size(size_bytes) == text


def test_amounts_add_up():
    """Counts with counts, bytes with bytes."""
    assert Amount(count=1, size_bytes=10) + Amount(count=2, size_bytes=5) == Amount(count=3, size_bytes=15)
