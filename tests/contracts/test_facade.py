"""What the specification names is there, and nothing is loaded before it is used."""

import dataclasses
import enum
import inspect
import re
import subprocess
import sys

import pytest

import stlkit

SPECIFIED = {
    "QueueStateManager": {"save_queue_state": ["queue_state"]},
    "JobHistoryManager": {
        "record_job_completion": ["job", "results"],
        "find_similar_jobs": ["stl_path"],
        "get_processing_statistics": ["days"],
        "cleanup_old_records": ["keep_days"],
    },
    "FileNameGenerator": {"render_filename": ["suffix"], "video_filename": [], "analysis_filename": ["format"]},
    "TempFileManager": {
        "create_job_cache_dir": ["job_id"],
        "cleanup_job_cache": ["job_id"],
        "cleanup_stale_cache": ["max_age_hours"],
        "get_cache_size": [],
        "cleanup_large_cache": ["max_size_mb"],
    },
    "SessionRecoveryManager": {
        "check_for_recovery": [],
        "recover_interrupted_jobs": ["queue_state"],
        "validate_recovery_data": ["queue_state"],
    },
    "BackupManager": {
        "create_backup": ["label"],
        "rotate_backups": ["keep_count"],
        "restore_from_backup": ["backup_path"],
    },
    "StateMigration": {
        "migrate_queue_state": ["old_state", "from_version"],
        "migrate_user_config": ["old_config", "from_version"],
    },
    "TemplateManager": {"save_template": ["template"], "load_template": ["name"], "list_templates": []},
}
SPECIFIED_DATA = {
    "QueueTemplate": [
        "name", "description", "render_options", "validation_options", "output_settings", "created_at", "created_by",
    ],
    "QueueState": [], "QueueJob": [], "JobResults": [], "JobHistoryRecord": [], "ProcessingStats": [],
    "RecoveryResult": [], "ValidationError": [], "NamingOptions": [], "RenderOptions": [], "ValidationOptions": [],
    "OutputSettings": [],
}  # fmt: skip


@pytest.mark.parametrize("name", SPECIFIED)
def test_every_specified_class_has_its_methods_and_parameters(name):
    """Names and order of parameters are those of the specification."""
    cls = getattr(stlkit, name)
    for method, parameters in SPECIFIED[name].items():
        found = [p for p in inspect.signature(getattr(cls, method)).parameters if p != "self"]
        assert found[: len(parameters)] == parameters


@pytest.mark.parametrize("name", SPECIFIED_DATA)
def test_every_specified_data_class_has_its_fields(name):
    """Data classes are importable from the façade."""
    fields = getattr(stlkit, name).__dataclass_fields__
    assert set(SPECIFIED_DATA[name]) <= set(fields)


def test_the_specified_classes_take_paths_as_text(tmp_path):
    """Whoever uses one without a workspace need not know how a home folder is laid out."""
    home = stlkit.Home(tmp_path / "home")
    home.create()
    states = stlkit.QueueStateManager(str(home.root))
    assert states.save_queue_state(stlkit.QueueState())
    history = stlkit.JobHistoryManager(str(home.history))
    cache = stlkit.TempFileManager(str(home.cache))
    assert stlkit.SessionRecoveryManager(states, history, cache).check_for_recovery() is None
    assert cache.create_job_cache_dir("job_1").is_relative_to(home.cache)
    cache.cleanup_job_cache("job_1")
    templates = stlkit.TemplateManager(str(home.templates))
    templates.install_built_in()
    assert "Quick Preview" in templates.list_templates()
    assert history.path == home.history
    history.close()


def test_the_facade_is_sorted_and_complete():
    """Every public name resolves, and a wrong one is an AttributeError."""
    assert stlkit.__all__ == sorted(stlkit.__all__)
    for name in stlkit.__all__:
        assert getattr(stlkit, name) is not None
    assert dir(stlkit) == stlkit.__all__
    with pytest.raises(AttributeError, match="nonsense"):
        stlkit.nonsense  # noqa: B018 - reading it is the test


def test_every_public_object_says_what_threads_may_do_with_it():
    """It is frozen data, or its docstring says whether it is thread-safe."""
    classes = [each for name in stlkit.__all__ if inspect.isclass(each := getattr(stlkit, name))]
    for cls in classes:
        frozen = dataclasses.is_dataclass(cls) and cls.__dataclass_params__.frozen
        if not (frozen or issubclass(cls, (Exception, enum.Enum))):
            assert re.search(r"thread-safe", inspect.getdoc(cls), re.IGNORECASE), cls


def test_importing_stlkit_loads_nothing_heavy():
    """The façade is cheap; a notebook pays for what it uses."""
    heavy = "numpy pandas matplotlib pyrender OpenGL numba scipy sqlalchemy PIL trimesh"
    script = f"import sys, stlkit; print([n for n in {heavy.split()!r} if n in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_workspace_loads_neither_pandas_nor_matplotlib_nor_a_renderer():
    """Running a queue needs no tables and, in the parent process, no renderer."""
    heavy = "pandas matplotlib pyrender OpenGL numba IPython ipywidgets"
    script = f"import sys, stlkit; stlkit.Workspace; print([n for n in {heavy.split()!r} if n in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
