"""Plan a run: compare the jobs with the ledger and the existing files to find what is left to do."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from styler.batch.jobs import Job
from styler.batch.ledger import DONE, FAILED, RETRYING, STARTED, Entry
from styler.batch.options import MASK
from styler.batch.recipe import digest, file_digests, recipe_hash, recipe_words, without_shared
from styler.batch.shapes import snapped_size
from styler.errors import BatchError, OutputError, StylerError, shown
from styler.features.layers import check_addresses
from styler.images.reading import check_readable, read_image
from styler.images.sizes import result_size
from styler.images.writing import check_format_holds
from styler.networks import find_network
from styler.networks.spec import decoder_of
from styler.processors import count_processors
from styler.render.files import check_paintings, checked_colors
from styler.types import Size

MASKS = 4  # masks that stay in memory while jobs are checked; those of neighboring jobs are often the same
MOST_NAMED = 10  # maximum number of files named in a message
REASONS = {DONE: "changed", FAILED: "failed before", STARTED: "cut short", RETRYING: "cut short"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A job that has to be done in this run.

    Attributes:
        job: The job.
        recipe: Hash of the job's recipe.
        size: (height, width) of the result.
        photo: (height, width) of the content image.
        snapped: Whether the size was moved to the grid of `--fast-shapes`.
        digests: SHA-256 of each input file.
        reason: Why the job has to be done: "new", "changed", "missing", "failed before" or "cut short".
    """

    job: Job
    recipe: str
    size: Size
    photo: Size
    snapped: bool
    digests: dict[Path, str]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A job that cannot be done: one of its images is unreadable or does not fit its options."""

    job: Job
    recipe: str
    error: StylerError


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The jobs of a batch, sorted by what has to be done.

    Attributes:
        tasks: Jobs to do; those that can share a compiled program are next to each other.
        done: Jobs whose picture exists and is up to date, with their ledger entries.
        refusals: Jobs that cannot be done.
    """

    tasks: list[Task]
    done: list[tuple[Job, Entry]]
    refusals: list[Refusal]


def check_jobs(jobs: Sequence[Job]) -> None:
    """Check the options that do not depend on the images.

    Raises:
        StylerError: There are no jobs, a network or layer is unknown, or a network has no decoder for one pass.
    """
    if not jobs:
        message = "expected at least one job, got none; check --where and --limit"
        raise BatchError(message)
    for config in dict.fromkeys(job.config for job in jobs):
        network = find_network(config.network)
        if config.needs_decoder:
            decoder_of(network)
        for chosen in filter(None, (config.content_layers, config.style_layers)):
            check_addresses((address for address, _ in chosen), network.layer_names, network.name)


def make_plan(
    jobs: Sequence[Job],
    folder: Path,
    entries: Mapping[str, Entry],
    *,
    fast_shapes: bool = False,
    overwrite: bool = False,
) -> Plan:
    """Compare the jobs with the ledger and the output folder.

    Raises:
        OutputError: An output would replace an input. Without `overwrite`, also: an output exists that no batch has
            made, that was made with other options, inputs or versions, or that was edited since.
    """
    digests = file_digests(path for job in jobs for path in job.inputs.items)
    checks = _checks(jobs, fast_shapes)
    recipes = [_recipe(job, digests, check, fast_shapes) for job, check in zip(jobs, checks, strict=True)]
    states = _states(jobs, recipes, folder, entries)
    _check_are_no_inputs(jobs, folder)
    if not overwrite:
        _check_foreign(jobs, folder, entries)
        pending = [
            (job, recipe)
            for job, recipe, check, state in zip(
                jobs,
                recipes,
                checks,
                states,
                strict=True,
            )
            if state != DONE and not isinstance(check, StylerError)
        ]
        _check_replaced(pending, folder, entries)
        _check_masks_replaced(pending, folder, entries)
    plan = Plan(
        tasks=[],
        done=[],
        refusals=[],
    )
    for job, check, recipe, state in zip(
        jobs,
        checks,
        recipes,
        states,
        strict=True,
    ):
        if state == DONE:
            plan.done.append((job, entries[job.name].finished or entries[job.name]))
        elif isinstance(check, StylerError):
            plan.refusals.append(
                Refusal(
                    job=job,
                    recipe=recipe,
                    error=check,
                )
            )
        else:
            inputs = {path: digests[path] for path in job.inputs.items}
            sizes = {"size": check.result, "photo": check.photo}
            task = Task(
                job=job,
                recipe=recipe,
                snapped=fast_shapes,
                digests=inputs,
                reason=state,
                **sizes,
            )
            plan.tasks.append(task)
    plan.tasks[:] = grouped(plan.tasks)
    return plan


