"""Descriptions of options: help, unit, choices, spelling, group and effect, each stated once, beside the field.

The command line and its help, the TOML files, the columns of manifests, the recipes and the checks of values are all
made from these descriptions.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

from styler.errors import OptionError, shown

PICTURE = "The picture"
STYLE = "The style"
COLOR = "Color"
SIZE_AND_MEMORY = "Size and memory"
FILES = "Files"
RUNNING = "Running"
EXPERTS = "Experts"
GROUPS = (PICTURE, STYLE, COLOR, SIZE_AND_MEMORY, FILES, RUNNING, EXPERTS)
"""Headings in the help, in the order in which they appear."""

DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
WHOLE_AS_FRACTION = re.compile(r"(?<=\d)[.,]0{1,2}\s*$")  # spreadsheets write whole numbers as 512.0
MEMORY_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
TIME_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class Kind(Protocol):
    """The kind of values that an option accepts."""

    @property
    def metavar(self) -> str:
        """Placeholder for the value in the help."""
        ...

    def parsed(self, text: str) -> Any:
        """Parse a text; return the text itself if it cannot be parsed, so that `check` refuses it."""
        ...

    def check(self, name: str, value: Any) -> None:
        """Check a value.

        Raises:
            OptionError: The value has the wrong type or is out of range.
        """
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number.

    Attributes:
        low: Smallest value.
        high: Largest value; None for no limit.
    """

    low: int
    high: int | None = None

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return "N"

    @property
    def expected(self) -> str:
        """The values in words."""
        return f"a whole number from {self.low}" + (" on" if self.high is None else f" to {self.high}")

    def parsed(self, text: str) -> Any:
        """See `Kind`."""
        try:
            return int(WHOLE_AS_FRACTION.sub("", text))
        except ValueError:
            return text

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise OptionError(name, self.expected, value)
        if value < self.low or (self.high is not None and value > self.high):
            raise OptionError(name, self.expected, value)


