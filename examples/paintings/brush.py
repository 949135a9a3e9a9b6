"""Bristle brushes: strokes that follow a flow, laid in layers, and the light on the thick paint.

Reference:
    A. Hertzmann, "Painterly rendering with curved brush strokes of multiple sizes", SIGGRAPH 1998.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from noise import Array, blurred, grid, resized, sample
from PIL import Image, ImageDraw

OVERSAMPLING = 2


@dataclass(frozen=True, kw_only=True)
class Brush:
    """The look of the strokes in one layer.

    Attributes:
        width: Width of a stroke, as a share of the picture's longer side.
        length: Length of a stroke, in widths.
        cover: Number of strokes, as a multiple of the number that would just cover the picture.
        jitter: Random change of color from stroke to stroke, 0..1.
        streak: Random change of color from bristle to bristle, 0..1.
        tolerance: A stroke ends where the color of the motif differs from its own by this much.
        body: Thickness of the paint.
    """

    width: float
    length: float = 6.0
    cover: float = 2.0
    jitter: float = 0.06
    streak: float = 0.05
    tolerance: float = 0.35
    body: float = 1.0


def busy(motif: Array, radius: float) -> Array:
    """Where the motif has edges that a coarse brush would lose, 0..1, (H, W)."""
    down, right = np.gradient(blurred(motif, 0.7), axis=(0, 1))
    edges = blurred(np.abs(down).sum(-1) + np.abs(right).sum(-1), radius)
    return np.clip(edges / np.quantile(edges, 0.9), 0, 1) ** 1.5


class Canvas:
    """Color and thickness of the paint, both laid by the same bristles."""

    def __init__(self, ground: Array, random: np.random.Generator) -> None:
        self.random = random
        self.height, self.width = ground.shape[:2]
        size = self.width * OVERSAMPLING, self.height * OVERSAMPLING
        self.color = Image.fromarray(np.uint8(np.clip(ground, 0, 1) * 255)).resize(size)
        self.thickness = Image.new("L", size, 60)

    def paint(self, motif: Array, flow: Array, brush: Brush, where: Array | None = None) -> None:
        """Lay strokes in the motif's colors along a flow; `where` (H, W) holds the chance of a stroke."""
        width = max(brush.width * max(self.height, self.width), 1.2)
        count = max(8, int(brush.cover * self.height * self.width / (width * width * brush.length)))
        margin = width * brush.length / 2
        starts = self.random.uniform(-margin, (self.height + margin, self.width + margin), (count, 2))
        if where is not None:
            starts = starts[self.random.random(count) < where[self._pixels(starts)]]
        paths, steps = self._paths(motif, flow, starts, width, brush)
        colors = motif[self._pixels(starts)] + self.random.normal(0, brush.jitter * 0.55, (len(starts), 3))
        colors = colors + self.random.normal(0, brush.jitter, (len(starts), 1))
        self._lay(paths, steps, np.clip(colors, 0, 1), width, brush)

    def _pixels(self, places: Array) -> tuple[Array, Array]:
        rows, columns = np.clip(places, 0, (self.height - 1, self.width - 1)).astype(int).T
        return rows, columns

    def _paths(self, motif: Array, flow: Array, starts: Array, width: float, brush: Brush) -> tuple[Array, Array]:
        """Points (N, S, 2) along the flow from each start, and how many of them each stroke keeps."""
        points, places = max(3, round(brush.length * 1.4)), [starts]
        color, alive = motif[self._pixels(starts)], np.ones(len(starts), bool)
        steps = np.ones(len(starts), int)
        for _ in range(points - 1):
            rows, columns = places[-1].T
            move = np.stack([sample(flow[0], rows, columns), sample(flow[1], rows, columns)], -1)
            places.append(places[-1] + move * width * brush.length / (points - 1))
            alive &= np.abs(motif[self._pixels(places[-1])] - color).sum(-1) < brush.tolerance * 3
            steps += alive
        return np.stack(places, 1), np.maximum(steps, 2)

    def _lay(self, paths: Array, steps: Array, colors: Array, width: float, brush: Brush) -> None:
        """Draw every stroke bristle by bristle, stroke after stroke."""
        number, scale = int(np.clip(round(width * OVERSAMPLING / 2.2), 2, 9)), OVERSAMPLING
        offsets = np.linspace(-0.5, 0.5, number) * width
        wide = self.random.uniform(0.65, 1.25, (len(paths), 1, 1, 1))
        along = np.gradient(paths, axis=1)
        aside = np.stack([-along[..., 1], along[..., 0]], -1) / (np.linalg.norm(along, axis=-1, keepdims=True) + 1e-9)
        wobble = self.random.normal(0, 0.10 * width / number, (len(paths), number, 1, 1))
        lines = paths[:, None] + aside[:, None] * (offsets[None, :, None, None] * wide + wobble)
        lines = np.float32(lines[..., ::-1] * scale)
        shades = colors[:, None] + self.random.normal(0, brush.streak, (len(paths), number, 1))
        ridge = 0.55 + 0.55 * np.abs(np.linspace(-1, 1, number)) ** 2
        heights = 60 + brush.body * 120 * ridge * self.random.uniform(0.5, 1.1, (len(paths), number))
        heights = heights + brush.body * self.random.uniform(-25, 25, (len(paths), 1))
        thick = max(1, round(width * scale / number * 1.25))
        self._draw(lines, steps, np.uint8(np.clip(shades, 0, 1) * 255), np.uint8(np.clip(heights, 0, 255)), thick)

    def _draw(self, lines: Array, steps: Array, shades: Array, heights: Array, thick: int) -> None:
        color, thickness = ImageDraw.Draw(self.color), ImageDraw.Draw(self.thickness)
        ragged = self.random.integers(0, 2, (*lines.shape[:2], 2))
        for stroke, count in enumerate(steps.tolist()):
            for bristle in range(lines.shape[1]):
                first, cut = ragged[stroke, bristle] if count > 3 else (0, 0)
                line = lines[stroke, bristle, first : count - cut].ravel().tolist()
                color.line(line, fill=tuple(shades[stroke, bristle].tolist()), width=thick)
                thickness.line(line, fill=int(heights[stroke, bristle]), width=thick)

    def lit(self, relief: float, weave: float = 0.25, gloss: float = 0.10) -> Array:
        """Shade the paint with a low light from the upper left, and let the canvas show through, (H, W, 3)."""
        paint = resized(np.asarray(self.color, np.float32) / 255, self.height, self.width)
        surface = blurred(np.asarray(self.thickness, np.float32) / 255, 0.8)
        surface = resized(surface[..., None], self.height, self.width)[..., 0]
        rows, columns = (a * self.height for a in grid(self.height, self.width))
        threads = np.sin(rows * 2.2) * (np.floor(columns / 1.43) % 2 - 0.5) + np.sin(columns * 2.2) * 0.5
        surface = surface + 0.06 * weave * threads * (1 - surface)
        down, right = np.gradient(surface)
        slope = np.clip((down + right) * relief, -0.9, 0.9)
        shine = gloss * np.clip(slope - 0.10, 0, 1)
        return np.clip(paint * (1 + 0.75 * slope)[..., None] + shine[..., None], 0, 1)
