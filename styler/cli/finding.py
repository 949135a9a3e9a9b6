"""Find the inputs of a recipe by their contents, wherever the files are now."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from styler.errors import ImageError, shown
from styler.images.photos import paintings_of
from styler.images.reading import read_image
from styler.inputs import (
    CONTENT,
    CONTENT_MASK,
    DECODER,
    INIT,
    KEEP,
    NETWORK,
    STRENGTH_MAP,
    STYLE,
    STYLE_MASK,
    Entry,
    Inputs,
)
from styler.recipe import Input, Recipe
from styler.sources import source_of

NOUNS = {
    CONTENT: "the photo",
    STYLE: "the painting",
    CONTENT_MASK: "the mask of the photo",
    STYLE_MASK: "the mask of a painting",
    KEEP: "the mask of --keep",
    STRENGTH_MAP: "the mask of --strength-map",
    INIT: "the image to start from",
    NETWORK: "the network",
    DECODER: "the decoder",
}
Wanted: TypeAlias = Entry[Input]
"""An input as a recipe describes it."""

MOST_BESIDE = 32  # folders to search in a folder; one of them alone may have thousands of files
DIGITS = 12  # digits of a SHA-256 to show in messages; enough to tell files apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where to look for inputs.

    Attributes:
        image: Picture whose inputs are wanted. Its folder is searched first, then the current folder, then the folders
            in both.
        content: Path of the photo, if the user named it.
        styles: Paths of the paintings that the user named, or of folders of paintings.
        folders: Other folders to search, including their subfolders.
    """

    image: Path
    content: Path | None = None
    styles: Sequence[Path] = ()
    folders: Sequence[Path] = ()

    @property
    def near(self) -> list[Path]:
        """Folders that are searched without their subfolders."""
        return [self.image.parent, Path()]

    @property
    def beside(self) -> list[Path]:
        """The first folders in each of `near`, by name; they are searched in the same way, but after them."""
        return [inner for folder in self.near for inner in _folders_in(folder)[:MOST_BESIDE]]


def _folders_in(folder: Path) -> list[Path]:
    """List the folders in a folder by name, without hidden ones; none if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    except OSError:
        return []
    return [folder / name for name in names]


def check_folders(folders: Iterable[Path]) -> None:
    """Check that the paths to search are folders.

    Raises:
        ImageError: A path is not a folder.
    """
    for folder in folders:
        if not folder.is_dir():
            message = f"--search: expected a folder, got {shown(folder)}"
            raise ImageError(message)


def find_content(recipe: Recipe, places: Places) -> Path:
    """Find the photo.

    Raises:
        ImageError: The photo is missing or has changed.
    """
    wanted = Entry(CONTENT, recipe.inputs.photo)
    if places.content is None:
        return find(wanted, places)
    if not _is(places.content, wanted):
        raise ImageError(_changed(places.content, wanted, places))
    return places.content


def find_images(recipe: Recipe, places: Places) -> Inputs[Path]:
    """Find the photo and all paintings; the user may name the paintings in any order.

    Raises:
        ImageError: An image is missing or has changed.
    """
    wanted = [entry for entry in recipe.inputs.entries if entry.role == STYLE]
    named_files = [path for path in places.styles if not os.path.isdir(path)]
    for path in named_files:
        if not any(_is(path, each) for each in wanted):
            raise ImageError(_changed(path, wanted[0], places, among=len(wanted)))
    in_folders = [path for folder in places.styles if os.path.isdir(folder) for path in paintings_of(folder)]
    found = [Entry(CONTENT, find_content(recipe, places))]
    for each in wanted:
        candidates = (path for path in (*named_files, *in_folders) if _holds(path, each))
        named = next(candidates, None)
        found.append(Entry(STYLE, named or find(each, places), each.group))
    return Inputs.of_entries(found)


def find(wanted: Wanted, places: Places) -> Path:
    """Find the file with the contents of an input; files with the same name are tried first.

    Raises:
        ImageError: There is no such file, or the file with this name has other contents.
    """
    if not wanted.item.is_file:
        raise ImageError(_in_memory(wanted, places))
    namesakes = [folder / wanted.item.name for folder in places.near]
    candidates = (*namesakes, *(folder / wanted.item.name for folder in places.beside), *_files(places))
    found = next((path for path in candidates if _holds(path, wanted)), None)
    if found is not None:
        return found
    changed = next((path for path in namesakes if _has(path)), None)
    raise ImageError(_missing(wanted, places) if changed is None else _changed(changed, wanted, places))


def _is(path: Path, wanted: Wanted) -> bool:
    """Whether a file has the contents of an input.

    Raises:
        ImageError: The file cannot be read.
    """
    if wanted.item.sha256 is None:
        return False
    if not wanted.item.is_file:
        return _has_pixels(path, wanted)
    try:
        return _has(path, wanted.item.bytes) and source_of(path).sha256 == wanted.item.sha256
    except OSError as cause:
        message = f"cannot read {shown(path)}: {cause.strerror or cause}"
        raise ImageError(message) from cause


def _holds(path: Path, wanted: Wanted) -> bool:
    """Whether a file found by a search has the contents of an input; False if it cannot be read."""
    try:
        return _is(path, wanted)
    except ImageError:
        return False


def _has_pixels(path: Path, wanted: Wanted) -> bool:
    return read_image(path).sha256 == wanted.item.sha256


def _has(path: Path, length: int | None = None) -> bool:
    """Whether a path is a regular file, of the given length if there is one; opening a pipe could block forever."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and length in (None, found.st_size)


