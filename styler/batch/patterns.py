"""Find the files that a path or a glob matches, each file once even if links lead to it."""

from __future__ import annotations

import glob
import os
import unicodedata
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TypeAlias

from styler.errors import ConfigError, shown
from styler.texts import WINDOWS

ANY_DEPTH = "**"
Tell: TypeAlias = Callable[[str], object]


def matches(
    pattern: str,
    base: Path | None = None,
    *,
    present: bool = False,
    folders: bool = False,
    tell: Tell | None = None,
) -> list[Path]:
    """Return the files that a glob matches, sorted; the path of an existing file is returned as it is.

    Links are followed, except links to a folder that contains them. A file that is found several times counts once. A
    broken link counts as a file, so that a later error mentions it.

    Args:
        pattern: Path or glob. `**` matches any number of folders; hidden names match only patterns that begin with a
            dot.
        base: Folder that a relative pattern starts from; None for the current folder.
        present: Whether a path without wildcards must exist too.
        folders: Whether the path of a folder is returned as it is too.
        tell: Called with a sentence about each unreadable folder; None raises an error instead.

    Raises:
        ConfigError: Nothing matches, the path is a folder that is not wanted, or a folder is unreadable and `tell` is
            None.
    """
    written = list(spellings(pattern))
    found = existing(pattern, base, folders=folders)
    if found is not None:
        return [found]
    magic = glob.has_magic(pattern)
    heard = None if tell is None else cache(tell)  # each folder is mentioned only once
    for text in written if magic else []:
        files = each_once(_expanded(base or Path(), Path(text).parts, heard))
        if files:
            return files
    plain = _below(base, os.path.expanduser(pattern.strip()))
    if magic or present:
        hint = "; write [[] for a bracket that is part of a name" if "[" in pattern else ""
        message = f"no file matches {str(plain)!r}; quote globs so that the shell does not expand them{hint}"
        raise ConfigError(message)
    return [plain]


def existing(text: str, base: Path | None = None, *, folders: bool = False) -> Path | None:
    """Return the existing file with this name in any of its spellings; None if there is none.

    Args:
        text: Name of the file.
        base: Folder that a relative name starts from; None for the current folder.
        folders: Whether it may be a folder.

    Raises:
        ConfigError: The path is a folder, and may not be.
    """
    for spelled in spellings(text):
        path = _below(base, spelled)
        if any(part.startswith("*") for part in Path(spelled).parts):  # always a glob, even if a file has that name
            continue
        if os.path.isdir(path) and not folders:
            message = f"{shown(path)} is a folder; expected files, such as {shown(path / '*.jpg')!r}"
            raise ConfigError(message)
        if os.path.lexists(path):
            return path
    return None


def spellings(text: str) -> Iterator[str]:
    """Yield a name as written, then its other possible spellings, each once.

    The other spellings have no surrounding spaces, `/` for the backslash of Windows, accents as composed or separate
    characters, the bytes of old Windows encodings, or the home folder for `~`.
    """
    names = [text, text.strip()]
    names += [name.replace("\\", "/") for name in names]
    for name in names.copy():
        names += [unicodedata.normalize(form, name) for form in ("NFC", "NFD")]
    for name in names.copy():
        try:
            names.append(os.fsdecode(name.encode(WINDOWS)))
        except UnicodeEncodeError:
            continue
    yield from dict.fromkeys(name for name in (*names, *map(os.path.expanduser, names)) if name)


def each_once(paths: Iterable[Path]) -> list[Path]:
    """Sort paths and keep one path to each file, preferably one without links."""
    real = real_paths(paths)
    found: dict[str, Path] = {}
    for path in sorted(real, key=lambda path: (os.path.abspath(path) != real[path], path)):
        found.setdefault(real[path], path)
    return sorted(found.values())


def real_paths(paths: Iterable[Path]) -> dict[Path, str]:
    """Map each path to its target with all links resolved; each folder is resolved only once."""
    folders: dict[Path, str] = {}
    found = {}
    for path in paths:
        if path.parent not in folders:
            folders[path.parent] = os.path.realpath(path.parent)
        whole = os.path.join(folders[path.parent], path.name)
        found[path] = os.path.realpath(whole) if os.path.islink(whole) else whole
    return found


def _below(base: Path | None, text: str) -> Path:
    return base / text if base else Path(text)


def _expanded(base: Path, parts: Sequence[str], tell: Tell | None) -> list[Path]:
    """Return the files that the parts of a pattern match; each folder is searched once."""
    *inner, last = parts
    folders = [base]
    for part in inner:
        if part == ANY_DEPTH:
            folders = _all_below(folders, tell)
        else:
            found = [path for folder in folders for path in _members(folder, part, tell) if os.path.isdir(path)]
            folders = _once(found)
    if last == ANY_DEPTH:
        folders, last = _all_below(folders, tell), "*"
    return [path for folder in folders for path in _members(folder, last, tell) if _is_file(path)]


def _members(folder: Path, part: str, tell: Tell | None) -> list[Path]:
    """Return the members of a folder that a part of a pattern names exactly, or else those that it matches."""
    if not glob.has_magic(part) or (not part.startswith("*") and os.path.lexists(folder / part)):
        return [folder / part]
    return [folder / entry.name for entry in _entries(folder, tell) if _fits(entry.name, part)]


def _is_file(path: Path) -> bool:
    """Whether the path is a file or a broken link."""
    return os.path.isfile(path) or (os.path.islink(path) and not os.path.exists(path))


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith("."))


def _all_below(starts: Sequence[Path], tell: Tell | None) -> list[Path]:
    """Return folders and all folders below them that are not hidden, each once; linked folders come last."""
    seen: set[tuple[int, int]] = set()
    proper = deque(starts)
    linked = deque[Path]()
    found = []
    while proper or linked:
        folder = (proper or linked).popleft()
        identity = _identity(folder)
        if identity in seen:
            continue
        seen.add(identity)
        found.append(folder)
        for entry in _entries(folder, tell):
            if not _fits(entry.name, "*"):
                continue
            if entry.is_dir(follow_symlinks=False):
                proper.append(folder / entry.name)
            elif entry.is_symlink() and os.path.isdir(entry.path) and not _leads_back(entry):
                linked.append(folder / entry.name)
    return found


def _once(folders: Iterable[Path]) -> list[Path]:
    """Keep one path to each folder, preferably one that is not a link."""
    found: dict[tuple[int, int], Path] = {}
    for folder in sorted(folders, key=os.path.islink):
        found.setdefault(_identity(folder), folder)
    return list(found.values())


def _identity(folder: Path) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _leads_back(entry: os.DirEntry[str]) -> bool:
    """Whether a link leads to a folder that contains it; such a link would only find the same files again."""
    target = os.path.realpath(entry.path)
    here = os.path.realpath(os.path.dirname(entry.path))
    return os.path.commonpath([target, here]) == target


def _entries(folder: Path, tell: Tell | None) -> list[os.DirEntry[str]]:
    """Return the entries of a folder, sorted by name.

    Raises:
        ConfigError: The folder is unreadable, and `tell` is None.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as cause:
        message = f"cannot read the folder {shown(folder)}: {cause.strerror}"
        if tell is None:
            raise ConfigError(message + "; exclude it from the pattern or make it readable") from cause
        tell(f"{message}; its files are ignored")
        return []
