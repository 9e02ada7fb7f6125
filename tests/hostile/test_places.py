"""Nothing is written, emptied or removed outside the output folder and the home folder."""

import os
import shutil
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stlkit.engine.scan import find_stl_files
from stlkit.errors import HistoryError, JobError, OutputError, StlkitError, TemplateError
from stlkit.model.jobs import JobState
from stlkit.model.options import Organization, OutputSettings
from stlkit.model.reports import Finding, Severity
from stlkit.model.templates import QueueTemplate
from stlkit.outputs.failed import clear_failure, record_failure
from stlkit.outputs.layout import OutputLayout
from stlkit.outputs.logs import append_processing_log, logged_job_ids
from stlkit.outputs.placing import link_source, place, place_json, place_text
from stlkit.outputs.summary import write_summary
from stlkit.storage.cache import TempFileManager
from stlkit.storage.history import JobHistoryManager
from stlkit.storage.home import Home
from stlkit.storage.lock import HomeLock
from stlkit.storage.partials import remove_partial_outputs
from stlkit.storage.progress import PlacedFile
from stlkit.storage.queue_state import QueueStateManager
from stlkit.storage.sources import SourceState, check_source
from stlkit.storage.templates import TemplateManager
from stlkit.workspace import Workspace

PART_OF_THE_DEAD = (
    "from pathlib import Path; from stlkit.files import part_beside; print(part_beside(Path('x')), end='')"
)
FINDING = Finding(code="x", severity=Severity.ERROR, message="first\n# stlkit, source: /forged")


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def layout(base):
    return OutputLayout(base_folder=base, output_name="ModelA", settings=OutputSettings())


@pytest.mark.parametrize("place_of_link", ["ModelA", "ModelA/renders", "ModelA/logs", "ModelA/source", "failed"])
def test_a_folder_that_is_a_link_out_is_not_written_through(base, victim, tmp_path, place_of_link):
    """Every way to place a file refuses it, and says which link to remove."""
    link = base / place_of_link
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(victim)
    (tmp_path / "made").write_text("made")
    target = link / "precious.txt"
    for write in (
        lambda: place(tmp_path / "made", target, within=base),
        lambda: place_text(target, "x", within=base),
        lambda: place_json(target, {}, within=base),
        lambda: link_source(target, tmp_path / "a.stl", within=base),
        lambda: place_text(link / "sub" / "new" / "x", "x", within=base),
    ):
        with pytest.raises(OutputError, match="leads out of the output folder"):
            write()


def test_a_failure_is_not_recorded_through_a_link(base, layout, victim, tmp_path):
    """Neither recorded nor cleared: a link at ``failed`` is left as it is."""
    (base / "failed").symlink_to(victim)
    with pytest.raises(OutputError, match="leads out"):
        record_failure(layout, tmp_path / "a.stl", "reason", [FINDING])
    clear_failure(layout, tmp_path / "a.stl")
    assert (base / "failed").is_symlink()


def test_files_that_are_links_are_replaced_not_followed(base, layout, victim):
    """Pictures, summaries and facts take the link's place."""
    for path in (layout.render, layout.file_info, layout.processing_log, layout.summary):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(victim / "precious.txt")
        place_text(path, "ours", within=base)
        assert not path.is_symlink()
        assert path.read_text() == "ours"


def test_a_summary_that_is_a_link_is_not_followed(base, victim, make_job):
    """What it leads to is read as a summary at most; the new one takes its place."""
    (base / "queue_summary.json").symlink_to(victim / "precious.txt")
    write_summary(base, [make_job()])
    assert not (base / "queue_summary.json").is_symlink()


@pytest.mark.parametrize("target", ["precious.txt", "made_by_us.txt"])
def test_the_log_of_all_jobs_is_not_appended_to_through_a_link(base, victim, make_job, target):
    """Neither to a file that is there nor to one that would be made."""
    (base / "processing_log.txt").symlink_to(victim / target)
    with pytest.raises(OutputError):
        append_processing_log(base, make_job(state=JobState.COMPLETED))


