"""Draws activations as labeled tiles of the strongest channels."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from styler.errors import LayerError
from styler.types import Features

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

CHANNELS = 16  # tiles per layer and image; two rows of eight are easy to survey
COLUMNS = 8
TILE = 96  # pixels; an image of 512 pixels has 64 x 64 positions at block4 of a VGG
LABEL = 14  # pixels; height of one line in Pillow's built-in font
PAPER = (255, 255, 255)
INK = (0, 0, 0)
HEAT = (220, 30, 20)


def strongest(activations: NDArray[np.floating[Any]], count: int = CHANNELS) -> list[int]:
    """Return the channels with the highest mean absolute activation, strongest first; equal ones by number.

    Args:
        activations: Activations of one image, (H, W, C).
        count: Maximum number of channels.
    """
    import numpy as np

    strength = np.abs(activations.astype(np.float32)).mean(axis=(0, 1))
    order = np.argsort(-strength, kind="stable")
    return [int(channel) for channel in order[:count]]


def normalized(channel: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Stretch a channel (H, W) to uint8: the lowest value black, the highest white. A constant channel is gray."""
    import numpy as np

    values = channel.astype(np.float32)
    low = float(values.min())
    high = float(values.max())
    if high <= low:
        return np.full(values.shape, 128, np.uint8)
    return np.rint((values - low) / (high - low) * 255).astype(np.uint8)


def warmed(image: NDArray[np.floating[Any]], heat: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Draw a heat map in red over an image in gray, with full color at the 99th percentile.

    Args:
        image: Image (H, W, 1 or 3), 0..1.
        heat: Heat map (H', W'), >= 0; it is resized to the image.

    Returns:
        Image (H, W, 3), uint8.
    """
    import numpy as np
    from PIL import Image

    height, width = image.shape[:2]
    scale = float(np.percentile(heat, 99)) or float(heat.max()) or 1.0
    small = Image.fromarray(np.clip(heat / scale, 0, 1).astype(np.float32))
    share = np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))[..., None]
    gray = 255 * image.mean(-1, keepdims=True)
    return np.rint(gray + share * (np.array(HEAT, np.float32) - gray)).clip(0, 255).astype(np.uint8)


class Heat(NamedTuple):
    """Attribution maps, which show what in the images activates a channel.

    Attributes:
        title: Title of the tiles.
        maps: Maps (B, H', W'), >= 0.
        images: Images (B, H, W, 1 or 3), 0..1.
    """

    title: str
    maps: NDArray[np.floating[Any]]
    images: NDArray[np.floating[Any]]


def sheet(features: Features, names: list[str], heat: Heat | None = None) -> Image.Image:
    """Draw rows of tiles for each image and layer, labeled with channel numbers. Attribution maps come first.

    Args:
        features: Address -> activations (B, H', W', C).
        names: Names of the B images.
        heat: Attribution maps of a channel; None for none.

    Raises:
        LayerError: The activations of a layer are not maps.
    """
    bands = []
    if heat is not None:
        bands = [
            _band(f"{name}  {heat.title}", [("", warmed(image, values)), ("", normalized(values))], TILE * 3)
            for name, image, values in zip(names, heat.images, heat.maps, strict=True)
        ]
    for address, activations in features.items():
        _check_maps(address, activations)
        bands += [_band(f"{name}  {address}", list(_tiles(activations[index]))) for index, name in enumerate(names)]
    return _stacked(bands)


def _check_maps(address: str, activations: Any) -> None:
    if len(activations.shape) != 4:
        shape = tuple(activations.shape)
        message = f"expected maps (batch, height, width, channels), got {shape} from {address!r}; use -o for it instead"
        raise LayerError(message)


def _tiles(activations: Any) -> Iterable[tuple[str, Any]]:
    return ((str(channel), normalized(activations[..., channel])) for channel in strongest(activations))


def _band(title: str, tiles: list[tuple[str, Any]], side: int = TILE) -> Image.Image:
    """Draw a title above rows of tiles."""
    from PIL import Image, ImageDraw

    columns = min(COLUMNS, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    size = (max(columns * (side + 2), 8 * len(title)), LABEL + rows * (side + LABEL))
    band = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(band)
    pen.text((2, 1), title, fill=INK)
    for index, (label, pixels) in enumerate(tiles):
        row, column = divmod(index, columns)
        left = column * (side + 2)
        top = LABEL + row * (side + LABEL)
        pen.text((left + 2, top), label, fill=INK)
        band.paste(_fitted(pixels, side), (left, top + LABEL))
    return band


def _fitted(pixels: Any, side: int) -> Image.Image:
    """Resize an image to the longer side `side`, with nearest neighbor so that positions stay visible."""
    from PIL import Image

    image = Image.fromarray(pixels)
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.convert("RGB").resize(size, Image.Resampling.NEAREST)


def _stacked(bands: list[Image.Image]) -> Image.Image:
    from PIL import Image

    whole = Image.new("RGB", (max(band.width for band in bands), sum(band.height for band in bands)), PAPER)
    top = 0
    for band in bands:
        whole.paste(band, (0, top))
        top += band.height
    return whole
