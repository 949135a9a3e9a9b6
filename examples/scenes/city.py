"""A wet street at dusk: houses in perspective, lit windows and shops, lamps, walkers, reflections.

Lengths are meters: x to the right, y up, z along the street.
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np
from noise import Array, cells, fractal, grid, mix, noise, rgb, smoothstep, unit

from scenes.facades import AWNINGS, LAMPLIGHT, wall
from scenes.figures import car, lamp_post, walker
from scenes.lens import linear, photograph

OVERSAMPLING = 1.3
EYE = np.array([0.9, 1.75, 0.0])
KERB, FRONT = 5.2, 8.4  # half widths of the road and of the whole street
AMBIENT = np.array([0.24, 0.33, 0.58]) * 0.42
FOG = np.array([0.34, 0.20, 0.19])
LAMPS = np.array([(side * 5.7, 5.0, z) for z in (13, 31, 49, 67, 85, 110) for side in (-1, 1)], float)


def city(side: int) -> Array:
    """The scene; `side` is the width in pixels."""
    height, width = round(side * 0.75), side
    rows, columns = grid(round(height * OVERSAMPLING), round(width * OVERSAMPLING))
    rays = unit(np.stack([columns - 0.70, 0.60 - rows, np.full_like(rows, 1.12)], -1)).reshape(-1, 3)
    light = seen(np.broadcast_to(EYE, rays.shape), rays).reshape(*rows.shape, 3)
    return photograph(light, height, width, seed=21, exposure=1.6, bloom=0.09, grain=1.3)


@cache
def houses() -> tuple[Array, Array]:
    """Boxes (low corner, high corner), (N, 2, 3), and the kind of each: its number, or -1-k for awning k."""
    random, boxes, kinds = np.random.default_rng(5), [], []
    for side in (-1, 1):
        z = -6.0 if side < 0 else -2.0
        while z < 165:
            long, tall = random.uniform(8, 15), 4.1 + 3.3 * random.integers(3, 6) + 0.9
            near, far = FRONT + random.choice([0, 0, 0.5]), 30
            boxes.append(_box(side, near, far, 0, tall, z, z + long))
            kinds.append(len(kinds))
            for start in np.arange(z + 0.6, z + long - 4, 5.2):
                if random.random() < 0.55:
                    boxes.append(_box(side, near - 1.35, near, 2.75, 3.0, start, start + 4.2))
                    kinds.append(-1 - int(random.integers(4)))
            z += long + (random.random() < 0.15) * 3
    boxes += [((-14, 0, 190), (-3, 38, 200)), ((-9.9, 38, 193), (-7.1, 52, 196)), ((4, 0, 180), (22, 24, 190))]
    return np.array(boxes, float), np.array([*kinds, 3, 3, 4])


def _box(side: int, near: float, far: float, low: float, high: float, start: float, end: float) -> tuple:
    left, right = sorted((side * near, side * far))
    return (left, low, start), (right, high, end)


def hit(origin: Array, rays: Array) -> tuple[Array, Array, Array]:
    """Distance along each ray to the first box (infinite if there is none), its index, and the axis of the face."""
    best, owner, face = np.full(len(rays), np.inf), np.zeros(len(rays), int), np.zeros(len(rays), int)
    inverse = 1 / np.where(np.abs(rays) < 1e-9, 1e-9, rays)
    for index, (low, high) in enumerate(houses()[0]):
        one, two = (low - origin) * inverse, (high - origin) * inverse
        enter = np.minimum(one, two)
        axis = enter.argmax(1)
        near, far = enter.max(1), np.maximum(one, two).min(1)
        found = (near < far) & (near > 1e-3) & (near < best)
        best[found], owner[found], face[found] = near[found], index, axis[found]
    return best, owner, face


def seen(origin: Array, rays: Array, mirrored: bool = False) -> Array:
    """Light that arrives along each ray, (N, 3)."""
    light = sky(rays)
    distance, owner, face = hit(origin, rays)
    built = np.isfinite(distance)
    places = origin[built] + rays[built] * distance[built, None]
    light[built] = _house_light(places, owner[built], face[built], rays[built])
    if not mirrored:
        ground = np.where(rays[:, 1] < -1e-4, -origin[:, 1] / np.minimum(rays[:, 1], -1e-4), np.inf)
        paved = ground < distance
        distance = np.minimum(distance, ground)
        light[paved] = _pavement(origin[paved] + rays[paved] * ground[paved, None], rays[paved])
    clear = np.exp(-np.minimum(distance, 260) / 320)[:, None] * np.isfinite(distance)[:, None]
    light = np.where(np.isfinite(distance)[:, None], light * clear + FOG * (1 - clear), light)
    light, distance = _figures(origin, rays, light, distance)
    return light + _glows(origin, rays, distance)


def sky(rays: Array) -> Array:
    """The last light at the end of the street, under clouds lit from below."""
    up = np.maximum(rays[:, 1], 0)
    clear = mix(linear(rgb("#f7a25e")) * 1.25, linear(rgb("#7f6f9c")), smoothstep(0.0, 0.24, up))
    clear = mix(clear, linear(rgb("#24437e")), smoothstep(0.12, 0.55, up))
    x, y = rays[:, 0] / (up + 0.14), 1 / (up + 0.14)
    bulk, below = fractal(x * 1.3, y * 1.5, 7, 230, 0.55), fractal(x * 1.3, y * 1.5 + 0.16, 5, 230, 0.55)
    lit = smoothstep(-0.3, 0.45, below - bulk + 0.1) * smoothstep(0.75, 0.05, up)
    cloud = mix(linear(rgb("#3c4262")), linear(rgb("#f28a5c")), lit)
    return mix(clear, cloud, 0.85 * smoothstep(-0.05, 0.5, bulk))


def _house_light(places: Array, owner: Array, face: Array, rays: Array) -> Array:
    kind, top = houses()[1][owner], houses()[0][owner, 1, 1]
    along = np.where(face == 0, places[:, 2], places[:, 0])
    color, glow = wall(along, places[:, 1], np.maximum(kind, 0), top)
    awning = linear(np.array([rgb(text) for text in AWNINGS]))[(-1 - kind) % 4]
    striped = np.where((np.mod(places[:, 2] / 0.35, 2) < 1)[:, None], awning, linear(rgb("#cfc4a8")))
    tent, roof = (kind < 0)[:, None], (face == 1)[:, None]
    color = np.where(tent, striped, np.where(roof, linear(rgb("#3a3638")), color))
    normal = np.eye(3)[face] * -np.sign(np.take_along_axis(rays, face[:, None], 1))
    return color * _received(places, normal) + np.where(tent | roof | (places[:, 2:] > 178), glow * 0.15, glow)


def _received(places: Array, normal: Array) -> Array:
    """Light that falls on each place: sky, the glow at the end of the street, every lamp, the shops."""
    total = AMBIENT * (0.6 + 0.4 * smoothstep(0, 14, places[:, 1:2]))
    total = total + FOG * 0.45 * np.clip(normal[:, 2:] * -0.3 + 0.35, 0, 1)
    for lamp in LAMPS:
        toward = lamp - places
        square = (toward**2).sum(-1) + 0.6
        facing = np.clip((toward * normal).sum(-1) / np.sqrt(square), 0, 1)
        total = total + (9.0 * facing / square)[:, None] * LAMPLIGHT
    spill = 0.55 * np.exp(-np.abs(FRONT - np.abs(places[:, 0])) / 2.4) * np.exp(-places[:, 1] / 2.0)
    return total + spill[:, None] * LAMPLIGHT


def _pavement(places: Array, rays: Array) -> Array:
    """Wet cobblestones and flagstones: their own color, and the reflection of the street in the water on them."""
    x, z = places[:, 0], places[:, 2]
    road = smoothstep(0.03, -0.03, np.abs(x) - KERB)
    away, own = cells(x / 0.26, z / 0.34, 240)
    flag = np.minimum(np.abs(np.mod(z / 1.1, 1) - 0.5), np.abs(np.mod(x / 0.8, 1) - 0.5))
    fine = np.exp(-z / 22)
    sett = mix(linear(rgb("#4c4b50")), linear(rgb("#75706c")), 0.5 + 0.5 * own) * (1.1 - 0.9 * fine * away)[:, None]
    slab = linear(rgb("#6e6962")) * (0.75 + 0.3 * smoothstep(0.0, 0.03, flag) + 0.1 * fractal(x, z, 4, 243))[:, None]
    color = mix(slab, sett, road) * (1 - 0.5 * smoothstep(0.16, 0.08, np.abs(np.abs(x) - KERB)))[:, None]
    puddle = smoothstep(-0.25, 0.45, fractal(x * 0.45, z * 0.22, 5, 247))
    up = np.broadcast_to(np.array([0.0, 1.0, 0.0]), places.shape)
    dry = color * _received(places, up) * (1 - 0.45 * puddle)[:, None]
    grazing = 0.06 + 0.94 * (1 - np.abs(rays[:, 1])) ** 5
    return dry + (grazing * (0.34 + 0.56 * puddle))[:, None] * _mirror(places, rays, puddle, away * road * fine)


def _mirror(places: Array, rays: Array, puddle: Array, bumps: Array) -> Array:
    """Mean of three reflections with different slopes: smooth in puddles, smeared vertically elsewhere."""
    x, z = places[:, 0], places[:, 2]
    total = 0.0
    for share in (-1.0, 0.0, 1.0):
        rough = (1.15 - puddle) * 0.05
        tilt = rough * (share + noise(x * 9, z * 5, 252)) + 0.05 * (bumps - 0.35) * (1.1 - puddle)
        lean = 0.018 * (1.15 - puddle) * noise(x * 11 + 3, z * 6, 253)
        normal = unit(np.stack([lean, np.ones_like(x), tilt], -1))
        bounced = rays - 2 * (rays * normal).sum(-1, keepdims=True) * normal
        bounced[:, 1] = np.abs(bounced[:, 1])
        total = total + np.minimum(seen(places, bounced, mirrored=True), 6) / 3
    return total


@cache
def cast() -> list[tuple[float, float, float, partial]]:
    """The figures in the street, farthest first: x, z, size, and the cut-out."""
    people = [
        (-3.0, 10.5, "#3a2f3f", "#a3222c", 0.24),
        (6.6, 13.0, "#4a3a2c", None, 0.16),
        (7.2, 13.2, "#22304a", None, 0.21),
        (-6.6, 17.0, "#2a2c33", "#20242e", 0.18),
        (6.4, 22.0, "#50302c", "#c58a2a", 0.2),
        (-1.2, 27.0, "#2c3a34", None, 0.22),
        (-6.9, 29.0, "#473a52", None, 0.15),
        (7.0, 36.0, "#202228", "#2b5168", 0.2),
        (-7.1, 44.0, "#333333", None, 0.2),
    ]
    placed = [(x, z, partial(walker, coat=c, umbrella=u, stride=s)) for x, z, c, u, s in people]
    cars = [
        (2.6, 21.0, "#5d1f22", True),
        (4.1, 40.0, "#2a3b52", True),
        (-2.7, 36.0, "#77777a", False),
        (2.2, 62.0, "#333338", True),
        (-2.9, 58.0, "#222226", False),
        (-2.4, 92.0, "#444448", False),
    ]
    placed += [(x, z, partial(car, paint=paint, leaving=away)) for x, z, paint, away in cars]
    placed += [(x, z, lamp_post) for x, _, z in LAMPS]
    return sorted(placed, key=lambda place: -place[1])


def _figures(origin: Array, rays: Array, light: Array, distance: Array) -> tuple[Array, Array]:
    for x, z, cutout in cast():
        reach = (z - origin[:, 2]) / np.where(np.abs(rays[:, 2]) < 1e-6, 1e-6, rays[:, 2])
        u, v = origin[:, 0] + rays[:, 0] * reach - x, origin[:, 1] + rays[:, 1] * reach
        near = np.flatnonzero((reach > 0.05) & (reach < distance + 0.3) & (np.abs(u) < 1.1) & (v > -0.02) & (v < 5.2))
        cover, color, glow = cutout(u[near], v[near])
        place = np.stack([u[near] + x, v[near], np.full(len(near), z)], -1)
        lit = color * _received(place, np.array([[0.0, 0.45, -0.9]])) + glow
        light[near] = mix(light[near], lit, cover)
        distance[near] = np.where(cover > 0.5, np.minimum(reach[near], distance[near]), distance[near])
    return light, distance


@cache
def bulbs() -> list[tuple[Array, float, Array]]:
    """Small lights: lamps, and strings of bulbs that hang across the street; place, radius, strength."""
    lights = [(lamp, 0.17, LAMPLIGHT * 11) for lamp in LAMPS]
    for z, height in ((17, 8.2), (36, 9.0), (58, 9.5)):
        for share in np.linspace(-0.95, 0.95, 13):
            place = np.array([share * FRONT, height - 1.5 * (1 - share**2), z + 0.8 * share])
            lights.append((place, 0.048, LAMPLIGHT * 5 + 0.3))
    return lights


def _glows(origin: Array, rays: Array, distance: Array) -> Array:
    """The lamps themselves, the haze that glows around them, and their posts."""
    total = np.zeros((len(rays), 3))
    for place, radius, strength in bulbs():
        offset = place - origin
        along = (offset * rays).sum(-1)
        off = np.sqrt(np.maximum((offset**2).sum(-1) - along**2, 0))
        shown = (along > 0) & (along < distance + 0.4)
        core = smoothstep(radius * 1.25, radius * 0.8, off) + 0.0012 * radius / (off**2 + 0.03)
        total += (shown * core)[:, None] * strength
    return total
