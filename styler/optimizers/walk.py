"""Applies formulas to image-sized arrays: to whole tensors, or piece by piece on the host.

The formulas of an optimizer are functions of flat arrays, so the same code serves both cases. On the device, they
receive whole tensors and become part of a compiled program. On the host, arrays may be mapped from files and larger
than memory. The formulas then receive one piece at a time, and their results are written to buffers that are reused.
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

ImagesAndSums: TypeAlias = tuple[tuple[Tensor, ...], tuple[Tensor, ...]]
"""New images or pieces of them, and sums over their values."""

Formula: TypeAlias = Callable[..., ImagesAndSums]
"""Pieces of arrays -> pieces of new images, and sums over the piece, which are added up over all pieces.

An image has the shape (N,), a ring buffer of images (length, N).
"""

PIECE = 1 << 18  # values, 1 MiB in float32; about two dozen pieces, including ring buffers, are in memory at a time
RING = 5  # axes of a ring buffer of images, (length, 1, H, W, 3)


class Walk(Protocol):
    """A way to apply formulas to image-sized arrays."""

    def apply(
        self,
        formula: Formula,
        *arrays: Tensor,
        into: Sequence[str] = (),
    ) -> ImagesAndSums:
        """Apply a formula.

        Args:
            formula: See `Formula`.
            *arrays: Images (1, H, W, 3) and ring buffers of images (length, 1, H, W, 3); the first one is an image.
            into: Names of the buffers for the new images, if the walk has buffers; may be those of the arguments.

        Returns:
            The new images, and the sums over all values.
        """
        ...

    def zeros(self, name: str, like: Tensor) -> Tensor:
        """Return an image of zeros."""
        ...

    def ring(
        self,
        name: str,
        length: int,
        like: Tensor,
    ) -> Tensor:
        """Return a ring buffer of zeros, (length, *like.shape)."""
        ...

    def stored(
        self,
        ring: Tensor,
        place: Scalar,
        formula: Callable[..., Tensor],
        *arrays: Tensor,
    ) -> Tensor:
        """Apply a formula to images, and store the result at one place of a ring buffer."""
        ...

    def resized(
        self,
        name: str,
        image: Tensor,
        size: Size,
        method: str,
    ) -> Tensor:
        """Resize an image."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """Whole tensors, inside or outside a graph."""

    def apply(
        self,
        formula: Formula,
        *arrays: Tensor,
        into: Sequence[str] = (),
    ) -> ImagesAndSums:
        """See `Walk`."""
        image = arrays[0]
        flat = [_flat(array, image) for array in arrays]
        results, sums = formula(*flat)
        return tuple(_shaped(result, image) for result in results), sums

    def zeros(self, name: str, like: Tensor) -> Tensor:
        """See `Walk`."""
        return tf.zeros_like(like)

    def ring(
        self,
        name: str,
        length: int,
        like: Tensor,
    ) -> Tensor:
        """See `Walk`."""
        shape = tf.concat([[length], tf.shape(like)], 0)
        ring = tf.zeros(shape, like.dtype)
        return tf.ensure_shape(ring, [length, *like.shape])

    def stored(
        self,
        ring: Tensor,
        place: Scalar,
        formula: Callable[..., Tensor],
        *arrays: Tensor,
    ) -> Tensor:
        """See `Walk`."""
        image = arrays[0]
        flat = [_flat(array, image) for array in arrays]
        result = _shaped(formula(*flat), image)
        return tf.tensor_scatter_nd_update(ring, tf.reshape(place, [1, 1]), result[None])

    def resized(
        self,
        name: str,
        image: Tensor,
        size: Size,
        method: str,
    ) -> Tensor:
        """See `Walk`."""
        return tf.image.resize(image, size, method)


WHOLE = Whole()


Allocate: TypeAlias = Callable[[str, tuple[int, ...]], Array]
"""Name of a buffer and its shape -> float32 zeros, in memory or mapped."""


@dataclass(frozen=True)
class Pieces:
    """Arrays on the host, processed piece by piece and changed in place.

    Attributes:
        allocate: Makes the buffers; called once for each name.
        release: Called with a piece that is not needed for a while, so that a mapped piece can leave memory.
        buffers: Buffers allocated so far, by name.
    """

    allocate: Allocate
    release: Callable[[Array], object] = lambda piece: None
    buffers: dict[str, Array] = field(default_factory=dict)

    def apply(
        self,
        formula: Formula,
        *arrays: Array,
        into: Sequence[str] = (),
    ) -> ImagesAndSums:
        """See `Walk`; sums are added up in float64 and returned in their own precision."""
        image = arrays[0]
        targets = tuple(self.buffer(name, image.shape) for name in into)
        sums_of_pieces: list[tuple[Tensor, ...]] = []
        for start in range(0, image.size, PIECE):
            pieces = [_piece(array, start) for array in arrays]
            target_pieces = [_piece(target, start) for target in targets]
            results, sums = formula(*(tf.constant(piece) for piece in pieces))
            for target_piece, result in zip(target_pieces, results, strict=True):
                target_piece[...] = result.numpy()
            sums_of_pieces.append(sums)
            self._release(*pieces, *target_pieces)
        totals = tuple(_total(parts) for parts in zip(*sums_of_pieces, strict=True))
        return targets, totals

    def zeros(self, name: str, like: Array) -> Array:
        """See `Walk`."""

        def erased(piece: Tensor) -> ImagesAndSums:
            return (tf.zeros_like(piece),), ()

        buffer = self.buffer(name, like.shape)
        self.apply(erased, buffer, into=[name])
        return buffer

    def ring(
        self,
        name: str,
        length: int,
        like: Array,
    ) -> Array:
        """See `Walk`."""
        return self.buffer(name, (length, *like.shape))

    def stored(
        self,
        ring: Array,
        place: Scalar,
        formula: Callable[..., Tensor],
        *arrays: Array,
    ) -> Array:
        """See `Walk`."""
        image = ring[int(place)]
        for start in range(0, image.size, PIECE):
            pieces = [_piece(array, start) for array in arrays]
            target = _piece(image, start)
            target[...] = formula(*(tf.constant(piece) for piece in pieces)).numpy()
            self._release(*pieces, target)
        return ring

    def resized(
        self,
        name: str,
        image: Tensor,
        size: Size,
        method: str,
    ) -> Array:
        """See `Walk`; works channel by channel."""
        channels = image.shape[-1]
        buffer = self.buffer(name, (1, *size, channels))
        for channel in range(channels):
            plane = tf.constant(image[..., channel : channel + 1])
            resized = tf.image.resize(plane, size, method)
            buffer[..., channel] = resized[..., 0].numpy()
        return buffer

    def filled(self, name: str, values: Tensor) -> Array:
        """Fill a buffer with the values of an image or of a ring buffer."""
        buffer = self.buffer(name, tuple(values.shape))
        is_ring = buffer.ndim == RING
        targets = buffer if is_ring else buffer[None]
        sources = values if is_ring else values[None]
        for target, source in zip(targets, sources, strict=True):
            flat = np.asarray(source).reshape(-1)
            for start in range(0, target.size, PIECE):
                piece = _piece(target, start)
                piece[...] = flat[start : start + PIECE]
                self._release(piece)
        return buffer

    def buffer(self, name: str, shape: tuple[int, ...]) -> Array:
        """Return the buffer with this name; it is allocated at the first request."""
        if name not in self.buffers:
            self.buffers[name] = self.allocate(name, shape)
        return self.buffers[name]

    def _release(self, *pieces: Array) -> None:
        for piece in pieces:
            self.release(piece)


def _flat(array: Tensor, image: Tensor) -> Tensor:
    """Reshape an image to (N,), or a ring buffer to (length, N)."""
    is_image = len(array.shape) == len(image.shape)
    return tf.reshape(array, [-1] if is_image else [array.shape[0], -1])


def _shaped(values: Tensor, image: Tensor) -> Tensor:
    """Reshape (N,) to the shape of an image."""
    shaped = tf.reshape(values, tf.shape(image))
    return tf.ensure_shape(shaped, image.shape)


def _piece(array: Array, start: int) -> Array:
    """Return a view of `PIECE` values of an image, or of each image of a ring buffer."""
    part = slice(start, start + PIECE)
    if array.ndim == RING:
        return array.reshape(len(array), -1)[:, part]
    return array.reshape(-1)[part]


def _total(parts: Sequence[Tensor]) -> Tensor:
    total = np.sum([part.numpy() for part in parts], axis=0, dtype=np.float64)
    return tf.constant(total, parts[0].dtype)
