"""Between the colours of files, sRGB, and linear light, in which light adds up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stlkit.rendering.scene import FloatArray, Rgb


def srgb_to_linear(values: npt.ArrayLike) -> FloatArray:
    """Decode sRGB values of 0 to 1. Source: IEC 61966-2-1:1999."""
    encoded = np.asarray(values, dtype=np.float64)
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(values: npt.ArrayLike) -> FloatArray:
    """Encode linear light of 0 to 1 as sRGB values of 0 to 1. Source: IEC 61966-2-1:1999."""
    linear = np.asarray(values, dtype=np.float64)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def linear_rgb(color: tuple[int, int, int]) -> Rgb:
    """Decode one sRGB colour of 0 to 255."""
    red, green, blue = srgb_to_linear(np.array(color) / 255).tolist()
    return red, green, blue


def luminance(rgb: npt.ArrayLike) -> float:
    """Return the relative luminance of linear colours, averaged over all of them. Source: ITU-R BT.709."""
    return float(np.mean(np.asarray(rgb) @ np.array([0.2126, 0.7152, 0.0722])))
