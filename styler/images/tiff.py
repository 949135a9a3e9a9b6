"""Reads TIFF: finds the page with the picture and the library that can read it.

libvips reads strips of ordinary channels. tifffile reads all tiles, because libvips silently leaves tiles black that it
cannot decode. tifffile also reads codecs that libvips does not include, planes, CIELab, and channels of unusual bit
depth. Pillow reads YCbCr that is not JPEG, which the other two do not convert.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from styler.images import jpegxl, pillow
from styler.images.libvips import libvips
from styler.images.mapped import bands, new_array
from styler.images.picture import Pixels
from styler.images.profiles import from_lab
from styler.images.signatures import RAW
from styler.types import Size

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Tags and values of TIFF 6.0, of its supplements and of libtiff
SUBFILE_TYPE = 254
OLD_SUBFILE_TYPE = 255
COMPRESSION = 259
PHOTOMETRIC = 262
REDUCED, MASK, OLD_REDUCED = 1, 4, 2  # bits of SUBFILE_TYPE; a value of OLD_SUBFILE_TYPE
WHITE_IS_0 = 0
BLACK_IS_0 = 1
RGB = 2
PALETTE = 3
CMYK = 5
YCBCR = 6
LAB = 8
ICC_LAB = 9
SENSOR = {32_803, 34_892}  # photometric: color filter array, linear raw
SENSOR_CODECS = {262, 32_767, 32_769, 32_770, 34_713, 65_000, 65_535}  # Kodak, Sony, Samsung, Nikon and Pentax
CANON = b"CR"  # follows the first eight bytes of a CR2 file
MODELS = {
    WHITE_IS_0: "gray",
    BLACK_IS_0: "gray",
    RGB: "rgb",
    PALETTE: "rgb",
    CMYK: "cmyk",
    YCBCR: "rgb",
    LAB: "rgb",
    ICC_LAB: "rgb",
}
STORED = {"gray": 1, "rgb": 3, "cmyk": 4}  # channels
PREMULTIPLIED, STRAIGHT = 1, 2  # types of alpha
MOST_CHANNELS = 16
MOST_PAGES = 64  # pages to search for the picture; thumbnails come first or soon after

OLD_JPEG = 6
JPEG = 7
PLAIN = {1, 2, 3, 4, 5, 8, 32_773, 32_946}  # none, three kinds of CCITT, LZW, deflate, PackBits, old deflate
SQUEEZED = {34_925, 50_000}  # LZMA, Zstandard: libvips does not include them
JPEG_2000 = {33_003, 33_004, 33_005, 34_712}
JPEG_XL = {50_002, 52_546}
LERC = 34_887
PNG = 34_933
WEBP = 50_001
IMAGES = {JPEG, LERC, PNG, WEBP, *JPEG_2000, *JPEG_XL}  # codecs whose data states a size of its own


class Contents(NamedTuple):
    """The picture in a TIFF file.

    Attributes:
        size: (height, width) of the picture as stored.
        pages: Number of pages, without reduced copies and masks.
        page: Index of the picture among all pages.
        offset: Offset of its directory in the file.
        reader: Library to use: "libvips", "tifffile" or "pillow".
        model: "rgb", "gray" or "cmyk".
        alpha: 1 for premultiplied alpha, 2 for straight alpha, 0 for none.
        extras: Number of channels that are neither color nor alpha.
        is_lab: Whether the colors are CIELab, which needs no profile.
        is_reduced: Whether the picture is marked as a reduced copy but the file has no larger one.
    """

    size: Size
    pages: int
    page: int
    offset: int
    reader: str
    model: str
    alpha: int
    extras: int
    is_lab: bool
    is_reduced: bool = False


@contextmanager
def _picture(file: IO[bytes]) -> Iterator[tuple[Any, Contents]]:
    """Open the page with the picture. tifffile's log is disabled, because its errors say the same."""
    import tifffile

    logger = logging.getLogger("tifffile")
    before, logger.disabled = logger.disabled, True
    file.seek(0)
    try:
        with tifffile.TiffFile(file) as opened:
            yield _chosen(opened.pages, file)
    finally:
        logger.disabled = before


def contents(file: IO[bytes]) -> Contents:
    """Read the directory of the picture, without decoding pixels.

    Raises:
        ValueError: The file is a camera raw file, or has channels that are not supported.
    """
    with _picture(file) as (_, found):
        return found


