"""Photo-like scenes, computed from noise, light and perspective; float RGB 0..1, (H, W, 3)."""

from __future__ import annotations

import numpy as np
from noise import Array, blurred, fractal, grid, mix, rgb, sample, smoothstep, value_noise


def lake(side: int) -> Array:
    """Snowy mountains and conifers at a still lake, late afternoon."""
    random = np.random.default_rng(3)
    height, width = round(side * 0.75), side
    shore = round(height * 0.60)
    land = _sky(random, height, width)
    for index, (base, tall, color) in enumerate(
        [(0.52, 0.34, "#8c9bb5"), (0.56, 0.22, "#5f7391"), (0.585, 0.10, "#3c5148")]
    ):
        land = _mountains(random, land, base, tall, rgb(color), index)
    land = _conifers(random, land, shore)
    water = _reflection(random, land, shore)
    return _photo(random, np.where((np.arange(height) < shore)[:, None, None], land, water))


def _sky(random: np.random.Generator, height: int, width: int) -> Array:
    rows, _ = grid(height, width)
    sky = mix(rgb("#2f66ad"), rgb("#f3d9b8"), (rows / 0.6) ** 1.3)
    cloud = fractal(random, height, width, width / 3, 7)
    wisps = fractal(random, height, width, width / 9, 5)
    cover = smoothstep(-0.05, 0.65, cloud + 0.35 * wisps - 0.5 * np.abs(rows - 0.22))
    lit = smoothstep(-0.3, 0.6, cloud - np.roll(cloud, 9, 0) * 0.8)
    return mix(sky, mix(rgb("#98a3b8"), rgb("#fff6e6"), lit), cover * 0.9)


def _mountains(
    random: np.random.Generator, picture: Array, base: float, tall: float, color: Array, layer: int
) -> Array:
    height, width = picture.shape[:2]
    rows, _ = grid(height, width)
    profile = 1 - np.abs(fractal(random, 4, width, width / (2.2 + layer), 7)[1])
    ridge = base - tall * (profile - profile.min()) / np.ptp(profile)
    inside = smoothstep(0, 1.5 / height, rows - ridge)
    relief = fractal(random, height, width, width / 10, 7, 0.6)
    light = np.clip(0.55 + 2.2 * (relief - np.roll(relief, (2, 3), (0, 1))) * (3 if layer < 2 else 1.5), 0.15, 1.25)
    depth = rows - ridge
    snow = smoothstep(0.02, -0.03, depth - 0.11 + 0.06 * relief) if layer == 0 else np.zeros_like(rows)
    face = mix(color * light[..., None], rgb("#f7f4f2") * np.clip(light, 0.55, 1.1)[..., None], snow)
    face = mix(face, rgb("#c9cfd8"), smoothstep(0.0, 0.3, depth) * (0.55 - 0.22 * layer))
    return mix(picture, face, inside)


def _conifers(random: np.random.Generator, picture: Array, shore: int) -> Array:
    height, width = picture.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    trees = [(x, random.uniform(0.03, 0.075)) for x in random.uniform(0, width, 90)]
    trees += [(x * width, s) for x, s in ((0.05, 0.30), (0.12, 0.22), (0.93, 0.34), (0.86, 0.2), (0.99, 0.26))]
    for x, size in sorted(trees, key=lambda tree: tree[1]):
        tall = size * height
        foot = shore + (2 if size < 0.1 else 0.02 * height)
        up = (foot - rows) / tall
        jag = value_noise(random, height, 1, max(2.0, tall / 14))[:, :1]
        reach = 0.17 * tall * (1 - up) * (1 + 0.55 * jag) * (up > 0) * (up < 1)
        trunk = (np.abs(columns - x) < max(0.6, 0.012 * tall)) & (up > 0) & (up < 0.97)
        cover = np.clip(reach - np.abs(columns - x) + 0.5, 0, 1) * (reach > 0) + trunk
        shade = 0.7 + 0.5 * value_noise(random, height, width, 3) * 0.6 + 0.25 * np.sign(columns - x)
        green = rgb("#22382b") * (0.75 if size > 0.1 else 1.25)
        picture = mix(picture, green * shade[..., None], np.clip(cover, 0, 1))
    return picture


def _reflection(random: np.random.Generator, land: Array, shore: int) -> Array:
    height, width = land.shape[:2]
    rows, columns = (a.astype(float) for a in np.mgrid[0:height, 0:width])
    depth = np.clip((rows - shore) / (height - shore), 0, 1)
    ripple = sample(fractal(random, height, width, 24, 4), (rows - shore) / (0.08 + depth), columns * 0.5)
    fine = value_noise(random, height * 4, width, 5)[:height]
    push = (1 + 16 * depth) * (ripple + 0.4 * fine)
    mirrored = sample(land, 2 * shore - rows - 2 + push * 1.6, columns + push * 0.7)
    tint = mix(mirrored * 0.84, rgb("#1d3f52"), 0.18 + 0.34 * depth)
    return tint + (smoothstep(0.55, 0.95, ripple) * 0.12 * depth)[..., None]


