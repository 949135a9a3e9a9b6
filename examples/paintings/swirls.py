"""A night in whirling impasto: wind and stars over hills, a village, cypresses and a field of wheat."""

from __future__ import annotations

import numpy as np
from noise import Array, fractal, noise, sample, smoothstep

from paintings.brush import Brush, Canvas, busy
from paintings.sketch import Sketch, direction, gradient

NIGHT = ("#0f1b4d", "#1b3585", "#2f5fb3", "#4f8ccb", "#9cc3d6", "#dfe3c0")
FLAME = ("#9fc4cf", "#cfdcae", "#f3e28a", "#f8c62f", "#f29a1d")
FIELD = ("#6b4a17", "#a97a1c", "#d9a92b", "#f2d15a", "#8f9a3c")
HILLS = ("#0f2742", "#1d4a5e", "#2f6f63", "#6d9a6a")
STARS = (
    (0.17, 1.06, 0.088),
    (0.12, 0.16, 0.040),
    (0.30, 0.10, 0.030),
    (0.09, 0.52, 0.036),
    (0.20, 0.78, 0.030),
    (0.44, 1.14, 0.034),
    (0.46, 0.42, 0.028),
    (0.05, 0.88, 0.022),
)
WHIRLS = ((0.27, 0.42, 0.17, 1.0), (0.36, 0.82, 0.13, -1.0), (0.14, 0.30, 0.10, -0.7), (0.50, 0.16, 0.12, 0.8))


def swirls(side: int) -> Array:
    """The painting; `side` is the width in pixels."""
    random, height = np.random.default_rng(5), round(side * 0.8)
    sketch = Sketch(height, side)
    flow = _wind(sketch)
    sketch.color = gradient(NIGHT, _streaks(random, sketch, flow))
    _stars(sketch)
    flow = _land(random, sketch, flow)
    canvas = Canvas(sketch.color * 0.55, random)
    canvas.paint(sketch.color, flow, Brush(width=0.026, length=5, cover=3, jitter=0.06))
    canvas.paint(sketch.color, flow, Brush(width=0.014, length=7, cover=2.6, jitter=0.09, streak=0.07, tolerance=0.16))
    canvas.paint(
        sketch.color, flow, Brush(width=0.008, length=8, cover=1.1, jitter=0.12, streak=0.07, tolerance=0.12, body=1.3)
    )
    fine = Brush(width=0.0055, length=4, cover=3.2, jitter=0.06, streak=0.05, tolerance=0.08)
    canvas.paint(sketch.color, flow, fine, where=busy(sketch.color, 2.0) * smoothstep(0.5, 0.6, sketch.rows))
    canvas.paint(sketch.color * 0.45, flow, Brush(width=0.005, length=12, cover=0.12, jitter=0.03, tolerance=0.2))
    return canvas.lit(1.9)


def _wind(sketch: Sketch) -> Array:
    """A breeze to the right, bent around whirls, turned into rings around the stars."""
    rows, columns = sketch.rows, sketch.columns
    down = 0.32 * np.sin(columns * 5.2 + 1.0) + 0.25 * noise(columns * 2, rows * 2, 300)
    right = np.ones_like(rows)
    for y, x, radius, spin in WHIRLS:
        away = np.hypot(rows - y, columns - x) / radius
        pull = 4.5 * spin * np.exp(-(away**2) * 0.8)
        down, right = down + pull * (columns - x) / radius, right - pull * (rows - y) / radius
        right = right - 0.9 * np.exp(-(away**2) * 1.5)
    for y, x, radius in STARS:
        away = np.hypot(rows - y, columns - x) / radius
        ring = 14 * np.exp(-((away / 2.1) ** 4)) / (away + 0.3)
        down, right = down + ring * (columns - x) / radius, right - ring * (rows - y) / radius
    return direction(down, right)


def _streaks(random: np.random.Generator, sketch: Sketch, flow: Array) -> Array:
    """Noise dragged along the wind: bands of light and dark that turn with it, 0..1."""
    texture = fractal(sketch.columns * 11, sketch.rows * 11, 3, seed=301) + 0.25 * random.normal(size=sketch.rows.shape)
    rows, columns = (a.astype(float) for a in np.mgrid[0 : sketch.height, 0 : sketch.width])
    total, step = texture.copy(), sketch.height / 150
    for _ in range(26):
        move = sample(flow[0], rows, columns), sample(flow[1], rows, columns)
        rows, columns = rows + step * move[0], columns + step * move[1]
        total += sample(texture, rows, columns)
    bands = total / total.std()
    return np.clip(0.36 + 0.21 * bands + 0.12 * smoothstep(0.2, 0.7, sketch.rows), 0, 1)


