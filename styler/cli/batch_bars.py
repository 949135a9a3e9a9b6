"""Show the progress of a batch: one tqdm bar for the whole batch and one for each running job."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Never

from tqdm import tqdm

from styler.batch.events import BatchEvent, Ended, Planned, Started, Stepped
from styler.batch.ledger import FAILED
from styler.cli.status import screen
from styler.errors import shown

WHOLE = "{desc} {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} jobs{postfix}"
PART = "  {desc:.40} {percentage:3.0f}% |{bar}|{postfix}"


class BatchBars:
    """Shows the events of a batch on stderr; an observer and a context manager.

    Args:
        visible: Whether to show the bars; None shows them if stderr is a terminal.
    """

    def __init__(self, *, visible: bool | None) -> None:
        self._visible = sys.stderr.isatty() if visible is None else visible
        self._whole: tqdm[Never] = tqdm(
            **screen(),
            bar_format=WHOLE,
            desc="batch",
            disable=not self._visible,
            position=0,
        )
        self._parts: dict[str, tuple[int, tqdm[Never]]] = {}  # job -> its worker and its bar
        self._failed = 0

    def __enter__(self) -> BatchBars:
        """Return the bars."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close all bars; the bar of the batch stays visible."""
        for _, bar in self._parts.values():
            bar.close()
        self._whole.close()

    @property
    def running(self) -> list[str]:
        """Names of the pictures that are being rendered."""
        return list(self._parts)

    def say(self, text: str) -> None:
        """Print a line above the bars; may be called from any thread."""
        tqdm.write(text, file=sys.stderr)

    def __call__(self, event: BatchEvent) -> None:
        """Show one event."""
        if isinstance(event, Planned):
            self._whole.total = event.jobs
            self._whole.refresh()
        elif isinstance(event, Started):
            self._begin(event)
        elif isinstance(event, Stepped):
            self._step(event)
        else:
            self._end(event)

    def _begin(self, event: Started) -> None:
        for name, (worker, earlier) in list(self._parts.items()):
            if worker == event.worker and earlier.n == earlier.total:  # rendered already, but still being written
                self._close(name)
        taken = {bar.pos for _, bar in self._parts.values()}
        position = next(place for place in range(1, len(taken) + 2) if -place not in taken)
        bar: tqdm[Never] = tqdm(
            bar_format=PART,
            desc=shown(event.job.name),
            disable=not self._visible,
            position=position,
            leave=False,
        )
        self._parts[event.job.name] = event.worker, bar

    def _step(self, event: Stepped) -> None:
        _, bar = self._parts.get(event.job.name, (0, None))
        if bar is None:
            return
        bar.total = event.total
        if event.seconds_left is not None:
            bar.set_postfix_str(f"{event.seconds_left:.0f} s left", refresh=False)
        bar.update(event.step - bar.n)

    def _end(self, event: Ended) -> None:
        self._close(event.job.name)
        if event.outcome is None:
            return
        self._failed += event.outcome.state == FAILED
        facts = [f"{self._failed} failed"] if self._failed else []
        if event.seconds_left is not None:
            facts.append(f"{_duration(event.seconds_left)} left")
        self._whole.set_postfix_str(", ".join(facts), refresh=False)
        self._whole.update(1)

    def _close(self, name: str) -> None:
        if name in self._parts:
            self._parts.pop(name)[1].close()


def _duration(seconds: float) -> str:
    return str(tqdm.format_interval(seconds))
