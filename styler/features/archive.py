"""Activations in a `.npz` file, with a note of how they were made."""

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
LONGEST_NOTE = 65_535  # bytes of the comment of a ZIP file
EARLIEST = (1980, 1, 1, 0, 0, 0)  # of a ZIP file; equal arrays make equal files, whenever they are written


def check_archive(path: Path, *, overwrite: bool) -> None:
    """Refuse an archive that cannot or must not be written, before any work.

    Raises:
        OutputError: Another suffix, no such folder, or an existing file without `overwrite`.
    """
    if path.suffix != SUFFIX:
        message = (
            f"cannot write {shown(path)}: expected a name that ends in {SUFFIX}, or a folder ({shown(path)}/) for an "
            "archive an image"
        )
        raise OutputError(message)
    if path.is_dir():
        message = f"cannot write {shown(path)}: it is a folder; name a file in it"
        raise OutputError(message)
    if not path.absolute().parent.is_dir():
        message = f"cannot write {shown(path)}: folder {shown(path.parent)} does not exist; create it first"
        raise OutputError(message)
    if path.exists() and not overwrite:
        message = f"{shown(path)} exists already; choose another name or give --overwrite"
        raise OutputError(message)


def write_archive(
    path: Path,
    arrays: Mapping[str, NDArray[np.generic]],
    *,
    origin: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Write all at once: the file is whole or is not there. Equal arrays and origins make equal bytes.

    Args:
        path: Target, `.npz`, uncompressed.
        arrays: Key -> activations.
        origin: How they were made, as JSON holds it. `np.load` does not show it; `read_origin` does.
        overwrite: Whether an existing file may be replaced.

    Raises:
        OutputError: The disk is full, or a file of that name came up and must stay.
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
            f"cannot write {shown(path)}: its options take {len(note):,} bytes of at most {LONGEST_NOTE:,}; "
            "ask for layers by a pattern such as 'block*_conv1'"
        )
        raise OutputError(message)
    return note


def read_origin(path: Path) -> dict[str, Any] | None:
    """What `write_archive` was told of the origin; None for a file that is no such archive.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            origin = json.loads(archive.comment)[MADE_BY]
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError):
        return None
    return origin if isinstance(origin, dict) else None
