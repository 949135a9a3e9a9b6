"""Which pixels an activation depends on, by gradients that cannot hide any."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

LINEAR = ("BatchNormalization", "LayerNormalization", "Normalization", "LayerScale", "ReLU", "Activation")


class Linear(keras.layers.Layer):
    """Nothing, in place of a normalization or an activation."""

    def call(self, inputs, mask=None):
        return inputs


def transparent(model, *, one_channel: bool = False):
    """The same geometry in float64 with positive weights, averages for maxima and no normalization or activation.

    A ReLU can hide a pixel, a maximum shows one of its window, a product of many weights can underflow in float32.

    Args:
        model: Any model of images.
        one_channel: Every convolution gets one filter, which makes large networks quick.
    """

    def clone(layer):
        kind = type(layer).__name__
        if kind in LINEAR:
            return Linear(name=layer.name, dtype="float64")
        if not isinstance(layer, keras.layers.Layer):
            return layer
        if kind == "MaxPooling2D":
            config = {key: getattr(layer, key) for key in ("pool_size", "strides", "padding")}
            return keras.layers.AveragePooling2D(**config, name=layer.name, dtype="float64")
        config = layer.get_config()
        config["dtype"] = "float64"
        if one_channel and kind == "Conv2D":
            config["filters"] = config["groups"] = 1
        if one_channel and kind == "Dense":
            config["units"] = 1
        return layer.__class__.from_config(config)

    made = keras.models.clone_model(model, clone_function=clone, recursive=True)
    random = np.random.default_rng(0)
    made.set_weights([random.uniform(0.5, 1.0, weight.shape) for weight in made.weights])
    return made


def support(model, symbol, size: int, place: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the pixels with a gradient at one position."""
    image = tf.Variable(np.ones((1, size, size, model.input_shape[-1])), dtype=tf.float64)
    part = keras.Model(model.input, symbol)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(part(image)[:, place[0], place[1]])
    seen = np.any(tape.gradient(value, image).numpy()[0] != 0, axis=-1)
    return _span(seen.any(axis=1)), _span(seen.any(axis=0))


def _span(seen: np.ndarray) -> slice:
    places = np.flatnonzero(seen)
    return slice(int(places[0]), int(places[-1]) + 1)
