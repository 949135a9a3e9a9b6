"""What a render will do, octave by octave, resolved before it starts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from styler.config import RenderConfig
from styler.recipe import Change, Level
from styler.render.margin import padded_size
from styler.render.pyramid import Stage, plan_octaves
from styler.types import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A whole render.

    Attributes:
        size: Of the result, (height, width).
        stages: Octaves, coarse to fine; none where the result is the resized photo itself.
        peak: Predicted largest resident memory of the process, bytes; 0 where nothing was predicted.
        seconds: Predicted wall time, without imports and reading; 0 where nothing was predicted.
        budget: Most resident memory that is allowed, bytes; None for no limit.
        basis: What the prediction rests on: "measured", "guessed" or "".
        disk: Bytes of temporary files that the largest octave maps.
        held: Bytes that the process held when it was planned.
        notes: What was changed to stay within the budgets, and why.
        changes: Options that change on the way, in the order of their steps.
    """

    size: Size
    stages: tuple[Stage, ...]
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
        """Sides of tiles, octave by octave, pixels; None for one piece."""
        return tuple(stage.tile for stage in self.stages)

    @property
    def levels(self) -> tuple[Level, ...]:
        """All that the bytes of the picture depend on."""
        return tuple(stage.level() for stage in self.stages)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the report."""
        return {
            "peak_memory": round(self.peak),
            "seconds": round(self.seconds, 1),
            "max_memory": self.budget,
            "disk": round(self.disk),
            "held": self.held,
            "basis": self.basis,
            "tiles": list(self.tiles),
            "history": [stage.history for stage in self.stages],
            "notes": list(self.notes),
        }


def unplanned(config: RenderConfig, final: Size) -> Schedule:
    """Octaves as the config asks for them, in memory, with tiles only where the config names their size."""
    octaves = plan_octaves(final, config.steps, config.scales)
    return Schedule(size=final, stages=tuple(replace(each, tile=named_tile(config, each.size)) for each in octaves))


def named_tile(config: RenderConfig, size: Size) -> int | None:
    """The tile that the config names, where an octave is larger; None for one piece."""
    tile = config.tile
    return tile if isinstance(tile, int) and max(padded_size(size)) > tile else None
