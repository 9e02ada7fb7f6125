"""The JSON Schema of ``queue_summary.json``, made from the dataclasses that write it.

``queue_summary.schema.json`` beside this module is what `summary_schema` returns, for readers in other languages;
``python -m stlkit.outputs.schema`` writes it anew.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path, PurePath
from typing import Any

import msgspec

from stlkit.files import encode_json, write_atomically
from stlkit.model.jobs import JobState
from stlkit.outputs.summary import ModelEntry, QueueSummary, SummaryTotals

SCHEMA_PATH = Path(__file__).with_name("queue_summary.schema.json")

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# An entry of a numpydoc section: names and type at the margin, and below it the text, indented.
_PARAMETER = re.compile(r"^(?P<names>\w+(?:, \w+)*) : (?P<kind>.+)(?P<text>(?:\n {4}.*)*)", re.MULTILINE)


def summary_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of ``queue_summary.json``.

    It describes what stlkit writes: every key is there. A reader should let further keys pass, since later versions
    may add some.

    Returns
    -------
    dict
        Plain JSON values; descriptions are those of the dataclasses' docstrings.

    Notes
    -----
    Source: JSON Schema, *A Media Type for Describing JSON Documents*, draft 2020-12.
    """
    schema = msgspec.json.schema(QueueSummary, schema_hook=_schema_of_unknown)
    definitions = schema["$defs"]
    for kind in (QueueSummary, SummaryTotals, ModelEntry):
        _describe(definitions[kind.__name__], kind)
    # The keys of a mapping have a type of their own, of which msgspec says nothing.
    counts = definitions[QueueSummary.__name__]["properties"]["counts"]
    counts["propertyNames"] = {"$ref": f"#/$defs/{JobState.__name__}"}
    counts["required"] = [str(state) for state in JobState]
    definitions[JobState.__name__]["enum"] = [str(state) for state in JobState]
    return {"$schema": _DIALECT, "title": "queue_summary.json", **schema}


def _schema_of_unknown(kind: type) -> dict[str, str]:
    if issubclass(kind, PurePath):
        return {"type": "string"}
    raise NotImplementedError(f"{kind.__name__} has no JSON form")


def _describe(definition: dict[str, Any], kind: type) -> None:
    text = inspect.getdoc(kind) or ""
    definition["description"] = text.split("\n\n")[0].replace("\n", " ").replace("``", "")
    properties = definition["properties"]
    definition["required"] = list(properties)
    for name, described in _parameters(text).items():
        properties[name]["description"] = described
    for each in properties.values():
        each.pop("default", None)  # of the Python class; in the file nothing is left out


def _parameters(docstring: str) -> dict[str, str]:
    return {
        name: text
        for match in _PARAMETER.finditer(docstring)
        if (text := " ".join(match["text"].split()).replace("``", ""))
        for name in match["names"].split(", ")
    }


if __name__ == "__main__":
    write_atomically(SCHEMA_PATH, encode_json(summary_schema()))
