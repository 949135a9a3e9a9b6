"""Fruit and a jug on a striped cloth beside a window."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from noise import Array, blurred, fractal, grid, mix, noise, smoothstep, unit

from scenes import skins, solids
from scenes.lens import linear, photograph
from scenes.skins import JUG

OVERSAMPLING = 1.3
EYE = np.array([0.05, 1.62, -5.2], np.float32)
WINDOW = np.array([-4.2, 3.3, -2.0])  # its middle; it faces +x
WINDOW_SIZE = (1.15, 1.3)  # half its height, half its depth
DAYLIGHT = np.array([1.0, 0.93, 0.82]) * 3.1
ROOM = np.array([0.46, 0.50, 0.58]) * 0.36
JUG_SPACE = ((-1.1, 1.0, 0.62), 1.2)
Paint = Callable[[Array, Array], Array]


def still_life(side: int) -> Array:
    """The scene; `side` is the width in pixels."""
    height, width = round(side * 0.75), side
    rays = _rays(round(height * OVERSAMPLING), round(width * OVERSAMPLING))
    shape, rays = rays.shape, rays.reshape(-1, 3)
    distance = solids.march(scene, EYE, rays)
    places = EYE + rays * distance[:, None]
    light = _shaded(places, rays)
    return photograph(
        _focused(light.reshape(shape), distance.reshape(shape[:2])), height, width, seed=8, exposure=0.95, bloom=0.04
    )


def _rays(height: int, width: int) -> Array:
    rows, columns = grid(height, width)
    across, up = (columns - width / height / 2), (0.5 - rows)
    return unit(np.stack([across, up - 0.30, np.full_like(up, 1.72)], -1)).astype(np.float32)


def _cloth(places: Array) -> Array:
    """Distance to the table's cloth: low folds that spread from the objects."""
    low = places[:, 1] < 0.5
    found = places[:, 1] - 0.2
    found[low] = _folded(*places[low].T)
    return found


def _folded(x: Array, y: Array, z: Array) -> Array:
    fold = np.sin(3.1 * x + 1.3 * np.sin(1.7 * z + 0.6) + 2.2 * noise(x * 0.9, z * 0.7, 80))
    crease = np.abs(np.sin(2.3 * z - 1.6 * x + 2.5 * noise(x * 0.6, z * 0.9, 81)))
    near = smoothstep(-0.4, -2.0, z)
    return (y - 0.035 * fold * (0.25 + near) - 0.05 * (1 - crease) ** 3 * near + 0.02) * 0.8


@cache
def parts() -> dict[str, tuple[solids.Distance, Paint, float]]:
    """Each solid with its coloring function and its shininess."""
    lean, upright = (0.30, -0.12), (-0.05, 0.02)
    jug = solids.turned_on_a_wheel(
        JUG,
        np.array([0, 0.05, 0.5, 0.95, 1.35, 1.65, 1.9, 2.0]),
        np.array([0.34, 0.40, 0.62, 0.66, 0.42, 0.27, 0.30, 0.36]),
    )
    return {
        "jug": (solids.within(JUG_SPACE, solids.melted(jug, _handle, 0.06)), skins.glaze, 1.0),
        "pear": (
            solids.within(((0.4, 0.62, 0.25), 0.75), solids.pear((0.42, 0, 0.25), 0.46, upright)),
            skins.pear_skin,
            0.32,
        ),
        "fallen": (
            solids.within(((-0.12, 0.5, -0.65), 0.62), solids.pear((-0.22, 0, -0.62), 0.36, lean)),
            skins.pear_skin,
            0.32,
        ),
        "stems": (solids.within(((0.72, 0.85, -0.25), 1.1), _stems()), skins.bark, 0.05),
        "apple": (solids.ring((1.32, 0.36, 0.05), 0.13, 0.34), skins.apple_skin, 0.55),
        "orange": (solids.ball((-1.72, 0.37, -0.25), 0.385), skins.orange_skin, 0.28),
        "lemon": (
            solids.within(((-0.98, 0.24, -1.02), 0.46), solids.spindle((-0.98, 0.24, -1.02), 0.36, 0.26, 0.5)),
            skins.lemon_skin,
            0.30,
        ),
        "grapes": (solids.within(((0.92, 0.2, -0.7), 0.55), solids.cluster(_bunch())), skins.grape_skin, 0.45),
        "cloth": (_cloth, skins.linen, 0.0),
        "wall": (lambda places: 2.6 - places[:, 2], skins.plaster, 0.0),
    }


def _bunch() -> list[tuple[tuple[float, float, float], float]]:
    """Centers and radii of the grapes: a slightly uneven heap of two layers."""
    return [
        (
            (0.62 + 0.19 * i + 0.05 * (j % 2), 0.12 + 0.15 * layer, -0.92 + 0.19 * j + 0.04 * (i % 2)),
            0.115 + 0.008 * ((i + j) % 3),
        )
        for layer in range(2)
        for i in range(4 - layer)
        for j in range(3 - layer)
    ]


