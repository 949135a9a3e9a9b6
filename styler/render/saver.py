"""When a checkpoint is written, and what happens when it cannot be."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from styler.errors import OutputError
from styler.progress import StepEvent
from styler.render.checkpoint import Checkpoint, write_checkpoint

EVERY = 30.0  # seconds between two checkpoints: as much as a kill may cost
LONG = 60.0  # seconds; who loses a shorter render starts it again sooner than he looks up how to resume it
LEAST_REST = 20.0  # times as long as a checkpoint took, it rests: they cost at most 5 % of the time


class Saver:
    """An observer of step events that writes a checkpoint now and then.

    Args:
        path: Where it goes; None for nowhere.
        job: What is rendered, see `styler.render.job`.
        every: Seconds between two checkpoints; 0 for one at each event.
        always: Whether short renders have one too, else those predicted above `LONG` seconds.
        active: Whether there is one already, which this render goes on from.
        replace: Whether a file of that name may be replaced, such as the checkpoint that is resumed.
        tell: Called once with what is wrong if one cannot be written; the render goes on.

    Attributes:
        active: Whether there is a checkpoint of this render.
    """

    def __init__(
        self,
        path: Path | None,
        job: Mapping[str, Any],
        *,
        tell: Callable[[str], object],
        every: float = EVERY,
        always: bool = False,
        active: bool = False,
        replace: bool = False,
    ) -> None:
        self.path, self._job, self._every, self._always = path, job, every, always
        self._tell, self._told, self._replace = tell, False, replace
        self.active = active
        self._started = self._last = time.monotonic()
        self._rest = every
        self._latest: StepEvent | None = None

    def __call__(self, event: StepEvent) -> None:
        """Take in an event; write if it is time."""
        self._latest = event
        if self.path is not None and self._due(event):
            self.save()

    def _due(self, event: StepEvent) -> bool:
        now = time.monotonic()
        if now - self._last < self._rest:
            return False
        return self.active or self._always or now - self._started + (event.seconds_left or 0.0) > LONG

    def save(self) -> bool:
        """Write the latest state, whether or not it is time; returns whether it is on the disk."""
        snapshot = self._latest.snapshot() if self._latest else None
        if self.path is None or snapshot is None:
            return False
        began = time.monotonic()
        try:
            write_checkpoint(self.path, Checkpoint(job=self._job, snapshot=snapshot), overwrite=self._replace)
        except OutputError as problem:
            self._report(problem)
            return False
        finally:
            self._last = time.monotonic()
            self._rest = max(self._every, LEAST_REST * (self._last - began)) if self._every else 0.0
        self._replace = self.active = True
        return True

    def finish(self) -> None:
        """The picture is made but not written: keep that, if the render has a checkpoint at all."""
        if self.active:
            self.save()

    def remove(self) -> None:
        """The picture is written: nothing is left to resume."""
        if self.path is not None and self._replace:
            self.path.unlink(missing_ok=True)

    def _report(self, problem: OutputError) -> None:
        if not self._told:
            self._tell(f"{problem}; the render goes on, and what was saved before stays")
        self._told = True
