"""Tensors of low-level graphs by name, whichever form the graph comes in."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from styler.errors import ImageError, LayerError, NetworkError
from styler.features.extractor import FeatureExtractor
from styler.features.graph import GraphExtractor

v1 = tf.compat.v1
WEIGHTS = np.random.default_rng(3).normal(size=(3, 3, 3, 4)).astype(np.float32)
HIDDEN = "scope/hidden:0"


def layers(x, kernel):
    with tf.name_scope("scope"):
        hidden = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"), name="hidden")
    return tf.reduce_mean(hidden, [1, 2], name="pooled")


def expected(pixels):
    hidden = tf.nn.relu(tf.nn.conv2d(pixels, WEIGHTS, 1, "SAME"))
    return {HIDDEN: hidden.numpy(), "pooled": tf.reduce_mean(hidden, [1, 2]).numpy()}


def constant_graph():
    graph = tf.Graph()
    with graph.as_default():
        layers(v1.placeholder(tf.float32, (None, None, None, 3), "image"), tf.constant(WEIGHTS))
    return graph


def graph_with_variable(resource):
    graph = tf.Graph()
    with graph.as_default():
        image = v1.placeholder(tf.float32, (None, None, None, 3), "image")
        layers(image, v1.get_variable("kernel", initializer=WEIGHTS * 0, use_resource=resource))
    return graph


def assigned(graph):
    session = v1.Session(graph=graph)
    with graph.as_default():
        session.run(v1.global_variables_initializer())
        v1.global_variables()[0].load(WEIGHTS, session)
    return session


class Saved(tf.Module):
    def __init__(self):
        super().__init__()
        self.kernel = tf.Variable(WEIGHTS)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32, name="image")])
    def serve(self, image):
        return {"pooled": layers(image, self.kernel), "negative": -image}


MODULE = Saved()  # a concrete function does not keep its variables alive


def source_of(form, folder):
    """A source, and the name of its hidden layer."""
    if form == "graph":
        return constant_graph(), HIDDEN
    if form == "graph_def":
        return constant_graph().as_graph_def(), HIDDEN
    if form == "file":
        path = folder / "frozen.pb"
        path.write_bytes(constant_graph().as_graph_def().SerializeToString())
        return str(path), HIDDEN
    if form in ("session", "reference session"):
        graph = graph_with_variable(form == "session")
        return (graph, assigned(graph)), HIDDEN
    if form == "checkpoint":
        graph = graph_with_variable(True)
        with graph.as_default(), assigned(graph) as session:
            return (graph_with_variable(True), v1.train.Saver().save(session, str(folder / "saved"))), HIDDEN
    module = MODULE
    if form == "concrete":
        return module.serve.get_concrete_function(), HIDDEN
    tf.saved_model.save(module, str(folder), signatures=module.serve)
    return (str(folder) if form == "folder" else tf.saved_model.load(str(folder))), "?"


FORMS = [
    "graph",
    "graph_def",
    "file",
    "session",
    "reference session",
    "checkpoint",
    "concrete",
    "folder",
    "loaded",
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("form", FORMS)
def test_hidden_tensors_of_every_form(form, tmp_path, rng):
    pixels = rng.random((2, 6, 5, 3), np.float32)
    source, hidden = source_of(form, tmp_path)
    if hidden == "?":  # functions within functions are spread out under the name of the call
        hidden = "scope/hidden"
    if isinstance(source, tuple) and hasattr(source[1], "close"):
        extractor = GraphExtractor(source, [hidden, "pooled"])
        source[1].close()
    else:
        extractor = GraphExtractor(source, [hidden, "pooled"])
    features = extractor(pixels)
    assert list(features) == [hidden, "pooled"]
    for name, wanted in zip((hidden, "pooled"), expected(pixels).values(), strict=True):
        np.testing.assert_allclose(features[name], wanted, rtol=1e-5, atol=1e-6)
    again = extractor(pixels[:1])[hidden]
    np.testing.assert_allclose(again, features[hidden][:1], rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_session_and_its_graph_stay_as_they_were():
    graph = graph_with_variable(True)
    session = assigned(graph)
    before = graph.as_graph_def()
    graph.finalize()
    GraphExtractor((graph, session), [HIDDEN])
    assert graph.as_graph_def() == before


def test_nothing_is_computed_that_no_target_needs():
    whole = GraphExtractor(constant_graph(), ["pooled"])._function.graph.get_operations()
    part = GraphExtractor(constant_graph(), [HIDDEN])._function.graph.get_operations()
    assert {each.type for each in whole} - {each.type for each in part} == {"Mean"}


def test_one_function_for_many_targets_and_sizes(rng):
    extractor = GraphExtractor(constant_graph(), [HIDDEN, "pooled", "scope/Conv2D"])
    function = extractor._function
    for size in (4, 7):
        extractor(rng.random((1, size, size, 3), np.float32))
    assert extractor._function is function
    assert [each.type for each in function.graph.get_operations()].count("Conv2D") == 1


def test_feeding_in_the_middle(rng):
    hidden = rng.random((1, 4, 4, 4), np.float32)
    extractor = GraphExtractor(constant_graph(), ["pooled"], feeds=[HIDDEN])
    np.testing.assert_allclose(extractor(hidden)["pooled"], hidden.mean((1, 2)), rtol=1e-5)
    assert "Conv2D" not in {each.type for each in extractor._function.graph.get_operations()}


def test_several_feeds_by_order_and_by_name():
    graph = tf.Graph()
    with graph.as_default():
        a, b = v1.placeholder(tf.float32, (None,), "a"), v1.placeholder(tf.float32, (None,), "b")
        tf.subtract(a, b, name="difference")
    extractor = GraphExtractor(graph, ["difference"])
    assert extractor.feeds == ("a:0", "b:0")
    assert float(extractor([[3.0], [1.0]])["difference"][0]) == 2.0
    assert float(extractor({"b:0": [3.0], "a:0": [1.0]})["difference"][0]) == -2.0
    swapped = GraphExtractor(graph, ["difference"], feeds=["b", "a"])
    assert float(swapped([[3.0], [1.0]])["difference"][0]) == -2.0


def test_gradients_flow_through(rng):
    pixels = tf.constant(rng.random((1, 4, 4, 3), np.float32))
    extractor = GraphExtractor(MODULE.serve.get_concrete_function(), ["pooled"])
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        value = tf.reduce_sum(extractor(pixels)["pooled"])
    assert float(tf.norm(tape.gradient(value, pixels))) > 0


def test_a_keras_export_read_this_way_equals_the_layers(tmp_path, rng):
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu", name="first")(inputs)
    model = keras.Model(inputs, keras.layers.Conv2D(2, 3, name="second")(x))
    model.export(str(tmp_path), verbose=False)
    pixels = rng.random((1, 8, 8, 3), np.float32)
    features = GraphExtractor(tmp_path, ["first", "second", "first/BiasAdd"])(pixels)
    layers = FeatureExtractor(model, ["first", "second"])(pixels)
    for name, expected in layers.items():
        np.testing.assert_allclose(features[name], expected, atol=1e-5)
    np.testing.assert_allclose(np.maximum(features["first/BiasAdd"], 0), layers["first"], atol=1e-5)


@pytest.mark.parametrize(
    ("names", "feeds", "message"),
    [
        ([], None, "expected at least one tensor"),
        (["pooled", "pooled:0"], None, "'pooled:0' is given twice"),
        (["poled"], None, "unknown tensor 'poled'. Did you mean 'pooled'"),
        (["pooled:1"], None, "'pooled' has 1 output, the last is :0"),
        (["Const"], None, "'Const' is constant: it does not depend on any placeholder"),
        (["image"], [HIDDEN], "also needs 'image:0', which is not among the feeds"),
        ("pooled", None, "expected a list of tensor names"),
    ],
)
def test_wrong_names_say_what_to_do(names, feeds, message):
    with pytest.raises(LayerError, match=message):
        GraphExtractor(constant_graph(), names, feeds=feeds)


def test_a_target_that_no_feed_reaches():
    graph = constant_graph()
    with graph.as_default():
        v1.placeholder(tf.float32, (), "unused")
    with pytest.raises(LayerError, match=r"needs 'image:0'"):
        GraphExtractor(graph, ["pooled"], feeds=["unused"])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((1, 4, 4, 4), np.float32), r"expected float32 \(None, None, None, 3\) for 'image:0', got float32"),
        (np.zeros((1, 4, 4, 3), np.uint8), "got uint8"),
        ([np.zeros(1), np.zeros(1)], "expected values for 1 feeds"),
        ({"picture": np.zeros(1)}, r"got 1 named \['picture'\]"),
    ],
)
def test_wrong_values_say_what_to_do(value, message):
    with pytest.raises(ImageError, match=message):
        GraphExtractor(constant_graph(), ["pooled"])(value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_wrong_sources_say_what_to_do(tmp_path):
    broken, model = tmp_path / "broken.pb", keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    broken.write_bytes(b"\x01\x02 no graph")
    graph = graph_with_variable(True)
    folder = tmp_path / "saved"
    module = Saved()
    tf.saved_model.save(module, str(folder), signatures={"mine": module.serve})
    table = [
        (model, "got a Keras model; use FeatureExtractor"),
        (3, "expected a tf.Graph.*got int"),
        (graph, r"has variables \(kernel\) but no values.*\(graph, session\)"),
        (str(broken), "expected a frozen .pb file"),
        (str(tmp_path / "absent.pb"), "cannot read"),
        (str(tmp_path), "is not a SavedModel"),
        (str(folder), "no signature 'serving_default' in the SavedModel; it has 'mine'"),
        ((graph, v1.Session(graph=graph)), "the variables of the session have no values"),
        ((graph, str(tmp_path / "none")), "does not fit the graph"),
    ]
    for source, message in table:
        with pytest.raises(NetworkError, match=message):
            GraphExtractor(source, ["pooled"])


def test_a_saved_model_with_random_augmentation(tmp_path, rng):
    """Its exported function moves a seed on, which is a constant once the function is frozen."""
    inputs = keras.Input((None, None, 3))
    layers = keras.layers.Conv2D(2, 3, name="c1")(keras.layers.RandomFlip("horizontal")(inputs))
    model = keras.Model(inputs, layers)
    model.export(str(tmp_path / "saved"), verbose=False)
    images = rng.random((1, 6, 6, 3), np.float32)
    found = GraphExtractor(str(tmp_path / "saved"), ["output_0"])(images)["output_0"]
    assert found.shape == (1, 4, 4, 2)
