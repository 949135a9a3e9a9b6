"""Painterly styles, built stroke by stroke from coarse to fine; float RGB 0..1, (H, W, 3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from noise import Array, blurred, flow_along, fractal, grid, mix, rgb, smoothstep, streaks, value_noise
from PIL import Image, ImageDraw


@dataclass(frozen=True, kw_only=True)
class Brush:
    """How strokes of one layer look.

    Attributes:
        count: Strokes.
        width: Pixels.
        length: Segments of about half a width each.
        jitter: Random change of color, 0..1.
        opacity: 0..1.
    """

    count: int
    width: float
    length: int
    jitter: float
    opacity: float = 1.0


class Canvas:
    """Color and thickness of the paint, both drawn by the same strokes."""

    def __init__(self, ground: Array, random: np.random.Generator) -> None:
        self.random = random
        self.height, self.width = ground.shape[:2]
        self.color = Image.fromarray(np.uint8(np.clip(ground, 0, 1) * 255))
        self.thickness = Image.new("L", self.color.size, 90)

    def paint(self, motif: Array, flow: Array, brush: Brush, only: Array | None = None) -> None:
        """Lay strokes in the motif's colors along a flow; `only` (H, W) holds the chance of a stroke."""
        color, thickness = ImageDraw.Draw(self.color, "RGBA"), ImageDraw.Draw(self.thickness)
        for _ in range(brush.count):
            row, column = self.random.uniform(0, (self.height - 1, self.width - 1))
            if only is not None and self.random.random() > only[int(row), int(column)]:
                continue
            path = self._path(flow, row, column, brush)
            shade = motif[int(row), int(column)] + self.random.normal(0, brush.jitter, 3) * 0.6
            shade = np.clip(shade + self.random.normal(0, brush.jitter), 0, 1) * 255
            width = max(1, round(brush.width * self.random.uniform(0.6, 1.3)))
            fill = (*(int(part) for part in shade), int(255 * brush.opacity))
            color.line(path, fill=fill, width=width, joint="curve")
            thickness.line(path, fill=int(self.random.uniform(40, 255)), width=width, joint="curve")

    def _path(self, flow: Array, row: float, column: float, brush: Brush) -> list[tuple[float, float]]:
        path = [(column, row)]
        for _ in range(brush.length):
            place = int(np.clip(row, 0, self.height - 1)), int(np.clip(column, 0, self.width - 1))
            row += flow[0][place] * brush.width * 0.5
            column += flow[1][place] * brush.width * 0.5
            path.append((column, row))
        return path

    def lit(self, flow: Array, relief: float, bristle: int) -> Array:
        """The paint under a raking light: edges of strokes, lines of bristles, weave of the canvas."""
        paint = np.asarray(self.color) / 255
        noise = self.random.normal(size=(self.height, self.width))
        lines = streaks(noise, flow, bristle)
        lines = lines / lines.std()
        rows, columns = np.mgrid[0 : self.height, 0 : self.width]
        weave = np.sin(rows * 2.1) * np.sin(columns * 2.1)
        surface = np.asarray(self.thickness) / 255 + 0.16 * lines + 0.03 * weave
        slope = surface - np.roll(surface, (1, 1), (0, 1))
        return np.clip(paint * (1 + relief * slope)[..., None] + 0.035 * lines[..., None], 0, 1)


def swirls(side: int) -> Array:
    """A night sky in whirling impasto over a village: thick short strokes along a curl."""
    random = np.random.default_rng(5)
    height, width = round(side * 0.8), side
    rows, columns = grid(height, width)
    stars = [(0.16, 0.18, 0.10), (0.22, 0.62, 0.08), (0.36, 0.36, 0.15), (0.14, 1.06, 0.13), (0.45, 0.86, 0.10)]
    potential = 0.55 * fractal(random, height, width, height / 2.2, 3) + 1.2 * rows
    glow = np.zeros((height, width))
    for y, x, radius in stars:
        away = np.hypot(rows - y, columns - x)
        potential += 3.2 * radius * np.exp(-((away / (2.0 * radius)) ** 2))
        glow = np.maximum(glow, np.exp(-((away / radius) ** 2)))
    flow = flow_along(potential)
    bands = 0.5 + 0.5 * np.sin(potential * 26 + 2 * value_noise(random, height, width, 50))
    motif = mix(rgb("#122a6b"), rgb("#6fa0cf"), bands)
    motif = mix(motif, rgb("#cfd9b8"), smoothstep(0.25, 0.6, glow) * (0.45 + 0.5 * bands))
    motif = mix(motif, rgb("#f6c931"), smoothstep(0.55, 0.9, glow))
    motif, ground = _village(random, motif, rows, columns)
    flow = np.where(ground > 0.5, flow_along(0.25 * potential + rows * 1.6 + 0.3 * np.sin(columns * 9)), flow)
    canvas = Canvas(motif * 0.7, random)
    canvas.paint(motif, flow, Brush(count=1600, width=side / 42, length=9, jitter=0.07))
    canvas.paint(motif, flow, Brush(count=5200, width=side / 80, length=9, jitter=0.10))
    canvas.paint(motif, flow, Brush(count=9000, width=side / 150, length=9, jitter=0.12))
    return canvas.lit(flow, 0.55, 9)


