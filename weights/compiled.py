"""Compiled functions, gradients and training steps on either backend of Keras: TensorFlow or JAX."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

JAX = keras.backend.backend() == "jax"
if JAX:
    import jax
else:
    import tensorflow as tf


def compiled(function: Callable, *models: keras.Model) -> Callable:
    """`function(*models, *arrays)` as a compiled function of the arrays; models have the weights of each call."""
    if not JAX:
        return tf.function(functools.partial(function, *models))
    run = jax.jit(lambda weights, arrays: function(*_bound(models, weights), *arrays))
    return lambda *arrays: run([_weights(model) for model in models], arrays)


def slope(function: Callable, image: Any) -> Any:
    """The slope of a scalar function at an image, to be called within a compiled function."""
    if JAX:
        return jax.grad(function)(image)
    with tf.GradientTape() as tape:
        tape.watch(image)
        value = function(image)
    return tape.gradient(value, image)


def exact_products() -> contextlib.AbstractContextManager:
    """Matrix products within are not rounded to the short mantissas that GPUs multiply fastest."""
    return jax.default_matmul_precision("highest") if JAX else contextlib.nullcontext()


def convolve_by_products() -> None:
    """Let Keras's convolutions be matrix products over gathered neighborhoods from now on.

    XLA times many ways to convolve on a GPU before it compiles one, minutes for a program of many shapes, and without
    (`--xla_gpu_autotune_level=0`) takes one that is fifty times slower. Matrix products need no such trials.
    """
    keras.src.backend.nn.conv = product_convolution


def product_convolution(
    inputs: Any, kernel: Any, strides: Any = 1, padding: Any = "valid", data_format: Any = None, dilation_rate: Any = 1
) -> Any:
    """What Keras's `conv` does where strides are 1 and nothing is padded, (B, H, W, C) x (h, w, C, C')."""
    if padding != "valid" or {*np.ravel(strides), *np.ravel(dilation_rate)} != {1}:
        raise ValueError(f"expected no padding and strides of 1, got {padding!r}, {strides}, {dilation_rate}")
    height, width, channels, filters = kernel.shape
    inputs, kernel = ops.cast(inputs, kernel.dtype), ops.reshape(kernel, (-1, filters))
    rows, columns = inputs.shape[1] - height + 1, inputs.shape[2] - width + 1
    shifted = [inputs[:, i : i + rows, j : j + columns] for i in range(height) for j in range(width)]
    missing = -height * width * channels % 8  # matrix units want rows of 16 bytes
    if missing:
        shifted.append(ops.zeros((*inputs.shape[:1], rows, columns, missing), inputs.dtype))
        kernel = ops.pad(kernel, ((0, missing), (0, 0)))
    return ops.matmul(ops.concatenate(shifted, -1), kernel)


def constant(array: Any) -> Any:
    """A tensor without gradient."""
    return jax.lax.stop_gradient(array) if JAX else tf.stop_gradient(array)


class Training:
    """A model and its optimizer's state, moved on by one compiled step.

    Args:
        model: What is trained.
        optimizer: With a constant learning rate, which each step's own replaces.
        loss: `loss(model, *others, *arrays)` -> total and named parts, scalars.
        others: Models that stay as they are.
    """

    def __init__(self, model: keras.Model, optimizer: Any, loss: Callable, *others: keras.Model) -> None:
        self.model, self.optimizer, self.others = model, optimizer, others
        optimizer.build(model.trainable_variables)
        self._run = jax.jit(self._jax_step(loss)) if JAX else tf.function(self._tensorflow_step(loss))

    def step(self, rate: Any, *arrays: Any) -> dict[str, Any]:
        """One step at a learning rate (a NumPy scalar); the loss's named parts, still on the device."""
        if not JAX:
            return self._run(rate, *arrays)
        state = [variable.value for variable in self.optimizer.variables]
        weights = [_weights(model) for model in (self.model, *self.others)]
        trained, state, parts = self._run(weights, state, rate, arrays)
        _assign(self.model.trainable_variables, trained)
        _assign(self.optimizer.variables, state)
        return parts

    def _jax_step(self, loss: Callable) -> Callable:
        place = next(i for i, v in enumerate(self.optimizer.variables) if v is self.optimizer.learning_rate)

        def run(weights, state, rate, arrays):
            (trainable, fixed), *others = weights

            def value(trainable):
                return loss(*_bound((self.model, *self.others), [(trainable, fixed), *others]), *arrays)

            (_, parts), slopes = jax.value_and_grad(value, has_aux=True)(trainable)
            state = [*state[:place], jax.numpy.asarray(rate, "float32"), *state[place + 1 :]]
            return *self.optimizer.stateless_apply(state, slopes, trainable), parts

        return run

    def _tensorflow_step(self, loss: Callable) -> Callable:
        def run(rate, *arrays):
            with tf.GradientTape() as tape:
                total, parts = loss(self.model, *self.others, *arrays)
            slopes = tape.gradient(total, self.model.trainable_variables)
            self.optimizer.learning_rate.assign(rate)
            self.optimizer.apply(slopes, self.model.trainable_variables)
            return parts

        return run

    def variables(self) -> list[Any]:
        """All that another run needs to go on from here."""
        return [*self.model.variables, *self.optimizer.variables]


def _weights(model: keras.Model) -> tuple[list[Any], list[Any]]:
    trainable, fixed = model.trainable_variables, model.non_trainable_variables
    return [v.value for v in trainable], [v.value for v in fixed]


def _bound(models: Any, weights: Any) -> list[Callable]:
    """Each model as a function of its inputs, with these weights."""

    def call(model, weights, inputs):
        return model.stateless_call(*weights, inputs)[0]

    return [functools.partial(call, *pair) for pair in zip(models, weights, strict=True)]


def _assign(variables: list[Any], values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
