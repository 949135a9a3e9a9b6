"""Make jobs from manifest rows or globs. A job has a photo, one or more paintings, a config and an output name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from styler.batch.naming import checked_name, output_name
from styler.batch.options import config_of, file_options, merged, taken_mask
from styler.batch.patterns import Tell, each_once, existing, matches, real_paths
from styler.config import BUILT_IN_INITS, RenderConfig
from styler.errors import ConfigError, OutputError, StylerError, reworded, shown
from styler.images.export import FILE_OPTIONS, Export
from styler.images.photos import paintings_of
from styler.images.writing import USUAL_NAME
from styler.inputs import Inputs
from styler.options import NO_FILE, Choice
from styler.render.files import image_files
from styler.render.mask_files import AUTO, check_can_be_found, mask_files

BLEND = "|"  # separates the paintings of a blend, as in "a.jpg|b.jpg"
MOST_LISTED = 5  # maximum number of invalid rows named after the first one, so that the error stays one line
MASKS = ("content_mask", "keep", "strength_map", "style_mask")
"""Options that name masks; the last one has several."""
OUTSIDE = ("content", "style", "styles", "output", *FILE_OPTIONS)  # columns that are not render options


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One picture of a batch.

    Attributes:
        content: Path of the photo.
        styles: Paths of the paintings, or of folders of paintings that share one weight; several are blended.
        config: Options of the render.
        name: Path of the output relative to the output folder. By default it is made from the other attributes.
        export: Options of the output file.
        max_pixels: Maximum number of pixels of an input; None allows what fits into memory.
        with_recipe: Whether the recipe is stored in the picture, for `styler replay`.
        mask: "auto" to find regions and write their masks beside the picture; None for those that the config names.
        inputs: All images that the job reads; folders of paintings are searched when the job is made.
    """

    content: Path
    styles: tuple[Path, ...]
    config: RenderConfig = field(default_factory=RenderConfig)
    name: str = ""
    export: Export = field(default_factory=Export)
    max_pixels: int | None = None
    with_recipe: bool = True
    mask: str | None = None
    inputs: Inputs[Path] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the name, or make one if none was given, and find the paintings of folders."""
        name = self.name or output_name(
            None,
            self.content,
            self.styles,
            self.config,
            1,
        )
        object.__setattr__(self, "name", checked_name(name))
        if not self.styles:
            message = f"{shown(self.name)}: expected at least one style image, got none"
            raise ConfigError(message)
        object.__setattr__(self, "inputs", image_files(self.content, self.styles, self.config))
        if self.mask is not None:
            Choice((AUTO,)).check("mask", self.mask)
            check_can_be_found(self.inputs)

    @property
    def masks(self) -> tuple[str, ...]:
        """Paths of the masks that are found and of their overlay, relative to the output folder; empty if none are."""
        if self.mask is None:
            return ()
        return tuple(str(path) for path in mask_files(Path(self.name), self.inputs.paintings, USUAL_NAME))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a manifest: its options by name, and its file and line for error messages."""

    options: Mapping[str, Any]
    place: str


def jobs_of_rows(
    rows: Iterable[Row],
    *,
    base: Path,
    usual: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
    flags: Mapping[str, Any] | None = None,
    template: str | None = None,
    tell: Tell | None = None,
) -> list[Job]:
    """Make jobs from manifest rows; a row with globs gives one job for each match.

    Args:
        rows: Rows of the manifest.
        base: Folder that relative paths in rows and defaults start from; others start from the current folder.
        usual: Options that everything else overrides.
        defaults: Options for rows that do not set their own.
        flags: Options that override those of all rows.
        template: Template for the output name of rows without `output`; None for the default.
        tell: See `styler.batch.patterns.matches`.

    Raises:
        StylerError: Rows are invalid. The message says what is wrong with the first one and lists the others.
    """
    heard = None if tell is None else cache(tell)  # each sentence is said only once
    jobs: list[Job] = []
    invalid: list[tuple[str, StylerError]] = []
    for row in rows:
        try:
            jobs += _jobs_of_row(
                row,
                base,
                (usual or {}, defaults or {}, flags or {}),
                template,
                len(jobs),
                heard,
            )
        except StylerError as cause:
            invalid.append((row.place, cause))
    if invalid:
        (place, first), *others = invalid
        message = f"{place}: {first}{_also([each for each, _ in others])}"
        raise reworded(first, message) from first
    return jobs


