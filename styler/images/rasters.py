"""Decodes an open file to its channels at full depth, with what the file says about them.

libvips decodes formats that may be deep (PNG, TIFF, AVIF) and common targets of hostile files (JPEG, WebP). It keeps 16
bits and floats, which Pillow silently reduces to 8 bits. tifffile reads the kinds of TIFF that libvips cannot read;
imagecodecs reads deep JPEG 2000 and all JPEG XL; pillow-heif reads HEIC. Pillow decodes the other formats, which all
have 8 bits.
"""

from __future__ import annotations

import math
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from styler.images import colorimetry, containers, heic, jpegxl, metadata, pillow, pnm, tiff
from styler.images.colorimetry import Colorimetry
from styler.images.libvips import forget_errors, libvips
from styler.images.mapped import LARGE, bands, folder_for_files, new_array
from styler.images.profiles import CHANNELS, from_lab
from styler.types import Size

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOADERS = {"png": "png", "jpeg": "jpeg", "tiff": "tiff", "webp": "webp", "avif": "heif"}  # kind -> name in libvips
PLAIN = {  # kind -> name in Pillow
    "gif": "GIF",
    "bmp": "BMP",
    "tiff": "TIFF",
    "pnm": "PPM",
    "tga": "TGA",
    "qoi": "QOI",
    "ico": "ICO",
    "cur": "CUR",
    "jp2": "JPEG2000",
}
SRGB_SPACES, SYCC, GRAY_SPACE, CMYK_SPACE = {16}, 18, 17, 12  # JPEG 2000: ISO/IEC 15444-1 table I.10 and 15444-2
ICC = 34_675  # TIFF tag, ICC.1:2022 annex B.4
XMP = 700  # TIFF tag, XMP part 3, 3.3
EXTRA_SAMPLES, UNSPECIFIED = 338, 0  # TIFF 6.0: meaning of the channels after the colors
VIDEO_BLACK, VIDEO_SPAN = 16, 219  # out of 255: ITU-T H.273, equation 20
DTYPES = {"uchar": np.uint8, "ushort": np.uint16, "uint": np.uint32, "float": np.float32}  # libvips -> NumPy
MODELS = {"b-w": "gray", "grey16": "gray", "cmyk": "cmyk", "srgb": "rgb", "rgb16": "rgb", "scrgb": "rgb"}
PNG_EXIF = (b"Raw profile type exif", b"Raw profile type APP1")  # texts in which ImageMagick stores EXIF
PNG_XMP = b"XML:com.adobe.xmp"
LONGEST_TEXT = 2**18  # bytes of a text with camera fields or XMP
MENDED = "the file is slightly damaged, but no pixels are missing"


class DecodingError(ValueError):
    """No decoder can read the file. The message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is known before pixels are decoded.

    Attributes:
        size: (height, width) as stored.
        turn: EXIF orientation, 1 to 8.
        frames: Number of pages or frames; the first one is read.
    """

    size: Size
    turn: int = 1
    frames: int = 1

    @property
    def seen(self) -> Size:
        """(height, width) of the upright image."""
        return Size(*reversed(self.size)) if self.turn in (5, 6, 7, 8) else self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """Decoded channels.

    Attributes:
        values: uint8, uint16, uint32 or float32, (height, width, channels); colors first, then alpha.
        model: "rgb", "gray" or "cmyk".
        full: The value that means 1.0.
        icc: Embedded profile; empty if it is too damaged to read.
        colorimetry: Meaning of the colors, if the file describes it by numbers and has no profile.
        exif: Camera fields of the file.
        header: Size, orientation and number of frames.
        notes: Remarks for the user.
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
        """Number of channels before alpha."""
        return CHANNELS[self.model]

    @property
    def has_alpha(self) -> bool:
        """Whether there is a channel after the colors."""
        return bool(self.values.shape[2] > self.colors)


def header(file: IO[bytes], kind: str) -> Header:
    """Read the header of a file, without decoding pixels.

    Raises:
        DecodingError: The file is damaged, or of a kind that no decoder reads.
        ColorError: The colors are not sRGB and cannot be converted.
    """
    with _refusing():
        match kind:
            case "tiff":
                return _tiff_header(tiff.contents(file), file)
            case "jpeg":
                return _jpeg_header(file)
            case "heic":
                return _heic_header(heic.opened(file), file)
            case "jxl":
                return _jxl_header(jpegxl.contents(file))
            case _ if kind in LOADERS:
                image = _opened(file, kind)
                _stated_colors(file, kind, has_profile=_field(image, "icc-profile-data") is not None)
                return _vips_header(image, kind, file, _exif(image, kind, file))
            case _:
                image = pillow.opened(file, [PLAIN[kind]])
                return _pillow_header(image, _pillow_exif(image))


def decoded(file: IO[bytes], kind: str) -> Raster:
    """Decode the first page or frame.

    Raises:
        DecodingError: The file is damaged, truncated, or of a kind that no decoder reads.
        ColorError: The colors are not sRGB and cannot be converted.
    """
    with _refusing():
        match kind:
            case "tiff":
                return _tiff_raster(file)
            case "jpeg":
                return _jpeg_raster(file)
            case "heic":
                return _heic_raster(heic.opened(file), file)
            case "jxl":
                return _jxl_raster(file)
            case "jp2":
                return _jp2_raster(file)
            case "pnm" if (deep := pnm.deep_channels(file)) is not None:
                return _pnm_raster(*deep)
            case _ if kind in LOADERS:
                return _vips_raster(_opened(file, kind), kind, file)
            case _:
                return from_pil(pillow.opened(file, [PLAIN[kind]]))


@contextmanager
def _refusing() -> Iterator[None]:
    """Convert any error that a decoder raises into a `DecodingError`."""
    try:
        with warnings.catch_warnings(action="ignore"):  # Pillow warns about data that it skips
            yield
    except (DecodingError, colorimetry.ColorError, MemoryError):
        raise
    except Exception as cause:  # decoders may raise any class of error for hostile files
        raise DecodingError(_reason(cause)) from cause


def _reason(cause: Exception) -> str:
    """Return one line of a decoder's message: the last one, because libvips adds the latest problem at the end."""
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith("unable to") and any(word.isalpha() for word in line.split())]
    if not told:
        told = ["its data is damaged"] if lines else [type(cause).__name__]
    return "".join(c if c.isprintable() else "?" for c in told[-1])


