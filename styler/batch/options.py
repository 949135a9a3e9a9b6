"""Turn options, given as text or as values, into configs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from styler.config import RenderConfig
from styler.errors import ConfigError
from styler.images.export import FILE_OPTIONS, Export, Handling
from styler.options import NONE, Choice, field_of, flag_of, options_of, read
from styler.presets import DEFAULT_PRESET
from styler.render.mask_files import AUTO

MASK = "mask"  # says how masks are found; an option of commands, manifests and files, but not of a render
REGIONS = ("content_mask", "style_mask")
"""Options that name the masks of regions."""


def merged(*sources: Mapping[str, Any]) -> dict[str, Any]:
    """Merge options by field name; later mappings override earlier ones, and None and "" count as not given.

    Masks in a later mapping also override how an earlier one finds them.
    """
    options: dict[str, Any] = {}
    for source in sources:
        given = {field_of(name): value for name, value in source.items() if value is not None and value != ""}
        if any(name in given for name in REGIONS):
            options.pop(MASK, None)
        options |= given
    return options


def taken_mask(options: dict[str, Any]) -> str | None:
    """Remove how masks are found from options by field, and return it: "auto", or None for the masks that they name.

    Raises:
        ConfigError: The value is unknown, or the options name masks too.
    """
    mask = options.pop(MASK, NONE)
    if mask == NONE:
        return None
    Choice((AUTO, NONE)).check(MASK, mask)
    named = [flag_of(name) for name in REGIONS if name in options]
    if named:
        message = f"expected --mask {AUTO} or {named[0]}, got both; leave one of them out"
        raise ConfigError(message)
    return AUTO


def config_of(options: Mapping[str, Any]) -> RenderConfig:
    """Make a config from options given as text or values; each of them overrides `preset`.

    Raises:
        ConfigError: An option is unknown or out of range.
    """
    given = {name: value for name, value in options.items() if name != "preset"}
    return RenderConfig.preset(options.get("preset", DEFAULT_PRESET), **given)


def file_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a `Job` about reading and writing files, from options given as text or values.

    Raises:
        StylerError: An option is unknown or out of range.
    """
    values = {name: read(FILE_OPTIONS[name], given[name]) for name in FILE_OPTIONS if name in given}
    for name, value in values.items():
        FILE_OPTIONS[name].kind.check(name, value)
    handling = Handling(**{name: values.pop(name) for name in options_of(Handling) if name in values})
    return {"export": Export(**values), "max_pixels": handling.max_pixels, "with_recipe": handling.recipe}
