"""Computed strides and receptive fields against gradients of all-positive weights in float64."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from styler.networks import NETWORKS
from styler.networks.binomial_pooling import BinomialPooling2D
from styler.networks.geometry import AUGMENTATION, geometry_of, layer_geometry, untileable
from support.support_region import support, transparent

SIZE = 96
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def predicted(geometry, place):
    """First pixel and the one after the last, along both axes."""
    axes = zip((geometry.vertical, geometry.horizontal), place, strict=True)
    return [(at * axis.stride + axis.low, at * axis.stride + axis.high + 1) for axis, at in axes]


def check(seen, model, symbol, size=SIZE):
    """The support of the middle position is exactly what is predicted; a support cut off by the edge is no check."""
    assert not seen.whole
    sides = [int(size / axis.stride) for axis in (seen.vertical, seen.horizontal)]
    place = (sides[0] // 2, sides[1] // 2)
    expected = predicted(seen, place)
    assert all(first >= 0 and end <= size for first, end in expected), f"{seen.field} pixels do not fit into {size}"
    found = support(model, symbol, size, place)
    assert [(span.start, span.stop) for span in found] == expected
    assert seen.field == max(end - first for first, end in expected)


class Places:
    """A random chain of windows and branches."""

    def __init__(self, data):
        self.data = data

    def pick(self, *values):
        return self.data.draw(st.sampled_from(values))

    def window(self, x):
        size = (self.pick(1, 2, 3, 5), self.pick(1, 3))
        even = all(side % 2 == 0 for side in x.shape[1:3])  # where it is not, "same" pads otherwise, as documented
        stride = self.pick(1, 2) if even and x.shape[1] > SIZE // 4 else 1
        kind = self.pick("conv", "depthwise", "separable", "average", "binomial", "dilated")
        padding = self.pick("same", "valid")
        options = {"padding": padding, "dtype": "float64"}
        if kind == "binomial":
            return BinomialPooling2D(dtype="float64")(x)
        if kind == "average":
            return keras.layers.AveragePooling2D(size, stride, **options)(x)
        if kind == "dilated":
            return keras.layers.Conv2D(1, size, dilation_rate=2, **options)(x)
        if kind == "depthwise":
            return keras.layers.DepthwiseConv2D(size, stride, **options)(x)
        make = keras.layers.Conv2D if kind == "conv" else keras.layers.SeparableConv2D
        return make(1, size, stride, **options)(x)

    def shift(self, x):
        amounts = ((self.pick(0, 1, 2), 1), (1, self.pick(0, 1, 2)))
        return self.pick(keras.layers.ZeroPadding2D, keras.layers.Cropping2D)(amounts, dtype="float64")(x)

    def branch(self, x):
        left = keras.layers.Conv2D(1, self.pick(1, 3), padding="same", dtype="float64")(x)
        right = keras.layers.Conv2D(1, self.pick(1, 5), padding="same", dtype="float64")(x)
        return keras.layers.Add(dtype="float64")([left, right])

    def reflect(self, x):
        return keras.ops.pad(x, ((0, 0), (1, 1), (2, 0), (0, 0)), mode="reflect")

    def build(self):
        x = image = keras.Input((SIZE, SIZE, 1), dtype="float64")
        for kind in self.data.draw(
            st.lists(st.sampled_from(("window", "shift", "branch", "reflect")), min_size=1, max_size=5)
        ):
            x = getattr(self, kind)(x)
        return keras.Model(image, x)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=SLOW)
@given(st.data())
def test_random_networks(data):
    model = transparent(Places(data).build())
    check(geometry_of(model)[id(model.outputs[0])], model, model.outputs[0])


@pytest.mark.fuzz
@settings(max_examples=500, deadline=None, suppress_health_check=SLOW)
@given(st.data())
def test_many_random_networks(data):
    model = transparent(Places(data).build())
    check(geometry_of(model)[id(model.outputs[0])], model, model.outputs[0])


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (lambda x: keras.layers.UpSampling2D(2)(keras.layers.Conv2D(1, 3, 2, "same")(x)), 64),
        (lambda x: keras.layers.UpSampling2D(2, interpolation="bilinear")(keras.layers.AveragePooling2D(2)(x)), 64),
        (lambda x: keras.layers.Conv2DTranspose(1, 3, 2, padding="same")(keras.layers.AveragePooling2D(2)(x)), 64),
        (lambda x: keras.layers.Conv2DTranspose(1, 4, 2)(keras.layers.AveragePooling2D(4)(x)), 64),
    ],
)
def test_upsampling_is_bounded(make, size):
    """Positions of a finer grid see unequal parts: what is predicted holds all of them."""
    image = keras.Input((None, None, 1))
    model = transparent(keras.Model(image, make(image)))
    seen = geometry_of(model)[id(model.outputs[0])]
    for place in ((13, 14), (14, 13)):
        bounds = predicted(seen, place)
        for span, (first, end) in zip(support(model, model.outputs[0], size, place), bounds, strict=True):
            assert first <= span.start
            assert span.stop <= end


NAMED = [
    ("vgg19", "block3_conv4", 256),
    ("vgg16", "block4_conv1", 256),
    ("compact", "block4_conv2", 256),
    ("mobilenet_v2", "block_5_add", 256),
    pytest.param("vgg19", "block5_conv1", 512, marks=pytest.mark.slow),
    pytest.param("resnet50", "conv3_block4_out", 512, marks=pytest.mark.slow),
    pytest.param("densenet121", "conv3_block2_concat", 512, marks=pytest.mark.slow),
    pytest.param("inception_v3", "mixed2", 512, marks=pytest.mark.slow),
    pytest.param("convnext_tiny", "convnext_tiny_stage_0_block_1_identity", 96, marks=pytest.mark.slow),
    pytest.param("efficientnet_b0", "block1a_activation", 128, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "layer", "size"), NAMED)
def test_published_networks(name, layer, size):
    original = NETWORKS[name].build_untrained(None)
    seen = geometry_of(original)[id(original.get_layer(layer).output)]
    model = transparent(original, one_channel=name not in ("convnext_tiny", "efficientnet_b0"))
    check(seen, model, model.get_layer(layer).output, size)


# Fields of VGG-19 by hand: +2 strides for each 3 x 3 convolution, +1 for each pooling.
@pytest.mark.parametrize(
    ("layer", "stride", "field"),
    [
        ("block1_conv1", 1, 3),
        ("block1_conv2", 1, 5),
        ("block2_conv1", 2, 10),
        ("block3_conv1", 4, 24),
        ("block4_conv1", 8, 68),
        ("block4_conv2", 8, 84),
        ("block5_conv1", 16, 156),
        ("block5_conv4", 16, 252),
    ],
)
def test_vgg19_by_hand(layer, stride, field):
    seen = NETWORKS["vgg19"].geometry()[layer]
    assert (seen.stride, seen.field) == (stride, field)


# A binomial pooling adds three strides to the receptive field; an average of two positions adds one.
@pytest.mark.parametrize(
    ("layer", "stride", "field"),
    [("block1_conv1", 1, 3), ("block2_conv1", 2, 10), ("block3_conv1", 4, 28), ("block5_conv1", 16, 136)],
)
def test_compact_by_hand(layer, stride, field):
    seen = NETWORKS["compact"].geometry()[layer]
    assert (seen.stride, seen.field) == (stride, field)


@pytest.mark.parametrize(
    ("layer", "positions"),
    [
        (lambda x: keras.layers.GlobalAveragePooling2D(keepdims=True)(x), False),
        (lambda x: keras.layers.GroupNormalization(1)(x), True),
        (lambda x: keras.layers.LayerNormalization(axis=(1, 2))(x), True),
        (lambda x: x * keras.ops.mean(x, axis=(1, 2), keepdims=True), True),
    ],
)
def test_global_layers_see_the_whole_image(layer, positions):
    image = keras.Input((8, 8, 3), name="image")
    model = keras.Model(image, layer(keras.layers.Conv2D(3, 3, padding="same")(image)))
    seen = geometry_of(model)[id(model.outputs[0])]
    assert seen.whole
    assert seen.field is None
    assert untileable(model) == seen.reason != ""


def test_nested_models_are_walked_through():
    inner_input = keras.Input((None, None, 3))
    inner = keras.Model(inner_input, keras.layers.Conv2D(3, 3, 2, name="in")(inner_input), name="inner")
    image = keras.Input((None, None, 3))
    model = keras.Model(image, inner(keras.layers.Conv2D(3, 3)(image)))
    found = geometry_of(model)
    assert found[id(model.outputs[0])].field == 5
    assert found[id(inner.get_layer("in").output)] == found[id(model.outputs[0])]
    assert untileable(model) == ""


def test_a_layer_that_is_not_known_counts_as_seeing_everything():
    class Mystery(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    image = keras.Input((None, None, 3))
    assert untileable(keras.Model(image, Mystery(name="mystery")(image))) == "mystery"


ARGUMENTS = {"RandomTranslation": (0.1, 0.1), "RandomPosterization": (4,), "RandomColorJitter": ((0, 1),)}
PLAIN = frozenset(["AugMix", "CutMix", "Equalization", "MixUp", "RandAugment", "RandomFlip", "RandomGrayscale"])
PLAIN |= {"RandomElasticTransform", "RandomErasing", "RandomGaussianBlur", "RandomInvert", "RandomPerspective"}
PLAIN |= {"RandomShear", "Solarization"}


@pytest.mark.parametrize("kind", sorted(AUGMENTATION))
def test_augmentation_gives_in_inference_what_it_is_given(kind, rng):
    arguments = () if kind in PLAIN else ARGUMENTS.get(kind, (0.2,))
    layer = getattr(keras.layers, kind)(*arguments)
    pixels = rng.random((2, 12, 10, 3), np.float32)
    np.testing.assert_array_equal(layer(pixels, training=False), pixels)


def test_augmentation_counts_as_nothing():
    def model(*layers):
        conv = keras.layers.Conv2D(2, 3, name="conv")
        return keras.Sequential([keras.Input((None, None, 3)), *layers, keras.layers.Rescaling(1 / 255), conv])

    plain = layer_geometry(model())["conv"]
    augmented = model(keras.layers.RandomFlip(), keras.layers.RandomRotation(0.1), keras.layers.RandomContrast(0.2))
    assert layer_geometry(augmented)["conv"] == plain
    assert plain.field == 3
