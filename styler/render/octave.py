"""The protocol of an octave under way, on the device or on the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from styler.images.mapped import Array
from styler.objective.objective import Targets
from styler.optimizers.descent import Descent
from styler.render.pyramid import Stage
from styler.render.snapshot import Arrays


class Pace(NamedTuple):
    """Steps and time of one call.

    Attributes:
        steps: Steps made.
        seconds: Wall time of the call.
    """

    steps: int
    seconds: float


class Octave(Protocol):
    """An octave under way, on the device or on the host.

    Attributes:
        stage: The planned octave: its size, steps and tile.
        descent: State of its optimizer.
        made: Steps so far.
        reason: Why it is over: "steps", "converged", "line search" or "diverged"; empty while it goes on.
    """

    stage: Stage
    descent: Descent
    made: int
    reason: str

    @property
    def targets(self) -> Targets:
        """Targets that its image is compared with; computed when first asked for.

        Raises:
            tf.errors.ResourceExhaustedError: The device ran out of memory.
        """
        ...

    def advance(self, most: int) -> Pace | None:
        """Make at most `most` steps; None if other pictures of a batch must be asked first.

        Raises:
            tf.errors.ResourceExhaustedError: The device ran out of memory; nothing has changed.
        """
        ...

    def change(self, targets: Callable[[Stage], Targets]) -> None:
        """Continue from the same image toward other targets.

        Args:
            targets: Computes the targets of a stage.
        """
        ...

    def image(self) -> Array:
        """The answer so far with its margin, (H, W, 3), 0..1; valid until the next call."""
        ...

    def distances(self) -> dict[str, float]:
        """Term -> distance of the answer, of every term that compares it with the photo or the paintings."""
        ...

    def arrays(self) -> Callable[[], Arrays | None]:
        """A function that returns all tensors needed to continue from here, or None once the octave has moved on."""
        ...

    def buffers(self) -> dict[str, dict[str, object]]:
        """Arrays on the host, for the report: name -> bytes and whether it is mapped."""
        ...
