"""What a render tells while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEvent:
    """One call of the compiled program has returned.

    Attributes:
        scale: Octave of the pyramid, 1 is the coarsest.
        scales: Number of octaves.
        step: Optimizer steps done over the whole render.
        total: Optimizer steps planned over the whole render.
        height: Rows of the image at this octave, pixels.
        width: Columns of the image at this octave, pixels.
        loss: Objective of the best image so far at this octave.
        seconds_left: Estimate for the rest of the render, seconds; None before the first measurement.
    """

    scale: int
    scales: int
    step: int
    total: int
    height: int
    width: int
    loss: float
    seconds_left: float | None
    _image: Callable[[], Any] = field(repr=False)

    def image(self) -> Any:
        """The best image so far, a `PIL.Image.Image` of the octave's size; made when called."""
        return self._image()


class Observer(Protocol):
    """Anything that can be called with a StepEvent: `print`, a progress bar, a web page."""

    def __call__(self, event: StepEvent, /) -> object:
        """Take note of one event."""
        ...
