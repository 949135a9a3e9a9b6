"""`styler render`: the main job."""

from __future__ import annotations

from typing import Any

import typer

from styler.cli import options as o


def render(
    content: o.Content,
    styles: o.Styles,
    output: o.Output = None,
    overwrite: o.Overwrite = False,
    quality: o.Quality = None,
    depth: o.Depth = None,
    profile: o.Profile = None,
    dpi: o.Dpi = None,
    keep_gps: o.KeepGps = None,
    max_pixels: o.MaxPixels = None,
    size: o.Size = None,
    preset: o.Preset = None,
    strength: o.Strength = None,
    style_weights: o.StyleWeights = None,
    color: o.Color = None,
    network: o.Network = None,
    pooling: o.Pooling = None,
    loss: o.Loss = None,
    content_loss: o.ContentLoss = None,
    content_layers: o.ContentLayers = None,
    style_layers: o.StyleLayers = None,
    views: o.Views = None,
    content_weight: o.ContentWeight = None,
    style_weight: o.StyleWeight = None,
    tv_weight: o.TvWeight = None,
    palette_weight: o.PaletteWeight = None,
    grain_weight: o.GrainWeight = None,
    init: o.Init = None,
    optimizer: o.Optimizer = None,
    steps: o.Steps = None,
    learning_rate: o.LearningRate = None,
    scales: o.Scales = None,
    seed: o.Seed = None,
    device: o.Device = None,
    precision: o.Precision = None,
    compile: o.Compile = None,
    tile: o.Tile = None,
    max_memory: o.MaxMemory = None,
    time_budget: o.TimeBudget = None,
    save_every: o.SaveEvery = None,
    checkpoint: o.Checkpoint = None,
    checkpoint_every: o.CheckpointEvery = "30s",
    recipe: o.Recipe = None,
    config: o.ConfigFile = None,
    report: o.Report = None,
    dry_run: o.DryRun = False,
    progress: o.Progress = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    debug: o.Debug = False,
) -> None:
    """Render CONTENT in the style of one or more paintings."""
    given = locals()
    from styler.batch.options import FILE_OPTIONS
    from styler.cli.plan import describe
    from styler.cli.quiet import import_tensorflow
    from styler.cli.request import (
        Settings,
        build_config,
        build_file_options,
        check_intermediate,
        check_report,
        checked_request,
    )
    from styler.cli.saving import checked_saving
    from styler.cli.streams import check_content, content_file, picture_stream
    from styler.render.files import image_files

    flags = {name: given[name] for name in o.CONFIG_FIELDS}
    files = build_file_options(config, {name: given[name] for name in FILE_OPTIONS})
    options = build_config(config, preset, flags)
    check_content(content, styles, output)
    with picture_stream(output) as stream, content_file(content) as photo:
        request = checked_request(
            image_files(photo, styles, options),
            output,
            options,
            overwrite=overwrite,
            export=files["export"],
            max_pixels=files["max_pixels"],
            piped=photo != content,
        )
        check_report(report, request.output, overwrite=overwrite, inputs=request.inputs.images.items)
        check_intermediate(request, save_every, overwrite=overwrite)
        apart: dict[str, Any] = {"overwrite": overwrite, "report": report, "save_every": save_every}
        saving = checked_saving(request, checkpoint, checkpoint_every, **apart)
        if dry_run or verbose:
            typer.echo(describe(request), err=not dry_run)
        import_tensorflow()
        if dry_run:
            from styler.cli.planning import rehearsed

            typer.echo(rehearsed(request))
            return
        from styler.cli.work import carry_out

        shown = False if quiet else progress
        settings = Settings(**apart, saving=saving, progress=shown, quiet=quiet, recipe=files["with_recipe"])
        carry_out(request, settings, stream=stream)
