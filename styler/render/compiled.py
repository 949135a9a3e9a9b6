"""Python functions of tensors compiled once for all image sizes, or once for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from styler.types import Tensor


class Compiled:
    """A `tf.function` whose trace serves every image size; another structure of arguments gets a trace of its own.

    Args:
        function: Of tensors and nested tuples of tensors.
        xla: Compile with XLA, once for every size; else run TensorFlow's plain graph, traced once for all.
    """

    def __init__(self, function: Callable[..., Any], *, xla: bool = False) -> None:
        self._function, self._xla = function, xla
        self._compiled: dict[str, Any] = {}

    def __call__(self, *args: Any) -> Any:
        """Call, compiling first if need be; of one structure, later arguments must have the first ones' dtypes."""
        structure = repr(tf.nest.map_structure(lambda _: 0, args))
        if structure not in self._compiled:
            signature = None if self._xla else tf.nest.map_structure(any_size, args)
            self._compiled[structure] = tf.function(
                self._function, input_signature=signature, jit_compile=self._xla, autograph=False
            )
        return self._compiled[structure](*args)


def any_size(tensor: Tensor) -> Any:
    """The signature of a tensor whose height and width, the third- and second-last axes of images, are left open."""
    shape = list(tensor.shape)
    if len(shape) >= 4:
        shape[-3:-1] = [None, None]
    return tf.TensorSpec(shape, tensor.dtype)
