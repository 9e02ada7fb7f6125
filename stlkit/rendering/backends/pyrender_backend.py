"""Drawing with OpenGL through pyrender, without a screen.

pyrender gives the context, the vertex buffers and the shader programs; the passes are our own, because pyrender's read
and linearise the depth of every picture, know no light but points and beams, and always take four samples.

Three properties of pyrender 0.1.45 shape this module. Deleting any of its contexts ends the EGL display for every
other one of the process, so the context is made once and never deleted. A context belongs to the thread that made it.
Its meshes ask for bounds with a name that NumPy 2 no longer has, so only its primitives are used.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stlkit.errors import BackendUnavailableError, RenderError
from stlkit.model.options import BackendName
from stlkit.rendering.backends import BackendInfo
from stlkit.rendering.backends.gl_platform import EGL_PACKAGES, OSMesaContext, choose_platform
from stlkit.rendering.scene import Camera, Geometry, Shot, Surface, turn_matrix
from stlkit.rendering.shading import MAP_CELLS, light_maps

PLATFORM = choose_platform()
if PLATFORM != "pyglet":
    os.environ["PYOPENGL_PLATFORM"] = PLATFORM  # read by PyOpenGL and pyrender when they are imported

try:
    from OpenGL import GL, platform
    from OpenGL.error import Error as GLError
    from pyrender.primitive import Primitive
    from pyrender.shader_program import ShaderProgram
except (ImportError, AttributeError, OSError) as error:  # PyOpenGL fails in each of these ways without its library
    raise BackendUnavailableError(f"OpenGL cannot be used: {error}") from error

SHADERS = Path(__file__).parent / "shaders"
_KEPT_TARGETS = 3
_COLOR_LOCATION = 2  # where pyrender puts the colours of vertices, after positions and normals
_NO_FLOOR = -1e3  # far below: seen from below, a model stands on nothing
# OpenGL's first row is the lowest. Drawn upside down, pixels come out top row first and need no copy to be turned.
_UPSIDE_DOWN = np.diag([1.0, -1.0, 1.0, 1.0])


class PyrenderBackend:
    """Draws with OpenGL; see `stlkit.rendering.backends.Backend`.

    Raises
    ------
    BackendUnavailableError
        No OpenGL context can be made.
    """

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._context = _open_context()
        self._geometry: Geometry | None = None
        self._triangles: _Triangles | None = None
        self._programs: dict[tuple[str, ...], _Program] = {}
        self._targets: dict[tuple[int, int, int], _Target] = {}
        self._matt_map, self._mirrored_map = _LightMap(0), _LightMap(1)
        self._floor_z, self._grain_axis = 0.0, np.zeros(3)
        self._info = BackendInfo(
            name=BackendName.PYRENDER,
            platform=PLATFORM,
            gl_vendor=GL.glGetString(GL.GL_VENDOR).decode(),
            gl_renderer=GL.glGetString(GL.GL_RENDERER).decode(),
            gl_version=GL.glGetString(GL.GL_VERSION).decode(),
        )

    @property
    def info(self) -> BackendInfo:
        """What draws."""
        return self._info

    def load(self, geometry: Geometry) -> None:
        """Take the geometry that is drawn from now on; see `Backend.load`."""
        if self._geometry is geometry:
            return
        self.unload()
        with self._drawing():
            self._triangles = _Triangles(geometry)
        self._geometry = geometry
        self._floor_z = float(geometry.bounds[0, 2])
        self._grain_axis = np.eye(3)[int(np.diff(geometry.bounds, axis=0).argmax())]

    def unload(self) -> None:
        """Let go of the geometry."""
        if self._triangles is not None:
            with self._drawing():
                self._triangles.delete()
        self._triangles = self._geometry = None

    def draw(self, shot: Shot) -> npt.NDArray[np.uint8]:
        """Draw the loaded geometry; see `Backend.draw`."""
        with self._drawing():
            triangles = self._loaded()
            target = self._target(shot.camera.width_px, shot.camera.height_px, shot.samples)
            target.clear()
            if shot.surface.opacity < 1:
                self._draw_translucent(shot, triangles)
            else:
                self._draw_opaque(shot, triangles)
            return target.read_color()

    def measure_depth(self, camera: Camera) -> npt.NDArray[np.float32]:
        """Measure how far away the loaded geometry is; see `Backend.measure_depth`."""
        with self._drawing():
            triangles = self._loaded()
            target = self._target(camera.width_px, camera.height_px, 1)
            target.clear()
            program = self._program("depth")
            program.set_uniform("model_to_clip", _UPSIDE_DOWN @ camera.world_to_clip)
            GL.glDisable(GL.GL_BLEND)
            triangles.draw()
            return target.read_depth()

    @contextmanager
    def _drawing(self) -> Iterator[None]:
        """Make the context current, and turn what OpenGL complains about into our own error."""
        if threading.get_ident() != self._thread:
            raise RenderError("A renderer can only be used in the thread that opened it.")
        try:
            self._context.make_current()
            yield
        except GLError as error:
            raise RenderError(f"OpenGL refused to draw ({self._info.gl_renderer}): {error}") from error

    def _loaded(self) -> _Triangles:
        if self._triangles is None:
            raise RenderError("No model is loaded into the renderer.")
        return self._triangles

    def _draw_opaque(self, shot: Shot, triangles: _Triangles) -> None:
        GL.glDisable(GL.GL_BLEND)
        self._model_program(shot, triangles)
        triangles.draw()

    def _draw_translucent(self, shot: Shot, triangles: _Triangles) -> None:
        """Lay every layer's tint over the others, then the reflections of the nearest one on top."""
        GL.glEnable(GL.GL_BLEND)
        GL.glBlendFunc(GL.GL_ONE, GL.GL_ONE_MINUS_SRC_ALPHA)
        GL.glDisable(GL.GL_DEPTH_TEST)
        self._model_program(shot, triangles, "GLASS_LAYERS")
        triangles.draw(every_layer=True)
        GL.glEnable(GL.GL_DEPTH_TEST)
        GL.glColorMask(*[GL.GL_FALSE] * 4)
        triangles.draw()
        GL.glColorMask(*[GL.GL_TRUE] * 4)
        GL.glDepthFunc(GL.GL_EQUAL)
        self._model_program(shot, triangles, "GLASS_SURFACE")
        triangles.draw()

    def _model_program(self, shot: Shot, triangles: _Triangles, *forms: str) -> None:
        """Draw from now on with the shader for a shot, in the given forms; see model.frag."""
        if shot.vertex_colors and triangles.colored:
            forms += ("COLOR_0_LOC",)
        if shot.surface.grain > 0:
            forms += ("WOOD_GRAIN",)
        program = self._program("model", *forms)
        self._set_view(program, shot)
        _set_surface(program, shot.surface)
        self._set_light(program, shot)

    def _program(self, name: str, *forms: str) -> _Program:
        key = (name, *forms)
        if key not in self._programs:
            self._programs[key] = _Program(name, forms)
        self._programs[key].use()
        return self._programs[key]

    def _target(self, width: int, height: int, samples: int) -> _Target:
        """Return what to draw into; the last few are kept, since depth maps and pictures come in turns."""
        key = (width, height, samples)
        target = self._targets.pop(key, None) or _Target(*key)
        self._targets[key] = target
        while len(self._targets) > _KEPT_TARGETS:
            self._targets.pop(next(iter(self._targets))).delete()
        return target

    def _set_view(self, program: _Program, shot: Shot) -> None:
        turned = np.eye(4)
        turned[:3, :3] = turn_matrix(shot.turn_rad)
        program.set_uniform("model_to_world", turned)
        program.set_uniform("model_to_clip", _UPSIDE_DOWN @ shot.camera.world_to_clip @ turned)
        program.set_uniform("eye", shot.camera.eye)
        program.set_uniform("floor_z", _NO_FLOOR if shot.camera.is_below(self._floor_z) else self._floor_z)
        program.set_uniform("grain_axis", self._grain_axis)

    def _set_light(self, program: _Program, shot: Shot) -> None:
        maps = light_maps(shot.illumination, shot.surface.roughness, shot.surface.softness)
        self._matt_map.bind(program, "matt_map", maps.matt)
        self._mirrored_map.bind(program, "mirrored_map", maps.mirrored)
        program.set_uniform("map_scale", np.full(2, MAP_CELLS / (MAP_CELLS + 2) / 2))


