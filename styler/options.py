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
NONE = "none"
MEMORY_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
TIME_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class Kind(Protocol):
    """The kind of values that an option accepts."""

    @property
    def metavar(self) -> str:
        """Placeholder for the value in the help."""
        ...

    def read(self, value: Any) -> Any:
        """Parse text, or convert another value to the type that the field holds.

        A value of the wrong kind is returned as it is; `check` refuses it.
        """
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
        if self.high is None:
            return f"a whole number of at least {self.low}"
        return f"a whole number from {self.low} to {self.high}"

    def read(self, value: Any) -> Any:
        """See `Kind`; 512.0 is a whole number."""
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if not isinstance(value, str):
            return value
        try:
            return int(WHOLE_AS_FRACTION.sub("", value))
        except ValueError:
            return value

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
        limit = f"a number {'above' if self.open_below else 'of at least'} {self.low:g}"
        return limit + (f" and at most {self.high:g}" if math.isfinite(self.high) else "")

    def read(self, value: Any) -> Any:
        """See `Kind`; a decimal comma is read as a point."""
        if not isinstance(value, str):
            return value
        with_point = value.replace(",", ".") if DECIMAL_COMMA.fullmatch(value.strip()) else value
        try:
            return float(with_point)
        except ValueError:
            return value

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            raise OptionError(name, self.expected, value)
        if value < self.low or value > self.high or (self.open_below and value == self.low):
            raise OptionError(name, self.expected, value)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several names.

    Attributes:
        names: The names; a registry may add names later.
    """

    names: Iterable[str]

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return "|".join(self.names)

    def read(self, value: Any) -> Any:
        """See `Kind`."""
        return value

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        names = tuple(self.names)
        if not isinstance(value, str) or value not in names:
            near = difflib.get_close_matches(str(value), names, n=1)
            raise OptionError(name, " or ".join(names), value, f"Did you mean {near[0]!r}?" if near else "")


@dataclass(frozen=True, slots=True)
class OneNumber:
    """One of several whole numbers.

    Attributes:
        numbers: The numbers.
        expected: Description of them.
    """

    numbers: tuple[int, ...]
    expected: str

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return "|".join(map(str, self.numbers))

    def read(self, value: Any) -> Any:
        """See `Kind`."""
        return Whole(min(self.numbers)).read(value)

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if isinstance(value, bool) or value not in self.numbers:
            raise OptionError(name, self.expected, value)


@dataclass(frozen=True, slots=True)
class Text:
    """Any text.

    Attributes:
        metavar: See `Kind`.
        pattern: Regular expression that the text must match completely; None for any text.
        expected: Description of the texts that match.
    """

    metavar: str
    pattern: str | None = None
    expected: str = "text"

    def read(self, value: Any) -> Any:
        """See `Kind`."""
        return value

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

    def read(self, value: Any) -> Any:
        """See `Kind`."""
        return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value

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

    def read(self, value: Any) -> Any:
        """See `Kind`."""
        return value if value in self.words else self.other.read(value)

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if value in self.words:
            return
        if isinstance(value, bool) or not isinstance(value, int):
            raise OptionError(name, self.expected, value)
        self.other.check(name, value)


@dataclass(frozen=True, slots=True)
class NoneOr:
    """The word "none", which stands for None, or a whole number.

    Attributes:
        other: The whole numbers.
    """

    other: Whole

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return f"{self.other.metavar}|{NONE}"

    def read(self, value: Any) -> Any:
        """See `Kind`."""
        return None if value == NONE else self.other.read(value)

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        try:
            self.other.check(name, value)
        except OptionError as problem:
            raise OptionError(name, f"{problem.expected}, or {NONE}", value) from None


@dataclass(frozen=True, slots=True)
class Memory:
    """An amount of memory in bytes; text must include a unit."""

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return "SIZE"

    def read(self, value: Any) -> Any:
        """See `Kind`.

        Example:
            >>> Memory().read("4G") == 4 * 2**30
            True
        """
        if not isinstance(value, str):
            return Whole(1).read(value)
        number = Number(0).read(value[:-1])
        unit = MEMORY_UNITS.get(value[-1:].upper())
        return int(number * unit) if unit and isinstance(number, float) and _is_finite(number) else value

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if isinstance(value, str):
            raise OptionError(name, "a number above 0 with a unit, such as 512M or 4G", value)
        Whole(1).check(name, value)


@dataclass(frozen=True, slots=True)
class Time:
    """A time in seconds; text may include a unit.

    Attributes:
        zero: Whether 0 is allowed.
    """

    zero: bool = True

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return "TIME"

    def read(self, value: Any) -> Any:
        """See `Kind`.

        Example:
            >>> Time().read("10m")
            600.0
        """
        if not isinstance(value, str):
            return value
        unit = TIME_UNITS.get(value[-1:])
        number = Number(0).read(value[:-1] if unit else value)
        return number * (unit or 1.0) if isinstance(number, float) else value

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

    def read(self, value: Any) -> Any:
        """See `Kind`; semicolons separate numbers that have decimal commas."""
        if not isinstance(value, str):
            return _as_tuples(value)
        parts = value.split(";" if ";" in value else ",")
        numbers = tuple(Number(0).read(part) for part in parts)
        return numbers if all(isinstance(number, float) for number in numbers) else value

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if not isinstance(value, tuple) or None in value:
            raise OptionError(name, "one number for each style image", value)
        for share in value:
            Number(0).check(name, share)
        if not 0 < sum(value) < math.inf:
            raise OptionError(name, "at least one weight above 0 and a finite sum", value)


@dataclass(frozen=True, slots=True)
class Factors:
    """One or several factors within limits.

    Attributes:
        low: Smallest factor.
        high: Largest factor.
    """

    low: float
    high: float

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return "X[,Y…]"

    def read(self, value: Any) -> Any:
        """See `Kind`; one number stands for a list of one."""
        return (value,) if isinstance(value, int | float) else Shares().read(value)

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if not isinstance(value, tuple) or not value:
            raise OptionError(name, "one number, or one for each style image", value)
        for factor in value:
            Number(self.low, self.high).check(name, factor)


@dataclass(frozen=True, slots=True)
class Layers:
    """Names of layers with their weights; in text, a weight that is left out is 1."""

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return "NAME[:WEIGHT],…"

    def read(self, value: Any) -> Any:
        """See `Kind`.

        Example:
            >>> Layers().read("block1_conv1:2,block2_conv1")
            (('block1_conv1', 2.0), ('block2_conv1', 1.0))
        """
        if not isinstance(value, str):
            return _as_tuples(value)
        layers = []
        for part in filter(None, (piece.strip() for piece in value.split(","))):
            address, sign, weight = part.rpartition(":")
            layers.append((address, Number(0).read(weight)) if sign else (part, 1.0))
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


NO_FILE = NONE
"""Stands for a file that is left out of a list."""


@dataclass(frozen=True, slots=True)
class Files:
    """Paths, one for each style image; "none" for no file. On the command line, the option is repeated."""

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return f"FILE|{NO_FILE}"

    def read(self, value: Any) -> Any:
        """See `Kind`.

        Example:
            >>> Files().read("sky.png|none")
            ('sky.png', 'none')
        """
        if isinstance(value, str):
            return tuple(value.split("|"))
        return _as_tuples(value)

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if not isinstance(value, tuple) or not value or not all(isinstance(each, str) and each for each in value):
            raise OptionError(name, f"a path or {NO_FILE!r} for each style image", value)


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes as fractions of an image's width and height.

    Each box is (left, top, right, bottom) with 0 <= left < right <= 1 and 0 <= top < bottom <= 1.
    """

    @property
    def metavar(self) -> str:
        """See `Kind`."""
        return "X0,Y0,X1,Y1[;…]"

    def read(self, value: Any) -> Any:
        """See `Kind`.

        Example:
            >>> Boxes().read("0,0,0.5,1;0.5,0,1,1")
            ((0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0))
        """
        if not isinstance(value, str):
            return _as_tuples(value)
        boxes = tuple(tuple(Number(0).read(side) for side in box.split(",")) for box in value.split(";"))
        return boxes if all(isinstance(side, float) for box in boxes for side in box) else value

    def check(self, name: str, value: Any) -> None:
        """See `Kind`."""
        if not isinstance(value, tuple) or not value or not all(_is_box(box) for box in value):
            raise OptionError(name, "boxes of four numbers 0 <= X0 < X1 <= 1 and 0 <= Y0 < Y1 <= 1", value)


