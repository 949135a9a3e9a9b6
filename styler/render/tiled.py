"""One octave that is computed tile by tile: image, targets and optimizer state on the host."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from styler.images.reading import Pixels
from styler.optimizers import Lbfgs, Optimizer
from styler.optimizers.streamed import Streamed, StreamedAdam, streamed
from styler.render.buffers import Array, Buffers
from styler.render.detail import refined
from styler.render.loop import Progress
from styler.render.margin import MARGIN, padded_size
from styler.render.objective import Weights
from styler.render.tiling import TiledTargets, Tiling
from styler.types import Size


class TiledOctave:
    """State of one octave that is computed tile by tile; looks to a render like an optimizer's state.

    Args:
        tiling: The objective, tile by tile.
        optimizer: Its streamed counterpart makes the steps.
        tile: Longest side of the owned part of a tile, pixels.
        buffers: Where the octave's arrays live.
        image: Where to start, (H, W, 3) with margin; changed in place.
    """

    def __init__(self, tiling: Tiling, optimizer: Optimizer, tile: int, buffers: Buffers, image: Array) -> None:
        self.tiling, self.tile, self.buffers = tiling, tile, buffers
        self.streamed: Streamed = streamed(optimizer, image, buffers.zeros, buffers.release)

    @property
    def image(self) -> Array:
        """The answer so far, (1, H, W, 3)."""
        return self.streamed.image[None]

    @property
    def value(self) -> float:
        """Objective of the answer."""
        return self.streamed.value

    @property
    def evaluations(self) -> int:
        """Evaluations so far."""
        return self.streamed.evaluations

    def carry(self, state: Any) -> None:
        """Take over what the optimizer keeps from the octave before."""
        if isinstance(self.streamed, StreamedAdam):
            before = state.streamed if isinstance(state, TiledOctave) else state
            self.streamed.carry(before.state if isinstance(before, StreamedAdam) else before)

    def run(self, targets: TiledTargets, steps: int) -> Iterator[Progress]:
        """Step until the steps are spent or the optimizer is finished.

        Yields:
            Progress after every step, with this octave as its state.
        """

        def objective(image: Array, gradient: Array) -> float:
            return self.tiling.evaluate(image, targets, self.tile, gradient).value

        first = self.streamed.steps
        while self.streamed.steps - first < steps and not self.streamed.finished:
            started = time.perf_counter()
            self.streamed.step(objective)
            if self.streamed.steps > first:
                yield Progress(self, self.streamed.steps - first, time.perf_counter() - started)


def bounded(optimizer: Optimizer, steps: int) -> Optimizer:
    """The optimizer with no more pairs of history than an octave of so many steps can fill."""
    if isinstance(optimizer, Lbfgs):
        return dataclasses.replace(optimizer, history=max(1, min(optimizer.history, steps)))
    return optimizer


def tiled_targets(
    tiling: Tiling, tile: int, buffers: Buffers, photo: Pixels, weigh: Callable[[Any], tuple[Any, Weights]]
) -> TiledTargets:
    """What an image is compared with.

    Args:
        tiling: The objective, tile by tile.
        tile: Longest side of the owned part of a tile, pixels.
        buffers: Where the activations of the photo go.
        photo: At this octave, (height, width, 3).
        weigh: Statistics of the photo per position -> style targets and factors of the terms.
    """
    padded = np.pad(photo, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), mode="symmetric")
    names = iter(sorted(name for name, _ in tiling.objective.content_layers))

    def room(shape: tuple[int, ...]) -> Array:
        return buffers.zeros(f"content {next(names)}", shape)

    stats, targets = tiling.observe(padded, tile, room)
    style, weights = weigh(stats)
    return targets._replace(style=style, weights=weights)


def refined_on_host(image: Any, coarse: Pixels, fine: Pixels, share: float, buffers: Buffers) -> Array:
    """`refined` color by color into an array (H, W, 3) with margin."""
    made = buffers.zeros("image", (*padded_size(Size(*fine.shape[:2])), 3))
    for color in range(3):
        one = slice(color, color + 1)
        made[..., one] = refined(image[..., one], coarse[..., one], fine[..., one], share)[0].numpy()
    return made
