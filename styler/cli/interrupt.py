"""Ctrl-C between two steps or tiles: the first one waits for a good moment, the second does not."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # the last one when a terminal is closed
STATUS = 130  # of a process that was interrupted
SOON = "stopping at the end of this step or tile; once more quits at once"


class Interrupt:
    """Notes the first SIGINT, SIGTERM or SIGHUP and lets the work decide when to stop; the second one ends the process.

    A KeyboardInterrupt raised at any instruction can be lost, for instance in a callback from C, and the run would
    go on. Python calls its handlers between two of its own instructions, so not while TensorFlow compiles or steps,
    which can take a minute: a thread reads of every signal from a pipe that is written at once. Outside the main
    thread, where Python allows no handlers, it does nothing.

    Args:
        tell: Called with a sentence when the first signal comes, from the thread.
    """

    def __init__(self, tell: Callable[[str], object] | None = None) -> None:
        self._tell = tell
        self._requested = False
        self._before: dict[signal.Signals, object] = {}
        self._pipe_before, self._end = -1, -1

    def __enter__(self) -> Interrupt:
        """Take over the signals, but for those that are to be ignored, as by nohup."""
        if threading.current_thread() is threading.main_thread():
            start, self._end = os.pipe()
            os.set_blocking(self._end, False)
            threading.Thread(target=self._listen, args=(start,), daemon=True, name="styler-interrupt").start()
            self._pipe_before = signal.set_wakeup_fd(self._end, warn_on_full_buffer=False)
            for number in SIGNALS:
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Give the signals back."""
        if self._end < 0:
            return
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._pipe_before)
        os.close(self._end)  # which ends the thread
        self._end = -1

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
            os._exit(STATUS)
        self._requested = True

    def _listen(self, start: int) -> None:
        """Count signals by the bytes of the pipe, which are their numbers."""
        count = 0
        with open(start, "rb", buffering=0) as pipe:
            while came := pipe.read(1):
                count += came[0] in SIGNALS
                if count > 1:
                    os._exit(STATUS)
                if count == 1 and self._tell is not None:
                    self._tell(SOON)
