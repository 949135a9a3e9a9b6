"""`styler.addresses`: what it lists can be asked for, and has the shape, stride and field that it says."""

from __future__ import annotations

from fractions import Fraction

import keras
import numpy as np
import pytest
import tensorflow as tf

import styler
from styler.errors import ImageError, NetworkError
from styler.features.extractor import FeatureExtractor
from styler.features.table import layer_table
from support.small_models import Subclassed, branching, image, sequential, two_inputs

L = keras.layers


def by_address(source, **options):
    return {each.address: each for each in styler.addresses(source, **options)}


def text_model():
    words = keras.Input((None,), dtype="int32", name="words")
    steps = L.Bidirectional(L.LSTM(3, return_sequences=True), name="both")(L.Embedding(20, 4, name="table")(words))
    return keras.Model(words, L.Dense(2, name="head")(L.GRU(5, name="last")(steps)))


def transfer_model(size=None, channels=3):
    """A backbone in an outer model, as transfer learning makes them."""
    inner = keras.Input((size, size, channels))
    hidden = L.Conv2D(4, 3, strides=2, padding="same", name="c1")(inner)
    backbone = keras.Model(inner, L.Conv2D(6, 3, padding="same", name="c2")(hidden), name="backbone")
    outer = keras.Input((size, size, channels))
    pooled = L.GlobalAveragePooling2D(name="pool")(backbone(L.Rescaling(1 / 255, name="scale")(outer)))
    return keras.Model(outer, L.Dense(2, name="head")(pooled), name="transfer")


@pytest.mark.parametrize("make", [sequential, branching, transfer_model], ids=lambda make: make.__name__)
def test_all_that_is_listed_can_be_asked_for_and_has_its_shape(make, rng):
    model, images = make(), image(rng, 2, 12, 16, 3)
    listed = by_address(model)
    features = FeatureExtractor(model, list(listed))(images)
    for address, tensor in features.items():
        each = listed[address]
        sides = zip(each.shape, tensor.shape, strict=True)
        assert all(said in (None, there) for said, there in sides), address
        assert (each.channels, each.dtype) == (tensor.shape[-1], tensor.dtype.name)


def test_states_of_recurrent_layers_are_listed_and_can_be_asked_for(rng):
    model = text_model()
    listed = by_address(model)
    assert {"both:forward.state_c", "both:backward.sequence", "last:state_h", "last:sequence"} <= set(listed)
    features = FeatureExtractor(model, list(listed))(rng.integers(0, 20, (2, 7)))
    assert {address: tensor.shape[-1] for address, tensor in features.items()} == {
        address: each.channels for address, each in listed.items()
    }
    assert all(each.stride is None and each.receptive_field is None for each in listed.values())


def test_nested_layers_have_their_place_in_the_image():
    listed = by_address(transfer_model(), size=64)
    assert list(listed) == ["scale", "backbone", "backbone/c1", "backbone/c2", "pool", "head"]
    told = {each.address: (each.type, each.shape, each.stride, each.receptive_field) for each in listed.values()}
    assert told == {
        "scale": ("Rescaling", (None, 64, 64, 3), 1, 1),
        "backbone": ("Functional", (None, 32, 32, 6), 2, 7),
        "backbone/c1": ("Conv2D", (None, 32, 32, 4), 2, 3),
        "backbone/c2": ("Conv2D", (None, 32, 32, 6), 2, 7),
        "pool": ("GlobalAveragePooling2D", (None, 6), None, None),
        "head": ("Dense", (None, 2), None, None),
    }
    assert listed["backbone"].parameters == listed["backbone/c1"].parameters + listed["backbone/c2"].parameters


def test_a_model_that_is_called_twice_sees_more_the_second_time():
    inner = keras.Sequential([keras.Input((None, None, 3)), L.Conv2D(3, 3, name="c")], name="inner")
    outer = keras.Input((None, None, 3))
    listed = by_address(keras.Model(outer, inner(inner(outer))))
    assert {address: each.receptive_field for address, each in listed.items()} == {
        "inner@0": 3,
        "inner@0/c": 3,
        "inner@1": 5,
        "inner@1/c": 5,
    }


def test_sides_that_a_model_fixes_stay():
    listed = by_address(transfer_model(32), size=64)
    assert listed["backbone/c1"].shape == (None, 16, 16, 4)


def test_strides_below_one_pixel():
    model = keras.Sequential([keras.Input((None, None, 3)), L.UpSampling2D(2, name="up")])
    assert by_address(model)["up"].stride == Fraction(1, 2)


