"""A sunny river bank in points of pure color: the eye mixes what the brush does not.

Every point takes one of a few pigments, drawn so that their mean is the motif's color and each hue
meets its complement in the shadows.
"""

from __future__ import annotations

import numpy as np
from noise import Array, blurred, fractal, mix, noise, resized, rgb, smoothstep
from PIL import Image, ImageDraw

from paintings.sketch import OVERSAMPLING, Sketch, gradient

PIGMENTS = (
    "#f7f1da",
    "#f6dd7a",
    "#f2c230",
    "#ec9434",
    "#d9552e",
    "#c43a5a",
    "#e9a6a0",
    "#8f5fa8",
    "#5a4a9c",
    "#2d4fa3",
    "#4f8fce",
    "#a9d0e6",
    "#3b9a94",
    "#2f7d46",
    "#7fb045",
    "#c3cf55",
    "#1f3f3a",
    "#6b4a3a",
)


def dots(side: int) -> Array:
    """The painting; `side` is the width in pixels."""
    random, height = np.random.default_rng(12), round(side * 0.74)
    sketch = Sketch(height, side)
    _river(sketch)
    _far_bank(sketch)
    _boats(sketch)
    _meadow(sketch)
    _people(sketch)
    _tree(sketch)
    return _pointed(random, sketch.color)


def _river(sketch: Sketch) -> None:
    rows, columns = sketch.rows, sketch.columns
    sky = gradient(("#8fbde0", "#b9d7e6", "#f2e6c4", "#f7d9a8"), np.clip(rows / 0.36, 0, 1))
    cloud = smoothstep(0.05, 0.6, fractal(columns * 2.0, rows * 5.0, 5, seed=400)) * smoothstep(0.34, 0.1, rows)
    sketch.color = mix(sky, rgb("#fbf3e2"), cloud * 0.8)
    depth = np.clip((rows - 0.36) / 0.4, 0, 1)
    ripple = noise(columns * 7, rows * 70 / (0.5 + depth), 405)
    water = gradient(("#e9dcc0", "#9cc4dc", "#5f9bcb", "#3a6fb2"), np.clip(depth + 0.22 * ripple, 0, 1))
    sketch.wash(water, smoothstep(-0.003, 0.003, rows - 0.36))


def _far_bank(sketch: Sketch) -> None:
    rows, columns = sketch.rows, sketch.columns
    crown = (
        0.305 - 0.035 * np.abs(fractal(columns * 5, 0 * columns, 4, seed=410)) - 0.05 * smoothstep(0.9, 0.2, columns)
    )
    tone = 0.45 + 0.5 * fractal(columns * 16, rows * 20, 4, seed=414) + (rows - 0.30) * -4
    green = gradient(("#27506a", "#3d7d62", "#86a95a", "#d8d07a"), np.clip(tone, 0, 1))
    sketch.wash(green, smoothstep(-0.004, 0.006, rows - crown) * (rows < 0.362))
    for x, wide, roof in ((0.42, 0.05, "#cf6a3e"), (0.56, 0.035, "#b9503a"), (1.02, 0.045, "#d27a46")):
        sketch.polygon("#f4e3c2", [(0.315, x), (0.315, x + wide), (0.358, x + wide), (0.358, x)])
        sketch.polygon(
            roof, [(0.317, x - 0.006), (0.295, x + wide * 0.3), (0.295, x + wide * 0.7), (0.317, x + wide + 0.006)]
        )
    mirror = smoothstep(0.42, 0.362, rows) * (rows > 0.362) * (0.55 + 0.45 * noise(columns * 4, rows * 160, 418))
    sketch.wash("#3f7468", np.clip(mirror, 0, 1) * 0.8)
    for x in np.linspace(0.0, 1.4, 7):
        sketch.oval("#2f6a58", (0.285, x + 0.05), (0.05, 0.016))


