"""A finished picture with what is worth telling about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from styler.images.picture import Picture, Pixels
from styler.images.resampling import resampled, resampled_colors
from styler.inputs import Inputs
from styler.recipe import Level
from styler.render.flaws import flaws, glimpse
from styler.types import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A finished picture with what is worth telling about it.

    Attributes:
        pixels: float32 (H, W, 3), 0..1.
        octaves: A line for each octave: size, steps, evaluations, seconds, loss at the end.
        style_distances: Style layer -> relative style distance of the result.
        content_distances: Content layer -> distance of the result.
        history: Steps made so far and the lowest loss of their octave, after each call of the compiled program.
        stop_reason: "steps"; "converged" or "line search" where the optimizer ended before; "diverged" where nothing
            kept it from going astray; "strength" when the photo itself was asked for.
        setbacks: How often the optimizer went astray and was set back.
        warnings: What is wrong with the picture to the eye of `styler.render.flaws`, and that it diverged.
        seconds: Wall time of the render.
        plan: What was planned, as plain values.
        levels: Octaves as they were made.
        memory: What was done when memory ran low, and the buffers of the last octave, bytes by name.
    """

    pixels: Pixels
    octaves: list[dict[str, object]]
    style_distances: dict[str, float]
    content_distances: dict[str, float]
    stop_reason: str
    seconds: float
    history: tuple[tuple[int, float], ...] = ()
    setbacks: int = 0
    warnings: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    plan: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)


def with_belongings(photo: Picture, pixels: Pixels) -> Picture:
    """Rendered pixels with what the photo brings along: alpha at the new size, profile, depth, camera fields."""
    alpha = photo.alpha
    if alpha is not None:
        alpha = resampled(alpha[..., None], Size(*pixels.shape[:2]))[..., 0]
    return replace(photo, pixels=pixels, alpha=alpha, source=None)


def warnings_about(outcome: Outcome, inputs: Inputs[Picture]) -> Iterator[str]:
    """What the owner of a picture should know before using it."""
    if outcome.stop_reason == "diverged":
        yield "the optimizer went astray again and again; this is its best image. Try a smaller --learning-rate"
    elif outcome.setbacks:
        yield f"the optimizer went astray {outcome.setbacks} times and went on from its best image with smaller steps"
    size = Size(*outcome.pixels.shape[:2])
    yield from flaws(glimpse(outcome.pixels), _glimpses(inputs, size))


def _glimpses(inputs: Inputs[Picture], size: Size) -> Iterator[Pixels]:
    """One by one, since they are looked at only where the result has a flaw."""
    yield glimpse(resampled_colors(inputs.photo, size))
    yield from (glimpse(painting.pixels) for painting in inputs.paintings)