@dataclass(frozen=True, slots=True)
class Number:
    """A finite number.

    Attributes:
        low: Smallest value.
        high: Largest value.
        open_below: Whether `low` itself is refused.
    """

    low: float
    high: float = math.inf
    open_below: bool = False

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return "X"

    @property
    def expected(self) -> str:
        """The values in words."""
        limit = f"a number {'above' if self.open_below else 'at least'} {self.low:g}"
        return limit + (f" and at most {self.high:g}" if math.isfinite(self.high) else "")

    def parsed(self, text: str) -> Any:
        """See `Kind`; a decimal comma is read as a point."""
        try:
            return float(text.replace(",", ".") if DECIMAL_COMMA.fullmatch(text.strip()) else text)
        except ValueError:
            return text

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            raise OptionError(name, self.expected, value)
        if value < self.low or value > self.high or (self.open_below and value == self.low):
            raise OptionError(name, self.expected, value)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some names.

    Attributes:
        names: The names; a registry may add names later.
    """

    names: Iterable[str]

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return "|".join(self.names)

    def parsed(self, text: str) -> Any:
        """See `Kind`."""
        return text

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        names = tuple(self.names)
        if not isinstance(value, str) or value not in names:
            near = difflib.get_close_matches(str(value), names, n=1)
            raise OptionError(name, " or ".join(names), value, f"Did you mean {near[0]!r}?" if near else "")


@dataclass(frozen=True, slots=True)
class Text:
    """Any text.

    Attributes:
        metavar: See `Kind`.
        pattern: Regular expression that the whole text must match; None for any text.
        expected: Description of the texts that match.
    """

    metavar: str
    pattern: str | None = None
    expected: str = "a text"

    def parsed(self, text: str) -> Any:
        """See `Kind`."""
        return text

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if not isinstance(value, str) or (self.pattern is not None and not re.fullmatch(self.pattern, value)):
            raise OptionError(name, self.expected, value)


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return ""

    def parsed(self, text: str) -> Any:
        """See `Kind`."""
        return {"true": True, "false": False}.get(text.lower(), text)

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if not isinstance(value, bool):
            raise OptionError(name, "true or false", value)


@dataclass(frozen=True, slots=True)
class WordOr:
    """A word with a special meaning, or another kind of value.

    Attributes:
        words: The special words.
        other: The other kind of value.
        expected: Description of both.
    """

    words: tuple[str, ...]
    other: Whole
    expected: str

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return "|".join((*self.words, self.other.metavar))

    def parsed(self, text: str) -> Any:
        """See `Kind`."""
        return text if text in self.words else self.other.parsed(text)

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if value in self.words:
            return
        if isinstance(value, bool) or not isinstance(value, int):
            raise OptionError(name, self.expected, value)
        self.other.check(name, value)


@dataclass(frozen=True, slots=True)
class Memory:
    """An amount of memory in bytes; a text must have a unit."""

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return "SIZE"

    def parsed(self, text: str) -> Any:
        """See `Kind`.

        Example:
            >>> Memory().parsed("4G") == 4 * 2**30
            True
        """
        number = Number(0).parsed(text[:-1])
        unit = MEMORY_UNITS.get(text[-1:].upper())
        return int(number * unit) if unit and isinstance(number, float) and _is_finite(number) else text

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if isinstance(value, str):
            raise OptionError(name, "a number above 0 with a unit, such as 512M or 4G", value)
        Whole(1).check(name, value)


@dataclass(frozen=True, slots=True)
class Time:
    """A time in seconds; a text may have a unit.

    Attributes:
        zero: Whether 0 is allowed.
    """

    zero: bool = True

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return "TIME"

    def parsed(self, text: str) -> Any:
        """See `Kind`.

        Example:
            >>> Time().parsed("10m")
            600.0
        """
        unit = TIME_UNITS.get(text[-1:])
        number = Number(0).parsed(text[:-1] if unit else text)
        return number * (unit or 1.0) if isinstance(number, float) else text

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if isinstance(value, str):
            raise OptionError(name, "a time, such as 90s or 10m", value)
        Number(0, open_below=not self.zero).check(name, value)


@dataclass(frozen=True, slots=True)
class Shares:
    """Several numbers, at least one of them above 0."""

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return "A,B,…"

    def parsed(self, text: str) -> Any:
        """See `Kind`; semicolons separate numbers that have decimal commas."""
        parts = text.split(";" if ";" in text else ",")
        numbers = tuple(Number(0).parsed(part) for part in parts)
        return numbers if all(isinstance(number, float) for number in numbers) else text

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if not isinstance(value, tuple) or None in value:
            raise OptionError(name, "one number for each style image", value)
        for share in value:
            Number(0).check(name, share)
        if not 0 < sum(value) < math.inf:
            raise OptionError(name, "at least one weight above 0 and a finite sum", value)


@dataclass(frozen=True, slots=True)
class Layers:
    """Names of layers with their weights; in a text, the default weight is 1."""

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return "NAME[:WEIGHT],…"

    def parsed(self, text: str) -> Any:
        """See `Kind`.

        Example:
            >>> Layers().parsed("block1_conv1:2,block2_conv1")
            (('block1_conv1', 2.0), ('block2_conv1', 1.0))
        """
        layers = []
        for part in filter(None, (piece.strip() for piece in text.split(","))):
            address, sign, weight = part.rpartition(":")
            layers.append((address, Number(0).parsed(weight)) if sign else (part, 1.0))
        return tuple(layers)

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if not isinstance(value, tuple) or not all(_is_layer(layer) for layer in value):
            raise OptionError(name, "names with weights, such as 'block1_conv1:1,block4_conv1:0.5'", value)
        addresses = [address for address, _ in value]
        if not addresses or len(set(addresses)) < len(addresses):
            raise OptionError(name, "at least one layer and none twice", ",".join(addresses))
        for address, weight in value:
            try:
                Number(0, open_below=True).check(name, weight)
            except OptionError as problem:
                raise OptionError(name, f"{problem.expected} as the weight of {shown(address)}", weight) from None


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes as fractions of an image's width and height.

    Each box is (left, top, right, bottom) with 0 <= left < right <= 1 and 0 <= top < bottom <= 1.
    """

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return "X0,Y0,X1,Y1[;…]"

    def parsed(self, text: str) -> Any:
        """See `Kind`.

        Example:
            >>> Boxes().parsed("0,0,0.5,1;0.5,0,1,1")
            ((0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0))
        """
        boxes = tuple(tuple(Number(0).parsed(side) for side in box.split(",")) for box in text.split(";"))
        return boxes if all(isinstance(side, float) for box in boxes for side in box) else text

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if not isinstance(value, tuple) or not value or not all(_is_box(box) for box in value):
            raise OptionError(name, "boxes of four numbers 0 <= X0 < X1 <= 1 and 0 <= Y0 < Y1 <= 1", value)