def _boats(sketch: Sketch) -> None:
    boats = (
        (0.33, 0.47, 0.16, "#fdf6e6"),
        (0.62, 0.42, 0.09, "#f6dca0"),
        (0.98, 0.45, 0.13, "#fbeeda"),
        (0.80, 0.395, 0.05, "#ffffff"),
    )
    for x, y, tall, sail in boats:
        sketch.polygon(sail, [(y - tall, x), (y - 0.012, x), (y - 0.012, x + tall * 0.50)])
        sketch.polygon("#e3b98a", [(y - tall * 0.85, x - 0.006), (y - 0.012, x - 0.006), (y - 0.012, x - tall * 0.26)])
        sketch.polygon(
            "#7a2f3a",
            [
                (y - 0.01, x - tall * 0.3),
                (y - 0.01, x + tall * 0.5),
                (y + 0.016, x + tall * 0.36),
                (y + 0.016, x - tall * 0.2),
            ],
        )
        cover = sketch.cover([(y + 0.02, x - tall * 0.25), (y + 0.02, x + tall * 0.4), (y + tall * 0.9, x)], soft=0.004)
        broken = 0.5 + 0.5 * np.sign(noise(sketch.columns * 3, sketch.rows * 120, 425))
        sketch.wash(sail, cover * broken * 0.75)


def _meadow(sketch: Sketch) -> None:
    rows, columns = sketch.rows, sketch.columns
    bank = 0.60 - 0.20 * (columns - 0.35) + 0.018 * np.sin(columns * 9) + 0.01 * noise(columns * 20, rows * 3, 430)
    bank = np.maximum(bank, 0.60 - 0.55 * np.maximum(columns - 0.55, 0)) + 0.03
    light = 0.62 + 0.28 * fractal(columns * 6, rows * 14, 4, seed=431)
    sketch.wash(
        gradient(("#4f9448", "#9cbf4a", "#dcd55c", "#f4e27e"), np.clip(light, 0, 1)),
        smoothstep(-0.004, 0.004, rows - bank),
    )
    sketch.wash("#efd9a6", smoothstep(0.012, 0.004, np.abs(rows - bank - 0.006)))
    edge = 0.84 + 0.035 * np.sin(columns * 6 + 1) + 0.05 * fractal(columns * 4, rows * 4, 4, seed=435)
    cool = gradient(
        ("#1d3f52", "#2a5b4a", "#3f7a48", "#5a5a9a"),
        np.clip(0.4 + 0.5 * fractal(columns * 9, rows * 18, 4, seed=439), 0, 1),
    )
    sketch.wash(cool, smoothstep(-0.012, 0.012, rows - edge))
    sketch.wash(cool, smoothstep(0.02, -0.005, sketch.off_oval((0.70, 1.02), (0.045, 0.26), 0.0)) * (rows > bank))


def _people(sketch: Sketch) -> None:
    crowd = (
        (0.20, 0.80, 0.30, "#3a2f66", "#e0592f"),
        (0.30, 0.79, 0.27, "#24305c", None),
        (0.62, 0.70, 0.15, "#c4405a", "#f4efe2"),
        (0.70, 0.70, 0.14, "#e9dcc0", None),
        (0.84, 0.88, 0.24, "#b5452f", "#3a7f86"),
        (0.46, 0.66, 0.10, "#d98a3a", None),
        (0.52, 0.665, 0.10, "#3f5fa8", "#e9b23a"),
        (1.20, 0.72, 0.20, "#34306a", "#d64f4a"),
    )
    for x, foot, tall, robe, parasol in crowd:
        sketch.polygon(
            "#2c4a5c",
            [
                (foot - 0.004, x),
                (foot + 0.012, x + tall * 0.1),
                (foot + 0.03, x + tall * 0.9),
                (foot + 0.01, x + tall * 0.85),
            ],
            soft=0.003,
        )
        wide = tall * (0.19 if parasol else 0.10)
        top = foot - tall * 0.80
        sketch.polygon(
            robe,
            [
                (foot, x - wide),
                (foot, x + wide),
                (foot - tall * 0.42, x + tall * 0.07),
                (top, x + tall * 0.085),
                (top, x - tall * 0.085),
                (foot - tall * 0.42, x - tall * 0.07),
            ],
        )
        sketch.polygon(
            "#f2c9a0",
            [(foot - tall * 0.05, x - wide), (foot, x - wide), (top, x - tall * 0.085), (top, x - tall * 0.05)],
            share=0.55,
        )
        sketch.oval("#e8b48c", (foot - tall * 0.88, x), (tall * 0.075, tall * 0.055))
        sketch.oval("#2a2440", (foot - tall * 0.94, x), (tall * 0.035, tall * 0.075))
        if parasol:
            dome = sketch.off_oval((foot - tall * 1.0, x + tall * 0.12), (tall * 0.17, tall * 0.30))
            sketch.wash(parasol, smoothstep(0.002, -0.002, dome) * (sketch.rows < foot - tall * 0.98))


