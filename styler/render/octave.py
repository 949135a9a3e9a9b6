"""The protocol of an octave while it is rendered, on the device or on the host."""

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
    """An octave while it is rendered, on the device or on the host.

    Attributes:
        stage: The planned octave: its size, steps and tile.
        descent: State of its optimizer.
        made: Steps made so far.
        reason: Reason why it has ended: "steps", "converged", "line search" or "diverged"; empty while it continues.
    """

    stage: Stage
    descent: Descent
    made: int
    reason: str

    @property
    def targets(self) -> Targets:
        """Targets that its image is compared with; they are computed at the first use.

        Raises:
            tf.errors.ResourceExhaustedError: The device ran out of memory.
        """
        ...

    def advance(self, most: int) -> Pace | None:
        """Make at most `most` steps; return None if the other pictures of a batch must request steps first.

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
        """Return the best image so far with its margin, (H, W, 3), 0..1; it is valid until the next call."""
        ...

    def distances(self) -> dict[str, float]:
        """Return the distance of the best image for each term that compares it with the photo or the paintings."""
        ...

    def arrays(self) -> Callable[[], Arrays | None]:
        """Return a function that gives all tensors needed to continue from here; None once the octave has moved on."""
        ...

    def buffers(self) -> dict[str, dict[str, object]]:
        """Return the arrays on the host for the report: name -> bytes and whether it is mapped."""
        ...