def _village(random: np.random.Generator, motif: Array, rows: Array, columns: Array) -> tuple[Array, Array]:
    """Dark hills, a cypress, lit windows; the motif and a map that is 1 on the ground."""
    height, width = rows.shape
    hills = 0.74 + 0.07 * np.sin(columns * 4.1 + 1) + 0.03 * np.sin(columns * 11)
    ground = smoothstep(-0.01, 0.01, rows - hills)
    land = mix(rgb("#0e2233"), rgb("#2f5a4a"), 0.5 + 0.5 * fractal(random, height, width, 40, 4))
    motif = mix(motif, land, ground)
    reach = 0.06 * (1 - np.clip((0.95 - rows) / 0.85, 0, 1)) ** 0.8 * (1 + 0.35 * np.sin(rows * 40))
    cypress = smoothstep(0.012, -0.012, np.abs(columns - 0.26) - reach) * (rows > 0.1)
    motif = mix(motif, rgb("#16221b"), cypress)
    for _ in range(26):
        y, x = random.uniform(0.83, 0.97), random.uniform(0.35, width / height)
        window = smoothstep(0.022, 0.008, np.maximum(np.abs(rows - y), np.abs(columns - x) * 1.3))
        motif = mix(motif, rgb("#e8a13a"), window)
    return motif, np.maximum(ground, cypress)


def dots(side: int) -> Array:
    """A riverside in points of pure color, each hue beside its complement."""
    random = np.random.default_rng(12)
    height, width = round(side * 0.8), side
    rows, columns = grid(height, width)
    meadow = smoothstep(-0.01, 0.02, rows - 0.58 - 0.05 * np.sin(columns * 3))
    river = smoothstep(0.03, -0.01, np.abs(rows - 0.62 - 0.10 * columns) - 0.07)
    crowns = fractal(random, height, width, height / 4, 5)
    trees = smoothstep(0.0, 0.12, crowns - 0.9 * np.abs(rows - 0.40) + 0.12) * (1 - meadow)
    motif = mix(rgb("#7fb4dc"), rgb("#f7e3b0"), rows / 0.6)
    motif = mix(motif, mix(rgb("#1f5b3f"), rgb("#b7c24a"), smoothstep(-0.4, 0.9, np.roll(crowns, 9, 0))), trees)
    motif = mix(motif, mix(rgb("#6f9b3a"), rgb("#e9cf5a"), 0.5 + 0.6 * fractal(random, height, width, 60, 4)), meadow)
    motif = mix(motif, mix(rgb("#3f74b0"), rgb("#e7d6c8"), 0.5 + 0.5 * np.sin(rows * 70 + 3 * crowns)), river)
    for x, robe in ((0.32, "#b3302c"), (0.40, "#33305e"), (0.95, "#d77a2d")):
        body = smoothstep(0.02, 0, np.hypot((rows - 0.80) / 2.6, columns - x - 0.02 * rows) - 0.035)
        motif = mix(motif, rgb(robe), body)
    picture = Image.fromarray(np.uint8(motif * 150 + 60))
    draw = ImageDraw.Draw(picture)
    for radius, count in ((side / 95, 9000), (side / 150, 16000), (side / 240, 16000)):
        _points(random, draw, motif, radius, count)
    return np.asarray(picture) / 255


def _points(random: np.random.Generator, draw: ImageDraw.ImageDraw, motif: Array, radius: float, count: int) -> None:
    height, width = motif.shape[:2]
    for row, column in random.uniform(0, (height - 1, width - 1), (count, 2)):
        color = motif[int(row), int(column)]
        kind = random.random()
        if kind < 0.16:
            color = 0.75 - 0.6 * (color - color.mean()) * 2.2  # the complement, light
        color = color.mean() + (color - color.mean()) * random.uniform(1.2, 2.2) + random.normal(0, 0.05)
        size = radius * random.uniform(0.7, 1.2)
        fill = tuple(int(part) for part in np.clip(color, 0, 1) * 255)
        draw.ellipse((column - size, row - size, column + size, row + size), fill=fill)


def facets(side: int) -> Array:
    """A table and a guitar in broken planes of ochre, gray and green, each shaded across."""
    random = np.random.default_rng(33)
    height, width = round(side * 1.0), round(side * 0.8)
    rows, columns = grid(height, width)
    palette = [rgb(c) for c in ("#b98f52", "#8c8672", "#4f5a4c", "#d9c69a", "#6b4a33", "#2e3033", "#a9aea0", "#7a6f9b")]
    picture = np.full((height, width, 3), 0.55)
    for index in range(150):
        reach = 0.34 * (1 - index / 170) + 0.05
        center = random.normal((0.5, 0.4), (0.26, 0.22))
        angle = random.choice([0.35, 1.2, 1.9, 2.7]) + random.normal(0, 0.18)
        color = palette[random.integers(len(palette))]
        picture = _plane(random, picture, rows - center[0], columns - center[1], angle, reach, color)
    picture = _contours(picture, rows, columns)
    flow = np.stack([np.full_like(rows, 0.8), np.full_like(rows, 0.6)])
    lines = streaks(random.normal(size=rows.shape), flow, 7)
    rough = fractal(random, height, width, 5, 3)
    return np.clip(picture + (0.045 * lines / lines.std() + 0.03 * rough)[..., None], 0, 1)


