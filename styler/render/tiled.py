"""One octave that is computed tile by tile: image, targets and optimizer state on the host."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from styler.errors import CheckpointError
from styler.images.mapped import Array, bands, release
from styler.images.picture import Picture
from styler.images.resampling import resampled_colors, resize
from styler.optimizers import Lbfgs, Optimizer
from styler.optimizers.streamed import Streamed, StreamedAdam, streamed
from styler.render.buffers import Buffers
from styler.render.divergence import FAR_ABOVE, MOST_SETBACKS, SMALLER, TOO_LONG
from styler.render.guard import Guard
from styler.render.loop import Progress
from styler.render.margin import MARGIN, padded_size
from styler.render.objective import Weights
from styler.render.schedule import Stage
from styler.render.snapshot import Position, Snapshot
from styler.render.stand import Stand
from styler.render.tiling import TiledTargets, Tiling
from styler.types import Size

INSIDE = slice(MARGIN, -MARGIN)


@dataclass
class HostWatch:
    """What `divergence.Watch` is for images on the device.

    Attributes:
        best: The lowest loss so far, infinite if nothing was evaluated yet.
        above: Steps in a row whose loss was far above it.
        setbacks: How often the optimizer was set back.
    """

    best: float = math.inf
    above: int = 0
    setbacks: int = 0

    def astray(self, value: float) -> bool:
        """Take in the loss of a step; whether the optimizer must be set back."""
        self.best = min(self.best, value)
        self.above = self.above + 1 if value > FAR_ABOVE * self.best else 0
        return not math.isfinite(value) or self.above >= TOO_LONG


class TiledOctave:
    """State of one octave that is computed tile by tile; looks to a render like an optimizer's state.

    Args:
        tiling: The objective, tile by tile.
        optimizer: Its streamed counterpart makes the steps.
        stage: Gives the side of a tile.
        buffers: Where the octave's arrays live.
        image: Where to start, (H, W, 3) with margin; changed in place.
        photo: At this octave, (H, W, 3) with margin; let go by `prepare`.
        guard: Watches over memory.

    Attributes:
        targets: What the image is compared with, set by `prepare`.
    """

    targets: TiledTargets

    def __init__(
        self,
        tiling: Tiling,
        optimizer: Optimizer,
        stage: Stage,
        buffers: Buffers,
        image: Array,
        photo: Array,
        guard: Guard,
    ) -> None:
        self.tiling, self.optimizer, self.buffers, self.guard = tiling, optimizer, buffers, guard
        self.tile = stage.tile or max(image.shape)
        self.made, self.reason, self.watch = 0, "", HostWatch()
        self._photo: Array | None = photo
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

    def prepare(self, targets: Callable[[int, Any], TiledTargets]) -> None:
        """Work out what to compare with, by a function of tile and photo, with smaller tiles where memory runs out.

        Raises:
            ResourceError: Not even the smallest tile suffices.
        """
        while True:
            try:
                self.targets, self._photo = targets(self.tile, self._photo), None
                return
            except tf.errors.ResourceExhaustedError:
                self._shrink("the device ran out of memory", needed=True)

    def carry(self, state: Any) -> None:
        """Take over what the optimizer keeps from the octave before."""
        if isinstance(self.streamed, StreamedAdam) and state is not None:
            before: Any = state.streamed if isinstance(state, TiledOctave) else state
            self.streamed.carry(before.state if isinstance(before, StreamedAdam) else before)

    def follow(self, progress: Progress) -> None:
        """Go on where this octave stands in one piece."""
        state, watch = progress.stand
        self.made, self.reason = progress.steps, progress.reason
        self.streamed.follow(state)
        self.watch = HostWatch(float(watch.best), int(watch.above), int(watch.setbacks))
        if isinstance(self.streamed, StreamedAdam):
            filled(self.streamed.best, watch.image[0].numpy())

    def begin(self, given_up: bool) -> Progress:
        """Where the octave stands before its next step; over at once if an earlier one was given up."""
        self.reason = "diverged" if given_up else self.reason
        return Progress(Stand(self, self.watch), self.made, 0.0, self.reason)

    def run(self, steps: int) -> Iterator[Progress]:
        """Step until the steps are spent or the optimizer is finished; with smaller tiles where memory runs out.

        Yields:
            Progress after every step, with this octave as its state.

        Raises:
            ResourceError: Not even the smallest tile suffices.
        """
        while not self.reason:
            started, before = time.perf_counter(), self.streamed.steps
            try:
                self.streamed.step(self._evaluate)
            except tf.errors.ResourceExhaustedError:
                self._shrink("the device ran out of memory", needed=True)
                continue
            if self.guard.alarmed():
                self._shrink("memory use came near the budget", needed=False)
            made = self.streamed.steps - before
            self.made += made
            self.reason = self._judged() or ("steps" if self.made >= steps else "")
            if made or self.reason:
                yield Progress(Stand(self, self.watch), self.made, time.perf_counter() - started, self.reason)

    def _evaluate(self, image: Array, gradient: Array) -> float:
        value = self.tiling.evaluate(image, self.targets, self.tile, gradient).value
        if value < self.watch.best:
            self.streamed.keep()
        return value

    def _judged(self) -> str:
        """Why to end after a step, if so."""
        if not self.watch.astray(self.streamed.value) or isinstance(self.optimizer, Lbfgs):
            return self.optimizer.ended_by(self.streamed) if self.streamed.finished else ""
        if self.watch.setbacks >= MOST_SETBACKS:
            self.streamed.give_up(self.watch.best)
            return "diverged"
        self.streamed.set_back(SMALLER)
        self.watch.above, self.watch.setbacks = 0, self.watch.setbacks + 1
        return ""

    def _shrink(self, reason: str, *, needed: bool) -> None:
        self.tile = self.guard.smaller(self.tile, self.tiling.view.smallest_tile, reason, needed=needed)

    def snapshots(self, position: Position) -> Callable[[], Snapshot | None]:
        """What an event gives when asked for a snapshot; nothing once further steps were made.

        A step that was broken off half way counts for nothing: until it ends, it writes to no array of a snapshot.
        """
        made, counts, watch = self.made, self.streamed.counts, dataclasses.replace(self.watch)

        def taken() -> Snapshot | None:
            if self.made != made:
                return None
            return Snapshot(position=position, arrays=self._arrays(counts, watch))

        return taken

    def _arrays(self, counts: tuple[float, ...], watch: HostWatch) -> dict[str, Array]:
        named = {f"tiled.{name}": array for name, array in self.streamed.arrays.items()}
        watched = np.array([watch.best, watch.above, watch.setbacks], np.float64)
        return named | {"tiled.counts": np.array(counts, np.float64), "tiled.watch": watched}

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot of such an octave.

        Raises:
            CheckpointError: It is of another.
        """
        wanted = self._arrays(self.streamed.counts, self.watch)
        for name, array in wanted.items():
            came = snapshot.arrays.get(name)
            if came is None or came.shape != array.shape or came.dtype != array.dtype:
                shape = "nothing" if came is None else f"{came.dtype} {came.shape}"
                message = f"a checkpoint with {name} of {array.dtype} {array.shape} was expected, got {shape}"
                raise CheckpointError(message)
        for name, array in self.streamed.arrays.items():
            filled(array, snapshot.arrays[f"tiled.{name}"])
        self.streamed.counts = tuple(float(each) for each in snapshot.arrays["tiled.counts"])
        best, above, setbacks = (float(each) for each in snapshot.arrays["tiled.watch"])
        self.watch = HostWatch(best, int(above), int(setbacks))
        self.made, self.reason = snapshot.position.made, snapshot.position.reason


