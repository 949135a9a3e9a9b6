"""HEIC files at their own depth, by pillow-heif, which is an extra."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MISSING = "HEIC is read with an extra: pip install 'styler[heic]', or save the image as JPEG or PNG"


def opened(file: IO[bytes]) -> Any:
    """The images of a file, not decoded yet; attributes are those of the primary one, which is turned already.

    Raises:
        ModuleNotFoundError: The extra is not installed.
        ValueError: The file holds nothing that can be decoded.
    """
    try:
        import pillow_heif
    except ModuleNotFoundError:
        raise ModuleNotFoundError(MISSING) from None
    file.seek(0)
    images = pillow_heif.open_heif(file, convert_hdr_to_8bit=False)  # else 10 and 12 bits become 8 without a word
    if not len(images):
        message = "it holds no image of a kind that is read here"
        raise ValueError(message)
    return images


def channels(images: Any) -> tuple[NDArray[Any], float]:
    """Of the primary image, (height, width, channels), and the value that stands for 1."""
    values = np.asarray(images)
    bits = int(images.info["bit_depth"])
    room = 8 * values.dtype.itemsize
    return values[..., None] if values.ndim == 2 else values, float((2**bits - 1) << (room - bits))