def _tree(sketch: Sketch) -> None:
    """A trunk at the right edge whose crown hangs over the picture."""
    rows, columns = sketch.rows, sketch.columns
    off = np.abs(columns - 1.10 - 0.03 * np.sin(rows * 5)) - 0.030 - 0.05 * smoothstep(0.72, 0.92, rows)
    bark = gradient(
        ("#2b2350", "#5a3a4a", "#b5743f", "#e6b25a"),
        np.clip(0.65 - (columns - 1.08) * 9 + 0.2 * noise(columns * 40, rows * 12, 440), 0, 1),
    )
    sketch.wash(bark, smoothstep(0.003, -0.003, off) * smoothstep(0.90, 0.89, rows))
    hang = 0.20 * smoothstep(0.55, 1.15, columns) + 0.10 * smoothstep(1.4, 1.2, columns) * (columns > 0.6)
    leaf = fractal(columns * 5, rows * 6, 5, seed=441)
    cover = smoothstep(-0.02, 0.05, hang - rows + 0.14 * leaf - 0.04)
    tone = 0.42 + 0.55 * fractal(columns * 10, rows * 10, 4, seed=446) - 0.8 * (rows - 0.1)
    sketch.wash(gradient(("#1f3f4e", "#2b6a48", "#6fa044", "#e0cf5a"), np.clip(tone, 0, 1)), cover)


def _pointed(random: np.random.Generator, motif: Array) -> Array:
    """Layers of ever smaller points over a warm ground, then the grain of the canvas and the paint's relief."""
    height, width = motif.shape[:2]
    size = width * OVERSAMPLING, height * OVERSAMPLING
    ground = np.uint8(np.clip(0.55 * blurred(motif, width / 60) + 0.45 * rgb("#e6d3a8"), 0, 1) * 255)
    color, relief = Image.fromarray(ground).resize(size), Image.new("L", size, 70)
    for radius, cover, wander in ((0.0064, 1.5, 0.20), (0.0044, 1.3, 0.17), (0.0030, 0.9, 0.13)):
        _layer(random, color, relief, motif, radius * width, cover, wander)
    paint = resized(np.asarray(color, np.float32) / 255, height, width)
    surface = resized(blurred(np.asarray(relief, np.float32) / 255, 0.9)[..., None], height, width)[..., 0]
    down, right = np.gradient(surface)
    return np.clip(paint * (1 + 0.4 * np.clip(down + right, -0.4, 0.4))[..., None], 0, 1)


def _layer(
    random: np.random.Generator,
    color: Image.Image,
    relief: Image.Image,
    motif: Array,
    radius: float,
    cover: float,
    wander: float,
) -> None:
    height, width = motif.shape[:2]
    count = int(cover * height * width / (np.pi * radius**2))
    rows, columns = random.uniform(0, (height - 1, width - 1), (count, 2)).T
    shades = _pigments(random, motif[rows.astype(int), columns.astype(int)], wander)
    across, upright = random.uniform(0.8, 1.25, (2, count)) * radius
    boxes = np.stack([columns - across, rows - upright, columns + across, rows + upright], -1) * OVERSAMPLING
    draw, raise_ = ImageDraw.Draw(color), ImageDraw.Draw(relief)
    shades = np.uint8(np.clip(shades + random.normal(0, 0.025, shades.shape), 0, 1) * 255)
    for box, shade, height_ in zip(
        boxes.tolist(), shades.tolist(), random.integers(120, 255, count).tolist(), strict=True
    ):
        draw.ellipse(box, fill=tuple(shade))
        raise_.ellipse(box, fill=height_)


def _pigments(random: np.random.Generator, wanted: Array, wander: float) -> Array:
    """One pigment for each wanted color (N, 3): close ones mostly, now and then the complement."""
    palette = np.array([rgb(pigment) for pigment in PIGMENTS])
    light = wanted.mean(-1, keepdims=True)
    vivid = light + (wanted - light) * 1.45
    shadow = (light[:, 0] < 0.5) * 0.10 + 0.05
    opposite = random.random(len(wanted)) < shadow
    vivid[opposite] = np.clip(2 * light[opposite] - vivid[opposite] + 0.05, 0, 1)
    vivid = vivid + random.normal(0, wander, vivid.shape)
    nearest = ((vivid[:, None] - palette) ** 2).sum(-1).argmin(-1)
    return 0.82 * palette[nearest] + 0.18 * wanted
