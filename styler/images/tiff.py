"""TIFF files that libvips does not read, by tifffile: Zstandard, LZMA, Lab, floats of 24 and 64 bits, 10 to 14 bits."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from styler.images.mapped import bands, roomy
from styler.images.picture import Pixels
from styler.images.profiles import from_lab
from styler.types import Size

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

# Tags and values of TIFF 6.0 and of libtiff's later ones
BITS, COMPRESSION, PHOTOMETRIC, FORMAT = 258, 259, 262, 339
PLAIN_BITS = {1, 2, 4, 8, 16, 32}  # a channel: libvips reads them
SQUEEZED = {34_925, 50_000}  # LZMA, Zstandard: libvips comes without them
# None, LZW, both numbers of deflate, PackBits, and those: tifffile never unpacks more of them than the header says
COMPRESSIONS = {1, 5, 8, 32_946, 32_773, *SQUEEZED}
WHITE_IS_0, BLACK_IS_0, RGB, PALETTE, CMYK, LAB, ICC_LAB = 0, 1, 2, 3, 5, 8, 9
MODELS = {WHITE_IS_0: "gray", BLACK_IS_0: "gray", RGB: "rgb", PALETTE: "rgb", CMYK: "cmyk", LAB: "rgb", ICC_LAB: "rgb"}
STORED = {"gray": 1, "rgb": 3, "cmyk": 4}  # channels
PREMULTIPLIED, STRAIGHT = 1, 2  # kinds of alpha
MOST_CHANNELS = 16


class Contents(NamedTuple):
    """What such a file holds.

    Attributes:
        size: (height, width) as stored.
        pages: The first is read.
        model: "rgb", "gray" or "cmyk".
        alpha: 1 or 2 for premultiplied and straight, 0 for none.
        extras: Channels that are neither color nor alpha.
    """

    size: Size
    pages: int
    model: str
    alpha: int
    extras: int


def is_rare(exif: Image.Exif) -> bool:
    """Whether a file with these tags in its first directory is for this module."""
    bits, kind = (_listed(exif.get(tag)) for tag in (BITS, FORMAT))
    compression, photometric = (exif.get(tag, 1) for tag in (COMPRESSION, PHOTOMETRIC))
    if compression not in COMPRESSIONS or photometric not in MODELS:
        return False
    deep = bool(set(bits) - PLAIN_BITS) and set(kind) <= {1, 3}
    return deep or compression in SQUEEZED or photometric in (LAB, ICC_LAB)


def _listed(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else () if value is None else (value,)


@contextmanager
def _first_page(file: IO[bytes]) -> Iterator[tuple[Any, Any]]:
    """The file and its first page; what tifffile would log is in its errors."""
    import tifffile

    logger = logging.getLogger("tifffile")
    before, logger.disabled = logger.disabled, True
    file.seek(0)
    try:
        with tifffile.TiffFile(file) as opened:
            yield opened, opened.pages.first
    finally:
        logger.disabled = before


def contents(file: IO[bytes]) -> Contents:
    """Read what comes before the pixels.

    Raises:
        ValueError: Channels that mean nothing here.
    """
    with _first_page(file) as (opened, page):
        return _contents(page, len(opened.pages))


def _contents(page: Any, pages: int) -> Contents:
    model = MODELS.get(int(page.photometric))
    kinds = tuple(int(kind) for kind in page.extrasamples)
    stored = STORED[model] if model and page.photometric != PALETTE else 1
    fits = page.samplesperpixel == stored + len(kinds) <= MOST_CHANNELS and page.imagedepth == 1
    if model is None or not fits or page.dtype is None or page.dtype.kind not in "uf" or page.dtype == np.uint64:
        message = f"channels of up to 32 bits without sign or floats were expected, got {page.samplesperpixel} of "
        raise ValueError(message + f"{page.dtype or page.bitspersample} that mean {page.photometric!s:.20}")
    alpha = kinds[0] if kinds and kinds[0] in (PREMULTIPLIED, STRAIGHT) else 0
    size = Size(int(page.imagelength), int(page.imagewidth))
    return Contents(size, pages, model, alpha, len(kinds) - bool(alpha))


def channels(file: IO[bytes]) -> tuple[NDArray[Any], float]:
    """Of the first page: colors, then alpha; (height, width, channels), and the value that stands for 1."""
    with _first_page(file) as (_, page):
        found = _contents(page, 1)
        shape = tuple(page.shape)
        values = page.asarray(out=roomy(shape, page.dtype), maxworkers=1)
        separate = int(page.planarconfig) == 2 and len(shape) == 3
        values = np.moveaxis(values, 0, 2) if separate else values.reshape(*found.size, -1)
        values = values[..., : values.shape[2] - found.extras]
        values, full = _as_colors(values, page)
    if found.alpha == PREMULTIPLIED:
        values = _straight(values, full)
    return values, full


def _as_colors(values: NDArray[Any], page: Any) -> tuple[NDArray[Any], float]:
    photometric = int(page.photometric)
    if photometric in (LAB, ICC_LAB):
        return _from_lab(values, is_signed=photometric == LAB), 1.0
    if photometric == PALETTE:
        return np.moveaxis(page.colormap[:, values[..., 0]], 0, 2).astype(np.uint16), 65535.0
    full = 1.0
    if values.dtype.kind == "u":
        full = float(2**page.bitspersample - 1)
    if photometric == WHITE_IS_0:
        values[..., 0] = full - values[..., 0]
    return (values.astype(np.float32), 1.0) if values.dtype.kind == "f" else (values, full)


def _from_lab(values: NDArray[Any], *, is_signed: bool) -> Pixels:
    """L* over the whole range, a* and b* around 0 or around the middle -> sRGB 0..1, alpha behind."""
    if values.dtype not in (np.uint8, np.uint16):
        message = f"Lab of 8 or 16 bits was expected, got {values.dtype}"
        raise ValueError(message)
    full, unit = float(np.iinfo(values.dtype).max), 256.0 ** (values.dtype.itemsize - 1)
    made = roomy(values.shape)
    for rows in bands(values, made):
        part = np.ascontiguousarray(values[rows])
        around = part.view(f"int{8 * part.dtype.itemsize}") if is_signed else part - 128.0 * unit
        lab = np.dstack([part[..., :1] * (100.0 / full), around[..., 1:3] / unit]).astype(np.float32)
        made[rows, :, :3] = from_lab(lab)
        made[rows, :, 3:] = part[..., 3:] / full
    return made


def _straight(values: NDArray[Any], full: float) -> NDArray[Any]:
    """Colors divided by alpha, the last channel."""
    for rows in bands(values):
        part = values[rows]
        share = np.maximum(part[..., -1:] / full, 1e-9)
        colors = np.clip(part[..., :-1] / share, 0.0, full)
        part[..., :-1] = colors if values.dtype.kind == "f" else np.rint(colors)
    return values
