"""Snowy mountains and conifers at a still lake, late afternoon.

Lengths are kilometers: x to the right, y up, z away from the camera.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from noise import Array, cells, eroded, fractal, mix, noise, rgb, sample, smoothstep, unit
from PIL import Image, ImageDraw

from scenes.lens import linear, photograph

OVERSAMPLING = 1.5
SUN = unit(np.array([-0.80, 0.40, -0.34]))
SUNLIGHT = np.array([1.0, 0.76, 0.48]) * 3.4
SKYLIGHT = np.array([0.34, 0.50, 0.82]) * 0.55
HAZE = np.array([0.44, 0.57, 0.78]) * 0.78


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A level camera above the water; `eye` in kilometers, the rest in pixels."""

    height: int
    width: int
    eye: float = 0.0017

    @property
    def focal(self) -> float:
        """Distance of the picture plane, pixels."""
        return 0.98 * self.width

    @property
    def horizon(self) -> float:
        """Row of the horizon."""
        return 0.60 * self.height

    def across(self) -> Array:
        """X over z of each column, (W,)."""
        return (np.arange(self.width) - self.width / 2) / self.focal


def lake(side: int) -> Array:
    """The scene; `side` is the width in pixels."""
    height, width = round(side * 0.75), side
    camera = Camera(height=round(height * OVERSAMPLING), width=round(width * OVERSAMPLING))
    light = _sky(camera)
    light = _mountains(camera, light)
    light = _forest(camera, light)
    light = _water(camera, light)
    light = _stones(camera, light)
    return photograph(light, height, width, seed=3, exposure=1.12)


def trace(camera: Camera, relief: Callable[[Array, Array], Array], depths: Array) -> Array:
    """Distance z at which each pixel meets a height field, (H, W); infinite if it does not.

    In one column, the rows that the land covers only rise with distance. A single sorted search therefore finds what
    all pixels of the column see.
    """
    x = camera.across()[None, :] * depths[:, None]
    rise = relief(x, np.broadcast_to(depths[:, None], x.shape))
    rows = camera.horizon - camera.focal * (rise - camera.eye) / depths[:, None]
    skyline = np.minimum.accumulate(rows, axis=0)
    pixels, found = np.arange(camera.height), np.full((camera.height, camera.width), np.inf)
    for column in range(camera.width):
        edge = skyline[:, column]
        first = np.searchsorted(-edge, -pixels)
        seen = (first > 0) & (first < len(depths))
        after, before = first[seen], first[seen] - 1
        share = (edge[before] - pixels[seen]) / (edge[before] - edge[after] + 1e-9)
        found[seen, column] = depths[before] + np.clip(share, 0, 1) * (depths[after] - depths[before])
    return found


def normals(relief: Callable[[Array, Array], Array], x: Array, z: Array, step: Array) -> Array:
    """Upward unit normals of a height field by differences over `step`, (..., 3)."""
    here = relief(x, z)
    right, away = (relief(x + step, z) - here) / step, (relief(x, z + step) - here) / step
    return unit(np.stack([-right, np.ones_like(here), -away], -1))


def _sky(camera: Camera) -> Array:
    up = np.maximum(camera.horizon - np.arange(camera.height)[:, None], 0) / camera.focal
    across = np.broadcast_to(camera.across()[None, :], (camera.height, camera.width))
    sky = mix(linear(rgb("#e9dcc8")), linear(rgb("#2263b0")), (up / 0.62 + 0 * across) ** 0.55)
    sky = sky * (1.15 - 0.35 * across[..., None])
    x, y = across / (up + 0.16) * 1.5, 1.6 / (up + 0.16)
    bulk = fractal(x, y, 7, seed=20, gain=0.55) + 0.25 * noise(x * 0.4, y * 0.5, 40)
    sunward = fractal(x - 0.22, y - 0.10, 6, seed=20, gain=0.55)
    cover = smoothstep(0.02, 0.52, bulk) * smoothstep(0.01, 0.12, up)
    lit = smoothstep(-0.5, 0.55, bulk - sunward + 0.28)
    cloud = mix(linear(rgb("#8a97ad")), linear(rgb("#fff3e0")) * 1.35, lit)
    return mix(sky, cloud, 0.93 * cover)


def _relief(x: Array, z: Array) -> Array:
    """Height of the far land: a flat shore, foothills, then a range with one high peak."""
    shore = z - 2.05 - 0.30 * noise(x * 0.9, z * 0.2, 7) - 0.05 * noise(x * 6, z, 8)
    range_ = smoothstep(0.2, 5.0, shore)
    peak = 2.7 * np.exp(-(np.hypot((x - 0.85) / 1.15, (z - 6.6) / 1.3) ** 1.1))
    shoulder = 2.2 * np.exp(-(np.hypot((x + 2.2) / 1.3, (z - 6.0) / 1.4) ** 1.2))
    rough = eroded(x * 0.80 + 3.1, z * 0.80 + 1.7, 9, seed=60) + 0.45
    hills = smoothstep(0.0, 1.3, shore) * (0.13 + 0.16 * noise(x * 0.9, z * 0.7, 9))
    return np.where(shore > 0, 0.006 + hills + range_ * (0.5 + peak + shoulder) * np.maximum(rough, 0.02), -0.01)