def _stems() -> solids.Distance:
    sticks = [
        solids.stick((0.37, 1.18, 0.27), (0.46, 1.50, 0.22), 0.018),
        solids.stick((0.08, 0.92, -0.74), (0.26, 1.15, -0.82), 0.016),
        solids.stick((1.32, 0.52, 0.05), (1.39, 0.90, 0.0), 0.016),
        solids.stick((0.75, 0.36, -0.70), (1.05, 0.52, -0.55), 0.020),
    ]
    return lambda places: solids.nearest(sticks, places)


def _handle(places: Array) -> Array:
    """The jug's handle: a standing ring, cut by the body it is joined to."""
    x, y, z = places[:, 0] - JUG[0] + 0.50, places[:, 1] - 1.28, places[:, 2] - JUG[2]
    return np.hypot(np.hypot(x, y * 0.85) - 0.36, z * 0.8) - 0.055


def scene(places: Array) -> Array:
    """Distance to the nearest object."""
    return solids.nearest([solid for solid, _, _ in parts().values()], places)


def _shaded(places: Array, rays: Array) -> Array:
    """Light from each position to the camera: window, room, and the reflection of the window in shiny objects."""
    normal = solids.normals(scene, places)
    owner = np.argmin([solid(places) for solid, _, _ in parts().values()], axis=0)
    color, shine = np.zeros_like(places), np.zeros(len(places))
    for index, (_, paint, gloss) in enumerate(parts().values()):
        here = owner == index
        color[here], shine[here] = linear(np.clip(paint(places[here], normal[here]), 0, 1)), gloss
    normal = _dimpled(places, normal, owner)
    toward = unit(WINDOW - places).astype(np.float32)
    lit = solids.shadow(scene, places + normal * 0.01, toward, 0.24)
    fall = 26 / ((WINDOW - places) ** 2).sum(-1)
    direct = np.clip((normal * toward).sum(-1) * 0.93 + 0.07, 0, 1) * lit * fall
    around = solids.openness(scene, places, normal) * (0.62 + 0.38 * normal[:, 1])
    bounce = np.clip(-normal[:, 1], 0, 1) * np.exp(-places[:, 1] * 1.5) * 0.5
    diffuse = color * (direct[:, None] * DAYLIGHT + around[:, None] * ROOM + bounce[:, None] * ROOM * [1.5, 1.3, 1.0])
    return diffuse + shine[:, None] * _mirrored(places, rays, normal, lit, around)


def _dimpled(places: Array, normal: Array, owner: Array) -> Array:
    """Add small slopes to the normals, for the pores of the orange and the lemon and the threads of the cloth."""
    names = list(parts())
    pores = np.isin(owner, [names.index("orange"), names.index("lemon")]) * 0.16
    thread = (owner == names.index("cloth")) * 0.10
    plaster = (owner == names.index("wall")) * 0.20
    x, y, z = (places[:, i] for i in range(3))
    bump = np.stack(
        [noise(x * 34 + z * 9, y * 34, 84), noise(x * 34, y * 34 + z * 31, 85), noise(z * 34, y * 34, 86)], -1
    )
    weave = np.stack([np.sin(x * 150), 0 * x, np.sin(z * 150)], -1)
    rough = np.stack([fractal(x * 3, y * 3, 4, 87), fractal(x * 3, y * 3, 4, 93), 0 * x], -1)
    return unit(normal + pores[:, None] * bump + thread[:, None] * weave + plaster[:, None] * rough)


def _mirrored(places: Array, rays: Array, normal: Array, lit: Array, around: Array) -> Array:
    """Reflection of the window and the dim room in a polished surface."""
    facing = -(rays * normal).sum(-1)
    bounced = rays + 2 * facing[:, None] * normal
    reach = (WINDOW[0] - places[:, 0]) / np.minimum(bounced[:, 0], -1e-4)
    up, along = places[:, 1] + reach * bounced[:, 1] - WINDOW[1], places[:, 2] + reach * bounced[:, 2] - WINDOW[2]
    inside = smoothstep(0.25, -0.1, np.abs(up) - WINDOW_SIZE[0]) * smoothstep(
        0.25, -0.1, np.abs(along) - WINDOW_SIZE[1]
    )
    bars = smoothstep(0.02, 0.14, np.abs(along)) * smoothstep(0.02, 0.14, np.abs(up))
    fresnel = 0.05 + 0.95 * (1 - np.clip(facing, 0, 1)) ** 5
    pane = inside * bars * lit * (bounced[:, 0] < -0.02)
    haze = np.clip((bounced * unit(WINDOW - places)).sum(-1), 0, 1) ** 12 * lit * 0.35
    return (pane * 1.1 + haze)[:, None] * DAYLIGHT * 0.55 + (fresnel * around)[:, None] * ROOM * 1.6


def _focused(light: Array, distance: Array) -> Array:
    """Blur by distance from the plane in focus, as a wide lens does."""
    scale = light.shape[1] / 720
    out = np.clip((np.abs(1 / distance - 1 / 5.1) - 0.014) * 44, 0, 7)
    levels = [0.0, 2.0, 4.5, 7.0]
    stack = [light] + [blurred(light, radius * scale) for radius in levels[1:]]
    result = light
    for low, high, soft in zip(levels, levels[1:], stack[1:], strict=False):
        result = mix(result, soft, blurred(smoothstep(low, high, out), 1.5 * scale))
    return result