def _files(places: Places) -> Iterator[Path]:
    for folder in (*places.near, *places.beside):
        yield from (Path(folder, name) for name in _names(folder))
    for folder in places.folders:
        for where, folders, names in os.walk(folder):
            folders.sort()
            yield from (Path(where, name) for name in sorted(names))


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _changed(
    path: Path,
    wanted: Wanted,
    places: Places,
    among: int = 1,
) -> str:
    noun = NOUNS[wanted.role] if among == 1 else "one of the paintings"
    if not _has(path):
        return f"cannot read {shown(path)}: it is not a file"
    made = f"{noun} that {shown(places.image)} was made from ({_short(wanted)})"
    other = "replay needs the same files; to use others, run styler render"
    return f"{shown(path)} is not {made}, or has changed since; {_ways_on(wanted)}; {other}"


def _missing(wanted: Wanted, places: Places) -> str:
    folders = ", ".join(shown(each) for each in places.folders)
    beside = f"next to {shown(places.image)}, in the current folder, in the folders in both"
    looked = f"{beside}{', in ' + folders if folders else ''}"
    missing = f"{NOUNS[wanted.role]} {shown(wanted.item.name)} ({_short(wanted)})"
    return f"cannot find {missing}; looked {looked}; {_ways_on(wanted)}"


def _in_memory(wanted: Wanted, places: Places) -> str:
    what = f"{NOUNS[wanted.role]} that {shown(places.image)} was made from"
    return f"{what} was passed in memory and has no file; {_ways_on(wanted, search=False)}"


def _short(wanted: Wanted) -> str:
    return f"SHA-256 {(wanted.item.sha256 or '')[:DIGITS]}…"


def _ways_on(wanted: Wanted, *, search: bool = True) -> str:
    named = {
        CONTENT: "name it with --content",
        STYLE: "name it with --style",
        CONTENT_MASK: "name another with --content-mask",
        STYLE_MASK: "name all of them with --style-mask",
        KEEP: "name another with --keep",
        STRENGTH_MAP: "name another with --strength-map",
        INIT: "name another with --init",
    }
    ways = [named[wanted.role]] if wanted.role in named else []
    ways += ["name its folder with --search DIR"] if search else []
    return " or ".join(ways)
