"""How an optimizer walks through arrays of the size of an image: whole ones on the device, or pieces on the host.

The formulas of an optimizer are functions of flat arrays, written once. On the device they see whole tensors and become
part of a compiled program. On the host arrays may be mapped from files and larger than memory, so that they see one
piece after the other; what comes out is written into buffers, which are used again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from styler.types import Scalar, Size, Tensor

Array: TypeAlias = NDArray[Any]

Formula: TypeAlias = Callable[..., tuple[tuple[Tensor, ...], tuple[Tensor, ...]]]
"""Pieces of arrays -> pieces of new arrays, and sums over the piece, which are added up over all pieces.

An image comes as (N,), a ring of images as (history, N).
"""

PIECE = 1 << 18  # values, 1 MiB in float32: some two dozen of them, rings included, are in memory at a time


class Walk(Protocol):
    """A way to apply formulas to arrays of the size of an image."""

    def apply(self, formula: Formula, *arrays: Tensor, into: Sequence[str] = ()) -> tuple[Any, Any]:
        """Apply a formula.

        Args:
            formula: See `Formula`.
            *arrays: Images (1, H, W, 3) and rings of images (length, 1, H, W, 3), the first one an image.
            into: Names of the buffers for what comes out, where there are buffers; may be those of what goes in.

        Returns:
            New images, and the sums over all of their values.
        """
        ...

    def zeros(self, name: str, like: Tensor) -> Tensor:
        """An image of zeros."""
        ...

    def ring(self, name: str, length: int, like: Tensor) -> Tensor:
        """Images of zeros, (length, *like.shape)."""
        ...

    def stored(self, ring: Tensor, place: Scalar, formula: Callable[..., Tensor], *arrays: Tensor) -> Tensor:
        """The ring with what a formula makes of pieces of images at one of its places."""
        ...

    def resized(self, name: str, image: Tensor, size: Size, method: str) -> Tensor:
        """An image at another size."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """Whole tensors, in a graph or outside of one."""

    def apply(self, formula: Formula, *arrays: Tensor, into: Sequence[str] = ()) -> tuple[Any, Any]:
        """See `Walk`."""
        image = arrays[0]
        made, sums = formula(*(_flat(array, image) for array in arrays))
        return tuple(_shaped(each, image) for each in made), sums

    def zeros(self, name: str, like: Tensor) -> Tensor:
        """See `Walk`."""
        return tf.zeros_like(like)

    def ring(self, name: str, length: int, like: Tensor) -> Tensor:
        """See `Walk`."""
        ring = tf.zeros(tf.concat([[length], tf.shape(like)], 0), like.dtype)
        return tf.ensure_shape(ring, [length, *like.shape])

    def stored(self, ring: Tensor, place: Scalar, formula: Callable[..., Tensor], *arrays: Tensor) -> Tensor:
        """See `Walk`."""
        made = _shaped(formula(*(_flat(array, arrays[0]) for array in arrays)), arrays[0])
        return tf.tensor_scatter_nd_update(ring, tf.reshape(place, [1, 1]), made[None])

    def resized(self, name: str, image: Tensor, size: Size, method: str) -> Tensor:
        """See `Walk`."""
        return tf.image.resize(image, size, method)


WHOLE = Whole()


Allocate: TypeAlias = Callable[[str, tuple[int, ...]], Array]
"""Name of a buffer and its shape -> float32 zeros, in memory or mapped."""


@dataclass(frozen=True)
class Pieces:
    """Arrays on the host, worked through piece by piece and changed in place.

    Attributes:
        allocate: Where buffers come from; asked once for each name.
        release: Called with a piece that will not be needed for a while, so that a mapped one need not stay in memory.
        buffers: Those allocated so far, by name.
    """

    allocate: Allocate
    release: Callable[[Array], object] = lambda piece: None
    buffers: dict[str, Array] = field(default_factory=dict)

    def apply(self, formula: Formula, *arrays: Array, into: Sequence[str] = ()) -> tuple[Any, Any]:
        """See `Walk`; sums add up in float64 and come back in their own precision."""
        image = arrays[0]
        targets = tuple(self.buffer(name, image.shape) for name in into)
        parts: list[tuple[Tensor, ...]] = []
        for start in range(0, image.size, PIECE):
            pieces, written = ([_piece(array, start) for array in each] for each in (arrays, targets))
            made, sums = formula(*(tf.constant(piece) for piece in pieces))
            for piece, new in zip(written, made, strict=True):
                piece[...] = new.numpy()
            parts.append(sums)
            self._let_go(*pieces, *written)
        return targets, tuple(_total(each) for each in zip(*parts, strict=True))

    def zeros(self, name: str, like: Array) -> Array:
        """See `Walk`."""
        (made,), _ = self.apply(lambda piece: ((tf.zeros_like(piece),), ()), self.buffer(name, like.shape), into=[name])
        return made

    def ring(self, name: str, length: int, like: Array) -> Array:
        """See `Walk`."""
        return self.buffer(name, (length, *like.shape))

    def stored(self, ring: Array, place: Scalar, formula: Callable[..., Tensor], *arrays: Array) -> Array:
        """See `Walk`."""
        row = ring[int(place)]
        for start in range(0, row.size, PIECE):
            pieces, target = [_piece(array, start) for array in arrays], _piece(row, start)
            target[...] = formula(*(tf.constant(piece) for piece in pieces)).numpy()
            self._let_go(*pieces, target)
        return ring

    def resized(self, name: str, image: Tensor, size: Size, method: str) -> Array:
        """See `Walk`; color by color."""
        made = self.buffer(name, (1, *size, image.shape[-1]))
        for color in range(image.shape[-1]):
            plane = tf.constant(image[..., color : color + 1])
            made[..., color] = tf.image.resize(plane, size, method)[..., 0].numpy()
        return made

    def filled(self, name: str, values: Tensor) -> Array:
        """A buffer with the values of an image or of a ring."""
        made = self.buffer(name, tuple(values.shape))
        rings = [made, values] if len(made.shape) == RING else [made[None], values[None]]
        for target, source in zip(*rings, strict=True):
            flat = np.asarray(source).reshape(-1)
            for start in range(0, target.size, PIECE):
                piece = _piece(target, start)
                piece[...] = flat[start : start + PIECE]
                self._let_go(piece)
        return made

    def buffer(self, name: str, shape: tuple[int, ...]) -> Array:
        """The buffer of that name."""
        if name not in self.buffers:
            self.buffers[name] = self.allocate(name, shape)
        return self.buffers[name]

    def _let_go(self, *pieces: Array) -> None:
        for piece in pieces:
            self.release(piece)


RING = 5  # axes of a ring of images (length, 1, H, W, 3)


def _flat(array: Tensor, image: Tensor) -> Tensor:
    """An image as (N,), a ring as (length, N)."""
    return tf.reshape(array, [-1] if len(array.shape) == len(image.shape) else [array.shape[0], -1])


def _shaped(values: Tensor, image: Tensor) -> Tensor:
    """(N,) as an image again."""
    return tf.ensure_shape(tf.reshape(values, tf.shape(image)), image.shape)


def _piece(array: Array, start: int) -> Array:
    """A view of `PIECE` values of an image, or of each image of a ring."""
    flat = array.reshape(len(array), -1) if array.ndim == RING else array.reshape(-1)
    return flat[..., start : start + PIECE]


def _total(parts: Sequence[Tensor]) -> Tensor:
    return tf.constant(np.sum([part.numpy() for part in parts], 0, np.float64), parts[0].dtype)
