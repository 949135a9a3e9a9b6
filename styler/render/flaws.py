"""Finds visible flaws of style transfers: gray haze, checkerboards and border frames.

Each flaw is a measured number with a limit. The limits lie between the values of 36 photos and paintings and those of
synthetic examples of each flaw: see `docs/crashes.md`. Flaws that the photo or a painting already has are not reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from styler.images.mapped import LARGE, taken
from styler.images.picture import Pixels

CORNER = 1024  # pixels; side of the corners that are checked in a large picture: all flaws cover the whole picture
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
SAMPLES = 250_000  # pixels for quantiles; more pixels do not change the second digit
HAZE_RANGE = 0.4  # luma between the 2nd and 98th percentile; clear pictures whose blacks are gray have 0.68 and more
HAZE_BLACK = 0.2  # the 2nd percentile: a picture with real black has no haze
HAZE_WHITE = 0.8  # the 98th percentile: a picture with real white has no haze
HAZE_CHROMA = 0.3  # 90th percentile of the largest minus the smallest channel
PERIOD = 8  # pixels; patterns of strided layers repeat after 2, 4 or 8
BOARD = 5 / 255  # peak to peak of the pattern that all tiles of 8 x 8 pixels share; real pictures have up to 3/255
BEYOND_DOUBT = 8.0  # standard errors that the pattern must exceed: small pictures have few tiles
MEDIAN_ERROR = 0.93  # a normal median of n values has the standard error 0.93 IQR / sqrt(n): 1.2533 / 1.349
FRAME = 8  # pixels; optimizers draw frames that are 1 to 3 pixels wide: see `styler.render.margin`
FRAME_STEP = 0.05  # difference in mean color between two adjacent lines, on the side where it is smallest
FRAME_RATIO = 3.0  # the same difference relative to the largest ones inside


def flaws(pixels: Pixels, inputs: Iterable[Pixels] = ()) -> tuple[str, ...]:
    """Find the visible flaws of a picture.

    Args:
        pixels: The result, float32 (height, width, 3), 0..1.
        inputs: Photo and paintings; flaws that one of them has are not reported.

    Returns:
        A sentence for each flaw.
    """
    found = [flaw for flaw in FLAWS if flaw.shows(pixels)]
    if not found:
        return ()
    pictures = list(inputs)
    sentences = []
    for flaw in found:
        is_in_inputs = any(map(flaw.shows, pictures))
        if not is_in_inputs:
            sentences.append(flaw.sentence)
    return tuple(sentences)


def glimpse(pixels: Pixels) -> Pixels:
    """Join the four corners of a large picture, in phase with patterns of period 8; return a small picture as it is."""
    if pixels.nbytes < LARGE:
        return pixels
    height, width = pixels.shape[:2]
    bands = []
    for rows in _ends(height):
        corners = [taken(pixels, rows, columns) for columns in _ends(width)]
        bands.append(np.concatenate(corners, axis=1))
    return np.concatenate(bands)


def _ends(side: int) -> tuple[slice, ...]:
    """Return the first and the last part of a side, the last one in phase with the first; a short side whole."""
    if side <= CORNER:
        return (slice(0, side),)
    in_phase = (side - CORNER) // PERIOD * PERIOD
    start = max(CORNER, in_phase)
    end = min(start + CORNER, side)
    return slice(0, CORNER), slice(start, end)


def has_gray_haze(pixels: Pixels) -> bool:
    """Whether a picture has little contrast around a middle gray, and little color."""
    height, width = pixels.shape[:2]
    pixels_a_sample = height * width / SAMPLES
    step = max(1, int(pixels_a_sample**0.5))
    samples = pixels[::step, ::step]
    luma = samples @ LUMA
    black, white = np.quantile(luma, [0.02, 0.98])
    chroma = samples.max(axis=-1) - samples.min(axis=-1)
    is_flat = white - black < HAZE_RANGE
    is_gray = black > HAZE_BLACK and white < HAZE_WHITE
    is_pale = np.quantile(chroma, 0.9) < HAZE_CHROMA
    return bool(is_flat and is_gray and is_pale)


def has_checkerboard(pixels: Pixels) -> bool:
    """Whether a pattern of period 2, 4 or 8 keeps its phase over the whole picture."""
    rows, columns = (side // PERIOD for side in pixels.shape[:2])
    if not rows or not columns:
        return False
    whole_tiles = pixels[: rows * PERIOD, : columns * PERIOD]
    pattern, standard_error = shared_tile(whole_tiles @ LUMA)
    return pattern > max(BOARD, BEYOND_DOUBT * standard_error)


def shared_tile(luma: Pixels) -> tuple[float, float]:
    """Measure the pattern that all tiles of 8 x 8 pixels share: the median of each place, relative to the tile's mean.

    Args:
        luma: Luma, (height, width), both multiples of 8.

    Returns:
        The peak-to-peak range of the 64 medians, and the largest of their standard errors.
    """
    height, width = luma.shape
    tiles = luma.reshape(height // PERIOD, PERIOD, width // PERIOD, PERIOD)
    means = tiles.mean(axis=(1, 3), keepdims=True)
    centered = tiles - means
    by_place = centered.transpose(1, 3, 0, 2)
    places = by_place.reshape(PERIOD * PERIOD, -1)
    count = places.shape[1]
    low, medians, high = np.quantile(places, [0.25, 0.5, 0.75], axis=1)
    errors = MEDIAN_ERROR * (high - low) / np.sqrt(count)
    return float(np.ptp(medians)), float(errors.max())


def has_border_frame(pixels: Pixels) -> bool:
    """Whether the mean color jumps at a line along each of the four borders."""
    height, width = pixels.shape[:2]
    depth = min(FRAME, height // 4, width // 4)
    if depth < 1:
        return False
    transposed = pixels.transpose(1, 0, 2)
    from_each_border = (
        pixels,
        pixels[::-1],
        transposed,
        transposed[::-1],
    )
    return all(_jumps(lines.mean(axis=1), depth) for lines in from_each_border)


def _jumps(colors: Pixels, depth: int) -> bool:
    """Whether the mean colors of lines, (lines, 3), change more within the first `depth` lines than further inside."""
    differences = np.abs(np.diff(colors, axis=0))
    change = differences.max(axis=-1)
    outer = change[:depth].max()
    inside = change[depth : len(change) - depth]
    inner = float(np.quantile(inside, 0.99))
    return bool(outer > max(FRAME_STEP, FRAME_RATIO * inner))


class Flaw(NamedTuple):
    """A flaw that can be found.

    Attributes:
        shows: Function that says whether a picture has the flaw.
        sentence: What to tell the user.
    """

    shows: Callable[[Pixels], bool]
    sentence: str


FLAWS = (
    Flaw(
        has_gray_haze,
        "the picture looks hazy: little contrast and color. Try more --steps, or --optimizer lbfgs",
    ),
    Flaw(
        has_checkerboard,
        "the picture has a fine regular pattern, like a checkerboard. Try another preset, --pooling avg or a larger "
        "--tv-weight",
    ),
    Flaw(
        has_border_frame,
        "the picture has a frame along its borders that neither the photo nor a painting has",
    ),
)
