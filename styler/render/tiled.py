"""One octave that is computed tile by tile: image, targets and optimizer state on the host."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from styler.images.mapped import Array, bands, release
from styler.images.picture import Picture, Pixels
from styler.images.resampling import resampled, resize
from styler.optimizers import Lbfgs, Optimizer
from styler.optimizers.streamed import Streamed, StreamedAdam, streamed
from styler.render.buffers import Buffers
from styler.render.guard import Guard
from styler.render.loop import Progress
from styler.render.margin import MARGIN, padded_size
from styler.render.objective import Weights
from styler.render.tiling import TiledTargets, Tiling
from styler.types import Size

INSIDE = slice(MARGIN, -MARGIN)


class TiledOctave:
    """State of one octave that is computed tile by tile; looks to a render like an optimizer's state.

    Args:
        tiling: The objective, tile by tile.
        optimizer: Its streamed counterpart makes the steps.
        tile: Longest side of the owned part of a tile, pixels.
        buffers: Where the octave's arrays live.
        image: Where to start, (H, W, 3) with margin; changed in place.
        guard: Watches over memory.
    """

    def __init__(
        self, tiling: Tiling, optimizer: Optimizer, tile: int, buffers: Buffers, image: Array, guard: Guard
    ) -> None:
        self.tiling, self.tile, self.buffers, self.guard = tiling, tile, buffers, guard
        self.streamed: Streamed = streamed(optimizer, image, buffers.zeros, release)

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
        """Step until the steps are spent or the optimizer is finished; with smaller tiles where memory runs out.

        Yields:
            Progress after every step, with this octave as its state.

        Raises:
            ResourceError: Not even the smallest tile suffices.
        """
        first = self.streamed.steps
        while self.streamed.steps - first < steps and not self.streamed.finished:
            started, before = time.perf_counter(), self.streamed.steps
            try:
                self.streamed.step(lambda image, gradient: self._evaluate(image, gradient, targets))
            except tf.errors.ResourceExhaustedError:
                self._shrink("the device ran out of memory", needed=True)
                continue
            if self.guard.alarmed():
                self._shrink("memory use came near the budget", needed=False)
            if self.streamed.steps > before:
                yield Progress(self, self.streamed.steps - first, time.perf_counter() - started)

    def _evaluate(self, image: Array, gradient: Array, targets: TiledTargets) -> float:
        return self.tiling.evaluate(image, targets, self.tile, gradient).value

    def _shrink(self, reason: str, *, needed: bool) -> None:
        self.tile = self.guard.smaller(self.tile, self.tiling.view.smallest_tile, reason, needed=needed)


def bounded(optimizer: Optimizer, steps: int, history: int | None = None) -> Optimizer:
    """The optimizer with no more pairs of history than an octave of so many steps can fill, or than asked for."""
    if isinstance(optimizer, Lbfgs):
        most = min(optimizer.history, steps, optimizer.history if history is None else history)
        return dataclasses.replace(optimizer, history=max(1, most))
    return optimizer


def padded_photo(pixels: Pixels, size: Size, buffers: Buffers, name: str = "photo") -> Array:
    """`with_margin(resampled(pixels, size))` in a buffer, (H, W, 3)."""
    made = buffers.zeros(name, (*padded_size(size), 3))
    resampled(pixels, size, into=made[INSIDE, INSIDE])
    return mirrored(made)


def mirrored(image: Array) -> Array:
    """Fill the margin of (H, W, 3) from the picture inside, which it mirrors; returns the image."""
    image[:MARGIN] = image[MARGIN : 2 * MARGIN][::-1]
    image[-MARGIN:] = image[-2 * MARGIN : -MARGIN][::-1]
    for rows in bands(image):
        band = image[rows]
        band[:, :MARGIN] = band[:, MARGIN : 2 * MARGIN][:, ::-1]
        band[:, -MARGIN:] = band[:, -2 * MARGIN : -MARGIN][:, ::-1]
    return image


def tiled_targets(
    tiling: Tiling, tile: int, buffers: Buffers, photo: Array, weigh: Callable[[Any], tuple[Any, Weights]]
) -> TiledTargets:
    """What an image is compared with.

    Args:
        tiling: The objective, tile by tile.
        tile: Longest side of the owned part of a tile, pixels.
        buffers: Where the activations of the photo go.
        photo: At this octave with its margin, (H, W, 3).
        weigh: Statistics of the photo per position -> style targets and factors of the terms.
    """
    names = iter(sorted(name for name, _ in tiling.objective.content_layers))
    stats, targets = tiling.observe(photo, tile, lambda shape: buffers.zeros(f"content {next(names)}", shape))
    style, weights = weigh(stats)
    return targets._replace(style=style, weights=weights)


def copied(photo: Array, buffers: Buffers) -> Array:
    """The photo with its margin as the image to start from."""
    made = buffers.zeros("image", photo.shape)
    for rows in bands(photo, made):
        made[rows] = photo[rows]
    return made


def drawn(size: Size, seed: int, buffers: Buffers) -> Array:
    """Noise as `first_image` draws it, row by row from the same stream."""
    made = buffers.zeros("image", (*padded_size(size), 3))
    random = np.random.default_rng(seed)
    for rows in bands(made):
        made[rows] = random.normal(0.5, 0.1, made[rows].shape).clip(0, 1)
    return made


def refined_on_host(image: Any, content: Picture, photo: Array, share: float, buffers: Buffers) -> Array:
    """`refined` into a buffer by Pillow's bicubic filter, which is TensorFlow's but for rounding.

    Args:
        image: (H, W, 3) with margin, at the octave left.
        content: The photo at its own size.
        photo: The photo at the octave entered, (H', W', 3) with margin.
        share: Of the photo's new detail to add.
        buffers: Where the result goes.
    """
    kept = image[INSIDE, INSIDE]
    rest = buffers.zeros("coarse", kept.shape)
    resampled(content.pixels, Size(*kept.shape[:2]), into=rest)
    for rows in bands(rest, kept):
        rest[rows] = kept[rows] - np.float32(share) * rest[rows]
    made = buffers.zeros("image", photo.shape)
    inner, detail = made[INSIDE, INSIDE], photo[INSIDE, INSIDE]
    resize(rest, inner, Image.Resampling.BICUBIC)
    for rows in bands(inner, detail):
        np.clip(inner[rows] + np.float32(share) * detail[rows], 0.0, 1.0, out=inner[rows])
    return mirrored(made)