def _open_context() -> Any:
    """Make an OpenGL context that lives as long as the process, current in this thread."""
    try:
        context: Any
        if PLATFORM == "egl":
            egl = importlib.import_module("pyrender.platforms.egl")
            context = egl.EGLPlatform(1, 1, egl.get_device_by_index(int(os.environ.get("EGL_DEVICE_ID", "0"))))
        elif PLATFORM == "osmesa":
            context = OSMesaContext()
            # PyOpenGL 3.1.0 wants to look contexts up in a dictionary, and hands out pointers that have no hash.
            platform.GetCurrentContext.restype = ctypes.c_void_p
        else:
            context = importlib.import_module("pyrender.platforms.pyglet_platform").PygletPlatform(1, 1)
        context.init_context()
        context.make_current()
    except Exception as error:  # each driver fails in its own way, down to AssertionError
        raise BackendUnavailableError(
            f"OpenGL ({PLATFORM}) does not start: {error!r}. On Debian or Ubuntu: apt-get install {EGL_PACKAGES}."
        ) from error
    return context


class _Triangles(Primitive):  # type: ignore[misc] # pyrender has no types
    """Vertex buffers of one geometry."""

    def __init__(self, geometry: Geometry) -> None:
        colors = geometry.colors
        rgba = None if colors is None else np.insert(colors, 3, 1.0, axis=1)
        super().__init__(positions=geometry.positions, normals=geometry.normals, color_0=rgba, indices=geometry.faces)
        self.colored = colors is not None
        self._solid = geometry.solid
        self._index_count = geometry.faces.size
        self._add_to_context()

    # pyrender keeps indices as float32, which are wrong from 2**24 on.
    @property
    def indices(self) -> npt.NDArray[np.uint32]:
        """Vertices of each face, (n, 3)."""
        return self._faces

    @indices.setter
    def indices(self, faces: npt.NDArray[np.uint32]) -> None:
        self._faces = faces

    def draw(self, *, every_layer: bool = False) -> None:
        """Draw them with the program in use; faces that look away are left out where they cannot be seen."""
        if self._solid and not every_layer:
            GL.glEnable(GL.GL_CULL_FACE)
        else:
            GL.glDisable(GL.GL_CULL_FACE)
        self._bind()
        GL.glDrawElements(GL.GL_TRIANGLES, self._index_count, GL.GL_UNSIGNED_INT, None)
        self._unbind()


