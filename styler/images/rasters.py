"""Decoders: an opened file -> its channels at their own depth, with what the file says about them.

libvips decodes what may be deep (PNG, TIFF, AVIF) or hostile in known ways (JPEG, WebP): it keeps 16 bits and floats,
which Pillow reduces to 8 without a word. Pillow decodes the rest, all of it 8 bits.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from styler.images import colorimetry, containers, heic, metadata, pillow, tiff
from styler.images.colorimetry import Colorimetry
from styler.images.libvips import libvips
from styler.images.mapped import LARGE, bands, roomy
from styler.images.profiles import CHANNELS
from styler.types import Size

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOADERS = {"png": "png", "jpeg": "jpeg", "tiff": "tiff", "webp": "webp", "avif": "heif"}  # kind -> name in libvips
PLAIN = {"gif": "GIF", "bmp": "BMP", "ycbcr": "TIFF"}  # kind -> name in Pillow
ICC = 34_675  # the tag of a TIFF, ICC.1:2022 annex B.4
PHOTOMETRIC, YCBCR = 262, 6  # TIFF 6.0, section 21: libvips takes such channels for RGB
EXTRA_SAMPLES, UNSPECIFIED = 338, 0  # TIFF 6.0: what the channels behind the colors are
DTYPES = {"uchar": np.uint8, "ushort": np.uint16, "uint": np.uint32, "float": np.float32}  # libvips -> NumPy
MODELS = {"b-w": "gray", "grey16": "gray", "cmyk": "cmyk", "srgb": "rgb", "rgb16": "rgb", "scrgb": "rgb"}


class DecodingError(ValueError):
    """A file that no decoder here can read; the reason is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is known before any pixel is decoded.

    Attributes:
        size: (height, width) as stored.
        turn: EXIF orientation, 1 to 8.
        frames: Pages or frames; the first is read.
    """

    size: Size
    turn: int = 1
    frames: int = 1

    @property
    def seen(self) -> Size:
        """(height, width) as the image is meant to be seen."""
        return Size(*reversed(self.size)) if self.turn in (5, 6, 7, 8) else self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """Decoded channels.

    Attributes:
        values: uint8, uint16, uint32 or float32, (height, width, channels); colors first, then alpha.
        model: "rgb", "gray" or "cmyk".
        full: The value that stands for 1.
        icc: Embedded profile; empty where it was damaged beyond reading.
        colorimetry: Colors stated in numbers, where no profile does.
        exif: As the file has it.
        header: As `Header`.
        notes: What its owner may want to know.
    """

    values: NDArray[Any]
    model: str
    full: float
    icc: bytes | None = None
    colorimetry: Colorimetry | None = None
    exif: Image.Exif = field(default_factory=Image.Exif)
    header: Header
    notes: tuple[str, ...] = ()

    @property
    def colors(self) -> int:
        """Channels before alpha."""
        return CHANNELS[self.model]

    @property
    def has_alpha(self) -> bool:
        """Whether a channel follows the colors."""
        return bool(self.values.shape[2] > self.colors)


def header(file: IO[bytes], kind: str) -> Header:
    """Read what comes before the pixels.

    Raises:
        DecodingError: Damaged, or of a kind that nothing here reads.
        ColorError: Colors that must not be taken for sRGB.
    """
    with _refusing():
        if kind == "png":
            containers.check_png_texts(file)
        kind = _finer_kind(file, kind)
        if kind in LOADERS:
            image = _opened(file, kind)
            _stated_colors(file, kind, has_profile=_field(image, "icc-profile-data") is not None)
            return _vips_header(image, kind, file)
        if kind == "heic":
            return _heic_header(heic.opened(file), file)
        if kind == "rare":
            return _rare_header(tiff.contents(file), metadata.loaded_from_tiff(file))
        with _pillow_opened(file, kind) as image:
            turn = metadata.orientation(image.getexif())
            return Header(size=Size(image.height, image.width), turn=turn, frames=getattr(image, "n_frames", 1))


def decoded(file: IO[bytes], kind: str) -> Raster:
    """Decode the first page or frame.

    Raises:
        DecodingError: Damaged, cut short, or of a kind that nothing here reads.
        ColorError: Colors that must not be taken for sRGB.
    """
    with _refusing():
        kind = _finer_kind(file, kind)
        if kind in LOADERS:
            return _vips_raster(_opened(file, kind), kind, file)
        if kind == "heic":
            return _heic_raster(heic.opened(file), file)
        if kind == "rare":
            return _rare_raster(file)
        with _pillow_opened(file, kind) as image:
            return from_pil(image)


def _finer_kind(file: IO[bytes], kind: str) -> str:
    if kind != "tiff":
        return kind
    exif = metadata.loaded_from_tiff(file)
    return "ycbcr" if exif.get(PHOTOMETRIC) == YCBCR else "rare" if tiff.is_rare(exif) else kind


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn whatever a decoder raises over a damaged file into one kind of error."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of Pillow, about what it skips
            yield
    except (DecodingError, colorimetry.ColorError, MemoryError):
        raise
    except Exception as cause:  # decoders raise errors of every class over hostile files
        raise DecodingError(_reason(cause)) from cause


def _reason(cause: Exception) -> str:
    """One line of what a decoder said; libvips repeats itself over several."""
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("unable to")] or lines or [type(cause).__name__]
    return "".join(c if c.isprintable() else "?" for c in told[0])


def _opened(file: IO[bytes], kind: str) -> Any:
    vips = libvips()
    descriptor = os.open(file.name, os.O_RDONLY)  # of its own: libvips and Python would move each other's position
    try:
        source = vips.Source.new_from_descriptor(descriptor)  # keeps a duplicate
    finally:
        os.close(descriptor)
    load = getattr(vips.Image, f"{LOADERS[kind]}load_source")
    return load(source, access="sequential", fail_on="error")


def _field(image: Any, name: str) -> Any:
    return image.get(name) if image.get_typeof(name) else None


def _exif(image: Any, kind: str, file: IO[bytes]) -> Image.Exif:
    return metadata.loaded_from_tiff(file) if kind == "tiff" else metadata.loaded(_field(image, "exif-data"))


def _vips_header(image: Any, kind: str, file: IO[bytes], exif: Image.Exif | None = None) -> Header:
    exif = exif if exif is not None else _exif(image, kind, file)
    turn = 1 if kind == "avif" else metadata.orientation(exif)  # AVIF turns by its own boxes, already done
    frames = containers.png_frames(file) if kind == "png" else _field(image, "n-pages") or 1
    return Header(size=Size(image.height, image.width), turn=turn, frames=frames)


def _vips_raster(image: Any, kind: str, file: IO[bytes]) -> Raster:
    exif = _exif(image, kind, file)
    head = _vips_header(image, kind, file, exif)
    icc = _field(image, "icc-profile-data")
    if icc is None and kind == "png" and "iCCP" in containers.png_color_chunks(file):
        icc = b""  # the decoder threw a damaged profile away
    stated = _stated_colors(file, kind, has_profile=bool(icc))
    full = _full_scale(image, kind)
    model = _model(image)
    image, notes = _without_extras(image, model, has_alpha=not _is_unspecified(exif, kind))
    return Raster(
        values=_values(image),
        model=model,
        full=full,
        icc=icc,
        colorimetry=stated,
        exif=exif,
        header=head,
        notes=notes,
    )


def _values(image: Any) -> NDArray[Any]:
    """All channels of an image that libvips reads from top to bottom; a large one is never in memory as a whole."""
    dtype, shape = np.dtype(DTYPES[image.format]), (image.height, image.width, image.bands)
    if math.prod(shape) * dtype.itemsize < LARGE:
        return np.frombuffer(image.write_to_memory(), dtype).reshape(shape)
    made, region = roomy(shape, dtype), libvips().Region.new(image)
    for rows in bands(made):
        strip = region.fetch(0, rows.start, image.width, rows.stop - rows.start)
        made[rows] = np.frombuffer(strip, dtype).reshape(made[rows].shape)
    return made


def _stated_colors(file: IO[bytes], kind: str, *, has_profile: bool) -> Colorimetry | None:
    """By the numbers in a file, where no profile says more; None for sRGB."""
    if kind == "png":
        return colorimetry.by_png_chunks(containers.png_color_chunks(file), has_profile=has_profile)
    codes = containers.media_color(file) if kind in ("avif", "heic") and not has_profile else None
    return None if codes is None else colorimetry.by_code(*codes, source="nclx")


def _model(image: Any) -> str:
    if image.format not in DTYPES:
        message = f"channels of 8, 16 or 32 bits without sign, or floats, were expected; these are {image.format}"
        raise DecodingError(message)
    if image.bands < 3:
        return "gray"
    model = MODELS.get(image.interpretation, "rgb")
    return "rgb" if image.bands < CHANNELS[model] else model


def _full_scale(image: Any, kind: str) -> float:
    bits = _field(image, "bits-per-sample")
    if kind == "avif" and image.format == "ushort" and bits:
        return float((2**bits - 1) << (16 - bits))  # 10 and 12 bits stand in the upper bits
    return {"uchar": 255.0, "ushort": 65535.0, "uint": 4294967295.0}.get(image.format, 1.0)


def _is_unspecified(exif: Image.Exif, kind: str) -> bool:
    """Whether a TIFF says that its first channel behind the colors is something else than alpha."""
    extra = exif.get(EXTRA_SAMPLES) if kind == "tiff" else None
    return (extra[0] if isinstance(extra, tuple) and extra else extra) == UNSPECIFIED


def _without_extras(image: Any, model: str, *, has_alpha: bool) -> tuple[Any, tuple[str, ...]]:
    used = CHANNELS[model] + has_alpha
    if image.bands <= used:
        return image, ()
    return image.extract_band(0, n=used), _left_out(image.bands - used)


def _left_out(count: int) -> tuple[str, ...]:
    return (f"{count} further channels left out: neither color nor alpha",) if count else ()


def _heic_header(images: Any, file: IO[bytes]) -> Header:
    _stated_colors(file, "heic", has_profile=bool(images.info.get("icc_profile")))
    width, height = images.size
    return Header(size=Size(height, width), frames=len(images))


def _heic_raster(images: Any, file: IO[bytes]) -> Raster:
    icc = images.info.get("icc_profile")
    stated = _stated_colors(file, "heic", has_profile=bool(icc))
    values, full = heic.channels(images)
    return Raster(
        values=values,
        model="gray" if values.shape[2] < CHANNELS["rgb"] else "rgb",
        full=full,
        icc=icc,
        colorimetry=stated,
        exif=metadata.loaded(images.info.get("exif")),
        header=_heic_header(images, file),
    )


def _rare_header(contents: tiff.Contents, exif: Image.Exif) -> Header:
    return Header(size=contents.size, turn=metadata.orientation(exif), frames=contents.pages)


def _rare_raster(file: IO[bytes]) -> Raster:
    exif, contents = metadata.loaded_from_tiff(file), tiff.contents(file)
    values, full = tiff.channels(file)
    icc = exif.get(ICC) if exif.get(PHOTOMETRIC) not in (tiff.LAB, tiff.ICC_LAB) else None
    return Raster(
        values=values,
        model=contents.model,
        full=full,
        icc=icc if isinstance(icc, bytes) else None,
        exif=exif,
        header=_rare_header(contents, exif),
        notes=_left_out(contents.extras),
    )


def _pillow_opened(file: IO[bytes], kind: str) -> Image.Image:
    return pillow.opened(file, [PLAIN[kind]])


DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")  # Pillow's gray beyond 8 bits


def from_pil(image: Image.Image) -> Raster:
    """Channels of a PIL image; palettes and rare modes become RGB."""
    if image.mode in DEEP_MODES:
        values, model, full = _deep_gray(image)
    else:
        values, model, full = *_shallow(image), 255.0
    exif = image.getexif()
    return Raster(
        values=values,
        model=model,
        full=full,
        icc=image.info.get("icc_profile"),
        exif=exif,
        header=Header(
            size=Size(image.height, image.width),
            turn=1 if image.format == "HEIF" else metadata.orientation(exif),
            frames=getattr(image, "n_frames", 1),
        ),
    )


def _deep_gray(image: Image.Image) -> tuple[NDArray[Any], str, float]:
    if image.mode == "F":
        return np.asarray(image, np.float32)[..., None], "gray", 1.0
    return np.clip(np.asarray(image), 0, 65535).astype(np.uint16)[..., None], "gray", 65535.0


def _shallow(image: Image.Image) -> tuple[NDArray[Any], str]:
    mode = image.mode if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK") else "RGB"
    if image.has_transparency_data and mode not in ("LA", "RGBA"):
        mode = "RGBA"
    values = np.atleast_3d(np.asarray(image.convert(mode)))
    return values, {"L": "gray", "LA": "gray", "CMYK": "cmyk"}.get(mode, "rgb")
