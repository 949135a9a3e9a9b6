"""`styler plan`: what a render would cost."""

from __future__ import annotations

from pathlib import Path

import typer

from styler.cli import options as o


def plan(
    content: o.Content,
    styles: o.Styles,
    output: o.Output = None,
    depth: o.Depth = None,
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
    config: o.ConfigFile = None,
    debug: o.Debug = False,
) -> None:
    """Predict memory and time of a render, and show its tiles, scales and steps, and why."""
    from styler.cli.quiet import import_tensorflow
    from styler.cli.request import build_config, build_file_options, checked_request
    from styler.cli.streams import check_content, content_file
    from styler.render.files import image_files

    flags = {name: value for name, value in locals().items() if name in o.CONFIG_FIELDS}
    options = build_config(config, preset, flags)
    files = build_file_options(config, {"depth": depth, "max_pixels": max_pixels})
    check_content(content, styles, output or Path())
    with content_file(content) as photo:
        request = checked_request(
            image_files(photo, styles, options),
            output,
            options,
            overwrite=True,
            export=files["export"],
            max_pixels=files["max_pixels"],
            piped=photo != content,
        )
        import_tensorflow()
        from styler.cli.planning import described

        typer.echo(described(request))
