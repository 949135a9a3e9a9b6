"""A guitar, a bottle and a newspaper in broken planes of ochre and gray, each plane seen from elsewhere.

Lines that cross the whole picture cut it into facets; each facet shows the still life shifted, turned and
scaled a little, fades from a dark edge to a light one, and is brushed in its own direction.
"""

from __future__ import annotations

import numpy as np
from noise import Array, fractal, mix, noise, rgb, sample, smoothstep

from paintings.brush import Brush, Canvas
from paintings.sketch import Sketch, direction, gradient

OCHRES = ("#221a17", "#5e4326", "#a0722d", "#cb9a48", "#e5ca8c", "#f5ecd0")
GRAYS = ("#1b2027", "#434e57", "#74808a", "#a3aaa4", "#d0cfbf", "#f2eddd")
OUTLINES = (
    (0.665, 0.44, 0.180, 0.170),
    (0.475, 0.475, 0.120, 0.128),
    (0.555, 0.455, 0.052, 0.056),
    (0.80, 0.42, 0.20, 0.46),
)
SLANTS = (0.42, 1.15, 1.95, 2.70)  # directions of the cuts, radians from the row axis


def facets(side: int) -> Array:
    """The painting; `side` is the height in pixels."""
    random, width = np.random.default_rng(33), round(side * 0.8)
    sketch = Sketch(side, width)
    motif = _still_life(sketch)
    number, edge, fade = _cuts(random, sketch)
    flow_angle, picture = _seen_from_elsewhere(random, sketch, motif, number)
    tint = gradient(OCHRES, np.clip(picture, 0, 1)), gradient(GRAYS, np.clip(picture, 0, 1))
    sketch.color = mix(*tint, _warmth(random, sketch, number)) + _accents(picture, number)
    sketch.color = np.clip(sketch.color * (0.42 + 0.78 * fade)[..., None], 0, 1)
    flow = direction(np.cos(flow_angle), np.sin(flow_angle))
    canvas = Canvas(sketch.color * 0.9, random)
    canvas.paint(sketch.color, flow, Brush(width=0.024, length=3.0, cover=3, jitter=0.025, tolerance=0.10))
    canvas.paint(sketch.color, flow, Brush(width=0.012, length=3.0, cover=2.5, jitter=0.032, tolerance=0.06))
    canvas.paint(sketch.color * 1.05, flow, Brush(width=0.007, length=3.5, cover=1.2, jitter=0.04, tolerance=0.045))
    return _drawn(canvas.lit(1.3, weave=0.5), sketch, np.maximum(edge, _outlines(sketch)), picture)


def _still_life(sketch: Sketch) -> Array:
    """The motif in gray, 0 dark to 1 light, (H, W)."""
    rows, columns = sketch.rows, sketch.columns
    sketch.color = np.repeat((0.42 + 0.25 * rows - 0.2 * np.abs(columns - 0.4))[..., None], 3, -1)
    sketch.oval("#d8d8d8", (0.80, 0.42), (0.20, 0.46))
    sketch.polygon("#f4f4f4", [(0.62, 0.06), (0.56, 0.34), (0.80, 0.42), (0.88, 0.10)])
    for line in np.linspace(0.61, 0.83, 12):
        sketch.bar("#707070", (line, 0.10 + 0.05 * (line - 0.6)), (line - 0.03, 0.33), 0.004)
    for y, x, radius in ((0.66, 0.44, 0.165), (0.48, 0.47, 0.125)):
        sketch.oval("#3a3a3a", (y, x), (radius + 0.014, radius * 1.06 + 0.014))
        sketch.oval("#c9c9c9", (y, x), (radius, radius * 1.06))
    sketch.oval("#a8a8a8", (0.69, 0.40), (0.11, 0.11))
    sketch.oval("#e9e9e9", (0.555, 0.455), (0.066, 0.066))
    sketch.oval("#151515", (0.555, 0.455), (0.052, 0.052))
    sketch.bar("#2c2c2c", (0.545, 0.46), (0.10, 0.56), 0.026)
    sketch.bar("#6a6a6a", (0.15, 0.55), (0.05, 0.575), 0.042)
    for offset in (-0.016, -0.006, 0.004, 0.014):
        sketch.bar("#f0f0f0", (0.74, 0.425 + offset), (0.08, 0.563 + offset), 0.0016)
    sketch.bar("#1d1d1d", (0.745, 0.36), (0.735, 0.49), 0.012)
    _bottle_and_glass(sketch)
    return sketch.color.mean(-1)


