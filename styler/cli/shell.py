"""Quote commands so that users can paste them into a shell, whatever file names they contain."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable

PLAIN = frozenset(range(0x20, 0x7F)) - set(b"'\\")  # bytes that need no escape between $' and '


def command(words: Iterable[str]) -> str:
    """Return a command in one line; unprintable words are written as byte escapes for bash, zsh and ksh."""
    return " ".join(map(quoted, words))


def quoted(word: str) -> str:
    r"""Quote a word for a shell.

    Example:
        >>> quoted("two words.jpg"), quoted("two\nlines.jpg")
        ("'two words.jpg'", "$'two\\012lines.jpg'")
    """
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(chr(byte) if byte in PLAIN else f"\\{byte:03o}" for byte in os.fsencode(word)) + "'"
