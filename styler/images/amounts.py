"""Reads gray masks that say how much painting there is where: what stays photographic, and how strong the rest is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

from styler.images.color import RGB_TO_YCBCR
from styler.images.mapped import bands
from styler.images.picture import Picture, Pixels
from styler.images.sizes import no_larger
from styler.types import Size

if TYPE_CHECKING:
    from numpy.typing import NDArray

FADED = 0.25  # share of the strength below which the picture is mixed with the photo
COLORFUL = 1 / 8  # difference between two channels from which a pixel is in color; JPEG tints gray by less
MOST_COLORED = 0.01  # share of a gray mask that may be in color
FEATHER = 1 / 64  # width of the soft edge of what stays photographic, as a share of the longer side: 8 of 512 pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How much painting there is where.

    Attributes:
        keep: What stays photographic, uint8, (height, width), 255 for all; None for nothing.
        strength: Strength relative to that of the render, uint8, (height, width), 255 for all; None for full strength
            everywhere.
    """

    keep: NDArray[np.uint8] | None
    strength: NDArray[np.uint8] | None

    def at(self, size: Size) -> Pixels:
        """Return the amounts at a size, float32, 0..1, (height, width, 1): 0 is the photo, 1 full strength."""
        amounts = np.ones((*size, 1), np.float32)
        if self.strength is not None:
            amounts[..., 0] = np.asarray(_resized(self.strength, size), np.float32) / 255.0
        if self.keep is not None:
            radius = FEATHER * max(size) / 4.0
            soft = _resized(self.keep, size).filter(ImageFilter.BoxBlur(radius)).filter(ImageFilter.BoxBlur(radius))
            amounts[..., 0] *= 1.0 - np.asarray(soft, np.float32) / 255.0
        return amounts


def cover(amounts: Pixels) -> Pixels:
    """Return how much of the rendered picture shows over the photo, 0..1.

    It is all from a quarter of the strength on. Less painting there is a weaker render, and not a mixture of two
    pictures; only the last step to the photo itself is one.
    """
    return np.minimum(amounts / FADED, 1.0)


def amounts_of(keep: Picture | None, strength: Picture | None, longer: int) -> Amounts | None:
    """Read the gray masks of a photo; None if there are none.

    Args:
        keep: White where the photo stays photographic.
        strength: White for full strength, black for none.
        longer: Longer side of the result in pixels; masks are not kept larger than that.
    """
    if keep is None and strength is None:
        return None
    return Amounts(
        keep=None if keep is None else _gray(keep, longer),
        strength=None if strength is None else _gray(strength, longer),
    )


def is_colored(mask: Picture) -> bool:
    """Whether a mask is in color, so that its author may have meant something else by it than its lightness."""
    colored = sum(int((np.ptp(mask.pixels[rows], axis=-1) > COLORFUL).sum()) for rows in bands(mask.pixels))
    return colored > MOST_COLORED * mask.pixels.shape[0] * mask.pixels.shape[1]


def _gray(mask: Picture, longer: int) -> NDArray[np.uint8]:
    """Return the lightness of a mask, uint8, at most at a given longer side; transparent pixels are black."""
    if mask.is_invisible:
        return np.zeros(no_larger(mask.size, longer), np.uint8)
    gray = np.empty(mask.size, np.uint8)
    for rows in bands(mask.pixels):
        lightness = mask.pixels[rows] @ RGB_TO_YCBCR[0]
        if mask.alpha is not None:
            lightness = lightness * mask.alpha[rows]
        gray[rows] = np.rint(255.0 * np.clip(lightness, 0.0, 1.0))
    return np.asarray(_resized(gray, no_larger(mask.size, longer)))


def _resized(gray: NDArray[np.uint8], size: Size) -> Image.Image:
    return Image.fromarray(gray).resize((size.width, size.height), Image.Resampling.BILINEAR)
