"""A report of what a queue made, end to end."""

import gzip
import html
import json

import jsonschema
import pytest

from stlkit import JobState, Workspace
from stlkit.errors import OptionError
from stlkit.outputs.schema import SCHEMA_PATH

LAYOUTS = {
    "per_stl": "box/analysis/box_{}.json.gz",
    "flat": "box_{}.json.gz",
    "by_type": "analysis/box_{}.json.gz",
}


def test_compressed_documents_go_all_the_way(tmp_path, box_stl):
    """In each layout: the summary names the .json.gz files, they hold the documents, and the report reads them."""
    (tmp_path / "box.stl").write_bytes(box_stl(20, 30, 40))
    schema = json.loads(SCHEMA_PATH.read_text())
    with Workspace(tmp_path / "home") as ws:
        ws.queue.configure(render={"generate_image": False})
        for layout in LAYOUTS:
            settings = {"organization": layout, "compress_analysis": True}
            ws.queue.add(tmp_path / "box.stl", output=tmp_path / layout, output_settings=settings)
            ws.queue.start()
            assert ws.queue.wait(120)
            report = ws.report()
            assert report.path == tmp_path / layout / "report.html"
            assert (report.counts, report.notes) == ({JobState.COMPLETED: 1}, ())
    for layout, pattern in LAYOUTS.items():
        summary = json.loads((tmp_path / layout / "queue_summary.json").read_text())
        jsonschema.validate(summary, schema)
        files = set(summary["models"][0]["files"])
        names = {pattern.format(what) for what in ("analysis", "dimensions", "validation")}
        assert names <= files
        assert not [name for name in files if name.endswith(".json") and "file_info" not in name]
        analysis = json.loads(gzip.decompress((tmp_path / layout / pattern.format("analysis")).read_bytes()))
        assert analysis["size_mm"] == pytest.approx([20, 30, 40])
        page = html.unescape((tmp_path / layout / "report.html").read_text())
        assert "24 cm³" in page
        assert all(f'href="{name}"' in page for name in names)


def test_an_observer_may_report_and_a_folder_may_be_named(tmp_path, box_stl):
    """A report needs no queue of one's own; where no folder is known, the error says what to do."""
    (tmp_path / "box.stl").write_bytes(box_stl())
    with Workspace(tmp_path / "home") as ws:
        with pytest.raises(OptionError, match="name the one to report on"):
            ws.report()
        ws.queue.configure(render={"generate_image": False})
        ws.queue.add(tmp_path / "box.stl", output=tmp_path / "out")
        ws.queue.start()
        assert ws.queue.wait(120)
        with Workspace(tmp_path / "home", observe=True) as observer:
            assert observer.is_observer
            assert observer.report(title="Mine").path == tmp_path / "out" / "report.html"
            assert observer.report(str(tmp_path / "out")).counts == {JobState.COMPLETED: 1}
        ws.queue.clear()
        assert ws.output_folder == tmp_path / "out"  # as the history knows
        assert ws.report().counts == {JobState.COMPLETED: 1}
        ws.queue.configure(settings={"output_base_folder": str(tmp_path / "next")})
        assert ws.output_folder == tmp_path / "next"
