"""Name the outputs of a batch from a template such as `{content}-{style}-{strength}`."""

from __future__ import annotations

import hashlib
import os
import string
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path, PurePosixPath
from typing import Any

from styler.config import RenderConfig
from styler.errors import ConfigError, OutputError, suggestion
from styler.images.photos import style_name
from styler.images.writing import FORMATS, LONGEST_NAME

TEMPLATE = "{content}-{style}"  # used without --name; `default_template` adds the seed
SUFFIX = ".png"  # added to names without a suffix; PNG is lossless
OWN_FIELDS = ("content", "style", "folder", "index")
FIELDS = (*OWN_FIELDS, *(field.name for field in fields(RenderConfig)))


def default_template(config: RenderConfig) -> str:
    """Return the template to use without `--name`. It contains the seed unless that is the default seed.

    It does not depend on the other jobs, so the names stay the same if a batch grows.
    """
    return TEMPLATE if config.seed == RenderConfig().seed else f"{TEMPLATE}-{{seed}}"


def check_template(template: str) -> None:
    """Check that a template can be parsed and has only known fields.

    Raises:
        ConfigError: The template cannot be parsed, or it has an unknown field.
    """
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
    except ValueError as cause:
        message = f"--name: cannot read the template {template!r}: {cause}"
        raise ConfigError(message) from cause
    for name in names:
        if name not in FIELDS:
            message = f"--name: unknown field {name!r} in {template!r}. {suggestion(name, FIELDS)}"
            raise ConfigError(message)


def output_name(
    template: str | None,
    content: Path,
    styles: Sequence[Path],
    config: RenderConfig,
    index: int,
) -> str:
    """Return the path of an output relative to the output folder, with `/` between folders.

    Args:
        template: Name with fields in braces; None for the default. The fields are the options of `RenderConfig`;
            `content` and `style`, the file stems (several styles are joined by `-`); `folder`, the name of the
            content's folder; and `index`, which counts from 1. Leading dots of file and folder names are removed so
            that no output is hidden.
        content: Path of the photo.
        styles: Paths of the paintings.
        config: Options of the render.
        index: Number of the job, from 1.

    Raises:
        ConfigError: The template cannot be filled in.
        OutputError: The name leads out of the output folder, or it is too long and has no fields.
    """
    template = default_template(config) if template is None else template
    check_template(template)
    values: dict[str, Any] = {
        **config.to_dict(),
        "content": _stem(content.stem),
        "style": "-".join(_stem(style_name(style)) for style in styles),
        "folder": _stem(content.absolute().parent.name),
        "index": index,
    }
    try:
        filled = template.format(**values)
    except (ValueError, TypeError, LookupError, AttributeError) as cause:
        message = f"--name: cannot fill in {template!r}: {cause}"
        raise ConfigError(message) from cause
    return checked_name(filled if filled == template else shortened(filled))


def _stem(name: str) -> str:
    return name.lstrip(".")


def shortened(name: str) -> str:
    """Shorten a name that is too long for file systems; its end is replaced by an eight-digit hash."""
    path = PurePosixPath(name)
    suffix = path.suffix if path.suffix.lower() in FORMATS else ""
    if not path.name or len(os.fsencode(path.name)) <= LONGEST_NAME - (0 if suffix else len(SUFFIX)):
        return name
    mark = f"~{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]}{suffix}"
    stem = path.name.removesuffix(suffix)
    while len(os.fsencode(stem)) + len(mark) > LONGEST_NAME - len(SUFFIX):
        stem = stem[:-1]
    return str(path.with_name(stem + mark))


def checked_name(name: str) -> str:
    """Return the name with a suffix, after checking that it stays inside the output folder.

    Raises:
        OutputError: The name leads out of the folder, has no stem, or is too long.
    """
    path = PurePosixPath(name)
    if path.suffix.lower() not in FORMATS:
        path = path.with_name(f"{path.name}{SUFFIX}") if path.name else path
    if path.is_absolute() or ".." in path.parts or not path.name or path.name.startswith("."):
        message = f"expected the name of a file inside the output folder, got {name!r}"
        raise OutputError(message)
    try:
        length = len(os.fsencode(path.name))
    except UnicodeEncodeError as cause:
        message = f"expected a name that the file system can store, got {name!r}"
        raise OutputError(message) from cause
    if length > LONGEST_NAME:
        message = f"the name {path.name[:40]!r}… is longer than {LONGEST_NAME} bytes; choose a shorter --name"
        raise OutputError(message)
    return str(path)
