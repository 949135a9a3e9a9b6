"""Layers inside of layers that Keras keeps no graph of: they give what they gave within."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from styler.errors import LayerError
from styler.features.extractor import FeatureExtractor
from support.small_models import image


class Block(keras.layers.Layer):
    """Attention and a small network, with one normalization for both."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.attention = keras.layers.MultiHeadAttention(2, 4, name="attention")
        self.norm = keras.layers.LayerNormalization(name="norm")
        parts = [keras.layers.Dense(8, activation="relu", name="up"), keras.layers.Dense(4, name="down")]
        self.inner = keras.Sequential(parts, name="inner")

    def call(self, x):
        x = self.norm(x + self.attention(x, x))
        return self.norm(x + self.inner(x))


class Raw(keras.Model):
    """Operations of TensorFlow between layers of Keras."""

    def __init__(self):
        super().__init__(name="raw")
        self.first, self.second = keras.layers.Conv2D(4, 3, name="first"), keras.layers.Conv2D(2, 3, name="second")

    def call(self, inputs):
        return tf.nn.relu(self.second(tf.image.flip_left_right(self.first(inputs))))


def clips(steps):
    """A small network on every frame, then an LSTM."""
    frame = [keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="c1"), keras.layers.GlobalAveragePooling2D()]
    network = keras.Sequential(frame, name="cnn")
    clip = keras.Input((steps, 8, 8, 3))
    each = keras.layers.TimeDistributed(network, name="td")(clip)
    return keras.Model(clip, keras.layers.LSTM(6, name="lstm")(each)), network


