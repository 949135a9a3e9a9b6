"""Where an octave stands between two calls: the optimizer's state and its watch, to arrays and back."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from styler.errors import CheckpointError
from styler.optimizers.base import Optimizer, State
from styler.render.compiled import any_size
from styler.render.divergence import watching
from styler.render.snapshot import Arrays
from styler.types import Size, Tensor

SMALL = (1, 4, 4, 3)  # any image will do to learn which tensors an optimizer's state has


class Stand(NamedTuple):
    """With its step number all that is needed to go on.

    Attributes:
        state: The optimizer's; by tiles a `styler.render.tiled.TiledOctave`, which changes in place.
        watch: A `Watch`; by tiles a `HostWatch`.
    """

    state: State
    watch: Any


def begun(state: State) -> Stand:
    """At the start of an octave."""
    return Stand(state, watching(state.image))


def to_arrays(stand: Stand) -> Arrays:
    """Every tensor by name."""
    return {name: tensor.numpy() for name, tensor in _named(stand).items()}


def from_arrays(arrays: Arrays, optimizer: Optimizer, size: Size) -> Stand:
    """The inverse of `to_arrays`.

    Args:
        arrays: What it gave.
        optimizer: Whose state it was.
        size: Of the image with its margin.

    Raises:
        CheckpointError: The tensors are not those of such a state.
    """
    pattern = begun(optimizer.init(tf.zeros(SMALL)))
    specs = {name: any_size(tensor) for name, tensor in _named(pattern).items()}
    if set(specs) != set(arrays):
        message = f"a checkpoint of {len(specs)} tensors was expected that this optimizer knows; it holds others"
        raise CheckpointError(message)
    for name, spec in specs.items():
        _check(name, arrays[name], spec, size)
    tensors = [tf.constant(arrays[name]) for name in specs]
    stand: Stand = tf.nest.pack_sequence_as(pattern, tensors)
    return stand


def _named(stand: Stand) -> dict[str, Tensor]:
    parts = {"state": stand.state, "watch": stand.watch}
    return {f"{part}.{name}": tensor for part, fields in parts.items() for name, tensor in fields._asdict().items()}


def _check(name: str, array: Any, spec: Any, size: Size) -> None:
    fits = array.dtype == spec.dtype.as_numpy_dtype and spec.shape.is_compatible_with(array.shape)
    if not fits or (len(spec.shape) >= 4 and tuple(array.shape[-3:-1]) != size):
        expected = f"a checkpoint with {name} of {spec.dtype.name} {spec.shape} was expected"
        message = f"{expected} at {size.height} x {size.width} pixels, got {array.dtype} {array.shape}"
        raise CheckpointError(message)
