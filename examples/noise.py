"""Noise, flow and light: what both the scenes and the paintings are made of."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

Array = np.ndarray


def grid(height: int, width: int) -> tuple[Array, Array]:
    """Row and column of each pixel, both in units of the height: (H, W) each."""
    rows, columns = np.mgrid[0:height, 0:width]
    return rows / height, columns / height


def value_noise(random: np.random.Generator, height: int, width: int, cell: float) -> Array:
    """Smooth noise in -1..1 with features of about `cell` pixels, (H, W)."""
    shape = int(height / cell) + 3, int(width / cell) + 3
    coarse = Image.fromarray(random.uniform(-1, 1, shape).astype(np.float32))
    size = max(width + 1, round(shape[1] * cell)), max(height + 1, round(shape[0] * cell))
    return np.asarray(coarse.resize(size, Image.Resampling.BICUBIC))[:height, :width]


def fractal(
    random: np.random.Generator, height: int, width: int, cell: float, octaves: int = 6, gain: float = 0.5
) -> Array:
    """Sum of `octaves` noises, each half the size and `gain` times the strength of the one before, about -1..1."""
    total, strength, weight = np.zeros((height, width)), 1.0, 0.0
    for _ in range(octaves):
        total += strength * value_noise(random, height, width, max(cell, 1.0))
        weight += strength
        cell, strength = cell / 2, strength * gain
    return total / weight * 1.6


def sample(image: Array, rows: Array, columns: Array) -> Array:
    """Bilinear look-up at fractional positions, edges repeated; (H, W) or (H, W, C)."""
    height, width = image.shape[:2]
    rows, columns = np.clip(rows, 0, height - 1.001), np.clip(columns, 0, width - 1.001)
    top, left = rows.astype(int), columns.astype(int)
    down, right = rows - top, columns - left
    if image.ndim == 3:
        down, right = down[..., None], right[..., None]
    upper = image[top, left] * (1 - right) + image[top, left + 1] * right
    lower = image[top + 1, left] * (1 - right) + image[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down


def streaks(texture: Array, flow: Array, length: int) -> Array:
    """Average a texture along flow lines (line integral convolution), (H, W)."""
    height, width = texture.shape
    total, count = texture.copy(), 1
    for sign in (-1.0, 1.0):
        rows, columns = (a.astype(float) for a in np.mgrid[0:height, 0:width])
        for _ in range(length):
            angle_rows, angle_columns = sample(flow[0], rows, columns), sample(flow[1], rows, columns)
            rows, columns = rows + sign * angle_rows, columns + sign * angle_columns
            total += sample(texture, rows, columns)
            count += 1
    return total / count


def flow_along(potential: Array) -> Array:
    """Unit vectors along the contours of a potential, (2, H, W) as (row, column)."""
    down, right = np.gradient(potential)
    size = np.hypot(down, right) + 1e-9
    return np.stack([right / size, -down / size])


def blurred(image: Array, radius: float) -> Array:
    """Gaussian blur of (H, W, 3) in 0..1."""
    picture = Image.fromarray(np.uint8(np.clip(image, 0, 1) * 255)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(picture) / 255


def mix(low: Array, high: Array, share: Array) -> Array:
    """Linear blend; `share` is (H, W) in 0..1, the colors (3,) or (H, W, 3)."""
    share = np.clip(share, 0, 1)[..., None]
    return np.asarray(low) * (1 - share) + np.asarray(high) * share


def smoothstep(low: float, high: float, value: Array) -> Array:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def rgb(text: str) -> Array:
    """'#rrggbb' -> (3,) in 0..1."""
    return np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)]) / 255
