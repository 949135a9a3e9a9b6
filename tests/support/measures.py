"""Measures of a stylized picture that need no network.

Every image is sRGB-encoded, float32, 0..1, (height, width, 3). No measure replaces looking: a blurred photo in other
colors does well in several.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from styler.images.oklab import to_oklab

Pixels = NDArray[np.float32]
Values = NDArray[np.float64]

LEAST_ENERGY = 1e-5  # of a frequency band: what an image without grain or without color counts as
BORDER = 4  # pixels left out on each side, where averages reach beyond the image
SOBEL_STEP = 4.0  # magnitude of the Sobel gradient at a straight edge from black to white
DIRECTIONS, POINTS, QUANTILES = 64, 20_000, 512  # of a sliced distance; fixed, so that tables stay comparable
WINDOW = 48  # pixels; side of the windows whose spectrum shows weave
FLAT_SHARE, LEAST_WINDOWS = 0.2, 3  # windows that count as flat: this share of them, at least so many
FINEST, COARSEST = 2, 5  # pixels; periods of weave
ALONG, BETWEEN = 0.26, 0.7  # |sin(2 angle)|: within 7.5 degrees of an axis; within 23 degrees of a diagonal


def noise(result: Pixels, painting: Pixels) -> float:
    """Energy of the finest band of lightness, relative to the painting's.

    1 is as grainy as the painting. Far below 1 is blurred, above 1 is a grid or speckle.
    """
    return _band_energy(_yuv(result)[..., :1], 3) / _band_energy(_yuv(painting)[..., :1], 3)


def fringe(result: Pixels, painting: Pixels) -> float:
    """Energy of the finest band of color, relative to the painting's; above 1 are rainbow edges and colored speckle."""
    return _band_energy(_yuv(result)[..., 1:], 5) / _band_energy(_yuv(painting)[..., 1:], 5)


def clipped(result: Pixels, painting: Pixels) -> float:
    """Share of channel values at 0 or 1, minus the painting's share, at least 0."""
    return max(0.0, _share_at_limits(result) - _share_at_limits(painting))


def palette_distance(result: Pixels, painting: Pixels) -> float:
    """Sliced Wasserstein-1 distance between the colors in RGB, 0..1; 0 is the painting's palette."""
    return _sliced_distance(result.reshape(-1, 3), painting.reshape(-1, 3))


def oklab_distance(result: Pixels, painting: Pixels) -> float:
    """Sliced Wasserstein-1 distance between the colors in OKLab; 0 is the painting's palette."""
    return _sliced_distance(to_oklab(result).reshape(-1, 3), to_oklab(painting).reshape(-1, 3))


def edge_similarity(result: Pixels, photo: Pixels) -> float:
    """Structural similarity (Wang et al. 2004) of the Sobel magnitudes of lightness; 1 has all edges of the photo.

    Args:
        result: Picture of the size of the photo.
        photo: At least 11 pixels each way.
    """
    return float(tf.image.ssim(_edges(result), _edges(photo), max_val=1.0)[0])


def weave(result: Pixels, photo: Pixels, painting: Pixels) -> float:
    """Lines along the axes where the photo is flat, relative to those of the whole painting.

    In the spectrum of lightness at periods of 2 to 5 pixels: power along the axes over power along the diagonals.

    Args:
        result: Picture of the size of the photo.
        photo: At least 48 pixels each way.
        painting: At least 48 pixels each way.

    Returns:
        1 for as many lines along the axes as the painting has; above 1 the picture looks woven.
    """
    places = _flattest(_lightness(photo))
    own = _lightness(painting)
    return _axis_ratio(_lightness(result), places) / _axis_ratio(own, _places(own))


def _yuv(image: Pixels) -> tf.Tensor:
    return tf.image.rgb_to_yuv(image[None])


def _lightness(image: Pixels) -> Values:
    return np.asarray(_yuv(image)[0, ..., 0], np.float64)


def _band_energy(image: tf.Tensor, width: int) -> float:
    """Mean square of what an average over `width` x `width` pixels leaves out."""
    detail = image - tf.nn.avg_pool2d(image, width, 1, "SAME")
    return max(float(tf.reduce_mean(detail[:, BORDER:-BORDER, BORDER:-BORDER] ** 2)), LEAST_ENERGY)


def _share_at_limits(image: Pixels) -> float:
    return float(np.mean((image <= 0) | (image >= 1)))


def _sliced_distance(first: Values | Pixels, second: Values | Pixels) -> float:
    """Mean distance of the quantiles of two sets of colors, (n, 3), along random directions."""
    random = np.random.default_rng(0)
    axes = random.normal(size=(3, DIRECTIONS))
    axes /= np.linalg.norm(axes, axis=0)
    shares = np.linspace(0, 1, QUANTILES)
    quantiles = [
        np.quantile(colors[random.integers(0, len(colors), POINTS)] @ axes, shares, axis=0)
        for colors in (first, second)
    ]
    return float(np.abs(quantiles[0] - quantiles[1]).mean())


def _edges(image: Pixels) -> tf.Tensor:
    """Sobel magnitudes of lightness, (1, height, width, 1)."""
    return tf.norm(tf.image.sobel_edges(_yuv(image)[..., :1]), axis=-1) / SOBEL_STEP


def _places(lightness: Values) -> list[tuple[slice, slice]]:
    """Windows that overlap by half."""
    rows, columns = (
        [slice(start, start + WINDOW) for start in range(0, side - WINDOW + 1, WINDOW // 2)] for side in lightness.shape
    )
    return [(row, column) for row in rows for column in columns]


def _flattest(lightness: Values) -> list[tuple[slice, slice]]:
    places = sorted(_places(lightness), key=lambda place: float(lightness[place].std()))
    return places[: max(LEAST_WINDOWS, int(FLAT_SHARE * len(places)))]


def _axis_ratio(lightness: Values, places: Iterable[tuple[slice, slice]]) -> float:
    """Power along the axes over power along the diagonals, in the mean spectrum of windows."""
    hann = np.outer(np.hanning(WINDOW), np.hanning(WINDOW))
    windows = (lightness[place] for place in places)
    power = np.mean([np.abs(np.fft.fft2((each - each.mean()) * hann)) ** 2 for each in windows], axis=0)
    down, across = np.meshgrid(*[np.fft.fftfreq(WINDOW)] * 2, indexing="ij")
    radius = np.hypot(down, across)
    slant = np.abs(np.sin(2 * np.arctan2(down, across)))
    ring = (radius >= 1 / COARSEST) & (radius <= 1 / FINEST)
    return float(power[ring & (slant < ALONG)].mean() / power[ring & (slant > BETWEEN)].mean())
