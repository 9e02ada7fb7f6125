"""What each output is made of: equal keys mean equal files, whatever they are called and wherever they lie.

A key is a digest of the source's content, of those options that the output shows, and of the version of the code
that makes it. Options that an output does not show are left out, so that a colour added to the palette makes one
picture and no video.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from stlkit.files import encode_json
from stlkit.model.colors import parse_color
from stlkit.model.encoding import to_plain
from stlkit.model.options import OutputSettings, RenderOptions, ValidationLevel, ValidationOptions
from stlkit.outputs.layout import OutputLayout
from stlkit.outputs.names import safe_base_name

# To be raised with every change after which the same file and options give another output.
MESH_VERSION = "1"
RENDERER_VERSION = "1"

ChecksumOf = Callable[[Path], str | None]

# What a still does not show; any other render option, and any that is added, is taken to show.
_CHOICES = ("generate_image", "generate_size_chart", "generate_video", "generate_color_variations", "color_palette")
_VIDEO_ALONE = ("video_duration", "video_fps", "video_rotation_angle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One output: where it goes, and what it shows besides its source.

    Parameters
    ----------
    target : Path
    digest : str
        SHA-256 of everything but the source.
    always : bool
        False for an output that only some sources have, such as a repaired mesh.
    """

    target: Path
    digest: str
    always: bool = True

    def key(self, stl_checksum: str) -> str:
        """Return the key of this output of one source."""
        return _sha256(f"{self.digest}/{stl_checksum}".encode())


class Recipes:
    """The recipes of one job.

    Parameters
    ----------
    layout : OutputLayout
    stl_path : Path
        The source; its content is left to `Recipe.key`.
    render, validation : options
        Effective ones.
    checksum_of : callable
        Returns the SHA-256 of a background image's bytes, None where it cannot be read.
    """

    def __init__(
        self,
        layout: OutputLayout,
        stl_path: Path,
        render: RenderOptions,
        validation: ValidationOptions,
        checksum_of: ChecksumOf,
    ) -> None:
        self._layout = layout
        self._stl_path = stl_path
        self._render = render
        self._validation = validation
        self._checksum_of = checksum_of
        self._look: Mapping[str, Any] | None = None

    @property
    def validation(self) -> Recipe:
        """The judgement."""
        return self._measured("validation", self._layout.validation, self._judged_by)

    @property
    def repaired(self) -> Recipe:
        """The repaired mesh."""
        return self._measured("repaired", self._layout.repaired, {}, always=False)

    @property
    def analysis(self) -> Recipe:
        """The analysis."""
        options = {**self._judged_by, "density_g_cm3": self._validation.density_g_cm3}
        return self._measured("analysis", self._layout.analysis, options)

    @property
    def dimensions(self) -> Recipe:
        """The dimensions."""
        return self._measured("dimensions", self._layout.dimensions, {})

    @property
    def image(self) -> Recipe:
        """The main picture."""
        return self._drawn("image", self._layout.render, {})

    @property
    def size_chart(self) -> Recipe:
        """The picture with the dimensions, which carries the model's name."""
        return self._drawn("size_chart", self._layout.size_chart, {"title": self.title})

    @property
    def title(self) -> str:
        """What the size chart is headed: the source's own name, without the number that keeps two outputs apart."""
        return safe_base_name(self._stl_path)

    def color_variation(self, entry: str) -> Recipe:
        """Return the recipe of the picture in one colour of the palette."""
        target = self._layout.color_variation(entry)
        return self._drawn("color_variation", target, {"color": list(parse_color(entry))})

    @property
    def video(self) -> Recipe:
        """The turntable video."""
        return self._drawn("video", self._layout.video, {name: getattr(self._render, name) for name in _VIDEO_ALONE})

    def __iter__(self) -> Iterator[Recipe]:
        render, validation = self._render, self._validation
        yield self.validation
        if validation.save_repaired and self._mends:
            yield self.repaired
        if validation.generate_analysis:
            yield from (self.analysis, self.dimensions)
        if render.generate_image:
            yield self.image
        if render.generate_size_chart:
            yield self.size_chart
        if render.generate_color_variations:
            yield from map(self.color_variation, render.color_palette)
        if render.generate_video:
            yield self.video

    @property
    def _mends(self) -> bool:
        return self._validation.auto_repair and self._validation.level is not ValidationLevel.BASIC

    @property
    def _judged_by(self) -> dict[str, Any]:
        return {"level": self._validation.level}

    def _measured(self, kind: str, target: Path, options: Mapping[str, Any], *, always: bool = True) -> Recipe:
        # compressed or not is another file
        return self._recipe(kind, target, {**options, "suffixes": target.suffixes[-2:]}, always=always)

    def _drawn(self, kind: str, target: Path, options: Mapping[str, Any]) -> Recipe:
        if self._look is None:
            self._look = _look(self._render, self._checksum_of)
        return self._recipe(kind, target, {**self._look, **options}, always=True)

    def _recipe(self, kind: str, target: Path, options: Mapping[str, Any], *, always: bool) -> Recipe:
        shown = to_plain({"kind": kind, "mesh": MESH_VERSION, "mends": self._mends, **options})
        return Recipe(target=target, digest=_sha256(encode_json(shown)), always=always)


def options_hash(render: RenderOptions, validation: ValidationOptions, output: OutputSettings) -> str:
    """Return a digest of all effective options of a job."""
    return _sha256(encode_json(to_plain([render, validation, output])))


def work_key(stl_path: Path, stl_checksum: str, recipes: Iterable[Recipe], output: OutputSettings) -> str:
    """Return the key of a whole job: of its source, of every output, and of where these lie."""
    places = sorted((os.fsencode(recipe.target).hex(), recipe.key(stl_checksum)) for recipe in recipes)
    return _sha256(encode_json([os.fsencode(stl_path).hex(), stl_checksum, places, to_plain(output)]))


def _look(render: RenderOptions, checksum_of: ChecksumOf) -> dict[str, Any]:
    shown = {
        name: getattr(render, name) for name in render.names() if name not in _CHOICES and name not in _VIDEO_ALONE
    }
    if render.background_image is not None:
        shown["background_image"] = checksum_of(Path(render.background_image))
    return {**shown, "renderer": RENDERER_VERSION, "library": _library_version()}


@cache
def _library_version() -> str:
    return importlib.metadata.version("pyrender")


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
