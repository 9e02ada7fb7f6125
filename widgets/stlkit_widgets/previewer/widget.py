"""The previewer: what it shows, in words, and what its controls do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from stlkit.errors import OptionError, StlkitError
from stlkit.files import one_line, write_atomically
from stlkit.mesh.intake import StlReading
from stlkit.mesh.validation import Validated
from stlkit.model.options import Lighting, Material, RenderOptions
from stlkit.model.reports import Finding
from stlkit.rendering.color import linear_to_srgb
from stlkit.rendering.materials import SURFACES
from stlkit_widgets.cells import replace_earlier
from stlkit_widgets.parts import parts_of
from stlkit_widgets.previewer import ink, loading, marks, overlays, texts
from stlkit_widgets.previewer.attributes import Attributes
from stlkit_widgets.previewer.looks import Look
from stlkit_widgets.previewer.measures import Measure
from stlkit_widgets.previewer.ruler import Ruler
from stlkit_widgets.previewer.scene import Scene
from stlkit_widgets.previewer.section import Section
from stlkit_widgets.previewer.sources import AnySource, Entry, Source
from stlkit_widgets.previewer.views import STANDARD_RAD, Aim, angles_of, close_up, whole_model
from stlkit_widgets.routing import route_as_sent

HERE = Path(__file__).parent


class Previewer(Attributes):
    """Shows STL files, one at a time: drag turns the model, the wheel zooms, the right button moves it.

    It is seen from where the pictures are taken, in their materials and their light. What the checks find is marked
    on it, and a list beside it flies to each place. A file that holds nothing to show gives a card that says why.
    Whatever can be chosen on the page is an attribute too: ``previewer.wireframe = True``. Used from one thread at a
    time, as widgets are; closed when its cell runs again, or by `close`.

    Parameters
    ----------
    source : path, several paths, or Workspace, optional
        What to show; several files, and the files in the queue of a workspace, get a slider.
    width_px, height_px : int
        Largest size of the drawing area; it shrinks with the page.
    **chosen
        Any of the attributes below.

    Attributes
    ----------
    index : int
        Which of the files is shown, counted from 0.
    material, lighting : str
        As in the pictures' options.
    color : str or None
        A colour as the options take it; None is the file's own, or else the material's.
    background : str
        A colour, or ``transparent``.
    wireframe, edges, box, axes, marks : bool
        What is drawn: a net of lines, sharp edges, the bounding box with its dimensions, the axes, the findings.
    orthographic : bool
        Without perspective.
    section : str or None
        ``x``, ``y`` or ``z``: the model is cut across this axis.
    section_position : float
        Where, from 0 at its lowest end to 1 at its highest.
    section_flipped : bool
        The other half is taken away.
    repaired : bool
        The model as a repair leaves it.
    full : bool
        Every face of a large model, which is reduced for the screen otherwise.
    measuring : bool
        Clicks pick points, and every two of them are measured.
    view_options : dict
        The options of the view that was last chosen for the pictures.

    Examples
    --------
    >>> stlkit_widgets.Previewer("gear.stl")                              # doctest: +SKIP
    >>> previewer = stlkit_widgets.Previewer(ws, wireframe=True)          # doctest: +SKIP
    >>> previewer.view("top")                                             # doctest: +SKIP
    """

    _esm = HERE / "face.js"
    _css = HERE / "face.css"

    def __init__(
        self, source: AnySource | None = None, *, width_px: int = 800, height_px: int = 450, **chosen: Any
    ) -> None:
        self._size = (width_px, height_px)
        self._source = Source.of(source)
        self._scene = Scene(width_px, height_px)
        self._ruler = Ruler(self._scene)
        self._entry: Entry | None = None
        self._reading: StlReading | None = None
        self._picture: loading.Picture | None = None
        self._judged: Validated | None = None
        self._refusals: tuple[Finding, ...] = ()
        self._places: list[tuple[marks.Place, ...]] = []
        self._wanted_snapshot: Path | None = None
        self._counter = 0
        self.view_options: dict[str, float] = {}
        super().__init__(**chosen)
        route_as_sent([self])
        self._page = self._constants()
        self._dress()
        self.refresh()
        self._listen()
        replace_earlier(self.close)

    # --- what a notebook calls ---

    @property
    def path(self) -> Path | None:
        """The file that is shown."""
        return self._entry.path if self._entry else None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything there is to say about the file, or about its repaired model while that is shown."""
        return self._judged.report.findings if self._judged else self._refusals

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The distances that were measured."""
        return self._ruler.measures

    def show(self, source: AnySource) -> None:
        """Show other files in the same drawing area.

        Parameters
        ----------
        source : path, several paths, or Workspace
        """
        self._source = Source.of(source)
        if self.index:
            self.index = 0  # its change shows them
        else:
            self.refresh()

    def refresh(self) -> None:
        """Read the file again, and look again which files there are."""
        entries = self._source.entries()
        shown = min(max(self.index, 0), max(len(entries) - 1, 0))
        self._entry = entries[shown] if entries else None
        self._files = {"count": len(entries), "index": shown}
        self._load()

    def view(self, name: str = "three-quarter") -> None:
        """Look at the model from a standard side.

        Parameters
        ----------
        name : str
            ``three-quarter``, ``front``, ``back``, ``left``, ``right``, ``top`` or ``bottom``.
        """
        if name not in STANDARD_RAD:
            raise OptionError(f"there is no view {name!r}; choose one of {', '.join(STANDARD_RAD)}", field="view")
        self._look_from(STANDARD_RAD[name])

    def fly_to(self, finding: int, place: int = 0) -> None:
        """Look at a place of a finding from close by.

        Parameters
        ----------
        finding, place : int
            Counted from 0, in the order of the list beside the model.
        """
        found = self._places[finding][place]
        if self._picture is None:
            return
        geometry = self._picture.geometry
        center = self._picture.in_model_space(found.center_mm)
        radius = found.radius_mm / geometry.radius_mm
        self._scene.lay("here", ink.HERE, segments=overlays.cross(center, radius))
        self._go(close_up(found, center, radius, geometry, self._size))

    def use_view(self, azimuth_deg: float, elevation_deg: float) -> dict[str, float]:
        """Have pictures taken from a side: those of the job that is shown, where it is one that waits in a queue.

        Parameters
        ----------
        azimuth_deg, elevation_deg : float
            As `RenderOptions` takes them.

        Returns
        -------
        dict
            The two options, also kept as `view_options`.

        Raises
        ------
        JobError
            The job has begun.
        HomeLockedError
            The queue belongs to another process.
        """
        options = {"view_azimuth_deg": round(azimuth_deg, 1), "view_elevation_deg": round(elevation_deg, 1)}
        RenderOptions().merged(options)
        workspace, job = self._source.workspace, self._entry.job if self._entry else None
        if workspace is not None and job is not None:
            own = workspace.queue.job(job).render_options
            workspace.queue.set_options(job, render_options={**own, **options})
        self.view_options = options
        return options

    def save_snapshot(self, path: str | os.PathLike[str]) -> None:
        """Ask the page for a picture of what it shows; the file is there as soon as the page has answered.

        Parameters
        ----------
        path : path
            PNG file to write; replaced where it exists.
        """
        self._wanted_snapshot = Path(path).expanduser().absolute()
        self.send({"do": "snapshot"})

    def close(self) -> None:
        """Free the page's and the kernel's memory; harmless the second time."""
        if self.comm is not None:
            self._scene.close()
            for part in parts_of(self):
                part.close()
        super().close()

    def __repr__(self) -> str:
        if self._entry is None:
            return "<Previewer: nothing to show yet>"
        what = f"{self._picture.face_count:,} faces" if self._picture else "cannot be shown"
        return f"<Previewer of {one_line(self._entry.path)}: {what}>"

    # --- loading ---

    def _load(self) -> None:
        """Read the file and draw it, then find out what is wrong with it."""
        self._reading = self._judged = self._picture = self._comparison = None
        self._forget_measures()
        if self._entry is None:
            self._show_card("Nothing to show yet", (), hint='Call show("model.stl").')
            return
        name = texts.name_of(self._entry.path)
        with self._working(f"Reading {name} …"):
            reading = loading.read(self._entry.path)
            if isinstance(reading, Finding) or not reading.report.usable:
                findings = (reading,) if isinstance(reading, Finding) else reading.report.findings
                self._show_card(f"{name} cannot be shown", findings)
                return
            self._reading = reading
            is_drawn = self._draw(reading)
        if is_drawn:
            with self._working("Looking for defects …"):
                self._judged = loading.judge(reading, repair=False)
                self._mark()
            if self.repaired:
                self.repaired = False  # another file is first seen as it is

    def _draw(self, state: StlReading | Validated, *, keep_view: bool = False) -> bool:
        name = texts.name_of(self.path or Path())
        drawn = loading.picture(state, full=self.full)
        if isinstance(drawn, Finding):
            read = self._reading.report.findings if self._reading else ()
            self._show_card(f"{name} cannot be shown", (*read, drawn))
            return False
        self._picture = drawn
        self._scene.show(drawn.geometry)
        self._cut()
        self._facts = texts.facts(name, drawn)
        if not keep_view:
            self._look_from(STANDARD_RAD["three-quarter"], fly=False)
        self._lay_box()
        self._lay_axes()
        self._ruler.draw(drawn)
        return True

    def _show_card(self, title: str, findings: tuple[Finding, ...], *, hint: str = "") -> None:
        self._picture, self._places, self._refusals = None, [], findings
        self._scene.show(None)
        self._findings, self._labels = [], []
        self._facts = {"card": {"title": title, "hint": hint, "lines": [texts.finding(found) for found in findings]}}

    @contextmanager
    def _working(self, words: str) -> Iterator[None]:
        self._busy = words
        try:
            yield
        finally:
            self._busy = ""

    # --- what is laid over the model ---

    def _mark(self) -> None:
        """List the findings, and draw those that have a place."""
        judged, picture = self._judged, self._picture
        if judged is None or picture is None:
            return
        self._scene.lift("mark")
        self._scene.lift("here")
        listed, self._places = [], []
        for number, found in enumerate(judged.report.findings):
            where = marks.mark(found.code, judged.examination)
            self._places.append(where.places if where else ())
            listed.append(texts.finding(found, where))
            if where is not None and self.marks:
                self._scene.lay(
                    f"mark:{number}",
                    ink.mark(where.color),
                    segments=picture.in_model_space(where.segments_mm),
                    triangles=picture.in_model_space(where.triangles_mm),
                )
        self._findings = listed
        self._lay_edges()

    def _lay_edges(self) -> None:
        self._scene.lift("edges")
        if self.edges and self._judged is not None and self._picture is not None:
            segments = self._picture.in_model_space(marks.creases(self._judged.examination))
            self._scene.lay("edges", ink.EDGES, segments=segments)

    def _lay_box(self) -> None:
        self._scene.lift("box")
        if self.box and self._picture is not None:
            self._scene.lay("box", ink.BOX, segments=overlays.box(self._picture))
        self._write_labels()

    def _lay_axes(self) -> None:
        self._scene.lift("axes")
        if self.axes and self._picture is not None:
            for name, axis in overlays.axes(self._picture).items():
                self._scene.lay(f"axes:{name}", ink.axis(axis.color), segments=axis.segments)
        self._write_labels()

    def _write_labels(self) -> None:
        labels: list[dict[str, object]] = []
        if self._picture is not None:
            labels += overlays.size_labels(self._picture) if self.box else []
            labels += overlays.axis_labels(self._picture) if self.axes else []
            labels += [overlays.measure_label(measure, self._picture) for measure in self.measures]
        self._labels = labels

    # --- what a change of an attribute does ---

    def _listen(self) -> None:
        changes = (
            (self.refresh, ["index"]),
            (self._dress, ["material", "lighting", "color", "wireframe"]),
            (self._cut, ["section", "section_position", "section_flipped"]),
            (self._mark, ["marks"]),
            (self._lay_edges, ["edges"]),
            (self._lay_box, ["box"]),
            (self._lay_axes, ["axes"]),
            (self._frame_again, ["box", "axes"]),
            (self._draw_again, ["full"]),
            (self._switch_repair, ["repaired"]),
        )
        for act, names in changes:
            self.observe(lambda _, act=act: act(), names=names)
        self._scene.picker.observe(self._on_pick, names="picked")
        self.on_msg(self._on_message)

    def _dress(self) -> None:
        look = Look(material=Material(self.material), lighting=Lighting(self.lighting), color=self.color)
        self._scene.dress(look, wireframe=self.wireframe)

    @property
    def _section(self) -> Section | None:
        if self.section is None:
            return None
        return Section(axis=self.section, position=self.section_position, flipped=self.section_flipped)

    def _cut(self) -> None:
        section, picture = self._section, self._picture
        if section is None or picture is None:
            self._scene.cut(None)
            self._plane = None
            return
        self._scene.cut(section.normal, section.constant(picture))
        self._plane = section.plain(picture, self._scene.plane_id)

    def _frame_again(self) -> None:
        """Have what stands around the model seen whole: the page knows from where it is looked at."""
        self.send({"do": "frame"})

    def _draw_again(self) -> None:
        state = self._judged if self.repaired else self._reading
        if state is not None and self._picture is not None:
            with self._working("Drawing …"):
                self._draw(state, keep_view=True)
                self._mark()

    def _switch_repair(self) -> None:
        reading = self._reading
        if reading is None or self._picture is None:
            return
        with self._working("Repairing …" if self.repaired else "Back to the file …"):
            self._judged = loading.judge(reading, repair=self.repaired)
            if self._judged.report.repair is not None:
                self._comparison = texts.comparison(self._judged.report.repair)
            self._draw(self._judged if self.repaired else reading, keep_view=True)
            self._mark()

    # --- where the camera goes ---

    def _look_from(self, view_rad: tuple[float, float], *, fly: bool = True) -> None:
        picture = self._picture
        if picture is None:
            return
        points = picture.geometry.positions.astype(np.float64)
        if self.box or self.axes:
            points = np.concatenate([points, overlays.corners(picture).reshape(-1, 3)])
        self._go(whole_model(points, self._size, view_rad), fly=fly)

    def _go(self, aim: Aim, *, fly: bool = True) -> None:
        self._counter += 1
        self._scene.aim(aim)
        self._aim = {**aim.plain(), "fly": fly, "number": self._counter}

    # --- what the page says ---

    def _on_pick(self, change: dict[str, Any]) -> None:
        picture, section = self._picture, self._section
        if picture is None or not self.measuring:
            return
        hits = [hit for hit in change["new"] if section is None or section.keeps(hit["point"], picture)]
        if hits:
            self._ruler.pick(hits[0], picture)
            self._measures = [measure.plain() for measure in self.measures]
            self._write_labels()

    def _forget_measures(self, number: int | None = None) -> None:
        self._ruler.forget(self._picture, number)
        self._measures = [measure.plain() for measure in self.measures]
        self._write_labels()

    def _on_message(self, _: object, message: dict[str, Any], buffers: list[Any]) -> None:
        try:
            self._answer(message, buffers)
        except (StlkitError, OSError) as error:
            self._say(str(error), "bad")

    def _answer(self, message: dict[str, Any], buffers: list[Any]) -> None:
        match message:
            case {"do": "view", "name": name}:
                self.view(name)
            case {"do": "frame", "backward": backward}:
                azimuth, elevation = np.radians(angles_of(np.array(backward, dtype=np.float64))).tolist()
                self._look_from((azimuth, elevation))
            case {"do": "fly", "finding": finding, "place": place}:
                self.fly_to(finding, place)
            case {"do": "aim", "unit_per_px": unit_per_px}:
                self._ruler.unit_per_px = float(unit_per_px)
            case {"do": "forget", "number": number}:
                self._forget_measures(number)
            case {"do": "use_view", "backward": backward}:
                azimuth, elevation = self.use_view(*angles_of(np.array(backward, dtype=np.float64))).values()
                whose = "This job's pictures" if self._entry and self._entry.job else "view_options: pictures"
                self._say(f"{whose} are taken from {azimuth:g}° around and {elevation:g}° up", "good")
            case {"do": "snapshot"}:
                path, self._wanted_snapshot = self._wanted_snapshot or self._free_name(), None
                write_atomically(path, bytes(buffers[0]))
                self._say(f"Saved {path}", "good")

    def _free_name(self) -> Path:
        stem = self.path.stem if self.path else "view"
        number = 1
        while (path := Path.cwd() / f"{stem}_view_{number}.png").exists():
            number += 1
        return path

    def _say(self, words: str, kind: str) -> None:
        self._counter += 1
        self._note = {"text": one_line(words), "kind": kind, "number": self._counter}

    def _constants(self) -> dict[str, Any]:
        own_colors = {
            material.value: "#{:02x}{:02x}{:02x}".format(*np.rint(linear_to_srgb(surface.color) * 255).astype(int))
            for material, surface in SURFACES.items()
        }
        return {
            **self._scene.ids,
            "width": self._size[0],
            "height": self._size[1],
            "materials": [*Material],
            "lightings": [*Lighting],
            "colors": own_colors,
            "background": RenderOptions().background_color,
        }
