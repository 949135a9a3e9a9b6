"""`styler features`: extract the activations of layers, or draw them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from styler.cli import options as o
from styler.config import DEFAULT_NETWORK

Images = Annotated[
    list[Path],
    typer.Argument(
        help="Images, processed as one batch, or folders of images.",
        show_default=False,
        metavar="IMAGE|FOLDER…",
    ),
]
Layers = Annotated[
    str, typer.Option("--layers", metavar="A,B,…", help="Layers, or key=layer; 'styler layers' lists them.")
]
Network = Annotated[
    str,
    typer.Option(
        "--network",
        metavar="NAME|PATH",
        help="A registered network, a .keras file, a SavedModel or a frozen .pb graph.",
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        "-s",
        "--size",
        min=1,
        metavar="N",
        help="Longer side in pixels; images of different shapes in one file become squares.",
    ),
]
Reduce = Annotated[
    str | None,
    typer.Option("--reduce", metavar="mean|max", help="Reduce each channel over all positions.", show_default=False),
]
Dtype = Annotated[str, typer.Option("--dtype", metavar="float32|float16", help="Type of the numbers in the archive.")]
Archive = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE.npz|FOLDER/",
        help="Write the activations to a file, or to a folder with one archive per image.",
        show_default=False,
    ),
]
Grid = Annotated[
    Path | None,
    typer.Option(
        "--grid",
        metavar="FILE.png",
        help="Draw the strongest channels as a picture.",
        show_default=False,
    ),
]
Attribution = Annotated[
    str | None,
    typer.Option(
        "--attribution",
        metavar="LAYER:CHANNEL",
        help="Find the pixels that activate a channel.",
        show_default=False,
    ),
]
Method = Annotated[
    str | None, o.option("--method", metavar="gradient|gradcam", default="gradient", help="Method of --attribution.")
]
Maps = Annotated[
    str | None,
    o.option(
        "--maps",
        default="the last before the channel's",
        metavar="LAYER",
        help="Layer whose maps gradcam uses.",
    ),
]
AllowCode = Annotated[bool, typer.Option("--allow-code", help="Allow a .keras file to run its own Python code.")]


def features(
    images: Images,
    layers: Layers = "",
    network: Network = DEFAULT_NETWORK,
    size: Size = None,
    reduce: Reduce = None,
    dtype: Dtype = "float32",
    output: Archive = None,
    grid: Grid = None,
    attribution: Attribution = None,
    method: Method = None,
    maps: Maps = None,
    allow_code: AllowCode = False,
    overwrite: o.Overwrite = False,
    progress: o.Progress = None,
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> None:
    """Extract the activations of layers.

    For a folder, run it again to write the archives that are missing or outdated.
    """
    from styler.cli.extraction import checked_extraction, checked_wanted
    from styler.cli.quiet import import_tensorflow

    wanted = checked_wanted(
        layers,
        network,
        allow_code=allow_code,
        attribution=attribution,
        method=method,
        maps=maps,
        size=size,
        reduce=reduce,
        dtype=dtype,
    )
    request = checked_extraction(
        images,
        wanted,
        output,
        grid,
        overwrite=overwrite,
    )
    import_tensorflow()
    if request.folder is None:
        from styler.cli.extracting import carry_out_extraction

        carry_out_extraction(request)
        return
    from styler.cli.folder_extraction import carry_out_folder

    raise typer.Exit(carry_out_folder(request, progress=progress, quiet=quiet))
