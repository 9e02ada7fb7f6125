"""Formats of before: stored examples of each are understood, and kept before anything replaces them."""

import json
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stlkit.errors import HistoryError, NewerVersionError, TemplateError
from stlkit.model.jobs import JobResults, JobState, QueueJob
from stlkit.model.templates import QueueTemplate
from stlkit.storage.config import load_config, save_config
from stlkit.storage.history import JobHistoryManager
from stlkit.storage.migration import CONFIG_STEPS, STATE_STEPS, TEMPLATE_STEPS, StateMigration
from stlkit.storage.queue_state import QueueStateManager
from stlkit.storage.schema import DATABASE_STEPS, DOCUMENTED, SCHEMA_VERSION
from stlkit.storage.templates import TemplateManager

EXAMPLES = Path(__file__).with_name("examples")


def test_every_step_has_a_name_and_leads_to_the_next_version():
    """Steps are ordered, and none is left out."""
    for steps in (STATE_STEPS, CONFIG_STEPS, TEMPLATE_STEPS):
        assert all(step.name for step in steps)
        assert [step.to_version for step in steps[:-1]] == [step.from_version for step in steps[1:]]
        assert steps[-1].to_version == "1.0"
    assert [step.to_version for step in DATABASE_STEPS] == list(range(1, SCHEMA_VERSION + 1))


def test_what_is_migrated_is_not_changed():
    """The caller's document is the caller's."""
    old = json.loads((EXAMPLES / "queue_state_0.json").read_text())
    before = json.dumps(old)
    StateMigration().migrate_queue_state(old, "0")
    assert json.dumps(old) == before


@pytest.mark.parametrize("version", [None, "", "v1", "1.0.x"])
def test_a_version_that_is_none_is_refused(version):
    """It is a wrong call, and says what would be right."""
    with pytest.raises(ValueError, match="no version, such as"):
        StateMigration().migrate_queue_state({}, version)


def test_a_queue_state_of_version_0(home):
    """Old names become today's, what is not known is kept in its place, and a backup is there.

    Where the outputs go is known; what they are called is left to whoever opens the queue.
    """
    shutil.copy(EXAMPLES / "queue_state_0.json", home.queue_state)
    manager = QueueStateManager(home)
    loaded = manager.load_queue_state()
    gear, cube = loaded.state.jobs
    assert (gear.state, gear.output_name, str(gear.output_folder)) == ("completed", "", "/out/gear")
    assert (cube.state, cube.output_name, str(cube.output_base_folder)) == ("pending", "", "/path/to/output")
    assert "backup" in loaded.notes[0]
    (kept,) = home.backups.glob("*before-migration*")
    assert kept.read_bytes() == (EXAMPLES / "queue_state_0.json").read_bytes()
    manager.save_queue_state(loaded.state)
    written = json.loads(home.queue_state.read_text())
    assert written["version"] == "1.0"
    assert written["jobs"][1]["note"] == "rush"
    assert written["global_render_options"]["future_shader"] == "toon"


def test_preferences_of_version_0(home):
    """Flat preferences are sorted into groups, and the old file is kept when the new one is saved."""
    shutil.copy(EXAMPLES / "config_0.json", home.config)
    config = load_config(home.config)
    assert config.render_options["material"] == "metal"
    assert config.validation_options == {"level": "strict"}
    assert config.output_settings == {"custom_prefix": "shop"}
    assert config.last_background_image == Path("/pictures/desk.jpg")
    assert config.unknown == {"window_geometry": "800x600+0+0"}
    assert not list(home.backups.iterdir())
    save_config(home.config, config)
    (kept,) = home.backups.iterdir()
    assert kept.read_bytes() == (EXAMPLES / "config_0.json").read_bytes()
    assert load_config(home.config) == config
    save_config(home.config, config)
    assert len(list(home.backups.iterdir())) == 1


def test_a_template_of_version_0(home):
    """Flat options are sorted into groups, and the old file is kept when a new one takes its name."""
    shutil.copy(EXAMPLES / "template_0.json", home.templates / "my_shop.json")
    templates = TemplateManager(home.templates)
    template = templates.load_template("My Shop")
    assert (template.render_options.material, template.render_options.generate_video) == ("wood", True)
    assert (template.validation_options.level, template.output_settings.include_size) == ("basic", True)
    templates.save_template(template)
    (kept,) = home.backups.iterdir()
    assert kept.read_bytes() == (EXAMPLES / "template_0.json").read_bytes()
    assert templates.load_template("my_shop") == template