def test_the_log_of_all_jobs_is_not_appended_to_another_file_of_the_folder(base, make_job):
    """A link that stays inside is none of ours either."""
    (base / "model.stl").write_bytes(b"solid")
    (base / "processing_log.txt").symlink_to("model.stl")
    with pytest.raises(OutputError, match="link"):
        append_processing_log(base, make_job(state=JobState.COMPLETED))
    assert (base / "model.stl").read_bytes() == b"solid"


def test_a_pipe_in_place_of_a_log_is_not_waited_for(base, layout, make_job, tmp_path):
    """Opening it would wait until somebody reads."""
    os.mkfifo(base / "processing_log.txt")
    with pytest.raises(OutputError, match="pipe"):
        append_processing_log(base, make_job(state=JobState.COMPLETED))
    layout.failed_log.parent.mkdir()
    os.mkfifo(layout.failed_log)
    with pytest.raises(OutputError, match="in the way"):
        record_failure(layout, tmp_path / "a.stl", "reason")
    clear_failure(layout, tmp_path / "a.stl")


def test_no_line_of_a_log_can_be_forged(base, layout, make_job, tmp_path):
    """Whatever a file, a message or a finding is called, a log has the lines that stlkit wrote."""
    evil = "a\n2026-01-15T10:30:05Z ModelB: completed\r\x1b[2J\u2028\u202eb"
    job = make_job(state=JobState.FAILED, stl_path=tmp_path / evil, error_message=evil, id=evil, output_name=evil)
    lines = append_processing_log(base, job).read_text().split("\n")
    assert [line for line in lines[1:-1] if not line.startswith("    ")] == []
    _, log = record_failure(layout, tmp_path / evil, evil, [FINDING])
    text = log.read_text()
    assert text.count("# stlkit, source: ") == text.count("\\n# stlkit, source: ") + 1
    assert not any(mark in text for mark in ("\x1b", "\r", "\u2028", "\u202e"))


NAMES = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(["..", ".", "/", "\\", "a", "", "~", "\0", "\n", ":", "C:", "\u202e", "\ud800"])).map(
        "".join
    ),
)


@given(name=NAMES, prefix=st.text(max_size=64), organization=st.sampled_from(Organization))
def test_any_name_in_an_edited_state(tmp_path_factory, name, prefix, organization):
    """A name of outputs that anybody wrote is refused, or everything that gets it stays in the base folder."""
    base = tmp_path_factory.getbasetemp() / "names" / "out"
    try:
        settings = OutputSettings(custom_prefix=prefix, organization=organization)
        layout = OutputLayout(base_folder=base, output_name=name, settings=settings)
    except StlkitError:
        return
    for path in (layout.render, layout.color_variation("red"), layout.analysis, layout.failed_link, layout.errors_log):
        assert os.path.normpath(path) == str(path)
        assert path.is_relative_to(base)
    place_text(layout.render, "x", within=base)
    assert [entry.name for entry in base.parent.iterdir()] == ["out"]
    shutil.rmtree(base)


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/evil", "..", "a\0b", "\u202eevil", "a/../../b", "~root/x", "C:\\evil"]
)
def test_template_names_stay_in_their_folder(tmp_path, victim, name):
    """Such a name becomes letters in the folder of templates, or is refused."""
    templates = TemplateManager(tmp_path / "home" / "templates")
    try:
        path = templates.save_template(QueueTemplate(name=name))
    except TemplateError:
        return
    assert path.parent == templates.folder
    assert path.resolve().parent == templates.folder.resolve()
    assert templates.load_template(name).name == name
    with pytest.raises(TemplateError):
        templates.load_template(f"../{victim.name}/precious")


def test_a_template_that_is_a_link_is_replaced(tmp_path, victim):
    """What it leads to stays as it is."""
    templates = TemplateManager(tmp_path / "templates")
    templates.install_built_in()
    path = templates.folder / "default_render.json"
    template = templates.load_template("default_render")
    path.unlink()
    (victim.parent / "elsewhere.json").write_text("{}")
    path.symlink_to(victim.parent / "gone.json")
    templates.install_built_in()
    assert not path.is_symlink()
    assert not (victim.parent / "gone.json").exists()
    assert templates.save_template(template) == path


