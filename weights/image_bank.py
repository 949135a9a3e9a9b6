"""Photos and paintings as one stack in the device's memory, and random crops of them."""

from __future__ import annotations

import concurrent.futures
import pathlib
from typing import Any, NamedTuple

import numpy as np
from keras import ops
from PIL import Image

from compiled import compiled

SIDE = 400  # pixels; images are reduced to it, and padded to a square that crops do not reach into
HELD_OUT = 24  # images kept from training to measure on, every n-th of the list, at most a sixth of all
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
NOISES = 8  # images of white noise in the bank


class Windows(NamedTuple):
    """Where crops lie: n of them.

    Attributes:
        index: Image in the stack, (n,).
        extent: Height and width of the image, pixels, (n, 2).
        start: First row and column, (n, 2).
        edge: Height and width of the window, negative where it is mirrored, (n, 2).
        turned: Whether rows become columns, (n,).
    """

    index: np.ndarray
    extent: np.ndarray
    start: np.ndarray
    edge: np.ndarray
    turned: np.ndarray


class Jitter(NamedTuple):
    """Changes of color and contrast, each (n, 1, 1, 1) but `offset`, (n, 1, 1, 3)."""

    contrast: np.ndarray
    offset: np.ndarray
    saturation: np.ndarray
    noise: np.ndarray


