"""A lighthouse above a breaking sea, printed from two blocks: flat inks below, a carved key block above.

Every light mark of the key block is one cut of the gouge: it follows the form, tapers at both ends, and
is the wider and the longer the lighter the place.
"""

from __future__ import annotations

import numpy as np
from noise import Array, blurred, fractal, grid, mix, noise, resized, rgb, sample, smoothstep
from PIL import Image, ImageDraw

from paintings.sketch import OVERSAMPLING, Sketch, direction, gradient

INK, PAPER = "#14182b", "#efe2c4"
LAMP = (0.205, 0.335)
WAVES = ((0.60, 0.014, 9.0, 0.4), (0.655, 0.024, 7.5, 2.0), (0.74, 0.044, 6.3, 4.4), (0.89, 0.075, 5.2, 0.9))


def woodcut(side: int) -> Array:
    """The print; `side` is the width in pixels."""
    random, height = np.random.default_rng(44), round(side * 0.78)
    sketch = Sketch(height, side)
    light, flow = np.zeros((height, side)), direction(np.zeros((height, side)), np.ones((height, side)))
    light, flow = _night(sketch, light, flow)
    light, flow = _sea(sketch, light, flow)
    light, flow = _cliff(sketch, light, flow)
    light, flow = _tower(sketch, light, flow)
    inks = sketch.color
    carved = _carve(random, light, flow)
    return _printed(random, inks, carved)


def _night(sketch: Sketch, light: Array, flow: Array) -> tuple[Array, Array]:
    """Rings of light around the lamp, two beams, a low moon, torn clouds."""
    rows, columns = sketch.rows, sketch.columns
    down, right = rows - LAMP[0], columns - LAMP[1]
    away, angle = np.hypot(down, right), np.arctan2(down, right)
    sketch.color = gradient(("#2d5a6b", "#4f8a86", "#d9b565", "#ea8f45"), np.clip(rows / 0.62, 0, 1))
    beam = smoothstep(0.10, 0.045, np.abs(np.sin(angle - 0.12)))
    sketch.wash("#f3dc8e", beam * 0.95)
    cloud = smoothstep(-0.05, 0.25, fractal(columns * 1.6, rows * 5.5, 4, seed=600))
    light = (
        0.56 * np.exp(-away / 0.45)
        + 0.10
        + 0.30 * cloud * smoothstep(0.6, 0.2, rows)
        + 0.42 * smoothstep(0.30, 0.60, rows)
        + 0.75 * beam
    )
    moon = np.hypot(rows - 0.20, columns - 1.03)
    sketch.wash("#f6e7b4", smoothstep(0.092, 0.088, moon))
    light = np.where(moon < 0.09, 1.0, np.maximum(light, 0.6 * np.exp(-(moon - 0.09) / 0.05)))
    ring = direction(right, -down)
    halo = direction(columns - 1.03, -(rows - 0.20))
    drift = direction(0.5 * np.cos(columns * 6 + rows * 4), np.ones_like(rows))
    flow = np.where(away < 0.30, ring, np.where(moon < 0.20, halo, drift))
    return np.clip(light, 0, 1), np.where(beam > 0.2, direction(down, right), flow)


def _sea(sketch: Sketch, light: Array, flow: Array) -> tuple[Array, Array]:
    """Four rows of waves, each with a bright crest, foam fingers, and a dark hollow."""
    rows, columns = sketch.rows, sketch.columns
    for index, (base, swing, often, shift) in enumerate(WAVES):
        steep = columns * often + shift
        crest = base - swing * (np.abs(np.sin(steep / 2 + 0.35 * np.sin(steep))) ** 1.3 * -2 + 1)
        crest = crest + 0.25 * swing * noise(columns * 9, 0 * rows, 610 + index)
        slope = np.gradient(crest, axis=1) * sketch.height
        depth = (rows - crest) / (swing * 3.2)
        inside = smoothstep(-0.002, 0.002, rows - crest)
        fingers = noise(columns * (26 - 4 * index), depth * 2.2, 615 + index)
        tone = 0.85 * np.exp(-depth * 3.0) + 0.38 * smoothstep(0.2, 1.0, depth) + 0.30 * fingers + 0.04
        glint = 0.5 * np.exp(-np.abs(columns - 1.03) / (0.05 + 0.10 * index)) * (index < 3)
        foam = smoothstep(0.30, 0.22, depth + 0.34 * fingers)
        sketch.wash(gradient(("#8fc0b4", "#3f8a94", "#245a7c", "#1d4468"), np.clip(depth, 0, 1)), inside)
        sketch.wash("#f4ead0", foam * inside)
        light = np.where(inside > 0.5, np.clip(tone + glint + 0.6 * foam, 0, 1), light)
        light = light * (1 - 0.9 * smoothstep(0.0075, 0.003, np.abs(rows - crest + 0.003)))
        curl = slope * np.exp(-np.maximum(depth, 0) * 0.9) + 0.25 * fingers
        flow = np.where(inside > 0.5, direction(curl, np.ones_like(rows)), flow)
    return light, flow


