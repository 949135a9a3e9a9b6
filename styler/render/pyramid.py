"""The planned octaves of a render and their steps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from styler.config import ONE_PASS, SMALLEST_OCTAVE, RenderConfig
from styler.images.sizes import octaves, with_longer_side
from styler.recipe import Level, Plan
from styler.render.buffers import Buffers
from styler.types import Size

SHRINK = 2**-0.5  # an octave's steps divided by those of the next coarser one: steps are proportional to 1 / side.
# Compared with equal steps (crowsonkb's style-transfer-pytorch: 1,000, then 500 each), pictures are as good in 3/4 of
# the time
SMALLEST_AFTER_ONE_PASS = 512  # pixels; at this size one octave does: docs/instant.md
SHARE_ABOVE = 0.04  # of the steps that an octave above the matched size would have otherwise: they add detail, and with
# all of their steps, they would make a picture of their own: docs/controls.md


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A planned octave.

    Attributes:
        size: Size of the image, (height, width).
        steps: Maximum number of optimizer steps.
        tile: Side of its tiles, pixels; None for one piece.
        history: Maximum number of pairs that L-BFGS keeps; None for its default.
        folder: Folder for the files of mapped buffers; None keeps all buffers in memory.
        resident: Names of buffers that stay in memory even if `folder` is set.
    """

    size: Size
    steps: int
    tile: int | None = None
    history: int | None = None
    folder: Path | None = None
    resident: frozenset[str] = frozenset()

    @classmethod
    def of(cls, level: Level) -> Stage:
        """Make a stage from the octave of a recipe or checkpoint."""
        return cls(
            size=Size(level.height, level.width),
            steps=level.steps,
            tile=level.tile,
            history=level.history,
        )

    def level(self, done: int = 0) -> Level:
        """Describe the octave after `done` steps, for a recipe or a checkpoint."""
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
        """Make the buffers for the octave's arrays."""
        return Buffers(self.folder, self.resident)


def asked_octaves(config: RenderConfig, final: Size, plan: Plan | None = None) -> tuple[Stage, ...]:
    """Return the octaves of `plan` if it has any, otherwise those of `octaves_of`."""
    if plan is None or not plan.octaves:
        return octaves_of(config, final, config.steps)
    return tuple(Stage.of(level) for level in plan.octaves)


def octaves_of(config: RenderConfig, final: Size, steps: int) -> tuple[Stage, ...]:
    """Plan the octaves of a render and divide `steps` among them.

    A picture drawn in one pass already has coarse marks, so a render that starts from it begins with a larger octave.
    """
    smallest = SMALLEST_OCTAVE
    if config.scales is None and config.init == ONE_PASS:
        smallest = SMALLEST_AFTER_ONE_PASS
    return plan_octaves(final, steps, config.scales, smallest, config.style_match)


def plan_octaves(
    final: Size,
    steps: int,
    count: int | None,
    smallest: int = SMALLEST_OCTAVE,
    through: int | None = None,
) -> tuple[Stage, ...]:
    """Plan octaves from coarse to fine, each sqrt(2) larger than the one before, and divide the steps among them.

    Args:
        final: (height, width) of the result.
        steps: Total number of steps.
        count: Number of octaves, None for all down to `smallest`; there are fewer if `steps` is smaller.
        smallest: Longer side of the coarsest octave, at least, in pixels; the only octave of a result may be smaller.
        through: Longer side of a smaller result, in pixels, all of whose octaves come first; those above it have only
            few steps. None for none.

    Returns:
        At least one octave; each has at least one step, and the steps sum to `steps`.
    """
    sides = octaves(max(final), smallest, count, through)[-steps:]
    sizes = [with_longer_side(final, side) for side in sides[:-1]]
    sizes.append(final)
    weights = [SHRINK**index for index in range(len(sizes))]
    if through is not None:
        weights = [w if side <= through else SHARE_ABOVE * w for w, side in zip(weights, sides, strict=True)]
    counts = _divided(steps, weights)
    return tuple(Stage(size=size, steps=share) for size, share in zip(sizes, counts, strict=True))


def _divided(total: int, weights: list[float]) -> list[int]:
    """Divide `total` into whole numbers of at least 1, in proportion to the weights."""
    spare = total - len(weights)
    parts = []
    for index, weight in enumerate(weights):
        part = round(spare * weight / sum(weights[index:]))
        parts.append(1 + part)
        spare -= part
    return parts
