"""Jobs: one content image, one or more style images, a config, the name of the output."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from styler.batch.naming import TEMPLATE, checked_name, output_name
from styler.batch.options import FILE_OPTIONS, config_of, file_options, merged
from styler.config import BUILT_IN_INITS, RenderConfig
from styler.errors import ConfigError, OutputError, StylerError
from styler.images.export import Export

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

    def __post_init__(self) -> None:
        """Make the name, or check it."""
        name = self.name or output_name(TEMPLATE, self.content, self.styles, self.config, 1)
        object.__setattr__(self, "name", checked_name(name))
        if not self.styles:
            message = f"{self.name}: expected at least one style image, got none"
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
) -> list[Job]:
    """Jobs of a manifest's rows; a row whose images are globs gives one job for each match.

    Args:
        rows: As read.
        base: Folder that relative paths start from.
        defaults: Options of every row, unless it has its own.
        flags: Options that win over all rows.
        template: Names of the outputs where a row has no `output`.

    Raises:
        StylerError: A row cannot be understood; the message says which.
    """
    jobs: list[Job] = []
    for row in rows:
        try:
            jobs += _jobs_of_row(row, base, (defaults or {}, flags or {}), template, len(jobs))
        except StylerError as cause:
            message = f"{row.place}: {cause}"
            raise type(cause)(message) from cause
    return jobs


def _jobs_of_row(row: Row, base: Path, sources: Sequence[Mapping[str, Any]], template: str, count: int) -> list[Job]:
    defaults, flags = sources
    options = merged(defaults, row.options, flags)
    outside = {name: options.pop(name) for name in OUTSIDE if name in options}
    if "init" in options and flags.get("init") is None:
        options["init"] = _start(options["init"], base)
    config = config_of(options)
    files = file_options(outside)
    contents = matches(_text("content", outside.get("content")), base)
    blends = _blends(outside.get("style", outside.get("styles")), base)
    naming = str(outside.get("output", template))
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


def _blends(value: Any, base: Path) -> list[tuple[Path, ...]]:
    """The style images of each job: a list or `a|b` is one blend, a glob one job for each match."""
    parts = value.split(BLEND) if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not parts:
        parts = [_text("style", value)]
    found = [matches(_text("style", part), base) for part in parts]
    if len(found) == 1:
        return [(path,) for path in found[0]]
    return [tuple(path for paths in found for path in paths)]


def _start(init: Any, base: Path) -> Any:
    """Where renders start: an image beside the manifest as such, whatever else is named as it is."""
    path = base / str(init)
    return str(path) if init not in BUILT_IN_INITS and path.is_file() else init


def _text(name: str, value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        message = f"{name}: expected a path or a glob, got {value!r}"
        raise ConfigError(message)
    return value.strip()


def matches(pattern: str, base: Path | None = None, *, present: bool = False) -> list[Path]:
    """Files that a glob matches, sorted; a plain path stands for itself.

    Args:
        pattern: `**` for any number of folders.
        base: Folder that a relative pattern starts from; None for the current one.
        present: Whether a plain path must lead to something too.

    Raises:
        ConfigError: Nothing matches, or it is a folder.
    """
    path = Path(pattern).expanduser()
    whole = base / path if base else path
    if whole.is_dir():
        message = f"{whole} is a folder; expected files, such as '{whole}/*.jpg'"
        raise ConfigError(message)
    if whole.exists() or not (present or glob.has_magic(pattern)):
        return [whole]
    found = sorted(file for file in map(Path, glob.glob(str(whole), recursive=True)) if file.is_file())
    if not found:
        message = f"no file matches {str(whole)!r}; quote globs so that the shell leaves them alone"
        raise ConfigError(message)
    return found


def jobs_of_globs(
    contents: Sequence[str],
    styles: Sequence[str],
    *,
    config: RenderConfig,
    template: str = TEMPLATE,
    files: Mapping[str, Any] | None = None,
    without: Path | None = None,
) -> list[Job]:
    """Every photo in every style.

    Args:
        contents: Globs or paths of photos.
        styles: Globs or paths of paintings, one job each.
        config: How to render all of them.
        template: Names of the outputs.
        files: Fields of each job that say how to read and write, as from `file_options`.
        without: A folder whose files are left out: the output folder, where globs may lead to earlier outputs.

    Raises:
        ConfigError: A glob matches nothing.
    """
    photos, paintings = (_all_matches(globs, without) for globs in (contents, styles))
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


def _all_matches(patterns: Sequence[str], without: Path | None) -> list[Path]:
    """Of several globs, each file once, in order."""
    found = dict.fromkeys(path for pattern in patterns for path in matches(pattern, present=True))
    left_out = without.resolve() if without else None
    kept = [path for path in found if left_out is None or left_out not in path.resolve().parents]
    if not kept:
        message = f"{', '.join(patterns)}: all matches lie in the output folder; choose another -o"
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
            message = f"two jobs would write {job.name}: {_described(other)} and {_described(job)}. Tell them apart "
            raise OutputError(message + "in --name with {folder}, {index} or the option that differs")


def _described(job: Job) -> str:
    return f"{job.content} in {' + '.join(map(str, job.styles))}"
