"""Reading text files in the encodings that spreadsheets, editors and Windows write."""

from __future__ import annotations

import codecs
import tomllib

MARKS = (  # byte order marks; longer ones first, because the mark of UTF-32 begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WINDOWS = "cp1252"  # the default of Windows programs in Europe and America


def decoded(data: bytes) -> str:
    """Decode the contents of a text file.

    The byte order mark determines the encoding. Without a mark, it is UTF-8, UTF-16 or, if neither fits, Windows code
    page 1252. Line endings are not changed.

    Raises:
        ValueError: The contents are not text.
    """
    text = data.decode(_encoding(data))
    if "\0" in text:
        message = "expected text, got binary data"
        raise ValueError(message)
    return text


def _encoding(data: bytes) -> str:
    marked = next((encoding for mark, encoding in MARKS if data.startswith(mark)), None)
    if marked is not None:
        return marked
    if data[:2].count(0) == 1:  # an ASCII character in UTF-16
        return "utf-16-be" if data[0] == 0 else "utf-16-le"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return WINDOWS
    return "utf-8"


def unified(text: str) -> str:
    r"""Return the text with all line endings changed to `\n`."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def toml_hint(problem: tomllib.TOMLDecodeError) -> str:
    """Return the advice for a Windows path in double quotes; empty for other errors."""
    escaped = "\\" in str(problem) or "escape" in str(problem).lower() or "hex" in str(problem).lower()
    return "; write / instead of a backslash, or put the text in single quotes" if escaped else ""
