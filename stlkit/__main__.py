"""``python -m stlkit``."""

from stlkit.cli import main

main()
