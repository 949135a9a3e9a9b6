"""The composition under a painting: flat shapes and washes, in units of the picture's height."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from noise import Array, blurred, grid, mix, resized, rgb, smoothstep
from PIL import Image, ImageDraw

OVERSAMPLING = 2


def gradient(stops: Sequence[str], share: Array) -> Array:
    """Colors along a row of '#rrggbb' stops; `share` 0..1, (...) -> (..., 3)."""
    table = np.array([rgb(stop) for stop in stops])
    places = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(share, places, table[:, c]) for c in range(3)], -1)


def direction(rows: Array, columns: Array) -> Array:
    """Unit flow (2, H, W), row before column."""
    size = np.hypot(rows, columns) + 1e-9
    return np.stack([rows / size, columns / size]).astype(np.float32)


class Sketch:
    """A picture to paint after; every method adds to `color`, (H, W, 3)."""

    def __init__(self, height: int, width: int, ground: Array | None = None) -> None:
        self.height, self.width = height, width
        self.rows, self.columns = grid(height, width)
        self.color = np.full((height, width, 3), 0.5) if ground is None else ground

    def cover(self, points: Sequence[tuple[float, float]], soft: float = 0.0) -> Array:
        """Share of each pixel inside a polygon of (row, column) points, (H, W)."""
        scale = self.height * OVERSAMPLING
        mask = Image.new("L", (self.width * OVERSAMPLING, scale))
        ImageDraw.Draw(mask).polygon([(x * scale, y * scale) for y, x in points], fill=255)
        share = resized(np.asarray(mask, np.float32)[..., None] / 255, self.height, self.width)[..., 0]
        return blurred(share, soft * self.height) if soft else share

    def polygon(
        self, color: str, points: Sequence[tuple[float, float]], soft: float = 0.0, share: float = 1.0
    ) -> Array:
        """Fill a polygon; its cover comes back."""
        cover = self.cover(points, soft)
        self.wash(color, cover * share)
        return cover

    def oval(self, color: str, middle: tuple[float, float], radii: tuple[float, float], tilt: float = 0.0) -> Array:
        """Fill an ellipse; its cover comes back."""
        cover = smoothstep(1.5 / self.height, -1.5 / self.height, self.off_oval(middle, radii, tilt))
        self.wash(color, cover)
        return cover

    def off_oval(self, middle: tuple[float, float], radii: tuple[float, float], tilt: float = 0.0) -> Array:
        """About the distance to an ellipse's rim, negative inside, (H, W)."""
        down, right = self.rows - middle[0], self.columns - middle[1]
        along, across = down * np.cos(tilt) + right * np.sin(tilt), right * np.cos(tilt) - down * np.sin(tilt)
        return (np.hypot(along / radii[0], across / radii[1]) - 1) * min(radii)

    def bar(self, color: str, start: tuple[float, float], end: tuple[float, float], half: float) -> Array:
        """Fill a bar from one point to another; its cover comes back."""
        down, right = end[0] - start[0], end[1] - start[1]
        size = np.hypot(down, right)
        up, side = -right / size * half, down / size * half
        corners = [(start[0] + up, start[1] + side), (end[0] + up, end[1] + side)]
        return self.polygon(color, [*corners, (end[0] - up, end[1] - side), (start[0] - up, start[1] - side)])

    def wash(self, color: str | Array, share: Array) -> None:
        """Blend a color in by `share`, (H, W)."""
        self.color = mix(self.color, rgb(color) if isinstance(color, str) else color, share)
