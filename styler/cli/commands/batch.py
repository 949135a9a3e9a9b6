"""`styler batch`: render many pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from styler.cli import options as o

Manifests = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="MANIFEST",
        help="CSV, JSON Lines or TOML file, one row per job.",
        show_default=False,
    ),
]
Contents = Annotated[
    list[str] | None, typer.Option("--content", metavar="GLOB", help="Photos, for example 'in/**/*.jpg'.")
]
Styles = Annotated[
    list[str] | None,
    typer.Option(
        "--style", metavar="GLOB", help="Paintings, or folders of them; every photo is rendered in the style of each."
    ),
]
Folder = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        metavar="DIR",
        help="Folder for the pictures and the ledger.",
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="TEMPLATE",
        help="Names of the outputs; by default {content}-{style}, or {content}-{style}-{seed} for a seed other than 0. "
        "Other fields are {folder}, {index} and every option.",
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="CONDITION", help="Only jobs that match, such as 'style=night*' or 'size>=512'."),
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Maximum number of jobs.")]
ShuffleSeed = Annotated[
    int | None, typer.Option("--shuffle-seed", metavar="N", help="Seed for shuffling the jobs before --limit.")
]
FastShapes = Annotated[
    bool, typer.Option("--fast-shapes", help="Change sizes by up to 2 % so that pictures share compiled programs.")
]
Engine = Annotated[
    str, typer.Option("--engine", metavar="local|ray", help="Processes on this machine, or a Ray cluster.")
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, metavar="N", help="Number of pictures to render at the same time.")
]
Threads = Annotated[int | None, typer.Option("--threads", min=1, metavar="N", help="Number of threads per worker.")]
RayAddress = Annotated[
    str,
    typer.Option(
        "--ray-address",
        metavar="auto|HOST:PORT|local",
        help="This machine's cluster, one at an address, or a new one.",
    ),
]
Retries = Annotated[
    int, typer.Option("--retries", min=0, metavar="N", help="Number of retries after an error that may be temporary.")
]
Page = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE.html", help="Write an HTML page with all pictures and their recipes."),
]


@o.with_options(o.RENDERING)
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
    mask: o.Mask = None,
    overwrite: o.Overwrite = False,
    config: o.ConfigFile = None,
    dry_run: o.DryRun = False,
    progress: o.Progress = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    debug: o.Debug = False,
    options: o.Given = None,
) -> None:
    """Render many pictures.

    Run it again to render the pictures that are missing or failed.
    """
    from styler.batch.layout import Resources
    from styler.batch.options import MASK
    from styler.cli.batch_plan import describe_batch
    from styler.cli.batch_request import Sources, checked_batch, selection
    from styler.cli.batch_work import carry_out_batch
    from styler.memory import check_address_space

    def warn(sentence: str) -> None:
        if not quiet:
            typer.echo(f"warning: {sentence}", err=True)

    rest: dict[str, Any] = {
        "output": output,
        "retries": retries,
        "fast_shapes": fast_shapes,
        "overwrite": overwrite,
        "report": report,
        "resources": Resources(
            engine=engine,
            workers=workers,
            threads=threads,
            ray_address=ray_address,
        ),
    }
    sources = Sources(
        manifests=manifest or [],
        contents=content or [],
        styles=style or [],
    )
    select = selection(where or [], shuffle_seed, limit)
    request = checked_batch(
        sources,
        {**(options or {}), MASK: mask},
        config,
        name,
        select,
        warn,
        **rest,
    )
    if dry_run or verbose:
        typer.echo(describe_batch(request, verbose=verbose), err=not dry_run)
    if not dry_run:
        check_address_space()
        raise typer.Exit(
            carry_out_batch(
                request,
                sys.argv[1:],
                progress=progress,
                quiet=quiet,
            )
        )
