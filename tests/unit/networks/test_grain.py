import keras
import numpy as np
import pytest
import scipy.fft
import tensorflow as tf

from styler.networks import preprocess as p
from styler.networks.compact import to_inputs
from styler.networks.geometry import geometry_of
from styler.networks.grain import LUMA, SIDE, patterns, with_grain
from support.networks import tiny_model

PREPROCESSINGS = (to_inputs, p.caffe, p.signed, p.bytes_range, p.standardized, p.unchanged)
NOISE = np.random.default_rng(5).random((1, 32, 48, 3), np.float32)


def seen(image, preprocess=to_inputs):
    model = keras.Model(tiny_model().input, [tiny_model().get_layer("block1_conv1").output])
    return np.asarray(with_grain(model, preprocess)(preprocess(tf.constant(np.float32(image))))[-1])


def test_patterns_are_those_of_the_cosine_transform_times_their_frequency():
    made = patterns()
    assert made.shape == (SIDE, SIDE, SIDE**2 - 1)
    for index, (down, right) in enumerate(np.argwhere(np.ones((SIDE, SIDE)))[1:]):
        unit = np.zeros((SIDE, SIDE))
        unit[down, right] = 1
        wanted = scipy.fft.idctn(unit, norm="ortho") * np.hypot(down, right)
        np.testing.assert_allclose(made[..., index], wanted, atol=1e-12)


@pytest.mark.parametrize("preprocess", PREPROCESSINGS, ids=lambda function: function.__name__)
def test_luma_is_seen_in_every_pattern_whatever_the_networks_units(preprocess):
    luma = np.pad(NOISE[0] @ LUMA, 1, mode="reflect")
    around = np.lib.stride_tricks.sliding_window_view(luma, (SIDE, SIDE))
    wanted = np.einsum("hwab,abk->hwk", around, patterns())
    np.testing.assert_allclose(seen(NOISE, preprocess)[0], wanted, atol=1e-3)


def test_flat_areas_and_plain_color_have_none():
    np.testing.assert_allclose(seen(np.full((1, 32, 32, 3), 0.3)), 0, atol=1e-5)
    gray = np.zeros((1, 32, 32, 3))
    gray[..., ::2, 0], gray[..., ::2, 1] = 0.587, 0.0
    gray[..., 1::2, 1] = 0.299  # as light as its neighbors
    np.testing.assert_allclose(seen(gray), 0, atol=1e-5)


def test_lines_and_grain_of_one_energy_differ():
    random = np.random.default_rng(0)
    woven = random.standard_normal((1, 96, 1, 1)) * np.ones((1, 1, 96, 3)) * 0.1
    woven = (woven + woven.swapaxes(1, 2)) / np.sqrt(2)
    even = random.standard_normal((1, 96, 96, 1)) * np.ones(3) * 0.1
    energy = [np.square(seen(0.5 + each)).mean((0, 1, 2)) for each in (woven, even)]
    assert abs(woven.std() / even.std() - 1) < 0.2
    slanted = [pair for pair, (down, right) in enumerate(np.argwhere(np.ones((3, 3)))[1:]) if down and right]
    assert energy[0][slanted].max() < 0.02 * energy[1][slanted].min()


def test_positions_are_those_of_the_pixels():
    model = with_grain(tiny_model(), to_inputs)
    found = geometry_of(model)[id(model.outputs[-1])]
    assert (found.stride, found.field, found.whole) == (1, 3, False)
    assert seen(NOISE).shape == (1, 32, 48, 8)


def test_the_models_own_outputs_stay_the_same():
    model = tiny_model()
    np.testing.assert_array_equal(np.asarray(with_grain(model, to_inputs)(NOISE)[0]), np.asarray(model(NOISE)))
