"""`styler resume`: go on with a render that was stopped or killed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from styler.cli import options as o

Checkpoint = Annotated[Path, typer.Argument(help="The file that the render left behind.", show_default=False)]


def resume(
    checkpoint: Checkpoint,
    overwrite: o.Overwrite = False,
    checkpoint_every: o.CheckpointEvery = "30s",
    progress: o.Progress = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Go on with a render that was stopped or killed; the picture is the same as if it had not been."""
    from styler.cli.resuming import carry_out_resumed, resumed

    shown = False if quiet else progress
    found = resumed(checkpoint, overwrite=overwrite, every=checkpoint_every, progress=shown, quiet=quiet)
    carry_out_resumed(found)
