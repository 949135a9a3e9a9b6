"""Size arithmetic; sizes are (height, width) in pixels."""

from __future__ import annotations

import math
from typing import NamedTuple

from styler.config import ORIGINAL
from styler.errors import ConfigError
from styler.types import Size


def with_longer_side(size: Size, longer: int) -> Size:
    """Scale a size to a given longer side, keeping the aspect ratio. Each side stays at least 1.

    Example:
        >>> with_longer_side(Size(300, 400), 512)
        Size(height=384, width=512)
    """
    scale = longer / max(size)
    return Size(*(max(1, round(side * scale)) for side in size))


def result_size(
    asked: int | str,
    photo: Size,
    minimum: int,
    fixed: Size | None = None,
) -> Size:
    """Return the size of a render's result.

    Args:
        asked: The longer side in pixels, or "original" for the photo's own size.
        photo: Size of the photo.
        minimum: Smallest side that the network accepts, in pixels.
        fixed: The exact size if it is known, from a recipe or from a batch that renders equal shapes together.

    Raises:
        ConfigError: The shorter side would fall below `minimum`.

    Example:
        >>> result_size(512, Size(300, 400), 32)
        Size(height=384, width=512)
    """
    size = fixed or (photo if asked == ORIGINAL else with_longer_side(photo, int(asked)))
    check_shape(size, minimum, "the result")
    return size


def no_larger(size: Size, longer: int) -> Size:
    """Scale a size down to a given longer side. A smaller size is returned unchanged."""
    return with_longer_side(size, longer) if max(size) > longer else size


def octaves(
    longer: int,
    smallest: int,
    count: int | None = None,
    through: int | None = None,
) -> list[int]:
    """Return the longer sides of the octaves, from coarse to fine, a factor of sqrt(2) apart, ending at `longer`.

    Args:
        longer: Longer side of the result, in pixels.
        smallest: Minimum longer side, in pixels. The last octave may be smaller.
        count: Number of octaves; None for as many as fit.
        through: Longer side of a smaller result all of whose octaves come first; those above it are at nearly a factor
            of sqrt(2). None, or at least `longer`, for no such result.

    Example:
        >>> octaves(512, 128)
        [128, 181, 256, 362, 512]
        >>> octaves(512, 128, through=300)
        [150, 212, 300, 392, 512]
    """
    if through is not None and through < longer:
        above = max(1, round(2 * math.log2(longer / through)))
        ratio = (longer / through) ** (1 / above)
        every = octaves(through, smallest) + [round(through * ratio**index) for index in range(1, above + 1)]
        return every if count is None else every[-count:]
    sides = [longer]
    while count is None or len(sides) < count:
        next_side = round(longer / 2 ** (len(sides) / 2))
        if next_side < smallest:
            break
        sides.append(next_side)
    return sides[::-1]


def check_shape(size: Size, minimum: int, name: str) -> None:
    """Check that an image is large enough for the network.

    Args:
        size: (height, width) of the image.
        minimum: Smallest side that the network accepts, in pixels.
        name: Name of the image, for the message.

    Raises:
        ConfigError: The shorter side is below `minimum`.
    """
    if min(size) < minimum:
        message = (
            f"{name} would have {size.width}x{size.height} pixels, but the network needs at least {minimum} per side; "
            "choose a larger --size or a less narrow image"
        )
        raise ConfigError(message)


def painting_size(
    painting: Size,
    longer: int,
    minimum: int,
    scale: float = 1.0,
) -> Size:
    """Return the size at which a painting is used for a picture with a given longer side.

    A painting is never enlarged, except by a scale above 1. A very wide or tall painting gets a larger longer side than
    the picture, so that its shorter side is still large enough for the network in a coarse octave.

    Args:
        painting: Size of the painting itself.
        longer: Longer side of the picture, in pixels.
        minimum: Smallest shorter side, in pixels. A painting that is smaller keeps its size.
        scale: Size of the painting's marks, relative to that without a scale.

    Example:
        >>> painting_size(Size(500, 3000), 128, 32)
        Size(height=32, width=192)
        >>> painting_size(Size(300, 400), 512, 32, scale=1.5)
        Size(height=450, width=600)
    """
    least = -(-minimum * max(painting) // min(painting))
    plain = no_larger(painting, max(longer, least))
    if scale == 1.0:
        return plain
    smallest = min(least, max(plain))  # in a coarse octave, marks cannot become smaller than the network sees them
    return with_longer_side(painting, max(round(scale * max(plain)), smallest))


class Enlargement(NamedTuple):
    """How a painting is resized for a picture.

    Attributes:
        first: Size that it gets first, which settles its finest detail.
        last: Size that it gets from there; the same unless its marks match those of a smaller picture.
    """

    first: Size
    last: Size

    @property
    def words(self) -> str:
        """Description of the first size if it matters; otherwise ""."""
        return "" if self.first == self.last else f" from {self.first.width}x{self.first.height}"


def enlargement(
    painting: Size,
    longer: int,
    minimum: int,
    scale: float = 1.0,
    match: int | None = None,
) -> Enlargement:
    """Return how a painting is resized for a picture with a given longer side.

    Args:
        painting: Size of the painting itself.
        longer: Longer side of the picture, in pixels.
        minimum: As in `painting_size`.
        scale: As in `painting_size`.
        match: Longer side of a smaller picture, in pixels. In a larger one, the painting is as large relative to the
            picture, and has no finer detail. None for marks that follow the size.

    Example:
        >>> enlargement(Size(300, 400), 1024, 32, match=256)
        Enlargement(first=Size(height=192, width=256), last=Size(height=768, width=1024))
    """
    if match is None or longer <= match:
        plain = painting_size(painting, longer, minimum, scale)
        return Enlargement(plain, plain)
    seen = painting_size(painting, match, minimum, scale)
    return Enlargement(seen, with_longer_side(painting, round(max(seen) * longer / match)))


def is_much_larger(painting: Size, picture: Size) -> bool:
    """Whether a painting is so large that it takes more memory than the picture if both are seen in one piece.

    This is so if its longer side is longer, or if it has more than twice as many pixels: only the picture is drawn or
    has gradients.
    """
    pixels = painting.height * painting.width
    return max(painting) > max(picture) or pixels > 2 * picture.height * picture.width


def check_scale(
    painting: Size,
    longer: int,
    minimum: int,
    scale: float,
    name: str,
) -> None:
    """Check that a painting is large enough for the network after scaling; see `painting_size`.

    Raises:
        ConfigError: A side would be below `minimum`.
    """
    plain = no_larger(painting, longer)
    scaled = with_longer_side(painting, max(1, round(scale * max(plain))))
    if scale < 1.0 and min(scaled) < minimum:
        least = math.ceil(100 * minimum / min(plain)) / 100
        message = (
            f"--style-scale {scale:g} would shrink {name} to {scaled.width}x{scaled.height} pixels, but the network "
            f"needs at least {minimum} per side; choose a scale of at least {min(least, 1):g} or a larger --size"
        )
        raise ConfigError(message)


def check_painting(size: Size, minimum: int, name: str) -> None:
    """Check that a painting is large enough for the network at its own size.

    Raises:
        ConfigError: A side is below `minimum`.
    """
    if min(size) < minimum:
        message = (
            f"{name} has {size.width}x{size.height} pixels, expected at least {minimum} per side; "
            "use a larger copy of it, because a style image is never enlarged"
        )
        raise ConfigError(message)