def still_life(side: int) -> Array:
    """Fruit on a cloth by a window: spheres with soft shadows, traced ray by ray."""
    random = np.random.default_rng(8)
    height, width = round(side * 0.75), side
    balls = [
        ((-0.62, 0.30, 0.15), 0.30, "#c8391f"),
        ((0.02, 0.36, 0.30), 0.36, "#e39a1d"),
        ((0.62, 0.27, 0.02), 0.27, "#7fa02c"),
        ((-0.18, 0.19, -0.42), 0.19, "#6d2b52"),
        ((0.28, 0.16, -0.52), 0.16, "#8f2438"),
        ((-0.95, 0.20, -0.30), 0.20, "#d9b53a"),
    ]
    origin, rays = np.array([0.0, 0.85, -2.6]), _rays(height, width)
    distance, owner = _nearest(origin, rays, balls)
    points = origin + rays * distance[..., None]
    colors, normals = _surfaces(random, points, owner, balls)
    light = np.array([-0.62, 0.62, -0.48])
    shadow = _soft_shadow(random, points + normals * 1e-3, light, balls)
    lambert = np.clip((normals * light).sum(-1), 0, 1) * shadow
    halfway = (light - rays) / np.linalg.norm(light - rays, axis=-1, keepdims=True)
    gloss = np.clip((normals * halfway).sum(-1), 0, 1) ** 60 * shadow * (owner > 0)
    ambient = 0.16 + 0.14 * normals[..., 1] + 0.06 * normals[..., 0]
    lit = colors * ambient[..., None] * np.array([0.85, 0.95, 1.15])
    picture = lit + colors * lambert[..., None] * np.array([1.15, 1.02, 0.85]) + 0.5 * gloss[..., None]
    return _photo(random, np.clip(picture, 0, None) ** (1 / 2.2))


def _rays(height: int, width: int) -> Array:
    rows, columns = grid(height, width)
    across, up = (columns - width / height / 2) * 1.05, (0.27 - rows) * 1.05
    rays = np.stack([across, up - 0.02, np.full_like(up, 1.35)], -1)
    return rays / np.linalg.norm(rays, axis=-1, keepdims=True)


def _hit(origin: Array, rays: Array, center: Array, radius: float) -> Array:
    """Distance along each ray to a sphere, infinite where it misses."""
    offset = origin - np.asarray(center)
    half = (rays * offset).sum(-1)
    under = half**2 - ((offset**2).sum(-1) - radius**2)
    with np.errstate(invalid="ignore"):
        near = -half - np.sqrt(under)
    return np.where((under > 0) & (near > 1e-4), near, np.inf)


def _nearest(origin: Array, rays: Array, balls: list) -> tuple[Array, Array]:
    """Distance and owner of what each ray meets: 0 the table, -1 the wall, 1.. the balls."""
    wall = (2.2 - origin[2]) / rays[..., 2]
    with np.errstate(divide="ignore"):
        table = np.where(rays[..., 1] < 0, -origin[1] / rays[..., 1], np.inf)
    distance, owner = np.minimum(wall, table), np.where(table < wall, 0, -1)
    for index, (center, radius, _) in enumerate(balls, start=1):
        found = _hit(origin, rays, center, radius)
        owner = np.where(found < distance, index, owner)
        distance = np.minimum(found, distance)
    return distance, owner


def _surfaces(random: np.random.Generator, points: Array, owner: Array, balls: list) -> tuple[Array, Array]:
    height, width = owner.shape
    weave = fractal(random, height, width, 40, 6)
    stripes = smoothstep(-0.2, 0.2, np.sin(points[..., 0] * 9) + 0.15 * weave)
    folds = 0.10 * np.sin(points[..., 0] * 5 + 2 * np.sin(points[..., 2] * 2.2) + 1.5 * weave)
    colors = mix(rgb("#d8d2c4"), rgb("#5a7796"), stripes) ** 2.2 * (1 + 0.1 * weave[..., None])
    wall = mix(rgb("#4b3a2c"), rgb("#8a7254"), 0.5 + 0.4 * weave) ** 2.2
    colors = np.where((owner == -1)[..., None], wall, colors)
    normals = np.zeros_like(points)
    normals[..., 1], normals[..., 0] = 1, folds
    normals[owner == -1] = (0, 0, -1)
    for index, (center, radius, color) in enumerate(balls, start=1):
        here = owner == index
        out = (points - np.asarray(center)) / radius
        mottle = fractal(random, height, width, 30, 5)
        skin = rgb(color) ** 2.2 * (
            1 + 0.45 * mottle[..., None] + 0.2 * np.sin(6 * out[..., 1:2] + 4 * mottle[..., None])
        )
        colors, normals = np.where(here[..., None], skin, colors), np.where(here[..., None], out, normals)
    return np.clip(colors, 0, 1), normals / np.linalg.norm(normals, axis=-1, keepdims=True)


