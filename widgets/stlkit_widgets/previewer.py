"""An STL file to turn and zoom. The only module that knows pythreejs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np
import pythreejs as three

from stlkit.files import printable
from stlkit.model.colors import parse_color
from stlkit.model.reports import Finding
from stlkit.rendering.color import linear_to_srgb
from stlkit.rendering.framing import VIEW_TANGENT, frame
from stlkit.rendering.scene import Geometry
from stlkit_widgets.loading import described, load
from stlkit_widgets.markup import STYLE, finding_lines, isolated
from stlkit_widgets.parts import parts_of


class Previewer(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Shows one STL file at a time: drag turns it, the wheel zooms, the right button moves it.

    It is seen from where the pictures are taken, with the same flat and smooth faces, and what the checks find in the
    file is listed below. A file that holds nothing to show gives a card that says why. Every file is shown in the same
    drawing area, because browsers hand out only a few of them.

    Parameters
    ----------
    path : path, optional
        What to show first.
    color : str
        A CSS colour name or ``#rrggbb``; files with colours of their own keep those.
    width_px, height_px : int
        Size of the drawing area.

    Examples
    --------
    >>> previewer = stlkit_widgets.Previewer("gear.stl")     # doctest: +SKIP
    >>> previewer.show("vase.stl")                           # doctest: +SKIP
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        color: str = "#7d9cc0",
        width_px: int = 640,
        height_px: int = 480,
    ) -> None:
        self.path: Path | None = None
        self.findings: tuple[Finding, ...] = ()
        self._drawn: Geometry | None = None
        self._mesh: Any = None
        self._lights = _lights()
        self._camera = three.PerspectiveCamera(up=(0, 0, 1), aspect=width_px / height_px, near=0.02, far=200)
        self._camera.fov = float(2 * np.degrees(np.arctan(VIEW_TANGENT * height_px / max(width_px, height_px))))
        self._scene = three.Scene(background=None)
        self._controls = three.OrbitControls(controlling=self._camera)
        self.renderer = three.Renderer(
            self._scene, self._camera, [self._controls],
            width=width_px, height=height_px, antialias=True, alpha=True, clearOpacity=0,
        )  # fmt: skip
        self.color_box = widgets.ColorPicker(
            value="#{:02x}{:02x}{:02x}".format(*parse_color(color)),
            description="Colour",
            layout={"width": "170px"},
            style={"description_width": "initial"},
        )
        self.reset_button = widgets.Button(description="Reset view", icon="refresh", tooltip="Back to the first view")
        self.card = widgets.HTML()
        self._tools = widgets.HBox([self.color_box, self.reset_button])
        self.color_box.observe(self._recolor, names="value")
        self.reset_button.on_click(lambda _: self.reset_view())
        super().__init__([widgets.HTML(STYLE, layout={"display": "none"}), self.renderer, self._tools, self.card])
        self.add_class("stlkit-previewer")
        if path is not None:
            self.show(path)
        else:
            self._draw(None)
            self.card.value = _card("Nothing to show yet", '<p>Call <code>show("model.stl")</code>.</p>', "quiet")

    def show(self, path: str | os.PathLike[str]) -> None:
        """Show another file in the same drawing area.

        Parameters
        ----------
        path : path
            Of an STL file, sound or damaged.
        """
        self.path = Path(path).expanduser()
        loaded = load(self.path)
        self.findings = loaded.findings
        self._draw(loaded.geometry)
        name, lines = isolated(printable(self.path.name)), finding_lines(loaded.findings)
        if loaded.geometry is None:
            self.card.value = _card(f"{name} cannot be shown", lines, "bad")
        else:
            self.card.value = f'<div class="stlkit"><p><b>{name}</b> · {described(loaded.geometry)}</p>{lines}</div>'

    def reset_view(self) -> None:
        """Look at the model again from where its pictures are taken."""
        if self._drawn is None:
            return
        camera = frame(self._drawn.positions, self.renderer.width, self.renderer.height)
        eye, backward = camera.eye[:3], camera.axes[2]
        away = (eye @ backward) * backward
        # The model is moved so that the middle of the picture, as deep as the model's centre, is the origin: a page
        # that is opened again looks there first, wherever the controls point.
        self._mesh.position = tuple((away - eye).tolist())
        self._camera.position = tuple(away.tolist())
        self._controls.target = (0, 0, 0)
        self._controls.exec_three_obj_method("update")

    def close(self) -> None:
        """Free the browser's memory; harmless the second time."""
        if self.comm is not None:
            self._draw(None)
            for part in parts_of(self):
                part.close()
        super().close()

    def __repr__(self) -> str:
        if self.path is None:
            return "<Previewer: nothing to show yet>"
        what = f"{len(self._drawn.faces):,} faces" if self._drawn else "cannot be shown"
        return f"<Previewer of {printable(self.path)}: {what}>"

    def _draw(self, geometry: Geometry | None) -> None:
        """Put a model, or none, into the scene and free the one before."""
        before, self._mesh, self._drawn = self._mesh, None, geometry
        if geometry is not None:
            self._mesh = _mesh(geometry, self.color_box.value)
            self.color_box.disabled = geometry.colors is not None
            self.reset_view()
        self._scene.children = [self._camera, *self._lights, *([self._mesh] if self._mesh else [])]
        for part in (self.renderer, self._tools):
            part.layout.display = None if geometry is not None else "none"
        if before is not None:
            before.geometry.exec_three_obj_method("dispose")
            for part in (*parts_of(before), before):
                part.close()

    def _recolor(self, change: dict[str, Any]) -> None:
        if self._mesh is not None:
            self._mesh.material.color = change["new"]


def _card(title: str, body: str, kind: str) -> str:
    return f'<div class="stlkit card"><h4 class="{kind}">{title}</h4>{body}</div>'


def _mesh(geometry: Geometry, color: str) -> three.Mesh:
    attributes = {
        "position": three.BufferAttribute(geometry.positions, normalized=False),
        "normal": three.BufferAttribute(geometry.normals, normalized=False),
        "index": three.BufferAttribute(geometry.faces.ravel(), normalized=False),
    }
    look: dict[str, Any] = {"color": color}
    if geometry.colors is not None:
        attributes["color"] = three.BufferAttribute(
            linear_to_srgb(geometry.colors).astype(np.float32), normalized=False
        )
        look = {"color": "#ffffff", "vertexColors": "VertexColors"}
    # both sides, so that the inside of an open or inverted model is seen too
    material = three.MeshLambertMaterial(side="DoubleSide", **look)
    return three.Mesh(three.BufferGeometry(attributes=attributes), material)


def _lights() -> list[Any]:
    # Hemisphere lights alone: pythreejs's directional lights log an error in the browser. A hemisphere from the side
    # tells top, front and side apart as a directional light would.
    key = three.HemisphereLight(color="#ffffff", groundColor="#30343a", intensity=1.08, position=(-0.45, -0.35, 0.82))
    return [key, three.AmbientLight(color="#ffffff", intensity=0.1)]
