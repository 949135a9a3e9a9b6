"""Ctrl-C between two steps: the first one waits for a good moment, the second does not."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class Interrupt:
    """Notes the first SIGINT or SIGTERM and lets the work decide when to stop; the second one acts at once.

    A KeyboardInterrupt raised at any instruction can be lost, for instance in a callback from C, and the run would
    go on. Outside the main thread, where Python allows no handlers, it does nothing.
    """

    def __init__(self) -> None:
        self._requested = False
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Interrupt:
        """Take over both signals."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Give both signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    @property
    def requested(self) -> bool:
        """Whether a signal came."""
        return self._requested

    def check(self) -> None:
        """Stop here if a signal came.

        Raises:
            KeyboardInterrupt: One did.
        """
        if self._requested:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._requested:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self._requested = True
