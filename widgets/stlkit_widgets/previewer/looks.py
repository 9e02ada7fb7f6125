"""The pictures' materials and lights as shaders for the page: the same formulas, the same numbers, the same text."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import numpy as np

from stlkit.model.options import Lighting, Material
from stlkit.rendering.color import linear_to_srgb
from stlkit.rendering.lights import RIGS, LightRig, Softbox
from stlkit.rendering.materials import surface_of
from stlkit.rendering.scene import Geometry, Surface
from stlkit.rendering.stage import TRANSLUCENT_SHADOW

_SHARED_FROM = "float near_floor(float upward)"
_FILLING_SHARE = 0.55


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a model is drawn with.

    Parameters
    ----------
    material : Material
    lighting : Lighting
    color : str or None
        None is the material's own, or the file's.
    """

    material: Material = Material.PLASTIC
    lighting: Lighting = Lighting.STUDIO
    color: str | None = None

    @property
    def surface(self) -> Surface:
        """What the model seems to be made of."""
        return surface_of(self.material, self.color)

    @property
    def is_translucent(self) -> bool:
        """Whether what is behind the model shows through."""
        return self.surface.opacity < 1

    @property
    def shadow(self) -> float:
        """How dark the shadow on the floor is, 0 to 1."""
        return RIGS[self.lighting].shadow * (TRANSLUCENT_SHADOW if self.is_translucent else 1.0)


def vertex_shader() -> str:
    """Return the shader for vertices."""
    return _own("look.vert")


def fragment_shader(look: Look, geometry: Geometry, *, form: str = "") -> str:
    """Return the shader for pixels, with everything that does not change from pixel to pixel written into it.

    Parameters
    ----------
    look : Look
    geometry : Geometry
    form : str
        ``GLASS_LAYERS`` or ``GLASS_SURFACE``, see the head of ``model.frag``; ``HATCHED`` for the look of what a
        section plane has cut.
    """
    surface = look.surface
    definitions = _surface_definitions(surface, geometry) | _room_definitions(RIGS[look.lighting])
    flags = {
        "COLOR_0_LOC": geometry.colors is not None and look.color is None,
        "WOOD_GRAIN": surface.grain > 0,
        form: bool(form),
    }
    head = [f"#define {name} {value}" for name, value in definitions.items()]
    head += [f"#define {name} 1" for name, wanted in flags.items() if wanted]
    boxes = " ".join(_softbox(softbox) for softbox in RIGS[look.lighting].softboxes)
    own = _own("look.frag").replace("    SOFTBOXES\n", f"    {boxes}\n")
    return "\n".join([*head, own, _shared(), _own("cut.frag")])


def _surface_definitions(surface: Surface, geometry: Geometry) -> dict[str, str]:
    axis = np.eye(3)[int(np.diff(geometry.bounds, axis=0).argmax())]
    filling = linear_to_srgb(np.array(surface.color) * _FILLING_SHARE)
    return {
        "BASE_COLOR": _vector(surface.color),
        "METALLIC": _float(surface.metallic),
        "ROUGHNESS": _float(surface.roughness),
        "REFLECTANCE": _float(surface.reflectance),
        "SOFTNESS": _float(surface.softness),
        "OPACITY": _float(surface.opacity),
        "GRAIN": _float(surface.grain),
        "GRAIN_AXIS": _vector(axis.tolist()),
        "FLOOR_Z": _float(float(geometry.bounds[0, 2])),
        "FILLING": _vector(filling.tolist()),
    }


def _room_definitions(rig: LightRig) -> dict[str, str]:
    rooms = {"": rig.room, "MIRRORED_": rig.mirrored_room}
    return {
        f"{prefix}{part.upper()}": _vector(getattr(room, part))
        for prefix, room in rooms.items()
        for part in ("sky", "horizon", "ground")
    }


def _softbox(softbox: Softbox) -> str:
    half_size = np.tan(np.radians([softbox.width_deg / 2, softbox.height_deg / 2]))
    arguments = (
        _vector(softbox.seen_from_camera),
        _vector(softbox.color),
        f"vec2({_float(half_size[0])}, {_float(half_size[1])})",
        _float(softbox.glare),
    )
    return f"total += softbox(mirrored, direction, {', '.join(arguments)});"


def _shared() -> str:
    """Return the part of the pictures' own shader that a page can use."""
    text = (resources.files("stlkit.rendering.backends") / "shaders" / "model.frag").read_text()
    return text[text.index(_SHARED_FROM) :]


def _own(name: str) -> str:
    return (resources.files(__package__) / name).read_text()


def _vector(values: tuple[float, ...] | list[float]) -> str:
    return f"vec3({', '.join(_float(value) for value in values)})"


def _float(value: float) -> str:
    return f"{value:.7f}"