def _soft_shadow(random: np.random.Generator, points: Array, light: Array, balls: list) -> Array:
    """Share of a broad light that each point sees, by eighteen shadow rays."""
    seen = np.zeros(points.shape[:2])
    for _ in range(18):
        toward = light + random.normal(0, 0.09, 3)
        toward = toward / np.linalg.norm(toward)
        rays = np.broadcast_to(toward, points.shape)
        blocked = [_hit(points, rays, center, radius) < np.inf for center, radius, _ in balls]
        seen += ~np.any(blocked, axis=0)
    return seen / 18


def city(side: int) -> Array:
    """A waterfront at dusk: lit windows, a bridge of lamps, long reflections."""
    random = np.random.default_rng(21)
    height, width = round(side * 0.75), side
    rows, _ = grid(height, width)
    shore = round(height * 0.66)
    picture = mix(rgb("#20345c"), rgb("#f09a5b"), (rows / 0.66) ** 2.0)
    cloud = fractal(random, height, width, width / 4, 7)
    picture = mix(picture, mix(rgb("#6b4a63"), rgb("#ffb27a"), rows / 0.66), smoothstep(0.0, 0.8, cloud) * 0.75)
    for distance in (0.85, 0.55, 0.25):
        picture = _buildings(random, picture, shore, distance)
    picture = _lamps(random, picture, shore)
    water = _reflection(random, picture, shore) * np.array([0.95, 0.9, 0.95])
    return _photo(random, np.where((np.arange(height) < shore)[:, None, None], picture, water))


def _buildings(random: np.random.Generator, picture: Array, shore: int, distance: float) -> Array:
    height, width = picture.shape[:2]
    picture, left = picture.copy(), -0.02 * width
    while left < width:
        wide = width * random.uniform(0.035, 0.10) * (1.25 - 0.6 * distance)
        tall = height * random.uniform(0.12, 0.30) * (0.75 + 0.75 * distance)
        box = slice(int(shore - tall), shore), slice(max(0, int(left)), int(left + wide))
        picture[box] = _facade(random, picture[box].shape[:2], distance, side=height)
        if random.random() < 0.4:
            mast = int(left + wide / 2)
            picture[int(shore - tall * 1.18) : int(shore - tall), max(0, mast) : mast + 1] *= 0.45
        left += wide * random.uniform(0.75, 1.25)
    return picture


def _facade(random: np.random.Generator, shape: tuple[int, int], distance: float, side: int) -> Array:
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    wall = random.choice(["#3a3444", "#4d3d42", "#2c3346", "#55463f"])
    base = mix(rgb(wall), rgb("#c9825f"), np.full(shape, 0.55 * distance))
    base = base * (1.12 - 0.35 * columns / max(1, shape[1]))[..., None]
    step = max(3, round(side * random.uniform(0.013, 0.02)))
    cell_rows, cell_columns = rows // step, columns // step
    inside = (rows % step > step * 0.3) & (columns % step > step * 0.35) & (rows > step)
    table = random.random((shape[0] // step + 1, shape[1] // step + 1))
    lit = inside & (table[cell_rows, cell_columns] < 0.42)
    warmth = random.random(table.shape)[cell_rows, cell_columns]
    glow = mix(rgb("#ffd27a"), rgb("#fff3d0"), warmth)
    grime = 1 + 0.12 * value_noise(random, *shape, 6)[..., None]
    dark = np.where(inside[..., None], base * 0.62, base) * grime
    return np.where(lit[..., None], glow * (0.95 - 0.35 * distance), dark)


def _lamps(random: np.random.Generator, picture: Array, shore: int) -> Array:
    height, width = picture.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    quay = smoothstep(-2, 1, rows - (shore - 0.012 * height))
    picture = mix(picture, rgb("#2a2227"), quay)
    for x in np.linspace(0.03, 0.97, 13) * width + random.uniform(-4, 4, 13):
        away = np.hypot(rows - (shore - 0.055 * height), columns - x)
        post = (np.abs(columns - x) < 0.8) & (rows > shore - 0.055 * height) & (rows < shore)
        picture = mix(picture, rgb("#15131a"), post.astype(float))
        picture = picture + rgb("#ffcf86") * (1.3 * np.exp(-((away / 2.2) ** 2)) + 0.35 * np.exp(-away / 9))[..., None]
    return np.clip(picture, 0, 1)


def _photo(random: np.random.Generator, picture: Array) -> Array:
    """A lens and a sensor: slight blur, vignette, grain."""
    height, width = picture.shape[:2]
    rows, columns = grid(height, width)
    away = np.hypot(rows - 0.5, columns - width / height / 2)
    soft = blurred(picture, 0.0011 * width)
    grain = random.normal(0, 0.012, (height, width, 1)) + random.normal(0, 0.006, (height, width, 3))
    return np.clip(soft * (1.04 - 0.22 * away**2)[..., None] + grain, 0, 1)
