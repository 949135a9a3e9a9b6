"""An octave computed tile by tile: image, targets and optimizer state on the host, one step a call."""

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
    """An `Octave` whose arrays are buffers of the host.

    Args:
        tiling: The objective, tile by tile.
        optimizer: Optimizer bound to the walk.
        walk: Walk through the buffers.
        stage: The planned octave with the side of its tiles; may be replaced between two calls.
        buffers: The octave's arrays.
        descent: Where to start; its arrays are buffers.
        targets: Computes the targets of a stage, by its tiles.
        on_tile: Called after each tile; what it raises ends the step under way, which then does not count.
        made: Steps made before.
        reason: Why it is over already, if it is.
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
        """See `Octave`; one step, or an optimizer's first evaluation, which is not a step."""
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
        """See `Octave`; the arrays themselves, which change at the end of the next step."""
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
