"""HTML that every widget shares: escaped text, amounts, findings, and one style sheet for light and dark."""

from __future__ import annotations

import html
from collections.abc import Iterable

from stlkit.model.reports import Finding, Severity

STYLE = """<style>
.stlkit { color: var(--jp-ui-font-color1, #212121); font-family: var(--jp-ui-font-family, system-ui, sans-serif);
  font-size: var(--jp-ui-font-size1, 13px); line-height: 1.45; }
.stlkit p { margin: 2px 0; }
.stlkit p.line { padding-left: 1.4em; text-indent: -1.4em; overflow-wrap: anywhere; }
.stlkit .quiet { color: var(--jp-ui-font-color2, #616161); }
.stlkit .good { color: var(--jp-success-color1, #2e7d32); }
.stlkit .bad { color: var(--jp-error-color1, #c62828); }
.stlkit .doubtful { color: var(--jp-warn-color1, #b45309); }
.stlkit .busy { color: var(--jp-brand-color1, #1976d2); }
.stlkit .mark { display: inline-block; width: 1.4em; font-weight: 700; text-indent: 0; }
.stlkit.card { border: 1px solid var(--jp-border-color2, #bdbdbd); border-left-width: 4px; border-radius: 3px;
  padding: 10px 14px; margin: 4px 0; background: var(--jp-layout-color1, #fff); max-width: 640px; }
.stlkit.card h4 { margin: 0 0 6px; font-size: 1.1em; font-weight: 600; overflow-wrap: anywhere; }
.stlkit table { border-collapse: collapse; table-layout: fixed; width: 100%; min-width: 640px; margin: 0;
  font-size: inherit; }
.stlkit th, .stlkit td { box-sizing: border-box; padding: 4px 8px; text-align: left; vertical-align: top; border: 0;
  border-bottom: 1px solid var(--jp-border-color2, #e0e0e0); background: none; }
.stlkit th { position: sticky; top: 0; z-index: 1; font-weight: 600; white-space: nowrap;
  background: var(--jp-layout-color2, #eee); color: var(--jp-ui-font-color1, #212121); }
.stlkit th.number, .stlkit td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.stlkit th.state { width: 7.9em; }
.stlkit td.state { white-space: nowrap; }
.stlkit th.size { width: 5.3em; }
.stlkit th.progress { width: 8.2em; }
.stlkit th.time { width: 4.8em; }
.stlkit th.note { width: 32%; }
.stlkit td { overflow-wrap: anywhere; }
.stlkit progress { appearance: none; display: block; width: 100%; height: 6px; margin: 6px 0 2px; border: 0;
  border-radius: 3px; overflow: hidden; background: var(--jp-layout-color3, #bdbdbd); }
.stlkit progress::-webkit-progress-bar { background: var(--jp-layout-color3, #bdbdbd); }
.stlkit progress::-webkit-progress-value { background: var(--jp-brand-color1, #1976d2); }
.stlkit progress::-moz-progress-bar { background: var(--jp-brand-color1, #1976d2); }
</style>"""
"""JupyterLab's own colours where it is the page, plain ones elsewhere. Colour always comes with a mark or a word."""

_MARKS = {Severity.ERROR: ("bad", "✗"), Severity.WARNING: ("doubtful", "!"), Severity.INFO: ("quiet", "i")}


def escaped(text: str) -> str:
    """Return text that is safe in an element or a quoted attribute, whatever it holds.

    Parameters
    ----------
    text : str
        Lone surrogates, which no browser message can carry, are shown as escapes.

    Returns
    -------
    str
    """
    return html.escape(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def isolated(text: str) -> str:
    """Return escaped text that cannot turn the direction of what stands around it."""
    return f"<bdi>{escaped(text)}</bdi>"


def finding_lines(findings: Iterable[Finding]) -> str:
    """Return one paragraph a finding, with its weight as a mark."""
    return "".join(line(finding.severity, finding.message) for finding in findings)


def line(severity: Severity, text: str) -> str:
    """Return one paragraph of text with its weight as a mark."""
    kind, mark = _MARKS[severity]
    return f'<p class="line"><span class="mark {kind}" title="{severity}">{mark}</span>{escaped(text)}</p>'
