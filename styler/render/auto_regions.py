"""Finds regions without drawing: clusters the activations of a photo and its paintings together, and makes masks.

Every image is described on a grid by the activations of the network's content layers, by its colors and by the height
in the image. Each of these is standardized within its image, so that photos and paintings are comparable: a bright,
smooth upper part of one resembles that of another. One k-means clustering of all images (Lloyd 1982, started as in
Arthur & Vassilvitskii 2007) then gives regions that correspond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import tensorflow as tf

from styler.images.mapped import Array
from styler.images.picture import Picture
from styler.images.regions import Color
from styler.images.resampling import resampled_colors
from styler.images.sizes import no_larger, with_longer_side
from styler.render.program import image_tensor
from styler.types import Features, Size, Tensor

COLORS: tuple[Color, ...] = ((220, 40, 40), (40, 90, 220), (40, 180, 70), (250, 220, 40))
"""Colors of the regions, none of which is a mixture of two others; also the largest number of regions."""
SEEN_AT = 384  # pixels of the longer side at which images are described
GAP = 8  # pixels between images that are shown side by side
MASK_SIDE = 1024  # pixels of the longer side of a mask, at most
GRID = 4  # pixels between the places that are described
SMOOTH_SIDE = 5  # places of the grid that are averaged, so that regions have no ragged edges
COLOR_WEIGHT = 0.7  # of the three colors together, relative to all activations; chosen by looking at a few pairs
HEIGHT_WEIGHT = 0.5  # of the height in the image, likewise
LEAST_SHARE = 0.04  # share of an image that a region needs without its edges; a smaller one joins the most similar
STARTS = 4  # k-means runs; the one with the smallest distances counts
ROUNDS = 30  # of Lloyd's algorithm, which has converged by then


def auto_masks(
    extract: Callable[[Tensor], Features],
    layers: Iterable[str],
    photo: Picture,
    paintings: Sequence[Picture],
    minimum: int = 1,
) -> list[Array]:
    """Find corresponding regions in a photo and its paintings.

    The same inputs give the same masks.

    Args:
        extract: Image (1, H, W, 3), 0..1 -> activations.
        layers: Addresses of those that describe what is in an image.
        photo: The photo.
        paintings: The paintings.
        minimum: Smallest side of an image that `extract` accepts, in pixels.

    Returns:
        Mask of the photo, then those of the paintings, uint8, (height, width, 3); equal colors correspond.
    """
    chosen = list(layers)
    images = [photo, *paintings]
    grids = []
    points = []
    for image in images:
        described = _description(extract, chosen, image, minimum)
        grids.append(described.shape[:2])
        points.append(described.reshape(-1, described.shape[-1]))
    centers = _centers(np.concatenate(points))
    labels = []
    for own, grid in zip(points, grids, strict=True):
        nearest = _nearest(own, centers)
        labels.append(nearest.reshape(grid))
    palette = np.array(COLORS, np.uint8)
    regions = _common_regions(labels, [image.size for image in images], centers)
    return [palette[own] for own in regions]


def overview(images: Sequence[Picture], masks: Sequence[Array]) -> Array:
    """Return images in gray with their masks laid over them, side by side, uint8, (height, width, 3)."""
    height = min(len(mask) for mask in masks)
    gap = np.full((height, GAP, 3), 255, np.uint8)
    parts = []
    for image, mask in zip(images, masks, strict=True):
        width = round(height * mask.shape[1] / len(mask))
        size = Size(height, max(1, width))
        gray = resampled_colors(image, size).mean(-1, keepdims=True)
        colors = tf.image.resize(mask, size, "nearest").numpy()
        both = np.rint(127.5 * gray + 0.5 * colors)
        parts += [both.astype(np.uint8), gap]
    return np.concatenate(parts[:-1], axis=1)


def _description(
    extract: Callable[[Tensor], Features],
    layers: Sequence[str],
    image: Picture,
    minimum: int,
) -> Array:
    """Describe an image, (rows, columns, D). A very long one is seen larger, so that both sides have `minimum`."""
    least = -(-minimum * max(image.size) // min(image.size))
    size = with_longer_side(image.size, max(SEEN_AT, least))
    pixels = image_tensor(resampled_colors(image, size))
    rows = max(size.height // GRID, 1)
    columns = max(size.width // GRID, 1)
    grid = (rows, columns)
    features = extract(pixels)
    parts = []
    for name in layers:
        at_grid = tf.image.resize(features[name], grid)
        parts.append(_standardized(at_grid, 1.0 / len(layers)))
    colors = tf.image.resize(pixels, grid, "area")
    parts.append(_standardized(colors, COLOR_WEIGHT))
    heights = np.linspace(-1.0, 1.0, rows, dtype=np.float32)
    in_columns = tf.broadcast_to(heights[None, :, None, None], (1, rows, columns, 1))
    parts.append(_standardized(in_columns, HEIGHT_WEIGHT))
    smooth = tf.nn.avg_pool2d(tf.concat(parts, -1), SMOOTH_SIDE, 1, "SAME")
    described: Array = smooth[0].numpy()
    return described


def _standardized(values: Tensor, weight: float) -> Tensor:
    """Give every channel mean 0 and equal variance; the variances of all channels sum to `weight`."""
    mean, variance = tf.nn.moments(values, (0, 1, 2))
    scale = (weight / values.shape[-1]) ** 0.5
    return scale * (values - mean) / tf.sqrt(variance + 1e-8)


def _centers(points: Array) -> Array:
    """Return the centers of clusters of points (N, D)."""
    random = np.random.default_rng(0)
    best = np.empty(0)
    least = np.inf
    for _ in range(STARTS):
        centers = _first_centers(points, random)
        for _ in range(ROUNDS):
            centers = _means(points, _nearest(points, centers), centers)
        distance = float(_distances(points, centers).min(-1).sum())
        if distance < least:
            best, least = centers, distance
    return best


def _means(
    points: Array,
    labels: Array,
    before: Array,
) -> Array:
    """Return the mean of the points with each label; the center from before if there are none."""
    centers = before.copy()
    for number in range(len(before)):
        own = points[labels == number]
        if len(own):
            centers[number] = own.mean(0)
    return centers


def _first_centers(points: Array, random: np.random.Generator) -> Array:
    """Draw one center, and then others in proportion to the squared distance from those drawn before."""
    chosen = [int(random.integers(len(points)))]
    while len(chosen) < len(COLORS):
        distances = _distances(points, points[chosen]).min(-1).astype(np.float64)
        total = distances.sum()
        chances = distances / total if total else None
        chosen.append(int(random.choice(len(points), p=chances)))
    centers: Array = points[chosen]
    return centers


def _distances(points: Array, centers: Array) -> Array:
    """Return squared distances, (N, K)."""
    squares = np.square(points).sum(-1)[:, None] + np.square(centers).sum(-1)
    return np.maximum(squares - 2.0 * points @ centers.T, 0.0)


def _nearest(points: Array, centers: Array) -> Array:
    labels: Array = _distances(points, centers).argmin(-1)
    return labels


def _common_regions(labels: Sequence[Array], sizes: Sequence[Size], centers: Array) -> list[Array]:
    """Return the regions of each image at the size of its mask, so that the photo and a painting have each of them.

    Smoothing may remove a scattered cluster, so the finished regions are counted.

    Args:
        labels: Cluster at each place of the grid of each image, (rows, columns).
        sizes: Sizes of the images.
        centers: Centers of the clusters.
    """
    joined = np.arange(len(centers))
    while True:
        regions = [_smoothed(joined[own], size) for own, size in zip(labels, sizes, strict=True)]
        further = _merged(regions, centers)[joined]
        if (further == joined).all():
            return regions
        joined = further


def _merged(regions: Sequence[Array], centers: Array) -> Array:
    """Return for each cluster the one that it joins: itself, if the photo and a painting have enough of it."""
    shares = np.array([_inner_shares(own, len(centers)) for own in regions])
    in_photo = shares[0] >= LEAST_SHARE
    in_paintings = shares[1:].max(0) >= LEAST_SHARE
    stays = in_photo & in_paintings
    if not stays.any():
        stays[shares.min(0).argmax()] = True
    kept = np.flatnonzero(stays)
    joined = kept[_distances(centers, centers[kept]).argmin(-1)]
    joined[kept] = kept
    return joined


def _inner_shares(regions: Array, count: int) -> Array:
    """Return the share of an image that belongs to each region, without its edges, where colors may mix."""
    is_edge = tf.ones([1, *regions.shape, count]) - tf.one_hot(regions, count)[None]
    near_edge = tf.nn.max_pool2d(is_edge, 3, 1, "SAME")
    shares: Array = 1.0 - tf.reduce_mean(near_edge, (0, 1, 2)).numpy()
    return shares


def _smoothed(labels: Array, image: Size) -> Array:
    """Enlarge labels (rows, columns) to the size of the image's mask, and round the corners of the grid."""
    one_hot = np.eye(len(COLORS), dtype=np.float32)
    shares = image_tensor(one_hot[labels])
    for _ in range(2):
        shares = tf.nn.avg_pool2d(shares, SMOOTH_SIDE, 1, "SAME")
    enlarged = tf.image.resize(shares, no_larger(image, MASK_SIDE))[0].numpy()
    smoothed: Array = enlarged.argmax(-1)
    return smoothed