def _stars(sketch: Sketch) -> None:
    for y, x, radius in STARS:
        away = np.hypot(sketch.rows - y, sketch.columns - x) / radius
        pulse = 0.10 * np.sin(away * 9) + 0.08 * noise(sketch.columns * 30, sketch.rows * 30, 305)
        sketch.wash(gradient(FLAME, np.clip(1.05 - away / 2.6 + pulse, 0, 1)), smoothstep(2.7, 1.7, away + pulse))
    (y, x, radius), rows, columns = STARS[0], sketch.rows, sketch.columns
    bite = np.hypot(rows - y + 0.012, columns - x - 0.03) - radius * 0.62
    disc = np.hypot(rows - y, columns - x) - radius * 0.86
    sketch.wash("#f6a21b", smoothstep(0.006, -0.006, np.maximum(disc, -bite)))


def _land(random: np.random.Generator, sketch: Sketch, flow: Array) -> Array:
    """Hills, houses, wheat and cypresses over the sky; the flow bends along each."""
    rows, columns = sketch.rows, sketch.columns
    for index, (base, swing) in enumerate(((0.60, 0.05), (0.66, 0.04), (0.72, 0.03))):
        line = base + swing * np.sin(columns * (4.2 + index) + 2.1 * index) + 0.015 * np.sin(columns * 17 + index)
        slope = swing * (4.2 + index) * np.cos(columns * (4.2 + index) + 2.1 * index)
        tone = 0.20 + 0.25 * index + 0.30 * np.sin((rows - line) * 75) + 0.18 * noise(columns * 12, rows * 30, 310)
        below = smoothstep(-0.004, 0.004, rows - line)
        sketch.wash(gradient(HILLS, np.clip(tone, 0, 1)), below)
        sketch.wash("#0a1730", smoothstep(0.010, 0.002, np.abs(rows - line)))
        flow = np.where(
            below > 0.5, direction(slope + 0.4 * noise(columns * 5, rows * 5, 311), np.ones_like(rows)), flow
        )
    _village(random, sketch)
    flow = _wheat(sketch, flow)
    for x, top, wide in ((0.13, 0.10, 0.055), (0.23, 0.34, 0.040)):
        flow = _cypress(sketch, flow, x, top, wide)
    return flow


def _village(random: np.random.Generator, sketch: Sketch) -> None:
    for x in np.linspace(0.42, 1.22, 13) + random.uniform(-0.02, 0.02, 13):
        y, wide = 0.765 + random.uniform(-0.045, 0.02), random.uniform(0.034, 0.058)
        wall = random.choice(["#5f7fae", "#93a9c0", "#46608c", "#b3b9a6"])
        sketch.polygon(wall, [(y, x - wide), (y, x + wide), (y + 0.06, x + wide), (y + 0.06, x - wide)])
        roof = random.choice(["#a33a28", "#c9622f", "#232a55", "#b5472c"])
        sketch.polygon(roof, [(y + 0.004, x - wide * 1.15), (y - wide * 0.8, x), (y + 0.004, x + wide * 1.15)])
        sketch.oval("#f9c440", (y + 0.022, x + random.uniform(-0.4, 0.4) * wide), (0.014, 0.010))
    sketch.polygon("#7f95b8", [(0.65, 0.775), (0.65, 0.825), (0.80, 0.825), (0.80, 0.775)])
    sketch.polygon("#1b2350", [(0.66, 0.765), (0.51, 0.80), (0.66, 0.835)])
    sketch.oval("#f9c440", (0.69, 0.80), (0.018, 0.009))


def _wheat(sketch: Sketch, flow: Array) -> Array:
    rows, columns = sketch.rows, sketch.columns
    line = 0.835 + 0.02 * np.sin(columns * 3.3 + 0.5)
    field = rows > line
    wave = 0.5 + 0.35 * noise(columns * 26, rows * 7, 315) + 0.35 * noise(columns * 5, rows * 6, 316)
    sketch.wash(gradient(FIELD, np.clip(wave, 0, 1)), smoothstep(-0.006, 0.006, rows - line))
    path = np.abs(columns - 0.62 - 0.9 * (rows - 0.82) * np.sin(7 * rows)) - 0.02 - 0.35 * (rows - 0.83)
    sketch.wash("#7b8f5a", smoothstep(0.01, -0.01, path) * field)
    sway = 0.75 * np.sin(columns * 6 + 2 * noise(columns * 3, rows * 3, 317))
    return np.where(field, direction(-np.ones_like(rows), sway), flow)


def _cypress(sketch: Sketch, flow: Array, x: float, top: float, wide: float) -> Array:
    rows, columns = sketch.rows, sketch.columns
    up = np.clip((1.02 - rows) / (1.02 - top), 0, 1)
    half = wide * (1 - up) ** 0.62 * (1 + 0.22 * np.sin(rows * 44) + 0.3 * noise(columns * 9, rows * 14, 320))
    off = np.abs(columns - x - 0.018 * np.sin(rows * 9)) - half
    inside = (off < 0) & (rows > top)
    tone = 0.35 + 0.5 * noise(columns * 34, rows * 9, 321)
    green = gradient(("#0b1614", "#15301f", "#2f4d26", "#6a5a24"), np.clip(tone, 0, 1))
    sketch.wash(green, smoothstep(0.004, -0.004, off) * (rows > top))
    lick = 0.9 * np.sin(rows * 30 + columns * 25)
    return np.where(inside, direction(-np.ones_like(rows), lick * 0.6), flow)
