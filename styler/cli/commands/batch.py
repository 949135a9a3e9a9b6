"""`styler batch`: many renders."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from styler.cli import options as o
from styler.config import PROFILES

Manifests = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[manifest]", help="CSV, JSON Lines or TOML file, one row a job.", show_default=False),
]
Contents = Annotated[list[str] | None, typer.Option("--content", metavar="GLOB", help="Photos, such as 'in/**/*.jpg'.")]
Styles = Annotated[list[str] | None, typer.Option("--style", metavar="GLOB", help="Paintings; each photo in each.")]
Folder = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder of the pictures and the ledger.")]
Name = Annotated[
    str | None,
    typer.Option("--name", metavar="TEMPLATE", help="Output names; {folder}, {index} and every option are fields."),
]
Where = Annotated[
    list[str] | None, typer.Option("--where", metavar="CONDITION", help="Only jobs like 'style=night*', 'size>=512'.")
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many jobs.")]
ShuffleSeed = Annotated[int | None, typer.Option("--shuffle-seed", help="Shuffle the jobs, before --limit.")]
FastShapes = Annotated[
    bool, typer.Option("--fast-shapes", help="Move sizes by up to 2 % so that pictures share compiled programs.")
]
Engine = Annotated[str, typer.Option("--engine", help="local | ray: processes of this machine, or a Ray cluster.")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Pictures rendered at the same time.")]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="That each worker computes with.")]
RayAddress = Annotated[str, typer.Option("--ray-address", help="auto | HOST:PORT | local: the cluster, or a new one.")]
Retries = Annotated[int, typer.Option("--retries", min=0, help="Tries again where the cause may pass.")]
Quality = Annotated[int | None, typer.Option("--quality", min=1, max=100, help="Of JPEG and WebP, 1 to 100.")]
Profile = Annotated[
    str | None, typer.Option("--profile", help=f"{' | '.join(PROFILES)}: the photo's color profile, or sRGB.")
]
KeepGps = Annotated[bool | None, typer.Option("--keep-gps", help="Pass on where photos were taken.")]
Recipe = Annotated[
    bool | None,
    o.option("--recipe/--no-recipe", default="recipe", help="Carry what styler replay needs; no paths, no times."),
]
Page = Annotated[
    Path | None, typer.Option("--report", metavar="FILE.html", help="Write a page with all pictures and their recipes.")
]


def batch(
    manifest: Manifests = None,
    content: Contents = None,
    style: Styles = None,
    *,
    output: Folder,
    name: Name = None,
    where: Where = None,
    limit: Limit = None,
    shuffle_seed: ShuffleSeed = None,
    engine: Engine = "local",
    workers: Workers = None,
    threads: Threads = None,
    ray_address: RayAddress = "auto",
    retries: Retries = 2,
    fast_shapes: FastShapes = False,
    report: Page = None,
    overwrite: o.Overwrite = False,
    quality: Quality = None,
    depth: o.Depth = None,
    profile: Profile = None,
    dpi: o.Dpi = None,
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
    recipe: Recipe = None,
    config: o.ConfigFile = None,
    dry_run: o.DryRun = False,
    progress: o.Progress = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    debug: o.Debug = False,
) -> None:
    """Render many pictures; run again, it does what is missing or has failed."""
    from styler.batch.layout import Resources
    from styler.batch.options import FILE_OPTIONS
    from styler.cli.batch_plan import describe_batch
    from styler.cli.batch_request import Sources, checked_batch, selection
    from styler.cli.batch_work import carry_out_batch
    from styler.memory import check_address_space

    def warn(sentence: str) -> None:
        if not quiet:
            typer.echo(f"warning: {sentence}", err=True)

    given = locals()
    options: dict[str, Any] = {key: given[key] for key in (*o.CONFIG_FIELDS & given.keys(), "preset", *FILE_OPTIONS)}
    rest = {key: given[key] for key in ("output", "retries", "fast_shapes", "overwrite", "report")}
    rest["resources"] = Resources(engine=engine, workers=workers, threads=threads, ray_address=ray_address)
    sources = Sources(manifests=manifest or [], contents=content or [], styles=style or [])
    select = selection(where or [], shuffle_seed, limit)
    request = checked_batch(sources, options, config, name, select, warn, **rest)
    if dry_run or verbose:
        typer.echo(describe_batch(request, verbose=verbose), err=not dry_run)
    if not dry_run:
        check_address_space()
        raise typer.Exit(carry_out_batch(request, sys.argv[1:], progress=progress, quiet=quiet))
