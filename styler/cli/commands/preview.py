"""`styler preview`: a small render whose look a larger one keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from styler.cli import options as o

Output = Annotated[
    Path | None,
    o.option(
        "-o",
        "--output",
        metavar="PATH",
        default="<content>-<style>-preview.png in this folder",
        help="The preview: png, jpg, webp or tif by suffix.",
        group=o.PICTURE,
    ),
]


@o.with_options(o.PREVIEWING)
def preview(
    content: o.Content,
    styles: o.Styles,
    output: Output = None,
    overwrite: o.Overwrite = False,
    mask: o.Mask = None,
    config: o.ConfigFile = None,
    report: o.Report = None,
    dry_run: o.DryRun = False,
    progress: o.Progress = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    debug: o.Debug = False,
    options: o.Given = None,
) -> None:
    """Render a small picture whose look a larger one keeps.

    'styler replay PREVIEW --size 2048' then makes it larger, with marks of the same size relative to the picture.
    """
    from styler.cli.previewing import carry_out_preview

    carry_out_preview(
        content,
        styles,
        output,
        config,
        options or {},
        overwrite=overwrite,
        mask=mask,
        report=report,
        dry_run=dry_run,
        progress=progress,
        quiet=quiet,
        verbose=verbose,
    )
