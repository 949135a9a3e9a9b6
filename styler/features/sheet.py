"""Activations as a picture: labelled tiles of the strongest channels."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from styler.errors import LayerError
from styler.types import Features

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

CHANNELS = 16  # tiles of one layer and image: two rows of eight are seen at a glance
COLUMNS = 8
TILE = 96  # pixels; a 512 pixel image has 64 x 64 positions at block4 of a VGG
LABEL = 14  # pixels, one line of Pillow's built-in font
PAPER, INK, HEAT, COLD = (255, 255, 255), (0, 0, 0), (200, 30, 30), (30, 60, 200)


def strongest(activations: NDArray[np.floating[Any]], count: int = CHANNELS) -> list[int]:
    """Channels by their mean absolute activation, strongest first, equal ones by number; activations (H, W, C)."""
    import numpy as np

    strength = np.abs(activations.astype(np.float32)).mean(axis=(0, 1))
    order = np.argsort(-strength, kind="stable")
    return [int(channel) for channel in order[:count]]


def normalized(channel: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Smallest value black, largest white; a channel of one value is gray. (H, W) -> uint8."""
    import numpy as np

    values = channel.astype(np.float32)
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.full(values.shape, 128, np.uint8)
    return np.rint((values - low) / (high - low) * 255).astype(np.uint8)


def signed(channel: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """White at zero, red above, blue below, full color at the 99th percentile of size. (H, W) -> (H, W, 3)."""
    import numpy as np

    scale = float(np.percentile(np.abs(channel), 99)) or 1.0
    share = np.clip(channel / scale, -1, 1)[..., None]
    far = np.where(share > 0, np.array(HEAT, np.float32), np.array(COLD, np.float32))
    return np.rint(255 + np.abs(share) * (far - 255)).astype(np.uint8)


def sheet(features: Features, names: list[str], heat: dict[str, Any] | None = None) -> Image.Image:
    """Rows of tiles for each image and layer, with channel numbers; maps of attribution first.

    Args:
        features: Address -> activations (B, H', W', C).
        names: Of the B images.
        heat: Title -> attribution (B, H, W).

    Raises:
        LayerError: A layer gives no maps.
    """
    bands = [
        _band(f"{name}  {title}", [("", signed(maps[index]))], TILE * 2)
        for title, maps in (heat or {}).items()
        for index, name in enumerate(names)
    ]
    for address, activations in features.items():
        _check_maps(address, activations)
        bands += [_band(f"{name}  {address}", list(_tiles(activations[index]))) for index, name in enumerate(names)]
    return _stacked(bands)


def _check_maps(address: str, activations: Any) -> None:
    if len(activations.shape) != 4:
        shape = tuple(activations.shape)
        message = f"{address!r} gives {shape}, expected maps (batch, height, width, channels); write it with -o instead"
        raise LayerError(message)


def _tiles(activations: Any) -> Iterable[tuple[str, Any]]:
    return ((str(channel), normalized(activations[..., channel])) for channel in strongest(activations))


def _band(title: str, tiles: list[tuple[str, Any]], side: int = TILE) -> Image.Image:
    """A title over rows of tiles."""
    from PIL import Image, ImageDraw

    columns = min(COLUMNS, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    size = (max(columns * (side + 2), 8 * len(title)), LABEL + rows * (side + LABEL))
    band = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(band)
    pen.text((2, 1), title, fill=INK)
    for index, (label, pixels) in enumerate(tiles):
        row, column = divmod(index, columns)
        left, top = column * (side + 2), LABEL + row * (side + LABEL)
        pen.text((left + 2, top), label, fill=INK)
        band.paste(_fitted(pixels, side), (left, top + LABEL))
    return band


def _fitted(pixels: Any, side: int) -> Image.Image:
    """Nearest neighbor, so that positions stay visible, longer side `side`."""
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
