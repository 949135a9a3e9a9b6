import keras
import numpy as np
import pytest

from styler.errors import NetworkError
from styler.networks.geometry import geometry_of
from styler.networks.views import VIEWS, view_key, with_views
from support.networks import tiny_model
from support.teachers import _build

MIRRORED = {
    "left-right": lambda image: image[:, :, ::-1],
    "top-bottom": lambda image: image[:, ::-1],
    "transposed": lambda image: image.swapaxes(1, 2),
}
IMAGE = np.random.default_rng(3).random((1, 48, 64, 3), np.float32)


def several_outputs(model, *names):
    return keras.Model(model.input, [model.get_layer(name).output for name in names])


def arrays(outputs):
    return [np.asarray(each) for each in outputs]


def small_network(*layers):
    image = keras.Input((None, None, 3))
    first = keras.layers.Conv2D(4, 3, padding="same", name="first")(image)
    x = first
    for layer in layers:
        x = layer(x)
    return keras.Model(image, [first, x])


@pytest.mark.parametrize("view", MIRRORED)
def test_a_view_gives_what_the_network_gives_of_the_mirrored_image(view):
    model = several_outputs(tiny_model(), "block1_conv1", "block3_conv1", "block5_conv1")
    seen = arrays(with_views(model, [0, 1, 2], 4)(IMAGE))[3 * VIEWS.index(view) :][:3]
    wanted = [MIRRORED[view](each) for each in arrays(model(MIRRORED[view](IMAGE)))]
    for mine, theirs in zip(seen, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_kernels_of_several_kinds_are_mirrored():
    model = small_network(
        keras.layers.DepthwiseConv2D(3, padding="same"),
        keras.layers.BatchNormalization(),
        keras.layers.MaxPooling2D(2),
        keras.layers.Conv2DTranspose(5, 3, padding="same"),
    )
    for count, view in enumerate(VIEWS[1:], start=2):
        seen = arrays(with_views(model, [1], count)(IMAGE))[-1]
        np.testing.assert_allclose(seen, MIRRORED[view](arrays(model(MIRRORED[view](IMAGE)))[1]), atol=1e-5)


def test_the_networks_own_outputs_come_first_and_stay_the_same():
    model = several_outputs(tiny_model(), "block1_conv1", "block4_conv2")
    both = with_views(model, [0], 3)
    assert len(both.outputs) == 2 + 2 * 1
    for mine, theirs in zip(arrays(both(IMAGE))[:2], arrays(model(IMAGE)), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_copies_keep_strides_and_receptive_fields():
    model = several_outputs(tiny_model(), "block1_conv1", "block5_conv1")
    both = with_views(model, [0, 1], 4)
    found = geometry_of(both)
    seen = [(found[id(each)].stride, found[id(each)].field) for each in both.outputs]
    assert seen == seen[:2] * 4


def test_the_models_own_weights_are_left_alone():
    model = several_outputs(tiny_model(), "block1_conv1", "block2_conv1")
    before = [each.copy() for each in model.get_weights()]
    with_views(model, [0, 1], 4)
    for mine, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_constant_products_at_single_positions_stay():
    weights = {"conv0/kernel": np.eye(3, dtype=np.float32)[None, None], "conv0/bias": np.zeros(3, np.float32)}
    random, channels = np.random.default_rng(0), 3
    for block, count in ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1)):
        for index in range(1, count + 1):
            weights[f"conv{block}{index}/kernel"] = random.normal(size=(3, 3, channels, 4)).astype(np.float32)
            weights[f"conv{block}{index}/bias"] = np.zeros(4, np.float32)
            channels = 4
    model = several_outputs(_build(weights, None), "block1_conv1", "block1_conv2")
    seen = arrays(with_views(model, [0, 1], 2)(IMAGE))[3]
    np.testing.assert_allclose(seen, arrays(model(IMAGE[:, :, ::-1]))[1][:, :, ::-1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (keras.layers.SeparableConv2D(4, 3), "SeparableConv2D"),
        (keras.layers.Conv2D(4, (1, 3)), "Conv2D"),
        (keras.layers.Conv2D(4, 3, strides=(1, 2), name="strided"), "'strided'"),
        (keras.layers.GlobalAveragePooling2D(keepdims=True), "GlobalAveragePooling2D"),
    ],
)
def test_what_cannot_be_mirrored_is_refused_by_name(layer, said):
    with pytest.raises(NetworkError, match=said) as refused:
        with_views(small_network(layer), [0], 2)
    assert "--views 1" in str(refused.value)


def test_keys_of_views():
    assert view_key("block1_conv1", VIEWS[0]) == "block1_conv1"
    assert view_key("block1_conv1", VIEWS[1]) == "block1_conv1 left-right"
