"""Pooling with a binomial window (Zhang, "Making Convolutional Networks Shift-Invariant Again", ICML 2019)."""

from __future__ import annotations

from typing import Any, ClassVar

import keras  # noqa: TID253 - imported by `compact` when a network is built
import numpy as np

from styler.networks.runtime import DATA_FORMAT

WEIGHTS = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64


@keras.saving.register_keras_serializable(package="styler")
class BinomialPooling2D(keras.layers.Layer):  # type: ignore[misc]
    """Average weighted by [1, 3, 3, 1] / 8 along each axis, with stride 2 and mirrored borders.

    The gradient of a 2x2 average is constant over squares of two pixels, and an optimizer draws these squares into flat
    areas. The gradient of this window is interpolated between them. There are as many windows as with 2x2 averages, and
    they have the same centers.

    Attributes:
        window: Side of the window, positions.
        reach: Positions by which the first window begins before the image.
        pool_size: Window of the plain pooling that can replace this one.
        strides: Strides, (height, width).
        padding: Padding of the plain pooling that can replace this one.
    """

    window: ClassVar[int] = 4
    reach: ClassVar[int] = 1
    pool_size: ClassVar[tuple[int, int]] = (2, 2)
    strides: ClassVar[tuple[int, int]] = (2, 2)
    padding: ClassVar[str] = "valid"

    def call(self, inputs: Any) -> Any:
        """Pool activations of shape (B, H, W, C) to shape (B, H // 2, W // 2, C)."""
        if keras.backend.backend() != "tensorflow" or _is_compiled_by_xla():
            return _halved_width(_halved_height(inputs))
        padded = keras.ops.pad(inputs, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
        window = keras.ops.convert_to_tensor(WEIGHTS[:, :, None, None], padded.dtype)
        kernel = keras.ops.repeat(window, inputs.shape[-1], axis=2)
        return keras.ops.depthwise_conv(padded, kernel, strides=2, data_format=DATA_FORMAT)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the output shape of `call`."""
        batch, height, width, channels = input_shape
        return batch, _half(height), _half(width), channels


def _is_compiled_by_xla() -> bool:
    """Return whether XLA will compile the function that is being traced.

    On a CPU, a depthwise convolution takes a hundred times as long with XLA as without, and slices take ten times as
    long without XLA as with it, because TensorFlow's gradient of a slice fills a tensor of full size.
    """
    import tensorflow as tf
    from tensorflow.python.ops import control_flow_util

    return bool(control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()))


def _half(extent: int | None) -> int | None:
    return None if extent is None else extent // 2


def _halved_height(x: Any) -> Any:
    x = keras.ops.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)), mode="reflect")
    return (3.0 * (x[:, 1:-2:2] + x[:, 2:-1:2]) + x[:, 0:-3:2] + x[:, 3::2]) / 8.0


def _halved_width(x: Any) -> Any:
    x = keras.ops.pad(x, ((0, 0), (0, 0), (1, 1), (0, 0)), mode="reflect")
    return (3.0 * (x[:, :, 1:-2:2] + x[:, :, 2:-1:2]) + x[:, :, 0:-3:2] + x[:, :, 3::2]) / 8.0
