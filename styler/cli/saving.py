"""Where the checkpoint of a render goes and how often, checked before the work."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from styler.cli.request import Request, Saving, is_beside
from styler.cli.streams import check_is_file
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
    """Refuse a checkpoint that could not be written or would replace something.

    Args:
        request: The render.
        checkpoint: A path, "off", or None for one beside the output once the render turns out to be long.
        every: Time between two savings, in words.
        overwrite: Whether an existing checkpoint may be replaced.
        report: Where the report goes, None for nowhere.
        save_every: Steps between two intermediate images, None for none.

    Raises:
        ConfigError: `every` is no time, or the photo or the picture is no file.
        OutputError: The folder does not exist, the path is another file's of this render, or a file must stay.
    """
    seconds = seconds_of("checkpoint_every", every)
    if request.streams or request.piped:
        if checkpoint not in (None, OFF):
            message = "--checkpoint: a render that reads or writes a standard stream has none, for it could not go on; "
            raise ConfigError(message + "name files, or leave --checkpoint out")
        checkpoint = OFF
    path = None if checkpoint == OFF else Path(checkpoint or beside_output(request.output))
    if path is not None:
        check_is_file(path, "--checkpoint")
        with refusals(path):
            _check(path, request, overwrite=overwrite)
    _check_apart(request, {"checkpoint": path, "report": report}, save_every)
    return Saving(path=path, every=seconds, always=checkpoint is not None, replace=overwrite)


def beside_output(output: Path) -> Path:
    """The checkpoint's name unless another is given."""
    return Path(f"{output}{SUFFIX}")


def _check_apart(request: Request, files: Mapping[str, Path | None], save_every: int | None) -> None:
    """Refuse files of one render that would replace each other.

    Raises:
        OutputError: Two of them have the same name.
    """
    taken: dict[str, str] = {os.path.realpath(request.output): "the picture"}
    for noun, path in files.items():
        if path is None:
            continue
        place = os.path.realpath(path)
        other = taken.get(place) or is_beside(request.output, Path(place), save_every)
        if other:
            message = f"cannot write {shown(path)}: it is the name of {other} too; choose another --{noun}"
            raise OutputError(message)
        taken[place] = f"the {noun}"


def _check(path: Path, request: Request, *, overwrite: bool) -> None:
    check_folder(path)
    check_is_no_input(path, request.inputs.images.items)
    if path.absolute() == request.output.absolute() or path.is_dir():
        message = (
            f"cannot write {shown(path)}: a file for the checkpoint alone was expected; choose another --checkpoint"
        )
        raise OutputError(message)
    if os.path.lexists(path) and not is_checkpoint(path):
        message = (
            f"cannot write {shown(path)}: it exists and is no checkpoint; choose another --checkpoint or remove it"
        )
        raise OutputError(message)
    if os.path.lexists(path) and not overwrite:
        message = f"{shown(path)} exists already: go on with it by styler resume, or start anew with --overwrite"
        raise OutputError(message)