def _also(others: Sequence[str]) -> str:
    """List the places of further invalid rows, without the name of the file."""
    if not others:
        return ""
    listed = ", ".join(place.rpartition(", ")[2] for place in others[:MOST_LISTED])
    more = f" and {len(others) - MOST_LISTED} more" if len(others) > MOST_LISTED else ""
    return f"; also invalid: {listed}{more}"


def _jobs_of_row(
    row: Row,
    base: Path,
    sources: Sequence[Mapping[str, Any]],
    template: str | None,
    count: int,
    tell: Tell | None,
) -> list[Job]:
    usual, defaults, flags = sources
    of_manifest = merged(defaults, row.options)
    options = merged(usual, of_manifest, flags)
    below_base = of_manifest.keys() - merged(flags).keys()
    if "style" in options and "styles" in options:
        message = "style and styles: expected only one of the two, got both"
        raise ConfigError(message)
    outside = {name: options.pop(name) for name in OUTSIDE if name in options}
    if "init" in below_base:
        options["init"] = _resolved_init(options["init"], base)
    mask = taken_mask(options)
    config = config_of(options)
    folders = {name: base if name in below_base else Path() for name in MASKS}
    files = file_options(outside)
    contents = matches(_text("content", outside.get("content")), base, tell=tell)
    blends = _blends(outside.get("style", outside.get("styles")), base, tell)
    naming = str(outside["output"]).replace("\\", "/") if "output" in outside else template
    return [
        Job(
            content=content,
            styles=styles,
            config=_with_masks(config, content, styles, folders),
            name=output_name(
                naming,
                content,
                styles,
                config,
                count + index,
            ),
            mask=mask,
            **files,
        )
        for index, (content, styles) in enumerate(product(contents, blends), 1)
    ]


def _blends(value: Any, base: Path, tell: Tell | None) -> list[tuple[Path, ...]]:
    """Return the styles of each job: a list or `a|b` is one blend, a glob gives one job for each match.

    The path of a folder is one style.
    """
    parts = value
    if isinstance(value, str):
        parts = [value] if BLEND in value and existing(value, base, folders=True) else value.split(BLEND)
    if not isinstance(parts, list | tuple) or not parts:
        parts = [_text("style", value)]
    found = [matches(_text("style", part), base, folders=True, tell=tell) for part in parts]
    _tell_skipped([path for paths in found for path in paths], tell)
    if len(found) == 1:
        return [(path,) for path in found[0]]
    return [tuple(path for paths in found for path in paths)]


def _tell_skipped(styles: Iterable[Path], tell: Tell | None) -> None:
    """Call a function with a sentence about each folder of paintings in which files are skipped."""
    for style in styles:
        paintings_of(style, tell)


def _resolved_init(init: Any, base: Path) -> Any:
    """Resolve an `init` image relative to the manifest; return any other value unchanged."""
    found = None if init in BUILT_IN_INITS else existing(str(init), base)
    return init if found is None else str(found)