def _opened(file: IO[bytes], kind: str, **options: Any) -> Any:
    vips = libvips()
    source = _source(file, kind)
    forget_errors()
    load = getattr(vips.Image, f"{LOADERS[kind]}load_source")
    return load(source, **{"access": "sequential", "fail_on": "error", **options})


def _source(file: IO[bytes], kind: str) -> Any:
    """Return a libvips source with its own file descriptor, so that libvips and Python do not share a position."""
    vips = libvips()
    if kind == "png" and containers.compressed_png_texts(file) > containers.MOST_COMPRESSED:
        with tempfile.TemporaryFile(dir=folder_for_files(), prefix=".styler-") as lighter:
            containers.without_png_texts(file, lighter)
            lighter.seek(0)
            return vips.Source.new_from_descriptor(lighter.fileno())  # duplicates the descriptor
    descriptor = os.open(file.name, os.O_RDONLY)
    try:
        return vips.Source.new_from_descriptor(descriptor)
    finally:
        os.close(descriptor)


def _field(image: Any, name: str) -> Any:
    return image.get(name) if image.get_typeof(name) else None


def _exif(image: Any, kind: str, file: IO[bytes]) -> Image.Exif:
    exif = metadata.loaded(_field(image, "exif-data"))
    if kind == "png" and not len(exif):
        for _, text in containers.png_texts(file, PNG_EXIF, LONGEST_TEXT):
            return metadata.loaded_from_text(text)
    return exif


def _xmp(image: Any, kind: str, file: IO[bytes]) -> bytes:
    if kind == "png":
        return next((text for _, text in containers.png_texts(file, [PNG_XMP], LONGEST_TEXT)), b"")
    return _field(image, "xmp-data") or b""


def _vips_header(
    image: Any,
    kind: str,
    file: IO[bytes],
    exif: Image.Exif,
) -> Header:
    turned = kind == "avif"  # libheif has already applied the rotation boxes
    turn = 1 if turned else metadata.orientation(exif, _xmp(image, kind, file))
    frames = containers.png_frames(file) if kind == "png" else _field(image, "n-pages") or 1
    return Header(
        size=Size(image.height, image.width),
        turn=turn,
        frames=frames,
    )


def _vips_raster(image: Any, kind: str, file: IO[bytes]) -> Raster:
    exif = _exif(image, kind, file)
    icc = _field(image, "icc-profile-data")
    if icc is None and kind == "png" and "iCCP" in containers.png_color_chunks(file):
        icc = b""  # the decoder has discarded a damaged profile
    values = _values(image)
    raster = Raster(
        values=values,
        model=_model(image),
        full=_full_scale(image, kind),
        icc=icc,
        colorimetry=_stated_colors(file, kind, has_profile=bool(icc)) or _camera_colors(exif, icc, kind),
        exif=exif,
        header=_vips_header(image, kind, file, exif),
    )
    return _at_full_range(raster, file) if kind == "avif" else raster