def _is_box(box: Any) -> bool:
    if not isinstance(box, tuple) or len(box) != 4:
        return False
    if not all(isinstance(side, int | float) and not isinstance(side, bool) for side in box):
        return False
    left, top, right, bottom = box
    return 0 <= left < right <= 1 and 0 <= top < bottom <= 1


def _is_layer(layer: Any) -> bool:
    return isinstance(layer, tuple) and len(layer) == 2 and isinstance(layer[0], str) and layer[1] is not None


def _is_finite(value: float) -> bool:
    """Whether a number is finite as a float; Python's whole numbers can be too large for a float."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


ENGINE = "engine"
"""The option affects the network and its compiled programs; a new value needs new ones."""
SCHEDULE = "schedule"
"""The option affects the sizes, steps and tiles of a render."""
START = "start"
"""The option affects only how one picture starts or its final colors; pictures of one batch may differ in it."""
WEIGHTS = "weights"
"""The option affects only the weights of terms; it may even change during a render."""
FILE = "file"
"""The option affects how files are read and written, but not how the picture looks."""


AS_OLD_AS_RECIPES = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """Description of a field that users can set.

    Attributes:
        kind: Kind of values that it accepts.
        help: One sentence about its effect, including the unit.
        group: Heading in the help, one of `GROUPS`.
        effect: Part of the program that it affects: `ENGINE`, `SCHEDULE`, `START`, `WEIGHTS` or `FILE`.
        short: Short flag, such as "-s".
        default_text: Description of the default, if the value itself is not clear.
        flags: Spelling of a flag without a value; empty for `--name/--no-name`.
        before: Value that gives the same picture as before the option existed; `AS_OLD_AS_RECIPES` if every recipe has
            the option.
    """

    kind: Kind
    help: str
    group: str
    effect: str
    short: str = ""
    default_text: str = ""
    flags: str = ""
    before: Any = AS_OLD_AS_RECIPES


def option(
    default: Any,
    kind: Kind,
    help: str,
    *,
    group: str,
    effect: str,
    **more: Any,
) -> Any:
    """Make a dataclass field that is an option."""
    described = Option(
        kind=kind,
        help=help,
        group=group,
        effect=effect,
        **more,
    )
    return field(default=default, metadata={"option": described})


def options_of(kind: Any) -> dict[str, Option]:
    """Return a mapping from each option field of a dataclass to its option."""
    return {each.name: each.metadata["option"] for each in fields(kind) if "option" in each.metadata}


def flag_of(name: str) -> str:
    """Return the long flag of a field: `style_weights` -> `--style-weights`."""
    return f"--{name.replace('_', '-')}"


def field_of(name: str) -> str:
    """Return the field that a word names: `--style-weights` or `Style weights` -> `style_weights`."""
    return name.strip().lstrip("-").lower().replace("-", "_").replace(" ", "_")


def tidy(name: str, value: Any, option: Option) -> Any:
    """Convert a value to the form that the field holds.

    Texts are parsed, lists from JSON and TOML become tuples, and NumPy numbers become Python numbers.

    Args:
        name: Name of the field.
        value: The value as given.
        option: The field's option.
    """
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, str):
        return option.kind.parsed(value)
    if isinstance(value, list | tuple) and isinstance(option.kind, Shares | Layers | Boxes):
        return tuple(tuple(item) if isinstance(item, list) else item for item in value)
    if isinstance(value, float) and isinstance(option.kind, Whole | WordOr) and value.is_integer():
        return int(value)
    return value


def seconds_of(name: str, text: str) -> float:
    """Parse a time and return it in seconds.

    Raises:
        OptionError: The text is not a time.
    """
    kind = Time()
    seconds = kind.parsed(text)
    kind.check(name, seconds)
    return float(seconds)


def check(values: Any) -> None:
    """Check every field of a dataclass of options.

    Raises:
        OptionError: An option does not accept its value.
    """
    for each in fields(values):
        described: Option | None = each.metadata.get("option")
        value = getattr(values, each.name)
        if described is None or (value is None and each.default is None):
            continue
        if value is None:
            raise OptionError(each.name, "a value", None)
        described.kind.check(each.name, value)
