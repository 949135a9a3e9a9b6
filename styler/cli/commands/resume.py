"""`styler resume`: continue a render that was stopped or killed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from styler.cli import options as o

Checkpoint = Annotated[
    Path, typer.Argument(help="The checkpoint, or the picture that it belongs to.", show_default=False)
]


def resume(
    checkpoint: Checkpoint,
    overwrite: o.Overwrite = False,
    checkpoint_every: o.CheckpointEvery = "30s",
    progress: o.Progress = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Continue a render that was stopped or killed.

    The picture is the same as without the interruption.
    """
    from styler.cli.resuming import carry_out_resumed, resumed

    shown = False if quiet else progress
    found = resumed(
        checkpoint,
        overwrite=overwrite,
        every=checkpoint_every,
        progress=shown,
        quiet=quiet,
    )
    carry_out_resumed(found)
