"""An octave computed tile by tile: image, targets and optimizer state on the host, one step a call."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property

import numpy as np
import tensorflow as tf

from styler.images.mapped import Array
from styler.losses.base import Stats
from styler.objective.objective import Targets
from styler.optimizers.base import AnyOptimizer
from styler.optimizers.descent import Descent, judged, renewed, stepped, tensors
from styler.optimizers.walk import Pieces
from styler.render.buffers import Buffers
from styler.render.octave import Pace
from styler.render.pyramid import Stage
from styler.render.snapshot import Arrays
from styler.tiles.tiling import Tiling, Told
from styler.types import Evaluation


class HostOctave:
    """An `Octave` whose arrays are buffers of the host.

    Args:
        tiling: The objective, tile by tile.
        optimizer: Bound to the walk.
        walk: Through the buffers.
        stage: What is asked for, with the side of a tile; another may be set between two calls.
        buffers: Where the octave's arrays live.
        descent: Where to start, its arrays buffers.
        targets: Works out what the image of a stage is compared with.
        told: Called after each tile; what it raises ends the step under way, which then counts for nothing.
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
        told: Told | None = None,
        made: int = 0,
        reason: str = "",
    ) -> None:
        self.stage, self.descent, self.made, self.reason = stage, descent, made, reason
        self._tiling, self._optimizer, self._walk, self._buffers = tiling, optimizer, walk, buffers
        self._prepare, self._told, self._calls = targets, told, 0

    @property
    def tile(self) -> int:
        """Side of the tiles, pixels."""
        return self.stage.tile or max(self.stage.size)

    @cached_property
    def targets(self) -> Targets:
        """See `Octave`."""
        return self._prepare(self.stage)

    def advance(self, most: int) -> Pace | None:
        """See `Octave`; one step, or the first evaluation of an optimizer, which is none."""
        started, before = time.perf_counter(), int(self.descent.state.steps)
        descent = stepped(self._optimizer, self.descent, self._evaluate)
        steps = int(descent.state.steps) - before
        self._calls, self.made = self._calls + 1, self.made + steps
        self.descent, reason = judged(self._optimizer, descent)
        self.reason = reason or ("steps" if self.made >= self.stage.steps else "")
        return Pace(steps, time.perf_counter() - started)

    def _evaluate(self, image: Array) -> Evaluation:
        gradient = self._walk.buffer("gradient", image.shape)
        value = self._tiling.evaluate(image[0], self.targets, self.tile, gradient[0], self._told).value
        return Evaluation(tf.constant(value, tf.float32), gradient)

    def change(self, targets: Callable[[Stage], Targets]) -> None:
        """See `Octave`."""
        self._prepare = targets
        self.__dict__.pop("targets", None)
        self.descent = renewed(self._optimizer, self.descent)

    def image(self) -> Array:
        """See `Octave`."""
        image: Array = self._optimizer.answer(self.descent.state)[0]
        return image

    def statistics(self) -> dict[str, Stats]:
        """See `Octave`."""
        return self._tiling.statistics(self.image(), self.tile, self.targets.regions)

    def arrays(self) -> Callable[[], Arrays | None]:
        """See `Octave`; the arrays themselves, which the next step changes when it ends."""
        calls, named = self._calls, tensors(self.descent)

        def taken() -> Arrays | None:
            return {name: np.asarray(each) for name, each in named.items()} if self._calls == calls else None

        return taken

    def buffers(self) -> dict[str, dict[str, object]]:
        """See `Octave`."""
        return self._buffers.told()
