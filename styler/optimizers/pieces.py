"""What optimizers on host arrays have in common: an image is worked through piece by piece.

What they compute is what `Lbfgs` and `Adam` compute on tensors; only the buffers are changed in place, and none is ever
copied as a whole. The objective writes its gradient where it is told to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

HostObjective: TypeAlias = Callable[[Array, Array], float]
"""Image (H, W, 3) and where its gradient goes -> value."""

Allocate: TypeAlias = Callable[[str, tuple[int, ...]], Array]
"""Name of a buffer and its shape -> zeros, in memory or mapped."""

Release: TypeAlias = Callable[[Array], object]
"""Called with a piece that will not be needed for a while, so that a mapped one need not stay in memory."""

PIECE = 1 << 18  # values, 1 MiB in float32: some two dozen of them, rings included, are in memory at a time


class Streamed(Protocol):
    """An optimizer under way."""

    value: float
    steps: int
    evaluations: int

    @property
    def image(self) -> Array:
        """The answer so far, (H, W, 3)."""
        ...

    @property
    def finished(self) -> bool:
        """Whether further steps are of no use."""
        ...

    @property
    def arrays(self) -> dict[str, Array]:
        """What a checkpoint keeps beside `counts`; arrays, not copies."""
        ...

    @property
    def counts(self) -> tuple[float, ...]:
        """What a checkpoint keeps of numbers; can be set."""
        ...

    @counts.setter
    def counts(self, counts: tuple[float, ...]) -> None: ...

    def follow(self, state: Any) -> None:
        """Go on as the optimizer in one piece would from its state of an image of this size; called before any step."""
        ...

    def step(self, objective: HostObjective) -> None:
        """One step; the first one of L-BFGS only evaluates and does not count."""
        ...

    def keep(self) -> None:
        """Called within `step` when a value is the lowest so far: remember what goes with it."""
        ...

    def set_back(self, factor: float) -> None:
        """Go on from what was kept, with steps smaller by a factor and nothing remembered of gradients."""
        ...

    def give_up(self, value: float) -> None:
        """Make what was kept the answer; its value is given."""
        ...


def pieces(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """The same values of each array, `PIECE` at a time, as views; the last axis of a ring (history, N) is cut."""
    flat = [array.reshape(-1) if array.ndim == 3 else array for array in arrays]
    for start in range(0, flat[0].shape[-1], PIECE):
        yield tuple(each[..., start : start + PIECE] for each in flat)


def copy(values: Array, into: Array, release: Release) -> None:
    """Fill a buffer with as many values."""
    flat, target = values.reshape(-1), into.reshape(-1)
    for start in range(0, target.size, PIECE):
        piece = target[start : start + PIECE]
        piece[:] = flat[start : start + PIECE]
        release(piece)
