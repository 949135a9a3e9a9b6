"""What is written down of Keras's downloads is what the installed Keras would download."""

from __future__ import annotations

import keras
import pytest

from styler.networks.published import APPLICATIONS, build_published, download_of

# Keras 3.15 writes weights files with a call that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize(
    "name", ["vgg16", "vgg19", *(pytest.param(n, marks=pytest.mark.slow) for n in list(APPLICATIONS)[2:])]
)
def test_names_and_checksums_are_those_of_keras(name):
    application = APPLICATIONS[name]
    filename, address, digest = download_of(name)
    assert (filename, digest) == (application.filename, application.digest)
    assert address.endswith("/" + application.filename)
    assert address.startswith("https:")


def test_keras_downloads_as_before_afterwards():
    from keras.src.applications import vgg19

    download_of("vgg19")
    assert vgg19.file_utils.get_file is keras.utils.get_file


def test_only_one_network_has_no_published_checksum():
    assert [name for name, each in APPLICATIONS.items() if not each.digest] == ["mobilenet_v2"]
    assert {len(each.digest) for each in APPLICATIONS.values()} == {0, 32, 64}


@pytest.mark.parametrize("name", ["vgg19", pytest.param("efficientnet_b0", marks=pytest.mark.slow)])
def test_weights_from_a_file_make_the_published_network(name, tmp_path):
    """As Keras itself builds it when it finds the file in its cache."""
    model = build_published(name, None)
    if name == "efficientnet_b0":
        with_scale = len(build_published(name, None).layers) + 1  # a Rescaling that only published weights get
    model = build_published(name, saved(name, tmp_path))
    if name == "efficientnet_b0":
        assert len(model.layers) == with_scale
    names = [weight.path for weight in model.weights]
    original = keras.saving.load_model(tmp_path / "original.keras", compile=False)
    assert len(names) == len(original.weights)
    for ours, theirs in zip(model.weights, original.weights, strict=True):
        assert (keras.ops.convert_to_numpy(ours) == keras.ops.convert_to_numpy(theirs)).all()


def saved(name, folder):
    """Random weights in a file as published ones would be."""
    source = build_published(name, None)
    source.save(folder / "original.keras")
    path = folder / "published.weights.h5"
    source.save_weights(path)
    return path


def test_automatic_names_do_not_depend_on_what_was_built_before():
    first = [layer.name for layer in build_published("vgg16", None).layers]
    second = [layer.name for layer in build_published("vgg16", None).layers]
    assert first == second
    assert first[0] == "input_layer"
