"""Names of a batch's outputs, from a template such as `{content}-{style}-{seed}`."""

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
from styler.images.writing import FORMATS, LONGEST_NAME

TEMPLATE = "{content}-{style}-{seed}"
SUFFIX = ".png"  # of names without one: no loss
OWN_FIELDS = ("content", "style", "folder", "index")
FIELDS = (*OWN_FIELDS, *(field.name for field in fields(RenderConfig)))


def check_template(template: str) -> None:
    """Refuse a template with unknown fields.

    Raises:
        ConfigError: It cannot be read, or names a field that jobs do not have.
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


def output_name(template: str, content: Path, styles: Sequence[Path], config: RenderConfig, index: int) -> str:
    """The output's path within the output folder, with `/` between folders.

    Args:
        template: Fields in braces: those of `RenderConfig`, `content` and `style` for the stems (several styles
            joined by `-`), `folder` for the name of the content's folder, `index` from 1. Dots at the beginning of
            these are left out, since an output must not be hidden.
        content: The photo.
        styles: The paintings.
        config: How it is rendered.
        index: Number of the job, from 1.

    Raises:
        ConfigError: The template cannot be filled in.
        OutputError: The name leads out of the output folder, or is too long although no field stands in it.
    """
    check_template(template)
    values: dict[str, Any] = {
        **config.to_dict(),
        "content": _stem(content.stem),
        "style": "-".join(_stem(style.stem) for style in styles),
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
    """A name that file systems hold: the end of a longer one gives way to eight digits that tell it from others."""
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
    """A name with a suffix that stays inside the output folder.

    Raises:
        OutputError: It leads out of it, has no stem, or is too long.
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
        message = f"expected a name that file systems can write, got {name!r}"
        raise OutputError(message) from cause
    if length > LONGEST_NAME:
        message = f"the name {path.name[:40]!r}… has more than {LONGEST_NAME} bytes; choose a shorter --name"
        raise OutputError(message)
    return str(path)
