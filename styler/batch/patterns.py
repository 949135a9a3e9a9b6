"""Files that a path or a glob leads to: each of them once, by whatever name or link."""

from __future__ import annotations

import glob
import os
import unicodedata
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
    real = {path: os.path.realpath(path) for path in paths}
    found: dict[str, Path] = {}
    for path in sorted(real, key=lambda path: (os.path.abspath(path) != real[path], path)):
        found.setdefault(real[path], path)
    return sorted(found.values())


def _below(base: Path | None, text: str) -> Path:
    return base / text if base else Path(text)


def _expanded(folder: Path, parts: Sequence[str], tell: Tell | None) -> Iterator[Path]:
    """Files below a folder that the parts of a pattern lead to."""
    head, rest = parts[0], parts[1:]
    if head == ANY_DEPTH:
        for below in _folders(folder, tell):
            yield from _expanded(below, rest or ("*",), tell)
        return
    literal = not glob.has_magic(head) or (not head.startswith("*") and os.path.lexists(folder / head))
    for name in [head] if literal else [entry.name for entry in _entries(folder, tell) if _fits(entry.name, head)]:
        path = folder / name
        if rest and os.path.isdir(path):
            yield from _expanded(path, rest, tell)
        elif not rest and (os.path.isfile(path) or (os.path.islink(path) and not os.path.exists(path))):
            yield path


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith("."))


def _folders(start: Path, tell: Tell | None) -> Iterator[Path]:
    """A folder and all below it that are not hidden, each once; those behind links after all others."""
    seen: set[tuple[int, int]] = set()
    proper, linked = [start], list[Path]()
    while proper or linked:
        folder = (proper or linked).pop(0)
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        yield folder
        for entry in _entries(folder, tell):
            if _fits(entry.name, "*") and os.path.isdir(entry.path) and not _leads_back(entry):
                (linked if entry.is_symlink() else proper).append(folder / entry.name)


def _leads_back(entry: os.DirEntry[str]) -> bool:
    """Whether it is a link to a folder around it: what is there is found already, or was not asked for."""
    if not entry.is_symlink():
        return False
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
