"""Python functions of tensors compiled once for all image sizes, or once for each."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf

from styler.types import Tensor

KEPT = (
    32  # programs of one function: two renders of a dozen octaves each; a server that is given all sizes keeps no more
)


class Compiled:
    """A `tf.function` whose trace serves every image size; another structure of arguments gets a trace of its own.

    Args:
        function: Of tensors and nested tuples of tensors.
        xla: Compile with XLA, once for every size, of which the latest are kept; else run TensorFlow's plain graph,
            traced once for all.
    """

    def __init__(self, function: Callable[..., Any], *, xla: bool = False) -> None:
        self._function, self._xla = function, xla
        self._compiled: OrderedDict[str, Any] = OrderedDict()

    def __call__(self, *args: Any) -> Any:
        """Call, compiling first if need be; of one structure, later arguments must have the first ones' dtypes."""
        kind = repr(tf.nest.map_structure(_shape if self._xla else lambda _: 0, args))
        if kind not in self._compiled:
            self._compiled[kind] = self._traced(args)
            if len(self._compiled) > KEPT:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(kind)
        return self._compiled[kind](*args)

    def _traced(self, args: tuple[Any, ...]) -> Any:
        signature = None if self._xla else tf.nest.map_structure(any_size, args)
        function = partial(self._function)  # TensorFlow counts traces by function, and would warn of many engines
        return tf.function(function, input_signature=signature, jit_compile=self._xla, autograph=False)


def _shape(tensor: Tensor) -> str:
    return str(getattr(tensor, "shape", ""))


def any_size(tensor: Tensor) -> Any:
    """The signature of a tensor whose height and width, the third- and second-last axes of images, are left open."""
    shape = list(tensor.shape)
    if len(shape) >= 4:
        shape[-3:-1] = [None, None]
    return tf.TensorSpec(shape, tensor.dtype)