class _Program(ShaderProgram):  # type: ignore[misc] # pyrender has no types
    """One pair of shaders, compiled."""

    def __init__(self, name: str, forms: tuple[str, ...]) -> None:
        defines = {form: _COLOR_LOCATION if form == "COLOR_0_LOC" else 1 for form in forms}
        super().__init__(str(SHADERS / f"{name}.vert"), str(SHADERS / f"{name}.frag"), defines=defines)
        self._add_to_context()

    def use(self) -> None:
        """Draw with it from now on."""
        self._bind()


class _Target:
    """Colour and depth buffers to draw into, with one or several samples a pixel."""

    def __init__(self, width: int, height: int, samples: int) -> None:
        self._size = (width, height)
        self._drawn = _Framebuffer(width, height, samples)
        self._resolved = _Framebuffer(width, height, 1) if samples > 1 else self._drawn

    def clear(self) -> None:
        """Draw into it from now on; nothing is in it."""
        GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, self._drawn.name)
        GL.glViewport(0, 0, *self._size)
        GL.glEnable(GL.GL_DEPTH_TEST)
        GL.glDepthMask(GL.GL_TRUE)
        GL.glDepthFunc(GL.GL_LESS)
        GL.glColorMask(*[GL.GL_TRUE] * 4)
        GL.glCullFace(GL.GL_BACK)
        GL.glFrontFace(GL.GL_CW)  # counter-clockwise, seen upside down
        GL.glClearColor(0.0, 0.0, 0.0, 0.0)
        GL.glClear(GL.GL_COLOR_BUFFER_BIT | GL.GL_DEPTH_BUFFER_BIT)

    def read_color(self) -> npt.NDArray[np.uint8]:
        """Return the colours, (h, w, 4)."""
        width, height = self._size
        if self._resolved is not self._drawn:
            GL.glBindFramebuffer(GL.GL_READ_FRAMEBUFFER, self._drawn.name)
            GL.glBindFramebuffer(GL.GL_DRAW_FRAMEBUFFER, self._resolved.name)
            whole = (0, 0, width, height)
            GL.glBlitFramebuffer(*whole, *whole, GL.GL_COLOR_BUFFER_BIT, GL.GL_NEAREST)
        GL.glBindFramebuffer(GL.GL_READ_FRAMEBUFFER, self._resolved.name)
        pixels = np.empty((height, width, 4), dtype=np.uint8)
        GL.glReadPixels(0, 0, width, height, GL.GL_RGBA, GL.GL_UNSIGNED_BYTE, pixels)
        return pixels

    def read_depth(self) -> npt.NDArray[np.float32]:
        """Return the depths of a target of one sample, (h, w)."""
        width, height = self._size
        GL.glBindFramebuffer(GL.GL_READ_FRAMEBUFFER, self._drawn.name)
        depth = np.empty((height, width), dtype=np.float32)
        GL.glReadPixels(0, 0, width, height, GL.GL_DEPTH_COMPONENT, GL.GL_FLOAT, depth)
        return depth

    def delete(self) -> None:
        """Free the buffers."""
        self._drawn.delete()
        if self._resolved is not self._drawn:
            self._resolved.delete()


