"""Pixels -> files: checked before the work, written beside and renamed after it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from styler.config import QUALITY
from styler.errors import OutputError, suggestion
from styler.images.picture import Pixels
from styler.types import PathLike, Size

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}

LONGEST_SIDES = {"JPEG": 65_500, "WEBP": 16_383}  # pixels; limits of libjpeg and of the WebP container
LONGEST_NAME = 240  # file systems hold 255 bytes; some are left for `-<step>` and `-partial`


def check_output(path: PathLike, *, overwrite: bool = False) -> Path:
    """Refuse what cannot or must not be written, before any work.

    Raises:
        OutputError: Unknown suffix, absent or unwritable folder, or an existing file without `overwrite`.
    """
    output = Path(path)
    if output.suffix.lower() not in FORMATS:
        message = f"cannot write {output}: unknown format {output.suffix!r}. {suggestion(output.suffix, FORMATS)}"
        raise OutputError(message)
    folder = output.parent
    if not folder.is_dir():
        message = f"cannot write {output}: folder {folder} does not exist; create it first"
        raise OutputError(message)
    if len(os.fsencode(output.name)) > LONGEST_NAME:
        message = f"cannot write {output}: the name has more than {LONGEST_NAME} bytes; choose a shorter --output"
        raise OutputError(message)
    if not os.access(folder, os.W_OK):
        message = f"cannot write {output}: folder {folder} is not writable"
        raise OutputError(message)
    if output.exists() and not output.is_file():
        message = f"cannot write {output}: it exists and is not a file"
        raise OutputError(message)
    if output.exists() and not overwrite:
        message = f"{output} exists already; choose another --output or give --overwrite"
        raise OutputError(message)
    return output


def check_format_holds(output: Path, size: Size) -> None:
    """Refuse a picture that the format of its suffix cannot hold, before any work.

    Raises:
        OutputError: A side is too long.
    """
    name = FORMATS[output.suffix.lower()]
    longest = LONGEST_SIDES.get(name, max(size))
    if max(size) > longest:
        message = f"cannot write {output}: {name} holds sides up to {longest} pixels, not {max(size)}; choose .png"
        raise OutputError(message)


def to_bytes(pixels: Pixels) -> np.ndarray:
    """Float 0..1 -> uint8, rounded to nearest."""
    return np.clip(np.rint(pixels * 255.0), 0, 255).astype(np.uint8)


def to_pil(pixels: Pixels) -> Image.Image:
    """float32 (H, W, 3), 0..1 -> an 8-bit RGB image."""
    return Image.fromarray(to_bytes(pixels))


def write_image(image: Image.Image, path: PathLike, *, quality: int = QUALITY, overwrite: bool = False) -> Path:
    """Write atomically: a temporary file beside the target, synced, then renamed over it.

    Args:
        image: An RGB image.
        path: Target; its suffix names the format.
        quality: 1..100 for JPEG (4:4:4) and WebP.
        overwrite: Whether an existing file may be replaced.

    Raises:
        OutputError: See `check_output`; or the disk is full.
    """
    output = check_output(path, overwrite=overwrite)
    check_format_holds(output, Size(image.height, image.width))
    descriptor, name = tempfile.mkstemp(prefix=f".{output.stem[:64]}-", suffix=".partial", dir=output.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            image.save(file, FORMATS[output.suffix.lower()], **_options(output.suffix.lower(), quality))
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o666 & ~_umask())
        partial.replace(output)
    except OSError as cause:
        message = f"cannot write {output}: {cause.strerror or cause}"
        raise OutputError(message) from cause
    finally:
        partial.unlink(missing_ok=True)
    _sync_folder(output.parent)
    return output


def _options(suffix: str, quality: int) -> dict[str, object]:
    options: dict[str, dict[str, object]] = {
        "PNG": {},
        "JPEG": {"quality": quality, "subsampling": "4:4:4"},
        "WEBP": {"quality": quality, "method": 4},
        "TIFF": {"compression": "tiff_deflate"},
    }
    return options[FORMATS[suffix]]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
