"""Turn a checkpoint back into the request that it belongs to, without importing TensorFlow."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from styler.cli.quiet import load_for_render
from styler.cli.replaying import obey_before_import, warn
from styler.cli.request import Request, Saving, Settings, checked_request
from styler.cli.saving import beside_output
from styler.errors import CheckpointError, ImageError, shown
from styler.images.export import Export
from styler.images.recipes import read_recipe
from styler.images.writing import check_output
from styler.options import seconds_of
from styler.recipe import Plan, inputs_from, inputs_values
from styler.render.checkpoint import Checkpoint, is_checkpoint, read_checkpoint
from styler.render.job import Job, read_job

INTERIM = "interim"  # key in a checkpoint: the images that interrupts left, as absolute path -> SHA-256


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A render to continue.

    Attributes:
        request: The request, checked again.
        settings: Options of the render that are not part of its config.
        checkpoint: State of the render, and the job as it was saved.
        job: The job, parsed from the checkpoint.
    """

    request: Request
    settings: Settings
    checkpoint: Checkpoint
    job: Job

    @property
    def interim(self) -> dict[str, str]:
        """SHA-256 of each image that an interrupt of this render left, by absolute path."""
        found = self.job.choices.get(INTERIM)
        return dict(found) if isinstance(found, dict) else {}

    @property
    def over(self) -> bool:
        """Whether all steps are done, so that the picture may have been written already."""
        position = self.checkpoint.snapshot.position
        return bool(position.reason) and position.octave == len(position.levels) - 1


def choices(request: Request, settings: Settings) -> dict[str, Any]:
    """Return the options of a command line that a checkpoint stores, as plain values."""
    return {
        "output": str(request.output.absolute()),
        "overwrite": settings.overwrite,
        "save_every": settings.save_every,
        "save_final": settings.save_final,
        "report": str(settings.report.absolute()) if settings.report else None,
        "export": asdict(request.export),
        "recipe": settings.recipe,
        "plan": None if request.plan is None else request.plan.to_dict(),
        "known": None if request.known is None else inputs_values(request.known),
    }


def resumed(
    path: Path,
    *,
    overwrite: bool,
    every: str,
    progress: bool | None,
    quiet: bool,
) -> Resumed:
    """Read a checkpoint and check its request again.

    Args:
        path: Path of the checkpoint, or of the picture that it belongs to.
        overwrite: Whether an output that was created in the meantime may be replaced.
        every: Time between two saves, such as "30s".
        progress: Whether to show a bar; None shows it if stderr is a terminal.
        quiet: Whether to print errors only.

    Raises:
        StylerError: The render cannot be continued; the subclass tells what is wrong.
    """
    path = _checkpoint_of(path)
    checkpoint = read_checkpoint(path)
    job = read_job(checkpoint.job)
    saving = Saving(
        path=path,
        every=seconds_of("checkpoint_every", every),
        always=True,
        replace=True,
    )
    try:
        settings = _settings(job.choices, saving, progress, quiet)
        output = Path(job.choices["output"])
        export = Export(**job.choices["export"])
        plan = job.plan if job.choices["plan"] is None else Plan.from_dict(job.choices["plan"])
        known = None if job.choices["known"] is None else inputs_from(job.choices["known"])
    except (KeyError, TypeError, ValueError) as cause:
        message = f"{shown(path)} was not made by styler render; resume it from Python, where it was made"
        raise CheckpointError(message) from cause
    settings = replace(settings, overwrite=settings.overwrite or overwrite)
    ended = bool(
        checkpoint.snapshot.position.reason
    )  # after the last octave has ended, this render may have written the output
    overwrites = settings.overwrite or ended
    request = checked_request(
        job.inputs.images,
        output,
        job.config,
        overwrite=overwrites,
        export=export,
        max_pixels=job.max_pixels,
        plan=plan,
        known=known,
    )
    found = Resumed(
        request=request,
        settings=settings,
        checkpoint=checkpoint,
        job=job,
    )
    if not (settings.overwrite or found.over):
        check_output(output)
    return found


def _checkpoint_of(path: Path) -> Path:
    """Return the checkpoint next to a picture if the path is a picture; else the path itself.

    Raises:
        CheckpointError: The path is a picture that styler has finished, without a checkpoint next to it.
    """
    if is_checkpoint(path):
        return path
    beside = beside_output(path)
    if is_checkpoint(beside):
        return beside
    if _is_finished(path):
        message = f"{shown(path)} is a finished picture and no checkpoint {beside.name} is beside it: nothing to resume"
        raise CheckpointError(message)
    return path


def _is_finished(path: Path) -> bool:
    """Whether the file is a picture with a recipe."""
    try:
        return read_recipe(path) is not None
    except ImageError:
        return False


def carry_out_resumed(found: Resumed) -> None:
    """Import TensorFlow as the first run did, warn about anything that differs now, and continue the render.

    Raises:
        StylerError: The render fails.
        KeyboardInterrupt: The user stopped the render; the best image so far has been written.
    """
    request = found.request
    plan = found.request.plan
    if plan is not None:
        obey_before_import(plan)
    load_for_render(found.settings.progress)
    from styler.cli.work import carry_out
    from styler.render.restoring import restored

    if plan is not None:
        chosen = restored(plan, request.config, found.job.versions, elsewhere=True)
        warn(chosen.differences, quiet=found.settings.quiet)
        request = replace(request, plan=chosen.plan, config=chosen.config)
    carry_out(request, found.settings, replace(found, request=request))


def _settings(
    kept: Any,
    saving: Saving,
    progress: bool | None,
    quiet: bool,
) -> Settings:
    every = kept["save_every"]
    return Settings(
        overwrite=bool(kept["overwrite"]),
        save_every=None if every is None else max(1, int(every)),
        save_final=bool(kept["save_final"]),
        report=Path(kept["report"]) if kept["report"] else None,
        saving=saving,
        progress=progress,
        quiet=quiet,
        recipe=bool(kept["recipe"]),
    )
