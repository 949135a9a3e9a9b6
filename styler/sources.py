"""Identifies an input file by its name and contents, in any folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO, NamedTuple

from styler.types import PathLike


class Source(NamedTuple):
    """The identity of a file, which is the same on every machine.

    Attributes:
        name: Base name, without folders.
        sha256: SHA-256 of the contents, 64 hexadecimal digits.
        bytes: Length in bytes.
    """

    name: str
    sha256: str
    bytes: int


def source_of(path: PathLike) -> Source:
    """Return the identity of a file.

    Raises:
        OSError: The file cannot be read.
    """
    with Path(path).open("rb") as file:
        return identified(file, Path(path).name)


def identified(file: IO[bytes], name: str) -> Source:
    """Return the identity of an open file. The whole file is read; afterwards the position is at its end."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # any readable file works
    return Source(name, digest, file.seek(0, os.SEEK_END))