def _with_masks(
    config: RenderConfig,
    content: Path,
    styles: Sequence[Path],
    folders: Mapping[str, Path] | None = None,
) -> RenderConfig:
    """Fill in the templates of masks for one job, and resolve their paths.

    Args:
        config: Options of the job.
        content: Path of the photo; the fields `{content}` and `{folder}` are its stem and its folder's name.
        styles: Paths of the paintings; the field `{style}` is the stem of the painting that the mask is for.
        folders: Folder from which the paths of an option start; None for the current folder.

    Raises:
        ConfigError: A template has other fields.
    """
    below = folders or {}

    def filled(name: str, template: str, style: Path) -> str:
        base = below.get(name)
        found = existing(template, base)
        if found is not None or template == NO_FILE:
            return template if found is None else str(found)
        try:
            text = template.format(
                content=content.stem,
                style=style.stem,
                folder=content.absolute().parent.name,
            )
        except (ValueError, LookupError, AttributeError) as cause:
            message = f"{name}: cannot fill in {template!r}; its fields are {{content}}, {{style}} and {{folder}}"
            raise ConfigError(message) from cause
        return str(existing(text, base) or (base or Path()) / text)

    changes: dict[str, Any] = {}
    for name in MASKS[:-1]:
        template = getattr(config, name)
        changes[name] = None if template is None else filled(name, template, styles[0])
    masks = config.style_mask
    if masks is not None and len(masks) == len(styles):  # any other number is refused later
        changes["style_mask"] = tuple(
            filled("style_mask", mask, style) for mask, style in zip(masks, styles, strict=True)
        )
    return config.changed(**changes)


def _text(name: str, value: Any) -> str:
    text = str(value) if isinstance(value, Path) else value
    if not isinstance(text, str) or not text.strip() or not _can_be_a_name(text):
        message = f"{name}: expected a path or a glob, got {value!r}"
        raise ConfigError(message)
    return text


def _can_be_a_name(text: str) -> bool:
    """Whether the file system can store this name."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def jobs_of_globs(
    contents: Sequence[str],
    styles: Sequence[str],
    *,
    config: RenderConfig,
    template: str | None = None,
    mask: str | None = None,
    files: Mapping[str, Any] | None = None,
    without: Path | None = None,
    tell: Tell | None = None,
) -> list[Job]:
    """Make a job for every combination of a photo and a painting.

    Args:
        contents: Globs or paths of photos.
        styles: Globs or paths of paintings, or of folders of paintings; each of them gives its own jobs.
        config: Options of all renders.
        template: Template for the output names; None for the default.
        mask: "auto" to find masks; None for those that the config names.
        files: Fields of each job about reading and writing, as returned by `file_options`.
        without: Folder whose files are ignored. This is the output folder: globs may match earlier outputs in it.
        tell: See `styler.batch.patterns.matches`.

    Raises:
        ConfigError: A glob matches nothing.
    """
    photos = _all_matches(contents, without, tell)
    paintings = _all_matches(styles, without, tell, folders=True)
    _tell_skipped(paintings, tell)
    pairs = product(photos, paintings)
    return [
        Job(
            content=photo,
            styles=(painting,),
            config=_with_masks(config, photo, (painting,)),
            name=output_name(
                template,
                photo,
                (painting,),
                config,
                index,
            ),
            mask=mask,
            **(files or {}),
        )
        for index, (photo, painting) in enumerate(pairs, 1)
    ]


def _all_matches(
    patterns: Sequence[str],
    without: Path | None,
    tell: Tell | None,
    *,
    folders: bool = False,
) -> list[Path]:
    """Return the files that several globs match, each once and in order."""
    listed = [matches(pattern, present=True, folders=folders, tell=tell) for pattern in patterns]
    found = real_paths(path for paths in listed for path in paths)
    once = set(each_once(found))
    outputs = os.path.join(os.path.realpath(without), "") if without else None
    kept = [path for path, real in found.items() if path in once and not (outputs and real.startswith(outputs))]
    if not kept:
        message = f"{', '.join(map(shown, patterns))}: all matches lie in the output folder; choose another -o"
        raise ConfigError(message)
    return kept


def check_collisions(jobs: Iterable[Job]) -> None:
    """Check that no two jobs write the same file, be it a picture or a mask.

    Raises:
        OutputError: Two jobs have the same output; the message names the first such pair.
    """
    seen: dict[str, Job] = {}
    for name, job in ((name, each) for each in jobs for name in (each.name, *each.masks)):
        other = seen.setdefault(name, job)
        if other is not job:
            both = f"{_described(other)} and {_described(job)}"
            message = f"two jobs would write {shown(name)}: {both}. Tell them apart "
            raise OutputError(message + "in --name with {folder}, {index} or the option that differs")


def _described(job: Job) -> str:
    return f"{shown(job.content)} in {' + '.join(map(shown, job.styles))}"