def _mountains(camera: Camera, light: Array) -> Array:
    depth = trace(camera, _relief, np.geomspace(1.6, 12.0, 40 + round(0.8 * camera.height)))
    seen = np.isfinite(depth)
    z = depth[seen]
    x = (camera.across()[None, :] * np.where(seen, depth, 0))[seen]
    normal = normals(_relief, x, z, 0.0016 * z)
    up = _relief(x, z)
    sun = np.clip(normal @ SUN, 0, 1) * _sunlit(x, z, up)
    glow = 0.55 + 0.45 * normal[:, 1]
    shaded = _ground(x, z, up, normal) * (sun[:, None] * SUNLIGHT + glow[:, None] * SKYLIGHT)
    clear = np.exp(-z[:, None] / np.array([34.0, 27.0, 18.0]) * (1.25 - 0.35 * smoothstep(0, 1, up))[:, None])
    light = light.copy()
    light[seen] = shaded * clear + HAZE * (1 - clear)
    return light


def _sunlit(x: Array, z: Array, up: Array) -> Array:
    """1 where the sun shines, 0 in the shadow of other land."""
    seen = np.ones_like(x)
    for reach in np.geomspace(0.05, 2.2, 14):
        over = up + reach * SUN[1] - _relief(x + reach * SUN[0], z + reach * SUN[2])
        seen = np.minimum(seen, smoothstep(-0.035, 0.01, over / (0.4 + reach)))
    return seen


def _ground(x: Array, z: Array, up: Array, normal: Array) -> Array:
    """Albedo: conifer forest, alp, rock in bands, snow where it can lie."""
    speckle = fractal(x * 22, z * 22, 4, seed=90)
    bands = noise(x * 1.5, up * 26 + speckle, 95)
    rock = mix(linear(rgb("#6d655e")), linear(rgb("#a3988a")), 0.5 + 0.35 * bands + 0.3 * speckle)
    alp = mix(linear(rgb("#59663a")), linear(rgb("#8a7f4c")), 0.5 + 0.5 * speckle)
    crown, _ = cells(x * 55, z * 55, 97)
    wood = linear(rgb("#3c4d2a"))[None] * (1.7 - 1.6 * crown + 0.5 * speckle)[:, None]
    ground = mix(alp, rock, smoothstep(0.86, 0.70, normal[:, 1] + 0.1 * speckle) + smoothstep(0.5, 0.85, up))
    ground = mix(wood, ground, smoothstep(0.30, 0.48, up + 0.12 * speckle))
    lies = smoothstep(0.75, 1.15, up + 0.2 * speckle) * smoothstep(0.42, 0.58, normal[:, 1] + 0.12 * speckle)
    return mix(ground, np.array([0.86, 0.88, 0.92]), lies)


def _forest(camera: Camera, light: Array) -> Array:
    """Conifers along the far shore, and a few near ones that frame the view."""
    random = np.random.default_rng(17)
    layer = Image.new("RGBA", (camera.width, camera.height))
    draw = ImageDraw.Draw(layer)
    pixel = camera.height / 576
    for share in np.sort(random.random(1100)):
        column = random.uniform(0, camera.width)
        grove = noise(np.float64(column / camera.width * 9), np.float64(share), 12)
        if grove < random.uniform(-0.9, 0.5):
            continue
        tall = (6 + 13 * share + 7 * max(grove, 0)) * pixel * random.uniform(0.45, 1.3)
        foot = camera.horizon + (0.6 + 2.2 * share) * pixel
        _conifer(random, draw, column, foot, tall, haze=0.26 - 0.18 * share)
    near = [(0.985, 0.50), (0.90, 0.31), (0.945, 0.40), (0.012, 0.34), (0.055, 0.25), (0.845, 0.19), (0.10, 0.15)]
    for column, tall in sorted(near, key=lambda tree: tree[1]):
        foot = camera.horizon + (0.006 + 0.03 * tall) * camera.height
        _conifer(random, draw, column * camera.width, foot, tall * camera.height, haze=0.03)
    over = np.asarray(layer, np.float32) / 255
    return mix(light, linear(over[..., :3]), over[..., 3])


