"""Swapped pooling keeps the mean activation, on the noise it was calibrated with and on other images."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from styler.networks import NETWORKS
from styler.networks.pooling import natural_noise, repooled
from styler.networks.preprocess import unchanged

# Keras 3.15 writes weights files with a call that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SEED_OF_OTHERS = 17


def random_network(pool, depth=3):
    x = image = keras.Input((None, None, 3))
    for index in range(1, depth + 1):
        x = keras.layers.Conv2D(8, 3, padding="same", activation="relu", name=f"block{index}_conv1")(x)
        x = pool(2, name=f"block{index}_pool")(x)
    return keras.Model(image, x, name="random")


def means(model, pixels):
    outputs = [layer.output for layer in model.layers if layer.name.endswith("_pool")]
    return np.array([float(keras.ops.mean(each)) for each in keras.Model(model.input, outputs)(pixels)])


@pytest.mark.parametrize("kind", ["avg", "max"])
def test_means_stay_put(kind):
    keras.utils.set_random_seed(1)
    original = random_network(keras.layers.MaxPooling2D if kind == "avg" else keras.layers.AveragePooling2D)
    swapped = repooled(original, kind, unchanged)
    on_noise = natural_noise()
    np.testing.assert_allclose(means(swapped, on_noise), means(original, on_noise), rtol=2e-3)
    elsewhere = natural_noise(160, SEED_OF_OTHERS)
    np.testing.assert_allclose(means(swapped, elsewhere), means(original, elsewhere), rtol=0.2)
    plain = repooled(original, kind, unchanged)
    for layer in plain.layers:
        if layer.name.endswith("_pool"):
            layer.factor = 1.0
    assert abs(np.log(means(plain, elsewhere) / means(original, elsewhere))).max() > 0.3, "no factor: means move"


@pytest.mark.parametrize("name", [pytest.param("vgg19", marks=pytest.mark.slow), "compact"])
def test_names_and_weights_stay(name):
    spec = NETWORKS[name]
    kind = "avg" if name == "vgg19" else "max"
    original = spec.build_untrained(None)
    swapped = repooled(original, kind, spec.preprocess)
    assert [layer.name for layer in swapped.layers[1:]] == [layer.name for layer in original.layers[1:]]
    for ours, theirs in zip(swapped.get_weights(), original.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    factors = [layer.factor for layer in swapped.layers if layer.name.endswith("_pool")]
    assert all((1 < factor < 4) if kind == "avg" else (0.25 < factor < 1) for factor in factors)
    assert len(set(factors)) == len(factors), "each pooling has its own"


def test_nothing_to_swap_changes_nothing():
    model = random_network(keras.layers.MaxPooling2D)
    assert repooled(model, None, unchanged) is model
    assert repooled(model, "max", unchanged) is model


def test_the_pooling_that_is_meant_is_done(rng):
    original = random_network(keras.layers.MaxPooling2D, depth=1)
    swapped = repooled(original, "avg", unchanged)
    pixels = rng.random((1, 8, 8, 3), np.float32)
    before = keras.Model(original.input, original.get_layer("block1_conv1").output)(pixels)
    factor = swapped.get_layer("block1_pool").factor
    expected = keras.ops.convert_to_numpy(before).reshape(1, 4, 2, 4, 2, 8).mean((2, 4)) * factor
    np.testing.assert_allclose(keras.ops.convert_to_numpy(swapped(pixels)), expected, rtol=1e-4, atol=1e-6)


def test_factors_are_the_same_every_time():
    model = random_network(keras.layers.AveragePooling2D)
    first, second = (repooled(model, "max", unchanged) for _ in range(2))
    assert [layer.get_config() for layer in first.layers] == [layer.get_config() for layer in second.layers]


def test_the_swapped_network_can_be_saved(tmp_path, rng):
    swapped = repooled(random_network(keras.layers.MaxPooling2D), "avg", unchanged)
    swapped.save(tmp_path / "swapped.keras")
    pixels = rng.random((1, 16, 16, 3), np.float32)
    again = keras.saving.load_model(tmp_path / "swapped.keras")
    ours, theirs = (keras.ops.convert_to_numpy(model(pixels)) for model in (again, swapped))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_noise_has_the_moments_and_the_spectrum_of_photographs():
    noise = natural_noise(256)
    assert noise.shape == (1, 256, 256, 3)
    assert 0.4 < noise.mean() < 0.5
    assert 0.2 < noise.std() < 0.27
    amplitude = np.abs(np.fft.rfft2(noise[0].mean(-1)))
    slope = np.log(amplitude[1:3, 1:3].mean() / amplitude[32:64, 32:64].mean()) / np.log(48 / 1.5)
    assert 1.25 < slope < 1.75
