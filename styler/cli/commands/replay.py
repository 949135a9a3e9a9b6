"""`styler replay`: make a picture again from its recipe, with or without changes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from styler.cli import options as o

Image = Annotated[Path, typer.Argument(help="A picture that styler made.", show_default=False)]
Output = Annotated[
    Path | None,
    o.option(
        "-o",
        "--output",
        default="<image>-replay.<suffix> in this folder",
        help="The new picture; its suffix sets the format.",
    ),
]
Content = Annotated[
    Path | None, o.option("--content", help="The photo, if it is not near IMAGE or in the current folder.")
]
Style = Annotated[
    list[Path] | None,
    o.option("--style", metavar="PATH", help="A painting or a folder of them; repeat for several."),
]
Search = Annotated[list[Path] | None, o.option("--search", metavar="DIR", help="Also search this folder for inputs.")]


@o.with_options(o.RENDERING, as_before=True)
def replay(
    image: Image,
    output: Output = None,
    overwrite: o.Overwrite = False,
    content: Content = None,
    style: Style = None,
    search: Search = None,
    checkpoint: o.Checkpoint = None,
    checkpoint_every: o.CheckpointEvery = "30s",
    report: o.Report = None,
    dry_run: o.DryRun = False,
    progress: o.Progress = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
    options: o.Given = None,
) -> None:
    """Make a picture again from its recipe.

    The new picture has the same bytes, unless you change some options.
    """
    from styler.cli.finding import Places
    from styler.cli.plan import describe
    from styler.cli.replaying import Changes, carry_out_replay, obeyed, recipe_in, replayed
    from styler.cli.request import Settings, check_report
    from styler.cli.saving import checked_saving
    from styler.cli.streams import picture_stream

    changes = Changes.of(options)
    places = Places(
        image=image,
        content=content,
        styles=style or [],
        folders=search or [],
    )
    found = recipe_in(image)
    with picture_stream(output) as stream:
        request = replayed(
            found,
            places,
            output,
            changes,
            overwrite=overwrite,
        )
        check_report(
            report,
            request.output,
            overwrite=overwrite,
            inputs=[image, *request.inputs.images.items],
        )
        saving = checked_saving(
            request,
            checkpoint,
            checkpoint_every,
            overwrite=overwrite,
            report=report,
        )
        rest: dict[str, Any] = {"overwrite": overwrite, "report": report, "quiet": quiet}
        settings = Settings(
            **rest,
            save_every=None,
            save_final=False,
            saving=saving,
            progress=False if quiet else progress,
            recipe=changes.handling.recipe,
        )
        if dry_run:
            typer.echo(describe(request))
            request = obeyed(found, request, quiet=quiet)
            from styler.cli.planning import rehearsed

            typer.echo(rehearsed(request))
            return
        carry_out_replay(found, request, settings, stream=stream)
