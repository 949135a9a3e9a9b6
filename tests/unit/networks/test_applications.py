"""Every registered network: names, preprocessing, default layers, sizes, every form of address."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from styler.features.extractor import FeatureExtractor
from styler.features.layers import check_addresses
from styler.networks import NETWORKS
from styler.networks.geometry import geometry_of, untileable
from support.layer_lists import describe

SLOW = ("resnet50", "efficientnet_b0", "densenet121", "inception_v3", "convnext_tiny")
PLAIN = ("compact", "vgg16")  # the quickest of the embedded and the published networks
NAMES = [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in NETWORKS]
MODULES = {
    "vgg16": "vgg16",
    "vgg19": "vgg19",
    "resnet50": "resnet",
    "mobilenet_v2": "mobilenet_v2",
    "efficientnet_b0": "efficientnet",
    "densenet121": "densenet",
    "inception_v3": "inception_v3",
    "convnext_tiny": "convnext",
}


@pytest.fixture(scope="module")
def built():
    cache = {}

    def build(name):
        if name not in cache:
            cache[name] = NETWORKS[name].build_untrained(None)
        return cache[name]

    return build


def test_the_networks_that_were_promised():
    assert {"compact", *MODULES} <= set(NETWORKS)


@pytest.mark.parametrize("name", [param for param in NAMES if param.values[0] in MODULES])
def test_layer_names_are_those_of_the_model(name):
    spec, facts = NETWORKS[name], describe(name)
    assert list(spec.layer_names) == facts["layers"]
    assert spec.minimum_size >= facts["smallest"]


@pytest.mark.parametrize("name", list(MODULES))
def test_preprocessing_is_that_of_keras(name, rng):
    pixels = rng.random((2, 5, 4, 3), np.float32)
    module = getattr(keras.applications, MODULES[name])
    expected = module.preprocess_input(pixels * 255.0)
    np.testing.assert_allclose(NETWORKS[name].preprocess(keras.ops.convert_to_tensor(pixels)), expected, atol=1e-4)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_default_layers_exist(name):
    spec = NETWORKS[name]
    for layers in (spec.style_layers, spec.content_layers):
        check_addresses((address for address, _ in layers), spec.layer_names, name)


@pytest.mark.parametrize("name", NAMES)
def test_default_layers_have_positions_and_deepen(name, built):
    spec, model = NETWORKS[name], built(name)
    places = geometry_of(model)
    strides = [places[id(model.get_layer(layer).output)].stride for layer, _ in spec.style_layers]
    assert strides == sorted(strides)
    assert all(places[id(model.get_layer(layer).output)].has_positions for layer, _ in spec.style_layers)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in PLAIN else pytest.mark.slow) for name in NETWORKS]
)
def test_every_form_of_address(name, built, rng):
    spec, model = NETWORKS[name], built(name)
    size = spec.minimum_size
    pixels = rng.random((1, size, size + 3, 3), np.float32)
    by_name, last = spec.style_layers[1][0], model.layers[-1].name
    place = [layer.name for layer in model.layers].index(by_name)
    for addresses in ([by_name, f"'{last}'@0:0"], [f"#{place - len(model.layers)}"], [f"{by_name[:-1]}?"]):
        extractor = FeatureExtractor(model, addresses, preprocess=spec.preprocess, minimum_size=size)
        features = extractor(pixels)
        assert len(features) >= len(addresses)
        for key, tensor in features.items():
            assert np.isfinite(tensor).all(), key
            assert tensor.shape[0] == 1
    wanted = keras.Model(model.input, model.get_layer(by_name).output)(spec.preprocess(keras.ops.array(pixels)))
    got = FeatureExtractor.of(untrained(spec, model), [by_name])(pixels)[by_name]
    np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-3 * float(np.abs(wanted).max()))


def untrained(spec, model):
    from dataclasses import replace

    return replace(spec, build=lambda pooling: model)


@pytest.mark.parametrize("name", NAMES)
def test_tileable_or_not(name, built):
    reason = untileable(built(name))
    assert NETWORKS[name].tileable is (reason == "")
    if name == "efficientnet_b0":
        assert reason == "block1a_se_squeeze"


def test_the_list_of_layers_is_small_enough_to_read_at_every_start():
    from importlib.resources import files

    text = files("styler.networks").joinpath("applications.json").read_text("utf-8")
    assert len(text) < 50_000
    assert set(json.loads(text)) == set(MODULES)
