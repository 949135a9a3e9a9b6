"""Rows of options, in words or as values, to configs."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from styler.config import DEPTHS, LARGEST_DPI, PROFILES, QUALITY, RenderConfig, parse_number
from styler.errors import ConfigError
from styler.images.export import Export

PRESET = "balanced"  # as in `styler render`
# Of files, not of what is rendered
FILE_OPTIONS = ("quality", "depth", "profile", "dpi", "keep_gps", "max_pixels", "recipe")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
WHOLE = re.compile(r"(?<=\d)[.,]0{1,2}\s*$")  # what spreadsheets put behind whole numbers: 512.0
LAYERS = ("content_layers", "style_layers")  # their words are read by `RenderConfig` itself


def merged(*sources: Mapping[str, Any]) -> dict[str, Any]:
    """Options of several mappings by the names of their fields; later ones win, None and "" count as not given."""
    options: dict[str, Any] = {}
    for source in sources:
        options |= {plain(name): value for name, value in source.items() if value is not None and value != ""}
    return options


def config_of(options: Mapping[str, Any]) -> RenderConfig:
    """A config from options as such or in words; any of them wins over `preset`.

    Raises:
        ConfigError: An option is unknown or out of range.
    """
    given = {name: value for name, value in options.items() if name != "preset"}
    preset = options.get("preset", PRESET)
    return RenderConfig.preset(preset, **{name: _value(name, value) for name, value in given.items()})


def plain(name: str) -> str:
    """The field that an option names: `--style-weights` or `Style weights` -> `style_weights`."""
    return name.strip().lstrip("-").lower().replace("-", "_").replace(" ", "_")


@cache
def _kinds() -> dict[str, set[Any]]:
    """Field -> the types that it may have."""
    hints = get_type_hints(RenderConfig)
    return {name: {get_origin(kind) or kind for kind in get_args(hint) or (hint,)} for name, hint in hints.items()}


def _value(name: str, value: Any) -> Any:
    """Words as the value that they mean; what fits nowhere is left to the checks of `RenderConfig`."""
    kinds = _kinds().get(name, set())
    if isinstance(value, float) and float not in kinds and int in kinds and value.is_integer():
        return int(value)  # where a column has empty cells, some programs write all its numbers so
    if not isinstance(value, str) or name in LAYERS:
        return value
    if tuple in kinds:
        return tuple(parse_number(name, _with_point(part)) for part in value.split(";" if ";" in value else ","))
    if bool in kinds and value.lower() in ("true", "false"):
        return value.lower() == "true"
    for kind in (int, float):
        if kind in kinds:
            try:
                return kind(_with_point(value) if kind is float else WHOLE.sub("", value))
            except ValueError:
                continue
    return value


def _with_point(number: str) -> str:
    """A number with a decimal comma as it is written elsewhere."""
    return number.replace(",", ".") if DECIMAL_COMMA.fullmatch(number.strip()) else number


def file_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a `Job` that say how to read and write, from values or words.

    Raises:
        StylerError: One is out of range or unknown.
    """
    export = Export(
        quality=whole_number("quality", given.get("quality", QUALITY), 1, 100),
        depth=whole_number("depth", given["depth"], min(DEPTHS), max(DEPTHS)) if "depth" in given else None,
        profile=str(given.get("profile", PROFILES[0])),
        dpi=whole_number("dpi", given["dpi"], 1, LARGEST_DPI) if "dpi" in given else None,
        keep_gps=_truth("keep_gps", given.get("keep_gps", False)),
    )
    most = given.get("max_pixels")
    return {
        "export": export,
        "max_pixels": None if most is None else whole_number("max_pixels", most, 1, sys.maxsize),
        "with_recipe": _truth("recipe", given.get("recipe", True)),
    }


def _truth(name: str, value: Any) -> bool:
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        message = f"{name}: expected true or false, got {value!r}"
        raise ConfigError(message)
    return value


def whole_number(name: str, value: Any, low: int, high: int) -> int:
    """A whole number in a range, from a value or from words.

    Raises:
        ConfigError: It is none, or out of range.
    """
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = low - 1
    if not low <= number <= high:
        message = f"{name}: expected a whole number from {low} to {high}, got {value!r}"
        raise ConfigError(message)
    return number
