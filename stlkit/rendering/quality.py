"""The four qualities, as data: how much work goes into a picture and a video."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from stlkit.model.options import Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How carefully something is drawn.

    Parameters
    ----------
    samples : int
        Coverage samples a pixel, 1 or 4.
    supersampling : int
        Pixels drawn for each pixel kept, each way.
    ground_shadow : bool
        Whether the model throws a soft shadow on the ground.
    sky_directions : int
        Directions from which the surface is probed for light of the room that something is in the way of
        (ambient occlusion); 0 leaves that out.
    key_directions : int
        Points on the key light towards which the same is done (its soft shadow on the model); 0 leaves that out.
    """

    samples: int
    supersampling: int
    ground_shadow: bool
    sky_directions: int = 0
    key_directions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoEffort:
    """How carefully a video is drawn and encoded.

    Parameters
    ----------
    frames : Effort
    crf : int
        x264's constant rate factor; lower is better and larger.
    preset : str
        x264's preset.
    """

    frames: Effort
    crf: int
    preset: str


EFFORTS = MappingProxyType(
    {
        Quality.DRAFT: Effort(samples=1, supersampling=1, ground_shadow=False),
        Quality.STANDARD: Effort(samples=4, supersampling=1, ground_shadow=True),
        Quality.HIGH: Effort(samples=4, supersampling=2, ground_shadow=True, sky_directions=56),
        Quality.ULTRA: Effort(samples=4, supersampling=3, ground_shadow=True, sky_directions=96, key_directions=32),
    }
)
"""What goes into a picture of each quality."""

VIDEO_EFFORTS = MappingProxyType(
    {
        Quality.DRAFT: VideoEffort(frames=EFFORTS[Quality.DRAFT], crf=26, preset="ultrafast"),
        Quality.STANDARD: VideoEffort(frames=EFFORTS[Quality.STANDARD], crf=20, preset="veryfast"),
        Quality.HIGH: VideoEffort(frames=EFFORTS[Quality.STANDARD], crf=17, preset="medium"),
        Quality.ULTRA: VideoEffort(
            frames=Effort(samples=4, supersampling=2, ground_shadow=True), crf=15, preset="slow"
        ),
    }
)
"""What goes into a video of each quality: light is probed for stills only, it would cost seconds a frame."""
