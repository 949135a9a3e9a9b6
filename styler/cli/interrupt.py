"""Handle Ctrl-C: the first one stops the work after the current step or tile, the second one stops at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # SIGHUP is sent when a terminal is closed
STATUS = 130  # exit status of an interrupted process
SOON = "stopping after this step or tile; press Ctrl-C again to quit at once"


class Interrupt:
    """Handles SIGINT, SIGTERM and SIGHUP: after the first signal, the work decides when to stop; the second one quits.

    A KeyboardInterrupt that is raised at an arbitrary instruction can be lost, for example in a callback from C, and
    the run would continue. Python runs signal handlers only between its own instructions, so none runs while
    TensorFlow compiles or computes a step, which can take a minute. Therefore a thread reads the signals from a pipe
    that Python writes to at once. Outside the main thread, where Python allows no handlers, this class does nothing.

    Args:
        tell: Called with a sentence when the first signal arrives. The call comes from the thread.
    """

    def __init__(self, tell: Callable[[str], object] | None = None) -> None:
        self._tell = tell
        self._requested = False
        self._before: dict[signal.Signals, object] = {}
        self._pipe_before = -1
        self._end = -1

    def __enter__(self) -> Interrupt:
        """Install handlers, except for signals that are ignored, for example under nohup."""
        if threading.current_thread() is threading.main_thread():
            start, self._end = os.pipe()
            os.set_blocking(self._end, False)
            threading.Thread(
                target=self._listen,
                args=(start,),
                daemon=True,
                name="styler-interrupt",
            ).start()
            self._pipe_before = signal.set_wakeup_fd(self._end, warn_on_full_buffer=False)
            for number in SIGNALS:
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Restore the previous handlers."""
        if self._end < 0:
            return
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        signal.set_wakeup_fd(self._pipe_before)
        os.close(self._end)  # ends the thread
        self._end = -1

    @property
    def requested(self) -> bool:
        """Whether a signal was received."""
        return self._requested

    def check(self) -> None:
        """Stop here if a signal was received.

        Raises:
            KeyboardInterrupt: A signal was received.
        """
        if self._requested:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._requested:
            os._exit(STATUS)
        self._requested = True

    def _listen(self, start: int) -> None:
        """Count the signals; each one arrives in the pipe as a byte with its number."""
        count = 0
        with open(start, "rb", buffering=0) as pipe:
            while came := pipe.read(1):
                count += came[0] in SIGNALS
                if count > 1:
                    os._exit(STATUS)
                if count == 1 and self._tell is not None:
                    self._tell(SOON)
