"""The four lightings, as data: softboxes fixed to the camera, and the room around them.

Lights are given as seen by the camera, so that the model turns under standing light in a turntable; the room is fixed
to the world, with its sky above.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from stlkit.model.options import Lighting
from stlkit.rendering.scene import Camera, Illumination, Light, Rgb, Room, Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class Softbox:
    """A light where the photographer put it.

    Parameters
    ----------
    right_deg : float
        How far to the right of the camera, seen from the model; negative is left, 180 is behind the model.
    up_deg : float
        How far above the camera's own height.
    color : tuple of float
        See `Light`.
    width_deg, height_deg : float
        Angles under which the model sees it.
    glare : float
        See `Light`.
    """

    right_deg: float
    up_deg: float
    color: Rgb
    width_deg: float = 40.0
    height_deg: float = 40.0
    glare: float = 2.0

    @property
    def seen_from_camera(self) -> Vector:
        """Where it stands as a unit vector: right of the camera, above it, behind it."""
        right, up = np.radians(self.right_deg), np.radians(self.up_deg)
        return float(np.sin(right) * np.cos(up)), float(np.sin(up)), float(np.cos(right) * np.cos(up))

    def seen_by(self, camera: Camera) -> Light:
        """Return this light in the world of a camera."""
        x, y, z = (np.array(self.seen_from_camera) @ camera.axes).tolist()
        return Light(
            direction=(x, y, z),
            color=self.color,
            half_width=float(np.tan(np.radians(self.width_deg / 2))),
            half_height=float(np.tan(np.radians(self.height_deg / 2))),
            glare=self.glare,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LightRig:
    """Softboxes and the room; the first softbox is the key light, which casts the shadows.

    Parameters
    ----------
    softboxes : tuple of Softbox
    room, mirrored_room : Room
        See `Illumination`.
    shadow : float
        How dark the ground is where no light of the room reaches it, 0 to 1.
    """

    softboxes: tuple[Softbox, ...]
    room: Room
    mirrored_room: Room
    shadow: float

    def seen_by(self, camera: Camera) -> Illumination:
        """Return the light that falls on what a camera looks at."""
        return Illumination(
            lights=tuple(softbox.seen_by(camera) for softbox in self.softboxes),
            room=self.room,
            mirrored_room=self.mirrored_room,
        )


def _grey(value: float) -> Rgb:
    return value, value, value


def _grey_room(sky: float, horizon: float, ground: float) -> Room:
    return Room(sky=_grey(sky), horizon=_grey(horizon), ground=_grey(ground))


RIGS = MappingProxyType(
    {
        # a large key from the upper left, a weaker fill, and a strip from behind that draws the edge
        Lighting.STUDIO: LightRig(
            softboxes=(
                Softbox(right_deg=-40, up_deg=30, color=_grey(0.70), width_deg=44, height_deg=44, glare=3.6),
                Softbox(right_deg=62, up_deg=6, color=_grey(0.17), width_deg=26, height_deg=76, glare=5.5),
                Softbox(right_deg=150, up_deg=38, color=_grey(0.26), width_deg=90, height_deg=30, glare=2.5),
            ),
            room=_grey_room(0.52, 0.32, 0.18),
            mirrored_room=_grey_room(1.05, 0.42, 0.66),
            shadow=0.55,
        ),
        # an open sky, and the sun from the upper right
        Lighting.NATURAL: LightRig(
            softboxes=(
                Softbox(right_deg=46, up_deg=32, color=(0.84, 0.75, 0.60), width_deg=14, height_deg=14, glare=9),
            ),
            room=Room(sky=(0.40, 0.49, 0.63), horizon=(0.34, 0.37, 0.41), ground=(0.23, 0.205, 0.165)),
            mirrored_room=Room(sky=(0.62, 0.80, 1.10), horizon=(0.46, 0.52, 0.60), ground=(0.56, 0.50, 0.42)),
            shadow=0.5,
        ),
        # one hard light from the side, a cold rim from behind, little else
        Lighting.DRAMATIC: LightRig(
            softboxes=(
                Softbox(right_deg=-70, up_deg=28, color=(1.08, 0.99, 0.89), width_deg=20, height_deg=50, glare=3.4),
                Softbox(right_deg=138, up_deg=22, color=(0.26, 0.36, 0.54), width_deg=30, height_deg=80, glare=3.0),
            ),
            room=Room(sky=(0.085, 0.09, 0.105), horizon=(0.05, 0.053, 0.062), ground=(0.03, 0.03, 0.034)),
            mirrored_room=Room(sky=(0.30, 0.32, 0.38), horizon=(0.12, 0.13, 0.15), ground=(0.20, 0.19, 0.18)),
            shadow=0.8,
        ),
        # a light tent: bright from everywhere, no hard shade
        Lighting.SOFT: LightRig(
            softboxes=(Softbox(right_deg=-14, up_deg=50, color=_grey(0.17), width_deg=110, height_deg=80, glare=1.8),),
            room=_grey_room(0.90, 0.72, 0.50),
            mirrored_room=_grey_room(1.05, 0.72, 0.60),
            shadow=0.38,
        ),
    }
)
"""The light of each lighting."""