def grouped(tasks: Sequence[Task]) -> list[Task]:
    """Sort tasks so that those with the same program are adjacent, then those with the same shape and photo.

    Groups keep the order of their first members.
    """
    first: dict[object, int] = {}

    def rank(task: Task) -> tuple[int, ...]:
        program = without_shared(task.job.config)
        shape = (program, task.size)
        keys = (program, shape, (shape, task.job.content))
        return tuple(first.setdefault(key, len(first)) for key in keys)

    return sorted(tasks, key=rank)


@dataclass(frozen=True, slots=True)
class _Sizes:
    """(height, width) of a job's result and of its content image."""

    result: Size
    photo: Size


def _checks(jobs: Sequence[Job], fast_shapes: bool) -> list[_Sizes | StylerError]:
    """Return the sizes of each job, or the error that prevents a result."""

    @cache
    def size_of(path: Path, max_pixels: int | None) -> Size | StylerError:
        try:
            return check_readable(path, max_pixels=max_pixels)
        except StylerError as problem:
            return problem

    read_mask = lru_cache(MASKS)(read_image)

    def check(job: Job) -> _Sizes | StylerError:
        least = find_network(job.config.network).minimum_size
        try:
            sizes = job.inputs.map(lambda path: _size(size_of(path, job.max_pixels)))
            photo = sizes.photo
            checked_colors(
                job.inputs,
                sizes,
                job.config.style_boxes(len(job.inputs.styles)),
                job.max_pixels,
                read_mask,
            )
            size = result_size(job.config.size, photo, least)
            size = result_size(job.config.size, photo, least, snapped_size(size)) if fast_shapes else size
            check_paintings(job.inputs, sizes, job.config, least, size)
            check_format_holds(Path(job.name), size, job.export.depth)
        except StylerError as problem:
            return problem
        return _Sizes(size, photo)

    return [check(job) for job in jobs]


def _size(found: Size | StylerError) -> Size:
    if isinstance(found, StylerError):
        raise found
    return found


def _recipe(
    job: Job,
    digests: Mapping[Path, str],
    check: _Sizes | StylerError,
    fast_shapes: bool,
) -> str:
    return recipe_hash(job, digests, check.result if fast_shapes and isinstance(check, _Sizes) else None)


def _states(
    jobs: Sequence[Job],
    recipes: Sequence[str],
    folder: Path,
    entries: Mapping[str, Entry],
) -> list[str]:
    """Return "done" for each finished job, and the reason to do it for each other job."""

    def state(job: Job, recipe: str) -> str:
        entry = entries.get(job.name)
        if entry is None:
            return "new"
        finished = entry.finished
        if finished is not None and finished.recipe == recipe and is_intact(folder / job.name, finished):
            return DONE
        return "missing" if entry.state == DONE and entry.recipe == recipe else REASONS.get(entry.state, "new")

    with ThreadPoolExecutor(count_processors()) as pool:
        return list(pool.map(state, jobs, recipes))


def is_intact(path: Path, entry: Entry) -> bool:
    """Whether a finished output still exists and is unchanged."""
    try:
        right_size = path.stat().st_size == entry.facts.get("bytes")
    except OSError:
        return False
    return right_size and digest(path) == entry.facts.get("sha256")


def _check_are_no_inputs(jobs: Sequence[Job], folder: Path) -> None:
    """Refuse outputs and masks that are inputs of the batch, even through links and even with `overwrite`."""
    inputs = {identity: path for job in jobs for path in job.inputs.items if (identity := _identity(path))}
    for name in [name for job in jobs for name in (job.name, *job.masks)]:
        identity = _identity(folder / name)
        path = inputs.get(identity) if identity else None
        if path is not None:
            message = f"{shown(folder / name)} would replace the input {shown(path)}; choose another -o or --name"
            raise OutputError(message)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of a file, or None if it does not exist."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _check_foreign(jobs: Sequence[Job], folder: Path, entries: Mapping[str, Entry]) -> None:
    foreign = [job.name for job in jobs if job.name not in entries and os.path.lexists(folder / job.name)]
    if foreign:
        message = f"this batch would replace {_listed(foreign, folder)}, which no batch has made; "
        raise OutputError(message + "choose another -o or --name, or pass --overwrite")


