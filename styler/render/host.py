"""An octave that is computed in tiles, one step per call; image, targets and optimizer state are on the host."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property

import numpy as np
import tensorflow as tf

from styler.images.mapped import Array
from styler.objective.objective import Targets
from styler.optimizers.base import AnyOptimizer
from styler.optimizers.descent import Descent, judged, renewed, stepped, tensors
from styler.optimizers.walk import Pieces
from styler.render.buffers import Buffers
from styler.render.octave import Pace
from styler.render.pyramid import Stage
from styler.render.snapshot import Arrays
from styler.tiles.tiling import OnTile, Tiling
from styler.types import Evaluation


class HostOctave:
    """An `Octave` whose arrays are buffers on the host.

    Args:
        tiling: The objective, computed in tiles.
        optimizer: Optimizer that works on the buffers of `walk`.
        walk: Visits the buffers piece by piece.
        stage: The planned octave with the side of its tiles; it may be replaced between two calls.
        buffers: The octave's arrays.
        descent: State to start from; its arrays are buffers.
        targets: Computes the targets of a stage in tiles.
        on_tile: Called after each tile; an exception from it ends the current step, which then does not count.
        made: Steps that have already been made.
        reason: Reason why the octave has already ended; empty if it has not.
    """

    def __init__(
        self,
        tiling: Tiling,
        optimizer: AnyOptimizer,
        walk: Pieces,
        stage: Stage,
        buffers: Buffers,
        descent: Descent,
        targets: Callable[[Stage], Targets],
        on_tile: OnTile | None = None,
        made: int = 0,
        reason: str = "",
    ) -> None:
        self.stage = stage
        self.descent = descent
        self.made = made
        self.reason = reason
        self._tiling = tiling
        self._optimizer = optimizer
        self._walk = walk
        self._buffers = buffers
        self._prepare_targets = targets
        self._on_tile = on_tile
        self._calls = 0

    @property
    def tile(self) -> int:
        """Side of the tiles, pixels."""
        return self.stage.tile or max(self.stage.size)

    @cached_property
    def targets(self) -> Targets:
        """See `Octave`."""
        return self._prepare_targets(self.stage)

    def advance(self, most: int) -> Pace | None:
        """See `Octave`; makes one step, or the optimizer's first evaluation, which is not a step."""
        started = time.perf_counter()
        steps_before = int(self.descent.state.steps)
        descent = stepped(self._optimizer, self.descent, self._evaluate)
        steps = int(descent.state.steps) - steps_before
        self._calls += 1
        self.made += steps
        self.descent, reason = judged(self._optimizer, descent)
        self.reason = reason or ("steps" if self.made >= self.stage.steps else "")
        return Pace(steps, time.perf_counter() - started)

    def _evaluate(self, image: Array) -> Evaluation:
        gradient = self._walk.buffer("gradient", image.shape)
        evaluation = self._tiling.evaluate(
            image[0],
            self.targets,
            self.tile,
            gradient[0],
            self._on_tile,
        )
        return Evaluation(tf.constant(evaluation.value, tf.float32), gradient)

    def change(self, targets: Callable[[Stage], Targets]) -> None:
        """See `Octave`."""
        self._prepare_targets = targets
        self.__dict__.pop("targets", None)
        self.descent = renewed(self._optimizer, self.descent)

    def image(self) -> Array:
        """See `Octave`."""
        image: Array = self._optimizer.answer(self.descent.state)[0]
        return image

    def distances(self) -> dict[str, float]:
        """See `Octave`."""
        image = self.image()
        gradient = self._walk.buffer("gradient", (1, *image.shape))
        return self._tiling.evaluate(image, self.targets, self.tile, gradient[0]).terms

    def arrays(self) -> Callable[[], Arrays | None]:
        """See `Octave`; the function returns the arrays themselves, which change at the end of the next step."""
        calls = self._calls
        named = tensors(self.descent)

        def current() -> Arrays | None:
            if self._calls != calls:
                return None
            return {name: np.asarray(tensor) for name, tensor in named.items()}

        return current

    def buffers(self) -> dict[str, dict[str, object]]:
        """See `Octave`."""
        return self._buffers.described()
