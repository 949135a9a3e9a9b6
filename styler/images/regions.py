"""Reads masks whose colors are regions: which colors they have, and how much each pixel belongs to each region.

The colors of a mask are those of its flat areas. Everything between them is an edge: a pixel there belongs to the two
colors that it is a mixture of, in proportion, so that soft edges stay soft. Black belongs to no region, and neither do
transparent pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image

from styler.errors import ConfigError
from styler.images.libvips import libvips
from styler.images.mapped import bands, new_array
from styler.images.picture import Picture, Pixels
from styler.images.sizes import with_longer_side
from styler.types import Size

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_REGIONS = 8
LEAST_SHARE = 1e-4  # share of the mask that a color needs to be a region; less is a stray dot or a compression artifact
LEAST_FLAT = 0.2  # share of a mask that is flat; in 35 of 36 photos and paintings it was at most .14
DISTANCE = 32  # smallest difference between two colors of a mask, in 8-bit steps of any channel; JPEG moves flat colors
# by a few steps, and people see less than this only side by side
EXACT = 6  # 8-bit steps within which a pixel has a color of the mask, and is no edge
MOST_SOFT = 0.5  # share of a mask that may lie between its colors; in 9 of 10 photos with flat areas it is more
MOST_STRAY = 0.03  # share that may be no mixture of two of them, in a mask with so many soft edges; JPEG leaves less
TOLERANCE = 0.02  # largest relative difference between the proportions of a mask and its image
BLACK = (0, 0, 0)
SAMPLED = 2**20  # pixels from which the colors of a larger mask are counted
COMPARED = 2**14  # pixels of a mask that are compared with its colors
FILLED_AT = 1024  # pixels of the longer side at which black takes the nearest region

Color: TypeAlias = tuple[int, int, int]
"""A color of a mask, 8-bit red, green and blue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionMap:
    """How much each pixel belongs to each region.

    Attributes:
        colors: Colors of the regions.
        shares: uint8, (height, width, regions); 255 is a pixel that belongs to one region only. The shares of a pixel
            sum to 255 where it belongs to regions, up to rounding, and to less toward black.
    """

    colors: tuple[Color, ...]
    shares: NDArray[np.uint8]

    @property
    def sha256(self) -> str:
        """SHA-256 of colors and shares."""
        digest = hashlib.sha256(repr((self.colors, self.shares.shape)).encode())
        for rows in bands(self.shares):
            digest.update(self.shares[rows].tobytes())
        return digest.hexdigest()

    def no_larger(self, longer: int) -> RegionMap:
        """Return the map scaled down to a given longer side; a smaller map is returned unchanged."""
        size = Size(*self.shares.shape[:2])
        if max(size) <= longer:
            return self
        smaller = with_longer_side(size, longer)
        shares = np.empty((*smaller, len(self.colors)), np.uint8)
        for number in range(len(self.colors)):
            shares[..., number] = np.rint(255.0 * self.plane(number, smaller))
        return replace(self, shares=shares)

    def at(self, size: Size) -> Pixels:
        """Return the shares at another size, float32, 0..1, (height, width, regions); mapped if they are large."""
        return self._planes(size, len(self.colors))

    def with_whole(self, size: Size) -> Pixels:
        """Return the shares at another size, like `at`, and a last one of 1 for the whole image."""
        made = self._planes(size, len(self.colors) + 1)
        for rows in bands(made):
            made[rows, :, -1] = 1.0
        return made

    def _planes(self, size: Size, count: int) -> Pixels:
        made = new_array((*size, count))
        for number in range(len(self.colors)):
            plane = self.plane(number, size)
            for rows in bands(made):
                made[rows, :, number] = plane[rows]
        return made

    def plane(self, number: int, size: Size) -> Pixels:
        """Return the shares of one region at another size, float32, 0..1, (height, width)."""
        own = np.ascontiguousarray(self.shares[..., number])
        plane = Image.fromarray(own).convert("F").resize((size.width, size.height), Image.Resampling.BILINEAR)
        shares: Pixels = np.asarray(plane, np.float32) / np.float32(255.0)
        return shares


def masked(picture: Picture, shares: Pixels) -> Picture:
    """Return a picture that is opaque only where it belongs to a region, 0..1, (height, width)."""
    return replace(picture, alpha=shares if picture.alpha is None else shares * picture.alpha)


def hexadecimal(color: Color) -> str:
    """Return a color as in HTML, such as `#ff0000`."""
    return "#" + bytes(color).hex()