def test_a_history_of_version_0(home):
    """An unversioned table gets the columns and indexes it lacks; its rows stay, and a copy is kept."""
    connection = sqlite3.connect(home.history)
    connection.executescript((EXAMPLES / "job_history_0.sql").read_text())
    connection.close()
    history = JobHistoryManager(home.history)
    (record,) = history.records()
    assert (record.id, record.state, record.render_options) == ("job_001", "completed", {"material": "metal"})
    assert (record.warnings, record.files_generated, record.created_by) == ((), (), "gui")
    assert history.get_processing_statistics(days=100_000).total == 1
    history.close()
    connection = sqlite3.connect(home.history)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    times = connection.execute("SELECT created_at, completed_at FROM job_history").fetchone()
    assert times == ("2024-01-15T10:30:15.000000Z", "2024-01-15T10:32:45.000000Z")
    indexes = {
        row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql != ''")
    }
    connection.close()
    assert indexes == {
        "idx_stl_path",
        "idx_stl_checksum",
        "idx_created_at",
        "idx_state",
        "idx_geometry_hash",
        "idx_output_key",
    }
    (kept,) = home.backups.glob("job_history_before-migration-from-0_*.db")
    connection = sqlite3.connect(kept)
    assert connection.execute("SELECT id FROM job_history").fetchall() == [("job_001",)]
    assert "warnings" not in {row[1] for row in connection.execute("PRAGMA table_info(job_history)")}
    connection.close()
    JobHistoryManager(home.history).close()
    assert len(list(home.backups.iterdir())) == 1


def test_a_history_of_version_1(home):
    """The documented table stays as it was, facts can be recorded beside it, and a copy is kept."""
    connection = sqlite3.connect(home.history)
    connection.executescript((EXAMPLES / "job_history_1.sql").read_text())
    before = connection.execute("SELECT * FROM job_history").fetchall()
    connection.close()
    history = JobHistoryManager(home.history)
    (record,) = history.records()
    assert (record.id, record.warnings, record.validation_passed) == ("job_002", ("2 open edges",), True)
    assert history.find_facts([record.id]) == {}
    ended = QueueJob(
        id="job_003", stl_path=home.root / "m.stl", output_folder=home.root, output_base_folder=home.root,
        output_name="m", state=JobState.COMPLETED,
    )  # fmt: skip
    history.record_job_completion(ended, JobResults(faces=12))
    assert history.find_facts(["job_002", "job_003"])["job_003"].faces == 12
    history.close()
    connection = sqlite3.connect(home.history)
    tables = [row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE name = 'job_history'")]
    assert tables == [DOCUMENTED[0]]
    assert connection.execute("SELECT * FROM job_history WHERE id = 'job_002'").fetchall() == before
    connection.close()
    assert len(list(home.backups.glob("job_history_before-migration-from-1_*.db"))) == 1


def test_a_history_of_version_2(home):
    """Rows and facts stay, and what is removed from now on is known to be missing on purpose."""
    connection = sqlite3.connect(home.history)
    connection.executescript((EXAMPLES / "job_history_2.sql").read_text())
    connection.close()
    history = JobHistoryManager(home.history)
    assert history.find_facts(["job_002"])["job_002"].faces == 684
    assert history.cleaned_before() is None
    assert history.cleanup_old_records(keep_days=0) == 1
    assert history.cleaned_before() > datetime(2026, 1, 10, tzinfo=UTC)
    history.close()
    assert len(list(home.backups.glob("job_history_before-migration-from-2_*.db"))) == 1


def test_newer_major_versions_are_refused_and_not_touched(home):
    """State, preferences, templates and history of a later stlkit are left as they are, with a clear error."""
    for path in (home.queue_state, home.config, home.templates / "mine.json"):
        path.write_text('{"version": "2.0", "name": "Mine"}')
    with pytest.raises(NewerVersionError):
        QueueStateManager(home).load_queue_state()
    with pytest.raises(NewerVersionError):
        load_config(home.config)
    with pytest.raises(NewerVersionError):
        save_config(home.config, load_config(home.root / "missing.json"))
    with pytest.raises(TemplateError, match=r"newer stlkit; update stlkit$"):
        TemplateManager(home.templates).load_template("mine")
    with pytest.raises(TemplateError, match="newer stlkit"):
        TemplateManager(home.templates).save_template(QueueTemplate(name="Mine"))
    connection = sqlite3.connect(home.history)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(HistoryError, match="newer stlkit"):
        JobHistoryManager(home.history)
    assert home.config.read_text() == home.queue_state.read_text() == '{"version": "2.0", "name": "Mine"}'


def test_one_damaged_template_does_not_hide_the_others(home):
    """The list and the search by title go past it; asked for by name it is a clear error."""
    templates = TemplateManager(home.templates)
    templates.install_built_in()
    (home.templates / "aaa.json").write_text("{")
    assert len(templates.list_templates()) == 6
    assert templates.load_template("Quick Preview").name == "Quick Preview"
    with pytest.raises(TemplateError, match="mend or delete"):
        templates.load_template("aaa")
