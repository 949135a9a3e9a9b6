"""Files that a path or a glob leads to: each of them once, by whatever name or link."""

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


def matches(pattern: str, base: Path | None = None, *, present: bool = False, tell: Tell | None = None) -> list[Path]:
    """Files that a glob matches, sorted; a path that is there stands for itself, whatever signs are in it.

    Links are followed, but none that leads back to a folder around it, and a file that several ways lead to counts
    once. A link that leads nowhere counts as a file, so that somebody hears of it.

    Args:
        pattern: `**` for any number of folders; hidden names match only what begins with a dot.
        base: Folder that a relative pattern starts from; None for the current one.
        present: Whether a plain path must lead to something too.
        tell: Called with a sentence about each folder that must not be looked into; None refuses those.

    Raises:
        ConfigError: Nothing matches, it is a folder, or one must not be looked into.
    """
    written = list(spellings(pattern))
    found = existing(pattern, base)
    if found is not None:
        return [found]
    magic = glob.has_magic(pattern)
    heard = None if tell is None else cache(tell)  # a folder that several ways lead to is told once
    for text in written if magic else []:
        files = each_once(_expanded(base or Path(), Path(text).parts, heard))
        if files:
            return files
    plain = _below(base, os.path.expanduser(pattern.strip()))
    if magic or present:
        hint = "; a bracket that belongs to a name is written [[]" if "[" in pattern else ""
        message = f"no file matches {str(plain)!r}; quote globs so that the shell leaves them alone{hint}"
        raise ConfigError(message)
    return [plain]


def existing(text: str, base: Path | None = None) -> Path | None:
    """The file of this name, however it is spelled; None if there is none.

    Raises:
        ConfigError: It is a folder.
    """
    for spelled in spellings(text):
        path = _below(base, spelled)
        if any(part.startswith("*") for part in Path(spelled).parts):  # a glob, even if somebody's file is called so
            continue
        if os.path.isdir(path):
            message = f"{shown(path)} is a folder; expected files, such as {shown(path / '*.jpg')!r}"
            raise ConfigError(message)
        if os.path.lexists(path):
            return path
    return None


def spellings(text: str) -> Iterator[str]:
    """A name as it is written, then as other systems may have meant it, each once.

    That is without spaces around it, with `/` for the backslash of Windows, with accents in one sign or in two, in the
    bytes of Windows before UTF-8, and with `~` as somebody's home.
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
    """Sorted, without those that links lead to a second time; a name that needs no link is preferred."""
    real = real_paths(paths)
    found: dict[str, Path] = {}
    for path in sorted(real, key=lambda path: (os.path.abspath(path) != real[path], path)):
        found.setdefault(real[path], path)
    return sorted(found.values())


def real_paths(paths: Iterable[Path]) -> dict[Path, str]:
    """Where each path leads, links followed; those of one folder share the way to it."""
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
    """Files that the parts of a pattern lead to; folders that several ways lead to are gone through once."""
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
    """What a folder has that one part of a pattern names: what is called so, else what it matches."""
    if not glob.has_magic(part) or (not part.startswith("*") and os.path.lexists(folder / part)):
        return [folder / part]
    return [folder / entry.name for entry in _entries(folder, tell) if _fits(entry.name, part)]


def _is_file(path: Path) -> bool:
    """Whether it is one, or a link that leads nowhere."""
    return os.path.isfile(path) or (os.path.islink(path) and not os.path.exists(path))


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith("."))


def _all_below(starts: Sequence[Path], tell: Tell | None) -> list[Path]:
    """Folders and all below them that are not hidden, each once; those behind links after all others."""
    seen: set[tuple[int, int]] = set()
    proper, linked = deque(starts), deque[Path]()
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
    """Without those that another way leads to; a name that is no link is preferred."""
    found: dict[tuple[int, int], Path] = {}
    for folder in sorted(folders, key=os.path.islink):
        found.setdefault(_identity(folder), folder)
    return list(found.values())


def _identity(folder: Path) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _leads_back(entry: os.DirEntry[str]) -> bool:
    """Whether a link leads to a folder around it: what is there is found already, or was not asked for."""
    target, here = os.path.realpath(entry.path), os.path.realpath(os.path.dirname(entry.path))
    return os.path.commonpath([target, here]) == target


def _entries(folder: Path, tell: Tell | None) -> list[os.DirEntry[str]]:
    """What is in a folder, by name.

    Raises:
        ConfigError: It must not be looked into, and there is nobody to tell.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as cause:
        message = f"cannot look into {shown(folder)}: {cause.strerror}"
        if tell is None:
            raise ConfigError(message + "; take it out of the pattern or make it readable") from cause
        tell(f"{message}; what is in it is left out")
        return []