def test_where_other_inputs_meet_the_image_no_field_is_told():
    photo, label = keras.Input((None, None, 3)), keras.Input((4,))
    maps = L.Conv2D(4, 3, padding="same", name="maps")(photo)
    joined = L.Multiply(name="joined")([maps, L.Reshape((1, 1, 4), name="wide")(label)])
    listed = by_address(keras.Model([photo, label], joined))
    assert listed["maps"].receptive_field == 3
    assert [listed[name].stride for name in ("wide", "joined")] == [None, None]


@pytest.mark.parametrize("named", [False, True])
def test_models_of_several_images(named):
    listed = by_address(two_inputs(named=named), size=16)
    assert listed["join"].shape == (None, 16, 16, 5)


def test_names_with_signs_are_quoted_so_that_they_can_be_asked_for():
    assert "'odd:name@1'" in by_address(branching())
    assert "'a=b,c'" in by_address(keras.Sequential([keras.Input((None, None, 3)), L.ReLU(name="a=b,c")]))


def test_operations_that_are_no_layers_are_listed_too(rng):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.ops.relu(L.Conv2D(2, 3, name="c")(inputs)) + 1.0)
    listed = by_address(model)
    assert len(listed) == 3
    assert len(FeatureExtractor(model, list(listed))(image(rng))) == 3


def test_models_without_a_graph_need_an_example(rng):
    with pytest.raises(NetworkError, match="example="):
        styler.addresses(Subclassed())
    listed = by_address(Subclassed(), example=image(rng))
    assert listed["first"].shape == (None, 12, 10, 4)


def test_too_small_a_size_is_refused():
    model = keras.Sequential([keras.Input((None, None, 3)), L.Conv2D(2, 9, name="c")])
    with pytest.raises(ImageError, match="4 x 4 pixels"):
        styler.addresses(model, size=4)


def test_what_is_no_model_is_refused():
    with pytest.raises(NetworkError):
        styler.addresses(3)


def low_level_graph():
    graph = tf.Graph()
    with graph.as_default():
        fed = tf.compat.v1.placeholder(tf.float32, [None, None, None, 3], "fed")
        weights = tf.constant(np.ones((3, 3, 3, 4), np.float32), name="weights")
        first, _ = tf.split(tf.nn.conv2d(fed, weights, 1, "SAME", name="conv"), 2, -1, name="parts")
        tf.nn.relu(first, name="out")
    return graph


@pytest.mark.parametrize("kind", ["graph", "session", "graph and session", "definition", "function"])
def test_tensors_of_low_level_graphs(kind, rng):
    graph = low_level_graph()
    source = {
        "graph": graph,
        "session": tf.compat.v1.Session(graph=graph),
        "graph and session": (graph, tf.compat.v1.Session(graph=graph)),
        "definition": graph.as_graph_def(),
        "function": tf.function(lambda fed: tf.nn.relu(fed, name="out")).get_concrete_function(
            tf.TensorSpec([None, None, None, 3])
        ),
    }[kind]
    listed = by_address(source)
    features = FeatureExtractor(source, list(listed))(image(rng))
    assert {address: tensor.shape[-1] for address, tensor in features.items()} == {
        address: each.channels for address, each in listed.items()
    }
    if kind != "function":
        assert list(listed) == ["conv", "parts", "parts:1", "out"]
        assert [each.type for each in listed.values()] == ["Conv2D", "Split", "Split", "Relu"]


def test_a_saved_model_lists_its_named_outputs_first(tmp_path, rng):
    transfer_model().export(str(tmp_path / "saved"), verbose=False)
    listed = by_address(str(tmp_path / "saved"))
    assert next(iter(listed)) == "output_0"
    assert listed["output_0"].shape == (None, 2)
    (convolution,) = [address for address, each in listed.items() if each.type == "Conv2D" and "c1" in address]
    features = FeatureExtractor(str(tmp_path / "saved"), [convolution])(image(rng, 1, 12, 16, 3))
    assert features[convolution].shape == (1, 6, 8, 4)


def test_the_table_shows_one_image_and_dashes_where_nothing_is_defined():
    lines = layer_table(transfer_model(), 64).splitlines()
    assert lines[0].split() == ["layer", "type", "shape", "parameters", "stride", "field"]
    assert lines[3].split() == ["backbone/c1", "Conv2D", "32x32x4", "112", "2", "3"]
    assert lines[-1].split(maxsplit=5) == ["head", "Dense", "2", "14", "-", "whole image"]
    assert layer_table(text_model()).splitlines()[1].split() == [
        "table",
        "Embedding",
        "?x4",
        "80",
        "-",
        "-",
    ]
