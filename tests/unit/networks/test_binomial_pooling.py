"""Binomial pooling against its definition, and what it is for: a gradient without squares."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from styler.networks.binomial_pooling import BinomialPooling2D
from styler.networks.compact import CompactDesign, build_compact


def by_definition(image):
    """(H, W, C): every window of four by four places, borders reflected."""
    weights = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64
    padded = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="reflect")
    height, width = (extent // 2 for extent in image.shape[:2])
    windows = [[padded[2 * i : 2 * i + 4, 2 * j : 2 * j + 4] for j in range(width)] for i in range(height)]
    return np.array([[np.tensordot(weights, window, 2) for window in row] for row in windows])


@pytest.mark.parametrize("size", [(8, 6), (9, 8), (7, 11), (2, 3)])
def test_windows_of_any_size(rng, size):
    image = rng.random((*size, 2))
    layer = BinomialPooling2D(dtype="float64")
    pooled = layer(image[None]).numpy()
    np.testing.assert_allclose(pooled[0], by_definition(image), rtol=1e-12)
    assert pooled.shape == layer.compute_output_shape((1, *size, 2))


def test_xla_computes_the_same(rng):
    layer, image = BinomialPooling2D(), tf.constant(rng.random((1, 8, 7, 3), np.float32))
    compiled = tf.function(layer, jit_compile=True)
    np.testing.assert_allclose(compiled(image), layer(image), rtol=1e-5)
    operations = {op.type for op in compiled.get_concrete_function(image).graph.get_operations()}
    assert "DepthwiseConv2dNative" not in operations, "a hundred times slower there"


def test_flat_stays_flat():
    np.testing.assert_allclose(BinomialPooling2D()(np.full((1, 9, 12, 1), 0.3, np.float32)), 0.3, rtol=1e-6)


def test_gradients_are_interpolated_where_averages_repeat_them(rng):
    upstream = rng.normal(size=(1, 8, 8, 1))

    def pulled_back(layer):
        image = tf.zeros((1, 16, 16, 1), tf.float64)
        with tf.GradientTape() as tape:
            tape.watch(image)
            value = tf.reduce_sum(layer(image) * upstream)
        return tape.gradient(value, image).numpy()[0, 2:-2, 2:-2, 0]

    repeated = pulled_back(keras.layers.AveragePooling2D(2, dtype="float64"))
    smooth = pulled_back(BinomialPooling2D(dtype="float64"))
    np.testing.assert_array_equal(repeated[::2], repeated[1::2])
    assert abs(smooth[::2] - smooth[1::2]).min() > 0
    assert abs(np.diff(smooth, axis=0)).max() < abs(np.diff(repeated, axis=0)).max()


def test_it_can_be_saved(rng):
    image = keras.Input((None, None, 3))
    model = keras.Model(image, BinomialPooling2D(name="pool")(image))
    again = keras.Model.from_config(model.get_config())
    pixels = rng.random((1, 6, 8, 3), np.float32)
    np.testing.assert_array_equal(again(pixels), model(pixels))


@pytest.mark.parametrize(("pooling", "kind"), [("binomial", "BinomialPooling2D"), ("average", "AveragePooling2D")])
def test_compact_has_the_pooling_of_its_design(pooling, kind):
    model = build_compact(CompactDesign(widths=(4, 4, 4, 4, 4), pooling=pooling))
    assert type(model.get_layer("block1_pool")).__name__ == kind
