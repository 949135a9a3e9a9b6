"""`styler networks`: what is here, download, check, where."""

from __future__ import annotations

from typing import Annotated

import typer

from styler.cli import options as o

networks = typer.Typer(
    help="List networks; download, check and find their weights.", no_args_is_help=False, invoke_without_command=True
)
Name = Annotated[str, typer.Argument(help="A registered network.", show_default=False)]
Some = Annotated[str | None, typer.Argument(help="A registered network.", show_default="all that are here")]


@networks.callback()
def _networks(context: typer.Context, debug: o.Debug = False) -> None:
    """List networks; download, check and find their weights."""
    if context.invoked_subcommand is None:
        list_networks()


@networks.command("list")
def list_networks(debug: o.Debug = False) -> None:
    """Every network, and whether its weights are here."""
    from styler.cli.inventory import inventory

    for line in inventory():
        typer.echo(line)


@networks.command()
def fetch(name: Name, progress: o.Progress = None, debug: o.Debug = False) -> None:
    """Download a network's weights and check them."""
    from styler.cli.inventory import fetch_with_bar

    typer.echo(fetch_with_bar(name, shown=progress))


@networks.command()
def verify(name: Some = None, debug: o.Debug = False) -> None:
    """Compare weights that are here with their published checksums."""
    from styler.cli.inventory import verdicts

    failed = False
    for line, sound in verdicts(name):
        typer.echo(line)
        failed = failed or not sound
    if failed:
        raise typer.Exit(2)


@networks.command()
def path(name: Some = None, debug: o.Debug = False) -> None:
    """Where a network's weights are, or every folder that is searched."""
    from styler.cli.inventory import paths

    for line in paths(name):
        typer.echo(line)
