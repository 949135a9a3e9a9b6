"""Pillow's decoders without its guard against bombs, which is the caller's to set: `limits` decides here."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import IO, Any

from PIL import Image, UnidentifiedImageError

HEAD = 16  # bytes that Pillow's formats are told by
NOT_THIS = (SyntaxError, IndexError, TypeError, struct.error)  # what a decoder says over a file of another format


def opened(file: IO[bytes], formats: Sequence[str]) -> Image.Image:
    """As `PIL.Image.open`, but that `PIL.Image.MAX_IMAGE_PIXELS` is neither heeded nor changed.

    Args:
        file: Open for reading, and to stay open while pixels are decoded.
        formats: Pillow's names of those to try, in order.

    Raises:
        PIL.UnidentifiedImageError: It is of none of these formats.
        Exception: Whatever a decoder raises over a damaged file.
    """
    for load in (Image.preinit, Image.init):  # the usual decoders first: all of them take a while to import
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
    if not accepted or isinstance(accepted, str):  # a text says what is missing to read it
        return None
    file.seek(0)
    try:
        image: Image.Image = make(file, "")
    except NOT_THIS:
        return None
    return image
