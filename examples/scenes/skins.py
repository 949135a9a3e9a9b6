"""Coloring functions for the objects of the still life, from positions (N, 3) and normals to colors (N, 3)."""

from __future__ import annotations

import numpy as np
from noise import Array, cells, fractal, mix, noise, rgb, smoothstep

JUG = (-0.95, 0.0, 0.62)


def glaze(places: Array, _: Array) -> Array:
    angle = np.arctan2(places[:, 2] - JUG[2], places[:, 0] - JUG[0])
    up, wash = places[:, 1], fractal(angle * 3, places[:, 1] * 3, 4, 100)
    band = smoothstep(0.02, 0.0, np.abs(np.abs(up - 0.80) - 0.33) - 0.025) + smoothstep(
        0.02, 0.0, np.abs(up - 1.62) - 0.04
    )
    petal = np.abs(np.cos(angle * 6)) * 0.24 - np.abs(up - 0.80)
    leaf = smoothstep(-0.01, 0.03, petal) * smoothstep(0.16, 0.10, petal) * (np.abs(up - 0.8) < 0.3)
    dot = smoothstep(0.05, 0.03, np.hypot((np.mod(angle * 6 / np.pi, 1) - 0.5) * 0.3, up - 0.80))
    blue = np.clip(band + leaf + dot, 0, 1) * (0.78 + 0.25 * wash)
    return mix(rgb("#e4dfd0") * (1 + 0.05 * wash[:, None]), rgb("#22407f"), blue)


def pear_skin(places: Array, normal: Array) -> Array:
    x, y, z = (places[:, i] for i in range(3))
    mottle = fractal(x * 2.2 + z, y * 2.2, 5, 104)
    skin = mix(rgb("#a8a13a"), rgb("#d9bd4c"), 0.5 + 0.6 * mottle)
    skin = mix(
        skin, rgb("#b4502c"), smoothstep(0.0, 0.9, normal[:, 0] * 0.8 - normal[:, 2] * 0.35 + 0.5 * mottle) * 0.75
    )
    away, own = cells(x * 17 + z * 6, y * 17 + z * 9, 108)
    return mix(skin, rgb("#6b4a22"), smoothstep(0.20, 0.08, away) * (0.35 + 0.35 * own))


def apple_skin(places: Array, _: Array) -> Array:
    angle, up = np.arctan2(places[:, 2] - 0.05, places[:, 0] - 1.32), places[:, 1]
    streak = noise(angle * 16, up * 2.5, 110) + 0.6 * noise(angle * 40, up * 4, 111)
    skin = mix(rgb("#8e1420"), rgb("#c93a2a"), 0.5 + 0.4 * streak)
    skin = mix(skin, rgb("#d8b04a"), smoothstep(0.50, 0.74, up + 0.07 * streak) * 0.8)
    away, _ = cells(angle * 12, up * 16, 114)
    return mix(skin, rgb("#e6c79a"), smoothstep(0.13, 0.05, away) * 0.6)


def orange_skin(places: Array, _: Array) -> Array:
    return mix(
        rgb("#d96a0c"), rgb("#ee9420"), 0.5 + 0.5 * fractal(places[:, 0] * 4, places[:, 1] * 4 + places[:, 2], 4, 117)
    )


def lemon_skin(places: Array, _: Array) -> Array:
    return mix(rgb("#d6ab1e"), rgb("#f0d24a"), 0.5 + 0.5 * fractal(places[:, 0] * 5, places[:, 1] * 5, 4, 121))


def grape_skin(places: Array, normal: Array) -> Array:
    powder = fractal(places[:, 0] * 9 + places[:, 2] * 7, places[:, 1] * 9, 4, 125)
    return mix(rgb("#3a1430"), rgb("#7d7396"), smoothstep(-0.1, 0.9, powder + 0.5 * normal[:, 1]) * 0.55)


def bark(places: Array, _: Array) -> Array:
    return mix(rgb("#3d2a18"), rgb("#6a4c2c"), 0.5 + 0.5 * noise(places[:, 0] * 40, places[:, 1] * 20, 129))


def linen(places: Array, _: Array) -> Array:
    x, z = places[:, 0] + 0.02 * noise(places[:, 2] * 2, places[:, 0], 130), places[:, 2]
    threads = 0.035 * (np.sin(x * 150) * np.sin(z * 150)) + 0.04 * fractal(x * 30, z * 6, 3, 131)
    phase = np.mod(x * 0.9 + z * 0.32 + 0.2, 1.0)
    stripe = smoothstep(0.02, 0.0, np.abs(phase - 0.5) - 0.11) + smoothstep(
        0.012, 0.0, np.abs(np.abs(phase - 0.5) - 0.17) - 0.014
    )
    return mix(rgb("#e6dfd0"), rgb("#3d5f8c"), stripe * 0.9) * (0.97 + threads)[:, None]


def plaster(places: Array, _: Array) -> Array:
    stain = fractal(places[:, 0] * 0.7, places[:, 1] * 0.7, 6, 135)
    return mix(rgb("#4f5a55"), rgb("#84836f"), 0.45 + 0.5 * stain)
