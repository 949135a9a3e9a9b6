"""`styler layers`: what a network offers to `--style-layers` and `--content-layers`."""

from __future__ import annotations

from typing import Annotated

import typer


def layers(
    network: Annotated[str, typer.Argument(help="compact | vgg16 | vgg19.")] = "compact",
    size: Annotated[int, typer.Option("-s", "--size", min=64, help="Side of the image, pixels.")] = 512,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """List a network's layers: name, type, shape, parameters, stride, receptive field."""
    from styler.networks import NETWORKS

    spec = NETWORKS[network]
    from styler.cli.quiet import import_tensorflow

    import_tensorflow()
    from styler.features.layers import layer_table

    typer.echo(layer_table(spec.build(None), size))
