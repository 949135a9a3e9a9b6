"""Writes activations to a `.npz` file, with a note of how they were made."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from styler.errors import OutputError, shown
from styler.images.atomic import write_atomically

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DTYPES = ("float32", "float16")
SUFFIX = ".npz"
MEMBER = ".npy"
MADE_BY = "styler features"
LONGEST_NOTE = 65_535  # bytes in the comment of a ZIP file
EARLIEST = (1980, 1, 1, 0, 0, 0)  # earliest time that a ZIP file can store; a fixed time makes equal arrays equal files


def check_archive(path: Path, *, overwrite: bool) -> None:
    """Check that an archive can and may be written, before any work.

    Raises:
        OutputError: The suffix is wrong, the folder does not exist, or the file exists and `overwrite` is false.
    """
    if path.suffix != SUFFIX:
        message = (
            f"cannot write {shown(path)}: expected a name that ends in {SUFFIX}, or a folder ({shown(path)}/) for one "
            "archive per image"
        )
        raise OutputError(message)
    if path.is_dir():
        message = f"cannot write {shown(path)}: it is a folder; give a file in it"
        raise OutputError(message)
    if not path.absolute().parent.is_dir():
        message = f"cannot write {shown(path)}: folder {shown(path.parent)} does not exist; create it first"
        raise OutputError(message)
    if path.exists() and not overwrite:
        message = f"{shown(path)} already exists; choose another name or pass --overwrite"
        raise OutputError(message)


def write_archive(
    path: Path,
    arrays: Mapping[str, NDArray[np.generic]],
    *,
    origin: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Write an uncompressed `.npz` archive atomically. Equal arrays and origins give equal bytes.

    Args:
        path: Path of the archive.
        arrays: Key -> activations.
        origin: How the activations were made, as JSON data. `read_origin` returns it; `np.load` ignores it.
        overwrite: Whether to replace an existing file.

    Raises:
        OutputError: The disk is full, or a file of this name appeared in the meantime and must not be replaced.
    """
    note = _note(path, origin)

    def fill(file: IO[bytes]) -> None:
        import numpy as np

        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for key, array in arrays.items():
                member = zipfile.ZipInfo(key + MEMBER, EARLIEST)
                with archive.open(member, "w", force_zip64=True) as stream:
                    np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)
            archive.comment = note

    write_atomically(path, fill, overwrite=overwrite)


def _note(path: Path, origin: Mapping[str, Any] | None) -> bytes:
    if origin is None:
        return b""
    note = json.dumps({MADE_BY: origin}, sort_keys=True, separators=(",", ":")).encode()
    if len(note) > LONGEST_NOTE:
        message = (
            f"cannot write {shown(path)}: its options need {len(note):,} bytes, but only {LONGEST_NOTE:,} fit; "
            "use a pattern for the layers, such as 'block*_conv1'"
        )
        raise OutputError(message)
    return note


def read_origin(path: Path) -> dict[str, Any] | None:
    """Return the `origin` that was passed to `write_archive`; None if the file is not such an archive.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            origin = json.loads(archive.comment)[MADE_BY]
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError):
        return None
    return origin if isinstance(origin, dict) else None
