"""`styler features`: activations themselves, or a picture of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from styler.cli import options as o

Images = Annotated[list[Path], typer.Argument(help="One or more images; several make a batch.", show_default=False)]
Layers = Annotated[str, typer.Option("--layers", metavar="A,B,…", help="Layer addresses; see styler layers.")]
Network = Annotated[str, typer.Option("--network", help="A registered network, a .keras file, a SavedModel.")]
Size = Annotated[
    int | None, typer.Option("-s", "--size", min=1, help="Longer side, pixels; a square for unequal images.")
]
Dtype = Annotated[str, typer.Option("--dtype", help="float32 | float16: numbers in the archive.")]
Archive = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE.npz", help="Write the activations.")]
Grid = Annotated[Path | None, typer.Option("--grid", metavar="FILE.png", help="Draw the strongest channels.")]
Attribution = Annotated[
    str | None, typer.Option("--attribution", metavar="LAYER:CHANNEL", help="Which pixels drive a channel.")
]
AllowCode = Annotated[bool, typer.Option("--allow-code", help="Let a .keras file run Python code of its own.")]


def features(
    images: Images,
    layers: Layers = "",
    network: Network = o.DEFAULTS.network,
    size: Size = None,
    dtype: Dtype = "float32",
    output: Archive = None,
    grid: Grid = None,
    attribution: Attribution = None,
    allow_code: AllowCode = False,
    overwrite: o.Overwrite = False,
    debug: o.Debug = False,
) -> None:
    """Extract the activations of layers."""
    from styler.cli.extraction import carry_out_extraction, checked_extraction
    from styler.cli.quiet import import_tensorflow

    outputs = {"archive": output, "grid": grid, "dtype": dtype, "overwrite": overwrite, "allow_code": allow_code}
    request = checked_extraction(images, layers, network, size, attribution, **outputs)
    import_tensorflow()
    carry_out_extraction(request)
