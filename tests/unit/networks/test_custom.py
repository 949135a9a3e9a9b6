"""A user's network by path: read as data first, loaded only if it brings no code or is trusted."""

from __future__ import annotations

import json
import zipfile

import keras
import numpy as np
import pytest

from styler.errors import NetworkError
from styler.features.extractor import FeatureExtractor
from styler.networks import NETWORKS, find_network, is_saved_model
from styler.networks.custom import spread

# Keras 3.15 writes weights files with a call that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@keras.saving.register_keras_serializable(package="tests")
class Mine(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2


def small(*extra):
    layers = [keras.layers.Conv2D(4, 3, name=f"conv{index}") for index in range(1, 8)]
    return keras.Sequential([keras.Input((None, None, 3)), *extra, *layers])


def saved(folder, *extra):
    path = folder / "mine.keras"
    small(*extra).save(path)
    return path


def test_registered_names_come_first():
    assert find_network("vgg19") is NETWORKS["vgg19"]


def test_a_users_file(tmp_path, rng):
    path = saved(tmp_path)
    spec = find_network(path)
    assert spec.name == str(path)
    assert spec.layer_names == tuple(f"conv{index}" for index in range(1, 8))
    assert [name for name, _ in spec.style_layers] == ["conv1", "conv2", "conv3", "conv5", "conv6"]
    assert spec.content_layers == (("conv5", 1.0),)
    pixels = rng.random((1, 40, 40, 3), np.float32)
    extractor = FeatureExtractor.of(spec, ["conv7"])
    np.testing.assert_allclose(
        extractor(pixels)["conv7"], keras.ops.convert_to_numpy(keras.saving.load_model(path)(pixels)), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("layer", "factor"),
    [
        (keras.layers.Rescaling(1 / 255), 255.0),
        (keras.layers.Normalization(mean=[123.7, 116.3, 103.5], variance=[3410.0, 3263.0, 3292.0]), 255.0),
        (keras.layers.Normalization(mean=[0.485, 0.456, 0.406], variance=[0.05, 0.05, 0.05]), 1.0),
        (keras.layers.ReLU(), 1.0),
    ],
)
def test_pixels_are_given_in_the_range_that_the_file_scales(tmp_path, layer, factor):
    spec = find_network(saved(tmp_path, layer))
    assert float(spec.preprocess(1.0)) == factor


def test_a_file_with_a_global_layer_is_not_tileable(tmp_path):
    """Before it is built: what is not known to be bounded is not."""
    assert find_network(saved(tmp_path, keras.layers.BatchNormalization())).tileable
    assert not find_network(saved(tmp_path, keras.layers.GroupNormalization(1))).tileable
    assert not find_network(saved(tmp_path, keras.Sequential([keras.layers.GroupNormalization(1)]))).tileable


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (lambda: keras.layers.Lambda(lambda x: x), "Lambda"),
        (Mine, "tests>Mine"),
    ],
)
def test_code_is_refused_unless_allowed(tmp_path, layer, name):
    path = saved(tmp_path, layer())
    with pytest.raises(NetworkError, match=f"contains its own code.*{name}.*--allow-code"):
        find_network(path)
    assert find_network(path, allow_code=True).layer_names[-1] == "conv7"


def test_nothing_of_a_refused_file_is_imported(tmp_path):
    """A class of a module that would write a file when it is imported."""
    path = saved(tmp_path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(files["config.json"])
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    config["config"]["layers"].append({"module": "evil", "class_name": "Conv2D", "config": {"name": "x"}})
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, json.dumps(config) if name == "config.json" else content)
    with pytest.raises(NetworkError, match=r"evil\.Conv2D"):
        find_network(path)
    assert not (tmp_path / "ran").exists()


