"""Pictures -> files: checked before the work, written beside and renamed after it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from styler.config import QUALITY
from styler.errors import OutputError, shown, suggestion
from styler.images import metadata, profiles
from styler.images.atomic import write_atomically
from styler.images.depth import quantize, quantized, rounded
from styler.images.encoding import Extras, encode
from styler.images.export import Export
from styler.images.mapped import bands, roomy
from styler.images.picture import Picture, Pixels
from styler.images.profiles import ProfileError
from styler.images.resolution import Resolution
from styler.types import PathLike, Size

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}

DEEP_FORMATS = ("PNG", "TIFF")  # hold 16 bits a channel
LONGEST_SIDES = {"JPEG": 65_500, "WEBP": 16_383}  # pixels; limits of libjpeg and of the WebP container
CHANNELS = 4  # with alpha
MOST_TIFF = 2**32 - 2**20  # bytes: its offsets have 32 bits; room for the directory, profile and camera fields
LONGEST_ENDING = 19  # bytes of a name that are left for `-<step>`, `-partial` and a checkpoint's suffix
USUAL_NAME = 255  # bytes that most file systems hold
LONGEST_NAME = USUAL_NAME - LONGEST_ENDING


def check_output(path: PathLike, *, overwrite: bool = False, inputs: Iterable[PathLike] = ()) -> Path:
    """Refuse what cannot or must not be written, before any work.

    Args:
        path: Where the output shall go.
        overwrite: Whether an existing file may be replaced.
        inputs: Files that must not be, not even with `overwrite`, by whatever name or link.

    Raises:
        OutputError: Unknown suffix, absent or unwritable folder, one of the inputs, or an existing file without
            `overwrite`.
    """
    output = Path(path)
    with refusals(output):
        check_folder(output, ending=LONGEST_ENDING)
        if output.is_dir():
            message = (
                f"cannot write {shown(output)}: it is a folder; name a file in it, such as {shown(output / 'out.png')}"
            )
            raise OutputError(message)
        _check_name(output)
        check_is_no_input(output, inputs)
        if output.exists() and not output.is_file():
            message = f"cannot write {shown(output)}: it exists and is not a file"
            raise OutputError(message)
        if os.path.lexists(output) and not overwrite:
            message = f"{shown(output)} exists already; choose another --output or give --overwrite"
            raise OutputError(message)
    return output


@contextmanager
def refusals(output: Path) -> Iterator[None]:
    """Turn what the system says to a path, such as that it is too long, into an error about the output."""
    try:
        yield
    except OutputError:
        raise
    except (OSError, ValueError) as cause:  # ValueError: a null character
        message = f"cannot write {shown(output)}: {getattr(cause, 'strerror', None) or cause}"
        raise OutputError(message) from cause


def check_is_no_input(output: Path, inputs: Iterable[PathLike]) -> None:
    """Refuse to write over what is read.

    Raises:
        OutputError: It is the same file, also through a symbolic or hard link.
    """
    for path in inputs:
        try:
            same = os.path.samefile(output, path)
        except (OSError, ValueError):  # one of them does not exist
            continue
        if same:
            message = f"cannot write {shown(output)}: it is the input {shown(path)}; choose another --output"
            raise OutputError(message)


def _check_name(output: Path) -> None:
    if output.suffix.lower() not in FORMATS:
        came = f"unknown format {output.suffix!r}" if output.suffix else "its name has no suffix to tell the format"
        message = f"cannot write {shown(output)}: {came}. {suggestion(output.suffix, FORMATS)}"
        raise OutputError(message)
    if "\0" in str(output):
        message = f"cannot write {shown(output)}: its name holds a null character"
        raise OutputError(message)


def check_folder(output: Path, *, ending: int = 0) -> None:
    """Refuse a file whose folder is absent or does not take it.

    Args:
        output: Where the file shall go.
        ending: Bytes by which names beside it will be longer.

    Raises:
        OutputError: There is no such folder, it cannot be written, or its file system has no names as long.
    """
    folder = output.parent
    if not folder.is_dir():
        message = f"cannot write {shown(output)}: folder {shown(folder)} does not exist; create it first"
        raise OutputError(message)
    longest = _longest_name(folder) - ending
    if len(os.fsencode(output.name)) > longest:
        message = f"cannot write {shown(output)}: the name has more than {longest} bytes; choose a shorter one"
        raise OutputError(message)
    if not os.access(folder, os.W_OK):
        message = f"cannot write {shown(output)}: folder {shown(folder)} is not writable"
        raise OutputError(message)


def _longest_name(folder: Path) -> int:
    """Bytes; encrypted folders hold shorter names than others."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):
        return USUAL_NAME