def _cliff(sketch: Sketch, light: Array, flow: Array) -> tuple[Array, Array]:
    """Rock in slanting slabs under the tower, white water at its foot."""
    rows, columns = sketch.rows, sketch.columns
    jag = 0.035 * fractal(columns * 7, 0 * rows, 5, seed=620)
    top = 0.455 + jag + 0.55 * np.maximum(columns - 0.47, 0) ** 1.2 + 0.25 * np.maximum(0.10 - columns, 0)
    right = 0.66 + 0.05 * noise(rows * 14, 0 * rows, 622) + 0.25 * (rows - 0.6)
    foot = 0.80 + 0.03 * noise(columns * 12, 0 * rows, 623) - 0.10 * columns
    off = np.maximum(np.maximum(top - rows, columns - right), rows - foot)
    inside = smoothstep(0.002, -0.002, off)
    slab = np.floor(6 * (rows * 0.8 + columns * 1.3) + 1.2 * fractal(columns * 5, rows * 5, 3, seed=624))
    face = noise(slab * 3.7, slab * 1.3 + 0.5, 627)
    sketch.wash(gradient(("#5a4038", "#94603c", "#c99a5a"), np.clip(0.5 + 0.5 * face, 0, 1)), inside)
    grass = inside * smoothstep(0.045, 0.015, rows - top)
    sketch.wash("#6f8a4a", grass)
    tone = np.clip(0.33 + 0.50 * face + 0.5 * grass - 0.5 * (columns - 0.35), 0.02, 1)
    spray = smoothstep(
        0.03, -0.01, np.abs(rows - foot + 0.004) - 0.025 - 0.03 * fractal(columns * 16, rows * 16, 3, seed=628)
    ) * (columns < right + 0.05)
    sketch.wash("#f6eed8", spray)
    light = np.where(inside > 0.5, tone, light) * (1 - 0.95 * smoothstep(0.010, 0.004, np.abs(off)))
    flow = np.where(inside > 0.5, direction(0.8 + 0.9 * face, 0.7 - 0.8 * face), flow)
    return np.maximum(light, 0.95 * spray), flow


def _tower(sketch: Sketch, light: Array, flow: Array) -> tuple[Array, Array]:
    """The lighthouse: a banded shaft lit from the right, gallery, lantern, cap, and the keeper's house."""
    rows, columns = sketch.rows, sketch.columns
    y, x = LAMP
    house = sketch.polygon("#e6d2a6", [(0.40, 0.39), (0.40, 0.53), (0.475, 0.53), (0.475, 0.39)])
    roof = sketch.polygon("#b0402c", [(0.405, 0.375), (0.345, 0.41), (0.345, 0.51), (0.405, 0.545)])
    shaft = sketch.polygon(
        "#f1e4c6", [(y + 0.03, x - 0.026), (y + 0.03, x + 0.026), (0.48, x + 0.047), (0.48, x - 0.047)]
    )
    band = shaft * (np.mod((rows - y) / 0.062, 2) < 1)
    sketch.wash("#b0402c", band)
    glass = sketch.polygon(
        "#ffe27a", [(y - 0.03, x - 0.020), (y - 0.03, x + 0.020), (y + 0.025, x + 0.020), (y + 0.025, x - 0.020)]
    )
    cap = sketch.polygon("#8a2f28", [(y - 0.028, x - 0.029), (y - 0.075, x), (y - 0.028, x + 0.029)])
    rail = sketch.polygon(
        "#30303a", [(y + 0.022, x - 0.042), (y + 0.022, x + 0.042), (y + 0.036, x + 0.042), (y + 0.036, x - 0.042)]
    )
    round_ = np.where(columns > x - 0.012, 1.0, 0.45)
    for cover, tone in (
        (house, np.where(columns > 0.40, 0.98, 0.3)),
        (roof, 0.80 + 0 * rows),
        (shaft, round_),
        (glass, 1 + 0 * rows),
        (cap, 0.45 * round_),
        (rail, 0.05 + 0 * rows),
    ):
        rim = smoothstep(0.1, 0.5, cover) * smoothstep(0.98, 0.6, blurred(cover, 1.2 * sketch.height / 400))
        light = np.where(cover > 0.5, tone * (1 - rim), light * (1 - (blurred(cover, 1.5 * sketch.height / 400) > 0.1)))
    for py, px in ((0.43, 0.42), (0.43, 0.49), (0.30, x - 0.006), (0.38, x - 0.006)):
        light = light * (1 - sketch.oval("#22222c", (py, px), (0.013, 0.009)))
    upright = (shaft > 0.5) | (house > 0.5)
    return light, np.where(upright, direction(0.15 * np.ones_like(rows), np.ones_like(rows)), flow)


