"""Where a render stands: octaves done, pace, seconds left."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

from styler.errors import CheckpointError
from styler.memory import memory_kills
from styler.recipe import Level
from styler.render.loop import Progress
from styler.render.pyramid import Octave
from styler.render.snapshot import Position

TELLING = ("diverged", "line search")
"""Reasons that the end of a later octave does not outshine."""


@dataclass
class Course:
    """Counts steps and time over the octaves of one render.

    Attributes:
        octaves: The plan, coarse to fine.
        index: Octave under way, from 0.
        done: Steps of finished octaves.
        rows: A line for each finished octave, for the report.
        stop_reason: Of the whole render: "diverged" or "line search" if any octave ended so, else that of the last.
        setbacks: Of finished octaves.
        stages: Of the plan, as plain values.
    """

    octaves: tuple[Octave, ...]
    index: int = 0
    done: int = 0
    rows: list[dict[str, object]] = field(default_factory=list)
    stop_reason: str = "steps"
    setbacks: int = 0
    stages: tuple[dict[str, Any], ...] = ()
    _before: float = 0.0
    _started: float = field(default_factory=time.perf_counter)
    _octave_started: float = field(default_factory=time.perf_counter)
    _pixel_steps: float = 0.0
    _seconds: float = 0.0
    _calls: int = 0
    _last_steps: int = 0

    @property
    def octave(self) -> Octave:
        """The octave under way."""
        return self.octaves[self.index]

    @property
    def seconds(self) -> float:
        """Wall time of the render, whatever went by between a stop and its resumption left out."""
        return self._before + time.perf_counter() - self._started

    @property
    def diverged(self) -> bool:
        """Whether an octave was given up; no further steps are worth while then."""
        return self.stop_reason == "diverged"

    def resume(self, at: Position) -> None:
        """Go on from where a checkpoint was made.

        Raises:
            CheckpointError: There is no such place in this plan.
        """
        if not (0 <= at.octave < len(self.octaves) and 0 <= at.made <= self.octaves[at.octave].steps):
            expected = f"a checkpoint of a render with {len(self.octaves)} octaves was expected"
            message = f"{expected}, it stands at octave {at.octave + 1}, step {at.made}"
            raise CheckpointError(message)
        self.index, self.done, self.rows, self.stop_reason = at.octave, at.done, list(at.rows), at.stop_reason
        self.setbacks, self._before, self._last_steps = at.setbacks, at.seconds, at.made

    def retile(self, tile: int) -> None:
        """Tiles of the octave under way are of this size now, whatever the plan said."""
        values = self.stages[self.index : self.index + 1]
        changed = tuple({**each, "tile": tile} for each in values)
        self.stages = (*self.stages[: self.index], *changed, *self.stages[self.index + 1 :])

    def note(self, progress: Progress) -> None:
        """Take in one call; the first one of an octave may have compiled and tells nothing of the pace."""
        if not progress.seconds_a_step:
            return
        made = progress.steps - self._last_steps
        self._last_steps = progress.steps
        self._calls += 1
        if self._calls > 1:
            self._pixel_steps += made * self.octave.pixels
            self._seconds += made * progress.seconds_a_step

    @property
    def total(self) -> int:
        """Steps of the whole render, if no further octave converges early."""
        return self.done + sum(octave.steps for octave in self.octaves[self.index :])

    def seconds_left(self, made: int) -> float | None:
        """By the mean time a step and pixel so far; None before the first measurement."""
        if not self._pixel_steps:
            return None
        left = (self.octave.steps - made) * self.octave.pixels
        left += sum(octave.steps * octave.pixels for octave in self.octaves[self.index + 1 :])
        return left * self._seconds / self._pixel_steps

    def levels(self, made: int) -> tuple[Level, ...]:
        """The octaves so far as a recipe has them, as if the render ended after so many steps at this one."""
        before = zip(self.stages, self.rows, strict=False)
        done = (Level(done=int(str(row["steps"])), **stage) for stage, row in before)
        return (*done, Level(**{**self.stages[self.index], "steps": made, "done": made}))

    def position(self, progress: Progress) -> Position:
        """Where the render stands after a call at the octave under way."""
        return Position(
            octave=self.index,
            made=progress.steps,
            done=self.done,
            reason=progress.reason,
            stop_reason=self.stop_reason,
            setbacks=self.setbacks,
            seconds=self.seconds,
            rows=tuple(self.rows),
            stages=self.stages,
            kills=memory_kills(),
        )

    def finish_octave(self, progress: Progress) -> None:
        """Close the octave under way with a line for the report; a loss that is not finite is told as None."""
        (state, watch), made, _, reason = progress
        loss = float(state.value)
        now = time.perf_counter()
        size = self.octave.size
        self.rows.append(
            {
                "height": size.height,
                "width": size.width,
                "steps": made,
                "evaluations": int(state.evaluations),
                "seconds": round(now - self._octave_started, 3),
                "loss": loss if math.isfinite(loss) else None,
                "stop_reason": reason,
                "setbacks": int(watch.setbacks),
            }
        )
        if self.stop_reason not in TELLING:
            self.stop_reason = reason
        self.setbacks += int(watch.setbacks)
        self.done += made
        self.index += 1
        self._octave_started, self._calls, self._last_steps = now, 0, 0
