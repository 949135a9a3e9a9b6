"""`styler layers`: list the layers for `--style-layers`, `--content-layers` and `styler features`."""

from __future__ import annotations

from typing import Annotated

import typer

from styler.cli import options as o
from styler.config import DEFAULT_NETWORK


def layers(
    network: Annotated[
        str, typer.Argument(help="A registered network, a .keras file, a SavedModel or a frozen .pb graph.")
    ] = DEFAULT_NETWORK,
    size: Annotated[
        int,
        typer.Option(
            "-s",
            "--size",
            min=1,
            metavar="N",
            help="Side of a square image in pixels.",
        ),
    ] = 512,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Allow a .keras file to run its own Python code.")
    ] = False,
    debug: o.Debug = False,
) -> None:
    """List the layers of a network.

    For each layer: name, type, shape, parameters, stride and receptive field.
    """
    from styler.errors import ConfigError
    from styler.networks import NETWORKS, find_network, is_graph

    spec = None if is_graph(network) else find_network(network, allow_code=allow_code, rendering=False)
    if spec is not None and spec.name in NETWORKS and size < spec.minimum_size:
        message = f"--size: expected at least {spec.minimum_size} pixels for {spec.name}, got {size}"
        raise ConfigError(message)
    from styler.cli.quiet import import_tensorflow

    import_tensorflow()
    from styler.features.table import layer_table

    if spec is None:
        typer.echo(layer_table(network))
        return
    build = spec.build_untrained or spec.build  # the table is the same, and needs no download
    typer.echo(layer_table(build(None), size))
