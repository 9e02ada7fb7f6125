"""The version stands in one place, and the changelog knows it."""

from pathlib import Path

import stlkit

ROOT = Path(__file__).resolve().parents[2]


def test_the_changelog_knows_the_version():
    """What is installed is what the changelog speaks of first."""
    first = next(line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## "))
    assert stlkit.__version__ in first
