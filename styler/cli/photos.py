"""The images of files and folders, each with a name of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from styler.errors import ImageError, shown
from styler.images.signatures import HEAD, kind_of

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".ico"),
    *(".avif", ".heic", ".heif", ".hif", ".jp2", ".j2k", ".j2c", ".jpf", ".jpx", ".jxl"),
    *(".pbm", ".pgm", ".ppm", ".pnm", ".tga", ".qoi"),
)
"""Files that are meant as images, so that one that cannot be read is worth a word."""


class Photo(NamedTuple):
    """An image to read.

    Attributes:
        path: Where it lies.
        name: Its place below the folder that was given, with `/`; of a file, its base name.
    """

    path: Path
    name: str


def photos_in(places: list[Path]) -> tuple[list[Photo], list[tuple[str, str]]]:
    """Files as they are, and all images of folders and of those in them, in order of their names.

    Hidden files and folders are passed over, and what is no image by its suffix or, where it has none, by its first
    bytes. A folder that links lead to twice is entered once.

    Returns:
        The images; and the folders that cannot be read, with the reason.

    Raises:
        ImageError: There are none at all.
    """
    problems: list[tuple[str, str]] = []
    photos = [photo for place in places for photo in _below(place, problems)]
    if not photos and not problems:
        message = f"no images in {', '.join(shown(place) for place in places)}; give a folder with some, or files"
        raise ImageError(message)
    return photos, problems


def check_names(photos: list[Photo]) -> None:
    """Refuse images whose archives would have one name.

    Raises:
        ImageError: Names the first two.
    """
    seen: dict[str, Photo] = {}
    for photo in photos:
        other = seen.setdefault(photo.name, photo)
        if other is not photo:
            message = f"{shown(other.path)} and {shown(photo.path)} would have one name; give them one by one"
            raise ImageError(message)


def _below(place: Path, problems: list[tuple[str, str]]) -> Iterator[Photo]:
    if not place.is_dir():
        yield Photo(place, place.name)
        return
    entered: set[tuple[int, int]] = set()
    _is_new(place.resolve(), entered)

    def note(error: OSError) -> None:
        problems.append((str(error.filename), f"cannot read the folder: {error.strerror}"))

    for folder, folders, names in os.walk(place, followlinks=True, onerror=note):
        open_to_see = (name for name in sorted(folders) if not name.startswith("."))
        folders[:] = [name for name in open_to_see if _is_new(Path(folder, name), entered)]
        for name in sorted(names):
            path = Path(folder, name)
            if _is_image(path):
                yield Photo(path, path.relative_to(place).as_posix())


def _is_new(folder: Path, entered: set[tuple[int, int]]) -> bool:
    """Whether a folder was not reached before, by whatever way."""
    try:
        status = folder.stat()
    except OSError:  # a link in a circle, or one that leads nowhere
        return False
    key = (status.st_dev, status.st_ino)
    fresh = key not in entered
    entered.add(key)
    return fresh


def _is_image(path: Path) -> bool:
    if path.name.startswith("."):
        return False
    if path.suffix:
        return path.suffix.lower() in SUFFIXES
    try:
        if not path.is_file():  # opening a pipe could wait forever
            return False
        with path.open("rb") as file:
            return kind_of(file.read(HEAD)) is not None
    except OSError:
        return False
