"""Show lines on the terminal: what takes a while, and notes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from shutil import get_terminal_size
from typing import Any, Never


def screen() -> dict[str, Any]:
    """Return the columns and rows of the terminal for `tqdm`, which shows no bar where the size is unknown."""
    size = get_terminal_size()
    return {"ncols": size.columns, "nrows": size.lines}


def note(text: str) -> None:
    """Print a note on stderr."""
    print(f"note: {text}", file=sys.stderr)


@contextmanager
def status(text: str, *, shown: bool | None = None) -> Iterator[Callable[[str], object]]:
    """Show a line on stderr until the block ends.

    Args:
        text: What the program is doing.
        shown: Whether to show the line; None shows it if stderr is a terminal.

    Yields:
        A function that replaces the text.
    """
    from tqdm import tqdm

    visible = sys.stderr.isatty() if shown is None else shown
    line: tqdm[Never] = tqdm(
        **screen(),
        total=0,
        bar_format="{desc}",
        desc=text,
        disable=not visible,
        leave=False,
    )
    try:
        yield line.set_description_str
    finally:
        line.close()
