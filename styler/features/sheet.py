"""Draws activations as labeled tiles of the strongest channels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from styler.errors import LayerError
from styler.types import Features

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

CHANNELS = 16  # tiles per layer and image; two rows of eight are easy to scan
COLUMNS = 8
TILE = 96  # pixels; an image of 512 pixels has 64 x 64 positions at block4 of a VGG
HEAT_TILE = 3 * TILE
GAP = 2  # pixels between the columns
LABEL = 14  # pixels; height of one line in Pillow's built-in font
LETTER = 8  # pixels; room for a letter of that font
PAPER = (255, 255, 255)
INK = (0, 0, 0)
HEAT = (220, 30, 20)

Floats: TypeAlias = "NDArray[np.floating[Any]]"
Bytes: TypeAlias = "NDArray[np.uint8]"

Tile: TypeAlias = "tuple[str, Bytes]"
"""Label and image, (H, W) or (H, W, 3)."""


def strongest(activations: Floats, count: int = CHANNELS) -> list[int]:
    """Return the channels with the highest mean absolute activation, strongest first; ties are in order of number.

    Args:
        activations: Activations of one image, (H, W, C).
        count: Maximum number of channels.
    """
    import numpy as np

    magnitudes = np.abs(activations.astype(np.float32))
    strength = magnitudes.mean(axis=(0, 1))
    order = np.argsort(-strength, kind="stable")
    return [int(channel) for channel in order[:count]]


def normalized(channel: Floats) -> Bytes:
    """Stretch a channel (H, W) to uint8: the lowest value black, the highest white. A constant channel is gray."""
    import numpy as np

    values = channel.astype(np.float32)
    low = float(values.min())
    high = float(values.max())
    if high <= low:
        return np.full(values.shape, 128, np.uint8)
    levels = (values - low) / (high - low) * 255
    return np.rint(levels).astype(np.uint8)


def warmed(image: Floats, heat: Floats) -> Bytes:
    """Draw a heat map in red over an image in gray. Red is at its full strength from the map's 99th percentile up.

    Args:
        image: Image (H, W, 1 or 3), 0..1.
        heat: Heat map (H', W'), >= 0; it is resized to the image.

    Returns:
        Image (H, W, 3), uint8.
    """
    import numpy as np
    from PIL import Image

    height, width = image.shape[:2]
    hottest = float(np.percentile(heat, 99)) or float(heat.max()) or 1.0
    strength = np.clip(heat / hottest, 0, 1)
    overlay = Image.fromarray(strength.astype(np.float32))
    resized = overlay.resize((width, height), Image.Resampling.BILINEAR)
    opacity = np.asarray(resized)[..., None]
    gray = 255 * image.mean(-1, keepdims=True)
    red = np.array(HEAT, np.float32)
    blended = gray + opacity * (red - gray)
    levels = np.rint(blended).clip(0, 255)
    return levels.astype(np.uint8)


class Heat(NamedTuple):
    """Attribution maps, which show what parts of the images activate a channel.

    Attributes:
        title: Title of the tiles.
        maps: Maps (B, H', W'), >= 0.
        images: Images (B, H, W, 1 or 3), 0..1.
    """

    title: str
    maps: Floats
    images: Floats


def sheet(
    features: Features,
    names: list[str],
    heat: Heat | None = None,
) -> Image.Image:
    """Draw the strongest channels of each layer and image as tiles with their numbers. Attribution maps come first.

    Args:
        features: Address -> activations (B, H', W', C).
        names: Names of the B images.
        heat: Attribution maps of a channel; None if there are none.

    Raises:
        LayerError: The activations of a layer are not maps.
    """
    bands = []
    if heat is not None:
        for name, image, values in zip(names, heat.images, heat.maps, strict=True):
            title = f"{name}  {heat.title}"
            over_image = ("", warmed(image, values))
            alone = ("", normalized(values))
            bands.append(_band(title, [over_image, alone], HEAT_TILE))
    for address, activations in features.items():
        _check_maps(address, activations)
        for index, name in enumerate(names):
            title = f"{name}  {address}"
            tiles = _tiles(activations[index])
            bands.append(_band(title, tiles, TILE))
    return _stacked(bands)


def _check_maps(address: str, activations: Any) -> None:
    if len(activations.shape) != 4:
        shape = tuple(activations.shape)
        message = f"expected maps (batch, height, width, channels), got {shape} from {address!r}; save it with -o"
        raise LayerError(message)


def _tiles(activations: Any) -> list[Tile]:
    """Return the strongest channels of one image, each labeled with its number."""
    tiles = []
    for channel in strongest(activations):
        pixels = normalized(activations[..., channel])
        tiles.append((str(channel), pixels))
    return tiles


def _band(
    title: str,
    tiles: list[Tile],
    side: int,
) -> Image.Image:
    """Draw a title above rows of tiles.

    Args:
        title: One line of text.
        tiles: Labels and images.
        side: Longer side of a tile, in pixels.
    """
    from PIL import Image, ImageDraw

    columns = min(COLUMNS, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    column_width = side + GAP
    row_height = LABEL + side
    width = max(columns * column_width, LETTER * len(title))
    height = LABEL + rows * row_height
    band = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(band)
    pen.text((2, 1), title, fill=INK)
    for index, (label, pixels) in enumerate(tiles):
        row, column = divmod(index, columns)
        left = column * column_width
        top = LABEL + row * row_height
        pen.text((left + 2, top), label, fill=INK)
        tile = _fitted(pixels, side)
        band.paste(tile, (left, top + LABEL))
    return band


def _fitted(pixels: Any, side: int) -> Image.Image:
    """Resize an image so that its longer side is `side`; nearest neighbor keeps single positions visible."""
    from PIL import Image

    image = Image.fromarray(pixels)
    scale = side / max(image.size)
    width = max(1, round(image.width * scale))
    height = max(1, round(image.height * scale))
    rgb = image.convert("RGB")
    return rgb.resize((width, height), Image.Resampling.NEAREST)


def _stacked(bands: list[Image.Image]) -> Image.Image:
    """Put images below one another."""
    from PIL import Image

    width = max(band.width for band in bands)
    height = sum(band.height for band in bands)
    whole = Image.new("RGB", (width, height), PAPER)
    top = 0
    for band in bands:
        whole.paste(band, (0, top))
        top += band.height
    return whole
