"""The account of a render: octaves and steps done, pace, seconds left."""

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

TELLING = ("diverged", "line search")
"""Reasons that the end of a later octave does not outshine."""


@dataclass
class Account:
    """Counts steps and time over the octaves of one render.

    Attributes:
        stages: The plan, coarse to fine.
        index: Octave under way, from 0.
        done: Steps of finished octaves.
        levels: Octaves as they were made or else are planned.
        rows: A line for each finished octave, for the report.
        stop_reason: Of the whole render: "diverged" or "line search" if any octave ended so, else that of the last.
        setbacks: Of finished octaves.
    """

    stages: Sequence[Stage]
    index: int = 0
    done: int = 0
    levels: list[Level] = field(init=False)
    rows: list[dict[str, object]] = field(default_factory=list)
    stop_reason: str = "steps"
    setbacks: int = 0
    _before: float = 0.0
    _started: float = field(default_factory=time.perf_counter)
    _octave_started: float = field(default_factory=time.perf_counter)
    _pixel_steps: float = 0.0
    _seconds: float = 0.0
    _calls: int = 0

    def __post_init__(self) -> None:
        """As planned."""
        self.levels = [stage.level() for stage in self.stages]

    @property
    def seconds(self) -> float:
        """Wall time of the render, whatever went by between a stop and its resumption left out."""
        return self._before + time.perf_counter() - self._started

    @property
    def diverged(self) -> bool:
        """Whether an octave was given up; no further steps are worth while then."""
        return self.stop_reason == "diverged"

    @property
    def total(self) -> int:
        """Steps of the whole render, if no further octave converges early."""
        return self.done + sum(stage.steps for stage in self.stages[self.index :])

    def resume(self, at: Position) -> None:
        """Go on from where a checkpoint was made.

        Raises:
            CheckpointError: There is no such place in this plan.
        """
        if not (0 <= at.octave < len(self.stages) and 0 <= at.made <= self.stages[at.octave].steps):
            expected = f"a checkpoint of a render with {len(self.stages)} octaves was expected"
            message = f"{expected}, it stands at octave {at.octave + 1}, step {at.made}"
            raise CheckpointError(message)
        self.index, self.done, self.rows, self.stop_reason = at.octave, at.done, list(at.rows), at.stop_reason
        self.setbacks, self._before = at.setbacks, at.seconds
        self.levels[: at.octave] = at.levels[: at.octave]

    def most_steps(self, made: int, event_every: int | None) -> int:
        """Steps of the octave under way until an event is due; all that are left where none is asked for."""
        if not event_every:
            return self.stages[self.index].steps - made
        return event_every - (self.done + made) % event_every

    def note(self, octave: Octave, pace: Pace | None) -> None:
        """Take in one call; the first one of an octave may have compiled and tells nothing of the pace."""
        self.levels[self.index] = octave.stage.level(octave.made)
        if pace is None or not pace.steps:
            return
        self._calls += 1
        if self._calls > 1:
            self._pixel_steps += pace.steps * octave.stage.pixels
            self._seconds += pace.seconds

    def seconds_left(self, made: int) -> float | None:
        """By the mean time a step and pixel so far; None before the first measurement."""
        if not self._pixel_steps:
            return None
        left = -made * self.stages[self.index].pixels
        left += sum(stage.steps * stage.pixels for stage in self.stages[self.index :])
        return left * self._seconds / self._pixel_steps

    def levels_after(self, octave: Octave) -> tuple[Level, ...]:
        """The octaves so far as a recipe has them, as if the render had ended here."""
        last = octave.stage.level(octave.made)._replace(steps=octave.made)
        return (*self.levels[: self.index], last)

    def position(self, octave: Octave) -> Position:
        """Where the render stands after a call at the octave under way."""
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
            kills=memory_kills(),
        )

    def finish_octave(self, octave: Octave) -> None:
        """Close the octave under way with a line for the report; a loss that is not finite is told as None."""
        (state, watch), size = octave.descent, octave.stage.size
        loss, now = float(state.value), time.perf_counter()
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
        if self.stop_reason not in TELLING:
            self.stop_reason = octave.reason
        self.setbacks += int(watch.setbacks)
        self.done += octave.made
        self.index += 1
        self._octave_started, self._calls = now, 0
