"""Image files, PIL images and arrays -> float32 sRGB 0..1, (height, width, 3)."""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from styler.errors import ImageError
from styler.types import PathLike, Size

if TYPE_CHECKING:
    from numpy.typing import NDArray

ImageLike: TypeAlias = "PathLike | Image.Image | NDArray[np.generic] | Picture"
Pixels: TypeAlias = "NDArray[np.float32]"

PAPER = (255, 255, 255)  # what shows through transparent regions
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")  # Pillow's gray beyond 8 bits
MOST_PIXELS = 2**28  # 16,384 x 16,384: larger headers are refused before their pixels are decoded
Image.MAX_IMAGE_PIXELS = None  # the check above replaces Pillow's warning


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An opened image.

    Attributes:
        pixels: float32, sRGB-encoded, 0..1, (height, width, 3).
        name: Base name of the file without suffix, or "image".
        notes: What was done to it that its owner may want to know.
    """

    pixels: Pixels
    name: str
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> Size:
        """(height, width) in pixels."""
        return Size(*self.pixels.shape[:2])


def check_readable(path: PathLike) -> Size:
    """Open an image's header without decoding its pixels.

    Returns:
        (height, width) in pixels as the image is meant to be seen.

    Raises:
        ImageError: No such file, not a file, not an image, or too many pixels.
    """
    with _opened(path) as image:
        width, height = image.size
        turned = image.getexif().get(0x0112) in (5, 6, 7, 8)  # EXIF orientations that swap the sides
        return Size(width, height) if turned else Size(height, width)


def read_image(source: ImageLike) -> Picture:
    """Read a path, a PIL image or an array; a `Picture` is returned as it is.

    Args:
        source: A path; a `PIL.Image.Image`; an array (H, W, 3 or 4), uint8 or float 0..1; a `Picture`.

    Raises:
        ImageError: It cannot be read or is none of these.
    """
    if isinstance(source, Picture):
        return source
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return _from_pil(source, "image")
    if isinstance(source, str | os.PathLike):
        with _opened(source) as image:
            return _decoded(image, Path(source))
    message = f"expected a path, a PIL image or an array, got {type(source).__name__}"
    raise ImageError(message)


def _decoded(image: Image.Image, path: Path) -> Picture:
    try:
        return _from_pil(image, path.stem)
    except (OSError, SyntaxError, ValueError, EOFError) as cause:
        message = f"cannot decode {path}: {cause}. The file is damaged or cut short; save it anew"
        raise ImageError(message) from cause


def _opened(source: PathLike) -> Image.Image:
    path = Path(source)
    _check_regular(path)
    try:
        image = Image.open(path)
    except UnidentifiedImageError:
        message = f"{path} is not an image that Pillow can read; give a JPEG, PNG, WebP or TIFF file"
        raise ImageError(message) from None
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as cause:
        message = f"cannot read {path}: {cause}"
        raise ImageError(message) from cause
    if image.width * image.height > MOST_PIXELS:
        image.close()
        message = f"{path} claims {image.width}x{image.height} pixels, more than the limit of {MOST_PIXELS}"
        raise ImageError(message)
    return image


def _check_regular(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError as cause:
        message = f"cannot read {path}: {cause.strerror or cause}"
        raise ImageError(message) from cause
    if not stat.S_ISREG(mode):
        message = f"cannot read {path}: a file was expected, this is {'a folder' if stat.S_ISDIR(mode) else 'none'}"
        raise ImageError(message)


def _from_pil(image: Image.Image, name: str) -> Picture:
    notes: list[str] = []
    turned = ImageOps.exif_transpose(image)
    if turned.mode in DEEP_MODES:
        return Picture(pixels=_deep_gray(turned), name=name)
    rgb = _flattened(_to_srgb(turned, notes), notes)
    return Picture(pixels=np.asarray(rgb, np.float32) / 255.0, name=name, notes=tuple(notes))


def _deep_gray(image: Image.Image) -> Pixels:
    """Gray of 16 bits, or floats in 0..1, as RGB; Pillow's own conversion would clip them at 255."""
    values = np.asarray(image, np.float32)
    gray = values if image.mode == "F" else np.clip(values / 65535.0, 0.0, 1.0)
    return _checked_floats(np.repeat(gray[..., None], 3, -1))


def _to_srgb(image: Image.Image, notes: list[str]) -> Image.Image:
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError) as cause:
        notes.append(f"color profile ignored: {cause}")
        return image
    notes.append("color profile converted to sRGB")
    return converted or image


def _flattened(image: Image.Image, notes: list[str]) -> Image.Image:
    if "A" not in image.getbands() and "transparency" not in image.info:
        return image.convert("RGB")
    notes.append("transparent regions show white")
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, (*PAPER, 255)), rgba).convert("RGB")


def _from_array(array: NDArray[np.generic]) -> Picture:
    if array.ndim != 3 or array.shape[2] not in (3, 4) or 0 in array.shape:
        message = f"expected an array of shape (height, width, 3 or 4), got {array.shape}"
        raise ImageError(message)
    if array.dtype == np.uint8:
        pixels = array.astype(np.float32) / 255.0
    elif np.issubdtype(array.dtype, np.floating):
        pixels = _checked_floats(array)
    else:
        message = f"expected an array of uint8, or of floats in 0..1, got {array.dtype}"
        raise ImageError(message)
    if array.shape[2] == 3:
        return Picture(pixels=pixels, name="image")
    alpha = pixels[..., 3:]
    return Picture(
        pixels=pixels[..., :3] * alpha + (1.0 - alpha),
        name="image",
        notes=("transparent regions show white",),
    )


def _checked_floats(array: NDArray[np.generic]) -> Pixels:
    pixels = array.astype(np.float32)
    low, high = float(pixels.min()), float(pixels.max())
    if not (low >= 0.0 and high <= 1.0):  # also false for NaN
        message = f"expected floats in 0..1, got values from {low:g} to {high:g}"
        raise ImageError(message)
    return pixels
