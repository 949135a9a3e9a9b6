"""`styler networks`: list networks, and download, check or locate their weights."""

from __future__ import annotations

from typing import Annotated

import typer

from styler.cli import options as o

networks = typer.Typer(
    help="List networks; download and check their weights.",
    no_args_is_help=False,
    invoke_without_command=True,
)
Name = Annotated[str, typer.Argument(help="A registered network.", show_default=False)]
Some = Annotated[
    str | None, typer.Argument(help="A registered network.", show_default="all with weights on this machine")
]


@networks.callback()
def _networks(context: typer.Context, debug: o.Debug = False) -> None:
    """List networks; download and check their weights."""
    if context.invoked_subcommand is None:
        list_networks()


@networks.command("list")
def list_networks(debug: o.Debug = False) -> None:
    """List all networks and whether their weights are on this machine."""
    from styler.cli.inventory import inventory

    for line in inventory():
        typer.echo(line)


@networks.command()
def fetch(name: Name, progress: o.Progress = None, debug: o.Debug = False) -> None:
    """Download the weights of a network and check them."""
    from styler.cli.inventory import fetch_with_bar

    typer.echo(fetch_with_bar(name, shown=progress))


@networks.command()
def verify(name: Some = None, debug: o.Debug = False) -> None:
    """Compare the weights on this machine with their published checksums."""
    from styler.cli.inventory import verdicts

    failed = False
    for line, sound in verdicts(name):
        typer.echo(line)
        failed = failed or not sound
    if failed:
        raise typer.Exit(2)


@networks.command()
def path(name: Some = None, debug: o.Debug = False) -> None:
    """Show where the weights of a network are, or all folders that are searched."""
    from styler.cli.inventory import paths

    for line in paths(name):
        typer.echo(line)
