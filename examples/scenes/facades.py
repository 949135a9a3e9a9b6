"""Walls of town houses: plaster or brick, cornices, windows dark and lit, shops below.

Places are (u, v): meters along the wall and above the pavement.
"""

from __future__ import annotations

import numpy as np
from noise import Array, fractal, lattice, mix, noise, rgb, smoothstep

from scenes.lens import linear

PLASTER = ("#a98b6c", "#8f5a48", "#9c9484", "#b59a5e", "#7d6a66", "#a77d63", "#6f7a80", "#94493a")
AWNINGS = ("#8e2430", "#2c5a4c", "#2d4470", "#a8752a")
WARES = ("#c9452f", "#e0a33a", "#5f8a4a", "#d9d2c0", "#7a4a8a", "#3f6f9a")
SHOP = 4.1  # height of the ground floor
FLOOR = 3.3
LAMPLIGHT = np.array([1.0, 0.56, 0.20])


def chance(one: Array, two: Array, seed: int) -> Array:
    """A fixed random number in 0..1 for each pair of whole numbers."""
    return 0.5 + 0.5 * lattice(seed)[np.int64(one) % 256, np.int64(two) % 256]


def wall(u: Array, v: Array, house: Array, top: Array) -> tuple[Array, Array]:
    """Albedo and own light of each place of a wall, (N, 3) each."""
    bay_width = 2.3 + 0.9 * chance(house, house, 200)
    bay, level = np.floor(u / bay_width), np.floor((v - SHOP) / FLOOR)
    across, up = np.mod(u / bay_width, 1) - 0.5, np.mod((v - SHOP) / FLOOR, 1)
    stone = _stone(u, v, house)
    stone = stone * (0.72 + 0.28 * smoothstep(0.0, 0.10, np.abs(v - top + 0.25) - 0.12))[:, None]
    stone = mix(stone, stone * 1.3, smoothstep(0.02, 0.0, np.abs(up - 0.02) - 0.025) * (v > SHOP))
    color, light = _upper_windows(stone, across, up, bay, level, house)
    shop_color, shop_light = _shop(stone, u, v, house)
    below, attic = (v < SHOP)[:, None], (v > top - 0.9)[:, None]
    color = np.where(below, shop_color, np.where(attic, stone * 0.85, color))
    return color, np.where(below, shop_light, np.where(attic, 0, light))


def _stone(u: Array, v: Array, house: Array) -> Array:
    """Bare wall: the house's own color, courses of brick, stains that run down."""
    table = np.array([linear(rgb(color)) for color in PLASTER])
    base = table[np.int64(house) % len(table)]
    row = np.floor(v / 0.16)
    joint = np.minimum(
        np.abs(np.mod(v / 0.16, 1) - 0.5), np.abs(np.mod(u / 0.42 + 0.5 * np.mod(row, 2), 1) - 0.5) * 2.6
    )
    brick = chance(row, np.floor(u / 0.42 + 0.5 * np.mod(row, 2)), 201)
    bricked = (np.mod(house, 3) == 1) * (0.8 + 0.4 * brick) * (0.7 + 0.3 * smoothstep(0.02, 0.10, joint))
    smooth = (np.mod(house, 3) != 1) * (1 + 0.10 * fractal(u * 2, v * 2, 4, 202))
    stain = 1 - 0.35 * smoothstep(0.1, 0.8, fractal(u * 1.3, v * 0.22, 4, 206))
    return base * ((bricked + smooth) * stain)[:, None]


def _upper_windows(
    stone: Array, across: Array, up: Array, bay: Array, level: Array, house: Array
) -> tuple[Array, Array]:
    half, low, high = 0.24, 0.20, 0.80
    gap = np.maximum(np.abs(across) - half, np.maximum(low - up, up - high))
    frame = smoothstep(0.075, 0.055, gap)
    inside = smoothstep(0.0, -0.015, gap) * smoothstep(0.008, 0.018, np.abs(across))
    inside = inside * smoothstep(0.006, 0.014, np.abs(up - 0.60))
    pane = mix(
        linear(rgb("#1b2333")), linear(rgb("#56607c")), 0.6 * smoothstep(low, high, up) + 0.4 * chance(bay, level, 210)
    )
    sill = smoothstep(0.02, 0.0, np.abs(up - 0.17) - 0.02) * (np.abs(across) < half + 0.07)
    color = mix(stone, stone * 1.35 + 0.03, np.maximum(frame * 0.8, sill))
    color = mix(color * (1 - 0.5 * smoothstep(0.03, 0.0, gap - 0.0) * (up > 0.6) * (gap > 0))[:, None], pane, inside)
    lit = chance(bay * 3 + level, house * 5 + level, 211)
    warm = LAMPLIGHT * (0.7 + 0.6 * chance(bay, level + house, 212))[:, None] + [0.04, 0.05, 0.03]
    curtain = 0.35 + 0.65 * smoothstep(0.05, 0.19, half - np.abs(across) + 0.02 * np.sin(60 * across))
    room = (0.55 + 0.6 * up) * curtain * (1 + 0.25 * noise(across * 9 + 7 * bay, up * 9 + 5 * level, 213))
    return color, warm * (inside * (lit < 0.40) * room * (0.25 + 1.1 * chance(level, bay + house, 214)))[:, None]


def _wares(share: Array) -> Array:
    """Colors of the goods on the shelves, (N, 3)."""
    table = np.array([linear(rgb(color)) for color in WARES])
    return table[np.int64(share * len(table)) % len(table)] * 2.2


def _shop(stone: Array, u: Array, v: Array, house: Array) -> tuple[Array, Array]:
    wide = 5.2
    front, across = np.floor(u / wide), np.mod(u / wide, 1) - 0.5
    glass = np.maximum(np.abs(across) - 0.43, np.maximum(0.55 - v, v - 2.75) / 3)
    inside = smoothstep(0.0, -0.01, glass) * smoothstep(0.004, 0.012, np.abs(np.mod(across * 3, 1) - 0.5))
    open_ = chance(front, house, 220) < 0.72
    item, shelf_row = np.floor(u / 0.31), np.floor(v / 0.62)
    tall = np.mod(v / 0.62, 1) < 0.35 + 0.6 * chance(item, shelf_row, 221)
    goods = 0.20 + 0.55 * tall * chance(item, shelf_row, 224) + 0.7 * smoothstep(1.8, 2.7, v)
    shelf = 1 - 0.6 * smoothstep(0.08, 0.0, np.abs(np.mod(v / 0.62, 1) - 0.5) - 0.05)
    tint = mix(LAMPLIGHT, np.array([0.95, 0.78, 0.48]), chance(front, house, 222))
    ware = mix(np.ones(3), _wares(chance(item, shelf_row, 225)), 0.75 * tall * (v < 2.0))
    light = ware * tint * (inside * open_ * goods * shelf * 1.25)[:, None]
    sign = smoothstep(0.03, 0.0, np.abs(v - 3.4) - 0.30) * (np.abs(across) < 0.44)
    letters = sign * smoothstep(0.1, 0.3, noise(u * 5, v * 0.6, 223)) * (np.abs(v - 3.4) < 0.16)
    board = linear(np.array([rgb(color) for color in AWNINGS]))[np.int64(front + house) % 4]
    color = mix(mix(stone * 0.6, board, sign), linear(rgb("#12161c")), inside)
    return color, light + (letters * open_)[:, None] * LAMPLIGHT * 0.9
