"""Reads HEIC files at full depth with pillow-heif, which is an optional dependency."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MISSING = "HEIC needs an optional package: run pip install 'styler[heic]', or save the image as JPEG or PNG"


def opened(file: IO[bytes]) -> Any:
    """Open the images of a file without decoding them.

    The attributes of the returned object are those of the primary image, which is already upright.

    Raises:
        ModuleNotFoundError: pillow-heif is not installed.
        ValueError: The file contains no image that can be decoded.
    """
    try:
        import pillow_heif
    except ModuleNotFoundError:
        raise ModuleNotFoundError(MISSING) from None
    file.seek(0)
    images = pillow_heif.open_heif(file, convert_hdr_to_8bit=False)  # else 10 and 12 bits are silently reduced to 8
    if not len(images):
        message = "it contains no image of a supported kind"
        raise ValueError(message)
    return images


def channels(images: Any) -> tuple[NDArray[Any], float]:
    """Return the pixels of the primary image, (height, width, channels), and the value that means 1.0."""
    values = np.asarray(images)
    bits = int(images.info["bit_depth"])
    room = 8 * values.dtype.itemsize
    return values[..., None] if values.ndim == 2 else values, float((2**bits - 1) << (room - bits))
