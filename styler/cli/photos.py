"""Collect the images in files and folders and give each one a name."""

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
"""Suffixes of image files; an unreadable file with one of these is reported as an error."""


class Photo(NamedTuple):
    """An image to read.

    Attributes:
        path: Path of the image.
        name: Path relative to the given folder, with `/`; for a given file, its file name.
    """

    path: Path
    name: str


def photos_in(places: list[Path]) -> tuple[list[Photo], list[tuple[str, str]]]:
    """Return the given files and all images in the given folders and their subfolders, sorted by name.

    Hidden files and folders are skipped. So are files that are not images, as shown by the suffix or, without a
    suffix, by the first bytes. A folder that can be reached in several ways is searched once.

    Returns:
        The images, and the folders that cannot be read with the reasons.

    Raises:
        ImageError: There are no images.
    """
    problems: list[tuple[str, str]] = []
    photos = [photo for place in places for photo in _below(place, problems)]
    if not photos and not problems:
        message = f"no images in {', '.join(shown(place) for place in places)}; name image files or other folders"
        raise ImageError(message)
    return photos, problems


def check_names(photos: list[Photo]) -> None:
    """Check that no two images have archives of the same name.

    Raises:
        ImageError: Two images have the same name; the message names the first such pair.
    """
    seen: dict[str, Photo] = {}
    for photo in photos:
        other = seen.setdefault(photo.name, photo)
        if other is not photo:
            message = f"{shown(other.path)} and {shown(photo.path)} would get the same archive; run them separately"
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
    """Whether a folder has not been entered before, even by another path."""
    try:
        status = folder.stat()
    except OSError:  # a circular or broken link
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
        if not path.is_file():  # opening a pipe could block forever
            return False
        with path.open("rb") as file:
            return kind_of(file.read(HEAD)) is not None
    except OSError:
        return False
