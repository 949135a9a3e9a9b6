"""Turn the arguments of `styler batch` into checked jobs, without importing TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from styler.batch.batch import check_batch
from styler.batch.jobs import Job, jobs_of_globs, jobs_of_rows
from styler.batch.layout import Resources
from styler.batch.manifest import read_manifest
from styler.batch.naming import check_template
from styler.batch.options import config_of, file_options, merged, taken_mask
from styler.batch.patterns import Tell
from styler.batch.report import check_page
from styler.batch.selection import selected
from styler.cli.request import read_options
from styler.errors import BatchError, OutputError, shown
from styler.images.export import FILE_OPTIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The source of the jobs: a manifest or globs."""

    manifests: Sequence[Path]
    contents: Sequence[str]
    styles: Sequence[str]

    def check(self) -> None:
        """Check that there is exactly one source and that it is complete.

        Raises:
            BatchError: There is no source, more than one, or only one of the two kinds of globs.
        """
        globs = bool(self.contents) + bool(self.styles)
        if len(self.manifests) + bool(globs) != 1 or globs == 1:
            more = [shown(path) for path in self.manifests[0 if globs else 1 :]]
            hint = f"got {more[0]} as well; quote globs" if more else "see styler batch --help"
            message = f"expected one MANIFEST, or both --content GLOB and --style GLOB; {hint}"
            raise BatchError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRequest:
    """A batch whose options and jobs have been checked.

    Attributes:
        jobs: The selected jobs.
        listed: All jobs of the manifest or the globs, for the report page.
        output: Output folder.
        resources: What the batch may use.
        retries: How many times to retry a job after an error that may be temporary.
        fast_shapes: Whether sizes are moved to a grid.
        overwrite: Whether existing files may be replaced.
        report: Path of the report page, or None.
    """

    jobs: list[Job]
    listed: list[Job]
    output: Path
    resources: Resources
    retries: int
    fast_shapes: bool
    overwrite: bool
    report: Path | None


def checked_batch(
    sources: Sources,
    options: Mapping[str, Any],
    config_file: Path | None,
    template: str | None,
    select: Callable[[Sequence[Job]], list[Job]],
    tell: Tell | None = None,
    **rest: Any,
) -> BatchRequest:
    """Check everything that can be checked without opening the images.

    Args:
        sources: Source of the jobs.
        options: Options of the command line by field; None for an option that was not given.
        config_file: TOML file of options; all other options override them.
        template: Template for the output names; None for the default.
        select: Function that selects some of the jobs.
        tell: Called with a sentence about each unreadable folder; None raises an error instead.
        **rest: The other fields of the request.

    Raises:
        StylerError: The batch cannot be carried out; the subclass tells what is wrong.
    """
    sources.check()
    if rest["output"].exists() and not rest["output"].is_dir():
        message = f"-o {shown(rest['output'])} is a file; the output of a batch is a folder"
        raise OutputError(message)
    rest["resources"].check()
    if template:
        check_template(template)
    usual = read_options(config_file) if config_file else {}
    listed = _jobs(
        sources,
        usual,
        options,
        template or None,
        rest["output"],
        tell,
    )
    jobs = select(listed)
    check_batch(jobs)
    check_page(rest["report"], overwrite=rest["overwrite"])
    return BatchRequest(jobs=jobs, listed=listed, **rest)


def _jobs(
    sources: Sources,
    usual: Mapping[str, Any],
    options: Mapping[str, Any],
    template: str | None,
    output: Path,
    tell: Tell | None,
) -> list[Job]:
    for manifest in sources.manifests:
        defaults, rows = read_manifest(manifest)
        values = {"usual": usual, "defaults": defaults, "flags": options}
        return jobs_of_rows(
            rows,
            base=manifest.parent,
            **values,
            template=template,
            tell=tell,
        )
    given = merged(usual, options)
    files = file_options({name: given.pop(name) for name in FILE_OPTIONS if name in given})
    mask = taken_mask(given)
    config = config_of(given)
    return jobs_of_globs(
        *(sources.contents, sources.styles),
        config=config,
        template=template,
        mask=mask,
        files=files,
        without=output,
        tell=tell,
    )


def selection(
    where: Sequence[str], shuffle_seed: int | None, limit: int | None
) -> Callable[[Sequence[Job]], list[Job]]:
    """Return a function that selects jobs by `--where`, `--shuffle-seed` and `--limit`."""
    return lambda jobs: selected(
        jobs,
        where=where,
        shuffle_seed=shuffle_seed,
        limit=limit,
    )
