"""Reads image files, PIL images and arrays as a `Picture`: float32 sRGB pixels, alpha, profile and camera fields."""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np
from PIL import Image

from styler.errors import ImageError, shown
from styler.forks import check_not_forked
from styler.images import colorimetry, metadata, profiles, rasters, resolution
from styler.images.colorimetry import ColorError
from styler.images.limits import check_pixels
from styler.images.mapped import bands, new_array, release
from styler.images.picture import Picture, Pixels
from styler.images.profiles import ProfileError
from styler.images.rasters import DecodingError, Header, Raster
from styler.images.resolution import Resolution
from styler.images.signatures import HEAD, READABLE, kind_of, name_of
from styler.sources import identified
from styler.types import PathLike, Size

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["ImageLike", "Picture", "Pixels", "check_readable", "read_image"]

ImageLike: TypeAlias = "PathLike | Image.Image | ArrayLike | Picture"

_ADDRESS = re.compile("^[A-Za-z][A-Za-z0-9+.-]+:/")  # RFC 3986, with one slash because a Path drops the second
INVISIBLE = "the image is transparent everywhere and is read as white"
TRANSPARENT = "transparent regions are kept and do not count toward the style"
FULL_SCALES: dict[np.dtype[Any], float] = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}
OPAQUE = 1.0
PAPER = 1.0  # color of transparent regions: white


def check_readable(path: PathLike, *, max_pixels: int | None = None) -> Size:
    """Read the header of an image file, without decoding its pixels.

    Args:
        path: Path of the file.
        max_pixels: Maximum number of pixels; None for what fits into memory, at most 16,384 x 16,384.

    Returns:
        (height, width) of the upright image, in pixels.

    Raises:
        ImageError: The file does not exist, is not a regular file or not an image, or has too many pixels.
    """
    with _opened(path) as (file, kind):
        return _checked_header(path, file, kind, max_pixels).seen


def read_image(source: ImageLike, *, max_pixels: int | None = None) -> Picture:
    """Read an image from a path, a PIL image or an array.

    Args:
        source: One of these:

            - a path;
            - a `PIL.Image.Image`;
            - an array, or anything that converts to one (tensors, nested lists): shape (H, W, 3 or 4), gray (H, W) or
              (H, W, 1 or 2), or a batch of one of these; uint8, uint16, bool or floats in 0..1;
            - a `Picture`, which is returned unchanged.
        max_pixels: Maximum number of pixels, as in `check_readable`.

    Raises:
        ImageError: The image cannot be read, or `source` has another type.
    """
    if isinstance(source, Picture):
        return source
    if isinstance(source, Image.Image):
        return _from_pil(source, max_pixels)
    if isinstance(source, str | os.PathLike):
        return _from_file(source, max_pixels)
    return _from_array(_array_of(source))


def _from_file(path: PathLike, max_pixels: int | None) -> Picture:
    check_not_forked("libvips")
    with _opened(path) as (file, kind):
        _checked_header(path, file, kind, max_pixels)
        try:
            raster = rasters.decoded(file, kind)
            dots = resolution.of_file(file, kind, raster.exif)
            picture = _picture(raster, Path(path).stem, dots)
            return replace(picture, source=identified(file, Path(path).name))
        except DecodingError as cause:
            message = (
                f"cannot decode {shown(path)}: {cause}. The file is damaged, cut off or of a rare kind; copy it again, "
                "or save it in another format, such as PNG"
            )
            raise ImageError(message) from cause
        except (ColorError, ImageError) as cause:
            message = f"cannot read {shown(path)}: {cause}"
            raise ImageError(message) from cause


def _checked_header(
    path: PathLike,
    file: IO[bytes],
    kind: str,
    max_pixels: int | None,
) -> Header:
    try:
        header = rasters.header(file, kind)
    except (DecodingError, ColorError) as cause:
        message = f"cannot read {shown(path)}: {cause}"
        raise ImageError(message) from cause
    check_pixels(header.size, shown(path), max_pixels)
    return header


@contextmanager
def _opened(source: PathLike) -> Iterator[tuple[IO[bytes], str]]:
    """Open a regular file of a supported format, and yield it with the name of the format."""
    path = Path(source)
    _check_regular(path)
    try:
        file = path.open("rb")
    except OSError as cause:
        message = f"cannot read {shown(path)}: {cause.strerror or cause}"
        raise ImageError(message) from cause
    with file:
        head = file.read(HEAD)
        kind = kind_of(head)
        if kind is None:
            name = name_of(head)
            what = f"is {name}" if name else f"is not an image that styler can read; give a {READABLE} file"
            message = f"{shown(path)} {what}"
            raise ImageError(message)
        yield file, kind


