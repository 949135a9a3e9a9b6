"""Small Keras models with every kind of address."""

from __future__ import annotations

import keras
import numpy as np


class Halves(keras.layers.Layer):
    """Two outputs: the first and the second half of the channels."""

    def call(self, inputs):
        return keras.ops.split(inputs, 2, axis=-1)

    def compute_output_shape(self, shape):
        half = (*shape[:-1], shape[-1] // 2)
        return [half, half]


class Subclassed(keras.Model):
    """A graph that Keras does not see."""

    def __init__(self):
        super().__init__(name="subclassed")
        self.first = keras.layers.Conv2D(4, 3, padding="same", name="first")
        self.second = keras.layers.Conv2D(2, 1, name="second")

    def call(self, inputs, training=False):
        return self.second(keras.ops.relu(self.first(inputs)))


def conv(filters: int, name: str):
    return keras.layers.Conv2D(filters, 3, padding="same", name=name)


def sequential():
    return keras.Sequential(
        [keras.Input((None, None, 3)), conv(4, "block1_conv1"), conv(4, "block2_conv1")], name="plain"
    )


def branching():
    """Branches, a layer with two outputs, a shared layer, a name full of signs, a nested model called twice."""
    image = keras.Input((None, None, 3), name="image")
    left, right = Halves(name="halves")(conv(8, "stem")(image))
    shared = conv(4, "shared")
    inner_input = keras.Input((None, None, 4))
    deep = keras.Sequential([keras.Input((None, None, 6)), conv(4, "deepest")], name="deep")
    inner = keras.Model(inner_input, deep(conv(6, "inside")(inner_input)), name="inner")
    both = keras.layers.Add(name="sum")([shared(left), shared(right)])
    out = conv(2, "odd:name@1")(inner(inner(both)))
    return keras.Model(image, out, name="branching")


def two_inputs(*, named: bool = False):
    first, second = keras.Input((None, None, 3), name="first"), keras.Input((None, None, 3), name="second")
    out = keras.layers.Concatenate(name="join")([conv(2, "one")(first), conv(3, "two")(second)])
    return keras.Model({"first": first, "second": second} if named else [first, second], out, name="two")


def image(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.random(shape or (2, 12, 10, 3), np.float32)
