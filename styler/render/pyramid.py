"""The octaves of a render and their steps, as planned."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from styler.config import SMALLEST_OCTAVE, RenderConfig
from styler.images.sizes import octaves, with_longer_side
from styler.recipe import Level, Plan
from styler.render.buffers import Buffers
from styler.types import Size

SHRINK = 2**-0.5  # steps of an octave relative to the next coarser one: inverse to the side. Compared with equal steps
# (crowsonkb's style-transfer-pytorch: 1,000, then 500 each), pictures are as good in three quarters of the time


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A planned octave.

    Attributes:
        size: Size of the image, (height, width).
        steps: Most optimizer steps.
        tile: Side of its tiles, pixels; None for one piece.
        history: Most pairs that L-BFGS keeps; None for its own number.
        folder: Folder for the files of mapped buffers; None keeps all buffers in memory.
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
        """The octave that a recipe or a checkpoint describes."""
        return cls(
            size=Size(level.height, level.width),
            steps=level.steps,
            tile=level.tile,
            history=level.history,
        )

    def level(self, done: int = 0) -> Level:
        """The octave for a recipe or a checkpoint, after `done` steps."""
        return Level(
            height=self.size.height,
            width=self.size.width,
            steps=self.steps,
            done=done,
            tile=self.tile,
            history=self.history,
        )

    @property
    def pixels(self) -> int:
        """Pixels of the image."""
        return self.size.height * self.size.width

    def buffers(self) -> Buffers:
        """Buffers for the octave's arrays."""
        return Buffers(self.folder, self.resident)


def asked_octaves(config: RenderConfig, final: Size, plan: Plan | None = None) -> tuple[Stage, ...]:
    """The octaves of a render: those of `plan` if it has any, otherwise those of `plan_octaves`."""
    if plan is None or not plan.octaves:
        return plan_octaves(final, config.steps, config.scales)
    return tuple(Stage.of(level) for level in plan.octaves)


def plan_octaves(final: Size, steps: int, count: int | None) -> tuple[Stage, ...]:
    """Octaves from coarse to fine, sqrt(2) apart, that share all steps.

    Args:
        final: (height, width) of the result.
        steps: Steps over all octaves.
        count: Number of octaves, None for all down to 128 pixels; there are fewer if there are not enough steps.

    Returns:
        At least one octave; every one has at least one step, and the steps sum to `steps`.
    """
    sides = octaves(max(final), SMALLEST_OCTAVE, count)[-steps:]
    sizes = [with_longer_side(final, side) for side in sides[:-1]]
    sizes.append(final)
    weights = [SHRINK**index for index in range(len(sizes))]
    counts = _divided(steps, weights)
    return tuple(Stage(size=size, steps=share) for size, share in zip(sizes, counts, strict=True))


def _divided(total: int, weights: list[float]) -> list[int]:
    """Whole numbers of at least 1, proportional to the weights, that sum to `total`."""
    spare = total - len(weights)
    parts = []
    for index, weight in enumerate(weights):
        part = round(spare * weight / sum(weights[index:]))
        parts.append(1 + part)
        spare -= part
    return parts
