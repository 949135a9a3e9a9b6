"""Size arithmetic, (height, width) in pixels."""

from __future__ import annotations

from styler.config import ORIGINAL
from styler.errors import ConfigError
from styler.types import Size


def with_longer_side(size: Size, longer: int) -> Size:
    """Scale to a longer side, keeping the aspect; no side below 1.

    Example:
        >>> with_longer_side(Size(300, 400), 512)
        Size(height=384, width=512)
    """
    scale = longer / max(size)
    return Size(*(max(1, round(side * scale)) for side in size))


def result_size(asked: int | str, photo: Size, minimum: int, fixed: Size | None = None) -> Size:
    """The size of a render's result.

    Args:
        asked: The longer side, pixels, or "original" for the photo's own size.
        photo: Size of the photo.
        minimum: Least shorter side that the network can see, pixels.
        fixed: The exact size where it is known, from a recipe or from a batch that renders equal shapes together.

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
    """Scale down to a longer side; smaller sizes stay as they are."""
    return with_longer_side(size, longer) if max(size) > longer else size


def octaves(longer: int, smallest: int, count: int | None = None) -> list[int]:
    """Longer sides of a pyramid, coarse to fine, each sqrt(2) apart, ending at `longer`.

    Args:
        longer: Longer side of the result, pixels.
        smallest: No octave below this but the last one.
        count: Number of octaves, or None for as many as fit.

    Example:
        >>> octaves(512, 128)
        [128, 181, 256, 362, 512]
    """
    sides = [longer]
    while count is None or len(sides) < count:
        next_side = round(longer / 2 ** (len(sides) / 2))
        if next_side < smallest:
            break
        sides.append(next_side)
    return sides[::-1]


def check_shape(size: Size, minimum: int, name: str) -> None:
    """Refuse images too thin for the network.

    Raises:
        ConfigError: The shorter side would fall below `minimum`.
    """
    if min(size) < minimum:
        message = f"{name} would be {size.height}x{size.width} pixels (height x width), less than {minimum}: "
        raise ConfigError(message + "ask for a larger --size or a less narrow image")


def painting_size(painting: Size, longer: int, minimum: int) -> Size:
    """At which a painting is looked at for a picture of a longer side: never enlarged, and thick enough for a network.

    A scroll much wider than high keeps more than its share of pixels, so that a coarse octave still sees its height.

    Args:
        painting: Its own size.
        longer: Longer side of the picture, pixels.
        minimum: Least shorter side, pixels; a painting that has less keeps what it has.

    Example:
        >>> painting_size(Size(500, 3000), 128, 32)
        Size(height=32, width=192)
    """
    least = -(-minimum * max(painting) // min(painting))
    return no_larger(painting, max(longer, least))


def check_painting(size: Size, minimum: int, name: str) -> None:
    """Refuse a painting too small for the network at its own size.

    Raises:
        ConfigError: A side is below `minimum`.
    """
    if min(size) < minimum:
        message = (
            f"{name} has {size.height}x{size.width} pixels (height x width), expected at least {minimum} each way; "
            "give a larger copy of it; a style image is never enlarged"
        )
        raise ConfigError(message)
