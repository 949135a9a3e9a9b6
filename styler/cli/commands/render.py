"""`styler render`: render a photo in the style of paintings."""

from __future__ import annotations

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
    from styler.cli.rendering import carry_out_render
    from styler.cli.request import build_options, mask_option

    asked, files = build_options(config, options)
    carry_out_render(
        content,
        styles,
        output,
        asked,
        files,
        overwrite=overwrite,
        mask=mask_option(config, mask, options),
        save_every=save_every,
        save_size=save_size,
        checkpoint=checkpoint,
        checkpoint_every=checkpoint_every,
        report=report,
        dry_run=dry_run,
        progress=progress,
        quiet=quiet,
        verbose=verbose,
    )
