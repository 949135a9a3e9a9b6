"""Solid shapes as distance functions, and ray marching to find them and compute their shading and shadows.

A distance function takes positions (N, 3), with x to the right, y up and z away, and returns distances (N,).

Reference:
    J. Hart, "Sphere tracing", The Visual Computer 12, 1996; I. Quilez, "Soft shadows in raymarched SDFs".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from noise import Array, unit

Distance = Callable[[Array], Array]
FAR = 14.0


def length(vectors: Array) -> Array:
    """Euclidean length, (N,)."""
    return np.sqrt(np.einsum("ij,ij->i", vectors, vectors))


def round_about(places: Array, center: Sequence[float]) -> tuple[Array, Array]:
    """Distance from a vertical axis, and height above its foot."""
    return np.hypot(places[:, 0] - center[0], places[:, 2] - center[2]), places[:, 1] - center[1]


def ball(center: Sequence[float], radius: float) -> Distance:
    """A sphere."""
    middle = np.asarray(center, np.float32)
    return lambda places: length(places - middle) - radius


def ring(center: Sequence[float], radius: float, thickness: float) -> Distance:
    """A torus. If it is thicker than wide, it is an apple with its dimples."""

    def distance(places: Array) -> Array:
        away, up = round_about(places, center)
        return np.hypot(away - radius * (1 + 0.35 * up), up) - thickness

    return distance


def pear(foot: Sequence[float], belly: float, lean: Sequence[float]) -> Distance:
    """Two balls that melt into one another; `lean` is where the upper one stands off the lower."""
    low = ball((foot[0], foot[1] + belly * 0.96, foot[2]), belly)
    high = ball((foot[0] + lean[0], foot[1] + belly * 2.15, foot[2] + lean[1]), belly * 0.50)
    return melted(low, high, belly * 0.95)


def within(space: tuple[Sequence[float], float], solid: Distance, margin: float = 0.6) -> Distance:
    """Speed up a solid: far from its bounding ball, use the distance to the ball instead."""
    bound = ball(*space)

    def distance(places: Array) -> Array:
        found = bound(places)
        near = found < margin
        found[near] = solid(places[near])
        return found

    return distance


def melted(first: Distance, second: Distance, width: float) -> Distance:
    """Union of two solids with a smooth seam."""

    def distance(places: Array) -> Array:
        one, two = first(places), second(places)
        share = np.maximum(width - np.abs(one - two), 0) / width
        return np.minimum(one, two) - share * share * width * 0.25

    return distance


def stick(start: Sequence[float], end: Sequence[float], radius: float) -> Distance:
    """A rod with round ends."""
    base, along = np.asarray(start, np.float32), np.subtract(end, start).astype(np.float32)

    def distance(places: Array) -> Array:
        offset = places - base
        share = np.clip(offset @ along / (along @ along), 0, 1)
        return length(offset - share[:, None] * along) - radius * (1 + 0.5 * share)

    return distance


def spindle(center: Sequence[float], long: float, radius: float, heading: float) -> Distance:
    """A lemon: a horizontal ellipsoid with a tip at each end."""
    axis = np.array([np.cos(heading), 0.12, np.sin(heading)], np.float32)
    middle = np.asarray(center, np.float32)

    def distance(places: Array) -> Array:
        offset = places - middle
        along = offset @ axis
        away = np.sqrt(np.maximum(length(offset) ** 2 - along**2, 0))
        body = (np.hypot(along / long, away / radius) - 1) * radius
        tip = np.hypot(np.maximum(np.abs(along) - long * 1.02, 0), away) - radius * 0.16
        return np.minimum(body, tip) * 0.9

    return distance


def cluster(balls: Sequence[tuple[Sequence[float], float]]) -> Distance:
    """Union of balls."""
    solids = [ball(center, radius) for center, radius in balls]
    return lambda places: nearest(solids, places)


def turned_on_a_wheel(foot: Sequence[float], heights: Array, radii: Array) -> Distance:
    """A vessel, given its radius as a function of height; smooth, and closed at the foot."""
    fine = np.linspace(heights[0], heights[-1], 200)
    curve = np.interp(fine, heights, radii)
    curve = np.convolve(np.pad(curve, 12, "edge"), np.hanning(25) / np.hanning(25).sum(), "valid")

    def distance(places: Array) -> Array:
        away, up = round_about(places, foot)
        wall = away - np.interp(up, fine, curve)
        return np.maximum(wall * 0.72, np.maximum(up - heights[-1], -up))

    return distance


def nearest(solids: Sequence[Distance], places: Array) -> Array:
    """Distance to the nearest of several solids."""
    found = solids[0](places)
    for solid in solids[1:]:
        np.minimum(found, solid(places), out=found)
    return found


def march(scene: Distance, origin: Array, rays: Array, steps: int = 90) -> Array:
    """Distance along each ray to the first surface, (N,); FAR if there is none."""
    travelled, active = np.full(len(rays), 0.5, np.float32), np.arange(len(rays))
    for _ in range(steps):
        gap = scene(origin + rays[active] * travelled[active, None])
        travelled[active] += gap
        active = active[(gap > 0.0008) & (travelled[active] < FAR)]
        if not len(active):
            break
    return np.minimum(travelled, FAR)


def normals(scene: Distance, places: Array, step: float = 0.002) -> Array:
    """Outward unit normals, by differences along the four corners of a tetrahedron."""
    corners = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], np.float32)
    return unit(sum(corner * scene(places + step * corner)[:, None] for corner in corners))


def shadow(scene: Distance, places: Array, toward: Array, softness: float, steps: int = 26) -> Array:
    """Visible share of an area light at each position; `softness` is the angular radius of the light."""
    lit, travelled = np.ones(len(places), np.float32), np.full(len(places), 0.03, np.float32)
    active = np.arange(len(places))
    for _ in range(steps):
        gap = scene(places[active] + toward[active] * travelled[active, None])
        share = np.clip(0.5 + 0.5 * gap / (softness * travelled[active]), 0, 1)
        lit[active] = np.minimum(lit[active], share)
        travelled[active] += np.clip(np.abs(gap), 0.03, 0.35)
        active = active[(lit[active] > 0.002) & (travelled[active] < 4.5)]
        if not len(active):
            break
    return lit * lit * (3 - 2 * lit)


def openness(scene: Distance, places: Array, normal: Array) -> Array:
    """Share of the surroundings that nearby surfaces do not hide (ambient occlusion), 0..1."""
    hidden = 0.0
    for index, reach in enumerate((0.04, 0.10, 0.22, 0.45)):
        hidden = hidden + np.maximum(reach - scene(places + normal * reach), 0) / reach * 0.75**index
    return np.clip(1 - 0.36 * hidden, 0, 1)
