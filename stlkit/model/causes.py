"""Why a job did not complete, from what is kept of it."""

from __future__ import annotations

from collections.abc import Sequence

REFUSAL = "refused by strict validation: "
"""What the message of a job begins with that strict validation refused; its findings follow."""


def refusal_of(findings: Sequence[str]) -> str:
    """Return the message of a job that was refused for what was found in its file."""
    return REFUSAL + "; ".join(findings)


def causes_of(message: str, warnings: Sequence[str]) -> tuple[str, ...]:
    """Return the causes that a message names: each finding of a refusal, else the message itself.

    Parameters
    ----------
    message : str
    warnings : sequence of str
        Those of the job, which tell a finding with a semicolon from two.

    Returns
    -------
    tuple of str
    """
    if not message.startswith(REFUSAL):
        return (message,)
    findings = [warning for warning in warnings if warning in message]
    if refusal_of(findings) != message:
        findings = message.removeprefix(REFUSAL).split("; ")
    return tuple(f"refused: {finding}" for finding in findings)