class ImageBank:
    """Random crops of photos and paintings.

    Args:
        photos: Folder of images.
        paintings: Folder of images.
        side: Of the crops, pixels.
        random: Where all randomness comes from.

    Attributes:
        stack: uint8, (N, SIDE, SIDE, 3).
        noise: White noise of unit variance, (NOISES, SIDE, SIDE, 3).
        held_out: Images that no crop is of, (n, side, side, 3), 0..1.
    """

    def __init__(self, photos: pathlib.Path, paintings: pathlib.Path, side: int, random: np.random.Generator) -> None:
        self.side, self.random = side, random
        groups = [images_in(folder) for folder in (photos, paintings)]
        every = [*groups[0], *groups[1]]
        count = max(1, min(HELD_OUT, len(every) // 6))
        kept = set(range(0, len(every), len(every) // count))
        self.held_out = np.stack([center(every[i], side) for i in sorted(kept)[:count]])
        rows = [[i for i in range(len(every)) if i not in kept and (i < len(groups[0])) == first] for first in (1, 0)]
        chosen = [*rows[0], *rows[1]]
        self.photos, self.paintings = np.arange(len(rows[0])), np.arange(len(rows[0]), len(chosen))
        self.extents = np.array([every[i].shape[:2] for i in chosen], np.float32)
        pixels = np.zeros((len(chosen), SIDE, SIDE, 3), np.uint8)
        for image, i in zip(pixels, chosen, strict=True):
            image[: every[i].shape[0], : every[i].shape[1]] = every[i]
        self.stack = ops.convert_to_tensor(pixels)
        self.noise = ops.convert_to_tensor(random.standard_normal((NOISES, SIDE, SIDE, 3), np.float32))
        self._plain = compiled(self._changed)

    def windows(self, index: np.ndarray, smallest: float = -0.3, largest: float = 2.2) -> Windows:
        """Squares of random place, flip and size, `side` times 2 to the power of between `smallest` and `largest`."""
        random, count, extent = self.random, len(index), self.extents[index]
        size = self.side * 2 ** random.uniform(smallest, largest, count)
        edge = np.clip(size, 32, extent.min(1))[:, None].repeat(2, 1)
        start = random.uniform(0, 1, (count, 2)) * (extent - edge)
        mirrored = random.random(count) < 0.5
        start[:, 1] += np.where(mirrored, edge[:, 1], 0)
        edge[:, 1] *= np.where(mirrored, -1, 1)
        return Windows(np.int32(index), extent, np.float32(start), np.float32(edge), random.random(count) < 0.2)

    def any(self, count: int, share: float = 0.5) -> np.ndarray:
        """Numbers of random images, this share of them photos."""
        photo = self.random.random(count) < share
        return np.where(photo, self.random.choice(self.photos, count), self.random.choice(self.paintings, count))

    def noise_windows(self, count: int, cell: Any = 1.0) -> Windows:
        """Places in the noise such that one value of it becomes `cell` pixels."""
        edge = np.float32(np.broadcast_to(np.reshape(self.side / np.asarray(cell), (-1, 1)), (count, 2)))
        start = np.floor(self.random.uniform(0, 1, (count, 2)) * (SIDE - edge))
        index, extent = self.random.integers(NOISES, size=count), np.full((count, 2), SIDE, np.float32)
        return Windows(np.int32(index), extent, np.float32(start), edge, np.zeros(count, bool))

    def jitter(self, count: int) -> Jitter:
        random = self.random
        one = (count, 1, 1, 1)
        offset = random.uniform(-0.15, 0.15, (count, 1, 1, 3)) * random.integers(0, 2, one)
        settings = random.uniform(0.6, 1.4, one), offset, random.uniform(0.3, 1.7, one), random.uniform(0, 0.04, one)
        return Jitter(*map(np.float32, settings))

    def plain(self, count: int) -> Any:
        """Crops with changes of color, contrast and a little noise, (count, side, side, 3), 0..1."""
        windows, noises = self.windows(self.any(count)), self.noise_windows(count)
        return self._plain(self.stack, self.noise, windows, noises, self.jitter(count))

    def _changed(self, stack: Any, noise: Any, windows: Windows, noises: Windows, jitter: Jitter) -> Any:
        image = crops(stack, windows, self.side) / 255
        gray = ops.mean(image, -1, keepdims=True)
        image = gray + (image - gray) * jitter.saturation + jitter.noise * crops(noise, noises, self.side)
        return ops.clip((image - 0.5) * jitter.contrast + 0.5 + jitter.offset, 0, 1)


def crops(stack: Any, windows: Windows, side: int) -> Any:
    """Windows of images, resampled by an antialiased bicubic kernel, float32 in the stack's units."""
    images = ops.cast(ops.take(stack, windows.index, axis=0), "float32")
    rows, columns = (
        resampling(windows.start[:, a], windows.edge[:, a], windows.extent[:, a], side, SIDE) for a in (0, 1)
    )
    found = ops.einsum("bjw,biwc->bijc", columns, ops.einsum("bih,bhwc->biwc", rows, images))
    return ops.where(windows.turned[:, None, None, None], ops.transpose(found, (0, 2, 1, 3)), found)


def resampling(start: Any, edge: Any, extent: Any, side: int, length: int) -> Any:
    """Matrices (n, side, length) that resample lines of `length` pixels; what lies beyond `extent` has no weight."""
    steps = (np.arange(side, dtype=np.float32) + 0.5) / side
    pixels = np.arange(length, dtype=np.float32) + 0.5
    centers = start[:, None] + edge[:, None] * steps
    scale = ops.maximum(ops.abs(ops.convert_to_tensor(edge)) / side, 1.0)[:, None, None]
    weights = cubic((pixels - centers[:, :, None]) / scale) * ops.cast(pixels < extent[:, None, None], "float32")
    return weights / ops.sum(weights, -1, keepdims=True)


def cubic(x: Any) -> Any:
    """Keys's kernel with a = -1/2 (IEEE Trans. ASSP 29, 1981, eq. 15), the one of Pillow's BICUBIC."""
    x = ops.abs(ops.convert_to_tensor(x))
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return ops.where(x < 1, near, ops.where(x < 2, far, ops.zeros_like(x)))


def images_in(folder: pathlib.Path) -> list[np.ndarray]:
    """Its images in order of their names, reduced to SIDE, uint8 (H, W, 3)."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    with concurrent.futures.ThreadPoolExecutor() as threads:
        return list(threads.map(open_rgb, paths))


def open_rgb(path: pathlib.Path) -> np.ndarray:
    with Image.open(path) as image:
        rgb = image.convert("RGB")
    rgb.thumbnail((SIDE, SIDE), Image.LANCZOS)
    return np.asarray(rgb)


def center(image: np.ndarray, side: int) -> np.ndarray:
    """The square in the middle, at most twice `side` wide, float32 0..1."""
    half = min(2 * side, *image.shape[:2]) / 2
    middle = image.shape[1] / 2, image.shape[0] / 2
    box = (middle[0] - half, middle[1] - half, middle[0] + half, middle[1] + half)
    return np.asarray(Image.fromarray(image).resize((side, side), Image.BICUBIC, box=box), np.float32) / 255
