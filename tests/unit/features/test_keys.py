"""Keys of the result by list or dict, and reductions over positions."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from styler.errors import LayerError
from styler.features.extractor import FeatureExtractor
from styler.features.keys import reduced
from support.small_models import branching, image, sequential


@pytest.fixture(scope="module")
def model():
    return sequential()


def test_a_dict_renames_the_keys_in_its_order(model, rng):
    pixels = image(rng)
    plain = FeatureExtractor(model, ["block1_conv1", "block2_conv1"])(pixels)
    named = FeatureExtractor(model, {"deep": "block2_conv1", "edges": "#0"})
    assert named.addresses == ("deep", "edges")
    features = named(pixels)
    assert list(features) == ["deep", "edges"]
    np.testing.assert_array_equal(features["edges"], plain["block1_conv1"])
    np.testing.assert_array_equal(features["deep"], plain["block2_conv1"])


@pytest.mark.parametrize("reduce", ["mean", "max"])
def test_positions_are_reduced_and_channels_stay(model, rng, reduce):
    pixels = image(rng)
    whole = FeatureExtractor(model, ["block1_conv1"])(pixels)["block1_conv1"].numpy()
    got = FeatureExtractor(model, {"edges": "block1_conv1"}, reduce=reduce)(pixels)["edges"]
    np.testing.assert_allclose(got, getattr(whole, reduce)((1, 2)), rtol=1e-5, atol=1e-6)


def test_channels_first_are_reduced_over_the_last_axes():
    values = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    np.testing.assert_allclose(reduced(tf.constant(values), "mean", 1), values.mean((2, 3)))


def test_sequences_clips_and_vectors():
    clip = np.random.default_rng(0).random((2, 3, 4, 5, 6))
    np.testing.assert_allclose(reduced(tf.constant(clip), "mean"), clip.mean((1, 2, 3)))
    assert reduced(tf.zeros((2, 7, 4)), "max").shape == (2, 4)
    assert reduced(tf.zeros((2, 4)), "mean").shape == (2, 4)
    ragged = tf.ragged.constant([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]], inner_shape=(2,))
    np.testing.assert_allclose(reduced(ragged, "mean"), [[2, 3], [5, 6]])


def test_half_precision_does_not_overflow():
    assert float(reduced(tf.fill((1, 400, 400, 1), tf.constant(10, tf.float16)), "mean")[0, 0]) == 10


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (None, "expected a list of layer addresses as strings.*got None"),
        (3, "got int"),
        ([3], "expected every layer address as a string, got int"),
        ({"key": None}, "expected every layer address as a string, got None"),
        ({1: "stem"}, "expected every key as a string"),
        ({"all": "s*"}, r"expected one tensor for each of the keys \['all'\], got 4"),
        ("stem", r"expected a list of layer addresses, got the string 'stem'; write \['stem'\]"),
    ],
)
def test_what_is_no_list_of_addresses_is_refused(layers, message):
    with pytest.raises(LayerError, match=message):
        FeatureExtractor(branching(), layers)


def test_a_layer_in_place_of_its_name(model):
    with pytest.raises(LayerError, match=r"Conv2D.*'block1_conv1'"):
        FeatureExtractor(model, [model.layers[0]])
    with pytest.raises(LayerError, match="got Conv2D"):
        FeatureExtractor(model, model.layers[0])
    with pytest.raises(LayerError, match="got KerasTensor"):
        FeatureExtractor(model, model.layers[0].output)


def test_another_reduction_is_refused(model):
    with pytest.raises(LayerError, match=r"reduce='mean' .*'max' .*'sum'"):
        FeatureExtractor(model, ["block1_conv1"], reduce="sum")


def test_keys_of_graphs(rng):
    with tf.Graph().as_default() as graph:
        entry = tf.compat.v1.placeholder(tf.float32, (None, None, None, 3), "image")
        tf.nn.relu(entry - 0.5, name="above")
    pixels = image(rng)
    features = FeatureExtractor(graph, {"bright": "above"}, reduce="max")(pixels)
    np.testing.assert_allclose(features["bright"], np.maximum(pixels - 0.5, 0).max((1, 2)), rtol=1e-6)
