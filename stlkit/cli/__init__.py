"""The command line: parse, call the façade, print. One module a group of commands."""

from stlkit.cli.program import app, main

__all__ = ["app", "main"]
