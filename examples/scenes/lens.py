"""From light to a photograph: bloom, exposure, tone curve, vignette, grain."""

from __future__ import annotations

import numpy as np
from noise import Array, blurred, grid, resized

GAMMA = 2.2


def linear(color: Array) -> Array:
    """Display values 0..1 -> light."""
    return np.asarray(color) ** GAMMA


def tone(light: Array) -> Array:
    """Convert light to display values in 0..1, with bright parts compressed as on film.

    Reference:
        K. Narkowicz, "ACES filmic tone mapping curve", 2015.
    """
    light = np.maximum(light, 0) * 0.6
    shown = light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14)
    return np.clip(shown, 0, 1) ** (1 / GAMMA)


def photograph(
    light: Array, height: int, width: int, *, seed: int, exposure: float = 1.0, bloom: float = 0.06, grain: float = 1.0
) -> Array:
    """Develop scene light of any size, (H, W, 3), into display values 0..1, (height, width, 3)."""
    light = resized(light, height, width) * exposure
    light = light * (1 - bloom) + bloom * blurred(blurred(np.minimum(light, 12), width / 90), width / 50)
    rows, columns = grid(height, width)
    away = np.hypot(rows - 0.5, columns - width / height / 2)
    shown = tone(light * (1.05 - 0.38 * away**2)[..., None])
    return np.clip(shown + grain * _grain(seed, shown), 0, 1)


def _grain(seed: int, shown: Array) -> Array:
    """Noise of a sensor: a little coarser than a pixel, mostly gray, strongest in the shadows."""
    random = np.random.default_rng(seed)
    gray = blurred(random.normal(0, 1, (*shown.shape[:2], 1)), 0.55) * 2.2
    color = blurred(random.normal(0, 1, shown.shape), 0.8) * 2.4
    return (0.008 * gray + 0.003 * color) * (1.25 - 0.7 * shown.mean(-1, keepdims=True))
