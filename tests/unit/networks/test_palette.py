import keras
import numpy as np
import pytest
import tensorflow as tf

from styler.networks import preprocess as p
from styler.networks.compact import to_inputs
from styler.networks.geometry import geometry_of
from styler.networks.palette import AXES, BINS, with_palette
from support.networks import tiny_model

PREPROCESSINGS = (to_inputs, p.caffe, p.signed, p.bytes_range, p.standardized, p.unchanged)
COLORS = np.random.default_rng(5).random((1, 6, 8, 3), np.float32)


def counted(image, preprocess=to_inputs):
    model = keras.Model(tiny_model().input, [tiny_model().get_layer("block1_conv1").output])
    return np.asarray(with_palette(model, preprocess)(preprocess(tf.constant(image)))[-1])


def uniform(color):
    return np.broadcast_to(np.float32(color), (1, 32, 32, 3)).copy()


@pytest.mark.parametrize("preprocess", PREPROCESSINGS, ids=lambda function: function.__name__)
def test_a_color_falls_into_the_bins_around_it_whatever_the_networks_units(preprocess):
    color = np.array([0.3, 0.55, 0.9])
    bins = counted(uniform(color), preprocess)[0, 0, 0].reshape(AXES.shape[1], BINS)
    centers = np.linspace(0, 1, BINS)
    wanted = np.maximum(0, 1 - np.abs((color @ AXES)[:, None] - centers) * (BINS - 1))
    np.testing.assert_allclose(bins, wanted, atol=2e-4)


def test_every_color_counts_once_along_each_axis():
    image = np.kron(COLORS, np.ones((1, 2, 2, 1), np.float32))
    bins = counted(image).reshape(-1, AXES.shape[1], BINS)
    np.testing.assert_allclose(bins.sum(-1), 1, atol=1e-4)


def test_two_by_two_pixels_are_averaged_first():
    image = np.zeros((1, 32, 32, 3), np.float32)
    image[:, ::2, ::2] = 1.0
    np.testing.assert_allclose(counted(image), counted(uniform([0.25, 0.25, 0.25])), atol=1e-5)


def test_distributions_of_equal_mean_and_variance_differ():
    skewed = np.where(np.random.default_rng(0).random((1, 64, 64, 1)) < 0.2, 0.9, 0.4) * np.ones(3)
    mirrored = 2 * skewed.mean() - skewed
    first, second = (counted(np.float32(each).repeat(2, 1).repeat(2, 2)).mean((0, 1, 2)) for each in (skewed, mirrored))
    assert abs(skewed.std() - mirrored.std()) < 1e-9
    assert np.abs(first - second).max() > 0.1


def test_positions_are_those_of_a_stride_of_two():
    model = with_palette(tiny_model(), to_inputs)
    seen = geometry_of(model)[id(model.outputs[-1])]
    assert (seen.stride, seen.field, seen.whole) == (2, 2, False)


def test_the_models_own_outputs_stay_the_same():
    image = np.random.default_rng(0).random((1, 32, 48, 3), np.float32)
    model = tiny_model()
    np.testing.assert_array_equal(np.asarray(with_palette(model, to_inputs)(image)[0]), np.asarray(model(image)))
