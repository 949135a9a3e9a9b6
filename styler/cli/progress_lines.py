"""Report the progress of a render as plain lines, for logs: the first after some seconds, later ones further apart."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from types import TracebackType

from styler.progress import StepEvent

EVERY = 10.0  # shortest time between two lines, in seconds
SHARE = 0.05  # of the time since the start; a render of a day prints some hundred lines


class ProgressLines:
    """Says now and then on stderr what a render does, without control characters; an observer and a context manager.

    A thread prints the lines, because compiling, or a step of a large picture, can take a minute.

    Args:
        every: Shortest time between two lines, in seconds.
    """

    def __init__(self, every: float = EVERY) -> None:
        self._every = every
        self._started = time.monotonic()
        self._text = ""
        self._tile = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tell, daemon=True, name="styler-progress")

    def __enter__(self) -> ProgressLines:
        """Begin to print."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Print no more."""
        self._ended.set()
        self._thread.join()

    def phase(self, text: str) -> None:
        """Note what happens before the first step, such as compiling."""
        self._text = text

    def say(self, text: str) -> None:
        """Print a line at once; may be called from any thread."""
        with suppress(OSError):  # if nobody reads stderr any more, the picture still matters
            print(text, file=sys.stderr, flush=True)

    def tile(self, done: int, count: int) -> None:
        """Note how many tiles of the current evaluation are done; a step has one or more evaluations."""
        self._tile = f", tile {done}/{count}"

    def __call__(self, event: StepEvent) -> None:
        """Note one event."""
        left = "" if event.seconds_left is None else f", about {event.seconds_left:.0f} s left"
        scale = f"scale {event.scale}/{event.scales} ({event.width}x{event.height})"
        self._text = f"{scale}: step {event.step} of {event.total}{left}"
        self._tile = ""

    def _tell(self) -> None:
        said = ""
        while not self._ended.wait(max(self._every, SHARE * (time.monotonic() - self._started))):
            text = self._text + self._tile
            if text != said:
                self.say(text)
            said = text
