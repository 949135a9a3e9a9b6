"""Where a render stands: octaves done, pace, seconds left."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from styler.render.loop import Progress
from styler.render.pyramid import Octave


@dataclass
class Course:
    """Counts steps and time over the octaves of one render.

    Attributes:
        octaves: The plan, coarse to fine.
        index: Octave under way, from 0.
        done: Steps of finished octaves.
        rows: A line for each finished octave, for the report.
    """

    octaves: tuple[Octave, ...]
    index: int = 0
    done: int = 0
    rows: list[dict[str, object]] = field(default_factory=list)
    stop_reason: str = "steps"
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
        """Wall time since the render began."""
        return time.perf_counter() - self._started

    def note(self, progress: Progress) -> None:
        """Take in one call; the first one of an octave may have compiled and tells nothing of the pace."""
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

    def finish_octave(self, made: int, evaluations: int, loss: float) -> None:
        """Close the octave under way with a line for the report."""
        now = time.perf_counter()
        size = self.octave.size
        self.rows.append(
            {
                "height": size.height,
                "width": size.width,
                "steps": made,
                "evaluations": evaluations,
                "seconds": round(now - self._octave_started, 3),
                "loss": loss,
            }
        )
        self.stop_reason = "converged" if made < self.octave.steps else "steps"
        self.done += made
        self.index += 1
        self._octave_started, self._calls, self._last_steps = now, 0, 0