class _Framebuffer:
    """One OpenGL framebuffer with its own colour and depth storage."""

    def __init__(self, width: int, height: int, samples: int) -> None:
        self.name = GL.glGenFramebuffers(1)
        self._buffers = GL.glGenRenderbuffers(2)
        GL.glBindFramebuffer(GL.GL_FRAMEBUFFER, self.name)
        formats = (GL.GL_RGBA8, GL.GL_DEPTH_COMPONENT24)
        attachments = (GL.GL_COLOR_ATTACHMENT0, GL.GL_DEPTH_ATTACHMENT)
        for buffer, pixel_format, attachment in zip(self._buffers, formats, attachments, strict=True):
            GL.glBindRenderbuffer(GL.GL_RENDERBUFFER, buffer)
            if samples > 1:
                GL.glRenderbufferStorageMultisample(GL.GL_RENDERBUFFER, samples, pixel_format, width, height)
            else:
                GL.glRenderbufferStorage(GL.GL_RENDERBUFFER, pixel_format, width, height)
            GL.glFramebufferRenderbuffer(GL.GL_FRAMEBUFFER, attachment, GL.GL_RENDERBUFFER, buffer)
        if GL.glCheckFramebufferStatus(GL.GL_FRAMEBUFFER) != GL.GL_FRAMEBUFFER_COMPLETE:
            self.delete()
            raise RenderError(f"OpenGL cannot draw a picture of {width} x {height} pixels with {samples} samples.")

    def delete(self) -> None:
        """Free the storage."""
        GL.glDeleteFramebuffers(1, [self.name])
        GL.glDeleteRenderbuffers(2, self._buffers)


def _set_surface(program: _Program, surface: Surface) -> None:
    program.set_uniform("base_color", np.array(surface.color))
    for name in ("metallic", "roughness", "reflectance", "opacity", "grain"):
        program.set_uniform(name, float(getattr(surface, name)))


class _LightMap:
    """A texture with light by direction; see `stlkit.rendering.shading.LightMaps`."""

    def __init__(self, unit: int) -> None:
        self._unit = unit
        self._name = GL.glGenTextures(1)
        self._content: npt.NDArray[np.float32] | None = None

    def bind(self, program: _Program, uniform: str, content: npt.NDArray[np.float32]) -> None:
        """Make its content known to a program; what is there already is not sent again."""
        GL.glActiveTexture(GL.GL_TEXTURE0 + self._unit)
        GL.glBindTexture(GL.GL_TEXTURE_2D, self._name)
        if content is not self._content:
            size = len(content)
            GL.glTexImage2D(GL.GL_TEXTURE_2D, 0, GL.GL_RGB32F, size, size, 0, GL.GL_RGB, GL.GL_FLOAT, content)
            for setting in (GL.GL_TEXTURE_MIN_FILTER, GL.GL_TEXTURE_MAG_FILTER):
                GL.glTexParameteri(GL.GL_TEXTURE_2D, setting, GL.GL_LINEAR)
            self._content = content
        program.set_uniform(uniform, self._unit)