def check_format_holds(output: Path, size: Size, depth: int | None = None) -> None:
    """Refuse a picture that the format of its suffix cannot hold, before any work.

    Args:
        output: Where it goes.
        size: (height, width) of the result.
        depth: Bits a channel that were asked for; None may come to 16.

    Raises:
        OutputError: A side is too long, the file would be, or the format has 8 bits only.
    """
    name = FORMATS[output.suffix.lower()]
    longest = LONGEST_SIDES.get(name, max(size))
    if max(size) > longest:
        limit = f"{name} holds sides up to {longest} pixels, not {max(size)}; choose .png"
        message = f"cannot write {shown(output)}: {limit}"
        raise OutputError(message)
    if name == "TIFF" and CHANNELS * (depth or 16) // 8 * size.height * size.width > MOST_TIFF:
        limit = (
            f"TIFF files hold 4 GiB, {size.width}x{size.height} pixels may take more; choose .png or a smaller --size"
        )
        message = f"cannot write {shown(output)}: {limit}"
        raise OutputError(message)
    if depth == 16 and name not in DEEP_FORMATS:
        message = f"cannot write {shown(output)}: {name} holds 8 bits a channel, not 16; choose .png or .tif"
        raise OutputError(message)


def check_disk_holds(path: PathLike, size: Size, depth: int | None = None) -> None:
    """Refuse an output that could fill its disk, before any work.

    Args:
        path: Of the output.
        size: Of the picture, (height, width).
        depth: Bits a channel; None for 8.

    Raises:
        OutputError: Less is free than the picture takes without compression, which may gain nothing.
    """
    output = Path(path)
    needed = CHANNELS * (depth or 8) // 8 * size.height * size.width
    free = shutil.disk_usage(output.parent).free
    if free < needed:
        message = (
            f"cannot write {shown(output)}: {size.width}x{size.height} pixels take up to {needed / 2**20:.0f} MiB and "
            f"{free / 2**20:.0f} MiB are free; free some, choose another --output or a smaller --size"
        )
        raise OutputError(message)


def to_bytes(pixels: Pixels) -> np.ndarray:
    """Float 0..1 -> uint8, rounded to nearest."""
    return rounded(pixels, 8)


def to_pil(pixels: Pixels) -> Image.Image:
    """float32 (H, W, 3), 0..1 -> an 8-bit RGB image, dithered."""
    return Image.fromarray(quantized(pixels, 8))


def as_pil(picture: Picture) -> Image.Image:
    """The picture as it is written at 8 bits in sRGB: dithered, RGB, or RGBA where something is transparent."""
    return Image.fromarray(_channels(picture.pixels, picture.alpha, 8))


def write_image(image: Image.Image, path: PathLike, *, quality: int = QUALITY, overwrite: bool = False) -> Path:
    """Write an 8-bit image atomically.

    Args:
        image: An RGB image.
        path: Target; its suffix names the format.
        quality: 1..100 for JPEG (4:4:4) and WebP.
        overwrite: Whether an existing file may be replaced.

    Raises:
        OutputError: See `check_output`; or the disk is full.
    """
    output = check_output(path, overwrite=overwrite)
    check_format_holds(output, Size(image.height, image.width))
    values = np.asarray(image.convert("RGB"))
    return _written(values, output, Extras(quality=quality), overwrite)