def _chosen(pages: Any, file: IO[bytes]) -> tuple[Any, Contents]:
    """Choose the first page that is not marked as a reduced copy or mask."""
    count = len(pages)
    looked_at = [pages[index] for index in range(min(count, MOST_PAGES))]
    inside = {index: list(page.pages or ())[:MOST_PAGES] for index, page in enumerate(looked_at)}
    _check_developed([*looked_at, *(page for each in inside.values() for page in each)], file)
    full = [index for index, page in enumerate(looked_at) if not _is_part(page)]
    others = count - len(looked_at)
    if full:
        return looked_at[full[0]], _contents(looked_at[full[0]], len(full) + others, full[0])
    for each in inside.values():
        for page in each:
            if not _is_part(page):
                return page, _contents(page, 1, -1)
    return looked_at[0], _contents(looked_at[0], 1, 0)._replace(is_reduced=True)


def _is_part(page: Any) -> bool:
    """Return whether a page is a reduced copy or a mask of another page."""
    kind = page.tags.valueof(SUBFILE_TYPE, 0)
    if isinstance(kind, int) and kind & (REDUCED | MASK):
        return True
    return bool(page.tags.valueof(OLD_SUBFILE_TYPE, 0) == OLD_REDUCED)


def _check_developed(pages: list[Any], file: IO[bytes]) -> None:
    """Refuse camera raw files, whose first page is only a thumbnail."""
    file.seek(8)
    sensors = any(int(page.photometric or 0) in SENSOR or int(page.compression) in SENSOR_CODECS for page in pages)
    if sensors or file.read(2) == CANON:
        message = f"it is {RAW}"
        raise ValueError(message)


def _contents(page: Any, pages: int, number: int) -> Contents:
    photometric = BLACK_IS_0 if page.photometric is None else int(page.photometric)
    model = MODELS.get(photometric)
    kinds = tuple(int(kind) for kind in page.extrasamples)
    stored = STORED[model] if model and photometric != PALETTE else 1
    fits = page.samplesperpixel == stored + len(kinds) <= MOST_CHANNELS and page.imagedepth == 1
    if model is None or not fits or page.dtype is None or page.dtype.kind not in "ufb" or page.dtype == np.uint64:
        message = f"expected unsigned channels of up to 32 bits or floats, got {page.samplesperpixel} channels of "
        raise ValueError(message + f"{page.dtype or page.bitspersample} as {_word(page.photometric)}")
    alpha = kinds[0] if kinds and kinds[0] in (PREMULTIPLIED, STRAIGHT) else 0
    size = Size(int(page.imagelength), int(page.imagewidth))
    reader = _reader(page, photometric, is_inside=number < 0)
    extras = len(kinds) - bool(alpha)
    is_lab = photometric in (LAB, ICC_LAB)
    return Contents(
        size,
        pages,
        max(number, 0),
        int(page.offset),
        reader,
        model,
        alpha,
        extras,
        is_lab,
    )


def _word(value: Any) -> str:
    return str(getattr(value, "name", value)).lower()[:20]


def _reader(page: Any, photometric: int, *, is_inside: bool) -> str:
    compression = int(page.compression)
    if compression == OLD_JPEG or (photometric == YCBCR and compression in PLAIN | SQUEEZED):
        return "pillow"
    if compression not in PLAIN | SQUEEZED | IMAGES:
        message = f"the compression {_word(page.compression)} is not supported"
        raise ValueError(message)
    widths = {8, 16, 32} if page.samplesperpixel > 1 else {1, 2, 4, 8, 16, 32}
    bits = page.bitspersample if isinstance(page.bitspersample, tuple) else (page.bitspersample,)
    plain = set(bits) <= widths and photometric not in (YCBCR, LAB, ICC_LAB) and compression in PLAIN
    planes = page.planarconfig == 2 and page.samplesperpixel != STORED.get(MODELS[photometric])
    return "tifffile" if page.is_tiled or planes or not plain or is_inside else "libvips"


def channels(file: IO[bytes]) -> tuple[NDArray[Any], float]:
    """Decode the picture with tifffile.

    Returns:
        The channels, colors before alpha, (height, width, channels), and the value that means 1.0.

    Raises:
        ValueError: A strip or tile is missing or damaged.
    """
    with _picture(file) as (page, found):
        _check_parts(page, file)
        shape = tuple(page.shape)
        values = page.asarray(out=new_array(shape, page.dtype), maxworkers=1)
        separate = int(page.planarconfig) == 2 and len(shape) == 3
        values = np.moveaxis(values, 0, 2) if separate else values.reshape(*found.size, -1)
        values = values[..., : values.shape[2] - found.extras]
        values, full = _as_colors(values, page)
    if found.alpha == PREMULTIPLIED:
        values = _straight(values, full)
    return values, full


