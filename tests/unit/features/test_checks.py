"""Inputs in every form that Keras takes give what Keras gives."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from styler.errors import ImageError
from styler.features.extractor import FeatureExtractor

L = keras.layers
ONES = np.ones((2, 4), np.float32)


def of(model, layer):
    return lambda inputs: FeatureExtractor(model, [layer])(inputs)[layer]


def dense(*inputs, structure=None):
    """A sum of inputs of four numbers."""
    symbols = [keras.Input((4,), name=name) for name in inputs]
    total = L.Add(name="sum")(symbols) if len(symbols) > 1 else L.Dense(2, name="sum")(symbols[0])
    return keras.Model(structure(symbols) if structure else symbols, total)


def named(symbols):
    return {symbol.name: symbol for symbol in symbols}


@pytest.mark.parametrize(
    ("make", "inputs", "plain"),
    [
        (lambda: dense("a", "b"), {"a": ONES, "b": 2 * ONES}, [ONES, 2 * ONES]),
        (lambda: dense("a", "b"), {"b": 2 * ONES, "a": ONES, "label": 1}, [ONES, 2 * ONES]),
        (lambda: dense("a", "b"), (ONES, 2 * ONES), [ONES, 2 * ONES]),
        (lambda: dense("a", "b", structure=named), [ONES, 2 * ONES], {"a": ONES, "b": 2 * ONES}),
        (lambda: dense("a", structure=named), ONES, {"a": ONES}),
        (lambda: dense("a", structure=named), {"a": ONES, "label": ONES}, {"a": ONES}),
        (lambda: dense("a"), [ONES], [ONES]),
        (lambda: dense("a"), {"a": ONES}, [ONES]),
        (lambda: dense("a", structure=lambda symbols: symbols[0]), [ONES], ONES),
        (lambda: dense("a", structure=lambda symbols: symbols[0]), ONES.tolist(), ONES),
        (lambda: dense("a", "b", structure=lambda s: {"x": [s[0]], "b": s[1]}), {"x": [ONES], "b": ONES}, None),
    ],
)
@pytest.mark.filterwarnings("ignore:The structure of:UserWarning")  # of the model itself
def test_structures(make, inputs, plain):
    model = make()
    expected = model(plain if plain is not None else inputs)
    np.testing.assert_allclose(of(model, "sum")(inputs), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "inputs", "message"),
    [
        (lambda: dense("a", "b"), {"a": ONES}, r"expected 2 inputs, a list of \['a', 'b'\], got a dict of \['a'\]"),
        (lambda: dense("a", "b"), ONES, "got one ndarray"),
        (lambda: dense("a", "b"), [ONES], "got a list of 1"),
        (lambda: dense("a", "b"), [ONES, None], "got None; only an optional input can be omitted"),
        (lambda: dense("b", "a", structure=named), [ONES, ONES], r"a dict of \['b', 'a'\], got a list of 2"),
    ],
)
def test_other_structures_are_refused(make, inputs, message):
    model = make()
    with pytest.raises(ImageError, match=message):
        of(model, "sum")(inputs)


def scaling():
    return keras.Sequential([keras.Input((8, 8, 3)), L.Rescaling(1 / 255), L.Conv2D(2, 3, name="c")])


def test_bytes_go_into_a_model_that_scales_them_itself(rng):
    model, pixels = scaling(), rng.integers(0, 256, (1, 8, 8, 3), np.uint8)
    np.testing.assert_allclose(of(model, "c")(pixels), model(pixels), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(tf.function(of(model, "c"))(tf.constant(pixels)), model(pixels), rtol=1e-5, atol=1e-6)


def test_bytes_before_a_preprocessing_are_refused_with_the_way():
    extractor = FeatureExtractor(scaling(), ["c"], preprocess=lambda image: image * 255)
    with pytest.raises(ImageError, match=r"expected float32 in 0..1.*got uint8; divide pixels by 255"):
        extractor(np.zeros((1, 8, 8, 3), np.uint8))


def test_whole_numbers_and_floats():
    inputs = keras.Input((5,), name="ids")
    model, ids = keras.Model(inputs, L.Embedding(10, 4, name="e")(inputs)), np.array([[1, 2, 3, 4, 5]])
    np.testing.assert_array_equal(of(model, "e")(ids), model(ids))
    inputs = keras.Input((5,), name="ids", dtype="int32")
    model = keras.Model(inputs, L.Embedding(10, 4, name="e")(inputs))
    np.testing.assert_array_equal(of(model, "e")(ids.astype(np.float32)), model(ids))
    with pytest.raises(ImageError, match="expected int32 for 'ids', got float32; pass whole numbers"):
        of(model, "e")((ids + 0.5).astype(np.float32))


def test_a_last_axis_of_one_comes_and_goes(rng):
    gray = keras.Sequential([keras.Input((8, 8, 1)), L.Conv2D(2, 3, name="c")])
    pixels = rng.random((3, 8, 8), np.float32)
    np.testing.assert_allclose(of(gray, "c")(pixels), gray(pixels[..., None]), rtol=1e-5, atol=1e-6)
    with pytest.raises(ImageError, match="a single image also needs a batch axis"):
        of(gray, "c")(pixels[0, ..., None])


def test_text():
    vectorize = L.TextVectorization(output_sequence_length=5)
    vectorize.adapt(["a b c"])
    inputs = keras.Input((), dtype="string")
    model = keras.Model(inputs, L.Embedding(10, 4, name="e")(vectorize(inputs)))
    words = tf.constant(["a b", "c"])
    np.testing.assert_array_equal(of(model, "e")(words), model(words))
    np.testing.assert_array_equal(of(model, "e")(np.array(["a b", "c"])), model(words))
    np.testing.assert_array_equal(of(model, "e")(["a b", "c"]), model(words))
    with pytest.raises(ImageError, match="expected text for"):
        of(model, "e")(np.array([1.0, 2.0]))


def test_words_beside_numbers():
    city, number = keras.Input((1,), dtype="string", name="city"), keras.Input((3,), name="num")
    look = L.StringLookup(vocabulary=["paris", "rome"], output_mode="multi_hot", name="look")(city)
    model = keras.Model([city, number], L.Dense(4, name="mix")(L.Concatenate()([number, look])))
    given = [tf.constant([["rome"], ["oslo"]]), tf.ones((2, 3))]
    np.testing.assert_array_equal(of(model, "look")(given), [[0, 0, 1], [1, 0, 0]])
    np.testing.assert_allclose(of(model, "mix")(given), model(given), rtol=1e-5)


def test_ragged():
    inputs = keras.Input((None,), dtype="int32", ragged=True)
    model = keras.Model(inputs, L.Embedding(9, 4, name="e")(inputs))
    for rows in ([[1, 2, 3], [4]], [[1], [2, 3], [4]]):
        ragged = tf.ragged.constant(rows, dtype=tf.int32)
        np.testing.assert_array_equal(of(model, "e")(ragged).to_tensor(), model(ragged).to_tensor())
    plain = keras.Sequential([keras.Input((4,)), L.Dense(2, name="d")])
    with pytest.raises(ImageError, match=r"expected a dense tensor.*ragged one; call .to_tensor\(\)"):
        of(plain, "d")(tf.ragged.constant([[1.0, 2.0], [3.0]]))


@pytest.mark.parametrize("sparse", [True, False])
def test_sparse(sparse):
    inputs = keras.Input((6,), sparse=sparse)
    model = keras.Model(inputs, L.Dense(3, name="d")(inputs))
    given = tf.sparse.from_dense(np.eye(2, 6, dtype=np.float32))
    np.testing.assert_allclose(of(model, "d")(given), model(np.eye(2, 6, dtype=np.float32)), rtol=1e-6)


class Maybe(L.Layer):
    def call(self, x, y=None):
        return x if y is None else x + y

    def compute_output_shape(self, x_shape, y_shape=None):
        return x_shape


@pytest.mark.parametrize("as_dict", [True, False])
def test_optional(as_dict):
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b", optional=True)
    model = keras.Model({"a": a, "b": b} if as_dict else [a, b], Maybe(name="maybe")(a, b))
    extract = of(model, "maybe")
    with_both = {"a": ONES, "b": ONES} if as_dict else [ONES, ONES]
    np.testing.assert_array_equal(extract(with_both), 2 * ONES)
    np.testing.assert_array_equal(extract({"a": ONES, "b": None} if as_dict else [ONES, None]), ONES)
    np.testing.assert_array_equal(extract({"a": ONES}), ONES)


def test_unknown_rank_is_refused_with_the_way():
    extractor = FeatureExtractor(keras.Sequential([keras.Input((None, None, 3)), L.Conv2D(2, 3, name="c")]), ["c"])
    pixels = np.ones((1, 9, 9, 3), np.float32)
    data = tf.data.Dataset.from_generator(lambda: iter([pixels]), output_signature=tf.TensorSpec(None, tf.float32))
    with pytest.raises(
        ImageError, match=r"unknown rank; set its shape first with tf.ensure_shape\(tensor, \(None, None"
    ):
        data.map(extractor)
    known = data.map(lambda image: extractor(tf.ensure_shape(image, (None, None, None, 3))))
    assert next(iter(known))["c"].shape == (1, 7, 7, 2)


@pytest.mark.parametrize("kind", [np.complex64, "U"])
def test_kinds_that_no_image_has(kind):
    with pytest.raises(ImageError, match=r"complex64|got text"):
        of(scaling(), "c")(np.zeros((1, 8, 8, 3)).astype(kind))
