"""Where the checkpoint of a render goes and how often, checked before the work."""

from __future__ import annotations

import os
from pathlib import Path

from styler.cli.request import Request, Saving
from styler.config import parse_time
from styler.errors import OutputError, shown
from styler.images.writing import check_is_no_input

OFF = "off"
SUFFIX = ".styler-checkpoint"


def checked_saving(request: Request, checkpoint: str | None, every: str, *, overwrite: bool) -> Saving:
    """Refuse a checkpoint that could not be written or would replace something.

    Args:
        request: The render.
        checkpoint: A path, "off", or None for one beside the output once the render turns out to be long.
        every: Time between two savings, in words.
        overwrite: Whether an existing file may be replaced.

    Raises:
        ConfigError: `every` is no time.
        OutputError: The folder does not exist, the path is another file's of this render, or a file must stay.
    """
    seconds = parse_time("--checkpoint-every", every)
    path = None if checkpoint == OFF else Path(checkpoint or beside_output(request.output))
    if path is not None:
        _check(path, request, overwrite=overwrite)
    return Saving(path=path, every=seconds, always=checkpoint is not None, replace=overwrite)


def beside_output(output: Path) -> Path:
    """The checkpoint's name unless another is given."""
    return output.with_name(output.name + SUFFIX)


def _check(path: Path, request: Request, *, overwrite: bool) -> None:
    if not path.absolute().parent.is_dir():
        message = f"cannot write {shown(path)}: folder {shown(path.parent)} does not exist; create it first"
        raise OutputError(message)
    check_is_no_input(path, request.inputs)
    if path.absolute() == request.output.absolute() or path.is_dir():
        message = (
            f"cannot write {shown(path)}: a file for the checkpoint alone was expected; choose another --checkpoint"
        )
        raise OutputError(message)
    if os.path.lexists(path) and not overwrite:
        message = f"{shown(path)} exists already: go on with it by styler resume, or start anew with --overwrite"
        raise OutputError(message)