def filled(array: Array, values: Array) -> None:
    """Copy values into an array of their shape, some rows at a time."""
    for rows in bands(array, values):
        array[rows] = values[rows]


def bounded(optimizer: Optimizer, steps: int, history: int | None = None) -> Optimizer:
    """The optimizer with no more pairs of history than an octave of so many steps can fill, or than asked for."""
    if isinstance(optimizer, Lbfgs):
        most = min(optimizer.history, steps, optimizer.history if history is None else history)
        return dataclasses.replace(optimizer, history=max(1, most))
    return optimizer


def padded_photo(picture: Picture, size: Size, buffers: Buffers, name: str = "photo") -> Array:
    """`with_margin(resampled_colors(picture, size))` in a buffer, (H, W, 3)."""
    made = buffers.zeros(name, (*padded_size(size), 3))
    resampled_colors(picture, size, into=made[INSIDE, INSIDE])
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
    tiling: Tiling,
    tile: int,
    buffers: Buffers,
    photo: Array,
    alpha: Array | None,
    weigh: Callable[[Any], tuple[Any, Weights]],
) -> TiledTargets:
    """What an image is compared with.

    Args:
        tiling: The objective, tile by tile.
        tile: Side of what a tile owns, pixels.
        buffers: Where the activations of the photo go.
        photo: At this octave with its margin, (H, W, 3).
        alpha: How opaque it is, (H, W, 1), with its margin; None where it is everywhere.
        weigh: Statistics of the photo per position -> style targets and factors of the terms.
    """
    names = iter(sorted(name for name, _ in tiling.objective.content_layers))
    stats, targets = tiling.observe(photo, tile, lambda shape: buffers.zeros(f"content {next(names)}", shape), alpha)
    style, weights = weigh(stats)
    return targets._replace(style=style, weights=weights)


def copied(photo: Array, buffers: Buffers) -> Array:
    """The photo with its margin as the image to start from."""
    made = buffers.zeros("image", photo.shape)
    filled(made, photo)
    return made


def drawn(size: Size, seed: int, buffers: Buffers) -> Array:
    """Noise as `first_image` draws it, row by row from the same stream."""
    made = buffers.zeros("image", (*padded_size(size), 3))
    random = np.random.default_rng(seed)
    for rows in bands(made):
        made[rows] = random.normal(0.5, 0.1, made[rows].shape).clip(0, 1)
    return made


def refined_on_host(image: Any, content: Picture, photo: Array, buffers: Buffers) -> Array:
    """`refined` into a buffer by Pillow's bicubic filter, which is TensorFlow's but for rounding.

    Args:
        image: (H, W, 3) with margin, at the octave left.
        content: The photo at its own size.
        photo: The photo at the octave entered, (H', W', 3) with margin.
        buffers: Where the result goes.
    """
    kept = image[INSIDE, INSIDE]
    rest = buffers.zeros("coarse", kept.shape)
    resampled_colors(content, Size(*kept.shape[:2]), into=rest)
    for rows in bands(rest, kept):
        rest[rows] = kept[rows] - rest[rows]
    made = buffers.zeros("image", photo.shape)
    inner, detail = made[INSIDE, INSIDE], photo[INSIDE, INSIDE]
    resize(rest, inner, Image.Resampling.BICUBIC)
    for rows in bands(inner, detail):
        np.clip(inner[rows] + detail[rows], 0.0, 1.0, out=inner[rows])
    return mirrored(made)