def _camera_colors(exif: Image.Exif, icc: bytes | None, kind: str) -> Colorimetry | None:
    """Return the colors that EXIF declares; None if there is a profile."""
    if icc is None and kind in ("jpeg", "tiff", "webp") and metadata.is_adobe_rgb(exif):
        return colorimetry.adobe_rgb()
    return None


def _at_full_range(raster: Raster, file: IO[bytes]) -> Raster:
    """Expand gray images of video range, 16 to 235, which libheif does not expand."""
    stated = containers.media_color(file)
    if stated is None or stated.is_full_range or not stated.is_gray:
        return raster
    room = 8 * raster.values.dtype.itemsize
    black = float(VIDEO_BLACK << (room - 8))
    span = float(VIDEO_SPAN << (room - 8))
    made = new_array(raster.values.shape, raster.values.dtype)
    for rows in bands(raster.values, made):
        part = raster.values[rows, :, : raster.colors].astype(np.float32)
        made[rows, :, : raster.colors] = np.rint(np.clip((part - black) / span, 0.0, 1.0) * raster.full)
        made[rows, :, raster.colors :] = raster.values[rows, :, raster.colors :]
    return replace(raster, values=made)


def _jpeg_header(file: IO[bytes]) -> Header:
    try:
        image = _opened(file, "jpeg", fail_on="warning")
    except libvips().Error:
        file.seek(0)
        image = _opened_mended(containers.mended_jpeg(file.read()))
    return _vips_header(image, "jpeg", file, _exif(image, "jpeg", file))


def _jpeg_raster(file: IO[bytes]) -> Raster:
    """Decode a JPEG strictly, so that no pixels are missing.

    If this fails but all pixels are there, small faults around them are repaired and the file is decoded again.
    """
    file.seek(0)
    data = file.read()
    try:
        if not containers.has_jpeg_end(data):
            message = "it has no end, like a file that was not copied completely"
            raise DecodingError(message)
        return _vips_raster(_opened(file, "jpeg", fail_on="warning"), "jpeg", file)
    except (libvips().Error, DecodingError) as cause:
        data = containers.mended_jpeg(data)
        if not containers.has_jpeg_end(data) or not _is_complete(data):
            raise
        forget_errors()
        message = _reason(cause)
    raster = _vips_raster(_opened_mended(data), "jpeg", file)
    return replace(raster, notes=(*raster.notes, f"{MENDED} ({message})"))


def _is_complete(jpeg: bytes) -> bool:
    """Return whether a JPEG has all of its blocks. libjxl's lossless recompression fails if one is missing."""
    import imagecodecs

    try:
        imagecodecs.jpegxl_encode_jpeg(jpeg)
    except imagecodecs.JpegxlError:
        return False
    return True


def _opened_mended(data: bytes) -> Any:
    return libvips().Image.jpegload_buffer(data, access="sequential", fail_on="none")


def _values(image: Any) -> NDArray[Any]:
    """Read all channels of a libvips image from top to bottom. A large image is never completely in memory."""
    dtype = np.dtype(DTYPES[image.format])
    shape = (image.height, image.width, image.bands)
    if math.prod(shape) * dtype.itemsize < LARGE:
        return np.frombuffer(image.write_to_memory(), dtype).reshape(shape)
    made = new_array(shape, dtype)
    region = libvips().Region.new(image)
    for rows in bands(made):
        strip = region.fetch(0, rows.start, image.width, rows.stop - rows.start)
        made[rows] = np.frombuffer(strip, dtype).reshape(made[rows].shape)
    return made


def _stated_colors(file: IO[bytes], kind: str, *, has_profile: bool) -> Colorimetry | None:
    """Return the colors that a file describes by numbers; None for sRGB or if there is a profile."""
    if kind == "png":
        return colorimetry.by_png_chunks(containers.png_color_chunks(file), has_profile=has_profile)
    stated = containers.media_color(file) if kind in ("avif", "heic") and not has_profile else None
    return None if stated is None else colorimetry.by_code(stated.primaries, stated.transfer, source="nclx")


def _model(image: Any) -> str:
    if image.format not in DTYPES:
        message = f"expected unsigned channels of 8, 16 or 32 bits, or floats, got {image.format}"
        raise DecodingError(message)
    if image.bands < 3:
        return "gray"
    model = MODELS.get(image.interpretation, "rgb")
    return "rgb" if image.bands < CHANNELS[model] else model


