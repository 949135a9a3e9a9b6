"""Carry out `styler render` and `styler preview`: check the request, describe it if asked, and render."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from styler.cli.request import (
    Settings,
    check_intermediate,
    check_report,
    checked_request,
    default_output,
)
from styler.cli.saving import checked_saving
from styler.cli.status import note, status
from styler.cli.streams import check_content, content_file, picture_stream
from styler.config import RenderConfig
from styler.options import Choice, Whole
from styler.render.files import image_files


def carry_out_render(
    content: Path,
    styles: Sequence[Path],
    output: Path | None,
    asked: RenderConfig,
    files: Mapping[str, Any],
    *,
    overwrite: bool,
    mask: str | None,
    save_every: int | None,
    save_size: str,
    checkpoint: str | None,
    checkpoint_every: str,
    report: Path | None,
    dry_run: bool,
    progress: bool | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Render a photo in the style of paintings, or only describe the render.

    Args:
        content: The photo, or standard input.
        styles: Paintings and folders of paintings.
        output: The picture, or standard output; None makes a name from those of photo and styles.
        asked: Options of the render.
        files: Options about files, as returned by `styler.batch.options.file_options`.
        overwrite: Whether existing files may be replaced.
        mask: "auto" to find regions; None for those that the options name.
        save_every: Number of steps between two intermediate images; None writes none.
        save_size: "own" or "final": the size of these images.
        checkpoint: Path of the checkpoint, "off", or None for the default.
        checkpoint_every: Time between two saves, such as "30s".
        report: Path of the report, or None.
        dry_run: Whether to describe the render and do nothing.
        progress: Whether to show a bar; None shows it if stderr is a terminal.
        quiet: Whether to print errors only.
        verbose: Whether to describe the render first.

    Raises:
        StylerError: The render cannot be carried out; the subclass tells what is wrong.
        KeyboardInterrupt: The user stopped the render; the best image so far has been written.
    """
    from styler.cli.auto_masks import check_mask, with_auto_masks, written_masks
    from styler.cli.contradictions import contradictions
    from styler.cli.plan import describe
    from styler.cli.quiet import load_for_render

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
        apart: dict[str, Any] = {"overwrite": overwrite, "report": report, "save_every": save_every}
        saving = checked_saving(request, checkpoint, checkpoint_every, **apart)
        check_mask(request, mask, overwrite=overwrite, others=(report, saving.path))
        if dry_run or verbose:
            typer.echo(describe(request), err=not dry_run)
        shown = False if quiet else progress
        load_for_render(shown)
        if dry_run:
            from styler.cli.planning import rehearsed

            with status("rehearsing", shown=shown):
                lines = rehearsed(request)
            typer.echo(lines)
            for contradiction in contradictions(request):
                typer.echo(f"note      {contradiction}")
            return
        if mask is not None:
            with status("finding regions", shown=shown):
                request = with_auto_masks(request)
            if not quiet:
                note(written_masks(request))
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
