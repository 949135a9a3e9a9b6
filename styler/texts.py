"""Text files as spreadsheets, editors and Windows write them."""

from __future__ import annotations

import codecs
import tomllib

MARKS = (  # byte order marks, the longer ones first: that of UTF-16 begins that of UTF-32
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WINDOWS = "cp1252"  # what its programs in Europe and America write where nobody asks for UTF-8


def decoded(data: bytes) -> str:
    """The text of a file, by its byte order mark; without one in UTF-8, UTF-16 or, where it is neither, of Windows.

    Line ends are left as they are.

    Raises:
        ValueError: It is no text.
    """
    text = data.decode(_encoding(data))
    if "\0" in text:
        message = "text was expected, got other bytes"
        raise ValueError(message)
    return text


def _encoding(data: bytes) -> str:
    marked = next((encoding for mark, encoding in MARKS if data.startswith(mark)), None)
    if marked is not None:
        return marked
    if data[:2].count(0) == 1:  # one half of a character of ASCII
        return "utf-16-be" if data[0] == 0 else "utf-16-le"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return WINDOWS
    return "utf-8"


def unified(text: str) -> str:
    r"""The same with `\n` at the end of each line."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def toml_hint(problem: tomllib.TOMLDecodeError) -> str:
    """What to do about a path of Windows in double quotes; empty for other problems."""
    escaped = "\\" in str(problem) or "escape" in str(problem).lower() or "hex" in str(problem).lower()
    return "; write / for a backslash, or single quotes around the text" if escaped else ""