def _full_scale(image: Any, kind: str) -> float:
    bits = _field(image, "bits-per-sample")
    if kind == "avif" and image.format == "ushort" and bits:
        return float((2**bits - 1) << (16 - bits))  # values of 10 and 12 bits are in the upper bits
    return {"uchar": 255.0, "ushort": 65535.0, "uint": 4294967295.0}.get(image.format, 1.0)


def _tiff_header(contents: tiff.Contents, file: IO[bytes]) -> Header:
    exif = metadata.loaded_from_tiff(file, contents.offset)
    xmp = exif.get(XMP)
    turn = metadata.orientation(exif, xmp if isinstance(xmp, bytes) else b"")
    return Header(
        size=contents.size,
        turn=turn,
        frames=contents.pages,
    )


def _tiff_raster(file: IO[bytes]) -> Raster:
    contents = tiff.contents(file)
    exif = metadata.loaded_from_tiff(file, contents.offset)
    icc = None
    if contents.reader == "pillow":
        image = pillow.opened(file, [PLAIN["tiff"]])
        image.seek(contents.page)
        values, model = _shallow(image)
        full = 255.0
        extras = 0
        icc = image.info.get("icc_profile")
    elif contents.reader == "tifffile":
        values, full = tiff.channels(file)
        model = contents.model
        extras = contents.extras
        icc = None if contents.is_lab else exif.get(ICC)
    else:
        decoded = _opened(file, "tiff", page=contents.page)
        model = _model(decoded)
        full = _full_scale(decoded, "tiff")
        icc = _field(decoded, "icc-profile-data")
        extras = max(0, decoded.bands - CHANNELS[model] - (not _is_unspecified(exif)))
        values = _values(decoded.extract_band(0, n=decoded.bands - extras) if extras else decoded)
    icc = icc if isinstance(icc, bytes) else None
    reduced = ("the picture is marked as a reduced copy, but the file has no larger one",)
    return Raster(
        values=values,
        model=model,
        full=full,
        icc=icc,
        colorimetry=_camera_colors(exif, icc, "tiff"),
        exif=exif,
        header=_tiff_header(contents, file),
        notes=(*_left_out(extras), *(reduced if contents.is_reduced else ())),
    )


def _is_unspecified(exif: Image.Exif) -> bool:
    """Return whether a TIFF says that its first channel after the colors is not alpha."""
    extra = exif.get(EXTRA_SAMPLES)
    return (extra[0] if isinstance(extra, tuple) and extra else extra) == UNSPECIFIED


def _left_out(count: int) -> tuple[str, ...]:
    return (f"{count} extra channels ignored: neither color nor alpha",) if count else ()


def _heic_header(images: Any, file: IO[bytes]) -> Header:
    _stated_colors(file, "heic", has_profile=bool(images.info.get("icc_profile")))
    width, height = images.size
    return Header(size=Size(height, width), frames=len(images))


def _heic_raster(images: Any, file: IO[bytes]) -> Raster:
    icc = images.info.get("icc_profile")
    stated = _stated_colors(file, "heic", has_profile=bool(icc))
    values, full = heic.channels(images)
    raster = Raster(
        values=values,
        model="gray" if values.shape[2] < CHANNELS["rgb"] else "rgb",
        full=full,
        icc=icc,
        colorimetry=stated,
        exif=metadata.loaded(images.info.get("exif")),
        header=_heic_header(images, file),
    )
    return _at_full_range(raster, file)


def _jxl_header(contents: jpegxl.Contents) -> Header:
    colorimetry.by_code(contents.primaries, contents.transfer, source="JPEG XL")
    return Header(size=contents.size)


def _jxl_raster(file: IO[bytes]) -> Raster:
    import imagecodecs

    contents = jpegxl.contents(file)
    file.seek(0)
    values = imagecodecs.jpegxl_decode(file.read(), index=0)
    values = values.reshape(*contents.size, -1)
    colors = 1 if contents.is_gray else 3
    extras = max(0, contents.extras - contents.has_alpha)
    notes = _left_out(extras)
    if contents.has_profile:
        notes += ("the color profile of a JPEG XL file is ignored: its colors are treated as sRGB",)
    if contents.is_moving:
        notes += ("the first frame of the animation is used",)
    return Raster(
        values=np.ascontiguousarray(values[..., : colors + contents.has_alpha]),
        model="gray" if contents.is_gray else "rgb",
        full={"f": 1.0}.get(values.dtype.kind, float(np.iinfo(values.dtype).max) if values.dtype.kind == "u" else 1.0),
        colorimetry=colorimetry.by_code(contents.primaries, contents.transfer, source="JPEG XL"),
        header=_jxl_header(contents),
        notes=notes,
    )


