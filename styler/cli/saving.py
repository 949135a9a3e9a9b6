"""Decide when and where to save the checkpoint of a render, and check this before the work starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from styler.cli.request import Request, Saving, use_of
from styler.cli.streams import check_is_file
from styler.config import refuse_without_steps
from styler.errors import ConfigError, OutputError, shown
from styler.images.writing import check_folder, check_is_no_input, refusals
from styler.options import seconds_of
from styler.render.checkpoint import is_checkpoint

OFF = "off"
SUFFIX = ".styler-checkpoint"


def checked_saving(
    request: Request,
    checkpoint: str | None,
    every: str,
    *,
    overwrite: bool,
    report: Path | None = None,
    save_every: int | None = None,
) -> Saving:
    """Check that the checkpoint can be written and replaces nothing else.

    Args:
        request: The render.
        checkpoint: A path, or "off" for no checkpoint. None puts the checkpoint next to the output if the render turns
            out to be long.
        every: Time between two saves, such as "30s".
        overwrite: Whether an existing checkpoint may be replaced.
        report: Path of the report, or None.
        save_every: Number of steps between two intermediate images, or None.

    Raises:
        ConfigError: `every` is not a time, or a checkpoint was requested but the photo or the picture is not a file, or
            there are no steps.
        OutputError: The folder does not exist, the path belongs to another file of this render, or a file exists and
            must not be replaced.
    """
    seconds = seconds_of("checkpoint_every", every)
    if not request.config.steps:
        if checkpoint not in (None, OFF):
            refuse_without_steps("checkpoint")
        checkpoint = OFF
    if request.streams or request.piped:
        if checkpoint not in (None, OFF):
            message = "--checkpoint: a render that reads or writes a standard stream cannot be resumed; "
            raise ConfigError(message + "name files, or leave --checkpoint out")
        checkpoint = OFF
    path = None if checkpoint == OFF else Path(checkpoint or beside_output(request.output))
    if path is not None:
        check_is_file(path, "--checkpoint")
        with refusals(path):
            _check(path, request, overwrite=overwrite)
    _check_apart(request, {"checkpoint": path, "report": report}, save_every)
    return Saving(
        path=path,
        every=seconds,
        always=checkpoint is not None,
        replace=overwrite,
    )


def beside_output(output: Path) -> Path:
    """Return the default path of the checkpoint."""
    return Path(f"{output}{SUFFIX}")


def _check_apart(request: Request, files: Mapping[str, Path | None], save_every: int | None) -> None:
    """Check that the files of a render do not replace each other.

    Raises:
        OutputError: Two of the files have the same name.
    """
    taken: dict[str, str] = {os.path.realpath(request.output): "the picture"}
    for noun, path in files.items():
        if path is None:
            continue
        place = os.path.realpath(path)
        other = taken.get(place) or use_of(request, Path(place), save_every)
        if other:
            message = f"cannot write {shown(path)}: {other} has the same name; choose another --{noun}"
            raise OutputError(message)
        taken[place] = f"the {noun}"


def _check(path: Path, request: Request, *, overwrite: bool) -> None:
    check_folder(path)
    check_is_no_input(path, request.inputs.images.items)
    if path.absolute() == request.output.absolute() or path.is_dir():
        message = (
            f"cannot write {shown(path)}: expected a file used for the checkpoint only; choose another --checkpoint"
        )
        raise OutputError(message)
    if os.path.lexists(path) and not is_checkpoint(path):
        message = (
            f"cannot write {shown(path)}: it exists and is not a checkpoint; choose another --checkpoint or remove it"
        )
        raise OutputError(message)
    if os.path.lexists(path) and not overwrite:
        message = f"{shown(path)} already exists; continue it with styler resume, or start again with --overwrite"
        raise OutputError(message)
