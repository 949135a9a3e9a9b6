"""The errors that styler raises.

StylerError
├── ConfigError      (ValueError)   an option or a combination of options
├── ImageError       (ValueError)   an image that cannot be read or used
├── LayerError       (ValueError)   an unknown or unusable layer address
├── NetworkError     (ValueError)   an unknown or unusable network
├── WeightsError     (OSError)      missing or damaged weights
├── OutputError      (OSError)      a file that cannot be written or must not be replaced
├── CheckpointError  (OSError)      a checkpoint that cannot be read or belongs to another render
├── ResourceError    (RuntimeError) too little memory, disk space or time; a missing device
└── BatchError       (RuntimeError) failed jobs of a batch

An `OptionError` is a `ConfigError` about the value of one option; it knows the option's name.

Each message is one line that says what was expected, what was given and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class StylerError(Exception):
    """Base class of all errors that styler raises deliberately."""


class ConfigError(StylerError, ValueError):
    """An option or a combination of options cannot be carried out."""


class OptionError(ConfigError):
    """An option has a value that it does not accept.

    Args:
        name: The field of the option.
        expected: The values that it accepts, in words.
        came: The value.
        hint: A sentence that says what to do; may be empty.
    """

    def __init__(
        self,
        name: str,
        expected: str,
        came: object,
        hint: str = "",
    ) -> None:
        self.name = name
        self.expected = expected
        self.came = came
        self.hint = hint
        super().__init__(self.said(name))

    def __reduce__(self) -> tuple[type[OptionError], tuple[str, str, object, str]]:
        """Return what `pickle` needs to create the error in another process."""
        return OptionError, (self.name, self.expected, self.came, self.hint)

    def said(self, name: str) -> str:
        """Return the message with the option spelled as `name`, the way its reader knows it."""
        return f"{name}: expected {self.expected}, got {_typed(self.came)}" + (f". {self.hint}" if self.hint else "")


def _typed(value: object) -> str:
    """Write a value as its user typed it: 80 and not 80.0, and lists with commas, or semicolons between lists."""
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, tuple) and value:
        separator = ";" if isinstance(value[0], tuple) else ","
        return separator.join(map(_typed, value))
    return repr(value)


class ImageError(StylerError, ValueError):
    """An image cannot be read or used."""


class LayerError(StylerError, ValueError):
    """A layer address is unknown or unusable."""


class NetworkError(StylerError, ValueError):
    """A network is unknown or unusable."""


class WeightsError(StylerError, OSError):
    """Weights are missing or damaged."""


class OutputError(StylerError, OSError):
    """A file cannot be written, or must not be replaced."""


class CheckpointError(StylerError, OSError):
    """A checkpoint cannot be read, or belongs to another render."""


class ResourceError(StylerError, RuntimeError):
    """There is too little memory, disk space or time, or a device is missing."""


class BatchError(StylerError, RuntimeError):
    """Some jobs of a batch failed."""


def reworded(problem: StylerError, message: str) -> StylerError:
    """Return the same kind of error with another message."""
    kind = ConfigError if isinstance(problem, OptionError) else type(problem)
    return kind(message)


def shown(path: object) -> str:
    """Format a path for a one-line message.

    A path that contains unprintable characters, or spaces that would be lost, is quoted and escaped.
    """
    text = str(path)
    plain = text.isprintable() and " ".join(text.split()) == text
    return text if plain else ascii(text).replace("  ", "\\x20 ")


def one_line(message: str) -> str:
    """Join a message into one line and escape unprintable characters, which errors of other libraries may contain."""
    line = " ".join(part.strip() for part in message.splitlines() if part.strip())
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in line)


def suggestion(name: str, known: Iterable[str], head: int = 6) -> str:
    """Return the end of an error message about an unknown name: the most similar name, or the first few names.

    Args:
        name: The unknown name.
        known: The valid names, in the order to show them.
        head: Number of names to list if none is similar.

    Returns:
        One sentence, starting with a capital letter.
    """
    names = list(known)
    near = difflib.get_close_matches(
        name,
        names,
        n=1,
        cutoff=0.6,
    )
    if near:
        return f"Did you mean {near[0]!r}?"
    shown = ", ".join(names[:head])
    return f"Known: {shown}{', …' if len(names) > head else ''}."
