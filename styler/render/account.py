"""Keeps count of a render: octaves, steps, speed, time left."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from styler.errors import CheckpointError
from styler.memory import memory_kills
from styler.recipe import Level
from styler.render.octave import Octave, Pace
from styler.render.pyramid import Stage
from styler.render.snapshot import Position

FAILURES = ("diverged", "line search")
"""Stop reasons that the reason of a later octave does not replace."""
HALF_LIFE = 10.0  # seconds of steps after which a measured speed counts half, because other programs come and go and
# larger octaves take more time a pixel


@dataclass
class Account:
    """Counts steps and time over the octaves of one render.

    Attributes:
        stages: The plan, coarse to fine.
        index: Index of the current octave, from 0.
        done: Steps of finished octaves.
        levels: All octaves: finished ones as they were made, the others as planned.
        rows: A row for each finished octave, for the report.
        stop_reason: Reason of the whole render: "diverged" or "line search" if any octave ended for that reason,
            otherwise the reason of the last octave.
        setbacks: Setbacks of finished octaves.
        history: Steps made so far and the lowest loss of their octave, after each call that made some.
    """

    stages: Sequence[Stage]
    index: int = 0
    done: int = 0
    levels: list[Level] = field(init=False)
    rows: list[dict[str, object]] = field(default_factory=list)
    stop_reason: str = "steps"
    setbacks: int = 0
    history: list[tuple[int, float]] = field(default_factory=list)
    _before: float = 0.0
    _started: float = field(default_factory=time.perf_counter)
    _octave_started: float = field(default_factory=time.perf_counter)
    _pixel_steps: float = 0.0
    _seconds: float = 0.0
    _calls: int = 0

    def __post_init__(self) -> None:
        """Fill `levels` with the planned octaves."""
        self.levels = [stage.level() for stage in self.stages]

    @property
    def seconds(self) -> float:
        """Wall time of the render, without the time between a stop and its resumption."""
        return self._before + time.perf_counter() - self._started

    @property
    def diverged(self) -> bool:
        """Whether an octave diverged; further steps are then useless."""
        return self.stop_reason == "diverged"

    @property
    def total(self) -> int:
        """Steps of the whole render, unless another octave ends early."""
        return self.done + sum(stage.steps for stage in self.stages[self.index :])

    def resume(self, at: Position) -> None:
        """Continue from a checkpoint.

        Raises:
            CheckpointError: The plan has no such position.
        """
        has_octave = 0 <= at.octave < len(self.stages)
        if not (has_octave and 0 <= at.made <= self.stages[at.octave].steps):
            expected = f"expected a checkpoint of a render with {len(self.stages)} octaves"
            message = f"{expected}, got one at octave {at.octave + 1}, step {at.made}"
            raise CheckpointError(message)
        self.index = at.octave
        self.done = at.done
        self.rows = list(at.rows)
        self.stop_reason = at.stop_reason
        self.setbacks = at.setbacks
        self._before = at.seconds
        self.history = list(at.history)
        self.levels[: at.octave] = at.levels[: at.octave]

    def most_steps(self, made: int, event_every: int | None) -> int:
        """Return the maximum number of steps for the next call.

        Args:
            made: Steps made at this octave.
            event_every: Number of steps; an event is due at every multiple of it. None for no limit.
        """
        if not event_every:
            return self.stages[self.index].steps - made
        steps_since_event = (self.done + made) % event_every
        return event_every - steps_since_event

    def note(self, octave: Octave, pace: Pace | None) -> None:
        """Count one call; the first call of an octave may compile, so it does not count for the speed."""
        self.levels[self.index] = octave.stage.level(octave.made)
        if pace is None or not pace.steps:
            return
        loss = float(octave.descent.watch.best)
        if math.isfinite(loss):
            self.history.append((self.done + octave.made, loss))
        self._calls += 1
        if self._calls > 1:
            lasting = 0.5 ** (pace.seconds / HALF_LIFE)
            self._pixel_steps = lasting * self._pixel_steps + pace.steps * octave.stage.pixels
            self._seconds = lasting * self._seconds + pace.seconds

    def seconds_left(self, made: int) -> float | None:
        """Estimate the time left from the recent time per step and pixel; None before the first measurement.

        Args:
            made: Steps made at this octave.
        """
        if not self._pixel_steps:
            return None
        stages = self.stages[self.index :]
        planned = sum(stage.steps * stage.pixels for stage in stages)
        left = planned - made * stages[0].pixels
        return left * self._seconds / self._pixel_steps

    def levels_after(self, octave: Octave) -> tuple[Level, ...]:
        """Return the octaves for a recipe, as if the render had ended here."""
        last = octave.stage.level(octave.made)._replace(steps=octave.made)
        return (*self.levels[: self.index], last)

    def position(self, octave: Octave) -> Position:
        """Return the position of the render after a call at the current octave."""
        return Position(
            octave=self.index,
            made=octave.made,
            done=self.done,
            reason=octave.reason,
            stop_reason=self.stop_reason,
            setbacks=self.setbacks,
            seconds=self.seconds,
            rows=tuple(self.rows),
            levels=tuple(self.levels),
            history=tuple(self.history),
            kills=memory_kills(),
        )

    def finish_octave(self, octave: Octave) -> None:
        """End the current octave and add its row to the report; a loss that is not finite is reported as None."""
        state, watch = octave.descent
        size = octave.stage.size
        loss = float(state.value)
        now = time.perf_counter()
        row: dict[str, Any] = {
            "height": size.height,
            "width": size.width,
            "steps": octave.made,
            "evaluations": int(state.evaluations),
            "seconds": round(now - self._octave_started, 3),
            "loss": loss if math.isfinite(loss) else None,
            "stop_reason": octave.reason,
            "setbacks": int(watch.setbacks),
        }
        self.rows.append(row)
        self.levels[self.index] = octave.stage.level(octave.made)
        if self.stop_reason not in FAILURES:
            self.stop_reason = octave.reason
        self.setbacks += int(watch.setbacks)
        self.done += octave.made
        self.index += 1
        self._octave_started = now
        self._calls = 0
