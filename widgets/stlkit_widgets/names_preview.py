"""What the outputs will be called and where they will be, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import traitlets

from stlkit.files import one_line, printable
from stlkit.model.jobs import QueueJob, QueueState
from stlkit.outputs.layout import OutputLayout
from stlkit_widgets.page_part import PagePart

MOST_MODELS = 20
EXAMPLE_NAME = "ModelA"

Tree = dict[str, "Tree"]  # a file is a tree without branches


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeLine:
    """One line of a tree of files.

    Parameters
    ----------
    depth : int
    name : str
        As it may be shown.
    is_folder : bool
    """

    depth: int
    name: str
    is_folder: bool


class NamesPreview(PagePart, page="names_preview"):
    """A tree of the folders and files that the jobs to come will make.

    Attributes
    ----------
    base : str
        The output folder.
    lines : list of dict
    told : str
        What of the queue the tree is about.
    """

    base = traitlets.Unicode().tag(sync=True)
    lines: Any = traitlets.List().tag(sync=True)
    told = traitlets.Unicode().tag(sync=True)

    def show(self, state: QueueState, selected: Sequence[QueueJob]) -> None:
        """Show the outputs of the selected jobs, else of those that have not begun, else of an example."""
        chosen = [job for job in selected if not job.state.ended]
        open_jobs = chosen or [job for job in state.jobs if not job.state.ended]
        if open_jobs:
            base = open_jobs[0].output_base_folder
            same_base = (job for job in open_jobs if job.output_base_folder == base)
            paths = [path for job in islice(same_base, MOST_MODELS) for path in expected_files(state, job)]
        else:
            base = Path(state.queue_settings.output_base_folder or "output folder")
            paths = list(_files(_example_layout(state, base), state, {}, {}))
        self.base = one_line(printable(base))
        self.lines = [
            {"depth": line.depth, "name": line.name, "is_folder": line.is_folder} for line in tree_of(paths, base)
        ]
        self.told = _told(len(open_jobs), is_selection=bool(chosen))


def expected_files(state: QueueState, job: QueueJob) -> tuple[Path, ...]:
    """Return the files that a job will make if all goes well, as far as that is known before.

    Parameters
    ----------
    state : QueueState
        For the queue's own options.
    job : QueueJob

    Returns
    -------
    tuple of Path
    """
    layout = OutputLayout(
        base_folder=job.output_base_folder,
        output_name=job.output_name,
        settings=state.global_output_settings.merged(job.output_settings),
        render_options=state.global_render_options.merged(job.render_options),
    )
    return tuple(_files(layout, state, job.render_options, job.validation_options))


def tree_of(paths: Sequence[Path], base: Path) -> tuple[TreeLine, ...]:
    """Return paths below a folder as an indented tree, in the order in which they are given.

    Parameters
    ----------
    paths : sequence of Path
    base : Path
        Itself not in the tree.

    Returns
    -------
    tuple of TreeLine
    """
    tree: Tree = {}
    for path in paths:
        node = tree
        *folders, name = path.relative_to(base).parts
        for folder in folders:
            node = node.setdefault(folder, {})
        node[name] = {}
    return tuple(_lines(tree, 0))


def _lines(tree: Tree, depth: int) -> Iterator[TreeLine]:
    for name, inner in tree.items():
        yield TreeLine(depth=depth, name=one_line(printable(name)), is_folder=bool(inner))
        yield from _lines(inner, depth + 1)


def _files(
    layout: OutputLayout, state: QueueState, render_own: dict[str, object], validation_own: dict[str, object]
) -> Iterator[Path]:
    render = state.global_render_options.merged(render_own)
    validation = state.global_validation_options.merged(validation_own)
    yield from (path for path in (layout.source_link, layout.file_info) if path is not None)
    if render.generate_image:
        yield layout.render
    if render.generate_size_chart:
        yield layout.size_chart
    if render.generate_video:
        yield layout.video
    if render.generate_color_variations:
        yield from (layout.color_variation(entry) for entry in render.color_palette)
    if validation.generate_analysis:
        yield from (layout.analysis, layout.dimensions)
    yield from (layout.validation, layout.processing_log)


def _example_layout(state: QueueState, base: Path) -> OutputLayout:
    return OutputLayout(
        base_folder=base,
        output_name=EXAMPLE_NAME,
        settings=state.global_output_settings,
        render_options=state.global_render_options,
    )


def _told(count: int, *, is_selection: bool) -> str:
    if not count:
        return "An example; add files to see their names."
    which = "selected jobs" if is_selection else "jobs that have not ended"
    if count == 1:
        which = which.replace("jobs", "job").replace("have", "has")
    shown = f"The first {MOST_MODELS} of {count:,}" if count > MOST_MODELS else f"{count:,}"
    return f"{shown} {which}."
