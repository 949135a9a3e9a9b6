"""An octave that is computed in one piece on the device, with many steps per call."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property

import numpy as np

from styler.images.mapped import Array
from styler.objective.objective import Targets
from styler.optimizers.descent import Descent, judged, renewed, tensors
from styler.render.octave import Pace
from styler.render.program import Stepper
from styler.render.pyramid import Stage
from styler.render.snapshot import Arrays
from styler.types import Scalar, Tensor

SECONDS_A_CALL = 1.0  # target duration of a call: long enough to hide its overhead, short enough to show progress
MOST_STEPS_A_CALL = 50


class DeviceOctave:
    """An `Octave` whose arrays are tensors.

    Args:
        stepper: Makes the steps.
        stage: The planned octave.
        descent: State to start from.
        targets: Computes the targets of a stage.
        compared: Computes the distance of each term between an image and targets.
        made: Steps that have already been made.
        reason: Reason why the octave has already ended; empty if it has not.
    """

    def __init__(
        self,
        stepper: Stepper,
        stage: Stage,
        descent: Descent,
        targets: Callable[[Stage], Targets],
        compared: Callable[[Tensor, Targets], dict[str, Scalar]],
        made: int = 0,
        reason: str = "",
    ) -> None:
        self.stage = stage
        self.descent = descent
        self.made = made
        self.reason = reason
        self._stepper = stepper
        self._prepare_targets = targets
        self._compared = compared
        self._steps_a_call = 1

    @cached_property
    def targets(self) -> Targets:
        """See `Octave`."""
        return self._prepare_targets(self.stage)

    def advance(self, most: int) -> Pace | None:
        """See `Octave`."""
        targets = self.targets
        started = time.perf_counter()
        steps_left = self.stage.steps - self.made
        steps = min(self._steps_a_call, steps_left, most)
        advance = self._stepper.advance(self.descent, targets, steps)
        if advance is None:
            return None
        pace = Pace(
            steps=int(advance.steps),
            seconds=advance.seconds or time.perf_counter() - started,
        )
        self._steps_a_call = 2 if self._steps_a_call == 1 else _steps_a_call(pace)  # the first call also compiles
        self.made += pace.steps
        self.descent, reason = judged(self._stepper.optimizer, advance.descent)
        self.reason = reason or ("steps" if self.made >= self.stage.steps else "")
        return pace

    def change(self, targets: Callable[[Stage], Targets]) -> None:
        """See `Octave`."""
        self._prepare_targets = targets
        self.__dict__.pop("targets", None)
        self.descent = renewed(self._stepper.optimizer, self.descent)

    def _answer(self) -> Tensor:
        return self._stepper.optimizer.answer(self.descent.state)

    def image(self) -> Array:
        """See `Octave`."""
        image: Array = np.asarray(self._answer())[0]
        return image

    def distances(self) -> dict[str, float]:
        """See `Octave`."""
        distances = self._compared(self._answer(), self.targets)
        return {name: float(value) for name, value in distances.items()}

    def arrays(self) -> Callable[[], Arrays | None]:
        """See `Octave`; never None, since tensors do not change."""
        named = tensors(self.descent)
        return lambda: {name: np.asarray(tensor) for name, tensor in named.items()}

    def buffers(self) -> dict[str, dict[str, object]]:
        """See `Octave`; there are none."""
        return {}


def _steps_a_call(pace: Pace) -> int:
    seconds_a_step = pace.seconds / max(pace.steps, 1)
    steps = int(SECONDS_A_CALL / max(seconds_a_step, 1e-6))
    return max(1, min(MOST_STEPS_A_CALL, steps))
