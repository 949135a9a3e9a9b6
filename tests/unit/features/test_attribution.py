"""Saliency and Grad-CAM are their formulas: against plain Keras and TensorFlow, and against finite differences."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from styler.errors import LayerError
from styler.features.attribution import attribution, grad_cam, maps_before, parse_channel, saliency
from styler.features.extractor import FeatureExtractor
from support.small_models import image

L = keras.layers


@pytest.fixture(scope="module")
def classifier():
    """Convolutions, a nested block, a pooling before the classes."""
    keras.utils.set_random_seed(3)
    inner = keras.Input((None, None, 4))
    block = keras.Model(inner, L.Conv2D(6, 3, padding="same", activation="gelu", name="deep")(inner), name="block")
    inputs = keras.Input((None, None, 3))
    first = L.Conv2D(4, 3, padding="same", activation="gelu", name="first")(inputs)
    pooled = L.MaxPooling2D(name="smaller")(block(first))
    return keras.Model(inputs, L.Dense(3, name="classes")(L.GlobalMaxPooling2D(name="gmp")(pooled)))


def test_saliency_is_the_largest_slope_of_the_colors(classifier, rng):
    images = tf.constant(image(rng, 2, 10, 12, 3))
    found = saliency(FeatureExtractor(classifier, ["classes"]), 1)(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        score = classifier(images)[:, 1]
    expected = np.abs(tape.gradient(score, images).numpy()).max(-1)
    assert found.shape == (2, 10, 12)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_attribution_is_saliency_at_one_of_several_layers(classifier, rng):
    images, several = image(rng, 1, 10, 12, 3), FeatureExtractor(classifier, ["first", "classes"])
    wanted = saliency(FeatureExtractor(classifier, ["classes"]), 1)(tf.constant(images))
    np.testing.assert_allclose(attribution(several, images, "classes", 1), wanted, rtol=1e-5, atol=1e-7)
    with pytest.raises(LayerError, match="Did you mean 'classes'"):
        attribution(several, images, "clases", 1)


def test_saliency_of_maps_sums_over_positions(classifier, rng):
    """By finite differences, in the middle of a layer."""
    images = image(rng, 1, 6, 6, 3)
    found = saliency(FeatureExtractor(classifier, ["block/deep"]), 2)(tf.constant(images))
    inner = FeatureExtractor(classifier, ["block/deep"])

    def score(pixels):
        return float(tf.reduce_sum(inner(pixels)["block/deep"][..., 2]))

    slopes = []
    for color in range(3):
        step = np.zeros_like(images)
        step[0, 2, 3, color] = 1e-2
        slopes.append((score(images + step) - score(images - step)) / 2e-2)
    np.testing.assert_allclose(found[0, 2, 3], np.abs(slopes).max(), rtol=1e-2)


def test_grad_cam_is_equation_2_of_the_paper(classifier, rng):
    images = image(rng, 2, 10, 12, 3)
    found = grad_cam(FeatureExtractor(classifier, ["block", "classes"]), 2)(tf.constant(images))
    plain = keras.Model(classifier.input, [classifier.get_layer("smaller").input, classifier.output])
    with tf.GradientTape() as tape:
        maps, classes = plain(images)
        score = classes[:, 2]
    slope = tape.gradient(score, maps).numpy()
    for index in range(2):
        weights = slope[index].reshape(-1, 6).sum(0) / (10 * 12)
        expected = np.maximum(sum(weights[k] * maps[index, :, :, k].numpy() for k in range(6)), 0)
        np.testing.assert_allclose(found[index], expected, rtol=1e-4, atol=1e-7)
    assert np.any(found)


def test_grad_cam_of_a_shallower_layer_within_a_nested_model(classifier, rng):
    images = tf.constant(image(rng, 1, 8, 8, 3))
    found = grad_cam(FeatureExtractor(classifier, ["first", "block/deep"]), 0)(images)
    first, block = classifier.get_layer("first"), classifier.get_layer("block")
    with tf.GradientTape() as tape:
        maps = first(images)
        tape.watch(maps)
        score = tf.reduce_sum(block(maps)[..., 0])
    weights = tf.reduce_mean(tape.gradient(score, maps), [1, 2], keepdims=True)
    np.testing.assert_allclose(found, tf.nn.relu(tf.reduce_sum(weights * maps, -1)), rtol=1e-4, atol=1e-6)


def test_images_of_several_sizes_are_compiled_once(classifier, rng):
    compute = saliency(FeatureExtractor(classifier, ["first"]), 0)
    for height in (8, 9, 12):
        assert compute(tf.constant(image(rng, 1, height, 8, 3))).shape == (1, height, 8)
    assert compute.experimental_get_tracing_count() <= 2


@pytest.mark.parametrize(
    ("address", "maps"),
    [("classes", "block"), ("smaller", "block"), ("block/deep", "first"), ("block", "first"), ("gmp", "block")],
)
def test_maps_are_those_of_the_last_layer_with_positions(classifier, address, maps):
    assert maps_before(classifier, address) == maps


def test_squeezed_positions_are_no_maps():
    """The excitation of MobileNetV3 and EfficientNet, and their 1 x 1 convolutions behind the pooling."""
    inputs = keras.Input((None, None, 3))
    maps = L.Conv2D(4, 3, name="maps")(inputs)
    squeezed = L.Conv2D(4, 1, name="squeezed")(L.GlobalAveragePooling2D(keepdims=True)(maps))
    model = keras.Model(inputs, L.Dense(2, name="head")(L.Flatten()(squeezed)))
    assert maps_before(model, "head") == "maps"


def test_refusals(classifier, rng):
    images = tf.constant(image(rng, 1, 8, 8, 3))
    with pytest.raises(LayerError, match=r"'classes'.* 0 to 2, .*3"):
        saliency(FeatureExtractor(classifier, ["classes"]), 3)(images)
    with pytest.raises(LayerError, match="expected maps"):
        grad_cam(FeatureExtractor(classifier, ["gmp", "classes"]), 0)(images)
    with pytest.raises(LayerError, match="does not depend on 'block'"):
        grad_cam(FeatureExtractor(classifier, ["block", "first"]), 0)(images)
    with pytest.raises(LayerError, match="no layer before 'first' has maps"):
        maps_before(classifier, "first")


def test_channel_numbers():
    assert parse_channel("block4_conv2:37") == ("block4_conv2", 37)
    assert parse_channel("layer:0:5") == ("layer:0", 5)
    for text in ("block4_conv2", ":3", "a:b", "a:", "a:²"):
        with pytest.raises(LayerError, match="expected LAYER:CHANNEL"):
            parse_channel(text)
