"""The six materials, as data: what each looks like under any light, and its own colour."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType

from stlkit.model.colors import parse_color
from stlkit.model.options import Material
from stlkit.rendering.color import linear_rgb
from stlkit.rendering.scene import Surface


def _surface(color: str, **numbers: float) -> Surface:
    return Surface(color=linear_rgb(parse_color(color)), **numbers)


SURFACES = MappingProxyType(
    {
        # printed filament: a broad, soft highlight
        Material.PLASTIC: _surface("#e8842c", roughness=0.38, reflectance=0.05),
        # brushed steel: everything it shows is a mirror image of the room, blurred
        Material.METAL: _surface("#cfd1d4", metallic=1.0, roughness=0.30),
        # cured resin: semi-gloss grey with a little light inside
        Material.RESIN: _surface("#8f959c", roughness=0.30, reflectance=0.04, softness=0.5),
        # glazed, nearly white: sharp reflections on a bright body
        Material.CERAMIC: _surface("#f1ede4", roughness=0.05, reflectance=0.09),
        # oiled timber with rings and fibres
        Material.WOOD: _surface("#b5804c", roughness=0.62, reflectance=0.03, grain=1.0),
        # tinted glass: layers add up, rims are dense, reflections are sharp
        Material.GLASS: _surface("#8fc3cf", roughness=0.03, reflectance=0.08, opacity=0.12),
    }
)
"""What each material looks like, in its own colour."""


def surface_of(material: Material, color: str | None = None) -> Surface:
    """Return how a material looks.

    Parameters
    ----------
    material : Material
    color : str, optional
        As `stlkit.model.colors.parse_color` takes it; the material's own where it is left out.

    Returns
    -------
    Surface
    """
    own = SURFACES[material]
    if color is None:
        return own
    return dataclasses.replace(own, color=linear_rgb(parse_color(color)))
