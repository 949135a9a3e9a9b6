"""Snapshots: everything that is needed to continue a render, its position and its tensors as arrays."""

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
    "octave": int,
    "made": int,
    "done": int,
    "setbacks": int,
    "reason": str,
    "stop_reason": str,
    "seconds": float,
    "rows": tuple,
    "levels": tuple,
    "history": tuple,
    "kills": int,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The position of a render.

    Attributes:
        octave: Index of the current octave, from 0.
        made: Steps made at this octave.
        done: Steps of the earlier octaves.
        reason: Reason why the octave has ended; empty while it continues.
        stop_reason: Stop reason of the earlier octaves.
        setbacks: Setbacks of the earlier octaves.
        seconds: Wall time so far, seconds.
        rows: Rows of the report for the earlier octaves.
        levels: All octaves: finished ones as they were made, the others as planned.
        history: Steps made so far and the lowest loss of their octave, see `Account`.
        kills: Processes in this container that the system has killed so far for lack of memory.
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
    history: tuple[tuple[int, float], ...] = ()
    kills: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: object) -> Position:
        """Read a position from the result of `to_dict`.

        Raises:
            CheckpointError: A field is missing, unknown or of the wrong type.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or set(values) != names:
            message = "expected a checkpoint with the position of its render"
            raise CheckpointError(message)
        found: dict[str, Any] = dict(values)
        for name in ("rows", "levels", "history"):
            if isinstance(found[name], list):
                found[name] = tuple(found[name])
        for name, kind in KINDS.items():
            if not isinstance(found[name], kind) or isinstance(found[name], bool):
                message = f"expected a checkpoint with {name} of type {kind.__name__}, got {found[name]!r:.60}"
                raise CheckpointError(message)
        try:
            levels = levels_from(found["levels"])
        except ConfigError as cause:
            message = f"expected a checkpoint with the octaves of its render: {cause}"
            raise CheckpointError(message) from cause
        return cls(**{**found, "levels": levels, "history": _history(found["history"])})


def _history(values: tuple[Any, ...]) -> tuple[tuple[int, float], ...]:
    """Convert values to pairs of steps and losses.

    Raises:
        CheckpointError: The values are not such pairs.
    """
    try:
        return tuple((int(step), float(loss)) for step, loss in values)
    except (TypeError, ValueError) as cause:
        message = "expected a checkpoint with a history of steps and losses"
        raise CheckpointError(message) from cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A render between two calls of its compiled program.

    Attributes:
        position: Position of the render.
        arrays: Tensors of the optimizer's state and of its watch, named "state.<field>" and "watch.<field>".
    """

    position: Position
    arrays: Arrays
