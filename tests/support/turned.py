"""Photos of a camera that was held every possible way."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image

from styler.images.reading import check_readable, read_image
from styler.images.recipes import png_chunk

# EXIF orientation -> what is stored as it is meant to be seen (EXIF 3.0, section 4.6.5.1.6)
TURNS = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored[::-1].swapaxes(0, 1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: stored[:, ::-1].swapaxes(0, 1),
}


def ramps(size: tuple[int, int], dtype: type, channels: int) -> np.ndarray:
    """A ramp of its own direction in each of 3 or 4 channels; none of them is 0, so that nothing is transparent."""
    rows, columns = (np.linspace(1, np.iinfo(dtype).max, side).astype(dtype) for side in size)
    each = [rows[:, None], columns, rows[::-1, None], columns[::-1]][:channels]
    return np.stack([np.broadcast_to(ramp, size) for ramp in each], -1)


def check_turned(path: Path, stored: np.ndarray, orientation: int) -> None:
    """Write a PNG with an orientation and read it back, every level of it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = bytes(imagecodecs.png_encode(stored, level=1))
    path.write_bytes(data[:33] + png_chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")) + data[33:])
    picture, seen = read_image(path), TURNS.get(orientation, TURNS[1])(stored)
    assert check_readable(path) == picture.size == seen.shape[:2]
    assert picture.depth == 8 * stored.itemsize
    full = np.float32(np.iinfo(stored.dtype).max)
    np.testing.assert_array_equal(picture.pixels, seen[..., :3] / full)
    if stored.shape[2] == 4:
        np.testing.assert_array_equal(picture.alpha, seen[..., 3] / full)
