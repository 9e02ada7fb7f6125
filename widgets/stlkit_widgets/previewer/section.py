"""Where a model is cut open."""

from __future__ import annotations

from dataclasses import dataclass

from stlkit_widgets.previewer.loading import Picture

Vector = tuple[float, float, float]
_AXES: dict[str, Vector] = {"x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A plane across an axis; what lies beyond it is taken away.

    Parameters
    ----------
    axis : str
        ``x``, ``y`` or ``z``.
    position : float
        From 0 at the model's lowest end to 1 at its highest.
    flipped : bool
        What lies before it is taken away instead.
    """

    axis: str
    position: float
    flipped: bool

    @property
    def _sign(self) -> float:
        return 1.0 if self.flipped else -1.0

    @property
    def normal(self) -> Vector:
        """Unit vector towards what is kept."""
        x, y, z = _AXES[self.axis]
        return self._sign * x, self._sign * y, self._sign * z

    def _ends(self, picture: Picture) -> tuple[float, float]:
        low, high = picture.geometry.bounds[:, "xyz".index(self.axis)].tolist()
        return low, high

    def constant(self, picture: Picture) -> float:
        """Return the constant of the plane ``normal · p + constant = 0`` in model space."""
        low, high = self._ends(picture)
        return -self._sign * (low + (high - low) * self.position)

    def keeps(self, point: list[float], picture: Picture) -> bool:
        """Whether a point in model space is on the side that is kept."""
        return self._sign * point["xyz".index(self.axis)] + self.constant(picture) >= 0

    def plain(self, picture: Picture, plane_id: str | None) -> dict[str, object]:
        """Return it as the page takes it, which moves the plane while the slider moves."""
        low, high = self._ends(picture)
        low_mm, high_mm = picture.bounds_mm[:, "xyz".index(self.axis)].tolist()
        return {
            "id": plane_id,
            "sign": self._sign,
            "low": low,
            "high": high,
            "low_mm": low_mm,
            "high_mm": high_mm,
        }