def _conifer(
    random: np.random.Generator, draw: ImageDraw.ImageDraw, column: float, foot: float, tall: float, haze: float
) -> None:
    """One fir: drooping boughs from the foot up, sunlit on the left, hazy when far."""
    veil, levels, slim = rgb("#9fb0c4"), int(max(7, tall / 3.2)), random.uniform(0.13, 0.20)
    draw.line((column, foot, column, foot - tall), fill=(38, 32, 26, 255), width=max(1, round(tall / 70)))
    for level in range(levels):
        share = 1 - (level + random.random()) / levels
        row = foot - tall * (1 - share * 0.94)
        for side in (-1, 1, random.uniform(-0.7, 0.7), random.uniform(-0.7, 0.7)):
            reach = side * tall * slim * share**0.8 * random.uniform(0.35, 1.25)
            bright = 0.45 + 0.6 * random.random() + (0.75 if side < -0.1 else 0.0)
            color = rgb("#2b3420") * bright * (1 - haze) + veil * haze
            fill = (*(int(part) for part in np.clip(color, 0, 1) * 255), 255)
            tip = (column + reach, row + abs(reach) * random.uniform(0.15, 0.6))
            draw.line((column, row, *tip), fill=fill, width=max(1, round(tall / 48)))


def _water(camera: Camera, light: Array) -> Array:
    """The reflection of the land in dark water, broken by waves that are finer than a pixel far away."""
    first = int(camera.horizon) + 1
    below = np.arange(first, camera.height)[:, None] - camera.horizon
    z = camera.eye * camera.focal / below * 1000  # meters
    x = camera.across()[None, :] * z
    shift, spread = _waves(x, z, z**2 / (camera.focal * camera.eye * 1000))
    columns = np.arange(camera.width)[None, :] + camera.focal * shift * 0.3
    rows = (camera.horizon - below + camera.focal * (shift + t * spread) for t in (-1.2, -0.6, 0, 0.6, 1.2))
    taps = (sample(light, np.minimum(row, camera.horizon - 3), columns) for row in rows)
    grazing = below / np.hypot(below, camera.focal)
    mirror = np.clip(0.04 + 0.96 * (1 - grazing - 0.4 * np.abs(shift)) ** 4.2, 0, 1)
    depth = linear(rgb("#16363a")) * np.ones((*shift.shape, 1))
    light = light.copy()
    light[first:] = mix(depth, sum(taps) / 5, mirror)
    return light


def _waves(x: Array, z: Array, footprint: Array) -> tuple[Array, Array]:
    """Slope of the water where waves are visible, and the amount of slope that is smaller than a pixel."""
    wind = 0.20 + 0.9 * smoothstep(-0.1, 0.6, fractal(x / 90, z / 160 + 4, 3, seed=30))
    shift, hidden = 0.0, 0.0
    for index, wave in enumerate((0.35, 0.8, 1.9, 4.5, 11.0, 28.0)):
        shown = smoothstep(0.25, 1.6, wave / footprint)
        slope = 0.014 * wind * (wave / 4) ** -0.15
        shift = shift + shown * slope * noise(x / wave * 0.5 + index, z / wave, 33 + index)
        hidden = hidden + (1 - shown) * slope**2
    return shift, np.sqrt(hidden) * 0.8


def _beach(x: Array, z: Array) -> Array:
    """Height in meters of the near shore, lengths in meters: boulders and pebbles in shallow water."""
    bank = 0.98 - 0.19 * (z - 4) - 0.15 * np.maximum(x + 1.6, -2.2) + 0.12 * noise(x * 0.5, z * 0.5, 50)
    bank = 0.7 - np.logaddexp(0, 9 * (0.7 - bank)) / 9  # levels off near the camera
    total = bank - 0.42
    for size, seed in ((1.3, 51), (0.55, 56), (0.22, 61)):
        away, own = cells(x / size, z / size + 0.35 * noise(x / size, z / size, 66), seed)
        bump = np.sqrt(np.clip(0.30 - away**2, 0, 1)) * (0.55 + 0.45 * own)
        total = np.maximum(total, bank - 0.45 + size * 0.62 * bump) + 0.02 * size * fractal(x * 6, z * 6, 3, seed=70)
    return total


def _stones(camera: Camera, light: Array) -> Array:
    meters = Camera(height=camera.height, width=camera.width, eye=camera.eye * 1000)
    depth = trace(
        meters, lambda x, z: np.maximum(_beach(x, z), -0.0001), np.geomspace(2.2, 26, 60 + round(0.8 * camera.height))
    )
    z = np.where(np.isfinite(depth), depth, 30.0)
    x = meters.across()[None, :] * z
    up = _beach(x, z)
    seen = up > 0
    normal = normals(_beach, x[seen], z[seen], 0.012)
    grit = fractal(x[seen] * 14, z[seen] * 14, 4, seed=75)
    _, own = cells(x[seen] / 0.55, z[seen] / 0.55, 56)
    albedo = mix(linear(rgb("#5d564e")), linear(rgb("#a79d90")), 0.45 + 0.35 * grit + 0.3 * own)
    albedo = albedo * (0.5 + 0.5 * smoothstep(0.01, 0.09, up[seen] + 0.02 * grit))[:, None]
    sun = np.clip(normal @ SUN, 0, 1)[:, None] * SUNLIGHT
    light = light.copy()
    light[seen] = (
        albedo * (sun + (0.4 + 0.6 * normal[:, 1:2]) * SKYLIGHT) * (0.6 + 0.4 * smoothstep(0, 0.2, up[seen]))[:, None]
    )
    return light