def check_proportions(
    mask: Size,
    image: Size,
    mask_name: str,
    image_name: str,
) -> None:
    """Check that a mask has the proportions of its image, within 2 %.

    Raises:
        ConfigError: It has others.
    """
    ratio = (mask.width / mask.height) / (image.width / image.height)
    if not 1 / (1 + TOLERANCE) <= ratio <= 1 + TOLERANCE:
        message = (
            f"expected the mask {mask_name} to have the proportions of {image_name}, {image.width}x{image.height}, got "
            f"{mask.width}x{mask.height}; save it upright and in the size of the image"
        )
        raise ConfigError(message)


def mask_colors(mask: Picture, name: str) -> tuple[Color, ...]:
    """Return the colors of a mask's regions, without black, sorted.

    Args:
        mask: The mask.
        name: Its name, for the message.

    Raises:
        ConfigError: It has no colors besides black, or more than 8, or looks like a photo.
    """
    values = _bytes_of(mask)
    found = _flat_colors(values)
    colors = [color for color in found if color != BLACK]
    flat = sum(found.values())
    if not colors or flat < LEAST_FLAT:
        got = f"{100 * flat:.0f} % of flat colors" if colors else "none"
        message = f"expected the mask {name} to have areas of flat color besides black, got {got}; paint its regions"
        raise ConfigError(message)
    if len(colors) > MOST_REGIONS:
        message = (
            f"expected the mask {name} to have at most {MOST_REGIONS} colors besides black, got {len(colors)}; paint "
            "fewer regions, and save it without dithering or compression losses"
        )
        raise ConfigError(message)
    if _is_photographic(values, (*colors, BLACK)):
        message = (
            f"expected the mask {name} to consist of a few flat colors, got a picture with many others, such as a "
            "photo; paint its regions, and save it as PNG"
        )
        raise ConfigError(message)
    return tuple(sorted(colors))


def nearest_color(color: Color, among: Sequence[Color]) -> Color | None:
    """Return the color that counts as the same; None if there is none."""
    near = min(among, key=lambda other: _difference(color, other), default=None)
    return near if near is not None and _difference(color, near) < DISTANCE else None


def region_map(
    mask: Picture,
    regions: Sequence[Color],
    name: str,
    *,
    filled: bool,
) -> RegionMap:
    """Compute how much each pixel of a mask belongs to some regions.

    Args:
        mask: The mask.
        regions: Colors of the regions. Other colors of the mask belong to none of them.
        name: Name of the mask, for messages.
        filled: Whether pixels that belong to no region follow the nearest one.

    Raises:
        ConfigError: The mask has no colors or too many.
    """
    values = _bytes_of(mask)
    own = (*mask_colors(mask, name), BLACK)
    shares = np.zeros((*values.shape[:2], len(regions)), np.uint8)
    wanted = [nearest_color(color, regions) if color != BLACK else None for color in own]
    for rows in bands(values):
        parts = _mixtures(values[rows], own)
        for part, color in zip(np.moveaxis(parts, -1, 0), wanted, strict=True):
            if color is not None:
                shares[rows, :, regions.index(color)] += part
    if filled:
        _fill(shares)
    return RegionMap(colors=tuple(regions), shares=shares)


def _difference(one: Color, other: Color) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def _bytes_of(mask: Picture) -> NDArray[np.uint8]:
    """Return the colors of a mask, uint8; transparent pixels are black."""
    if mask.is_invisible:
        return np.zeros(mask.pixels.shape, np.uint8)
    values = np.empty(mask.pixels.shape, np.uint8)
    for rows in bands(mask.pixels):
        band = mask.pixels[rows]
        if mask.alpha is not None:
            band = band * mask.alpha[rows][..., None]
        values[rows] = np.rint(255.0 * band)
    return values


def _flat_colors(values: NDArray[np.uint8]) -> dict[Color, float]:
    """Return the colors of areas of at least 3x3 equal pixels, with their shares of the mask.

    They come by descending area; near ones count as the first.
    """
    wide = values.astype(np.int32)
    codes = (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]
    across = codes[:, 1:] == codes[:, :-1]
    level = across[:, 1:] & across[:, :-1]
    down = codes[1:] == codes[:-1]
    upright = down[1:] & down[:-1]
    flat = level[:-2] & level[1:-1] & level[2:] & upright[:, 1:-1]
    every = 1 + codes.size // SAMPLED
    centers = codes[1:-1, 1:-1]
    found, counts = np.unique(centers[flat][::every], return_counts=True)
    descending = np.argsort(-counts, kind="stable")
    colors: dict[Color, int] = {}
    for place in descending:
        code = int(found[place])
        count = int(counts[place])
        color = (code >> 16, code >> 8 & 255, code & 255)
        if _difference(color, BLACK) < DISTANCE:
            color = BLACK
        same = nearest_color(color, tuple(colors)) or color
        colors[same] = colors.get(same, 0) + count
    shares = {color: every * count / codes.size for color, count in colors.items()}
    return {color: share for color, share in shares.items() if share >= LEAST_SHARE}


