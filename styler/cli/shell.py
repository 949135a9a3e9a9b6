"""Commands printed so that a shell runs them as they stand, whatever names are in them."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable

PLAIN = frozenset(range(0x20, 0x7F)) - set(b"'\\")  # bytes that stand for themselves between $' and '


def command(words: Iterable[str]) -> str:
    """One line; a word that cannot be shown is written by its bytes, as bash, zsh and ksh read them."""
    return " ".join(map(quoted, words))


def quoted(word: str) -> str:
    r"""A word for a shell.

    Example:
        >>> quoted("two words.jpg"), quoted("two\nlines.jpg")
        ("'two words.jpg'", "$'two\\012lines.jpg'")
    """
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(chr(byte) if byte in PLAIN else f"\\{byte:03o}" for byte in os.fsencode(word)) + "'"
