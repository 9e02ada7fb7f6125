"""What is in the drawing area. The only module that knows pythreejs.

One renderer, and so one WebGL context, for as long as the previewer lives: models, overlays and cameras are swapped
in it. `face.js` moves the cameras in the page, because a round trip to the kernel for every step of a flight would
stutter; it finds them through the renderer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pythreejs as three

from stlkit.rendering.framing import orthographic_camera
from stlkit.rendering.scene import FloatArray, Geometry
from stlkit.rendering.shadow import GroundShadow
from stlkit_widgets.parts import parts_of
from stlkit_widgets.previewer.ink import Ink
from stlkit_widgets.previewer.looks import Look, fragment_shader, vertex_shader
from stlkit_widgets.previewer.views import Aim, tangent
from stlkit_widgets.routing import route_as_sent

NEAR, FAR = 0.05, 60.0
"""Between these distances something is seen; a model is 2 across."""
PICK_EVENT = "stlkit-pick"
"""What the page sends to the canvas when a person means a point, and not the end of a turn."""

_SHADOW_HALF_SIZE = 1.9
_SHADOW_PX = 288
_FACE_OPACITY = 0.8


class Scene:
    """A model, what is laid over it, two cameras and the renderer that draws them.

    Parameters
    ----------
    width_px, height_px : int
        Size of the drawing area.
    """

    def __init__(self, width_px: int, height_px: int) -> None:
        self._size = (width_px, height_px)
        self._geometry: Geometry | None = None
        self._look = Look()
        self._wireframe = False
        self._model: list[Any] = []
        self._buffers: Any = None
        self._shadow: Any = None
        self._overlays: dict[str, list[Any]] = {}
        self._cut_names: set[str] = set()
        self._plane: Any = None
        self.cameras = _cameras(width_px, height_px)
        self.controls = [
            three.OrbitControls(controlling=camera, screenSpacePanning=True, zoomSpeed=2) for camera in self.cameras
        ]
        # pythreejs leaves three.js's sorting off: things are drawn in this order
        self._under, self._pickable, self._over = three.Group(), three.Group(), three.Group()
        self.picker = three.Picker(controlling=self._pickable, event=PICK_EVENT, all=True)
        self._scene = three.Scene(background=None, children=[*self.cameras, self._under, self._pickable, self._over])
        self.renderer = three.Renderer(
            self._scene, self.cameras[0], [self.controls[0], self.picker],
            width=width_px, height=height_px, antialias=True, alpha=True, clearOpacity=0, localClippingEnabled=True,
        )  # fmt: skip

    @property
    def ids(self) -> dict[str, Any]:
        """What the page finds the renderer, the cameras and their controls by."""
        return {
            "renderer": self.renderer.model_id,
            "cameras": [camera.model_id for camera in self.cameras],
            "controls": [control.model_id for control in self.controls],
            "picker": self.picker.model_id,
        }

    @property
    def geometry(self) -> Geometry | None:
        """The model that is drawn."""
        return self._geometry

    def show(self, geometry: Geometry | None) -> None:
        """Draw another model, or none; everything laid over the one before goes with it."""
        before = (*self._model, *([self._shadow] if self._shadow else []))
        old_buffers, overlays = self._buffers, self._overlays
        self._geometry, self._model, self._buffers, self._shadow = geometry, [], None, None
        self._overlays = {}
        if geometry is not None:
            self._buffers = _buffers(geometry)
            self._shadow = _shadow(geometry, self._look.shadow)
            self._model = self._layers()
        self._arrange()
        _discard(before, old_buffers)
        for parts in overlays.values():
            _discard(parts)

    def dress(self, look: Look, *, wireframe: bool) -> None:
        """Draw the model of another material, in another light or colour, or as a net of lines."""
        if (look, wireframe) == (self._look, self._wireframe):
            return
        self._look, self._wireframe = look, wireframe
        if self._geometry is None:
            return
        before, self._model = self._model, self._layers()
        self._shadow.material.opacity = look.shadow
        self._arrange()
        _discard(before, kept=self._buffers)

    def cut(self, normal: tuple[float, float, float] | None, constant: float = 0.0) -> None:
        """Take away what lies beyond a plane, ``normal · p + constant < 0``; None brings everything back."""
        before = self._plane
        same_normal = before is not None and normal is not None and tuple(before.normal) == normal
        if same_normal:
            before.constant = constant
            return
        self._plane = None if normal is None else three.Plane(normal=normal, constant=constant)
        if self._geometry is not None:
            layers, self._model = self._model, self._layers()
            self._arrange()
            _discard(layers, kept=self._buffers)
        self._cut_overlays()
        if before is not None:
            before.close()

    @property
    def plane_id(self) -> str | None:
        """What the page finds the section plane by."""
        return None if self._plane is None else str(self._plane.model_id)

    def lay(
        self, name: str, ink: Ink, *, segments: FloatArray | None = None, triangles: FloatArray | None = None
    ) -> None:
        """Lay lines and faces over the model, in place of what had the name before.

        Parameters
        ----------
        name : str
        ink : Ink
        segments : (k, 2, 3) float, optional
        triangles : (m, 3, 3) float, optional
            In model space, as the lines.
        """
        parts = []
        if triangles is not None and len(triangles):
            parts.append(_faces(triangles, ink))
        if segments is not None and len(segments):
            parts.append(_thick_lines(segments, ink) if ink.width_px > 1 else _thin_lines(segments, ink, ink.opacity))
            if ink.through:
                parts.append(_thin_lines(segments, replace(ink, on_top=True), ink.through))
        before = self._overlays.pop(name, [])
        if parts:
            self._overlays[name] = parts
        if ink.is_cut:
            self._cut_names.add(name)
            self._cut_overlays()
        self._arrange()
        _discard(before)

    def lift(self, name: str) -> None:
        """Take away what was laid over the model under a name, or under names that begin with it and a colon."""
        names = [known for known in self._overlays if known == name or known.startswith(f"{name}:")]
        gone = [self._overlays.pop(known) for known in names]
        if gone:
            self._arrange()
        for parts in gone:
            _discard(parts)

    @property
    def overlays(self) -> tuple[str, ...]:
        """Names of what is laid over the model."""
        return tuple(self._overlays)

    def aim(self, aim: Aim) -> None:
        """Put the cameras where a page that opens later will find them; open pages are told by `face.js`."""
        for camera in self.cameras:
            camera.position = tuple(aim.position.tolist())
        for controls in self.controls:
            controls.target = tuple(aim.target.tolist())

    def close(self) -> None:
        """Free everything in the page and in the kernel."""
        self.show(None)
        self.cut(None)
        _discard((self.renderer, *self.cameras, *self.controls))

    def _cut_overlays(self) -> None:
        for name in self._cut_names & set(self._overlays):
            for part in self._overlays[name]:
                part.material.clippingPlanes = self._planes

    @property
    def _required(self) -> Geometry:
        if self._geometry is None:
            raise RuntimeError("there is no model to draw")
        return self._geometry

    @property
    def _planes(self) -> tuple[Any, ...]:
        return () if self._plane is None else (self._plane,)

    def _arrange(self) -> None:
        bare = self._wireframe or self._shadow is None or self._plane is not None
        self._under.children = (*(() if bare else (self._shadow,)), *self._model[:-1])
        self._pickable.children = tuple(self._model[-1:])
        self._over.children = tuple(part for parts in self._overlays.values() for part in parts)

    def _layers(self) -> list[Any]:
        """Return the model as meshes, each drawn over the one before."""
        if not self._look.is_translucent:
            if self._plane is None or self._wireframe or not self._required.solid:
                return [self._layer()]
            # pulled forward, so that lines on the inside do not show on the cut
            hatch = self._layer("HATCHED", side="BackSide", polygonOffsetFactor=-4, polygonOffsetUnits=-4)
            return [hatch, self._layer(side="FrontSide")]
        blended = {
            "transparent": True, "blending": "CustomBlending", "blendEquation": "AddEquation",
            "blendSrc": "OneFactor", "blendDst": "OneMinusSrcAlphaFactor",
        }  # fmt: skip
        return [
            self._layer("GLASS_LAYERS", depthTest=False, depthWrite=False, **blended),
            self._layer(colorWrite=False, transparent=True),
            self._layer("GLASS_SURFACE", depthFunc="EqualDepth", depthWrite=False, **blended),
        ]

    def _layer(self, form: str = "", **settings: Any) -> Any:
        colored = self._required.colors is not None and self._look.color is None
        usual = {
            "side": "DoubleSide", "clipping": True, "lights": False, "fog": False,
            "clippingPlanes": self._planes, "wireframe": self._wireframe,
            "vertexColors": "VertexColors" if colored else "NoColors",
            # pushed back, so that lines on the surface are seen whole
            "polygonOffset": True, "polygonOffsetFactor": 1, "polygonOffsetUnits": 1,
        }  # fmt: skip
        material = three.ShaderMaterial(
            vertexShader=vertex_shader(),
            fragmentShader=fragment_shader(self._look, self._required, form=form),
            **(usual | settings),
        )
        route_as_sent([self.renderer, self.picker, *self.cameras, *self.controls])
        return three.Mesh(self._buffers, material)


def _cameras(width_px: int, height_px: int) -> tuple[Any, Any]:
    half_angle = float(np.degrees(np.arctan(tangent(width_px, height_px))))
    aspect = width_px / height_px
    return (
        three.PerspectiveCamera(fov=2 * half_angle, aspect=aspect, near=NEAR, far=FAR, up=(0, 0, 1)),
        three.OrthographicCamera(left=-aspect, right=aspect, top=1, bottom=-1, near=-FAR, far=FAR, up=(0, 0, 1)),
    )


def _attribute(array: npt.NDArray[Any]) -> Any:
    return three.BufferAttribute(array, normalized=False)


def _buffers(geometry: Geometry) -> Any:
    attributes = {
        "position": _attribute(geometry.positions),
        "normal": _attribute(geometry.normals),
        "index": _attribute(geometry.faces.ravel()),
    }
    if geometry.colors is not None:
        attributes["color"] = _attribute(geometry.colors)
    return three.BufferGeometry(attributes=attributes)


def _shadow(geometry: Geometry, strength: float) -> Any:
    """Return the pictures' soft shadow as a floor that is dark where the model hides the sky."""
    half = np.full(2, _SHADOW_HALF_SIZE)
    above = orthographic_camera(np.eye(3), np.zeros(2), half, (-1.0, 1.0), (_SHADOW_PX, _SHADOW_PX))
    hidden, (left, top, right, bottom) = GroundShadow(geometry).seen_by(above)
    picture = np.zeros((_SHADOW_PX, _SHADOW_PX), dtype=np.uint8)
    picture[top:bottom, left:right] = hidden
    texture = three.DataTexture(
        data=np.ascontiguousarray(picture[::-1]), format="LuminanceFormat", type="UnsignedByteType",
        magFilter="LinearFilter", minFilter="LinearFilter",
    )  # fmt: skip
    material = three.MeshBasicMaterial(
        color="#000000", alphaMap=texture, transparent=True, opacity=strength, depthWrite=False
    )
    plane = three.PlaneBufferGeometry(width=2 * _SHADOW_HALF_SIZE, height=2 * _SHADOW_HALF_SIZE)
    return three.Mesh(plane, material, position=(0, 0, float(geometry.bounds[0, 2])))


