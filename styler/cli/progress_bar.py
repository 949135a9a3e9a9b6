"""Show the progress of a render: a tqdm bar with scale, step, loss and time left."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Never

from tqdm import tqdm

from styler.cli.status import screen
from styler.progress import StepEvent

FORMAT = "{desc} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} steps{postfix}"
EVERY = 0.2  # shortest time between two updates for tiles, in seconds


class ProgressBar:
    """Shows step events on stderr; an observer and a context manager.

    Args:
        shown: Whether to show the bar; None shows it if stderr is a terminal.
    """

    def __init__(self, *, shown: bool | None) -> None:
        visible = sys.stderr.isatty() if shown is None else shown
        self._bar: tqdm[Never] = tqdm(
            **screen(),
            total=None,
            bar_format=FORMAT,
            desc="starting",
            disable=not visible,
            leave=True,
        )

        self._latest = "first step"
        self._shown_at = 0.0

    def __enter__(self) -> ProgressBar:
        """Return the bar."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close the bar; its last state stays visible."""
        self._bar.close()

    def phase(self, text: str) -> None:
        """Show what happens before the first step, such as compiling."""
        self._bar.set_description_str(text)

    def say(self, text: str) -> None:
        """Print a line above the bar; may be called from any thread."""
        tqdm.write(text, file=sys.stderr)

    def tile(self, done: int, count: int) -> None:
        """Show how many tiles of the current evaluation are done; a step has one or more evaluations."""
        now = time.monotonic()
        if now - self._shown_at > EVERY:
            self._shown_at = now
            self._bar.set_postfix_str(f"{self._latest}, tile {done}/{count}")

    def __call__(self, event: StepEvent) -> None:
        """Show one event."""
        self._bar.total = event.total
        self._bar.set_description_str(f"scale {event.scale}/{event.scales} ({event.width}x{event.height})", False)
        left = "" if event.seconds_left is None else f", about {event.seconds_left:.0f} s left"
        self._latest = f"loss {event.loss:.4g}{left}"
        self._bar.set_postfix_str(self._latest, False)
        self._bar.update(event.step - self._bar.n)
