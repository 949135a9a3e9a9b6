"""Noise, blending and lookup functions for the scenes and the paintings.

All noise is a function of position, not of pixels, so a picture has the same composition at every size.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image

Array = np.ndarray
PERIOD = 256  # lattice points before a noise repeats
TURN = np.array([[0.8, 0.6], [-0.6, 0.8]])  # between octaves, so that lattices do not line up


def grid(height: int, width: int) -> tuple[Array, Array]:
    """Row and column of each pixel, both in units of the height: (H, W) each."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    return rows / height, columns / height


@cache
def lattice(seed: int) -> Array:
    """Random values in -1..1 at the lattice points, (PERIOD, PERIOD)."""
    return np.random.default_rng(seed).uniform(-1, 1, (PERIOD, PERIOD)).astype(np.float32)


def corners(x: Array, y: Array, seed: int) -> tuple[Array, ...]:
    """The four lattice values around each place, and the offsets from the first corner."""
    table, left, top = lattice(seed), np.floor(x), np.floor(y)
    i, j = left.astype(np.int64) % PERIOD, top.astype(np.int64) % PERIOD
    right, below = (i + 1) % PERIOD, (j + 1) % PERIOD
    return table[j, i], table[j, right], table[below, i], table[below, right], x - left, y - top


def noise(x: Array, y: Array, seed: int = 0) -> Array:
    """Smooth noise in -1..1 with features of size one."""
    a, b, c, d, u, v = corners(x, y, seed)
    u, v = (t * t * t * (t * (t * 6 - 15) + 10) for t in (u, v))
    return a + (b - a) * u + (c - a) * v + (a - b - c + d) * u * v


def slopes(x: Array, y: Array, seed: int = 0) -> tuple[Array, Array, Array]:
    """The noise and its two derivatives."""
    a, b, c, d, s, t = corners(x, y, seed)
    u, v = (w * w * w * (w * (w * 6 - 15) + 10) for w in (s, t))
    du, dv = (30 * w * w * (w * (w - 2) + 1) for w in (s, t))
    cross = a - b - c + d
    return a + (b - a) * u + (c - a) * v + cross * u * v, du * (b - a + cross * v), dv * (c - a + cross * u)


def turned(x: Array, y: Array) -> tuple[Array, Array]:
    """The places one octave finer: twice the frequency, rotated."""
    return 2 * (TURN[0, 0] * x + TURN[0, 1] * y), 2 * (TURN[1, 0] * x + TURN[1, 1] * y)


def fractal(x: Array, y: Array, octaves: int = 6, seed: int = 0, gain: float = 0.5) -> Array:
    """Sum of `octaves` noises, each half the size and `gain` times the strength of the one before, about -1..1."""
    total, strength, weight = 0.0, 1.0, 0.0
    for octave in range(octaves):
        total = total + strength * noise(x, y, seed + octave)
        weight, strength = weight + strength, strength * gain
        x, y = turned(x, y)
    return total / weight * 1.5


def eroded(x: Array, y: Array, octaves: int = 9, seed: int = 0) -> Array:
    """Mountains: a fractal whose fine octaves fade where the coarse ones are steep, about -0.6..0.9.

    Reference:
        I. Quilez, "Value noise derivatives", 2008.
    """
    total, strength, along, across = 0.0, 0.5, 0.0, 0.0
    for octave in range(octaves):
        value, right, down = slopes(x, y, seed + octave)
        along, across = along + right, across + down
        total = total + strength * value / (1 + along**2 + across**2)
        strength *= 0.5
        x, y = turned(x, y)
    return total


def cells(x: Array, y: Array, seed: int = 0) -> tuple[Array, Array]:
    """Distance to the nearest of one random point per unit cell, and that point's own value in -1..1."""
    nearest, owner = np.full(np.shape(x), np.inf, np.float32), np.zeros(np.shape(x), np.float32)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            i, j = left + right, top + down
            place = j % PERIOD, i % PERIOD
            across = i + 0.5 + 0.45 * lattice(seed)[place] - x
            along = j + 0.5 + 0.45 * lattice(seed + 1)[place] - y
            away = np.hypot(across, along)
            owner = np.where(away < nearest, lattice(seed + 2)[place], owner)
            nearest = np.minimum(nearest, away)
    return nearest, owner


def sample(image: Array, rows: Array, columns: Array) -> Array:
    """Bilinear look-up at fractional positions, edges repeated; (H, W) or (H, W, C)."""
    height, width = image.shape[:2]
    rows, columns = np.clip(rows, 0, height - 1.001), np.clip(columns, 0, width - 1.001)
    top, left = rows.astype(np.int64), columns.astype(np.int64)
    down, right = rows - top, columns - left
    if image.ndim == 3:
        down, right = down[..., None], right[..., None]
    upper = image[top, left] * (1 - right) + image[top, left + 1] * right
    lower = image[top + 1, left] * (1 - right) + image[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down


def blurred(image: Array, radius: float) -> Array:
    """Gaussian blur of (H, W) or (H, W, C), edges repeated; `radius` is one deviation in pixels."""
    reach = int(np.ceil(3 * radius))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(radius, 1e-6)) ** 2)
    for axis in (0, 1):
        length = image.shape[axis]
        padded = np.pad(image, [(reach, reach) if a == axis else (0, 0) for a in range(image.ndim)], "edge")
        parts = (k * padded.take(range(i, i + length), axis) for i, k in enumerate(kernel / kernel.sum()))
        image = sum(parts)
    return image


def resized(image: Array, height: int, width: int) -> Array:
    """Each channel at another size, averaged over its pixels; (H, W, C) of any range."""
    channels = (Image.fromarray(np.float32(image[..., c])) for c in range(image.shape[2]))
    return np.stack([np.asarray(c.resize((width, height), Image.Resampling.BOX)) for c in channels], -1)


def mix(low: Array, high: Array, share: Array) -> Array:
    """Linear blend; `share` is (...) in 0..1, the colors (3,) or (..., 3)."""
    share = np.clip(share, 0, 1)[..., None]
    return np.asarray(low) * (1 - share) + np.asarray(high) * share


def smoothstep(low: float, high: float, value: Array) -> Array:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def rgb(text: str) -> Array:
    """'#rrggbb' -> (3,) in 0..1."""
    return np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)]) / 255


def unit(vectors: Array) -> Array:
    """Vectors scaled to length one, (..., N)."""
    return vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-12)