def _thick_lines(segments: FloatArray, ink: Ink) -> Any:
    geometry = three.LineSegmentsGeometry(positions=segments.astype(np.float32))
    material = three.LineMaterial(color=ink.color, linewidth=ink.width_px, depthTest=not ink.on_top)
    return three.LineSegments2(geometry, material)


def _thin_lines(segments: FloatArray, ink: Ink, opacity: float) -> Any:
    attributes = {"position": _attribute(segments.reshape(-1, 3).astype(np.float32))}
    material = three.LineBasicMaterial(
        color=ink.color, opacity=opacity, transparent=opacity < 1, depthTest=not ink.on_top, depthWrite=False
    )
    return three.LineSegments(three.BufferGeometry(attributes=attributes), material)


def _faces(triangles: FloatArray, ink: Ink) -> Any:
    attributes = {"position": _attribute(triangles.reshape(-1, 3).astype(np.float32))}
    material = three.MeshBasicMaterial(
        color=ink.color,
        side="DoubleSide",
        transparent=True,
        opacity=_FACE_OPACITY,
        depthWrite=False,
        polygonOffset=True,
        polygonOffsetFactor=-2,
        polygonOffsetUnits=-2,
    )
    return three.Mesh(three.BufferGeometry(attributes=attributes), material)


def _discard(parts: Sequence[Any], *others: Any, kept: Any = None) -> None:
    """Close parts of the scene, which frees what they took in the page; what is `kept` stays."""
    spared = {id(part) for part in (kept, *parts_of(kept))} if kept is not None else set()
    gone = {
        id(part): part
        for top in (*parts, *others)
        if top is not None
        for part in (top, *parts_of(top))
        if id(part) not in spared and not isinstance(part, three.Plane)
    }
    for part in gone.values():
        part.close()
