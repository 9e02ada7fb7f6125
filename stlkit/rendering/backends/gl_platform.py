"""Which way leads to OpenGL without a screen, found out before PyOpenGL is imported: it cannot change its mind later.

The order is EGL, then OSMesa; `PYOPENGL_PLATFORM` in the environment overrules it. The probe asks the libraries
themselves, through ctypes, because a library may be there without a driver behind it.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from collections.abc import Callable

from stlkit.errors import BackendUnavailableError

EGL_PACKAGES = "libegl1 libgl1 libgl1-mesa-dri"
OSMESA_PACKAGES = "libosmesa6"

_EGL_PLATFORM_DEVICE_EXT = 0x313F
_MAX_DEVICES = 32
_GL_UNSIGNED_BYTE, _GL_RGBA = 0x1401, 0x1908
_OSMESA_FORMAT, _OSMESA_DEPTH_BITS, _OSMESA_PROFILE, _OSMESA_CORE_PROFILE = 0x22, 0x30, 0x33, 0x34
_OSMESA_CONTEXT_MAJOR_VERSION, _OSMESA_CONTEXT_MINOR_VERSION = 0x36, 0x37


def choose_platform() -> str:
    """Find a way to draw without a screen.

    Returns
    -------
    str
        ``egl``, ``osmesa``, or ``pyglet`` (a hidden window) on macOS and Windows, which have neither.

    Raises
    ------
    BackendUnavailableError
        There is none; the message names the packages to install.
    """
    wanted = os.environ.get("PYOPENGL_PLATFORM", "")
    if not wanted and sys.platform in ("darwin", "win32"):
        return "pyglet"
    names = (wanted,) if wanted else tuple(_PROBES)
    reasons = []
    for name in names:
        if name not in _PROBES:
            raise BackendUnavailableError(
                f"PYOPENGL_PLATFORM is {name!r}, which cannot draw without a screen; set it to one of "
                f"{', '.join(_PROBES)}, or unset it."
            )
        problem = _PROBES[name]()
        if problem is None:
            return name
        reasons.append(problem)
    forced = f" (PYOPENGL_PLATFORM={wanted})" if wanted else ""
    packages = OSMESA_PACKAGES if wanted == "osmesa" else EGL_PACKAGES
    also = "" if wanted else f" (or, where there is no EGL, {OSMESA_PACKAGES})"
    raise BackendUnavailableError(
        f"No renderer starts on this machine{forced}: {'; '.join(reasons)}. "
        f"On Debian or Ubuntu: apt-get install {packages}{also}."
    )


def _probe_egl() -> str | None:
    """Return what is wrong with EGL, or None."""
    egl = _load("EGL")
    if egl is None:
        return "libEGL is missing"
    if _load("GL") is None:
        return "libGL is missing"
    egl.eglGetProcAddress.restype = ctypes.c_void_p
    egl.eglGetProcAddress.argtypes = [ctypes.c_char_p]
    query_devices = _egl_function(egl, b"eglQueryDevicesEXT", ctypes.c_uint)
    get_display = _egl_function(egl, b"eglGetPlatformDisplayEXT", ctypes.c_void_p)
    if query_devices is None or get_display is None:
        return "EGL has no device to draw on"
    devices, count = (ctypes.c_void_p * _MAX_DEVICES)(), ctypes.c_int(0)
    if not query_devices(ctypes.c_int(_MAX_DEVICES), devices, ctypes.byref(count)) or count.value < 1:
        return "EGL finds no driver"
    display = get_display(ctypes.c_uint(_EGL_PLATFORM_DEVICE_EXT), ctypes.c_void_p(devices[_device(count.value)]), None)
    # Never terminated: pyrender's renderer shares the display, and eglTerminate would end it for both.
    if not display or not egl.eglInitialize(ctypes.c_void_p(display), None, None):
        return "EGL's driver does not start"
    return None


def _device(count: int) -> int:
    # EGL_DEVICE_ID is how pyrender chooses among several cards.
    chosen = os.environ.get("EGL_DEVICE_ID", "0")
    return int(chosen) if chosen.isdigit() and int(chosen) < count else 0


def _egl_function(egl: ctypes.CDLL, name: bytes, result: type) -> Callable[..., int | None] | None:
    address = egl.eglGetProcAddress(name)
    return ctypes.CFUNCTYPE(result)(address) if address else None


def _probe_osmesa() -> str | None:
    """Return what is wrong with OSMesa, or None."""
    library = _load("OSMesa")
    if library is None:
        return "libOSMesa is missing"
    if not hasattr(library, "OSMesaCreateContextAttribs"):
        return "libOSMesa is too old"
    return None


class OSMesaContext:
    """An OpenGL context in plain memory.

    Made through ctypes, because pyrender's own asks for a function that the PyOpenGL it pins (3.1.0) does not have.
    Source of the constants: Mesa's ``GL/osmesa.h``.
    """

    def __init__(self) -> None:
        self._library = ctypes.CDLL(ctypes.util.find_library("OSMesa"), mode=ctypes.RTLD_GLOBAL)
        self._library.OSMesaCreateContextAttribs.restype = ctypes.c_void_p
        self._library.OSMesaMakeCurrent.restype = ctypes.c_ubyte
        self._context: int | None = None
        self._pixels = ctypes.create_string_buffer(4)  # pictures are drawn into framebuffers, never into this

    def init_context(self) -> None:
        """Make the context: OpenGL 3.3, core profile."""
        attributes = (_OSMESA_FORMAT, _GL_RGBA, _OSMESA_DEPTH_BITS, 24, _OSMESA_PROFILE, _OSMESA_CORE_PROFILE)
        version = (_OSMESA_CONTEXT_MAJOR_VERSION, 3, _OSMESA_CONTEXT_MINOR_VERSION, 3, 0)
        values = (ctypes.c_int * (len(attributes) + len(version)))(*attributes, *version)
        self._context = self._library.OSMesaCreateContextAttribs(values, None)
        if not self._context:
            raise RuntimeError("OSMesa makes no context of OpenGL 3.3")

    def make_current(self) -> None:
        """Let this thread draw with it."""
        context, pixels = ctypes.c_void_p(self._context), ctypes.byref(self._pixels)
        if not self._library.OSMesaMakeCurrent(context, pixels, _GL_UNSIGNED_BYTE, 1, 1):
            raise RuntimeError("OSMesa's context cannot be used")


def _load(name: str) -> ctypes.CDLL | None:
    path = ctypes.util.find_library(name)
    if path is None:
        return None
    try:
        return ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return None


_PROBES: dict[str, Callable[[], str | None]] = {"egl": _probe_egl, "osmesa": _probe_osmesa}
