"""Enlargement against its definition, and what the smooth filter is for: no pattern of two positions is left."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from styler.networks.filtered_upsampling import BILINEAR, SMOOTH, FilteredUpSampling2D
from styler.networks.geometry import geometry_of


def enlarged(image, filter):
    return FilteredUpSampling2D(filter)(np.float32(image)[None]).numpy()[0]


def test_bilinear_is_that_of_tensorflow_inside(rng):
    image = np.float32(rng.random((5, 7, 3)))
    expected = tf.image.resize(image, (10, 14)).numpy()
    np.testing.assert_allclose(enlarged(image, BILINEAR)[1:-1, 1:-1], expected[1:-1, 1:-1], rtol=1e-5)


@pytest.mark.parametrize("filter", [BILINEAR, SMOOTH])
def test_flat_stays_flat_and_a_slope_stays_straight(filter):
    np.testing.assert_allclose(enlarged(np.full((5, 4, 1), 0.3), filter), 0.3, rtol=1e-6)
    slope = enlarged(np.arange(12.0)[:, None, None] * np.ones((1, 12, 1)), filter)[6:-6, 6, 0]
    np.testing.assert_allclose(np.diff(slope), 0.5, rtol=1e-5)


def test_the_smooth_filter_removes_what_alternates():
    rows, columns = np.mgrid[:12, :12]
    for pattern in ((-1.0) ** rows, (-1.0) ** columns, (-1.0) ** (rows + columns)):
        assert abs(enlarged(pattern[..., None], SMOOTH)[4:-4, 4:-4]).max() < 1e-6
        assert abs(enlarged(pattern[..., None], BILINEAR)[4:-4, 4:-4]).max() > 0.2


@pytest.mark.parametrize("filter", [BILINEAR, SMOOTH])
def test_geometry_and_shape(filter):
    model = keras.Sequential([keras.Input((None, None, 2)), FilteredUpSampling2D(filter)])
    geometry = geometry_of(model)[id(model.outputs[0])]
    assert geometry.stride == 1 / 2
    image = np.zeros((1, 16, 16, 2), np.float32)
    image[0, 8, 8] = 1
    moved = np.argwhere(model(image).numpy()[0, :, :, 0]).T[0]
    for position in moved:
        assert position / 2 + geometry.vertical.low <= 8 <= position / 2 + geometry.vertical.high
    assert model.compute_output_shape((1, 5, 6, 2)) == (1, 10, 12, 2)


def test_it_is_saved_with_its_filter():
    layer = FilteredUpSampling2D(SMOOTH)
    assert FilteredUpSampling2D.from_config(layer.get_config()).filter == SMOOTH
