"""Jobs: one content image, one or more style images, a config, the name of the output."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from styler.batch.naming import TEMPLATE, checked_name, output_name
from styler.batch.options import config_of, file_options, merged
from styler.batch.patterns import Tell, each_once, existing, matches, real_paths
from styler.config import BUILT_IN_INITS, RenderConfig
from styler.errors import ConfigError, OutputError, StylerError, reworded, shown
from styler.images.export import FILE_OPTIONS, Export
from styler.inputs import Inputs
from styler.render.files import image_files

BLEND = "|"  # between the paintings of one picture in a single text
OUTSIDE = ("content", "style", "styles", "output", *FILE_OPTIONS)  # columns that do not change what is rendered


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One picture of a batch.

    Attributes:
        content: The photo.
        styles: The paintings, blended if there are several.
        config: How to render it.
        name: Path of the output within the output folder; made from the others if it is left out.
        export: How to write it.
        max_pixels: Most pixels of an input; None for what fits into memory.
        with_recipe: Whether the picture carries its recipe, for `styler replay`.
    """

    content: Path
    styles: tuple[Path, ...]
    config: RenderConfig = field(default_factory=RenderConfig)
    name: str = ""
    export: Export = field(default_factory=Export)
    max_pixels: int | None = None
    with_recipe: bool = True

    @property
    def inputs(self) -> Inputs[Path]:
        """Every image that it reads."""
        return image_files(self.content, self.styles, self.config)

    def __post_init__(self) -> None:
        """Make the name, or check it."""
        name = self.name or output_name(TEMPLATE, self.content, self.styles, self.config, 1)
        object.__setattr__(self, "name", checked_name(name))
        if not self.styles:
            message = f"{shown(self.name)}: expected at least one style image, got none"
            raise ConfigError(message)
        self.config.style_shares(len(self.styles))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a manifest: options by name, and where they stand, for messages."""

    options: Mapping[str, Any]
    place: str


def jobs_of_rows(
    rows: Iterable[Row],
    *,
    base: Path,
    defaults: Mapping[str, Any] | None = None,
    flags: Mapping[str, Any] | None = None,
    template: str = TEMPLATE,
    tell: Tell | None = None,
) -> list[Job]:
    """Jobs of a manifest's rows; a row whose images are globs gives one job for each match.

    Args:
        rows: As read.
        base: Folder that relative paths start from.
        defaults: Options of every row, unless it has its own.
        flags: Options that win over all rows.
        template: Names of the outputs where a row has no `output`.
        tell: See `styler.batch.patterns.matches`.

    Raises:
        StylerError: A row cannot be understood; the message says which.
    """
    jobs: list[Job] = []
    for row in rows:
        try:
            jobs += _jobs_of_row(row, base, (defaults or {}, flags or {}), template, len(jobs), tell)
        except StylerError as cause:
            message = f"{row.place}: {cause}"
            raise reworded(cause, message) from cause
    return jobs


def _jobs_of_row(
    row: Row, base: Path, sources: Sequence[Mapping[str, Any]], template: str, count: int, tell: Tell | None
) -> list[Job]:
    defaults, flags = sources
    options = merged(defaults, row.options, flags)
    if "style" in options and "styles" in options:
        message = "style and styles: expected one of the two"
        raise ConfigError(message)
    outside = {name: options.pop(name) for name in OUTSIDE if name in options}
    if "init" in options and flags.get("init") is None:
        options["init"] = _start(options["init"], base)
    config = config_of(options)
    files = file_options(outside)
    contents = matches(_text("content", outside.get("content")), base, tell=tell)
    blends = _blends(outside.get("style", outside.get("styles")), base, tell)
    naming = str(outside["output"]).replace("\\", "/") if "output" in outside else template
    return [
        Job(
            content=content,
            styles=styles,
            config=config,
            name=output_name(naming, content, styles, config, count + index),
            **files,
        )
        for index, (content, styles) in enumerate(product(contents, blends), 1)
    ]


def _blends(value: Any, base: Path, tell: Tell | None) -> list[tuple[Path, ...]]:
    """The style images of each job: a list or `a|b` is one blend, a glob one job for each match."""
    parts = value
    if isinstance(value, str):
        parts = [value] if BLEND in value and existing(value, base) else value.split(BLEND)
    if not isinstance(parts, list | tuple) or not parts:
        parts = [_text("style", value)]
    found = [matches(_text("style", part), base, tell=tell) for part in parts]
    if len(found) == 1:
        return [(path,) for path in found[0]]
    return [tuple(path for paths in found for path in paths)]


def _start(init: Any, base: Path) -> Any:
    """Where renders start: an image beside the manifest as such, whatever else is named as it is."""
    found = None if init in BUILT_IN_INITS else existing(str(init), base)
    return init if found is None else str(found)


def _text(name: str, value: Any) -> str:
    text = str(value) if isinstance(value, Path) else value
    if not isinstance(text, str) or not text.strip() or not _can_be_a_name(text):
        message = f"{name}: expected a path or a glob, got {value!r}"
        raise ConfigError(message)
    return text


def _can_be_a_name(text: str) -> bool:
    """Whether file systems have a way to write it."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def jobs_of_globs(
    contents: Sequence[str],
    styles: Sequence[str],
    *,
    config: RenderConfig,
    template: str = TEMPLATE,
    files: Mapping[str, Any] | None = None,
    without: Path | None = None,
    tell: Tell | None = None,
) -> list[Job]:
    """Every photo in every style.

    Args:
        contents: Globs or paths of photos.
        styles: Globs or paths of paintings, one job each.
        config: How to render all of them.
        template: Names of the outputs.
        files: Fields of each job that say how to read and write, as from `file_options`.
        without: A folder whose files are left out: the output folder, where globs may lead to earlier outputs.
        tell: See `styler.batch.patterns.matches`.

    Raises:
        ConfigError: A glob matches nothing.
    """
    photos, paintings = (_all_matches(globs, without, tell) for globs in (contents, styles))
    pairs = product(photos, paintings)
    return [
        Job(
            content=photo,
            styles=(painting,),
            config=config,
            name=output_name(template, photo, (painting,), config, index),
            **(files or {}),
        )
        for index, (photo, painting) in enumerate(pairs, 1)
    ]


def _all_matches(patterns: Sequence[str], without: Path | None, tell: Tell | None) -> list[Path]:
    """Of several globs, each file once, in order."""
    found = real_paths(path for pattern in patterns for path in matches(pattern, present=True, tell=tell))
    once = set(each_once(found))
    outputs = os.path.join(os.path.realpath(without), "") if without else None
    kept = [path for path, real in found.items() if path in once and not (outputs and real.startswith(outputs))]
    if not kept:
        message = f"{', '.join(map(shown, patterns))}: all matches lie in the output folder; choose another -o"
        raise ConfigError(message)
    return kept


def check_collisions(jobs: Iterable[Job]) -> None:
    """Refuse two jobs that would write one file.

    Raises:
        OutputError: Names the first such pair.
    """
    seen: dict[str, Job] = {}
    for job in jobs:
        other = seen.setdefault(job.name, job)
        if other is not job:
            both = f"{_described(other)} and {_described(job)}"
            message = f"two jobs would write {shown(job.name)}: {both}. Tell them apart "
            raise OutputError(message + "in --name with {folder}, {index} or the option that differs")


def _described(job: Job) -> str:
    return f"{shown(job.content)} in {' + '.join(map(shown, job.styles))}"