def _bottle_and_glass(sketch: Sketch) -> None:
    sketch.polygon(
        "#262626",
        [
            (0.20, 0.155),
            (0.20, 0.205),
            (0.36, 0.215),
            (0.44, 0.27),
            (0.72, 0.27),
            (0.72, 0.09),
            (0.44, 0.09),
            (0.36, 0.145),
        ],
    )
    sketch.polygon("#8f8f8f", [(0.22, 0.165), (0.22, 0.176), (0.70, 0.125), (0.70, 0.105), (0.45, 0.105)], soft=0.004)
    sketch.polygon("#ededed", [(0.50, 0.10), (0.50, 0.265), (0.62, 0.265), (0.62, 0.10)])
    for row in (0.53, 0.56, 0.59):
        sketch.bar("#444444", (row, 0.12), (row, 0.24), 0.007)
    sketch.polygon(
        "#bdbdbd",
        [
            (0.62, 0.62),
            (0.62, 0.74),
            (0.76, 0.70),
            (0.86, 0.70),
            (0.87, 0.74),
            (0.87, 0.62),
            (0.86, 0.66),
            (0.76, 0.66),
        ],
    )
    sketch.oval("#f4f4f4", (0.62, 0.68), (0.018, 0.06))
    for y, x in ((0.90, 0.30), (0.93, 0.37), (0.90, 0.43)):
        sketch.oval("#1f1f1f", (y, x), (0.043, 0.043))
        sketch.oval("#e0e0e0", (y - 0.006, x - 0.006), (0.030, 0.030))


def _cuts(random: np.random.Generator, sketch: Sketch) -> tuple[Array, Array, Array]:
    """Facet number of each pixel, nearness to an edge 0..1, and the fade across the facet 0..1."""
    rows, columns = sketch.rows, sketch.columns
    number, edge, fade = np.zeros(rows.shape, int), np.zeros_like(rows), np.full_like(rows, 0.5)
    for index in range(24):
        slant = SLANTS[index % 4] + random.normal(0, 0.13)
        place = random.normal((0.50, 0.41), (0.25, 0.22))
        bend = random.choice([0, 0, 0.5]) * ((rows - place[0]) ** 2 + (columns - place[1]) ** 2)
        off = (rows - place[0]) * np.cos(slant) + (columns - place[1]) * np.sin(slant) + bend
        along = (columns - place[1]) * np.cos(slant) - (rows - place[0]) * np.sin(slant)
        reach = np.abs(along + random.normal(0, 0.06)) < random.uniform(0.12, 0.42)
        number = number + (off > 0) * reach * (1 + index * index * 7)
        edge = np.maximum(
            edge,
            smoothstep(0.0036, 0.0008, np.abs(off))
            * reach
            * smoothstep(-0.1, 0.5, noise(along * 5, 0 * off, 500 + index)),
        )
        shade = np.exp(-np.maximum(off, 0) / 0.075) * (off > 0) * reach
        glow = np.exp(np.minimum(off, 0) / 0.09) * (off <= 0) * reach
        fade = fade * (1 - 0.55 * shade) + 0.24 * glow
    return number, edge, np.clip(fade, 0, 1.1)


