"""The outcome of a render: the finished picture, measurements and warnings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from styler.images.amounts import is_colored
from styler.images.picture import Picture, Pixels
from styler.images.resampling import resampled, resampled_colors
from styler.inputs import Inputs
from styler.recipe import Level
from styler.render.flaws import flaws, glimpse
from styler.types import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A finished picture with measurements and warnings.

    Attributes:
        pixels: The picture, float32 (H, W, 3), 0..1.
        octaves: One row per octave: size, steps, evaluations, seconds, final loss.
        style_distances: Style layer -> relative style distance of the result.
        content_distances: Content layer -> distance of the result.
        history: Steps made so far and the lowest loss of their octave, after each call of the compiled program.
        stop_reason: "steps" after all steps; "converged" or "line search" if the optimizer stopped early; "diverged" if
            it kept diverging; "one pass" without an optimizer; "strength" if the strength asks for the photo itself.
        setbacks: Number of times that the optimizer diverged and went back to its best image.
        notes: Remarks about the render that its user may want to know.
        warnings: Flaws that `styler.render.flaws` found, and whether the optimizer diverged.
        seconds: Wall time of the render.
        plan: The schedule, as plain values.
        levels: Octaves as they were made.
        tile: Side of the tiles of the one pass, pixels; None for one piece or another kind of render.
        memory: Actions that were taken when memory ran low, and the bytes of the last octave's buffers by name.
    """

    pixels: Pixels
    octaves: list[dict[str, object]]
    style_distances: dict[str, float]
    content_distances: dict[str, float]
    stop_reason: str
    seconds: float
    history: tuple[tuple[int, float], ...] = ()
    setbacks: int = 0
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    tile: int | None = None
    plan: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)


def with_belongings(photo: Picture, pixels: Pixels) -> Picture:
    """Add the photo's other data to rendered pixels: alpha at the new size, profile, depth, camera fields."""
    alpha = photo.alpha
    if alpha is not None:
        alpha = resampled(alpha[..., None], Size(*pixels.shape[:2]))[..., 0]
    return replace(
        photo,
        pixels=pixels,
        alpha=alpha,
        source=None,
    )


def warnings_about(outcome: Outcome, inputs: Inputs[Picture]) -> Iterator[str]:
    """Yield warnings about a picture for its user."""
    if outcome.stop_reason == "diverged":
        yield "the optimizer diverged again and again; this is its best image. Try a smaller --learning-rate"
    elif outcome.setbacks:
        yield f"the optimizer diverged {outcome.setbacks} times and continued from its best image with smaller steps"
    size = Size(*outcome.pixels.shape[:2])
    yield from flaws(glimpse(outcome.pixels), _glimpses(inputs, size))


def notes_about(inputs: Inputs[Picture], left_out: Mapping[tuple[str, str], int]) -> Iterator[str]:
    """Yield a sentence about each gray mask in color, and each region that was too small for some layers.

    Args:
        inputs: Pictures of the render.
        left_out: Color of the region, layer -> longer side of the largest octave at which it was.
    """
    for mask, option in ((inputs.keep, "--keep"), (inputs.strength_map, "--strength-map")):
        if mask is not None and is_colored(mask):
            yield f"the mask of {option} is in color; its lightness is used"
    for color in dict.fromkeys(color for color, _ in left_out):
        places = [f"{layer} up to {side} pixels" for (own, layer), side in left_out.items() if own == color]
        yield f"the region {color} is too small for {', '.join(places)}, and takes no style there"


def _glimpses(inputs: Inputs[Picture], size: Size) -> Iterator[Pixels]:
    """Yield small versions of the inputs one by one, because they are only needed if the result has a flaw."""
    yield glimpse(resampled_colors(inputs.photo, size))
    yield from (glimpse(painting.pixels) for painting in inputs.paintings)
