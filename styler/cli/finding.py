"""Find the inputs of a recipe again, by what is in them and not by where they were."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from styler.errors import ImageError, shown
from styler.images.reading import read_image
from styler.inputs import CONTENT, INIT, NETWORK, STYLE, Entry, Inputs
from styler.recipe import Input, Recipe
from styler.sources import source_of

NOUNS = {CONTENT: "the photo", STYLE: "the painting", INIT: "the image to start from", NETWORK: "the network"}
Wanted: TypeAlias = Entry[Input]
"""What a recipe says of one input."""

DIGITS = 12  # of a SHA-256 in messages: no two files of anybody share them by chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where to look.

    Attributes:
        image: The picture whose inputs are looked for; its folder comes first, then the current one.
        content: The photo, if it was named.
        styles: Paintings that were named.
        folders: Further folders, searched with all that is in them.
    """

    image: Path
    content: Path | None = None
    styles: Sequence[Path] = ()
    folders: Sequence[Path] = ()

    @property
    def near(self) -> list[Path]:
        """Folders that are searched without those in them."""
        return [self.image.parent, Path()]


def check_folders(folders: Iterable[Path]) -> None:
    """Refuse to search what is no folder.

    Raises:
        ImageError: One is none.
    """
    for folder in folders:
        if not folder.is_dir():
            message = f"--search: a folder was expected, {shown(folder)} is none"
            raise ImageError(message)


def find_content(recipe: Recipe, places: Places) -> Path:
    """The photo.

    Raises:
        ImageError: It is missing or has changed.
    """
    wanted = Entry(CONTENT, recipe.inputs.photo)
    if places.content is None:
        return find(wanted, places)
    if not _is(places.content, wanted):
        raise ImageError(_changed(places.content, wanted, places))
    return places.content


def find_images(recipe: Recipe, places: Places) -> Inputs[Path]:
    """Every image but the one to start from, each in its role, whatever the order in which paintings were named.

    Raises:
        ImageError: One is missing or has changed.
    """
    wanted = [entry for entry in recipe.inputs.entries if entry.role == STYLE]
    for path in places.styles:
        if not any(_is(path, each) for each in wanted):
            raise ImageError(_changed(path, wanted[0], places, among=len(wanted)))
    found = [Entry(CONTENT, find_content(recipe, places))]
    for each in wanted:
        named = next((path for path in places.styles if _is(path, each)), None)
        found.append(Entry(STYLE, named or find(each, places), each.group))
    return Inputs.of_entries(found)


def find(wanted: Wanted, places: Places) -> Path:
    """The file with an input's contents: by its name first, then by its length.

    Raises:
        ImageError: There is none, or one of its name with other contents.
    """
    if not wanted.item.is_file:
        raise ImageError(_in_memory(wanted, places))
    namesakes = [folder / wanted.item.name for folder in places.near]
    candidates = (*namesakes, *_files(places))
    found = next((path for path in candidates if _holds(path, wanted)), None)
    if found is not None:
        return found
    changed = next((path for path in namesakes if _has(path)), None)
    raise ImageError(_missing(wanted, places) if changed is None else _changed(changed, wanted, places))


def _is(path: Path, wanted: Wanted) -> bool:
    """Whether a file has an input's contents.

    Raises:
        ImageError: It is no file that can be read.
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
    """Whether a file that came up in a search has an input's contents; one that cannot be read has not."""
    try:
        return _is(path, wanted)
    except ImageError:
        return False


def _has_pixels(path: Path, wanted: Wanted) -> bool:
    return read_image(path).sha256 == wanted.item.sha256


def _has(path: Path, length: int | None = None) -> bool:
    """Whether there is a file of this length, or of any; opening something else could wait forever."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and length in (None, found.st_size)


def _files(places: Places) -> Iterator[Path]:
    for folder in places.near:
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


def _changed(path: Path, wanted: Wanted, places: Places, among: int = 1) -> str:
    noun = NOUNS[wanted.role] if among == 1 else "one of the paintings"
    if not _has(path):
        return f"cannot read {shown(path)}: a file was expected"
    made = f"{noun} that {shown(places.image)} was made of ({_short(wanted)})"
    other = "replay takes the same files again; for others use styler render"
    return f"{shown(path)} is not {made}, or has changed since; {_ways_on(wanted)}; {other}"


def _missing(wanted: Wanted, places: Places) -> str:
    folders = ", ".join(shown(each) for each in places.folders)
    looked = f"beside {shown(places.image)}, in the current folder{', in ' + folders if folders else ''}"
    missing = f"{NOUNS[wanted.role]} {shown(wanted.item.name)} ({_short(wanted)})"
    return f"missing: {missing}, looked {looked}; {_ways_on(wanted)}"


def _in_memory(wanted: Wanted, places: Places) -> str:
    what = f"{NOUNS[wanted.role]} that {shown(places.image)} was made of"
    return f"{what} was handed over in memory and has no file; {_ways_on(wanted, search=False)}"


def _short(wanted: Wanted) -> str:
    return f"SHA-256 {(wanted.item.sha256 or '')[:DIGITS]}…"


def _ways_on(wanted: Wanted, *, search: bool = True) -> str:
    named = {CONTENT: "name it by --content", STYLE: "name it by --style", INIT: "name another by --init"}
    ways = [named[wanted.role]] if wanted.role in named else []
    ways += ["name its folder by --search"] if search else []
    return " or ".join(ways)
