"""The plan of a render: which octaves, how many steps at each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from styler.config import SMALLEST_OCTAVE, RenderConfig
from styler.images.sizes import octaves, with_longer_side
from styler.recipe import Level, Plan
from styler.render.buffers import Buffers
from styler.types import Size

SHRINK = 2**-0.5  # steps of an octave against the next coarser one, so inversely to the side. Against equal steps
# (crowsonkb's style-transfer-pytorch: 1,000, then 500 each) the pictures are as good in three quarters of the time


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One octave as it is planned.

    Attributes:
        size: Of the image, (height, width).
        steps: Optimizer steps to spend.
        tile: Side of its tiles, pixels; None for one piece.
        history: Most pairs that L-BFGS keeps; None for its own number.
        folder: Where buffers are mapped to; None for all in memory.
        resident: Names of buffers that stay in memory nevertheless.
    """

    size: Size
    steps: int
    tile: int | None = None
    history: int | None = None
    folder: Path | None = None
    resident: frozenset[str] = frozenset()

    @classmethod
    def of(cls, level: Level) -> Stage:
        """What a recipe or a checkpoint says of an octave."""
        size = Size(level.height, level.width)
        return cls(size=size, steps=level.steps, tile=level.tile, history=level.history)

    def level(self, done: int = 0) -> Level:
        """What the bytes of a picture depend on, after so many steps."""
        return Level(*self.size, steps=self.steps, done=done, tile=self.tile, history=self.history)

    @property
    def pixels(self) -> int:
        """Pixels of the image."""
        return self.size.height * self.size.width

    def buffers(self) -> Buffers:
        """Room for the octave's arrays."""
        return Buffers(self.folder, self.resident)


def asked_octaves(config: RenderConfig, final: Size, plan: Plan | None = None) -> tuple[Stage, ...]:
    """The octaves of a render: those of a plan that is to be obeyed, else by `plan_octaves`."""
    if plan is None or not plan.octaves:
        return plan_octaves(final, config.steps, config.scales)
    return tuple(Stage.of(level) for level in plan.octaves)


def plan_octaves(final: Size, steps: int, count: int | None) -> tuple[Stage, ...]:
    """Octaves from coarse to fine, sqrt(2) apart, sharing all steps.

    Args:
        final: (height, width) of the result.
        steps: Steps over all octaves.
        count: Number of octaves, None for all down to 128 pixels; fewer where steps do not suffice.

    Returns:
        At least one octave; every one has at least one step, and the steps sum to `steps`.
    """
    sides = octaves(max(final), SMALLEST_OCTAVE, count)[-steps:]
    weights = [SHRINK**index for index in range(len(sides))]
    counts = _divided(steps, weights)
    sizes = [*(with_longer_side(final, side) for side in sides[:-1]), final]
    return tuple(Stage(size=size, steps=share) for size, share in zip(sizes, counts, strict=True))


def _divided(total: int, weights: list[float]) -> list[int]:
    """Whole numbers of at least 1 in these proportions, summing to `total`."""
    spare, parts = total - len(weights), []
    for index, weight in enumerate(weights):
        part = round(spare * weight / sum(weights[index:]))
        parts.append(1 + part)
        spare -= part
    return parts
