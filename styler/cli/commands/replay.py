"""`styler replay`: make a picture again from its recipe, as it was or changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from styler.cli import options as o
from styler.config import DEPTHS, LARGEST_DPI, PROFILES

Image = Annotated[Path, typer.Argument(help="A picture that styler made.", show_default=False)]
Output = Annotated[
    Path | None, o.option("-o", "--output", default="<image>-replay.<suffix> in this folder", help="Format by suffix.")
]
Content = Annotated[Path | None, o.option("--content", help="The photo, if it is neither beside IMAGE nor here.")]
Style = Annotated[list[Path] | None, o.option("--style", metavar="PATH", help="A painting; may be given repeatedly.")]
Search = Annotated[list[Path] | None, o.option("--search", metavar="DIR", help="Look for inputs in there too.")]
Quality = Annotated[
    int | None, o.option("--quality", default=o.AS_BEFORE, min=1, max=100, help="Of JPEG and WebP, 1 to 100.")
]
Depth = Annotated[int | None, o.option("--depth", default=o.AS_BEFORE, help=f"{' | '.join(map(str, DEPTHS))}: bits.")]
Profile = Annotated[
    str | None, o.option("--profile", default=o.AS_BEFORE, help=f"{' | '.join(PROFILES)}: the photo's, or sRGB.")
]
Dpi = Annotated[
    int | None,
    o.option("--dpi", default=o.AS_BEFORE, min=1, max=LARGEST_DPI, metavar="N", help="Dots per inch that it states."),
]
KeepGps = Annotated[
    bool | None,
    o.option("--keep-gps/--drop-gps", default=o.AS_BEFORE, help="Pass on where the photo was taken."),
]


@o.unchanged_unless_given
def replay(
    image: Image,
    output: Output = None,
    overwrite: o.Overwrite = False,
    content: Content = None,
    style: Style = None,
    search: Search = None,
    quality: Quality = None,
    depth: Depth = None,
    profile: Profile = None,
    dpi: Dpi = None,
    keep_gps: KeepGps = None,
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
    checkpoint: o.Checkpoint = None,
    checkpoint_every: o.CheckpointEvery = "30s",
    recipe: o.Recipe = None,
    report: o.Report = None,
    dry_run: o.DryRun = False,
    progress: o.Progress = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Make IMAGE again from the recipe inside it: the same bytes, or with some options changed."""
    from styler.cli.finding import Places
    from styler.cli.plan import describe
    from styler.cli.replaying import Changes, carry_out_replay, obeyed, recipe_in, replayed
    from styler.cli.request import Settings, check_report
    from styler.cli.saving import checked_saving
    from styler.cli.streams import picture_stream

    changes = Changes(
        preset=preset,
        options={name: value for name, value in locals().items() if name in o.CONFIG_FIELDS},
        export={"quality": quality, "depth": depth, "profile": profile, "dpi": dpi, "keep_gps": keep_gps},
    )
    places = Places(image=image, content=content, styles=style or [], folders=search or [])
    found = recipe_in(image)
    with picture_stream(output) as stream:
        request = replayed(found, places, output, changes, overwrite=overwrite, max_pixels=max_pixels)
        check_report(report, request.output, overwrite=overwrite, inputs=[image, *request.inputs.images.items])
        saving = checked_saving(request, checkpoint, checkpoint_every, overwrite=overwrite, report=report)
        rest: dict[str, Any] = {"overwrite": overwrite, "report": report, "quiet": quiet}
        settings = Settings(
            **rest,
            save_every=None,
            saving=saving,
            progress=False if quiet else progress,
            recipe=recipe is not False,
        )
        if dry_run:
            typer.echo(describe(request))
            request = obeyed(found, request, quiet=quiet)
            from styler.cli.planning import rehearsed

            typer.echo(rehearsed(request))
            return
        carry_out_replay(found, request, settings, stream=stream)