def _check_regular(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as cause:  # ValueError: the name contains a null character
        reason = _not_a_path(str(path)) or getattr(cause, "strerror", None) or cause
        name = _ADDRESS.sub(r"\g<0>/", str(path))  # a path has lost the second slash of a URL
        message = f"cannot read {shown(name)}: {reason}"
        raise ImageError(message) from cause
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device, pipe or socket"
        message = f"cannot read {shown(path)}: expected a file, got {kind}"
        raise ImageError(message)


def _not_a_path(text: str) -> str:
    """Return the advice for a name that is not a path, such as a URL; empty if there is none."""
    if _ADDRESS.match(text):
        return "expected a file, got a URL; download the file first"
    return "standard input can only be the CONTENT of styler render" if text == "-" else ""


def _from_pil(image: Image.Image, max_pixels: int | None) -> Picture:
    check_pixels(Size(image.height, image.width), "the image", max_pixels)
    try:
        return _picture(rasters.from_pil(image), "image", resolution.of_info(image.info))
    except DecodingError as cause:
        message = f"cannot read the image: {cause}"
        raise ImageError(message) from cause
    except (OSError, SyntaxError) as cause:  # PIL has opened the image but not decoded it yet
        message = f"cannot decode the image: {cause}"
        raise ImageError(message) from cause


def _picture(raster: Raster, name: str, dots: Resolution | None) -> Picture:
    notes = list(raster.notes)
    if raster.header.frames > 1:
        notes.append(f"the first of {raster.header.frames} pages or frames is used")
    pixels = _colors(raster, notes)
    stored = _scaled(raster.values[..., raster.colors], raster.full) if raster.has_alpha else None
    pixels, alpha = _with_alpha(pixels, stored, notes)
    turn = raster.header.turn
    return Picture(
        pixels=_turned(pixels, turn),
        name=name,
        notes=tuple(notes),
        alpha=None if alpha is None else _turned(alpha, turn),
        icc=raster.icc if raster.icc and profiles.can_be_kept(raster.icc) else None,
        depth=8 * raster.values.dtype.itemsize if raster.values.dtype != np.uint32 else 16,
        exif=metadata.passed_on(raster.exif),
        resolution=dots and dots.turned(turn),
        is_invisible=INVISIBLE in notes,
    )


def _colors(raster: Raster, notes: list[str]) -> Pixels:
    """Convert the color channels to sRGB, according to the profile or the stated colors, if there are any."""
    values = raster.values[..., : raster.colors]
    if raster.icc is not None:
        try:
            pixels = profiles.to_srgb(_whole_numbers(values, raster.full), raster.icc, raster.model)
        except ProfileError as cause:
            notes.append(f"color profile ignored: {cause}")
        else:
            notes.append(_converted_note(raster.icc, raster.model))
            return pixels
    pixels = _rgb(_scaled(values, raster.full), raster.model, notes)
    if raster.colorimetry is None:
        return pixels
    notes.append(f"colors converted to sRGB ({raster.colorimetry.said})")
    return colorimetry.to_srgb(pixels, raster.colorimetry)


def _converted_note(icc: bytes, model: str) -> str:
    if model != "rgb":
        return f"color profile converted to sRGB; it is for {model} images, so the result will be sRGB"
    if not profiles.can_be_kept(icc):
        return "color profile converted to sRGB; it converts in one direction only, so the result will be sRGB"
    return "color profile converted to sRGB"


def _scaled(values: NDArray[Any], full: float) -> Pixels:
    """Scale integers to 0..1; check that floats are in 0..1."""
    if values.dtype == np.float32:
        return _checked_floats(values)
    made = new_array(values.shape)
    for rows in bands(values, made):
        np.divide(
            values[rows],
            np.float32(full),
            dtype=np.float32,
            out=made[rows],
        )
    return made


def _whole_numbers(values: NDArray[Any], full: float) -> NDArray[Any]:
    """Scale values to the full range of 8 or 16 bits, which littleCMS expects."""
    if full == np.iinfo(np.uint8).max or (values.dtype == np.uint16 and full == np.iinfo(np.uint16).max):
        return values
    scaled = _scaled(values, full)
    made = new_array(values.shape, np.uint16)
    for rows in bands(scaled, made):
        made[rows] = np.rint(scaled[rows] * np.float32(65535.0))
    return made


def _rgb(values: Pixels, model: str, notes: list[str]) -> Pixels:
    if model == "rgb":
        return values
    if model == "cmyk":
        notes.append("CMYK without a usable profile: the colors are a guess")
    made = new_array((*values.shape[:2], 3))
    for rows in bands(values, made):
        part = values[rows]
        made[rows] = part if model == "gray" else (1.0 - part[..., :3]) * (1.0 - part[..., 3:])
    return made


def _with_alpha(pixels: Pixels, alpha: Pixels | None, notes: list[str]) -> tuple[Pixels, Pixels | None]:
    """Make transparent pixels white. Drop the alpha channel if everything is opaque, or everything is transparent."""
    if alpha is None or min(float(alpha[rows].min()) for rows in bands(alpha)) >= OPAQUE:
        return pixels, None
    shows = False
    for rows in bands(pixels, alpha):
        pixels[rows][alpha[rows] <= 0.0] = PAPER
        shows = shows or bool(alpha[rows].any())
    if not shows:
        notes.append(INVISIBLE)
        return pixels, None
    notes.append(TRANSPARENT)
    return pixels, alpha


def _turned(values: Pixels, turn: int) -> Pixels:
    """Rotate and flip an image upright, given its EXIF orientation, 1 to 8."""
    if turn in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if turn in (3, 4, 7, 8):
        values = values[::-1]
    if turn in (2, 3, 6, 7):
        values = values[:, ::-1]
    if values.flags.c_contiguous:
        return values
    made = new_array(values.shape)
    for rows in bands(made):
        made[rows] = values[rows]
        release(values[rows])
    return made


def _array_of(source: Any) -> NDArray[Any]:
    """Convert a NumPy array, a tensor of another library or nested lists to an array."""
    array = None
    if isinstance(source, np.ndarray | list | tuple | memoryview) or hasattr(source, "__array__"):
        with suppress(ValueError, TypeError, RuntimeError):  # ragged lists; tensors on a device or with gradients
            array = np.asanyarray(source)
    if array is None or array.dtype.kind not in "buifc":
        message = f"expected a path, a PIL image or an array, got {type(source).__name__}"
        if isinstance(source, bytes) or hasattr(source, "read"):
            message += "; give the path of a file, or open it with PIL.Image.open"
        raise ImageError(message)
    if isinstance(array, np.ma.MaskedArray):
        message = "expected an array without a mask; fill it, or pass the mask as a fourth channel, 0 for hidden pixels"
        raise ImageError(message)
    return array


def _from_array(given: NDArray[Any]) -> Picture:
    array = given[0] if given.ndim == 4 and len(given) == 1 else given
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[2] > 4 or 0 in array.shape:
        message = f"expected an array of shape (height, width, 3 or 4) or gray (height, width), got {given.shape}"
        raise ImageError(message + _advice_on_shape(given))
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype in FULL_SCALES:
        values = _scaled(array, FULL_SCALES[array.dtype])
    elif array.dtype.kind in "fb":
        values = _checked_floats(array)
    else:
        message = f"expected an array of uint8 or uint16, or of floats in 0..1, got {array.dtype}; "
        raise ImageError(message + "convert it with .astype('uint8') if its values are in 0..255")
    notes: list[str] = []
    colors = 1 if array.shape[2] < 3 else 3
    stored = values[..., colors].copy() if array.shape[2] > colors else None
    pixels, alpha = _with_alpha(_rgb(values[..., :colors], "gray" if colors == 1 else "rgb", notes), stored, notes)
    depth = 16 if array.dtype == np.uint16 else 8
    return Picture(
        pixels=np.ascontiguousarray(pixels),
        name="image",
        notes=tuple(notes),
        alpha=alpha,
        depth=depth,
        is_invisible=INVISIBLE in notes,
    )


def _advice_on_shape(array: NDArray[Any]) -> str:
    if array.ndim == 4 and len(array) != 1:
        return "; pass the images of a batch one by one"
    if array.ndim >= 3 and array.shape[-3] in (1, 3, 4) and 0 not in array.shape:
        return "; if its channels come first, pass np.moveaxis(array, -3, -1)"
    return ""


def _checked_floats(array: NDArray[Any]) -> Pixels:
    pixels = new_array(array.shape)
    low = math.inf
    high = -math.inf
    for rows in bands(array, pixels):
        pixels[rows] = array[rows]
        low, high = float(np.minimum(low, pixels[rows].min())), float(np.maximum(high, pixels[rows].max()))
    if not (low >= 0.0 and high <= 1.0):  # also false for NaN
        message = f"expected floats in 0..1, got values from {low:g} to {high:g}"
        if low >= 0.0 and 2.0 < high <= FULL_SCALES[np.dtype(np.uint8)]:
            message += "; if they are meant as 0..255, divide them by 255"
        raise ImageError(message)
    return pixels