def _check_replaced(pending: Sequence[tuple[Job, str]], folder: Path, entries: Mapping[str, Entry]) -> None:
    """Refuse to replace pictures that were made from another recipe or edited since.

    Args:
        pending: Jobs that would be done, with their recipes.
        folder: Output folder.
        entries: Ledger entries by job name.

    Raises:
        OutputError: Such pictures exist; the message names them.
    """
    found = [(job, entry, folder / job.name) for job, _ in pending if (entry := entries.get(job.name)) is not None]
    recipes = {job.name: recipe for job, recipe in pending}
    others = [(job, entry) for job, entry, path in found if _is_another(entry, recipes[job.name], path)]
    if others:
        changes = _differences(*others[0])
        names = _listed([job.name for job, _ in others], folder)
        message = f"this batch would replace {names}, made with other options, inputs or versions{changes}; "
        raise OutputError(message + "add fields to --name to tell them apart, choose another -o, or pass --overwrite")
    touched = [job.name for job, entry, path in found if _is_touched(entry, recipes[job.name], path)]
    if touched:
        message = f"this batch would replace {_listed(touched, folder)}, changed since a batch wrote them; "
        raise OutputError(message + "move them away, choose another -o, or pass --overwrite")


def _check_masks_replaced(pending: Sequence[tuple[Job, str]], folder: Path, entries: Mapping[str, Entry]) -> None:
    """Refuse to replace masks that no batch has found, or that were edited since.

    Raises:
        OutputError: Such masks exist; the message names them.
    """
    foreign = []
    for job, recipe in pending:
        entry = entries.get(job.name)
        cut_short = entry is not None and entry.recipe == recipe and entry.state in (STARTED, RETRYING)
        finished = None if entry is None else entry.finished
        found = {} if finished is None else finished.facts.get("masks", {})
        for name in () if cut_short else job.masks:
            path = folder / name
            if os.path.lexists(path) and digest(path) != found.get(path.name):
                foreign.append(name)
    if foreign:
        message = f"this batch would replace {_listed(foreign, folder)} by masks that it finds; "
        raise OutputError(message + "move them away, choose another -o, or pass --overwrite")


def _is_another(entry: Entry, recipe: str, path: Path) -> bool:
    """Whether a finished picture made from another recipe exists."""
    finished = entry.finished
    return finished is not None and finished.recipe != recipe and is_intact(path, finished)


def _is_touched(entry: Entry, recipe: str, path: Path) -> bool:
    """Whether a readable picture exists that an interrupted run did not leave behind."""
    if not os.path.lexists(path) or (entry.recipe == recipe and entry.state in (STARTED, RETRYING)):
        return False
    if not os.access(path, os.R_OK):  # it cannot be checked, so it is kept
        return True
    try:
        read_image(path)
    except StylerError:
        return False
    return True


def _differences(job: Job, entry: Entry) -> str:
    """Describe how the job's options differ from those that the ledger records for the existing picture."""
    before = (entry.finished or entry).facts.get("options")
    now = recipe_words(job)["options"]
    if not isinstance(before, dict):
        return ""
    usual = {**type(job.config)().to_dict(), MASK: None}
    values = {name: (before.get(name, usual.get(name)), now.get(name, usual[name])) for name in usual}
    words = [f"{name} {old}, now {new}" for name, (old, new) in values.items() if json.dumps(old) != json.dumps(new)]
    return f" ({'; '.join(words)})" if words else ""


def _listed(names: Sequence[str], folder: Path) -> str:
    """List the files of a folder in words, at most `MOST_NAMED` of them by name."""
    more = f" and {len(names) - MOST_NAMED} others" if len(names) > MOST_NAMED else ""
    return f"{', '.join(shown(folder / name) for name in names[:MOST_NAMED])}{more}"