def _jp2_raster(file: IO[bytes]) -> Raster:
    import imagecodecs

    stated = containers.jpeg_2000(file)
    image = pillow.opened(file, [PLAIN["jp2"]])
    if stated.space not in (None, *SRGB_SPACES, SYCC, GRAY_SPACE, CMYK_SPACE) or (
        stated.bits > 8 and stated.space == SYCC
    ):
        message = f"JPEG 2000 with color space {stated.space} and {stated.bits} bits is not supported"
        raise DecodingError(message)
    if stated.bits <= 8:
        return replace(from_pil(image), icc=stated.icc)
    image.load()  # the same library, but this call fails for truncated files
    file.seek(0)
    values = imagecodecs.jpeg2k_decode(file.read()).reshape(image.height, image.width, -1)
    if values.dtype != np.uint16:
        message = f"expected unsigned channels of at most 16 bits, got {values.dtype}"
        raise DecodingError(message)
    model = "gray" if values.shape[2] < CHANNELS["rgb"] else "cmyk" if stated.space == CMYK_SPACE else "rgb"
    return Raster(
        values=values,
        model=model,
        full=float(2**stated.bits - 1),
        icc=stated.icc,
        header=Header(size=Size(image.height, image.width)),
    )


def _pnm_raster(values: NDArray[Any], full: float) -> Raster:
    model = "gray" if values.shape[2] == 1 else "rgb"
    return Raster(
        values=values,
        model=model,
        full=full,
        header=Header(size=Size(*values.shape[:2])),
    )


DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")  # Pillow's gray modes with more than 8 bits
WHOLE_NUMBERS = "the whole numbers of a PIL image of mode I are read as 16 bits, 0 to 65535"


def from_pil(image: Image.Image) -> Raster:
    """Return the channels of a PIL image. Palettes and rare modes are converted to RGB."""
    notes: tuple[str, ...] = (WHOLE_NUMBERS,) if image.mode == "I" and image.format is None else ()
    if image.mode in DEEP_MODES:
        values, model, full = _deep_gray(image)
    elif image.mode == "LAB":
        values = _from_pil_lab(image)
        model = "rgb"
        full = 1.0
    else:
        values, model, full = *_shallow(image), 255.0
    exif = _pillow_exif(image)
    icc = image.info.get("icc_profile") if image.mode != "LAB" else None
    return Raster(
        values=values,
        model=model,
        full=full,
        icc=icc,
        colorimetry=colorimetry.adobe_rgb() if not icc and model == "rgb" and metadata.is_adobe_rgb(exif) else None,
        exif=exif,
        header=_pillow_header(image, exif),
        notes=notes,
    )


def _pillow_exif(image: Image.Image) -> Image.Exif:
    try:
        return image.getexif()
    except Exception:  # the parser may raise any error for damaged data
        return Image.Exif()


def _pillow_header(image: Image.Image, exif: Image.Exif) -> Header:
    xmp = image.info.get("xmp")
    turned = image.format in ("HEIF", "AVIF")  # the decoder has already applied the rotation boxes
    return Header(
        size=Size(image.height, image.width),
        turn=1 if turned else metadata.orientation(exif, xmp if isinstance(xmp, bytes) else b""),
        frames=getattr(image, "n_frames", 1),
    )


def _deep_gray(image: Image.Image) -> tuple[NDArray[Any], str, float]:
    if image.mode == "F":
        return np.asarray(image, np.float32)[..., None], "gray", 1.0
    values = np.asarray(image)[..., None]
    if values.size and (values.min() < 0 or values.max() > 65535):
        message = f"expected whole numbers in 0..65535, got {values.min()} to {values.max()}"
        raise DecodingError(message)
    return values.astype(np.uint16), "gray", 65535.0


def _from_pil_lab(image: Image.Image) -> NDArray[Any]:
    """Convert an 8-bit CIELab image, with signed a* and b*, to sRGB."""
    values = np.asarray(image)
    lab = np.dstack([values[..., :1] * np.float32(100 / 255), values[..., 1:].view(np.int8)])
    return from_lab(lab.astype(np.float32))


def _shallow(image: Image.Image) -> tuple[NDArray[Any], str]:
    straight = {"1": "L", "La": "LA", "PA": "RGBA", "RGBa": "RGBA"}.get(image.mode, image.mode)
    mode = straight if straight in ("L", "LA", "RGB", "RGBA", "CMYK") else "RGB"
    if image.has_transparency_data and mode not in ("LA", "RGBA"):
        mode = "RGBA"
    values = np.atleast_3d(np.asarray(image.convert(mode)))
    return values, {"L": "gray", "LA": "gray", "CMYK": "cmyk"}.get(mode, "rgb")
