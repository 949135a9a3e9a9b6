"""Encodes integer pixels as a file, with color profile, camera fields and recipe."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from PIL import Image, PngImagePlugin, TiffImagePlugin

from styler.images import metadata
from styler.images.libvips import libvips
from styler.images.mapped import LARGE, is_mapped, release
from styler.images.recipes import KEYWORD, png_chunk, png_text, xmp_packet
from styler.images.resolution import Resolution, png_chunk_data
from styler.images.resolution import fields as resolution_fields
from styler.images.scratch import scratch_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

PNG_HEAD = 8 + 25  # bytes of the signature and IHDR; our own chunks follow
TIFF_HEAD = b"II*\0\x08\0\0\0"  # little-endian; the directory follows immediately
XMP, ICC = 700, 34_675  # TIFF tags of Adobe's XMP specification part 3 and of ICC.1:2022 annex B.4
COMPRESSION = 6  # zlib's own default level


@dataclass(frozen=True, slots=True, kw_only=True)
class Extras:
    """The contents of a file besides its pixels.

    Attributes:
        icc: Color profile of the pixels; None for sRGB.
        exif: Camera fields, as a TIFF block.
        resolution: Dots per inch; None to state none.
        recipe: Recipe text to store in the file.
        quality: Quality of JPEG and WebP, 1..100.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    resolution: Resolution | None = None
    recipe: str | None = None
    quality: int


def encode(
    values: NDArray[Any],
    name: str,
    extras: Extras,
    file: IO[bytes],
) -> None:
    """Write pixels to a file.

    Args:
        values: Pixels of shape (height, width, 3 or 4), uint8 or uint16.
        name: Format, a key of `ENCODERS`.
        extras: The other contents of the file.
        file: File open for writing.
    """
    ENCODERS[name](values, extras, file)


def _png(values: NDArray[Any], extras: Extras, file: IO[bytes]) -> None:
    if values.dtype == np.uint8 and values.nbytes < LARGE:
        Image.fromarray(values).save(file, "PNG", pnginfo=_png_info(extras), **_given(extras))
        return
    image = _vips_image(values)
    if extras.icc:
        image.set_type(libvips().GValue.blob_type, "icc-profile-data", extras.icc)
    ours = png_chunk(b"pHYs", png_chunk_data(extras.resolution)) if extras.resolution else b""
    ours += png_chunk(b"eXIf", extras.exif) if extras.exif else b""
    ours += png_text(extras.recipe) if extras.recipe is not None else b""
    bits = 8 * values.dtype.itemsize
    with _encoded(
        image.pngsave_target,
        bitdepth=bits,
        compression=COMPRESSION,
        filter="all",
        keep="icc",
    ) as data:
        file.write(data.read(PNG_HEAD) + ours)
        _copy_chunks(data, file)


def _copy_chunks(data: IO[bytes], file: IO[bytes]) -> None:
    """Copy the rest of a PNG, except the resolution, which libvips writes even if none is known."""
    name = b""
    while name != b"IDAT":
        head = data.read(8)
        length = int.from_bytes(head[:4], "big")
        name = head[4:]
        rest = data.read(length + 4)
        if name != b"pHYs":
            file.write(head + rest)
    shutil.copyfileobj(data, file)


@contextmanager
def _encoded(save: Callable[..., object], **options: Any) -> Iterator[IO[bytes]]:
    """Encode with libvips into an unnamed file, and yield that file, positioned at its start."""
    with scratch_file() as file:
        save(libvips().Target.new_to_descriptor(file.fileno()), **options)
        file.seek(0)
        yield file


def _png_info(extras: Extras) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    if extras.recipe is not None:
        png_text(extras.recipe)  # raises an error if the text cannot be stored
        info.add_itxt(KEYWORD, extras.recipe)
    return info


def _jpeg(values: NDArray[Any], extras: Extras, file: IO[bytes]) -> None:
    extras = _with_resolution(extras)
    options = {"quality": extras.quality, "subsampling": "4:4:4", **_given(extras), **_xmp(extras)}
    Image.fromarray(values).save(file, "JPEG", **options)


def _webp(values: NDArray[Any], extras: Extras, file: IO[bytes]) -> None:
    extras = _with_resolution(extras)
    options = {"quality": extras.quality, "method": 4, **_given(extras), **_xmp(extras)}
    Image.fromarray(values).save(file, "WEBP", **options)


def _with_resolution(extras: Extras) -> Extras:
    """Add the resolution to the camera fields, for formats whose readers look for it there."""
    return replace(extras, exif=metadata.with_resolution(extras.exif, extras.resolution))


def _tiff(values: NDArray[Any], extras: Extras, file: IO[bytes]) -> None:
    """Write a TIFF: the pixels as libvips encodes them, after a new directory that includes the extras."""
    options = {"compression": "deflate", "predictor": "horizontal", "keep": "none"}
    with _encoded(_vips_image(values).tiffsave_target, **options) as stream:
        directory = TiffImagePlugin.ImageFileDirectory_v2(stream.read(8))
        stream.seek(directory.next)
        directory.load(stream)
        dict(directory)  # decodes the values; Pillow writes only decoded ones
        _fill_directory(directory, extras)
        file.write(TIFF_HEAD + directory.tobytes(len(TIFF_HEAD)))  # shifts the strip offsets by its own length
        stream.seek(0)
        shutil.copyfileobj(stream, file)


def _fill_directory(directory: TiffImagePlugin.ImageFileDirectory_v2, extras: Extras) -> None:
    for tag, value in (metadata.fields(extras.exif) | resolution_fields(extras.resolution)).items():
        directory[tag] = value
    if extras.icc:
        directory.tagtype[ICC] = 7  # undefined bytes
        directory[ICC] = extras.icc
    if extras.recipe is not None:
        directory.tagtype[XMP] = 1  # bytes
        directory[XMP] = xmp_packet(extras.recipe)


def _given(extras: Extras) -> dict[str, Any]:
    """Return profile, camera fields and resolution as arguments of Pillow's writers."""
    block = metadata.PREFIX + extras.exif if extras.exif else None
    dots = (extras.resolution.across, extras.resolution.down) if extras.resolution else None
    return {name: value for name, value in (("icc_profile", extras.icc), ("exif", block), ("dpi", dots)) if value}


def _xmp(extras: Extras) -> dict[str, bytes]:
    return {} if extras.recipe is None else {"xmp": xmp_packet(extras.recipe)}


def _vips_image(values: NDArray[Any]) -> Any:
    height, width, bands = values.shape
    kind, meaning = {"uint8": ("uchar", "srgb"), "uint16": ("ushort", "rgb16")}[values.dtype.name]
    flat = np.ascontiguousarray(values)
    image = (
        libvips()
        .Image.new_from_memory(
            flat.data,
            width,
            height,
            bands,
            kind,
        )
        .copy(interpretation=meaning)
    )
    if is_mapped(flat):
        image.set_progress(True)
        image.signal_connect("eval", lambda *_: release(flat))
    return image


ENCODERS: dict[str, Callable[[NDArray[Any], Extras, IO[bytes]], None]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "WEBP": _webp,
    "TIFF": _tiff,
}