@pytest.mark.parametrize("job_id", ["..", ".", "", "a/b", "/etc", "../../victim", "a\0", "a\n", "é", "x" * 101])
def test_job_ids_that_lead_out_of_the_cache_are_refused(tmp_path, victim, job_id):
    """No folder is made, emptied or removed for them."""
    cache = TempFileManager(tmp_path / "home" / "cache")
    for use in (cache.job_folder, cache.create_job_cache_dir, cache.cleanup_job_cache):
        with pytest.raises(JobError, match="cannot be a job id"):
            use(job_id)
    with pytest.raises(JobError):
        cache.trim_job_cache(job_id, keep="x")
    assert victim.exists()


def test_links_in_the_cache_are_removed_not_entered(tmp_path, victim):
    """At a job's folder, in it, and at the folder of all jobs."""
    cache = TempFileManager(tmp_path / "cache")
    cache.job_cache.mkdir(parents=True)
    for clean in (cache.cleanup_job_cache, lambda job_id: cache.trim_job_cache(job_id, keep="processing_state.json")):
        (cache.job_cache / "job_1").symlink_to(victim)
        clean("job_1")
        (cache.job_cache / "job_1").unlink(missing_ok=True)
        folder = cache.create_job_cache_dir("job_1")
        (folder / "inner").symlink_to(victim)
        clean("job_1")
        assert not (folder / "inner").is_symlink()
        cache.cleanup_job_cache("job_1")
    (cache.job_cache / "job_2").symlink_to(victim)
    assert not cache.create_job_cache_dir("job_2").is_symlink()
    cache.cleanup_job_cache("job_2")
    (cache.job_cache / "job_3").symlink_to(victim)
    assert cache.cleanup_stale_cache(-1) == 0
    shutil.rmtree(cache.job_cache)
    cache.job_cache.symlink_to(victim)
    assert cache.cleanup_stale_cache(-1) == cache.cleanup_large_cache(-1) == 0


def test_a_home_full_of_links_is_replaced_not_followed(tmp_path, victim):
    """Files of a home folder that lead elsewhere: what they lead to is not written, and errors are stlkit's own."""
    home = Home(tmp_path / "home")
    home.create()
    (home.root / "queue_state.json").symlink_to(victim / "made.json")
    (home.backups / "queue_state_backup_1.json").symlink_to(victim / "precious.txt")
    (home.root / "queue.json").symlink_to(victim / "precious.txt")
    (home.root / "config.json").symlink_to(victim / "made.json")
    with Workspace(home.root) as workspace:
        workspace.queue.configure(settings={"max_concurrent_jobs": 1})
        workspace.queue.flush()
        workspace.config = workspace.config.with_recent_folder(tmp_path)
    assert not home.queue_state.is_symlink()
    assert not home.config.is_symlink()


def test_a_lock_that_is_a_link_is_refused(tmp_path, victim):
    """Taking it would empty what the link leads to."""
    (tmp_path / "queue.lock").symlink_to(victim / "precious.txt")
    with pytest.raises(StlkitError, match=r"queue\.lock"):
        HomeLock(tmp_path / "queue.lock").try_acquire()


def test_a_history_that_is_a_link_to_another_file_is_refused(tmp_path, victim):
    """A file that is no database is left as it is."""
    (tmp_path / "job_history.db").symlink_to(victim / "precious.txt")
    with pytest.raises(HistoryError, match=r"job_history\.db"):
        JobHistoryManager(tmp_path / "job_history.db")


@pytest.mark.parametrize("name", ["a?mode=memory", "a#b", "a%20b", "a;b", "a\nb"])
def test_a_home_of_any_name_holds_its_own_history(tmp_path, name):
    """The database lies in that folder, whatever its name would mean in a URL."""
    path = tmp_path / name / "job_history.db"
    path.parent.mkdir()
    JobHistoryManager(path).close()
    assert path.stat().st_size > 0
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_odd_names_among_the_backups_are_left_alone(tmp_path):
    """Only numbers that stlkit writes are taken for its own."""
    home = Home(tmp_path / "home")
    home.create()
    for number in ("²", "٣", "-1", "1" * 200, "x"):
        (home.backups / f"queue_state_backup_{number}.json").write_text("theirs")
    home.queue_state.write_text("{}")
    backups = QueueStateManager(home).backups
    for count in range(7):
        home.queue_state.unlink()  # its backup is a link to it
        home.queue_state.write_text(f'{{"count": {count}}}')
        backups.create_backup()
    assert len(backups.newest_first()) == 5
    assert sum(path.read_text() == "theirs" for path in home.backups.iterdir()) == 5