@pytest.mark.parametrize("steps", [5, None])
@pytest.mark.parametrize("address", ["td/c1", "td/cnn/c1", "*/c1"])
def test_a_layer_of_every_frame_keeps_the_axis_of_time(steps, address, rng):
    model, network = clips(steps)
    data = image(rng, 2, 5, 8, 8, 3)
    (got,) = FeatureExtractor(model, [address])(data).values()
    expected = np.stack([network.get_layer("c1")(data[:, step]) for step in range(5)], 1)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_what_follows_a_layer_of_frames_is_what_the_model_gives(rng):
    model, _ = clips(5)
    data = image(rng, 2, 5, 8, 8, 3)
    features = FeatureExtractor(model, ["td/c1", "td", "lstm"])(data)
    np.testing.assert_allclose(features["lstm"], model(data), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(features["td"], features["td/c1"].numpy().mean((2, 3)), rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("weights_may_change")
def test_gradients_by_a_layer_of_every_frame(rng):
    model, _ = clips(5)
    extractor = FeatureExtractor(model, ["td/c1", "lstm"])
    with tf.GradientTape() as tape:
        features = extractor(image(rng, 2, 5, 8, 8, 3))
        score = tf.reduce_sum(features["lstm"])
    assert float(tf.norm(tape.gradient(score, features["td/c1"]))) > 0


def test_masked_frames(rng):
    inner = keras.layers.Dense(4, name="dense")
    clip = keras.Input((5, 3))
    masked = keras.layers.Masking()(clip)
    model = keras.Model(clip, keras.layers.LSTM(6, name="lstm")(keras.layers.TimeDistributed(inner, name="td")(masked)))
    data = image(rng, 2, 5, 3)
    data[1, 3:] = 0
    features = FeatureExtractor(model, ["td/dense", "td", "lstm"])(data)
    np.testing.assert_allclose(features["lstm"], model(data), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(features["td/dense"], inner(data), rtol=1e-5, atol=1e-6)


def test_both_directions_of_a_bidirectional(rng):
    inputs = keras.Input((7, 4))
    layer = keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True, name="lstm"), name="bi")
    model = keras.Model(inputs, keras.layers.Dense(2)(layer(inputs)))
    wanted = ["bi/forward_lstm", "bi/backward_lstm", "bi:forward.sequence", "bi"]
    features = FeatureExtractor(model, wanted)(image(rng, 2, 7, 4))
    np.testing.assert_allclose(features["bi/forward_lstm"], features["bi:forward.sequence"], rtol=1e-5, atol=1e-6)
    both = np.concatenate([features["bi/forward_lstm"], features["bi/backward_lstm"][:, ::-1]], -1)
    np.testing.assert_allclose(features["bi"], both, rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def attention():
    inputs = keras.Input((7, 4))
    return keras.Model(inputs, keras.layers.Dense(2, name="head")(Block(name="block")(inputs)), name="attention_model")


def test_inside_of_a_block(attention, rng):
    data = image(rng, 2, 7, 4)
    block = attention.get_layer("block")
    wanted = ["block/attention", "block/norm@0", "block/norm@1", "block/inner/up", "block/down", "block", "head"]
    features = FeatureExtractor(attention, wanted)(data)
    first = block.norm(data + block.attention(data, data))
    up = block.inner.get_layer("up")(first)
    down = block.inner.get_layer("down")(up)
    last = block.norm(first + down)
    expected = [block.attention(data, data), first, last, up, down, last, attention(data)]
    for address, value in zip(wanted, expected, strict=True):
        np.testing.assert_allclose(features[address], value, rtol=1e-5, atol=1e-5, err_msg=address)


def test_patterns_inside_of_a_block(attention):
    assert FeatureExtractor(attention, ["block/*"]).addresses == (
        "block/attention",
        "block/norm@0",
        "block/norm@1",
        "block/inner",
    )
    assert FeatureExtractor(attention, ["*/up"]).addresses == ("block/inner/up",)


def test_a_model_of_raw_operations(rng):
    raw, pixels = Raw(), image(rng, 1, 9, 9, 3)
    alone = FeatureExtractor(raw, ["first", "second"], example=pixels)(pixels)
    inputs = keras.Input((9, 9, 3))
    nested = FeatureExtractor(keras.Model(inputs, keras.layers.Flatten()(raw(inputs))), ["raw/first"])(pixels)
    np.testing.assert_allclose(alone["first"], raw.first(pixels), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(nested["raw/first"], raw.first(pixels), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        alone["second"], raw.second(tf.image.flip_left_right(raw.first(pixels))), rtol=1e-5, atol=1e-6
    )


def test_layers_are_left_as_they_were(attention):
    block = attention.get_layer("block")
    FeatureExtractor(attention, ["block/norm@0"])(np.zeros((1, 7, 4), np.float32))
    assert "call" not in vars(block.norm)
    assert len(block._inbound_nodes) == 1


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("block/norm", "'block/norm' is called 2 times; choose one of block/norm@0 to block/norm@1"),
        ("block/norm@2", "the last call is block/norm@1"),
        ("block/nrm", "Did you mean 'block/norm'"),
        ("up", "Did you mean 'block/inner/up'"),
        ("qery", "Did you mean 'block/attention/query'"),
        ("head/kernel", "'head' is a Dense without layers inside"),
        ("block/norm@0:state_h", "states of a layer inside 'block' are not available"),
        ("block/norm@0:1", "has 1 output"),
    ],
)
def test_wrong_places_say_what_to_do(attention, address, message):
    with pytest.raises(LayerError, match=message):
        FeatureExtractor(attention, [address])


def test_the_cell_of_a_loop_has_no_address():
    model, _ = clips(5)
    with pytest.raises(LayerError, match=r"'lstm'.*lstm:state_h, lstm:state_c"):
        FeatureExtractor(model, ["lstm/lstm_cell"])


def saved(model, folder, **objects):
    path = folder / "features.keras"
    model.save(path)
    return keras.models.load_model(path, custom_objects=objects)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # of Keras, for NumPy 2
def test_states_and_inner_layers_are_saved_and_loaded(tmp_path, rng):
    model, _ = clips(5)
    features = FeatureExtractor(model, ["td/c1", "lstm", "lstm:state_c"]).model
    data = image(rng, 2, 5, 8, 8, 3)
    for one, other in zip(features(data), saved(features, tmp_path)(data), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # of Keras, for NumPy 2
def test_nested_layers_are_saved_as_layers_of_keras(tmp_path, rng):
    inner = [keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, name="c"), keras.layers.Conv2D(2, 3, name="d")]
    backbone, inputs = keras.Sequential(inner, name="bb"), keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(1, 1, name="c")(backbone(inputs)))
    features = FeatureExtractor(model, ["bb/c", "bb", "c"]).model
    loaded, pixels = saved(features, tmp_path), image(rng, 1, 8, 8, 3)
    assert {type(layer).__module__.split(".")[0] for layer in loaded.layers} == {"keras"}
    for one, other in zip(features(pixels), loaded(pixels), strict=True):
        np.testing.assert_array_equal(one, other)
