"""Opens files with Pillow's decoders, but without Pillow's own pixel limit.

That limit belongs to the calling program. styler applies the limit in `styler.images.limits`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import IO, Any

from PIL import Image, UnidentifiedImageError

HEAD = 16  # bytes by which Pillow recognizes a format
NOT_THIS = (SyntaxError, IndexError, TypeError, struct.error)  # what a decoder raises for a file of another format


def opened(file: IO[bytes], formats: Sequence[str]) -> Image.Image:
    """Open a file as `PIL.Image.open` does, without using or changing `PIL.Image.MAX_IMAGE_PIXELS`.

    Args:
        file: File open for reading. It must stay open while pixels are decoded.
        formats: Pillow's names of the formats to try, in order.

    Raises:
        PIL.UnidentifiedImageError: The file has none of these formats.
        Exception: The file is damaged. Decoders may raise any class.
    """
    for load in (Image.preinit, Image.init):  # common decoders first, because importing all of them takes a while
        if not set(formats) <= set(Image.OPEN):
            load()
    for name in formats:
        image = _opened_as(name, file)
        if image is not None:
            return image
    message = f"cannot identify it as {', '.join(formats)}"
    raise UnidentifiedImageError(message)


def _opened_as(name: str, file: IO[bytes]) -> Image.Image | None:
    decoder, accepts = Image.OPEN[name]
    make: Any = decoder
    file.seek(0)
    accepted = accepts(file.read(HEAD)) if accepts else True
    if not accepted or isinstance(accepted, str):  # a string means that a library is missing
        return None
    file.seek(0)
    try:
        image: Image.Image = make(file, "")
    except NOT_THIS:
        return None
    return image
