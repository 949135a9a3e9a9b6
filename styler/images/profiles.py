"""ICC profiles: into sRGB for the work, and back into the file's own for the output; by littleCMS at 16 bits."""

from __future__ import annotations

import functools
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import ImageCms

from styler.images.libvips import libvips
from styler.images.picture import Pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

INTENT = "perceptual"  # the default of littleCMS, Pillow and most viewers; matrix profiles have no other
HEADER = 128  # bytes, ICC.1:2022 section 7.2: the color space stands at 16, the signature at 36
MODELS = {b"RGB ": "rgb", b"GRAY": "gray", b"CMYK": "cmyk"}
CHANNELS = {"rgb": 3, "gray": 1, "cmyk": 4}
_INTERPRETATIONS = {
    ("rgb", "uint8"): "srgb",
    ("rgb", "uint16"): "rgb16",
    ("gray", "uint8"): "b-w",
    ("gray", "uint16"): "grey16",
    ("cmyk", "uint8"): "cmyk",
    ("cmyk", "uint16"): "cmyk",
}


class ProfileError(ValueError):
    """A profile that cannot be used; what to do about it is the caller's to say."""


@functools.cache
def srgb_profile() -> bytes:
    """The sRGB profile that the work is done in, by littleCMS's own exact curves."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


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
        float32 sRGB 0..1, (height, width, 3), worked out to 16 bits.

    Raises:
        ProfileError: The profile is damaged or for another model.
    """
    if model_of(icc) != model:
        message = f"it is not for {model} images" if model_of(icc) else "it is damaged"
        raise ProfileError(message)
    return _transformed(values, icc, srgb_profile(), model)


def from_srgb(pixels: Pixels, icc: bytes) -> Pixels:
    """From sRGB to an RGB profile's own values, float32 0..1 of 16 bits; colors outside it are clipped.

    Raises:
        ProfileError: Nothing can be converted into the profile.
    """
    values = np.rint(np.clip(pixels, 0.0, 1.0) * np.float32(65535.0)).astype(np.uint16)
    return _transformed(values, srgb_profile(), icc, "rgb")


def can_be_kept(icc: bytes) -> bool:
    """Whether a result can be converted into a profile: one for RGB that works both ways."""
    if model_of(icc) != "rgb":
        return False
    try:
        from_srgb(np.zeros((1, 1, 3), np.float32), icc)
    except ProfileError:
        return False
    return True


def _transformed(values: NDArray[Any], source: bytes, target: bytes, model: str) -> Pixels:
    vips = libvips()
    height, width, channels = values.shape
    kind = {"uint8": "uchar", "uint16": "ushort"}[values.dtype.name]
    flat = np.ascontiguousarray(values)
    image = vips.Image.new_from_memory(flat.data, width, height, channels, kind)
    image = image.copy(interpretation=_INTERPRETATIONS[model, values.dtype.name])
    image.set_type(vips.GValue.blob_type, "icc-profile-data", source)
    try:
        with tempfile.NamedTemporaryFile(suffix=".icc") as file:  # libvips takes a target by its path alone
            file.write(target)
            file.flush()
            converted = image.icc_transform(file.name, embedded=True, intent=INTENT, depth=16)
        result = np.frombuffer(converted.write_to_memory(), np.uint16).reshape(height, width, -1)
    except (vips.Error, OSError, ValueError) as cause:
        message = "it cannot be used: " + " ".join(str(cause).split()[-8:])
        raise ProfileError(message) from cause
    if result.shape[2] != CHANNELS["rgb"]:
        message = "it does not lead to red, green and blue"
        raise ProfileError(message)
    return np.divide(result, np.float32(65535.0), dtype=np.float32)
