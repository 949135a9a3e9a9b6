"""TIFF: which page is the picture, which library reads it, and what libvips does not read of it, by tifffile.

libvips reads strips of plain channels. Tiles are read by tifffile whatever is in them, because libvips leaves those
that it cannot decode black without a word; so are codecs that libvips comes without, planes of tiles, CIELab, and
channels of unusual width. Pillow reads YCbCr that is not JPEG, which neither of the two converts.
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
from styler.images.mapped import bands, roomy
from styler.images.picture import Pixels
from styler.images.profiles import from_lab
from styler.images.signatures import RAW
from styler.types import Size

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Tags and values of TIFF 6.0, of its supplements and of libtiff
SUBFILE_TYPE, OLD_SUBFILE_TYPE, COMPRESSION, PHOTOMETRIC = 254, 255, 259, 262
REDUCED, MASK, OLD_REDUCED = 1, 4, 2  # bits of the first, a value of the second
WHITE_IS_0, BLACK_IS_0, RGB, PALETTE, CMYK, YCBCR, LAB, ICC_LAB = 0, 1, 2, 3, 5, 6, 8, 9
SENSOR = {32_803, 34_892}  # photometric: a filter array, linear raw
SENSOR_CODECS = {262, 32_767, 32_769, 32_770, 34_713, 65_000, 65_535}  # of Kodak, Sony, Samsung, Nikon and Pentax
CANON = b"CR"  # behind the first eight bytes of a CR2
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
PREMULTIPLIED, STRAIGHT = 1, 2  # kinds of alpha
MOST_CHANNELS = 16
MOST_PAGES = 64  # looked at for the picture: thumbnails come first or soon

OLD_JPEG, JPEG = 6, 7
PLAIN = {1, 2, 3, 4, 5, 8, 32_773, 32_946}  # none, three of CCITT, LZW, deflate, PackBits, old deflate
SQUEEZED = {34_925, 50_000}  # LZMA, Zstandard: libvips comes without them
JPEG_2000 = {33_003, 33_004, 33_005, 34_712}
JPEG_XL = {50_002, 52_546}
LERC, PNG, WEBP = 34_887, 34_933, 50_001
IMAGES = {JPEG, LERC, PNG, WEBP, *JPEG_2000, *JPEG_XL}  # codecs that say a size of their own


class Contents(NamedTuple):
    """What such a file holds.

    Attributes:
        size: (height, width) of the picture as stored.
        pages: Of the file, without copies at reduced size and masks.
        page: Number of the picture among all pages.
        offset: Of its directory in the file.
        reader: "libvips", "tifffile" or "pillow".
        model: "rgb", "gray" or "cmyk".
        alpha: 1 or 2 for premultiplied and straight, 0 for none.
        extras: Channels that are neither color nor alpha.
        is_lab: Whether the colors are CIELab, for which no profile is needed.
        is_reduced: Whether it is marked as a copy of something larger that is not there.
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
    """The page that is the picture; what tifffile would log is in its errors."""
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
    """Read what comes before the pixels.

    Raises:
        ValueError: A camera raw file, or channels that mean nothing here.
    """
    with _picture(file) as (_, found):
        return found


def _chosen(pages: Any, file: IO[bytes]) -> tuple[Any, Contents]:
    """The first page at full size; thumbnails and previews say that they are none."""
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
    """Whether a page is a reduced copy or a mask of another one."""
    kind = page.tags.valueof(SUBFILE_TYPE, 0)
    if isinstance(kind, int) and kind & (REDUCED | MASK):
        return True
    return bool(page.tags.valueof(OLD_SUBFILE_TYPE, 0) == OLD_REDUCED)


def _check_developed(pages: list[Any], file: IO[bytes]) -> None:
    """Refuse what a sensor saw: its first page, if it can be read at all, is a thumbnail."""
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
        message = f"channels of up to 32 bits without sign or floats were expected, got {page.samplesperpixel} of "
        raise ValueError(message + f"{page.dtype or page.bitspersample} that mean {_word(page.photometric)}")
    alpha = kinds[0] if kinds and kinds[0] in (PREMULTIPLIED, STRAIGHT) else 0
    size = Size(int(page.imagelength), int(page.imagewidth))
    reader = _reader(page, photometric, is_inside=number < 0)
    extras, is_lab = len(kinds) - bool(alpha), photometric in (LAB, ICC_LAB)
    return Contents(size, pages, max(number, 0), int(page.offset), reader, model, alpha, extras, is_lab)


def _word(value: Any) -> str:
    return str(getattr(value, "name", value)).lower()[:20]


def _reader(page: Any, photometric: int, *, is_inside: bool) -> str:
    compression = int(page.compression)
    if compression == OLD_JPEG or (photometric == YCBCR and compression in PLAIN | SQUEEZED):
        return "pillow"
    if compression not in PLAIN | SQUEEZED | IMAGES:
        message = f"the compression {_word(page.compression)} is not read here"
        raise ValueError(message)
    widths = {8, 16, 32} if page.samplesperpixel > 1 else {1, 2, 4, 8, 16, 32}
    bits = page.bitspersample if isinstance(page.bitspersample, tuple) else (page.bitspersample,)
    plain = set(bits) <= widths and photometric not in (YCBCR, LAB, ICC_LAB) and compression in PLAIN
    planes = page.planarconfig == 2 and page.samplesperpixel != STORED.get(MODELS[photometric])
    return "tifffile" if page.is_tiled or planes or not plain or is_inside else "libvips"


def channels(file: IO[bytes]) -> tuple[NDArray[Any], float]:
    """Of the picture: colors, then alpha; (height, width, channels), and the value that stands for 1.

    Raises:
        ValueError: A part is missing or damaged.
    """
    with _picture(file) as (page, found):
        _check_parts(page, file)
        shape = tuple(page.shape)
        values = page.asarray(out=roomy(shape, page.dtype), maxworkers=1)
        separate = int(page.planarconfig) == 2 and len(shape) == 3
        values = np.moveaxis(values, 0, 2) if separate else values.reshape(*found.size, -1)
        values = values[..., : values.shape[2] - found.extras]
        values, full = _as_colors(values, page)
    if found.alpha == PREMULTIPLIED:
        values = _straight(values, full)
    return values, full


def _check_parts(page: Any, file: IO[bytes]) -> None:
    """Refuse missing strips and tiles, which would be black, and those that claim another size than they have."""
    counts, compression = page.databytecounts, int(page.compression)
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
            except Exception as cause:  # decoders raise errors of every class over damaged data
                message = f"{part} is damaged"
                raise ValueError(message) from cause


def _check_claim(data: bytes, compression: int, most: tuple[int, int]) -> None:
    """Refuse a bomb: an image within the file that says it is larger than its place."""
    if compression == LERC:
        version = int.from_bytes(data[6:10], "little")
        claimed = struct.unpack_from("<2I", data, 14 if version >= 3 else 10)
    elif compression in JPEG_XL:
        claimed = jpegxl.contents(BytesIO(data)).size
    else:
        claimed = pillow.opened(BytesIO(data), ["JPEG", "PNG", "WEBP", "JPEG2000"]).size[::-1]
    if claimed[0] > most[0] or claimed[1] > most[1]:
        message = f"a part of at most {most[1]}x{most[0]} pixels was expected, it claims {claimed[1]}x{claimed[0]}"
        raise ValueError(message)


def _check_jpeg(data: bytes, tables: bytes | None) -> None:
    """Decode once by libvips, which refuses what the other decoder fills with gray."""
    vips = libvips()
    if not data.rstrip(b"\0").endswith(b"\xff\xd9"):
        message = "an end marker was expected"
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
