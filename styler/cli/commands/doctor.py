"""`styler doctor`: check the installation."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Check the installation.

    Show versions, devices, memory and weights, and test the compiler.
    """
    from styler.cli.quiet import import_tensorflow

    import_tensorflow()
    from styler.cli.checkup import checkup

    failed = False
    for name, outcome, good in checkup():
        typer.echo(f"{'ok  ' if good else 'FAIL'}  {name:<12} {outcome}")
        failed = failed or not good
    if failed:
        raise typer.Exit(2)
