"""Find the images in files and folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import islice
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
MOST_PAINTINGS = 100  # of a folder; each takes time at every octave, and a recipe can hold about two hundred
MOST_NAMED = 3  # files to name in a note


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
    photos = [photo for place in places for photo in _below(place, problems, [])]
    if not photos and not problems:
        message = f"no images in {', '.join(shown(place) for place in places)}; name image files or other folders"
        raise ImageError(message)
    return photos, problems


def paintings_of(style: Path, tell: Callable[[str], object] | None = None) -> tuple[Path, ...]:
    """Return the paintings that a path stands for: those in a folder and its subfolders, sorted, or the file itself.

    Args:
        style: Path of a painting or of a folder of paintings.
        tell: Called with a sentence about the files of a folder that are skipped, because they are hidden or no images.

    Raises:
        ImageError: The folder has no images or too many, or a folder in it cannot be read.
    """
    if not os.path.isdir(style):  # `Path.is_dir` fails if the name is too long
        return (style,)
    problems: list[tuple[str, str]] = []
    skipped: list[str] = []
    found = [photo.path for photo in islice(_below(style, problems, skipped), MOST_PAINTINGS + 1)]
    for folder, reason in problems:
        message = f"{shown(folder)}: {reason}"
        raise ImageError(message)
    if not found:
        message = f"expected paintings in the folder {shown(style)}, got {_counted(skipped) or 'no files'}; name others"
        raise ImageError(message)
    if len(found) > MOST_PAINTINGS:
        message = f"expected at most {MOST_PAINTINGS} paintings in the folder {shown(style)}, got more; choose some"
        raise ImageError(message)
    if skipped and tell is not None:
        tell(f"{shown(style)}: skipped {_counted(skipped)}")
    return tuple(found)


def style_name(style: Path) -> str:
    """Return the name of a style for names of outputs: the stem of a painting's file, or the name of a folder."""
    return style.resolve().name if os.path.isdir(style) else style.stem


def _counted(skipped: list[str]) -> str:
    """Describe files that are skipped; "" if there are none."""
    if not skipped:
        return ""
    more = f" and {len(skipped) - MOST_NAMED} more" if len(skipped) > MOST_NAMED else ""
    files = "1 file that is" if len(skipped) == 1 else f"{len(skipped)} files that are"
    return f"{files} hidden or no image ({', '.join(map(shown, skipped[:MOST_NAMED]))}{more})"


def _below(place: Path, problems: list[tuple[str, str]], skipped: list[str]) -> Iterator[Photo]:
    """Find the images at a place.

    Args:
        place: A file, or a folder to search.
        problems: Gets the folders that cannot be read, with the reasons.
        skipped: Gets the names of the files and folders that are hidden or no images.
    """
    if not place.is_dir():
        yield Photo(place, place.name)
        return
    entered: set[tuple[int, int]] = set()
    _is_new(place.resolve(), entered)

    def note(error: OSError) -> None:
        problems.append((str(error.filename), f"cannot read the folder: {error.strerror}"))

    for folder, folders, names in os.walk(place, followlinks=True, onerror=note):
        inner = Path(folder).relative_to(place)
        skipped += [(inner / name).as_posix() for name in sorted(folders) if name.startswith(".")]
        open_to_see = (name for name in sorted(folders) if not name.startswith("."))
        folders[:] = [name for name in open_to_see if _is_new(Path(folder, name), entered)]
        for name in sorted(names):
            path = Path(folder, name)
            if _is_image(path):
                yield Photo(path, (inner / name).as_posix())
            else:
                skipped.append((inner / name).as_posix())


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