def write_picture(picture: Picture, path: PathLike, *, export: Export | None = None, overwrite: bool = False) -> Path:
    """Write a picture atomically, with its alpha, color profile and camera fields.

    Args:
        picture: Pixels in sRGB, and what comes with them.
        path: Target; its suffix names the format.
        export: Choices about the file.
        overwrite: Whether an existing file may be replaced.

    Raises:
        OutputError: See `check_output` and `check_format_holds`; or the disk is full.
    """
    chosen = export or Export()
    output = check_output(path, overwrite=overwrite)
    check_format_holds(output, picture.size, chosen.depth)

    def fill(file: IO[bytes]) -> None:
        encode_picture(picture, FORMATS[output.suffix.lower()], file, chosen)

    write_atomically(output, fill, overwrite=overwrite)
    return output


def encode_picture(picture: Picture, name: str, file: IO[bytes], export: Export | None = None) -> None:
    """Write a picture into an open file.

    Args:
        picture: Pixels in sRGB, and what comes with them.
        name: One of the values of `FORMATS`.
        file: Open for writing.
        export: Choices about the file.
    """
    chosen = export or Export()
    pixels, alpha = picture.pixels, picture.alpha
    if alpha is not None and name == "JPEG":
        pixels, alpha = on_white(pixels, alpha), None
    pixels, icc = _in_profile(pixels, picture.icc if chosen.profile == "keep" else None)
    values = _channels(pixels, alpha, depth_of(picture, name, chosen.depth))
    exif = picture.exif if chosen.keep_gps else metadata.without_place(picture.exif)
    dots = picture.resolution if chosen.dpi is None else Resolution(chosen.dpi, chosen.dpi)
    extras = Extras(icc=icc, exif=exif, resolution=dots, recipe=chosen.recipe, quality=chosen.quality)
    encode(values, name, extras, file)


def output_notes(picture: Picture, path: PathLike, export: Export) -> tuple[str, ...]:
    """What a file of this name cannot keep of a picture, for the one who asked for it."""
    name = FORMATS[Path(path).suffix.lower()]
    notes = []
    if picture.alpha is not None and name == "JPEG":
        notes.append("JPEG has no transparency: transparent regions show white")
    if picture.depth > 8 and export.depth is None and name not in DEEP_FORMATS:
        notes.append(f"{name} holds 8 bits a channel, the photo has {picture.depth}; choose .png or .tif to keep them")
    return tuple(notes)


def depth_of(picture: Picture, name: str, asked: int | None) -> int:
    """Bits a channel of an output: as asked, else 16 where the picture has more than 8 and the format holds them."""
    if asked is not None:
        return asked
    return 16 if picture.depth > 8 and name in DEEP_FORMATS else 8


def on_white(pixels: Pixels, alpha: Pixels) -> Pixels:
    """What shows on paper, (height, width, 3)."""
    made = roomy(pixels.shape)
    for rows in bands(pixels, alpha, made):
        share = alpha[rows, :, None]
        made[rows] = pixels[rows] * share + (1.0 - share)
    return made


def _in_profile(pixels: Pixels, icc: bytes | None) -> tuple[Pixels, bytes | None]:
    if icc is None:
        return pixels, None
    try:
        return profiles.from_srgb(pixels, icc), icc
    except ProfileError:  # reading has tried it, so a picture made by hand: sRGB is right without a profile
        return pixels, None


def _channels(pixels: Pixels, alpha: Pixels | None, bits: int) -> NDArray[Any]:
    if alpha is None:
        return quantized(pixels, bits)
    made = roomy((*alpha.shape, 4), np.uint8 if bits == 8 else np.uint16)
    quantize(pixels, made[..., :3])
    for rows in bands(alpha, made):
        made[rows, :, 3] = rounded(alpha[rows], bits)
    return made


def _written(values: NDArray[Any], output: Path, extras: Extras, overwrite: bool) -> Path:
    def fill(file: IO[bytes]) -> None:
        encode(values, FORMATS[output.suffix.lower()], extras, file)

    write_atomically(output, fill, overwrite=overwrite)
    return output
