"""Pictures made for tests: float32, sRGB 0..1, (height, width, 3)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def blobs(height: int, width: int, seed: int, cells: int = 6) -> np.ndarray:
    """Smooth colored patches."""
    coarse = np.random.default_rng(seed).integers(0, 256, (cells, cells, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), np.float32) / 255


def stripes(height: int, width: int, period: int = 6) -> np.ndarray:
    """Diagonal stripes in two colors."""
    rows, columns = np.mgrid[0:height, 0:width]
    share = (0.5 + 0.5 * np.sin((rows + columns) * 2 * np.pi / period))[..., None]
    return np.float32(share * np.array([0.9, 0.7, 0.1]) + (1 - share) * np.array([0.1, 0.2, 0.6]))


def saved(path: Path, pixels: np.ndarray, **options: object) -> Path:
    Image.fromarray(np.uint8(np.rint(pixels * 255))).save(path, **options)
    return path
