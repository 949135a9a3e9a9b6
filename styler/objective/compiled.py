"""Python functions of tensors, compiled once for all image sizes or once for each size."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf

from styler.types import Tensor

KEPT = 32  # programs per function, enough for two renders of a dozen octaves each; a server may get many sizes


class Compiled:
    """A `tf.function` with one trace for all image sizes, or one program per size with XLA.

    Arguments with another structure or number of channels get their own trace.

    Args:
        function: Function of tensors and nested tuples of tensors.
        xla: Whether to compile with XLA, once for every size, and keep the most recently used programs. Otherwise, a
            plain TensorFlow graph is traced once for all sizes.
    """

    def __init__(self, function: Callable[..., Any], *, xla: bool = False) -> None:
        self._function = function
        self._xla = xla
        self._programs: OrderedDict[str, Any] = OrderedDict()

    def __call__(self, *args: Any) -> Any:
        """Call the function; the first call with a structure of arguments compiles it for their dtypes."""
        structure = repr(tf.nest.map_structure(_shape if self._xla else _shape_but_size, args))
        if structure not in self._programs:
            self._programs[structure] = self._traced(args)
            if len(self._programs) > KEPT:
                self._programs.popitem(last=False)
        self._programs.move_to_end(structure)
        return self._programs[structure](*args)

    def _traced(self, args: tuple[Any, ...]) -> Any:
        return tf.function(
            partial(self._function),  # TensorFlow counts traces per function, and would warn about several engines
            input_signature=None if self._xla else tf.nest.map_structure(any_size, args),
            jit_compile=self._xla,
            autograph=False,
        )


def _shape(tensor: Tensor) -> str:
    return str(getattr(tensor, "shape", ""))


def _shape_but_size(tensor: Tensor) -> str:
    return str(any_size(tensor).shape)


def any_size(tensor: Tensor) -> Any:
    """Return the signature of a tensor with any height and width, which are the third-last and second-last axes."""
    shape = list(tensor.shape)
    if len(shape) >= 4:
        shape[-3:-1] = [None, None]
    return tf.TensorSpec(shape, tensor.dtype)
