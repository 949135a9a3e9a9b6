"""Reports from a render while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from PIL.Image import Image

    from styler.images.picture import Picture
    from styler.recipe import Recipe
    from styler.render.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEvent:
    """The progress of a render after one call of the compiled program.

    Attributes:
        scale: Octave of the pyramid; 1 is the coarsest.
        scales: Number of octaves.
        step: Optimizer steps made in the whole render.
        total: Optimizer steps planned for the whole render.
        height: Rows of the image at this octave, pixels.
        width: Columns of the image at this octave, pixels.
        loss: Lowest objective so far at this octave.
        seconds_left: Estimated time until the render ends, seconds; None before the first measurement.
    """

    scale: int
    scales: int
    step: int
    total: int
    height: int
    width: int
    loss: float
    seconds_left: float | None
    _image: Callable[[], Image] = field(repr=False)
    _picture: Callable[[], Picture] = field(repr=False)
    _recipe: Callable[[], Recipe] | None = field(default=None, repr=False)
    _snapshot: Callable[[], Snapshot | None] | None = field(default=None, repr=False)

    def image(self) -> Image:
        """Return the best image so far, at the octave's size; the image is only made when this is called."""
        return self._image()

    def picture(self) -> Picture:
        """Return the best image so far as floats, with the photo's alpha, color profile and depth."""
        return self._picture()

    def recipe(self) -> Recipe | None:
        """Return everything that is needed to make the best image so far again; None before the first step."""
        return self._recipe() if self._recipe else None

    def snapshot(self) -> Snapshot | None:
        """Return the state to continue from; None if the render has moved on or is part of a batch."""
        return self._snapshot() if self._snapshot else None


Phase: TypeAlias = Callable[[str], object]
"""Called with the name of a task before the first step, such as "loading the network"; a task may take seconds."""


class Observer(Protocol):
    """Anything that can be called with a StepEvent: `print`, a progress bar, a web page."""

    def __call__(self, event: StepEvent, /) -> object:
        """Handle one event."""
        ...