def _check_parts(page: Any, file: IO[bytes]) -> None:
    """Check that no strip or tile is missing (it would be black) or states a larger size than it has."""
    counts = page.databytecounts
    compression = int(page.compression)
    rows, columns = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, page.imagewidth)
    parts = -(-page.imagelength // rows) * -(-page.imagewidth // columns)
    parts *= page.samplesperpixel if page.planarconfig == 2 else 1
    end = file.seek(0, 2)
    for index in range(parts):
        here = index < min(len(counts), len(page.dataoffsets)) and counts[index] > 0 and page.dataoffsets[index] > 0
        part = f"{'tile' if page.is_tiled else 'strip'} {index + 1} of {parts}"
        if not here or page.dataoffsets[index] + counts[index] > end:
            message = f"{part} is missing"
            raise ValueError(message)
        if compression in IMAGES:
            file.seek(page.dataoffsets[index])
            data = file.read(counts[index])
            try:
                _check_claim(data, compression, (rows, columns))
                if compression == JPEG:
                    _check_jpeg(data, page.jpegtables)
            except Exception as cause:  # decoders may raise any class of error for damaged data
                message = f"{part} is damaged"
                raise ValueError(message) from cause


def _check_claim(data: bytes, compression: int, most: tuple[int, int]) -> None:
    """Refuse a decompression bomb: a tile or strip whose data states a larger size than the tile or strip has."""
    if compression == LERC:
        version = int.from_bytes(data[6:10], "little")
        claimed = struct.unpack_from("<2I", data, 14 if version >= 3 else 10)
    elif compression in JPEG_XL:
        claimed = jpegxl.contents(BytesIO(data)).size
    else:
        claimed = pillow.opened(BytesIO(data), ["JPEG", "PNG", "WEBP", "JPEG2000"]).size[::-1]
    if claimed[0] > most[0] or claimed[1] > most[1]:
        message = f"expected a part of at most {most[1]}x{most[0]} pixels, got {claimed[1]}x{claimed[0]} pixels"
        raise ValueError(message)


def _check_jpeg(data: bytes, tables: bytes | None) -> None:
    """Decode the data once with libvips, which refuses damaged blocks that the other decoder fills with gray."""
    vips = libvips()
    if not data.rstrip(b"\0").endswith(b"\xff\xd9"):
        message = "expected an end marker"
        raise ValueError(message)
    whole = tables[:-2] + data[2:] if tables else data
    vips.Image.jpegload_buffer(whole, access="sequential", fail_on="warning").avg()


def _as_colors(values: NDArray[Any], page: Any) -> tuple[NDArray[Any], float]:
    photometric = BLACK_IS_0 if page.photometric is None else int(page.photometric)
    if photometric in (LAB, ICC_LAB):
        return _from_lab(values, is_signed=photometric == LAB), 1.0
    if photometric == PALETTE:
        return np.moveaxis(page.colormap[:, values[..., 0]], 0, 2).astype(np.uint16), 65535.0
    full = 1.0
    if values.dtype.kind == "b":
        values = values.astype(np.uint8)
    elif values.dtype.kind == "u":
        full = float(2**page.bitspersample - 1)
    if photometric == WHITE_IS_0:
        values[..., 0] = full - values[..., 0]
    return (values.astype(np.float32), 1.0) if values.dtype.kind == "f" else (values, full)


def _from_lab(values: NDArray[Any], *, is_signed: bool) -> Pixels:
    """Convert integer Lab to sRGB in 0..1; alpha stays behind the colors.

    L* uses the whole range of the type; a* and b* are centered at 0 (signed) or at the middle of the range.
    """
    if values.dtype not in (np.uint8, np.uint16):
        message = f"expected Lab of 8 or 16 bits, got {values.dtype}"
        raise ValueError(message)
    full = float(np.iinfo(values.dtype).max)
    unit = 256.0 ** (values.dtype.itemsize - 1)
    made = new_array(values.shape)
    for rows in bands(values, made):
        part = np.ascontiguousarray(values[rows])
        around = part.view(f"int{8 * part.dtype.itemsize}") if is_signed else part - 128.0 * unit
        lab = np.dstack([part[..., :1] * (100.0 / full), around[..., 1:3] / unit]).astype(np.float32)
        made[rows, :, :3] = from_lab(lab)
        made[rows, :, 3:] = part[..., 3:] / full
    return made


def _straight(values: NDArray[Any], full: float) -> NDArray[Any]:
    """Divide premultiplied colors by alpha, which is the last channel."""
    for rows in bands(values):
        part = values[rows]
        share = np.maximum(part[..., -1:] / full, 1e-9)
        colors = np.clip(part[..., :-1] / share, 0.0, full)
        part[..., :-1] = colors if values.dtype.kind == "f" else np.rint(colors)
    return values