def test_only_own_rubbish_is_removed_and_only_in_output_folders(tmp_path, victim):
    """An edited state may name any folder, and a link may lead to one; a half-written file in it is not ours."""
    part = subprocess.run([sys.executable, "-c", PART_OF_THE_DEAD], capture_output=True, text=True, check=True).stdout
    base = tmp_path / "out"
    for folder in (base / "ModelA" / "renders", base / "failed", tmp_path / "other" / "deep"):
        folder.mkdir(parents=True)
        (folder / part).touch()
    for folder in (base / "ModelB", base / "ModelC" / "renders"):
        folder.parent.mkdir(exist_ok=True)
        folder.symlink_to(tmp_path / "other" / "deep")
    for output_folder in (base / "ModelB", base / "ModelC", tmp_path / "other", tmp_path):
        removed = remove_partial_outputs(output_folder, base)
        assert removed in ((base / "failed" / part,), ())
    assert remove_partial_outputs(base / "ModelA", base) == (base / "ModelA" / "renders" / part,)
    assert (tmp_path / "other" / "deep" / part).exists()
    assert victim.exists()


def test_a_source_that_became_a_pipe_is_not_waited_for(tmp_path):
    """Neither where it was, nor where a file of its name is looked for."""
    for folder in ("models", "models/moved"):
        (tmp_path / folder).mkdir()
        os.mkfifo(tmp_path / folder / "a.stl")
    assert check_source(tmp_path / "models" / "a.stl", "0" * 64).state is SourceState.MISSING
    assert not PlacedFile(path=tmp_path / "models" / "a.stl", size_bytes=0, checksum_sha256="0" * 64).is_whole()


def test_an_odd_log_names_no_jobs(tmp_path):
    """A pipe, a device, and a line without end, where the log of all jobs belongs."""
    log = tmp_path / "processing_log.txt"
    os.mkfifo(log)
    assert logged_job_ids(tmp_path) == frozenset()
    log.unlink()
    log.symlink_to("/dev/zero")
    assert logged_job_ids(tmp_path) == frozenset()
    log.unlink()
    log.write_bytes(b"x" * 200_000 + b"\n    job: job_1, attempts: 1\n    job: ../x, attempts: 1\n")
    assert logged_job_ids(tmp_path) == {"job_1"}


def test_links_to_their_own_folder_do_not_keep_a_search_for_ever(tmp_path):
    """A folder or a pattern gives each file once; ``**`` enters no links."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "deep"):
        for name in ("a", "b", "c"):
            (folder / name).symlink_to(tmp_path)
    expected = {tmp_path / "x.stl", tmp_path / "deep" / "er" / "y.stl"}
    for path in expected:
        path.touch()
    assert list(find_stl_files(tmp_path)) == sorted(expected, key=lambda path: len(path.parts))
    for pattern in ("**/*.stl", "**/**/*.stl", "**/?.stl"):
        assert set(find_stl_files(tmp_path / pattern)) == expected
    assert set(find_stl_files(tmp_path / "**" / "er" / "*")) == {tmp_path / "deep" / "er" / "y.stl"}


@pytest.mark.parametrize("name", ["~nobody-at-all.stl", "-rf.stl", "[a].stl", "*.stl", "$HOME.stl", "a\nb.stl"])
def test_a_file_of_any_name_can_be_named(tmp_path, monkeypatch, name):
    """A name that is there is that file, before it is anything else."""
    monkeypatch.chdir(tmp_path)
    for other in (name, "other.stl"):
        (tmp_path / other).touch()
    assert list(find_stl_files(name)) == [tmp_path / name]