def _seen_from_elsewhere(
    random: np.random.Generator, sketch: Sketch, motif: Array, number: Array
) -> tuple[Array, Array]:
    """Brush direction and gray value of each pixel, one view of the motif per facet."""
    labels, own = np.unique(number, return_inverse=True)
    own = own.reshape(number.shape)
    turn, zoom = random.normal(0, 0.07, len(labels))[own], 1 + random.normal(0, 0.06, len(labels))[own]
    down, right = random.normal(0, 0.019, (2, len(labels)))[:, own]
    y, x = sketch.rows - 0.5, sketch.columns - 0.4
    rows = (y * np.cos(turn) - x * np.sin(turn)) * zoom + 0.5 + down
    columns = (x * np.cos(turn) + y * np.sin(turn)) * zoom + 0.4 + right
    seen = sample(motif, rows * sketch.height, columns * sketch.height)
    lift = random.normal(0, 0.12, len(labels))[own]
    angle = np.array(SLANTS)[random.integers(0, 4, len(labels))][own] + 0.2 * noise(x * 4, y * 4, 540)
    return angle, (seen - 0.5) * 1.25 + 0.5 + lift


def _warmth(random: np.random.Generator, sketch: Sketch, number: Array) -> Array:
    """Share of gray against ochre in each facet, 0..1."""
    labels, own = np.unique(number, return_inverse=True)
    cool = random.random(len(labels))[own].reshape(number.shape)
    near = np.exp(-(np.hypot(sketch.rows - 0.58, sketch.columns - 0.44) ** 2) / 0.05)
    return np.clip(cool * 1.1 - 0.55 * near + 0.15 * fractal(sketch.columns * 5, sketch.rows * 5, 3, seed=545), 0, 1)


def _accents(picture: Array, number: Array) -> Array:
    """Add a little blue, green and rust to a few facets."""
    pick = np.mod(number, 17)
    tints = {3: "#3f5f86", 5: "#3f6a58", 8: "#a2502c", 11: "#5f7f96"}
    parts = ((pick == key)[..., None] * (rgb(tint) - 0.45) * 0.60 for key, tint in tints.items())
    return sum(parts) * (1 - 0.5 * np.abs(picture - 0.5))[..., None]


def _outlines(sketch: Sketch) -> Array:
    """Broken contours of guitar, bottle and table, drawn over the facets, 0..1."""
    rows, columns = sketch.rows, sketch.columns
    rims = [sketch.off_oval((y, x), (ry, rx)) for y, x, ry, rx in OUTLINES]
    neck = np.abs((columns - 0.46) + 0.22 * (rows - 0.54)) - 0.030
    rims.append(np.where((rows > 0.06) & (rows < 0.48), neck, 1))
    broken = [noise(columns * 4 + 9 * index, rows * 4, 560) > -0.25 for index in range(len(rims))]
    lines = [smoothstep(0.0045, 0.0012, np.abs(rim)) * part for rim, part in zip(rims, broken, strict=True)]
    strings = [
        smoothstep(0.0022, 0.0006, np.abs(columns - 0.46 + 0.22 * (rows - 0.54) + t)) for t in (-0.012, 0, 0.012)
    ]
    return np.maximum.reduce([*lines, *(line * (rows > 0.08) * (rows < 0.72) for line in strings)])


def _drawn(painting: Array, sketch: Sketch, edge: Array, picture: Array) -> Array:
    """Dark lines along the cuts and the contours of things, worn by the weave of the canvas."""
    worn = 0.55 + 0.45 * fractal(sketch.columns * 90, sketch.rows * 90, 3, seed=550)
    painting = mix(painting, rgb("#171412"), edge * np.clip(worn + 0.15, 0, 1) * 0.9)
    down, right = np.gradient(picture)
    contour = smoothstep(0.10, 0.30, np.hypot(down, right) * sketch.height / 512)
    return mix(painting, rgb("#1a1613"), contour * np.clip(worn, 0, 1) * 0.55)
