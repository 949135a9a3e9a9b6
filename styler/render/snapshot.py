"""All that is needed to go on with a render between two calls: where it stands, and tensors as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias

from styler.errors import CheckpointError, ConfigError
from styler.recipe import Level, levels_from

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Arrays: TypeAlias = "Mapping[str, NDArray[np.generic]]"
"""Tensors by name."""

KINDS = {
    **dict.fromkeys(("octave", "made", "done", "setbacks"), int),
    **dict.fromkeys(("reason", "stop_reason"), str),
    "seconds": float,
    "rows": tuple,
    "levels": tuple,
    "kills": int,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a render stands.

    Attributes:
        octave: Index of the octave under way, from 0.
        made: Steps made at it.
        done: Steps of the octaves before.
        reason: Why the octave is at its end; empty if it goes on.
        stop_reason: Of the octaves before.
        setbacks: Of the octaves before.
        seconds: Wall time spent so far.
        rows: Lines of the report on the octaves before.
        levels: Octaves as they were made so far or else are planned.
        kills: Processes that the system had killed by then in this container for want of memory.
    """

    octave: int
    made: int
    done: int
    reason: str
    stop_reason: str
    setbacks: int
    seconds: float
    rows: tuple[dict[str, object], ...]
    levels: tuple[Level, ...] = ()
    kills: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, fit for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: object) -> Position:
        """The inverse of `to_dict`.

        Raises:
            CheckpointError: Fields are missing or of another kind.
        """
        if not isinstance(values, dict) or set(values) != {field.name for field in fields(cls)}:
            message = "a checkpoint that says where its render stands was expected"
            raise CheckpointError(message)
        found: dict[str, Any] = {k: tuple(value) if isinstance(value, list) else value for k, value in values.items()}
        for name, kind in KINDS.items():
            if not isinstance(found[name], kind) or isinstance(found[name], bool):
                message = f"a checkpoint with {name} of type {kind.__name__} was expected, got {found[name]!r:.60}"
                raise CheckpointError(message)
        try:
            levels = levels_from(found["levels"])
        except ConfigError as cause:
            message = f"a checkpoint that says what its octaves are was expected: {cause}"
            raise CheckpointError(message) from cause
        return cls(**{**found, "levels": levels})


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A render between two calls of its compiled program.

    Attributes:
        position: Where it stands.
        arrays: Tensors of the optimizer's state and of its watch, "state.<field>" and "watch.<field>".
    """

    position: Position
    arrays: Arrays
