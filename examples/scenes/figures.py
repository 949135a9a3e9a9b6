"""Upright cut-outs that stand in the street: walkers under umbrellas, cars seen from behind and ahead.

Each takes (u, v), meters beside and above where it stands, and gives cover 0..1, albedo and own light.
"""

from __future__ import annotations

import numpy as np
from noise import Array, mix, rgb, smoothstep

from scenes.lens import linear

Cutout = tuple[Array, Array, Array]
EDGE = 0.015  # meters over which a rim fades


def inside(distance: Array) -> Array:
    """Cover from a distance to the rim."""
    return smoothstep(EDGE, -EDGE, distance)


def rod(u: Array, v: Array, start: tuple[float, float], end: tuple[float, float], radius: float) -> Array:
    """Distance to a bar with round ends."""
    across, up = end[0] - start[0], end[1] - start[1]
    share = np.clip(((u - start[0]) * across + (v - start[1]) * up) / (across**2 + up**2), 0, 1)
    return np.hypot(u - start[0] - share * across, v - start[1] - share * up) - radius


def slab(u: Array, v: Array, middle: float, half: tuple[float, float], rounding: float) -> Array:
    """Distance to a rectangle with round corners around (0, middle)."""
    across, up = np.abs(u) - half[0] + rounding, np.abs(v - middle) - half[1] + rounding
    return np.hypot(np.maximum(across, 0), np.maximum(up, 0)) + np.minimum(np.maximum(across, up), 0) - rounding


def walker(u: Array, v: Array, coat: str, umbrella: str | None, stride: float) -> Cutout:
    """A person in mid-step."""
    legs = np.minimum(
        rod(u, v, (-0.05, 0.85), (-stride, 0.05), 0.075), rod(u, v, (0.05, 0.85), (stride * 0.8, 0.06), 0.075)
    )
    flare = 0.15 + 0.10 * smoothstep(1.4, 0.7, v)
    body = np.maximum(np.abs(u) - flare, np.abs(v - 1.07) - 0.40)
    arms = np.minimum(rod(u, v, (-0.19, 1.40), (-0.26, 0.92), 0.055), rod(u, v, (0.19, 1.40), (0.24, 1.12), 0.055))
    head = np.hypot(u, (v - 1.63) * 0.85) - 0.105
    cloth = np.minimum(np.minimum(legs, body - 0.03), arms)
    cover, color = inside(np.minimum(cloth, head)), linear(rgb(coat)) * np.ones((*np.shape(u), 1))
    color = mix(color, linear(rgb("#1a1c22")), inside(legs) * (v < 0.75))
    color = mix(color, linear(rgb("#7a5642")), inside(head) * (v < 1.66))
    if umbrella:
        dome = np.maximum(np.hypot(u * 0.80, v - 1.72) - 0.46, 1.84 - 0.05 * np.cos(u * 22) - v)
        color = mix(color, linear(rgb(umbrella)) * (1.1 - 0.5 * np.abs(np.sin(u * 5)))[..., None], inside(dome))
        cover = np.maximum(cover, inside(np.minimum(dome, rod(u, v, (0.2, 1.1), (0.02, 2.2), 0.012))))
    return cover, color, np.zeros_like(color)


def lamp_post(u: Array, v: Array) -> Cutout:
    """An iron post with a foot and a bracket below the lamp."""
    shaft = np.abs(u) - 0.045 - 0.05 * smoothstep(1.0, 0.0, v) - 0.03 * (np.abs(v - 1.0) < 0.06)
    arms = np.maximum(np.abs(u) - 0.28, np.abs(v - 4.55) - 0.03)
    cover = inside(np.minimum(np.maximum(shaft, v - 4.9), arms))
    color = linear(rgb("#20262a")) * np.ones((*np.shape(u), 1))
    return cover, color, np.zeros_like(color)


def car(u: Array, v: Array, paint: str, leaving: bool) -> Cutout:
    """A car from behind (red lamps) or from ahead (white lamps)."""
    body = slab(u, v, 0.62, (0.88 - 0.06 * smoothstep(0.6, 0.95, v), 0.34), 0.14)
    cabin = slab(u / (1.0 - 0.28 * smoothstep(0.85, 1.45, v)), v, 1.13, (0.76, 0.32), 0.13)
    wheels = np.abs(np.abs(u) - 0.70) - 0.13 + 10 * np.maximum(v - 0.4, 0)
    glass = slab(u / (0.92 - 0.28 * smoothstep(0.85, 1.45, v)), v, 1.14, (0.68, 0.21), 0.08)
    shape = np.minimum(np.minimum(body, cabin), wheels)
    shade = 0.45 + 0.75 * smoothstep(0.3, 0.95, v) + 0.9 * smoothstep(0.05, 0.0, np.abs(v - 0.94))
    color = linear(rgb(paint)) * shade[..., None]
    color = mix(color, linear(rgb("#333f55")) * (0.5 + 1.2 * smoothstep(0.9, 1.4, v))[..., None], inside(glass))
    color = mix(color, linear(rgb("#0c0c0e")), inside(slab(u, v, 0.33, (0.9, 0.09), 0.03)))
    color = mix(color, linear(rgb("#b9b49a")), inside(slab(u, v, 0.52, (0.25, 0.06), 0.01)))
    lamp = np.hypot((np.abs(u) - 0.66) / 1.7, v - 0.74) - 0.085
    glow = np.array([3.2, 0.16, 0.08]) if leaving else np.array([9.0, 7.6, 5.4])
    return inside(shape), color, inside(lamp)[..., None] * glow
