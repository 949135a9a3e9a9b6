"""Writes pictures to files: checks the output before any work, and writes it atomically at the end."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from styler.config import QUALITY
from styler.errors import OutputError, shown
from styler.images import metadata, profiles
from styler.images.atomic import write_atomically
from styler.images.depth import quantize, quantized, rounded
from styler.images.encoding import Extras, encode
from styler.images.export import Export
from styler.images.mapped import bands, new_array
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

DEEP_FORMATS = ("PNG", "TIFF")  # formats that support 16 bits per channel
LONGEST_SIDES = {"JPEG": 65_500, "WEBP": 16_383}  # pixels; limits of libjpeg and of the WebP container
CHANNELS = 4  # including alpha
MOST_TIFF = 2**32 - 2**20  # bytes; offsets have 32 bits, minus space for the directory, profile and camera fields
LONGEST_ENDING = 19  # bytes reserved in a name for `-<step>`, `-partial` and the suffix of a checkpoint
USUAL_NAME = 255  # bytes; longest name in most file systems
LONGEST_NAME = USUAL_NAME - LONGEST_ENDING


def check_output(path: PathLike, *, overwrite: bool = False, inputs: Iterable[PathLike] = ()) -> Path:
    """Check that an output can and may be written, before any work.

    Args:
        path: Path of the output.
        overwrite: Whether to replace an existing file.
        inputs: Files that must not be replaced, even with `overwrite`, through any name or link.

    Raises:
        OutputError: The suffix is unknown, the folder is missing or not writable, the output is one of the inputs, or
            it exists and `overwrite` is false.
    """
    output = Path(path)
    with refusals(output):
        check_folder(output, ending=LONGEST_ENDING)
        if output.is_dir():
            message = (
                f"cannot write {shown(output)}: it is a folder; give a file in it, such as {shown(output / 'out.png')}"
            )
            raise OutputError(message)
        _check_name(output)
        check_is_no_input(output, inputs)
        if output.exists() and not output.is_file():
            message = f"cannot write {shown(output)}: it exists and is not a file"
            raise OutputError(message)
        if os.path.lexists(output) and not overwrite:
            message = f"{shown(output)} already exists; choose another --output or pass --overwrite"
            raise OutputError(message)
    return output


@contextmanager
def refusals(output: Path) -> Iterator[None]:
    """Convert a system error about a path, such as a name that is too long, to an `OutputError`."""
    try:
        yield
    except OutputError:
        raise
    except (OSError, ValueError) as cause:  # ValueError: the path contains a null character
        message = f"cannot write {shown(output)}: {getattr(cause, 'strerror', None) or cause}"
        raise OutputError(message) from cause


def check_is_no_input(output: Path, inputs: Iterable[PathLike]) -> None:
    """Check that an output is not one of the inputs.

    Raises:
        OutputError: It is the same file, possibly through a symbolic or hard link.
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
        came = f"got {output.suffix!r}" if output.suffix else "it has none"
        message = f"cannot write {shown(output)}: expected a suffix that names a format, {', '.join(FORMATS)}; {came}"
        raise OutputError(message)
    if "\0" in str(output):
        message = f"cannot write {shown(output)}: its name contains a null character"
        raise OutputError(message)


def check_folder(output: Path, *, ending: int = 0) -> None:
    """Check that the folder of a file exists, is writable, and accepts the length of the name.

    Args:
        output: Path of the file.
        ending: Bytes to reserve for longer names in the same folder, such as those of intermediate images.

    Raises:
        OutputError: The folder does not exist, is not writable, or does not accept such a long name.
    """
    folder = output.parent
    if not folder.is_dir():
        message = f"cannot write {shown(output)}: folder {shown(folder)} does not exist; create it first"
        raise OutputError(message)
    longest = longest_name(folder) - ending
    if len(os.fsencode(output.name)) > longest:
        message = f"cannot write {shown(output)}: the name has more than {longest} bytes; choose a shorter one"
        raise OutputError(message)
    if not os.access(folder, os.W_OK):
        message = f"cannot write {shown(output)}: folder {shown(folder)} is not writable"
        raise OutputError(message)
    try:
        with tempfile.TemporaryFile(dir=folder):  # some file systems, such as /proc, say that they are writable
            pass
    except OSError as cause:
        message = f"cannot write {shown(output)}: no file can be made in folder {shown(folder)} ({cause.strerror})"
        raise OutputError(message) from cause


