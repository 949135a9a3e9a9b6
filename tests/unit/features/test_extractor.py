"""Every form of address gives the tensor that it names, of every kind of model, and no more is computed for it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from styler.errors import ConfigError, ImageError, LayerError, NetworkError
from styler.features.extractor import FeatureExtractor
from support.small_models import Subclassed, branching, conv, image, sequential, two_inputs

RECORDED = ("_inbound_nodes", "_outbound_nodes")


@pytest.fixture(scope="module")
def model():
    return branching()


@pytest.fixture(scope="module")
def expected(model):
    """Address -> activations, computed layer by layer."""
    pixels = image(np.random.default_rng(0))
    layer = model.get_layer
    stem = layer("stem")(pixels)
    left, right = tf.split(stem, 2, axis=-1)
    first, second = layer("shared")(left), layer("shared")(right)
    inner = layer("inner")
    inside, deepest = inner.get_layer("inside"), inner.get_layer("deep").get_layer("deepest")
    once = deepest(inside(first + second))
    twice = deepest(inside(once))
    return pixels, {
        "stem": stem,
        "#1": stem,
        "halves:0": left,
        "halves:1": right,
        "shared@0": first,
        "shared@1": second,
        "sum": first + second,
        "inner@0/inside": inside(first + second),
        "inner@0/deep/deepest": once,
        "inner@0": once,
        "inner@1/inside": inside(once),
        "inner@1/deep": twice,
        "inner@1/#-1/#0": twice,
        "'odd:name@1'": layer("odd:name@1")(twice),
        "#-1": layer("odd:name@1")(twice),
    }


ADDRESSES = [
    "stem",
    "#1",
    "halves:0",
    "halves:1",
    "shared@0",
    "shared@1",
    "sum",
    "inner@0/inside",
    "inner@0/deep/deepest",
    "inner@0",
    "inner@1/inside",
    "inner@1/deep",
    "inner@1/#-1/#0",
    "'odd:name@1'",
    "#-1",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_address_alone(model, expected, address):
    pixels, tensors = expected
    features = FeatureExtractor(model, [address])(pixels)
    assert list(features) == [address]
    np.testing.assert_allclose(features[address], tensors[address], rtol=1e-5, atol=1e-6)


def test_all_together_in_the_order_asked_for(model, expected):
    pixels, tensors = expected
    asked = [address for address in ADDRESSES[::-1] if address not in ("#1", "#-1", "inner@0", "inner@1/#-1/#0")]
    features = FeatureExtractor(model, asked)(pixels)
    assert list(features) == asked
    for address in asked:
        np.testing.assert_allclose(features[address], tensors[address], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("pattern", "addresses"),
    [
        ("s*", ["stem", "shared@0", "shared@1", "sum"]),
        ("halves*", ["halves:0", "halves:1"]),
        ("inner@1/*", ["inner@1/inside", "inner@1/deep"]),
        ("inner@0/*/deep*", ["inner@0/deep/deepest"]),
        ("*:1", ["halves:1"]),
        ("odd*", ["'odd:name@1'"]),
    ],
)
def test_patterns_spread_out_in_model_order(model, pattern, addresses):
    assert list(FeatureExtractor(model, [pattern]).addresses) == addresses


def test_the_model_is_left_as_it_was(model):
    def records():
        layers = model._flatten_layers()
        return {(layer.name, kind): len(getattr(layer, kind)) for layer in layers for kind in RECORDED}

    before = records()
    FeatureExtractor(model, ["inner@1/inside", "sum"])
    assert records() == before


def traced_ops(extractor):
    function = extractor._source._compiled.get_concrete_function()
    return [operation.type for operation in function.graph.get_operations()]


def test_nothing_deeper_than_the_deepest_layer_is_computed(model):
    assert traced_ops(FeatureExtractor(model, ["stem"])).count("Conv2D") == 1
    assert traced_ops(FeatureExtractor(model, ["inner@0/inside"])).count("Conv2D") == 4
    assert traced_ops(FeatureExtractor(model, ["#-1"])).count("Conv2D") == 8


def test_a_nested_model_asked_for_outside_and_inside_runs_once(model):
    """Stem, shared twice, two in each call of the nested model, the last."""
    addresses = ["inner@0/inside", "inner@0", "inner@1/inside", "#-1"]
    assert traced_ops(FeatureExtractor(model, addresses)).count("Conv2D") == 8


def test_as_many_operations_as_a_model_written_by_hand():
    model = sequential()
    outputs = [layer.output for layer in model.layers]
    by_hand = tf.function(keras.Model(model.inputs, outputs)).get_concrete_function(
        tf.TensorSpec((None, None, None, 3), tf.float32)
    )
    ours = [kind for kind in traced_ops(FeatureExtractor(model, ["*"])) if kind != "Identity"]
    theirs = [each.type for each in by_hand.graph.get_operations() if each.type != "Identity"]
    assert sorted(ours) == sorted(theirs)


def test_one_trace_for_every_batch_and_size(rng):
    extractor = FeatureExtractor(sequential(), ["block2_conv1"])
    for shape in ((1, 8, 8, 3), (3, 8, 8, 3), (2, 9, 17, 3)):
        assert extractor(image(rng, *shape))["block2_conv1"].shape == (*shape[:3], 4)
    assert extractor._source._compiled.experimental_get_tracing_count() == 1


def test_inside_another_function_the_static_shape_is_kept(rng):
    extractor = FeatureExtractor(sequential(), ["block2_conv1"])
    seen = []

    @tf.function
    def total(pixels):
        seen.append(extractor(pixels)["block2_conv1"].shape)
        return tf.reduce_sum(extractor(pixels)["block2_conv1"])

    total(tf.constant(image(rng, 1, 8, 9, 3)))
    assert seen == [(1, 8, 9, 4)]
    assert extractor._source._compiled.experimental_get_tracing_count() == 0


def test_preprocessing_is_differentiable_and_comes_first(rng):
    pixels = tf.constant(image(rng, 1, 8, 8, 3))
    extractor = FeatureExtractor(sequential(), ["block1_conv1"], preprocess=lambda x: x[..., ::-1] * 255.0)
    plain = FeatureExtractor(sequential_like(extractor.model), ["block1_conv1"])
    with tf.GradientTape() as tape:
        tape.watch(pixels)
        value = tf.reduce_sum(extractor(pixels)["block1_conv1"])
    assert float(tf.norm(tape.gradient(value, pixels))) > 0
    np.testing.assert_allclose(
        extractor(pixels)["block1_conv1"], plain(pixels[..., ::-1] * 255.0)["block1_conv1"], rtol=1e-5, atol=1e-4
    )


def sequential_like(features_model):
    """The same layers with the same weights, without preprocessing."""
    return keras.Model(features_model.inputs, features_model.get_layer("block1_conv1").output)


def test_built_in_preprocessing_is_a_layer_like_any_other(rng):
    inputs = keras.Input((None, None, 3))
    scaled = keras.layers.Rescaling(1 / 255, name="scale")(inputs)
    model = keras.Model(inputs, conv(2, "conv")(scaled))
    pixels = image(rng) * 255
    np.testing.assert_allclose(FeatureExtractor(model, ["scale"])(pixels)["scale"], pixels / 255, rtol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_dtype_policies(policy, rng):
    inputs = keras.Input((None, None, 3))
    layer = keras.layers.Conv2D(4, 3, name="conv", dtype=policy)
    inner_input = keras.Input((None, None, 4))
    inner = keras.Model(inner_input, keras.layers.Conv2D(2, 1, name="in", dtype=policy)(inner_input), name="inner")
    model = keras.Model(inputs, inner(layer(inputs)))
    pixels = image(rng)
    features = FeatureExtractor(model, ["conv", "inner/in"])(pixels)
    assert features["conv"].dtype.name == layer.compute_dtype
    np.testing.assert_array_equal(tf.cast(features["conv"], tf.float32), tf.cast(layer(pixels), tf.float32))
    np.testing.assert_array_equal(tf.cast(features["inner/in"], tf.float32), tf.cast(model(pixels), tf.float32))


@pytest.mark.parametrize("named", [False, True])
def test_several_inputs(named, rng):
    model = two_inputs(named=named)
    a, b = image(rng), image(rng)
    features = FeatureExtractor(model, ["two", "join"])({"first": a, "second": b} if named else [a, b])
    np.testing.assert_allclose(features["two"], model.get_layer("two")(b), rtol=1e-5, atol=1e-6)
    assert features["join"].shape == (2, 12, 10, 5)


@pytest.mark.parametrize("example", [np.zeros((1, 12, 10, 3), np.float32), keras.Input((None, None, 3))])
def test_a_subclassed_model_is_traced_with_an_example(example, rng):
    model, pixels = Subclassed(), image(rng)
    features = FeatureExtractor(model, ["first", "#-1"], example=example)(pixels)
    np.testing.assert_allclose(features["first"], model.first(pixels), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(features["#-1"], model(pixels), rtol=1e-5, atol=1e-6)


def test_an_unbuilt_sequential_model_is_traced_with_an_example(rng):
    model, pixels = keras.Sequential([conv(2, "conv")]), image(rng)
    features = FeatureExtractor(model, ["conv"], example=pixels)(pixels)
    np.testing.assert_allclose(features["conv"], model(pixels), rtol=1e-5, atol=1e-6)


class RawOperations(keras.Model):
    def call(self, inputs):
        return tf.nn.relu(inputs).numpy()


@pytest.mark.parametrize(
    ("make", "example", "message"),
    [
        (Subclassed, None, "subclassed.*example="),
        (lambda: keras.Sequential([conv(2, "c")], name="bare"), None, "'bare' is not built yet.*example="),
        (RawOperations, np.zeros((1, 4, 4, 3), np.float32), "cannot trace.*keras.ops.*get_concrete_function"),
        (lambda: "vgg19", None, "expected a Keras model, got the string 'vgg19'; .*FeatureExtractor.of"),
        (lambda: 3, None, "expected a Keras model or a tf.Graph.*got int"),
    ],
)
def test_a_model_without_a_graph_is_refused_with_the_way_out(make, example, message):
    with pytest.raises(NetworkError, match=message):
        FeatureExtractor(make(), ["first"], example=example)


@pytest.mark.parametrize(
    ("addresses", "message"),
    [
        (["stm"], "unknown layer 'stm' of branching. Did you mean 'stem'"),
        (["nothing_like_it"], "unknown layer.*Known: image, stem, halves"),
        ([], "expected at least one layer, got none. Known: image, stem"),
        (["stem", "stem"], "'stem' is given twice"),
        (["stem", "#1"], "'#1' is given twice, first as 'stem'"),
        (["s*", "sum"], "'sum' is given twice"),
        (["shared"], "'shared' is called 2 times; choose one of shared@0 to shared@1"),
        (["shared@2"], "called 2 times; the last call is shared@1"),
        (["halves"], "'halves' has 2 outputs; choose one of halves:0 to halves:1"),
        (["halves:2"], "has 2 outputs, the last is halves:1"),
        (["stem:1"], "has 1 output, the last is stem:0"),
        (["stem/conv"], "'stem' is a Conv2D without layers inside"),
        (["inner@0/nope"], "unknown layer 'nope' of inner"),
        (["inner/inside"], "'inner' is called 2 times"),
        (["zz*"], "no layer of branching matches 'zz\\*'"),
        (["#99"], "no layer #99 of branching: it has 7 layers"),
        (["stem:state_h"], "'stem' is a Conv2D, not a recurrent layer"),
        ("stem", r"expected a list of layer addresses, got the string 'stem'; write \['stem'\]"),
    ],
)
def test_wrong_addresses_say_what_to_do(model, addresses, message):
    with pytest.raises(LayerError, match=message):
        FeatureExtractor(model, addresses)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((8, 8, 3), np.float32), r"\(any, any, any, 3\).*got \(8, 8, 3\).*batch axis"),
        (np.zeros((1, 8, 8, 4), np.float32), r"got \(1, 8, 8, 4\).*channels"),
        (np.zeros((8, 8), np.float32), "number of axes"),
        (np.full((1, 8, 8, 3), np.nan, np.float32), "NaN or infinity in 192 of 192"),
        ("photo.jpg", "got text; read the image first"),
        ([np.zeros((8, 8, 3)), np.zeros((4, 4, 3))], "expected an array or tensor"),
    ],
)
def test_wrong_images_say_what_to_do(images, message):
    with pytest.raises(ImageError, match=message):
        FeatureExtractor(sequential(), ["block1_conv1"])(images)


def test_wrong_sets_of_inputs_are_refused(rng):
    extractor = FeatureExtractor(two_inputs(), ["two"])
    with pytest.raises(ImageError, match=r"expected 2 inputs, a list of \['first', 'second'\], got one ndarray"):
        extractor(image(rng))
    with pytest.raises(ImageError, match=r"got a dict of \['first'\]"):
        FeatureExtractor(two_inputs(named=True), ["two"])({"first": image(rng)})


def test_too_small_an_image_is_refused(rng):
    inputs = keras.Input((None, None, 3))
    deep = keras.Model(inputs, keras.layers.Conv2D(2, 5, name="wide")(keras.layers.MaxPooling2D(2)(inputs)))
    extractor = FeatureExtractor(deep, ["wide"])
    assert extractor(image(rng, 1, 10, 10, 3))["wide"].shape == (1, 1, 1, 2)
    with pytest.raises(ImageError, match=r"got 10x9 pixels; use a larger image or shallower layers"):
        extractor(image(rng, 1, 9, 10, 3))
    with pytest.raises(ImageError, match="at least 32 x 32"):
        FeatureExtractor(deep, ["wide"], minimum_size=32)(image(rng, 1, 31, 40, 3))


def test_weights_of_what_is_inside_belong_to_the_model(model):
    """So that it can be exported and trained further."""
    extractor = FeatureExtractor(model, ["inner@1/deep/deepest"])
    names = {weight.path for weight in extractor.model.weights}
    assert len(names) == 2 * 4  # kernel and bias of stem, shared, inside, deepest


@pytest.mark.usefixtures("weights_may_change")
def test_one_output_has_a_gradient_by_another(rng):
    """Grad-CAM, eagerly and inside of a function, as a model of Keras gives it."""
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), conv(2, "maps"), keras.layers.Flatten(), keras.layers.Dense(2, name="score")]
    )
    plain = keras.Model(model.inputs, [model.get_layer("maps").output, model.outputs[0]])
    extractor, pixels = FeatureExtractor(model, ["maps", "score"]), tf.constant(image(rng, 1, 8, 8, 3))

    def slope(call):
        with tf.GradientTape() as tape:
            maps, score = call(pixels)
            total = tf.reduce_sum(score[:, 0])
        return tape.gradient(total, maps)

    expected = slope(plain)
    assert float(tf.norm(expected)) > 0
    frozen = keras.models.clone_model(model)
    frozen.set_weights(model.get_weights())
    frozen.trainable = False
    fixed = FeatureExtractor(frozen, ["maps", "score"])
    np.testing.assert_allclose(slope(lambda x: fixed(x).values()), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(slope(lambda x: extractor(x).values()), expected, rtol=1e-5, atol=1e-6)
    inside = tf.function(lambda: slope(lambda x: extractor(x).values()))()
    np.testing.assert_allclose(inside, expected, rtol=1e-5, atol=1e-6)


def test_channels_first_are_told_apart():
    """By what they are made from: TensorFlow computes such convolutions on a GPU only."""
    layer = keras.layers.Conv2D(4, 3, data_format="channels_first", name="c")
    model = keras.Sequential([keras.Input((3, 8, 8)), layer])
    assert FeatureExtractor(model, ["c"])._source.channels == 1
    assert FeatureExtractor(sequential(), ["block1_conv1"])._source.channels == -1


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # of Keras, for NumPy 2
@pytest.mark.filterwarnings("ignore:Layer InputLayer does not have a `quantize`:UserWarning")
def test_a_quantized_model(rng):
    inner = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, name="inside")], name="inner")
    inputs = keras.Input((6,))
    model = keras.Model(inputs, keras.layers.Dense(3, name="head")(inner(inputs)))
    model.quantize("int8")
    values = image(rng, 2, 6)
    features = FeatureExtractor(model, ["inner/inside", "head"])(values)
    np.testing.assert_allclose(features["head"], model(values), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(features["inner/inside"], inner(values), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("axes", [1, 3])
def test_sequences_and_volumes(axes, rng):
    layer = getattr(keras.layers, f"Conv{axes}D")(4, 3, name="c")
    model = keras.Sequential([keras.Input((*[None] * axes, 2)), layer, keras.layers.Lambda(lambda x: x * 2, name="l")])
    values = image(rng, 1, *[6] * axes, 2)
    features = FeatureExtractor(model, ["c", "l"])(values)
    np.testing.assert_allclose(features["c"], layer(values), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(features["l"], 2 * features["c"], rtol=1e-6)
    assert FeatureExtractor(model, ["c"], reduce="max")(values)["c"].shape == (1, 4)


def test_arguments_that_a_model_has_no_use_for_are_refused():
    with pytest.raises(ConfigError, match=r"feeds= is for a graph only; leave it out"):
        FeatureExtractor(sequential(), ["block1_conv1"], feeds=["x"])


def test_a_bare_name_of_a_nested_layer_gets_its_address(model):
    with pytest.raises(LayerError, match=r"unknown layer 'inside' of branching. Did you mean 'inner/inside'"):
        FeatureExtractor(model, ["inside"])
    with pytest.raises(LayerError, match=r"unknown layer 'deepst' of branching. Did you mean 'inner/deep/deepest'"):
        FeatureExtractor(model, ["deepst"])
