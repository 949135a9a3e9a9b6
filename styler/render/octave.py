"""An octave under way, wherever it is computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from styler.images.mapped import Array
from styler.losses.base import Stats
from styler.objective.objective import Targets
from styler.optimizers.descent import Descent
from styler.render.pyramid import Stage
from styler.render.snapshot import Arrays


class Pace(NamedTuple):
    """What one call has come to.

    Attributes:
        steps: That it made.
        seconds: Wall time that it took.
    """

    steps: int
    seconds: float


class Octave(Protocol):
    """An octave under way, on the device or on the host.

    Attributes:
        stage: Its size, steps and tile.
        descent: Where its optimizer stands.
        made: Steps so far.
        reason: Why it is over: "steps", "converged", "line search" or "diverged"; empty if it goes on.
    """

    stage: Stage
    descent: Descent
    made: int
    reason: str

    @property
    def targets(self) -> Targets:
        """What its image is compared with, worked out when first asked for.

        Raises:
            tf.errors.ResourceExhaustedError: The device ran out of memory.
        """
        ...

    def advance(self, most: int) -> Pace | None:
        """Make at most so many steps, perhaps fewer; None if others have to come first.

        Raises:
            tf.errors.ResourceExhaustedError: The device ran out of memory; nothing has changed.
        """
        ...

    def change(self, targets: Callable[[Stage], Targets]) -> None:
        """Go on from the same image toward other targets.

        Args:
            targets: Works them out, as an octave at its start is given them.
        """
        ...

    def image(self) -> Array:
        """The answer so far with its margin, (H, W, 3), 0..1; good until the next call."""
        ...

    def statistics(self) -> dict[str, Stats]:
        """Those of the answer."""
        ...

    def arrays(self) -> Callable[[], Arrays | None]:
        """What gives all that is needed to go on from here, or None once the octave has moved on."""
        ...

    def buffers(self) -> dict[str, dict[str, object]]:
        """Arrays on the host for the report: name -> bytes and whether it is mapped."""
        ...
