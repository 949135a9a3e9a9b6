"""Decides when to write a checkpoint, and what to do if that fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from styler.errors import OutputError
from styler.progress import StepEvent
from styler.render.checkpoint import Checkpoint, write_checkpoint

EVERY = 30.0  # seconds between two checkpoints: the most work that is lost if the process is killed
LONG = 60.0  # seconds; for a shorter render, a new start is quicker than a resumption
LEAST_REST = 20.0  # pause after a checkpoint, as a multiple of its duration: checkpoints take at most 5 % of the time


class Saver:
    """An observer of step events that writes a checkpoint from time to time.

    Args:
        path: File of the checkpoint; None for no checkpoints.
        job: Description of the render, see `styler.render.job`.
        every: Seconds between two checkpoints; 0 writes one at each event.
        always: Whether short renders get a checkpoint too; otherwise only renders that are predicted to take more than
            `LONG` seconds get one.
        active: Whether this render continues from an existing checkpoint.
        replace: Whether an existing file may be replaced, such as the checkpoint that is resumed.
        tell: Called once with an error message if a checkpoint cannot be written; the render continues.

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
        self.path = path
        self.active = active
        self._job = job
        self._every = every
        self._always = always
        self._replace = replace
        self._tell = tell
        self._has_told = False
        self._started = self._last = time.monotonic()
        self._rest = every
        self._latest: StepEvent | None = None

    def __call__(self, event: StepEvent) -> None:
        """Write a checkpoint if one is due."""
        self._latest = event
        if self.path is not None and self._due(event):
            self.save()

    def _due(self, event: StepEvent) -> bool:
        now = time.monotonic()
        if now - self._last < self._rest:
            return False
        predicted = now - self._started + (event.seconds_left or 0.0)
        return self.active or self._always or predicted > LONG

    def save(self) -> bool:
        """Write the latest state, even if no checkpoint is due; return whether it was written."""
        snapshot = self._latest.snapshot() if self._latest else None
        if self.path is None or snapshot is None:
            return False
        checkpoint = Checkpoint(job=self._job, snapshot=snapshot)
        began = time.monotonic()
        try:
            write_checkpoint(self.path, checkpoint, overwrite=self._replace)
        except OutputError as problem:
            self._report(problem)
            return False
        finally:
            self._last = time.monotonic()
            self._rest = max(self._every, LEAST_REST * (self._last - began)) if self._every else 0.0
        self._replace = self.active = True
        return True

    def store(self, name: str, value: Any) -> None:
        """Store a plain value among the caller's choices, in every checkpoint from now on."""
        self._job = {**self._job, "choices": {**self._job["choices"], name: value}}

    def finish(self) -> None:
        """Save the final state if the render has a checkpoint; call this before the picture is written."""
        if self.active:
            self.save()

    def remove(self) -> None:
        """Remove the checkpoint; call this after the picture is written."""
        if self.path is not None and self._replace:
            self.path.unlink(missing_ok=True)

    def _report(self, problem: OutputError) -> None:
        if not self._has_told:
            self._tell(f"{problem}; the render continues, and the last checkpoint stays")
        self._has_told = True