def test_allowed_code_runs(tmp_path, rng):
    spec = find_network(saved(tmp_path, Mine()), allow_code=True)
    assert spec.build(None)(rng.random((1, 20, 20, 3), np.float32)).shape == (1, 6, 6, 4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read .*: No such file or directory; expected a .keras file"),
        (b"\x80\x04pickle", "is not a .keras file"),
        ({"config.json": "{}"}, "no model.weights.h5"),
        ({"config.json": "[", "model.weights.h5": ""}, "is not a .keras file"),
        ({"metadata.json": "", "model.weights.h5": ""}, "is not a .keras file"),
        ({"config.json": '{"config": {"layers": []}}', "model.weights.h5": ""}, "has no convolutions"),
    ],
)
def test_files_that_are_none(tmp_path, content, message):
    path = tmp_path / "mine.keras"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in content.items():
                archive.writestr(name, text)
    with pytest.raises(NetworkError, match=message):
        find_network(path)


def test_a_misspelled_name_is_not_taken_for_a_path():
    with pytest.raises(NetworkError, match=r"unknown network 'vgg91'. Did you mean 'vgg19'\? Or give the path"):
        find_network("vgg91")


def test_a_saved_model_takes_the_other_route(tmp_path):
    small().export(str(tmp_path / "saved"), verbose=False)
    assert is_saved_model(tmp_path / "saved")
    assert not is_saved_model(tmp_path)
    with pytest.raises(NetworkError, match=r"is a SavedModel.*GraphExtractor.*save\('x\.keras'\)"):
        find_network(tmp_path / "saved")


def test_a_network_of_other_inputs_is_refused_when_built(tmp_path):
    path = tmp_path / "gray.keras"
    keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3)]).save(path)
    with pytest.raises(NetworkError, match=r"takes inputs \(None, 8, 8, 1\), not images"):
        find_network(path).build(None)


def test_a_damaged_file_is_refused_when_built(tmp_path):
    path = saved(tmp_path)
    with zipfile.ZipFile(path) as archive:
        config = archive.read("config.json")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config)
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", b"no weights")
    with pytest.raises(NetworkError, match="Keras cannot load"):
        find_network(path).build(None)


def test_pooling_of_a_users_file(tmp_path):
    path = saved(tmp_path, keras.layers.MaxPooling2D(2, name="pool"))
    assert find_network(path).build("avg").get_layer("pool").factor > 1


@pytest.mark.parametrize(
    ("count", "chosen"), [(1, "a"), (3, "abc"), (5, "abcde"), (6, "abcde"), (10, "acegi"), (11, "acegi")]
)
def test_spread(count, chosen):
    assert "".join(spread(tuple("abcdefghijk"[:count]), 5)) == chosen


def transfer(folder, calls=1):
    """The usual file of transfer learning: augmentation, scaling, a backbone as one layer, a head."""
    inner = [keras.Input((None, None, 3)), keras.layers.Conv2D(3, 3, padding="same", name="c1")]
    backbone = keras.Sequential([*inner, keras.layers.Conv2D(3, 3, padding="same", name="c2")], name="backbone")
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Rescaling(1 / 255)(keras.layers.RandomFlip(name="flip")(inputs))
    for _ in range(calls):
        x = backbone(x)
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(pooled))
    model.save(folder / "transfer.keras")
    return model, find_network(folder / "transfer.keras")


def test_layers_of_a_nested_backbone_count(tmp_path, rng):
    model, spec = transfer(tmp_path)
    assert [name for name, _ in spec.style_layers] == ["backbone/c1", "backbone/c2"]
    assert spec.content_layers == (("backbone/c2", 1.0),)
    assert {"flip", "backbone", "backbone/c1", "backbone/c2", "head"} < set(spec.layer_names)
    pixels = rng.random((1, 16, 12, 3), np.float32)
    features = FeatureExtractor.of(tmp_path / "transfer.keras", {"first": "backbone/c1"})(np.tile(pixels, (1, 2, 3, 1)))
    by_hand = model.get_layer("backbone").get_layer("c1")(np.tile(pixels, (1, 2, 3, 1)))
    np.testing.assert_allclose(features["first"], by_hand, rtol=1e-5, atol=1e-6)


def test_layers_of_a_backbone_called_twice_have_numbers(tmp_path):
    _, spec = transfer(tmp_path, calls=2)
    convolutions = ["backbone@0/c1", "backbone@0/c2", "backbone@1/c1", "backbone@1/c2"]
    assert [name for name, _ in spec.style_layers] == convolutions
    assert FeatureExtractor(spec.build(None), convolutions).addresses == tuple(convolutions)
