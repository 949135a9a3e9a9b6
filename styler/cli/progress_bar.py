"""A tqdm bar with scale, step, loss and seconds left."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Never

from tqdm import tqdm

from styler.progress import StepEvent

FORMAT = "{desc} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} steps{postfix}"


class ProgressBar:
    """Shows step events on stderr; an observer and a context manager.

    Args:
        shown: Whether to show anything; None asks whether stderr is a terminal.
    """

    def __init__(self, *, shown: bool | None) -> None:
        visible = sys.stderr.isatty() if shown is None else shown
        self._bar: tqdm[Never] = tqdm(total=None, bar_format=FORMAT, desc="starting", disable=not visible, leave=True)

    def __enter__(self) -> ProgressBar:
        """The bar itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Leave the bar as it stands."""
        self._bar.close()

    def __call__(self, event: StepEvent) -> None:
        """Take in one event."""
        self._bar.total = event.total
        self._bar.set_description_str(f"scale {event.scale}/{event.scales} ({event.width}x{event.height})", False)
        left = "" if event.seconds_left is None else f", {event.seconds_left:.0f} s left"
        self._bar.set_postfix_str(f"loss {event.loss:.4g}{left}", False)
        self._bar.update(event.step - self._bar.n)
