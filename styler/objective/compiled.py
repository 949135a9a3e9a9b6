"""Python functions of tensors, compiled once for all image sizes or once for each size."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf

from styler.types import Tensor

KEPT = 32  # programs of one function: two renders of a dozen octaves each; a server that gets all sizes keeps no more


class Compiled:
    """A `tf.function` whose trace serves every image size.

    Arguments of another structure or number of channels get a trace of their own.

    Args:
        function: Function of tensors and nested tuples of tensors.
        xla: Compile with XLA, once for every size, and keep the programs used last; otherwise trace a plain TensorFlow
            graph, once for all sizes.
    """

    def __init__(self, function: Callable[..., Any], *, xla: bool = False) -> None:
        self._function = function
        self._xla = xla
        self._programs: OrderedDict[str, Any] = OrderedDict()

    def __call__(self, *args: Any) -> Any:
        """Call the function; the first call with a structure of arguments compiles it, and fixes their dtypes."""
        structure = repr(tf.nest.map_structure(_shape if self._xla else _shape_but_size, args))
        if structure not in self._programs:
            self._programs[structure] = self._traced(args)
            if len(self._programs) > KEPT:
                self._programs.popitem(last=False)
        self._programs.move_to_end(structure)
        return self._programs[structure](*args)

    def _traced(self, args: tuple[Any, ...]) -> Any:
        return tf.function(
            partial(self._function),  # TensorFlow counts traces by function, and would warn of many engines
            input_signature=None if self._xla else tf.nest.map_structure(any_size, args),
            jit_compile=self._xla,
            autograph=False,
        )


def _shape(tensor: Tensor) -> str:
    return str(getattr(tensor, "shape", ""))


def _shape_but_size(tensor: Tensor) -> str:
    return str(any_size(tensor).shape)


def any_size(tensor: Tensor) -> Any:
    """The signature of a tensor with any height and width, the third-last and second-last axes of an image."""
    shape = list(tensor.shape)
    if len(shape) >= 4:
        shape[-3:-1] = [None, None]
    return tf.TensorSpec(shape, tensor.dtype)
