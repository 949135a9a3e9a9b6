"""Conversion between ICC profiles with littleCMS: to sRGB for the render, and back to the file's profile.

8-bit images use the 8-bit path of littleCMS, through libvips, as in Pillow and most viewers. Deeper images use its
floating-point path, through imagecodecs. The 16-bit path interpolates in a coarse table and is wrong by up to 14/255 at
the edge of sRGB and by 5/255 near black (measured with an Adobe-like profile; floats are exact).
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import ImageCms

from styler.images import scratch
from styler.images.libvips import libvips
from styler.images.mapped import bands, new_array, release
from styler.images.picture import Pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

INTENT = "perceptual"  # default of littleCMS, Pillow and most viewers; matrix profiles have no other
INTENT_NUMBER = 0  # littleCMS's number for it
HEADER = 128  # bytes, ICC.1:2022 section 7.2; the color space is at offset 16, the signature at 36
MODELS = {b"RGB ": "rgb", b"GRAY": "gray", b"CMYK": "cmyk"}
CHANNELS = {"rgb": 3, "gray": 1, "cmyk": 4}
ROWS = 256  # rows to convert at a time, so that a large picture is not in memory several times
ROUND_TRIP = 0.04  # tolerated error of a channel: profiles with tables have up to 0.02, one-way profiles far more
UNUSABLE = "littleCMS cannot use it"
_INTERPRETATIONS = {"rgb": "srgb", "gray": "b-w", "cmyk": "cmyk"}  # libvips's names
_PILLOW_MODES = {"rgb": "RGB", "gray": "L", "cmyk": "CMYK"}


class ProfileError(ValueError):
    """A profile cannot be used. The caller adds what to do about it."""


@functools.cache
def srgb_profile() -> bytes:
    """Return the sRGB profile of the working space, with littleCMS's exact curves."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@functools.cache
def lab_profile() -> bytes:
    """Return the profile of CIELab with D50, the white point of ICC profiles and of programs that write Lab files."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def model_of(icc: bytes) -> str | None:
    """Return the color model of a profile: "rgb", "gray" or "cmyk"; None for another model or invalid data."""
    return MODELS.get(icc[16:20]) if len(icc) > HEADER and icc[36:40] == b"acsp" else None


def to_srgb(values: NDArray[Any], icc: bytes, model: str) -> Pixels:
    """Convert the channels of a file to sRGB.

    Args:
        values: uint8 or uint16, (height, width, channels).
        icc: Profile of these values.
        model: Their color model: "rgb", "gray" or "cmyk".

    Returns:
        sRGB pixels, float32, 0..1, (height, width, 3).

    Raises:
        ProfileError: The profile is damaged or has another color model.
        ResourceError: There is no place for the temporary file that the conversion needs.
    """
    if model_of(icc) != model:
        message = f"it is not for {model} images" if model_of(icc) else "it is damaged"
        raise ProfileError(message)
    if values.dtype == np.uint8:
        return _by_table(values, icc, model)
    return _by_floats(values, icc, srgb_profile(), model)


def from_lab(values: Pixels) -> Pixels:
    """Convert CIELab with D50 (float32, L* in 0..100, a* and b* around 0) to sRGB in 0..1, clipped."""
    return _by_floats(values, lab_profile(), srgb_profile(), "lab")


def from_srgb(pixels: Pixels, icc: bytes) -> Pixels:
    """Convert sRGB to the values of an RGB profile, float32, 0..1. Colors outside the profile are clipped.

    Raises:
        ProfileError: Colors cannot be converted to this profile.
    """
    return _by_floats(pixels, srgb_profile(), icc, "rgb")


@functools.lru_cache(maxsize=16)
def can_be_kept(icc: bytes) -> bool:
    """Return whether a result can be converted to a profile: an RGB profile that converts colors there and back."""
    if model_of(icc) != "rgb":
        return False
    levels = np.linspace(0.25, 0.75, 5, dtype=np.float32)  # muted colors, which every RGB space contains
    muted = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(1, -1, 3)
    colors = np.float32(0.5) * muted + np.float32(0.5) * muted.mean(-1, keepdims=True)
    try:
        back = _by_floats(from_srgb(colors, icc), icc, srgb_profile(), "rgb")
    except ProfileError:
        return False
    return bool(np.abs(back - colors).max() <= ROUND_TRIP)


def _by_table(values: NDArray[Any], icc: bytes, model: str) -> Pixels:
    """Convert 8-bit values of a profile to sRGB, calculated with 16 bits."""
    _check_whole(icc, model)
    vips = libvips()
    made = new_array((*values.shape[:2], CHANNELS["rgb"]))
    with scratch.named(srgb_profile(), ".icc") as target:  # libvips accepts only a path
        try:
            for rows in bands(values, made):
                _convert_rows(
                    values[rows],
                    made[rows],
                    icc,
                    model,
                    str(target),
                )
        except (vips.Error, OSError, ValueError) as cause:
            raise ProfileError(UNUSABLE) from cause
    return made


def _convert_rows(
    values: NDArray[Any],
    into: Pixels,
    icc: bytes,
    model: str,
    target: str,
) -> None:
    vips = libvips()
    height, width, channels = values.shape
    image = vips.Image.new_from_memory(
        np.ascontiguousarray(values).data,
        width,
        height,
        channels,
        "uchar",
    )
    image = image.copy(interpretation=_INTERPRETATIONS[model])
    image.set_type(vips.GValue.blob_type, "icc-profile-data", icc)
    converted = image.icc_transform(
        target,
        embedded=True,
        intent=INTENT,
        depth=16,
    )
    result = np.frombuffer(converted.write_to_memory(), np.uint16).reshape(height, width, CHANNELS["rgb"])
    np.divide(
        result,
        np.float32(65535.0),
        dtype=np.float32,
        out=into,
    )


def _check_whole(icc: bytes, model: str) -> None:
    """Check a profile that libvips would silently replace with sRGB if it could not use it."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), _PILLOW_MODES[model], "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError) as cause:
        raise ProfileError(UNUSABLE) from cause


def _by_floats(
    values: NDArray[Any],
    source: bytes,
    target: bytes,
    model: str,
) -> Pixels:
    """Convert 16-bit values or floats in 0..1 to the values of an RGB profile, in bands of rows, clipped."""
    import imagecodecs

    convert: Any = imagecodecs.cms_transform
    result = new_array((*values.shape[:2], CHANNELS["rgb"]))
    spaces = {"colorspace": model, "outcolorspace": "rgb"}
    try:
        for top in range(0, len(values), ROWS):
            part = slice(top, top + ROWS)
            rows = np.ascontiguousarray(values[part, :, 0] if model == "gray" else values[part])
            made = convert(
                rows,
                source,
                target,
                intent=INTENT_NUMBER,
                outdtype=np.float32,
                **spaces,
            )
            result[part] = np.nan_to_num(made, copy=False, nan=0.0).clip(0.0, 1.0)
            release(result[part])
            release(values[part])
    except (imagecodecs.CmsError, OSError, ValueError, RuntimeError) as cause:
        raise ProfileError(UNUSABLE) from cause
    return result
