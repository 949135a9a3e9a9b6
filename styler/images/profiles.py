"""ICC profiles: into sRGB for the work, and back into the file's own for the output; by littleCMS.

What has 8 bits goes through its 8-bit path, by way of libvips, as in Pillow and most viewers. What has more goes
through its floating-point path, by way of imagecodecs: the 16-bit path interpolates in a coarse table and is off by
up to 14/255 at the edge of sRGB and 5/255 near black (measured with an Adobe-like profile; floats are exact).
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import ImageCms

from styler.images import scratch
from styler.images.libvips import libvips
from styler.images.mapped import bands, release, roomy
from styler.images.picture import Pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

INTENT = "perceptual"  # the default of littleCMS, Pillow and most viewers; profiles of matrices have no other
INTENT_NUMBER = 0  # the same to littleCMS
HEADER = 128  # bytes, ICC.1:2022 section 7.2: the color space stands at 16, the signature at 36
MODELS = {b"RGB ": "rgb", b"GRAY": "gray", b"CMYK": "cmyk"}
CHANNELS = {"rgb": 3, "gray": 1, "cmyk": 4}
ROWS = 256  # converted at a time, so that a large picture is not held several times
ROUND_TRIP = (
    0.04  # of a channel: tables of scanners and printers are off by up to 0.02, one that works one way by far more
)
UNUSABLE = "littleCMS cannot use it"
_INTERPRETATIONS = {"rgb": "srgb", "gray": "b-w", "cmyk": "cmyk"}  # libvips's names
_PILLOW_MODES = {"rgb": "RGB", "gray": "L", "cmyk": "CMYK"}


class ProfileError(ValueError):
    """A profile that cannot be used; what to do about it is the caller's to say."""


@functools.cache
def srgb_profile() -> bytes:
    """The sRGB profile that the work is done in, by littleCMS's own exact curves."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@functools.cache
def lab_profile() -> bytes:
    """CIELab under D50, the white of ICC profiles and of the programs that write such files."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def model_of(icc: bytes) -> str | None:
    """What a profile describes: "rgb", "gray", "cmyk", or None for anything else and for garbage."""
    return MODELS.get(icc[16:20]) if len(icc) > HEADER and icc[36:40] == b"acsp" else None


def to_srgb(values: NDArray[Any], icc: bytes, model: str) -> Pixels:
    """Channels of a file -> sRGB.

    Args:
        values: uint8 or uint16, (height, width, channels).
        icc: The profile that gives them meaning.
        model: "rgb", "gray" or "cmyk".

    Returns:
        float32 sRGB 0..1, (height, width, 3).

    Raises:
        ProfileError: The profile is damaged or for another model.
        ResourceError: There is nowhere to put a profile for the conversion: colors never stay as they are for that.
    """
    if model_of(icc) != model:
        message = f"it is not for {model} images" if model_of(icc) else "it is damaged"
        raise ProfileError(message)
    if values.dtype == np.uint8:
        return _by_table(values, icc, model)
    return _by_floats(values, icc, srgb_profile(), model)


def from_lab(values: Pixels) -> Pixels:
    """CIELab under D50, L* 0..100 with a* and b* around 0, float32 (height, width, 3) -> sRGB 0..1, clipped."""
    return _by_floats(values, lab_profile(), srgb_profile(), "lab")


def from_srgb(pixels: Pixels, icc: bytes) -> Pixels:
    """From sRGB to an RGB profile's own values, float32 0..1; colors outside it are clipped.

    Raises:
        ProfileError: Nothing can be converted into the profile.
    """
    return _by_floats(pixels, srgb_profile(), icc, "rgb")


@functools.lru_cache(maxsize=16)
def can_be_kept(icc: bytes) -> bool:
    """Whether a result can be converted into a profile: one for RGB that gives colors back as they went in."""
    if model_of(icc) != "rgb":
        return False
    levels = np.linspace(0.25, 0.75, 5, dtype=np.float32)  # muted, so that they lie within the narrowest space
    muted = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(1, -1, 3)
    colors = np.float32(0.5) * muted + np.float32(0.5) * muted.mean(-1, keepdims=True)
    try:
        back = _by_floats(from_srgb(colors, icc), icc, srgb_profile(), "rgb")
    except ProfileError:
        return False
    return bool(np.abs(back - colors).max() <= ROUND_TRIP)


def _by_table(values: NDArray[Any], icc: bytes, model: str) -> Pixels:
    """8 bits of a profile -> sRGB worked out to 16."""
    _check_whole(icc, model)
    vips = libvips()
    made = roomy((*values.shape[:2], CHANNELS["rgb"]))
    with scratch.named(srgb_profile(), ".icc") as target:  # libvips takes it by its path alone
        try:
            for rows in bands(values, made):
                _convert_rows(values[rows], made[rows], icc, model, str(target))
        except (vips.Error, OSError, ValueError) as cause:
            raise ProfileError(UNUSABLE) from cause
    return made


def _convert_rows(values: NDArray[Any], into: Pixels, icc: bytes, model: str, target: str) -> None:
    vips = libvips()
    height, width, channels = values.shape
    image = vips.Image.new_from_memory(np.ascontiguousarray(values).data, width, height, channels, "uchar")
    image = image.copy(interpretation=_INTERPRETATIONS[model])
    image.set_type(vips.GValue.blob_type, "icc-profile-data", icc)
    converted = image.icc_transform(target, embedded=True, intent=INTENT, depth=16)
    result = np.frombuffer(converted.write_to_memory(), np.uint16).reshape(height, width, CHANNELS["rgb"])
    np.divide(result, np.float32(65535.0), dtype=np.float32, out=into)


def _check_whole(icc: bytes, model: str) -> None:
    """Refuse what libvips would replace by sRGB without a word."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), _PILLOW_MODES[model], "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError) as cause:
        raise ProfileError(UNUSABLE) from cause


def _by_floats(values: NDArray[Any], source: bytes, target: bytes, model: str) -> Pixels:
    """16 bits or floats 0..1 of one profile -> those of another for RGB, some rows at a time, clipped."""
    import imagecodecs

    convert: Any = imagecodecs.cms_transform
    result = roomy((*values.shape[:2], CHANNELS["rgb"]))
    spaces = {"colorspace": model, "outcolorspace": "rgb"}
    try:
        for top in range(0, len(values), ROWS):
            part = slice(top, top + ROWS)
            rows = np.ascontiguousarray(values[part, :, 0] if model == "gray" else values[part])
            made = convert(rows, source, target, intent=INTENT_NUMBER, outdtype=np.float32, **spaces)
            result[part] = np.nan_to_num(made, copy=False, nan=0.0).clip(0.0, 1.0)
            release(result[part])
            release(values[part])
    except (imagecodecs.CmsError, OSError, ValueError, RuntimeError) as cause:
        raise ProfileError(UNUSABLE) from cause
    return result
