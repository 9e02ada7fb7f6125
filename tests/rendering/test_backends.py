import os
import subprocess
import sys

import pytest

from stlkit.errors import BackendUnavailableError
from stlkit.model.options import BackendName
from stlkit.rendering.backends import open_backend

OPEN = """
from stlkit.errors import BackendUnavailableError
from stlkit.rendering.backends import open_backend
try:
    open_backend()
except BackendUnavailableError as error:
    print(error)
"""


def run_python(code, **environment):
    """Run code in a Python of its own, and return what it printed."""
    result = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_importing_the_studio_loads_no_renderer():
    """Neither pyrender nor OpenGL is imported before a renderer is opened."""
    printed = run_python(
        "import sys, stlkit.rendering.studio, stlkit.rendering.selfcheck\n"
        "print([name for name in ('pyrender', 'OpenGL', 'matplotlib') if name in sys.modules])"
    )
    assert printed.strip() == "[]"


def test_a_missing_driver_names_the_package(tmp_path):
    """Where EGL finds no driver, the error names what to install."""
    printed = run_python(OPEN, PYOPENGL_PLATFORM="egl", __EGL_VENDOR_LIBRARY_DIRS=str(tmp_path))
    assert "EGL finds no driver" in printed
    assert "apt-get install libegl1 libgl1 libgl1-mesa-dri" in printed


def test_a_platform_with_a_screen_is_refused():
    """A platform that needs a screen is named, with those that do not."""
    printed = run_python(OPEN, PYOPENGL_PLATFORM="glx")
    assert "'glx'" in printed
    assert "egl, osmesa" in printed


@pytest.mark.gl
def test_there_is_one_renderer(backend):
    """Opened again, and by its own name, it is the same renderer."""
    assert open_backend() is backend
    assert open_backend(BackendName.PYRENDER) is backend
    assert backend.info.platform in ("egl", "osmesa", "pyglet")
    assert backend.info.gl_version


@pytest.mark.gl
def test_a_working_platform_that_is_asked_for_is_taken(backend):
    """PYOPENGL_PLATFORM decides, where what it names works."""
    platform = backend.info.platform
    code = "from stlkit.rendering.backends import open_backend; print(open_backend().info.platform)"
    assert run_python(code, PYOPENGL_PLATFORM=platform).strip() == platform


def test_the_error_is_a_render_error():
    """Callers that catch rendering errors catch this one."""
    assert BackendUnavailableError.__mro__[1].__name__ == "RenderError"
