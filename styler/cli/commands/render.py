"""`styler render`: render a photo in the style of paintings."""

from __future__ import annotations

from typing import Any

import typer

from styler.cli import options as o


@o.with_options(o.RENDERING)
def render(
    content: o.Content,
    styles: o.Styles,
    output: o.Output = None,
    overwrite: o.Overwrite = False,
    mask: o.Mask = None,
    save_every: o.SaveEvery = None,
    save_size: o.SaveSize = "own",
    checkpoint: o.Checkpoint = None,
    checkpoint_every: o.CheckpointEvery = "30s",
    config: o.ConfigFile = None,
    report: o.Report = None,
    dry_run: o.DryRun = False,
    progress: o.Progress = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    debug: o.Debug = False,
    options: o.Given = None,
) -> None:
    """Render CONTENT in the style of one or more paintings."""
    from styler.cli.auto_masks import check_mask, with_auto_masks
    from styler.cli.plan import describe
    from styler.cli.quiet import import_tensorflow
    from styler.cli.request import (
        Settings,
        build_options,
        check_intermediate,
        check_report,
        checked_request,
        default_output,
    )
    from styler.cli.saving import checked_saving
    from styler.cli.status import note, status
    from styler.cli.streams import check_content, content_file, picture_stream
    from styler.options import Choice, Whole
    from styler.render.files import image_files

    asked, files = build_options(config, options)
    Choice(("own", "final")).check("save_size", save_size)
    if save_every is not None:
        Whole(1).check("save_every", save_every)
    check_content(content, styles, output)
    with picture_stream(output) as stream, content_file(content) as photo:
        request = checked_request(
            image_files(photo, styles, asked, None if quiet else note),
            output or default_output(content, styles),
            asked,
            overwrite=overwrite,
            export=files["export"],
            max_pixels=files["max_pixels"],
            piped=photo != content,
        )
        check_report(
            report,
            request.output,
            overwrite=overwrite,
            inputs=request.inputs.images.items,
        )
        check_intermediate(request, save_every, overwrite=overwrite)
        check_mask(request, mask, overwrite=overwrite)
        apart: dict[str, Any] = {"overwrite": overwrite, "report": report, "save_every": save_every}
        saving = checked_saving(request, checkpoint, checkpoint_every, **apart)
        if dry_run or verbose:
            typer.echo(describe(request), err=not dry_run)
        shown = False if quiet else progress
        with status("loading TensorFlow", shown=shown):
            import_tensorflow()
        if dry_run:
            from styler.cli.planning import rehearsed

            with status("rehearsing", shown=shown):
                lines = rehearsed(request)
            typer.echo(lines)
            return
        if mask is not None:
            with status("finding regions", shown=shown):
                request = with_auto_masks(request)
        from styler.cli.work import carry_out

        settings = Settings(
            **apart,
            save_final=save_size == "final",
            saving=saving,
            progress=shown,
            quiet=quiet,
            recipe=files["with_recipe"],
        )
        carry_out(request, settings, stream=stream)