def longest_name(folder: Path) -> int:
    """Return the maximum length of a name in bytes. It is shorter in encrypted folders."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):
        return USUAL_NAME


def beside(output: Path, word: str) -> Path:
    """Return the path `<output stem>-<word>.png` in the folder of the output."""
    return output.with_name(f"{output.stem}-{word}.png")


def check_format_holds(output: Path, size: Size, depth: int | None = None) -> None:
    """Check that the format of an output supports the picture, before any work.

    Args:
        output: Path of the output; its suffix determines the format.
        size: (height, width) of the result.
        depth: Requested bits per channel; None if not requested, which may mean 16.

    Raises:
        OutputError: A side is too long, the file would be too large, or the format supports only 8 bits.
    """
    name = FORMATS[output.suffix.lower()]
    longest = LONGEST_SIDES.get(name, max(size))
    if max(size) > longest:
        limit = f"{name} supports sides of up to {longest} pixels, not {max(size)}; choose .png"
        message = f"cannot write {shown(output)}: {limit}"
        raise OutputError(message)
    if name == "TIFF" and CHANNELS * (depth or 16) // 8 * size.height * size.width > MOST_TIFF:
        limit = (
            f"TIFF files have at most 4 GiB, and {size.width}x{size.height} pixels may need more; "
            "choose .png or a smaller --size"
        )
        message = f"cannot write {shown(output)}: {limit}"
        raise OutputError(message)
    if depth == 16 and name not in DEEP_FORMATS:
        message = f"cannot write {shown(output)}: {name} supports 8 bits per channel, not 16; choose .png or .tif"
        raise OutputError(message)


def check_disk_holds(path: PathLike, size: Size, depth: int | None = None) -> None:
    """Check that the disk has enough space for an output, before any work.

    Args:
        path: Path of the output.
        size: (height, width) of the picture.
        depth: Bits per channel; None for 8.

    Raises:
        OutputError: The disk has less free space than the uncompressed picture needs.
    """
    output = Path(path)
    needed = CHANNELS * (depth or 8) // 8 * size.height * size.width
    disk = shutil.disk_usage(output.parent)
    free = disk.free
    if disk.total and free < needed:  # file systems of the kernel, such as /proc, have no size
        message = (
            f"cannot write {shown(output)}: {size.width}x{size.height} pixels need up to {needed / 2**20:.0f} MiB, but "
            f"only {free / 2**20:.0f} MiB are free; free some space, or choose another --output or a smaller --size"
        )
        raise OutputError(message)


def to_bytes(pixels: Pixels) -> np.ndarray:
    """Convert floats in 0..1 to uint8, rounded to nearest."""
    return rounded(pixels, 8)


def to_pil(pixels: Pixels) -> Image.Image:
    """Convert float32 pixels in 0..1, (H, W, 3), to an 8-bit RGB image, dithered."""
    return Image.fromarray(quantized(pixels, 8))


def as_pil(picture: Picture) -> Image.Image:
    """Convert a picture to an 8-bit sRGB image, dithered: RGB, or RGBA if it has alpha."""
    return Image.fromarray(_channels(picture.pixels, picture.alpha, 8))


def write_image(
    image: Image.Image,
    path: PathLike,
    *,
    quality: int = QUALITY,
    overwrite: bool = False,
) -> Path:
    """Write an 8-bit image atomically.

    Args:
        image: Image to write; it is converted to RGB.
        path: Path of the output; its suffix determines the format.
        quality: Quality of JPEG (4:4:4) and WebP, 1..100.
        overwrite: Whether to replace an existing file.

    Raises:
        OutputError: The disk is full, or see `check_output`.
    """
    output = check_output(path, overwrite=overwrite)
    check_format_holds(output, Size(image.height, image.width))
    values = np.asarray(image.convert("RGB"))
    return _written(values, output, Extras(quality=quality), overwrite)


def write_picture(
    picture: Picture,
    path: PathLike,
    *,
    export: Export | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a picture atomically, with its alpha, color profile and camera fields.

    Args:
        picture: Picture to write.
        path: Path of the output; its suffix determines the format.
        export: Options of the file; None for the defaults.
        overwrite: Whether to replace an existing file.

    Raises:
        OutputError: The disk is full, or see `check_output` and `check_format_holds`.
    """
    chosen = export or Export()
    output = check_output(path, overwrite=overwrite)
    check_format_holds(output, picture.size, chosen.depth)

    def fill(file: IO[bytes]) -> None:
        encode_picture(picture, FORMATS[output.suffix.lower()], file, chosen)

    write_atomically(output, fill, overwrite=overwrite)
    return output


