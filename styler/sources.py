"""A file known by its name and its contents, wherever it lies."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO, NamedTuple

from styler.types import PathLike


class Source(NamedTuple):
    """What tells a file from others on any machine.

    Attributes:
        name: Base name, without folders.
        sha256: Of its contents, 64 hexadecimal digits.
        bytes: Its length.
    """

    name: str
    sha256: str
    bytes: int


def source_of(path: PathLike) -> Source:
    """Read a file and tell what it is.

    Raises:
        OSError: It cannot be read.
    """
    with Path(path).open("rb") as file:
        return identified(file, Path(path).name)


def identified(file: IO[bytes], name: str) -> Source:
    """The same of an open file, from its beginning; the position is left at the end."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # of any file that can be read
    return Source(name, digest, file.seek(0, os.SEEK_END))