def _plane(
    random: np.random.Generator, picture: Array, down: Array, right: Array, angle: float, reach: float, color: Array
) -> Array:
    """One four-sided facet, dark along one edge and fading across."""
    along = down * np.sin(angle) + right * np.cos(angle)
    across = down * np.cos(angle) - right * np.sin(angle)
    long, short = reach * random.uniform(0.5, 1.0), reach * random.uniform(0.25, 0.7)
    lean = random.uniform(-0.5, 0.5)
    edge = np.maximum(np.abs(along + lean * across) / long, np.abs(across) / short)
    fade = np.clip((across / short + 1) / 2, 0, 1)
    cover = smoothstep(1.02, 0.98, edge) * (0.35 + 0.6 * fade)
    shaded = color * random.uniform(0.8, 1.15) * (0.55 + 0.65 * fade)[..., None]
    line = smoothstep(0.035, 0.0, np.abs(edge - 1)) * (random.random() < 0.55) * 0.75
    return mix(mix(picture, shaded, cover), rgb("#1d1b1a"), line * (0.3 + 0.7 * fade))


def _contours(picture: Array, rows: Array, columns: Array) -> Array:
    """Fragments of a guitar: two arcs, a sound hole, strings."""
    for y, x, radius in ((0.46, 0.36, 0.15), (0.66, 0.46, 0.20), (0.52, 0.40, 0.05)):
        ring = np.abs(np.hypot(rows - y, columns - x) - radius)
        part = np.sin(np.arctan2(rows - y, columns - x) * 1.5 + 6 * y) > -0.35
        picture = mix(picture, rgb("#181615"), smoothstep(0.006, 0.002, ring) * part * 0.85)
    slant = columns - 0.30 - 0.25 * rows
    for offset in (0.0, 0.014, 0.028, 0.042):
        string = smoothstep(0.0024, 0.0008, np.abs(slant - offset)) * (rows > 0.08) * (rows < 0.72)
        picture = mix(picture, rgb("#efe6cf"), string * 0.7)
    return picture


def woodcut(side: int) -> Array:
    """A breaking wave in carved lines and three flat inks on warm paper."""
    random = np.random.default_rng(44)
    height, width = round(side * 0.75), side
    rows, columns = grid(height, width)
    crest = 0.30 + 0.26 * np.abs(columns - 0.35) ** 0.8 + 0.03 * np.sin(columns * 16)
    curl = np.hypot((rows - 0.42) / 1.0, columns - 0.55)
    wave = smoothstep(-0.006, 0.006, rows - crest)
    near = smoothstep(-0.005, 0.005, rows - 0.80 + 0.06 * np.sin(columns * 5.2 + 1) - 0.02 * np.sin(columns * 17))
    sea = np.maximum(wave, near)
    potential = np.where(near > 0.5, rows + 0.10 * np.sin(columns * 5.2 + 1), rows - 0.9 * crest + 0.35 * curl)
    potential = potential + 0.012 * fractal(random, height, width, 60, 3)
    spacing = 34 + 10 * value_noise(random, height, width, 90)
    carved = np.sin(potential * spacing * 2 * np.pi / 1.6)
    depth = smoothstep(0.0, 0.45, rows - crest)
    ink = smoothstep(-0.25, 0.15, carved + 1.1 * depth - 0.35)
    paper = rgb("#ecdcb9") * (1 + 0.03 * fractal(random, height, width, 9, 3))[..., None]
    sky = mix(paper, rgb("#d98a5b"), smoothstep(0.28, 0.0, rows) * 0.75)
    sun = smoothstep(0.004, -0.004, np.hypot(rows - 0.17, columns - 1.05) - 0.085)
    picture = mix(sky, rgb("#c2402b"), sun)
    picture = mix(picture, mix(rgb("#8fb3b8"), rgb("#17305a"), ink), sea)
    foam = smoothstep(0.10, 0.02, rows - crest) * smoothstep(-0.1, 0.5, fractal(random, height, width, 22, 4)) * wave
    picture = mix(picture, rgb("#f4ead2"), smoothstep(0.25, 0.4, foam))
    outline = smoothstep(0.012, 0.004, np.abs(blurred(np.repeat(sea[..., None], 3, -1), 2)[..., 0] - 0.5) * 0.05)
    picture = mix(picture, rgb("#101c33"), outline)
    grain = streaks(random.normal(size=rows.shape), np.stack([np.zeros_like(rows), np.ones_like(rows)]), 20)
    return np.clip(picture * (1 + 0.05 * grain / grain.std())[..., None], 0, 1)