def encode_picture(
    picture: Picture,
    name: str,
    file: IO[bytes],
    export: Export | None = None,
) -> None:
    """Write a picture to an open file.

    Args:
        picture: Picture to write.
        name: Format, one of the values of `FORMATS`.
        file: File open for writing.
        export: Options of the file; None for the defaults.
    """
    chosen = export or Export()
    pixels = picture.pixels
    alpha = picture.alpha
    if alpha is not None and name == "JPEG":
        pixels, alpha = on_white(pixels, alpha), None
    pixels, icc = _in_profile(pixels, picture.icc if chosen.profile == "keep" else None)
    values = _channels(pixels, alpha, depth_of(picture, name, chosen.depth))
    exif = picture.exif if chosen.keep_gps else metadata.without_place(picture.exif)
    dots = picture.resolution if chosen.dpi is None else Resolution(chosen.dpi, chosen.dpi)
    extras = Extras(
        icc=icc,
        exif=exif,
        resolution=dots,
        recipe=chosen.recipe,
        quality=chosen.quality,
    )
    encode(values, name, extras, file)


def output_notes(picture: Picture, path: PathLike, export: Export) -> tuple[str, ...]:
    """Return notes for the user about what the format of an output cannot preserve of a picture."""
    name = FORMATS[Path(path).suffix.lower()]
    notes = []
    if picture.alpha is not None and name == "JPEG":
        notes.append("JPEG has no transparency: transparent regions become white")
    if picture.depth > 8 and export.depth is None and name not in DEEP_FORMATS:
        notes.append(f"{name} has 8 bits per channel, the photo has {picture.depth}; choose .png or .tif to keep them")
    return tuple(notes)


def depth_of(picture: Picture, name: str, asked: int | None) -> int:
    """Return the bits per channel of an output.

    Args:
        picture: Picture to write.
        name: Format, one of the values of `FORMATS`.
        asked: Requested bits; None for 16 if the picture has more than 8 and the format supports 16, else 8.
    """
    if asked is not None:
        return asked
    return 16 if picture.depth > 8 and name in DEEP_FORMATS else 8


def on_white(pixels: Pixels, alpha: Pixels) -> Pixels:
    """Blend a picture with white according to its alpha; shape (height, width, 3)."""
    made = new_array(pixels.shape)
    for rows in bands(pixels, alpha, made):
        share = alpha[rows, :, None]
        made[rows] = pixels[rows] * share + (1.0 - share)
    return made


def _in_profile(pixels: Pixels, icc: bytes | None) -> tuple[Pixels, bytes | None]:
    if icc is None:
        return pixels, None
    try:
        return profiles.from_srgb(pixels, icc), icc
    except ProfileError:  # not from a file, whose profile was checked; write sRGB without a profile
        return pixels, None


def _channels(pixels: Pixels, alpha: Pixels | None, bits: int) -> NDArray[Any]:
    if alpha is None:
        return quantized(pixels, bits)
    made = new_array((*alpha.shape, 4), np.uint8 if bits == 8 else np.uint16)
    quantize(pixels, made[..., :3])
    for rows in bands(alpha, made):
        made[rows, :, 3] = rounded(alpha[rows], bits)
    return made


def _written(
    values: NDArray[Any],
    output: Path,
    extras: Extras,
    overwrite: bool,
) -> Path:
    def fill(file: IO[bytes]) -> None:
        encode(values, FORMATS[output.suffix.lower()], extras, file)

    write_atomically(output, fill, overwrite=overwrite)
    return output
