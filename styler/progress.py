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
        loss: Lowest objective so far at this octave.
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
    _snapshot: Callable[[], Any] | None = field(default=None, repr=False)
    _picture: Callable[[], Any] | None = field(default=None, repr=False)
    _recipe: Callable[[], Any] | None = field(default=None, repr=False)

    def image(self) -> Any:
        """The best image so far, a `PIL.Image.Image` of the octave's size; made when called."""
        return self._image()

    def picture(self) -> Any:
        """The same as floats with the photo's alpha, profile and depth, a `styler.images.picture.Picture`, or None."""
        return self._picture() if self._picture else None

    def recipe(self) -> Any:
        """How that picture is made again, a `styler.recipe.Recipe`; None where no step led to it."""
        return self._recipe() if self._recipe else None

    def snapshot(self) -> Any:
        """All that is needed to go on from here, a `styler.render.snapshot.Snapshot`; None where it cannot be had."""
        return self._snapshot() if self._snapshot else None


class Observer(Protocol):
    """Anything that can be called with a StepEvent: `print`, a progress bar, a web page."""

    def __call__(self, event: StepEvent, /) -> object:
        """Take note of one event."""
        ...
