"""Graphs of a session with conditions, loops, functions, iterators and tables, in the forms of both versions."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from styler.errors import LayerError
from styler.features.extractor import FeatureExtractor

v1 = tf.compat.v1
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
VALUES = np.ones((2, 4), np.float32)


def condition(x, w):
    training = v1.placeholder_with_default(False, [], name="training")
    return tf.cond(training, lambda: x @ w * 0, lambda: tf.nn.relu(x @ w))


def loop(x, w):
    return tf.while_loop(lambda i, _: i < 3, lambda i, h: (i + 1, tf.tanh(h @ w)), [0, x])[1]


def case(x, w):
    return tf.case([(tf.reduce_sum(x) < 0, lambda: x @ w)], default=lambda: tf.nn.relu(x @ w))


def function(x, w):
    @tf.function
    def double(a):
        return tf.nn.relu(a @ w) * 2 if tf.reduce_sum(a) > 0 else a

    return double(x)


def mapped(x, w):
    return tf.map_fn(lambda row: tf.tanh(tf.reduce_sum(row[None] @ w, 0)), x)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("build", [condition, loop, case, function, mapped])
def test_values_are_those_of_the_session(build, version):
    (v1.disable_control_flow_v2 if version == 1 else v1.enable_control_flow_v2)()
    try:
        with tf.Graph().as_default() as graph:
            x = v1.placeholder(tf.float32, [None, 4], name="x")
            weight = v1.get_variable("w", [4, 4], use_resource=version == 2)
            tf.identity(build(x, weight), name="o")
            session = v1.Session()
            session.run(v1.global_variables_initializer())
            expected = session.run("o:0", {x: VALUES})
        for _ in range(2):  # functions of the first time must not meet those of the second
            extractor = FeatureExtractor((graph, session), ["o"])
        session.close()
        np.testing.assert_allclose(extractor(VALUES)["o"], expected, rtol=1e-5, atol=1e-6)
    finally:
        v1.enable_control_flow_v2()


def test_what_comes_out_of_an_iterator_is_fed():
    with tf.Graph().as_default() as graph:
        data = tf.data.Dataset.from_tensor_slices(np.ones((4, 3), np.float32)).batch(2)
        tf.nn.relu(v1.data.make_one_shot_iterator(data).get_next() - 0.5, name="o")
    extractor = FeatureExtractor(graph, ["o"])
    assert extractor.feeds == ("IteratorGetNext:0",)
    np.testing.assert_array_equal(extractor(np.full((1, 3), 2, np.float32))["o"], np.full((1, 3), 1.5))


def test_a_table_is_refused_with_the_way():
    with tf.Graph().as_default() as graph:
        words = v1.placeholder(tf.string, [None], name="words")
        table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1]), 0)
        tf.multiply(table.lookup(words), 2, name="o")
        session = v1.Session()
        session.run(v1.tables_initializer())
    with pytest.raises(LayerError, match=r"needs a lookup table.*feeds=") as problem:
        FeatureExtractor((graph, session), ["o"])
    (feed,) = str(problem.value).partition("feeds=[")[2].strip("]").strip("'").split()
    assert FeatureExtractor((graph, session), ["o"], feeds=[feed])(np.array([5], np.int32))["o"] == 10


def test_a_typo_with_a_session():
    with tf.Graph().as_default() as graph:
        tf.nn.relu(v1.placeholder(tf.float32, [None, 3]) @ v1.get_variable("w", [3, 2]), name="hidden")
        session = v1.Session()
        session.run(v1.global_variables_initializer())
    for values in (session, "no/such/checkpoint"):
        with pytest.raises(LayerError, match=r"'hiden'.*'hidden'"):
            FeatureExtractor((graph, values), ["hiden"])
    assert FeatureExtractor(session, ["hidden"])(np.ones((1, 3), np.float32))["hidden"].shape == (1, 2)


@pytest.mark.usefixtures("weights_may_change")
def test_one_tensor_has_a_gradient_by_another():
    with tf.Graph().as_default() as graph:
        hidden = tf.nn.relu(v1.placeholder(tf.float32, [None, 4], name="x") - 0.5, name="hidden")
        tf.reduce_sum(hidden**2, 1, name="score")
    extractor = FeatureExtractor(graph, ["score", "hidden"])
    with tf.GradientTape() as tape:
        features = extractor(VALUES)
        total = tf.reduce_sum(features["score"])
    np.testing.assert_allclose(tape.gradient(total, features["hidden"]), 2 * features["hidden"])


def test_a_function_is_traced_with_an_example():
    scale = tf.Variable(3.0)

    @tf.function
    def three_times(x):
        return tf.identity(tf.identity(x * scale, name="scaled") + 1, name="above")

    extractor = FeatureExtractor(three_times, ["scaled"], example=VALUES)
    np.testing.assert_array_equal(extractor(VALUES[:1])["scaled"], 3 * VALUES[:1])