def _is_photographic(values: NDArray[np.uint8], colors: Sequence[Color]) -> bool:
    """Whether most pixels have none of the colors, and too many of them are no mixture of two either, as in a photo.

    Soft edges are mixtures, however wide they are, and few pixels of a JPEG are far from its colors.
    """
    every = 1 + values.shape[0] * values.shape[1] // COMPARED
    pixels = values.reshape(-1, 3)[::every]
    palette = np.array(colors, np.float32)
    is_between = np.abs(pixels[:, None] - palette).max(-1).min(-1) > EXACT
    mixed = _mixtures(pixels[None], colors)[0] / np.float32(255.0) @ palette
    is_stray = np.abs(pixels - mixed).max(-1) > EXACT
    return bool(is_between.mean() > MOST_SOFT and is_stray.mean() > MOST_STRAY)


def _mixtures(values: NDArray[np.uint8], colors: Sequence[Color]) -> NDArray[np.uint8]:
    """Return how much each pixel is made of each color: of one, or of the two whose mixture is nearest to it.

    Args:
        values: (height, width, 3).
        colors: At least one.

    Returns:
        Shares that sum to 255, (height, width, colors).
    """
    pixels = values.reshape(-1, 3)
    shares = np.zeros((len(pixels), len(colors)), np.uint8)
    left = np.arange(len(pixels))
    for number, color in enumerate(np.array(colors, np.int16)):
        difference = np.abs(pixels[left] - color).max(-1)
        is_exact = difference <= EXACT
        shares[left[is_exact], number] = 255
        left = left[~is_exact]
    shares[left] = _shares_of_two(pixels[left], colors)
    return shares.reshape(*values.shape[:2], len(colors))


def _shares_of_two(pixels: NDArray[np.uint8], colors: Sequence[Color]) -> NDArray[np.uint8]:
    """Return the shares of the two colors whose mixture is nearest to each pixel, (N, 3) -> (N, colors).

    The mixtures of two colors lie on the line between them; a pixel is projected onto every such line.
    """
    palette = np.array(colors, np.float32)
    mixed = pixels.astype(np.float32)
    to_colors = mixed[:, None] - palette
    error = np.square(to_colors).sum(-1)
    first = error.argmin(-1)
    second = first.copy()
    share = np.ones(len(mixed), np.float32)
    least = error.min(-1)
    for one, other in combinations(range(len(colors)), 2):
        line = palette[other] - palette[one]
        from_one = mixed - palette[one]
        position = from_one @ line / (line @ line)
        along = np.clip(position, 0.0, 1.0)
        missed = from_one - along[:, None] * line
        rest = np.square(missed).sum(-1)
        is_nearer = rest < least
        first[is_nearer] = one
        second[is_nearer] = other
        share[is_nearer] = 1.0 - along[is_nearer]
        least[is_nearer] = rest[is_nearer]
    of_first = np.rint(255.0 * share).astype(np.uint8)
    rows = np.arange(len(mixed))
    shares = np.zeros((len(mixed), len(colors)), np.uint8)
    shares[rows, second] = 255 - of_first
    shares[rows, first] += of_first
    return shares


def _fill(shares: NDArray[np.uint8]) -> None:
    """Give what belongs to no region to the nearest region, in place."""
    height, width, regions = shares.shape
    every = -(-max(height, width) // FILLED_AT)
    is_large = min(height, width) > every
    small = shares[every // 2 :: every, every // 2 :: every] if is_large else shares
    labels = _labels(small)
    total = shares.sum(-1, dtype=np.int32)
    if labels.all() and total.min() >= 254:
        return
    pyvips = libvips()
    image = pyvips.Image.new_from_array(np.ascontiguousarray(labels))
    nearest = image.fill_nearest().numpy()
    down = np.minimum(np.arange(height) // every, len(nearest) - 1)
    across = np.minimum(np.arange(width) // every, nearest.shape[1] - 1)
    for rows in bands(shares):
        band = shares[rows]
        taken = np.minimum(band.sum(-1, dtype=np.int32), 255)
        missing = np.uint8(255 - taken)
        region = nearest[down[rows]][:, across] - 1
        for number in range(regions):
            band[..., number] += missing * (region == number)


def _labels(shares: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the number of the region of each pixel, from 1; 0 for a pixel of which less than half is in any region.

    If there are no others, every pixel counts that is in a region at all.
    """
    largest = np.uint8(shares.argmax(-1) + 1)
    total = shares.sum(-1, dtype=np.int32)
    labels = largest * (total > 127)
    return labels if labels.any() else largest * (total > 0)
