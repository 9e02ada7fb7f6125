"""The published schema of the summary says what is written."""

import copy
import json
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest

from stlkit.model.jobs import JobResults, JobState
from stlkit.outputs.schema import SCHEMA_PATH, summary_schema
from stlkit.outputs.summary import write_summary


@pytest.fixture
def validator():
    schema = json.loads(SCHEMA_PATH.read_text())
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


@pytest.fixture
def summary(base, make_job, moment):
    """A real summary with a job in every state, names that are no UTF-8, and everything that may be null."""
    picture = base / "full.png"
    picture.write_bytes(bytes(10))
    results = JobResults(validation_passed=False, warnings=("open",), errors=("e",), files_generated=(picture,))
    jobs = [make_job(str(state), state=state) for state in JobState]
    jobs.append(make_job("full", results=results, error_message="why", completed_at=moment + timedelta(seconds=3)))
    jobs.append(make_job("odd", stl_path=Path("/a/caf\udce9.stl"), completed_at=None, actual_duration=None))
    return json.loads(write_summary(base, jobs, moment=moment).read_text())


def test_the_shipped_schema_is_that_of_the_dataclasses():
    """Whoever changes the summary runs ``python -m stlkit.outputs.schema``."""
    assert json.loads(SCHEMA_PATH.read_text()) == summary_schema()


def test_a_real_summary_fits(validator, summary):
    """Every state, every null and every odd name is described."""
    validator.validate(summary)


def test_every_key_is_described(validator, summary):
    """What is written and what is described have the same keys, and a unit or a meaning stands beside each amount."""
    definitions = validator.schema["$defs"]
    for name, written in (
        ("QueueSummary", summary),
        ("SummaryTotals", summary["totals"]),
        ("ModelEntry", summary["models"][0]),
    ):
        assert set(definitions[name]["properties"]) == set(written) == set(definitions[name]["required"])
    entry = definitions["ModelEntry"]["properties"]
    assert entry["duration"]["description"] == "Seconds."
    assert entry["error_message"]["description"] == "Why it failed or was skipped."


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("counts", "done"), 1),
        (("counts", "failed"), None),
        (("models", 0, "state"), "done"),
        (("models", 0, "duration"), "1.5"),
        (("models", 0, "completed_at"), 5),
        (("models", 0, "files"), "a.png"),
        (("models", 0, "name"), None),
        (("totals", "files_size"), 1.5),
    ],
)
def test_what_does_not_fit_is_refused(validator, summary, path, value):
    """The schema is no blank cheque."""
    changed = copy.deepcopy(summary)
    *way, last = path
    target = changed
    for key in way:
        target = target[key]
    target[last] = value
    assert not validator.is_valid(changed)
