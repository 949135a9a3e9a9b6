"""Every error that a caller may want to catch.

StylerError
├── ConfigError      (ValueError)   an option or a combination of options
├── ImageError       (ValueError)   an image that cannot be read or used
├── LayerError       (ValueError)   an unknown or unusable layer address
├── NetworkError     (ValueError)   an unknown or unusable network
├── WeightsError     (OSError)      weights that are absent or damaged
├── OutputError      (OSError)      a file that cannot or must not be written
├── CheckpointError  (OSError)      a checkpoint that cannot be read or does not fit
├── ResourceError    (RuntimeError) too little memory, disk or time; a device that is not there
└── BatchError       (RuntimeError) jobs of a batch that failed

Messages say what was expected, what came and what to do, in one line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class StylerError(Exception):
    """Base of all errors that styler raises on purpose."""


class ConfigError(StylerError, ValueError):
    """An option or a combination of options cannot be carried out."""


class ImageError(StylerError, ValueError):
    """An image cannot be read or used."""


class LayerError(StylerError, ValueError):
    """A layer address is unknown or unusable."""


class NetworkError(StylerError, ValueError):
    """A network is unknown or unusable."""


class WeightsError(StylerError, OSError):
    """Weights are absent or damaged."""


class OutputError(StylerError, OSError):
    """A file cannot or must not be written."""


class CheckpointError(StylerError, OSError):
    """A checkpoint cannot be read or does not fit."""


class ResourceError(StylerError, RuntimeError):
    """Memory, disk, time or a device is missing."""


class BatchError(StylerError, RuntimeError):
    """Jobs of a batch failed."""


def shown(path: object) -> str:
    """A path for a message: as it is, or quoted and escaped where it would break the line or lose a space there."""
    text = str(path)
    plain = text.isprintable() and " ".join(text.split()) == text
    return text if plain else ascii(text).replace("  ", "\\x20 ")


def one_line(message: str) -> str:
    """A message in one line that any terminal shows: other people's errors may hold line breaks and control signs."""
    line = " ".join(part.strip() for part in message.splitlines() if part.strip())
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in line)


def suggestion(name: str, known: Iterable[str], head: int = 6) -> str:
    """The end of an error message: the nearest known name, or the first few names.

    Args:
        name: What was asked for.
        known: Names that would have worked, in the order to show them.
        head: How many names to list when none is near.

    Returns:
        One sentence, starting with a capital letter.
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]!r}?"
    shown = ", ".join(names[:head])
    return f"Known: {shown}{', …' if len(names) > head else ''}."
