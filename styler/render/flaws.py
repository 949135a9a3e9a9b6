"""What goes wrong with style transfers to the eye: gray haze, checkerboards, border frames; each a number and a limit.

The limits lie between 36 photos and paintings and synthetic cases of each flaw: see `docs/crashes.md`. A flaw that the
photo or a painting has itself is none of the render's.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from styler.images.mapped import LARGE, taken
from styler.images.picture import Pixels
from styler.types import Size

CORNER = 1024  # pixels a side of what is looked at of large pictures: all flaws are those of whole pictures
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
SAMPLES = 250_000  # pixels that quantiles are taken of: more do not change the second digit
HAZE_RANGE = 0.4  # luma between the 2nd and 98th percentile; clear pictures whose blacks are gray have 0.68 and more
HAZE_BLACK, HAZE_WHITE = 0.2, 0.8  # those percentiles themselves: a picture with real black or white has no haze
HAZE_CHROMA = 0.3  # 90th percentile of the largest minus the smallest channel
PERIOD = 8  # pixels; patterns of strided layers repeat after 2, 4 or 8
BOARD = 5 / 255  # peak to peak of the pattern that the tiles of 8 x 8 pixels share; real pictures have up to 3/255
BEYOND_DOUBT = 8.0  # times its standard error: small pictures have few tiles
MEDIAN_ERROR = 0.93  # of a median of n values is 0.93 IQR / sqrt(n) for a normal distribution: 1.2533 / 1.349
FRAME = 8  # pixels; the frames that optimizers draw were 1 to 3 wide: see `styler.render.margin`
FRAME_STEP = 0.05  # change of a line's mean color against the next, on the weakest side
FRAME_RATIO = 3.0  # the same in terms of the largest changes inside


def flaws(pixels: Pixels, inputs: Iterable[Pixels] = ()) -> tuple[str, ...]:
    """What the eye would object to.

    Args:
        pixels: The result, float32 (height, width, 3), 0..1.
        inputs: Photo and paintings; what they have themselves is left out.

    Returns:
        A sentence for each flaw.
    """
    found = [(has_flaw, sentence) for has_flaw, sentence in FLAWS if has_flaw(pixels)]
    if found:
        pictures = list(inputs)
        found = [(has, sentence) for has, sentence in found if not any(has(picture) for picture in pictures)]
    return tuple(sentence for _, sentence in found)


def glimpse(pixels: Pixels) -> Pixels:
    """A large picture's four corners side by side, in phase with patterns of period 8; small ones as they are."""
    if pixels.nbytes < LARGE:
        return pixels
    height, width = pixels.shape[:2]
    rows, columns = (_ends(side) for side in (height, width))
    return np.concatenate([np.concatenate([taken(pixels, row, column) for column in columns], 1) for row in rows])


def _ends(side: int) -> tuple[slice, ...]:
    far = max(CORNER, (side - CORNER) // PERIOD * PERIOD)
    return (slice(0, CORNER), slice(far, min(far + CORNER, side))) if side > CORNER else (slice(0, side),)


def has_gray_haze(pixels: Pixels) -> bool:
    """Little contrast about a middle gray, and little color."""
    step = max(1, int((pixels.shape[0] * pixels.shape[1] / SAMPLES) ** 0.5))
    some = pixels[::step, ::step]
    black, white = np.quantile(some @ LUMA, [0.02, 0.98])
    chroma = np.quantile(some.max(axis=-1) - some.min(axis=-1), 0.9)
    flat = white - black < HAZE_RANGE and black > HAZE_BLACK and white < HAZE_WHITE
    return bool(flat and chroma < HAZE_CHROMA)


def has_checkerboard(pixels: Pixels) -> bool:
    """A pattern of period 2, 4 or 8 that keeps its phase over the whole picture."""
    height, width = (side // PERIOD * PERIOD for side in pixels.shape[:2])
    if not height or not width:
        return False
    pattern, doubt = shared_tile(pixels[:height, :width] @ LUMA)
    return pattern > max(BOARD, BEYOND_DOUBT * doubt)


def shared_tile(luma: Pixels) -> tuple[float, float]:
    """How far the places of all tiles of 8 x 8 pixels differ on the median, each tile taken about its mean.

    Returns:
        Peak to peak of the 64 medians, and the largest standard error among them.
    """
    tiles = luma.reshape(luma.shape[0] // PERIOD, PERIOD, luma.shape[1] // PERIOD, PERIOD)
    places = (tiles - tiles.mean(axis=(1, 3), keepdims=True)).transpose(1, 3, 0, 2).reshape(PERIOD * PERIOD, -1)
    low, medians, high = np.quantile(places, [0.25, 0.5, 0.75], axis=1)
    error = MEDIAN_ERROR * (high - low) / np.sqrt(places.shape[1])
    return float(np.ptp(medians)), float(error.max())


def has_border_frame(pixels: Pixels) -> bool:
    """Lines along all four borders where the mean color jumps."""
    depth = min(FRAME, *(side // 4 for side in Size(*pixels.shape[:2])))
    if depth < 1:
        return False
    across = pixels.transpose(1, 0, 2)
    return all(_jumps(each.mean(axis=1), depth) for each in (pixels, pixels[::-1], across, across[::-1]))


def _jumps(lines: Pixels, depth: int) -> bool:
    """Whether mean colors of lines, (lines, 3), jump among the first ones as they do nowhere further inside."""
    change = np.abs(np.diff(lines, axis=0)).max(axis=-1)
    inside = float(np.quantile(change[depth : len(change) - depth], 0.99))
    return bool(change[:depth].max() > max(FRAME_STEP, FRAME_RATIO * inside))


FLAWS = (
    (has_gray_haze, "the picture looks hazy: little contrast and color. Try more --steps, or --optimizer lbfgs"),
    (has_checkerboard, "the picture has a fine regular pattern, like a checkerboard. Try --pooling avg or --tv-weight"),
    (has_border_frame, "the picture has a frame along its borders that neither the photo nor a painting has"),
)