def _carve(random: np.random.Generator, light: Array, flow: Array) -> Array:
    """Paper 1 where the gouge has been, ink 0 elsewhere, (H, W): large cuts first, small between them."""
    height, width = light.shape
    scale = height * OVERSAMPLING
    plate = Image.new("L", (width * OVERSAMPLING, scale), 0)
    draw, taken = ImageDraw.Draw(plate), np.zeros((height, width), bool)
    for gouge, tries in ((0.0105, 5200), (0.0070, 9500), (0.0046, 13000)):
        for start, path in zip(*_cuts(random, flow, gouge, tries, height, width), strict=True):
            tone = light[int(start[0]), int(start[1])]
            half = gouge * (0.16 + 0.42 * tone) * height * random.uniform(0.8, 1.1)
            pixels = np.clip(path, 0, (height - 1, width - 1)).astype(int)
            if (
                tone < random.uniform(0.12, 0.42)
                or taken[tuple(pixels.T)].any()
                or np.ptp(light[tuple(pixels.T)]) > 0.38
            ):
                continue
            _mark(taken, pixels, gouge * height * 0.42)
            draw.polygon(_leaf(path, half), fill=255)
    open_ = resized(np.asarray(plate, np.float32)[..., None] / 255, height, width)[..., 0]
    return np.maximum(open_, smoothstep(0.90, 0.97, light))


def _cuts(
    random: np.random.Generator, flow: Array, gouge: float, tries: int, height: int, width: int
) -> tuple[Array, Array]:
    """Random starts (N, 2) and the paths (N, S, 2) that follow the flow to both sides of them."""
    starts = random.uniform(0, (height - 1, width - 1), (tries, 2))
    step, sides = gouge * height * random.uniform(0.55, 1.15, (tries, 1)), []
    for sign in (-1, 1):
        place, side = starts, []
        for _ in range(4):
            place = place + sign * step * np.stack([sample(part, *place.T) for part in flow], -1)
            side.append(place)
        sides.append(side)
    return starts, np.stack([*sides[0][::-1], starts, *sides[1]], 1)


def _mark(taken: Array, pixels: Array, reach: float) -> None:
    """Keep later cuts at a distance."""
    wide = max(1, round(reach))
    for row, column in pixels.tolist():
        taken[max(0, row - wide) : row + wide + 1, max(0, column - wide) : column + wide + 1] = True


def _leaf(path: Array, half: float) -> list[tuple[float, float]]:
    """Outline of a cut that is pointed at its start and blunt at its end."""
    along = np.gradient(path, axis=0)
    aside = np.stack([along[:, 1], -along[:, 0]], -1) / (np.linalg.norm(along, axis=-1, keepdims=True) + 1e-9)
    profile = (np.sin(np.linspace(0.06, np.pi * 0.93, len(path))) ** 0.7)[:, None] * half
    outline = np.concatenate([path + aside * profile, (path - aside * profile)[::-1]]) * OVERSAMPLING
    return [(x, y) for y, x in outline.tolist()]


def _printed(random: np.random.Generator, inks: Array, carved: Array) -> Array:
    """Color blocks, a little off register, under the key block, on fibrous paper, with the grain of the plank."""
    height, width = carved.shape
    rows, columns = grid(height, width)
    fiber = fractal(columns * 60, rows * 90, 3, seed=640)
    paper = rgb(PAPER) * (1 + 0.035 * fiber[..., None])
    plank = noise(columns * 3, rows * 110 + 5 * noise(columns * 1.2, rows * 2, 641), 642)
    levels = np.round(inks * 9) / 9
    block = mix(paper, levels, 0.90 - 0.10 * smoothstep(0.2, 0.9, plank) - 0.06 * fiber)
    block = np.roll(block, (1, 1), (0, 1)) if height > 200 else block
    speckle = smoothstep(0.55, 0.85, fractal(columns * 120, rows * 120, 2, seed=643) + 0.25 * plank)
    key = (1 - carved) * (0.97 - 0.35 * speckle - 0.10 * smoothstep(0.4, 0.9, plank))
    picture = mix(block, rgb(INK), key)
    return np.clip(picture + random.normal(0, 0.008, (height, width, 1)), 0, 1)
