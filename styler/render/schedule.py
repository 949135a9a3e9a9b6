"""The schedule of a render, octave by octave, made before the render starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from styler.config import RenderConfig
from styler.recipe import Change, Level
from styler.render.margin import padded_size
from styler.render.pyramid import Stage, octaves_of
from styler.types import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The schedule of a whole render.

    Attributes:
        size: Size of the result, (height, width).
        stages: Octaves, coarse to fine; empty if the picture is drawn in one pass or is the resized photo itself.
        tile: Side of the tiles of the one pass, pixels; None for one piece.
        peak: Predicted largest resident memory of the process, bytes; 0 without a prediction.
        seconds: Predicted wall time, without imports and reading, seconds; 0 without a prediction.
        budget: Maximum resident memory that is allowed, in bytes; None for no limit.
        basis: Basis of the prediction: "measured", "guessed" or "".
        disk: Size of the temporary files that the largest octave maps, bytes.
        held: Memory that the process held when the schedule was made, bytes.
        notes: Changes that were made to stay within the budgets, with their reasons.
        changes: Options that change during the render, in the order of their steps.
    """

    size: Size
    stages: tuple[Stage, ...]
    tile: int | None = None
    peak: float = 0.0
    seconds: float = 0.0
    budget: int | None = None
    basis: str = ""
    disk: float = 0.0
    held: int = 0
    notes: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def tiles(self) -> tuple[int | None, ...]:
        """Side of the tiles of each octave, pixels; None for one piece."""
        return tuple(stage.tile for stage in self.stages)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The octaves for a recipe, with everything that changes the bytes of the picture."""
        return tuple(stage.level() for stage in self.stages)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for the report."""
        return {
            "peak_memory": round(self.peak),
            "seconds": round(self.seconds, 1),
            "max_memory": self.budget,
            "disk": round(self.disk),
            "held": self.held,
            "basis": self.basis,
            "tiles": list(self.tiles) if self.stages else [self.tile],
            "history": [stage.history for stage in self.stages],
            "notes": list(self.notes),
        }


def unplanned(config: RenderConfig, final: Size) -> Schedule:
    """Make the schedule that the config describes: arrays in memory, and tiles only if the config states their size."""
    if not config.steps:
        return Schedule(size=final, stages=(), tile=named_tile(config, final))
    octaves = octaves_of(config, final, config.steps)
    return Schedule(size=final, stages=tuple(replace(each, tile=named_tile(config, each.size)) for each in octaves))


def named_tile(config: RenderConfig, size: Size) -> int | None:
    """Return the tile that the config states if an octave is larger than that; None for one piece."""
    tile = config.tile
    return tile if isinstance(tile, int) and max(padded_size(size)) > tile else None
