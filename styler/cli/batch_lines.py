"""Report the progress of a batch as plain lines, for logs: one line for each job that ends."""

from __future__ import annotations

import sys
from contextlib import suppress

from tqdm import tqdm

from styler.batch.events import SKIPPED, BatchEvent, Ended, Outcome, Planned
from styler.batch.ledger import FAILED
from styler.errors import shown


class BatchLines:
    """Prints the events of a batch on stderr, without control characters; an observer.

    Jobs that an earlier run has done are counted but not listed, because there may be thousands of them.
    """

    def __init__(self) -> None:
        self._jobs = 0
        self._ended = 0

    def __call__(self, event: BatchEvent) -> None:
        """Print a line if the batch begins, or if a job ends or will be retried."""
        if isinstance(event, Planned):
            self._jobs = event.jobs
            _say(f"batch: {event.jobs} jobs, {event.todo} to render")
        elif isinstance(event, Ended):
            if event.outcome is None:
                _say(f"{shown(event.job.name)}: will be retried: {event.reason}")
            else:
                self._end(event.outcome, event.seconds_left)

    def _end(self, outcome: Outcome, seconds_left: float | None) -> None:
        self._ended += 1
        if outcome.state == SKIPPED:
            return
        result = f"failed: {outcome.error}" if outcome.state == FAILED else f"{outcome.seconds:.1f} s"
        left = f", about {tqdm.format_interval(seconds_left)} left" if seconds_left else ""
        _say(f"{self._ended}/{self._jobs} {shown(outcome.job.name)}: {result}{left}")


def _say(text: str) -> None:
    with suppress(OSError):  # if nobody reads stderr any more, the pictures still matter
        print(text, file=sys.stderr, flush=True)