def _as_tuples(value: Any) -> Any:
    """Turn lists, and lists in lists, into tuples."""
    if not isinstance(value, list | tuple):
        return value
    return tuple(tuple(item) if isinstance(item, list) else item for item in value)


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
    """Whether a number is finite as a float; Python's integers can be too large for a float."""
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
REGIONS = "regions"
"""The option affects which positions count where; pictures of one batch must agree in it."""
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
        effect: Part of the program that it affects: `ENGINE`, `SCHEDULE`, `START`, `REGIONS`, `WEIGHTS` or
            `FILE`.
        short: Short flag, such as "-s".
        default_text: Description of the default, if the value itself is not clear.
        flags: Names of a flag that takes no value; empty for `--name/--no-name`.
        before: Value that gives the same picture as before the option existed; `AS_OLD_AS_RECIPES` if every recipe has
            the option.
        needs_steps: Whether only an optimizer obeys the option, so that it has no effect with 0 steps.
    """

    kind: Kind
    help: str
    group: str
    effect: str
    short: str = ""
    default_text: str = ""
    flags: str = ""
    before: Any = AS_OLD_AS_RECIPES
    needs_steps: bool = False


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


def read(option: Option, value: Any) -> Any:
    """Return a value in the form that the option's field holds; NumPy numbers become Python numbers.

    Args:
        option: Option of the field.
        value: Value as given on the command line, in a file or in Python.
    """
    is_numpy_number = getattr(value, "shape", None) == () and hasattr(value, "item")
    return option.kind.read(value.item() if is_numpy_number else value)


def seconds_of(name: str, text: str) -> float:
    """Parse a time and return it in seconds.

    Raises:
        OptionError: The text is not a time.
    """
    kind = Time()
    seconds = kind.read(text)
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
